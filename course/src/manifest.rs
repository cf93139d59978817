//! A `Cargo.toml` of the course, made to serve in a copy elsewhere.

use std::fs;
use std::path::Path;

use toml::{Table, Value};

use crate::week::Week;
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

/// Writes the course's workspace with one member into `root`, elsewhere, with the versions that the course is built
/// with, which are here already.
///
/// # Errors
/// If something cannot be read or written.
pub fn copy_workspace(course: &Course, root: &Path, member: &str) -> Result<(), Error> {
    let mut shared = workspace(course, member)?;
    if let Some(Value::Table(dependencies)) =
        shared.get_mut("workspace").and_then(|workspace| workspace.get_mut("dependencies"))
    {
        make_paths_whole(dependencies, &course.root);
    }
    write(&root.join("Cargo.toml"), &shared)?;
    let lock = course.root.join("Cargo.lock");
    if lock.is_file() {
        let bytes = fs::read(&lock).map_err(Error::io("read", lock))?;
        files::write(&root.join("Cargo.lock"), &bytes)?;
    }
    Ok(())
}

/// Leaves out the profiles of packages that no member names itself: cargo warns of each that is not built, and only
/// tests need them.
///
/// # Errors
/// If the manifest cannot be read or written.
pub fn drop_profiles_of_tests(course: &Course, path: &Path) -> Result<(), Error> {
    let mut manifest = read(course, path)?;
    let named = manifest.get("workspace").and_then(|workspace| workspace.get("dependencies"));
    let named = named.and_then(Value::as_table).cloned().unwrap_or_default();
    let profiles = manifest.get_mut("profile").and_then(Value::as_table_mut);
    for (_, profile) in profiles.into_iter().flatten() {
        if let Some(Value::Table(packages)) = profile.get_mut("package") {
            packages.retain(|package, _| named.contains_key(package));
        }
    }
    write(path, &manifest)
}

/// A week's crate, as a dependency that has the engine's name.
pub fn week_as_engine(week: &Week) -> Value {
    let mut engine = Table::new();
    engine.insert("package".to_owned(), week.name().into());
    engine.insert("path".to_owned(), week.folder.to_string_lossy().into_owned().into());
    engine.into()
}
