//! Varints: numbers of a `u32` in as few bytes as they need.
//!
//! ```text
//! byte 0        byte 1        byte 2
//! +-+---------+ +-+---------+ +-+---------+
//! |1| bits    | |1| bits    | |0| bits    |     the first bit of a byte says
//! | | 0 to 6  | | | 7 to 13 | | | 14 to 20|     whether another byte follows
//! +-+---------+ +-+---------+ +-+---------+
//! ```
//!
//! | number | bytes |
//! |---|---|
//! | 0 | `00` |
//! | 127 | `7f` |
//! | 128 | `80 01` |
//! | 300 | `ac 02` |
//! | 65,535 | `ff ff 03` |
//! | 4,294,967,295, the largest | `ff ff ff ff 0f` |
//!
//! This is unsigned LEB128: seven bits a byte, the lowest first. Here, and only here, the first byte
//! is not the most significant one.
//!
//! Every number has one encoding, its shortest. `80 00` would be another 0, and is refused: bytes
//! that say the same must be the same bytes.
//!
//! SlateDB: `encode_varint`, `decode_varint` and `varint_len` in `src/utils.rs`. Its decoder takes
//! longer encodings too.

use bytes::{BufMut, BytesMut};

use crate::error::{Corruption, DecodeError};
use crate::format::cursor::Cursor;

/// The most bytes that a varint takes: 32 bits, seven in each byte.
pub const MAX_VARINT_LEN: usize = 5;

/// How many bytes [`encode_varint`] appends for `value`: 1 to [`MAX_VARINT_LEN`].
// Task 7.1: Numbers in as few bytes as they need
pub fn varint_len(value: u32) -> usize {
    todo!("week 7, task 1: Numbers in as few bytes as they need")
}

/// Appends `value` to `out`.
// Task 7.1: Numbers in as few bytes as they need
pub fn encode_varint(mut value: u32, out: &mut BytesMut) {
    todo!("week 7, task 1: Numbers in as few bytes as they need")
}

/// Takes one varint off `input`. `what` names the field in errors.
///
/// Fails if the input ends within the varint, if the number is larger than a `u32`, and if it has a
/// shorter encoding than this one. Reads at most [`MAX_VARINT_LEN`] bytes.
// Task 7.1: Numbers in as few bytes as they need
#[inline]
pub fn decode_varint(input: &mut Cursor<'_>, what: &'static str) -> Result<u32, DecodeError> {
    todo!("week 7, task 1: Numbers in as few bytes as they need")
}
