//! `cargo course check`: the gates that a change of the course must pass.

mod book;
mod browser;
mod bugs;
mod engine;
mod filled;
mod lint;
mod named;
mod plan;
mod red;
mod site;
mod slatedb;
mod sources;
mod spelling;
mod stubs;
mod tasks;
mod traces;
mod variants;
mod verdict;

use std::time::{Duration, Instant};

pub use book::{page_findings, summary_pages};
pub use lint::doc_findings;
pub use site::site_findings;
pub use sources::{Report, compare};
pub use spelling::spelling_findings;
pub use verdict::verdict;

use crate::{Course, Error};

/// A check that finds what is wrong with a course.
#[derive(Clone, Copy)]
pub struct Gate {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What holds when it passes.
    pub about: &'static str,
    check: fn(&Course) -> Result<Vec<String>, Error>,
}

/// All gates, in the order in which they run.
pub const GATES: [Gate; 13] = [
    Gate {
        name: "stubs",
        about: "generating the stubs again changes nothing",
        check: stubs::check,
    },
    Gate {
        name: "red",
        about: "on the stubs every test fails, by todo!(), and every task is reached",
        check: red::check,
    },
    Gate {
        name: "engine",
        about: "on the engine every chapter's test passes",
        check: engine::check,
    },
    Gate {
        name: "filled",
        about: "stubs filled from the engine pass their tests in the chapter's crate",
        check: filled::check,
    },
    Gate {
        name: "bugs",
        about: "planted bugs apply, and a chapter's test catches each",
        check: bugs::check,
    },
    Gate {
        name: "variants",
        about: "engines that are right in another way pass the chapter's tests too",
        check: variants::check,
    },
    Gate {
        name: "tasks",
        about: "tasks, markers, tests, hints, pages and the plan belong together",
        check: tasks::check,
    },
    Gate {
        name: "traces",
        about: "the recordings in book/src/traces are what the engine does now, and pages show them",
        check: traces::check,
    },
    Gate {
        name: "book",
        about: "includes, links and figures of the book are whole, and it asks no other host",
        check: book::check,
    },
    Gate {
        name: "slatedb",
        about: "book/slatedb.toml lists what pages and comments name of SlateDB, and nothing else",
        check: slatedb::check,
    },
    Gate {
        name: "spelling",
        about: "every word of pages, hints and comments is in a dictionary or in the course's list",
        check: spelling::check,
    },
    Gate {
        name: "lint",
        about: "rustfmt, clippy and rustdoc have nothing to say",
        check: lint::check,
    },
    Gate {
        name: "browser",
        about: "the book's scripts pass their tests in a browser",
        check: browser::check,
    },
];

/// What a gate came to.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// What is wrong; nothing if the gate passes.
    pub findings: Vec<String>,
    /// How long it took.
    pub time: Duration,
}

impl Gate {
    /// Runs the gate. What stops it from checking is a finding: a gate with nothing to check has not passed.
    pub fn run(&self, course: &Course) -> Verdict {
        let start = Instant::now();
        let findings = match course.weeks() {
            Ok(weeks) if weeks.is_empty() => {
                vec!["no chapters found: expected chapters/weekN/week.toml".to_owned()]
            }
            Ok(_) => (self.check)(course).unwrap_or_else(|error| vec![error.to_string()]),
            Err(error) => vec![error.to_string()],
        };
        let time = start.elapsed();
        Verdict { findings, time }
    }
}

/// The gates with these names, or all of them if there are no names.
///
/// # Errors
/// If there is no gate of a name.
pub fn select(names: &[String]) -> Result<Vec<Gate>, Error> {
    if names.is_empty() {
        return Ok(GATES.to_vec());
    }
    for name in names {
        if !GATES.iter().any(|gate| gate.name == name) {
            return Err(Error::NoGate {
                asked: name.clone(),
                known: crate::prose::joined(GATES.iter().map(|gate| gate.name)),
            });
        }
    }
    let chosen = |gate: &Gate| names.iter().any(|name| name == gate.name);
    Ok(GATES.into_iter().filter(chosen).collect())
}
