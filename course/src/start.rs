//! `cargo course start`: begins a week.

use std::fmt::Write as _;

use crate::adopt::{self, Adopted};
use crate::doctor::{self, Line};
use crate::report::{self, FAINT, GOOD, Goal, STRONG};
use crate::week::Week;
use crate::{Course, Error, stubs};

/// What the rooms of earlier weeks are taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// The reader's own, of every week whose tests pass.
    Mine,
    /// The reference.
    Reference,
}

impl std::str::FromStr for From {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "mine" => Ok(Self::Mine),
            "reference" => Ok(Self::Reference),
            _ => Err("expected `mine` or `reference`".to_owned()),
        }
    }
}

/// Makes a week ready: what it runs on, and tells what to read and the first command.
///
/// # Errors
/// If there is no such week, or the adopted rooms do not compile in a later one.
pub fn start(course: &Course, number: u8, from: Option<From>) -> Result<String, Error> {
    let week = course.week(number)?;
    let mut text = format!("{STRONG}Week {number}: {}{STRONG:#}\n\n", week.title);
    let advice: Vec<String> = doctor::tree(course).into_iter().filter_map(Line::advice).collect();
    for line in &advice {
        let _ = writeln!(text, "  {line}");
    }
    if !advice.is_empty() {
        text.push('\n');
    }
    match from {
        Some(From::Mine) => text.push_str(&adopt_done(course, &week)?),
        Some(From::Reference) => take_back_all(course, &week)?,
        None => {}
    }
    text.push_str(&adopt::foundation(course, &week)?);
    text.push_str(&first_steps(course, &week));
    Ok(text)
}

/// Adopts the earlier weeks that are done, and says how each stands.
fn adopt_done(course: &Course, week: &Week) -> Result<String, Error> {
    let mut adopted = Adopted::load(course)?;
    let mut text = String::new();
    for earlier in course.weeks()?.iter().filter(|earlier| earlier.number < week.number) {
        let number = earlier.number;
        let said = if adopted.weeks.contains(&number) {
            "adopted before"
        } else if !is_started(course, earlier)? {
            "not started: the reference's is used"
        } else if passes(course, number)? {
            adopted.weeks.insert(number);
            "its tests pass: adopted"
        } else {
            "its tests do not all pass: the reference's is used"
        };
        let _ = writeln!(text, "  Week {number}  {said}");
    }
    for note in adopt::apply(course, &adopted)? {
        let _ = writeln!(text, "  {note}");
    }
    text.push('\n');
    Ok(text)
}

fn take_back_all(course: &Course, week: &Week) -> Result<(), Error> {
    let adopted = Adopted::load(course)?;
    for number in adopted.weeks.into_iter().filter(|number| *number < week.number) {
        adopt::take_back(course, number)?;
    }
    Ok(())
}

/// Whether any of the week's files is not as it was given.
fn is_started(course: &Course, week: &Week) -> Result<bool, Error> {
    let sources = stubs::week_sources(course, week)?;
    let differs = |path: &str, text: &str| {
        std::fs::read(course.root.join(path)).map_or(true, |old| old != text.as_bytes())
    };
    // The crate's first file differs too when an earlier week is adopted.
    let mut files = sources.iter().filter(|file| !file.path.ends_with("/src/lib.rs"));
    Ok(files.any(|file| differs(&file.path, &file.text)))
}

fn passes(course: &Course, number: u8) -> Result<bool, Error> {
    match report::test(course, Goal::Week(number), false) {
        Ok(report) => Ok(report.passed),
        Err(Error::Compile { .. }) => Ok(false),
        Err(other) => Err(other),
    }
}

fn first_steps(course: &Course, week: &Week) -> String {
    let number = week.number;
    let index = format!("week{number}/index.md");
    let first = week.parts.first().map_or(index.as_str(), |part| part.page.as_str());
    let page = if course.book().join(&index).is_file() { &index } else { first };
    let page = page.strip_suffix(".md").unwrap_or(page);
    let mut text = format!(
        "\n{GOOD}Read{GOOD:#}   {page}.html   {FAINT}(cargo course serve shows the book){FAINT:#}\n"
    );
    if let Some(task) = week.tasks().next() {
        let _ = writeln!(
            text,
            "{GOOD}Then{GOOD:#}   cargo course test {}   {FAINT}{}: red, until you have written it{FAINT:#}",
            task.id, task.title
        );
    }
    text
}
