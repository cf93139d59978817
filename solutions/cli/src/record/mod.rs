//! `tinydb record`: what moves where when a script runs, for the book's player.
//!
//! | file | what it is |
//! |---|---|
//! | [`script`] | what is done |
//! | [`recorder`] | does it, and makes frames of the database's steps |
//! | [`scene`] | where every row is, followed step by step |
//! | [`sentence`] | steps in whole sentences |
//! | [`check`] | holds what the steps say against what the database has |
//! | [`disk`] | the database's files, all in memory |
//! | [`held_store`] | an object store that can be made to wait |
//! | [`recording`] | the file that is written |
//!
//! A recording is the same each time: it holds no time, and the one thread that works in the background,
//! the flusher, is let on and waited for between two commands.

pub mod check;
pub mod disk;
pub mod held_store;
pub mod recorder;
pub mod recording;
pub mod scene;
pub mod script;
pub mod sentence;

use std::io::Write;
use std::path::Path;

use crate::failure::Failure;

use self::recorder::Recorder;
use self::script::Script;

/// Runs a script and writes the recording to a file, or to `out`.
pub fn record(script: &Path, file: Option<&Path>, out: &mut dyn Write) -> Result<(), Failure> {
    let shown = script.display();
    let recording = Recorder::run(Script::read(script)?).map_err(|failure| match failure {
        Failure::Recording(problem) => Failure::Recording(format!("{shown}, {problem}")),
        other => other,
    })?;
    let json = recording.to_json()?;
    match file {
        Some(file) => {
            std::fs::write(file, json).map_err(Failure::io(format!("write {}", file.display())))
        }
        None => out.write_all(json.as_bytes()).map_err(Failure::Output),
    }
}
