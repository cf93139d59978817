//! An object store that can be made to wait.

use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tinydb::Result;
use tinydb::db::paths;
use tinydb::object_store::{MemoryObjectStore, ObjectMeta, ObjectStore};

/// What the store lets wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Held {
    /// Every SST that is to be put.
    pub ssts: bool,
    /// Every manifest that is to be put.
    pub manifests: bool,
}

/// Objects in memory. Puts wait while they are [held](Held), as on a store that is slow: so the thread
/// that flushes stops at a point that the recorder chooses, and the order of its steps and of those of
/// other threads is always the same.
#[derive(Debug, Default)]
pub struct HeldStore {
    /// The objects.
    pub objects: Arc<MemoryObjectStore>,
    gate: Mutex<Gate>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Gate {
    held: Held,
    waiting: usize,
}

impl HeldStore {
    /// Lets other puts wait from now on, and those go on that waited.
    pub fn hold(&self, held: Held) {
        self.gate().held = held;
        self.changed.notify_all();
    }

    /// Whether a put waits now.
    pub fn is_waited_for(&self) -> bool {
        self.gate().waiting > 0
    }

    /// Waits until a put waits, or a moment has passed.
    pub fn pause(&self, moment: Duration) {
        let end = Instant::now() + moment;
        let mut gate = self.gate();
        while gate.waiting == 0 {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            gate = match self.changed.wait_timeout(gate, left) {
                Ok((gate, _)) => gate,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }

    fn pass(&self, path: &str) {
        let is_held = |gate: &Gate| match path.split_once('/') {
            Some((paths::SSTS, _)) => gate.held.ssts,
            Some((paths::MANIFESTS, _)) => gate.held.manifests,
            _ => false,
        };
        let mut gate = self.gate();
        gate.waiting += 1;
        while is_held(&gate) {
            self.changed.notify_all();
            gate = self.changed.wait(gate).unwrap_or_else(PoisonError::into_inner);
        }
        // Only those who have to wait let go of the lock, so nobody else is ever counted.
        gate.waiting -= 1;
    }

    fn gate(&self) -> MutexGuard<'_, Gate> {
        // Two plain fields are whole at every moment.
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ObjectStore for HeldStore {
    fn put(&self, path: &str, object: Bytes) -> Result<()> {
        self.pass(path);
        self.objects.put(path, object)
    }

    fn put_if_absent(&self, path: &str, object: Bytes) -> Result<()> {
        self.pass(path);
        self.objects.put_if_absent(path, object)
    }

    fn get(&self, path: &str) -> Result<Bytes> {
        self.objects.get(path)
    }

    fn get_range(&self, path: &str, range: Range<u64>) -> Result<Bytes> {
        self.objects.get_range(path, range)
    }

    fn head(&self, path: &str) -> Result<ObjectMeta> {
        self.objects.head(path)
    }

    fn list(&self, prefix: &str) -> Result<Vec<ObjectMeta>> {
        self.objects.list(prefix)
    }

    fn delete(&self, path: &str) -> Result<()> {
        self.objects.delete(path)
    }
}
