//! The WAL's format: what a segment and its records look like, byte by byte.
//!
//! The write-ahead log holds every batch of rows that is not in an SST yet, in the order of the
//! writes. After a crash it is read from start to end to fill the memtable again. It is a series of
//! files, its *segments*. A segment is a header and records:
//!
//! ```text
//! +--------------------+----------+----------+-----+----------+
//! | header, 16 bytes   | record 0 | record 1 | ... | record n |
//! +--------------------+----------+----------+-----+----------+
//! ```
//!
//! The header:
//!
//! ```text
//! offset 0           8           10       12             16
//!        +-----------+-----------+--------+--------------+
//!        | magic     | u16       | u16    | u32 CRC-32   |
//!        | TINYDBWL  | version 1 | 0      | of the first |
//!        |           |           |        | 12 bytes     |
//!        +-----------+-----------+--------+--------------+
//! ```
//!
//! A record is one batch, so a batch is there as a whole or not at all:
//!
//! ```text
//! offset 0           8              12            12 + length     16 + length
//!        +-----------+--------------+-------------+---------------+----------+
//!        | u64       | u32 CRC-32   | payload     | u32 CRC-32    | u8       |
//!        | length    | of length    |             | of payload    | end mark |
//!        +-----------+--------------+-------------+---------------+----------+
//! ```
//!
//! | field | bytes | meaning |
//! |---|---|---|
//! | length | 8 | how many bytes the payload has, at least 1 |
//! | CRC-32 of length | 4 | over the 8 bytes of `length` |
//! | payload | length | the batch's rows, one after the other, each as [`row_codec`](crate::format::row_codec) encodes it against the empty key |
//! | CRC-32 of payload | 4 | over the payload |
//! | end mark | 1 | written as `0x17`, which is not zero; a reader takes 0 too, for a crash may have taken that byte |
//!
//! # A torn tail, and damage
//!
//! A crash in the middle of an append leaves a part of the last record. Some file systems also
//! leave zeros: the file has grown, but the bytes never arrived. And a log on a disk may be
//! [padded](super::log_file::DiskLogFile) with zeros. None of it was durable, so all is cut off.
//! Decay of the disk is another matter: durable records are lost, and cutting would hide that. These
//! rules tell the two apart:
//!
//! 1. A record is *whole* if it lies within the file and both its checksums are right.
//! 2. The log *ends* behind its last byte that is not zero.
//! 3. A record that is not whole and reaches past that end, or past the file's, is *torn*.
//! 4. Any other record that is not whole is *damaged*, the last record too. So is a whole record
//!    whose end mark is neither `0x17` nor zero (zero: the crash took that byte and no other).
//!
//! Of a record whose length fails its checksum, only the first 12 bytes count for rules 3 and 4:
//! how far it reaches is not known.
//!
//! One thing that a power cut may leave is damage by these rules: pages reach the disk in any order,
//! so of what was not synced, zeros may stand in front of whole bytes. That can't be told from decay.
//!
//! The length has a checksum of its own for this: a damaged length would look like a torn tail and
//! take every record behind it along. The end mark is there for it too: without it, a damaged
//! record that happens to end with a zero would look torn.
//!
//! SlateDB writes its WAL as SSTs on the object store, one for each flush of a buffer
//! (`EncodedWalSsTableBuilder` in `src/wal/slatedb/sst_builder.rs`). Such an object is there as a
//! whole or not at all, so SlateDB has no torn tails.

use bytes::{BufMut, Bytes, BytesMut};

use crate::error::{Corruption, DecodeError, Error, Result};
use crate::format::RowEntry;
use crate::format::checksum::{CHECKSUM_LEN, append_checksum, verify_checksum};
use crate::format::cursor::Cursor;
use crate::format::row_codec::encode_row;

/// How many bytes the header of a segment takes.
pub const HEADER_LEN: usize = 16;
/// The first bytes of a segment.
pub const MAGIC: [u8; 8] = *b"TINYDBWL";
/// The version of the format, in a segment's header. DO NOT CHANGE: a new format is a new number.
pub const VERSION: u16 = 1;
/// The last byte of a record.
pub const END_MARK: u8 = 0x17;
/// How many bytes a record has before its payload.
pub const RECORD_HEADER_LEN: usize = size_of::<u64>() + CHECKSUM_LEN;
/// How many bytes a record has behind its payload.
pub const RECORD_TRAILER_LEN: usize = CHECKSUM_LEN + 1;

// ANCHOR: durability
/// What a write has survived when it is acknowledged.
///
/// SlateDB has two answers: a write returns when it is in memory, and the `WriteHandle` it returns
/// can be waited on until the write is on the object store (`WriteHandle::await_durable` in
/// `src/db.rs`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Durability {
    /// Nothing yet: the record is in this process's memory until it is flushed or synced.
    Buffered,
    /// A kill of this process: the operating system has the record.
    #[default]
    Os,
    /// A power cut: the disk has the record.
    Sync,
}
// ANCHOR_END: durability

/// The header of a segment.
pub fn encode_header() -> Bytes {
    let mut header = BytesMut::with_capacity(HEADER_LEN);
    header.put_slice(&MAGIC);
    header.put_u16(VERSION);
    header.put_u16(0);
    append_checksum(&mut header, 0);
    header.freeze()
}

/// Checks the header of a segment, its first [`HEADER_LEN`] bytes.
pub fn decode_header(header: Bytes) -> Result<(), DecodeError> {
    let mut fields = Cursor::new(&header);
    if fields.take_array("a segment's magic")? != MAGIC {
        let expected = "a WAL segment of TinyDB";
        return Err(DecodeError::new(0, Corruption::WrongMagic { expected }));
    }
    verify_checksum(header.clone(), "the segment's header")?;
    match fields.take_u16("a segment's version")? {
        VERSION => Ok(()),
        found => {
            let known = "version 1";
            Err(DecodeError::new(MAGIC.len(), Corruption::UnknownVersion { found, known }))
        }
    }
}

/// Appends the record of a batch to `out`.
///
/// Fails, and leaves `out` as it was, if `batch` is empty or one of its rows breaks a limit
/// ([`RowEntry::validate`]).
// exercise: week3.5
pub fn encode_record(batch: &[RowEntry], out: &mut BytesMut) -> Result<()> {
    let start = out.len();
    let encoded = append_record(batch, out);
    if encoded.is_err() {
        out.truncate(start);
    }
    encoded
}

// solution-only
fn append_record(batch: &[RowEntry], out: &mut BytesMut) -> Result<()> {
    if batch.is_empty() {
        return Err(Error::invalid("batch", "it is empty; a batch has at least one row"));
    }
    let header = out.len();
    out.put_bytes(0, RECORD_HEADER_LEN);
    let payload = out.len();
    for row in batch {
        encode_row(row, &[], out)?;
    }
    let length = ((out.len() - payload) as u64).to_be_bytes();
    out[header..payload - CHECKSUM_LEN].copy_from_slice(&length);
    out[payload - CHECKSUM_LEN..payload].copy_from_slice(&crc32fast::hash(&length).to_be_bytes());
    append_checksum(out, payload);
    out.put_u8(END_MARK);
    Ok(())
}
