//! Files that were read lately, kept open.
//!
//! To open a file and close it costs more than to read a block of it that the system has in memory; and
//! so nearly does to ask the system whether an open file is still the one of that name.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The files that were asked for last, by the paths of their objects.
///
/// Invariants:
/// 1. At most [`OpenFiles::MOST`] are kept open: a process may not have many.
/// 2. No file is kept that was opened before the last [`OpenFiles::close`] of its path.
///
/// What another process does with the name of a file that is kept is not noticed. Objects are never
/// changed, so what is read was true when the file was opened.
#[derive(Debug, Default)]
pub struct OpenFiles {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    files: HashMap<String, (OpenFile, LastUse)>,
    /// How often a file was asked for.
    uses: u64,
    /// How often a path was closed.
    closings: u64,
}

/// Which use was a file's last.
type LastUse = u64;

/// A file that was opened to be read.
#[derive(Debug, Clone)]
pub struct OpenFile {
    /// The file.
    pub file: Arc<File>,
    /// Its size in bytes. It never changes.
    pub size: u64,
}

impl OpenFiles {
    /// How many files are kept open.
    pub const MOST: usize = 64;

    /// The file of the object at `path`: that which is kept, or that which `open` opens.
    pub fn get_or_open<E>(
        &self,
        path: &str,
        open: impl FnOnce() -> Result<OpenFile, E>,
    ) -> Result<OpenFile, E> {
        let closings = {
            let mut kept = self.lock();
            kept.uses += 1;
            let now = kept.uses;
            if let Some((open, last_use)) = kept.files.get_mut(path) {
                *last_use = now;
                return Ok(open.clone());
            }
            kept.closings
        };
        let file = open()?;
        let mut kept = self.lock();
        if cfg!(unix) && kept.closings == closings {
            kept.keep(path, file.clone());
        }
        Ok(file)
    }

    /// Closes the file of `path`, as soon as nobody reads it: a deleted file takes room while it is open.
    /// Whoever deletes an object, or writes another in its place, calls this afterwards.
    pub fn close(&self, path: &str) {
        let mut kept = self.lock();
        kept.closings += 1;
        kept.files.remove(path);
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // It is whole between any two operations.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Keeps a file in the place of the one of this path, or of the one that was used the longest ago.
    fn keep(&mut self, path: &str, file: OpenFile) {
        if self.files.len() >= OpenFiles::MOST && !self.files.contains_key(path) {
            let oldest = self.files.iter().min_by_key(|(_, (_, last_use))| *last_use);
            if let Some(path) = oldest.map(|(path, _)| path.clone()) {
                self.files.remove(&path);
            }
        }
        self.files.insert(path.to_owned(), (file, self.uses));
    }
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
