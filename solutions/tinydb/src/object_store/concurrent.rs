//! Many requests at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::error::Result;

/// How many requests are made at a time: a request to a bucket is mostly waiting.
pub const MAX_CONCURRENT_REQUESTS: usize = 16;

/// Calls `request` for each item, several at a time, and returns the answers in the items' order. After
/// an error nothing new is begun; which of several errors is returned is not determined.
pub fn concurrently<T: Sync, R: Send>(
    items: &[T],
    request: impl Fn(&T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    if items.len() < 2 {
        return items.iter().map(request).collect();
    }
    let next = AtomicUsize::new(0);
    let answers = Mutex::new(Vec::with_capacity(items.len()));
    let work = || -> Result<()> {
        while let Some((number, item)) = claim(&next, items) {
            let answer =
                request(item).inspect_err(|_| next.store(items.len(), Ordering::Relaxed))?;
            answers.lock().unwrap_or_else(PoisonError::into_inner).push((number, answer));
        }
        Ok(())
    };
    thread::scope(|scope| {
        let count = items.len().min(MAX_CONCURRENT_REQUESTS);
        let threads: Vec<_> = (0..count).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| match thread.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })?;
    let mut answers = answers.into_inner().unwrap_or_else(PoisonError::into_inner);
    answers.sort_unstable_by_key(|(number, _)| *number);
    Ok(answers.into_iter().map(|(_, answer)| answer).collect())
}

fn claim<'a, T>(next: &AtomicUsize, items: &'a [T]) -> Option<(usize, &'a T)> {
    let number = next.fetch_add(1, Ordering::Relaxed);
    Some((number, items.get(number)?))
}
