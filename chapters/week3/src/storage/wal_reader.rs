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
    // Task 3.7: Read batches; tell a torn tail from damage
    pub fn next_batch(&mut self) -> Result<Option<Vec<RowEntry>>> {
        todo!("week 3, task 7: Read batches; tell a torn tail from damage")
    }

    /// Bytes from the start of the segment to the next record.
    pub fn offset(&self) -> u64 {
        self.offset as u64
    }

    /// What is left behind the last whole record. `None` if the segment ends with a whole record, or
    /// as long as [`WalReader::next_batch`] has not returned `None`. An empty file has no tail.
    /// There is none in front of damage.
    // Task 3.7: Read batches; tell a torn tail from damage
    pub fn torn_tail(&self) -> Option<TornTail> {
        todo!("week 3, task 7: Read batches; tell a torn tail from damage")
    }
}
