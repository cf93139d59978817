//! The one kind of file that grows: a log.

use std::fmt::Debug;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::object_store::local::sync_parent;

/// The rest of a sync: when it returns `Ok`, everything that was appended before
/// [`LogFile::start_sync`] is durable.
pub type PendingSync = Box<dyn FnOnce() -> io::Result<()> + Send>;

// ANCHOR: log_file
/// A file that is appended to. The WAL writes through this trait, so that tests can watch what is
/// written and synced, and make it fail.
pub trait LogFile: Debug + Send {
    /// Everything in the file.
    fn read_all(&mut self) -> io::Result<Bytes>;

    /// Hands `bytes` to the operating system, at the end of the file. From then on they survive a
    /// kill of this process. After an error, any number of them may have been written.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes everything appended so far survive a power cut.
    fn sync(&mut self) -> io::Result<()>;

    /// Begins to do so. The rest needs no access to the log: what it returns is called while others
    /// append (week 7). Unless a log can do that, it syncs at once.
    fn start_sync(&mut self) -> io::Result<PendingSync> {
        self.sync()?;
        Ok(Box::new(|| Ok(())))
    }

    /// Syncs a log to which nothing more will be appended, and takes away what was put behind it.
    fn finish(&mut self) -> io::Result<()> {
        self.sync()
    }

    /// Cuts the file to its first `len` bytes; appending goes on there.
    fn truncate(&mut self, len: u64) -> io::Result<()>;
}
// ANCHOR_END: log_file

/// A log on a local disk.
///
/// When a file has grown, a sync has to write its new size too, in another place of the disk: twice the
/// work of a small append. So a *padded* log, when it is synced, gets zeros up to the end of the page.
/// The next appends overwrite them, and the size stays. [`LogFile::finish`] takes the zeros away.
/// After a crash they are a torn tail of the WAL.
#[derive(Debug)]
pub struct DiskLogFile {
    file: File,
    /// The same file, opened once more, to be synced while others append. The system tells each opening
    /// of a write that has failed, but only once.
    syncer: Arc<File>,
    /// How many bytes the log has. The file's cursor is there.
    len: u64,
    /// How many bytes the file has, with the padding.
    file_len: u64,
    is_padded: bool,
}

/// What the size of a padded log is a multiple of. No more than a page: the system writes pages in any
/// order, and behind a page that did not arrive in a crash none may be there that did.
const PAGE_LEN: u64 = 4096;

impl DiskLogFile {
    /// Opens the file at `path`, and makes it, durably, if it is missing. Its folder must exist.
    pub fn open(path: &Path) -> Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let open = || -> io::Result<Self> {
            let (mut file, syncer) = (options.open(path)?, Arc::new(options.open(path)?));
            let len = file.seek(SeekFrom::End(0))?;
            Ok(Self { file, syncer, len, file_len: len, is_padded: false })
        };
        let log_file = open().map_err(Error::io("open", path.display().to_string()))?;
        // Also when the file was there: whoever made it may have crashed before this line.
        sync_parent(path)?;
        Ok(log_file)
    }

    /// Opens a log that is padded from now on.
    pub fn open_padded(path: &Path) -> Result<Self> {
        let mut log_file = Self::open(path)?;
        log_file.is_padded = true;
        Ok(log_file)
    }

    fn pad(&mut self) -> io::Result<()> {
        let padded_len = self.len.next_multiple_of(PAGE_LEN);
        if self.is_padded && padded_len > self.file_len {
            self.set_file_len(padded_len)?;
        }
        Ok(())
    }

    fn take_padding_away(&mut self) -> io::Result<()> {
        if self.file_len > self.len { self.set_file_len(self.len) } else { Ok(()) }
    }

    fn set_file_len(&mut self, len: u64) -> io::Result<()> {
        self.file.set_len(len)?;
        self.file_len = len;
        Ok(())
    }
}

impl LogFile for DiskLogFile {
    fn read_all(&mut self) -> io::Result<Bytes> {
        let mut contents = Vec::new();
        self.file.seek(SeekFrom::Start(0))?;
        self.file.read_to_end(&mut contents)?;
        self.file.seek(SeekFrom::Start(self.len))?;
        Ok(contents.into())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.len += bytes.len() as u64;
        self.file_len = self.file_len.max(self.len);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.pad()?;
        // The data and the file's size; other metadata, such as times, may wait.
        self.file.sync_data()
    }

    fn start_sync(&mut self) -> io::Result<PendingSync> {
        self.pad()?;
        let syncer = Arc::clone(&self.syncer);
        Ok(Box::new(move || syncer.sync_data()))
    }

    fn finish(&mut self) -> io::Result<()> {
        self.take_padding_away()?;
        self.file.sync_data()
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.set_file_len(len)?;
        self.len = self.file.seek(SeekFrom::Start(len))?;
        Ok(())
    }
}

impl Drop for DiskLogFile {
    /// Leaves the file as it would be without padding, unless the process is killed.
    fn drop(&mut self) {
        // If it fails, the next one who opens the segment does it.
        let _ = self.take_padding_away();
    }
}
