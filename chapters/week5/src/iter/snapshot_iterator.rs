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
    // Task 5.7: See one snapshot
    fn next(&mut self) -> Result<Option<RowEntry>> {
        todo!("week 5, task 7: See one snapshot")
    }

    // Task 5.7: See one snapshot
    fn seek(&mut self, key: &[u8]) -> Result<()> {
        todo!("week 5, task 7: See one snapshot")
    }
}
