//! What can go wrong, each with what to do about it.

use std::path::PathBuf;

use crate::crates::COMPARE;
use crate::week::TaskId;

/// Everything a command of the course can fail with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The current directory is in no course.
    #[error(
        "no course here: neither {start} nor a folder above it has a Cargo.toml with [workspace] and a `chapters` folder.\n\
         Change into your copy of the course and run the command again."
    )]
    NoCourse {
        /// Where the search began.
        start: PathBuf,
    },
    /// A file or folder could not be read or written.
    #[error("cannot {verb} {path}: {source}")]
    Io {
        /// What was tried, as in "read".
        verb: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Something is wrong at a line of a file of the course.
    #[error("{path}:{line}: {message}")]
    At {
        /// The file, seen from the root of the course.
        path: String,
        /// The line, from 1.
        line: usize,
        /// What was expected, what was seen, what to do.
        message: String,
    },
    /// Something is wrong with a file of the course as a whole.
    #[error("{path}: {message}")]
    File {
        /// The file, seen from the root of the course.
        path: String,
        /// What was expected, what was seen, what to do.
        message: String,
    },
    /// There is no such week.
    #[error("there is no week {asked}. The weeks are: {known}.")]
    NoWeek {
        /// What was asked for.
        asked: u8,
        /// The weeks that exist.
        known: String,
    },
    /// There is no such script.
    #[error(
        "there is no script {asked}: neither one of the book's nor a file. The book's are: {known}."
    )]
    NoScript {
        /// What was asked for.
        asked: String,
        /// The names of those that exist.
        known: String,
    },
    /// There are no such tests of the engine.
    #[error("the engine has no tests {asked}. It has: {known}.")]
    NoTests {
        /// What was asked for.
        asked: String,
        /// The names of those that exist.
        known: String,
    },
    /// There is no such task.
    #[error("week {} has no task {asked}. Its tasks are: {known}.", asked.week)]
    NoTask {
        /// What was asked for.
        asked: TaskId,
        /// The tasks that exist.
        known: String,
    },
    /// A week has no planted bugs.
    #[error("week {week} has no planted bugs. The weeks with some are: {known}.")]
    NoBugs {
        /// What was asked for.
        week: u8,
        /// The weeks that have bugs, or "none yet".
        known: String,
    },
    /// There is no such bug.
    #[error("week {week} has no bug `{asked}`. Its bugs are: {known}.")]
    NoBug {
        /// What was asked for.
        asked: String,
        /// The week asked about.
        week: u8,
        /// The bugs that exist.
        known: String,
    },
    /// The patch of a planted bug or a right variant does not fit the reference.
    #[error(
        "{patch}: the {kind} can no longer be planted in {file}: {why}.\n\
         Have you changed that file? Then bring it back: git restore {file}\n\
         Has the reference moved on? Then plant the {kind} anew: see \"{heading}\" in CONTRIBUTING.md."
    )]
    StalePatch {
        /// What it is: "bug" or "variant".
        kind: &'static str,
        /// The heading about it in CONTRIBUTING.md.
        heading: &'static str,
        /// The patch's file, seen from the root of the course.
        patch: String,
        /// The file to be patched.
        file: String,
        /// What did not fit.
        why: String,
    },
    /// This copy of the course has no shell.
    #[error(
        "{expected}: missing: the shell is not in this copy of the course.\n\
         Get the course's newest version, for instance by merging its main branch into yours."
    )]
    NoShell {
        /// The shell's manifest, seen from the root of the course.
        expected: String,
    },
    /// Writing the stubs would destroy edits.
    #[error(
        "these stubs hold work that is not committed, so nothing was written:\n{files}\n\
         Commit your work first, or run `cargo course stubs --force`: it keeps a copy of each under target/course/backup."
    )]
    Edited {
        /// The files, one a line.
        files: String,
    },
    /// A command will not do what it was asked for, and says why and what to do.
    #[error("{0}")]
    Refused(String),
    /// A program could not be started.
    #[error("cannot run `{program}`: {source}. Is it installed and on the PATH?")]
    Start {
        /// The program.
        program: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A program ended with a failure.
    #[error("`{command}` failed:\n{output}")]
    Program {
        /// The command as one would type it.
        command: String,
        /// What it said.
        output: String,
    },
    /// The stubs or the tests do not compile.
    #[error("the code does not compile. Mend the first of these errors first:\n\n{output}")]
    Compile {
        /// The compiler's errors.
        output: String,
    },
    /// The port is taken.
    #[error(
        "port {port} is taken, perhaps by another `cargo course serve`.\n\
         Try another: cargo course serve --port {other}"
    )]
    Port {
        /// The port asked for.
        port: u16,
        /// Another to try.
        other: u16,
    },
    /// mdBook could be neither found nor installed.
    #[error("mdBook {version} could not be installed:\n{reasons}")]
    NoMdbook {
        /// The pinned version.
        version: &'static str,
        /// What each way of installing it said.
        reasons: String,
    },
    /// The sources of SlateDB are not on this machine.
    #[error(
        "{missing} is not in {places}.\n\
         Cargo unpacks it there with: cargo fetch --manifest-path {COMPARE}\n\
         Or say where the unpacked crates are: cargo course slatedb --sources DIR"
    )]
    NoSources {
        /// The crate with its version.
        missing: String,
        /// Where it was looked for.
        places: String,
    },
    /// The file system does not tell of changes.
    #[error(
        "cannot watch {path}: {message}.\n\
         Without watching, `cargo course test N` runs the tests of a week."
    )]
    Watch {
        /// What was to be watched.
        path: PathBuf,
        /// What the system said.
        message: String,
    },
    /// There is no such gate.
    #[error("there is no gate `{asked}`. The gates are: {known}.")]
    NoGate {
        /// What was asked for.
        asked: String,
        /// The gates that exist.
        known: String,
    },
}

impl Error {
    /// For `map_err` on a call of the file system.
    pub(crate) fn io(
        verb: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { verb, path, source }
    }

    /// An error at a line of a file.
    pub(crate) fn at(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self::At { path: path.to_owned(), line, message: message.into() }
    }

    /// An error about a whole file.
    pub(crate) fn file(path: &str, message: impl Into<String>) -> Self {
        Self::File { path: path.to_owned(), message: message.into() }
    }
}
