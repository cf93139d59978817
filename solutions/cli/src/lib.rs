//! The shell for databases of TinyDB: the program `tinydb`.
//!
//! | module | what it is |
//! |---|---|
//! | [`args`] | the program's arguments |
//! | [`shell`] | where commands come from: an argument, a file or a terminal |
//! | [`terminal`] | line editing, history and completion |
//! | [`command`] | the commands, and how they are read |
//! | [`words`] | how keys and values are typed and printed |
//! | [`session`] | runs commands on a database |
//! | [`inspect`] | prints a file of a database, byte by byte |
//! | [`record`] | runs a script and records, for the book's player, what moves where |
//!
//! The package uses the engine by the name `tinydb` only, and knows nothing of where it is built. So it
//! can be built with another engine of the same shape.
#![forbid(unsafe_code)]

pub mod args;
pub mod command;
pub mod data_set;
pub mod failure;
pub mod inspect;
pub mod merge;
pub mod record;
pub mod session;
pub mod shell;
pub mod terminal;
pub mod words;

use std::io::{self, BufWriter, Write as _};
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};

use crate::args::{Cli, Tool};
use crate::failure::Failure;
use crate::shell::Ending;

/// The program: reads its arguments, does what they say, and returns the exit code.
pub fn main() -> ExitCode {
    let cli = match Cli::from_args(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => {
            // It is help, or a message about the arguments. If it can't be printed, nobody reads it.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    match run(cli) {
        Ok(Ending::Well) => ExitCode::SUCCESS,
        Ok(Ending::Failed) => ExitCode::FAILURE,
        Ok(Ending::NotFound) => ExitCode::from(2),
        Err(failure) => {
            report(None, &failure);
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<Ending, Failure> {
    // Colours are left out where the output is no terminal.
    let mut out = BufWriter::new(anstream::stdout());
    match cli.tool {
        Some(Tool::Inspect { file, full }) => {
            let inspected = inspect::print(&file, full, &mut out);
            out.flush().map_err(Failure::Output)?;
            inspected.map(|()| Ending::Well)
        }
        Some(Tool::Record { script, out: file }) => {
            let recorded = record::record(&script, file.as_deref(), &mut out);
            out.flush().map_err(Failure::Output)?;
            recorded.map(|()| Ending::Well)
        }
        None => shell::run(cli.shell, io::stdin().lock(), &mut out),
    }
}

/// Tells the user of a failure, and of the input's line that it happened in.
fn report(line: Option<u64>, failure: &Failure) {
    if failure.is_broken_pipe() {
        return;
    }
    let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
    let line = line.map(|line| format!("line {line}: ")).unwrap_or_default();
    // If this can't be written either, there is nobody to tell.
    let _ = writeln!(anstream::stderr(), "{red}error:{red:#} {line}{failure}");
}
