//! Your tests for the bug hunt: `cargo course bughunt 7` runs them against planted bugs. The page
//! *Testing and debugging* of the book says how to go about it.
//!
//! Two databases to begin with; write the tests below them. `Db::stats` says what the block cache did.
#![allow(dead_code, reason = "until your first test uses them")]

use std::sync::Arc;

use week7::object_store::MemoryObjectStore;
use week7::storage::MemoryWalStore;
use week7::{Db, Result, Settings};

// ANCHOR: tiny
/// A database in memory with small blocks, a filter for each SST, and a cache for some blocks.
fn tiny() -> Result<Db> {
    Disks::default().open()
}

/// What is left of a database when it is dropped: it can be opened again.
#[derive(Clone, Default)]
struct Disks {
    objects: Arc<MemoryObjectStore>,
    wal: MemoryWalStore,
}

impl Disks {
    fn open(&self) -> Result<Db> {
        let settings = Settings {
            sst_block_size: 512,
            min_filter_keys: 1,
            block_cache_bytes: 20_000,
            compactor_options: None,
            ..Settings::default()
        };
        Db::builder("in memory")
            .with_object_store(self.objects.clone())
            .with_wal_store(Arc::new(self.wal.clone()))
            .with_settings(settings)
            .build()
    }
}
// ANCHOR_END: tiny
