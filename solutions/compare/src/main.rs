//! The same work on TinyDB and on published embedded engines, in the same run.
//!
//! ```text
//! cargo run --release --manifest-path solutions/compare/Cargo.toml -- --json figures.json
//! ```
//!
//! In each round, each engine in turn gets an empty directory and does every [workload]. The engines
//! take turns so that a noisy minute of the machine hits them all. What is shown is the median of the
//! rounds, and its ratio to that of TinyDB.
//!
//! Equal for all: memtables of 64 MiB, a log that is written and never synced for a write, no compression,
//! random keys of 16 bytes, values of 100 bytes, one thread, and every value that is read is checked. Not
//! equal: fjall has a block cache, filters and leveled compaction; TinyDB has not yet.

mod engine;
mod engines;
mod measure;
mod report;
mod workload;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;

use engine::{EngineKind, LogClass, Options};
use measure::Run;
use workload::{Data, WORKLOADS};

/// Measures TinyDB beside published embedded engines.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    /// How many keys are put.
    #[arg(long, default_value_t = 1_000_000)]
    keys: u32,
    /// How many keys are read, at random; by default as many as there are.
    #[arg(long)]
    reads: Option<u32>,
    /// How often everything is measured.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Which engines.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [EngineKind::Tinydb, EngineKind::Fjall])]
    engines: Vec<EngineKind>,
    /// Where the log is when a put returns.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [LogClass::Os, LogClass::Buffered])]
    log: Vec<LogClass>,
    /// The size of a memtable in bytes.
    #[arg(long, default_value_t = 64 << 20)]
    memtable: usize,
    /// The block cache in bytes, of engines that have one.
    #[arg(long, default_value_t = 32 << 20)]
    cache: u64,
    /// Where the databases are made and removed; by default the system's folder for temporary files.
    #[arg(long)]
    directory: Option<PathBuf>,
    /// Also writes every figure of every round to this file.
    #[arg(long)]
    json: Option<PathBuf>,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    let data = Data::new(cli.keys, cli.reads.unwrap_or(cli.keys));
    let mut runs = Vec::new();
    for &log in &cli.log {
        for round in 1..=cli.rounds {
            for &engine in &cli.engines {
                let options = Options { log, memtable: cli.memtable, cache: cli.cache };
                runs.extend(measure_engine(&cli, engine, &options, &data, round)?);
            }
        }
    }
    print!("{}", report::table(&runs, &cli.engines));
    if let Some(path) = &cli.json {
        let json = serde_json::to_string_pretty(&runs)?;
        std::fs::write(path, json + "\n").with_context(|| format!("{}", path.display()))?;
    }
    Ok(())
}

/// Every workload, in order, on an engine that starts empty.
fn measure_engine(
    cli: &Cli,
    kind: EngineKind,
    options: &Options,
    data: &Data,
    round: u32,
) -> Result<Vec<Run>> {
    let parent = cli.directory.clone().unwrap_or_else(std::env::temp_dir);
    let directory = tempfile::tempdir_in(&parent)?;
    let engine = kind.open(directory.path(), options)?;
    let mut runs = Vec::new();
    for workload in WORKLOADS {
        let times = (workload.run)(&*engine, data)
            .with_context(|| format!("{} on {kind:?}", workload.name))?;
        let run = Run::new(kind, options.log, workload.name, round, times);
        eprintln!("{run}");
        runs.push(run);
    }
    Ok(runs)
}
