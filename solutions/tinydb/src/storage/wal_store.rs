//! Where the segments of a WAL live.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use crate::error::{Corruption, DecodeError, Error, Result};
use crate::object_store::local::{create_dir_durably, sync_parent};
use crate::object_store::{LocalObjectStore, ObjectStore};

use super::log_file::{DiskLogFile, LogFile};

// ANCHOR: wal_store
/// The segments of one database's WAL, each a [`LogFile`] with a number. A later segment has a
/// higher number.
///
/// Whoever has a `WalStore` is the only one who has the segments.
pub trait WalStore: Debug + Send + Sync {
    /// The numbers of the segments that exist, ascending.
    fn list(&self) -> Result<Vec<u64>>;

    /// Opens a segment, and makes it, durably, if it is missing.
    fn open(&self, wal_id: u64) -> Result<Box<dyn LogFile>>;

    /// Makes the next segment, behind all that exist. Whoever makes it is its only writer.
    fn create(&self, wal_id: u64) -> Result<Box<dyn LogFile>> {
        self.open(wal_id)
    }

    /// Deletes a segment. If there is none, nothing happens.
    fn delete(&self, wal_id: u64) -> Result<()>;

    /// What a segment is called in errors.
    fn name(&self, wal_id: u64) -> String;

    /// The writer epoch that was noted last; `None` if none was. A store that can't be left behind by
    /// a writer elsewhere need not remember one.
    fn epoch(&self) -> Result<Option<u64>> {
        Ok(None)
    }

    /// Notes, durably, the epoch of the writer whose rows the segments will hold.
    fn note_epoch(&self, _epoch: u64) -> Result<()> {
        Ok(())
    }

    /// Shuts out every writer that was there before. `next_wal_id` is the number of the first segment
    /// that is in no SST. `false` if that was not needed: only one process can have these segments.
    fn fence(&self, _next_wal_id: u64) -> Result<bool> {
        Ok(false)
    }

    /// How often the segment should be synced in the background, whether somebody waits for it or
    /// not; `None` for never.
    fn flush_interval(&self) -> Option<Duration> {
        None
    }
}
// ANCHOR_END: wal_store

/// The file name of a segment: 20 digits, so that names sort as numbers do.
fn file_name(wal_id: u64) -> String {
    format!("{wal_id:020}.wal")
}

/// The name of the file with the last epoch.
const EPOCH: &str = "wal-epoch";

/// Segments as files in the folder `wal` of a directory on a local disk.
///
/// The directory is locked as long as this lives. The operating system gives the lock back when the
/// process ends, however it ends.
///
/// The last epoch stands in the file `wal-epoch` beside that folder, as text, with its CRC-32: a wrong
/// epoch would make the segments look like those of a writer that was replaced.
#[derive(Debug)]
pub struct DiskWalStore {
    folder: PathBuf,
    /// The directory, to replace the file with the epoch as a whole.
    directory: LocalObjectStore,
    /// Its lock goes when it is closed.
    _lock: File,
}

impl DiskWalStore {
    /// The segments under `directory`, which is made if it is missing. [`Error::Locked`] if another
    /// `DiskWalStore`, in this process or another, has it.
    pub fn open(directory: &Path) -> Result<Self> {
        let folder = directory.join("wal");
        create_dir_durably(&folder)?;
        let lock = lock(&directory.join("LOCK"))?;
        let directory = LocalObjectStore::open(directory)?;
        Ok(Self { folder, directory, _lock: lock })
    }

    fn path(&self, wal_id: u64) -> PathBuf {
        self.folder.join(file_name(wal_id))
    }
}

fn lock(path: &Path) -> Result<File> {
    let shown = path.display().to_string();
    let opened = File::options().read(true).write(true).create(true).truncate(false).open(path);
    let file = opened.map_err(Error::io("open", &shown))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Locked { path: shown }),
        Err(TryLockError::Error(error)) => Err(Error::io("lock", shown)(error)),
    }
}

impl WalStore for DiskWalStore {
    fn list(&self) -> Result<Vec<u64>> {
        let list_error = || Error::io("list", self.folder.display().to_string());
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(list_error())? {
            let name = entry.map_err(list_error())?.file_name();
            let number = name.to_str().and_then(|name| name.strip_suffix(".wal"));
            let number = number.and_then(|number| number.parse().ok());
            // A file of any other name is none of ours.
            found.extend(number.filter(|&number| name.to_str() == Some(&file_name(number))));
        }
        found.sort_unstable();
        Ok(found)
    }

    fn open(&self, wal_id: u64) -> Result<Box<dyn LogFile>> {
        Ok(Box::new(DiskLogFile::open_padded(&self.path(wal_id))?))
    }

    fn delete(&self, wal_id: u64) -> Result<()> {
        let path = self.path(wal_id);
        match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(Error::io("delete", path.display().to_string())(error)),
            Ok(()) => sync_parent(&path),
        }
    }

    fn name(&self, wal_id: u64) -> String {
        self.path(wal_id).display().to_string()
    }

    fn epoch(&self) -> Result<Option<u64>> {
        let text = match self.directory.get(EPOCH) {
            Ok(text) => text,
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        match parse_epoch(&text) {
            Some(epoch) => Ok(Some(epoch)),
            None => {
                let path = self.folder.with_file_name(EPOCH).display().to_string();
                let expected = "a writer epoch and its checksum, as text";
                Err(DecodeError::new(0, Corruption::WrongMagic { expected }).in_file(&path, 0))
            }
        }
    }

    fn note_epoch(&self, epoch: u64) -> Result<()> {
        self.directory.put(EPOCH, epoch_text(epoch).into())
    }
}

/// What stands in the file of an epoch.
fn epoch_text(epoch: u64) -> String {
    let number = epoch.to_string();
    let checksum = crc32fast::hash(number.as_bytes());
    format!("{number} {checksum:08x}\n")
}

/// The epoch in a file; `None` if it is not exactly what [`epoch_text`] makes, or what earlier versions
/// of this program wrote, which was the number alone.
fn parse_epoch(text: &[u8]) -> Option<u64> {
    let text = str::from_utf8(text).ok()?;
    let epoch = text.split([' ', '\n']).next()?.parse().ok()?;
    (text == epoch_text(epoch) || text == format!("{epoch}\n")).then_some(epoch)
}

/// Segments in memory. Clones share them, so a database that was dropped can be opened again.
#[derive(Debug, Clone, Default)]
pub struct MemoryWalStore {
    segments: Arc<Mutex<BTreeMap<u64, Contents>>>,
    epoch: Arc<Mutex<Option<u64>>>,
}

type Contents = Arc<Mutex<Vec<u8>>>;

impl MemoryWalStore {
    /// No segments.
    pub fn new() -> Self {
        Self::default()
    }
}

impl WalStore for MemoryWalStore {
    fn list(&self) -> Result<Vec<u64>> {
        Ok(locked(&self.segments).keys().copied().collect())
    }

    fn open(&self, wal_id: u64) -> Result<Box<dyn LogFile>> {
        let contents = Arc::clone(locked(&self.segments).entry(wal_id).or_default());
        Ok(Box::new(MemoryLogFile { contents }))
    }

    fn delete(&self, wal_id: u64) -> Result<()> {
        locked(&self.segments).remove(&wal_id);
        Ok(())
    }

    fn name(&self, wal_id: u64) -> String {
        format!("wal/{}", file_name(wal_id))
    }

    fn epoch(&self) -> Result<Option<u64>> {
        Ok(*locked(&self.epoch))
    }

    fn note_epoch(&self, epoch: u64) -> Result<()> {
        *locked(&self.epoch) = Some(epoch);
        Ok(())
    }
}

#[derive(Debug)]
struct MemoryLogFile {
    contents: Contents,
}

impl LogFile for MemoryLogFile {
    fn read_all(&mut self) -> io::Result<Bytes> {
        Ok(Bytes::copy_from_slice(&locked(&self.contents)))
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        locked(&self.contents).extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        // Past the end there is nothing to cut.
        locked(&self.contents).truncate(usize::try_from(len).unwrap_or(usize::MAX));
        Ok(())
    }
}

// Each value is whole between any two operations, so a panic elsewhere leaves it usable.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
