//! One SST of a compaction's output, while it is made.

use bytes::Bytes;

use crate::error::Result;
use crate::iter::{PeekingIterator, RowEntryIterator};
use crate::storage::{SstBuilder, SstOptions};

// ANCHOR: sst_parts
/// The bytes of an SST, part by part, made of the next rows of a stream. Rows are taken when a part is
/// asked for, so the SST is never in memory as a whole.
///
/// Invariants:
/// 1. The SST is finished when its data has `max_sst_size` bytes or more and the next row has another
///    key; or when there are no more rows. A `max_sst_size` of 0 means one SST for each key.
/// 2. The first row that is not in the SST stays in the stream, for the next one.
/// 3. The parts, one behind the other, are what [`SstBuilder::finish`] makes of the rows at once.
///
/// SlateDB: `EncodedSsTableWriter` in `src/tablestore.rs`, which uploads the blocks as they come.
#[derive(Debug)]
pub struct SstParts<'a, I> {
    rows: &'a mut PeekingIterator<I>,
    max_sst_size: usize,
    /// `None` behind the last part.
    builder: Option<SstBuilder>,
    /// The key of the last row that was taken.
    last_key: Bytes,
    /// How many bytes the parts had so far.
    size: usize,
}
// ANCHOR_END: sst_parts

impl<'a, I: RowEntryIterator> SstParts<'a, I> {
    /// The SST of the next rows. There must be one: an SST without rows is an error.
    pub fn new(
        rows: &'a mut PeekingIterator<I>,
        max_sst_size: usize,
        options: &SstOptions,
    ) -> Self {
        let builder = Some(SstBuilder::with_options(options));
        Self { rows, max_sst_size, builder, last_key: Bytes::new(), size: 0 }
    }

    /// How many bytes the parts had so far; behind the last, the size of the SST.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The next part: as soon as the builder has one ([`SstBuilder::take_part`]), and in the end what it
    /// finishes with. `None` behind that. Fails if a row can't be read or added.
    // Task 8.7: Write a sorted run
    fn next_part(&mut self) -> Result<Option<Bytes>> {
        todo!("week 8, task 7: Write a sorted run")
    }
}

impl<I: RowEntryIterator> Iterator for SstParts<'_, I> {
    type Item = Result<Bytes>;

    fn next(&mut self) -> Option<Result<Bytes>> {
        let part = self.next_part().transpose()?;
        self.size += part.as_ref().map_or(0, Bytes::len);
        Some(part)
    }
}
