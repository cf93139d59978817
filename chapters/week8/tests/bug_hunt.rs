//! Your tests for the bug hunt: `cargo course bughunt 8` runs them against planted bugs. The page *The
//! garbage collector* of the book says what they are about.
//!
//! Two databases to begin with; write the tests below them.
#![allow(dead_code, reason = "until your first test uses them")]

use std::sync::Arc;
use std::time::Duration;

use week8::db::CompactorOptions;
use week8::object_store::MemoryObjectStore;
use week8::storage::MemoryWalStore;
use week8::{Db, Result, Settings};

// ANCHOR: tiny
/// A database in memory that compacts all the time, into SSTs of a few rows.
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
        let compactor = CompactorOptions {
            max_sst_size: 100,
            retry_after: Duration::from_millis(5),
            ..CompactorOptions::default()
        };
        let settings = Settings {
            l0_sst_size_bytes: 200,
            sst_block_size: 64,
            block_cache_bytes: 0,
            compactor_options: Some(compactor),
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
