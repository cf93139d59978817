//! The thread that flushes memtables in the background.
//!
//! SlateDB has three tasks for it, in `src/memtable_flusher/`: one dispatches, one uploads several
//! SSTs at once, one commits the manifest in order.

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crate::error::{Error, Result};
use crate::storage::WalStore;

use super::db_inner::DbInner;

/// Starts the thread. It flushes the oldest immutable memtable as long as there is one, and sleeps
/// when there is none.
pub fn spawn(db: Arc<DbInner>, wal_store: Arc<dyn WalStore>) -> Result<JoinHandle<()>> {
    let run = move || {
        let _stop = StopWhenDropped(&db);
        let has_work = || !db.state().immutables.is_empty() && !db.is_level_0_full();
        while db.flushes.wait_for_work(has_work) {
            let flushed = db.flush_oldest(&*wal_store);
            if flushed.is_ok() {
                db.commits.committed(db.manifests().manifest().last_l0_seq);
                db.compactions.wake();
            }
            db.flushes.attempted(flushed);
        }
    };
    let spawned = thread::Builder::new().name("tinydb-flusher".to_owned()).spawn(run);
    spawned.map_err(Error::io("start", "the flusher's thread"))
}

/// Wakes those who wait when the thread ends, also if it ends by a panic: they would wait for ever.
struct StopWhenDropped<'a>(&'a DbInner);

impl Drop for StopWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.flushes.stop();
    }
}
