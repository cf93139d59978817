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

use bytes::Bytes;

use crate::format::RowEntry;

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
    // Choose your own fields. Every method takes `&self`, so they need a lock of some kind.
}

impl MemTable {
    /// An empty table.
    // Task 3.2: Put rows and count their size
    pub fn new() -> Self {
        todo!("week 3, task 2: Put rows and count their size")
    }

    /// Adds a row: a value, a merge operand or a tombstone. A row of the same key and sequence
    /// number is replaced; any other version of the key stays.
    // Task 3.2: Put rows and count their size
    pub fn put(&self, row: RowEntry) {
        todo!("week 3, task 2: Put rows and count their size")
    }

    /// The sum of [`RowEntry::estimated_size`] over the rows in the table. The database freezes a
    /// memtable when this reaches a limit.
    // Task 3.2: Put rows and count their size
    pub fn approximate_size(&self) -> usize {
        todo!("week 3, task 2: Put rows and count their size")
    }

    /// How many rows there are, every version counted.
    // Task 3.2: Put rows and count their size
    pub fn row_count(&self) -> usize {
        todo!("week 3, task 2: Put rows and count their size")
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.row_count() == 0
    }

    /// The newest row of `key` whose sequence number is at most `max_seq`, tombstones and merge
    /// operands included; `None` if the table has no such row. `key` may be any bytes, also such as are
    /// no key.
    // Task 3.3: Get the newest visible version
    pub fn get(&self, key: &[u8], max_seq: u64) -> Option<RowEntry> {
        todo!("week 3, task 3: Get the newest visible version")
    }

    /// The first `limit` rows of a range, in order; every version, tombstones included. A range
    /// that ends before it starts holds no row.
    ///
    /// To go on behind the last row that was returned, start at `Bound::Excluded` of its key and
    /// sequence number. So a long scan holds no lock between two calls.
    // Task 3.4: Read a range in order
    pub fn range(
        &self,
        range: (Bound<SequencedKey>, Bound<SequencedKey>),
        limit: usize,
    ) -> Vec<RowEntry> {
        todo!("week 3, task 4: Read a range in order")
    }
}

impl Default for MemTable {
    fn default() -> Self {
        Self::new()
    }
}
