//! The sorted map in a memtable: a `BTreeMap` from [`SequencedKey`] to a value would do, and does in
//! yours. This one holds the same rows in the same order, and costs less. Given.
//!
//! Two things cost a `BTreeMap` of keys and values most of its time:
//!
//! 1. To compare two keys it follows two pointers, and almost each leads to memory that is in no cache.
//!    So the first eight bytes of a key stand beside the pointer, as a number. Most pairs of keys differ
//!    there.
//! 2. A key and a value are an allocation each: a memtable of 64 MiB is a million of them, to be given back
//!    one by one. So rows are copied into *chunks*, one behind the other, and a chunk is given back as
//!    a whole.
//!
//! SlateDB has the skip list's nodes instead, one allocation each, and keys and values in others.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::ops::{Bound, RangeBounds};

use bytes::{Bytes, BytesMut};

use crate::format::{RowEntry, ValueDeletable};
use crate::optimize::key_prefixes::prefix;

use super::sequenced_key::SequencedKey;

/// How many bytes a chunk has.
const CHUNK_LEN: usize = 64 * 1024;
/// A longer row gets a chunk of its own, so that none is wasted.
const LONGEST_IN_CHUNK: usize = CHUNK_LEN / 8;

/// Rows in the order of [`SequencedKey`].
///
/// What it returns shares the memory of a chunk, which lives as long as one row of it is held.
#[derive(Debug, Default)]
pub struct RowMap {
    rows: BTreeSet<Row>,
    /// What is left of the last chunk.
    chunk: BytesMut,
}

impl RowMap {
    /// Adds a row. Returns the one of the same key and sequence number whose place it took.
    pub fn insert(&mut self, row: &RowEntry) -> Option<RowEntry> {
        let (key, seq) = (&row.key, row.seq);
        let (kind, value) = match &row.value {
            ValueDeletable::Value(value) => (Kind::Value, &value[..]),
            ValueDeletable::Merge(operand) => (Kind::Merge, &operand[..]),
            ValueDeletable::Tombstone => (Kind::Tombstone, &[][..]),
        };
        let bytes = self.copy(key, value);
        let row = Row { prefix: prefix(key), seq, bytes, key_len: key_len(key), kind };
        self.rows.replace(row).map(|replaced| replaced.entry())
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows of a range, in order.
    ///
    /// # Panics
    /// Where `BTreeMap::range` does: if the range ends before it starts.
    pub fn range(&self, range: impl RangeBounds<SequencedKey>) -> impl Iterator<Item = RowEntry> {
        let bounds = (row_bound(range.start_bound()), row_bound(range.end_bound()));
        self.rows.range(bounds).map(Row::entry)
    }

    /// A key and a value, one behind the other.
    fn copy(&mut self, key: &[u8], value: &[u8]) -> Bytes {
        let len = key.len() + value.len();
        if len > LONGEST_IN_CHUNK {
            return [key, value].concat().into();
        }
        if self.chunk.capacity() < len {
            self.chunk = BytesMut::with_capacity(CHUNK_LEN);
        }
        self.chunk.extend_from_slice(key);
        self.chunk.extend_from_slice(value);
        self.chunk.split().freeze()
    }
}

/// A row, or a place among rows.
#[derive(Debug)]
struct Row {
    prefix: u64,
    seq: u64,
    /// The key, and behind it the value.
    bytes: Bytes,
    key_len: u32,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Value,
    Merge,
    Tombstone,
}

impl Row {
    fn at(place: &SequencedKey) -> Self {
        let (key, seq) = (&place.user_key, place.seq);
        let (bytes, kind) = (key.clone(), Kind::Tombstone);
        Self { prefix: prefix(key), seq, bytes, key_len: key_len(key), kind }
    }

    fn key(&self) -> &[u8] {
        &self.bytes[..self.key_len as usize]
    }

    fn entry(&self) -> RowEntry {
        let key_len = self.key_len as usize;
        let value = || self.bytes.slice(key_len..);
        let value = match self.kind {
            Kind::Value => ValueDeletable::Value(value()),
            Kind::Merge => ValueDeletable::Merge(value()),
            Kind::Tombstone => ValueDeletable::Tombstone,
        };
        RowEntry { key: self.bytes.slice(..key_len), value, seq: self.seq }
    }
}

impl Ord for Row {
    /// The order of [`SequencedKey`].
    fn cmp(&self, other: &Self) -> Ordering {
        let by_prefix = self.prefix.cmp(&other.prefix);
        by_prefix.then_with(|| self.key().cmp(other.key())).then_with(|| other.seq.cmp(&self.seq))
    }
}

impl PartialOrd for Row {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Row {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Row {}

/// The length of a key. Who looks for a longer one than fits looks for its beginning, which is in
/// the same place: behind all keys that it might be compared with.
fn key_len(key: &[u8]) -> u32 {
    u32::try_from(key.len()).unwrap_or(u32::MAX)
}

fn row_bound(bound: Bound<&SequencedKey>) -> Bound<Row> {
    bound.map(Row::at)
}
