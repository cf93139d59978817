//! What a write has to wait for when flushing falls behind.

use std::time::Duration;

/// Whether a write may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// At once.
    Go,
    /// After this time.
    Slow(Duration),
    /// When a flush has made room.
    Stop,
}

/// How long a write waits just before writes stop altogether.
pub const LONGEST_DELAY: Duration = Duration::from_millis(1);

/// Whether a write may go on while `unflushed` bytes are in memtables, of at most `limit`.
///
/// Up to `slow_from` bytes it may. From there on it is delayed, the longer the nearer the limit: so
/// writers come down to the speed of the flush little by little, and not by a sudden stop.
///
/// SlateDB only stops: `maybe_apply_backpressure` in `src/db.rs`.
pub fn admission(unflushed: usize, slow_from: usize, limit: usize) -> Admission {
    if unflushed >= limit {
        return Admission::Stop;
    }
    match unflushed.checked_sub(slow_from) {
        None | Some(0) => Admission::Go,
        Some(over) => {
            // The casts lose nothing that matters: it is a share between 0 and 1.
            let share = over as f64 / (limit - slow_from) as f64;
            Admission::Slow(LONGEST_DELAY.mul_f64(share))
        }
    }
}

/// The delays of writes that were not slept yet.
///
/// No system sleeps for a microsecond: to ask for that takes fifty or more. So short delays are added
/// up, and slept when there are enough.
#[derive(Debug, Default)]
pub struct OwedDelay(Duration);

impl OwedDelay {
    /// Adds a delay; returns how long to sleep now.
    pub fn add(&mut self, delay: Duration) -> Duration {
        self.0 += delay;
        if self.0 < LONGEST_DELAY { Duration::ZERO } else { std::mem::take(&mut self.0) }
    }
}
