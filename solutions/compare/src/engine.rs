//! What a workload needs of an engine. To add one: a file in `engines/`, and a line in [`EngineKind`] and
//! in [`EngineKind::open`].

use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::engines::{Fjall, MapAndLog, MemoryStores, SlateDb, reference};
use crate::measure::Clock;

/// A key.
pub type Key = [u8; 16];
/// A value.
pub type Value = Vec<u8>;

/// An open database.
pub trait Engine: Send + Sync {
    /// Gives a key a value. When it returns, the write has survived what the [`LogClass`] says.
    fn put(&self, key: &[u8], value: &[u8]) -> Result<()>;

    /// Puts the value of a key into `value`; `false` if it has none.
    fn get(&self, key: &[u8], value: &mut Vec<u8>) -> Result<bool>;

    /// Visits the keys from `from` on and their values, in key order, until the visit says that it is enough.
    fn scan(&self, from: &[u8], visit: &mut Visit<'_>) -> Result<()>;

    /// Adds to the number that a key has, 8 bytes, big-endian; a key without a value has 0. By a merge operand, where
    /// the engine has those and was opened with [`Options::counters`]; else by reading and writing.
    fn add(&self, key: &[u8], number: u64) -> Result<()> {
        let mut value = Vec::new();
        let before = match self.get(key, &mut value)? {
            true => u64::from_be_bytes(value[..].try_into()?),
            false => 0,
        };
        self.put(key, &(before + number).to_be_bytes())
    }

    /// Moves everything from memtables into tables, and waits until the background is at rest: so a read that
    /// follows is measured alone.
    fn settle(&self) -> Result<()>;

    /// How many tables there are.
    fn tables(&self) -> Result<usize>;

    /// Closes the database. What is in memtables is in the log, and nowhere else.
    fn close(self: Box<Self>) -> Result<()>;

    /// Puts each row, in the way that suits the engine best: one after the other, if nothing else is said.
    fn put_all(&self, rows: &[(Key, Value)], clock: &mut Clock) -> Result<()> {
        put_in_turn(self, rows, clock)
    }

    /// Puts each row, `at_once` of them at any moment: each in a thread of its own, if nothing else is said.
    fn put_at_once(&self, rows: &[(Key, Value)], at_once: usize, clock: &mut Clock) -> Result<()> {
        put_in_threads(self, rows, at_once, clock)
    }

    /// Gets each key, in the way that suits the engine best, and hands what was found to `check`, in any order
    /// and not on the clock.
    fn get_all(&self, keys: &[Key], clock: &mut Clock, check: &mut Check<'_>) -> Result<()> {
        get_in_turn(self, keys, clock, check)
    }
}

/// Puts one row after the other.
pub fn put_in_turn<E: Engine + ?Sized>(
    engine: &E,
    rows: &[(Key, Value)],
    clock: &mut Clock,
) -> Result<()> {
    rows.iter().try_for_each(|(key, value)| clock.time(|| engine.put(key, value)))
}

/// Puts rows from several threads.
pub fn put_in_threads<E: Engine + ?Sized>(
    engine: &E,
    rows: &[(Key, Value)],
    threads: usize,
    clock: &mut Clock,
) -> Result<()> {
    let chunks: Vec<_> = rows.chunks(rows.len().div_ceil(threads).max(1)).collect();
    let start = Barrier::new(chunks.len());
    let work = |rows: &[(Key, Value)]| {
        let mut clock = Clock::with_capacity(rows.len());
        start.wait();
        let began = Instant::now();
        let done = engine.put_all(rows, &mut clock);
        done.map(|()| (clock.into_times(), began, Instant::now()))
    };
    let threads: Result<Vec<_>> = thread::scope(|scope| {
        let started: Vec<_> = chunks.into_iter().map(|rows| scope.spawn(|| work(rows))).collect();
        let joined = started.into_iter().map(thread::ScopedJoinHandle::join);
        joined.map(|thread| thread.unwrap_or_else(|panic| resume_unwind(panic))).collect()
    });
    let threads = threads?;
    let began = threads.iter().map(|&(_, began, _)| began).min();
    let ended = threads.iter().map(|&(_, _, ended)| ended).max();
    let wall = ended.zip(began).map_or(Duration::ZERO, |(ended, began)| ended - began);
    clock.add(threads.into_iter().flat_map(|(times, ..)| times), wall);
    Ok(())
}

/// Gets one key after the other.
pub fn get_in_turn<E: Engine + ?Sized>(
    engine: &E,
    keys: &[Key],
    clock: &mut Clock,
    check: &mut Check<'_>,
) -> Result<()> {
    let mut value = Vec::new();
    for (position, key) in keys.iter().enumerate() {
        let found = clock.time(|| engine.get(key, &mut value))?;
        check(position, found.then_some(&*value))?;
    }
    Ok(())
}

/// What a scan does with a key and its value.
pub type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + Send + 'a;
/// Looks at what was found for the key at a position.
pub type Check<'a> = dyn FnMut(usize, Option<&[u8]>) -> Result<()> + 'a;

/// What a write has survived when its put returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogClass {
    /// Nothing: it is in a buffer of the process.
    Buffered,
    /// A killed process: the operating system has it.
    Os,
    /// A power cut: it is synced.
    Sync,
}

/// Where tables and logs are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StoreKind {
    /// In a directory.
    Disk,
    /// In memory.
    Memory,
}

/// Where one database is. It can be opened, closed and opened again.
#[derive(Debug, Clone)]
pub enum Place {
    /// In this directory.
    Directory(PathBuf),
    /// In memory.
    Memory(Arc<MemoryStores>),
}

/// What every engine is opened with.
#[derive(Debug, Clone)]
pub struct Options {
    /// What a write has survived when its put returns.
    pub log: LogClass,
    /// The size of a memtable in bytes.
    pub memtable: usize,
    /// The block cache in bytes.
    pub cache: usize,
    /// Whether tables are compacted in the background, and files that are no longer needed deleted.
    pub compaction: bool,
    /// Whether values are numbers that are added to.
    pub counters: bool,
    /// How often an engine that writes its log by the clock does that, if a put waits for it.
    pub flush_interval: Duration,
}

/// The engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EngineKind {
    /// The engine of the course.
    Tinydb,
    /// The engine of a chapter crate, with the reader's code.
    #[cfg(feature = "mine")]
    Mine,
    /// SlateDB, one operation after the other, as a program without async calls it.
    Slatedb,
    /// SlateDB, with many operations in flight in one task of its runtime.
    SlatedbAsync,
    /// fjall, an LSM tree with a block cache, filters and leveled compaction.
    Fjall,
    /// RocksDB, the LSM tree in C++ that most others are measured against.
    #[cfg(feature = "rocksdb")]
    #[value(name = "rocksdb")]
    #[serde(rename = "rocksdb")]
    RocksDb,
    /// No engine but a limit: an ordered map, and a log of the same bytes.
    Map,
}

impl EngineKind {
    /// All but the limit.
    pub fn compared() -> Vec<Self> {
        Self::value_variants().iter().copied().filter(|&kind| kind != Self::Map).collect()
    }

    /// Its name in tables and figures.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tinydb => "TinyDB",
            #[cfg(feature = "mine")]
            Self::Mine => "mine",
            Self::Slatedb => "SlateDB",
            Self::SlatedbAsync => "SlateDB async",
            Self::Fjall => "fjall",
            #[cfg(feature = "rocksdb")]
            Self::RocksDb => "RocksDB",
            Self::Map => "map and log",
        }
    }

    /// Whether it has such a log on such a store.
    pub fn supports(self, store: StoreKind, log: LogClass) -> bool {
        match self {
            Self::Fjall => store == StoreKind::Disk,
            #[cfg(feature = "rocksdb")]
            Self::RocksDb => store == StoreKind::Disk,
            Self::Map => store == StoreKind::Disk && log == LogClass::Buffered,
            // A put's row is in the process, or in an object; there is nothing between.
            Self::Slatedb | Self::SlatedbAsync => log != LogClass::Os,
            _ => true,
        }
    }

    /// Opens the database at a place, and makes it if there is none.
    pub fn open(self, place: &Place, options: &Options) -> Result<Box<dyn Engine>> {
        Ok(match self {
            Self::Tinydb => Box::new(reference::TinyDb::open(place, options)?),
            #[cfg(feature = "mine")]
            Self::Mine => Box::new(crate::engines::mine::TinyDb::open(place, options)?),
            Self::Slatedb => Box::new(SlateDb::open(place, options, false)?),
            Self::SlatedbAsync => Box::new(SlateDb::open(place, options, true)?),
            Self::Fjall => match place {
                Place::Directory(directory) => Box::new(Fjall::open(directory, options)?),
                Place::Memory(_) => bail!("fjall has no store in memory"),
            },
            #[cfg(feature = "rocksdb")]
            Self::RocksDb => match place {
                Place::Directory(directory) => {
                    Box::new(crate::engines::RocksDb::open(directory, options)?)
                }
                Place::Memory(_) => bail!("RocksDB has a store in memory, but not for this"),
            },
            Self::Map => match place {
                Place::Directory(directory) => Box::new(MapAndLog::open(directory)?),
                Place::Memory(_) => bail!("the map's log is a file"),
            },
        })
    }
}
