//! Times of operations, kept in little memory.

use std::time::{Duration, Instant};

use anyhow::Result;
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// How long operations took: any number of them in the same quarter of a megabyte, so that memory is the engine's.
pub struct Timer {
    nanos: Histogram<u64>,
    wall: Duration,
}

/// What a workload came to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Figure {
    /// Which workload.
    pub workload: String,
    /// How many operations; at a scan of everything, how many rows.
    pub operations: u64,
    /// Operations in each second.
    pub per_second: f64,
    /// The median of the operations' times.
    pub p50_micros: f64,
    /// 99 of 100 operations took less.
    pub p99_micros: f64,
    /// The longest operation.
    pub max_micros: f64,
}

impl Timer {
    /// No operation yet.
    pub fn new() -> Result<Self> {
        let longest = Duration::from_secs(3600).as_nanos() as u64;
        Ok(Self { nanos: Histogram::new_with_max(longest, 3)?, wall: Duration::ZERO })
    }

    /// One operation.
    pub fn time<T>(&mut self, operation: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let outcome = operation();
        self.add(began.elapsed());
        outcome
    }

    /// One operation that took some time.
    pub fn add(&mut self, time: Duration) {
        self.wall += time;
        self.nanos.saturating_record(time.as_nanos() as u64);
    }

    /// Operations that ran at once, and how long all of them took together.
    pub fn add_at_once(&mut self, times: impl IntoIterator<Item = Duration>, wall: Duration) {
        times.into_iter().for_each(|time| self.nanos.saturating_record(time.as_nanos() as u64));
        self.wall += wall;
    }

    /// The figures.
    pub fn figure(&self, workload: &str, operations: u64) -> Figure {
        let micros = |quantile| self.nanos.value_at_quantile(quantile) as f64 / 1e3;
        Figure {
            workload: workload.to_owned(),
            operations,
            per_second: operations as f64 / self.wall.as_secs_f64(),
            p50_micros: micros(0.5),
            p99_micros: micros(0.99),
            max_micros: micros(1.0),
        }
    }
}
