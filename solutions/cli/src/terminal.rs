//! The shell at a terminal: line editing, history and completion.

use std::fs;
use std::path::PathBuf;

use etcetera::BaseStrategy as _;
use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::Validator;
use rustyline::{CompletionType, Config, Context, Editor, Helper};
use tinydb::Db;

use crate::command::{COMMANDS, entry_named};
use crate::failure::Failure;
use crate::report;
use crate::session::{Outcome, Session};
use crate::shell::run_line;
use crate::words::{self, Shown};

/// How many keys a completion offers at most.
const MOST_KEYS: usize = 20;

/// Reads commands from the terminal and runs them, until the user ends it.
pub fn run(session: &mut Session<'_>) -> Result<(), Failure> {
    let config =
        Config::builder().auto_add_history(true).completion_type(CompletionType::List).build();
    let mut editor: Editor<Completion, FileHistory> =
        Editor::with_config(config).map_err(terminal_failure)?;
    editor.set_helper(Some(Completion { db: session.db.clone() }));
    let history = history_file();
    if let Some(file) = &history {
        // There is none yet when the shell runs for the first time.
        let _ = editor.load_history(file);
    }
    println!("`help` lists the commands; `exit` or Ctrl-D ends.");
    loop {
        let line = match editor.readline("tinydb> ") {
            Ok(line) => line,
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => return Ok(()),
            Err(error) => return Err(terminal_failure(error)),
        };
        if let Some(file) = &history {
            // Before the command runs, which may be ended by Ctrl-C. A history that can't be kept is no
            // reason to fail.
            let _ = editor.append_history(file);
        }
        match run_line(session, line.as_bytes()) {
            Ok(Some(Outcome::Exit)) => return Ok(()),
            Ok(_) => {}
            Err(failure) if failure.is_broken_pipe() => return Err(failure),
            Err(failure) => report(None, &failure),
        }
    }
}

fn terminal_failure(error: ReadlineError) -> Failure {
    Failure::io("use the terminal")(std::io::Error::other(error))
}

/// Where the history is kept, in the place that the system has for such files; `None` if that can't
/// be had.
fn history_file() -> Option<PathBuf> {
    let places = etcetera::choose_base_strategy().ok()?;
    let folder = places.state_dir().unwrap_or_else(|| places.data_dir()).join("tinydb");
    fs::create_dir_all(&folder).ok()?;
    Some(folder.join("history"))
}

/// Completes commands, options and keys.
#[derive(Debug)]
pub struct Completion {
    /// Where the keys are.
    pub db: Db,
}

impl Completion {
    /// Where the last word of `line` begins, and what it could become.
    pub fn candidates(&self, line: &str) -> (usize, Vec<String>) {
        let start = line.rfind(|char: char| char.is_ascii_whitespace()).map_or(0, |at| at + 1);
        let (before, word) = line.split_at(start);
        let Ok(before) = words::split(before.as_bytes()) else {
            // The cursor is within quotes.
            return (start, Vec::new());
        };
        let traced = before.first().is_some_and(|word| word.bytes == b"trace");
        let before = &before[usize::from(traced)..];
        let candidates = match before.split_first() {
            None => command_names(word),
            Some((name, _)) if name.bytes == b"help" => command_names(word),
            Some((name, arguments)) => self.arguments(&name.bytes, arguments.len(), word),
        };
        (start, candidates)
    }

    /// What the word behind `count` others of the command `name` could become.
    fn arguments(&self, name: &[u8], count: usize, word: &str) -> Vec<String> {
        let Some(entry) = entry_named(name) else {
            return Vec::new();
        };
        if word.starts_with("--") {
            let options = entry.options.iter().filter(|option| option.starts_with(word));
            return options.map(|option| format!("{option} ")).collect();
        }
        if count < entry.keys { self.keys(word) } else { Vec::new() }
    }

    /// The first keys that begin with a plain word. The user can type on where they can't be read.
    fn keys(&self, word: &str) -> Vec<String> {
        let plain = words::split(word.as_bytes()).unwrap_or_default();
        let is_plain = word.is_empty() || plain.iter().any(|plain| plain.bytes == word.as_bytes());
        if !is_plain {
            return Vec::new();
        }
        let Ok(found) = self.db.scan_prefix(word) else {
            return Vec::new();
        };
        let keys = found.take(MOST_KEYS).map_while(Result::ok);
        keys.map(|found| format!("{} ", Shown(&found.key))).collect()
    }
}

fn command_names(start: &str) -> Vec<String> {
    let names = COMMANDS.iter().map(|entry| entry.name).filter(|name| name.starts_with(start));
    names.map(|name| format!("{name} ")).collect()
}

impl Completer for Completion {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let (start, candidates) = self.candidates(&line[..position]);
        let pair =
            |replacement: String| Pair { display: replacement.trim_end().to_owned(), replacement };
        Ok((start, candidates.into_iter().map(pair).collect()))
    }
}

// The rest of what rustyline can do for a line is left out.
impl Hinter for Completion {
    type Hint = String;
}
impl Highlighter for Completion {}
impl Validator for Completion {}
impl Helper for Completion {}
