//! The rows of an SST as a stream.

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;

use crate::error::{DecodeError, Error, Result};
use crate::format::RowEntry;
use crate::optimize::DataBlockIterator;
// solution-only
use crate::storage::ReadAhead;
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
    // solution-only: begin
    /// The blocks behind that one, if they were read already.
    ahead: ReadAhead,
    // solution-only: end
}

impl SstIterator {
    /// The rows of `range`. Reads nothing yet.
    // exercise: week5.4
    pub fn new(sst: Arc<SstReader>, range: BytesRange) -> Self {
        let block_number = match &range.start {
            Bound::Included(key) | Bound::Excluded(key) => first_block(sst.index(), key),
            Bound::Unbounded => 0,
        };
        Self { sst, range, block_number, block: None, ahead: ReadAhead::default() }
    }

    /// The next row of the block that is held, in the range or not; `None` behind its last.
    // solution-only
    fn next_in_block(&mut self) -> Result<Option<RowEntry>> {
        let Some(rows) = &mut self.block else { return Ok(None) };
        rows.next().map_err(in_block(&self.sst, self.block_number))
    }

    /// Reads the block that holds the next row, unless it is held; `false` if there is none.
    // solution-only
    fn load_block(&mut self) -> Result<bool> {
        if self.block.is_some() {
            return Ok(true);
        }
        let meta = self.sst.index().blocks.get(self.block_number);
        if meta.is_none_or(|meta| self.range.ends_before(&meta.first_key)) {
            return Ok(false);
        }
        let is_behind = |key: &[u8]| self.range.ends_before(key);
        let block = self.ahead.read(&self.sst, self.block_number, is_behind)?;
        let mut rows = DataBlockIterator::new(block);
        if let Bound::Included(key) | Bound::Excluded(key) = &self.range.start {
            rows.seek(key).map_err(in_block(&self.sst, self.block_number))?;
        }
        self.block = Some(rows);
        Ok(true)
    }
}

impl RowEntryIterator for SstIterator {
    // exercise: week5.4
    fn next(&mut self) -> Result<Option<RowEntry>> {
        while self.load_block()? {
            match self.next_in_block()? {
                Some(row) if self.range.ends_before(&row.key) => {
                    self.block_number = self.sst.index().blocks.len();
                    self.block = None;
                }
                Some(row) if self.range.starts_after(&row.key) => {}
                Some(row) => {
                    // What is left lies behind this row: nothing need be compared with the start.
                    self.range.start = Bound::Unbounded;
                    return Ok(Some(row));
                }
                None => {
                    self.block_number += 1;
                    self.block = None;
                }
            }
        }
        Ok(None)
    }

    // exercise: week5.4
    fn seek(&mut self, key: &[u8]) -> Result<()> {
        if self.range.starts_after(key) {
            return Ok(());
        }
        let block_number = first_block(self.sst.index(), key);
        if block_number > self.block_number {
            self.block_number = block_number;
            self.block = None;
        } else if let Some(rows) = &mut self.block {
            rows.seek(key).map_err(in_block(&self.sst, self.block_number))?;
        }
        self.range.start = Bound::Included(Bytes::copy_from_slice(key));
        Ok(())
    }
}

/// Gives an error in a block its place in the file.
// solution-only
fn in_block(sst: &SstReader, number: usize) -> impl FnOnce(DecodeError) -> Error {
    move |error| error.in_file(sst.path(), sst.index().blocks[number].offset)
}

/// The number of the first block that can hold a row whose key is `key` or greater.
// solution-only
fn first_block(index: &SstIndex, key: &[u8]) -> usize {
    if key > index.last_key {
        return index.blocks.len();
    }
    index.blocks.partition_point(|block| block.first_key < key).saturating_sub(1)
}
