//! TinyDB.

use std::path::Path;

use anyhow::Result;
use tinydb::storage::Durability;
use tinydb::{Db, Settings};

use crate::engine::{Engine, LogClass, Options};

/// A TinyDB database.
#[derive(Debug)]
pub struct TinyDb(Db);

impl TinyDb {
    /// An empty database.
    pub fn open(directory: &Path, options: &Options) -> Result<Self> {
        let durability = match options.log {
            LogClass::Os => Durability::Os,
            LogClass::Buffered => Durability::Buffered,
        };
        let settings = Settings {
            l0_sst_size_bytes: options.memtable,
            max_unflushed_bytes: 4 * options.memtable,
            durability,
            ..Settings::default()
        };
        Ok(Self(Db::builder(directory).with_settings(settings).build()?))
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

    fn settle(&self) -> Result<()> {
        Ok(self.0.flush()?)
    }
}
