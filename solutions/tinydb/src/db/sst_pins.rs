//! Which SSTs this process still uses, whatever the manifest says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::storage::SstReader;

/// The SSTs that must not be deleted though no manifest names them: those that a reader has open, in
/// an older state of the database; and those that a flush or a compaction has put and not committed
/// yet.
#[derive(Debug, Default)]
pub struct SstPins {
    pins: Mutex<Pins>,
}

#[derive(Debug, Default)]
struct Pins {
    open: BTreeMap<u64, Weak<SstReader>>,
    /// How often each is held: once, but for the last number of all.
    uncommitted: BTreeMap<u64, usize>,
}

impl SstPins {
    /// Pins an SST that is about to be put, until [`SstPins::release`] was called as often. Its number is
    /// the first from `id` on that nobody holds: whoever holds one has put an SST under it, or is about
    /// to, and a second one would be written in vain. (If all are held up to the last one: that.)
    pub fn hold(&self, mut id: u64) -> u64 {
        let mut pins = self.lock();
        while id < u64::MAX && pins.uncommitted.contains_key(&id) {
            id += 1;
        }
        *pins.uncommitted.entry(id).or_default() += 1;
        id
    }

    /// The SST was committed, or given up, or is somebody else's.
    pub fn release(&self, id: u64) {
        let mut pins = self.lock();
        if let Some(count) = pins.uncommitted.get_mut(&id) {
            *count -= 1;
            if *count == 0 {
                pins.uncommitted.remove(&id);
            }
        }
    }

    /// Pins an SST for as long as its reader is there.
    pub fn opened(&self, id: u64, reader: &Arc<SstReader>) {
        self.lock().open.insert(id, Arc::downgrade(reader));
    }

    /// The SSTs that are pinned now.
    pub fn pinned(&self) -> BTreeSet<u64> {
        let mut pins = self.lock();
        pins.open.retain(|_, reader| reader.strong_count() > 0);
        pins.open.keys().chain(pins.uncommitted.keys()).copied().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Pins> {
        // Each list is whole between any two operations.
        self.pins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
