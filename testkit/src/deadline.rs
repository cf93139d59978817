//! Tests that could hang.

use std::panic::resume_unwind;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// Runs `test` and fails if it has not ended after `seconds`. A panic in `test` keeps its message.
///
/// # Panics
/// If `test` panics or does not end in time.
#[track_caller]
pub fn deadline<T: Send + 'static>(seconds: u64, test: impl FnOnce() -> T + Send + 'static) -> T {
    deadline_or(seconds, "is there a loop without an end, or a lock held?", test)
}

/// The same; `why` says what is likely if the time is over.
///
/// # Panics
/// If `test` panics or does not end in time.
#[track_caller]
pub fn deadline_or<T: Send + 'static>(
    seconds: u64,
    why: &str,
    test: impl FnOnce() -> T + Send + 'static,
) -> T {
    let (sender, receiver) = channel();
    let running = thread::spawn(move || {
        // The receiver is gone only if the deadline has passed.
        let _ = sender.send(test());
    });
    match receiver.recv_timeout(Duration::from_secs(seconds)) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => {
            panic!("not done after {seconds} s: {why}")
        }
        Err(RecvTimeoutError::Disconnected) => match running.join() {
            Err(panic) => resume_unwind(panic),
            Ok(()) => unreachable!("the test ended without a result"),
        },
    }
}
