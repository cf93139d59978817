//! `std::sync`.

mod condvar;
mod mutex;

pub use ::std::sync::*;
pub use shuttle::sync::{
    Barrier, BarrierWaitResult, Once, OnceState, RwLock, RwLockReadGuard, RwLockWriteGuard, mpsc,
};

pub use condvar::{Condvar, WaitTimeoutResult};
pub use mutex::{Mutex, MutexGuard};

/// `std::sync::atomic`.
pub mod atomic {
    pub use ::std::sync::atomic::*;
    pub use shuttle::sync::atomic::{
        AtomicBool, AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicIsize, AtomicPtr, AtomicU8,
        AtomicU16, AtomicU32, AtomicU64, AtomicUsize, fence,
    };
}
