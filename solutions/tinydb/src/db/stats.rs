//! What a database is made of at one moment.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::format::amplification::{read_amplification, space_amplification, write_amplification};

use super::db_inner::DbInner;
use super::state::Run;

/// Figures about a database.
#[derive(Debug, Clone, PartialEq)]
pub struct Stats {
    /// Rows in the memtable, every version counted.
    pub mem_table_rows: usize,
    /// Bytes in the memtable.
    pub mem_table_bytes: usize,
    /// How many frozen memtables wait to be flushed.
    pub immutable_mem_tables: usize,
    /// Bytes in them.
    pub immutable_bytes: usize,
    /// How many SSTs level 0 has.
    pub l0_ssts: usize,
    /// How many sorted runs there are.
    pub sorted_runs: usize,
    /// How many SSTs these have.
    pub sorted_run_ssts: usize,
    /// Rows in all SSTs, every version counted.
    pub sst_rows: u64,
    /// Bytes of data blocks in all SSTs.
    pub sst_bytes: u64,
    /// Bytes of the rows that flushes have taken from memtables since the database was opened: keys,
    /// values, and 8 bytes for each sequence number. Every version counts.
    pub flushed_mem_table_bytes: u64,
    /// Bytes of SSTs that flushes have written since then.
    pub flushed_bytes: u64,
    /// Bytes of SSTs that compactions have written since then.
    pub compacted_bytes: u64,
    // ANCHOR: amplification
    /// `flushed_bytes` and `compacted_bytes`, divided by `flushed_mem_table_bytes`; `None` before the
    /// first flush.
    ///
    /// So a row counts as written by the user when it leaves its memtable, also if recovery has put it
    /// there. The WAL is left out: it is about one more. Below 1 is possible: an SST is smaller than
    /// its rows if their keys share prefixes, and versions that nobody can see stay behind. What
    /// compactions do with SSTs that are older than this opening counts too.
    pub write_amplification: Option<f64>,
    /// `l0_ssts` and `sorted_runs`, added.
    pub read_amplification: usize,
    /// `sst_bytes` divided by the bytes of data blocks in the oldest sorted run; `None` if there is no
    /// such run.
    ///
    /// An estimate: what is alive would have to be read to be counted. The oldest run has each key
    /// once and no tombstones, unless a snapshot needs them, so it stands for what is alive. The
    /// estimate is too high if newer places have other keys, and too low if they delete what is
    /// in the run.
    pub space_amplification: Option<f64>,
    // ANCHOR_END: amplification
    /// How many compactions run.
    pub running_compactions: usize,
    /// How many were committed since the database was opened.
    pub completed_compactions: u64,
    /// How often a data block was asked for and was in memory.
    pub block_cache_hits: u64,
    /// How often it was not.
    pub block_cache_misses: u64,
    /// Bytes of data blocks in memory.
    pub block_cache_bytes: usize,
    /// The highest sequence number that readers see.
    pub last_seq: u64,
    /// Every write up to this sequence number survives a power cut.
    pub durable_seq: u64,
    /// The number of the newest manifest.
    pub manifest_id: u64,
    /// This writer's epoch.
    pub writer_epoch: u64,
}

impl DbInner {
    pub(super) fn stats(&self) -> Stats {
        let (state, max_seq) = self.view(None);
        let immutable = state.immutables.iter().map(|it| it.table.approximate_size());
        let footers = || state.ssts().map(|sst| sst.reader.footer());
        let sst_bytes = footers().map(|footer| footer.filter_offset).sum();
        let (l0_ssts, sorted_runs) = (state.l0.len(), state.sorted_runs.len());
        let counted = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let row_bytes = counted(&self.counters.flushed_rows);
        let flushed_bytes = counted(&self.counters.flushed);
        let compacted_bytes = counted(&self.counters.compacted);
        let cache = self.block_cache.as_ref().map(|cache| cache.stats()).unwrap_or_default();
        Stats {
            mem_table_rows: state.mem_table.row_count(),
            mem_table_bytes: state.mem_table.approximate_size(),
            immutable_mem_tables: state.immutables.len(),
            immutable_bytes: immutable.sum(),
            l0_ssts,
            sorted_runs,
            sorted_run_ssts: state.sorted_runs.iter().map(|run| run.ssts.len()).sum(),
            sst_rows: footers().map(|footer| footer.row_count).sum(),
            sst_bytes,
            flushed_mem_table_bytes: row_bytes,
            flushed_bytes,
            compacted_bytes,
            write_amplification: write_amplification(row_bytes, flushed_bytes, compacted_bytes),
            read_amplification: read_amplification(l0_ssts, sorted_runs),
            space_amplification: space_amplification(
                sst_bytes,
                state.sorted_runs.last().map_or(0, data_bytes),
            ),
            running_compactions: self.compactions.running().len(),
            completed_compactions: self.compactions.completed(),
            block_cache_hits: cache.hits,
            block_cache_misses: cache.misses,
            block_cache_bytes: cache.bytes,
            last_seq: max_seq,
            durable_seq: self.commits.durable_seq().min(max_seq),
            manifest_id: self.manifest_id.load(Ordering::Acquire),
            writer_epoch: self.writer_epoch,
        }
    }
}

/// Bytes of data blocks in a sorted run.
fn data_bytes(run: &Run) -> u64 {
    run.ssts.iter().map(|sst| sst.reader.footer().filter_offset).sum()
}
