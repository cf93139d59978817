//! Your tests for the bug hunt: `cargo course bughunt 6` runs them against planted bugs. The page
//! *Testing and debugging* of the book says how to go about it.
//!
//! Two databases to begin with; write the tests below them. Other operators of week 6 can take the
//! place of the one that counts.
#![allow(dead_code, reason = "until your first test uses them")]

use std::sync::Arc;

use week6::merge::CounterMergeOperator;
use week6::object_store::MemoryObjectStore;
use week6::storage::MemoryWalStore;
use week6::{Db, Result, Settings};

// ANCHOR: tiny
/// A database in memory whose values are counters. It flushes when it is told to.
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
        let settings = Settings { compactor_options: None, ..Settings::default() };
        Db::builder("in memory")
            .with_object_store(self.objects.clone())
            .with_wal_store(Arc::new(self.wal.clone()))
            .with_settings(settings)
            .with_merge_operator(Arc::new(CounterMergeOperator))
            .build()
    }
}
// ANCHOR_END: tiny
