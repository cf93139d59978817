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
    // Task 3.9: Encode the footer and the index
    pub fn encode(&self) -> Bytes {
        todo!("week 3, task 9: Encode the footer and the index")
    }

    /// Reads the footer of an SST of `file_len` bytes from its last bytes, exactly [`FOOTER_LEN`] of
    /// them. Of the flags it looks at the lowest bit only: the others are for later versions.
    ///
    /// Checks, in this order: the length of `footer` (too few bytes are [`Corruption::Truncated`]), the
    /// magic, the checksum, the version, and that the filter starts before or where the index does, and
    /// the index before or where the footer does. Offsets of errors count from the start of the footer.
    // Task 3.9: Encode the footer and the index
    pub fn decode(footer: Bytes, file_len: u64) -> Result<Self, DecodeError> {
        todo!("week 3, task 9: Encode the footer and the index")
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
    // Task 3.9: Encode the footer and the index
    pub fn encode(&self) -> Bytes {
        todo!("week 3, task 9: Encode the footer and the index")
    }

    /// Reads the index section, for data blocks that end at `data_end`. Checks the checksum, every
    /// length and the invariants. The offset of an error counts from the start of the section, and lies in
    /// what is wrong: in the block's entry (also of the last one, if it reaches past `data_end`), in the
    /// last key, or where bytes begin that are behind it.
    // Task 3.9: Encode the footer and the index
    pub fn decode(section: Bytes, data_end: u64) -> Result<Self, DecodeError> {
        todo!("week 3, task 9: Encode the footer and the index")
    }

    /// The user key of the SST's first row; empty if there is no block, against invariant 1.
    pub fn first_key(&self) -> &[u8] {
        self.blocks.first().map_or(&[], |block| &block.first_key)
    }

    /// The numbers of the blocks that may hold a row of `key`: none, or a run of neighbours.
    ///
    /// More than one block can hold versions of a key. The first of them may start with a smaller
    /// key; each of the others starts with `key`.
    // Task 3.11: Open an SST and find the right blocks
    pub fn blocks_for(&self, key: &[u8]) -> Range<usize> {
        todo!("week 3, task 11: Open an SST and find the right blocks")
    }
}
