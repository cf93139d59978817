//! One commit for many writers, and handles that wait for it.
//!
//! A commit makes everything durable that was appended before it began: an fsync of the WAL segment,
//! or one object put into the bucket. It takes milliseconds, whether it covers one write or a
//! thousand. So a writer appends, gets a [`WriteHandle`], and waits; one thread of the database
//! commits, again and again, for all who have come meanwhile:
//!
//! ```text
//! loop {
//!     match group.wait_for_request(flush_interval) {
//!         Wakeup::Stopped => break,
//!         Wakeup::Requested | Wakeup::TimedOut => {}
//!     }
//!     up_to = the last sequence number appended so far      // first this,
//!     match sync() {                                        // then the commit:
//!         Ok(()) => group.committed(up_to),                 // it covers no write that came later
//!         Err(error) => { group.failed(error); break }
//!     }
//! }
//! ```
//!
//! Some wait by blocking their thread ([`WriteHandle::wait_durable`]), some by a future
//! ([`WriteHandle::await_durable`]). The future needs no runtime: it leaves its [`Waker`] here, and
//! [`block_on`] is all the executor that a thread needs.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use crate::error::{Error, Result};

/// What those who write, those who wait and the one thread that commits tell each other.
///
/// Invariants:
/// 1. Every write up to the durable sequence number is durable. The number never goes back.
/// 2. A waiter is woken when what it waits for is decided: durable, failed, or closed. It is in the
///    list of waiters only as long as it is not decided, and not after its future was dropped.
/// 3. A waker is neither woken nor dropped while the lock is held: both may run code of others, which
///    may come back here.
///
/// SlateDB: `DbStatus::durable_seq` in `src/db_status.rs`, in a `tokio::sync::watch` channel.
#[derive(Debug)]
pub struct GroupCommit {
    /// Changed only while the lock is held; read without it.
    durable_seq: AtomicU64,
    state: Mutex<State>,
    /// Wakes the thread that commits.
    to_commit: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The greatest sequence number that somebody has asked to be durable.
    requested_seq: u64,
    /// Why nothing more becomes durable, once a commit has failed.
    failure: Option<Arc<Error>>,
    stopped: bool,
    /// Whom to wake, by the sequence number that is waited for and the number of the waiter.
    waiters: BTreeMap<(u64, u64), Waker>,
    /// The number that was given to the last waiter.
    last_waiter: u64,
}

/// Why [`GroupCommit::wait_for_request`] has returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wakeup {
    /// Somebody waits for a write that is not durable yet: commit now.
    Requested,
    /// Nobody does, and the time is over: commit if there is something to commit.
    TimedOut,
    /// It is time to end.
    Stopped,
}

impl GroupCommit {
    /// Begins with everything up to `durable_seq` being durable.
    pub fn new(durable_seq: u64) -> Self {
        let state = State { requested_seq: durable_seq, ..State::default() };
        Self {
            durable_seq: AtomicU64::new(durable_seq),
            state: Mutex::new(state),
            to_commit: Condvar::new(),
        }
    }

    /// Everything up to this sequence number is durable. Takes no lock.
    pub fn durable_seq(&self) -> u64 {
        self.durable_seq.load(Ordering::Acquire)
    }

    /// Asks for a commit that covers `seq`, unless one has covered it already, or has failed. Does not
    /// wait.
    // exercise: week7.9
    pub fn request(&self, seq: u64) {
        if seq <= self.durable_seq() {
            return;
        }
        let mut state = self.lock();
        let slept = self.wakeup(&state).is_none();
        state.requested_seq = state.requested_seq.max(seq);
        // The thread sleeps only while there is nothing to do: the first request wakes it, and those
        // that come during the commit are seen when it asks again.
        if slept && self.wakeup(&state).is_some() {
            self.to_commit.notify_all();
        }
    }

    /// Waits until a commit is requested, but no longer than `timeout`; for the one thread that
    /// commits.
    ///
    /// - [`Wakeup::Stopped`] if [`stop`](Self::stop) was called, now or earlier.
    /// - [`Wakeup::Requested`] if a sequence number was requested that is not durable yet, even if
    ///   the request came before this call; but never after a failure.
    /// - [`Wakeup::TimedOut`] otherwise, when the time is over. Without a timeout, it never is; a
    ///   timeout may be any, [`Duration::MAX`] too.
    // exercise: week7.9
    pub fn wait_for_request(&self, timeout: Option<Duration>) -> Wakeup {
        let idle = |state: &mut State| self.wakeup(state).is_none();
        let state = self.lock();
        let state = match timeout {
            None => self.to_commit.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner),
            Some(timeout) => {
                let waited = self.to_commit.wait_timeout_while(state, timeout, idle);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        self.wakeup(&state).unwrap_or(Wakeup::TimedOut)
    }

    /// Tells that everything up to `seq` is durable now, and wakes those who wait for it, and nobody
    /// else. If it was known already, nothing changes.
    ///
    /// It counts after a failure too: a write that a later flush saves in an SST is durable. And it
    /// counts after a [`stop`](Self::stop), when the last commit ends.
    // exercise: week7.9
    pub fn committed(&self, seq: u64) {
        let mut state = self.lock();
        self.durable_seq.fetch_max(seq, Ordering::Release);
        let covered = state.take_waiters(seq);
        drop(state);
        covered.into_iter().for_each(Waker::wake);
    }

    /// Tells that a commit has failed. From now on, whoever waits for a write that is not durable
    /// gets [`Error::NotDurable`] with this error: those who wait now, who are woken, and those who
    /// come later. The first failure is kept. It is told after a [`stop`](Self::stop) too.
    // exercise: week7.9
    pub fn failed(&self, error: Arc<Error>) {
        let mut state = self.lock();
        state.failure.get_or_insert(error);
        let all = state.take_waiters(u64::MAX);
        drop(state);
        all.into_iter().for_each(Waker::wake);
    }

    /// Tells the thread that commits to end, and wakes everybody. From now on, whoever waits for a
    /// write that is not durable gets [`Error::Closed`], or the failure if there is one, whichever came
    /// first. No waker is kept of those who waited.
    // exercise: week7.9
    pub fn stop(&self) {
        let mut state = self.lock();
        state.stopped = true;
        let all = state.take_waiters(u64::MAX);
        drop(state);
        self.to_commit.notify_all();
        all.into_iter().for_each(Waker::wake);
    }

    /// What the thread that commits has to do; `None` if it can sleep.
    // solution-only
    fn wakeup(&self, state: &State) -> Option<Wakeup> {
        if state.stopped {
            return Some(Wakeup::Stopped);
        }
        let requested = state.failure.is_none() && state.requested_seq > self.durable_seq();
        requested.then_some(Wakeup::Requested)
    }

    /// What a waiter for `seq` gets; `None` if that is not decided.
    // solution-only
    fn outcome(&self, state: &State, seq: u64) -> Option<Result<()>> {
        if seq <= self.durable_seq() {
            return Some(Ok(()));
        }
        if let Some(source) = &state.failure {
            return Some(Err(Error::NotDurable { source: Arc::clone(source) }));
        }
        state.stopped.then_some(Err(Error::Closed))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each field is right at every moment: a panic elsewhere leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// solution-only
impl State {
    /// A number that no other waiter has.
    fn next_number(&mut self) -> u64 {
        self.last_waiter += 1;
        self.last_waiter
    }

    /// Takes those out who wait for `up_to` or less: they are the first of the map.
    fn take_waiters(&mut self, up_to: u64) -> Vec<Waker> {
        let mut wakers = Vec::new();
        while let Some(first) = self.waiters.first_entry().filter(|first| first.key().0 <= up_to) {
            wakers.push(first.remove());
        }
        wakers
    }
}

/// A write that was accepted, and may not be durable yet. A clone is a handle of the same write.
///
/// SlateDB: `WriteHandle` in `src/db.rs`.
#[derive(Clone)]
pub struct WriteHandle {
    group: Arc<GroupCommit>,
    seq: u64,
}

impl WriteHandle {
    /// The handle of the write with the sequence number `seq`, which was appended already: so the
    /// next commit covers it.
    pub fn new(group: Arc<GroupCommit>, seq: u64) -> Self {
        Self { group, seq }
    }

    /// The sequence number of the write.
    pub fn seqnum(&self) -> u64 {
        self.seq
    }

    /// Whether the write is durable. Does not wait, and takes no lock.
    pub fn is_durable(&self) -> bool {
        self.seq <= self.group.durable_seq()
    }

    /// Asks for a commit and blocks this thread until the write is durable.
    ///
    /// Fails with [`Error::NotDurable`] if a commit has failed, and with [`Error::Closed`] if the
    /// database was closed before.
    // exercise: week7.11
    pub fn wait_durable(&self) -> Result<()> {
        block_on(self.await_durable())
    }

    /// Asks for a commit at once, and gives a future that ends when the write is durable. It fails
    /// as [`wait_durable`](Self::wait_durable) does, and runs on any executor.
    pub fn await_durable(&self) -> AwaitDurable {
        self.group.request(self.seq);
        AwaitDurable { handle: self.clone(), waiter: None }
    }
}

impl fmt::Debug for WriteHandle {
    /// Leaves out who else waits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteHandle")
            .field("seq", &self.seq)
            .field("durable", &self.is_durable())
            .finish_non_exhaustive()
    }
}

/// Waits for a write to be durable; made by [`WriteHandle::await_durable`].
#[derive(Debug)]
#[must_use = "a future waits only while it is polled: `.await` it, or give it to `block_on`"]
pub struct AwaitDurable {
    handle: WriteHandle,
    /// The number under which the waker was left, once it was.
    waiter: Option<u64>,
}

impl Future for AwaitDurable {
    type Output = Result<()>;

    /// Ready when it is decided what becomes of the write. Otherwise pending: then the waker of
    /// `context` is woken when it is, and that of an earlier call is not.
    // exercise: week7.10
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let Self { handle: WriteHandle { group, seq }, waiter } = self.get_mut();
        // The look and the note are made under one lock, so that no commit can slip in between.
        let mut state = group.lock();
        if let Some(outcome) = group.outcome(&state, *seq) {
            return Poll::Ready(outcome);
        }
        let key = (*seq, *waiter.get_or_insert_with(|| state.next_number()));
        let known = state.waiters.get(&key);
        if known.is_some_and(|waker| waker.will_wake(context.waker())) {
            return Poll::Pending;
        }
        let replaced = state.waiters.insert(key, context.waker().clone());
        drop(state);
        drop(replaced);
        Poll::Pending
    }
}

impl Drop for AwaitDurable {
    /// Takes the waker back: nobody waits any more.
    fn drop(&mut self) {
        let Some(number) = self.waiter else { return };
        let waker = self.handle.group.lock().waiters.remove(&(self.handle.seq, number));
        // The lock is released. This may be the last that holds a task, with all its futures.
        drop(waker);
    }
}

/// Runs a future on this thread until it is ready. The thread sleeps while the future is pending,
/// and a wake is never lost, whenever it comes: before the thread sleeps, during `poll`, or while
/// `poll` itself puts the thread to sleep for something else, as another `block_on` would.
// exercise: week7.11
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let parker = Arc::new(ThreadWaker { thread: thread::current(), woken: AtomicBool::new(false) });
    let waker = Waker::from(Arc::clone(&parker));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        // `park` may return for no reason, and a wake may have come already: the flag decides.
        while !parker.woken.swap(false, Ordering::Acquire) {
            thread::park();
        }
    }
}

/// Wakes a thread that runs [`block_on`].
#[derive(Debug)]
struct ThreadWaker {
    thread: Thread,
    /// Whether it was woken since it last looked. `unpark` alone would not do: whatever else puts
    /// the thread to sleep, a channel for instance, uses up the wake that was meant for the future.
    woken: AtomicBool,
}

impl Wake for ThreadWaker {
    // exercise: week7.11
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}
