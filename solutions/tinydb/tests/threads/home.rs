//! Databases that are always in the middle of something.

use std::sync::Arc;
use std::time::Duration;

use tinydb::compaction::SizeTieredCompactionOptions;
use tinydb::db::{CompactorOptions, GarbageCollectorOptions};
use tinydb::merge::ConcatMergeOperator;
use tinydb::object_store::MemoryObjectStore;
use tinydb::storage::MemoryWalStore;
use tinydb::{Db, DbBuilder, Settings};

/// Memtables of a few rows, SSTs of a few blocks, a block cache of a few blocks, and hardly any room
/// for what is not flushed.
pub fn settings() -> Settings {
    Settings {
        l0_sst_size_bytes: 150,
        max_unflushed_bytes: 600,
        l0_max_ssts: 3,
        sst_block_size: 64,
        min_filter_keys: 1,
        block_cache_bytes: 1500,
        compactor_options: Some(CompactorOptions {
            max_concurrent_compactions: 2,
            max_sst_size: 200,
            size_tiered: SizeTieredCompactionOptions {
                min_compaction_sources: 2,
                ..SizeTieredCompactionOptions::default()
            },
            ..CompactorOptions::default()
        }),
        garbage_collector_options: Some(GarbageCollectorOptions {
            interval: Duration::from_millis(1),
            min_age: Duration::ZERO,
        }),
        ..Settings::default()
    }
}

/// Where a database is, so that it can be opened again. Everything is in memory.
#[derive(Debug, Default)]
pub struct Home {
    objects: Arc<MemoryObjectStore>,
    /// The WAL as files; otherwise as objects, which wait some time until they are put.
    wal: Option<MemoryWalStore>,
}

impl Home {
    pub fn in_memory() -> Self {
        Self { wal: Some(MemoryWalStore::new()), ..Self::default() }
    }

    pub fn on_object_store() -> Self {
        Self::default()
    }

    pub fn open(&self, settings: Settings) -> Db {
        let objects = Arc::<MemoryObjectStore>::clone(&self.objects);
        let Some(wal) = self.wal.clone() else {
            let settings = Settings { flush_interval: Some(Duration::from_millis(1)), ..settings };
            return open(DbBuilder::on_object_store(objects), settings);
        };
        open(Db::builder("").with_object_store(objects).with_wal_store(Arc::new(wal)), settings)
    }
}

/// With operands that append.
pub fn open(builder: DbBuilder, settings: Settings) -> Db {
    let operator = Arc::new(ConcatMergeOperator::new());
    builder.with_merge_operator(operator).with_settings(settings).build().expect("a database")
}
