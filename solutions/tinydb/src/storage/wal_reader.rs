//! The reader of a WAL segment.

use std::fs;
use std::path::Path;

use bytes::Bytes;

use crate::error::{Corruption, DecodeError, Error, Result};
use crate::format::RowEntry;
use crate::format::checksum::{CHECKSUM_LEN, verify_checksum};
use crate::format::cursor::Cursor;
use crate::format::row_codec::decode_row;

use super::wal::{self, END_MARK, HEADER_LEN, RECORD_HEADER_LEN, RECORD_TRAILER_LEN};

/// What a crash left behind the last whole record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TornTail {
    /// Where it starts: the segment is whole up to here.
    pub offset: u64,
    /// How many bytes it has.
    pub len: u64,
}

/// Reads the batches of one segment, in order.
///
/// Invariants:
/// 1. A batch is returned whole, exactly as it was appended, or not at all.
/// 2. Nothing behind a torn or damaged record is returned.
/// 3. Damage is an error at each call from then on, never an end of the segment.
///
/// The rows share the memory of the segment's bytes. A segment is as large as a memtable, and its
/// rows are on their way into one.
///
/// SlateDB: `SlateDbWalIterator` in `src/wal/slatedb/iterator.rs`.
#[derive(Debug)]
pub struct WalReader {
    name: String,
    contents: Bytes,
    /// Behind the last byte that is not zero, but not within a whole header.
    end: usize,
    /// Where the next record starts.
    offset: usize,
    /// Whether there is no whole record any more.
    finished: bool,
}

impl WalReader {
    /// Reads the segment at `path`.
    pub fn open(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let contents = fs::read(path).map_err(Error::io("read", &name))?;
        Self::new(name, contents.into())
    }

    /// A reader of a segment's bytes; `name` stands for the segment in errors.
    ///
    /// A header that a crash cut short is a torn tail at offset 0. Any other header that is not
    /// right is an error.
    pub fn new(name: impl Into<String>, contents: Bytes) -> Result<Self> {
        let name = name.into();
        let end = contents.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        if end < HEADER_LEN && wal::encode_header().starts_with(&contents[..end]) {
            return Ok(Self { name, contents, end: 0, offset: 0, finished: false });
        }
        let header = contents.slice(..HEADER_LEN.min(contents.len()));
        wal::decode_header(header).map_err(|error| error.in_file(&name, 0))?;
        let end = end.max(HEADER_LEN);
        Ok(Self { name, contents, end, offset: HEADER_LEN, finished: false })
    }

    /// The next batch; `None` at the end of the segment, torn or not. Fails if the next record is
    /// damaged, with the offset of what is wrong.
    // exercise: week3.7
    pub fn next_batch(&mut self) -> Result<Option<Vec<RowEntry>>> {
        let Some(payload) = self.next_payload()? else {
            self.finished = true;
            return Ok(None);
        };
        let payload_offset = self.offset + RECORD_HEADER_LEN;
        let record_len = RECORD_HEADER_LEN + payload.len() + RECORD_TRAILER_LEN;
        let batch = decode_batch(payload)
            .map_err(|error| error.in_file(&self.name, payload_offset as u64))?;
        self.offset += record_len;
        Ok(Some(batch))
    }

    /// Bytes from the start of the segment to the next record.
    pub fn offset(&self) -> u64 {
        self.offset as u64
    }

    /// What is left behind the last whole record. `None` if the segment ends with a whole record, or
    /// as long as [`WalReader::next_batch`] has not returned `None`. An empty file has no tail.
    /// There is none in front of damage.
    // exercise: week3.7
    pub fn torn_tail(&self) -> Option<TornTail> {
        let (offset, len) = (self.offset as u64, self.contents.len() as u64);
        (self.finished && offset < len).then(|| TornTail { offset, len: len - offset })
    }

    /// The payload of the record at the offset; `None` if there is none or it is torn.
    // solution-only
    fn next_payload(&self) -> Result<Option<Bytes>> {
        let record = self.contents.slice(self.offset..);
        let payload = split_record(&record, self.end.saturating_sub(self.offset));
        payload.map_err(|error| error.in_file(&self.name, self.offset as u64))
    }
}

/// Takes the record at the start of `log`, of which the first `written` bytes are not lost, and
/// checks everything around its payload. `None` if the record is torn.
// solution-only
fn split_record(log: &Bytes, written: usize) -> Result<Option<Bytes>, DecodeError> {
    if written < RECORD_HEADER_LEN {
        return Ok(None);
    }
    let header = verify_checksum(log.slice(..RECORD_HEADER_LEN), "the record's length")?;
    let length = Cursor::new(&header).take_u64("a record's length")?;
    let room = log.len() - RECORD_HEADER_LEN;
    if length.saturating_add(RECORD_TRAILER_LEN as u64) > room as u64 {
        return Ok(None);
    }
    // The cast is exact: the payload lies within `log`.
    let end_mark = RECORD_HEADER_LEN + length as usize + CHECKSUM_LEN;
    let payload = match verify_checksum(log.slice(RECORD_HEADER_LEN..end_mark), "the record") {
        Err(_) if written <= end_mark => return Ok(None),
        verified => verified.map_err(|error| error.shifted(RECORD_HEADER_LEN as u64))?,
    };
    match log[end_mark] {
        END_MARK | 0 => Ok(Some(payload)),
        found => {
            let (what, expected) = ("a record's end mark", "it must be 23 (0x17)");
            let corruption = Corruption::InvalidField { what, found: found.into(), expected };
            Err(DecodeError::new(end_mark, corruption))
        }
    }
}

// solution-only
fn decode_batch(payload: Bytes) -> Result<Vec<RowEntry>, DecodeError> {
    let mut rows = Cursor::new(&payload);
    let mut batch = vec![decode_row(&mut rows, &[])?];
    while rows.remaining() > 0 {
        batch.push(decode_row(&mut rows, &[])?);
    }
    Ok(batch)
}
