//! What the garbage collector remembers.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::compaction::FoundManifest;

/// When the garbage collector is to look again; and what it knows already.
#[derive(Debug, Default)]
pub struct GarbageCollection {
    stopped: Mutex<bool>,
    changed: Condvar,
    /// Manifests that were read: a manifest never changes.
    pub known: Mutex<BTreeMap<u64, FoundManifest>>,
}

impl GarbageCollection {
    /// Ends the thread.
    pub fn stop(&self) {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Waits for `interval`; `false` when it is time to end.
    pub fn wait(&self, interval: Duration) -> bool {
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(stopped, interval, |stopped| !*stopped);
        !*waited.unwrap_or_else(PoisonError::into_inner).0
    }
}
