//! The rows of a sorted run as a stream.

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;

use crate::error::Result;
use crate::format::RowEntry;
use crate::storage::SstReader;

use super::bytes_range::BytesRange;
use super::row_entry_iterator::RowEntryIterator;
use super::sst_iterator::SstIterator;

/// The rows of a range of a sorted run: of one SST after the other.
///
/// Invariants:
/// 1. The SSTs are in key order, and no key is in two of them.
/// 2. One SST is read at a time, and none that lies outside the range.
///
/// SlateDB: `SortedRunIterator` in `src/sorted_run_iterator.rs`. There two neighbours may share one
/// key: its newer versions are in the first.
#[derive(Debug)]
pub struct SortedRunIterator {
    ssts: Vec<Arc<SstReader>>,
    range: BytesRange,
    /// The number of the SST that holds the next row, or of one before it.
    number: usize,
    /// The rest of that SST, once a row of it was asked for.
    rows: Option<SstIterator>,
}

impl SortedRunIterator {
    /// The rows of `range`. Reads nothing yet.
    pub fn new(ssts: Vec<Arc<SstReader>>, range: BytesRange) -> Self {
        let number = match &range.start {
            Bound::Included(key) | Bound::Excluded(key) => first_sst(&ssts, key),
            Bound::Unbounded => 0,
        };
        Self { ssts, range, number, rows: None }
    }
}

impl RowEntryIterator for SortedRunIterator {
    fn next(&mut self) -> Result<Option<RowEntry>> {
        loop {
            let Some(sst) = self.ssts.get(self.number) else { return Ok(None) };
            if self.range.ends_before(sst.index().first_key()) {
                return Ok(None);
            }
            let begin = || SstIterator::new(Arc::clone(sst), self.range.clone());
            let rows = self.rows.get_or_insert_with(begin);
            if let Some(row) = rows.next()? {
                return Ok(Some(row));
            }
            self.rows = None;
            self.number += 1;
        }
    }

    fn seek(&mut self, key: &[u8]) -> Result<()> {
        if self.range.starts_after(key) {
            return Ok(());
        }
        let number = first_sst(&self.ssts, key).max(self.number);
        if number > self.number {
            self.number = number;
            self.rows = None;
        } else if let Some(rows) = &mut self.rows {
            rows.seek(key)?;
        }
        self.range.start = Bound::Included(Bytes::copy_from_slice(key));
        Ok(())
    }
}

/// The number of the first SST that can hold a row whose key is `key` or greater.
fn first_sst(ssts: &[Arc<SstReader>], key: &[u8]) -> usize {
    ssts.partition_point(|sst| sst.index().last_key < key)
}
