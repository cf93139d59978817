//! A WAL segment, as `tinydb::storage::wal` documents it.

use std::io;

use bytes::Bytes;
use tinydb::Error;
use tinydb::error::DecodeError;
use tinydb::format::RowEntry;
use tinydb::format::checksum::verify_checksum;
use tinydb::format::cursor::Cursor;
use tinydb::format::row_codec::decode_row;
use tinydb::storage::WalReader;
use tinydb::storage::wal::{END_MARK, HEADER_LEN, RECORD_HEADER_LEN, RECORD_TRAILER_LEN};

use super::part::{Part, Stop};
use super::row::{self, short};

/// Labels a segment.
pub fn label(name: &str, file: &mut Part<'_, '_>) -> io::Result<()> {
    let mut reader = match WalReader::new(name, file.bytes().clone()) {
        Ok(reader) => reader,
        Err(error) => {
            note(file, error);
            label_header(file)?;
            return file.unread("not read, because the header is wrong");
        }
    };
    let mut batch = reader.next_batch();
    let begins_torn = reader.torn_tail().is_some_and(|tail| tail.offset == 0);
    if file.remaining() == 0 || begins_torn {
        return label_torn_tail(file);
    }
    label_header(file)?;
    for number in 0.. {
        match batch {
            Ok(Some(rows)) if file.remaining() > 0 => label_record(file, number, Some(&rows))?,
            Ok(_) => break,
            Err(error) => {
                note(file, error);
                label_record(file, number, None)?;
                return file.unread("not read, because of the damage before");
            }
        }
        batch = reader.next_batch();
    }
    label_torn_tail(file)
}

/// Notes the engine's error about the file.
fn note(file: &mut Part<'_, '_>, error: Error) {
    // The reader fails with no other error.
    if let Error::Corrupt { offset, corruption, .. } = error {
        file.damaged(DecodeError { offset, corruption });
    }
}

fn label_torn_tail(file: &mut Part<'_, '_>) -> io::Result<()> {
    let len = file.remaining();
    if len == 0 {
        return Ok(());
    }
    file.heading(1, format_args!("torn tail, {len} bytes"))?;
    file.rest_as("torn", "what a crash left; cut off when the database is opened", false)
}

fn label_header(file: &mut Part<'_, '_>) -> io::Result<()> {
    file.heading(1, format_args!("header"))?;
    file.part(HEADER_LEN, |header| {
        header.field(8, "magic", short)?;
        header.number::<2>("version")?;
        header.number::<2>("zero")?;
        header.checksum("CRC-32", 0, "the segment's header")
    })
}

/// Labels the next record; `batch` is what the engine has read from it, unless it is damaged.
fn label_record(
    file: &mut Part<'_, '_>,
    number: usize,
    batch: Option<&[RowEntry]>,
) -> io::Result<()> {
    match batch {
        Some([_]) => file.heading(1, format_args!("record {number}, 1 row"))?,
        Some(rows) => file.heading(1, format_args!("record {number}, {} rows", rows.len()))?,
        None => file.heading(1, format_args!("record {number}, damaged"))?,
    }
    let header_len = RECORD_HEADER_LEN.min(file.remaining());
    let length = payload_len(file.rest().slice(..header_len));
    // Without its length, no more is known of a record than its header.
    let behind = length.map_or(0, |length| length.saturating_add(RECORD_TRAILER_LEN));
    file.part(header_len.saturating_add(behind), |record| {
        record.number::<8>("length")?;
        record.checksum("CRC-32 of length", 0, "the record's length")?;
        let Some(length) = length else { return Ok(()) };
        record.part(length, label_rows)?;
        record.checksum("CRC-32 of payload", RECORD_HEADER_LEN, "the record")?;
        record.field_that(1, "end mark", |mark| match mark {
            [END_MARK] => ("ok".to_owned(), false),
            [0] => ("lost in a crash; the record is whole".to_owned(), false),
            _ => ("wrong".to_owned(), true),
        })?;
        Ok(())
    })
}

/// The length in a record's header, if that is right.
fn payload_len(header: Bytes) -> Option<usize> {
    let length = verify_checksum(header, "the record's length").ok()?;
    Cursor::new(&length).take_u64("the record's length").ok()?.try_into().ok()
}

fn label_rows(payload: &mut Part<'_, '_>) -> Result<(), Stop> {
    for number in 0.. {
        if payload.remaining() == 0 {
            break;
        }
        let start = payload.offset() as u64;
        let row = decode_row(&mut Cursor::new(&payload.rest()), &[]);
        row::label(payload, number, &row.map_err(|error| error.shifted(start))?)?;
    }
    Ok(())
}
