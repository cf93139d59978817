//! `cargo course hint`: a task's hints, one step at a time.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use crate::card::STEPS;
use crate::report::{FAINT, STRONG};
use crate::week::{Task, TaskId, Week};
use crate::{Course, Error, files};

/// The hints to show now: the next one, or with `again` those that were shown. Remembers what it has shown.
///
/// # Errors
/// If there is no such week or task, or what was shown cannot be written down.
pub fn hint(course: &Course, id: TaskId, again: bool) -> Result<String, Error> {
    let week = course.week(id.week)?;
    let task = week.task(id)?;
    let mut shown = load(course);
    let before = shown.get(&id.to_string()).copied().unwrap_or(0).min(task.hints.len());
    let mut text = format!("{STRONG}Task {id}: {}{STRONG:#}\n", task.title);
    if again {
        text.push_str(&steps(task, 0, before));
        if before == 0 {
            text.push_str("\nNo hint of this task has been shown yet.\n");
        }
        text.push_str(&what_next(&week, task, before));
    } else if before == task.hints.len() {
        let _ = write!(
            text,
            "\nAll {before} hints have been shown. See them again: cargo course hint {id} --again\n{}",
            what_next(&week, task, before)
        );
    } else {
        text.push_str(&steps(task, before, before + 1));
        text.push_str(&what_next(&week, task, before + 1));
        shown.insert(id.to_string(), before + 1);
        save(course, &shown)?;
    }
    Ok(text)
}

/// Some of a task's hints under their names.
fn steps(task: &Task, from: usize, to: usize) -> String {
    let mut text = String::new();
    let count = task.hints.len();
    for (number, (hint, step)) in task.hints.iter().zip(STEPS).enumerate().take(to).skip(from) {
        let _ = writeln!(text, "\n{FAINT}Hint {} of {count}: {step}{FAINT:#}", number + 1);
        for line in hint.trim().lines() {
            let _ = writeln!(text, "  {line}");
        }
    }
    text
}

fn what_next(week: &Week, task: &Task, shown: usize) -> String {
    let id = task.id;
    let mut text = format!("\nTry it:    cargo course test {id}\n");
    if shown < task.hints.len() {
        let step = STEPS.get(shown).copied().unwrap_or("the next step");
        let label = if shown == 0 { "A hint: " } else { "Stuck:  " };
        let _ = writeln!(text, "{label}   cargo course hint {id}   ({step})");
    } else {
        let _ = writeln!(text, "Read once more: {}", week.address(id));
        let _ = writeln!(text, "Or see the reference's code beside yours: cargo course diff {id}");
    }
    text
}

fn file(course: &Course) -> PathBuf {
    course.own().join("hints.toml")
}

/// How many hints of each task have been shown. A damaged file only means that hints begin again.
fn load(course: &Course) -> BTreeMap<String, usize> {
    let text = files::read(&file(course)).unwrap_or_default();
    toml::from_str(&text).unwrap_or_default()
}

fn save(course: &Course, shown: &BTreeMap<String, usize>) -> Result<(), Error> {
    let path = file(course);
    let text = toml::to_string(shown)
        .map_err(|error| Error::file(&course.shown(&path), error.to_string()))?;
    files::write(&path, text.as_bytes()).map(drop)
}
