//! Writers that sync alone, and writers that share a sync:
//! `cargo run --release -p week7 --example group_commit`.
//!
//! The file that they write lies beside this program, in `target`; another folder can be given:
//! `… --example group_commit -- /some/folder`.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, process};

use week7::optimize::group_commit::{GroupCommit, Wakeup, WriteHandle};
use week7::{Error, Result};

/// How many threads write at a time.
const THREADS: [usize; 6] = [1, 2, 4, 8, 16, 32];

/// What each of them writes, again and again.
const ROW: [u8; 100] = [b'r'; 100];

/// A file with rows at its end, and what those who write it share.
struct Log {
    file: File,
    path: PathBuf,
    /// How many rows there are; whoever appends holds the lock.
    appended: Mutex<u64>,
    syncs: AtomicU64,
    group: Arc<GroupCommit>,
}

impl Log {
    fn create(path: PathBuf) -> Result<Self> {
        let file = File::create(&path).map_err(Error::io("create", path.display().to_string()))?;
        let (appended, syncs) = (Mutex::new(0), AtomicU64::new(0));
        Ok(Self { file, path, appended, syncs, group: Arc::new(GroupCommit::new(0)) })
    }

    fn appended(&self) -> MutexGuard<'_, u64> {
        self.appended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a row at the end, for whoever holds the lock, and returns its number.
    fn append(&self, appended: &mut u64) -> Result<u64> {
        let failed = |source| self.failed("write", source);
        (&self.file).write_all(&ROW).map_err(failed)?;
        *appended += 1;
        Ok(*appended)
    }

    /// Returns when every row that was written before is on the disk.
    fn sync(&self) -> Result<()> {
        self.syncs.fetch_add(1, Ordering::Relaxed);
        self.file.sync_data().map_err(|source| self.failed("sync", source))
    }

    fn failed(&self, operation: &'static str, source: io::Error) -> Error {
        Error::io(operation, self.path.display().to_string())(source)
    }
}

// ANCHOR: ways
/// A row and its sync, one writer after the other.
fn alone(log: &Log) -> Result<()> {
    let mut appended = log.appended();
    log.append(&mut appended)?;
    log.sync()
}

/// A row, and a sync for all rows that were written meanwhile.
fn grouped(log: &Log) -> Result<()> {
    let seq = log.append(&mut log.appended())?;
    WriteHandle::new(Arc::clone(&log.group), seq).wait_durable()
}

/// The thread that syncs for all.
fn commit(log: &Log) {
    while log.group.wait_for_request(None) == Wakeup::Requested {
        // First the number, then the sync: what is appended during the sync is not covered.
        let up_to = *log.appended();
        match log.sync() {
            Ok(()) => log.group.committed(up_to),
            Err(error) => log.group.failed(Arc::new(error)),
        }
    }
}
// ANCHOR_END: ways

/// How often the two ways take turns, and how long each turn takes. So whatever else the disk has
/// to do meets both.
const TURNS: (usize, Duration) = (10, Duration::from_millis(200));

/// A way to write one row.
type Way = fn(&Log) -> Result<()>;

/// What one way did in its time.
#[derive(Debug, Default)]
pub struct Cost {
    /// How many rows were written and synced.
    pub writes: u64,
    /// How many syncs that took.
    pub syncs: u64,
    /// How long it took.
    time: Duration,
}

impl Cost {
    fn add(&mut self, other: &Self) {
        self.writes += other.writes;
        self.syncs += other.syncs;
        self.time += other.time;
    }

    fn writes_per_second(&self) -> f64 {
        self.writes as f64 / self.time.as_secs_f64()
    }

    fn syncs_per_write(&self) -> f64 {
        self.syncs as f64 / self.writes as f64
    }
}

/// Lets `threads` threads write in one way until the time is over.
fn measure(path: &Path, threads: usize, time: Duration, way: Way) -> Result<Cost> {
    let log = Log::create(path.to_owned())?;
    let start = Instant::now();
    let write = || {
        let mut writes = 0;
        while writes == 0 || start.elapsed() < time {
            way(&log)?;
            writes += 1;
        }
        Ok(writes)
    };
    let writes: Result<u64> = thread::scope(|scope| {
        scope.spawn(|| commit(&log));
        let writers: Vec<_> = (0..threads).map(|_| scope.spawn(write)).collect();
        let joined = writers.into_iter().map(|writer| writer.join().expect("no writer panics"));
        let writes = joined.sum();
        log.group.stop();
        writes
    });
    let time = start.elapsed();
    fs::remove_file(path).map_err(Error::io("remove", path.display().to_string()))?;
    Ok(Cost { writes: writes?, syncs: log.syncs.into_inner(), time })
}

/// Prints how many writes a second both ways make, and returns what they cost: for each number of
/// threads alone, then grouped.
pub fn table(
    folder: &Path,
    (turns, time): (usize, Duration),
    out: &mut impl Write,
) -> Result<Vec<[Cost; 2]>> {
    let path = folder.join(format!("group_commit.{}.log", process::id()));
    let mut say = |line: String| writeln!(out, "{line}").expect("writing to the terminal");
    say(format!("{:<10}{:>24}{:>24}", "", "alone", "grouped"));
    let columns = format!("{:>10}{:>14}", "writes/s", "syncs/write");
    say(format!("{:<10}{columns}{columns}{:>12}", "threads", "ratio"));
    let mut costs = Vec::new();
    for threads in THREADS {
        let mut both = [Cost::default(), Cost::default()];
        for _ in 0..turns {
            for (cost, way) in both.iter_mut().zip([alone, grouped as Way]) {
                cost.add(&measure(&path, threads, time, way)?);
            }
        }
        let cells = both.each_ref().map(|cost| {
            format!("{:>10.0}{:>14.2}", cost.writes_per_second(), cost.syncs_per_write())
        });
        let ratio = both[1].writes_per_second() / both[0].writes_per_second();
        say(format!("{threads:<10}{}{:>10.1} x", cells.concat(), ratio));
        costs.push(both);
    }
    Ok(costs)
}

/// Prints the table.
pub fn main() {
    let beside = || env::current_exe().ok().and_then(|program| program.parent().map(PathBuf::from));
    let folder = env::args_os().nth(1).map(PathBuf::from).or_else(beside).unwrap_or_default();
    if let Err(error) = table(&folder, TURNS, &mut io::stdout()) {
        println!("the measurement ended early: {error}");
    }
}
