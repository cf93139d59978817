//! What is measured. To add a workload: a function, and a line in [`run_all`].

use std::ops::ControlFlow;

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use tinydb_compare::data;
use tinydb_compare::engine::{Engine, EngineKind, Key, LogClass, Options, Place, StoreKind, Value};
use tinydb_compare::machine::bytes_below;
use tinydb_compare::measure::{Clock, Run, Size, Subject};

/// How much is written and read.
#[derive(Debug, Clone)]
pub struct Amounts {
    /// How many keys are put.
    pub keys: u32,
    /// How many keys are read.
    pub reads: u32,
    /// How many puts each thread waits for.
    pub durable: u32,
    /// How many rows the log holds when a database is opened.
    pub logged: u32,
}

/// How many threads, or tasks, put at once in the workload `put x16`.
pub const AT_ONCE: usize = 16;

/// How long a value is.
const VALUE_LEN: usize = 100;

/// How many operations are prepared, then done, then checked.
const CHUNK: usize = 4096;

/// Databases that one engine makes and fills in one round, and what is noted of them.
pub struct Round<'a> {
    /// The engine.
    pub engine: EngineKind,
    /// Where the databases are.
    pub store: StoreKind,
    /// Which round.
    pub round: u32,
    /// What databases are opened with, but for the log.
    pub options: &'a Options,
    /// How much is written and read.
    pub amounts: &'a Amounts,
    /// Makes an empty place.
    pub place: &'a dyn Fn() -> Result<(Place, Option<TempDir>)>,
    /// The figures.
    pub runs: Vec<Run>,
    /// What the tables took.
    pub size: Option<Size>,
}

/// Every workload that the engine can do on this store.
pub fn run_all(round: &mut Round<'_>) -> Result<()> {
    let logs: &[LogClass] = match round.store {
        StoreKind::Disk => &[LogClass::Buffered, LogClass::Os, LogClass::Sync],
        // In memory there is nothing to be synced.
        StoreKind::Memory => &[LogClass::Buffered],
    };
    for &log in logs {
        match log {
            log if !round.engine.supports(round.store, log) => {}
            LogClass::Buffered => {
                round.put_and_read().context("putting and reading")?;
                round.open().context("opening")?;
            }
            LogClass::Os => round.put().context("putting")?,
            LogClass::Sync => round.put_durably().context("putting durably")?,
        }
    }
    Ok(())
}

impl Round<'_> {
    fn note(&mut self, log: LogClass, workload: &'static str, operations: usize, clock: Clock) {
        let subject = Subject { store: self.store, log, workload };
        let run = Run::new(self.engine, subject, self.round, operations, clock);
        eprintln!("{run}");
        self.runs.push(run);
    }

    fn create(&self, options: &Options) -> Result<(Box<dyn Engine>, Place, Option<TempDir>)> {
        let (place, directory) = (self.place)()?;
        Ok((self.engine.open(&place, options)?, place, directory))
    }

    /// Every key, in random order; then reads of them, from tables.
    fn put_and_read(&mut self) -> Result<()> {
        let log = LogClass::Buffered;
        let options = Options { log, ..self.options.clone() };
        let (engine, place, _directory) = self.create(&options)?;
        let keys = self.amounts.keys;
        self.note(log, "put", keys as usize, put(&*engine, 0..keys)?);
        engine.settle()?;
        if let Place::Directory(directory) = &place {
            let (tables, bytes) = (engine.tables()?, bytes_below(directory)?);
            self.size = Some(Size { engine: self.engine, tables, bytes });
        }
        let reads = self.amounts.reads as usize;
        let present = (0..self.amounts.reads).map(|read| Some(pick(read, keys)));
        self.note(log, "get", reads, get(&*engine, present)?);
        self.note(log, "get missing", reads, get(&*engine, (0..self.amounts.reads).map(|_| None))?);
        self.note(log, "scan", keys as usize, scan(&*engine, keys)?);
        engine.close()
    }

    /// Every key, in random order.
    fn put(&mut self) -> Result<()> {
        let log = LogClass::Os;
        let options = Options { log, ..self.options.clone() };
        let (engine, _place, _directory) = self.create(&options)?;
        let keys = self.amounts.keys;
        self.note(log, "put", keys as usize, put(&*engine, 0..keys)?);
        engine.close()
    }

    /// Puts that wait until they are durable: of one thread, and of several at once.
    fn put_durably(&mut self) -> Result<()> {
        let log = LogClass::Sync;
        let options = Options { log, ..self.options.clone() };
        let (engine, _place, _directory) = self.create(&options)?;
        let alone = self.amounts.durable;
        for (workload, at_once, numbers) in
            [("put x1", 1, 0..alone), ("put x16", AT_ONCE, alone..alone + alone * AT_ONCE as u32)]
        {
            let rows: Vec<_> = numbers.map(row).collect();
            let mut clock = Clock::with_capacity(rows.len());
            engine.put_at_once(&rows, at_once, &mut clock)?;
            self.note(log, workload, rows.len(), clock);
        }
        engine.close()
    }

    /// Opens a database whose rows are all in its log.
    fn open(&mut self) -> Result<()> {
        let log = LogClass::Buffered;
        // A memtable that holds them all.
        let memtable = self.options.memtable.max(64 << 20);
        let options = Options { log, memtable, ..self.options.clone() };
        let (engine, place, _directory) = self.create(&options)?;
        let rows = self.amounts.logged;
        put(&*engine, 0..rows)?;
        engine.close()?;
        let mut clock = Clock::default();
        let engine = clock.time(|| self.engine.open(&place, &options))?;
        self.note(log, "open", rows as usize, clock);
        scan(&*engine, rows).context("after opening")?;
        engine.close()
    }
}

fn put(engine: &dyn Engine, numbers: std::ops::Range<u32>) -> Result<Clock> {
    let mut clock = Clock::with_capacity(numbers.len());
    let mut rows = Vec::with_capacity(CHUNK);
    let mut numbers = numbers.peekable();
    while numbers.peek().is_some() {
        rows.clear();
        rows.extend(numbers.by_ref().take(CHUNK).map(row));
        engine.put_all(&rows, &mut clock)?;
    }
    Ok(clock)
}

/// Gets keys by number, or keys that nobody has put; checks what was found.
fn get(engine: &dyn Engine, numbers: impl ExactSizeIterator<Item = Option<u32>>) -> Result<Clock> {
    let mut clock = Clock::with_capacity(numbers.len());
    let numbers: Vec<_> = numbers.collect();
    let mut missing = u32::MAX;
    for numbers in numbers.chunks(CHUNK) {
        let mut key = |number: &Option<u32>| {
            key(number.unwrap_or_else(|| {
                missing -= 1;
                missing
            }))
        };
        let keys: Vec<_> = numbers.iter().map(&mut key).collect();
        engine.get_all(&keys, &mut clock, &mut |position, found| {
            let number = numbers[position];
            if found != number.map(value).as_ref().map(|value| &value[..]) {
                bail!("key {number:?} has the value {found:x?}");
            }
            Ok(())
        })?;
    }
    Ok(clock)
}

/// Scans every row twice: once on the clock, and once to check.
fn scan(engine: &dyn Engine, keys: u32) -> Result<Clock> {
    let mut clock = Clock::default();
    let (mut rows, mut bytes) = (0, 0);
    clock.time(|| {
        engine.scan(&[], &mut |key, value| {
            rows += 1;
            bytes += key.len() + value.len();
            ControlFlow::Continue(())
        })
    })?;
    let expected = (keys, keys as usize * (size_of::<Key>() + VALUE_LEN));
    ensure!((rows, bytes) == expected, "{rows} rows of {bytes} bytes, and not {expected:?}");
    let mut sorted: Vec<_> = (0..keys).map(|number| (key(number), number)).collect();
    sorted.sort_unstable();
    let mut expected = sorted.iter();
    let mut wrong = None;
    engine.scan(&[], &mut |seen, seen_value| match expected.next() {
        Some((key, number)) if key == seen && value(*number) == seen_value => {
            ControlFlow::Continue(())
        }
        other => {
            wrong = Some(format!("{seen:x?} where {other:x?} should be"));
            ControlFlow::Break(())
        }
    })?;
    wrong.map_or(Ok(clock), |wrong| bail!("the scan shows {wrong}"))
}

/// The number of a key to be read: some more than once, some not at all.
fn pick(read: u32, keys: u32) -> u32 {
    const SEED: u64 = 0x7131_d0b8_5eed;
    (data::mix(SEED ^ u64::from(read)) % u64::from(keys.max(1))) as u32
}

fn row(number: u32) -> (Key, Value) {
    (key(number), value(number))
}

fn key(number: u32) -> Key {
    data::key(number.into())
}

fn value(number: u32) -> Value {
    data::value(number.into(), VALUE_LEN)
}
