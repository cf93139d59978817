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

    /// Reads up to the first row that stays, and keeps it in `waiting` with the tombstones in front
    /// of it that stay too. If a read fails, what was read waits, and the next call goes on.
    // solution-only
    fn read_ahead(&mut self) -> Result<()> {
        while self.waiting.back().is_none_or(|row| row.value.is_tombstone()) {
            match self.rows.next()? {
                Some(row) => {
                    self.forget_tombstones_before(&row.key);
                    self.waiting.push_back(row);
                }
                None => {
                    self.waiting.clear();
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Drops the waiting tombstones if the next row is of another key.
    // solution-only
    fn forget_tombstones_before(&mut self, key: &Bytes) {
        if self.waiting.back().is_some_and(|row| row.key != key) {
            self.waiting.clear();
        }
    }
}

impl<I: RowEntryIterator> RowEntryIterator for LastRunIterator<I> {
    // exercise: week8.5
    fn next(&mut self) -> Result<Option<RowEntry>> {
        self.read_ahead()?;
        Ok(self.waiting.pop_front())
    }

    // exercise: week8.5
    fn seek(&mut self, key: &[u8]) -> Result<()> {
        self.rows.seek(key)?;
        self.waiting.retain(|row| row.key >= key);
        Ok(())
    }
}
