//! A condition variable whose waits may end early.

use ::std::sync::{LockResult, PoisonError};
use ::std::time::Duration;

use shuttle::rand::{Rng, thread_rng};
use shuttle::sync as checked;
use shuttle::thread;

use super::mutex::MutexGuard;

/// One wait of so many ends for no reason. The standard library allows it, so the engine must too.
const SPURIOUS: u32 = 16;

/// One wait with a timeout of so many is *not* over before it began: it ends when somebody notifies.
const PATIENT: u32 = 4;

/// `std::sync::Condvar`.
#[derive(Debug, Default)]
pub struct Condvar(checked::Condvar);

/// `std::sync::WaitTimeoutResult`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    /// Whether the time was over.
    pub fn timed_out(&self) -> bool {
        self.0
    }
}

impl Condvar {
    /// One for which nobody waits.
    pub const fn new() -> Self {
        Self(checked::Condvar::new())
    }

    /// Waits until somebody notifies; now and then, no longer than it takes others to do something.
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        if one_of(SPURIOUS) {
            return look_away(guard);
        }
        let (mutex, inner) = guard.into_parts();
        mutex.guard(self.0.wait(inner))
    }

    /// Waits as long as the condition holds.
    pub fn wait_while<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> LockResult<MutexGuard<'a, T>> {
        while condition(&mut *guard) {
            guard = self.wait(guard)?;
        }
        Ok(guard)
    }

    /// Waits, and most times no longer than it takes others to do something: there is no clock.
    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        _timeout: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        let is_over = !one_of(PATIENT);
        let waited = if is_over { look_away(guard) } else { self.wait(guard) };
        with(waited, WaitTimeoutResult(is_over))
    }

    /// Waits as long as the condition holds, or until the time is over.
    pub fn wait_timeout_while<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        timeout: Duration,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        while condition(&mut *guard) {
            let (again, waited) = self.wait_timeout(guard, timeout)?;
            guard = again;
            if waited.timed_out() {
                let is_over = condition(&mut *guard);
                return Ok((guard, WaitTimeoutResult(is_over)));
            }
        }
        Ok((guard, WaitTimeoutResult(false)))
    }

    /// Wakes one that waits.
    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    /// Wakes all that wait.
    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// The checker's choice, so that a schedule that is replayed makes it again.
fn one_of(number: u32) -> bool {
    thread_rng().gen_ratio(1, number)
}

/// Lets others have the lock.
fn look_away<T>(guard: MutexGuard<'_, T>) -> LockResult<MutexGuard<'_, T>> {
    let (mutex, inner) = guard.into_parts();
    drop(inner);
    thread::yield_now();
    mutex.lock()
}

fn with<G, R>(result: LockResult<G>, other: R) -> LockResult<(G, R)> {
    match result {
        Ok(guard) => Ok((guard, other)),
        Err(poisoned) => Err(PoisonError::new((poisoned.into_inner(), other))),
    }
}
