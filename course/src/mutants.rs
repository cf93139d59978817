//! `cargo course mutants`: small changes to a week's exercises, one at a time, and which of them its tests let through.
//!
//! `cargo mutants` makes the mutants and runs the week's tests on each, in a copy of the engine. Of a file it changes only
//! what a reader writes: the exercises, and the functions of the reference that the stub lacks.

mod baseline;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::path::Path;
use std::process::Stdio;

use serde::Deserialize;

pub use baseline::{Baseline, Survivor, Tally};

use crate::cargo::{cargo, output};
use crate::chapter::all_tasks;
use crate::report::{BAD, FAINT, GOOD, STRONG};
use crate::week::{Week, line_at};
use crate::work::{self, Source};
use crate::{Course, Error, files, scratch};

/// The version of `cargo mutants` that the baselines are made with: another makes other mutants.
pub const VERSION: &str = "27.1.0";

/// How many of a hundred mutants that compile the tests of a week catch at least.
const ENOUGH: f64 = 98.0;

/// How `cargo mutants` ends when it has run all mutants: none, some are let through, some do not end.
const RAN: [i32; 3] = [0, 2, 3];

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Run this part of the mutants only: `0/4`, `1/4`, …
    pub shard: Option<String>,
    /// Write the baseline anew.
    pub write: bool,
}

/// A stretch of a file that a reader writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The reference's file, seen from the root.
    pub path: String,
    /// The function's name, as in `MemTable::get`.
    pub function: String,
    /// The lines of its body.
    pub lines: RangeInclusive<usize>,
}

/// How a mutant fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// A test fails with it.
    Caught,
    /// The tests do not end with it.
    Timeout,
    /// It does not compile.
    Unviable,
    /// All tests pass with it.
    Survived,
}

/// A mutant that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutant {
    /// File and change, as a baseline names them.
    pub name: String,
    /// The line of code that it changes.
    pub code: String,
    /// File, line and column.
    pub place: String,
    /// How it fared.
    pub end: End,
}

/// What a run came to.
#[derive(Debug)]
pub struct Verdict {
    /// What to say.
    pub text: String,
    /// Whether all is well.
    pub passed: bool,
}

/// Runs a week's mutants and compares them with its baseline. Returns whether all is well.
///
/// # Errors
/// If there is no such week, `cargo mutants` is not installed, or the tests fail without any mutant.
pub fn mutants(
    course: &Course,
    number: u8,
    request: &Request,
    say: &mut dyn FnMut(&str),
) -> Result<bool, Error> {
    let week = course.week(number)?;
    let old = Baseline::load(course, &week)?;
    let written = written(course, &week)?;
    check_installed(course)?;
    say(&format!("{STRONG}Week {number}: mutants{STRONG:#} of {} functions\n\n", written.len()));
    let tried = run(course, &week, &written, request)?;
    let new = Baseline { tally: tally(&tried), survivors: survivors(&tried, &old) };
    let baseline = if request.write {
        let path = Baseline::path(&week);
        files::write(&course.root.join(&path), new.text(&week).as_bytes())?;
        say(&format!("\nwritten: {path}\n"));
        new
    } else {
        old
    };
    let verdict = verdict(&week, &baseline, &tried, request.shard.is_none());
    say(&verdict.text);
    Ok(verdict.passed)
}

/// What a week's reader writes, by file: the exercises, and what the reference's files have beside the stubs' functions.
///
/// # Errors
/// If the reference cannot be read or one of its markers is wrong.
pub fn written(course: &Course, week: &Week) -> Result<Vec<Written>, Error> {
    let mut written = Vec::new();
    for file in work::exercises(course, week, &all_tasks(week))? {
        let reference = Source::load(course, &file.twin())?;
        let given: BTreeSet<&str> =
            file.stub.functions.iter().map(|function| function.name.as_str()).collect();
        let exercises: Vec<usize> = file
            .wanted
            .iter()
            .filter_map(|wanted| reference.find(wanted))
            .map(|function| function.body.start)
            .collect();
        for function in &reference.functions {
            let of_reader =
                exercises.contains(&function.body.start) || !given.contains(function.name.as_str());
            if of_reader {
                let line = |byte| line_at(&reference.text, byte);
                written.push(Written {
                    path: reference.path.clone(),
                    function: function.name.clone(),
                    lines: line(function.body.start)..=line(function.body.end),
                });
            }
        }
    }
    Ok(written)
}

fn check_installed(course: &Course) -> Result<(), Error> {
    let said = output(cargo(course).args(["mutants", "--version"]))?;
    let said = String::from_utf8_lossy(&said.stdout);
    let found = said.trim().strip_prefix("cargo-mutants ").unwrap_or_default();
    if found == VERSION {
        return Ok(());
    }
    let what = match found {
        "" => "cargo-mutants is not installed".to_owned(),
        other => format!(
            "this is cargo-mutants {other}, and the baselines are made with {VERSION}: another version makes other mutants"
        ),
    };
    Err(Error::Refused(format!(
        "{what}.\nInstall it with: cargo install cargo-mutants --locked --version {VERSION}"
    )))
}

/// Runs `cargo mutants` in a copy; what it says goes to the terminal.
fn run(
    course: &Course,
    week: &Week,
    written: &[Written],
    request: &Request,
) -> Result<Vec<Mutant>, Error> {
    let folder = match &request.shard {
        Some(shard) => format!("mutants-{}", shard.replace('/', "-of-")),
        None => "mutants".to_owned(),
    };
    let copy = scratch::engine(course, week, &folder)?;
    let mut command = cargo(&copy);
    command.args(["mutants", "--in-place", "--no-config", "--package", "tinydb"]);
    command.arg("--output").arg(&copy.root);
    command.args(tests(course, week)?.iter().map(|name| format!("-C=--test={name}")));
    for (path, pattern) in patterns(written) {
        command.args(["--file", &path, "--re", &pattern]);
    }
    command.args(request.shard.iter().flat_map(|shard| ["--shard", shard]));
    command.stdout(Stdio::inherit()).stderr(Stdio::inherit());
    let status = output(&mut command)?.status;
    if !status.code().is_some_and(|code| RAN.contains(&code)) {
        let message = format!("cargo mutants did not run all mutants ({status}); see above");
        return Err(Error::Refused(message));
    }
    let outcomes = files::read(&copy.root.join("mutants.out").join("outcomes.json"))?;
    tried(&copy, &outcomes)
}

/// The week's tests on the engine, and those of its examples: what a page shows of an example must hold too.
///
/// # Errors
/// If the folder of the engine's tests cannot be read.
pub fn tests(course: &Course, week: &Week) -> Result<Vec<String>, Error> {
    let (name, of_examples) = (week.name(), format!("{}_", week.name()));
    let mut tests = course.engine_tests()?;
    tests.retain(|test| *test == name || test.starts_with(&of_examples));
    Ok(tests)
}

/// For each file, what the names begin with that `cargo mutants` gives to the mutants of its functions.
pub fn patterns(written: &[Written]) -> BTreeMap<String, String> {
    let mut lines: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for function in written {
        lines.entry(&function.path).or_default().extend(function.lines.clone());
    }
    let pattern = |(path, lines): (&str, BTreeSet<usize>)| {
        let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        let start = path.replace('.', "\\.");
        (path.to_owned(), format!("^{start}:({}):", lines.join("|")))
    };
    lines.into_iter().map(pattern).collect()
}

/// What this crate reads of `outcomes.json`.
#[derive(Deserialize)]
struct Outcomes {
    outcomes: Vec<Outcome>,
}

#[derive(Deserialize)]
struct Outcome {
    scenario: Scenario,
    summary: String,
}

#[derive(Deserialize)]
enum Scenario {
    Baseline,
    Mutant(Named),
}

#[derive(Deserialize)]
struct Named {
    name: String,
    file: String,
    span: Span,
}

#[derive(Deserialize)]
struct Span {
    start: Position,
}

#[derive(Deserialize)]
struct Position {
    line: usize,
    column: usize,
}

/// The mutants in an `outcomes.json`; their code is that of the course at hand.
///
/// # Errors
/// If it is not what `cargo mutants` writes, or a file that it names cannot be read.
pub fn tried(course: &Course, outcomes: &str) -> Result<Vec<Mutant>, Error> {
    let wrong =
        |error: serde_json::Error| Error::file("mutants.out/outcomes.json", error.to_string());
    let outcomes: Outcomes = serde_json::from_str(outcomes).map_err(wrong)?;
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    let mut found = Vec::new();
    for Outcome { scenario, summary } in outcomes.outcomes {
        let Scenario::Mutant(Named { name, file, span: Span { start } }) = scenario else {
            continue;
        };
        if !texts.contains_key(&file) {
            texts.insert(file.clone(), files::read(&course.root.join(&file))?);
        }
        let code = texts[&file].lines().nth(start.line.saturating_sub(1)).unwrap_or_default();
        let place = format!("{file}:{}:{}", start.line, start.column);
        let change = name.strip_prefix(&format!("{place}: ")).unwrap_or(&name);
        let inside =
            Path::new(&file).strip_prefix("solutions/tinydb/src").unwrap_or(Path::new(&file));
        found.push(Mutant {
            name: format!("{}: {change}", inside.to_string_lossy().replace('\\', "/")),
            code: code.trim().to_owned(),
            place,
            end: end(&summary),
        });
    }
    Ok(found)
}

fn end(summary: &str) -> End {
    match summary {
        "MissedMutant" | "Success" => End::Survived,
        "Timeout" => End::Timeout,
        "Unviable" => End::Unviable,
        // "Failure" is a test that ended its whole program.
        _ => End::Caught,
    }
}

/// Counts mutants.
pub fn tally(tried: &[Mutant]) -> Tally {
    let count = |end: End| tried.iter().filter(|mutant| mutant.end == end).count();
    Tally {
        mutants: tried.len(),
        caught: count(End::Caught),
        timeouts: count(End::Timeout),
        unviable: count(End::Unviable),
    }
}

/// Those that survived, for a baseline, with what an older one says about them.
pub fn survivors(tried: &[Mutant], old: &Baseline) -> Vec<Survivor> {
    let mut told = old.survivors.clone();
    let survived = tried.iter().filter(|mutant| mutant.end == End::Survived);
    survived
        .map(|mutant| {
            let why = take(&mut told, mutant).map(|survivor| survivor.why).unwrap_or_default();
            Survivor { mutant: mutant.name.clone(), code: mutant.code.clone(), why }
        })
        .collect()
}

/// Takes a mutant's line out of a baseline. Two mutants can have the same name and code, and then two lines.
fn take(listed: &mut Vec<Survivor>, mutant: &Mutant) -> Option<Survivor> {
    let is_it = |line: &Survivor| line.mutant == mutant.name && line.code == mutant.code;
    let at = listed.iter().position(is_it)?;
    Some(listed.remove(at))
}

/// Holds mutants against a week's baseline. `whole` says that all of the week's were tried, and not only a shard.
pub fn verdict(week: &Week, baseline: &Baseline, tried: &[Mutant], whole: bool) -> Verdict {
    let mut listed = baseline.survivors.clone();
    let (mut unlisted, mut untold) = (Vec::new(), Vec::new());
    for mutant in tried.iter().filter(|mutant| mutant.end == End::Survived) {
        match take(&mut listed, mutant) {
            None => unlisted.push(mutant),
            Some(line) if line.why.trim().is_empty() => untold.push(mutant),
            Some(_) => {}
        }
    }
    let tally = tally(tried);
    let mut text = counted(&tally);
    let path = Baseline::path(week);
    push_all(&mut text, &format!("let through, and without a line in {path}"), &unlisted);
    push_all(&mut text, &format!("let through, and {path} does not say why"), &untold);
    for line in &listed {
        let now =
            tried.iter().find(|mutant| mutant.name == line.mutant && mutant.code == line.code);
        match now {
            Some(_) => push_gone(&mut text, line, "is caught now"),
            None if whole => push_gone(&mut text, line, "is no mutant any more"),
            None => {}
        }
    }
    let enough = tally.share() >= ENOUGH;
    if whole && !enough {
        let _ = writeln!(text, "  {BAD}✗{BAD:#} expected {ENOUGH} % or more");
    }
    if whole && tally != baseline.tally {
        let again = format!("cargo course mutants {} --write", week.number);
        let _ = writeln!(text, "  {path} has other counts; {again} writes these");
    }
    let explained = unlisted.is_empty() && untold.is_empty();
    if !explained {
        text.push_str(
            "\nA mutant that is let through wants a test of the chapter that fails with it, or code that has no such\n\
             mutant, or a line that says why no engine that differs so is wrong.\n",
        );
    }
    Verdict { text, passed: explained && (enough || !whole) }
}

fn counted(tally: &Tally) -> String {
    let Tally { mutants, caught, timeouts, unviable } = tally;
    format!(
        "\n{mutants} mutants: {caught} caught, {timeouts} without an end, {} let through, {unviable} do not compile\n\
         {STRONG}{:.1} % of those that compile are caught{STRONG:#}\n\n",
        tally.survived(),
        tally.share()
    )
}

fn push_all(text: &mut String, what: &str, mutants: &[&Mutant]) {
    for Mutant { name, code, place, .. } in mutants {
        let _ = writeln!(
            text,
            "  {BAD}✗{BAD:#} {name}\n      {what}\n      {code}  {FAINT}{place}{FAINT:#}"
        );
    }
}

fn push_gone(text: &mut String, line: &Survivor, how: &str) {
    let Survivor { mutant, code, .. } = line;
    let _ =
        writeln!(text, "  {GOOD}·{GOOD:#} {mutant}\n      {how}: its line can go\n      {code}");
}
