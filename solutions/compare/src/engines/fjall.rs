//! fjall, <https://crates.io/crates/fjall>.

use std::ops::ControlFlow;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use fjall::config::{BloomConstructionPolicy, CompressionPolicy, FilterPolicy, FilterPolicyEntry};
use fjall::{CompressionType, Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use crate::engine::{Engine, LogClass, Options, Visit};

/// A fjall database with one keyspace.
pub struct Fjall {
    database: Database,
    keyspace: Keyspace,
    log: LogClass,
}

impl Fjall {
    /// The database in a directory.
    pub fn open(directory: &Path, options: &Options) -> Result<Self> {
        // A put hands the journal to the operating system unless that is left to the user. It is synced
        // only when a memtable is sealed, as TinyDB's log is, or when it is asked for.
        let by_hand = options.log != LogClass::Os;
        let database = Database::builder(directory)
            .cache_size(options.cache as u64)
            .journal_compression(CompressionType::None)
            .manual_journal_persist(by_hand)
            .open()?;
        let filter = FilterPolicyEntry::Bloom(BloomConstructionPolicy::BitsPerKey(10.0));
        let keyspace = database.keyspace("default", || {
            KeyspaceCreateOptions::default()
                .max_memtable_size(options.memtable as u64)
                .filter_policy(FilterPolicy::all(filter))
                .data_block_compression_policy(CompressionPolicy::disabled())
                .manual_journal_persist(by_hand)
        })?;
        Ok(Self { database, keyspace, log: options.log })
    }
}

impl Engine for Fjall {
    fn put(&self, key: &[u8], value: &[u8]) -> Result<()> {
        self.keyspace.insert(key, value)?;
        if self.log == LogClass::Sync {
            self.database.persist(PersistMode::SyncAll)?;
        }
        Ok(())
    }

    fn get(&self, key: &[u8], value: &mut Vec<u8>) -> Result<bool> {
        let found = self.keyspace.get(key)?;
        value.clear();
        value.extend_from_slice(found.as_deref().unwrap_or_default());
        Ok(found.is_some())
    }

    fn scan(&self, from: &[u8], visit: &mut Visit<'_>) -> Result<()> {
        for row in self.keyspace.range(from..) {
            let (key, value) = row.into_inner()?;
            if visit(&key, &value) == ControlFlow::Break(()) {
                break;
            }
        }
        Ok(())
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

    fn tables(&self) -> Result<usize> {
        Ok(self.keyspace.table_count())
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(self.database.persist(PersistMode::SyncAll)?)
    }
}
