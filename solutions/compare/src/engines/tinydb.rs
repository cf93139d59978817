//! TinyDB. The module around this one says which crate it is: the reference, or the reader's.

use std::ops::ControlFlow;
use std::sync::Arc;

use anyhow::{Result, bail};

use crate::engine::{Engine, LogClass, Options, Place, Visit};

use super::engine::object_store::MemoryObjectStore;
use super::engine::storage::{Durability, MemoryWalStore};
use super::engine::{Db, DbBuilder, Settings};

/// A store in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    objects: Arc<MemoryObjectStore>,
    wal: MemoryWalStore,
}

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
        if options.compaction {
            bail!("TinyDB has no compactor yet");
        }
        let settings = Settings {
            l0_sst_size_bytes: options.memtable,
            max_unflushed_bytes: 4 * options.memtable,
            durability,
            ..Settings::default()
        };
        Ok(Self(builder(place).with_settings(settings).build()?))
    }
}

fn builder(place: &Place) -> DbBuilder {
    match place {
        Place::Directory(directory) => Db::builder(directory),
        Place::Memory(stores) => {
            let MemoryStore { objects, wal } = super::memory(stores);
            DbBuilder::in_memory()
                .with_object_store(Arc::clone(objects) as _)
                .with_wal_store(Arc::new(wal.clone()))
        }
    }
}

impl Engine for TinyDb {
    fn put(&self, key: &[u8], value: &[u8]) -> Result<()> {
        Ok(self.0.put(key, value)?)
    }

    fn get(&self, key: &[u8], value: &mut Vec<u8>) -> Result<bool> {
        let found = self.0.get(key)?;
        value.clear();
        value.extend_from_slice(found.as_deref().unwrap_or_default());
        Ok(found.is_some())
    }

    fn scan(&self, visit: &mut Visit<'_>) -> Result<()> {
        for row in self.0.scan(..)? {
            let row = row?;
            if visit(&row.key, &row.value) == ControlFlow::Break(()) {
                break;
            }
        }
        Ok(())
    }

    fn settle(&self) -> Result<()> {
        Ok(self.0.flush()?)
    }

    fn tables(&self) -> Result<usize> {
        let stats = self.0.stats()?;
        Ok(stats.l0_ssts + stats.sorted_runs)
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(self.0.close()?)
    }
}
