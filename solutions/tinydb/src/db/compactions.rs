//! The compactions that run, and who may start the next one.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::compaction::{CompactionProgress, CompactionSpec, Levels};
use crate::error::{Error, Result};

/// Hands out compactions to those who run them, and knows how far each is.
///
/// Invariants:
/// 1. No source is read, and no sorted run is written, by two running compactions.
/// 2. While one runs [alone](Self::start_alone), no other does.
#[derive(Debug, Default)]
pub struct Compactions {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    running: Vec<RunningCompaction>,
    /// How many wait to run a compaction alone.
    waiting_alone: usize,
    /// Whether one runs alone.
    runs_alone: bool,
    stopped: bool,
    completed: u64,
    /// After a failure, nothing is started before this moment.
    not_before: Option<Instant>,
}

/// A compaction that runs, for those who watch.
#[derive(Debug, Clone)]
pub struct RunningCompaction {
    /// What is merged into what.
    pub spec: CompactionSpec,
    /// What there was to merge when it was proposed.
    pub proposed_for: Levels,
    /// How many rows its sources have.
    pub total_rows: u64,
    /// How far it is; and the means to cancel it.
    pub progress: CompactionProgress,
}

impl RunningCompaction {
    /// A compaction that begins.
    pub fn new(spec: CompactionSpec, proposed_for: Levels, total_rows: u64) -> Self {
        Self { spec, proposed_for, total_rows, progress: CompactionProgress::new() }
    }
}

impl Compactions {
    /// Waits until `propose` has a compaction to run beside those that run; `None` when it is time to
    /// end. It is asked again after each [`Compactions::wake`].
    pub fn next(
        &self,
        propose: impl Fn(&[CompactionSpec]) -> Option<RunningCompaction>,
    ) -> Option<RunningCompaction> {
        let mut state = self.lock();
        loop {
            if state.stopped {
                return None;
            }
            let pause = state.not_before.map(|it| it.saturating_duration_since(Instant::now()));
            let pause = pause.filter(|pause| !pause.is_zero());
            if pause.is_none() && state.waiting_alone == 0 && !state.runs_alone {
                let running: Vec<_> = state.running.iter().map(|it| it.spec.clone()).collect();
                if let Some(next) = propose(&running).filter(|next| is_free(&next.spec, &running)) {
                    state.running.push(next.clone());
                    return Some(next);
                }
            }
            state = self.wait(state, pause);
        }
    }

    /// Waits until no compaction runs, and starts the one that `propose` makes; `None` if it makes
    /// none. Fails with [`Error::Closed`] when the database is closed.
    pub fn start_alone(
        &self,
        propose: impl FnOnce() -> Option<RunningCompaction>,
    ) -> Result<Option<RunningCompaction>> {
        let mut state = self.lock();
        state.waiting_alone += 1;
        while !state.running.is_empty() && !state.stopped {
            state = self.wait(state, None);
        }
        state.waiting_alone -= 1;
        let proposed = if state.stopped { None } else { propose() };
        state.runs_alone = proposed.is_some();
        state.running.extend(proposed.clone());
        self.changed.notify_all();
        if state.stopped { Err(Error::Closed) } else { Ok(proposed) }
    }

    /// Tells that a compaction has ended. After one that failed, nothing is started for a while, the
    /// `pause`.
    pub fn finished(&self, compaction: &RunningCompaction, pause: Option<Duration>) {
        let mut state = self.lock();
        state.running.retain(|it| it.spec != compaction.spec);
        state.runs_alone &= !state.running.is_empty();
        state.completed += u64::from(pause.is_none());
        state.not_before = pause.and_then(|pause| Instant::now().checked_add(pause));
        self.changed.notify_all();
    }

    /// The compactions that run now.
    pub fn running(&self) -> Vec<RunningCompaction> {
        self.lock().running.clone()
    }

    /// How many compactions were committed since the database was opened.
    pub fn completed(&self) -> u64 {
        self.lock().completed
    }

    /// Tells that there may be something to compact.
    pub fn wake(&self) {
        // With the lock, so that nobody is between having looked and sleeping.
        let _state = self.lock();
        self.changed.notify_all();
    }

    /// Whether it is time to end.
    pub fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    /// Cancels what runs, and starts nothing more.
    pub fn stop(&self) {
        let mut state = self.lock();
        state.stopped = true;
        state.running.iter().for_each(|it| it.progress.cancel());
        self.changed.notify_all();
    }

    fn wait<'a>(
        &self,
        state: MutexGuard<'a, State>,
        pause: Option<Duration>,
    ) -> MutexGuard<'a, State> {
        match pause {
            None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(pause) => {
                self.changed.wait_timeout(state, pause).unwrap_or_else(PoisonError::into_inner).0
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each field is right at every moment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether nothing that runs uses a source or the destination, whatever the scheduler believes.
fn is_free(spec: &CompactionSpec, running: &[CompactionSpec]) -> bool {
    let uses = |other: &CompactionSpec| {
        other.destination == spec.destination || spec.sources.iter().any(|&id| other.uses(id))
    };
    !running.iter().any(uses)
}
