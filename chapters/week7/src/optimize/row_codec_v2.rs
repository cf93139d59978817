//! The row codec, version 2: one row to bytes and back.
//!
//! ```text
//! +--------+----------+-----------+--------+-------+-----+-------+
//! | varint | varint   | varint    | suffix | value | u64 | u8    |
//! | shared | unshared | value len |        |       | seq | flags |
//! +--------+----------+-----------+--------+-------+-----+-------+
//! |<----------- head ------------>|
//! ```
//!
//! | field | bytes | meaning |
//! |---|---|---|
//! | shared | 1 to 3 | how many bytes the key shares with the key *of the row before* |
//! | unshared | 1 to 3 | how many bytes of the key follow |
//! | value len | 1 to 5 | how many bytes the value or merge operand has; 0 in a tombstone |
//! | suffix | unshared | the rest of the key |
//! | value | value len | the value or merge operand |
//! | seq | 8 | sequence number |
//! | flags | 1 | bit 0 `TOMBSTONE`, bit 3 `MERGE_OPERAND`; every other bit is 0 |
//!
//! The three lengths are [varints](super::varint). They stand in front, so that a row can be passed
//! over when its head is known: what follows takes unshared + value len + 9 bytes.
//!
//! Example: behind a row whose key is `apple`, the row `apply` = `"7"` of sequence number 9 is
//! `04 01 01 79 37 0000000000000009 00`: four bytes of the key come from `apple`. Version 1 takes 19
//! bytes for it, version 2 takes 14.
//!
//! A row without a row before it, as at a restart point, is encoded against the empty key.
//!
//! SlateDB: `SstRowCodecV2` in `src/format/row_codec_v2.rs`, the same fields in the same order. Two
//! more of its flags announce times of creation and expiry, which TinyDB does not have.

use std::cmp::Ordering;

use bytes::{BufMut, Bytes, BytesMut};

use super::varint::{decode_varint, encode_varint, varint_len};
use crate::error::{Corruption, DecodeError, Result};
use crate::format::cursor::Cursor;
use crate::format::types::MAX_KEY_LEN;
use crate::format::{RowEntry, ValueDeletable};

/// The flag of a tombstone. A value has no flag.
pub const TOMBSTONE: u8 = 1 << 0;
/// The flag of a merge operand.
pub const MERGE_OPERAND: u8 = 1 << 3;

/// How many bytes follow the value: the sequence number and the flags.
pub const TAIL_LEN: usize = size_of::<u64>() + size_of::<u8>();

/// How many bytes [`encode_row`] appends for this row.
// Task 7.2: Encode a row against the row before
pub fn encoded_row_len(row: &RowEntry, previous_key: &[u8]) -> usize {
    todo!("week 7, task 2: Encode a row against the row before")
}

/// Appends `row` to `out`, its key as a prefix of `previous_key`, as long as can be, and a suffix.
///
/// Fails, without appending, if the row breaks a limit ([`RowEntry::validate`]).
// Task 7.2: Encode a row against the row before
pub fn encode_row(row: &RowEntry, previous_key: &[u8], out: &mut BytesMut) -> Result<()> {
    todo!("week 7, task 2: Encode a row against the row before")
}

// ANCHOR: row_head
/// The head of a row: how its key is made, and how long the rest is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowHead {
    /// How many bytes the key shares with the key of the row before.
    pub shared: usize,
    /// How many bytes of the key follow the head.
    pub unshared: usize,
    /// How many bytes of value follow the key.
    pub value_len: usize,
}
// ANCHOR_END: row_head

impl RowHead {
    /// Takes a row's head off `input`, which is at the suffix afterwards.
    ///
    /// Fails if `shared` is larger than `previous_key_len`, the length of the key of the row before,
    /// and if the key has not 1 to [`MAX_KEY_LEN`] bytes.
    // Task 7.2: Encode a row against the row before
    pub fn decode(input: &mut Cursor<'_>, previous_key_len: usize) -> Result<Self, DecodeError> {
        todo!("week 7, task 2: Encode a row against the row before")
    }
}

/// Takes one row off `input`. The value shares the input's memory, and so does the key where it
/// shares no bytes with `previous_key`.
///
/// Fails if the head or the flags are wrong, if a tombstone has a value, and if bytes are missing.
// Task 7.2: Encode a row against the row before
pub fn decode_row(input: &mut Cursor<'_>, previous_key: &[u8]) -> Result<RowEntry, DecodeError> {
    todo!("week 7, task 2: Encode a row against the row before")
}

/// Compares the key that is `prefix` and then `suffix` with `key`, without putting it together.
// Task 7.2: Encode a row against the row before
pub fn compare_key(prefix: &[u8], suffix: &[u8], key: &[u8]) -> Ordering {
    todo!("week 7, task 2: Encode a row against the row before")
}
