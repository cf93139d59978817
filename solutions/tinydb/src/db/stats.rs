//! What a database is made of at one moment.

use std::sync::atomic::Ordering;

use super::db_inner::DbInner;

/// Figures about a database.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// Bytes of SSTs that flushes have written since the database was opened.
    pub flushed_bytes: u64,
    /// Bytes of SSTs that compactions have written since then.
    pub compacted_bytes: u64,
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
        let cache = self.block_cache.as_ref().map(|cache| cache.stats()).unwrap_or_default();
        let manifests = self.manifests();
        Stats {
            mem_table_rows: state.mem_table.row_count(),
            mem_table_bytes: state.mem_table.approximate_size(),
            immutable_mem_tables: state.immutables.len(),
            immutable_bytes: immutable.sum(),
            l0_ssts: state.l0.len(),
            sorted_runs: state.sorted_runs.len(),
            sorted_run_ssts: state.sorted_runs.iter().map(|run| run.ssts.len()).sum(),
            sst_rows: footers().map(|footer| footer.row_count).sum(),
            sst_bytes: footers().map(|footer| footer.filter_offset).sum(),
            flushed_bytes: self.counters.flushed.load(Ordering::Relaxed),
            compacted_bytes: self.counters.compacted.load(Ordering::Relaxed),
            running_compactions: self.compactions.running().len(),
            completed_compactions: self.compactions.completed(),
            block_cache_hits: cache.hits,
            block_cache_misses: cache.misses,
            block_cache_bytes: cache.bytes,
            last_seq: max_seq,
            durable_seq: self.commits.durable_seq().min(max_seq),
            manifest_id: manifests.id(),
            writer_epoch: manifests.manifest().writer_epoch,
        }
    }
}
