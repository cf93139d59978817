//! Gate `red`: tests fail until their task is done, and pass as soon as it is.

use std::collections::BTreeSet;

use super::verdict;
use crate::cargo::build_tests;
use crate::chapter::all_tasks;
use crate::inventory::test_files;
use crate::week::{TaskId, Week};
use crate::{Course, Error, scratch, suite};

pub(super) fn check(course: &Course) -> Result<Vec<String>, Error> {
    let mut findings = Vec::new();
    for week in course.weeks()? {
        findings.extend(bare_should_panics(course, &week)?);
        let all = all_tasks(&week);
        findings.extend(judge(course, &week, &all)?);
        for done in all.iter().take(all.len().saturating_sub(1)) {
            let open = all.iter().copied().filter(|id| id > done).collect();
            let copy = scratch::workspace(course, &week, &open)?;
            findings.extend(judge(&copy, &week, &open)?);
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
    match build_tests(course, &week.name(), &[], false) {
        Ok(programs) => {
            let suite = suite::run(&programs, "", course.limit)?;
            Ok(verdict(week, open, &suite))
        }
        Err(Error::Compile { output }) => {
            let done = week.tasks().filter(|task| !open.contains(&task.id)).count();
            let name = week.name();
            Ok(vec![format!("{name} with {done} tasks filled does not compile:\n{output}")])
        }
        Err(other) => Err(other),
    }
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
