//! The memtable: the newest rows, sorted, in memory.
//!
//! Why sorted, and not a hash map: a flush writes the rows in key order, a scan asks for the next
//! key, and the versions of a key must lie side by side, newest first.
//!
//! SlateDB: `KVTable` in `src/mem_table.rs`. It keeps the rows in a lock-free skip list, so that
//! readers never wait for a row to be inserted. TinyDB uses a `BTreeMap` behind a lock that is held
//! for one operation only: slower under many threads, and readable in an evening. (The reference's
//! own is a [tree made for it](super::row_map), which needs less time and memory.)

use std::ops::Bound;
// solution-only
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use bytes::Bytes;

use crate::format::RowEntry;

// solution-only
use super::row_map::RowMap;
use super::sequenced_key::SequencedKey;

/// A sorted table of rows in memory, shared by any number of readers while one writer inserts.
///
/// Invariants:
/// 1. Rows are in the order of [`SequencedKey`]: by key, then newest first.
/// 2. Every version of a key is kept. Only a row of the same key *and* sequence number is replaced.
/// 3. A tombstone is a row like any other.
/// 4. No lock is held when a method returns: what it returns is the caller's own.
#[derive(Debug)]
pub struct MemTable {
    // stub: // Choose your own fields. Every method takes `&self`, so they need a lock of some kind.
    // solution-only
    rows: RwLock<Rows>,
}

// solution-only: begin
#[derive(Debug, Default)]
struct Rows {
    map: RowMap,
    size: usize,
}
// solution-only: end

impl MemTable {
    /// An empty table.
    // exercise: week3.2
    pub fn new() -> Self {
        Self { rows: RwLock::new(Rows::default()) }
    }

    /// Adds a row: a value, a merge operand or a tombstone. A row of the same key and sequence
    /// number is replaced; any other version of the key stays.
    // exercise: week3.2
    pub fn put(&self, row: RowEntry) {
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        let replaced = rows.map.insert(&row);
        rows.size += row.estimated_size();
        rows.size -= replaced.map_or(0, |replaced| replaced.estimated_size());
    }

    /// The sum of [`RowEntry::estimated_size`] over the rows in the table. The database freezes a
    /// memtable when this reaches a limit.
    // exercise: week3.2
    pub fn approximate_size(&self) -> usize {
        self.read().size
    }

    /// How many rows there are, every version counted.
    // exercise: week3.2
    pub fn row_count(&self) -> usize {
        self.read().map.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.row_count() == 0
    }

    /// The newest row of `key` whose sequence number is at most `max_seq`, tombstones and merge
    /// operands included; `None` if the table has no such row. `key` may be any bytes, also such as are
    /// no key.
    // exercise: week3.3
    pub fn get(&self, key: &[u8], max_seq: u64) -> Option<RowEntry> {
        let newest_visible = SequencedKey::new(Bytes::copy_from_slice(key), max_seq);
        let rows = self.read();
        let found = rows.map.range(newest_visible..).next()?;
        (found.key == key).then_some(found)
    }

    /// The first `limit` rows of a range, in order; every version, tombstones included. A range
    /// that ends before it starts holds no row.
    ///
    /// To go on behind the last row that was returned, start at `Bound::Excluded` of its key and
    /// sequence number. So a long scan holds no lock between two calls.
    // exercise: week3.4
    pub fn range(
        &self,
        range: (Bound<SequencedKey>, Bound<SequencedKey>),
        limit: usize,
    ) -> Vec<RowEntry> {
        if holds_nothing(&range) {
            return Vec::new();
        }
        let rows = self.read();
        rows.map.range(range).take(limit).collect()
    }

    // solution-only: begin
    // A map is whole between any two operations, so a panic elsewhere while the lock was held
    // leaves it usable.
    fn read(&self) -> RwLockReadGuard<'_, Rows> {
        self.rows.read().unwrap_or_else(PoisonError::into_inner)
    }
    // solution-only: end
}

impl Default for MemTable {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether a range ends before it starts, or where it starts without holding that place.
/// `BTreeMap::range` panics on some of these.
// solution-only
fn holds_nothing(range: &(Bound<SequencedKey>, Bound<SequencedKey>)) -> bool {
    match (&range.0, &range.1) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        (Bound::Included(start), Bound::Included(end)) => start > end,
        (
            Bound::Included(start) | Bound::Excluded(start),
            Bound::Included(end) | Bound::Excluded(end),
        ) => start >= end,
    }
}
