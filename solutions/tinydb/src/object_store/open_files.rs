//! Files that were read lately, kept open.
//!
//! To open a file and close it costs more than to read a block of it that the system has in memory.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The files that were asked for last.
///
/// Invariants:
/// 1. At most [`OpenFiles::MOST`] are kept open: a process may not have many.
/// 2. A file is handed out only as long as it has a name. Who replaces an object, or deletes it, also in
///    another process, needs not tell: the file that is kept open has lost its name then. (One that was
///    given a second name, as some backups do, is read on. Objects of a database are never replaced.)
#[derive(Debug, Default)]
pub struct OpenFiles {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    files: HashMap<PathBuf, OpenFile>,
    /// How often a file was asked for.
    uses: u64,
}

#[derive(Debug)]
struct OpenFile {
    file: Arc<File>,
    /// Which use was its last.
    last_use: u64,
}

impl OpenFiles {
    /// How many files are kept open.
    pub const MOST: usize = 64;

    /// The file that `path` names, and what is known of it.
    pub fn open(&self, path: &Path) -> io::Result<(Arc<File>, Metadata)> {
        if let Some(file) = self.find(path) {
            // This costs less than to ask for the path: there are no folders to go through.
            let meta = file.metadata()?;
            if has_name(&meta) {
                return Ok((file, meta));
            }
        }
        let file = Arc::new(File::open(path)?);
        let meta = file.metadata()?;
        if meta.is_file() && has_name(&meta) {
            self.keep(path, Arc::clone(&file));
        }
        Ok((file, meta))
    }

    /// Closes the file of `path`, as soon as nobody reads it: a deleted file takes room while it is open.
    pub fn close(&self, path: &Path) {
        self.lock().files.remove(path);
    }

    fn find(&self, path: &Path) -> Option<Arc<File>> {
        let mut kept = self.lock();
        let last_use = kept.next_use();
        let open = kept.files.get_mut(path)?;
        open.last_use = last_use;
        Some(Arc::clone(&open.file))
    }

    /// Keeps a file in the place of the one of this path, or of the one that was used the longest ago.
    fn keep(&self, path: &Path, file: Arc<File>) {
        let mut kept = self.lock();
        let last_use = kept.next_use();
        let files = &mut kept.files;
        if files.len() >= Self::MOST && !files.contains_key(path) {
            let oldest = files.iter().min_by_key(|(_, open)| open.last_use);
            if let Some(path) = oldest.map(|(path, _)| path.clone()) {
                files.remove(&path);
            }
        }
        files.insert(path.to_owned(), OpenFile { file, last_use });
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // It is whole between any two operations.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn next_use(&mut self) -> u64 {
        self.uses += 1;
        self.uses
    }
}

/// Whether a folder still names this open file.
#[cfg(unix)]
fn has_name(meta: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(meta) > 0
}

/// Elsewhere the standard library can't say, and no file is kept open.
#[cfg(not(unix))]
fn has_name(_: &Metadata) -> bool {
    false
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
