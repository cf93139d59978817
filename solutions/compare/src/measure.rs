//! Times, and what is made of them.

use std::fmt;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::engine::{EngineKind, LogClass, StoreKind};

/// How long operations took. Making inputs and checking results is not on the clock.
#[derive(Debug, Default)]
pub struct Clock {
    /// Each operation, as its caller saw it.
    times: Vec<Duration>,
    /// From the first to the last. Where one follows the other, the sum of the times.
    wall: Duration,
}

impl Clock {
    /// No operations yet, with room for some, so that making room is not measured.
    pub fn with_capacity(capacity: usize) -> Self {
        Self { times: Vec::with_capacity(capacity), wall: Duration::ZERO }
    }

    /// One operation.
    pub fn time<T>(&mut self, operation: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let outcome = operation();
        let time = began.elapsed();
        self.times.push(time);
        self.wall += time;
        outcome
    }

    /// Operations that ran at once, and how long all of them took together.
    pub fn add(&mut self, times: impl IntoIterator<Item = Duration>, wall: Duration) {
        self.times.extend(times);
        self.wall += wall;
    }

    /// From the first operation to the last.
    pub fn wall(&self) -> Duration {
        self.wall
    }

    /// The time of each operation.
    pub fn into_times(self) -> Vec<Duration> {
        self.times
    }
}

/// What was measured, and on what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Subject {
    /// Where tables and logs are.
    pub store: StoreKind,
    /// What a write has survived when its put returns.
    pub log: LogClass,
    /// Which workload.
    pub workload: &'static str,
}

/// One workload on one engine, once.
#[derive(Debug, Clone, Serialize)]
pub struct Run {
    /// Which engine.
    pub engine: EngineKind,
    /// What was measured.
    #[serde(flatten)]
    pub subject: Subject,
    /// Which time.
    pub round: u32,
    /// How many operations; at a scan and an opening, how many rows.
    pub operations: usize,
    /// Operations in each second.
    pub per_second: f64,
    /// The median of the operations' times; at a scan and an opening, the time of the whole.
    pub p50_micros: f64,
    /// 99 of 100 operations took less.
    pub p99_micros: f64,
    /// The longest operation.
    pub max_micros: f64,
}

impl Run {
    /// The figures of what was on the clock.
    pub fn new(
        engine: EngineKind,
        subject: Subject,
        round: u32,
        operations: usize,
        clock: Clock,
    ) -> Self {
        let Clock { mut times, wall } = clock;
        times.sort_unstable();
        let at = |share: f64| {
            let index = (times.len() as f64 * share) as usize;
            times
                .get(index.min(times.len().saturating_sub(1)))
                .map_or(0.0, |time| time.as_secs_f64() * 1e6)
        };
        Self {
            engine,
            subject,
            round,
            operations,
            per_second: operations as f64 / wall.as_secs_f64(),
            p50_micros: at(0.5),
            p99_micros: at(0.99),
            max_micros: at(1.0),
        }
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { engine, subject, round, per_second, p50_micros, p99_micros, .. } = self;
        let Subject { store, log, workload } = subject;
        write!(
            f,
            "round {round}: {workload} on {}, {store:?}, {log:?}: {per_second:.0}/s, \
             p50 {p50_micros:.2} µs, p99 {p99_micros:.2} µs",
            engine.name()
        )
    }
}

/// What an engine's tables took after its puts.
#[derive(Debug, Clone, Serialize)]
pub struct Size {
    /// Which engine.
    pub engine: EngineKind,
    /// How many tables there are.
    pub tables: usize,
    /// The bytes of all its files.
    pub bytes: u64,
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
