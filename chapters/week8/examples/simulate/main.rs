//! What your scheduler makes of a stream of writes: files, and what they cost.
//!
//! `cargo run --release -p week8 --example simulate -- --help`

mod chart;
mod options;
mod simulation;
mod workload;

use std::fs;
use std::io::{self, Write};
use std::process::ExitCode;

use week8::compaction::{Levels, SourceId};

pub use options::{Command, HELP, Options};
pub use simulation::{Outcome, Sample, simulate, simulate_with};

/// What a run of the simulator leaves: a table, and the chart's SVG.
pub struct Report {
    /// A table for the terminal.
    pub table: String,
    /// A chart, if one was asked for.
    pub chart: Option<String>,
}

/// Simulates, and shows what came out.
pub fn report(options: &Options) -> Result<Report, String> {
    let outcome = simulate(options)?;
    let chart = options.svg.as_ref().map(|file| chart::draw(file, options, &outcome));
    Ok(Report { table: table(options, &outcome), chart })
}

/// Some moments of the simulation, each in a line, and what it came to.
fn table(options: &Options, outcome: &Outcome) -> String {
    let heads = ["flushes", "time", "L0", "runs", "write", "read", "space", "stalled"];
    let [flushes, time, l0, runs, write, read, space, stalled] = heads;
    let mut lines = vec![format!(
        "{flushes:>7}{time:>9}{l0:>4}{runs:>6}{write:>8}{read:>6}{space:>8}{stalled:>9}   \
         thousands of rows: L0 | runs, newest first"
    )];
    let ends: Vec<_> = outcome.samples.iter().filter(|sample| sample.after_flush).collect();
    // An odd step: with an even one, level 0 would look the same in every line.
    let step = ends.len().div_ceil(options.lines) | 1;
    lines.extend(ends.chunks(step).filter_map(|moments| moments.last()).map(|last| line(last)));
    lines.push(String::new());
    lines.push(format!(
        "write amplification {:.2} · read amplification {:.1} on average, {} at most · \
         space amplification {:.2} on average, {:.2} at most",
        outcome.last().write_amplification(),
        outcome.mean(|sample| sample.read_amplification() as f64),
        outcome.samples.iter().map(Sample::read_amplification).max().unwrap_or(0),
        outcome.mean(Sample::space_amplification),
        outcome.samples.iter().map(Sample::space_amplification).fold(0.0, f64::max),
    ));
    lines.push(format!(
        "{} compactions of level 0, {} of sorted runs · writers waited {:.1} % of the time",
        outcome.l0_compactions,
        outcome.run_compactions,
        outcome.last().stalled_share() * 100.0,
    ));
    lines.join("\n") + "\n"
}

fn line(sample: &Sample) -> String {
    let Levels { l0, sorted_runs } = &sample.levels;
    format!(
        "{:>7}{:>9.1}{:>4}{:>6}{:>8.2}{:>6}{:>8.2}{:>7.1} %   {}",
        sample.flushes,
        sample.time,
        l0.len(),
        sorted_runs.len(),
        sample.write_amplification(),
        sample.read_amplification(),
        sample.space_amplification(),
        sample.stalled_share() * 100.0,
        sizes(&sample.levels),
    )
}

/// How large level 0 is, and each sorted run.
fn sizes(levels: &Levels) -> String {
    let thousands = |rows: u64| match rows % 1000 {
        0 => format!("{}", rows / 1000),
        _ => format!("{:.1}", rows as f64 / 1000.0),
    };
    let l0: u64 = levels.l0.iter().map(|sst| sst.size).sum();
    let runs: Vec<_> = levels.sorted_runs.iter().map(|run| thousands(run.size)).collect();
    format!("{} | {}", thousands(l0), runs.join(" ")).trim_end().to_owned()
}

/// How a source is called in a message.
fn name(id: SourceId) -> String {
    match id {
        SourceId::L0(number) => format!("SST {number}"),
        SourceId::SortedRun(number) => format!("run {number}"),
    }
}

/// Simulates what the command line asks for.
pub fn main() -> ExitCode {
    let done = match Options::parse(std::env::args().skip(1)) {
        Ok(Command::Help) => print(HELP),
        Ok(Command::Run(options)) => run(&options),
        Err(problem) => Err(format!("{problem}\n`--help` lists the options")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), String> {
    let Report { table, chart } = report(options)?;
    if let (Some(file), Some(chart)) = (&options.svg, chart) {
        fs::write(file, chart).map_err(|error| format!("could not write {file}: {error}"))?;
    }
    print(&table)
}

fn print(text: &str) -> Result<(), String> {
    let written = io::stdout().write_all(text.as_bytes());
    match written {
        // Whoever reads this has seen enough, as `head` has.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|error| format!("could not print: {error}")),
    }
}
