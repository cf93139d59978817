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
    // exercise: week3.10
    pub fn add(&mut self, row: &RowEntry) -> Result<()> {
        row.validate()?;
        let key = SequencedKey::new(row.key.clone(), row.seq);
        if let Some(last) = self.last.as_ref().filter(|last| **last >= key) {
            return Err(out_of_order(last, &key));
        }
        if !self.block.add(row)? {
            self.finish_block();
            self.block.add(row)?;
        }
        if self.first_key.is_empty() {
            self.first_key = row.key.clone();
        }
        self.last = Some(key);
        self.row_count += 1;
        self.max_seq = self.max_seq.max(row.seq);
        Ok(())
    }

    /// How many bytes the data blocks take so far, the unfinished block included; 0 without a row.
    /// By this lower bound of the SST's size its writer decides when to start another.
    // exercise: week3.10
    pub fn estimated_size(&self) -> usize {
        let unfinished = if self.block.is_empty() { 0 } else { self.block.encoded_len() };
        self.data.len() + unfinished
    }

    /// The bytes of the SST. Fails if no row was added: an SST without rows has no first key.
    // exercise: week3.10
    pub fn finish(mut self) -> Result<Bytes> {
        let Some(last) = self.last.take() else {
            return Err(Error::invalid("rows", "there are none; an SST holds at least one row"));
        };
        self.finish_block();
        let offset = self.data.len() as u64;
        let footer = Footer {
            filter_offset: offset,
            index_offset: offset,
            row_count: self.row_count,
            max_seq: self.max_seq,
            version: FormatVersion::V1,
        };
        let index = SstIndex { blocks: self.metas, last_key: last.user_key };
        self.data.extend_from_slice(&index.encode());
        self.data.extend_from_slice(&footer.encode());
        Ok(self.data.freeze())
    }

    // solution-only
    fn finish_block(&mut self) {
        let start = self.data.len();
        let first_key = std::mem::take(&mut self.first_key);
        self.metas.push(BlockMeta { offset: start as u64, first_key });
        self.data.extend_from_slice(&self.block.finish());
        append_checksum(&mut self.data, start);
    }
}

impl Default for SstBuilder {
    fn default() -> Self {
        Self::new(Self::DEFAULT_BLOCK_SIZE)
    }
}

// solution-only
fn out_of_order(last: &SequencedKey, key: &SequencedKey) -> Error {
    let problem = format!(
        "key {:?} with sequence number {} does not come behind {:?} with {}; \
         rows are added by key, then newest first",
        key.user_key, key.seq, last.user_key, last.seq
    );
    Error::invalid("row", problem)
}
