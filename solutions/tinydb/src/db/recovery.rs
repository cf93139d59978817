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
// exercise: week4.6
pub fn recover(wal_store: &dyn WalStore, manifest: &Manifest, trace: &Trace) -> Result<Recovered> {
    let replay_after = manifest.replay_after_wal_id;
    let segments = delete_flushed(wal_store, replay_after)?;
    check_gaps(wal_store, replay_after, &segments)?;
    let wal_id =
        replay_after.checked_add(segments.len().max(1) as u64).ok_or_else(out_of_numbers)?;
    let mut immutables = Vec::new();
    let mut mem_table = Arc::default();
    let mut last_seq = manifest.last_l0_seq;
    for segment in segments {
        let table = Arc::new(MemTable::new());
        last_seq = replay(wal_store, segment, segment == wal_id, last_seq, &table, trace)?;
        if segment == wal_id {
            mem_table = table;
        } else if !table.is_empty() {
            immutables.insert(0, ImmutableMemTable { wal_id: segment, table });
        }
    }
    // Cuts off a torn tail; makes the segment if there is none.
    let wal = WalWriter::resume(wal_store.name(wal_id), wal_store.open(wal_id)?)?;
    Ok(Recovered { immutables, wal, wal_id, mem_table, last_seq })
}

/// The error for a database whose last WAL segment has the highest number there is.
pub(super) fn out_of_numbers() -> Error {
    Error::invalid("wal_id", "there are no segment numbers left; copy the data into a new database")
}

// solution-only: begin
/// Deletes the segments up to `replay_after`; returns the others.
fn delete_flushed(wal_store: &dyn WalStore, replay_after: u64) -> Result<Vec<u64>> {
    let segments = wal_store.list()?;
    let (flushed, rest) = segments.split_at(segments.partition_point(|&id| id <= replay_after));
    for &wal_id in flushed {
        wal_store.delete(wal_id)?;
    }
    Ok(rest.to_vec())
}

fn check_gaps(wal_store: &dyn WalStore, replay_after: u64, segments: &[u64]) -> Result<()> {
    for (expected, &found) in (replay_after..=u64::MAX).skip(1).zip(segments) {
        if expected != found {
            let corruption = Corruption::Missing { proof: wal_store.name(found) };
            return Err(DecodeError::new(0, corruption).in_file(&wal_store.name(expected), 0));
        }
    }
    Ok(())
}

/// Puts the rows of a segment into `table`. The row in front of them has number `last_seq`; returns the
/// number of their last.
fn replay(
    wal_store: &dyn WalStore,
    wal_id: u64,
    is_last: bool,
    mut last_seq: u64,
    table: &MemTable,
    trace: &Trace,
) -> Result<u64> {
    let name = wal_store.name(wal_id);
    let contents = wal_store.open(wal_id)?.read_all();
    let contents = contents.map_err(Error::io("read", &name))?;
    let is_empty = contents.is_empty();
    let mut reader = WalReader::new(&name, contents)?;
    let mut rows = 0;
    let mut offset = reader.offset();
    while let Some(batch) = reader.next_batch()? {
        check_next(&batch, last_seq).map_err(|error| error.in_file(&name, offset))?;
        offset = reader.offset();
        for row in batch {
            last_seq = row.seq;
            rows += 1;
            table.put(row);
        }
    }
    // A file without a byte has no torn tail, but no header either.
    let cut = reader.torn_tail().map(|tail| tail.offset).or(is_empty.then_some(0));
    if let Some(offset) = cut.filter(|_| !is_last) {
        let corruption = Corruption::CutShort { proof: wal_store.name(wal_id + 1) };
        return Err(DecodeError::new(0, corruption).in_file(&name, offset));
    }
    trace.record(|| Step::WalReplay { wal_id, rows });
    Ok(last_seq)
}

/// Checks that no record is missing in front of a batch.
fn check_next(batch: &[RowEntry], last_seq: u64) -> Result<(), DecodeError> {
    match batch.first() {
        Some(row) if Some(row.seq) != last_seq.checked_add(1) => {
            let (what, expected) = (
                "the first sequence number of a record",
                "it goes on behind the record before: records are missing in front of this one, \
                 perhaps at the end of the segment before",
            );
            let corruption = Corruption::InvalidField { what, found: row.seq, expected };
            Err(DecodeError::new(0, corruption))
        }
        _ => Ok(()),
    }
}
// solution-only: end
