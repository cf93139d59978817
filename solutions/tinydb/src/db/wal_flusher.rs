//! Making the WAL durable, once for many writes: the thread that does it in the background, and the
//! writer that is alone and does it itself.
//!
//! A writer that waits while another thread syncs costs two changes of threads, and they take as long as the
//! sync of a fast disk. So a writer that is alone syncs itself. As soon as there are two, the thread does it:
//! while it is woken, others come, and its sync covers them too. A writer that is the first of many would begin
//! too early, with its own write only.
//!
//! SlateDB: the task `wal_writer`, in `src/wal/slatedb/writer.rs`.

use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard};
use std::thread::{self, JoinHandle};

use crate::error::{Error, Result};
use crate::optimize::{Wakeup, WriteHandle};
use crate::storage::WalStore;

use super::db_inner::{DbInner, locked};

/// Starts the thread. It syncs whenever somebody waits for a write to be durable, and every flush
/// interval if there is one.
pub fn spawn(db: Arc<DbInner>, wal_store: &dyn WalStore) -> Result<JoinHandle<()>> {
    let interval = db.flush_interval(wal_store);
    let run = move || {
        let _stop = StopWhenDropped(&db);
        while db.commits.wait_for_request(interval) != Wakeup::Stopped {
            db.sync_wal();
        }
    };
    let spawned = thread::Builder::new().name("tinydb-wal-flusher".to_owned()).spawn(run);
    spawned.map_err(Error::io("start", "the WAL flusher's thread"))
}

/// Wakes those who wait when the thread ends, also if it ends by a panic: they would wait for ever.
struct StopWhenDropped<'a>(&'a DbInner);

impl Drop for StopWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.commits.stop();
    }
}

impl DbInner {
    /// Makes every write durable that was applied before, and tells those who wait.
    pub(super) fn sync_wal(&self) {
        let turn = locked(&self.wal_sync);
        self.sync_wal_in_turn(&turn);
    }

    /// Waits until a write is durable. If nobody else does, and nobody is syncing, syncs.
    pub(super) fn wait_durable(&self, handle: &WriteHandle) -> Result<()> {
        let others = self.durable_waiters.fetch_add(1, Ordering::Relaxed);
        // A panic leaves nothing half done that this lock protects; the thread takes it all the same.
        if others == 0
            && let Ok(turn) = self.wal_sync.try_lock()
        {
            self.sync_wal_in_turn(&turn);
        }
        let waited = handle.wait_durable();
        self.durable_waiters.fetch_sub(1, Ordering::Relaxed);
        waited
    }

    /// Syncs the WAL, for the one whose turn it is.
    ///
    /// The writer is locked only to hand over what waits; other writes are applied while the disk or
    /// the object store is busy, and are covered by the next call. After a failure the WAL takes no
    /// more writes.
    fn sync_wal_in_turn(&self, _turn: &MutexGuard<'_, ()>) {
        let Ok(mut guard) = self.writer.lock() else {
            return self.commits.failed(Arc::new(Error::Closed));
        };
        let Some(writer) = guard.as_mut().filter(|it| it.last_seq > self.commits.durable_seq())
        else {
            return;
        };
        let seq = writer.last_seq;
        (writer.syncs, writer.synced_size) = (writer.syncs + 1, writer.wal.size());
        let started = writer.wal.start_sync();
        drop(guard);
        match started.and_then(|sync| sync()) {
            Ok(()) => self.commits.committed(seq),
            Err(error) => self.wal_failed(error),
        }
    }

    /// Refuses every later write. The writer may have begun another segment meanwhile, and synced the one
    /// before it without an error: that proves nothing. The system tells of bytes that it could not write
    /// once, and then takes them for written.
    fn wal_failed(&self, error: Error) {
        if let Ok(mut guard) = self.writer.lock()
            && let Some(writer) = guard.as_mut()
        {
            writer.wal.abandon();
        }
        self.look_for_fence();
        let error = self.check_open().err().unwrap_or(error);
        self.commits.failed(Arc::new(error));
    }
}
