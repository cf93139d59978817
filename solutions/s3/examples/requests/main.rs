//! How many requests does it take, and how long, with and without the cache of parts on local disk?
//!
//! ```text
//! cargo run --release --manifest-path solutions/s3/Cargo.toml --example requests
//! ```
//!
//! The whole database is on an S3 server on this machine: SSTs, manifests and the WAL. Every call takes
//! 50 ms more than it does there, as if the server were far away. A call counts as one request; a
//! listing has one more for each further 1,000 objects.

#[allow(dead_code, reason = "the tests need more of it")]
#[path = "../../tests/s3/server.rs"]
mod server;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tinydb::object_store::{CachedObjectStore, CachedObjectStoreOptions, ObjectStore};
use tinydb::{Db, DbBuilder, Result, Settings, WriteBatch};
use tinydb_s3::{Calls, LatencyObjectStore};

use server::Server;

const LATENCY: Duration = Duration::from_millis(50);
/// Rows in one flush: about 0.5 MiB.
const ROWS: u32 = 4_000;
const FLUSHES: u32 = 4;
const GETS: u32 = 100;

/// What an operation took.
#[derive(Debug, Clone, Copy)]
struct Cost {
    calls: Calls,
    time: Duration,
}

/// The store, far away, and a way to it with or without a cache.
struct Machine {
    far: Arc<LatencyObjectStore>,
    cache: Option<tempfile::TempDir>,
}

fn main() -> Result<()> {
    let server = Server::start();
    let mut costs = Vec::new();
    for cached in [false, true] {
        let store: Arc<dyn ObjectStore> = Arc::new(server.store());
        let far = Arc::new(LatencyObjectStore::new(store, LATENCY));
        let mut machine = Machine { far, cache: None };
        if cached {
            machine.replace_disk();
        }
        costs.push(measure(&mut machine, cached)?);
    }
    let [without, with] = &costs[..] else { unreachable!("two runs were made") };
    println!("| | without the cache | | | with it | | |");
    println!("|---|--:|--:|---|--:|--:|---|");
    println!("| | requests | seconds | of which | requests | seconds | of which |");
    for ((name, before), (_, after)) in without.iter().zip(with) {
        println!("| {name} | {} | {} |", show(before), show(after));
    }
    Ok(())
}

fn show(Cost { calls, time }: &Cost) -> String {
    let kinds = [
        ("put", calls.put),
        ("get", calls.get),
        ("range", calls.get_range),
        ("head", calls.head),
        ("list", calls.list),
        ("delete", calls.delete),
    ];
    let kinds = kinds.iter().filter(|(_, count)| *count > 0);
    let kinds: Vec<_> = kinds.map(|(kind, count)| format!("{count} {kind}")).collect();
    format!("{} | {:.2} | {}", calls.total(), time.as_secs_f64(), kinds.join(", "))
}

impl Machine {
    /// A machine with an empty local disk.
    fn replace_disk(&mut self) {
        self.cache = Some(tempfile::tempdir().expect("a temporary folder"));
    }

    fn open(&self) -> Result<Db> {
        let far: Arc<dyn ObjectStore> = Arc::<LatencyObjectStore>::clone(&self.far);
        let store = match &self.cache {
            None => far,
            Some(folder) => {
                let options = CachedObjectStoreOptions::new(folder.path());
                Arc::new(CachedObjectStore::open(far, options)?)
            }
        };
        // What happens by itself would be counted too.
        let settings = Settings {
            compactor_options: None,
            garbage_collector_options: None,
            ..Settings::default()
        };
        DbBuilder::on_object_store(store).with_settings(settings).build()
    }

    /// Runs an operation, and says what it took.
    fn cost<T>(&self, operation: impl FnOnce() -> Result<T>) -> Result<(T, Cost)> {
        let (before, start) = (self.far.calls(), Instant::now());
        let done = operation()?;
        let (time, calls) = (start.elapsed(), self.far.calls().since(before));
        Ok((done, Cost { calls, time }))
    }
}

/// All operations, one after the other.
fn measure(machine: &mut Machine, cached: bool) -> Result<Vec<(String, Cost)>> {
    let mut costs = Vec::new();
    let mut note = |name: String, cost| costs.push((name, cost));

    let (db, cost) = machine.cost(|| machine.open())?;
    note("open, a new database".into(), cost);
    for flush in 0..FLUSHES {
        let ((), cost) = machine.cost(|| write(&db, flush)?.wait_durable())?;
        if flush == 0 {
            note(format!("write {ROWS} rows durably, first of {FLUSHES} times"), cost);
        }
        let ((), cost) = machine.cost(|| db.flush())?;
        if flush == 0 {
            note(format!("flush, first of {FLUSHES} times"), cost);
        }
    }
    db.close()?;
    drop(db);

    for (place, keeps_disk) in [("another machine", false), ("restart", true)] {
        if cached && !keeps_disk {
            machine.replace_disk();
        }
        let (db, cost) = machine.cost(|| machine.open())?;
        note(format!("{place}: open"), cost);
        let ((), cost) = machine.cost(|| get(&db))?;
        note(format!("{place}: {GETS} gets"), cost);
        let ((), cost) = machine.cost(|| get(&db))?;
        note(format!("{place}: the same gets again"), cost);
        let ((), cost) = machine.cost(|| scan(&db))?;
        note(format!("{place}: scan {} rows", ROWS * FLUSHES), cost);
        db.close()?;
    }

    let db = machine.open()?;
    let ((), cost) = machine.cost(|| db.compact())?;
    note(format!("restart: compact {FLUSHES} SSTs into one"), cost);
    let ((), cost) = machine.cost(|| scan(&db))?;
    note("scan what was compacted".into(), cost);
    db.close()?;
    Ok(costs)
}

fn key(number: u32) -> String {
    format!("key {number:010}")
}

/// Writes every `FLUSHES`th row, beginning with number `flush`: so each SST has keys from everywhere.
fn write(db: &Db, flush: u32) -> Result<tinydb::optimize::WriteHandle> {
    let mut batch = WriteBatch::new();
    for number in (flush..ROWS * FLUSHES).step_by(FLUSHES as usize) {
        batch.put(key(number), format!("{number:0100}"));
    }
    db.write(batch)
}

fn get(db: &Db) -> Result<()> {
    for number in 0..GETS {
        // Keys far from each other.
        let number = number.wrapping_mul(7_919) % (ROWS * FLUSHES);
        let found = db.get(key(number))?;
        assert_eq!(found.expect("it was put"), format!("{number:0100}"));
    }
    Ok(())
}

fn scan(db: &Db) -> Result<()> {
    let rows = db.scan(..)?.try_fold(0, |rows, row| row.map(|_| rows + 1))?;
    assert_eq!(rows, ROWS * FLUSHES);
    Ok(())
}
