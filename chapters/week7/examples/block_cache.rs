//! Your block cache beside one that evicts what was not read for the longest time (LRU):
//! `cargo run --release -p week7 --example block_cache`.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::sync::Arc;

use bytes::Bytes;
use week7::Result;
use week7::format::{BlockBuilder, FormatVersion, RowEntry};
use week7::object_store::{MemoryObjectStore, ObjectStore};
use week7::optimize::block_cache::{BlockKey, weight};
use week7::optimize::{BlockCache, DataBlock};
use week7::storage::{SstBuilder, SstOptions, SstReader};

/// How many blocks the files of the first table have, how many reads it makes, and how many blocks
/// have room in the cache.
const BLOCKS: u64 = 20_000;
const READS: u64 = 1_000_000;
const ROOM: usize = 2000;

/// After so many reads, there is a scan of so many blocks.
const BETWEEN_SCANS: u64 = 2500;
const SCAN: u64 = 4000;

/// How many rows the SST of the second table has, and how many lookups it gets.
const ROWS: u64 = 200_000;

/// How many blocks have room in the last table, how many were favourites, and how many are now.
const FEW: usize = 100;
const OLD_FAVOURITES: u64 = 90;
const NEW_FAVOURITES: u64 = 20;
/// So many other blocks are read between one read of the favourites and the next.
const OTHERS: u64 = 30;

// ANCHOR: lru
/// A cache that evicts the block that was not read for the longest time.
#[derive(Debug, Default)]
struct Lru {
    capacity: usize,
    bytes: usize,
    /// Counts reads and insertions.
    now: u64,
    blocks: HashMap<BlockKey, (u64, Arc<DataBlock>)>,
    /// The keys by the time of their last read.
    by_time: BTreeMap<u64, BlockKey>,
}

impl Lru {
    fn get(&mut self, key: &BlockKey) -> Option<Arc<DataBlock>> {
        self.now += 1;
        let (time, block) = self.blocks.get_mut(key)?;
        self.by_time.remove(time);
        self.by_time.insert(self.now, *key);
        *time = self.now;
        Some(Arc::clone(block))
    }

    fn insert(&mut self, key: BlockKey, block: Arc<DataBlock>) {
        self.now += 1;
        self.bytes += weight(&block);
        self.blocks.insert(key, (self.now, block));
        self.by_time.insert(self.now, key);
        while self.bytes > self.capacity {
            let Some((_, oldest)) = self.by_time.pop_first() else { return };
            if let Some((_, block)) = self.blocks.remove(&oldest) {
                self.bytes -= weight(&block);
            }
        }
    }
}
// ANCHOR_END: lru

/// A cache, as a reader uses it.
trait Cache {
    /// Whether the block is there. If not, it is fetched and inserted.
    fn read(&mut self, key: BlockKey, fetch: &dyn Fn() -> Arc<DataBlock>) -> bool;
}

impl Cache for Lru {
    fn read(&mut self, key: BlockKey, fetch: &dyn Fn() -> Arc<DataBlock>) -> bool {
        let is_hit = self.get(&key).is_some();
        if !is_hit {
            self.insert(key, fetch());
        }
        is_hit
    }
}

impl Cache for BlockCache {
    fn read(&mut self, key: BlockKey, fetch: &dyn Fn() -> Arc<DataBlock>) -> bool {
        let is_hit = self.get(&key).is_some();
        if !is_hit {
            self.insert(key, fetch());
        }
        is_hit
    }
}

/// Numbers that look random, and are the same at every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        // Xorshift, by George Marsaglia, with a multiplication at the end.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}

// ANCHOR: zipf
/// Numbers below some bound, of which few are frequent and most are rare: number n comes with
/// probability proportional to 1 / (n + 1).
struct Zipf {
    random: Random,
    /// At n, the sum of the probabilities up to n.
    sums: Vec<f64>,
}

impl Zipf {
    fn new(bound: u64) -> Self {
        let mut sum = 0.0;
        let next_sum = |number: u64| {
            sum += 1.0 / (number + 1) as f64;
            sum
        };
        Self { random: Random(7), sums: (0..bound).map(next_sum).collect() }
    }

    fn next(&mut self) -> u64 {
        let all = self.sums.last().copied().unwrap_or_default();
        let position = (self.random.next() >> 11) as f64 / (1_u64 << 53) as f64 * all;
        let number = self.sums.partition_point(|&sum| sum <= position) as u64;
        // The frequent ones are not neighbours in the file.
        number * 7919 % self.sums.len() as u64
    }
}
// ANCHOR_END: zipf

/// One block of 4 kB; all that are cached here have the same bytes.
fn block_bytes() -> Result<Bytes> {
    let mut builder = BlockBuilder::new(4096);
    builder.add(&RowEntry::new_value("key", vec![b'.'; 4000], 1))?;
    Ok(builder.finish())
}

fn decode(bytes: &Bytes) -> Result<Arc<DataBlock>> {
    let block = DataBlock::decode(FormatVersion::V1, bytes.clone());
    block.map(Arc::new).map_err(|error| error.in_file("a block in memory", 0))
}

// ANCHOR: workload
/// Reads single blocks, and now and then a long row of blocks. Returns the part of the single reads
/// that were hits.
fn measure(cache: &mut dyn Cache, reads: u64, scan: u64, bytes: &Bytes) -> f64 {
    let fetch = || decode(bytes).expect("the block is good");
    let mut zipf = Zipf::new(BLOCKS);
    let (mut hits, mut next_scan) = (0, 0);
    for number in 0..reads {
        hits += u64::from(cache.read(BlockKey { file: 0, offset: zipf.next() }, &fetch));
        if number % BETWEEN_SCANS == BETWEEN_SCANS - 1 {
            for offset in next_scan..next_scan + scan {
                cache.read(BlockKey { file: 0, offset: offset % BLOCKS }, &fetch);
            }
            next_scan += scan;
        }
    }
    hits as f64 / reads as f64
}
// ANCHOR_END: workload

/// The hit rates of one workload.
#[derive(Debug)]
pub struct HitRates {
    /// LRU's.
    pub lru: f64,
    /// Those of the block cache.
    pub block_cache: f64,
}

/// Prints the hit rates of both caches, and returns them too; with so many single reads.
pub fn hit_rates(reads: u64, out: &mut impl Write) -> Result<Vec<HitRates>> {
    let bytes = block_bytes()?;
    let capacity = ROOM * weight(&*decode(&bytes)?);
    say(out, format!("{:<36}{:>10}{:>14}", "hits of single reads", "LRU", "your cache"));
    let mut all = Vec::new();
    for (name, scan) in [("single reads only", 0), ("with scans of 4000 blocks", SCAN)] {
        let lru = measure(&mut Lru { capacity, ..Lru::default() }, reads, scan, &bytes);
        let block_cache = measure(&mut BlockCache::new(capacity), reads, scan, &bytes);
        say(out, format!("{name:<36}{:>8.1} %{:>12.1} %", lru * 100.0, block_cache * 100.0));
        all.push(HitRates { lru, block_cache });
    }
    Ok(all)
}

/// Looks rows of an SST up, few of them often, with a cache of this capacity. Returns how many
/// blocks were read from the store.
fn measure_lookups(rows: u64, capacity: usize) -> Result<u64> {
    // Without a filter and in blocks of version 1: so this example needs nothing but your cache.
    let (version, filter_bits_per_key) = (FormatVersion::V1, 0);
    let options = SstOptions { version, filter_bits_per_key, ..SstOptions::default() };
    let mut builder = SstBuilder::with_options(&options);
    for number in 0..rows {
        builder.add(&RowEntry::new_value(number.to_be_bytes().to_vec(), vec![b'.'; 100], 1))?;
    }
    let store = Arc::new(MemoryObjectStore::new());
    store.put("0.sst", builder.finish()?)?;
    let cache = Arc::new(BlockCache::new(capacity));
    let sst = SstReader::open_with_cache(store, "0.sst", Some(Arc::clone(&cache)))?;

    let mut zipf = Zipf::new(rows);
    for _ in 0..rows {
        let row = sst.get(&zipf.next().to_be_bytes(), u64::MAX)?;
        assert!(row.is_some(), "every row is there");
    }
    Ok(cache.stats().misses)
}

/// Prints how many blocks lookups read without a cache and with some, and returns it too; as many
/// lookups as there are rows.
pub fn lookups(rows: u64, out: &mut impl Write) -> Result<Vec<u64>> {
    say(out, format!("{:<36}{:>10}{:>14}", "lookups in an SST", "blocks read", "a lookup"));
    let mut all = Vec::new();
    for mib in [0, 1, 4, 16, 64] {
        let blocks = measure_lookups(rows, mib << 20)?;
        let name = format!("with a cache of {mib} MiB");
        say(out, format!("{name:<36}{blocks:>11}{:>14.3}", blocks as f64 / rows as f64));
        all.push(blocks);
    }
    Ok(all)
}

// ANCHOR: favourites
/// Reads some blocks on and on, and then never again, but others. Returns how many of their last 200
/// reads were hits: those of the last ten rounds.
fn measure_favourites(cache: &mut dyn Cache, bytes: &Bytes) -> u64 {
    let fetch = || decode(bytes).expect("the block is good");
    let mut read = |offset| u64::from(cache.read(BlockKey { file: 0, offset }, &fetch));
    for _ in 0..10 {
        let _: u64 = (0..OLD_FAVOURITES).map(&mut read).sum();
    }
    let mut hits = 0;
    for round in 0..60 {
        let found: u64 = (1000..1000 + NEW_FAVOURITES).map(&mut read).sum();
        hits += if round < 50 { 0 } else { found };
        let others = 10_000 + round * OTHERS;
        let _: u64 = (others..others + OTHERS).map(&mut read).sum();
    }
    hits
}
// ANCHOR_END: favourites

/// Prints how many of the last reads of new favourites are hits, and returns it too: LRU's and
/// those of the block cache.
pub fn favourites(out: &mut impl Write) -> Result<[u64; 2]> {
    let bytes = block_bytes()?;
    let capacity = FEW * weight(&*decode(&bytes)?);
    let lru = measure_favourites(&mut Lru { capacity, ..Lru::default() }, &bytes);
    let block_cache = measure_favourites(&mut BlockCache::new(capacity), &bytes);
    say(out, format!("{:<36}{:>10}{:>14}", "favourites change", "LRU", "your cache"));
    let name = "hits of their last 200 reads";
    say(out, format!("{name:<36}{lru:>10}{block_cache:>14}"));
    Ok([lru, block_cache])
}

fn say(out: &mut impl Write, line: String) {
    writeln!(out, "{line}").expect("writing to the terminal");
}

/// Prints the three tables.
fn tables(out: &mut impl Write) -> Result<()> {
    hit_rates(READS, out)?;
    say(out, String::new());
    lookups(ROWS, out)?;
    say(out, String::new());
    favourites(out)?;
    Ok(())
}

/// Prints all tables.
pub fn main() {
    if let Err(error) = tables(&mut io::stdout()) {
        println!("the measurement ended early: {error}");
    }
}
