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

// solution-only
use std::collections::{HashMap, VecDeque};
use std::fmt;
// solution-only
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};
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
    // solution-only: begin
    capacity: usize,
    /// The blocks that are there.
    entries: HashMap<BlockKey, Entry, BuildHasherDefault<BlockKeyHasher>>,
    /// Blocks on trial, in the order in which they came.
    small: Queue,
    /// Blocks that were read again on trial, or came back soon.
    main: Queue,
    /// Which blocks were evicted on trial.
    ghosts: Ghosts,
    // solution-only: end
}

// solution-only: begin
/// A block, and where it is in its shard.
#[derive(Debug)]
struct Entry {
    block: Arc<DataBlock>,
    /// How often it was read since it came to its place in its queue, up to [`MAX_USES`].
    uses: u8,
    /// Whether it is in the main queue.
    is_in_main: bool,
}

/// More reads than this are not told apart: what was loved long ago has to go in the end.
const MAX_USES: u8 = 3;

/// The queue of blocks on trial may have one part in so many of the capacity. It may have more
/// while there is room. (With a short trial, what leaves is still in the processor's caches: its
/// memory is freed, and used again for the block that comes, without waiting.)
const SMALL_PART: usize = 100;

/// Keys, oldest first, and what their blocks weigh.
#[derive(Debug, Default)]
struct Queue {
    keys: VecDeque<BlockKey>,
    bytes: usize,
}

/// The hashes of blocks that were evicted on trial. Each has one place, and whoever comes there later
/// takes it: so the older ones are forgotten bit by bit, and no queue of them is needed.
///
/// There are fewer than twice as many places as there were blocks.
#[derive(Debug, Default)]
struct Ghosts(Vec<u64>);

/// A place that is free. A block that has this hash is taken for a ghost, which does no harm.
const NO_GHOST: u64 = u64::MAX;

impl Ghosts {
    /// Remembers the block of this hash. There are `blocks` blocks in the shard, at least one.
    fn insert(&mut self, hash: u64, blocks: usize) {
        if self.0.len() < blocks {
            self.0 = vec![NO_GHOST; blocks.next_power_of_two()];
        }
        let places = self.0.len() as u64;
        self.0[(hash % places) as usize] = hash;
    }

    /// Forgets the block of this hash, and returns whether it was remembered.
    fn remove(&mut self, hash: u64) -> bool {
        let place = hash.checked_rem(self.0.len() as u64).unwrap_or_default();
        let ghost = self.0.get_mut(place as usize).filter(|ghost| **ghost == hash);
        ghost.map(|ghost| *ghost = NO_GHOST).is_some()
    }
}

/// The hash of a [`BlockKey`]: a multiplication for each of its numbers. They are the engine's own, so
/// nobody chooses them to collide, as the standard library's slower hash has to fear.
#[derive(Debug, Default)]
struct BlockKeyHasher(u64);

impl Hasher for BlockKeyHasher {
    fn write_u64(&mut self, number: u64) {
        // An odd number whose bits look random: 2^64 divided by the golden ratio.
        self.0 = (self.0.rotate_left(32) ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(byte.into()));
    }

    fn finish(&self) -> u64 {
        // A product's high bits are the well mixed ones; a map looks at the low ones too.
        self.0 ^ (self.0 >> 32)
    }
}

impl Queue {
    fn push(&mut self, key: BlockKey, weight: usize) {
        self.keys.push_back(key);
        self.bytes += weight;
    }
}
// solution-only: end

impl Shard {
    /// An empty shard for blocks of `capacity` bytes, weighed by [`weight`].
    // exercise: week7.7
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            entries: HashMap::default(),
            small: Queue::default(),
            main: Queue::default(),
            ghosts: Ghosts::default(),
        }
    }

    /// The block of `key`, if it is there. This is a use of it.
    // exercise: week7.7
    pub fn get(&mut self, key: &BlockKey) -> Option<Arc<DataBlock>> {
        let entry = self.entries.get_mut(key)?;
        entry.uses = (entry.uses + 1).min(MAX_USES);
        Some(Arc::clone(&entry.block))
    }

    /// Puts a block in, in place of the one that has this key, and evicts others until there is
    /// room, and no more. So the block is there afterwards. Only if it weighs more than the
    /// capacity, it is not kept; then it evicts only the one that has its key.
    ///
    /// Returns all blocks that left: the evicted, the replaced, the one that is not kept. The
    /// caller drops them when it has given the lock back: freeing memory takes time.
    // exercise: week7.7
    pub fn insert(&mut self, key: BlockKey, block: Arc<DataBlock>) -> Vec<Arc<DataBlock>> {
        let mut left = Vec::new();
        let weight = weight(&block);
        let (mut uses, mut is_in_main) = (0, self.ghosts.remove(self.hash(&key)));
        if let Some(replaced) = self.remove(&key) {
            (uses, is_in_main) = (replaced.uses, replaced.is_in_main);
            left.push(replaced.block);
        }
        if weight > self.capacity {
            left.push(block);
            return left;
        }
        self.make_room(weight, &mut left);
        self.queue(is_in_main).push(key, weight);
        self.entries.insert(key, Entry { block, uses, is_in_main });
        left
    }

    // solution-only: begin
    /// Takes the entry of `key` out, and its block out of its queue. This looks at the whole queue; it
    /// is rare that a key is inserted while its block is there.
    fn remove(&mut self, key: &BlockKey) -> Option<Entry> {
        let entry = self.entries.remove(key)?;
        let queue = self.queue(entry.is_in_main);
        queue.keys.retain(|other| other != key);
        queue.bytes -= weight(&entry.block);
        Some(entry)
    }

    /// Evicts blocks until one of `weight` has room. It must not weigh more than the capacity.
    fn make_room(&mut self, weight: usize, left: &mut Vec<Arc<DataBlock>>) {
        while self.bytes() > self.capacity - weight {
            let is_trial_full = self.small.bytes > self.capacity / SMALL_PART;
            left.extend(match is_trial_full || self.main.keys.is_empty() {
                true => self.end_trial(),
                false => self.evict_from_main(),
            });
        }
    }

    /// Takes the oldest block on trial. If it was read, it moves to the main queue; otherwise it is
    /// evicted, and remembered.
    fn end_trial(&mut self) -> Option<Arc<DataBlock>> {
        let key = self.small.keys.pop_front()?;
        let entry = self.entries.get_mut(&key)?;
        let weight = weight(&entry.block);
        self.small.bytes -= weight;
        if entry.uses > 0 {
            (entry.uses, entry.is_in_main) = (0, true);
            self.main.push(key, weight);
            return None;
        }
        self.ghosts.insert(self.hash(&key), self.entries.len());
        Some(self.entries.remove(&key)?.block)
    }

    /// Takes the oldest block of the main queue. If it was read, it goes to the end and has one
    /// use less; otherwise it is evicted.
    fn evict_from_main(&mut self) -> Option<Arc<DataBlock>> {
        let key = self.main.keys.pop_front()?;
        let entry = self.entries.get_mut(&key)?;
        if entry.uses > 0 {
            entry.uses -= 1;
            self.main.keys.push_back(key);
            return None;
        }
        let block = self.entries.remove(&key)?.block;
        self.main.bytes -= weight(&block);
        Some(block)
    }

    /// The hash by which a block is remembered that was evicted on trial.
    fn hash(&self, key: &BlockKey) -> u64 {
        self.entries.hasher().hash_one(key)
    }

    fn queue(&mut self, is_main: bool) -> &mut Queue {
        match is_main {
            true => &mut self.main,
            false => &mut self.small,
        }
    }
    // solution-only: end

    /// How many blocks are there.
    // exercise: week7.7
    pub fn blocks(&self) -> usize {
        self.entries.len()
    }

    /// What the blocks that are there weigh, together.
    // exercise: week7.7
    pub fn bytes(&self) -> usize {
        self.small.bytes + self.main.bytes
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
    // exercise: week7.8
    pub fn get(&self, key: &BlockKey) -> Option<Arc<DataBlock>> {
        let block = self.lock(key).get(key);
        let counter = if block.is_some() { &self.hits } else { &self.misses };
        counter.fetch_add(1, Ordering::Relaxed);
        block
    }

    /// Puts a block in, in place of the one that has this key, if it is not too large to be kept.
    ///
    /// Two threads that miss the same block read it both, and insert it both: that is allowed, and
    /// the later one's stays.
    // exercise: week7.8
    pub fn insert(&self, key: BlockKey, block: Arc<DataBlock>) {
        // The guard lives to the end of this line, and `left` is dropped after the next ones.
        let left = self.lock(&key).insert(key, block);
        self.insertions.fetch_add(1, Ordering::Relaxed);
        self.evictions.fetch_add(left.len() as u64, Ordering::Relaxed);
    }

    /// What the cache has done, and what it holds.
    // exercise: week7.8
    pub fn stats(&self) -> BlockCacheStats {
        let mut stats = BlockCacheStats {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            insertions: self.insertions.load(Ordering::Relaxed),
            evictions: self.evictions.load(Ordering::Relaxed),
            ..BlockCacheStats::default()
        };
        for shard in &self.shards {
            let shard = lock(shard);
            stats.blocks += shard.blocks();
            stats.bytes += shard.bytes();
        }
        stats
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
