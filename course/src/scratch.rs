//! A copy of the workspace with one chapter in it, whose stubs can be filled as wanted.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::chapter::{Generated, sources};
use crate::patch::Patch;
use crate::week::{TaskId, Week};
use crate::{Course, Error, files, manifest};

/// Lays out a workspace with one chapter, in which every task is filled from the reference but those in `open`.
///
/// Only files that differ are written, so that cargo builds again only what has changed. The copy has a build folder of
/// its own: cargo tells two packages apart by where they lie in their workspace, so in one build folder it would take
/// the copy for the original.
///
/// # Errors
/// If something cannot be read or written, or a marker in the reference is wrong.
pub fn workspace(course: &Course, week: &Week, open: &BTreeSet<TaskId>) -> Result<Course, Error> {
    let sources = sources(course, week, open)?;
    lay_out(course, week, "scratch", &format!("chapters/{}", week.name()), &sources)
}

/// Lays out a workspace with the engine and the tests of one chapter, in a folder of its own.
///
/// # Errors
/// If something cannot be read or written.
pub fn engine(course: &Course, week: &Week, folder: &str) -> Result<Course, Error> {
    lay_out(course, week, folder, "solutions/tinydb", &[])
}

fn lay_out(
    course: &Course,
    week: &Week,
    folder: &str,
    member: &str,
    sources: &[Generated],
) -> Result<Course, Error> {
    let root = course.work().join(folder);
    let mut current = BTreeSet::new();
    for path in copied(course, week)? {
        let inside = path.strip_prefix(&course.root).unwrap_or(&path);
        let bytes = fs::read(&path).map_err(Error::io("read", &path))?;
        files::write(&root.join(inside), &bytes)?;
        current.insert(root.join(inside));
    }
    for source in sources {
        files::write(&root.join(&source.path), source.text.as_bytes())?;
        current.insert(root.join(&source.path));
    }
    // cargo adds what the member depends on.
    let manifest = manifest::workspace(course, member)?;
    manifest::write(&root.join("Cargo.toml"), &manifest)?;
    for folder in copied_folders(week) {
        remove_others(&root.join(folder), &current)?;
    }
    let limit = course.limit;
    Ok(Course { limit, ..Course::at(root) })
}

/// Lays out a workspace with one chapter, filled from a reference in which a patch is planted.
///
/// # Errors
/// As [`workspace`], and if the patch does not apply.
pub fn with_patch(course: &Course, week: &Week, patch: &Patch) -> Result<Course, Error> {
    let planted = patch.planted(course)?;
    let open = BTreeSet::new();
    let copy = workspace(course, week, &open)?;
    for file in planted {
        files::write(&copy.root.join(&file.path), file.text.as_bytes())?;
    }
    // The chapter's sources once more, now from the copy: the patch may lie in the week's own rooms.
    let sources = sources(&copy, week, &open).map_err(|error| patch.does_not_compile(&error))?;
    for source in sources {
        files::write(&copy.root.join(&source.path), source.text.as_bytes())?;
    }
    Ok(copy)
}

fn copied_folders(week: &Week) -> [String; 3] {
    let chapter = format!("chapters/{}", week.name());
    ["solutions/tinydb".to_owned(), "testkit".to_owned(), chapter]
}

/// The files taken over as they are; the chapter's sources are not among them.
fn copied(course: &Course, week: &Week) -> Result<Vec<PathBuf>, Error> {
    let mut copied = Vec::new();
    for folder in ["solutions/tinydb", "testkit"] {
        copied.extend(files::walk(&course.root.join(folder))?);
    }
    let source = week.folder.join("src");
    let chapter = files::walk(&week.folder)?;
    copied.extend(chapter.into_iter().filter(|path| !path.starts_with(&source)));
    let lock = course.root.join("Cargo.lock");
    copied.extend(lock.is_file().then_some(lock));
    Ok(copied)
}

/// Makes `copy` a copy of some files below `original`. What else is in it is removed, but for its `own` files.
pub(crate) fn mirror(
    original: &Path,
    sources: &[PathBuf],
    copy: &Path,
    own: &[&Path],
) -> Result<(), Error> {
    let mut current: BTreeSet<PathBuf> = own.iter().map(|path| path.to_path_buf()).collect();
    for path in sources {
        let target = copy.join(path.strip_prefix(original).unwrap_or(path));
        let bytes = fs::read(path).map_err(Error::io("read", path))?;
        files::write(&target, &bytes)?;
        current.insert(target);
    }
    remove_others(copy, &current)
}

/// A file that was deleted from the course must not live on in the copy.
fn remove_others(folder: &Path, current: &BTreeSet<PathBuf>) -> Result<(), Error> {
    for path in files::walk(folder)? {
        if !current.contains(&path) {
            fs::remove_file(&path).map_err(Error::io("remove", &path))?;
        }
    }
    Ok(())
}
