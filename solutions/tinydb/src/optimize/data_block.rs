//! Blocks of either version, behind one set of methods.
//!
//! The version stands in the footer of the SST. Whoever reads or writes blocks chooses by it once,
//! here, and needs not know more.

use std::sync::Arc;

use bytes::Bytes;

use super::block_v2::{BlockBuilderV2, BlockV2, RowPosition};
use crate::error::{DecodeError, Result};
use crate::format::{Block, BlockBuilder, FormatVersion, RowEntry};

// ANCHOR: data_block
/// A block of either version.
///
/// SlateDB: `DataBlockIterator` in `src/block_iterator.rs` chooses in the same way.
#[derive(Debug, Clone)]
pub enum DataBlock {
    /// A block with an offset for each row.
    V1(Block),
    /// A block with restart points.
    V2(BlockV2),
}
// ANCHOR_END: data_block

impl DataBlock {
    /// Reads what [`DataBlockBuilder::finish`] returned for this version.
    pub fn decode(version: FormatVersion, bytes: Bytes) -> Result<Self, DecodeError> {
        match version {
            FormatVersion::V1 => Block::decode(bytes).map(Self::V1),
            FormatVersion::V2 => BlockV2::decode(bytes).map(Self::V2),
        }
    }

    /// How many rows there are; never 0.
    pub fn row_count(&self) -> usize {
        match self {
            Self::V1(block) => block.row_count(),
            Self::V2(block) => block.row_count(),
        }
    }

    /// The key of row 0.
    pub fn first_key(&self) -> &Bytes {
        match self {
            Self::V1(block) => block.first_key(),
            Self::V2(block) => block.first_key(),
        }
    }

    /// Row `number`, counted from 0; `None` past the last. To read row after row, use a
    /// [`DataBlockIterator`].
    pub fn row(&self, number: usize) -> Result<Option<RowEntry>, DecodeError> {
        match self {
            Self::V1(block) => block.row(number),
            Self::V2(block) => block.row(number),
        }
    }

    /// The number of the first row whose key is `key` or greater; [`DataBlock::row_count`] if there is
    /// none.
    pub fn lower_bound(&self, key: &[u8]) -> Result<usize, DecodeError> {
        match self {
            Self::V1(block) => block.lower_bound(key),
            Self::V2(block) => block.lower_bound(key),
        }
    }

    /// How many bytes of memory the block holds.
    pub fn size(&self) -> usize {
        match self {
            Self::V1(block) => block.size(),
            Self::V2(block) => block.size(),
        }
    }

    /// The place in front of the first row whose key is `key` or greater.
    fn seek(&self, key: &[u8]) -> Result<RowPosition, DecodeError> {
        match self {
            Self::V1(block) => block.lower_bound(key).map(in_front_of),
            Self::V2(block) => block.seek(key),
        }
    }

    /// The row behind `position`, which moves behind it.
    fn next_row(&self, position: &mut RowPosition) -> Result<Option<RowEntry>, DecodeError> {
        match self {
            Self::V1(block) => {
                let row = block.row(position.number)?;
                position.number += usize::from(row.is_some());
                Ok(row)
            }
            Self::V2(block) => block.next_row(position),
        }
    }
}

/// A place in a block of version 1: the row's number says it all.
fn in_front_of(number: usize) -> RowPosition {
    RowPosition { number, ..RowPosition::default() }
}

/// Builds blocks of either version.
#[derive(Debug)]
pub enum DataBlockBuilder {
    /// Of version 1.
    V1(BlockBuilder),
    /// Of version 2.
    V2(BlockBuilderV2),
}

impl DataBlockBuilder {
    /// An empty builder of blocks of about `block_size` bytes, at most 65,535.
    pub fn new(version: FormatVersion, block_size: usize) -> Self {
        match version {
            FormatVersion::V1 => Self::V1(BlockBuilder::new(block_size)),
            FormatVersion::V2 => Self::V2(BlockBuilderV2::new(block_size)),
        }
    }

    /// Adds `row` if there is room, and returns whether there was. An empty block has room for a
    /// row of any size. Fails if the row breaks a limit.
    pub fn add(&mut self, row: &RowEntry) -> Result<bool> {
        match self {
            Self::V1(builder) => builder.add(row),
            Self::V2(builder) => builder.add(row),
        }
    }

    /// Whether no row was added yet.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::V1(builder) => builder.is_empty(),
            Self::V2(builder) => builder.is_empty(),
        }
    }

    /// How many bytes [`DataBlockBuilder::finish`] would return.
    pub fn encoded_len(&self) -> usize {
        match self {
            Self::V1(builder) => builder.encoded_len(),
            Self::V2(builder) => builder.encoded_len(),
        }
    }

    /// The block's bytes. The builder is empty afterwards, ready for the next block.
    pub fn finish(&mut self) -> Bytes {
        match self {
            Self::V1(builder) => builder.finish(),
            Self::V2(builder) => builder.finish(),
        }
    }
}

/// The rows of a block in their order, each decoded once.
///
/// Invariants:
/// 1. Rows come out in the order of the block; none comes out twice.
/// 2. After an error the iterator is where it was, so that the next call meets the same error.
#[derive(Debug, Clone)]
pub struct DataBlockIterator {
    block: Arc<DataBlock>,
    position: RowPosition,
}

impl DataBlockIterator {
    /// The rows of `block`, from its first.
    pub fn new(block: Arc<DataBlock>) -> Self {
        Self { block, position: RowPosition::default() }
    }

    /// Moves to the first row whose key is `key` or greater; stays if it is there or behind it.
    pub fn seek(&mut self, key: &[u8]) -> Result<(), DecodeError> {
        let found = self.block.seek(key)?;
        if found.number > self.position.number {
            self.position = found;
        }
        Ok(())
    }

    /// The next row; `None` behind the last.
    #[expect(clippy::should_implement_trait, reason = "it can fail, as a `RowEntryIterator`'s can")]
    pub fn next(&mut self) -> Result<Option<RowEntry>, DecodeError> {
        self.block.next_row(&mut self.position)
    }
}
