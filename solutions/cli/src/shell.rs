//! Where commands come from: the program's arguments, its input, or a terminal.

use std::ffi::OsString;
use std::io::{self, BufRead, IsTerminal as _, Write};
use std::path::Path;

use tinydb::db::Trace;

use crate::args::ShellArgs;
use crate::command::{Command, GrammarError, entry_named};
use crate::failure::Failure;
use crate::report;
use crate::session::{Outcome, Session};
use crate::terminal;
use crate::words::{self, Word, WordError};

/// How everything has ended, in the order in which one outweighs another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// All went well.
    Well,
    /// A `get` found no value.
    NotFound,
    /// Something has failed, and the user was told.
    Failed,
}

/// Opens a database, runs commands on it, and closes it.
pub fn run(args: ShellArgs, input: impl BufRead, out: &mut dyn Write) -> Result<Ending, Failure> {
    let command = one_command(&args.command)?;
    let mut session = open(&args, out)?;
    let ending = match command {
        Some(command) => session.run(&command).map(Ending::from),
        None if io::stdin().is_terminal() && io::stdout().is_terminal() => {
            terminal::run(&mut session).map(|()| Ending::Well)
        }
        None => run_script(&mut session, input, args.keep_going),
    };
    let closed = session.db.close();
    let ending = ending?;
    closed?;
    Ok(ending)
}

/// The command in the program's arguments. It is read before the database is opened, so that a slip
/// makes no database.
fn one_command(arguments: &[OsString]) -> Result<Option<Command>, GrammarError> {
    if arguments.is_empty() {
        return Ok(None);
    }
    let words = arguments.iter().map(|word| words::from_argument(word.as_encoded_bytes()));
    let words: Vec<Word> = words.collect::<Result<_, WordError>>()?;
    Command::from_words(&words).map(Some)
}

fn open<'a>(args: &ShellArgs, out: &'a mut dyn Write) -> Result<Session<'a>, Failure> {
    let directory = args.directory.clone().unwrap_or_default();
    refuse_command_as_directory(&directory)?;
    let trace = Trace::new();
    if args.trace_open {
        trace.start();
    }
    let db = args.open.builder(directory.clone()).with_trace(trace.clone()).build()?;
    let steps = trace.stop();
    if db.stats()?.manifest_id == 1 {
        // Not a part of what a script prints.
        let _ = writeln!(io::stderr(), "made a new database in {}", directory.display());
    }
    let mut session = Session::new(db, args.open.merge_operator, out);
    session.print_steps(&steps)?;
    Ok(session)
}

/// Whoever forgets the folder gets told, and not a new database called `stats`.
fn refuse_command_as_directory(directory: &Path) -> Result<(), Failure> {
    match directory.to_str().filter(|name| entry_named(name.as_bytes()).is_some()) {
        Some(name) if !directory.exists() => Err(Failure::NamedLikeCommand(name.to_owned())),
        _ => Ok(()),
    }
}

impl From<Outcome> for Ending {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done | Outcome::Exit => Self::Well,
            Outcome::NotFound => Self::NotFound,
        }
    }
}

/// Runs a command from each line of `input`. Ends at the first that fails, unless `keep_going`.
fn run_script(
    session: &mut Session<'_>,
    mut input: impl BufRead,
    keep_going: bool,
) -> Result<Ending, Failure> {
    let mut ending = Ending::Well;
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let read = input.read_until(b'\n', &mut line).map_err(Failure::io("read the input"))?;
        if read == 0 {
            break;
        }
        match run_line(session, &line) {
            Ok(None) => {}
            Ok(Some(Outcome::Exit)) => break,
            Ok(Some(outcome)) => ending = ending.max(outcome.into()),
            Err(failure) if failure.is_broken_pipe() => return Err(failure),
            Err(failure) => {
                report(Some(number), &failure);
                ending = Ending::Failed;
                if !keep_going {
                    break;
                }
            }
        }
    }
    Ok(ending)
}

/// Runs the command of a line, if it holds one.
pub fn run_line(session: &mut Session<'_>, line: &[u8]) -> Result<Option<Outcome>, Failure> {
    match Command::from_line(line)? {
        Some(command) => session.run(&command).map(Some),
        None => Ok(None),
    }
}
