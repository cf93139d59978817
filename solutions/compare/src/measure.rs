//! Times, and what is made of them.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::engine::{EngineKind, LogClass};

/// How long each operation took, in nanoseconds.
pub struct Times(Vec<u64>);

impl Times {
    /// No operations yet, with room for some, so that making room is not measured.
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    /// Adds an operation.
    pub fn add(&mut self, time: Duration) {
        self.0.push(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }
}

/// One workload on one engine, once.
#[derive(Debug, Clone, Serialize)]
pub struct Run {
    /// Which engine.
    pub engine: EngineKind,
    /// Where its log is when a put returns.
    pub log: LogClass,
    /// Which workload.
    pub workload: &'static str,
    /// Which time.
    pub round: u32,
    /// How many operations.
    pub operations: usize,
    /// Operations in each second of the time they took; making keys and checking values is not in it.
    pub per_second: f64,
    /// The median of the operations' times.
    pub p50_micros: f64,
    /// 99 of 100 operations took less.
    pub p99_micros: f64,
    /// The longest operation.
    pub max_micros: f64,
}

impl Run {
    /// The figures of some times.
    pub fn new(
        engine: EngineKind,
        log: LogClass,
        workload: &'static str,
        round: u32,
        times: Times,
    ) -> Self {
        let Times(mut times) = times;
        times.sort_unstable();
        let seconds = times.iter().sum::<u64>() as f64 / 1e9;
        let at = |share: f64| {
            let index = (times.len() as f64 * share) as usize;
            times.get(index.min(times.len().saturating_sub(1))).map_or(0.0, |&it| it as f64 / 1e3)
        };
        Self {
            engine,
            log,
            workload,
            round,
            operations: times.len(),
            per_second: times.len() as f64 / seconds,
            p50_micros: at(0.5),
            p99_micros: at(0.99),
            max_micros: at(1.0),
        }
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { engine, log, workload, round, per_second, p50_micros, p99_micros, .. } = self;
        write!(
            f,
            "round {round}: {workload} on {engine:?}, log {log:?}: {per_second:.0}/s, \
             p50 {p50_micros:.2} µs, p99 {p99_micros:.2} µs"
        )
    }
}

/// The middle of some numbers.
pub fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    match numbers.len() {
        0 => f64::NAN,
        len if len % 2 == 1 => numbers[len / 2],
        len => f64::midpoint(numbers[len / 2 - 1], numbers[len / 2]),
    }
}
