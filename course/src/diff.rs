//! `cargo course diff`: the reader's functions beside the reference's.

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Write as _;

use anstyle::Style;
use proc_macro2::{TokenStream, TokenTree};
use similar::{ChangeTag, TextDiff};

use crate::report::{self, BAD, FAINT, GOOD, Goal, STRONG};
use crate::things::Function;
use crate::week::line_at;
use crate::work::{self, Exercises, Source, Wanted};
use crate::{Course, Error};

/// The comments in the reference that are for the course's tool and the book.
const MARKS: [&str; 5] =
    ["// exercise:", "// solution-only", "// stub:", "// ANCHOR:", "// ANCHOR_END:"];

/// Asks the reader a question; without one, nobody is asked.
pub type Ask<'a> = Option<&'a mut dyn FnMut(&str) -> Result<bool, Error>>;

/// Compares the functions of a week or a task with the reference's; nothing if the reader would rather not see it yet.
/// `ask` is asked when the tests do not pass yet; without it, nobody is asked and no test is run.
///
/// # Errors
/// If there is no such week or task, a file is not Rust, or the question cannot be asked.
pub fn diff(course: &Course, goal: Goal, ask: Ask<'_>) -> Result<Option<String>, Error> {
    let week = match goal {
        Goal::Week(number) => course.week(number)?,
        Goal::Task(id) => course.week(id.week)?,
    };
    let tasks = work::tasks(&week, goal)?;
    if let Some(ask) = ask
        && !passes(course, goal)?
    {
        let (what, how) = match goal {
            Goal::Week(number) => (format!("week {number}"), format!("cargo course test {number}")),
            Goal::Task(id) => (format!("task {id}"), format!("cargo course hint {id}")),
        };
        let question = format!(
            "The tests of {what} do not pass yet, and this shows the reference's code. `{how}` helps with less.\n\
             Show it all the same?"
        );
        if !ask(&question)? {
            return Ok(None);
        }
    }
    let mut text = format!(
        "{STRONG}Week {}: {}{STRONG:#}\n\n  {BAD}- yours{BAD:#}\n  {GOOD}+ the reference's{GOOD:#}\n",
        week.number, week.title
    );
    let mut tally = Tally::default();
    for exercises in work::exercises(course, &week, &tasks)? {
        text.push_str(&file(course, &exercises, &mut tally)?);
    }
    text.push_str(&tally.told());
    Ok(Some(text))
}

/// Whether the tests pass. Code that does not compile passes none.
fn passes(course: &Course, goal: Goal) -> Result<bool, Error> {
    match report::test(course, goal, false) {
        Ok(report) => Ok(report.passed),
        Err(Error::Compile { .. }) => Ok(false),
        Err(other) => Err(other),
    }
}

#[derive(Default)]
struct Tally {
    same: usize,
    all: usize,
}

impl Tally {
    fn told(&self) -> String {
        let Self { same, all } = *self;
        if all == 0 {
            return "\nThere is nothing to compare: the reference has none of these functions.\n"
                .to_owned();
        }
        if same == all {
            return format!("\n{GOOD}No difference:{GOOD:#} all of it is as in the reference.\n");
        }
        format!(
            "\n{same} of {all} functions are as in the reference. Different may be right too. Ask of each difference:\n\
             is there an input for which the two behave differently?\n"
        )
    }
}

/// The wanted functions of one file.
fn file(course: &Course, exercises: &Exercises, tally: &mut Tally) -> Result<String, Error> {
    let mine = Source::load(course, exercises.path())?;
    let reference = Source::load(course, &exercises.twin())?;
    let mut text = String::new();
    let mut different = Vec::new();
    for wanted in &exercises.wanted {
        let Some(theirs) = reference.find(wanted) else {
            continue;
        };
        tally.all += 1;
        let compared = compare(&mine, wanted, &reference, theirs);
        if compared.is_same {
            tally.same += 1;
        } else {
            different.push(theirs);
        }
        text.push_str(&compared.text);
    }
    for helper in helpers(exercises, &reference, &different) {
        let place = place(&reference, helper);
        let name = &helper.name;
        let _ = writeln!(
            text,
            "\n{STRONG}{name}{STRONG:#}, which the reference uses  {FAINT}{place}{FAINT:#}"
        );
        for line in code(&reference, helper).lines() {
            push_line(&mut text, GOOD, '+', line);
        }
    }
    Ok(text)
}

struct Compared {
    is_same: bool,
    text: String,
}

fn compare(mine: &Source, wanted: &Wanted, reference: &Source, theirs: &Function) -> Compared {
    let mut text = format!("\n{STRONG}{} {}{STRONG:#}", wanted.task, wanted.name);
    let theirs_code = code(reference, theirs);
    let Some(own) = mine.find(wanted) else {
        let _ = writeln!(text, "  {FAINT}{}: not in your file{FAINT:#}", mine.path);
        theirs_code.lines().for_each(|line| push_line(&mut text, GOOD, '+', line));
        return Compared { is_same: false, text };
    };
    let _ = writeln!(text, "  {FAINT}{}{FAINT:#}", place(mine, own));
    let own_code = code(mine, own);
    if own_code == theirs_code {
        let _ = writeln!(text, "  {GOOD}✓{GOOD:#} the same as the reference's");
        return Compared { is_same: true, text };
    }
    if tokens(&own_code) == tokens(&theirs_code) {
        let _ = writeln!(
            text,
            "  {GOOD}✓{GOOD:#} the same as the reference's but for layout and comments"
        );
        return Compared { is_same: true, text };
    }
    for change in TextDiff::from_lines(&own_code, &theirs_code).iter_all_changes() {
        let line = change.value().trim_end_matches('\n');
        match change.tag() {
            ChangeTag::Equal => push_line(&mut text, Style::new(), ' ', line),
            ChangeTag::Delete => push_line(&mut text, BAD, '-', line),
            ChangeTag::Insert => push_line(&mut text, GOOD, '+', line),
        }
    }
    Compared { is_same: false, text }
}

fn push_line(text: &mut String, style: Style, sign: char, line: &str) {
    let _ = writeln!(text, "  {style}{sign} {line}{style:#}");
}

/// File and line of a function's first word.
fn place(source: &Source, function: &Function) -> String {
    format!("{}:{}", source.path, line_at(&source.text, function.thing.core))
}

/// A function's code at the left edge, without docs and the course's marks.
fn code(source: &Source, function: &Function) -> String {
    let range = source.code(function);
    let line = source.text[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let indent = &source.text[line..range.start];
    let is_mark = |line: &&str| MARKS.iter().any(|mark| line.trim_start().starts_with(mark));
    let mut code = String::new();
    for line in source.text[range].lines().filter(|line| !is_mark(line)) {
        code.push_str(line.strip_prefix(indent).unwrap_or(line));
        code.push('\n');
    }
    code
}

/// The code as the compiler sees it; none if it is not Rust.
fn tokens(code: &str) -> Option<String> {
    let stream: TokenStream = code.parse().ok()?;
    Some(stream.to_string())
}

/// The functions of the reference's file that a reader does not have, and that some functions use, or that these use.
fn helpers<'a>(
    exercises: &Exercises,
    reference: &'a Source,
    used_by: &[&'a Function],
) -> Vec<&'a Function> {
    let given: BTreeSet<&str> =
        exercises.stub.functions.iter().map(|function| function.name.as_str()).collect();
    let mut unseen: Vec<&Function> =
        reference.functions.iter().filter(|function| !given.contains(&*function.name)).collect();
    let mut open: VecDeque<&Function> = used_by.iter().copied().collect();
    let mut found = Vec::new();
    while let Some(function) = open.pop_front() {
        let mut words = BTreeSet::new();
        if let Ok(stream) = reference.text[function.body.clone()].parse() {
            collect_words(stream, &mut words);
        }
        // One inside another function is shown with it.
        let is_used = |helper: &&Function| {
            let name = helper.name.rsplit("::").next().unwrap_or(&helper.name);
            words.contains(name) && !function.body.contains(&helper.thing.core)
        };
        let (used, rest) = unseen.into_iter().partition(is_used);
        unseen = rest;
        open.extend(&used);
        found.extend::<Vec<&Function>>(used);
    }
    found.sort_by_key(|function| function.thing.core);
    found
}

fn collect_words(stream: TokenStream, words: &mut BTreeSet<String>) {
    for token in stream {
        match token {
            TokenTree::Group(group) => collect_words(group.stream(), words),
            TokenTree::Ident(word) => drop(words.insert(word.to_string())),
            _ => {}
        }
    }
}
