//! What the flusher and those who wait for it tell each other.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};

/// How far the flusher is: what it tells those who wait, and they it.
#[derive(Debug, Default)]
pub struct FlushProgress {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Whether somebody has asked for a flush since the last attempt began.
    requested: bool,
    /// How many attempts have failed.
    failures: u64,
    /// Why the last attempt failed, unless it succeeded.
    error: Option<Arc<Error>>,
    /// Whether the thread is to end, or has ended.
    stopped: bool,
}

impl FlushProgress {
    /// Asks for a flush. After a failure, nothing is tried again until somebody asks.
    pub fn request(&self) {
        self.lock().requested = true;
        self.changed.notify_all();
    }

    /// Asks for a flush, and waits until `done`. Fails if an attempt fails meanwhile
    /// ([`Error::FlushFailed`]), or if the flusher ends before it is done ([`Error::Closed`]).
    pub fn wait_until(&self, done: impl Fn() -> bool) -> Result<()> {
        let mut state = self.lock();
        state.requested = true;
        self.changed.notify_all();
        let failures = state.failures;
        loop {
            if done() {
                return Ok(());
            }
            if let Some(source) = state.error.as_ref().filter(|_| state.failures > failures) {
                return Err(Error::FlushFailed { source: Arc::clone(source) });
            }
            if state.stopped {
                return Err(Error::Closed);
            }
            state = self.wait(state);
        }
    }

    /// Lets those who wait look again whether it is done.
    pub fn wake(&self) {
        // With the lock, so that nobody is between having looked and sleeping.
        let _state = self.lock();
        self.changed.notify_all();
    }

    /// Tells the thread to end when it has finished the flush it is at.
    pub fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }

    /// Waits for something to flush; `false` when it is time to end.
    pub(super) fn wait_for_work(&self, has_work: impl Fn() -> bool) -> bool {
        let mut state = self.lock();
        while !state.stopped {
            if (state.requested || state.error.is_none()) && has_work() {
                state.requested = false;
                return true;
            }
            state = self.wait(state);
        }
        false
    }

    /// Tells how an attempt ended.
    pub(super) fn attempted(&self, result: Result<()>) {
        let mut state = self.lock();
        state.failures += u64::from(result.is_err());
        state.error = result.err().map(Arc::new);
        self.changed.notify_all();
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The fields are set one by one, and any combination of them can be gone on with.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
