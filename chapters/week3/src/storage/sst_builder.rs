//! The builder of an SST.

use bytes::{Bytes, BytesMut};

use crate::error::{Error, Result};
use crate::format::checksum::append_checksum;
use crate::format::{BlockBuilder, FormatVersion, RowEntry};

use super::sequenced_key::SequencedKey;
use super::sst::{BlockMeta, Footer, SstIndex};

/// Builds an SST from rows that come in order.
///
/// Invariants:
/// 1. Rows are added in the strict order of [`SequencedKey`]; any other row is refused.
/// 2. Every row that was accepted is in the SST, exactly once; a refused row changes nothing.
/// 3. No data block is larger than the block size, unless it holds a single row that is.
///
/// The SST is built in memory and then put on the store in one piece.
///
/// SlateDB: `EncodedSsTableBuilder` in `src/sst_builder.rs`, which hands out finished blocks as it
/// goes, so that a large SST is uploaded in parts.
#[derive(Debug)]
pub struct SstBuilder {
    block: BlockBuilder,
    /// The first key of the unfinished block.
    first_key: Bytes,
    /// The finished blocks.
    data: BytesMut,
    metas: Vec<BlockMeta>,
    last: Option<SequencedKey>,
    row_count: u64,
    max_seq: u64,
}

impl SstBuilder {
    /// The default block size in bytes, SlateDB's default too.
    pub const DEFAULT_BLOCK_SIZE: usize = 4096;

    /// A builder of data blocks of about `block_size` bytes, at most 65,535.
    pub fn new(block_size: usize) -> Self {
        Self {
            block: BlockBuilder::new(block_size),
            first_key: Bytes::new(),
            data: BytesMut::new(),
            metas: Vec::new(),
            last: None,
            row_count: 0,
            max_seq: 0,
        }
    }

    /// Adds a row. Fails if the row breaks a limit ([`RowEntry::validate`]) or does not come behind
    /// the row before it in the order of [`SequencedKey`]; the builder can be used further.
    // Task 3.10: Build an SST
    pub fn add(&mut self, row: &RowEntry) -> Result<()> {
        todo!("week 3, task 10: Build an SST")
    }

    /// How many bytes the data blocks take so far, the unfinished block included; 0 without a row.
    /// By this lower bound of the SST's size its writer decides when to start another.
    // Task 3.10: Build an SST
    pub fn estimated_size(&self) -> usize {
        todo!("week 3, task 10: Build an SST")
    }

    /// The bytes of the SST. Fails if no row was added: an SST without rows has no first key.
    // Task 3.10: Build an SST
    pub fn finish(mut self) -> Result<Bytes> {
        todo!("week 3, task 10: Build an SST")
    }
}

impl Default for SstBuilder {
    fn default() -> Self {
        Self::new(Self::DEFAULT_BLOCK_SIZE)
    }
}
