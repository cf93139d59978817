//! The folder that holds the files of parts.
//!
//! A part is written to a temporary file, and then gets its name with a rename. So a name stands for
//! a whole file, also when the process is killed. Nothing is synced: a power cut may leave a name
//! whose file is empty or half there, and then its checksum tells. What a cache loses is fetched again.
//!
//! Temporary files are called `.1.tmp`, `.2.tmp`, …; those that a killed process left behind are
//! removed at the next opening. Files of other names are nobody's business here, and stay.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use super::ObjectMeta;
use super::local::{is_absent, sync_parent};
use super::part_file::{Part, decode, encode, file_len, file_name, parse_file_name};
use super::part_index::PartKey;
use crate::error::{Error, Result};

/// The folder, locked as long as this lives.
#[derive(Debug)]
pub struct PartFolder {
    root: PathBuf,
    part_size: u64,
    next_temporary: AtomicU64,
    /// Its lock goes when it is closed, however the process ends.
    _lock: File,
}

/// A part that was there when the folder was opened.
#[derive(Debug)]
pub struct FoundPart {
    /// Which part it should be, by its name. Nobody has looked into it yet.
    pub key: PartKey,
    /// How long its file is.
    pub len: u64,
}

impl PartFolder {
    /// Opens a folder, which is made if it is missing, and lists its parts: those written earlier come
    /// first. Looks at names and lengths only. Removes temporary files, and parts of another size.
    ///
    /// [`Error::CacheLocked`] if another process, or this one, has the folder open.
    pub fn open(root: PathBuf, part_size: u64) -> Result<(Self, Vec<FoundPart>)> {
        fs::create_dir_all(&root).map_err(Error::io("make the folder", shown(&root)))?;
        let lock = lock(&root.join("LOCK"))?;
        let folder = Self { root, part_size, next_temporary: AtomicU64::new(1), _lock: lock };
        let found = folder.scan().map_err(Error::io("list", shown(&folder.root)))?;
        Ok((folder, found))
    }

    fn scan(&self) -> io::Result<Vec<FoundPart>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.root)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            match parse_file_name(&name) {
                Some((key, part_size)) if part_size == self.part_size => {
                    let meta = entry.metadata()?;
                    if !meta.is_file() {
                        continue;
                    }
                    let written = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                    found.push((written, key, meta.len()));
                }
                Some(_) => fs::remove_file(entry.path())?,
                None if is_temporary(&name) => fs::remove_file(entry.path())?,
                None => {}
            }
        }
        found.sort_unstable();
        Ok(found.into_iter().map(|(_, key, len)| FoundPart { key, len }).collect())
    }

    /// How long the file of a part with so many bytes is.
    pub fn file_len(&self, path: &str, bytes: usize) -> u64 {
        file_len(path, bytes) as u64
    }

    /// Reads a part; `None` if there is no file of it, or one that is damaged or something else.
    pub fn read(&self, key: &PartKey) -> io::Result<Option<Part>> {
        let longest = self.part_size.saturating_add(file_len(&key.path, 0) as u64);
        let mut contents = Vec::new();
        match File::open(self.path_of(key)) {
            // One byte more than a part can have is enough to see that it is none.
            Ok(file) => file.take(longest.saturating_add(1)).read_to_end(&mut contents)?,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(decode(contents.into(), key, self.part_size))
    }

    /// Writes a part, in place of any other file of it. If that fails, the temporary file is removed; if
    /// that fails too, it stays until the next opening. The error is how many bytes stay.
    pub fn write(&self, key: &PartKey, object: &ObjectMeta, bytes: &[u8]) -> Result<(), u64> {
        let number = self.next_temporary.fetch_add(1, Ordering::Relaxed);
        let temporary = self.root.join(format!(".{number}.tmp"));
        let file = encode(object, self.part_size, key.number, bytes);
        let written = File::create(&temporary)
            .and_then(|mut temporary| temporary.write_all(&file))
            .and_then(|()| fs::rename(&temporary, self.path_of(key)));
        written.map_err(|_| match fs::remove_file(&temporary) {
            Err(error) if !is_absent(&error) => file.len() as u64,
            _ => 0,
        })
    }

    /// Removes the file of a part, if there is one.
    pub fn remove(&self, key: &PartKey) -> io::Result<()> {
        match fs::remove_file(self.path_of(key)) {
            Err(error) if !is_absent(&error) => Err(error),
            _ => Ok(()),
        }
    }

    /// Makes what was removed stay removed, also after a power cut.
    pub fn sync(&self) -> Result<()> {
        if self.root.is_dir() { sync_parent(&self.root.join("LOCK")) } else { Ok(()) }
    }

    /// Where a part's file is, for messages.
    pub fn shown(&self, key: &PartKey) -> String {
        shown(&self.path_of(key))
    }

    fn path_of(&self, key: &PartKey) -> PathBuf {
        self.root.join(file_name(key, self.part_size))
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn is_temporary(name: &str) -> bool {
    let number = name.strip_prefix('.').and_then(|rest| rest.strip_suffix(".tmp"));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

fn lock(path: &Path) -> Result<File> {
    let opened = File::options().read(true).write(true).create(true).truncate(false).open(path);
    let file = opened.map_err(Error::io("open", shown(path)))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::CacheLocked { path: shown(path) }),
        Err(TryLockError::Error(error)) => Err(Error::io("lock", shown(path))(error)),
    }
}
