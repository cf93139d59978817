//! The blocks that were read last and most often, kept in memory.
//!
//! ```text
//!                     hash of (file, offset)
//!                               |
//!            +---------+--------+--+---------+
//!            v         v           v         v
//!        +-------+ +-------+   +-------+ +-------+
//!        | Shard | | Shard |   | Shard | | Shard |    each with a lock
//!        +-------+ +-------+   +-------+ +-------+    and a part of the bytes
//! ```
//!
//! A shard is a cache of its own, and evicts by a rule of its own. The engine's rule is in the
//! manner of S3-FIFO: Yang, Zhang, Qiu, Yue and Vinayak, *FIFO queues are all you need for cache
//! eviction*, SOSP 2023.
//!
//! SlateDB: `DbCache` in `src/db_cache/mod.rs`, which leaves the work to the crate foyer or moka.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::data_block::DataBlock;
use super::hash::xxh64;

/// What an entry costs beside its block: its key in a map and in a queue, and perhaps what is
/// remembered of one that was there.
pub const ENTRY_OVERHEAD: usize = 200;

/// No shard is smaller than this, unless the whole cache is.
pub const MIN_SHARD_CAPACITY: usize = 512 * 1024;

/// There are at most so many shards.
pub const MAX_SHARDS: usize = 16;

// ANCHOR: block_key
/// Which block: the number that [`BlockCache::register_file`] gave to its file, and where in the
/// file it begins.
///
/// SlateDB: `CachedKey` in `src/db_cache/mod.rs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BlockKey {
    /// The file's number.
    pub file: u64,
    /// Bytes from the file's start to the block's.
    pub offset: u64,
}

/// What a block counts for in a cache: what it holds in memory, and [`ENTRY_OVERHEAD`].
pub fn weight(block: &DataBlock) -> usize {
    block.size() + ENTRY_OVERHEAD
}

// ANCHOR_END: block_key

/// One part of the cache, for one thread at a time.
///
/// Invariants:
/// 1. The [weights](weight) of its blocks are at most its capacity together, at every moment.
/// 2. At most one block is there for a key: that which was inserted last.
/// 3. What it remembers of blocks that have left is bounded: no block, and not more than a few numbers
///    for each one that it had room for.
/// 4. A block that was read again while it was there, and is read on and on, stays when many others
///    come that are read once. What was read often, but long ago, makes room in the end for others
///    that are read again while they are there.
#[derive(Debug)]
pub struct Shard {
    // What a shard has to know depends on how it chooses what leaves.
}

impl Shard {
    /// An empty shard for blocks of `capacity` bytes, weighed by [`weight`].
    // Task 7.7: Keep what is read again
    pub fn new(capacity: usize) -> Self {
        todo!("week 7, task 7: Keep what is read again")
    }

    /// The block of `key`, if it is there. This is a use of it.
    // Task 7.7: Keep what is read again
    pub fn get(&mut self, key: &BlockKey) -> Option<Arc<DataBlock>> {
        todo!("week 7, task 7: Keep what is read again")
    }

    /// Puts a block in, in place of the one that has this key, and evicts others until there is
    /// room, and no more. So the block is there afterwards. Only if it weighs more than the
    /// capacity, it is not kept; then it evicts only the one that has its key.
    ///
    /// Returns all blocks that left: the evicted, the replaced, the one that is not kept. The
    /// caller drops them when it has given the lock back: freeing memory takes time.
    // Task 7.7: Keep what is read again
    pub fn insert(&mut self, key: BlockKey, block: Arc<DataBlock>) -> Vec<Arc<DataBlock>> {
        todo!("week 7, task 7: Keep what is read again")
    }

    /// How many blocks are there.
    // Task 7.7: Keep what is read again
    pub fn blocks(&self) -> usize {
        todo!("week 7, task 7: Keep what is read again")
    }

    /// What the blocks that are there weigh, together.
    // Task 7.7: Keep what is read again
    pub fn bytes(&self) -> usize {
        todo!("week 7, task 7: Keep what is read again")
    }
}

// ANCHOR: block_cache
/// A cache of blocks, for any number of threads.
///
/// Invariants:
/// 1. Its blocks weigh at most its capacity together, at every moment.
/// 2. Every call of `get` is one hit or one miss; every call of `insert` is one insertion. A block
///    that leaves, or is not kept, is one eviction. So there are as many blocks as insertions
///    less evictions.
/// 3. A lock is held only while a shard looks something up or changes its queues. Blocks are
///    dropped outside.
pub struct BlockCache {
    /// Which shard has a key is said by the key's hash.
    shards: Vec<Mutex<Shard>>,
    next_file: AtomicU64,
    hits: AtomicU64,
    misses: AtomicU64,
    insertions: AtomicU64,
    evictions: AtomicU64,
}
// ANCHOR_END: block_cache

/// What a cache has done, and what it holds.
///
/// The numbers are read one after another. While other threads use the cache they need not fit
/// together; when none does, `blocks` is `insertions - evictions`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BlockCacheStats {
    /// How often a block was asked for and was there.
    pub hits: u64,
    /// How often a block was asked for and was not there.
    pub misses: u64,
    /// How often a block was inserted.
    pub insertions: u64,
    /// How many blocks left: to make room, because they were replaced, or because they were too
    /// large to be kept.
    pub evictions: u64,
    /// How many blocks are there.
    pub blocks: usize,
    /// What they [weigh](weight) together.
    pub bytes: usize,
}

impl BlockCache {
    /// A cache of `capacity` bytes over all its shards. With 0 it never holds anything.
    ///
    /// There are as many shards as have [`MIN_SHARD_CAPACITY`] each, at least 1 and at most
    /// [`MAX_SHARDS`]. A block that weighs more than a shard's capacity is not kept.
    pub fn new(capacity: usize) -> Self {
        let shards = (capacity / MIN_SHARD_CAPACITY).clamp(1, MAX_SHARDS);
        Self {
            // Rounded down, so that together they have no more than `capacity`.
            shards: (0..shards).map(|_| Mutex::new(Shard::new(capacity / shards))).collect(),
            next_file: AtomicU64::new(0),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            insertions: AtomicU64::new(0),
            evictions: AtomicU64::new(0),
        }
    }

    /// A number for a file, for [`BlockKey`]. No number is given twice.
    pub fn register_file(&self) -> u64 {
        self.next_file.fetch_add(1, Ordering::Relaxed)
    }

    /// The block of `key`, if it is there.
    // Task 7.8: Share the cache
    pub fn get(&self, key: &BlockKey) -> Option<Arc<DataBlock>> {
        todo!("week 7, task 8: Share the cache")
    }

    /// Puts a block in, in place of the one that has this key, if it is not too large to be kept.
    ///
    /// Two threads that miss the same block read it both, and insert it both: that is allowed, and
    /// the later one's stays.
    // Task 7.8: Share the cache
    pub fn insert(&self, key: BlockKey, block: Arc<DataBlock>) {
        todo!("week 7, task 8: Share the cache")
    }

    /// What the cache has done, and what it holds.
    // Task 7.8: Share the cache
    pub fn stats(&self) -> BlockCacheStats {
        todo!("week 7, task 8: Share the cache")
    }

    /// The shard that has `key`, for this thread alone until the guard is dropped.
    fn lock(&self, key: &BlockKey) -> MutexGuard<'_, Shard> {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&key.file.to_be_bytes());
        bytes[8..].copy_from_slice(&key.offset.to_be_bytes());
        lock(&self.shards[(xxh64(&bytes, 0) % self.shards.len() as u64) as usize])
    }
}

impl fmt::Debug for BlockCache {
    /// The numbers, and not megabytes of blocks.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockCache").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

/// Locks a shard. One whose thread panicked is used on: at worst it holds a block less.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
