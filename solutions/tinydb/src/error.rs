//! What can go wrong, and where.
//!
//! There are few kinds of error, and each carries what its reader needs: the argument that was
//! wrong, or the file and the offset in it, and what to do next. SlateDB does the same with
//! `ErrorKind` (`src/error.rs`).

use std::io;
use std::sync::Arc;

/// The result of every operation of the engine that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failed operation.
///
/// An operation that returns an error has changed nothing that a reader of the database can see,
/// unless its documentation says otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The caller passed something that can't be stored or found; the message says what would do.
    #[error("invalid {argument}: {problem}")]
    InvalidArgument {
        /// The argument's name in the function's signature.
        argument: &'static str,
        /// What is wrong with it, and what is allowed.
        problem: String,
    },

    /// A file does not hold what was written to it.
    #[error(
        "{file} is damaged at offset {offset}: {corruption}. \
         Restore the file from a copy; nothing was changed"
    )]
    Corrupt {
        /// The file's or object's path.
        file: String,
        /// Bytes from the start of the file to the place that is wrong.
        offset: u64,
        /// What is wrong there.
        corruption: Corruption,
    },

    /// There is no object of this path.
    #[error("{path} does not exist")]
    NotFound {
        /// The object's path.
        path: String,
    },

    /// An object of this path exists already, and was left as it is.
    #[error("{path} exists already; it was left as it is")]
    AlreadyExists {
        /// The object's path.
        path: String,
    },

    /// A read reached past the end of an object.
    #[error("{path} holds {size} bytes, but bytes {start}..{end} were asked for")]
    OutOfRange {
        /// The object's path.
        path: String,
        /// The first byte asked for.
        start: u64,
        /// One past the last byte asked for.
        end: u64,
        /// How many bytes the object has.
        size: u64,
    },

    /// The operating system refused a read, a write or a sync.
    #[error("could not {operation} {path}: {source}")]
    Io {
        /// What was tried, such as `"sync"`.
        operation: &'static str,
        /// The file or folder it was tried on.
        path: String,
        /// What the operating system answered.
        source: io::Error,
    },

    /// A merge operand was read, and there is no operator that could apply it.
    #[error(
        "key {key:?} holds a merge operand, but there is no merge operator. \
         Open the database with the operator that the operand was written for"
    )]
    MergeOperatorMissing {
        /// The key.
        key: bytes::Bytes,
    },

    /// The merge operator refused the operands of a key.
    #[error(
        "could not merge the operands of key {key:?}: {source}. Nothing was changed. \
         Open the database with the operator that they were written for, or mend the operator"
    )]
    MergeFailed {
        /// The key.
        key: bytes::Bytes,
        /// What the operator said.
        source: MergeOperatorError,
    },

    /// An earlier write or sync of this log failed, so what its end looks like is not known.
    #[error(
        "{file} takes no more writes, because an earlier one failed. \
         Open the log again: it will be cut at its last whole record"
    )]
    WalFailed {
        /// The segment's path.
        file: String,
    },

    /// Another database, in this process or another, has this directory open.
    #[error(
        "{path} is locked: the database is open already. \
         Close it there, or share that `Db` (it can be cloned)"
    )]
    Locked {
        /// The lock file.
        path: String,
    },

    /// Another cache, in this process or another, uses this folder.
    #[error(
        "{path} is locked: another cache uses this folder already. \
         Share that cache, or give this one a folder of its own"
    )]
    CacheLocked {
        /// The lock file.
        path: String,
    },

    /// Another writer has taken the database over; this one must not write any more.
    #[error(
        "this writer (epoch {epoch}) was fenced: {manifest} is by the writer of epoch \
         {newer_epoch}. Nothing was changed; open the database again to take it over"
    )]
    Fenced {
        /// This writer's epoch.
        epoch: u64,
        /// The other writer's.
        newer_epoch: u64,
        /// The manifest that shows it.
        manifest: String,
    },

    /// The database was opened with another WAL since this WAL was written.
    #[error(
        "{segment} holds writes of a writer that was replaced: it had epoch {epoch}, and the \
         database has been opened elsewhere since, with epoch {newer_epoch}. Those of its writes \
         that were not flushed are not in the database, and can't be put in behind newer ones. \
         Keep the segments somewhere else; without them, the database opens"
    )]
    WalReplaced {
        /// A segment that holds writes.
        segment: String,
        /// The epoch of the writer that wrote it.
        epoch: u64,
        /// The epoch of the newest manifest.
        newer_epoch: u64,
    },

    /// A memtable could not be written as an SST.
    #[error(
        "a flush failed: {source}. Its rows are safe in memory and in the WAL; \
         it is tried again with the next flush, or when a writer needs its room"
    )]
    FlushFailed {
        /// Why.
        source: Arc<Error>,
    },

    /// A compaction could not be finished.
    #[error(
        "a compaction failed: {source}. The database is as it was before it; \
         it is tried again after a while"
    )]
    CompactionFailed {
        /// Why.
        source: Arc<Error>,
    },

    /// A write was accepted, and a commit that should have made it durable failed.
    #[error(
        "the write is in memory, but could not be made durable: {source}. It may be lost when the \
         database is closed. Mend the cause, open the database again, and look whether the write \
         is there before you repeat it"
    )]
    NotDurable {
        /// Why.
        source: Arc<Error>,
    },

    /// Somebody asked for the work to be given up.
    #[error("the {work} was cancelled. Nothing was changed")]
    Cancelled {
        /// What was given up, such as `"compaction"`.
        work: &'static str,
    },

    /// The database was closed, or a panic ended its work in the background.
    #[error("the database is closed. Open it again")]
    Closed,
}

impl Error {
    /// An [`Error::InvalidArgument`].
    pub fn invalid(argument: &'static str, problem: impl Into<String>) -> Self {
        let problem = problem.into();
        Self::InvalidArgument { argument, problem }
    }

    /// Wraps what the operating system answered when `operation` was tried on `path`; to be used
    /// with `map_err`.
    pub fn io(operation: &'static str, path: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { operation, path, source }
    }
}

// ANCHOR: merge_operator_error
/// Why a merge operator gave no result. Whoever knows the key turns this into an
/// [`Error::MergeFailed`].
///
/// SlateDB: `MergeOperatorError` in `src/merge_operator.rs`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MergeOperatorError {
    /// There was no operand, and no existing value either.
    #[error("there is nothing to merge: no existing value and no operand")]
    EmptyBatch,
    /// An operand or the existing value is longer or shorter than the operator's values are.
    #[error("a value or operand has {found} bytes, but the operator expects {expected}")]
    WrongLength {
        /// How many bytes each value and operand of this operator has.
        expected: usize,
        /// How many bytes this one has.
        found: usize,
    },
    /// Whatever else an operator has to say.
    #[error("{message}")]
    Callback {
        /// What went wrong, and what the operator expects.
        message: String,
    },
}
// ANCHOR_END: merge_operator_error

impl MergeOperatorError {
    /// A [`MergeOperatorError::Callback`].
    pub fn callback(message: impl Into<String>) -> Self {
        Self::Callback { message: message.into() }
    }
}

/// Bytes that could not be decoded. Whoever knows which file they came from turns this into an
/// [`Error::Corrupt`] with [`DecodeError::in_file`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at byte {offset}: {corruption}")]
pub struct DecodeError {
    /// Bytes from the start of the input to the place that is wrong.
    pub offset: u64,
    /// What is wrong there.
    pub corruption: Corruption,
}

impl DecodeError {
    /// An error at `offset` bytes from the start of the input.
    pub fn new(offset: usize, corruption: Corruption) -> Self {
        Self { offset: offset as u64, corruption }
    }

    /// Moves the error `base` bytes further, for input that is a slice of a longer one.
    #[must_use]
    pub fn shifted(self, base: u64) -> Self {
        Self { offset: self.offset.saturating_add(base), ..self }
    }

    /// Names the file, given that the decoded bytes start `base` bytes into it.
    pub fn in_file(self, file: &str, base: u64) -> Error {
        let Self { offset, corruption } = self.shifted(base);
        Error::Corrupt { file: file.to_owned(), offset, corruption }
    }
}

/// How bytes can be wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Corruption {
    /// The input ends before what it should hold.
    #[error("{what} needs {needed} bytes, but {available} are left")]
    Truncated {
        /// What was being read.
        what: &'static str,
        /// How many bytes it needs.
        needed: u64,
        /// How many there are.
        available: u64,
    },
    /// A checksum differs from that of the bytes it protects.
    #[error("the checksum of {what} is {stored:#010x}, but its bytes give {computed:#010x}")]
    ChecksumMismatch {
        /// What the checksum protects.
        what: &'static str,
        /// The checksum in the file.
        stored: u32,
        /// The checksum of the bytes in the file.
        computed: u32,
    },
    /// The file is not of the kind that was expected.
    #[error("this is not {expected}")]
    WrongMagic {
        /// The kind of file that was expected.
        expected: &'static str,
    },
    /// The file was written in a format this program does not know.
    #[error("format version {found} is not known here; this program reads {known}")]
    UnknownVersion {
        /// The version in the file.
        found: u16,
        /// The versions this program reads.
        known: &'static str,
    },
    /// A file that others prove to have existed is gone.
    #[error("the file is missing, although {proof} is there")]
    Missing {
        /// What shows that there was one.
        proof: String,
    },
    /// A record is cut short, and not by a crash: writing has gone on in a later file.
    #[error("the record is cut short, although {proof} was begun after it")]
    CutShort {
        /// What shows that the record was whole.
        proof: String,
    },
    /// A field holds a value that is not allowed there.
    #[error("{what} is {found}, but {expected}")]
    InvalidField {
        /// The field.
        what: &'static str,
        /// What it holds.
        found: u64,
        /// What it may hold.
        expected: &'static str,
    },
}
