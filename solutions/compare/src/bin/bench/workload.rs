//! What is measured. A database is made for each group of workloads, in the order of [`Bench::run`].

use std::fs::File;
use std::io::Read as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use tinydb_compare::data::{self, mix};
use tinydb_compare::engine::{Engine, EngineKind, Key, LogClass, Options, Place, StoreKind, Value};
use tinydb_compare::machine::{bytes_below, peak_memory, sync_disk};
use tinydb_compare::measure::Clock;

use crate::timer::{Figure, Timer};

/// How many threads put at once in the workload `fillsync16`.
const AT_ONCE: usize = 16;
/// How many rows one short scan visits.
const SCANNED: usize = 100;
/// How many puts a second are made while others read: as many for each engine, so that each has the same to do.
const WRITES_PER_SECOND: u64 = 20_000;

/// One engine in one round.
pub struct Bench {
    /// The engine.
    pub engine: EngineKind,
    /// How many rows its databases get.
    pub rows: u64,
    /// How long a value is.
    pub value_len: usize,
    /// How many keys are read at random.
    pub reads: u64,
    /// How many durable puts each thread does.
    pub durable: u64,
    /// Only the workloads whose names begin like one of these; all if there are none.
    pub only: Vec<String>,
    /// Where databases are made.
    pub parent: PathBuf,
    /// What databases are opened with, but for the log.
    pub options: Options,
    /// What was measured so far.
    pub outcome: Outcome,
}

/// What was measured.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Outcome {
    /// A line for each workload.
    pub figures: Vec<Figure>,
    /// The bytes of all files when all rows had been put and the engine was at rest.
    pub bytes: u64,
    /// How many tables there were then.
    pub tables: usize,
    /// The most memory that the process had until the reads of all rows were done, in MiB.
    pub peak_mib: f64,
}

/// A database and where it is.
struct Opened {
    engine: Box<dyn Engine>,
    directory: TempDir,
}

impl Bench {
    /// Measures everything.
    pub fn run(mut self) -> Result<Outcome> {
        sync_disk();
        self.fill_and_read()?;
        self.fill("fillseq", LogClass::Buffered, ordered)?;
        self.fill("fillrandom, OS log", LogClass::Os, data::key)?;
        self.fill_durably()?;
        self.count()?;
        Ok(self.outcome)
    }

    /// One database: filled in random order, read, overwritten, read while written, opened again.
    fn fill_and_read(&mut self) -> Result<()> {
        if !self.wants_any(&["fillrandom", "read", "scan", "overwrite", "reopen"]) {
            return Ok(());
        }
        let db = self.open(LogClass::Buffered)?;
        self.put_all("fillrandom", &db, data::key, 0)?;
        self.read_random("readrandom, fresh", &db, 0)?;
        db.engine.settle()?;
        sync_disk();
        self.outcome.bytes = bytes_below(db.directory.path())?;
        self.outcome.tables = db.engine.tables()?;
        self.read_random("readrandom", &db, 0)?;
        self.read_missing(&db)?;
        self.read_all("readseq", &db, 0)?;
        self.scan_short(&db)?;
        self.outcome.peak_mib = peak_memory().unwrap_or(f64::NAN);
        if self.engine == EngineKind::Tinydb {
            self.read_files(&db)?;
        }
        if self.wants_any(&["overwrite", "readwhilewriting", "reopen"]) {
            self.put_all("overwrite", &db, data::key, 1)?;
            self.read_while_writing(&db)?;
            self.reopen(db)?;
        }
        Ok(())
    }

    fn fill(&mut self, workload: &str, log: LogClass, key: fn(u64) -> Key) -> Result<()> {
        if !self.engine.supports(StoreKind::Disk, log) || !self.wants_any(&[workload]) {
            return Ok(());
        }
        let db = self.open(log)?;
        self.put_all(workload, &db, key, 0)?;
        db.engine.close()
    }

    /// Puts that wait until they are durable: of one thread, and of several at once.
    fn fill_durably(&mut self) -> Result<()> {
        if !self.engine.supports(StoreKind::Disk, LogClass::Sync) || !self.wants_any(&["fillsync"])
        {
            return Ok(());
        }
        let db = self.open(LogClass::Sync)?;
        let alone = self.durable;
        let ranges = [
            ("fillsync", 1, 0..alone),
            ("fillsync16", AT_ONCE, alone..alone + alone * AT_ONCE as u64),
        ];
        for (workload, at_once, numbers) in ranges {
            let rows: Vec<_> =
                numbers.map(|number| (data::key(number), self.value(number, 0))).collect();
            let mut clock = Clock::with_capacity(rows.len());
            db.engine.put_at_once(&rows, at_once, &mut clock)?;
            let mut timer = Timer::new()?;
            let wall = clock.wall();
            timer.add_at_once(clock.into_times(), wall);
            self.note(workload, rows.len() as u64, &timer);
        }
        db.engine.close()
    }

    /// Additions to a hundredth as many counters.
    fn count(&mut self) -> Result<()> {
        let workload = "mergecounter";
        if !self.wants_any(&[workload]) {
            return Ok(());
        }
        let options = Options { counters: true, ..self.options.clone() };
        let db = self.open_with(&options)?;
        let counters = (self.rows / 100).max(1);
        let mut timer = Timer::new()?;
        for number in 0..self.rows {
            let key = data::key(mix(number) % counters);
            timer.time(|| db.engine.add(&key, 1))?;
        }
        self.note(workload, self.rows, &timer);
        let (mut sum, mut value) = (0, Vec::new());
        for counter in 0..counters {
            if db.engine.get(&data::key(counter), &mut value)? {
                sum += u64::from_be_bytes(value[..].try_into()?);
            }
        }
        ensure!(sum == self.rows, "{sum} was counted, and not {}", self.rows);
        db.engine.close()
    }

    fn wants(&self, workload: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| workload.starts_with(only.as_str()))
    }

    /// Whether a workload is wanted whose name begins like one of these.
    fn wants_any(&self, groups: &[&str]) -> bool {
        let is_in = |only: &String| {
            groups.iter().any(|group| only.starts_with(group) || group.starts_with(only.as_str()))
        };
        self.only.is_empty() || self.only.iter().any(is_in)
    }

    fn open(&self, log: LogClass) -> Result<Opened> {
        self.open_with(&Options { log, ..self.options.clone() })
    }

    fn open_with(&self, options: &Options) -> Result<Opened> {
        let directory = TempDir::with_prefix_in("bench-", &self.parent)?;
        let place = Place::Directory(directory.path().to_owned());
        Ok(Opened { engine: self.engine.open(&place, options)?, directory })
    }

    fn note(&mut self, workload: &str, operations: u64, timer: &Timer) {
        let figure = timer.figure(workload, operations);
        let Figure { per_second, p50_micros, p99_micros, .. } = figure;
        eprintln!(
            "  {workload}: {per_second:.0}/s, p50 {p50_micros:.2} µs, p99 {p99_micros:.2} µs"
        );
        if self.wants(workload) {
            self.outcome.figures.push(figure);
        }
    }

    /// The value that a key got at its `version`th overwriting.
    fn value(&self, number: u64, version: u64) -> Value {
        data::value(number | version << 32, self.value_len)
    }

    fn put_all(
        &mut self,
        workload: &str,
        db: &Opened,
        key: fn(u64) -> Key,
        version: u64,
    ) -> Result<()> {
        let mut timer = Timer::new()?;
        for number in 0..self.rows {
            // Overwriting goes another way through the keys than the fill.
            let number = if version == 0 { number } else { (number * 0x9e37_79b1) % self.rows };
            let (key, value) = (key(number), self.value(number, version));
            timer.time(|| db.engine.put(&key, &value))?;
        }
        self.note(workload, self.rows, &timer);
        Ok(())
    }

    fn read_random(&mut self, workload: &str, db: &Opened, version: u64) -> Result<()> {
        if !self.wants(workload) {
            return Ok(());
        }
        let mut timer = Timer::new()?;
        let mut found = Vec::new();
        for read in 0..self.reads {
            let number = self.pick(read);
            let key = data::key(number);
            let is_there = timer.time(|| db.engine.get(&key, &mut found))?;
            ensure!(
                is_there && found == self.value(number, version),
                "key {number} has the value {found:x?}"
            );
        }
        self.note(workload, self.reads, &timer);
        Ok(())
    }

    fn read_missing(&mut self, db: &Opened) -> Result<()> {
        if !self.wants("readmissing") {
            return Ok(());
        }
        let mut timer = Timer::new()?;
        let mut found = Vec::new();
        for read in 0..self.reads {
            let key = data::key(self.rows + read);
            let is_there = timer.time(|| db.engine.get(&key, &mut found))?;
            ensure!(!is_there, "a key that nobody has put has the value {found:x?}");
        }
        self.note("readmissing", self.reads, &timer);
        Ok(())
    }

    /// Scans every row twice: once on the clock, and once to check.
    fn read_all(&mut self, workload: &str, db: &Opened, version: u64) -> Result<()> {
        if !self.wants(workload) {
            return Ok(());
        }
        let mut timer = Timer::new()?;
        let (mut rows, mut bytes) = (0_u64, 0);
        timer.time(|| {
            db.engine.scan(&[], &mut |key, value| {
                rows += 1;
                bytes += key.len() + value.len();
                ControlFlow::Continue(())
            })
        })?;
        ensure!(rows == self.rows, "{rows} rows, and not {}", self.rows);
        let mut sum = 0_u64;
        let (mut last, mut is_ordered) = (Vec::new(), true);
        db.engine.scan(&[], &mut |key, value| {
            is_ordered &= last.as_slice() < key;
            last.clear();
            last.extend_from_slice(key);
            sum = sum.wrapping_add(fingerprint(key, value));
            ControlFlow::Continue(())
        })?;
        let rows = (0..self.rows)
            .map(|number| fingerprint(&data::key(number), &self.value(number, version)));
        ensure!(
            is_ordered && sum == rows.fold(0, u64::wrapping_add),
            "the scan shows other rows than were put"
        );
        self.note(workload, self.rows, &timer);
        Ok(())
    }

    fn scan_short(&mut self, db: &Opened) -> Result<()> {
        if !self.wants("scan100") {
            return Ok(());
        }
        let mut timer = Timer::new()?;
        let scans = self.reads / 20;
        for read in 0..scans {
            let from = data::key(self.pick(read));
            let mut rows = 0;
            timer.time(|| {
                db.engine.scan(&from, &mut |key, _| {
                    rows += 1;
                    let is_enough = rows == SCANNED || key < &from[..];
                    if is_enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                })
            })?;
            ensure!(rows > 0, "a scan from a key that is there finds none");
        }
        self.note("scan100", scans, &timer);
        Ok(())
    }

    /// Reads every file from beginning to end: what a scan can't be faster than.
    fn read_files(&mut self, db: &Opened) -> Result<()> {
        let mut timer = Timer::new()?;
        let mut buffer = vec![0; 1 << 20];
        timer.time(|| read_below(db.directory.path(), &mut buffer))?;
        self.note("reading the files", self.rows, &timer);
        Ok(())
    }

    /// Random reads while another thread puts at a fixed rate.
    fn read_while_writing(&mut self, db: &Opened) -> Result<()> {
        if !self.wants("readwhilewriting") {
            return Ok(());
        }
        let mut timer = Timer::new()?;
        let is_over = AtomicBool::new(false);
        let write = || -> Result<()> {
            let began = Instant::now();
            for written in 0_u64.. {
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                let number = mix(written) % self.rows;
                db.engine.put(&data::key(number), &self.value(number, 2))?;
                let due = Duration::from_nanos(written * 1_000_000_000 / WRITES_PER_SECOND);
                if let Some(early) =
                    due.checked_sub(began.elapsed()).filter(|early| early.as_micros() > 500)
                {
                    thread::sleep(early);
                }
            }
            Ok(())
        };
        thread::scope(|scope| {
            let writer = scope.spawn(write);
            let mut found = Vec::new();
            for read in 0..self.reads {
                let number = self.pick(read);
                let key = data::key(number);
                let is_there = timer.time(|| db.engine.get(&key, &mut found))?;
                let is_known = [1, 2].iter().any(|&version| found == self.value(number, version));
                ensure!(is_there && is_known, "key {number} has the value {found:x?}");
            }
            is_over.store(true, Ordering::Relaxed);
            writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })?;
        self.note("readwhilewriting", self.reads, &timer);
        Ok(())
    }

    /// Closes a database whose log holds half a memtable of rows, and opens it until a key is read. The
    /// rows before are flushed: otherwise it would be chance where in its log an engine is.
    fn reopen(&mut self, db: Opened) -> Result<()> {
        const VERSION: u64 = 3;
        let Opened { engine, directory } = db;
        // The map's log is never read.
        if !self.wants("reopen") || self.engine == EngineKind::Map {
            return engine.close();
        }
        engine.settle()?;
        let half = self.options.memtable / 2 / (size_of::<Key>() + self.value_len);
        for number in 0..self.rows.min(half.max(1) as u64) {
            engine.put(&data::key(number), &self.value(number, VERSION))?;
        }
        engine.close()?;
        let place = Place::Directory(directory.path().to_owned());
        let mut timer = Timer::new()?;
        let mut found = Vec::new();
        let engine = timer.time(|| -> Result<_> {
            let engine = self.engine.open(&place, &self.options)?;
            ensure!(engine.get(&data::key(0), &mut found)?, "key 0 is gone");
            Ok(engine)
        })?;
        ensure!(found == self.value(0, VERSION), "key 0 has the value {found:x?}");
        self.note("reopen", 1, &timer);
        engine.close()
    }

    /// The number of a key to be read: some more than once, some not at all.
    fn pick(&self, read: u64) -> u64 {
        const SEED: u64 = 0x7131_d0b8_5eed;
        mix(SEED ^ read) % self.rows
    }
}

/// Key `number`, in the order of numbers.
fn ordered(number: u64) -> Key {
    u128::from(number).to_be_bytes()
}

/// A number that stands for a row.
fn fingerprint(key: &[u8], value: &[u8]) -> u64 {
    let part = |sum: u64, bytes: &[u8]| {
        bytes.chunks(8).fold(sum, |sum, chunk| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            mix(sum ^ u64::from_be_bytes(word))
        })
    };
    part(part(0, key), value)
}

fn read_below(directory: &Path, buffer: &mut [u8]) -> Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            read_below(&path, buffer)?;
            continue;
        }
        let mut file = File::open(path)?;
        while file.read(buffer)? > 0 {}
    }
    Ok(())
}
