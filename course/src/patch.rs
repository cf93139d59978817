//! A patch against the reference, below lines that tell about it: a [planted bug](crate::bug) or a
//! [right variant](crate::variant).
//!
//! ```text
//! bug: a_deleted_key_comes_back
//! says: After a restart a deleted key has its old value again.
//!   A line that begins with a space goes on with the line above it.
//!
//! diff --git a/solutions/tinydb/src/db/flush.rs b/solutions/tinydb/src/db/flush.rs
//! ```

use std::path::PathBuf;

use diffy::patch_set::{FileOperation, FilePatch, ParseOptions, PatchSet};

use crate::chapter::Generated;
use crate::week::{Week, line_at};
use crate::{Course, Error, files};

/// Where the reference may be changed.
const SOURCES: &str = "solutions/tinydb/src/";

/// A kind of patch.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// What it is called, and the line that names one: `bug`.
    pub word: &'static str,
    /// The other lines above the patch.
    pub keys: &'static [&'static str],
    /// The heading about it in CONTRIBUTING.md.
    pub heading: &'static str,
}

/// A patch against the reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    /// What it is.
    pub kind: &'static Kind,
    /// Its file, seen from the root of the course.
    pub path: String,
    /// The patch itself.
    pub diff: String,
}

/// A line above a patch.
#[derive(Clone, Debug)]
pub struct Head {
    /// The word before the colon.
    pub key: String,
    /// What it says.
    pub value: String,
    /// The line's number, from 1.
    pub line: usize,
}

/// The lines above a patch.
#[derive(Debug)]
pub struct Heads {
    path: String,
    lines: Vec<Head>,
    /// The line at which the patch begins.
    patch: usize,
}

/// The files of a week's patches, by name; none if the week has no such folder.
///
/// # Errors
/// If the folder cannot be read.
pub fn patch_files(week: &Week, folder: &str) -> Result<Vec<PathBuf>, Error> {
    let mut found = files::list(&week.folder.join(folder))?;
    found.retain(|path| files::has_extension(path, "patch"));
    Ok(found)
}

impl Patch {
    /// Reads a patch and the lines above it. Its name is also its file's.
    ///
    /// # Errors
    /// If a line above the patch is missing, unknown or wrong, or the patch is none.
    pub fn parse(kind: &'static Kind, path: &str, text: &str) -> Result<(Self, Heads), Error> {
        let start = diff_start(text)
            .ok_or_else(|| Error::file(path, "expected a patch, as `git diff` writes it"))?;
        let (head, diff) = text.split_at(start);
        let patch = line_at(text, start);
        let heads = Heads { path: path.to_owned(), lines: heads(kind, path, head)?, patch };
        for key in std::iter::once(&kind.word).chain(kind.keys) {
            heads.get(key)?;
        }
        check_name(kind, path, heads.get(kind.word)?)?;
        let found = Self { kind, path: path.to_owned(), diff: diff.to_owned() };
        found.changes().map_err(|why| Error::at(path, patch, why))?;
        Ok((found, heads))
    }

    /// The files that it changes, as they are with it.
    ///
    /// # Errors
    /// If it does not apply to the course's files.
    pub fn planted(&self, course: &Course) -> Result<Vec<Generated>, Error> {
        let mut planted = Vec::new();
        for (path, change) in self.changes().map_err(|why| Error::file(&self.path, why))? {
            let text = files::read(&course.root.join(&path))
                .map_err(|error| self.stale(&path, error.to_string()))?;
            let patch =
                change.patch().as_text().ok_or_else(|| self.stale(&path, no_text(&path)))?;
            let text =
                diffy::apply(&text, patch).map_err(|error| self.stale(&path, error.to_string()))?;
            planted.push(Generated { path, text });
        }
        Ok(planted)
    }

    /// An error that says what is wrong with the engine when the patch is planted.
    pub(crate) fn does_not_compile(&self, why: impl std::fmt::Display) -> Error {
        let word = self.kind.word;
        Error::file(&self.path, format!("with this {word} the engine does not compile:\n{why}"))
    }

    fn stale(&self, file: &str, why: String) -> Error {
        Error::StalePatch {
            kind: self.kind.word,
            heading: self.kind.heading,
            patch: self.path.clone(),
            file: file.to_owned(),
            why,
        }
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
            let path = changed_file(self.kind.word, &change.operation().strip_prefix(1))?;
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
fn changed_file(word: &str, operation: &FileOperation<'_, str>) -> Result<String, String> {
    match operation {
        FileOperation::Modify { original, modified } if original == modified => {
            if original.starts_with(SOURCES) && !original.contains("..") {
                Ok(original.to_string())
            } else {
                Err(format!("a {word} changes files below {SOURCES}, and this patch {original}"))
            }
        }
        _ => Err(format!("a {word} only changes files: it makes, removes and renames none")),
    }
}

impl Heads {
    /// The line of a key.
    ///
    /// # Errors
    /// If there is none.
    pub fn get(&self, key: &str) -> Result<&Head, Error> {
        self.lines.iter().find(|head| head.key == key).ok_or_else(|| {
            let message = format!("expected a line `{key}: …` above the patch");
            Error::at(&self.path, self.patch, message)
        })
    }
}

fn heads(kind: &Kind, path: &str, text: &str) -> Result<Vec<Head>, Error> {
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
        if key != kind.word && !kind.keys.contains(&key) {
            let known = std::iter::once(&kind.word).chain(kind.keys);
            let known = crate::prose::joined(known.map(|key| format!("`{key}: …`")));
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

fn check_name(kind: &Kind, path: &str, name: &Head) -> Result<(), Error> {
    let file = path.rsplit('/').next().unwrap_or(path);
    if file.strip_suffix(".patch") == Some(&name.value) {
        return Ok(());
    }
    let message = format!("the {} is called `{}`, its file {file}", kind.word, name.value);
    Err(Error::at(path, name.line, message))
}
