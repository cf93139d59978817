//! The rows that are visible at one sequence number.

use crate::error::Result;
use crate::format::RowEntry;

use super::row_entry_iterator::RowEntryIterator;

/// A stream without the rows above a sequence number.
///
/// Rows that are written while somebody reads have a higher sequence number than any the reader may
/// see. So a stream that is cut off at one number stays the same, whatever is written meanwhile.
///
/// SlateDB: the filter by `max_seq` in `DbIterator::new` in `src/db_iter.rs`.
#[derive(Debug)]
pub struct SnapshotIterator<I> {
    rows: I,
    max_seq: u64,
}

impl<I: RowEntryIterator> SnapshotIterator<I> {
    /// The rows of `rows` whose sequence number is at most `max_seq`.
    pub fn new(rows: I, max_seq: u64) -> Self {
        Self { rows, max_seq }
    }
}

impl<I: RowEntryIterator> RowEntryIterator for SnapshotIterator<I> {
    // exercise: week5.7
    fn next(&mut self) -> Result<Option<RowEntry>> {
        while let Some(row) = self.rows.next()? {
            if row.seq <= self.max_seq {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    // exercise: week5.7
    fn seek(&mut self, key: &[u8]) -> Result<()> {
        self.rows.seek(key)
    }
}
