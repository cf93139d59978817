//! The database, as its users see it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::compaction::Garbage;
use crate::error::{Error, Result};
use crate::iter::{BytesRange, DbIterator};
use crate::optimize::WriteHandle;

use super::builder::DbBuilder;
use super::compactions::RunningCompaction;
use super::handle::Handle;
use super::options::WriteOptions;
use super::snapshot::Snapshot;
use super::stats::Stats;
use super::trace::Trace;
use super::write_batch::WriteBatch;

/// A database of keys and values, both any bytes: keys of 1 to 65,535 of them, values of up to 4
/// GiB - 1.
///
/// It is used through `&self` by any number of threads; clones are handles of the same database.
/// When the last is dropped, the database is closed, without a word about errors: [`Db::close`]
/// tells them.
///
/// Every method fails with [`Error::Closed`] when the database was closed,
/// and with [`Error::Fenced`] once this writer knows that another has taken
/// over.
///
/// SlateDB: `Db` in `src/db.rs`. What both have is named alike, and is async there, except `snapshot`.
#[derive(Debug, Clone)]
pub struct Db {
    handle: Arc<Handle>,
}

impl Db {
    /// Opens the database in a directory, with the default settings, and makes it if there is none.
    /// [`Error::Locked`] if it is open already, here or in another process.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self> {
        DbBuilder::new(directory).build()
    }

    /// Opens the database in a directory, with other settings.
    pub fn builder(directory: impl Into<PathBuf>) -> DbBuilder {
        DbBuilder::new(directory)
    }

    /// A database that runs.
    pub(super) fn new(handle: Handle) -> Self {
        Self { handle: Arc::new(handle) }
    }

    /// Gives a key a value.
    pub fn put(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<WriteHandle> {
        let mut batch = WriteBatch::new();
        batch.put(key, value);
        self.write(batch)
    }

    /// Deletes a key, which need not exist.
    pub fn delete(&self, key: impl AsRef<[u8]>) -> Result<WriteHandle> {
        let mut batch = WriteBatch::new();
        batch.delete(key);
        self.write(batch)
    }

    /// Changes a key's value by a merge operand, without reading it. What the operand means is said by
    /// the database's [`MergeOperator`](crate::merge::MergeOperator), when the key is read or its rows
    /// are flushed. [`Error::MergeOperatorMissing`] without one.
    pub fn merge(&self, key: impl AsRef<[u8]>, operand: impl AsRef<[u8]>) -> Result<WriteHandle> {
        let mut batch = WriteBatch::new();
        batch.merge(key, operand);
        self.write(batch)
    }

    /// Applies a batch, with the durability in the settings.
    pub fn write(&self, batch: WriteBatch) -> Result<WriteHandle> {
        self.write_with_options(batch, &WriteOptions::default())
    }

    /// Applies a batch: all of it or, if this fails, nothing. When it returns, the batch has the
    /// durability that was asked for, as has every write before it; and every read that begins
    /// later sees it. A batch without writes does nothing.
    ///
    /// Whatever was asked for, the handle can be waited on until the write is durable
    /// ([`Durability::Sync`](crate::storage::Durability)). Writers that wait at the same time share one sync of the WAL. A reader
    /// may see a write before it is durable.
    ///
    /// May wait for room: see
    /// [`Settings::max_unflushed_bytes`](super::Settings::max_unflushed_bytes).
    ///
    /// If writing to the log fails, nobody sees the batch as long as the database is open; whether
    /// it is there when the database is opened again is not known
    /// ([`Error::WalFailed`] from then on). If the sync fails, the batch is seen, and the same holds
    /// ([`Error::NotDurable`], then `WalFailed`).
    pub fn write_with_options(
        &self,
        batch: WriteBatch,
        options: &WriteOptions,
    ) -> Result<WriteHandle> {
        let inner = &self.handle.inner;
        inner.check_open()?;
        if batch.is_empty() {
            return Ok(WriteHandle::new(Arc::clone(&inner.commits), 0));
        }
        if let Some(key) = batch.first_merge().filter(|_| inner.merge_operator.is_none()) {
            return Err(Error::MergeOperatorMissing { key: key.clone() });
        }
        inner.write_shared(batch, options.durability.unwrap_or(inner.settings.durability))
    }

    /// The value of a key; `None` if it has none or was deleted. If its operands can't be merged,
    /// [`Error::MergeFailed`].
    ///
    /// The value may be a part of the block that it was read from, about 4 KiB, and keep that in memory. Copy
    /// what you keep for long.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Bytes>> {
        self.handle.inner.get(key.as_ref(), None)
    }

    /// The keys of a range and their values, in key order: `db.scan("a".."c")`, `db.scan(..)`.
    ///
    /// Shows the database as it is now, whatever is written while the caller iterates.
    ///
    /// A long scan reads many blocks at once, up to [`MAX_BLOCKS`](crate::storage::ReadAhead::MAX_BLOCKS), and a
    /// key or value that is kept may keep all of them in memory. Copy what you keep for long.
    pub fn scan(&self, range: impl Into<BytesRange>) -> Result<DbIterator> {
        self.handle.inner.scan(&range.into(), None)
    }

    /// The keys that start with `prefix` and their values, in key order.
    pub fn scan_prefix(&self, prefix: impl AsRef<[u8]>) -> Result<DbIterator> {
        self.scan(BytesRange::from_prefix(prefix.as_ref()))
    }

    /// The database as it is now, to be read for as long as it is held.
    pub fn snapshot(&self) -> Result<Snapshot> {
        self.handle.inner.check_open()?;
        Ok(Snapshot::new(Arc::clone(&self.handle)))
    }

    /// Writes every row into an SST that is not in one yet, and waits until that is done. If it fails
    /// ([`Error::FlushFailed`]), nothing is lost, and the next call tries again.
    ///
    /// SlateDB: `Db::flush_with_options` with `FlushType::MemTable`; its `Db::flush` makes only the
    /// WAL durable.
    pub fn flush(&self) -> Result<()> {
        self.handle.inner.flush()
    }

    /// Merges everything into one sorted run, without the tombstones that hide nothing and without
    /// what no snapshot needs; and waits until that is done. If there is one run already and nothing
    /// in level 0, it stays as it is. The compactions that run are waited for. It can be watched, and
    /// cancelled ([`Error::Cancelled`]), by [`Db::compactions`].
    pub fn compact(&self) -> Result<()> {
        self.handle.inner.check_open()?;
        self.handle.inner.compact_all()
    }

    /// The compactions that run now: what they merge, and how far they are.
    pub fn compactions(&self) -> Vec<RunningCompaction> {
        self.handle.inner.compactions.running()
    }

    /// The files that nobody needs and that are older than `min_age`: what
    /// [`Db::collect_garbage`] would delete.
    pub fn find_garbage(&self, min_age: Duration) -> Result<Garbage> {
        self.handle.inner.find_garbage(min_age)
    }

    /// Deletes the files that nobody needs and that are older than `min_age`, and says which. It is
    /// done in the background too: see
    /// [`Settings::garbage_collector_options`](super::Settings::garbage_collector_options).
    ///
    /// Nothing that a snapshot, an iterator, a flush or a compaction of this database needs is ever
    /// deleted, however short `min_age` is. It protects what *another* process, which is just
    /// opening the database, reads and writes.
    pub fn collect_garbage(&self, min_age: Duration) -> Result<Garbage> {
        self.handle.inner.check_open()?;
        self.handle.inner.collect_garbage(&*self.handle.wal_store()?, min_age)
    }

    /// Figures about the database.
    pub fn stats(&self) -> Result<Stats> {
        self.handle.inner.check_open()?;
        Ok(self.handle.inner.stats())
    }

    /// The record of what the database does.
    pub fn trace(&self) -> &Trace {
        &self.handle.inner.trace
    }

    /// Closes the database: makes every write durable
    /// ([`Durability::Sync`](crate::storage::Durability)), cancels compactions, ends the threads, and unlocks the directory. What is in memtables stays in the WAL, from which the next opening recovers it.
    ///
    /// Closing twice does nothing. If it fails, the database is closed all the same.
    pub fn close(&self) -> Result<()> {
        self.handle.shut_down(true)
    }
}
