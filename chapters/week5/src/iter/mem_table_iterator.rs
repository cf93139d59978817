//! The rows of a memtable as a stream.

use std::collections::VecDeque;
use std::ops::Bound;
use std::sync::Arc;

use crate::error::Result;
use crate::format::RowEntry;
use crate::storage::{MemTable, SequencedKey};

use super::bytes_range::BytesRange;
use super::row_entry_iterator::RowEntryIterator;

/// The rows of a range of a memtable, every version of them.
///
/// Invariants:
/// 1. No lock is held between two calls: the rows are copied in chunks of at most
///    [`CHUNK_LEN`](Self::CHUNK_LEN) (a copied row shares its bytes with the table). A caller may take
///    its time, and the writer does not wait.
/// 2. A row that was in the table when the iterator was made is returned. A row that is put later
///    may be returned if it stands behind the position, also after a `None`: whoever wants one point
///    in time sets a highest sequence number on top ([`SnapshotIterator`](super::SnapshotIterator)).
///
/// SlateDB: `MemTableIterator` in `src/mem_table.rs`. Its skip list can be read without a lock, so
/// it keeps a cursor into the table, and copies one row ahead.
#[derive(Debug)]
pub struct MemTableIterator {
    table: Arc<MemTable>,
    /// Where the next chunk starts, and where the range ends.
    rest: (Bound<SequencedKey>, Bound<SequencedKey>),
    /// Rows that were copied and not returned yet.
    chunk: VecDeque<RowEntry>,
}

impl MemTableIterator {
    /// How many rows are copied under one lock.
    pub const CHUNK_LEN: usize = 64;

    /// The rows of `range`.
    pub fn new(table: Arc<MemTable>, range: &BytesRange) -> Self {
        let rest = SequencedKey::range_of(range.as_key_range());
        Self { table, rest, chunk: VecDeque::new() }
    }
}

impl RowEntryIterator for MemTableIterator {
    // Task 5.3: Iterate over a memtable
    fn next(&mut self) -> Result<Option<RowEntry>> {
        todo!("week 5, task 3: Iterate over a memtable")
    }

    // Task 5.3: Iterate over a memtable
    fn seek(&mut self, key: &[u8]) -> Result<()> {
        todo!("week 5, task 3: Iterate over a memtable")
    }
}
