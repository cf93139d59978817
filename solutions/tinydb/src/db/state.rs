//! What a reader sees: every place where a row can be, at one moment.

use std::sync::Arc;

use crate::compaction::{CompactionSource, CompactionSpec, Levels, SourceId};
use crate::error::Result;
use crate::format::{RowEntry, Step};
use crate::iter::{
    BytesRange, MemTableIterator, MergeIterator, RowEntryIterator, SortedRunIterator, SstIterator,
};
use crate::object_store::ObjectStore;
use crate::optimize::BlockCache;
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
    /// The sorted runs, newest first (week 8).
    pub sorted_runs: Vec<Run>,
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

/// A sorted run of the database.
#[derive(Debug, Clone)]
pub struct Run {
    /// Its number.
    pub id: u32,
    /// Its SSTs, in key order. No key is in two of them.
    pub ssts: Vec<Sst>,
}
// ANCHOR_END: state

impl Sst {
    /// Opens SST `id` on `store`, with its filter. Its blocks are kept in `cache`.
    pub fn open(
        store: &Arc<dyn ObjectStore>,
        id: u64,
        cache: Option<&Arc<BlockCache>>,
    ) -> Result<Self> {
        let (store, cache) = (Arc::clone(store), cache.cloned());
        let reader = Arc::new(SstReader::open_with_cache(store, paths::sst(id), cache)?);
        Ok(Self { id, reader })
    }
}

impl Run {
    /// The SST that may hold a row of `key`.
    pub fn sst_for(&self, key: &[u8]) -> Option<&Sst> {
        let number = self.ssts.partition_point(|sst| sst.reader.index().last_key < key);
        self.ssts.get(number).filter(|sst| sst.reader.index().first_key() <= key)
    }

    /// The readers of its SSTs, in key order.
    pub fn readers(&self) -> Vec<Arc<SstReader>> {
        readers(&self.ssts)
    }
}

/// The readers of these SSTs.
pub fn readers(ssts: &[Sst]) -> Vec<Arc<SstReader>> {
    ssts.iter().map(|sst| Arc::clone(&sst.reader)).collect()
}

impl DbState {
    /// The state behind a freeze: the memtable is the newest of the immutable ones, and an empty
    /// one takes its place, whose rows will be in the WAL segment `wal_id`.
    // exercise: week4.4
    pub fn freeze(&self, wal_id: u64) -> Self {
        let mut next = self.clone();
        let frozen = ImmutableMemTable { wal_id: self.wal_id, table: Arc::clone(&self.mem_table) };
        next.immutables.insert(0, frozen);
        next.wal_id = wal_id;
        next.mem_table = Arc::default();
        next
    }

    /// The state behind a flush: `sst` holds the rows of the oldest immutable memtable and takes
    /// its place.
    // exercise: week4.4
    pub fn flushed(&self, sst: Sst) -> Self {
        let mut next = self.clone();
        next.immutables.pop();
        next.l0.insert(0, sst);
        next
    }

    /// The state behind a compaction (week 8): the run `run` takes the place of the sources. It may be
    /// empty: then there is no such run.
    pub fn compacted(&self, spec: &CompactionSpec, run: Run) -> Self {
        let mut next = self.clone();
        let is_source = |id: SourceId| spec.sources.contains(&id);
        next.l0.retain(|sst| !is_source(SourceId::L0(sst.id)));
        next.sorted_runs.retain(|run| !is_source(SourceId::SortedRun(run.id)));
        if !run.ssts.is_empty() {
            let place = next.sorted_runs.partition_point(|other| other.id > run.id);
            next.sorted_runs.insert(place, run);
        }
        next
    }

    /// The level-0 SSTs and sorted runs with their sizes, for the one who picks what to compact.
    pub fn levels(&self) -> Levels {
        let size = |sst: &Sst| sst.reader.data_size();
        let l0 = self.l0.iter().map(|sst| (SourceId::L0(sst.id), size(sst)));
        let runs = self.sorted_runs.iter();
        let runs =
            runs.map(|run| (SourceId::SortedRun(run.id), run.ssts.iter().map(size).sum::<u64>()));
        let source = |(id, size)| CompactionSource { id, size };
        Levels { l0: l0.map(source).collect(), sorted_runs: runs.map(source).collect() }
    }

    /// The SSTs of a source, in key order; none if there is no such source.
    pub fn source(&self, id: SourceId) -> &[Sst] {
        match id {
            SourceId::L0(id) => {
                let sst = self.l0.iter().find(|sst| sst.id == id);
                sst.map_or(&[], std::slice::from_ref)
            }
            SourceId::SortedRun(id) => {
                let run = self.sorted_runs.iter().find(|run| run.id == id);
                run.map_or(&[], |run| &run.ssts)
            }
        }
    }

    /// Bytes in the memtable and the immutable ones.
    // exercise: week4.4
    pub fn unflushed_bytes(&self) -> usize {
        let immutable = self.immutables.iter().map(|immutable| immutable.table.approximate_size());
        self.mem_table.approximate_size() + immutable.sum::<usize>()
    }

    /// How many places a scan merges: memtables, SSTs of level 0 and sorted runs.
    pub fn places(&self) -> usize {
        1 + self.immutables.len() + self.l0.len() + self.sorted_runs.len()
    }

    /// Every SST, newest first.
    pub fn ssts(&self) -> impl Iterator<Item = &Sst> {
        self.l0.iter().chain(self.sorted_runs.iter().flat_map(|run| &run.ssts))
    }

    /// The SSTs that may hold a row of `key`, newest first: each of level 0, and at most one of each
    /// sorted run.
    pub fn ssts_for(&self, key: &[u8]) -> impl Iterator<Item = &Sst> {
        self.l0.iter().chain(self.sorted_runs.iter().filter_map(move |run| run.sst_for(key)))
    }

    /// The newest row of `key` whose sequence number is at most `max_seq`, tombstones and merge
    /// operands included; `None` if there is none. Looks into one place after the other, newest
    /// first, and stops at the first that has a row.
    ///
    /// Records one lookup step for each place it looked into.
    // exercise: week4.5
    pub fn get(&self, key: &[u8], max_seq: u64, trace: &Trace) -> Result<Option<RowEntry>> {
        let row = self.mem_table.get(key, max_seq);
        trace.record(|| Step::MemTableLookup { found: row.is_some() });
        if row.is_some() {
            return Ok(row);
        }
        for ImmutableMemTable { wal_id, table } in &self.immutables {
            let row = table.get(key, max_seq);
            let (wal_id, found) = (*wal_id, row.is_some());
            trace.record(|| Step::ImmutableMemTableLookup { wal_id, found });
            if found {
                return Ok(row);
            }
        }
        for Sst { id: sst, reader } in self.ssts_for(key) {
            let row = reader.get(key, max_seq)?;
            let (sst, found) = (*sst, row.is_some());
            trace.record(|| Step::SstLookup { sst, found });
            if found {
                return Ok(row);
            }
        }
        Ok(None)
    }

    /// The rows of a range from every place, merged; every version, tombstones and merge operands
    /// included.
    // exercise: week4.5
    pub fn iter(&self, range: &BytesRange) -> MergeIterator {
        let tables = self.immutables.iter().map(|immutable| &immutable.table);
        let tables = std::iter::once(&self.mem_table).chain(tables).map(|table| {
            Box::new(MemTableIterator::new(Arc::clone(table), range)) as Box<dyn RowEntryIterator>
        });
        let l0 = self.l0.iter().map(|sst| {
            let reader = Arc::clone(&sst.reader);
            Box::new(SstIterator::new(reader, range.clone())) as Box<dyn RowEntryIterator>
        });
        let runs = self.sorted_runs.iter().map(|run| {
            Box::new(SortedRunIterator::new(run.readers(), range.clone()))
                as Box<dyn RowEntryIterator>
        });
        MergeIterator::new(tables.chain(l0).chain(runs).collect())
    }
}
