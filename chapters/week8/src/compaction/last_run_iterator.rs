//! A stream without the tombstones that hide nothing any more.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::error::Result;
use crate::format::RowEntry;
use crate::iter::RowEntryIterator;

// ANCHOR: last_run_iterator
/// For a compaction into the last sorted run: below it lies nothing. So a tombstone that no older row
/// of its key follows, in this stream, hides nothing: it is left out.
///
/// Invariants:
/// 1. A row is left out if and only if it is a tombstone and every older row of its key in the
///    stream is a tombstone too.
/// 2. The stream below holds every row of its keys that is not newer: the sources of the compaction
///    reach down to the oldest run.
/// 3. Tombstones of one key are held until the next row shows whether they are needed. There are no
///    more of them than open snapshots and one.
///
/// SlateDB does this in `RetentionIterator` (`src/retention_iterator.rs`), for the jobs whose
/// destination is the last run.
#[derive(Debug)]
pub struct LastRunIterator<I> {
    rows: I,
    /// Rows that come next: tombstones, and behind them the row that shows that they are needed.
    waiting: VecDeque<RowEntry>,
}
// ANCHOR_END: last_run_iterator

impl<I: RowEntryIterator> LastRunIterator<I> {
    /// The rows of `rows` without the tombstones that hide nothing.
    pub fn new(rows: I) -> Self {
        Self { rows, waiting: VecDeque::new() }
    }
}

impl<I: RowEntryIterator> RowEntryIterator for LastRunIterator<I> {
    // Task 8.5: Leave out the tombstones that hide nothing
    fn next(&mut self) -> Result<Option<RowEntry>> {
        todo!("week 8, task 5: Leave out the tombstones that hide nothing")
    }

    // Task 8.5: Leave out the tombstones that hide nothing
    fn seek(&mut self, key: &[u8]) -> Result<()> {
        todo!("week 8, task 5: Leave out the tombstones that hide nothing")
    }
}
