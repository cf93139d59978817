//! `cargo course bughunt`: the reader's tests against an engine in which a bug is planted, one bug after the other.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use crate::bug::{Bug, bugs};
use crate::cargo::build_tests;
use crate::inventory::test_file;
use crate::report::{BAD, FAINT, GOOD, STRONG, failure};
use crate::suite::{self, Outcome, Suite};
use crate::week::Week;
use crate::{Course, Error, files, scratch};

/// The name of the reader's test file, without `.rs`.
pub const TESTS: &str = "bug_hunt";

/// How long the tests may take on one bug: one that never ends has caught it.
const LIMIT: Duration = Duration::from_secs(20);

/// Where the book says how to hunt, in every week.
const READ: &str =
    "Read:      how-this-course-works.html#hunt-for-bugs   (cargo course serve shows the book)\n";

/// How many of the tests that catch a bug are named.
const NAMES: usize = 3;

/// Runs the reader's tests on the unbroken engine and then on each bug; says what comes out as soon as it is known.
/// Returns whether the engine passed and every bug was caught.
///
/// # Errors
/// If there is no such week, it has no bugs, one of them is wrong, or the tests do not compile.
pub fn hunt(course: &Course, number: u8, say: &mut dyn FnMut(&str)) -> Result<bool, Error> {
    let week = course.week(number)?;
    let bugs = planted_in(course, &week)?;
    // Nobody should wait for a hunt that cannot end.
    for bug in &bugs {
        bug.patch.planted(course)?;
    }
    say(&format!("{STRONG}Week {number}: bug hunt{STRONG:#}\n\n"));
    if !has_tests(course, &week)? {
        say(&nothing_written(&week, bugs.len()));
        return Ok(false);
    }
    let copy = scratch::workspace(course, &week, &BTreeSet::new())?;
    let unbroken = run(&copy, &week, true)?;
    let (text, passed) = unbroken_result(&week, &unbroken);
    say(&text);
    if !passed {
        return Ok(false);
    }
    let width = bugs.iter().map(|bug| bug.name.len()).max().unwrap_or(0);
    let mut missed = Vec::new();
    for bug in &bugs {
        let caught_by = catchers(&run_on(course, &week, bug)?);
        say(&line(bug, &caught_by, width));
        missed.extend(caught_by.is_empty().then_some(bug));
    }
    say(&summary(&week, bugs.len(), &missed));
    Ok(missed.is_empty())
}

/// Tells what one bug is.
///
/// # Errors
/// If there is no such week or bug.
pub fn reveal(course: &Course, number: u8, name: &str) -> Result<String, Error> {
    let week = course.week(number)?;
    let bugs = planted_in(course, &week)?;
    let bug = bugs.iter().find(|bug| bug.name == name).ok_or_else(|| Error::NoBug {
        asked: name.to_owned(),
        week: number,
        known: crate::prose::joined(bugs.iter().map(|bug| &bug.name)),
    })?;
    Ok(revealed(bug))
}

/// How long a program may take in a hunt.
pub(crate) fn limit(course: &Course) -> Duration {
    course.limit.min(LIMIT)
}

fn planted_in(course: &Course, week: &Week) -> Result<Vec<Bug>, Error> {
    let found = bugs(course, week)?;
    if !found.is_empty() {
        return Ok(found);
    }
    let mut known = Vec::new();
    for other in course.weeks()? {
        if !bugs(course, &other)?.is_empty() {
            known.push(other.number);
        }
    }
    let known = match known.as_slice() {
        [] => "none yet".to_owned(),
        known => crate::prose::joined(known.iter()),
    };
    Err(Error::NoBugs { week: week.number, known })
}

fn file(week: &Week) -> String {
    format!("chapters/{}/tests/{TESTS}.rs", week.name())
}

fn has_tests(course: &Course, week: &Week) -> Result<bool, Error> {
    let path = file(week);
    let on_disk = course.root.join(&path);
    Ok(on_disk.is_file() && !test_file(TESTS, &path, &files::read(&on_disk)?)?.tests.is_empty())
}

/// Builds and runs the reader's tests in a copy of the course.
fn run(copy: &Course, week: &Week, progress: bool) -> Result<Suite, Error> {
    let programs = build_tests(copy, &week.name(), &[TESTS], progress)?;
    suite::run_at_once(&programs, limit(copy))
}

fn run_on(course: &Course, week: &Week, bug: &Bug) -> Result<Suite, Error> {
    let copy = scratch::with_patch(course, week, &bug.patch)?;
    // The tests compile: they did so on the unbroken engine.
    run(&copy, week, false).map_err(|error| match error {
        Error::Compile { output } => bug.patch.does_not_compile(output),
        other => other,
    })
}

/// The tests that fail or do not end.
pub fn catchers(suite: &Suite) -> Vec<String> {
    let tests = suite.tests.iter();
    tests
        .filter_map(|test| match test.outcome {
            Outcome::Failed(_) => Some(test.name.clone()),
            Outcome::Unfinished => Some(format!("{}, which did not end", test.name)),
            Outcome::Passed | Outcome::Ignored => None,
        })
        .collect()
}

/// What the tests came to on the unbroken engine, and whether the hunt may begin.
pub fn unbroken_result(week: &Week, suite: &Suite) -> (String, bool) {
    let wrong = |outcome: &Outcome| matches!(outcome, Outcome::Failed(_) | Outcome::Unfinished);
    let failed: Vec<_> = suite.tests.iter().filter(|test| wrong(&test.outcome)).collect();
    let total = suite.tests.len();
    let Some(first) = failed.first() else {
        return (format!("  The unbroken engine passes your {}.\n\n", tests(total)), true);
    };
    let mut text = format!(
        "  {BAD}The unbroken engine fails {} of your {}{BAD:#}, so no bug was planted.\n\n",
        failed.len(),
        tests(total)
    );
    text.push_str(&failure(first));
    let _ = write!(
        text,
        "\nThe engine is whole here. Does this test expect what nobody promised? Then change the test. If you\n\
         are sure that the engine is wrong, you have found a bug that was not planted: please report it.\n\n{}",
        what_next(week)
    );
    (text, false)
}

fn tests(count: usize) -> String {
    if count == 1 { "1 test".to_owned() } else { format!("{count} tests") }
}

/// How a bug fared.
pub fn line(bug: &Bug, caught_by: &[String], width: usize) -> String {
    let name = &bug.name;
    if caught_by.is_empty() {
        return format!("  {BAD}✗{BAD:#} {name:width$}  not caught: {}\n", bug.says);
    }
    let named = caught_by[..caught_by.len().min(NAMES)].join(", ");
    let more = match caught_by.len().saturating_sub(NAMES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("  {GOOD}✓{GOOD:#} {name:width$}  caught by {named}{more}\n")
}

/// The count, and what to do about a bug that was not caught.
pub fn summary(week: &Week, total: usize, missed: &[&Bug]) -> String {
    let number = week.number;
    let caught = total - missed.len();
    match missed.first() {
        None => format!(
            "\n{GOOD}Well done:{GOOD:#} your tests catch all {total} bugs.\n\
             See what each one was: cargo course bughunt {number} --reveal NAME\n{READ}"
        ),
        Some(bug) => format!(
            "\n{STRONG}{caught} of {total} bugs caught.{STRONG:#} Next: {}\n  {}\n  \
             How could a user come to see that? Write these steps as a test in {}\n\n\
             {}Give up:   cargo course bughunt {number} --reveal {}\n",
            bug.name,
            bug.says,
            file(week),
            what_next(week),
            bug.name
        ),
    }
}

/// What to do when there is no test yet.
pub fn nothing_written(week: &Week, bugs: usize) -> String {
    format!(
        "  There are no tests yet in {}\n\n\
         {bugs} bugs wait, each in an engine that is otherwise whole. A test of yours catches a bug when it passes\n\
         on the unbroken engine and fails where the bug is planted. Begin with one: write a key, read it back,\n\
         and assert what you see.\n\n{}",
        file(week),
        what_next(week)
    )
}

fn what_next(week: &Week) -> String {
    format!("{READ}Run again: cargo course bughunt {}\n", week.number)
}

/// A bug's explanation and its patch.
pub fn revealed(bug: &Bug) -> String {
    let mut text = format!(
        "{STRONG}{}{STRONG:#}\n{}\n\n{}\n\n{FAINT}The chapter's test for it: {}{FAINT:#}\n\n",
        bug.name, bug.says, bug.explains, bug.caught_by
    );
    for line in bug.patch.diff.lines() {
        let style = match line.as_bytes().first() {
            Some(b'+') => GOOD,
            Some(b'-') => BAD,
            _ => anstyle::Style::new(),
        };
        let _ = writeln!(text, "{style}{line}{style:#}");
    }
    text
}
