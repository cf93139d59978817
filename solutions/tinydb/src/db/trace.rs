//! A record of what the database does, step by step.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::format::Step;

/// Records the [`Step`]s of the database, when it is on. Clones share one record.
///
/// When it is off, a step costs one read of a flag: the step itself is not even made. Steps of
/// other threads, the flush in the background among them, are recorded in the order in which they
/// happen.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    recorder: Arc<Recorder>,
}

#[derive(Debug, Default)]
struct Recorder {
    on: AtomicBool,
    steps: Mutex<Vec<Step>>,
}

impl Trace {
    /// A trace that is off.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets what was recorded, and records from now on.
    pub fn start(&self) {
        self.steps().clear();
        self.recorder.on.store(true, Ordering::Relaxed);
    }

    /// Stops recording, and returns what was recorded.
    pub fn stop(&self) -> Vec<Step> {
        self.recorder.on.store(false, Ordering::Relaxed);
        mem::take(&mut self.steps())
    }

    // ANCHOR: record
    /// Records a step, which is made only if the trace is on.
    pub fn record(&self, step: impl FnOnce() -> Step) {
        if self.recorder.on.load(Ordering::Relaxed) {
            self.steps().push(step());
        }
    }
    // ANCHOR_END: record

    fn steps(&self) -> MutexGuard<'_, Vec<Step>> {
        // A list of steps is whole between any two operations.
        self.recorder.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
