//! The one kind of file that grows: a log.

use std::fmt::Debug;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

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

    /// Cuts the file to its first `len` bytes; appending goes on there.
    fn truncate(&mut self, len: u64) -> io::Result<()>;
}
// ANCHOR_END: log_file

/// A log on a local disk.
#[derive(Debug)]
pub struct DiskLogFile {
    file: File,
}

impl DiskLogFile {
    /// Opens the file at `path`, and makes it, durably, if it is missing. Its folder must exist.
    pub fn open(path: &Path) -> Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let opened = options.open(path).and_then(|mut file| {
            file.seek(SeekFrom::End(0))?;
            Ok(Self { file })
        });
        let log_file = opened.map_err(Error::io("open", path.display().to_string()))?;
        // Also when the file was there: whoever made it may have crashed before this line.
        sync_parent(path)?;
        Ok(log_file)
    }
}

impl LogFile for DiskLogFile {
    fn read_all(&mut self) -> io::Result<Bytes> {
        let mut contents = Vec::new();
        self.file.seek(SeekFrom::Start(0))?;
        self.file.read_to_end(&mut contents)?;
        Ok(contents.into())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        // The data and the file's size; other metadata, such as times, may wait.
        self.file.sync_data()
    }

    fn start_sync(&mut self) -> io::Result<PendingSync> {
        // Another handle of the same open file.
        let file = self.file.try_clone()?;
        Ok(Box::new(move || file.sync_data()))
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.file.set_len(len)?;
        self.file.seek(SeekFrom::Start(len))?;
        Ok(())
    }
}
