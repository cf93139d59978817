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
// exercise: week7.2
pub fn encoded_row_len(row: &RowEntry, previous_key: &[u8]) -> usize {
    let shared = shared_prefix_len(&row.key, previous_key);
    let (unshared, value_len) = (row.key.len() - shared, row.value.len());
    let head_len: usize =
        [shared, unshared, value_len].iter().map(|&len| varint_len(len as u32)).sum();
    head_len + unshared + value_len + TAIL_LEN
}

/// Appends `row` to `out`, its key as a prefix of `previous_key`, as long as can be, and a suffix.
///
/// Fails, without appending, if the row breaks a limit ([`RowEntry::validate`]).
// exercise: week7.2
pub fn encode_row(row: &RowEntry, previous_key: &[u8], out: &mut BytesMut) -> Result<()> {
    row.validate()?;
    let shared = shared_prefix_len(&row.key, previous_key);
    let suffix = &row.key[shared..];
    // The casts are exact: `validate` has checked both limits.
    encode_varint(shared as u32, out);
    encode_varint(suffix.len() as u32, out);
    encode_varint(row.value.len() as u32, out);
    out.put_slice(suffix);
    out.put_slice(row.value.as_bytes().map_or(&[], |bytes| bytes));
    out.put_u64(row.seq);
    out.put_u8(flags(&row.value));
    Ok(())
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
    // exercise: week7.2
    pub fn decode(input: &mut Cursor<'_>, previous_key_len: usize) -> Result<Self, DecodeError> {
        let offset = input.offset();
        // The casts are exact: no machine that this runs on has smaller addresses.
        let shared = decode_varint(input, "a row's shared length")? as usize;
        let unshared = decode_varint(input, "a row's unshared length")? as usize;
        let value_len = decode_varint(input, "a row's value length")? as usize;
        if shared > previous_key_len {
            let expected = "the key of the row before is shorter";
            return Err(invalid(offset, "a row's shared length", shared as u64, expected));
        }
        let key_len = shared.saturating_add(unshared);
        if key_len == 0 || key_len > MAX_KEY_LEN {
            let expected = "a key has 1 to 65,535 bytes";
            return Err(invalid(offset, "a row's key length", key_len as u64, expected));
        }
        Ok(Self { shared, unshared, value_len })
    }
}

/// Takes one row off `input`. The value shares the input's memory, and so does the key where it
/// shares no bytes with `previous_key`.
///
/// Fails if the head or the flags are wrong, if a tombstone has a value, and if bytes are missing.
// exercise: week7.2
pub fn decode_row(input: &mut Cursor<'_>, previous_key: &[u8]) -> Result<RowEntry, DecodeError> {
    let head = RowHead::decode(input, previous_key.len())?;
    let key = decode_key(input, &head, previous_key)?;
    let value_offset = input.offset();
    let value = input.take_bytes(head.value_len, "a row's value")?;
    let seq = input.take_u64("a row's sequence number")?;
    let flags_offset = input.offset();
    let value = match input.take_u8("a row's flags")? {
        0 => ValueDeletable::Value(value),
        MERGE_OPERAND => ValueDeletable::Merge(value),
        TOMBSTONE if value.is_empty() => ValueDeletable::Tombstone,
        TOMBSTONE => {
            let (found, expected) = (head.value_len as u64, "a tombstone has no value");
            return Err(invalid(value_offset, "a row's value length", found, expected));
        }
        flags => {
            let expected = "rows of version 2 have flags 0, 1 (tombstone) or 8 (merge operand)";
            return Err(invalid(flags_offset, "a row's flags", flags.into(), expected));
        }
    };
    Ok(RowEntry { key, value, seq })
}

/// Compares the key that is `prefix` and then `suffix` with `key`, without putting it together.
// exercise: week7.2
pub fn compare_key(prefix: &[u8], suffix: &[u8], key: &[u8]) -> Ordering {
    match key.split_at_checked(prefix.len()) {
        Some((start, rest)) => prefix.cmp(start).then_with(|| suffix.cmp(rest)),
        // The prefix alone is longer than `key`, so that they differ within it.
        None => prefix.cmp(key),
    }
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
fn shared_prefix_len(key: &[u8], previous_key: &[u8]) -> usize {
    // Neighbours share much: eight bytes at a time are compared as one number.
    let chunks = key.chunks_exact(8).zip(previous_key.chunks_exact(8));
    let start: usize = chunks.take_while(|(a, b)| a == b).map(|(chunk, _)| chunk.len()).sum();
    let rest = key[start..].iter().zip(&previous_key[start..]);
    start + rest.take_while(|(a, b)| a == b).count()
}

// solution-only
fn decode_key(
    input: &mut Cursor<'_>,
    head: &RowHead,
    previous_key: &[u8],
) -> Result<Bytes, DecodeError> {
    if head.shared == 0 {
        return input.take_bytes(head.unshared, "a row's key");
    }
    let suffix = input.take_slice(head.unshared, "a row's key")?;
    // In range: the head was checked against this key.
    let mut key = Vec::with_capacity(head.shared + head.unshared);
    key.extend_from_slice(&previous_key[..head.shared]);
    key.extend_from_slice(suffix);
    Ok(key.into())
}

// solution-only
fn invalid(offset: usize, what: &'static str, found: u64, expected: &'static str) -> DecodeError {
    DecodeError::new(offset, Corruption::InvalidField { what, found, expected })
}
