//! `chapters/weekN/mutants.toml`: what a week's mutants came to, and why some of them survive.

use std::fmt::Write as _;

use serde::Deserialize;

use crate::week::{Week, line_at};
use crate::{Course, Error, files};

/// What a week's mutants came to when they were run last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// How many there were of each kind.
    #[serde(rename = "counts", default)]
    pub tally: Tally,
    /// Those that the tests let through.
    #[serde(rename = "survivor", default)]
    pub survivors: Vec<Survivor>,
}

/// Counts of mutants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    /// All of them.
    pub mutants: usize,
    /// Those with which a test fails.
    pub caught: usize,
    /// Those with which the tests do not end. They count as caught.
    pub timeouts: usize,
    /// Those that do not compile. Nobody can write them, so they count for nothing.
    pub unviable: usize,
}

/// A mutant that the tests let through.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Survivor {
    /// File and change: `format/block.rs: replace + with * in check_offsets`.
    pub mutant: String,
    /// The line of code that is changed. Its number is not told: it moves.
    pub code: String,
    /// Why no test catches it.
    pub why: String,
}

impl Tally {
    /// Those that the tests let through.
    pub fn survived(&self) -> usize {
        self.mutants.saturating_sub(self.caught + self.timeouts + self.unviable)
    }

    /// How many of a hundred that compile are caught; all if there are none.
    pub fn share(&self) -> f64 {
        let caught = self.caught + self.timeouts;
        match caught + self.survived() {
            0 => 100.0,
            viable => 100.0 * caught as f64 / viable as f64,
        }
    }
}

impl Baseline {
    /// Where a week's is, seen from the root.
    pub fn path(week: &Week) -> String {
        format!("chapters/{}/mutants.toml", week.name())
    }

    /// Reads a week's; an empty one if there is none yet.
    ///
    /// # Errors
    /// If it cannot be read or is malformed.
    pub fn load(course: &Course, week: &Week) -> Result<Self, Error> {
        let shown = Self::path(week);
        let path = course.root.join(&shown);
        if !path.is_file() {
            return Ok(Self::default());
        }
        let text = files::read(&path)?;
        toml::from_str(&text).map_err(|error| {
            let line = error.span().map_or(1, |span| line_at(&text, span.start));
            Error::at(&shown, line, error.message())
        })
    }

    /// What the file holds.
    pub fn text(&self, week: &Week) -> String {
        let Tally { mutants, caught, timeouts, unviable } = self.tally;
        let number = week.number;
        let mut text = format!(
            "# What the mutants of week {number}'s exercises came to. `cargo course mutants {number}` runs them and holds what the\n\
             # tests let through against this file; with `--write` it writes the file anew. A survivor says why no test\n\
             # catches it, in one line.\n\
             \n[counts]\nmutants = {mutants}\ncaught = {caught}\ntimeouts = {timeouts}\nunviable = {unviable}\n"
        );
        for Survivor { mutant, code, why } in &self.survivors {
            let _ = write!(
                text,
                "\n[[survivor]]\nmutant = {}\ncode = {}\nwhy = {}\n",
                quoted(mutant),
                quoted(code),
                quoted(why)
            );
        }
        text
    }
}

/// A string as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}
