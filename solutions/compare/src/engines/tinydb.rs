//! TinyDB. The module around this one says which crate it is: the reference, or the reader's.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::Result;

use crate::engine::{Engine, LogClass, Options, Place, Visit};

use super::engine::db::{CompactorOptions, GarbageCollectorOptions};
use super::engine::merge::CounterMergeOperator;
use super::engine::object_store::MemoryObjectStore;
use super::engine::storage::Durability;
use super::engine::{Db, DbBuilder, Settings};

/// A store in memory.
pub type MemoryStore = Arc<MemoryObjectStore>;

/// A TinyDB database.
#[derive(Debug)]
pub struct TinyDb(Db);

impl TinyDb {
    /// The database at a place.
    pub fn open(place: &Place, options: &Options) -> Result<Self> {
        let durability = match options.log {
            LogClass::Buffered => Durability::Buffered,
            LogClass::Os => Durability::Os,
            LogClass::Sync => Durability::Sync,
        };
        let settings = Settings {
            l0_sst_size_bytes: options.memtable,
            max_unflushed_bytes: 4 * options.memtable,
            block_cache_bytes: options.cache,
            // Every SST has a filter.
            min_filter_keys: 1,
            durability,
            compactor_options: options.compaction.then(CompactorOptions::default),
            // No other process reads here, and what this one needs is pinned. fjall deletes at once.
            garbage_collector_options: options.compaction.then_some(GarbageCollectorOptions {
                interval: Duration::from_secs(1),
                min_age: Duration::ZERO,
            }),
            ..Settings::default()
        };
        let mut builder = builder(place).with_settings(settings);
        if options.counters {
            builder = builder.with_merge_operator(Arc::new(CounterMergeOperator));
        }
        Ok(Self(builder.build()?))
    }
}

fn builder(place: &Place) -> DbBuilder {
    match place {
        Place::Directory(directory) => Db::builder(directory),
        // The WAL is there too, as objects.
        Place::Memory(stores) => DbBuilder::on_object_store(Arc::clone(super::memory(stores)) as _),
    }
}

impl Engine for TinyDb {
    fn put(&self, key: &[u8], value: &[u8]) -> Result<()> {
        self.0.put(key, value)?;
        Ok(())
    }

    fn get(&self, key: &[u8], value: &mut Vec<u8>) -> Result<bool> {
        let found = self.0.get(key)?;
        value.clear();
        value.extend_from_slice(found.as_deref().unwrap_or_default());
        Ok(found.is_some())
    }

    fn scan(&self, from: &[u8], visit: &mut Visit<'_>) -> Result<()> {
        for row in self.0.scan(from..)? {
            let row = row?;
            if visit(&row.key, &row.value) == ControlFlow::Break(()) {
                break;
            }
        }
        Ok(())
    }

    fn add(&self, key: &[u8], number: u64) -> Result<()> {
        self.0.merge(key, number.to_be_bytes())?;
        Ok(())
    }

    fn settle(&self) -> Result<()> {
        self.0.flush()?;
        let mut quiet = 0;
        // The next compaction may begin a moment later.
        while quiet < 10 {
            thread::sleep(Duration::from_millis(10));
            let is_busy = self.0.stats()?.running_compactions > 0;
            quiet = if is_busy { 0 } else { quiet + 1 };
        }
        // At rest is when the collector has been there too.
        self.0.collect_garbage(Duration::ZERO)?;
        Ok(())
    }

    fn tables(&self) -> Result<usize> {
        let stats = self.0.stats()?;
        Ok(stats.l0_ssts + stats.sorted_run_ssts)
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(self.0.close()?)
    }
}
