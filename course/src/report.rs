//! `cargo course test`: how a week stands, and what to look at first.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::time::{Duration, Instant, SystemTime};

use anstyle::{AnsiColor, Style};

use crate::cargo::{build_task_tests, build_tests};
use crate::inventory::task_files;
use crate::results::Tally;
use crate::suite::{self, Outcome, Suite, Test, first_panic, stopped_at};
use crate::week::{Task, TaskId, Week};
use crate::{Course, Error, results};

/// How many lines of a failure's message are shown: the first and the last.
const MESSAGE_LINES: usize = 24;

pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
pub(crate) const FAINT: Style = Style::new().dimmed();
pub(crate) const STRONG: Style = Style::new().bold();

/// A week, or one task of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// `3`
    Week(u8),
    /// `3.2`
    Task(TaskId),
}

impl std::str::FromStr for Goal {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(task) = TaskId::parse(text) {
            return Ok(Self::Task(task));
        }
        match crate::week::number(text) {
            Some(week) => Ok(Self::Week(week)),
            None => Err("expected a week such as 3, or a task such as 3.2".to_owned()),
        }
    }
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// For the terminal, with colours.
    pub text: String,
    /// Whether every test passed.
    pub passed: bool,
    /// What each task came to, in order.
    pub tallies: Vec<Tally>,
    /// Where the time went.
    pub spent: Spent,
}

/// Where the time of a run went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Compiling and linking.
    pub building: Duration,
    /// Running the tests.
    pub testing: Duration,
}

/// Runs the tests of a week or a task, on the reader's code or on the reference. What the reader's code came to is kept
/// for the book; where that fails, the report says so and is what it is.
///
/// # Errors
/// If there is no such week or task, or its tests do not compile.
pub fn test(course: &Course, goal: Goal, solution: bool) -> Result<Report, Error> {
    let (week, only) = match goal {
        Goal::Week(number) => (course.week(number)?, None),
        Goal::Task(id) => (course.week(id.week)?, Some(id)),
    };
    let only = only.map(|id| week.task(id)).transpose()?;
    let tasks: Vec<&Task> = match only {
        Some(task) => vec![task],
        None => week.tasks().collect(),
    };
    let name = week.name();
    let start = Instant::now();
    let programs = if solution {
        build_tests(course, "tinydb", &[&name], true)?
    } else {
        // Not the reader's own tests: they may be half written, and are in no task.
        let tests: BTreeSet<&str> = tasks.iter().map(|task| task.test.as_str()).collect();
        build_task_tests(course, &name, &Vec::from_iter(tests), true)?
    };
    let filter = only.map(|task| format!("{}::", task.id.module())).unwrap_or_default();
    let building = start.elapsed();
    let mut suite = suite::run(&programs, &filter, course.limit)?;
    let spent = Spent { building, testing: start.elapsed() - building };
    let files = task_files(course, &week, &tasks)?;
    suite.order_by(&files.into_iter().flat_map(|file| file.tests).collect::<Vec<_>>());
    let mut report = Report { spent, ..report(&week, &tasks, &suite) };
    if !solution && let Err(error) = results::record(course, &report.tallies, SystemTime::now()) {
        let _ = writeln!(report.text, "\nwarning: the book does not learn of this: {error}");
    }
    Ok(report)
}

/// Tells how some tasks stand after a run.
pub fn report(week: &Week, tasks: &[&Task], suite: &Suite) -> Report {
    let mut text = format!("{STRONG}Week {}: {}{STRONG:#}\n\n", week.number, week.title);
    let standings: Vec<Standing<'_>> = tasks.iter().map(|task| Standing::of(task, suite)).collect();
    let id_width = tasks.iter().map(|task| task.id.to_string().len()).max().unwrap_or(0);
    let width = tasks.iter().map(|task| task.title.chars().count()).max().unwrap_or(0);
    for standing in &standings {
        let _ = writeln!(text, "  {}", standing.line(id_width, width));
    }
    for trouble in &suite.troubles {
        let _ = write!(
            text,
            "\n{BAD}{trouble}{BAD:#}\nA loop that never ends, or a lock that is never given back?\n"
        );
    }
    text.push('\n');
    match standings.iter().find(|standing| !standing.is_done()) {
        Some(standing) => text.push_str(&standing.advice(week)),
        None => text.push_str(&well_done(week, tasks)),
    }
    Report {
        passed: standings.iter().all(Standing::is_done) && suite.troubles.is_empty(),
        tallies: standings.iter().map(Standing::tally).collect(),
        spent: Spent::default(),
        text,
    }
}

/// A task and its tests.
struct Standing<'a> {
    task: &'a Task,
    tests: Vec<&'a Test>,
}

impl<'a> Standing<'a> {
    fn of(task: &'a Task, suite: &'a Suite) -> Self {
        let tests = suite.tests.iter();
        Self {
            task,
            tests: tests.filter(|test| TaskId::of_test(&test.name) == Some(task.id)).collect(),
        }
    }

    fn passed(&self) -> usize {
        self.tests.iter().filter(|test| test.outcome == Outcome::Passed).count()
    }

    fn tally(&self) -> Tally {
        Tally { task: self.task.id, passed: self.passed(), total: self.tests.len() }
    }

    fn is_done(&self) -> bool {
        !self.tests.is_empty() && self.passed() == self.tests.len()
    }

    fn is_started(&self) -> bool {
        self.passed() > 0 || !self.tests.iter().all(|test| is_at_todo(test))
    }

    fn line(&self, id_width: usize, width: usize) -> String {
        let Task { id, title, .. } = self.task;
        let (passed, total) = (self.passed(), self.tests.len());
        if self.is_done() {
            format!("{GOOD}✓{GOOD:#} {id:id_width$}  {title:width$}  {passed}/{total}")
        } else if self.is_started() {
            format!("{BAD}✗{BAD:#} {id:id_width$}  {title:width$}  {passed}/{total}")
        } else {
            format!(
                "{FAINT}· {id:id_width$}  {title:width$}  {passed}/{total}  not started{FAINT:#}"
            )
        }
    }

    /// What to do about this task.
    fn advice(&self, week: &Week) -> String {
        let Task { id, title, .. } = self.task;
        let mut text = format!("{STRONG}Next: {id} {title}{STRONG:#}\n");
        let failed = self.tests.iter().filter(|test| test.outcome != Outcome::Passed);
        let failed = failed.min_by_key(|test| interest(test, *id));
        match failed {
            Some(test) => text.push_str(&failure(test)),
            None => text.push_str("  This task has no tests.\n"),
        }
        let _ = write!(
            text,
            "\nRead:      {}   (cargo course serve shows the book)\nA hint:    cargo course hint {id}\nRun again: cargo course test {id}\n",
            week.address(*id)
        );
        text
    }
}

/// Which failure to show first, the lowest: one that tells something, then one that waits for this very task.
fn interest(test: &Test, task: TaskId) -> u8 {
    match &test.outcome {
        Outcome::Failed(printed) => match stopped_at(printed) {
            None => 0,
            Some(stop) if stop == task => 1,
            Some(_) => 2,
        },
        _ => 3,
    }
}

fn is_at_todo(test: &Test) -> bool {
    matches!(&test.outcome, Outcome::Failed(printed) if stopped_at(printed).is_some())
}

/// What a failed test said, and where.
pub(crate) fn failure(test: &Test) -> String {
    let name = test.name.rsplit("::").next().unwrap_or(&test.name);
    let Outcome::Failed(printed) = &test.outcome else {
        return format!("  {BAD}{name}{BAD:#} did not finish\n");
    };
    let panic = first_panic(printed);
    if let (Some(task), Some(panic)) = (stopped_at(printed), &panic) {
        return format!(
            "  {name}\n    waits for task {task}, whose stub is still to be written\n    {FAINT}at {}{FAINT:#}\n",
            panic.place
        );
    }
    let (place, message) = match panic {
        Some(panic) => (panic.place, panic.message),
        None => (String::new(), printed.trim().to_owned()),
    };
    let mut text = format!("  {BAD}{name}{BAD:#}\n");
    let lines: Vec<&str> = message.lines().collect();
    // What was asked for stands first, what was found and the rule last.
    let cut = lines.len().saturating_sub(MESSAGE_LINES);
    let (first, last) = lines.split_at(if cut > 0 { MESSAGE_LINES / 2 } else { lines.len() });
    for line in first {
        let _ = writeln!(text, "    {}", plain(line));
    }
    if cut > 0 {
        let _ = writeln!(text, "    {FAINT}… {cut} lines …{FAINT:#}");
    }
    for line in last.iter().skip(cut) {
        let _ = writeln!(text, "    {}", plain(line));
    }
    if place.starts_with("/rustc/") {
        let _ = writeln!(text, "    {FAINT}in Rust's own library, called from your code{FAINT:#}");
    } else if !place.is_empty() {
        let _ = writeln!(text, "    {FAINT}at {place}{FAINT:#}");
    }
    text
}

/// A line of a failure; `assert_eq!` says "left" and "right" for what our tests give it as found and expected.
fn plain(line: &str) -> String {
    let line = line.strip_prefix("assertion `left == right` failed: ").unwrap_or(line);
    match (line.strip_prefix("  left: "), line.strip_prefix(" right: ")) {
        (Some(found), _) => format!("found:    {found}"),
        (_, Some(expected)) => format!("expected: {expected}"),
        _ => line.to_owned(),
    }
}

fn well_done(week: &Week, tasks: &[&Task]) -> String {
    let next = tasks.last().and_then(|last| week.tasks().find(|task| task.id > last.id));
    let Some(next) = next else { return week_done(week) };
    let mut text = format!(
        "{GOOD}Well done.{GOOD:#} Next is task {}: {}.\nRead:       {}\n",
        next.id,
        next.title,
        week.address(next.id)
    );
    // Who asks for a finished task may be looking for its page: a later test has named it.
    if let [task] = tasks {
        let _ = writeln!(text, "Read again: {}", week.address(task.id));
    }
    text
}

fn week_done(week: &Week) -> String {
    let number = week.number;
    let twins = week.rooms.iter().map(|room| format!("solutions/tinydb/src/{room}/"));
    let twins = twins.collect::<Vec<_>>().join(" and ");
    let mut text = format!(
        "{GOOD}Well done:{GOOD:#} week {number} passes all its tests.\nCompare with the reference: {twins}\n  \
         side by side: cargo course diff {number}\n"
    );
    if allows_unused(week) {
        let _ = writeln!(
            text,
            "Delete {ALLOW_UNUSED} in chapters/week{number}/src/lib.rs, and see what the compiler finds: \
             cargo check -p week{number}\n  (imports that only our solution needs can go too)"
        );
    }
    if !week.when_done.is_empty() {
        let _ = writeln!(text, "{}", week.when_done);
    }
    let _ = writeln!(text, "Let later weeks run on it: cargo course adopt {number}");
    text
}

const ALLOW_UNUSED: &str = "#![allow(unused)]";

/// Whether the compiler is still told to say nothing of what is not used.
fn allows_unused(week: &Week) -> bool {
    let library = fs::read_to_string(week.folder.join("src").join("lib.rs"));
    library.is_ok_and(|library| library.contains(ALLOW_UNUSED))
}
