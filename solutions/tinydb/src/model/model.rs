//! What a database consists of.

use std::collections::BTreeMap;

use crate::format::{RowEntry, Step};

use super::merge::MergeFn;
use super::table::{self, Table};

/// A database, as simple as it can be said.
///
/// Every operation returns the steps that it took. They are those that the engine records for the
/// same operations, with the same numbers, if both begin as new databases.
///
/// What is promised: the steps of writes, gets, scans and freezes in the order in which the engine takes
/// them; the calls of the merge function among themselves; and the steps `Flush`, `ManifestCommit` and
/// `WalDelete` among themselves. How these three lists mix is not promised: the engine flushes in a
/// thread of its own, and merges while it reads, where the model reads first. For the same reason it is
/// not promised which snapshots a flush finds, and when it merges, if others read or open snapshots while
/// it is under way: in the model it happens at one moment.
///
/// What the model leaves out: it never freezes or flushes unless it is told to; it has no compaction and
/// no sorted run; and it does not fail, except on what no database may be asked for.
///
/// Invariants:
/// 1. Of one key, every row in a place is newer than every row in the places behind it. The places are,
///    newest first: `mem_table`, `immutables`, `l0`.
/// 2. The segments in `wal` hold the rows of `mem_table` and `immutables`, and no others.
/// 3. `last_seq` is the highest sequence number that was ever used, and 0 in a new database.
// ANCHOR: model
#[derive(Debug, Clone)]
pub struct Model {
    /// The WAL: segments by number, each with its rows in the order of writing.
    pub wal: BTreeMap<u64, Vec<RowEntry>>,
    /// The segment that is written now. It holds the memtable's rows.
    pub wal_id: u64,
    /// The memtable.
    pub mem_table: Table,
    /// Memtables that wait to be flushed, newest first.
    pub immutables: Vec<Frozen>,
    /// The SSTs, newest first.
    pub l0: Vec<Sst>,
    /// The sequence number of the last row.
    pub last_seq: u64,
    /// The number that the next SST gets.
    pub next_sst_id: u64,
    /// The number of the newest manifest.
    pub manifest_id: u64,
    /// The sequence numbers of the open snapshots, ascending.
    pub snapshots: Vec<u64>,
    /// What merge operands mean, if there are to be any.
    pub merge: Option<MergeFn>,
}

/// A memtable that takes no more rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frozen {
    /// The segment that holds its rows.
    pub wal_id: u64,
    /// The rows.
    pub table: Table,
}

/// An SST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sst {
    /// Its number.
    pub id: u64,
    /// Its rows.
    pub table: Table,
}
// ANCHOR_END: model

impl Model {
    /// A new database: nothing in it, an empty segment 1, and manifest 1.
    pub fn new() -> Self {
        Self {
            wal: BTreeMap::from([(1, Vec::new())]),
            wal_id: 1,
            mem_table: Table::new(),
            immutables: Vec::new(),
            l0: Vec::new(),
            last_seq: 0,
            next_sst_id: 1,
            manifest_id: 1,
            snapshots: Vec::new(),
            merge: None,
        }
    }

    /// A new database that takes merge operands.
    pub fn with_merge(merge: MergeFn) -> Self {
        Self { merge: Some(merge), ..Self::new() }
    }

    /// The sequence number of the last write: what a reader sees now, and later with
    /// [`get_at`](Self::get_at).
    pub fn seq(&self) -> u64 {
        self.last_seq
    }

    /// Opens a snapshot of what is there now; returns its sequence number. Flushes keep what it needs
    /// until it is closed. No step.
    pub fn open_snapshot(&mut self) -> u64 {
        self.snapshots.push(self.last_seq);
        self.last_seq
    }

    /// Closes a snapshot: one, if several were opened at this sequence number.
    pub fn close_snapshot(&mut self, seq: u64) {
        if let Some(place) = self.snapshots.iter().position(|&open| open == seq) {
            self.snapshots.remove(place);
        }
    }

    /// What a killed process leaves, opened again: what was in memory is filled anew from the WAL, one
    /// memtable for each segment. The snapshots are gone. A writer that opens a database commits a
    /// manifest, which is no step; the steps are `WalReplay`, for one segment after the other.
    pub fn reopen(&mut self) -> Vec<Step> {
        self.snapshots.clear();
        self.immutables.clear();
        self.manifest_id += 1;
        let mut steps = Vec::new();
        for (&wal_id, rows) in &self.wal {
            steps.push(Step::WalReplay { wal_id, rows: rows.len() });
            let table = table::table_of(rows.iter().cloned());
            if wal_id == self.wal_id {
                self.mem_table = table;
            } else {
                self.immutables.insert(0, Frozen { wal_id, table });
            }
        }
        steps
    }

    /// The tables of all places, newest first.
    pub fn places(&self) -> Vec<&Table> {
        let immutables = self.immutables.iter().map(|frozen| &frozen.table);
        let ssts = self.l0.iter().map(|sst| &sst.table);
        std::iter::once(&self.mem_table).chain(immutables).chain(ssts).collect()
    }
}

impl Default for Model {
    fn default() -> Self {
        Self::new()
    }
}
