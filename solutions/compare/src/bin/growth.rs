//! How TinyDB behaves as it grows: memory, and read, write and space amplification.
//!
//! ```text
//! cargo run --release --manifest-path solutions/compare/Cargo.toml --bin growth -- --svg growth.svg
//! ```
//!
//! For each size, in a process of its own, so that its peak of memory is its own: as many puts as the size
//! says, of random keys among as many, so that about a third of the puts give a key another value; then it
//! waits until flushes and compactions are at rest, and reads random keys. Keys have 16 bytes, values 100.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use clap::Parser;
use serde::{Deserialize, Serialize};
use tinydb::compaction::SizeTieredCompactionOptions;
use tinydb::db::CompactorOptions;
use tinydb::{Db, Settings};
use tinydb_compare::data::mix;
use tinydb_compare::machine::peak_memory;
use tinydb_compare::output;

/// Measures TinyDB as it grows.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    /// How many rows are put, for each run.
    #[arg(long, value_delimiter = ',', default_values_t = [100_000, 1_000_000, 10_000_000])]
    sizes: Vec<u64>,
    /// How many keys are read.
    #[arg(long, default_value_t = 50_000)]
    reads: u64,
    /// The size of a memtable, in MiB.
    #[arg(long, default_value_t = 16)]
    memtable_mib: usize,
    /// The block cache, in MiB.
    #[arg(long, default_value_t = 32)]
    cache_mib: usize,
    /// Where the databases are made and removed; by default the system's folder for temporary files.
    #[arg(long)]
    directory: Option<PathBuf>,
    /// Also draws the figures to this file.
    #[arg(long)]
    svg: Option<PathBuf>,
    /// Does one run, in this process, and prints it as JSON.
    #[arg(long, hide = true)]
    one: Option<u64>,
}

/// One run.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Run {
    rows: u64,
    live_rows: u64,
    puts_per_second: f64,
    write_amplification: f64,
    /// What the theory of tiers says: see [`theory`].
    theory: f64,
    space_amplification: f64,
    p50_micros: f64,
    p99_micros: f64,
    scan_nanos: f64,
    places: usize,
    peak_mib: f64,
}

const KEY_LEN: u64 = 16;
const VALUE_LEN: usize = 100;

fn main() -> Result<()> {
    let cli = Cli::parse();
    if let Some(rows) = cli.one {
        println!("{}", serde_json::to_string(&run(&cli, rows)?)?);
        return Ok(());
    }
    let runs: Vec<Run> =
        cli.sizes.iter().map(|&rows| in_a_process(&cli, rows)).collect::<Result<_>>()?;
    print!("{}", table(&runs));
    output::write(cli.svg.as_deref(), || Ok(chart(&runs)))
}

fn in_a_process(cli: &Cli, rows: u64) -> Result<Run> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--one", &rows.to_string(), "--reads", &cli.reads.to_string()]);
    command.args(["--memtable-mib", &cli.memtable_mib.to_string()]);
    command.args(["--cache-mib", &cli.cache_mib.to_string()]);
    if let Some(directory) = &cli.directory {
        command.arg("--directory").arg(directory);
    }
    let output = command.stderr(std::process::Stdio::inherit()).output()?;
    ensure!(output.status.success(), "the run of {rows} rows has failed");
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn run(cli: &Cli, rows: u64) -> Result<Run> {
    let directory = tempfile::tempdir_in(cli.directory.clone().unwrap_or_else(std::env::temp_dir))?;
    let memtable = cli.memtable_mib << 20;
    let settings = Settings {
        l0_sst_size_bytes: memtable,
        max_unflushed_bytes: 4 * memtable,
        block_cache_bytes: cli.cache_mib << 20,
        compactor_options: Some(CompactorOptions {
            max_sst_size: 2 * memtable,
            ..CompactorOptions::default()
        }),
        ..Settings::default()
    };
    let db = Db::builder(directory.path()).with_settings(settings).build()?;
    let start = Instant::now();
    for number in 0..rows {
        let key = mix(number) % rows;
        db.put(key_of(key), value_of(key, number))?;
    }
    let puts_per_second = rows as f64 / start.elapsed().as_secs_f64();
    settle(&db)?;
    let stats = db.stats()?;
    db.collect_garbage(Duration::ZERO)?;
    let scan_nanos = scan(&db)?;
    let times = read(&db, cli.reads, rows)?;
    let peak_mib = peak_memory()?;
    let live_rows = live_rows(rows);
    let row_len = (KEY_LEN + VALUE_LEN as u64) as f64;
    let written = (stats.flushed_bytes + stats.compacted_bytes) as f64;
    Ok(Run {
        rows,
        live_rows,
        puts_per_second,
        write_amplification: written / (rows as f64 * row_len),
        theory: theory(rows as f64 * row_len / memtable as f64),
        space_amplification: folder_size(&directory.path().join("sst"))? as f64
            / (live_rows as f64 * row_len),
        p50_micros: percentile(&times, 0.5),
        p99_micros: percentile(&times, 0.99),
        scan_nanos,
        places: stats.l0_ssts + stats.sorted_runs,
        peak_mib,
    })
}

/// Size-tiered compaction merges at least so many tables of one size into one of the next. So each row is written once by
/// a flush, and once more in each tier up to the one that holds everything. Rows that are overwritten make it less.
fn theory(memtables: f64) -> f64 {
    let sources = SizeTieredCompactionOptions::default().min_compaction_sources as f64;
    1.0 + memtables.max(1.0).log(sources)
}

/// Nanoseconds for each row of a scan of everything.
fn scan(db: &Db) -> Result<f64> {
    let start = Instant::now();
    let mut rows = 0_u32;
    for row in db.scan(..)? {
        row?;
        rows += 1;
    }
    Ok(start.elapsed().as_nanos() as f64 / f64::from(rows))
}

/// How many different keys were put. The set is made when memory was measured already.
fn live_rows(rows: u64) -> u64 {
    let keys: HashSet<u32> = (0..rows).map(|number| (mix(number) % rows) as u32).collect();
    keys.len() as u64
}

/// Waits until everything is in SSTs and nothing is left to compact.
fn settle(db: &Db) -> Result<()> {
    db.flush()?;
    let mut quiet = 0;
    while quiet < 20 {
        thread::sleep(Duration::from_millis(10));
        quiet = if db.stats()?.running_compactions == 0 { quiet + 1 } else { 0 };
    }
    Ok(())
}

fn read(db: &Db, reads: u64, rows: u64) -> Result<Vec<u64>> {
    let mut times = Vec::with_capacity(reads as usize);
    for number in 0..reads {
        // A key that was put.
        let key = mix(mix(number ^ 0x5eed) % rows) % rows;
        let start = Instant::now();
        let found = db.get(key_of(key))?;
        times.push(start.elapsed().as_nanos() as u64);
        match found {
            Some(value) if value[..8] == key.to_be_bytes() => {}
            found => bail!("key {key} has the value {found:?}"),
        }
    }
    times.sort_unstable();
    Ok(times)
}

fn key_of(key: u64) -> [u8; 16] {
    let halves = [mix(key ^ 0xabcd), key].map(u64::to_be_bytes);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(halves.as_flattened());
    bytes
}

/// Begins with the key's number; the rest can't be compressed.
fn value_of(key: u64, number: u64) -> [u8; VALUE_LEN] {
    let mut value = [0; VALUE_LEN];
    value[..8].copy_from_slice(&key.to_be_bytes());
    for (part, chunk) in (1_u64..).zip(value[8..].chunks_mut(8)) {
        let random = mix(number ^ part << 40).to_be_bytes();
        chunk.copy_from_slice(&random[..chunk.len()]);
    }
    value
}

fn percentile(sorted: &[u64], share: f64) -> f64 {
    let index = (sorted.len() as f64 * share) as usize;
    sorted.get(index.min(sorted.len().saturating_sub(1))).map_or(f64::NAN, |&it| it as f64 / 1e3)
}

fn folder_size(folder: &Path) -> Result<u64> {
    let sizes = fs::read_dir(folder)?.map(|entry| Ok(entry?.metadata()?.len()));
    sizes.sum()
}

fn table(runs: &[Run]) -> String {
    let mut table = String::from(
        "      rows |    keys | put µs | get p50 µs | p99 µs | scan ns/row | write amp. | theory | space amp. | L0 + runs | peak MiB\n\
         ----------|---------|--------|------------|--------|-------------|------------|--------|------------|-----------|---------\n",
    );
    for it in runs {
        // Writing to a string can't fail.
        let _ = writeln!(
            table,
            "{:>9} | {:7} | {:6.1} | {:10.1} | {:6.1} | {:11.0} | {:10.2} | {:6.2} | {:10.2} | {:9} | {:8.0}",
            it.rows,
            it.live_rows,
            1e6 / it.puts_per_second,
            it.p50_micros,
            it.p99_micros,
            it.scan_nanos,
            it.write_amplification,
            it.theory,
            it.space_amplification,
            it.places,
            it.peak_mib
        );
    }
    table
}

/// A row of bars for each figure, with a bar for each size.
fn chart(runs: &[Run]) -> String {
    type Figure = (&'static str, &'static str, fn(&Run) -> f64, Option<fn(&Run) -> f64>);
    let figures: [Figure; 6] = [
        ("put, mean, µs", "c1", |run| 1e6 / run.puts_per_second, None),
        ("get, median, µs", "c1", |run| run.p50_micros, None),
        ("scan, ns for each row", "c1", |run| run.scan_nanos, None),
        (
            "write amplification (line: theory)",
            "c2",
            |run| run.write_amplification,
            Some(|run| run.theory),
        ),
        ("space amplification", "c3", |run| run.space_amplification, None),
        ("peak memory, MiB", "c4", |run| run.peak_mib, None),
    ];
    let height = figures.len() * (26 + runs.len() * 26 + 14);
    let mut body = String::new();
    let mut told = String::new();
    let mut y = 0;
    for (title, color, figure, line) in figures {
        let line_at = |run| line.map_or(0.0, |line| line(run));
        let most = runs.iter().flat_map(|run| [figure(run), line_at(run)]).fold(0.01, f64::max);
        let _ = writeln!(body, r#"  <text class="bold" x="1" y="{}">{title}</text>"#, y + 18);
        let _ = write!(told, " {title}:");
        for (number, run) in runs.iter().enumerate() {
            let (value, top) = (figure(run), y + 26 + number * 26);
            let width = |value: f64| (value / most * 200.0).max(1.0);
            let rows = shown_rows(run.rows);
            let _ = writeln!(
                body,
                "  <text class=\"end\" x=\"104\" y=\"{0}\">{rows}</text>\n  \
                 <rect class=\"box {color}\" x=\"112\" y=\"{top}\" width=\"{1:.1}\" height=\"20\" rx=\"2\"/>\n  \
                 <text class=\"note\" x=\"{2:.1}\" y=\"{0}\">{value:.1}</text>",
                top + 15,
                width(value),
                120.0 + width(value.max(line_at(run))),
            );
            let _ = write!(told, " {value:.1} at {rows} rows,");
            if let Some(line) = line {
                let x = 112.0 + width(line(run));
                let _ = writeln!(body, "  <path class=\"arrow\" d=\"M{x:.1} {}v24\"/>", top - 2);
                let _ = write!(told, " where theory says {:.1},", line(run));
            }
        }
        told.pop();
        told.push(';');
        y += 26 + runs.len() * 26 + 14;
    }
    told.pop();
    format!(
        "<svg class=\"fig\" viewBox=\"0 0 400 {height}\" role=\"img\" aria-labelledby=\"growth-title growth-desc\" \
         xmlns=\"http://www.w3.org/2000/svg\">\n  <title id=\"growth-title\">TinyDB as it grows</title>\n  \
         <desc id=\"growth-desc\">Bars for each number of rows.{told}.</desc>\n{body}</svg>\n"
    )
}

fn shown_rows(rows: u64) -> String {
    match rows {
        it if it >= 1_000_000 => format!("{} million", it / 1_000_000),
        it => format!("{} thousand", it / 1000),
    }
}
