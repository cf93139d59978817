//! A `Cargo.toml` of the course, made to serve in a copy elsewhere.

use std::path::Path;

use toml::{Table, Value};

use crate::{Course, Error, files};

/// Reads a manifest.
///
/// # Errors
/// If it cannot be read or is not TOML.
pub fn read(course: &Course, path: &Path) -> Result<Table, Error> {
    let wrong = |error: toml::de::Error| Error::file(&course.shown(path), error.message());
    files::read(path)?.parse().map_err(wrong)
}

/// Writes a manifest.
///
/// # Errors
/// If it cannot be written.
pub fn write(path: &Path, manifest: &Table) -> Result<(), Error> {
    let text = toml::to_string(manifest)
        .map_err(|error| Error::file(&path.to_string_lossy(), error.to_string()))?;
    files::write(path, text.as_bytes()).map(drop)
}

/// The course's workspace with one member.
///
/// # Errors
/// If its manifest cannot be read or is that of no workspace.
pub fn workspace(course: &Course, member: &str) -> Result<Table, Error> {
    let path = course.root.join("Cargo.toml");
    let mut manifest = read(course, &path)?;
    let Some(workspace) = manifest.get_mut("workspace").and_then(Value::as_table_mut) else {
        return Err(Error::file(&course.shown(&path), "expected a [workspace]"));
    };
    workspace.insert("members".to_owned(), vec![member].into());
    workspace.remove("default-members");
    workspace.remove("exclude");
    Ok(manifest)
}

/// Makes the paths of dependencies whole, which are seen from `folder` as they stand.
pub fn make_paths_whole(dependencies: &mut Table, folder: &Path) {
    for (_, dependency) in dependencies.iter_mut() {
        if let Some(Value::String(path)) = dependency.get_mut("path") {
            *path = folder.join(&*path).to_string_lossy().into_owned();
        }
    }
}
