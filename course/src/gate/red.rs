//! Gate `red`: tests fail until their task is done, and pass as soon as it is.

use std::collections::BTreeSet;
use std::slice;
use std::time::{Duration, Instant};

use super::verdict;
use crate::cargo::{Program, build_task_tests, build_tests};
use crate::chapter::all_tasks;
use crate::inventory::test_files;
use crate::suite::Suite;
use crate::week::{Task, TaskId, Week};
use crate::{Course, Error, scratch, suite};

/// How long a program of tests may take on the stubs. There everything stops at once, unless a test waits for a thread
/// that has stopped.
const PATIENCE: Duration = Duration::from_secs(8);

pub(super) fn check(course: &Course) -> Result<Vec<String>, Error> {
    let mut findings = Vec::new();
    for week in course.weeks()? {
        findings.extend(bare_should_panics(course, &week)?);
        findings.extend(judge(course, &week, &all_tasks(&week))?);
        let tasks: Vec<&Task> = week.tasks().collect();
        for step in tasks.windows(2) {
            findings.extend(judge_step(course, &week, step)?);
        }
    }
    Ok(findings)
}

/// Runs a week's tests in its crate, with some tasks still to do.
pub(super) fn judge(
    course: &Course,
    week: &Week,
    open: &BTreeSet<TaskId>,
) -> Result<Vec<String>, Error> {
    let run = |programs: &[Program]| run_all(course, week, programs, !open.is_empty());
    judge_by(course, week, open, &[], run)
}

/// Fills the tasks up to `step`'s first, and runs its tests and those of `step`'s second, the next task.
///
/// The others need no run: what passes with some tasks filled passes with more, and what stops at a stub does so with
/// fewer. So each was run, or will be, at a step of its own.
fn judge_step(course: &Course, week: &Week, step: &[&Task]) -> Result<Vec<String>, Error> {
    let open = all_tasks(week).into_iter().filter(|id| *id > step[0].id).collect();
    let copy = scratch::workspace(course, week, &open)?;
    let files: BTreeSet<&str> = step.iter().map(|task| task.test.as_str()).collect();
    let files: Vec<&str> = files.into_iter().collect();
    let run = |programs: &[Program]| {
        let mut suite = Suite::default();
        for task in step {
            let own = programs.iter().filter(|program| program.name == task.test);
            let own: Vec<Program> = own.cloned().collect();
            suite.add(suite::run(&own, &format!("{}::", task.id.module()), course.limit)?);
        }
        Ok(suite)
    };
    judge_by(&copy, week, &open, &files, run)
}

fn judge_by(
    course: &Course,
    week: &Week,
    open: &BTreeSet<TaskId>,
    files: &[&str],
    run: impl FnOnce(&[Program]) -> Result<Suite, Error>,
) -> Result<Vec<String>, Error> {
    // A step is built as `cargo course test` builds it, a whole week as `cargo test` does.
    let built = match files {
        [] => build_tests(course, &week.name(), &[], false),
        files => build_task_tests(course, &week.name(), files, false),
    };
    match built {
        Ok(programs) => Ok(verdict(week, open, &run(&programs)?)),
        Err(Error::Compile { output }) => {
            let done = week.tasks().filter(|task| !open.contains(&task.id)).count();
            let name = week.name();
            Ok(vec![format!("{name} with {done} tasks filled does not compile:\n{output}")])
        }
        Err(other) => Err(other),
    }
}

/// Runs all tests of some programs; if they are `red`, none should take its time.
fn run_all(course: &Course, week: &Week, programs: &[Program], red: bool) -> Result<Suite, Error> {
    let mut suite = Suite::default();
    for program in programs {
        let start = Instant::now();
        suite.add(suite::run(slice::from_ref(program), "", course.limit)?);
        if red && start.elapsed() > PATIENCE {
            let (name, seconds) = (&program.name, start.elapsed().as_secs());
            suite.troubles.push(format!(
                "chapters/{}/tests/{name}.rs takes {seconds} s on the stubs: a test waits for a thread that stopped \
                 at a todo!(). Let it call what the thread will call first, in its own thread",
                week.name()
            ));
        }
    }
    Ok(suite)
}

/// A bare `#[should_panic]` passes on a stub, because `todo!()` panics.
fn bare_should_panics(course: &Course, week: &Week) -> Result<Vec<String>, Error> {
    let mut findings = Vec::new();
    for file in test_files(course, week)? {
        for line in file.bare_should_panics {
            findings.push(format!(
                "{}:{line}: a bare #[should_panic] passes on a stub: say `expected = \"…\"`",
                file.path
            ));
        }
    }
    Ok(findings)
}
