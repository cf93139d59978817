//! `cargo course stubs`: writes what is generated, and never over a reader's work unasked.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use crate::adopt::Adopted;
use crate::card::cards;
use crate::chapter::{GENERATED, Generated, all_tasks, sources_with};
use crate::plan::{Plan, SCRIPT};
use crate::week::Week;
use crate::{Course, Error, files, strictness};

/// What generating would change.
#[derive(Debug, Default)]
pub struct Changes {
    /// Files that are missing or differ.
    pub write: Vec<Generated>,
    /// Generated files that nothing generates any more, seen from the root.
    pub remove: Vec<String>,
}

/// Everything that is generated.
///
/// # Errors
/// If a `week.toml`, the plan or the reference cannot be read or is malformed.
pub fn generate(course: &Course) -> Result<Vec<Generated>, Error> {
    let mut all = Vec::new();
    for week in course.weeks()? {
        all.extend(week_sources(course, &week)?);
        all.extend(cards(course, &week)?);
    }
    all.extend(Plan::find(course)?.map(|plan| plan.script()));
    all.extend(strictness::table(course)?);
    Ok(all)
}

/// A week's sources as its reader begins with them, on the rooms that they have adopted.
///
/// # Errors
/// As [`generate`].
pub fn week_sources(course: &Course, week: &Week) -> Result<Vec<Generated>, Error> {
    let adopted = Adopted::load(course)?.rooms(course, week)?;
    sources_with(course, week, &all_tasks(week), &adopted)
}

/// What is different on disk from what is generated.
///
/// # Errors
/// As [`generate`].
pub fn changes(course: &Course) -> Result<Changes, Error> {
    let generated = generate(course)?;
    let current: BTreeSet<&str> = generated.iter().map(|file| file.path.as_str()).collect();
    let mut remove = Vec::new();
    for week in course.weeks()? {
        remove.extend(generated_on_disk(course, &week)?);
    }
    let single = [SCRIPT, strictness::TABLE].into_iter();
    remove.extend(single.filter(|path| is_generated(&course.root.join(path))).map(str::to_owned));
    remove.retain(|path| !current.contains(path.as_str()));
    let differs = |file: &Generated| {
        fs::read(course.root.join(&file.path)).map_or(true, |old| old != file.text.as_bytes())
    };
    let write = generated.iter().filter(|file| differs(file)).cloned().collect();
    Ok(Changes { write, remove })
}

/// Says of each file that is out of date where it first differs.
///
/// # Errors
/// As [`generate`].
pub fn outdated(course: &Course) -> Result<Vec<String>, Error> {
    let changes = changes(course)?;
    let mut findings = Vec::new();
    for file in &changes.write {
        let old = fs::read_to_string(course.root.join(&file.path));
        findings.push(match old {
            Ok(old) => first_difference(&file.path, &old, &file.text),
            Err(_) => format!("{}: missing", file.path),
        });
    }
    for path in changes.remove {
        findings.push(format!("{path}: nothing generates this file any more"));
    }
    Ok(findings)
}

/// Writes what has changed and says which files; with `force` even over edits, of which a copy is kept.
///
/// # Errors
/// If a file holds edits and `force` is not given, or something cannot be read or written.
pub fn update(course: &Course, force: bool) -> Result<Vec<String>, Error> {
    let changes = changes(course)?;
    let touched = changes.write.iter().map(|file| &file.path).chain(&changes.remove);
    let edited: Vec<&String> = touched.filter(|path| is_edited(course, path)).collect();
    if force {
        back_up(course, &edited)?;
    } else if !edited.is_empty() {
        let lines: Vec<String> = edited.iter().map(|path| format!("  {path}")).collect();
        let files = lines.join("\n");
        return Err(Error::Edited { files });
    }
    let mut done = Vec::new();
    for file in &changes.write {
        files::write(&course.root.join(&file.path), file.text.as_bytes())?;
        files::write(&last_written(course, &file.path), file.text.as_bytes())?;
        done.push(format!("wrote {}", file.path));
    }
    for path in changes.remove {
        let file = course.root.join(&path);
        fs::remove_file(&file).map_err(Error::io("remove", file))?;
        done.push(format!("removed {path}"));
    }
    Ok(done)
}

/// The files on disk that were generated: they say so, or hold a task's line.
fn generated_on_disk(course: &Course, week: &Week) -> Result<Vec<String>, Error> {
    let task = format!("// Task {}.", week.number);
    let mut found = Vec::new();
    let folders = [week.folder.join("src"), course.book().join(week.name()).join("tasks")];
    for folder in folders {
        for path in files::walk(&folder)? {
            let text = fs::read_to_string(&path).unwrap_or_default();
            let is_stub = text.lines().any(|line| line.trim_start().starts_with(&task));
            if is_stub || text.contains(GENERATED) {
                found.push(course.shown(&path));
            }
        }
    }
    Ok(found)
}

fn is_generated(path: &Path) -> bool {
    fs::read_to_string(path).is_ok_and(|text| text.contains(GENERATED))
}

fn first_difference(path: &str, old: &str, new: &str) -> String {
    let (mut olds, mut news) = (old.lines(), new.lines());
    for line in 1.. {
        let (old, new) = (olds.next(), news.next());
        if old != new {
            let or_end = |line: Option<&str>| {
                line.map_or("the end".to_owned(), |line| format!("`{}`", line.trim()))
            };
            return format!("{path}:{line}: generated {}, on disk {}", or_end(new), or_end(old));
        }
        if old.is_none() {
            break;
        }
    }
    format!("{path}: the line ends differ")
}

/// Whether a file holds what neither git nor the generator could bring back.
fn is_edited(course: &Course, path: &str) -> bool {
    let file = course.root.join(path);
    let Ok(bytes) = fs::read(&file) else {
        return false;
    };
    let generated = fs::read(last_written(course, path)).is_ok_and(|last| last == bytes);
    !generated && !is_committed(&course.root, path)
}

/// Where the generator remembers what it wrote, so that writing twice without a commit is no edit.
fn last_written(course: &Course, path: &str) -> std::path::PathBuf {
    course.work().join("written").join(path)
}

/// Whether git has these very bytes. `git diff` would say so of a file it does not know, so this asks for the status.
fn is_committed(root: &Path, path: &str) -> bool {
    let status = Command::new("git")
        .args(["status", "--porcelain", "--ignored", "--", path])
        .current_dir(root)
        .output();
    status.is_ok_and(|status| status.status.success() && status.stdout.is_empty())
}

fn back_up(course: &Course, paths: &[&String]) -> Result<(), Error> {
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    // Windows allows no colon in a file's name.
    let folder = course.work().join("backup").join(now.replace(':', "-"));
    for path in paths {
        let file = course.root.join(path);
        let bytes = fs::read(&file).map_err(Error::io("read", file))?;
        files::write(&folder.join(path), &bytes)?;
    }
    Ok(())
}
