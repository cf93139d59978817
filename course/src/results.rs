//! What the tests of the reader's code came to, kept for the book and for `cargo course progress`.
//!
//! `results.json` lies among the book's sources, from where mdBook copies it at each build. It is written into the
//! built book too, so that a page that is open sees it at once.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::week::TaskId;
use crate::{Course, Error, files, mdbook};

/// How many of a task's tests pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// The task.
    pub task: TaskId,
    /// How many pass.
    pub passed: usize,
    /// How many there are.
    pub total: usize,
}

/// The form of the file that this writes and understands.
const VERSION: u32 = 1;

/// What is known of the tasks.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Results {
    version: u32,
    /// What each task came to when it was run last.
    pub tasks: BTreeMap<TaskId, Outcome>,
}

/// What the tests of one task came to.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// How many passed.
    pub passed: usize,
    /// How many there are.
    pub total: usize,
    /// When they ran: `2026-11-22T20:15:00Z`.
    pub at: String,
}

impl Default for Results {
    fn default() -> Self {
        Self { version: VERSION, tasks: BTreeMap::new() }
    }
}

impl Outcome {
    /// Whether all tests of the task pass, and there are some.
    pub fn is_done(&self) -> bool {
        self.passed == self.total && self.total > 0
    }
}

impl Results {
    /// What is known. A file that is missing, damaged or of another version knows nothing: tests can be run again.
    pub fn load(course: &Course) -> Self {
        let text = files::read(&file(course)).unwrap_or_default();
        let known: Option<Self> = serde_json::from_str(&text).ok();
        known.filter(|known| known.version == VERSION).unwrap_or_default()
    }

    /// Whether a task's tests passed when they ran last; nothing if they never ran.
    pub fn is_done(&self, task: TaskId) -> Option<bool> {
        self.tasks.get(&task).map(Outcome::is_done)
    }
}

/// Notes what some tasks came to; others stay as they are.
///
/// # Errors
/// If a file cannot be written.
pub fn record(course: &Course, tallies: &[Tally], now: SystemTime) -> Result<(), Error> {
    let _lock = lock(course)?;
    let mut results = Results::load(course);
    let at = humantime::format_rfc3339_seconds(now).to_string();
    for Tally { task, passed, total } in tallies {
        let outcome = Outcome { passed: *passed, total: *total, at: at.clone() };
        results.tasks.insert(*task, outcome);
    }
    let mut text = serde_json::to_string_pretty(&results).unwrap_or_default();
    text.push('\n');
    files::write(&file(course), text.as_bytes())?;
    let built = mdbook::folder(course)?;
    if built.is_dir() {
        files::write(&built.join("results.json"), text.as_bytes())?;
    }
    Ok(())
}

/// Makes the file where there is none, so that a page that asks for it before the first test gets an answer.
///
/// # Errors
/// If it cannot be written.
pub fn begin(course: &Course) -> Result<(), Error> {
    match file(course).exists() {
        true => Ok(()),
        false => record(course, &[], SystemTime::now()),
    }
}

/// Where results are kept.
pub fn file(course: &Course) -> PathBuf {
    course.book().join("results.json")
}

/// Two runs at once must not lose what the other one noted. The lock goes when the file is closed.
fn lock(course: &Course) -> Result<File, Error> {
    let path = course.work().join("results.lock");
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    let file = File::create(&path).map_err(Error::io("write", &path))?;
    file.lock().map_err(Error::io("lock", &path))?;
    Ok(file)
}
