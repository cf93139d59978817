//! The builder of an SST.

use bytes::{Bytes, BytesMut};

use crate::error::{Error, Result};
use crate::format::checksum::append_checksum;
use crate::format::{FormatVersion, RowEntry, ValueDeletable};
use crate::optimize::{BloomFilterBuilder, DataBlockBuilder};

use super::sequenced_key::SequencedKey;
use super::sst::{BlockMeta, Footer, SstIndex};

/// How an SST is encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SstOptions {
    /// The version of the data blocks.
    pub version: FormatVersion,
    /// The size of data blocks in bytes, at most 65,535.
    pub block_size: usize,
    /// How many bits the filter has for each key; 0 for no filter (week 7).
    pub filter_bits_per_key: u32,
    /// An SST with fewer rows than this gets no filter.
    pub min_filter_keys: u64,
}

impl Default for SstOptions {
    /// What a database writes, and SlateDB too: `BloomFilterPolicy::new` in `src/filter_policy.rs` is
    /// given 10, and `Settings::min_filter_keys` in `src/config.rs` is 1000.
    fn default() -> Self {
        Self {
            version: FormatVersion::V2,
            block_size: SstBuilder::DEFAULT_BLOCK_SIZE,
            filter_bits_per_key: 10,
            min_filter_keys: 1000,
        }
    }
}

/// Builds an SST from rows that come in order.
///
/// Invariants:
/// 1. Rows are added in the strict order of [`SequencedKey`]; any other row is refused.
/// 2. Every row that was accepted is in the SST, exactly once; a refused row changes nothing.
/// 3. No data block is larger than the block size, unless it holds a single row that is.
/// 4. What [`take_part`](Self::take_part) gave, piece behind piece, and behind it what
///    [`finish`](Self::finish) gives: that is the SST, and the same if no part was ever taken.
///
/// SlateDB: `EncodedSsTableBuilder` in `src/sst_builder.rs`, whose `next_block` hands out the finished
/// blocks, so that a large SST is uploaded in parts.
#[derive(Debug)]
pub struct SstBuilder {
    version: FormatVersion,
    /// The unfinished block.
    block: DataBlockBuilder,
    /// The filter of all keys, unless none is wanted (week 7).
    filter: Option<BloomFilterBuilder>,
    min_filter_keys: u64,
    /// The first key of the unfinished block.
    first_key: Bytes,
    /// The finished blocks, but for those that were taken.
    data: BytesMut,
    /// How many bytes were taken.
    taken: u64,
    metas: Vec<BlockMeta>,
    last: Option<SequencedKey>,
    row_count: u64,
    max_seq: u64,
    /// Whether all rows so far are values, of different keys.
    plain: bool,
}

impl SstBuilder {
    /// The default block size in bytes, SlateDB's default too.
    pub const DEFAULT_BLOCK_SIZE: usize = 4096;

    /// A part has this many bytes or a few more. It fits into a processor's cache, so what is written
    /// need not come back from memory.
    pub const PART_LEN: usize = 256 * 1024;

    /// A builder of data blocks of version 1 and of about `block_size` bytes, at most 65,535, without
    /// a filter.
    pub fn new(block_size: usize) -> Self {
        let (version, filter_bits_per_key) = (FormatVersion::V1, 0);
        let options = SstOptions { version, block_size, filter_bits_per_key, min_filter_keys: 0 };
        Self::with_options(&options)
    }

    /// A builder with these options.
    pub fn with_options(options: &SstOptions) -> Self {
        let bits_per_key = options.filter_bits_per_key;
        Self {
            version: options.version,
            block: DataBlockBuilder::new(options.version, options.block_size),
            filter: (bits_per_key > 0).then(|| BloomFilterBuilder::new(bits_per_key)),
            min_filter_keys: options.min_filter_keys,
            first_key: Bytes::new(),
            data: BytesMut::new(),
            taken: 0,
            metas: Vec::new(),
            last: None,
            row_count: 0,
            max_seq: 0,
            plain: true,
        }
    }

    /// Adds a row. Fails if the row breaks a limit ([`RowEntry::validate`]) or does not come behind
    /// the row before it in the order of [`SequencedKey`]; the builder can be used further.
    pub fn add(&mut self, row: &RowEntry) -> Result<()> {
        let is_first_of_key = self.last.as_ref().is_none_or(|last| last.user_key != row.key);
        self.add_to_block(row)?;
        self.plain &= is_first_of_key && matches!(row.value, ValueDeletable::Value(_));
        if let Some(filter) = &mut self.filter {
            filter.add_key(&row.key);
        }
        Ok(())
    }

    /// Adds a row to the unfinished block, which is finished first if it has no room. Fails as
    /// [`add`](Self::add) does.
    // exercise: week3.10
    fn add_to_block(&mut self, row: &RowEntry) -> Result<()> {
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

    /// How many bytes the data blocks take so far, those that were taken and the unfinished block
    /// included; 0 without a row.
    /// By this lower bound of the SST's size its writer decides when to start another.
    // exercise: week3.10
    pub fn estimated_size(&self) -> usize {
        let unfinished = if self.block.is_empty() { 0 } else { self.block.encoded_len() };
        self.written() as usize + unfinished
    }

    /// The bytes of the SST, or those behind the parts that were taken. Fails with
    /// [`Error::InvalidArgument`] if no row was added: an SST without rows has no first key.
    // exercise: week3.10
    pub fn finish(mut self) -> Result<Bytes> {
        let Some(last) = self.last.take() else {
            return Err(Error::invalid("rows", "there are none; an SST holds at least one row"));
        };
        self.finish_block();
        let filter_offset = self.written();
        let filter = self.filter_section();
        self.data.extend_from_slice(&filter);
        let footer = Footer {
            filter_offset,
            index_offset: self.written(),
            row_count: self.row_count,
            max_seq: self.max_seq,
            version: self.version,
            plain: self.plain,
        };
        let index = SstIndex { blocks: self.metas, last_key: last.user_key };
        self.data.extend_from_slice(&index.encode());
        self.data.extend_from_slice(&footer.encode());
        Ok(self.data.freeze())
    }

    /// Takes the finished blocks, once there are [`PART_LEN`](Self::PART_LEN) bytes of them. So a large SST
    /// is written while it is built, and need not be in memory.
    pub fn take_part(&mut self) -> Option<Bytes> {
        if self.data.len() < Self::PART_LEN {
            return None;
        }
        self.taken += self.data.len() as u64;
        Some(self.data.split().freeze())
    }

    /// Bytes from the SST's start to the end of `data`: where the next block or section begins.
    fn written(&self) -> u64 {
        self.taken + self.data.len() as u64
    }

    /// The filter's bytes; none without a filter.
    fn filter_section(&mut self) -> Bytes {
        let filter = self.filter.take().filter(|_| self.row_count >= self.min_filter_keys);
        filter.map_or_else(Bytes::new, |filter| filter.build().encode())
    }

    // solution-only
    fn finish_block(&mut self) {
        // A copy: a key that was read from another SST may be a part of what was read there, which would
        // stay in memory with it.
        let first_key = Bytes::copy_from_slice(&std::mem::take(&mut self.first_key));
        self.metas.push(BlockMeta { offset: self.written(), first_key });
        let start = self.data.len();
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
