//! The SST's format: what a sorted string table looks like, byte by byte.
//!
//! An SST holds rows in the order of [`SequencedKey`](super::SequencedKey). It is written once, as
//! one object, and never changed.
//!
//! ```text
//! +--------------+-----+--------------+--------+-------+----------+
//! | data block 0 | ... | data block n | filter | index | footer   |
//! | + CRC-32     |     | + CRC-32     |        | + CRC | 48 bytes |
//! +--------------+-----+--------------+--------+-------+----------+
//! 0                                   |        |
//!                          filter offset      index offset
//! ```
//!
//! Sections stand one behind the other without a gap, so a section ends where the next one starts,
//! and no length is stored that could contradict an offset.
//!
//! | section | what it holds |
//! |---|---|
//! | data blocks | rows, as [`block`](crate::format::block) encodes them; behind each block its CRC-32 |
//! | filter | empty in an SST without a filter (week 7 fills it); otherwise it ends with its CRC-32 |
//! | index | where each block starts and with which key; it ends with its CRC-32 |
//! | footer | where the filter and the index start |
//!
//! The index:
//!
//! ```text
//! +-------------+------------------------------------+-----+---------------------+--------+
//! | u32         | block 0                            | ... | u16       | last    | u32    |
//! | block count | u64 offset | u16 length | key      |     | length    | key     | CRC-32 |
//! +-------------+------------------------------------+-----+---------------------+--------+
//! ```
//!
//! | field | bytes | meaning |
//! |---|---|---|
//! | block count | 4 | how many data blocks there are, at least 1 |
//! | offset | 8 | bytes from the start of the file to the block; 0 for block 0 |
//! | length, key | 2 + length | the user key of the block's first row |
//! | length, last key | 2 + length | the user key of the last row in the SST |
//!
//! The footer:
//!
//! ```text
//! offset 0        8        16        24        32        34      36           40         48
//!        +--------+--------+---------+---------+---------+-------+------------+----------+
//!        | u64    | u64    | u64     | u64     | u16     | u16   | u32 CRC-32 | magic    |
//!        | filter | index  | row     | max     | version | flags | of the     | TINYDBST |
//!        | offset | offset | count   | seq     |         |       | 36 before  |          |
//!        +--------+--------+---------+---------+---------+-------+------------+----------+
//! ```
//!
//! Of the flags only the lowest bit has a meaning: the SST is plain, see [`Footer::plain`]. The other 15
//! are 0, for later versions.
//!
//! The footer comes last because only then is it known where everything is. A reader starts there:
//! footer, index, then one block for each lookup.
//!
//! SlateDB: `src/sst_builder.rs` draws its layout, which has the same sections and, behind the
//! index, one of statistics. Its index holds the shortest key that separates two blocks, TinyDB's
//! the block's first key: larger, and nothing to explain.

use std::ops::Range;

use bytes::{BufMut, Bytes, BytesMut};

use crate::error::{Corruption, DecodeError};
use crate::format::FormatVersion;
use crate::format::checksum::{CHECKSUM_LEN, append_checksum, verify_checksum};
use crate::format::cursor::Cursor;

/// How many bytes the footer takes.
pub const FOOTER_LEN: usize = 48;
/// The last bytes of an SST.
pub const MAGIC: [u8; 8] = *b"TINYDBST";
/// How many bytes of the footer its checksum covers: those before it.
// solution-only
const FOOTER_CHECKED_LEN: usize = FOOTER_LEN - MAGIC.len() - CHECKSUM_LEN;

// ANCHOR: footer
/// The last 48 bytes of an SST: where everything else is.
///
/// SlateDB: `SsTableInfo` in `src/db_state.rs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Footer {
    /// Where the data blocks end and the filter starts.
    pub filter_offset: u64,
    /// Where the filter ends and the index starts. Equal to `filter_offset` without a filter.
    pub index_offset: u64,
    /// How many rows the SST has, every version counted.
    pub row_count: u64,
    /// The highest sequence number of a row.
    pub max_seq: u64,
    /// How the data blocks are encoded.
    pub version: FormatVersion,
    /// Whether every row is a value, and no key has two rows. Then a lookup needs one block.
    pub plain: bool,
}
// ANCHOR_END: footer

impl Footer {
    /// The footer's bytes, [`FOOTER_LEN`] of them.
    // exercise: week3.9
    pub fn encode(&self) -> Bytes {
        let mut footer = BytesMut::with_capacity(FOOTER_LEN);
        footer.put_u64(self.filter_offset);
        footer.put_u64(self.index_offset);
        footer.put_u64(self.row_count);
        footer.put_u64(self.max_seq);
        footer.put_u16(self.version.into());
        footer.put_u16(self.plain.into());
        append_checksum(&mut footer, 0);
        footer.put_slice(&MAGIC);
        footer.freeze()
    }

    /// Reads the footer of an SST of `file_len` bytes from its last bytes, exactly [`FOOTER_LEN`] of
    /// them. Of the flags it looks at the lowest bit only: the others are for later versions.
    ///
    /// Checks, in this order: the length of `footer` (too few bytes are [`Corruption::Truncated`]), the
    /// magic, the checksum, the version, and that the filter starts before or where the index does, and
    /// the index before or where the footer does. Offsets of errors count from the start of the footer.
    // exercise: week3.9
    pub fn decode(footer: Bytes, file_len: u64) -> Result<Self, DecodeError> {
        let mut fields = Cursor::new(&footer);
        let checked = fields.take_bytes(FOOTER_CHECKED_LEN + CHECKSUM_LEN, "an SST's footer")?;
        if fields.take_array("an SST's magic")? != MAGIC {
            let expected = "an SST of TinyDB";
            return Err(DecodeError::new(checked.len(), Corruption::WrongMagic { expected }));
        }
        expect_end(&fields, "bytes behind the footer")?;
        let checked = verify_checksum(checked, "the footer")?;
        let mut fields = Cursor::new(&checked);
        let filter_offset = fields.take_u64("the filter's offset")?;
        let index_offset = fields.take_u64("the index's offset")?;
        let row_count = fields.take_u64("the row count")?;
        let max_seq = fields.take_u64("the highest sequence number")?;
        let version_offset = fields.offset();
        let version = FormatVersion::try_from(fields.take_u16("the format version")?)
            .map_err(|corruption| DecodeError::new(version_offset, corruption))?;
        let plain = fields.take_u16("the flags")? & 1 == 1;
        let footer = Self { filter_offset, index_offset, row_count, max_seq, version, plain };
        footer.check_offsets(file_len)?;
        Ok(footer)
    }

    // solution-only
    fn check_offsets(&self, file_len: u64) -> Result<(), DecodeError> {
        let invalid = |offset, what, found, expected| {
            let corruption = Corruption::InvalidField { what, found, expected };
            Err(DecodeError::new(offset, corruption))
        };
        if self.filter_offset > self.index_offset {
            let expected = "the filter starts before the index, or where it starts";
            return invalid(0, "the filter's offset", self.filter_offset, expected);
        }
        if self.index_offset > file_len.saturating_sub(FOOTER_LEN as u64) {
            let expected = "the index starts before the footer";
            return invalid(8, "the index's offset", self.index_offset, expected);
        }
        Ok(())
    }
}

// ANCHOR: block_meta
/// What the index says of one data block.
///
/// SlateDB: `BlockMeta` in `src/generated/root_generated.rs`, which is made by FlatBuffers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockMeta {
    /// Bytes from the start of the file to the block.
    pub offset: u64,
    /// The user key of the block's first row.
    pub first_key: Bytes,
}
// ANCHOR_END: block_meta

// ANCHOR: sst_index
/// Which block starts with which key.
///
/// Invariants, which [`SstIndex::decode`] checks:
/// 1. There is at least one block, and block 0 starts at offset 0.
/// 2. Offsets increase, by more than the length of a checksum.
/// 3. First keys do not decrease, and `last_key` is not less than any. (Two blocks may start with
///    the same key: with two versions of it.)
/// 4. No key is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SstIndex {
    /// The data blocks, in the order of the file.
    pub blocks: Vec<BlockMeta>,
    /// The user key of the last row in the SST.
    pub last_key: Bytes,
}
// ANCHOR_END: sst_index

impl SstIndex {
    /// The bytes of the index section, its checksum included.
    // exercise: week3.9
    pub fn encode(&self) -> Bytes {
        let mut index = BytesMut::new();
        index.put_u32(self.blocks.len() as u32);
        for block in &self.blocks {
            index.put_u64(block.offset);
            put_key(&mut index, &block.first_key);
        }
        put_key(&mut index, &self.last_key);
        append_checksum(&mut index, 0);
        index.freeze()
    }

    /// Reads the index section, for data blocks that end at `data_end`. Checks the checksum, every
    /// length and the invariants. The offset of an error counts from the start of the section, and lies in
    /// what is wrong: in the block's entry (also of the last one, if it reaches past `data_end`), in the
    /// last key, or where bytes begin that are behind it.
    // exercise: week3.9
    pub fn decode(section: Bytes, data_end: u64) -> Result<Self, DecodeError> {
        let index = verify_checksum(section, "the index")?;
        let mut fields = Cursor::new(&index);
        let block_count = fields.take_u32("the block count")?;
        // Grown block by block: a count that the section can't hold must not allocate.
        let mut blocks: Vec<BlockMeta> = Vec::new();
        for _ in 0..block_count {
            let position = fields.offset();
            let offset = fields.take_u64("a block's offset")?;
            let first_key = take_key(&mut fields)?;
            let block = BlockMeta { offset, first_key };
            check_next(blocks.last(), &block, data_end)
                .map_err(|corruption| DecodeError::new(position, corruption))?;
            blocks.push(block);
        }
        let last_key_offset = fields.offset();
        let last_key = take_key(&mut fields)?;
        if blocks.last().is_none_or(|block| block.first_key > last_key) {
            let (what, found) = ("the block count", block_count.into());
            let expected = "there is a block, and no first key is greater than the last key";
            let corruption = Corruption::InvalidField { what, found, expected };
            return Err(DecodeError::new(last_key_offset, corruption));
        }
        expect_end(&fields, "bytes behind the index")?;
        Ok(Self { blocks, last_key })
    }

    /// The user key of the SST's first row; empty if there is no block, against invariant 1.
    pub fn first_key(&self) -> &[u8] {
        self.blocks.first().map_or(&[], |block| &block.first_key)
    }

    /// The numbers of the blocks that may hold a row of `key`: none, or a run of neighbours.
    ///
    /// More than one block can hold versions of a key. The first of them may start with a smaller
    /// key; each of the others starts with `key`.
    // exercise: week3.11
    pub fn blocks_for(&self, key: &[u8]) -> Range<usize> {
        self.blocks_near(key, 0..self.blocks.len())
    }

    /// As [`blocks_for`](Self::blocks_for), if it is known that every first key in front of `near` is
    /// less than `key`, and every one behind it is greater.
    // solution-only
    pub fn blocks_near(&self, key: &[u8], near: Range<usize>) -> Range<usize> {
        if key > self.last_key {
            return 0..0;
        }
        let blocks = &self.blocks[near.clone()];
        let behind = near.start + blocks.partition_point(|block| block.first_key < key);
        // Hardly ever more than one.
        let same = self.blocks[behind..near.end].iter().take_while(|block| block.first_key == key);
        behind.saturating_sub(1)..behind + same.count()
    }
}

// solution-only
fn put_key(index: &mut BytesMut, key: &Bytes) {
    // The cast is exact: the rows were validated when they were added.
    index.put_u16(key.len() as u16);
    index.put_slice(key);
}

// solution-only
fn take_key(fields: &mut Cursor<'_>) -> Result<Bytes, DecodeError> {
    let position = fields.offset();
    let key_len = fields.take_u16("a key's length")?;
    if key_len == 0 {
        let (what, found, expected) = ("a key's length", 0, "a key has at least one byte");
        return Err(DecodeError::new(position, Corruption::InvalidField { what, found, expected }));
    }
    fields.take_bytes(usize::from(key_len), "a key")
}

/// Checks invariants 1 to 3 of the index for one block and the block before it.
// solution-only
fn check_next(
    previous: Option<&BlockMeta>,
    block: &BlockMeta,
    data_end: u64,
) -> Result<(), Corruption> {
    let (what, found) = ("a block's offset", block.offset);
    let invalid = |expected| Err(Corruption::InvalidField { what, found, expected });
    match previous {
        None if block.offset != 0 => return invalid("block 0 starts at offset 0"),
        Some(previous) if block.offset <= previous.offset + CHECKSUM_LEN as u64 => {
            return invalid("each block starts behind the one before");
        }
        Some(previous) if block.first_key < previous.first_key => {
            return invalid("first keys do not decrease");
        }
        _ => {}
    }
    if block.offset.saturating_add(CHECKSUM_LEN as u64) >= data_end {
        return invalid("a block ends before the filter starts");
    }
    Ok(())
}

// solution-only
fn expect_end(fields: &Cursor<'_>, what: &'static str) -> Result<(), DecodeError> {
    if fields.remaining() == 0 {
        return Ok(());
    }
    let found = fields.remaining() as u64;
    let corruption = Corruption::InvalidField { what, found, expected: "nothing follows it" };
    Err(DecodeError::new(fields.offset(), corruption))
}
