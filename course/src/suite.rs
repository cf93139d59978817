//! Running a test program and reading what it prints.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use wait_timeout::ChildExt as _;

use crate::Error;
use crate::cargo::{Program, succeed};
use crate::week::{TaskId, number};

/// How one test ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It passed.
    Passed,
    /// It failed, and printed this.
    Failed(String),
    /// It was not run.
    Ignored,
    /// The program ended, or was ended, before the test did.
    Unfinished,
}

/// A test and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// Its path: `task_3_2::get_returns_the_newest_version`.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
}

/// The tests of one or more programs.
#[derive(Clone, Debug, Default)]
pub struct Suite {
    /// The tests, in the order in which the programs list them.
    pub tests: Vec<Test>,
    /// What kept a program from running all its tests.
    pub troubles: Vec<String>,
}

/// A panic, as it is printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panic {
    /// File, line and column.
    pub place: String,
    /// What it said.
    pub message: String,
}

impl Suite {
    /// Adds what other programs ran.
    pub fn add(&mut self, other: Self) {
        self.tests.extend(other.tests);
        self.troubles.extend(other.troubles);
    }

    /// Puts the tests in the order of their files; `names` are the tests there. libtest lists them by name.
    pub fn order_by(&mut self, names: &[String]) {
        let place = |test: &Test| names.iter().position(|name| test.name.ends_with(name.as_str()));
        self.tests.sort_by_cached_key(|test| place(test).unwrap_or(names.len()));
    }
}

/// Runs the tests of some programs whose names contain `filter`; each program gets `limit` and is then ended.
///
/// # Errors
/// If a program cannot be run.
pub fn run(programs: &[Program], filter: &str, limit: Duration) -> Result<Suite, Error> {
    let mut suite = Suite::default();
    for program in programs {
        run_one(program, filter, limit, false, &mut suite)?;
    }
    Ok(suite)
}

/// Runs all tests of some programs, each test in a thread of its own: so those that have not ended when a program's
/// `limit` is over are those that hang, and none that only waited for its turn.
///
/// # Errors
/// If a program cannot be run.
pub fn run_at_once(programs: &[Program], limit: Duration) -> Result<Suite, Error> {
    let mut suite = Suite::default();
    for program in programs {
        run_one(program, "", limit, true, &mut suite)?;
    }
    Ok(suite)
}

fn run_one(
    program: &Program,
    filter: &str,
    limit: Duration,
    at_once: bool,
    suite: &mut Suite,
) -> Result<(), Error> {
    let listed = succeed(command(program, filter).args(["--list", "--format", "terse"]))?;
    let names = listed_tests(&String::from_utf8_lossy(&listed.stdout));
    if names.is_empty() {
        return Ok(());
    }
    let mut tests = command(program, filter);
    if at_once {
        tests.args(["--test-threads", &names.len().to_string()]);
    }
    let (printed, status) = run_for(&mut tests, limit)?;
    let mut outcomes = outcomes(&printed);
    let mut tests: Vec<Test> = names
        .into_iter()
        .map(|name| Test { outcome: outcomes.remove(&name).unwrap_or(Outcome::Unfinished), name })
        .collect();
    match status {
        Some(_) => run_again_alone(program, limit, &mut tests)?,
        None => {
            suite.troubles.extend(trouble(program, limit, &tests));
            hear_failures(program, limit, &mut tests)?;
        }
    }
    suite.tests.extend(tests);
    Ok(())
}

/// A test that aborts takes those beside it along. Each that has not finished is run by itself, so that the one to
/// blame is the one that fails.
fn run_again_alone(program: &Program, limit: Duration, tests: &mut [Test]) -> Result<(), Error> {
    for test in tests.iter_mut().filter(|test| test.outcome == Outcome::Unfinished) {
        let (printed, status) = run_for(command(program, &test.name).arg("--exact"), limit)?;
        let outcome = outcomes(&printed).remove(&test.name);
        test.outcome = outcome.unwrap_or_else(|| Outcome::Failed(aborted(&printed, status)));
    }
    Ok(())
}

/// A program prints what its failed tests said when all have ended. One that had to be ended has not: each failed test is
/// run again, by itself.
fn hear_failures(program: &Program, limit: Duration, tests: &mut [Test]) -> Result<(), Error> {
    let silent = Outcome::Failed(String::new());
    for test in tests.iter_mut().filter(|test| test.outcome == silent) {
        let (printed, _) = run_for(command(program, &test.name).arg("--exact"), limit)?;
        if let Some(said @ Outcome::Failed(_)) = outcomes(&printed).remove(&test.name) {
            test.outcome = said;
        }
    }
    Ok(())
}

/// What to say of a test that ended its program: the end of what was printed, and what is likely.
fn aborted(printed: &str, status: Option<ExitStatus>) -> String {
    let how = status.map_or("it did not end in time".to_owned(), |status| status.to_string());
    let said = |line: &&str| !line.trim().is_empty() && !line.starts_with("running ");
    let lines: Vec<&str> = printed.lines().filter(said).collect();
    let end = lines[lines.len().saturating_sub(6)..].join("\n");
    format!(
        "The test ended its whole program ({how}).\n\
         A call of itself without an end, or room asked for that no computer has?\n{end}\n"
    )
}

fn command(program: &Program, filter: &str) -> Command {
    let mut command = Command::new(&program.path);
    command
        .current_dir(&program.folder)
        .env("CARGO_MANIFEST_DIR", &program.folder)
        .env("RUST_BACKTRACE", "0")
        .args(["--color", "never"]);
    if !filter.is_empty() {
        command.arg(filter);
    }
    command
}

/// Runs a program for at most `limit`; no status means that it had to be ended.
///
/// Its output goes to a file: a pipe that nobody reads would fill up and stop the program.
fn run_for(command: &mut Command, limit: Duration) -> Result<(String, Option<ExitStatus>), Error> {
    let io = Error::io("run", command.get_program().to_os_string());
    let mut run = || -> std::io::Result<(String, Option<ExitStatus>)> {
        let mut printed: File = tempfile::tempfile()?;
        let mut child = command
            .stdin(Stdio::null())
            .stdout(printed.try_clone()?)
            .stderr(printed.try_clone()?)
            .spawn()?;
        let status = child.wait_timeout(limit)?;
        if status.is_none() {
            child.kill()?;
            child.wait()?;
        }
        let mut bytes = Vec::new();
        printed.rewind()?;
        printed.read_to_end(&mut bytes)?;
        Ok((String::from_utf8_lossy(&bytes).into_owned(), status))
    };
    run().map_err(io)
}

/// What to say of a program that had to be ended.
fn trouble(program: &Program, limit: Duration, tests: &[Test]) -> Option<String> {
    let unfinished: Vec<&str> = tests
        .iter()
        .filter(|test| test.outcome == Outcome::Unfinished)
        .map(|test| test.name.as_str())
        .collect();
    let (name, limit) = (&program.name, limit.as_secs());
    let tests = unfinished.join(", ");
    (!tests.is_empty()).then(|| format!("{name}: ended after {limit} s; not finished: {tests}"))
}

/// The names in the answer to `--list --format terse`.
fn listed_tests(printed: &str) -> Vec<String> {
    let names = printed.lines().filter_map(|line| line.strip_suffix(": test"));
    names.map(str::to_owned).collect()
}

/// What each test came to, from what libtest prints.
pub fn outcomes(printed: &str) -> BTreeMap<String, Outcome> {
    let mut outcomes = BTreeMap::new();
    let mut blocks = blocks(printed);
    for line in printed.lines() {
        let Some((name, status)) =
            line.strip_prefix("test ").and_then(|line| line.rsplit_once(" ... "))
        else {
            continue;
        };
        let name = name.strip_suffix(" - should panic").unwrap_or(name);
        let outcome = match status.split(',').next() {
            Some("ok") => Outcome::Passed,
            Some("FAILED") => Outcome::Failed(blocks.remove(name).unwrap_or_default()),
            Some("ignored") => Outcome::Ignored,
            _ => continue,
        };
        outcomes.insert(name.to_owned(), outcome);
    }
    outcomes
}

/// What each failed test printed: the blocks under `---- name stdout ----`.
fn blocks(printed: &str) -> BTreeMap<&str, String> {
    let mut blocks: BTreeMap<&str, String> = BTreeMap::new();
    let mut current = None;
    for line in printed.lines() {
        let head = line.strip_prefix("---- ").and_then(|line| line.strip_suffix(" stdout ----"));
        if let Some(name) = head {
            current = Some(name);
        } else if line == "failures:" {
            current = None;
        } else if let Some(name) = current {
            let block = blocks.entry(name).or_default();
            block.push_str(line);
            block.push('\n');
        }
    }
    blocks
}

/// The first panic in what a test printed: later ones are often only its echo in another thread.
pub fn first_panic(printed: &str) -> Option<Panic> {
    let mut lines = printed.lines();
    let head = lines.find(|line| is_panic_head(line))?;
    let (_, place) = head.split_once(" panicked at ")?;
    let message =
        lines.take_while(|line| !is_panic_head(line) && !line.starts_with("note: run with"));
    let message: Vec<&str> = message.collect();
    Some(Panic {
        place: without_detours(place.trim_end_matches(':')),
        message: message.join("\n").trim().to_owned(),
    })
}

/// `chapters/week4/src/../../../chapters/week3/src/x.rs`, as a `#[path]` makes it, is `chapters/week3/src/x.rs`.
fn without_detours(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        let leads_back =
            part == ".." && parts.last().is_some_and(|last| !["", ".."].contains(last));
        if leads_back {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    parts.join("/")
}

fn is_panic_head(line: &str) -> bool {
    line.starts_with("thread '") && line.contains(" panicked at ")
}

/// The task whose `todo!()` a test stopped at, if that is why it failed.
pub fn stopped_at(printed: &str) -> Option<TaskId> {
    let message = first_panic(printed)?.message;
    let (_, rest) = message.split_once("not yet implemented: week ")?;
    let (week, rest) = rest.split_once(", task ")?;
    let (task, _) = rest.split_once(':')?;
    Some(TaskId { week: number(week)?, task: number(task)? })
}
