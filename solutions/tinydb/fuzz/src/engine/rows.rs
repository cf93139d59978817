//! Rows, of both codecs: a run of them, each against the key that its place in a block gives it.
//!
//! Checked: the engine reads what the [`model`] reads, and refuses what it refuses; what it reads is within the limits,
//! encodes to no more bytes than it was read from, has the length that was announced, and reads back the same; there is one
//! encoding with the longest prefix, byte for byte; an error points into the input.

use bytes::{Bytes, BytesMut};
use tinydb::format::cursor::Cursor;
use tinydb::format::{FormatVersion, RowEntry, row_codec};
use tinydb::optimize::row_codec_v2;

use super::input::{Input, assert_within};
use super::model;

/// Input: the version, a key with its length in front, and rows.
pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let version = input.version();
    let mut against = Bytes::copy_from_slice(input.key());
    let rows = Bytes::copy_from_slice(input.rest());
    let mut cursor = Cursor::new(&rows);
    while cursor.remaining() > 0 {
        let (start, before) = (cursor.offset(), cursor.clone());
        let expected = model::decode(version, &rows[start..], &against);
        let row = match (decode(version, &mut cursor, &against), expected) {
            (Ok(row), Some((expected, len))) => {
                assert_eq!(
                    (&row, cursor.offset() - start),
                    (&expected, len),
                    "against {against:?}"
                );
                row
            }
            (Err(error), None) => return assert_within(&error, rows.len()),
            (found, expected) => panic!("{found:?}, but the format says {expected:?}: {before:?}"),
        };
        check_encoding(version, &row, &against, &rows[start..cursor.offset()]);
        if version == FormatVersion::V2 || start == 0 {
            against = row.key;
        }
    }
}

fn decode(
    version: FormatVersion,
    cursor: &mut Cursor<'_>,
    against: &[u8],
) -> Result<RowEntry, tinydb::error::DecodeError> {
    match version {
        FormatVersion::V1 => row_codec::decode_row(cursor, against),
        FormatVersion::V2 => row_codec_v2::decode_row(cursor, against),
    }
}

/// A row that was read from `read` has to go back to bytes and come again.
fn check_encoding(version: FormatVersion, row: &RowEntry, against: &[u8], read: &[u8]) {
    let mut out = BytesMut::new();
    let (encoded, len) = match version {
        FormatVersion::V1 => (
            row_codec::encode_row(row, against, &mut out),
            row_codec::encoded_row_len(row, against),
        ),
        FormatVersion::V2 => (
            row_codec_v2::encode_row(row, against, &mut out),
            row_codec_v2::encoded_row_len(row, against),
        ),
    };
    encoded.expect("a row that was read is within the limits");
    assert_eq!(out.len(), len, "the length that was announced");
    assert!(
        out.len() <= read.len(),
        "{row:?} takes {} bytes and came from {}",
        out.len(),
        read.len()
    );
    // Version 2 can say 127 shared bytes and one more in as much room as 128: then it starts with another byte.
    if out.len() == read.len() && out[0] == read[0] {
        assert_eq!(out, read, "two encodings of one row");
    }
    let out = out.freeze();
    let mut cursor = Cursor::new(&out);
    assert_eq!(decode(version, &mut cursor, against).as_ref(), Ok(row));
    assert_eq!(cursor.remaining(), 0);
}
