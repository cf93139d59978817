//! The writer of a WAL segment.

use std::path::Path;

use bytes::BytesMut;

use crate::error::{Error, Result};
use crate::format::RowEntry;

use super::log_file::{DiskLogFile, LogFile};
use super::wal::{self, Durability};
use super::wal_reader::WalReader;

/// Appends batches to one segment.
///
/// Invariants:
/// 1. Records stand in the file in the order in which they were appended.
/// 2. A batch is one record, handed to the file in one piece together with those that waited.
/// 3. When [`WalWriter::append`] returns `Ok`, its batch and every batch before it have the durability
///    that was asked for. A lower one does not pay for a higher: only [`Durability::Sync`] syncs,
///    and [`Durability::Buffered`] writes only when [`WalWriter::BUFFER_LEN`] bytes wait.
/// 4. After a failed write or sync, whichever call it was, nothing more is written, not even when the
///    writer is dropped: the file may end in half a record, and a record behind that would be lost,
///    or make the segment look damaged.
///
/// One thread writes at a time (`&mut self`); the database puts the writer behind a lock.
///
/// SlateDB: `SlateDbWalWriter`, with its `WalBuffer`, in `src/wal/slatedb/writer.rs`.
#[derive(Debug)]
pub struct WalWriter {
    name: String,
    file: Box<dyn LogFile>,
    /// Records that the file does not have yet.
    buffer: BytesMut,
    /// How many bytes the file has.
    written: u64,
    /// Whether a write or sync has failed, or the segment was given up.
    failed: bool,
}

impl WalWriter {
    /// How many bytes may wait in memory: [`Durability::Buffered`] writes them out at this size.
    pub const BUFFER_LEN: usize = 256 * 1024;

    /// Opens the segment at `path` and makes it if it is missing. A torn tail is cut off.
    pub fn open(path: &Path) -> Result<Self> {
        let file = DiskLogFile::open(path)?;
        Self::resume(path.display().to_string(), Box::new(file))
    }

    /// Starts a segment in an empty `file`, with its header; `name` stands for it in errors.
    pub fn create(name: impl Into<String>, file: Box<dyn LogFile>) -> Result<Self> {
        let (buffer, written, failed) = (BytesMut::new(), 0, false);
        let mut writer = Self { name: name.into(), file, buffer, written, failed };
        writer.buffer.extend_from_slice(&wal::encode_header());
        writer.sync()?;
        Ok(writer)
    }

    /// Goes on with the segment that is in `file`, behind its last whole record.
    ///
    /// Reads the segment, and cuts off a torn tail, durably, before anything is appended. If not
    /// even the header is whole, starts the segment anew; otherwise appends nothing. Fails on damage,
    /// and leaves the file as it is.
    // exercise: week3.8
    pub fn resume(name: impl Into<String>, mut file: Box<dyn LogFile>) -> Result<Self> {
        let name = name.into();
        let contents = file.read_all().map_err(Error::io("read", &name))?;
        let mut written = contents.len() as u64;
        let mut reader = WalReader::new(&name, contents)?;
        while reader.next_batch()?.is_some() {}
        if let Some(tail) = reader.torn_tail() {
            file.truncate(tail.offset).map_err(Error::io("cut the torn tail of", &name))?;
            file.sync().map_err(Error::io("sync", &name))?;
            written = tail.offset;
        }
        if written == 0 {
            return Self::create(name, file);
        }
        Ok(Self { name, file, buffer: BytesMut::new(), written, failed: false })
    }

    /// Appends a batch as one record, with the durability asked for.
    ///
    /// If the batch is empty or one of its rows breaks a limit, fails and writes nothing; the
    /// writer can be used further. If writing fails, whether the batch will be read again is not
    /// known, and every later call fails with [`Error::WalFailed`].
    // exercise: week3.6
    pub fn append(&mut self, batch: &[RowEntry], durability: Durability) -> Result<()> {
        self.check_usable()?;
        wal::encode_record(batch, &mut self.buffer)?;
        match durability {
            Durability::Buffered if self.buffer.len() < Self::BUFFER_LEN => Ok(()),
            Durability::Buffered | Durability::Os => self.flush(),
            Durability::Sync => self.sync(),
        }
    }

    /// Hands every waiting record to the operating system. If none waits, the file is left alone.
    // exercise: week3.6
    pub fn flush(&mut self) -> Result<()> {
        self.check_usable()?;
        if self.buffer.is_empty() {
            return Ok(());
        }
        let appended = self.file.append(&self.buffer);
        self.failed = appended.is_err();
        appended.map_err(Error::io("write", &self.name))?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Makes every record of the segment survive a power cut, also those that an earlier process
    /// appended before [`WalWriter::resume`].
    // exercise: week3.6
    pub fn sync(&mut self) -> Result<()> {
        self.flush()?;
        let synced = self.file.sync();
        // Which bytes a failed sync has saved is not known, and a second sync may wrongly succeed.
        self.failed = synced.is_err();
        synced.map_err(Error::io("sync", &self.name))
    }

    /// Syncs the segment as a whole that gets no more records: its file ends with the last one.
    pub fn finish(&mut self) -> Result<()> {
        self.flush()?;
        let finished = self.file.finish();
        self.failed = finished.is_err();
        finished.map_err(Error::io("sync", &self.name))
    }

    /// Hands every waiting record to the operating system, and begins to sync. What it returns does
    /// the rest; appending can go on meanwhile. If that fails, the caller
    /// [abandons](Self::abandon) the segment.
    pub fn start_sync(&mut self) -> Result<impl FnOnce() -> Result<()> + Send + use<>> {
        self.flush()?;
        let started = self.file.start_sync();
        self.failed = started.is_err();
        let name = self.name.clone();
        let pending = started.map_err(Error::io("sync", &name))?;
        Ok(move || pending().map_err(Error::io("sync", name)))
    }

    /// The size of the segment in bytes, waiting records included. Not known after a failed write.
    // exercise: week3.6
    pub fn size(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    /// Gives the segment up: every later write or sync fails with [`Error::WalFailed`], as after a
    /// failed write.
    pub fn abandon(&mut self) {
        self.failed = true;
    }

    // solution-only
    fn check_usable(&self) -> Result<()> {
        if self.failed {
            return Err(Error::WalFailed { file: self.name.clone() });
        }
        Ok(())
    }
}
