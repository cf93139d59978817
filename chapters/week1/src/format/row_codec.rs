//! The row codec, version 1: one row to bytes and back.
//!
//! ```text
//! +------------+------------+--------+---------+----------+ - - - - - - - - - - - - +
//! | u16        | u16        | suffix | u64     | u8       : u32       | value       :
//! | prefix len | suffix len |        | seq     | flags    : value len |             :
//! +------------+------------+--------+---------+----------+ - - - - - - - - - - - - +
//! ```
//!
//! | field | bytes | meaning |
//! |---|---|---|
//! | prefix len | 2 | how many bytes the key shares with the *first key* of its block |
//! | suffix len | 2 | how many bytes of the key follow |
//! | suffix | suffix len | the rest of the key |
//! | seq | 8 | sequence number |
//! | flags | 1 | bit 0 `TOMBSTONE`, bit 3 `MERGE_OPERAND`; every other bit is 0 |
//! | value len | 4 | absent in a tombstone |
//! | value | value len | absent in a tombstone |
//!
//! Example: in a block whose first key is `apple`, the row `apply` = `"7"` of sequence number 9 is
//! `0004 0001 79 0000000000000009 00 00000001 37`: four bytes of the key come from `apple`.
//!
//! A row outside a block, as in the WAL, is encoded against the empty first key.
//!
//! SlateDB: `SstRowCodecV0` in `src/format/row.rs`, the same fields in the same order. Its flags 2
//! and 4 announce times of expiry and creation, which TinyDB does not have.

use bytes::{BufMut, Bytes, BytesMut};

use super::cursor::Cursor;
use super::types::{MAX_KEY_LEN, RowEntry, ValueDeletable};
use crate::error::{Corruption, DecodeError, Result};

/// The flag of a tombstone. A value has no flag.
const TOMBSTONE: u8 = 1 << 0;
/// The flag of a merge operand.
const MERGE_OPERAND: u8 = 1 << 3;

/// How many bytes [`encode_row`] appends for this row.
// Task 1.5: Encode a row
pub fn encoded_row_len(row: &RowEntry, first_key: &[u8]) -> usize {
    todo!("week 1, task 5: Encode a row")
}

/// Appends `row` to `out`, its key as a prefix of `first_key`, as long as can be, and a suffix.
///
/// Fails, without appending, if the row breaks a limit ([`RowEntry::validate`]).
// Task 1.5: Encode a row
pub fn encode_row(row: &RowEntry, first_key: &[u8], out: &mut BytesMut) -> Result<()> {
    todo!("week 1, task 5: Encode a row")
}

/// Takes one row off `input`, and nothing that stands behind it. The value shares the input's memory,
/// and so does the key where it has no prefix.
///
/// Fails if the prefix is longer than `first_key`, if the key has not 1 to [`MAX_KEY_LEN`] bytes, if the
/// flags are not those of a value, a tombstone or a merge operand, and if bytes are missing. A prefix
/// that is shorter than it could be is no error. The error's offset is that of the field that is wrong,
/// from the start of the cursor's input.
// Task 1.6: Decode a row
pub fn decode_row(input: &mut Cursor<'_>, first_key: &[u8]) -> Result<RowEntry, DecodeError> {
    todo!("week 1, task 6: Decode a row")
}
