//! The usual workloads of the field, on TinyDB and on the engines that one could take in its place.
//!
//! ```text
//! cargo run --release --manifest-path solutions/compare/Cargo.toml --bin bench
//! cargo run --release --manifest-path solutions/compare/Cargo.toml --bin bench -- --rows 10000000 --values 1024 --rounds 1
//! ```
//!
//! Each engine does all workloads of a round in a process of its own, so that its peak of memory is its own. The
//! engines take turns, so that a noisy minute of the machine hits all. What counts is the ratio between TinyDB and the
//! best of the others *in the same round*; what is shown is the median of the rounds' ratios.

mod chart;
mod table;
mod timer;
mod workload;

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::{Parser, ValueEnum as _};
use serde::{Deserialize, Serialize};
use tinydb_compare::engine::{EngineKind, LogClass, Options};
use tinydb_compare::machine::Machine;
use tinydb_compare::output;

use crate::workload::{Bench, Outcome};

/// Measures TinyDB beside other engines.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    /// How many rows a database gets.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000_000])]
    rows: Vec<u64>,
    /// How many bytes a value has.
    #[arg(long, value_delimiter = ',', default_values_t = [100])]
    values: Vec<usize>,
    /// How many keys are read at random.
    #[arg(long, default_value_t = 200_000)]
    reads: u64,
    /// How many durable puts each thread does.
    #[arg(long, default_value_t = 2000)]
    durable: u64,
    /// How often everything is measured.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Which engines.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [
        EngineKind::Tinydb, EngineKind::Fjall, EngineKind::Slatedb, EngineKind::Map,
    ])]
    engines: Vec<EngineKind>,
    /// Only these workloads, by the beginnings of their names.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// The size of a memtable, in MiB.
    #[arg(long, default_value_t = 64)]
    memtable_mib: usize,
    /// The block cache, in MiB.
    #[arg(long, default_value_t = 256)]
    cache_mib: usize,
    /// Where the databases are made and removed; by default beside this program, which is on a disk.
    #[arg(long)]
    directory: Option<PathBuf>,
    /// Also writes every figure of every round to this file.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Also writes the table to this file.
    #[arg(long)]
    text: Option<PathBuf>,
    /// Also draws the ratios of the first size to this file.
    #[arg(long)]
    svg: Option<PathBuf>,
    /// Does one run, in this process, and prints it as JSON.
    #[arg(long, hide = true, value_enum)]
    one: Option<EngineKind>,
}

/// What one engine did in one round.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Run {
    rows: u64,
    value_len: usize,
    round: u32,
    engine: EngineKind,
    #[serde(flatten)]
    outcome: Outcome,
}

#[derive(Serialize)]
struct Report<'a> {
    machine: &'a Machine,
    settings: &'a [String],
    runs: &'a [Run],
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    if let Some(engine) = cli.one {
        println!("{}", serde_json::to_string(&cli.bench(engine)?.run()?)?);
        return Ok(());
    }
    let mut runs = Vec::new();
    for (&rows, &value_len) in
        cli.rows.iter().flat_map(|rows| cli.values.iter().map(move |len| (rows, len)))
    {
        for round in 1..=cli.rounds {
            for &engine in &cli.engines {
                let outcome = cli.in_a_process(engine, rows, value_len)?;
                runs.push(Run { rows, value_len, round, engine, outcome });
            }
        }
    }
    let (machine, settings) = (Machine::of(&cli.parent()?), cli.settings());
    let text = table::text(&machine, &settings, &runs);
    print!("{text}");
    output::write(cli.text.as_deref(), || Ok(text))?;
    output::write(cli.svg.as_deref(), || chart_of_the_first(&runs))?;
    output::write(cli.json.as_deref(), || {
        let report = Report { machine: &machine, settings: &settings, runs: &runs };
        Ok(serde_json::to_string_pretty(&report)? + "\n")
    })
}

fn chart_of_the_first(runs: &[Run]) -> Result<String> {
    let Run { rows, value_len, .. } = *runs.first().context("nothing was measured")?;
    let is_first = |run: &&Run| (run.rows, run.value_len) == (rows, value_len);
    let lines = table::lines(&runs.iter().filter(is_first).collect::<Vec<_>>());
    Ok(chart::svg(rows, value_len, &lines))
}

impl Cli {
    fn parent(&self) -> Result<PathBuf> {
        output::directory(self.directory.as_deref())
    }

    fn in_a_process(&self, engine: EngineKind, rows: u64, value_len: usize) -> Result<Outcome> {
        let name = engine.to_possible_value().context("an engine without a name")?;
        eprintln!("{} with {rows} rows of {value_len} bytes", engine.name());
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--one", name.get_name()]);
        let numbers = [
            ("--rows", rows),
            ("--values", value_len as u64),
            ("--reads", self.reads),
            ("--durable", self.durable),
            ("--memtable-mib", self.memtable_mib as u64),
            ("--cache-mib", self.cache_mib as u64),
        ];
        for (flag, number) in numbers {
            command.arg(flag).arg(number.to_string());
        }
        if !self.only.is_empty() {
            command.arg("--only").arg(self.only.join(","));
        }
        command.arg("--directory").arg(self.parent()?);
        let output = command.stderr(Stdio::inherit()).output()?;
        ensure!(output.status.success(), "{} has failed", engine.name());
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    fn bench(&self, engine: EngineKind) -> Result<Bench> {
        let (Some(&rows), Some(&value_len)) = (self.rows.first(), self.values.first()) else {
            anyhow::bail!("there is nothing to do");
        };
        Ok(Bench {
            engine,
            rows,
            value_len,
            reads: self.reads,
            durable: self.durable,
            only: self.only.clone(),
            parent: self.parent()?,
            options: Options {
                // Each workload says which.
                log: LogClass::Buffered,
                memtable: self.memtable_mib << 20,
                cache: self.cache_mib << 20,
                compaction: true,
                counters: false,
                flush_interval: Duration::from_millis(1),
            },
            outcome: Outcome::default(),
        })
    }

    fn settings(&self) -> Vec<String> {
        vec![
            format!(
                "memtables of {} MiB, block cache of {} MiB, blocks of 4 KiB,",
                self.memtable_mib, self.cache_mib
            ),
            "filters of 10 bits a key, no compression, compaction on; keys of 16 bytes;".to_owned(),
            "log buffered in the process, but where a workload says sync or OS;".to_owned(),
            "TinyDB looks for old files each second, fjall deletes them at once;".to_owned(),
            "at rest: merged, and all files synced".to_owned(),
            format!("medians of {} rounds", self.rounds),
        ]
    }
}
