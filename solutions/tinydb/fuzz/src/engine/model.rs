//! The rows' two codecs once more, written from the formats' tables alone: byte after byte, and without the engine's help.
//! What the engine reads has to be what this reads.

use bytes::Bytes;
use tinydb::format::{FormatVersion, RowEntry};

/// The row at the start of `input` and how many bytes it takes; `None` if there is none.
pub fn decode(version: FormatVersion, input: &[u8], against: &[u8]) -> Option<(RowEntry, usize)> {
    match version {
        FormatVersion::V1 => decode_v1(input, against),
        FormatVersion::V2 => decode_v2(input, against),
    }
}

fn decode_v1(input: &[u8], first_key: &[u8]) -> Option<(RowEntry, usize)> {
    let (prefix, suffix) = (be(input, 0, 2)? as usize, be(input, 2, 2)? as usize);
    let key = [first_key.get(..prefix)?, input.get(4..4 + suffix)?].concat();
    let (seq, flags, at) = (be(input, 4 + suffix, 8)?, be(input, 12 + suffix, 1)?, 13 + suffix);
    if flags == 1 {
        return row(key, seq, flags, &[], at);
    }
    let end = at + 4 + be(input, at, 4)? as usize;
    row(key, seq, flags, input.get(at + 4..end)?, end)
}

fn decode_v2(input: &[u8], previous_key: &[u8]) -> Option<(RowEntry, usize)> {
    let (key, value, end) = parts_v2(input, previous_key)?;
    let (seq, flags) = (be(input, end - 9, 8)?, be(input, end - 1, 1)?);
    row(key, seq, flags, value, end)
}

/// The key of the row at the start of `input`, and how many bytes the row takes, by its lengths alone. A row of version 1
/// is never passed over.
pub fn pass(version: FormatVersion, input: &[u8], against: &[u8]) -> Option<(Bytes, usize)> {
    let (key, _, end) =
        if version == FormatVersion::V2 { parts_v2(input, against)? } else { return None };
    Some((key.into(), end))
}

/// The key, the value and the length of a row of version 2.
fn parts_v2<'a>(input: &'a [u8], previous_key: &[u8]) -> Option<(Vec<u8>, &'a [u8], usize)> {
    let mut at = 0;
    let shared = varint(input, &mut at)?;
    let unshared = varint(input, &mut at)?;
    let value_len = varint(input, &mut at)?;
    let key = [previous_key.get(..shared)?, input.get(at..at + unshared)?].concat();
    at += unshared;
    let value = input.get(at..at + value_len)?;
    input.get(at + value_len..at + value_len + 9)?;
    (1..=65_535).contains(&key.len()).then_some((key, value, at + value_len + 9))
}

fn row(key: Vec<u8>, seq: u64, flags: u64, value: &[u8], end: usize) -> Option<(RowEntry, usize)> {
    let value = value.to_vec();
    let row = match flags {
        0 => RowEntry::new_value(key, value, seq),
        8 => RowEntry::new_merge(key, value, seq),
        1 if value.is_empty() => RowEntry::new_tombstone(key, seq),
        _ => return None,
    };
    (1..=65_535).contains(&row.key.len()).then_some((row, end))
}

/// A big-endian number of `len` bytes at `at`.
fn be(input: &[u8], at: usize, len: usize) -> Option<u64> {
    let bytes = input.get(at..at + len)?;
    Some(bytes.iter().fold(0, |number, &byte| number << 8 | u64::from(byte)))
}

/// A varint at `at`, which moves behind it. Only the shortest encoding of a number is one.
fn varint(input: &[u8], at: &mut usize) -> Option<usize> {
    let len = input.get(*at..)?.iter().take(5).position(|byte| byte & 0x80 == 0)? + 1;
    let bytes = &input[*at..*at + len];
    *at += len;
    let number = bytes.iter().rev().fold(0, |number, &byte| number << 7 | usize::from(byte & 0x7f));
    let is_shortest = len == 1 || bytes[len - 1] != 0;
    (is_shortest && number <= 0xffff_ffff).then_some(number)
}
