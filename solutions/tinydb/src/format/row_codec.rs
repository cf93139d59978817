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
// exercise: week1.5
pub fn encoded_row_len(row: &RowEntry, first_key: &[u8]) -> usize {
    let suffix_len = row.key.len() - shared_prefix_len(&row.key, first_key);
    let key_len = size_of::<[u16; 2]>() + suffix_len;
    let value_len = row.value.as_bytes().map_or(0, |bytes| size_of::<u32>() + bytes.len());
    key_len + size_of::<u64>() + size_of::<u8>() + value_len
}

/// Appends `row` to `out`, its key as a prefix of `first_key`, as long as can be, and a suffix.
///
/// Fails, without appending, if the row breaks a limit ([`RowEntry::validate`]).
// exercise: week1.5
pub fn encode_row(row: &RowEntry, first_key: &[u8], out: &mut BytesMut) -> Result<()> {
    row.validate()?;
    let prefix_len = shared_prefix_len(&row.key, first_key);
    let suffix = &row.key[prefix_len..];
    // The casts are exact: `validate` has checked both limits.
    out.put_u16(prefix_len as u16);
    out.put_u16(suffix.len() as u16);
    out.put_slice(suffix);
    out.put_u64(row.seq);
    out.put_u8(flags(&row.value));
    if let Some(bytes) = row.value.as_bytes() {
        out.put_u32(bytes.len() as u32);
        out.put_slice(bytes);
    }
    Ok(())
}

/// Takes one row off `input`, and nothing that stands behind it. The value shares the input's memory,
/// and so does the key where it has no prefix.
///
/// Fails if the prefix is longer than `first_key`, if the key has not 1 to [`MAX_KEY_LEN`] bytes, if the
/// flags are not those of a value, a tombstone or a merge operand, and if bytes are missing. A prefix
/// that is shorter than it could be is no error. The error's offset is that of the field that is wrong,
/// from the start of the cursor's input.
// exercise: week1.6
pub fn decode_row(input: &mut Cursor<'_>, first_key: &[u8]) -> Result<RowEntry, DecodeError> {
    let key = decode_key(input, first_key)?;
    let seq = input.take_u64("a row's sequence number")?;
    let flags_offset = input.offset();
    let value = match input.take_u8("a row's flags")? {
        0 => ValueDeletable::Value(decode_value(input)?),
        TOMBSTONE => ValueDeletable::Tombstone,
        MERGE_OPERAND => ValueDeletable::Merge(decode_value(input)?),
        flags => {
            let expected = "rows of version 1 have flags 0, 1 (tombstone) or 8 (merge operand)";
            return Err(invalid(flags_offset, "a row's flags", flags.into(), expected));
        }
    };
    Ok(RowEntry { key, value, seq })
}

// solution-only
fn flags(value: &ValueDeletable) -> u8 {
    match value {
        ValueDeletable::Value(_) => 0,
        ValueDeletable::Merge(_) => MERGE_OPERAND,
        ValueDeletable::Tombstone => TOMBSTONE,
    }
}

// solution-only
fn shared_prefix_len(key: &[u8], first_key: &[u8]) -> usize {
    key.iter().zip(first_key).take_while(|(a, b)| a == b).count()
}

// solution-only
fn decode_key(input: &mut Cursor<'_>, first_key: &[u8]) -> Result<Bytes, DecodeError> {
    let offset = input.offset();
    let prefix_len = usize::from(input.take_u16("a row's prefix length")?);
    let suffix_len = usize::from(input.take_u16("a row's suffix length")?);
    let Some(prefix) = first_key.get(..prefix_len) else {
        let expected = "the block's first key is shorter";
        return Err(invalid(offset, "a row's prefix length", prefix_len as u64, expected));
    };
    let key_len = prefix_len + suffix_len;
    if key_len == 0 || key_len > MAX_KEY_LEN {
        let expected = "a key has 1 to 65,535 bytes";
        return Err(invalid(offset, "a row's key length", key_len as u64, expected));
    }
    let suffix = input.take_bytes(suffix_len, "a row's key")?;
    Ok(if prefix.is_empty() { suffix } else { [prefix, &suffix].concat().into() })
}

// solution-only
fn decode_value(input: &mut Cursor<'_>) -> Result<Bytes, DecodeError> {
    let value_len = input.take_u32("a row's value length")?;
    input.take_bytes(value_len as usize, "a row's value")
}

// solution-only
fn invalid(offset: usize, what: &'static str, found: u64, expected: &'static str) -> DecodeError {
    DecodeError::new(offset, Corruption::InvalidField { what, found, expected })
}
