//! Week 7: blocks that stay in memory. The rules are on the page *The block cache* of the book.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Weak};

use bytes::Bytes;
use testkit::{deadline, rule};
use week7::format::{BlockBuilder, FormatVersion, RowEntry};
use week7::optimize::block_cache::{BlockKey, Shard, weight};
use week7::optimize::{BlockCache, BlockCacheStats, DataBlock};

const SMALL: usize = 100;

/// The bytes of a block with one row, whose value has `len` bytes.
fn block_bytes(len: usize) -> Bytes {
    let mut builder = BlockBuilder::new(4096);
    let row = RowEntry::new_value("kiwi", vec![b'.'; len], 1);
    assert!(builder.add(&row).expect("the row breaks no limit"));
    builder.finish()
}

fn decode(bytes: Bytes) -> Arc<DataBlock> {
    Arc::new(DataBlock::decode(FormatVersion::V1, bytes).expect("a builder made the block"))
}

fn block(len: usize) -> Arc<DataBlock> {
    decode(block_bytes(len))
}

/// What each block of `len` weighs.
fn weight_of(len: usize) -> usize {
    weight(&block(len))
}

/// Block `number` of file 0.
fn key(number: u64) -> BlockKey {
    BlockKey { file: 0, offset: number * 4096 }
}

/// A shard, and what is known about the blocks in it without asking it.
#[derive(Debug)]
struct Watched {
    shard: Shard,
    capacity: usize,
    /// The block that was inserted last under each key, and what it weighs.
    last: HashMap<BlockKey, (Weak<DataBlock>, usize)>,
    /// Blocks that were replaced.
    replaced: Vec<Weak<DataBlock>>,
}

impl Watched {
    fn new(capacity: usize) -> Self {
        let (last, replaced) = (HashMap::new(), Vec::new());
        Self { shard: Shard::new(capacity), capacity, last, replaced }
    }

    /// A shard for `blocks` blocks of [`SMALL`], and some bytes that are too few for another one.
    fn of_small(blocks: usize) -> Self {
        Self::new(blocks * weight_of(SMALL) + weight_of(SMALL) / 2)
    }

    /// Inserts a block, checks all that holds after any insertion, and returns how many blocks
    /// left.
    #[track_caller]
    fn insert(&mut self, key: BlockKey, block: Arc<DataBlock>) -> usize {
        let (weight, before) = (weight(&block), self.shard.blocks());
        let inserted = Arc::downgrade(&block);
        let old = self.last.insert(key, (Weak::clone(&inserted), weight));
        self.replaced.extend(old.map(|(block, _)| block));

        let left = self.shard.insert(key, block);
        assert_eq!(
            left.len(),
            before + 1 - self.shard.blocks(),
            "there were {before} blocks, one was inserted, {} are there now; so many left{}",
            self.shard.blocks(),
            rule(
                "7.7",
                "insert returns each block that leaves, once: also the replaced and the \
                         one that is not kept"
            )
        );
        let leaving = left.len();
        drop(left);
        self.check();
        let is_there = self.shard.get(&key).is_some();
        assert_eq!(
            is_there,
            weight <= self.capacity,
            "whether a block that weighs {weight} is there right after it was inserted, with a \
             capacity of {}{}",
            self.capacity,
            rule("7.7", "a block is kept if, and only if, it weighs no more than the capacity")
        );
        leaving
    }

    /// As the engine reads: a block that is not there is fetched and inserted. Returns whether it
    /// was there.
    #[track_caller]
    fn read(&mut self, number: u64) -> bool {
        let is_hit = self.get(key(number)).is_some();
        if !is_hit {
            // Not by `self.insert`, which would be another use of the block.
            let block = block(SMALL);
            let (weight, weak) = (weight(&block), Arc::downgrade(&block));
            self.last.insert(key(number), (weak, weight));
            drop(self.shard.insert(key(number), block));
            self.check_bytes();
        }
        is_hit
    }

    /// Reads several, and returns how many were there.
    #[track_caller]
    fn read_all(&mut self, numbers: impl IntoIterator<Item = u64>) -> usize {
        numbers.into_iter().filter(|&number| self.read(number)).count()
    }

    #[track_caller]
    fn get(&mut self, key: BlockKey) -> Option<Arc<DataBlock>> {
        let expected = self.last.get(&key).and_then(|(block, _)| block.upgrade());
        let found = self.shard.get(&key);
        assert_eq!(
            found.as_ref().map(Arc::as_ptr),
            expected.as_ref().map(Arc::as_ptr),
            "the block of {key:?}: expected {}, found {}{}",
            if expected.is_some() { "the one inserted last" } else { "none" },
            if found.is_some() { "one" } else { "none" },
            rule(
                "7.7",
                "get gives the block that was inserted last under this key, if it is there"
            )
        );
        found
    }

    #[track_caller]
    fn check_bytes(&self) {
        assert!(
            self.shard.bytes() <= self.capacity,
            "the blocks weigh {}, but the capacity is {}{}",
            self.shard.bytes(),
            self.capacity,
            rule("7.7", "the weights of the blocks are at most the capacity together")
        );
    }

    /// Compares what the shard says with the blocks that are alive: a block that is not there is
    /// freed when nobody else has it.
    #[track_caller]
    fn check(&self) {
        self.check_bytes();
        let kept = self.replaced.iter().filter(|block| block.strong_count() > 0).count();
        assert_eq!(
            kept,
            0,
            "replaced blocks in memory{}",
            rule("7.7", "a replaced block is freed")
        );
        let alive = self.last.values().filter(|(block, _)| block.strong_count() > 0);
        let (blocks, bytes) = alive.fold((0, 0), |(n, bytes), (_, weight)| (n + 1, bytes + weight));
        assert_eq!(
            (self.shard.blocks(), self.shard.bytes()),
            (blocks, bytes),
            "number and weight of the blocks: what the shard says, and what is in memory{}",
            rule("7.7", "what left is freed, and what is there is counted with its weight")
        );
    }
}

mod task_7_7 {
    use super::*;
    use proptest::prelude::*;
    use proptest::test_runner::TestRunner;
    use testkit::config;

    #[test]
    fn a_block_is_found_under_its_key_and_no_other() {
        let mut shard = Watched::of_small(10);
        let (here, there) = (BlockKey { file: 1, offset: 2 }, BlockKey { file: 2, offset: 1 });
        shard.insert(here, block(SMALL));
        assert!(shard.get(here).is_some(), "{here:?} was inserted");
        for other in [there, BlockKey { file: 1, offset: 1 }, BlockKey { file: 2, offset: 2 }] {
            assert!(shard.get(other).is_none(), "{other:?} was not inserted");
        }
        shard.insert(there, block(SMALL));
        assert_eq!(shard.shard.blocks(), 2, "two keys, two blocks");
    }

    #[test]
    fn nothing_leaves_while_there_is_room() {
        let mut shard = Watched::of_small(50);
        for number in 0..50 {
            let left = shard.insert(key(number), block(SMALL));
            assert_eq!(left, 0, "blocks that left{}", rule("7.7", "nothing leaves without need"));
        }
        assert_eq!(shard.read_all(0..50), 50, "all 50 blocks have room");
        assert_eq!(shard.insert(key(50), block(SMALL)), 1, "one block leaves for the next");
    }

    #[test]
    fn a_block_as_large_as_the_capacity_is_kept_and_a_larger_one_is_not() {
        let capacity = weight_of(1000);
        let mut shard = Watched::new(capacity);
        shard.insert(key(1), block(SMALL));
        shard.insert(key(2), block(1000));
        assert_eq!(shard.shard.bytes(), capacity, "the block of key 2 fills the shard");
        shard.insert(key(3), block(1001));
        assert!(
            shard.get(key(2)).is_some(),
            "the block of key 3 is not kept, so it must not push out that of key 2{}",
            rule("7.7", "a block that is not kept evicts only the one that has its key")
        );
        shard.insert(key(2), block(1001));
        assert_eq!(shard.shard.blocks(), 0, "the old block of key 2 must not be found any more");
    }

    #[test]
    fn a_key_that_is_inserted_again_has_the_new_block() {
        let mut shard = Watched::new(4 * weight_of(1000));
        shard.insert(key(1), block(1000));
        shard.insert(key(2), block(1000));
        for len in [1000, 10, 2000, 500] {
            shard.insert(key(1), block(len));
            let expected = weight_of(len) + weight_of(1000);
            assert_eq!(
                (shard.shard.blocks(), shard.shard.bytes()),
                (2, expected),
                "blocks and bytes, when key 1 has a new block{}",
                rule("7.7", "a block that is inserted replaces the one that has its key")
            );
        }
    }

    #[test]
    fn a_shard_without_capacity_stays_empty() {
        for capacity in [0, 1, weight_of(SMALL) - 1] {
            let mut shard = Watched::new(capacity);
            for number in [1, 2, 1] {
                assert_eq!(shard.insert(key(number), block(SMALL)), 1, "the block itself leaves");
            }
            assert_eq!((shard.shard.blocks(), shard.shard.bytes()), (0, 0), "it stays empty");
        }
    }

    #[test]
    fn a_huge_capacity_is_no_trouble() {
        let mut shard = Watched::new(usize::MAX);
        assert_eq!(shard.read_all(0..100), 0);
        assert_eq!(shard.read_all(0..100), 100, "everything has room");
    }

    #[test]
    fn a_block_outlives_its_eviction_while_somebody_reads_it() {
        let mut shard = Watched::of_small(10);
        shard.read(1);
        let held = shard.get(key(1)).expect("it was just read");
        shard.read_all(100..400);
        assert_eq!(held.row_count(), 1, "whoever got the block keeps it");
        drop(shard);
        assert_eq!(Arc::strong_count(&held), 1, "the shard is gone, and its blocks with it");
    }

    #[derive(Debug, Clone)]
    enum Op {
        Get(u64),
        Insert(u64, usize),
    }

    fn any_op() -> impl Strategy<Value = Op> {
        let number = || prop_oneof![3 => 0..6_u64, 2 => 0..40_u64];
        let len = prop_oneof![Just(SMALL), 0..400_usize, 400..4000_usize];
        prop_oneof![number().prop_map(Op::Get), (number(), len).prop_map(|(n, l)| Op::Insert(n, l))]
    }

    #[test]
    fn it_is_bounded_and_right_after_every_step() {
        let capacity = prop_oneof![0..3000_usize, 3000..20_000_usize];
        let histories = (capacity, prop::collection::vec(any_op(), 0..120));
        // One deadline for all histories: a shard that looks for a victim without end would be
        // tried again and again in search of a smaller example.
        let result = deadline(20, move || {
            TestRunner::new(config(60)).run(&histories, |(capacity, ops)| {
                let mut shard = Watched::new(capacity);
                for op in ops {
                    match op {
                        Op::Get(number) => drop(shard.get(key(number))),
                        Op::Insert(number, len) => drop(shard.insert(key(number), block(len))),
                    }
                    shard.check();
                }
                Ok(())
            })
        });
        if let Err(failure) = result {
            panic!("{failure}");
        }
    }

    #[test]
    fn the_last_byte_counts() {
        let weight = weight_of(SMALL);
        for (capacity, room) in [(5 * weight - 1, 4), (5 * weight, 5), (5 * weight + 1, 5)] {
            let mut shard = Watched::new(capacity);
            shard.read_all(0..20);
            assert_eq!(
                shard.shard.blocks(),
                room,
                "blocks that weigh {weight} each, in a shard of {capacity} bytes{}",
                rule("7.7", "blocks leave until there is room for the next, and no sooner")
            );
        }
    }

    /// A shard of 100 blocks that has seen 20 blocks in each of 10 rounds, and 30 others in each:
    /// by now it should know which is which.
    fn shard_with_favourites() -> Watched {
        let mut shard = Watched::of_small(100);
        for round in 0..10 {
            shard.read_all(0..20);
            let others = 1000 + round * 30;
            shard.read_all(others..others + 30);
        }
        shard
    }

    #[test]
    fn blocks_that_are_read_again_and_again_survive_a_scan() {
        deadline(20, || {
            let mut shard = shard_with_favourites();
            let before = shard.read_all(0..20);
            shard.read_all(10_000..11_000);
            let after = shard.read_all(0..20);
            assert!(
                before >= 19 && after >= 19,
                "of 20 blocks that were read in each of 10 rounds, {before} were there before a scan, \
                 and {after} after it; the scan read ten times as many blocks as have room{}",
                rule("7.7", "what is read again and again stays when many blocks are read once")
            );
        });
    }

    #[test]
    fn a_scan_that_comes_again_and_again_leaves_them_too() {
        deadline(20, || {
            let mut shard = shard_with_favourites();
            for round in 0..20 {
                // The same 300 blocks every time, which could never all have room.
                shard.read_all(1000..1300);
                let hits = shard.read_all(0..20);
                assert!(
                    hits >= 19,
                    "20 blocks are read in each round, and 300 others once: in round {round}, {hits} \
                     of the 20 were there{}",
                    rule(
                        "7.7",
                        "what is read again and again stays when many blocks are read once"
                    )
                );
            }
        });
    }

    #[test]
    fn blocks_that_are_read_twice_leave_before_those_that_are_read_on() {
        deadline(20, || {
            let mut shard = Watched::of_small(100);
            // At first 80 blocks are read on and on, then only 20 of them.
            for round in 0..10 {
                shard.read_all(0..80);
                let others = 1000 + round * 30;
                shard.read_all(others..others + 30);
            }
            let mut hits = 0;
            // Each round reads 25 new blocks, and the 25 of the round before once more.
            for round in 0..60 {
                hits += shard.read_all(0..20);
                let new = 10_000 + round * 25;
                shard.read_all(new - 25..new + 25);
            }
            assert!(
                hits >= 1080,
                "20 blocks are read in each of 60 rounds, and 25 others in two rounds, and then no \
                 more: {hits} of 1200 reads of the 20 were hits{}",
                rule(
                    "7.7",
                    "a block that is read on and on stays longer than one that was read twice"
                )
            );
        });
    }

    #[test]
    fn what_was_read_often_long_ago_makes_room() {
        deadline(20, || {
            let mut shard = Watched::of_small(100);
            for _ in 0..10 {
                shard.read_all(0..90);
            }
            // Nobody wants these 90 any more. Five others are read now, and five new ones each
            // time.
            let mut hits = 0;
            for round in 0..60 {
                let now = shard.read_all(1000..1005);
                hits += if round < 50 { 0 } else { now };
                let others = 10_000 + round * 5;
                shard.read_all(others..others + 5);
            }
            assert!(
                hits >= 45,
                "five blocks are read in each of 60 rounds; of 50 reads in the last ten rounds, \
                 {hits} were hits{}",
                rule("7.7", "what was read often, but long ago, makes room in the end")
            );
        });
    }

    #[test]
    fn what_it_remembers_of_blocks_that_left_is_bounded() {
        deadline(20, || {
            let mut shard = Shard::new(30 * weight_of(SMALL));
            let mut insert = |numbers: std::ops::Range<u64>| {
                for number in numbers {
                    shard.insert(key(1_000_000 + number), block(SMALL));
                    // Some are read again, so that every queue there may be is used.
                    if number % 3 == 0 {
                        shard.get(&key(1_000_000 + number));
                    }
                }
                format!("{shard:?}").len()
            };
            let early = insert(0..2000);
            let late = insert(2000..12_000);
            assert!(
                late < early * 3,
                "after 2000 blocks the shard is {early} characters long when it is printed, and after \
                 12,000 it is {late}{}",
                rule("7.7", "what is remembered of blocks that left does not grow without bound")
            );
        });
    }
}

mod task_7_8 {
    use super::*;
    use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
    use std::thread;

    const MIB: usize = 1024 * 1024;

    #[track_caller]
    fn assert_stats(cache: &BlockCache, expected: BlockCacheStats) {
        assert_eq!(
            cache.stats(),
            expected,
            "what the cache counted{}",
            rule(
                "7.8",
                "every get is a hit or a miss, every insert an insertion, every block that \
                         left an eviction"
            )
        );
    }

    #[test]
    fn hits_and_misses_are_counted() {
        let cache = BlockCache::new(MIB);
        assert_stats(&cache, BlockCacheStats::default());
        for _ in 0..3 {
            assert!(cache.get(&key(1)).is_none(), "nothing was inserted");
        }
        let inserted = block(SMALL);
        cache.insert(key(1), Arc::clone(&inserted));
        for _ in 0..5 {
            let found = cache.get(&key(1)).expect("it was inserted, and there is room");
            assert!(Arc::ptr_eq(&found, &inserted), "get gives the block that was inserted");
        }
        assert!(cache.get(&key(2)).is_none(), "nothing was inserted under this key");
        let bytes = weight_of(SMALL);
        let expected =
            BlockCacheStats { hits: 5, misses: 4, insertions: 1, evictions: 0, blocks: 1, bytes };
        assert_stats(&cache, expected);
    }

    #[test]
    fn a_replaced_block_is_counted_and_one_that_is_too_large_too() {
        let cache = BlockCache::new(2000);
        for len in [100, 300, 200] {
            cache.insert(key(1), block(len));
        }
        let bytes = weight_of(200);
        let replaced =
            BlockCacheStats { insertions: 3, evictions: 2, blocks: 1, bytes, hits: 0, misses: 0 };
        assert_stats(&cache, replaced);
        cache.insert(key(2), block(3000));
        assert_stats(&cache, BlockCacheStats { insertions: 4, evictions: 3, ..replaced });
        assert!(cache.get(&key(2)).is_none(), "it is larger than the cache");
        let expected = BlockCacheStats { insertions: 4, evictions: 3, misses: 1, ..replaced };
        assert_stats(&cache, expected);
    }

    #[test]
    fn every_block_that_makes_room_is_counted() {
        let bytes = 5 * weight_of(SMALL);
        let cache = BlockCache::new(bytes);
        for number in 0..5 {
            cache.insert(key(number), block(SMALL));
        }
        let full = BlockCacheStats { insertions: 5, blocks: 5, bytes, ..Default::default() };
        assert_stats(&cache, full);
        // It fills the cache alone.
        let len = (0..).find(|&len| weight_of(len) == bytes).expect("a row grows byte by byte");
        cache.insert(key(5), block(len));
        let alone = BlockCacheStats { insertions: 6, evictions: 5, blocks: 1, bytes, ..full };
        assert_stats(&cache, alone);
    }

    #[test]
    fn no_count_is_lost_between_threads() {
        const THREADS: u64 = 8;
        const EACH: u64 = 5000;
        let (cache, block) = (BlockCache::new(8 * MIB), block(SMALL));
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let (cache, block) = (&cache, &block);
                scope.spawn(move || {
                    for number in 0..EACH {
                        let key = BlockKey { file: thread, offset: number % 16 };
                        cache.insert(key, Arc::clone(block));
                        cache.get(&key);
                        cache.get(&BlockKey { file: THREADS, offset: number });
                    }
                });
            }
        });
        let (calls, blocks) = (THREADS * EACH, THREADS * 16);
        let expected = BlockCacheStats {
            hits: calls,
            misses: calls,
            insertions: calls,
            evictions: calls - blocks,
            blocks: blocks as usize,
            bytes: blocks as usize * weight_of(SMALL),
        };
        assert_stats(&cache, expected);
    }

    #[test]
    fn a_cache_without_capacity_stays_empty() {
        let cache = BlockCache::new(0);
        for _ in 0..10 {
            assert!(cache.get(&key(1)).is_none(), "nothing is ever there");
            cache.insert(key(1), block(SMALL));
        }
        let expected =
            BlockCacheStats { misses: 10, insertions: 10, evictions: 10, ..Default::default() };
        assert_stats(&cache, expected);
    }

    #[test]
    fn files_are_told_apart() {
        let cache = BlockCache::new(MIB);
        let files: Vec<_> = (0..100).map(|_| cache.register_file()).collect();
        let rule = rule("7.8", "no number is given to two files");
        let numbers = files.iter().collect::<HashSet<_>>().len();
        assert_eq!(numbers, 100, "how many numbers 100 files have{rule}");
        let blocks: Vec<_> = files.iter().map(|_| block(SMALL)).collect();
        for (&file, block) in files.iter().zip(&blocks) {
            cache.insert(BlockKey { file, offset: 0 }, Arc::clone(block));
        }
        for (&file, block) in files.iter().zip(&blocks) {
            let found = cache.get(&BlockKey { file, offset: 0 });
            let found = found.expect("100 small blocks have room in a mebibyte");
            assert!(Arc::ptr_eq(&found, block), "the block of file {file} is another one's{rule}");
        }
    }

    /// Blocks of about 3 kB, four times as many as have room, in a cache of several shards.
    #[test]
    fn all_shards_together_are_counted_and_bounded() {
        let capacity = 2 * MIB;
        let (cache, bytes) = (BlockCache::new(capacity), block_bytes(3000));
        let weight = weight_of(3000);
        let number = (4 * capacity / weight) as u64;
        let mut inserted = Vec::new();
        for offset in 0..number {
            let block = decode(bytes.clone());
            inserted.push(Arc::downgrade(&block));
            cache.insert(key(offset), block);
        }
        let alive = inserted.iter().filter(|block| block.strong_count() > 0).count();
        let stats = cache.stats();
        assert_stats(
            &cache,
            BlockCacheStats {
                insertions: number,
                evictions: number - alive as u64,
                blocks: alive,
                bytes: alive * weight,
                ..BlockCacheStats::default()
            },
        );
        assert!(
            stats.bytes <= capacity && stats.bytes > capacity * 9 / 10,
            "of {capacity} bytes, {} are used{}",
            stats.bytes,
            rule("7.8", "all shards are used, and together they hold no more than the capacity")
        );
        drop(cache);
        let alive = inserted.iter().filter(|block| block.strong_count() > 0).count();
        assert_eq!(alive, 0, "the cache is gone, and its blocks with it");
    }

    #[test]
    fn eight_threads_count_exactly_and_never_exceed_the_capacity() {
        const THREADS: u64 = 8;
        const STEPS: u64 = 3000;
        let (hits, misses) = (AtomicU64::new(0), AtomicU64::new(0));
        let (most, is_done) = (AtomicUsize::new(0), AtomicBool::new(false));
        let capacity = MIB;
        let (cache, bytes) = (BlockCache::new(capacity), block_bytes(3000));
        thread::scope(|scope| {
            scope.spawn(|| {
                while !is_done.load(Ordering::Relaxed) {
                    most.fetch_max(cache.stats().bytes, Ordering::Relaxed);
                    thread::yield_now();
                }
            });
            let readers: Vec<_> = (0..THREADS)
                .map(|thread| {
                    let (cache, bytes, hits, misses) = (&cache, &bytes, &hits, &misses);
                    scope.spawn(move || {
                        for step in 0..STEPS {
                            // Some blocks are everybody's, and some are one thread's.
                            let mixed =
                                (step * 7 + thread).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
                            let number = if step % 2 == 0 {
                                mixed % 100
                            } else {
                                mixed % 500 + thread * 1000
                            };
                            match cache.get(&key(number)) {
                                Some(_) => hits.fetch_add(1, Ordering::Relaxed),
                                None => {
                                    cache.insert(key(number), decode(bytes.clone()));
                                    misses.fetch_add(1, Ordering::Relaxed)
                                }
                            };
                        }
                    })
                })
                .collect();
            let results: Vec<_> = readers.into_iter().map(thread::ScopedJoinHandle::join).collect();
            is_done.store(true, Ordering::Relaxed);
            for result in results {
                result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            }
        });
        let stats = cache.stats();
        let (hits, misses) = (hits.into_inner(), misses.into_inner());
        let what = rule("7.8", "the counters are exact, whichever threads use the cache");
        assert_eq!((stats.hits, stats.misses), (hits, misses), "hits and misses{what}");
        assert_eq!(stats.insertions, misses, "each miss led to one insertion{what}");
        let blocks = stats.insertions - stats.evictions;
        assert_eq!(stats.blocks as u64, blocks, "insertions without evictions are there{what}");
        assert_eq!(stats.bytes, stats.blocks * weight_of(3000), "and all weigh the same{what}");
        assert!(
            most.load(Ordering::Relaxed) <= capacity,
            "at some moment the blocks weighed {}, but the capacity is {capacity}{}",
            most.load(Ordering::Relaxed),
            rule("7.8", "the cache is bounded at every moment")
        );
    }

    /// Bytes that ask the cache for its numbers when they are freed, as a slow `drop` would take
    /// its time.
    struct Nosy {
        bytes: Bytes,
        cache: Weak<BlockCache>,
        freed: Arc<AtomicUsize>,
    }

    impl AsRef<[u8]> for Nosy {
        fn as_ref(&self) -> &[u8] {
            &self.bytes
        }
    }

    impl Drop for Nosy {
        fn drop(&mut self) {
            // While a test fails, a second panic would end all the others too.
            if let Some(cache) = self.cache.upgrade().filter(|_| !thread::panicking()) {
                cache.stats();
            }
            self.freed.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn blocks_are_freed_when_no_lock_is_held() {
        let freed = deadline(20, || {
            let cache = Arc::new(BlockCache::new(10 * weight_of(SMALL)));
            let freed = Arc::new(AtomicUsize::new(0));
            let nosy = |len| Nosy {
                bytes: block_bytes(len),
                cache: Arc::downgrade(&cache),
                freed: Arc::clone(&freed),
            };
            let nosy_block = |len| decode(Bytes::from_owner(nosy(len)));
            // Evicted, replaced, replaced by one that is too large, and too large.
            for number in 0..30 {
                cache.insert(key(number), nosy_block(SMALL));
            }
            cache.insert(key(29), nosy_block(SMALL));
            cache.insert(key(29), nosy_block(4000));
            cache.insert(key(30), nosy_block(4000));
            assert_eq!(cache.stats().insertions, 33);
            freed.load(Ordering::Relaxed) + cache.stats().blocks
        });
        assert_eq!(
            freed,
            33,
            "blocks that are freed or there, of 33 that were inserted{}",
            rule("7.8", "a block that leaves is dropped when the lock is free again")
        );
    }
}
