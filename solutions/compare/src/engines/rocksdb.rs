//! RocksDB, <https://rocksdb.org>, through its bindings <https://crates.io/crates/rocksdb>.

use std::ops::ControlFlow;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use rocksdb::{
    BlockBasedOptions, Cache, DB, DBCompressionType, MergeOperands, ReadOptions, WriteOptions,
};

use crate::engine::{Engine, LogClass, Options, Visit};

/// A RocksDB database with its one column family.
pub struct RocksDb {
    database: DB,
    // Making them anew for each call would be on the clock.
    read_options: ReadOptions,
    write_options: WriteOptions,
    /// Whether numbers are added by a merge operand.
    counters: bool,
}

/// How many threads flush and compact, beside the caller's.
const BACKGROUND_JOBS: i32 = 2;

impl RocksDb {
    /// The database in a directory.
    pub fn open(directory: &Path, options: &Options) -> Result<Self> {
        let mut tables = BlockBasedOptions::default();
        tables.set_block_cache(&Cache::new_lru_cache(options.cache));
        tables.set_bloom_filter(10.0, false);
        let mut settings = rocksdb::Options::default();
        settings.create_if_missing(true);
        settings.set_write_buffer_size(options.memtable);
        settings.set_block_based_table_factory(&tables);
        settings.set_compression_type(DBCompressionType::None);
        settings.set_max_background_jobs(BACKGROUND_JOBS);
        settings.set_disable_auto_compactions(!options.compaction);
        // Its log is in a buffer of its own until that is flushed, or handed over at each write.
        settings.set_manual_wal_flush(options.log == LogClass::Buffered);
        if options.counters {
            settings.set_merge_operator_associative("add", sum);
        }
        let mut write_options = WriteOptions::default();
        write_options.set_sync(options.log == LogClass::Sync);
        Ok(Self {
            database: DB::open(&settings, directory)?,
            read_options: ReadOptions::default(),
            write_options,
            counters: options.counters,
        })
    }

    fn property(&self, name: &str) -> Result<u64> {
        let value = self.database.property_int_value(name)?;
        value.with_context(|| format!("RocksDB has no property {name}"))
    }
}

/// The sum of a counter's value and its operands; of those that are numbers.
fn sum(_key: &[u8], value: Option<&[u8]>, operands: &MergeOperands) -> Option<Vec<u8>> {
    let numbers = value.into_iter().chain(operands).map(|number| number.try_into().ok());
    let sum: Option<u64> = numbers.map(|number| number.map(u64::from_be_bytes)).sum();
    sum.map(|sum| sum.to_be_bytes().to_vec())
}

impl Engine for RocksDb {
    fn put(&self, key: &[u8], value: &[u8]) -> Result<()> {
        Ok(self.database.put_opt(key, value, &self.write_options)?)
    }

    fn get(&self, key: &[u8], value: &mut Vec<u8>) -> Result<bool> {
        let found = self.database.get_pinned_opt(key, &self.read_options)?;
        value.clear();
        value.extend_from_slice(found.as_deref().unwrap_or_default());
        Ok(found.is_some())
    }

    fn scan(&self, from: &[u8], visit: &mut Visit<'_>) -> Result<()> {
        let mut rows = self.database.raw_iterator();
        rows.seek(from);
        while let Some((key, value)) = rows.item() {
            if visit(key, value) == ControlFlow::Break(()) {
                break;
            }
            rows.next();
        }
        Ok(rows.status()?)
    }

    fn add(&self, key: &[u8], number: u64) -> Result<()> {
        anyhow::ensure!(self.counters, "the database was not opened for counters");
        Ok(self.database.merge_opt(key, number.to_be_bytes(), &self.write_options)?)
    }

    fn settle(&self) -> Result<()> {
        self.database.flush()?;
        let busy = ["rocksdb.num-running-flushes", "rocksdb.num-running-compactions"];
        let mut quiet = 0;
        // A flush may start a compaction a moment later.
        while quiet < 10 {
            thread::sleep(Duration::from_millis(10));
            let jobs: u64 = busy.iter().map(|name| self.property(name)).sum::<Result<_>>()?;
            quiet = if jobs > 0 { 0 } else { quiet + 1 };
        }
        Ok(())
    }

    fn tables(&self) -> Result<usize> {
        Ok(self.database.live_files()?.len())
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(self.database.flush_wal(true)?)
    }
}
