//! A database that runs: its shared part and its threads.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crate::error::{Error, Result};
use crate::storage::WalStore;

use super::db_inner::{DbInner, Writer, locked};
use super::{compaction_worker, flusher, garbage, wal_flusher};

/// What the clones of a [`Db`](super::Db) and its snapshots share. When the last of them is dropped,
/// the database is closed.
#[derive(Debug)]
pub(super) struct Handle {
    pub(super) inner: Arc<DbInner>,
    /// The WAL's segments, and with them the lock on a directory; `None` when the database is closed.
    wal_store: Mutex<Option<Arc<dyn WalStore>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Handle {
    /// Starts the threads of a database.
    pub(super) fn start(inner: DbInner, wal_store: Arc<dyn WalStore>) -> Result<Self> {
        let inner = Arc::new(inner);
        let threads = Mutex::new(Vec::new());
        // From here on, an error closes what was started already.
        let handle = Self { inner, wal_store: Mutex::new(Some(Arc::clone(&wal_store))), threads };
        let inner = &handle.inner;
        handle.add(flusher::spawn(Arc::clone(inner), Arc::clone(&wal_store))?);
        handle.add(wal_flusher::spawn(Arc::clone(inner), &*wal_store)?);
        compaction_worker::spawn(inner)?.into_iter().for_each(|thread| handle.add(thread));
        garbage::spawn(inner, wal_store)?.into_iter().for_each(|thread| handle.add(thread));
        Ok(handle)
    }

    fn add(&self, thread: JoinHandle<()>) {
        locked(&self.threads).push(thread);
    }

    /// Writes out what is buffered, durably if `sync` says so, and ends the threads. A compaction that
    /// runs is cancelled. Later calls do nothing.
    pub(super) fn shut_down(&self, sync: bool) -> Result<()> {
        let inner = &self.inner;
        inner.closed.store(true, Ordering::Release);
        inner.compactions.stop();
        inner.garbage_collection.stop();
        // A write that waits for room has written nothing yet, and holds the writer.
        inner.flushes.wake();
        // Waits for the write that is under way. A writer that panicked writes nothing more.
        let writer = match inner.writer.lock() {
            Ok(mut writer) => writer.take(),
            Err(poisoned) => poisoned.into_inner().take().and(None),
        };
        let written = writer.map_or(Ok(()), |writer| self.write_out(writer, sync));
        inner.commits.stop();
        inner.flushes.stop();
        let threads = std::mem::take(&mut *locked(&self.threads));
        for thread in threads {
            // It has said why it panicked, if it did.
            let _ = thread.join();
        }
        locked(&self.wal_store).take();
        written
    }

    /// The WAL's segments, if the database is open.
    pub(super) fn wal_store(&self) -> Result<Arc<dyn WalStore>> {
        locked(&self.wal_store).clone().ok_or(Error::Closed)
    }

    /// On an object store, nothing is there before it is synced.
    fn write_out(&self, mut writer: Writer, sync: bool) -> Result<()> {
        if !sync && self.inner.flush_interval(&*writer.wal_store).is_none() {
            return writer.wal.flush();
        }
        writer.wal.finish()?;
        self.inner.commits.committed(writer.last_seq);
        Ok(())
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // There is nobody to tell about an error.
        let _ = self.shut_down(false);
    }
}
