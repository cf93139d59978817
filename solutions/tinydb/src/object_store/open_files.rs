//! Files that were read lately, kept open.
//!
//! To open a file and close it costs more than to read a block of it that the system has in memory.

use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The files that were asked for last.
///
/// Invariants:
/// 1. At most [`OpenFiles::MOST`] are kept open: a process may not have many.
/// 2. A file is handed out only for the path that names it at that moment. Who replaces an object, or
///    deletes it, needs not tell.
#[derive(Debug, Default)]
pub struct OpenFiles {
    files: Mutex<HashMap<PathBuf, OpenFile>>,
    /// How often a file was asked for.
    uses: AtomicU64,
}

#[derive(Debug)]
struct OpenFile {
    identity: Identity,
    file: Arc<File>,
    /// Which use was its last.
    last_use: u64,
}

/// A device and the number of a file there. No other file gets the number as long as this one is open.
type Identity = (u64, u64);

impl OpenFiles {
    /// How many files are kept open.
    pub const MOST: usize = 64;

    /// The file that `path` names, and what is known of it.
    pub fn open(&self, path: &Path) -> io::Result<(Arc<File>, Metadata)> {
        let meta = fs::metadata(path)?;
        if let Some(file) = identity(&meta).and_then(|identity| self.find(path, identity)) {
            return Ok((file, meta));
        }
        let file = Arc::new(File::open(path)?);
        let meta = file.metadata()?;
        if let Some(identity) = identity(&meta) {
            self.keep(path, identity, Arc::clone(&file));
        }
        Ok((file, meta))
    }

    /// Closes the file of `path`, as soon as nobody reads it: a deleted file takes room while it is open.
    pub fn close(&self, path: &Path) {
        self.lock().remove(path);
    }

    fn find(&self, path: &Path, identity: Identity) -> Option<Arc<File>> {
        let mut files = self.lock();
        let open = files.get_mut(path).filter(|open| open.identity == identity)?;
        open.last_use = self.next_use();
        Some(Arc::clone(&open.file))
    }

    /// Keeps a file in the place of the one of this path, or of the one that was used the longest ago.
    fn keep(&self, path: &Path, identity: Identity, file: Arc<File>) {
        let mut files = self.lock();
        if files.len() >= Self::MOST && !files.contains_key(path) {
            let oldest = files.iter().min_by_key(|(_, open)| open.last_use);
            if let Some(path) = oldest.map(|(path, _)| path.clone()) {
                files.remove(&path);
            }
        }
        files.insert(path.to_owned(), OpenFile { identity, file, last_use: self.next_use() });
    }

    fn next_use(&self) -> u64 {
        self.uses.fetch_add(1, Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PathBuf, OpenFile>> {
        // The map is whole between any two operations.
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(unix)]
fn identity(meta: &Metadata) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt as _;
    meta.is_file().then(|| (meta.dev(), meta.ino()))
}

/// Elsewhere the standard library knows of no such number, and no file is kept open.
#[cfg(not(unix))]
fn identity(_: &Metadata) -> Option<Identity> {
    None
}

/// Fills `buffer` from `offset` on, while others may read the same open file.
#[cfg(unix)]
pub fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

/// Fills `buffer` from `offset` on. Nobody else has this open file.
#[cfg(not(unix))]
pub fn read_exact_at(mut file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    use std::io::{Read as _, Seek as _, SeekFrom};
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(buffer)
}
