//! Runs commands on an open database.

use std::fmt;
use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use indicatif::{ProgressBar, ProgressStyle};
use tinydb::db::{Stats, paths};
use tinydb::format::Step;
use tinydb::iter::BytesRange;
use tinydb::{Db, WriteBatch};

use crate::command::{COMMANDS, Command, Entry};
use crate::data_set::DataSet;
use crate::failure::Failure;
use crate::merge::OperatorName;
use crate::words::{Shortened, Shown};

/// A database and where its answers are printed.
pub struct Session<'a> {
    /// The database.
    pub db: Db,
    operator: OperatorName,
    out: &'a mut dyn Write,
}

/// What a command that did not fail came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It did what it is for.
    Done,
    /// The key has no value.
    NotFound,
    /// The shell is to end.
    Exit,
}

impl fmt::Debug for Session<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Session").field("db", &self.db).finish_non_exhaustive()
    }
}

impl<'a> Session<'a> {
    /// Commands on `db`, which was opened with `operator`, and whose answers go to `out`.
    pub fn new(db: Db, operator: OperatorName, out: &'a mut dyn Write) -> Self {
        Self { db, operator, out }
    }

    /// Runs a command. What it prints has left the program when this returns.
    pub fn run(&mut self, command: &Command) -> Result<Outcome, Failure> {
        let outcome = self.dispatch(command);
        self.out.flush().map_err(Failure::Output)?;
        outcome
    }

    fn dispatch(&mut self, command: &Command) -> Result<Outcome, Failure> {
        match command {
            Command::Put { key, value } => {
                self.db.put(key, self.operator.typed(value))?;
            }
            Command::Get { key } => return self.get(key),
            Command::Delete { key } => {
                self.db.delete(key)?;
            }
            Command::Merge { key, operand } => {
                self.db.merge(key, self.operator.typed(operand))?;
            }
            Command::Scan { range, limit } => self.scan(range, *limit)?,
            Command::Flush => self.db.flush()?,
            Command::Compact => self.compact()?,
            Command::Gc { min_age, dry_run } => self.collect_garbage(*min_age, *dry_run)?,
            Command::Stats => self.stats()?,
            Command::Trace(command) => return self.trace(command),
            Command::Fill { data, batch } => self.fill(data, *batch)?,
            Command::Check(data) => self.check(data)?,
            Command::Help(entry) => self.help(*entry)?,
            Command::Exit => return Ok(Outcome::Exit),
        }
        Ok(Outcome::Done)
    }

    fn get(&mut self, key: &[u8]) -> Result<Outcome, Failure> {
        let Some(value) = self.db.get(key)? else {
            self.print(format_args!("(not found)\n"))?;
            return Ok(Outcome::NotFound);
        };
        let value = self.operator.shown(value);
        self.print(format_args!("{}\n", Shown(&value)))?;
        Ok(Outcome::Done)
    }

    fn scan(&mut self, range: &BytesRange, limit: usize) -> Result<(), Failure> {
        for found in self.db.scan(range.clone())?.take(limit) {
            let mut found = found?;
            found.value = self.operator.shown(found.value);
            self.print(format_args!("{} {}\n", Shown(&found.key), Shown(&found.value)))?;
        }
        Ok(())
    }

    /// Compacts in a thread of its own, and shows how far it is.
    fn compact(&mut self) -> Result<(), Failure> {
        let bar = progress_bar(0);
        thread::scope(|scope| {
            let compaction = scope.spawn(|| self.db.compact());
            while !compaction.is_finished() {
                if let Some(running) = self.db.compactions().first() {
                    // Both at once: it may be another compaction than the one before.
                    bar.update(|bar| {
                        bar.set_len(running.total_rows);
                        bar.set_pos(running.progress.rows_read());
                    });
                }
                thread::sleep(Duration::from_millis(20));
            }
            bar.finish_and_clear();
            compaction.join().unwrap_or(Err(tinydb::Error::Closed))
        })?;
        Ok(())
    }

    fn collect_garbage(&mut self, min_age: Duration, dry_run: bool) -> Result<(), Failure> {
        let garbage = match dry_run {
            true => self.db.find_garbage(min_age)?,
            false => self.db.collect_garbage(min_age)?,
        };
        for id in &garbage.manifests {
            self.print(format_args!("{}\n", paths::manifest(*id)))?;
        }
        for id in &garbage.ssts {
            self.print(format_args!("{}\n", paths::sst(*id)))?;
        }
        Ok(())
    }

    fn stats(&mut self) -> Result<(), Failure> {
        let stats = self.db.stats()?;
        for (name, figure) in figures(&stats) {
            self.print(format_args!("{name:<22} {figure:>14}\n"))?;
        }
        Ok(())
    }

    /// Runs a command and prints its steps, also if it fails.
    fn trace(&mut self, command: &Command) -> Result<Outcome, Failure> {
        self.db.trace().start();
        let outcome = self.dispatch(command);
        let steps = self.db.trace().stop();
        self.print_steps(&steps)?;
        outcome
    }

    /// Prints steps, numbered.
    pub fn print_steps(&mut self, steps: &[Step]) -> Result<(), Failure> {
        let width = steps.len().to_string().len();
        for (number, step) in (1..).zip(steps) {
            self.print(format_args!("{number:>width$}. {step}\n"))?;
        }
        Ok(())
    }

    fn fill(&mut self, data: &DataSet, batch_len: u64) -> Result<(), Failure> {
        let bar = progress_bar(data.count);
        let start = Instant::now();
        let mut numbers = data.numbers();
        loop {
            let mut batch = WriteBatch::new();
            let most = usize::try_from(batch_len).unwrap_or(usize::MAX);
            for number in numbers.by_ref().take(most) {
                batch.put(DataSet::key(number), data.value(number));
            }
            if batch.is_empty() {
                break;
            }
            let written = batch.len() as u64;
            self.db.write(batch)?;
            bar.inc(written);
        }
        bar.finish_and_clear();
        self.print(format_args!("wrote {}\n", Rate { count: data.count, time: start.elapsed() }))
    }

    fn check(&mut self, data: &DataSet) -> Result<(), Failure> {
        let bar = progress_bar(data.count);
        let start = Instant::now();
        let (mut wrong, mut first) = (0, None);
        for number in data.numbers() {
            let (key, expected) = (DataSet::key(number), data.value(number));
            let found = self.db.get(&key)?;
            if found.as_ref() != Some(&expected) {
                wrong += 1;
                first.get_or_insert_with(|| Mismatch { key, expected, found }.to_string());
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
        let count = data.count;
        self.print(format_args!("read {}\n", Rate { count, time: start.elapsed() }))?;
        first.map_or(Ok(()), |first| Err(Failure::Check { wrong, count, first }))
    }

    fn help(&mut self, entry: Option<&Entry>) -> Result<(), Failure> {
        match entry {
            Some(entry) => self.print(format_args!("{}", EntryHelp(entry))),
            None => self.print(format_args!("{CommandList}")),
        }
    }

    fn print(&mut self, text: fmt::Arguments<'_>) -> Result<(), Failure> {
        self.out.write_fmt(text).map_err(Failure::Output)
    }
}

/// The commands, one a line.
#[derive(Debug)]
pub struct CommandList;

impl fmt::Display for CommandList {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for entry in COMMANDS {
            writeln!(out, "  {:<18} {}", entry.usage(), entry.about)?;
        }
        Ok(())
    }
}

struct EntryHelp<'a>(&'a Entry);

impl fmt::Display for EntryHelp<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entry = self.0;
        let options = if entry.options.is_empty() { "" } else { " [OPTIONS]" };
        writeln!(out, "{}{options}\n{}.", entry.usage(), entry.about)?;
        if entry.details.is_empty() { Ok(()) } else { write!(out, "\n{}", entry.details) }
    }
}

fn figures(stats: &Stats) -> Vec<(&'static str, String)> {
    let counts = [
        ("memtable rows", stats.mem_table_rows as u64),
        ("memtable bytes", stats.mem_table_bytes as u64),
        ("immutable memtables", stats.immutable_mem_tables as u64),
        ("immutable bytes", stats.immutable_bytes as u64),
        ("level-0 SSTs", stats.l0_ssts as u64),
        ("sorted runs", stats.sorted_runs as u64),
        ("SSTs in sorted runs", stats.sorted_run_ssts as u64),
        ("SST rows", stats.sst_rows),
        ("SST data bytes", stats.sst_bytes),
        ("flushed memtable bytes", stats.flushed_mem_table_bytes),
        ("flushed bytes", stats.flushed_bytes),
        ("compacted bytes", stats.compacted_bytes),
        ("running compactions", stats.running_compactions as u64),
        ("completed compactions", stats.completed_compactions),
        ("block cache hits", stats.block_cache_hits),
        ("block cache misses", stats.block_cache_misses),
        ("block cache bytes", stats.block_cache_bytes as u64),
        ("last sequence number", stats.last_seq),
        ("durable up to", stats.durable_seq),
        ("manifest", stats.manifest_id),
        ("writer epoch", stats.writer_epoch),
    ];
    let ratio = |ratio: Option<f64>| ratio.map_or("-".into(), |ratio| format!("{ratio:.2}"));
    let amplifications = [
        ("write amplification", ratio(stats.write_amplification)),
        ("read amplification", stats.read_amplification.to_string()),
        ("space amplification", ratio(stats.space_amplification)),
    ];
    counts
        .map(|(name, count)| (name, count.to_string()))
        .into_iter()
        .chain(amplifications)
        .collect()
}

/// A bar on the terminal that shows itself only if the errors go to one.
fn progress_bar(count: u64) -> ProgressBar {
    let bar = ProgressBar::new(count);
    let style = ProgressStyle::with_template("{bar:40} {human_pos} of {human_len}, {eta} left");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar
}

struct Rate {
    count: u64,
    time: Duration,
}

impl fmt::Display for Rate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.time.as_secs_f64();
        // A time that can't be measured is taken for a microsecond. The cast saturates.
        let rate = (self.count as f64 / seconds.max(1e-6)) as u64;
        write!(out, "{} keys in {seconds:.2} s: {rate} a second", self.count)
    }
}

struct Mismatch {
    key: Bytes,
    expected: Bytes,
    found: Option<Bytes>,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |bytes| Shortened { bytes, limit: 20 };
        write!(out, "{}, which should be {}", Shown(&self.key), short(&self.expected))?;
        match &self.found {
            Some(found) => write!(out, " and is {}", short(found)),
            None => out.write_str(" and was not found"),
        }
    }
}
