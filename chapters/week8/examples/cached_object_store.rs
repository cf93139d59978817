//! Random reads of blocks from a distant store, without and with a part cache, and with parts of several
//! sizes: `cargo run --release -p week8 --example cached_object_store`. It takes about a minute.

use std::fs;
use std::io::{self, Write};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use week8::object_store::{
    CachedObjectStore, CachedObjectStoreOptions, MemoryObjectStore, ObjectMeta, ObjectStore,
};
use week8::{Error, Result};

const SST: &str = "sst/00000000000000000001.sst";
const SST_SIZE: u64 = 64 << 20;
const BLOCK: u64 = 4 << 10;

// ANCHOR: distant
/// A store in memory, which is as far away as a bucket: a request waits, and then bytes trickle in.
#[derive(Debug)]
struct Distant {
    objects: MemoryObjectStore,
    distance: Distance,
    requests: AtomicU64,
    bytes: AtomicU64,
}

/// How far away a store is.
#[derive(Debug, Clone, Copy)]
pub struct Distance {
    /// How long a request takes before the first byte comes.
    pub latency: Duration,
    /// How fast the bytes come then.
    pub bytes_per_second: u64,
}

impl Distant {
    fn travel(&self, bytes: u64) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        let transfer = bytes as f64 / self.distance.bytes_per_second as f64;
        thread::sleep(self.distance.latency + Duration::from_secs_f64(transfer));
    }
}
// ANCHOR_END: distant

impl ObjectStore for Distant {
    fn put(&self, path: &str, object: Bytes) -> Result<()> {
        self.travel(object.len() as u64);
        self.objects.put(path, object)
    }

    fn put_if_absent(&self, path: &str, object: Bytes) -> Result<()> {
        self.travel(object.len() as u64);
        self.objects.put_if_absent(path, object)
    }

    fn get(&self, path: &str) -> Result<Bytes> {
        let object = self.objects.get(path)?;
        self.travel(object.len() as u64);
        Ok(object)
    }

    fn get_range(&self, path: &str, range: Range<u64>) -> Result<Bytes> {
        self.travel(range.end.saturating_sub(range.start));
        self.objects.get_range(path, range)
    }

    fn head(&self, path: &str) -> Result<ObjectMeta> {
        self.travel(0);
        self.objects.head(path)
    }

    fn list(&self, prefix: &str) -> Result<Vec<ObjectMeta>> {
        self.travel(0);
        self.objects.list(prefix)
    }

    fn delete(&self, path: &str) -> Result<()> {
        self.travel(0);
        self.objects.delete(path)
    }
}

/// What some reads cost.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// How many requests the store got.
    pub requests: u64,
    /// How many bytes it sent.
    pub bytes: u64,
    /// How long that took.
    pub time: Duration,
}

/// The course of an experiment: a distant store with one SST.
struct Experiment {
    distant: Arc<Distant>,
}

impl Experiment {
    fn new(distance: Distance) -> Result<Self> {
        let objects = MemoryObjectStore::new();
        let byte = |at: u64| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8;
        objects.put(SST, (0..SST_SIZE).map(byte).collect())?;
        let (requests, bytes) = (AtomicU64::new(0), AtomicU64::new(0));
        Ok(Self { distant: Arc::new(Distant { objects, distance, requests, bytes }) })
    }

    fn cache(&self, folder: &Path, part_size_bytes: u64) -> Result<CachedObjectStore> {
        let options = CachedObjectStoreOptions::new(folder);
        let options = CachedObjectStoreOptions { part_size_bytes, ..options };
        CachedObjectStore::open(self.distant.clone(), options)
    }

    /// Reads these blocks, one after the other.
    fn read(&self, store: &dyn ObjectStore, blocks: &[u64]) -> Result<Cost> {
        let (requests, bytes) = (&self.distant.requests, &self.distant.bytes);
        requests.store(0, Ordering::Relaxed);
        bytes.store(0, Ordering::Relaxed);
        let start = Instant::now();
        for block in blocks {
            let range = block * BLOCK..(block + 1) * BLOCK;
            let found = store.get_range(SST, range.clone())?;
            // Copied nowhere, the expected bytes cost nothing.
            assert_eq!(found, self.distant.objects.get_range(SST, range)?, "block {block}");
        }
        let time = start.elapsed();
        let (requests, bytes) = (requests.load(Ordering::Relaxed), bytes.load(Ordering::Relaxed));
        Ok(Cost { requests, bytes, time })
    }
}

/// Blocks at random: nine of ten from the first MiB, the others from anywhere in the SST.
fn favourites(count: u64) -> Vec<u64> {
    let all = SST_SIZE / BLOCK;
    let random = numbers(count * 2);
    random.chunks(2).map(|r| if r[0] % 10 == 0 { r[1] % all } else { r[1] % 256 }).collect()
}

/// One block of each 4 MiB of the SST: no two are in the same part.
fn far_apart() -> Vec<u64> {
    let stretches = numbers(SST_SIZE >> 22).into_iter().zip(0..);
    stretches.map(|(random, stretch)| stretch * 1024 + random % 1024).collect()
}

/// Numbers that look random, the same ones each time.
fn numbers(count: u64) -> Vec<u64> {
    let mix = |number: u64| {
        let number = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number ^ (number >> 31)
    };
    (0..count).map(mix).collect()
}

/// Reads 200 blocks in four settings, prints what it cost, and returns it too.
pub fn before_and_after(
    distance: Distance,
    folder: &Path,
    out: &mut dyn Write,
) -> Result<Vec<Cost>> {
    let experiment = Experiment::new(distance)?;
    let blocks = favourites(200);
    let part_size = CachedObjectStoreOptions::DEFAULT_PART_SIZE_BYTES;
    let mut costs = Vec::new();
    let mut row = |name: &str, cost: Cost| {
        costs.push(cost);
        let Cost { requests, bytes, time } = cost;
        let line = format!("{name:<22}{requests:>9}{:>12}{:>11}", kib(bytes), shown(time));
        writeln!(out, "{line}").map_err(Error::io("print to", "the terminal"))
    };
    row("without a cache", experiment.read(&*experiment.distant, &blocks)?)?;
    let cache = experiment.cache(folder, part_size)?;
    row("cache, empty", experiment.read(&cache, &blocks)?)?;
    row("cache, the same again", experiment.read(&cache, &blocks)?)?;
    drop(cache);
    let cache = experiment.cache(folder, part_size)?;
    row("after a restart", experiment.read(&cache, &blocks)?)?;
    Ok(costs)
}

/// What parts of one size cost.
#[derive(Debug)]
pub struct PartSizeCost {
    /// One block of each 4 MiB.
    pub misses: Cost,
    /// The same again.
    pub hits: Cost,
    /// 4 MiB, block by block.
    pub scan: Cost,
}

/// Compares parts of several sizes, prints what they cost, and returns it too.
pub fn part_sizes(
    kib_of_parts: &[u64],
    distance: Distance,
    folder: &Path,
    out: &mut dyn Write,
) -> Result<Vec<PartSizeCost>> {
    let experiment = Experiment::new(distance)?;
    let mut costs = Vec::new();
    for &kib_of_part in kib_of_parts {
        let folder = folder.join(kib_of_part.to_string());
        let cache = experiment.cache(&folder, kib_of_part << 10)?;
        // The head is asked for once, whatever the size.
        cache.head(SST)?;
        let blocks = far_apart();
        let misses = experiment.read(&cache, &blocks)?;
        let hits = experiment.read(&cache, &blocks)?;
        let stretch: Vec<u64> = (1024..2048).collect();
        let fresh = experiment.cache(&folder.join("scan"), kib_of_part << 10)?;
        fresh.head(SST)?;
        let scan = experiment.read(&fresh, &stretch)?;
        let each = |cost: Cost| shown(cost.time / blocks.len() as u32);
        let line = format!(
            "{:>9}{:>14}{:>12}{:>12}{:>16}{:>12}",
            kib(kib_of_part << 10),
            kib(misses.bytes),
            each(misses),
            each(hits),
            scan.requests,
            shown(scan.time)
        );
        writeln!(out, "{line}").map_err(Error::io("print to", "the terminal"))?;
        costs.push(PartSizeCost { misses, hits, scan });
    }
    Ok(costs)
}

fn kib(bytes: u64) -> String {
    match bytes >> 10 {
        kib if kib >= 10 << 10 => format!("{} MiB", bytes >> 20),
        kib => format!("{kib} KiB"),
    }
}

fn shown(time: Duration) -> String {
    match time.as_micros() {
        micros @ ..1000 => format!("{micros} µs"),
        micros @ ..10_000 => format!("{:.1} ms", micros as f64 / 1e3),
        micros @ ..1_000_000 => format!("{} ms", micros / 1000),
        micros => format!("{:.1} s", micros as f64 / 1e6),
    }
}

fn main() -> Result<()> {
    let distance = Distance { latency: Duration::from_millis(50), bytes_per_second: 100 << 20 };
    let folder = std::env::temp_dir().join(format!("tinydb-part-cache-{}", std::process::id()));
    let mut out = io::stdout();
    let print = |out: &mut io::Stdout, text: &str| {
        writeln!(out, "{text}").map_err(Error::io("print to", "the terminal"))
    };
    print(&mut out, "200 reads of a block of 4 KiB, with parts of 256 KiB\n")?;
    print(&mut out, &format!("{:<22}{:>9}{:>12}{:>11}", "", "requests", "bytes", "time"))?;
    before_and_after(distance, &folder.join("before-and-after"), &mut out)?;
    print(&mut out, "\n16 blocks far apart, and a scan of 4 MiB, with parts of several sizes\n")?;
    let head = format!(
        "{:>9}{:>14}{:>12}{:>12}{:>16}{:>12}",
        "part", "16 misses", "a miss", "a hit", "scan: requests", "time"
    );
    print(&mut out, &head)?;
    part_sizes(&[16, 64, 256, 1024, 4096], distance, &folder.join("part-sizes"), &mut out)?;
    fs::remove_dir_all(&folder).map_err(Error::io("remove", folder.display().to_string()))
}
