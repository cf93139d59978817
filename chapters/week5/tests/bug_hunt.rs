//! Your tests for the bug hunt: `cargo course bughunt 5` runs them against planted bugs. The page
//! *Testing and debugging* of the book says how to go about it.
//!
//! Two databases to begin with; write the tests below them. `Db::scan`, `Db::scan_prefix` and
//! `Db::snapshot` give you streams to look at; `DbIterator::seek` moves one.
#![allow(dead_code, reason = "until your first test uses them")]

use std::sync::Arc;

use week5::object_store::MemoryObjectStore;
use week5::storage::MemoryWalStore;
use week5::{Db, Result, Settings};

// ANCHOR: tiny
/// A database in memory whose memtable is full after some rows, and whose blocks hold a few.
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
            l0_sst_size_bytes: 20_000,
            sst_block_size: 64,
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
