//! A planted bug: a [patch](crate::patch) against the reference with which a test of the chapter fails.
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

use std::path::Path;

use crate::patch::{Head, Kind, Patch, patch_files};
use crate::week::{TaskId, Week};
use crate::{Course, Error, files};

/// The folder of a week's bugs.
pub(crate) const FOLDER: &str = "bugs";

const KIND: Kind =
    Kind { word: "bug", keys: &["says", "caught-by", "explains"], heading: "A planted bug" };

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
    pub patch: Patch,
}

/// The bugs planted in a week, by name; none if it has no folder `bugs`.
///
/// # Errors
/// If one cannot be read or is malformed.
pub fn bugs(course: &Course, week: &Week) -> Result<Vec<Bug>, Error> {
    patch_files(week, FOLDER)?.iter().map(|path| Bug::load(course, path)).collect()
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
        let (patch, heads) = Patch::parse(&KIND, path, text)?;
        let caught_by = heads.get("caught-by")?;
        check_test(path, caught_by)?;
        Ok(Self {
            name: heads.get(KIND.word)?.value.clone(),
            says: heads.get("says")?.value.replace('\n', " "),
            caught_by: caught_by.value.clone(),
            explains: heads.get("explains")?.value.clone(),
            patch,
        })
    }
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
