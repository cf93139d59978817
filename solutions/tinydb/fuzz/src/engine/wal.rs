//! Segments of the WAL.
//!
//! Checked: what is read is what the format says, read once more here, whole records up to the first that is torn or
//! damaged; an error stays, and points into the file; a torn tail is what is left; a segment that is cut where its tail
//! begins reads the same and can be written on; and records in their shortest form encode to the bytes that they came from.

use bytes::{Bytes, BytesMut};
use tinydb::format::{FormatVersion, RowEntry};
use tinydb::storage::wal::{
    HEADER_LEN, RECORD_HEADER_LEN, RECORD_TRAILER_LEN, encode_header, encode_record,
};
use tinydb::storage::{TornTail, WalReader};

use super::input::{Input, assert_corrupt};
use super::model;

const NAME: &str = "wal/7.wal";

/// Input: whether the checksums are mended, and the bytes. Mended ones begin behind the header.
pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    match input.byte() % 2 {
        0 => check_segment(input.rest()),
        _ => check_segment(&sealed(input.rest())),
    }
}

/// A header and the bytes, cut into records by the length that is in front of each. (It says one of the lengths that there
/// is room for: its lowest byte counts.) What is left at the end stays as it is.
fn sealed(bytes: &[u8]) -> Vec<u8> {
    let mut segment = [&encode_header()[..], bytes].concat();
    let mut at = HEADER_LEN;
    while let Some(room) = (segment.len() - at).checked_sub(RECORD_HEADER_LEN + RECORD_TRAILER_LEN)
    {
        let length = usize::from(segment[at + 7]).min(room);
        let payload = at + RECORD_HEADER_LEN..at + RECORD_HEADER_LEN + length;
        segment[at..at + 8].copy_from_slice(&(length as u64).to_be_bytes());
        let crc = crc32fast::hash(&segment[at..at + 8]);
        segment[at + 8..payload.start].copy_from_slice(&crc.to_be_bytes());
        let crc = crc32fast::hash(&segment[payload.clone()]);
        segment[payload.end..payload.end + 4].copy_from_slice(&crc.to_be_bytes());
        at = payload.end + RECORD_TRAILER_LEN;
    }
    segment
}

/// What a segment holds: its batches, and where the first byte is that is in none; `None` if that is damage.
struct Read {
    batches: Vec<Vec<RowEntry>>,
    torn_at: Option<usize>,
}

fn check_segment(bytes: &[u8]) {
    let expected = modelled(bytes);
    let mut reader = match WalReader::new(NAME, Bytes::copy_from_slice(bytes)) {
        Ok(reader) => reader,
        Err(error) => {
            assert!(expected.torn_at.is_none() && expected.batches.is_empty(), "{error}");
            return assert_corrupt(&error, NAME, bytes.len());
        }
    };
    for batch in &expected.batches {
        assert_eq!(reader.torn_tail(), None, "before the end");
        assert_eq!(reader.next_batch().expect("a whole record").as_ref(), Some(batch));
    }
    let Some(torn_at) = expected.torn_at else {
        for _ in 0..2 {
            let error = reader.next_batch().expect_err("a damaged record");
            assert_corrupt(&error, NAME, bytes.len());
            assert_eq!(reader.torn_tail(), None, "in front of damage");
        }
        return;
    };
    assert_eq!(reader.next_batch().expect("the end of the segment"), None);
    let (offset, len) = (torn_at as u64, (bytes.len() - torn_at) as u64);
    assert_eq!(reader.torn_tail(), (len > 0).then_some(TornTail { offset, len }));
    check_cut(&bytes[..torn_at], &expected.batches);
}

/// A segment that is cut behind its last whole record is what recovery goes on with.
fn check_cut(bytes: &[u8], batches: &[Vec<RowEntry>]) {
    let mut segment = BytesMut::from(bytes);
    if bytes.is_empty() {
        segment.extend_from_slice(&encode_header());
    }
    let more = vec![RowEntry::new_value("more", "", u64::MAX)];
    encode_record(&more, &mut segment).expect("a batch within the limits");
    let mut reader = WalReader::new(NAME, segment.freeze()).expect("the header is whole");
    for batch in batches.iter().chain([&more]) {
        assert_eq!(reader.next_batch().expect("a whole record").as_ref(), Some(batch));
    }
    assert_eq!(reader.next_batch().expect("the end of the segment"), None);
    assert_eq!(reader.torn_tail(), None);
    check_encoding(bytes, batches);
}

/// Records encode to the bytes that they were read from: rows outside a block have one encoding. The end mark may be the one
/// byte that a crash took.
fn check_encoding(bytes: &[u8], batches: &[Vec<RowEntry>]) {
    let mut encoded = BytesMut::from(&bytes[..bytes.len().min(HEADER_LEN)]);
    for batch in batches {
        encode_record(batch, &mut encoded).expect("a batch within the limits");
        let end = encoded.len() - 1;
        encoded[end] = bytes[end];
    }
    assert_eq!(encoded, bytes);
}

/// The format's rules, one after the other.
fn modelled(bytes: &[u8]) -> Read {
    let mut read = Read { batches: Vec::new(), torn_at: None };
    let end = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    let header = encode_header();
    if end < HEADER_LEN && bytes[..end] == header[..end] {
        read.torn_at = Some(0);
        return read;
    }
    if !bytes.starts_with(&header[..10])
        || bytes.len() < HEADER_LEN
        || !seals(&bytes[..12], &bytes[12..16])
    {
        return read;
    }
    let mut at = HEADER_LEN;
    loop {
        let rest = &bytes[at..];
        // What no crash has taken.
        let written = end.saturating_sub(at);
        let is_torn = |needed: u64| needed > rest.len() as u64 || needed > written as u64;
        if is_torn(RECORD_HEADER_LEN as u64) {
            read.torn_at = Some(at);
            return read;
        }
        if !seals(&rest[..8], &rest[8..12]) {
            return read;
        }
        let length = rest[..8].iter().fold(0, |length, &byte| length << 8 | u64::from(byte));
        let whole = length.saturating_add((RECORD_HEADER_LEN + RECORD_TRAILER_LEN) as u64);
        if whole > rest.len() as u64 {
            read.torn_at = Some(at);
            return read;
        }
        let (payload, trailer) = rest[RECORD_HEADER_LEN..whole as usize].split_at(length as usize);
        if !seals(payload, &trailer[..4]) {
            read.torn_at = is_torn(whole).then_some(at);
            return read;
        }
        let Some(batch) = batch(payload).filter(|_| matches!(trailer[4], 0 | 0x17)) else {
            return read;
        };
        read.batches.push(batch);
        at += whole as usize;
    }
}

fn seals(bytes: &[u8], crc: &[u8]) -> bool {
    crc32fast::hash(bytes).to_be_bytes() == crc
}

/// The rows of a payload; `None` if there is none, or one can't be read.
fn batch(mut payload: &[u8]) -> Option<Vec<RowEntry>> {
    let mut rows = Vec::new();
    while rows.is_empty() || !payload.is_empty() {
        let (row, len) = model::decode(FormatVersion::V1, payload, &[])?;
        rows.push(row);
        payload = &payload[len..];
    }
    Some(rows)
}
