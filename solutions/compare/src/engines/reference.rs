//! The engine of the course.

use ::tinydb as engine;

#[path = "tinydb.rs"]
mod adapter;

pub use adapter::{MemoryStore, TinyDb};

use super::MemoryStores;

fn memory(stores: &MemoryStores) -> &MemoryStore {
    &stores.tinydb
}
