//! What a test run must look like while some tasks are still to do.

use std::collections::BTreeSet;

use crate::suite::{Outcome, Suite, Test, first_panic, stopped_at};
use crate::week::{TaskId, Week};

/// What is wrong with a run of a week's tests in which the tasks in `open` are left to do: their tests must all fail,
/// by `todo!()`, and one at the first of them; all others must pass.
pub fn verdict(week: &Week, open: &BTreeSet<TaskId>, suite: &Suite) -> Vec<String> {
    let mut findings: Vec<String> = suite.troubles.clone();
    if suite.tests.is_empty() {
        findings.push("no test ran".to_owned());
    }
    findings.extend(suite.tests.iter().filter_map(|test| wrong(test, open)));
    let reached = |id: &TaskId| suite.tests.iter().any(|test| reaches(test, *id));
    findings.extend(open.first().filter(|id| !reached(id)).map(|id| {
        format!("no test of task {id} stops at that task's own todo!(): the task is not reached")
    }));
    let name = week.name();
    let state = state(week, open);
    findings.iter().map(|finding| format!("{name}, {state}: {finding}")).collect()
}

fn state(week: &Week, open: &BTreeSet<TaskId>) -> String {
    match week.tasks().filter(|task| !open.contains(&task.id)).last() {
        None => "on the stubs".to_owned(),
        Some(_) if open.is_empty() => "all tasks filled".to_owned(),
        Some(last) => format!("tasks up to {} filled", last.id),
    }
}

fn reaches(test: &Test, id: TaskId) -> bool {
    let Outcome::Failed(printed) = &test.outcome else {
        return false;
    };
    TaskId::of_test(&test.name) == Some(id) && stopped_at(printed) == Some(id)
}

fn wrong(test: &Test, open: &BTreeSet<TaskId>) -> Option<String> {
    let name = &test.name;
    let Some(task) = TaskId::of_test(name) else {
        return Some(format!("{name} is in no task's module"));
    };
    match (&test.outcome, open.contains(&task)) {
        (Outcome::Passed, false) => None,
        (Outcome::Passed, true) => Some(format!("{name} passes, though task {task} is not done")),
        (Outcome::Failed(printed), true) => (stopped_at(printed).is_none())
            .then(|| format!("{name} fails, but not by todo!(): {}", said(printed))),
        (Outcome::Failed(printed), false) => Some(format!("{name} fails: {}", said(printed))),
        (Outcome::Ignored, _) => Some(format!("{name} is ignored")),
        // The suite's troubles name these.
        (Outcome::Unfinished, _) => None,
    }
}

/// The message of a failure on one line, with its place.
fn said(printed: &str) -> String {
    let (message, place) = match first_panic(printed) {
        Some(panic) => (panic.message, format!(" (at {})", panic.place)),
        None => (printed.trim().to_owned(), String::new()),
    };
    let lines: Vec<&str> = message.lines().map(str::trim).take(6).collect();
    format!("{}{place}", lines.join(" / "))
}
