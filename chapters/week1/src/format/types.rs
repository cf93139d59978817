//! The row: what every part of the engine stores, moves and looks up.

use bytes::Bytes;

use crate::error::{Error, Result};

/// The longest key, in bytes. The shortest has one byte.
pub const MAX_KEY_LEN: usize = u16::MAX as usize;

/// The longest value or merge operand, in bytes.
pub const MAX_VALUE_LEN: usize = u32::MAX as usize;

// ANCHOR: value_deletable
/// What a row says about its key.
///
/// SlateDB: `ValueDeletable` in `src/types.rs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueDeletable {
    /// The key has this value.
    Value(Bytes),
    /// The key's value is whatever older rows make it, changed by this merge operand (week 6).
    Merge(Bytes),
    /// The key is deleted: older rows of it are hidden.
    Tombstone,
}
// ANCHOR_END: value_deletable

impl ValueDeletable {
    /// The bytes of a value or merge operand; `None` for a tombstone.
    // Task 1.4: What a row is, and what it may be
    pub fn as_bytes(&self) -> Option<&Bytes> {
        todo!("week 1, task 4: What a row is, and what it may be")
    }

    /// How many bytes the value or merge operand has; 0 for a tombstone.
    // Task 1.4: What a row is, and what it may be
    pub fn len(&self) -> usize {
        todo!("week 1, task 4: What a row is, and what it may be")
    }

    /// Whether [`ValueDeletable::len`] is 0. An empty value is not a tombstone.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether this is a tombstone.
    // Task 1.4: What a row is, and what it may be
    pub fn is_tombstone(&self) -> bool {
        todo!("week 1, task 4: What a row is, and what it may be")
    }
}

// ANCHOR: row_entry
/// One version of one key.
///
/// Invariants:
/// 1. `key` has 1 to [`MAX_KEY_LEN`] bytes, and the value at most [`MAX_VALUE_LEN`].
/// 2. No two different rows of a database have the same key and the same sequence number.
/// 3. Of two rows of a key, that with the higher sequence number is the newer.
///
/// [`RowEntry::validate`] checks the first; whoever assigns sequence numbers keeps the second.
///
/// SlateDB: `RowEntry` in `src/types.rs`, which has a time of creation and of expiry too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowEntry {
    /// The key, as the user gave it.
    pub key: Bytes,
    /// What this row says about the key.
    pub value: ValueDeletable,
    /// The sequence number: the order of writes.
    pub seq: u64,
}
// ANCHOR_END: row_entry

impl RowEntry {
    /// A row that gives `key` a value.
    pub fn new_value(key: impl Into<Bytes>, value: impl Into<Bytes>, seq: u64) -> Self {
        Self { key: key.into(), value: ValueDeletable::Value(value.into()), seq }
    }

    /// A row that changes `key` by a merge operand.
    pub fn new_merge(key: impl Into<Bytes>, operand: impl Into<Bytes>, seq: u64) -> Self {
        Self { key: key.into(), value: ValueDeletable::Merge(operand.into()), seq }
    }

    /// A row that deletes `key`.
    pub fn new_tombstone(key: impl Into<Bytes>, seq: u64) -> Self {
        Self { key: key.into(), value: ValueDeletable::Tombstone, seq }
    }

    /// Bytes of the key, the value and the sequence number: what a row counts for in the size of a
    /// memtable.
    // Task 1.4: What a row is, and what it may be
    pub fn estimated_size(&self) -> usize {
        todo!("week 1, task 4: What a row is, and what it may be")
    }

    /// Checks invariant 1, which everything that encodes a row relies on: [`check_limits`] for this
    /// row's lengths.
    // Task 1.4: What a row is, and what it may be
    pub fn validate(&self) -> Result<()> {
        todo!("week 1, task 4: What a row is, and what it may be")
    }
}

/// Checks the length of a key, and of a value or merge operand, in bytes.
///
/// Fails with [`Error::InvalidArgument`] if the key has not 1 to [`MAX_KEY_LEN`] bytes, and if the
/// value has more than [`MAX_VALUE_LEN`]. The argument is called `key` or `value`, and the problem says
/// how long it is and what is allowed.
// Task 1.4: What a row is, and what it may be
pub fn check_limits(key_len: usize, value_len: usize) -> Result<()> {
    todo!("week 1, task 4: What a row is, and what it may be")
}
