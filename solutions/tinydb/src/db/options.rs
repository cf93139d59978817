//! What a user of the database can choose.

use std::time::Duration;

use crate::compaction::SizeTieredCompactionOptions;
use crate::error::{Error, Result};
use crate::format::FormatVersion;
use crate::storage::{Durability, SstBuilder, SstOptions};

/// The choices for a whole database. They are not stored: each opening makes them anew.
///
/// SlateDB: `Settings` in `src/config.rs`. Fields of the same name mean the same; where a size has another
/// default, it is said. Block size, kind of filter and cache are chosen on its `DbBuilder`.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// A memtable of this size, in bytes, is frozen and flushed as one level-0 SST. Default: 64
    /// MiB.
    pub l0_sst_size_bytes: usize,
    /// The most bytes that may wait in memtables. When they come near it, writes are slowed; when
    /// they reach it, writes wait for a flush. Default: 256 MiB; SlateDB's is 1 GiB.
    pub max_unflushed_bytes: usize,
    /// With this many SSTs in level 0, a flush waits for a compaction. So the memtables fill, and
    /// writes are slowed and then stopped. Does nothing without a compactor. Default: 8.
    pub l0_max_ssts: usize,
    /// The version of the SSTs that are written; all can be read. Default: 2.
    pub sst_version: FormatVersion,
    /// The size of an SST's data blocks, in bytes. Default: 4096.
    pub sst_block_size: usize,
    /// How many bits an SST's filter has for each key; 0 for no filter. Default: 10, with which one
    /// of a hundred lookups of a missing key reads a block in vain.
    pub filter_bits_per_key: u32,
    /// An SST with fewer rows than this gets no filter. Default: 1000.
    pub min_filter_keys: u64,
    /// The most bytes of data blocks that are kept in memory for reads; 0 for none. Default: 64 MiB.
    pub block_cache_bytes: usize,
    /// What a write has survived when it is acknowledged, unless [`WriteOptions`] say otherwise.
    pub durability: Durability,
    /// How often the WAL is made durable in the background, whether somebody waits for it or not.
    /// Default: `None`, which leaves it to the WAL: on a disk never, on an object store every 100 ms.
    pub flush_interval: Option<Duration>,
    /// A memtable whose WAL segment was made durable this often is frozen: on an object store, each
    /// time is an object that a recovery has to read. Default: 4096.
    pub max_wal_flushes_before_l0_flush: u64,
    /// When and how SSTs are merged in the background; `None` for never. Default: some.
    pub compactor_options: Option<CompactorOptions>,
    /// When files are deleted that nobody needs; `None` for never. Default: some.
    pub garbage_collector_options: Option<GarbageCollectorOptions>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            l0_sst_size_bytes: 64 << 20,
            max_unflushed_bytes: 256 << 20,
            l0_max_ssts: 8,
            sst_version: FormatVersion::V2,
            sst_block_size: SstBuilder::DEFAULT_BLOCK_SIZE,
            filter_bits_per_key: 10,
            min_filter_keys: 1000,
            block_cache_bytes: 64 << 20,
            durability: Durability::default(),
            flush_interval: None,
            max_wal_flushes_before_l0_flush: 4096,
            compactor_options: Some(CompactorOptions::default()),
            garbage_collector_options: Some(GarbageCollectorOptions::default()),
        }
    }
}

/// When and how SSTs are merged in the background.
///
/// SlateDB: `CompactorOptions` and `CompactionWorkerOptions` in `src/config.rs`.
#[derive(Debug, Clone, PartialEq)]
pub struct CompactorOptions {
    /// How many compactions may run at a time, each in a thread of its own. More than one, because a
    /// long one must not keep level 0 waiting. Default: 2; SlateDB's is 4.
    pub max_concurrent_compactions: usize,
    /// An SST of a sorted run is finished when it has this many bytes. Default: 64 MiB; SlateDB's is
    /// 256 MiB.
    pub max_sst_size: usize,
    /// What is merged with what.
    pub size_tiered: SizeTieredCompactionOptions,
    /// How long to wait after a failed compaction before the next try. Default: 1 s.
    pub retry_after: Duration,
}

impl Default for CompactorOptions {
    fn default() -> Self {
        Self {
            max_concurrent_compactions: 2,
            max_sst_size: 64 << 20,
            size_tiered: SizeTieredCompactionOptions::default(),
            retry_after: Duration::from_secs(1),
        }
    }
}

/// When files are deleted that nobody needs.
///
/// SlateDB: `GarbageCollectorOptions` in `src/config.rs`, with the same defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GarbageCollectorOptions {
    /// How often it is looked for such files. Default: 10 minutes.
    pub interval: Duration,
    /// Nothing younger than this is deleted. It must be longer than clocks differ, and than an object
    /// that was put may wait to be committed. Default: 5 minutes.
    pub min_age: Duration,
}

impl Default for GarbageCollectorOptions {
    fn default() -> Self {
        Self { interval: Duration::from_secs(600), min_age: Duration::from_secs(300) }
    }
}

impl Settings {
    /// How SSTs are encoded.
    pub fn sst_options(&self) -> SstOptions {
        SstOptions {
            version: self.sst_version,
            block_size: self.sst_block_size,
            filter_bits_per_key: self.filter_bits_per_key,
            min_filter_keys: self.min_filter_keys,
        }
    }

    /// Checks that the settings make sense.
    pub fn validate(&self) -> Result<()> {
        at_least_one("l0_sst_size_bytes", self.l0_sst_size_bytes as u64)?;
        at_least_one("l0_max_ssts", self.l0_max_ssts as u64)?;
        at_least_one("max_wal_flushes_before_l0_flush", self.max_wal_flushes_before_l0_flush)?;
        if self.max_unflushed_bytes < self.l0_sst_size_bytes {
            let (most, one) = (self.max_unflushed_bytes, self.l0_sst_size_bytes);
            let problem = format!(
                "{most} bytes don't hold one memtable; it must be l0_sst_size_bytes ({one}) or more"
            );
            return Err(Error::invalid("max_unflushed_bytes", problem));
        }
        if !(1..=usize::from(u16::MAX)).contains(&self.sst_block_size) {
            let size = self.sst_block_size;
            let problem = format!("it is {size}; a block has 1 to {} bytes", u16::MAX);
            return Err(Error::invalid("sst_block_size", problem));
        }
        self.compactor_options.as_ref().map_or(Ok(()), |options| self.validate_compactor(options))
    }

    fn validate_compactor(&self, options: &CompactorOptions) -> Result<()> {
        at_least_one("max_concurrent_compactions", options.max_concurrent_compactions as u64)?;
        at_least_one("max_sst_size", options.max_sst_size as u64)?;
        options.size_tiered.validate()?;
        let (fewest, most) = (options.size_tiered.min_compaction_sources, self.l0_max_ssts);
        if most < fewest {
            let problem = format!(
                "it is {most}; it must be min_compaction_sources ({fewest}) or more, or level 0 \
                 would be full before it is compacted"
            );
            return Err(Error::invalid("l0_max_ssts", problem));
        }
        Ok(())
    }
}

fn at_least_one(argument: &'static str, number: u64) -> Result<()> {
    if number == 0 {
        return Err(Error::invalid(argument, "it is 0; it must be 1 or more"));
    }
    Ok(())
}

/// The choices for one write.
///
/// SlateDB's `WriteOptions` have no such choice: there a write never waits, its `WriteHandle` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WriteOptions {
    /// What the write has survived when it is acknowledged; `None` for the database's
    /// [`Settings::durability`].
    pub durability: Option<Durability>,
}
