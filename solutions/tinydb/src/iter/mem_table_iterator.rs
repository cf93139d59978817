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
    // exercise: week5.3
    fn next(&mut self) -> Result<Option<RowEntry>> {
        if self.chunk.is_empty() {
            self.chunk = self.table.range(self.rest.clone(), Self::CHUNK_LEN).into();
            if let Some(last) = self.chunk.back() {
                self.rest.0 = Bound::Excluded(SequencedKey::new(last.key.clone(), last.seq));
            }
        }
        Ok(self.chunk.pop_front())
    }

    // exercise: week5.3
    fn seek(&mut self, key: &[u8]) -> Result<()> {
        let smaller = self.chunk.partition_point(|row| row.key < key);
        self.chunk.drain(..smaller);
        if self.chunk.is_empty() && starts_before(&self.rest.0, key) {
            let (start, _) = SequencedKey::range_of((Bound::Included(key), Bound::Unbounded));
            self.rest.0 = start;
        }
        Ok(())
    }
}

/// Whether a range that starts at `start` holds keys smaller than `key`.
// solution-only
fn starts_before(start: &Bound<SequencedKey>, key: &[u8]) -> bool {
    match start {
        Bound::Included(start) | Bound::Excluded(start) => start.user_key < key,
        Bound::Unbounded => true,
    }
}
