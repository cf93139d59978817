//! fjall, <https://crates.io/crates/fjall>.

use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use fjall::config::CompressionPolicy;
use fjall::{CompressionType, Database, Keyspace, KeyspaceCreateOptions};

use crate::engine::{Engine, LogClass, Options};

/// A fjall database with one keyspace.
pub struct Fjall {
    database: Database,
    keyspace: Keyspace,
}

impl Fjall {
    /// An empty database.
    pub fn open(directory: &Path, options: &Options) -> Result<Self> {
        // A put hands the journal to the operating system unless that is left to the user. It is synced
        // only when a memtable is sealed, as TinyDB's log is.
        let is_buffered = options.log == LogClass::Buffered;
        let database = Database::builder(directory)
            .cache_size(options.cache)
            .journal_compression(CompressionType::None)
            .manual_journal_persist(is_buffered)
            .open()?;
        let keyspace = database.keyspace("default", || {
            KeyspaceCreateOptions::default()
                .max_memtable_size(options.memtable as u64)
                .data_block_compression_policy(CompressionPolicy::disabled())
                .manual_journal_persist(is_buffered)
        })?;
        Ok(Self { database, keyspace })
    }
}

impl Engine for Fjall {
    fn put(&self, key: &[u8], value: &[u8]) -> Result<()> {
        Ok(self.keyspace.insert(key, value)?)
    }

    fn get(&self, key: &[u8], value: &mut Vec<u8>) -> Result<bool> {
        let found = self.keyspace.get(key)?;
        value.clear();
        value.extend_from_slice(found.as_deref().unwrap_or_default());
        Ok(found.is_some())
    }

    fn settle(&self) -> Result<()> {
        self.keyspace.rotate_memtable_and_wait()?;
        let mut quiet = 0;
        // A flush may start a compaction a moment later.
        while quiet < 10 {
            thread::sleep(Duration::from_millis(10));
            let is_busy =
                self.database.outstanding_flushes() > 0 || self.database.active_compactions() > 0;
            quiet = if is_busy { 0 } else { quiet + 1 };
        }
        Ok(())
    }
}
