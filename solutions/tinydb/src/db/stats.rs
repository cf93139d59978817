//! What a database is made of at one moment.

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
