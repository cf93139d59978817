//! Gate `bugs`: each planted bug applies, and the chapter's own tests would have found it.

use crate::bug::{Bug, FOLDER};
use crate::cargo::build_tests;
use crate::hunt::{self, TESTS};
use crate::inventory::{TestFile, test_files};
use crate::patch::patch_files;
use crate::suite::{self, Outcome};
use crate::week::Week;
use crate::{Course, Error, scratch};

pub(super) fn check(course: &Course) -> Result<Vec<String>, Error> {
    let mut findings = Vec::new();
    for week in course.weeks()? {
        if week.folder.join(FOLDER).is_dir() {
            findings.extend(check_week(course, &week)?);
        }
    }
    Ok(findings)
}

fn check_week(course: &Course, week: &Week) -> Result<Vec<String>, Error> {
    let mut findings = Vec::new();
    let name = week.name();
    let mut tests = test_files(course, week)?;
    if !tests.iter().any(|file| file.name == TESTS) {
        let missing = "missing: readers write their tests for the planted bugs there";
        findings.push(format!("chapters/{name}/tests/{TESTS}.rs: {missing}"));
    }
    tests.retain(|file| file.name != TESTS);
    let bugs = patch_files(week, FOLDER)?;
    if bugs.is_empty() {
        findings.push(format!("chapters/{name}/bugs: there is no bug NAME.patch in it"));
    }
    for path in bugs {
        let found = Bug::load(course, &path).and_then(|bug| wrong(course, week, &tests, &bug));
        match found {
            Ok(finding) => findings.extend(finding),
            Err(error) => findings.push(error.to_string()),
        }
    }
    Ok(findings)
}

/// What is wrong with one bug.
fn wrong(
    course: &Course,
    week: &Week,
    tests: &[TestFile],
    bug: &Bug,
) -> Result<Option<String>, Error> {
    let (path, test) = (&bug.patch.path, &bug.caught_by);
    let Some(file) = tests.iter().find(|file| file.tests.contains(test)) else {
        let folder = format!("chapters/{}/tests", week.name());
        return Ok(Some(format!("{path}: no file in {folder} has the test {test}")));
    };
    let copy = scratch::with_patch(course, week, &bug.patch)?;
    let programs = match build_tests(&copy, &week.name(), &[&file.name], false) {
        Ok(programs) => programs,
        Err(Error::Compile { output }) => return Err(bug.patch.does_not_compile(output)),
        Err(other) => return Err(other),
    };
    let suite = suite::run(&programs, test, hunt::limit(course))?;
    let outcome = suite.tests.iter().find(|ran| ran.name == *test).map(|ran| &ran.outcome);
    Ok(match outcome {
        Some(Outcome::Failed(_) | Outcome::Unfinished) => None,
        Some(Outcome::Passed) => Some(format!("{path}: {test} passes though the bug is planted")),
        Some(Outcome::Ignored) | None => Some(format!("{path}: {test} does not run")),
    })
}
