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

// solution-only
const BITS: usize = 7;
// solution-only
const MORE: u8 = 0x80;

/// How many bytes [`encode_varint`] appends for `value`: 1 to [`MAX_VARINT_LEN`].
// exercise: week7.1
pub fn varint_len(value: u32) -> usize {
    let bits = (u32::BITS - value.leading_zeros()) as usize;
    bits.div_ceil(BITS).max(1)
}

/// Appends `value` to `out`.
// exercise: week7.1
pub fn encode_varint(mut value: u32, out: &mut BytesMut) {
    while value >= u32::from(MORE) {
        // The cast keeps the lowest eight bits, of which the first is overwritten.
        out.put_u8(value as u8 | MORE);
        value >>= BITS;
    }
    out.put_u8(value as u8);
}

/// Takes one varint off `input`. `what` names the field in errors.
///
/// Fails if the input ends within the varint, if the number is larger than a `u32`, and if it has a
/// shorter encoding than this one. Reads at most [`MAX_VARINT_LEN`] bytes.
// exercise: week7.1
#[inline]
pub fn decode_varint(input: &mut Cursor<'_>, what: &'static str) -> Result<u32, DecodeError> {
    let start = input.offset();
    let first = input.take_u8(what)?;
    // Most numbers are this small.
    if first & MORE == 0 {
        return Ok(first.into());
    }
    let mut number = u64::from(first & !MORE);
    for position in 1..MAX_VARINT_LEN {
        let byte = input.take_u8(what)?;
        number |= u64::from(byte & !MORE) << (position * BITS);
        if byte & MORE == 0 {
            return check(number, position + 1).map_err(|expected| {
                let corruption = Corruption::InvalidField { what, found: number, expected };
                DecodeError::new(start, corruption)
            });
        }
    }
    let expected = "a varint has at most five bytes";
    Err(DecodeError::new(start, Corruption::InvalidField { what, found: number, expected }))
}

/// `number`, read from `len` bytes, if that is how it is encoded; otherwise what is wrong.
// solution-only
fn check(number: u64, len: usize) -> Result<u32, &'static str> {
    let number = u32::try_from(number).map_err(|_| "a varint is at most 4,294,967,295")?;
    if len > varint_len(number) {
        return Err("a varint is encoded in as few bytes as it needs");
    }
    Ok(number)
}
