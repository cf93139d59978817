//! What a reader sees: every place where a row can be, at one moment.

use std::sync::Arc;

use crate::error::Result;
use crate::format::{RowEntry, Step};
use crate::iter::{BytesRange, MemTableIterator, MergeIterator, RowEntryIterator, SstIterator};
use crate::object_store::ObjectStore;
use crate::storage::{MemTable, SstReader};

use super::paths;
use super::trace::Trace;

// ANCHOR: state
/// The places where a row can be, newest first: the memtable, the immutable memtables, the SSTs.
///
/// A state never changes; the database swaps it for the next one. A reader takes the current one
/// and keeps it as long as it reads: nothing it holds can vanish under it, and it makes no writer
/// wait.
///
/// Invariants:
/// 1. Of one key, every row in a place is newer than every row in the places behind it.
/// 2. Every row of the database is in exactly one place; going from a state to the next loses none.
/// 3. Only `mem_table` still takes rows.
/// 4. `wal_id` is greater than that of every immutable memtable, and these descend.
///
/// SlateDB: `DbState` and `COWDbState` in `src/db_state.rs`.
#[derive(Debug, Clone)]
pub struct DbState {
    /// The WAL segment that holds the memtable's rows.
    pub wal_id: u64,
    /// The memtable.
    pub mem_table: Arc<MemTable>,
    /// Memtables that wait to be flushed, newest first.
    pub immutables: Vec<ImmutableMemTable>,
    /// The level-0 SSTs, newest first.
    pub l0: Vec<Sst>,
    /// The sorted runs, newest first (week 8). The SSTs of a run are in key order.
    pub sorted_runs: Vec<Vec<Sst>>,
}

/// A memtable that takes no more rows.
#[derive(Debug, Clone)]
pub struct ImmutableMemTable {
    /// The WAL segment that holds its rows.
    pub wal_id: u64,
    /// The rows.
    pub table: Arc<MemTable>,
}

/// An SST of the database.
#[derive(Debug, Clone)]
pub struct Sst {
    /// Its number.
    pub id: u64,
    /// Its reader.
    pub reader: Arc<SstReader>,
}
// ANCHOR_END: state

impl Sst {
    /// Opens SST `id` on `store`.
    pub fn open(store: &Arc<dyn ObjectStore>, id: u64) -> Result<Self> {
        let reader = Arc::new(SstReader::open(Arc::clone(store), paths::sst(id))?);
        Ok(Self { id, reader })
    }
}

impl DbState {
    /// The state behind a freeze: the memtable is the newest of the immutable ones, and an empty
    /// one takes its place, whose rows will be in the WAL segment `wal_id`.
    // Task 4.4: From one state to the next
    pub fn freeze(&self, wal_id: u64) -> Self {
        todo!("week 4, task 4: From one state to the next")
    }

    /// The state behind a flush: `sst` holds the rows of the oldest immutable memtable and takes
    /// its place.
    // Task 4.4: From one state to the next
    pub fn flushed(&self, sst: Sst) -> Self {
        todo!("week 4, task 4: From one state to the next")
    }

    /// Bytes in the memtable and the immutable ones.
    // Task 4.4: From one state to the next
    pub fn unflushed_bytes(&self) -> usize {
        todo!("week 4, task 4: From one state to the next")
    }

    /// Every SST, newest first.
    pub fn ssts(&self) -> impl Iterator<Item = &Sst> {
        self.l0.iter().chain(self.sorted_runs.iter().flatten())
    }

    /// The newest row of `key` whose sequence number is at most `max_seq`, tombstones and merge
    /// operands included; `None` if there is none. Looks into one place after the other, newest
    /// first, and stops at the first that has a row.
    ///
    /// Records one lookup step for each place it looked into.
    // Task 4.5: Read through a state
    pub fn get(&self, key: &[u8], max_seq: u64, trace: &Trace) -> Result<Option<RowEntry>> {
        todo!("week 4, task 5: Read through a state")
    }

    /// The rows of a range from every place, merged; every version, tombstones and merge operands
    /// included.
    // Task 4.5: Read through a state
    pub fn iter(&self, range: &BytesRange) -> MergeIterator {
        todo!("week 4, task 5: Read through a state")
    }
}
