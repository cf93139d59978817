//! A week of the course, as its `week.toml` describes it.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize, Serializer};

use crate::{Error, files};

/// A task's number: week 3, task 2 is written `3.2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct TaskId {
    /// The week.
    pub week: u8,
    /// The task within the week, from 1.
    pub task: u8,
}

impl TaskId {
    /// Reads `3.2`.
    pub fn parse(text: &str) -> Option<Self> {
        let (week, task) = text.split_once('.')?;
        Some(Self { week: number(week)?, task: number(task)? })
    }

    /// The module that holds the task's tests: `task_3_2`.
    pub fn module(self) -> String {
        format!("task_{}_{}", self.week, self.task)
    }

    /// The task a test belongs to, by the module in its path.
    pub fn of_test(name: &str) -> Option<Self> {
        name.split("::").find_map(|part| {
            let (week, task) = part.strip_prefix("task_")?.split_once('_')?;
            Some(Self { week: number(week)?, task: number(task)? })
        })
    }

    /// What `todo!()` says before the title: `week 3, task 2`.
    pub fn spoken(self) -> String {
        format!("week {}, task {}", self.week, self.task)
    }
}

/// A number of one to three digits, without sign or leading zero.
pub(crate) fn number(text: &str) -> Option<u8> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    if plain { text.parse().ok() } else { None }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `pad` heeds the width that a table asks for.
        f.pad(&format!("{}.{}", self.week, self.task))
    }
}

impl Serialize for TaskId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl TryFrom<String> for TaskId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
            .ok_or_else(|| format!("expected a task's number such as \"3.2\", found {text:?}"))
    }
}

/// One week of the course.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Week {
    /// Its number.
    #[serde(rename = "week")]
    pub number: u8,
    /// The folders of the engine that are this week's to write.
    pub rooms: Vec<String>,
    /// The rooms above its own that its tests do without. `cargo course test` does not build them.
    #[serde(default)]
    pub without: Vec<String>,
    /// What the week is called.
    pub title: String,
    /// What else to do when its tests pass, for the terminal; may be empty.
    #[serde(default)]
    pub when_done: String,
    /// Its days.
    #[serde(rename = "part", default)]
    pub parts: Vec<Part>,
    /// `chapters/weekN`.
    #[serde(skip)]
    pub folder: PathBuf,
}

/// Some days of a week: one page of the book.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Which days, as in `1-2`.
    pub days: String,
    /// What the part is called.
    pub title: String,
    /// Its page, below `book/src`.
    pub page: String,
    /// Its tasks.
    #[serde(rename = "task", default)]
    pub tasks: Vec<Task>,
}

/// One task.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// Its number.
    pub id: TaskId,
    /// What is to be done.
    pub title: String,
    /// The file with its tests: `mem_table` is `tests/mem_table.rs`.
    pub test: String,
    /// A nudge, the approach, almost the code; in Markdown.
    #[serde(default)]
    pub hints: Vec<String>,
}

impl Week {
    /// Reads `folder/week.toml`, which is called `shown` in messages.
    ///
    /// # Errors
    /// If it cannot be read or says something else than a week.
    pub fn load(folder: &Path, shown: &str) -> Result<Self, Error> {
        let text = files::read(&folder.join("week.toml"))?;
        let mut week: Self = toml::from_str(&text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            Error::at(shown, line_at(&text, start), error.message())
        })?;
        week.folder = folder.to_path_buf();
        week.check_numbers(shown)?;
        week.check_rooms(shown)?;
        Ok(week)
    }

    fn check_numbers(&self, path: &str) -> Result<(), Error> {
        if !self.folder.ends_with(self.name()) {
            let message = format!("this says `week = {}`, the folder another", self.number);
            return Err(Error::file(path, message));
        }
        for (task, expected) in self.tasks().zip(1..) {
            if task.id.week != self.number || task.id.task != expected {
                let message = format!(
                    "expected task {}.{expected}, found {}: tasks are numbered in order, without gaps",
                    self.number, task.id
                );
                return Err(Error::file(path, message));
            }
        }
        Ok(())
    }

    fn check_rooms(&self, path: &str) -> Result<(), Error> {
        if self.rooms.is_empty() {
            return Err(Error::file(path, "expected one room or more in `rooms`"));
        }
        match self.rooms.iter().zip(1..).find(|(room, rest)| self.rooms[*rest..].contains(room)) {
            Some((room, _)) => Err(Error::file(path, format!("`rooms` names {room} twice"))),
            None => Ok(()),
        }
    }

    /// Whether a folder or file of the engine is this week's: `inside` is its path below `src/`.
    pub fn has_room_of(&self, inside: &Path) -> bool {
        self.rooms.iter().any(|room| inside.starts_with(room))
    }

    /// Its rooms for a message: `compaction/ or object_store/`.
    pub(crate) fn rooms_shown(&self) -> String {
        self.rooms.iter().map(|room| format!("{room}/")).collect::<Vec<_>>().join(" or ")
    }

    /// The name of its crate: `week3`.
    pub fn name(&self) -> String {
        format!("week{}", self.number)
    }

    /// All its tasks, in order.
    pub fn tasks(&self) -> impl Iterator<Item = &Task> {
        self.parts.iter().flat_map(|part| &part.tasks)
    }

    /// One task.
    ///
    /// # Errors
    /// If the week has no such task.
    pub fn task(&self, id: TaskId) -> Result<&Task, Error> {
        self.tasks().find(|task| task.id == id).ok_or_else(|| Error::NoTask {
            asked: id,
            known: crate::prose::joined(self.tasks().map(|task| task.id)),
        })
    }

    /// The page that a task is on, with its heading: `week3/mem_table.html#task-3-2`.
    pub fn address(&self, id: TaskId) -> String {
        let holds = |part: &&Part| part.tasks.iter().any(|task| task.id == id);
        let page = self.parts.iter().find(holds).map_or("", |part| part.page.as_str());
        let page = page.strip_suffix(".md").unwrap_or(page);
        format!("{page}.html#{}", heading_id(id))
    }
}

/// The id of a task's heading in the book: `task-3-2`.
pub fn heading_id(id: TaskId) -> String {
    format!("task-{}-{}", id.week, id.task)
}

/// The line, from 1, of a byte of a text.
pub(crate) fn line_at(text: &str, byte: usize) -> usize {
    let before = text.as_bytes().iter().take(byte);
    1 + before.filter(|byte| **byte == b'\n').count()
}
