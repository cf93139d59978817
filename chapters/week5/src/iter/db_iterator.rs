//! What a user of the database sees of a stream of rows.

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::format::ValueDeletable;

use super::row_entry_iterator::RowEntryIterator;

/// A key and its value.
///
/// SlateDB: `KeyValue` in `src/types.rs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyValue {
    /// The key.
    pub key: Bytes,
    /// Its value.
    pub value: Bytes,
}

/// Each key once, with its newest value; deleted keys not at all.
///
/// Invariants:
/// 1. Keys increase strictly.
/// 2. Only the newest row of a key counts. If it is a tombstone, the key is passed over.
/// 3. After an error of `next` the iteration has ended: it returns `None`. (A `for` loop or `collect` over
///    a lasting error would otherwise never end.)
///
/// This one is a [`std::iter::Iterator`]: its users loop over it.
///
/// SlateDB: `DbIterator` in `src/db_iter.rs`.
#[derive(Debug)]
pub struct DbIterator<I = Box<dyn RowEntryIterator>> {
    rows: I,
    /// The key of the last row that was read; empty before the first. Older rows of it are passed over.
    last_key: Vec<u8>,
    failed: bool,
}

impl<I: RowEntryIterator> DbIterator<I> {
    /// The keys and values of `rows`.
    pub fn new(rows: I) -> Self {
        Self { rows, last_key: Vec::new(), failed: false }
    }

    /// Moves forward to the first key that is `key` or greater; never back. If it fails, the iteration
    /// has not ended: it can be repeated.
    pub fn seek(&mut self, key: &[u8]) -> Result<()> {
        self.rows.seek(key)
    }

    /// The next key that is not deleted, with its value.
    // Task 5.8: Hide tombstones and old versions
    fn next_key_value(&mut self) -> Result<Option<KeyValue>> {
        todo!("week 5, task 8: Hide tombstones and old versions")
    }
}

impl<I: RowEntryIterator> Iterator for DbIterator<I> {
    type Item = Result<KeyValue>;

    // Task 5.8: Hide tombstones and old versions
    fn next(&mut self) -> Option<Self::Item> {
        todo!("week 5, task 8: Hide tombstones and old versions")
    }
}
