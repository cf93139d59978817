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
    // exercise: week1.7
    pub fn add(&mut self, row: &RowEntry) -> Result<bool> {
        row.validate()?;
        let added_len = encoded_row_len(row, &self.first_key) + OFFSET_LEN;
        if !self.is_empty() && self.encoded_len() + added_len > self.block_size {
            return Ok(false);
        }
        // The cast is exact: what is there fits in a block, unless it is a single row, and there is no
        // room behind that one.
        let offset = self.rows.len() as u16;
        encode_row(row, &self.first_key, &mut self.rows)?;
        if self.is_empty() {
            self.first_key = row.key.clone();
        }
        self.offsets.push(offset);
        Ok(true)
    }

    /// Whether no row was added yet.
    pub fn is_empty(&self) -> bool {
        self.offsets.is_empty()
    }

    /// How many bytes [`BlockBuilder::finish`] would return.
    // exercise: week1.7
    pub fn encoded_len(&self) -> usize {
        self.rows.len() + self.offsets.len() * OFFSET_LEN + ROW_COUNT_LEN
    }

    /// The block's bytes. The builder is empty afterwards, ready for the next block.
    // exercise: week1.7
    pub fn finish(&mut self) -> Bytes {
        let mut block = std::mem::take(&mut self.rows);
        for offset in &self.offsets {
            block.put_u16(*offset);
        }
        block.put_u16(self.offsets.len() as u16);
        self.offsets.clear();
        self.first_key = Bytes::new();
        block.freeze()
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
    // exercise: week1.8
    pub fn decode(bytes: Bytes) -> Result<Self, DecodeError> {
        let (rows, offsets) = split_offsets(&bytes)?;
        let first = decode_row(&mut Cursor::new(&rows), &[])?;
        Ok(Self { rows, offsets, first_key: first.key })
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
    // exercise: week1.8
    pub fn row(&self, number: usize) -> Result<Option<RowEntry>, DecodeError> {
        let Some(&start) = self.offsets.get(number) else {
            return Ok(None);
        };
        let start = usize::from(start);
        let end = self.offsets.get(number + 1).map_or(self.rows.len(), |&next| usize::from(next));
        let first_key = if number == 0 { &[][..] } else { &self.first_key };
        let bytes = self.rows.slice(start..end);
        let mut cursor = Cursor::new(&bytes);
        let row = decode_row(&mut cursor, first_key).map_err(|e| e.shifted(start as u64))?;
        if cursor.remaining() > 0 {
            let found = cursor.remaining() as u64;
            let expected = "a row ends where the next one begins";
            let corruption =
                Corruption::InvalidField { what: "bytes behind a row", found, expected };
            return Err(DecodeError::new(start + cursor.offset(), corruption));
        }
        Ok(Some(row))
    }

    /// The number of the first row whose key is `key` or greater; [`Block::row_count`] if there is
    /// none. Decodes O(log n) rows; fails if one of them can't be decoded.
    ///
    /// The rows are in order of their keys, as their builder's caller added them.
    // exercise: week1.9
    pub fn lower_bound(&self, key: &[u8]) -> Result<usize, DecodeError> {
        let (mut low, mut high) = (0, self.row_count());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.row(middle)? {
                Some(row) if row.key < key => low = middle + 1,
                _ => high = middle,
            }
        }
        Ok(low)
    }
}

/// Splits a block into its rows and their offsets, which it checks: the first is 0, each is greater
/// than the one before, and the last lies within the rows.
// solution-only
fn split_offsets(block: &Bytes) -> Result<(Bytes, Vec<u16>), DecodeError> {
    let truncated = |what, needed: usize, available: usize| {
        let (needed, available) = (needed as u64, available as u64);
        DecodeError::new(0, Corruption::Truncated { what, needed, available })
    };
    let Some(count_start) = block.len().checked_sub(ROW_COUNT_LEN) else {
        return Err(truncated("a block's row count", ROW_COUNT_LEN, block.len()));
    };
    let row_count = Cursor::new(&block.slice(count_start..)).take_u16("a block's row count")?;
    let offsets_len = usize::from(row_count) * OFFSET_LEN;
    let Some(rows_len) = count_start.checked_sub(offsets_len) else {
        return Err(truncated("a block's offsets", offsets_len, count_start));
    };
    let encoded = block.slice(rows_len..count_start);
    let mut cursor = Cursor::new(&encoded);
    let mut offsets = Vec::with_capacity(usize::from(row_count));
    for _ in 0..row_count {
        offsets.push(cursor.take_u16("a row's offset")?);
    }
    check_offsets(&offsets, rows_len)?;
    Ok((block.slice(..rows_len), offsets))
}

// solution-only
fn check_offsets(offsets: &[u16], rows_len: usize) -> Result<(), DecodeError> {
    let invalid = |position: usize, what, found, expected| {
        let corruption = Corruption::InvalidField { what, found, expected };
        Err(DecodeError::new(rows_len + position * OFFSET_LEN, corruption))
    };
    match offsets.first() {
        None => {
            return invalid(0, "a block's row count", 0, "a block holds at least one row");
        }
        Some(0) => {}
        Some(&found) => return invalid(0, "a block's first offset", found.into(), "it must be 0"),
    }
    let ends = offsets.iter().skip(1).map(|&next| usize::from(next)).chain([rows_len]);
    for (position, (&offset, end)) in offsets.iter().zip(ends).enumerate() {
        if usize::from(offset) >= end {
            let expected = "each row begins behind the one before, and within the block";
            return invalid(position, "a row's offset", offset.into(), expected);
        }
    }
    Ok(())
}
