//! The manifest: which files make up the database.
//!
//! An SST on the object store is part of the database only when a manifest names it. So the writer
//! puts the SST first and commits the manifest afterwards: a crash in between leaves an SST that
//! nobody reads, and never half a flush.
//!
//! Every version of the manifest is an object of its own with the next number; the one with the
//! highest number counts. [`ManifestStore`](super::ManifestStore) says how that is kept safe.
//!
//! ```text
//! offset 0          8         10       12        20          28           36          44
//!        +----------+---------+--------+---------+-----------+------------+-----------+
//!        | magic    | u16     | u16    | u64     | u64       | u64        | u64       |
//!        | TINYDBMF | version | 0      | writer  | next      | replay     | last      |
//!        |          | 1       |        | epoch   | SST id    | after WAL  | L0 seq    |
//!        +----------+---------+--------+---------+-----------+------------+-----------+
//!
//!        44
//!        +-----------+----------+-----+-----------+--------+-----------+-----+--------+
//!        | u32       | u64      | ... | u32       | u32    | u32       | ... | u32    |
//!        | L0 count  | SST id   |     | run count | run id | SST count |     | CRC-32 |
//!        +-----------+----------+-----+-----------+--------+-----------+-----+--------+
//! ```
//!
//! | field | bytes | meaning |
//! |---|---|---|
//! | magic, version | 10 | what this file is |
//! | zero | 2 | for later versions; a reader does not look at it |
//! | writer epoch | 8 | who may write: each opening of the database takes the next number |
//! | next SST id | 8 | every SST that the database has had has a lower number |
//! | replay after WAL | 8 | the rows of WAL segments up to this one are in SSTs |
//! | last L0 seq | 8 | the highest sequence number that was ever flushed |
//! | L0 | 4 + 8 each | the level-0 SSTs, newest first |
//! | sorted runs | 4 + (8 + 8 each) each | the sorted runs, newest first: id, and the SSTs in key order (week 8) |
//! | CRC-32 | 4 | over everything before |
//!
//! SlateDB: `Manifest` in `src/manifest/mod.rs`, with `ManifestCore` and `LsmTreeState` in it, holds the
//! same and more, but no next SST id: SSTs are named by ULIDs. It is encoded with FlatBuffers, which lets
//! old programs read newer files.

use bytes::{BufMut, Bytes, BytesMut};

use crate::compaction::{CompactionSpec, SourceId};
use crate::error::{Corruption, DecodeError};
use crate::format::checksum::{append_checksum, verify_checksum};
use crate::format::cursor::Cursor;

/// The first bytes of a manifest.
pub const MAGIC: [u8; 8] = *b"TINYDBMF";
/// The version of the format. DO NOT CHANGE: a new format is a new number.
pub const VERSION: u16 = 1;

// ANCHOR: manifest
/// Which files make up the database, and where recovery starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The epoch of the writer that committed this version.
    pub writer_epoch: u64,
    /// The number of the next SST. Numbers are never used twice.
    pub next_sst_id: u64,
    /// The rows of the WAL segments up to this one are in SSTs: recovery starts behind it.
    pub replay_after_wal_id: u64,
    /// The highest sequence number that was ever flushed.
    pub last_l0_seq: u64,
    /// The level-0 SSTs, newest first.
    pub l0: Vec<u64>,
    /// The sorted runs, newest first.
    pub sorted_runs: Vec<SortedRun>,
}

/// SSTs that don't overlap, in key order: together one long sorted table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortedRun {
    /// The run's number; a newer run has a higher one.
    pub id: u32,
    /// Its SSTs, in key order.
    pub ssts: Vec<u64>,
}
// ANCHOR_END: manifest

impl Default for Manifest {
    /// The manifest of an empty database that nobody has opened yet.
    fn default() -> Self {
        Self {
            writer_epoch: 0,
            next_sst_id: 1,
            replay_after_wal_id: 0,
            last_l0_seq: 0,
            l0: Vec::new(),
            sorted_runs: Vec::new(),
        }
    }
}

impl Manifest {
    /// The manifest's bytes.
    // Task 4.1: Encode and decode a manifest
    pub fn encode(&self) -> Bytes {
        todo!("week 4, task 1: Encode and decode a manifest")
    }

    /// Reads a manifest.
    ///
    /// Checks, in this order: the magic, the checksum of everything, the version, and that the
    /// lists end where the checksum starts. No room is made for a count that the bytes can't hold.
    // Task 4.1: Encode and decode a manifest
    pub fn decode(bytes: Bytes) -> Result<Self, DecodeError> {
        todo!("week 4, task 1: Encode and decode a manifest")
    }

    /// The manifest after a flush: SST `sst` holds the rows of the WAL segment `wal_id`, the oldest
    /// that was not flushed yet; `max_seq` is its highest sequence number. If the manifest names the
    /// SST already, it stays as it is: the flush is tried again, because the answer to its commit was
    /// lost.
    // Task 4.1: Encode and decode a manifest
    pub fn with_l0(&self, sst: u64, wal_id: u64, max_seq: u64) -> Self {
        todo!("week 4, task 1: Encode and decode a manifest")
    }

    /// The manifest after a compaction (week 8): the SSTs `ssts` take the place of the sources, as the
    /// sorted run that is the destination. Without an SST there is no such run. Trying it again
    /// changes nothing.
    pub fn with_compaction(&self, spec: &CompactionSpec, ssts: &[u64]) -> Self {
        let mut next = self.clone();
        let is_source = |id: SourceId| spec.sources.contains(&id);
        next.l0.retain(|&id| !is_source(SourceId::L0(id)));
        next.sorted_runs
            .retain(|run| run.id != spec.destination && !is_source(SourceId::SortedRun(run.id)));
        if !ssts.is_empty() {
            let place = next.sorted_runs.partition_point(|run| run.id > spec.destination);
            let run = SortedRun { id: spec.destination, ssts: ssts.to_vec() };
            next.sorted_runs.insert(place, run);
        }
        let highest = ssts.iter().map(|id| id.saturating_add(1)).max().unwrap_or(0);
        next.next_sst_id = next.next_sst_id.max(highest);
        next
    }

    /// Every SST that the manifest names.
    pub fn ssts(&self) -> impl Iterator<Item = u64> {
        let runs = self.sorted_runs.iter().flat_map(|run| &run.ssts);
        self.l0.iter().chain(runs).copied()
    }
}
