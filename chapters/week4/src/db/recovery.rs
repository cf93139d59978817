//! From the manifest and the WAL back to the memtables.

use std::sync::Arc;

use crate::error::{Corruption, DecodeError, Error, Result};
use crate::format::{RowEntry, Step};
use crate::storage::{MemTable, WalReader, WalStore, WalWriter};

use super::manifest::Manifest;
use super::state::ImmutableMemTable;
use super::trace::Trace;

/// What the WAL gave back.
#[derive(Debug)]
pub struct Recovered {
    /// The rows of the segments before the last, newest first, to be flushed; none is empty.
    pub immutables: Vec<ImmutableMemTable>,
    /// The last segment, to be continued.
    pub wal: WalWriter,
    /// Its number.
    pub wal_id: u64,
    /// Its rows.
    pub mem_table: Arc<MemTable>,
    /// The highest sequence number that was ever used, as far as the manifest and the WAL know.
    pub last_seq: u64,
}

/// Reads the segments behind [`Manifest::replay_after_wal_id`], in order, each into a memtable of
/// its own. A database without such a segment gets an empty one, with the next number.
///
/// 1. Segments up to `replay_after_wal_id` are deleted: their rows are in SSTs, and a crash kept
///    the writer from deleting them.
/// 2. Segments are numbered without a gap. One that is missing is damage.
/// 3. Only the last segment may end in a torn record, which is cut off: the writer syncs a segment
///    before it begins the next. Elsewhere a torn record is damage, and so is a torn or missing
///    header.
/// 4. The sequence numbers go on without a gap: from [`Manifest::last_l0_seq`] to the first record, from
///    record to record, and from segment to segment. Where one is missing, records are: a segment that
///    was cut between two of them looks whole.
/// 5. No row and no byte is taken away before every segment has been read without an error; segments
///    that were flushed are the exception.
///
/// SlateDB: `WalReplayIterator` in `src/wal_replay.rs`.
// Task 4.6: Recover from the WAL
pub fn recover(wal_store: &dyn WalStore, manifest: &Manifest, trace: &Trace) -> Result<Recovered> {
    todo!("week 4, task 6: Recover from the WAL")
}

/// The error for a database whose last WAL segment has the highest number there is.
pub(super) fn out_of_numbers() -> Error {
    Error::invalid("wal_id", "there are no segment numbers left; copy the data into a new database")
}
