//! The same engine in a chapter crate, with the reader's code.

#[cfg(feature = "week3")]
use ::week3 as engine;
#[cfg(feature = "week4")]
use ::week4 as engine;
#[cfg(feature = "week5")]
use ::week5 as engine;
#[cfg(feature = "week6")]
use ::week6 as engine;
#[cfg(feature = "week7")]
use ::week7 as engine;
#[cfg(feature = "week8")]
use ::week8 as engine;

#[path = "tinydb.rs"]
mod adapter;

pub use adapter::{MemoryStore, TinyDb};

use super::MemoryStores;

fn memory(stores: &MemoryStores) -> &MemoryStore {
    &stores.mine
}
