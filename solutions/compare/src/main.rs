//! The same work on TinyDB and on published embedded engines, in the same run.
//!
//! ```text
//! cargo run --release --manifest-path solutions/compare/Cargo.toml -- --json figures.json --svg figures.svg
//! ```
//!
//! In each round, each engine in turn gets empty databases and does every [workload]. The engines take turns so that a
//! noisy minute of the machine hits them all. What is shown is the median of the rounds, and its ratio to that of the
//! first engine.
//!
//! With `--features week7` there is one engine more, `mine`: the crate `chapters/week7`, with the reader's code.

mod chart;
mod report;
mod workload;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Parser;
use tempfile::TempDir;

use report::Report;
use tinydb_compare::engine::{EngineKind, LogClass, Options, Place, StoreKind};
use tinydb_compare::engines::{MemoryStores, SlateDb};
use tinydb_compare::machine::Machine;
use tinydb_compare::output;
use workload::{Amounts, Round};

/// Measures TinyDB beside published embedded engines.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    /// How many keys are put.
    #[arg(long, default_value_t = 300_000)]
    keys: u32,
    /// How many keys are read, at random.
    #[arg(long, default_value_t = 200_000)]
    reads: u32,
    /// How many durable puts each thread does, one after the other.
    #[arg(long, default_value_t = 200)]
    durable: u32,
    /// How many rows the log holds when a database is opened.
    #[arg(long, default_value_t = 100_000)]
    logged: u32,
    /// How often everything is measured.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Which engines; the others are compared with the first.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = EngineKind::compared())]
    engines: Vec<EngineKind>,
    /// Where tables and logs are.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [StoreKind::Disk, StoreKind::Memory])]
    store: Vec<StoreKind>,
    /// The size of a memtable in bytes.
    #[arg(long, default_value_t = 4 << 20)]
    memtable: usize,
    /// The block cache in bytes.
    #[arg(long, default_value_t = 64 << 20)]
    cache: usize,
    /// Compacts tables in the background, and deletes what is no longer needed. (fjall does so always.)
    #[arg(long)]
    compaction: bool,
    /// How often SlateDB writes its log if puts wait for it, in milliseconds. Its own default is 100.
    #[arg(long, default_value_t = 1)]
    flush_interval: u64,
    /// Where the databases are made and removed; by default beside this program, which is on a disk.
    #[arg(long)]
    directory: Option<PathBuf>,
    /// Leaves the databases where they were made, and says where.
    #[arg(long)]
    keep: bool,
    /// Also writes every figure of every round to this file.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Also writes the table to this file.
    #[arg(long)]
    text: Option<PathBuf>,
    /// Also draws the figures into this file.
    #[arg(long)]
    svg: Option<PathBuf>,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    let began = Instant::now();
    let parent = output::directory(cli.directory.as_deref())?;
    let mut report = Report {
        machine: Machine::of(&parent),
        engines: cli.engines.iter().copied().map(report::with_version).collect(),
        settings: cli.settings(),
        runs: Vec::new(),
        sizes: Vec::new(),
    };
    for &store in &cli.store {
        for round in 1..=cli.rounds {
            for &engine in &cli.engines {
                cli.measure(engine, store, round, &parent, &mut report)?;
            }
        }
    }
    print!("{}", report.text());
    eprintln!("{:.0} seconds in all", began.elapsed().as_secs_f64());
    output::write(cli.json.as_deref(), || Ok(serde_json::to_string_pretty(&report)? + "\n"))?;
    output::write(cli.text.as_deref(), || Ok(report.text()))?;
    output::write(cli.svg.as_deref(), || Ok(chart::svg(&report)))
}

impl Cli {
    /// Every workload on one engine.
    fn measure(
        &self,
        engine: EngineKind,
        store: StoreKind,
        round: u32,
        parent: &Path,
        report: &mut Report,
    ) -> Result<()> {
        let place = || match store {
            StoreKind::Disk => {
                let prefix = format!("compare-{}-", engine.name().replace(' ', "-"));
                let mut directory = TempDir::with_prefix_in(prefix, parent)?;
                directory.disable_cleanup(self.keep);
                if self.keep {
                    eprintln!("{}", directory.path().display());
                }
                Ok((Place::Directory(directory.path().to_owned()), Some(directory)))
            }
            StoreKind::Memory => Ok((Place::Memory(Arc::new(MemoryStores::default())), None)),
        };
        let (options, amounts) = (self.options(), self.amounts());
        let mut round = Round {
            engine,
            store,
            round,
            options: &options,
            amounts: &amounts,
            place: &place,
            runs: Vec::new(),
            size: None,
        };
        workload::run_all(&mut round).with_context(|| engine.name())?;
        report.runs.extend(round.runs);
        report.sizes.extend(round.size);
        Ok(())
    }

    fn options(&self) -> Options {
        Options {
            // Each workload says which.
            log: LogClass::Buffered,
            memtable: self.memtable,
            cache: self.cache,
            compaction: self.compaction,
            counters: false,
            flush_interval: Duration::from_millis(self.flush_interval),
        }
    }

    fn amounts(&self) -> Amounts {
        let Self { keys, reads, durable, logged, .. } = *self;
        Amounts { keys, reads, durable, logged }
    }

    /// What all engines have in common, and what they don't.
    fn settings(&self) -> Vec<String> {
        let megabytes = |bytes: usize| format!("{:.0} MiB", bytes as f64 / f64::from(1 << 20));
        let (memtable, cache) = (megabytes(self.memtable), megabytes(self.cache));
        let compaction = if self.compaction { "on" } else { "off (fjall: on)" };
        vec![
            format!(
                "{} keys of 16 bytes in random order, values of 100; {} reads",
                report::grouped(self.keys.into()),
                report::grouped(self.reads.into())
            ),
            format!("memtables of {memtable}, block cache of {cache}, blocks of 4 KiB,"),
            format!("filters of 10 bits a key, no compression, compaction {compaction}"),
            format!(
                "SlateDB: log every {} ms if a put waits for it, else every 100 ms;",
                self.flush_interval
            ),
            format!(
                "SlateDB async: {} puts or {} gets in flight in one task",
                SlateDb::PUTS_IN_FLIGHT,
                SlateDb::GETS_IN_FLIGHT
            ),
            format!("medians of {} rounds", self.rounds),
        ]
    }
}
