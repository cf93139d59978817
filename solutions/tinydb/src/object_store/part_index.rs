//! Which parts are on disk, how many bytes they take, and which one goes when there is no room.
//!
//! The index does no I/O. It says what is to be done, and is told what was done.
//!
//! SlateDB: `FsCacheEvictorInner` in `src/cached_object_store/storage_fs.rs`. It evicts in the
//! background while a part is written, so for a while it may have more on disk than it should; of two
//! parts at random the older one goes, which needs no order of all parts.

use std::collections::BTreeMap;
use std::sync::Arc;

/// The name of a part: the path of its object, and its number.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PartKey {
    /// The object's path.
    pub path: Arc<str>,
    /// The part's number.
    pub number: u64,
}

impl PartKey {
    /// Part `number` of the object at `path`.
    pub fn new(path: impl Into<Arc<str>>, number: u64) -> Self {
        Self { path: path.into(), number }
    }
}

/// What [`PartIndex::reserve`] answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Room {
    /// There is room, and it was set aside.
    Reserved,
    /// This part of so many bytes has to go first. It is no longer in the index. Its file is there still,
    /// so its bytes count until [`PartIndex::free`] is told that it is gone. Then ask again.
    Evict(PartKey, u64),
    /// There is no room, and nothing is evicted for it: no part is left in the index, or the file is
    /// larger than the bound.
    Full,
}

// ANCHOR: part_index
/// The parts on disk, from the one that was not used for the longest time to the one used last.
///
/// Invariants:
/// 1. [`PartIndex::bytes`] is never more than `max_bytes`. It counts the files of the parts in the
///    index, the room that was reserved for files being written, and the files being removed.
/// 2. A part that is larger than `max_bytes` evicts nothing.
/// 3. Of the parts in the index, the one that was not used for the longest time is evicted first. A part
///    is used when it is inserted, and by each [`PartIndex::touch`] that finds it.
#[derive(Debug)]
pub struct PartIndex {
    max_bytes: u64,
    bytes: u64,
    /// Each part's file length, and when it was used.
    parts: BTreeMap<PartKey, (u64, u64)>,
    /// The same parts by the time of their use.
    by_use: BTreeMap<u64, PartKey>,
    /// The time: how many uses there were.
    uses: u64,
}
// ANCHOR_END: part_index

impl PartIndex {
    /// An empty index.
    pub fn new(max_bytes: u64) -> Self {
        let (parts, by_use) = (BTreeMap::new(), BTreeMap::new());
        Self { max_bytes, bytes: 0, parts, by_use, uses: 0 }
    }

    /// Whether a part is in the index. If it is, it has been used now.
    // exercise: week8.10
    pub fn touch(&mut self, key: &PartKey) -> bool {
        let Some((_, used)) = self.parts.get_mut(key) else {
            return false;
        };
        self.uses += 1;
        self.by_use.remove(used);
        *used = self.uses;
        self.by_use.insert(self.uses, key.clone());
        true
    }

    /// Sets room for a file of `len` bytes aside, or says what has to go first: as long as there is a
    /// part in the index and `len` is at most `max_bytes`, the oldest, whether or not that is enough.
    // exercise: week8.10
    pub fn reserve(&mut self, len: u64) -> Room {
        if len > self.max_bytes {
            return Room::Full;
        }
        if len <= self.max_bytes - self.bytes {
            self.bytes += len;
            return Room::Reserved;
        }
        let Some((_, oldest)) = self.by_use.pop_first() else {
            return Room::Full;
        };
        let (len, _) = self.parts.remove(&oldest).unwrap_or_default();
        Room::Evict(oldest, len)
    }

    /// Notes that the file of a part is on disk, in the room of `len` bytes that was reserved for it. If
    /// the part was in the index before, the new file has taken the old one's place, whose bytes are free.
    // exercise: week8.10
    pub fn insert(&mut self, key: PartKey, len: u64) {
        self.uses += 1;
        self.by_use.insert(self.uses, key.clone());
        if let Some((old_len, used)) = self.parts.insert(key, (len, self.uses)) {
            self.by_use.remove(&used);
            self.free(old_len);
        }
    }

    /// Takes a part out, and says how long its file is. Its bytes count until they are freed.
    pub fn take(&mut self, key: &PartKey) -> Option<u64> {
        let (len, used) = self.parts.remove(key)?;
        self.by_use.remove(&used);
        Some(len)
    }

    /// Notes that a file of `len` bytes is gone, or that reserved room was not needed.
    pub fn free(&mut self, len: u64) {
        self.bytes = self.bytes.saturating_sub(len);
    }

    /// The part of an object that has the lowest number.
    pub fn first_of(&self, path: &str) -> Option<PartKey> {
        let (key, _) = self.parts.range(PartKey::new(path, 0)..).next()?;
        (*key.path == *path).then(|| key.clone())
    }

    /// How many bytes count: see the invariants.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many parts there are.
    pub fn len(&self) -> usize {
        self.parts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }
}
