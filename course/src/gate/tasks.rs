//! Gate `tasks`: what a `week.toml` says, the markers, the tests and the pages name the same tasks.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::book::summary_pages;
use super::plan::task_findings;
use crate::chapter::{exercises, reference};
use crate::inventory::{TestFile, test_files};
use crate::week::{Part, Task, TaskId, Week, heading_id};
use crate::{Course, Error, files};

pub(super) fn check(course: &Course) -> Result<Vec<String>, Error> {
    let weeks = course.weeks()?;
    let pages = summary_pages(course)?;
    let mut findings = stray_markers(course, &weeks)?;
    for week in &weeks {
        let tests = test_files(course, week)?;
        if week.tasks().next().is_none() {
            findings.push(format!("{}: it has no tasks", toml(week)));
        }
        let marked: BTreeSet<TaskId> =
            exercises(course, week)?.into_iter().map(|(_, found)| found.task).collect();
        for part in &week.parts {
            findings.extend(wrong_page(course, week, part, &pages));
            for task in &part.tasks {
                findings.extend(wrong_task(week, task, &marked, &tests));
            }
        }
        findings.extend(tests.iter().flat_map(|file| stray_tests(week, file)));
    }
    findings.extend(task_findings(course, &weeks, &pages)?);
    Ok(findings)
}

fn toml(week: &Week) -> String {
    format!("chapters/{}/week.toml", week.name())
}

/// Markers whose task is of no week, or of a week that has other rooms.
fn stray_markers(course: &Course, weeks: &[Week]) -> Result<Vec<String>, Error> {
    let mut findings = Vec::new();
    let mut sources: Vec<PathBuf> = files::walk(&course.reference())?;
    sources.retain(|path| files::has_extension(path, "rs"));
    for path in sources {
        let shown = course.shown(&path);
        let inside = path.strip_prefix(course.reference()).unwrap_or(&path);
        for exercise in reference(course, &path)?.exercises()? {
            let (id, line) = (exercise.task, exercise.line);
            match weeks.iter().find(|week| week.task(id).is_ok()) {
                None => findings.push(format!("{shown}:{line}: no week.toml has a task {id}")),
                Some(week) if !week.has_room_of(inside) => {
                    let rooms = week.rooms_shown();
                    findings.push(format!("{shown}:{line}: task {id} belongs in {rooms}"));
                }
                Some(_) => {}
            }
        }
    }
    Ok(findings)
}

fn wrong_task(
    week: &Week,
    task: &Task,
    marked: &BTreeSet<TaskId>,
    tests: &[TestFile],
) -> Vec<String> {
    let mut wrong = Vec::new();
    let id = task.id;
    if !marked.contains(&id) {
        let rooms = week.rooms_shown();
        wrong.push(format!("no function in {rooms} has the marker `// exercise: week{id}`"));
    }
    match tests.iter().find(|file| file.name == task.test) {
        None => wrong.push(format!("there is no tests/{}.rs", task.test)),
        Some(file) if !file.tests.iter().any(|test| is_in(test, id)) => {
            wrong.push(format!("{} has no test in `mod {}`", file.path, id.module()));
        }
        Some(_) => {}
    }
    let different: BTreeSet<&str> = task.hints.iter().map(|hint| hint.trim()).collect();
    if task.hints.len() != 3 || different.len() != 3 || different.contains("") {
        wrong.push("expected three hints, all different and none empty".to_owned());
    }
    wrong.iter().map(|wrong| format!("{}: task {id}: {wrong}", toml(week))).collect()
}

fn is_in(test: &str, id: TaskId) -> bool {
    test.starts_with(&format!("{}::", id.module()))
}

/// Tests that belong to no task of the file they are in.
fn stray_tests(week: &Week, file: &TestFile) -> Vec<String> {
    let here: Vec<TaskId> =
        week.tasks().filter(|task| task.test == file.name).map(|task| task.id).collect();
    let strays = file.tests.iter().filter(|test| !here.iter().any(|id| is_in(test, *id)));
    strays
        .map(|test| {
            format!("{}: {test} is in no module of a task whose tests are in this file", file.path)
        })
        .collect()
}

fn wrong_page(course: &Course, week: &Week, part: &Part, pages: &[String]) -> Vec<String> {
    let mut wrong = Vec::new();
    if !pages.contains(&part.page) {
        wrong.push("not in SUMMARY.md".to_owned());
    }
    match files::read(&course.book().join(&part.page)) {
        Ok(text) => {
            for task in &part.tasks {
                wrong.extend(wrong_section(task, &text));
            }
        }
        Err(_) => wrong.push(format!("missing, though {} names it", toml(week))),
    }
    wrong.iter().map(|wrong| format!("book/src/{}: {wrong}", part.page)).collect()
}

fn wrong_section(task: &Task, page: &str) -> Vec<String> {
    let id = task.id;
    let mark = format!("{{#{}}}", heading_id(id));
    let mut wrong = Vec::new();
    let heading = format!("Task {id}: {}", task.title);
    let found = page.lines().find(|line| line.starts_with('#') && line.trim_end().ends_with(&mark));
    match found.map(|line| line.trim_start_matches('#').replace(&mark, "")) {
        None => wrong.push(format!("expected a heading `## {heading} {mark}`")),
        Some(text) if text.trim() != heading => {
            wrong.push(format!("expected the heading `{heading}`, found `{}`", text.trim()));
        }
        Some(_) => {}
    }
    for anchor in ["task", "hints"] {
        let include = format!("{{{{#include tasks/{id}.md:{anchor}}}}}");
        if !page.contains(&include) {
            wrong.push(format!("task {id}: expected `{include}`"));
        }
    }
    wrong
}
