//! The block, version 2: rows that lean on the row before, and restart points between them.
//!
//! ```text
//! +-------+-------+-----+--------+--------+-----+-----------+-----------+-----+-----------+
//! | row 0 | row 1 | ... | row 15 | row 16 | ... | u16       | u16       | ... | u16       |
//! |       |       |     |        |        |     | restart 0 | restart 1 |     | row count |
//! +-------+-------+-----+--------+--------+-----+-----------+-----------+-----+-----------+
//!  whole key                      whole key
//! |<-------- interval 0 -------->|<-- interval 1 ...
//! ```
//!
//! | field | bytes | meaning |
//! |---|---|---|
//! | rows | any | each as [`row_codec_v2`](super::row_codec_v2) encodes it |
//! | restarts | 2 each | bytes from the block's start to each restart point; the first is 0 |
//! | row count | 2 | how many rows there are, at least 1 |
//!
//! Rows 0, 16, 32 and so on are *restart points*: encoded against the empty key, they hold their
//! whole key. Every other row is encoded against the key of the row before. A restart point and the
//! rows up to the next one are an *interval*. There are as many restart points as intervals: the row
//! count divided by 16, rounded up.
//!
//! A search compares restart points in a binary search, and then passes over the rows of one
//! interval.
//!
//! Like version 1, a block has no checksum of its own; the SST puts one behind it.
//!
//! SlateDB: `BlockBuilderV2` in `src/format/block_v2.rs`, and `BlockIteratorV2` in
//! `src/block_iterator_v2.rs`. It stores how many restart points there are and not how many rows, so
//! that the interval could be another; TinyDB numbers the rows of a block, and counts them. Restart
//! points, and the sixteen, come from LevelDB.

use std::ops::Range;

use bytes::{BufMut, Bytes, BytesMut};

use super::row_codec_v2::{
    RowHead, TAIL_LEN, compare_key, decode_row, encode_row, encoded_row_len,
};
use crate::error::{Corruption, DecodeError, Result};
use crate::format::RowEntry;
use crate::format::block::MAX_BLOCK_SIZE;
use crate::format::cursor::Cursor;

/// Every so many rows there is a restart point. It is part of the format: DO NOT CHANGE IT.
pub const RESTART_INTERVAL: usize = 16;

const OFFSET_LEN: usize = size_of::<u16>();
const ROW_COUNT_LEN: usize = size_of::<u16>();

// ANCHOR: block_builder_v2
/// Builds one block, row by row.
///
/// Invariants:
/// 1. The rows are in the order in which they were added; their caller adds them sorted.
/// 2. The finished block is no larger than the block size, unless it holds a single row that is.
/// 3. Every [`RESTART_INTERVAL`]th row shares nothing, and `restarts` says where it starts.
#[derive(Debug)]
pub struct BlockBuilderV2 {
    block_size: usize,
    rows: BytesMut,
    restarts: Vec<u16>,
    row_count: usize,
    last_key: Vec<u8>,
}
// ANCHOR_END: block_builder_v2

impl BlockBuilderV2 {
    /// An empty builder of blocks of about `block_size` bytes; a larger size than
    /// [`MAX_BLOCK_SIZE`] counts as that.
    pub fn new(block_size: usize) -> Self {
        Self {
            block_size: block_size.min(MAX_BLOCK_SIZE),
            rows: BytesMut::new(),
            restarts: Vec::new(),
            row_count: 0,
            last_key: Vec::new(),
        }
    }

    /// Adds `row` if there is room, and returns whether there was. An empty block has room for a
    /// row of any size. Fails if the row breaks a limit, whether there is room or not. Unless it was
    /// added, the builder is as it was.
    // Task 7.3: Build a block with restart points
    pub fn add(&mut self, row: &RowEntry) -> Result<bool> {
        todo!("week 7, task 3: Build a block with restart points")
    }

    /// Whether no row was added yet.
    pub fn is_empty(&self) -> bool {
        self.row_count == 0
    }

    /// How many bytes [`BlockBuilderV2::finish`] would return.
    // Task 7.3: Build a block with restart points
    pub fn encoded_len(&self) -> usize {
        todo!("week 7, task 3: Build a block with restart points")
    }

    /// The block's bytes. The builder is empty afterwards, ready for the next block.
    // Task 7.3: Build a block with restart points
    pub fn finish(&mut self) -> Bytes {
        todo!("week 7, task 3: Build a block with restart points")
    }
}

// ANCHOR: block_v2
/// A block that was read: rows by number, in order, and search by key.
///
/// Invariants, which [`BlockV2::decode`] checks:
/// 1. There is a row, and one restart point for each [`RESTART_INTERVAL`] rows or part of them.
/// 2. The first restart point is at offset 0; each lies behind the one before, the last within the
///    rows.
///
/// And these, of which each is checked when a row is read:
/// 3. A restart point shares nothing.
/// 4. An interval holds [`RESTART_INTERVAL`] rows, the last one those that are left, and nothing
///    behind them.
#[derive(Debug, Clone)]
pub struct BlockV2 {
    rows: Bytes,
    restarts: Vec<u16>,
    row_count: usize,
    first_key: Bytes,
}
// ANCHOR_END: block_v2

// ANCHOR: row_position
/// A place in a block, in front of a row or behind the last: all that is needed to decode that row
/// and to go on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowPosition {
    /// The number of the row behind the place, counted from 0.
    pub number: usize,
    /// Where that row starts.
    pub offset: usize,
    /// The key that it is encoded against: that of the row before, and the empty key at a restart
    /// point.
    pub previous_key: Vec<u8>,
}
// ANCHOR_END: row_position

impl BlockV2 {
    /// Reads what [`BlockBuilderV2::finish`] returned. Checks invariants 1 and 2 and the first key.
    /// The offset of an error, here and in the other methods, is that of the field that is wrong,
    /// from the start of the block.
    // Task 7.4: Read a block, and search in it
    pub fn decode(bytes: Bytes) -> Result<Self, DecodeError> {
        todo!("week 7, task 4: Read a block, and search in it")
    }

    /// How many rows there are; never 0.
    pub fn row_count(&self) -> usize {
        self.row_count
    }

    /// How many bytes of memory the block holds.
    pub fn size(&self) -> usize {
        let encoded = self.rows.len() + self.restarts.len() * OFFSET_LEN + ROW_COUNT_LEN;
        size_of::<Self>() + encoded + self.restarts.capacity() * OFFSET_LEN
    }

    /// The key of row 0.
    pub fn first_key(&self) -> &Bytes {
        &self.first_key
    }

    /// The row behind `position`, which moves behind it; `None` at the end of the block. Decodes one
    /// row. On an error the position stays where it is.
    // Task 7.4: Read a block, and search in it
    pub fn next_row(&self, position: &mut RowPosition) -> Result<Option<RowEntry>, DecodeError> {
        todo!("week 7, task 4: Read a block, and search in it")
    }

    /// The place in front of the first row whose key is `key` or greater; behind the last row if there
    /// is none. Decodes the keys of O(log n) restart points, and then at most those of one interval. A
    /// restart point that it looks at must share nothing.
    // Task 7.4: Read a block, and search in it
    pub fn seek(&self, key: &[u8]) -> Result<RowPosition, DecodeError> {
        todo!("week 7, task 4: Read a block, and search in it")
    }

    /// The number of the first row whose key is `key` or greater; [`BlockV2::row_count`] if there is
    /// none. As [`BlockV2::seek`].
    pub fn lower_bound(&self, key: &[u8]) -> Result<usize, DecodeError> {
        Ok(self.seek(key)?.number)
    }

    /// Row `number`, counted from 0; `None` past the last. Decodes the keys in front of it in its
    /// interval: to read row after row, use [`BlockV2::next_row`].
    // Task 7.4: Read a block, and search in it
    pub fn row(&self, number: usize) -> Result<Option<RowEntry>, DecodeError> {
        todo!("week 7, task 4: Read a block, and search in it")
    }
}
