//! `cargo course`: the commands of the TinyDB course, for its readers and its maintainers.
//!
//! | file | what it is |
//! |---|---|
//! | `course`, `week` | where the course is; what a `week.toml` says |
//! | `marker`, `things`, `stub` | the markers in the reference, what they are about, one file made a stub |
//! | `chapter`, `card`, `stubs` | a week's sources, a task's card in the book, writing both |
//! | `origin` | where the modules of a week's crate come from |
//! | `cargo`, `suite`, `report` | running cargo and a test program; telling a reader how a week stands |
//! | `inventory`, `scratch` | the tests a chapter has; a copy of a chapter with its stubs filled as wanted |
//! | `patch`, `bug`, `variant` | a patch against the reference, with lines above it; one that is a bug; one that is right |
//! | `hunt` | a reader's tests hunt for the bugs of a week |
//! | `mutants` | changes to a week's exercises that its tests let through |
//! | `strictness` | the book's table of mutants, planted bugs and right variants |
//! | `prose`, `citation` | Markdown in words and code; what a text names of SlateDB |
//! | `pin`, `crates` | the list of what is named of SlateDB; SlateDB's sources |
//! | `plan`, `results`, `progress` | the learning plan; what tests came to; `PROGRESS.md` |
//! | `watch` | testing what was saved |
//! | `shell`, `prove`, `manifest` | the finished shell, and the finished engine's tests, on a reader's crate; a `Cargo.toml` for a copy elsewhere |
//! | `trace` | recordings for the book's player |
//! | `work` | a task's functions: in the stub, in the reader's file, in the reference |
//! | `hint`, `reset` | a task's hints, one at a time; back to the stub, with a copy of what was there |
//! | `adopt`, `start`, `doctor` | later weeks on the reader's rooms; beginning a week; what is missing |
//! | `diff` | the reader's functions beside the reference's |
//! | `mdbook`, `serve` | finding the pinned mdBook; serving and building the book |
//! | `html` | what is read of a built page |
//! | `gate/` | `cargo course check`: one file a gate |
//! | `cli` | the command line |
//!
//! Whatever can be decided from text alone is a function from text to findings; cargo, git and mdBook are run only where
//! the question is what they do.

pub mod adopt;
pub mod bug;
pub mod card;
pub mod cargo;
pub mod chapter;
pub mod citation;
pub mod cli;
pub mod course;
pub mod crates;
pub mod diff;
pub mod doctor;
pub mod error;
pub mod files;
pub mod gate;
pub mod hint;
pub mod html;
pub mod hunt;
pub mod inventory;
pub mod manifest;
pub mod marker;
pub mod mdbook;
pub mod mutants;
pub mod npm;
pub mod origin;
pub mod patch;
pub mod pin;
pub mod plan;
pub mod progress;
pub mod prose;
pub mod prove;
pub mod report;
pub mod reset;
pub mod results;
pub mod scratch;
pub mod serve;
pub mod shell;
pub mod start;
pub mod strictness;
pub mod stub;
pub mod stubs;
pub mod suite;
pub mod things;
pub mod trace;
pub mod variant;
pub mod watch;
pub mod week;
pub mod work;

pub use course::Course;
pub use error::Error;
