//! The table.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use tinydb_compare::engine::EngineKind;
use tinydb_compare::machine::Machine;
use tinydb_compare::measure::median;

use crate::Run;
use crate::timer::Figure;

/// Everything as text.
pub fn text(machine: &Machine, settings: &[String], runs: &[Run]) -> String {
    let mut text = machine.text(settings);
    let sizes: BTreeSet<_> = runs.iter().map(|run| (run.rows, run.value_len)).collect();
    for (rows, value_len) in sizes {
        let runs: Vec<&Run> =
            runs.iter().filter(|run| (run.rows, run.value_len) == (rows, value_len)).collect();
        // Writing to a string can't fail.
        let _ = writeln!(text, "\n{rows} rows, values of {value_len} bytes");
        text.push_str(&one_size(&runs));
    }
    text
}

/// TinyDB in one workload.
pub struct Line {
    /// Which workload.
    pub workload: String,
    /// Its operations in each second, divided by those of the best other engine; not a number if no other
    /// engine does this workload.
    pub speed: f64,
    /// Its operations in each second.
    pub per_second: f64,
}

/// TinyDB in each workload, of runs of one size.
pub fn lines(runs: &[&Run]) -> Vec<Line> {
    let others: Vec<_> = engines(runs).into_iter().filter(|&it| is_peer(it)).collect();
    let line = |workload: &str| Line {
        workload: workload.to_owned(),
        speed: ratio(runs, workload, &others, |figure| figure.per_second),
        per_second: median(
            figures(runs, EngineKind::Tinydb, workload).map(|(_, it)| it.per_second).collect(),
        ),
    };
    workloads(runs).into_iter().map(line).collect()
}

fn workloads<'a>(runs: &[&'a Run]) -> Vec<&'a str> {
    let mut workloads: Vec<&str> = Vec::new();
    for figure in runs.iter().flat_map(|run| &run.outcome.figures) {
        if !workloads.contains(&&*figure.workload) {
            workloads.push(&figure.workload);
        }
    }
    workloads
}

fn one_size(runs: &[&Run]) -> String {
    let mut text = format!(
        "{:28} {:13} {:>12} {:>9} {:>9} {:>9}\n",
        "", "engine", "per second", "p50 µs", "p99 µs", "TinyDB ×"
    );
    let engines = engines(runs);
    for workload in workloads(runs) {
        let mut name = workload;
        for &engine in &engines {
            let of = |field: fn(&Figure) -> f64| {
                median(figures(runs, engine, workload).map(|(_, figure)| field(figure)).collect())
            };
            let per_second = of(|figure| figure.per_second);
            if per_second.is_nan() {
                continue;
            }
            let ratio = match engine {
                EngineKind::Tinydb => String::new(),
                _ => format!("{:.2}", ratio(runs, workload, &[engine], |figure| figure.per_second)),
            };
            let _ = writeln!(
                text,
                "{name:28} {:13} {per_second:>12.0} {:>9.1} {:>9.1} {ratio:>9}",
                engine.name(),
                of(|figure| figure.p50_micros),
                of(|figure| figure.p99_micros),
            );
            name = "";
        }
        let others: Vec<_> = engines.iter().copied().filter(|&it| is_peer(it)).collect();
        let best = ratio(runs, workload, &others, |figure| figure.per_second);
        // Of the worst times the least is the best, so the ratio of speeds is that of their inverses.
        let p99 = 1.0 / ratio(runs, workload, &others, |figure| 1.0 / figure.p99_micros);
        if !best.is_nan() {
            let _ = writeln!(
                text,
                "{:28} beside the best other engine: {best:.2} times the speed, {p99:.2} times its p99",
                ""
            );
        }
    }
    text.push_str(&sizes(runs, &engines));
    text
}

fn sizes(runs: &[&Run], engines: &[EngineKind]) -> String {
    let mut text = format!(
        "{:28} {:13} {:>12} {:>9} {:>9}\n",
        "", "engine", "MB on disk", "tables", "peak MiB"
    );
    for &engine in engines {
        let of = |field: fn(&Run) -> f64| {
            median(runs.iter().filter(|run| run.engine == engine).map(|run| field(run)).collect())
        };
        let _ = writeln!(
            text,
            "{:28} {:13} {:>12.1} {:>9.0} {:>9.0}",
            "",
            engine.name(),
            of(|run| run.outcome.bytes as f64) / 1e6,
            of(|run| run.outcome.tables as f64),
            of(|run| run.outcome.peak_mib),
        );
    }
    text
}

/// The median of the rounds' ratios between TinyDB's figure and the largest of some others'.
fn ratio(runs: &[&Run], workload: &str, others: &[EngineKind], field: fn(&Figure) -> f64) -> f64 {
    let ratios = figures(runs, EngineKind::Tinydb, workload).filter_map(|(round, own)| {
        let others = others.iter().flat_map(|&other| figures(runs, other, workload));
        let best = others.filter(|&(other, _)| other == round).map(|(_, figure)| field(figure));
        best.max_by(f64::total_cmp).map(|best| field(own) / best)
    });
    median(ratios.collect())
}

fn figures<'a>(
    runs: &'a [&'a Run],
    engine: EngineKind,
    workload: &'a str,
) -> impl Iterator<Item = (u32, &'a Figure)> {
    let runs = runs.iter().filter(move |run| run.engine == engine);
    runs.flat_map(|run| run.outcome.figures.iter().map(|figure| (run.round, figure)))
        .filter(move |(_, figure)| figure.workload == workload)
}

fn engines(runs: &[&Run]) -> Vec<EngineKind> {
    let mut engines = Vec::new();
    for run in runs {
        if !engines.contains(&run.engine) {
            engines.push(run.engine);
        }
    }
    engines
}

/// Whether an engine is one that could be taken in TinyDB's place.
fn is_peer(engine: EngineKind) -> bool {
    !matches!(engine, EngineKind::Tinydb | EngineKind::Map)
}
