//! A database that runs: its shared part and its threads.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::error::Result;
use crate::storage::WalStore;

use super::db_inner::{DbInner, Writer};
use super::{compaction_worker, flusher, garbage, wal_flusher};

/// What the clones of a [`Db`](super::Db) and its snapshots share. When the last of them is dropped,
/// the database is closed.
#[derive(Debug)]
pub(super) struct Handle {
    pub(super) inner: Arc<DbInner>,
    pub(super) wal_store: Arc<dyn WalStore>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Handle {
    /// Starts the threads of a database.
    pub(super) fn start(inner: DbInner, wal_store: Arc<dyn WalStore>) -> Result<Self> {
        let inner = Arc::new(inner);
        let threads = Mutex::new(Vec::new());
        // From here on, an error closes what was started already.
        let handle = Self { inner, wal_store, threads };
        let (inner, wal_store) = (&handle.inner, &handle.wal_store);
        handle.add(flusher::spawn(Arc::clone(inner), Arc::clone(wal_store))?);
        handle.add(wal_flusher::spawn(Arc::clone(inner), &**wal_store)?);
        compaction_worker::spawn(inner)?.into_iter().for_each(|thread| handle.add(thread));
        garbage::spawn(inner, Arc::clone(wal_store))?.into_iter().for_each(|it| handle.add(it));
        Ok(handle)
    }

    fn add(&self, thread: JoinHandle<()>) {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
    }

    /// Writes out what is buffered, durably if `sync` says so, and ends the threads. A compaction that
    /// runs is cancelled. Later calls do nothing.
    pub(super) fn shut_down(&self, sync: bool) -> Result<()> {
        let inner = &self.inner;
        inner.closed.store(true, Ordering::Release);
        inner.compactions.stop();
        inner.garbage_collection.stop();
        // Waits for the write that is under way. A writer that panicked writes nothing more.
        let writer = match inner.writer.lock() {
            Ok(mut writer) => writer.take(),
            Err(poisoned) => poisoned.into_inner().take().and(None),
        };
        let written = writer.map_or(Ok(()), |writer| self.write_out(writer, sync));
        inner.commits.stop();
        inner.flushes.stop();
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // It has said why it panicked, if it did.
            let _ = thread.join();
        }
        written
    }

    /// On an object store, nothing is there before it is synced.
    fn write_out(&self, mut writer: Writer, sync: bool) -> Result<()> {
        let sync = sync || self.inner.flush_interval(&*self.wal_store).is_some();
        if !sync {
            return writer.wal.flush();
        }
        writer.wal.sync()?;
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
