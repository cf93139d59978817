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
    /// How many puts of SSTs wait, and of manifests.
    waiting: [usize; 2],
}

impl Gate {
    fn is_held(&self, kind: usize) -> bool {
        [self.held.ssts, self.held.manifests][kind]
    }

    /// Whether a put waits, and not only has not noticed yet that it need not.
    fn is_waited_for(&self) -> bool {
        (0..2).any(|kind| self.is_held(kind) && self.waiting[kind] > 0)
    }
}

impl HeldStore {
    /// Lets other puts wait from now on, and those go on that waited.
    pub fn hold(&self, held: Held) {
        self.gate().held = held;
        self.changed.notify_all();
    }

    /// Whether a put waits now.
    pub fn is_waited_for(&self) -> bool {
        self.gate().is_waited_for()
    }

    /// Waits until a put waits, or a moment has passed.
    pub fn pause(&self, moment: Duration) {
        let end = Instant::now() + moment;
        let mut gate = self.gate();
        while !gate.is_waited_for() {
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
        let kind = match path.split_once('/') {
            Some((paths::SSTS, _)) => 0,
            Some((paths::MANIFESTS, _)) => 1,
            _ => return,
        };
        let mut gate = self.gate();
        gate.waiting[kind] += 1;
        while gate.is_held(kind) {
            self.changed.notify_all();
            gate = self.changed.wait(gate).unwrap_or_else(PoisonError::into_inner);
        }
        gate.waiting[kind] -= 1;
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
