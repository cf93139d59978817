//! `cargo course reset`: back to the stubs, with a copy of what they replace.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::report::{FAINT, GOOD, Goal, STRONG};
use crate::stubs;
use crate::week::{TaskId, Week};
use crate::work::{self, Exercises, Source};
use crate::{Course, Error, files};

/// A file that a reset changes.
struct Change {
    path: String,
    text: String,
    /// Which functions go back; none when the whole file does.
    functions: Vec<String>,
}

/// Takes a week, or one task's functions, back to the stub, and tells what was replaced and where the copies are.
///
/// # Errors
/// If there is no such week or task, a function cannot be found in the reader's file, or something cannot be written.
/// Nothing has changed then.
pub fn reset(course: &Course, goal: Goal) -> Result<String, Error> {
    let (week, changes) = match goal {
        Goal::Week(number) => {
            let week = course.week(number)?;
            let changes = whole_week(course, &week)?;
            (week, changes)
        }
        Goal::Task(id) => {
            let week = course.week(id.week)?;
            let changes = one_task(course, &week, id)?;
            (week, changes)
        }
    };
    if changes.is_empty() {
        return Ok(format!("{} is as it began: nothing to reset.\n", named(goal)));
    }
    let backup = back_up(course, goal, &changes)?;
    let new: Vec<(PathBuf, String)> = changes
        .iter()
        .map(|change| (course.root.join(&change.path), change.text.clone()))
        .collect();
    files::write_all(&new)?;
    told(course, goal, &week, &changes, backup.as_deref())
}

fn named(goal: Goal) -> String {
    match goal {
        Goal::Week(number) => format!("Week {number}"),
        Goal::Task(id) => format!("Task {id}"),
    }
}

/// Every generated source of the week that is not as it was generated.
fn whole_week(course: &Course, week: &Week) -> Result<Vec<Change>, Error> {
    let mut changes = Vec::new();
    for file in stubs::week_sources(course, week)? {
        let path = course.root.join(&file.path);
        if std::fs::read(&path).map_or(true, |old| old != file.text.as_bytes()) {
            changes.push(Change { path: file.path, text: file.text, functions: Vec::new() });
        }
    }
    Ok(changes)
}

fn one_task(course: &Course, week: &Week, id: TaskId) -> Result<Vec<Change>, Error> {
    let tasks = work::tasks(week, Goal::Task(id))?;
    let mut changes = Vec::new();
    for exercises in work::exercises(course, week, &tasks)? {
        let mine = Source::load(course, exercises.path()).map_err(|error| cannot(week, &error))?;
        let change = with_stubs(&mine, &exercises, id)?;
        changes.extend((!change.functions.is_empty()).then_some(change));
    }
    Ok(changes)
}

/// The reader's file with the stubs of the wanted functions in their places.
fn with_stubs(mine: &Source, exercises: &Exercises, id: TaskId) -> Result<Change, Error> {
    let mut edits = Vec::new();
    for wanted in &exercises.wanted {
        let Some(function) = mine.find(wanted) else {
            return Err(Error::Refused(format!(
                "{}: there is no function `{}` in your file, so task {id} was left as it is.\n\
                 Have you renamed it or taken it out? Give it its name back, or reset the whole week: cargo course reset {}",
                mine.path, wanted.name, id.week
            )));
        };
        let stub = &exercises.stub;
        let began = stub.find(wanted).map_or("", |function| stub.whole(function));
        if mine.whole(function) != began {
            edits.push((function.thing.range.clone(), began, wanted.name.clone()));
        }
    }
    edits.sort_by_key(|(range, ..)| std::cmp::Reverse(range.start));
    let mut change =
        Change { path: mine.path.clone(), text: mine.text.clone(), functions: Vec::new() };
    for (range, began, name) in edits {
        change.text.replace_range(range, began);
        change.functions.insert(0, name);
    }
    Ok(change)
}

fn cannot(week: &Week, error: &Error) -> Error {
    Error::Refused(format!(
        "{error}\nSo the task's functions cannot be found in that file, and nothing was reset.\n\
         Mend that first, or reset the whole week, which keeps a copy too: cargo course reset {}",
        week.number
    ))
}

/// Copies what will be replaced into a new folder with a date, and says which.
fn back_up(course: &Course, goal: Goal, changes: &[Change]) -> Result<Option<PathBuf>, Error> {
    let mut copies = Vec::new();
    let folder = new_folder(course, goal);
    for change in changes {
        let file = course.root.join(&change.path);
        if file.is_file() {
            // Byte for byte: what a reader has in there need not be text.
            let bytes = std::fs::read(&file).map_err(Error::io("read", &file))?;
            files::write(&folder.join(&change.path), &bytes)?;
            copies.push(file);
        }
    }
    Ok((!copies.is_empty()).then_some(folder))
}

/// `.course/backup/2026-11-22T20-15-00Z-week3`, with a number behind it if that is there already.
fn new_folder(course: &Course, goal: Goal) -> PathBuf {
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let of = match goal {
        Goal::Week(number) => format!("week{number}"),
        Goal::Task(id) => id.module(),
    };
    // Windows allows no colon in a file's name.
    let name = format!("{}-{of}", now.replace(':', "-"));
    let folder = course.own().join("backup");
    let numbered = (2..).map(|number| folder.join(format!("{name}-{number}")));
    let mut names = std::iter::once(folder.join(&name)).chain(numbered);
    names.find(|path| !path.exists()).unwrap_or_else(|| folder.join(name))
}

fn told(
    course: &Course,
    goal: Goal,
    week: &Week,
    changes: &[Change],
    backup: Option<&Path>,
) -> Result<String, Error> {
    let mut text = format!("{STRONG}{} is back at its stubs.{STRONG:#}\n\n", named(goal));
    for change in changes {
        let of = change.functions.join(", ");
        let _ = writeln!(text, "  {}  {FAINT}{of}{FAINT:#}", change.path);
    }
    if let (Some(folder), Some(first)) = (backup, changes.first()) {
        let shown = course.shown(folder);
        let _ = write!(
            text,
            "\n{GOOD}What was there is kept{GOOD:#} in {shown}/\n\
             To bring a file back, copy it: cp {shown}/{} {}\n",
            first.path, first.path
        );
    }
    if let Goal::Week(_) = goal {
        let own = own_files(course, week)?;
        if !own.is_empty() {
            let _ = writeln!(text, "\nFiles of your own were left where they are:");
            own.iter().for_each(|path| {
                let _ = writeln!(text, "  {path}");
            });
        }
    }
    let goal = match goal {
        Goal::Week(number) => number.to_string(),
        Goal::Task(id) => id.to_string(),
    };
    let _ = writeln!(text, "\nBegin again: cargo course test {goal}");
    Ok(text)
}

/// Files in the week's `src` that the generator does not make.
fn own_files(course: &Course, week: &Week) -> Result<Vec<String>, Error> {
    let generated = stubs::week_sources(course, week)?;
    let on_disk = files::walk(&week.folder.join("src"))?;
    let shown = on_disk.iter().map(|path| course.shown(path));
    Ok(shown.filter(|path| !generated.iter().any(|file| file.path == *path)).collect())
}
