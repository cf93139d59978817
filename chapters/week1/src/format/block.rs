//! The block, version 1: a few rows in order, and where each begins.
//!
//! ```text
//! +-------+-------+-----+-------+----------+----------+-----+-----------+
//! | row 0 | row 1 | ... | row n | u16      | u16      | ... | u16       |
//! |       |       |     |       | offset 0 | offset 1 |     | row count |
//! +-------+-------+-----+-------+----------+----------+-----+-----------+
//! ```
//!
//! | field | bytes | meaning |
//! |---|---|---|
//! | rows | any | each as [`row_codec`](super::row_codec) encodes it, against the key of row 0 |
//! | offsets | 2 a row | bytes from the block's start to each row; the first is 0 |
//! | row count | 2 | how many rows there are, at least 1 |
//!
//! Row 0 is encoded against the empty key, so it holds its whole key. The offsets make every row
//! reachable in one step, so a search is a binary search.
//!
//! A block is what is read from storage in one piece. It carries no checksum of its own; the SST
//! puts one behind each block ([`checksum`](super::checksum)).
//!
//! SlateDB: `Block` and `BlockBuilderV1` in `src/format/block.rs`.

use bytes::{BufMut, Bytes, BytesMut};

use super::cursor::Cursor;
use super::row_codec::{decode_row, encode_row, encoded_row_len};
use super::types::RowEntry;
use crate::error::{Corruption, DecodeError, Result};

const OFFSET_LEN: usize = size_of::<u16>();
const ROW_COUNT_LEN: usize = size_of::<u16>();

/// The largest size a block may be asked to have: every row must begin where a `u16` reaches.
pub const MAX_BLOCK_SIZE: usize = u16::MAX as usize;

// ANCHOR: block_builder
/// Builds one block, row by row.
///
/// Invariants:
/// 1. The rows are in the order in which they were added; their caller adds them sorted.
/// 2. The finished block is no larger than the block size, unless it holds a single row that is.
#[derive(Debug)]
pub struct BlockBuilder {
    block_size: usize,
    first_key: Bytes,
    rows: BytesMut,
    offsets: Vec<u16>,
}
// ANCHOR_END: block_builder

impl BlockBuilder {
    /// An empty builder of blocks of at most `block_size` bytes; a larger size than
    /// [`MAX_BLOCK_SIZE`] counts as that.
    pub fn new(block_size: usize) -> Self {
        Self {
            block_size: block_size.min(MAX_BLOCK_SIZE),
            first_key: Bytes::new(),
            rows: BytesMut::new(),
            offsets: Vec::new(),
        }
    }

    /// Adds `row` if there is room, and returns whether there was. An empty block has room for a
    /// row of any size. Fails if the row breaks a limit ([`RowEntry::validate`]). Unless it was added,
    /// the builder is as it was.
    // Task 1.7: Build a block
    pub fn add(&mut self, row: &RowEntry) -> Result<bool> {
        todo!("week 1, task 7: Build a block")
    }

    /// Whether no row was added yet.
    pub fn is_empty(&self) -> bool {
        self.offsets.is_empty()
    }

    /// How many bytes [`BlockBuilder::finish`] would return.
    // Task 1.7: Build a block
    pub fn encoded_len(&self) -> usize {
        todo!("week 1, task 7: Build a block")
    }

    /// The block's bytes. The builder is empty afterwards, ready for the next block.
    // Task 1.7: Build a block
    pub fn finish(&mut self) -> Bytes {
        todo!("week 1, task 7: Build a block")
    }
}

// ANCHOR: block
/// A block that was read: rows by number, and search by key.
#[derive(Debug, Clone)]
pub struct Block {
    rows: Bytes,
    offsets: Vec<u16>,
    first_key: Bytes,
}
// ANCHOR_END: block

impl Block {
    /// Reads what [`BlockBuilder::finish`] returned.
    ///
    /// Checks the row count and the offsets, and decodes row 0. Where it ends, and the other rows, are
    /// checked when they are read. Fails if there is no row, if bytes are missing, and unless the first
    /// offset is 0, each is greater than the one before, and the last lies within the rows.
    // Task 1.8: Read a block
    pub fn decode(bytes: Bytes) -> Result<Self, DecodeError> {
        todo!("week 1, task 8: Read a block")
    }

    /// How many rows there are; never 0.
    pub fn row_count(&self) -> usize {
        self.offsets.len()
    }

    /// How many bytes of memory the block holds.
    pub fn size(&self) -> usize {
        let encoded = self.rows.len() + self.offsets.len() * OFFSET_LEN + ROW_COUNT_LEN;
        size_of::<Self>() + encoded + self.offsets.capacity() * OFFSET_LEN
    }

    /// The key of row 0.
    pub fn first_key(&self) -> &Bytes {
        &self.first_key
    }

    /// Row `number`, counted from 0; `None` past the last.
    ///
    /// Fails if the row can't be decoded, and if it does not end where the next one begins (the last:
    /// where the offsets begin). The error's offset counts from the start of the block.
    // Task 1.8: Read a block
    pub fn row(&self, number: usize) -> Result<Option<RowEntry>, DecodeError> {
        todo!("week 1, task 8: Read a block")
    }

    /// The number of the first row whose key is `key` or greater; [`Block::row_count`] if there is
    /// none. Decodes O(log n) rows; fails if one of them can't be decoded.
    ///
    /// The rows are in order of their keys, as their builder's caller added them.
    // Task 1.9: Search a block
    pub fn lower_bound(&self, key: &[u8]) -> Result<usize, DecodeError> {
        todo!("week 1, task 9: Search a block")
    }
}
