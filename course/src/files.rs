//! Reading and writing files, with errors that name them.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::Error;

/// A file's text.
///
/// # Errors
/// If it cannot be read or is not UTF-8.
pub fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(Error::io("read", path))
}

/// Writes a file, unless it already holds these bytes; says whether it wrote.
///
/// The bytes go to a temporary file that is then renamed, so that an interruption leaves the old file or the new one.
/// A file left alone keeps its modification time, which is what keeps cargo's builds fresh.
///
/// # Errors
/// If the file or its folder cannot be written.
pub fn write(path: &Path, bytes: &[u8]) -> Result<bool, Error> {
    match prepare(path, bytes)? {
        None => Ok(false),
        Some(new) => {
            new.persist(path).map_err(|error| Error::io("write", path)(error.error))?;
            Ok(true)
        }
    }
}

/// Writes several files, each as [`write()`] does. All are prepared before the first takes its place, so what can go
/// wrong, such as a full disk, goes wrong before anything has changed.
///
/// # Errors
/// If a file or its folder cannot be written.
pub fn write_all(files: &[(PathBuf, String)]) -> Result<(), Error> {
    let mut ready = Vec::new();
    for (path, text) in files {
        ready.extend(prepare(path, text.as_bytes())?.map(|new| (path, new)));
    }
    for (path, new) in ready {
        new.persist(path).map_err(|error| Error::io("write", path)(error.error))?;
    }
    Ok(())
}

/// A temporary file with these bytes beside the file that it will replace; none if that holds them already.
fn prepare(path: &Path, bytes: &[u8]) -> Result<Option<tempfile::NamedTempFile>, Error> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(None);
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    let mut new = tempfile::Builder::new()
        .permissions_like_a_plain_file()
        .tempfile_in(folder)
        .map_err(Error::io("write", path))?;
    new.write_all(bytes).map_err(Error::io("write", path))?;
    Ok(Some(new))
}

trait PlainPermissions {
    fn permissions_like_a_plain_file(&mut self) -> &mut Self;
}

impl PlainPermissions for tempfile::Builder<'_, '_> {
    // A temporary file is private by default; what is written here is meant for everyone who may read the course.
    #[cfg(unix)]
    fn permissions_like_a_plain_file(&mut self) -> &mut Self {
        use std::os::unix::fs::PermissionsExt as _;
        self.permissions(fs::Permissions::from_mode(0o666))
    }

    #[cfg(not(unix))]
    fn permissions_like_a_plain_file(&mut self) -> &mut Self {
        self
    }
}

/// All files below a folder, sorted; none if the folder does not exist. Build folders and `node_modules` are left out.
///
/// # Errors
/// If a folder cannot be read.
pub fn walk(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(next) = open.pop() {
        for path in list(&next)? {
            let skipped = path.ends_with("target") || path.ends_with("node_modules");
            if path.is_file() {
                found.push(path);
            } else if !skipped {
                open.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// What is in a folder, sorted; nothing if it does not exist.
///
/// # Errors
/// If the folder cannot be read.
pub fn list(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(folder).map_err(Error::io("read", folder))?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(Error::io("read", folder))?;
    paths.sort();
    Ok(paths)
}

/// Whether a file's name ends in `.extension`.
pub fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}

/// A path below `root` as it is written in messages and generated files: relative, with `/`.
pub fn shown(root: &Path, path: &Path) -> String {
    let parts = path.strip_prefix(root).unwrap_or(path);
    parts.to_string_lossy().replace('\\', "/")
}
