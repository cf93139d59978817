//! The standard library with shuttle's threads, locks and atomics in place of its own.
//!
//! A crate that depends on this one by the name `std` is compiled against it without a change: each of
//! its locks, waits and atomics is a place where the checker may let another thread run. Everything
//! else is the standard library's.
//!
//! What shuttle has not: a wait that ends early, by its timeout or for no reason ([`sync::Condvar`]).
//! What neither has: an order of memory other than the sequential one, see the folder's README.md.

pub use ::std::*;

pub mod sync;

/// `std::thread`; a sleep lets others run, and takes no time.
pub mod thread {
    pub use shuttle::thread::*;
}
