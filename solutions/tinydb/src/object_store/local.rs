//! An object store in a directory.
//!
//! An object is written to a temporary file beside its place, synced, and only then given its name;
//! then the directory is synced, because a name is not durable before its directory is. A crash
//! leaves the old object, the new object, or a temporary file that nothing reads.
//!
//! If one of the last two steps fails, the object may be there all the same, and a power cut may take it
//! away. Whoever looks what became of the put must not believe it too early: so before an object of
//! that directory is read, the directory is synced again.
//!
//! `put_if_absent` gives the name with a hard link, which fails if the name is taken, so that it is
//! atomic between processes too. `put` uses a rename, which replaces.
//!
//! SlateDB: `LocalFileSystem` of the crate `object_store` works the same way.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::iter;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use super::open_files::{OpenFile, OpenFiles, read_exact_at};
use super::{ObjectMeta, ObjectStore, Parts, check_range, validate_path, validate_prefix};
use crate::error::{Error, Result};

/// Objects as files under one directory. Several stores, also in several processes, may use the
/// same directory.
#[derive(Debug)]
pub struct LocalObjectStore {
    root: PathBuf,
    unsynced: Mutex<Unsynced>,
    open_files: OpenFiles,
}

/// The directories in which a store has failed to make a name durable.
#[derive(Debug, Default)]
struct Unsynced {
    /// Each with the number of its last failure.
    directories: BTreeMap<PathBuf, u64>,
    /// How many failures there were.
    failures: u64,
}

impl LocalObjectStore {
    /// A store in the directory `root`, which is made if it is missing.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self> {
        let root = root.into();
        create_dir_durably(&root)?;
        Ok(Self { root, unsynced: Mutex::default(), open_files: OpenFiles::default() })
    }

    /// Makes the name `target` durable if it was given, and remembers it if either has failed.
    fn make_durable(&self, target: &Path, named: Result<()>) -> Result<()> {
        let directory = target.parent().unwrap_or(&self.root);
        // A sync that began before a name was given says nothing about it.
        let before = self.unsynced().directories.get(directory).copied();
        let synced = named.and_then(|()| sync_parent(target));
        let mut unsynced = self.unsynced();
        if synced.is_err() {
            unsynced.failures += 1;
            let failure = unsynced.failures;
            unsynced.directories.insert(directory.to_owned(), failure);
        } else if unsynced.directories.get(directory).copied() == before {
            unsynced.directories.remove(directory);
        }
        synced
    }

    /// Whether a name in the directory of `target` may not be durable.
    fn is_unsynced(&self, target: &Path) -> bool {
        let directories = &self.unsynced().directories;
        // Nearly always. It costs less to ask than the path's parent.
        !directories.is_empty() && target.parent().is_some_and(|it| directories.contains_key(it))
    }

    fn unsynced(&self) -> MutexGuard<'_, Unsynced> {
        // It is whole between any two operations.
        self.unsynced.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file that holds the object at `path`. Checks the path.
    fn file_of(&self, path: &str) -> Result<PathBuf> {
        validate_path(path)?;
        Ok(self.root.join(path))
    }

    /// Opens the object at `path`.
    fn open_object(&self, path: &str) -> Result<OpenFile> {
        let file_path = self.file_of(path)?;
        if self.is_unsynced(&file_path) {
            self.make_durable(&file_path, Ok(()))?;
        }
        let opened = File::open(&file_path).and_then(|file| Ok((file.metadata()?, file)));
        match opened {
            Ok((meta, file)) if meta.is_file() => {
                Ok(OpenFile { file: Arc::new(file), size: meta.len() })
            }
            Ok(_) => Err(Error::NotFound { path: path.to_owned() }),
            Err(error) => Err(not_found_or_io("open", path, error)),
        }
    }

    /// Writes an object to a temporary file in the directory of `path` and syncs it.
    fn write_temporary(
        &self,
        path: &str,
        parts: &mut Parts<'_>,
    ) -> Result<(TemporaryFile, PathBuf)> {
        let target = self.file_of(path)?;
        let parent = target.parent().unwrap_or(&self.root);
        create_dir_durably(parent)?;
        let temporary = TemporaryFile::write(parent, parts)?;
        Ok((temporary, target))
    }
}

impl ObjectStore for LocalObjectStore {
    fn put(&self, path: &str, object: Bytes) -> Result<()> {
        let (temporary, target) = self.write_temporary(path, &mut iter::once(Ok(object)))?;
        let renamed = temporary.rename(&target).map_err(Error::io("name", path));
        self.open_files.close(path);
        self.make_durable(&target, renamed)
    }

    fn put_if_absent(&self, path: &str, object: Bytes) -> Result<()> {
        self.put_parts_if_absent(path, &mut iter::once(Ok(object)))
    }

    fn put_parts_if_absent(&self, path: &str, parts: &mut Parts<'_>) -> Result<()> {
        let (temporary, target) = self.write_temporary(path, parts)?;
        let linked = fs::hard_link(&temporary.path, &target);
        // Another process may have deleted the object that is known here under this path.
        self.open_files.close(path);
        match linked {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                // Whoever gave it this name may have crashed before the next line.
                self.make_durable(&target, Ok(()))?;
                Err(Error::AlreadyExists { path: path.to_owned() })
            }
            linked => {
                let what = "link (its file system must have hard links)";
                self.make_durable(&target, linked.map_err(Error::io(what, path)))
            }
        }
    }

    fn get(&self, path: &str) -> Result<Bytes> {
        let OpenFile { file, size } = self.open_object(path)?;
        read_range(&file, 0..size).map_err(Error::io("read", path))
    }

    fn get_range(&self, path: &str, range: Range<u64>) -> Result<Bytes> {
        let OpenFile { file, size } =
            self.open_files.get_or_open(path, || self.open_object(path))?;
        check_range(path, &range, size)?;
        read_range(&file, range).map_err(Error::io("read", path))
    }

    fn head(&self, path: &str) -> Result<ObjectMeta> {
        let file_path = self.file_of(path)?;
        let meta = fs::metadata(&file_path).map_err(|e| not_found_or_io("look up", path, e))?;
        if !meta.is_file() {
            return Err(Error::NotFound { path: path.to_owned() });
        }
        object_meta(path.to_owned(), &meta)
    }

    fn list(&self, prefix: &str) -> Result<Vec<ObjectMeta>> {
        validate_prefix(prefix)?;
        let mut found = Vec::new();
        collect_objects(&self.root.join(prefix), prefix, &mut found)?;
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    fn delete(&self, path: &str) -> Result<()> {
        let file_path = self.file_of(path)?;
        let removed = fs::remove_file(&file_path);
        self.open_files.close(path);
        match removed {
            // A folder is no object, so there is nothing to delete.
            Err(error) if !is_absent(&error) && !file_path.is_dir() => {
                Err(Error::io("delete", path)(error))
            }
            _ => Ok(()),
        }
    }

    /// Removes the temporary files that a crash has left. Those of this process are being written.
    fn discard_unfinished(&self, min_age: Duration) -> Result<u64> {
        let is_old = |meta: &fs::Metadata| {
            let age = meta.modified().ok().and_then(|it| SystemTime::now().duration_since(it).ok());
            age.is_some_and(|age| age >= min_age)
        };
        let mut removed = 0;
        for path in temporaries(&self.root)? {
            // One that is gone was finished, or removed by somebody else.
            let is_garbage = fs::metadata(&path).is_ok_and(|meta| is_old(&meta));
            removed += u64::from(is_garbage && fs::remove_file(&path).is_ok());
        }
        Ok(removed)
    }
}

/// A synced file without a lasting name, removed when dropped unless it was renamed. Its name starts
/// with a `.`, which no object path does, so it is never taken for an object.
struct TemporaryFile {
    path: PathBuf,
    renamed: bool,
}

impl TemporaryFile {
    fn write(directory: &Path, parts: &mut Parts<'_>) -> Result<Self> {
        let (mut file, temporary) = Self::create(directory)?;
        let write_error = || Error::io("write", temporary.path.display().to_string());
        for part in parts {
            file.write_all(&part?).map_err(write_error())?;
        }
        file.sync_all().map_err(write_error())?;
        Ok(temporary)
    }

    /// Makes a file of a name that nobody has: a container beside ours may share our process id.
    fn create(directory: &Path) -> Result<(File, Self)> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = COUNTER.fetch_add(1, Ordering::Relaxed);
            let path = directory.join(format!("{}{number}.tmp", Self::own_prefix()));
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok((file, Self { path, renamed: false })),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(Error::io("make", path.display().to_string())(error)),
            }
        }
    }

    /// What the names of this process's temporary files begin with.
    fn own_prefix() -> String {
        format!(".{}-", process::id())
    }

    /// Gives the file its lasting name. From then on the old one may be another process's.
    fn rename(mut self, target: &Path) -> io::Result<()> {
        fs::rename(&self.path, target)?;
        self.renamed = true;
        Ok(())
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        if !self.renamed {
            // If this fails, the file stays as harmless litter.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Reads these bytes. The file is known to be that long, so a range can't ask for more memory than there
/// are bytes.
fn read_range(file: &File, range: Range<u64>) -> io::Result<Bytes> {
    let length = usize::try_from(range.end - range.start).map_err(|_| ErrorKind::OutOfMemory)?;
    let mut bytes = vec![0; length];
    read_exact_at(file, &mut bytes, range.start)?;
    Ok(bytes.into())
}

fn object_meta(path: String, meta: &fs::Metadata) -> Result<ObjectMeta> {
    let modified = meta.modified().map_err(Error::io("read the time of", &path))?;
    Ok(ObjectMeta { path, size: meta.len(), last_modified: modified })
}

/// Adds the objects in `directory`, whose object path is `prefix`, and below it.
fn collect_objects(directory: &Path, prefix: &str, found: &mut Vec<ObjectMeta>) -> Result<()> {
    let list_error = || Error::io("list", directory.display().to_string());
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if is_absent(&error) => return Ok(()),
        Err(error) => return Err(list_error()(error)),
    };
    for entry in entries {
        let entry = entry.map_err(list_error())?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        if validate_path(&path).is_err() {
            continue;
        }
        match entry.metadata() {
            Ok(meta) if meta.is_dir() => collect_objects(&entry.path(), &path, found)?,
            Ok(meta) if meta.is_file() => found.push(object_meta(path, &meta)?),
            Ok(_) => {}
            // Deleted since the directory was read.
            Err(error) if is_absent(&error) => {}
            Err(error) => return Err(Error::io("look up", path)(error)),
        }
    }
    Ok(())
}

/// The temporary files of other processes in `directory` and below it.
fn temporaries(directory: &Path) -> Result<Vec<PathBuf>> {
    let list_error = || Error::io("list", directory.display().to_string());
    let (mut found, own) = (Vec::new(), TemporaryFile::own_prefix());
    for entry in fs::read_dir(directory).map_err(list_error())? {
        let entry = entry.map_err(list_error())?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(temporaries(&entry.path())?);
        } else if name.starts_with('.') && name.ends_with(".tmp") && !name.starts_with(&own) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn not_found_or_io(operation: &'static str, path: &str, error: io::Error) -> Error {
    if is_absent(&error) {
        Error::NotFound { path: path.to_owned() }
    } else {
        Error::io(operation, path)(error)
    }
}

/// Whether the operating system says that there is no such file: also where a folder of the path
/// is a file.
pub(super) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Makes a directory and its ancestors, each synced into its parent.
pub fn create_dir_durably(directory: &Path) -> Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    if let Some(parent) = directory.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        create_dir_durably(parent)?;
    }
    match fs::create_dir(directory) {
        Ok(()) => sync_parent(directory),
        // Another thread or process was first.
        Err(error) if error.kind() == ErrorKind::AlreadyExists && directory.is_dir() => Ok(()),
        Err(error) => Err(Error::io("make the folder", directory.display().to_string())(error)),
    }
}

/// Makes the name `path` durable by syncing the directory that holds it. Windows syncs names with
/// their file and can't open a directory, so there it is nothing.
pub fn sync_parent(path: &Path) -> Result<()> {
    if cfg!(windows) {
        return Ok(());
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    let synced = File::open(parent).and_then(|directory| directory.sync_all());
    synced.map_err(Error::io("sync the folder", parent.display().to_string()))
}
