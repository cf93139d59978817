//! What a compaction is worth: the same gets on 30 SSTs of level 0, and on the one sorted run that
//! they become.
//!
//! ```console
//! $ cargo run --release -p week8 --example compaction
//! ```
//!
//! It runs on your compaction, in memory: so the times are those of the processor, and no disk or
//! network is in them. It takes a few seconds.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use week8::format::Step;
use week8::object_store::{MemoryObjectStore, ObjectStore};
use week8::storage::MemoryWalStore;
use week8::{Db, Settings};

/// How many SSTs level 0 has before the compaction.
const SSTS: usize = 30;
/// How many writes go into each of them.
const WRITES: usize = 4_000;
/// How many different keys there are. Every tenth write is a delete.
const KEYS: u64 = 40_000;
/// How many gets are timed.
const GETS: u32 = 20_000;
/// How often everything is measured. The best is the one that least else was going on in.
const ROUNDS: usize = 7;
/// How many gets are traced, to count the SSTs that they ask.
const TRACED: u32 = 2_000;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let store = Arc::new(MemoryObjectStore::new());
    let db = open(&store)?;
    fill(&db)?;
    let before = Figures::of(&db)?;
    let stored_before = stored(&store)?;
    let start = Instant::now();
    db.compact()?;
    let took = start.elapsed();
    let stored_compacted = stored(&store)?;
    db.collect_garbage(Duration::ZERO)?;
    let stored_collected = stored(&store)?;
    let after = Figures::of(&db)?;

    println!("{:32}{:>12}{:>12}", "", "level 0", "compacted");
    let line = |what: &str, figure: &dyn Fn(&Figures) -> String| {
        println!("{what:32}{:>12}{:>12}", figure(&before), figure(&after));
    };
    line("SSTs of level 0, sorted runs", &|it| format!("{}, {}", it.l0, it.runs));
    line("rows in SSTs", &|it| it.rows.to_string());
    line("SSTs asked: a key that is there", &|it| format!("{:.1}", it.found.asked));
    line("SSTs asked: a key that isn't", &|it| format!("{:.1}", it.missing.asked));
    line("gets/s: a key that is there", &|it| format!("{:.0}", it.found.per_second));
    line("gets/s: a key that isn't", &|it| format!("{:.0}", it.missing.per_second));
    line("rows/s of a scan", &|it| format!("{:.0}", it.scanned_per_second));
    println!("\nThe compaction took {:.2} s. KiB of SSTs on the store:", took.as_secs_f64());
    println!(
        "{stored_before} before it, {stored_compacted} behind it, {stored_collected} without the garbage."
    );
    Ok(())
}

/// KiB of SSTs on the store, whether the database needs them or not.
fn stored(store: &MemoryObjectStore) -> Result<u64> {
    Ok(store.list("sst")?.iter().map(|object| object.size).sum::<u64>() / 1024)
}

/// A database that compacts only when it is asked to.
fn open(store: &Arc<MemoryObjectStore>) -> Result<Db> {
    let settings = Settings {
        compactor_options: None,
        garbage_collector_options: None,
        ..Settings::default()
    };
    let builder = Db::builder("in memory").with_object_store(store.clone());
    Ok(builder.with_wal_store(Arc::new(MemoryWalStore::new())).with_settings(settings).build()?)
}

fn fill(db: &Db) -> Result<()> {
    let mut random = Random(42);
    for _ in 0..SSTS {
        for write in 0..WRITES {
            let key = random.key();
            match write % 10 {
                0 => db.delete(key)?,
                _ => db.put(key, [b'v'; 60])?,
            };
        }
        db.flush()?;
    }
    Ok(())
}

/// What is measured of a database.
struct Figures {
    l0: usize,
    runs: usize,
    rows: u64,
    found: Gets,
    missing: Gets,
    scanned_per_second: f64,
}

impl Figures {
    fn of(db: &Db) -> Result<Self> {
        let stats = db.stats()?;
        let scanned_per_second = best_of_rounds(|| Ok(db.scan(..)?.count()))?;
        let (l0, runs, rows) = (stats.l0_ssts, stats.sorted_runs, stats.sst_rows);
        // A few of the keys were never written, or are deleted. The same ones each time.
        let found = Gets::of(db, Random::key)?;
        let missing = Gets::of(db, |random| random.key() + "x")?;
        Ok(Self { l0, runs, rows, found, missing, scanned_per_second })
    }
}

/// What gets of random keys cost.
struct Gets {
    /// How many SSTs each of them asks.
    asked: f64,
    per_second: f64,
}

impl Gets {
    fn of(db: &Db, key: impl Fn(&mut Random) -> String) -> Result<Self> {
        let mut random = Random(7);
        db.trace().start();
        for _ in 0..TRACED {
            db.get(key(&mut random))?;
        }
        let steps = db.trace().stop();
        let asked = steps.iter().filter(|step| matches!(step, Step::SstLookup { .. })).count();
        let per_second = best_of_rounds(|| {
            for _ in 0..GETS {
                db.get(key(&mut random))?;
            }
            Ok(GETS as usize)
        })?;
        Ok(Self { asked: asked as f64 / f64::from(TRACED), per_second })
    }
}

/// How much is done in a second, in the best of several rounds. `work` says how much it has done.
fn best_of_rounds(mut work: impl FnMut() -> Result<usize>) -> Result<f64> {
    let mut best = 0.0_f64;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let done = work()?;
        best = best.max(done as f64 / start.elapsed().as_secs_f64());
    }
    Ok(best)
}

/// Numbers that look random, and are the same in each run.
struct Random(u64);

impl Random {
    fn key(&mut self) -> String {
        // Knuth's generator, MMIX.
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        format!("key {:08}", (self.0 >> 33) % KEYS)
    }
}
