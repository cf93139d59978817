//! Your tests for the bug hunt: `cargo course bughunt 4` runs them against planted bugs. The page
//! *Testing and debugging* of the book says how to go about it.
//!
//! Two databases to begin with; write the tests below them.
#![allow(dead_code, reason = "until your first test uses them")]

use std::sync::Arc;

use week4::object_store::MemoryObjectStore;
use week4::storage::MemoryWalStore;
use week4::{Db, Result, Settings};

// ANCHOR: tiny
/// A database in memory whose memtable is full after a few rows, so that it flushes all the time.
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
        let settings = Settings { l0_sst_size_bytes: 200, ..Settings::default() };
        let builder = Db::builder("in memory").with_settings(settings);
        builder
            .with_object_store(self.objects.clone())
            .with_wal_store(Arc::new(self.wal.clone()))
            .build()
    }
}
// ANCHOR_END: tiny
