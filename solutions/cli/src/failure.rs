//! Why a command failed.

use std::io;

use crate::command::GrammarError;

/// Why a command failed. What the database says is passed on as it is.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The database's answer.
    #[error(transparent)]
    Engine(#[from] tinydb::Error),
    /// What was typed is no command.
    #[error(transparent)]
    Grammar(#[from] GrammarError),
    /// The operating system's answer.
    #[error("could not {operation}: {source}")]
    Io {
        /// What was tried.
        operation: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The output could not be written.
    #[error("could not write the output: {0}")]
    Output(io::Error),
    /// A database would be made where a command was meant.
    #[error(
        "there is no database in {0}, which is the name of a command. \
         The folder comes first: `tinydb DIR {0} …`. For a new database of that name: `tinydb ./{0}`"
    )]
    NamedLikeCommand(String),
    /// `check` has found keys that don't have the value that `fill` gave them.
    #[error("{wrong} of {count} keys are wrong; the first is {first}")]
    Check {
        /// How many keys are wrong.
        wrong: u64,
        /// How many were read.
        count: u64,
        /// The first, and what it has.
        first: String,
    },
    /// A file that is none of the database's.
    #[error(
        "{0} is no file of a database: it neither begins as a WAL segment or a manifest \
         nor ends as an SST"
    )]
    UnknownFile(String),
    /// A script of a recording holds something that can't be recorded.
    #[error("{path}:{line}: {problem}")]
    Script {
        /// The script.
        path: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// What was recorded is not what happened.
    #[error("{0}")]
    Recording(String),
}

impl Failure {
    /// Wraps what the operating system answered; to be used with `map_err`.
    pub fn io(operation: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let operation = operation.into();
        move |source| Self::Io { operation, source }
    }

    /// Whether the reader of the output has gone: then there is nobody to tell.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}
