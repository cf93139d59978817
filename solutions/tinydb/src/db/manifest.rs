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
    // exercise: week4.1
    pub fn encode(&self) -> Bytes {
        let mut out = BytesMut::new();
        out.put_slice(&MAGIC);
        out.put_u16(VERSION);
        out.put_u16(0);
        out.put_u64(self.writer_epoch);
        out.put_u64(self.next_sst_id);
        out.put_u64(self.replay_after_wal_id);
        out.put_u64(self.last_l0_seq);
        put_ids(&mut out, &self.l0);
        put_count(&mut out, self.sorted_runs.len());
        for run in &self.sorted_runs {
            out.put_u32(run.id);
            put_ids(&mut out, &run.ssts);
        }
        append_checksum(&mut out, 0);
        out.freeze()
    }

    /// Reads a manifest.
    ///
    /// Checks, in this order: the magic, the checksum of everything, the version, and that the
    /// lists end where the checksum starts. No room is made for a count that the bytes can't hold.
    // exercise: week4.1
    pub fn decode(bytes: Bytes) -> Result<Self, DecodeError> {
        if Cursor::new(&bytes).take_array("a manifest's magic")? != MAGIC {
            let expected = "a manifest of TinyDB";
            return Err(DecodeError::new(0, Corruption::WrongMagic { expected }));
        }
        let bytes = verify_checksum(bytes, "the manifest")?;
        let mut fields = Cursor::new(&bytes);
        fields.take_bytes(MAGIC.len(), "a manifest's magic")?;
        check_version(fields.take_u16("a manifest's version")?)?;
        fields.take_u16("a manifest's two zero bytes")?;
        let manifest = Self {
            writer_epoch: fields.take_u64("the writer epoch")?,
            next_sst_id: fields.take_u64("the next SST id")?,
            replay_after_wal_id: fields.take_u64("the last WAL segment that was flushed")?,
            last_l0_seq: fields.take_u64("the last sequence number that was flushed")?,
            l0: take_ids(&mut fields)?,
            sorted_runs: take_sorted_runs(&mut fields)?,
        };
        match fields.remaining() as u64 {
            0 => Ok(manifest),
            found => {
                let (what, expected) = ("the length behind the last sorted run", "it must be 0");
                let corruption = Corruption::InvalidField { what, found, expected };
                Err(DecodeError::new(fields.offset(), corruption))
            }
        }
    }

    /// The manifest after a flush: SST `sst` holds the rows of the WAL segment `wal_id`, the oldest
    /// that was not flushed yet; `max_seq` is its highest sequence number. If the manifest names the
    /// SST already, it stays as it is: the flush is tried again, because the answer to its commit was
    /// lost.
    // exercise: week4.1
    pub fn with_l0(&self, sst: u64, wal_id: u64, max_seq: u64) -> Self {
        let mut next = self.clone();
        if next.ssts().any(|named| named == sst) {
            return next;
        }
        next.l0.insert(0, sst);
        next.next_sst_id = next.next_sst_id.max(sst.saturating_add(1));
        next.replay_after_wal_id = wal_id;
        next.last_l0_seq = next.last_l0_seq.max(max_seq);
        next
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

// solution-only: begin
fn put_count(out: &mut BytesMut, count: usize) {
    // A database has far fewer files than 4 billion.
    out.put_u32(count as u32);
}

fn put_ids(out: &mut BytesMut, ids: &[u64]) {
    put_count(out, ids.len());
    for &id in ids {
        out.put_u64(id);
    }
}

fn check_version(found: u16) -> Result<(), DecodeError> {
    if found == VERSION {
        return Ok(());
    }
    let known = "version 1";
    Err(DecodeError::new(MAGIC.len(), Corruption::UnknownVersion { found, known }))
}

fn take_ids(fields: &mut Cursor<'_>) -> Result<Vec<u64>, DecodeError> {
    let count = fields.take_u32("a number of SSTs")? as usize;
    let bytes = count.saturating_mul(size_of::<u64>());
    let ids = fields.take_bytes(bytes, "the numbers of SSTs")?;
    let mut ids = Cursor::new(&ids);
    (0..count).map(|_| ids.take_u64("the number of an SST")).collect()
}

fn take_sorted_runs(fields: &mut Cursor<'_>) -> Result<Vec<SortedRun>, DecodeError> {
    let count = fields.take_u32("a number of sorted runs")?;
    let mut runs = Vec::new();
    for _ in 0..count {
        let id = fields.take_u32("the number of a sorted run")?;
        runs.push(SortedRun { id, ssts: take_ids(fields)? });
    }
    Ok(runs)
}
// solution-only: end
