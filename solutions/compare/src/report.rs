//! The table.

use std::fmt::Write as _;

use crate::engine::{EngineKind, LogClass};
use crate::measure::{Run, median};

/// One line for each workload, log class and engine: medians of the rounds, and ratios to the first engine.
pub fn table(runs: &[Run], engines: &[EngineKind]) -> String {
    let mut table = String::from(
        "workload | log      | engine | per second | ratio | p50 µs | p99 µs | ratio\n\
         ---------|----------|--------|------------|-------|--------|--------|------\n",
    );
    let mut groups: Vec<(&str, LogClass)> = Vec::new();
    for run in runs {
        if !groups.contains(&(run.workload, run.log)) {
            groups.push((run.workload, run.log));
        }
    }
    for (workload, log) in groups {
        let of = |engine: EngineKind, figure: fn(&Run) -> f64| {
            let mine = runs
                .iter()
                .filter(|run| run.workload == workload && run.log == log && run.engine == engine);
            median(mine.map(figure).collect())
        };
        let Some(&first) = engines.first() else { break };
        for &engine in engines {
            let per_second = of(engine, |run| run.per_second);
            let p99 = of(engine, |run| run.p99_micros);
            let (name, log_name) = (format!("{engine:?}"), format!("{log:?}"));
            // Writing to a string can't fail.
            let _ = writeln!(
                table,
                "{workload:8} | {log_name:8} | {name:6} | {per_second:10.0} | {:5.2} | {:6.2} | {p99:6.2} | {:5.2}",
                per_second / of(first, |run| run.per_second),
                of(engine, |run| run.p50_micros),
                p99 / of(first, |run| run.p99_micros),
            );
        }
    }
    table
}
