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
    // exercise: week7.3
    pub fn add(&mut self, row: &RowEntry) -> Result<bool> {
        row.validate()?;
        let restart = self.row_count.is_multiple_of(RESTART_INTERVAL);
        let previous_key = if restart { &[][..] } else { &self.last_key };
        let offset_len = if restart { OFFSET_LEN } else { 0 };
        let added_len = encoded_row_len(row, previous_key) + offset_len;
        if !self.is_empty() && self.encoded_len() + added_len > self.block_size {
            return Ok(false);
        }
        // The cast is exact: what is there fits in a block, unless it is a single row, and there is
        // no room behind that one.
        let offset = self.rows.len() as u16;
        encode_row(row, previous_key, &mut self.rows)?;
        if restart {
            self.restarts.push(offset);
        }
        self.last_key.clear();
        self.last_key.extend_from_slice(&row.key);
        self.row_count += 1;
        Ok(true)
    }

    /// Whether no row was added yet.
    pub fn is_empty(&self) -> bool {
        self.row_count == 0
    }

    /// How many bytes [`BlockBuilderV2::finish`] would return.
    // exercise: week7.3
    pub fn encoded_len(&self) -> usize {
        self.rows.len() + self.restarts.len() * OFFSET_LEN + ROW_COUNT_LEN
    }

    /// The block's bytes. The builder is empty afterwards, ready for the next block.
    // exercise: week7.3
    pub fn finish(&mut self) -> Bytes {
        let mut block = std::mem::take(&mut self.rows);
        for restart in self.restarts.drain(..) {
            block.put_u16(restart);
        }
        // The cast is exact: every row takes more than a byte of a block that an offset reaches into.
        block.put_u16(self.row_count as u16);
        self.row_count = 0;
        block.freeze()
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
    // exercise: week7.4
    pub fn decode(bytes: Bytes) -> Result<Self, DecodeError> {
        let (rows, restarts, row_count) = split_restarts(&bytes)?;
        let mut first = Cursor::new(&rows);
        let head = RowHead::decode(&mut first, 0)?;
        let first_key = first.take_bytes(head.unshared, "a row's key")?;
        Ok(Self { rows, restarts, row_count, first_key })
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
    // exercise: week7.4
    pub fn next_row(&self, position: &mut RowPosition) -> Result<Option<RowEntry>, DecodeError> {
        if position.number >= self.row_count {
            return Ok(None);
        }
        let interval = self.interval(position.number / RESTART_INTERVAL);
        let mut input = Cursor::new(&self.rows);
        input.move_to(position.offset..interval.end);
        let row = decode_row(&mut input, &position.previous_key)?;
        let number = position.number + 1;
        let restarts = self.restarts_at(number, &input)?;
        position.number = number;
        position.offset = input.offset();
        position.previous_key.clear();
        if !restarts {
            position.previous_key.extend_from_slice(&row.key);
        }
        Ok(Some(row))
    }

    /// The place in front of the first row whose key is `key` or greater; behind the last row if there
    /// is none. Decodes the keys of O(log n) restart points, and then at most those of one interval. A
    /// restart point that it looks at must share nothing.
    // exercise: week7.4
    pub fn seek(&self, key: &[u8]) -> Result<RowPosition, DecodeError> {
        let mut input = Cursor::new(&self.rows);
        let (mut low, mut high) = (0, self.restarts.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let is_less = self.restart_key(middle, &mut input)? < key;
            if is_less { low = middle + 1 } else { high = middle }
        }
        // The restart point in front of those: no row in front of it is looked for.
        self.skip_rows(low.saturating_sub(1), &mut input, |_, prefix, suffix| {
            compare_key(prefix, suffix, key).is_lt()
        })
    }

    /// The number of the first row whose key is `key` or greater; [`BlockV2::row_count`] if there is
    /// none. As [`BlockV2::seek`].
    pub fn lower_bound(&self, key: &[u8]) -> Result<usize, DecodeError> {
        Ok(self.seek(key)?.number)
    }

    /// Row `number`, counted from 0; `None` past the last. Decodes the keys in front of it in its
    /// interval: to read row after row, use [`BlockV2::next_row`].
    // exercise: week7.4
    pub fn row(&self, number: usize) -> Result<Option<RowEntry>, DecodeError> {
        if number >= self.row_count {
            return Ok(None);
        }
        let interval = number / RESTART_INTERVAL;
        let mut input = Cursor::new(&self.rows);
        let mut position = self.skip_rows(interval, &mut input, |at, _, _| at < number)?;
        self.next_row(&mut position)
    }

    /// Where an interval starts, and where it ends.
    // solution-only
    fn interval(&self, interval: usize) -> Range<usize> {
        let end = self.restarts.get(interval + 1).map_or(self.rows.len(), |&next| next.into());
        self.restarts[interval].into()..end
    }

    /// The key of a restart point. `input` is a cursor over the rows, and is moved.
    // solution-only
    fn restart_key<'a>(
        &self,
        interval: usize,
        input: &mut Cursor<'a>,
    ) -> Result<&'a [u8], DecodeError> {
        input.move_to(self.interval(interval));
        let head = RowHead::decode(input, 0)?;
        input.take_slice(head.unshared, "a row's key")
    }

    /// The place in an interval in front of the first row that is not `passed`, by its number and its
    /// key's prefix and suffix; the end of the interval if there is none. One key is held, and grows
    /// and shrinks from row to row. `input` is a cursor over the rows, and is moved.
    // solution-only
    fn skip_rows(
        &self,
        interval: usize,
        input: &mut Cursor<'_>,
        passed: impl Fn(usize, &[u8], &[u8]) -> bool,
    ) -> Result<RowPosition, DecodeError> {
        let start = interval * RESTART_INTERVAL;
        let end = self.row_count.min(start + RESTART_INTERVAL);
        input.move_to(self.interval(interval));
        let mut key = Vec::new();
        for number in start..end {
            let offset = input.offset();
            let head = RowHead::decode(input, key.len())?;
            let suffix = input.take_slice(head.unshared, "a row's key")?;
            if !passed(number, &key[..head.shared], suffix) {
                return Ok(RowPosition { number, offset, previous_key: key });
            }
            key.truncate(head.shared);
            key.extend_from_slice(suffix);
            input.take_slice(head.value_len.saturating_add(TAIL_LEN), "a row")?;
        }
        self.restarts_at(end, input)?;
        Ok(RowPosition { number: end, offset: input.offset(), previous_key: Vec::new() })
    }

    /// Whether row `number`, which `input` has reached, starts an interval; the end of the block counts
    /// as one. Checks that the interval before ends where its last row does.
    // solution-only
    fn restarts_at(&self, number: usize, input: &Cursor<'_>) -> Result<bool, DecodeError> {
        if number < self.row_count && !number.is_multiple_of(RESTART_INTERVAL) {
            return Ok(false);
        }
        if input.remaining() > 0 {
            let (what, found) = ("bytes behind an interval", input.remaining() as u64);
            let expected = "an interval ends with its last row";
            let corruption = Corruption::InvalidField { what, found, expected };
            return Err(DecodeError::new(input.offset(), corruption));
        }
        Ok(true)
    }
}

/// Splits a block into its rows, its restart points and its row count, and checks invariants 1 and 2.
// solution-only
fn split_restarts(block: &Bytes) -> Result<(Bytes, Vec<u16>, usize), DecodeError> {
    let truncated = |what, needed: usize, available: usize| {
        let (needed, available) = (needed as u64, available as u64);
        DecodeError::new(0, Corruption::Truncated { what, needed, available })
    };
    let Some(count_start) = block.len().checked_sub(ROW_COUNT_LEN) else {
        return Err(truncated("a block's row count", ROW_COUNT_LEN, block.len()));
    };
    let mut input = Cursor::starting_at(block, count_start);
    let row_count = usize::from(input.take_u16("a block's row count")?);
    let restart_count = row_count.div_ceil(RESTART_INTERVAL);
    let restarts_len = restart_count * OFFSET_LEN;
    let Some(rows_len) = count_start.checked_sub(restarts_len) else {
        return Err(truncated("a block's restarts", restarts_len, count_start));
    };
    let mut input = Cursor::starting_at(block, rows_len);
    let mut restarts = Vec::with_capacity(restart_count);
    for _ in 0..restart_count {
        restarts.push(input.take_u16("a restart")?);
    }
    check_restarts(&restarts, rows_len)?;
    Ok((block.slice(..rows_len), restarts, row_count))
}

// solution-only
fn check_restarts(restarts: &[u16], rows_len: usize) -> Result<(), DecodeError> {
    let invalid = |position: usize, what, found, expected| {
        let corruption = Corruption::InvalidField { what, found, expected };
        Err(DecodeError::new(rows_len + position * OFFSET_LEN, corruption))
    };
    match restarts.first() {
        None => return invalid(0, "a block's row count", 0, "a block holds at least one row"),
        Some(0) => {}
        Some(&found) => return invalid(0, "a block's first restart", found.into(), "it must be 0"),
    }
    let ends = restarts.iter().skip(1).map(|&next| usize::from(next)).chain([rows_len]);
    for (position, (&restart, end)) in restarts.iter().zip(ends).enumerate() {
        if usize::from(restart) >= end {
            let expected = "each restart lies behind the one before, and within the block";
            return invalid(position, "a restart", restart.into(), expected);
        }
    }
    Ok(())
}
