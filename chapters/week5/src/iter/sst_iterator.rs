//! The rows of an SST as a stream.

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;

use crate::error::{DecodeError, Error, Result};
use crate::format::RowEntry;
use crate::optimize::DataBlockIterator;
use crate::storage::{SstIndex, SstReader};

use super::bytes_range::BytesRange;
use super::row_entry_iterator::RowEntryIterator;

/// The rows of a range of an SST, every version of them.
///
/// Invariants:
/// 1. One data block is held at a time. A block is read when its first row is asked for, so making
///    an iterator and seeking read nothing. (The engine's own iterator reads
///    [ahead](crate::storage::ReadAhead), if the SST was opened with a cache.)
/// 2. No block is read that lies in front of the start of the range, or behind its end. (An excluded
///    start may count as an included one.)
///
/// SlateDB: `SstIterator` in `src/sst_iter.rs`, which can fetch the next blocks while the caller works
/// on this one. Compactions let it, scans only if they are told to.
#[derive(Debug)]
pub struct SstIterator {
    sst: Arc<SstReader>,
    /// The rows that are left: `seek` moves its start.
    range: BytesRange,
    /// The number of the block that holds the next row; the number of blocks at the end.
    block_number: usize,
    /// The rows of that block that are left, once it is read.
    block: Option<DataBlockIterator>,
    // The engine's own iterator reads several blocks at once. Yours need not.
}

impl SstIterator {
    /// The rows of `range`. Reads nothing yet.
    // Task 5.4: Iterate over an SST
    pub fn new(sst: Arc<SstReader>, range: BytesRange) -> Self {
        todo!("week 5, task 4: Iterate over an SST")
    }
}

impl RowEntryIterator for SstIterator {
    // Task 5.4: Iterate over an SST
    fn next(&mut self) -> Result<Option<RowEntry>> {
        todo!("week 5, task 4: Iterate over an SST")
    }

    // Task 5.4: Iterate over an SST
    fn seek(&mut self, key: &[u8]) -> Result<()> {
        todo!("week 5, task 4: Iterate over an SST")
    }
}
