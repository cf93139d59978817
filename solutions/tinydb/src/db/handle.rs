//! A database that runs: its shared part and its thread.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::error::Result;
use crate::storage::WalStore;

use super::db_inner::DbInner;
use super::flusher;

/// What the clones of a [`Db`](super::Db) and its snapshots share. When the last of them is dropped,
/// the database is closed.
#[derive(Debug)]
pub(super) struct Handle {
    pub(super) inner: Arc<DbInner>,
    flusher: Mutex<Option<JoinHandle<()>>>,
}

impl Handle {
    /// Starts the flusher of a database.
    pub(super) fn start(inner: DbInner, wal_store: Arc<dyn WalStore>) -> Result<Self> {
        let inner = Arc::new(inner);
        let flusher = flusher::spawn(Arc::clone(&inner), wal_store)?;
        Ok(Self { inner, flusher: Mutex::new(Some(flusher)) })
    }

    /// Writes out what is buffered, durably if `sync` says so, and ends the flusher. Later calls do
    /// nothing.
    pub(super) fn shut_down(&self, sync: bool) -> Result<()> {
        self.inner.closed.store(true, Ordering::Release);
        // Waits for the write that is under way. A writer that panicked writes nothing more.
        let writer = match self.inner.writer.lock() {
            Ok(mut writer) => writer.take(),
            Err(poisoned) => poisoned.into_inner().take().and(None),
        };
        let written = writer
            .map_or(Ok(()), |mut writer| if sync { writer.wal.sync() } else { writer.wal.flush() });
        self.inner.flushes.stop();
        let flusher = self.flusher.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(flusher) = flusher {
            // It has said why it panicked, if it did.
            let _ = flusher.join();
        }
        written
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // There is nobody to tell about an error.
        let _ = self.shut_down(false);
    }
}
