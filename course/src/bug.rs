//! A planted bug: a patch against the reference, below lines that tell about it.
//!
//! ```text
//! bug: a_deleted_key_comes_back
//! says: After a restart a deleted key has its old value again.
//! caught-by: task_4_8::a_tombstone_survives_a_flush
//! explains: The flush leaves tombstones out, so an older SST answers.
//!   Delete a key whose value is in an SST, flush, and get it.
//!
//! diff --git a/solutions/tinydb/src/db/flush.rs b/solutions/tinydb/src/db/flush.rs
//! ```
//!
//! A line that begins with a space goes on with the line above it.

use std::path::Path;

use diffy::patch_set::{FileOperation, FilePatch, ParseOptions, PatchSet};

use crate::chapter::Generated;
use crate::week::{TaskId, Week, line_at};
use crate::{Course, Error, files};

const KEYS: [&str; 4] = ["bug", "says", "caught-by", "explains"];

/// Where bugs may be planted.
const SOURCES: &str = "solutions/tinydb/src/";

/// A planted bug.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bug {
    /// Its name, which is also its file's.
    pub name: String,
    /// What a user of the database would notice.
    pub says: String,
    /// The test of the chapter that fails when the bug is planted: `task_4_8::a_tombstone_survives_a_flush`.
    pub caught_by: String,
    /// What is wrong, and how a test provokes it.
    pub explains: String,
    /// The patch.
    pub diff: String,
    /// The bug's file, seen from the root of the course.
    pub path: String,
}

/// The bugs planted in a week, by name; none if it has no folder `bugs`.
///
/// # Errors
/// If one cannot be read or is malformed.
pub fn bugs(course: &Course, week: &Week) -> Result<Vec<Bug>, Error> {
    bug_files(week)?.iter().map(|path| Bug::load(course, path)).collect()
}

/// Where the bugs planted in a week are.
pub(crate) fn bug_files(week: &Week) -> Result<Vec<std::path::PathBuf>, Error> {
    let mut found = files::list(&week.folder.join("bugs"))?;
    found.retain(|path| files::has_extension(path, "patch"));
    Ok(found)
}

impl Bug {
    /// Reads a bug's file.
    ///
    /// # Errors
    /// As [`Bug::parse`], and if the file cannot be read.
    pub fn load(course: &Course, path: &Path) -> Result<Self, Error> {
        Self::parse(&course.shown(path), &files::read(path)?)
    }

    /// Reads a bug from its file's text.
    ///
    /// # Errors
    /// If a line above the patch is missing, unknown or wrong, or the patch is none.
    pub fn parse(path: &str, text: &str) -> Result<Self, Error> {
        let start = diff_start(text)
            .ok_or_else(|| Error::file(path, "expected a patch, as `git diff` writes it"))?;
        let (head, diff) = text.split_at(start);
        let heads = heads(path, head)?;
        let value = |key: &str| {
            heads.iter().find(|head| head.key == key).ok_or_else(|| {
                let message = format!("expected a line `{key}: …` above the patch");
                Error::at(path, line_at(text, start), message)
            })
        };
        let name = value("bug")?;
        check_name(path, name)?;
        let caught_by = value("caught-by")?;
        check_test(path, caught_by)?;
        let bug = Self {
            name: name.value.clone(),
            says: value("says")?.value.replace('\n', " "),
            caught_by: caught_by.value.clone(),
            explains: value("explains")?.value.clone(),
            diff: diff.to_owned(),
            path: path.to_owned(),
        };
        bug.changes().map_err(|why| Error::at(path, line_at(text, start), why))?;
        Ok(bug)
    }

    /// The files that the bug changes, as they are with it.
    ///
    /// # Errors
    /// If the patch does not apply to the course's files.
    pub fn planted(&self, course: &Course) -> Result<Vec<Generated>, Error> {
        let stale = |file: &str, why: String| Error::StaleBug {
            bug: self.path.clone(),
            file: file.to_owned(),
            why,
        };
        let mut planted = Vec::new();
        for (path, change) in self.changes().map_err(|why| Error::file(&self.path, why))? {
            let text = files::read(&course.root.join(&path))
                .map_err(|error| stale(&path, error.to_string()))?;
            let patch = change.patch().as_text().ok_or_else(|| stale(&path, no_text(&path)))?;
            let text =
                diffy::apply(&text, patch).map_err(|error| stale(&path, error.to_string()))?;
            planted.push(Generated { path, text });
        }
        Ok(planted)
    }

    /// An error that says what is wrong with the engine when the bug is planted.
    pub(crate) fn does_not_compile(&self, why: impl std::fmt::Display) -> Error {
        Error::file(&self.path, format!("with this bug the engine does not compile:\n{why}"))
    }

    /// The patch, one part for each file.
    fn changes(&self) -> Result<Vec<(String, FilePatch<'_, str>)>, String> {
        let mut changes = Vec::new();
        let options = match self.diff.starts_with("diff --git ") {
            true => ParseOptions::gitdiff(),
            false => ParseOptions::unidiff(),
        };
        for change in PatchSet::parse(&self.diff, options) {
            let change = change.map_err(|error| format!("this is no patch: {error}"))?;
            let path = changed_file(&change.operation().strip_prefix(1))?;
            if change.patch().as_text().is_none_or(|patch| patch.hunks().is_empty()) {
                return Err(no_text(&path));
            }
            changes.push((path, change));
        }
        Ok(changes)
    }
}

fn no_text(path: &str) -> String {
    format!("the patch changes no line of {path}")
}

/// The path of the one file that a part of a patch changes.
fn changed_file(operation: &FileOperation<'_, str>) -> Result<String, String> {
    match operation {
        FileOperation::Modify { original, modified } if original == modified => {
            if original.starts_with(SOURCES) && !original.contains("..") {
                Ok(original.to_string())
            } else {
                Err(format!("a bug changes files below {SOURCES}, and this patch {original}"))
            }
        }
        _ => Err("a bug only changes files: it makes, removes and renames none".to_owned()),
    }
}

/// A line above the patch.
struct Head {
    key: String,
    value: String,
    line: usize,
}

fn heads(path: &str, text: &str) -> Result<Vec<Head>, Error> {
    let mut heads: Vec<Head> = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        if line.trim().is_empty() {
            continue;
        }
        if let (true, Some(last)) = (line.starts_with([' ', '\t']), heads.last_mut()) {
            last.value = format!("{}\n{}", last.value, line.trim()).trim().to_owned();
            continue;
        }
        let (key, value) = line.split_once(':').unwrap_or((line, ""));
        if !KEYS.contains(&key) {
            let known = KEYS.map(|key| format!("`{key}: …`")).join(", ");
            return Err(Error::at(path, number, format!("expected {known}, found `{line}`")));
        }
        if heads.iter().any(|head| head.key == key) {
            return Err(Error::at(path, number, format!("`{key}:` stands here twice")));
        }
        let value = value.trim().to_owned();
        heads.push(Head { key: key.to_owned(), value, line: number });
    }
    match heads.iter().find(|head| head.value.is_empty()) {
        Some(empty) => Err(Error::at(path, empty.line, format!("`{}:` says nothing", empty.key))),
        None => Ok(heads),
    }
}

/// Where the patch begins.
fn diff_start(text: &str) -> Option<usize> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.starts_with("diff --git ") || line.starts_with("--- ") {
            return Some(at);
        }
        at += line.len();
    }
    None
}

fn check_name(path: &str, name: &Head) -> Result<(), Error> {
    let file = path.rsplit('/').next().unwrap_or(path);
    if file.strip_suffix(".patch") == Some(&name.value) {
        return Ok(());
    }
    let message = format!("the bug is called `{}`, its file {file}", name.value);
    Err(Error::at(path, name.line, message))
}

fn check_test(path: &str, test: &Head) -> Result<(), Error> {
    let task = test.value.split_once("::").and_then(|(module, _)| TaskId::of_test(module));
    match task {
        Some(_) => Ok(()),
        None => {
            let message =
                format!("expected a test such as `task_4_8::its_name`, found `{}`", test.value);
            Err(Error::at(path, test.line, message))
        }
    }
}
