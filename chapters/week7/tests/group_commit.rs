//! Week 7, days 4 to 7: one commit for many writers. The rules are on the page *Group commit* of
//! the book.

use std::fmt;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use testkit::{deadline_or, rule};
use week7::optimize::group_commit::{AwaitDurable, GroupCommit, Wakeup, WriteHandle, block_on};
use week7::{Error, Result};

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A group of a new database, in which nothing was written yet.
fn group() -> Arc<GroupCommit> {
    Arc::new(GroupCommit::new(0))
}

fn handle(group: &Arc<GroupCommit>, seq: u64) -> WriteHandle {
    WriteHandle::new(Arc::clone(group), seq)
}

fn disk_full() -> Arc<Error> {
    Arc::new(Error::WalFailed { file: "the full disk's segment".to_owned() })
}

/// Ends with the panic of a thread, if it has panicked.
fn join<T>(thread: JoinHandle<T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// How a wait has ended, in words.
fn told(outcome: &Result<()>) -> String {
    match outcome {
        Ok(()) => "durable".to_owned(),
        Err(Error::NotDurable { source }) => format!("not durable: {source}"),
        Err(Error::Closed) => "closed".to_owned(),
        Err(other) => format!("another error: {other}"),
    }
}

fn told_failure() -> String {
    told(&Err(Error::NotDurable { source: disk_full() }))
}

/// What decides what becomes of those who wait.
type Decide = fn(&GroupCommit);

/// How long the processor has worked for this thread, where the system tells it.
fn processor_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

/// How often this thread has gone to sleep by itself, where the system tells it.
fn sleeps() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/status").ok()?;
    let count = text.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
    count.trim().parse().ok()
}

/// Fails if `wait`, which takes `millis` milliseconds, has kept the processor busy meanwhile, or has
/// woken again and again to look.
fn assert_sleeps(task: &str, millis: u128, wait: impl FnOnce()) {
    let before = (processor_time(), sleeps());
    wait();
    let after = (processor_time(), sleeps());
    let rule = rule(task, "who waits, sleeps until it is woken: no loop asks once in a while");
    if let Some((before, after)) = before.0.zip(after.0) {
        let busy = (after - before).as_millis();
        let what = format!("in {millis} ms of waiting, the processor was busy {busy} ms");
        assert!(busy < millis / 2, "{what}{rule}");
    }
    if let Some((before, after)) = before.1.zip(after.1) {
        let times = after - before;
        assert!(times <= 8, "in {millis} ms of waiting, the thread slept {times} times{rule}");
    }
}

/// Runs a test in which a thread may sleep for ever, and fails after `seconds`.
#[track_caller]
fn deadline<T: Send + 'static>(
    seconds: u64,
    task: &str,
    test: impl FnOnce() -> T + Send + 'static,
) -> T {
    deadline_of(seconds, &rule(task, "no wake-up is lost, whenever it comes"), test)
}

/// The same, for a test of another rule.
#[track_caller]
fn deadline_of<T: Send + 'static>(
    seconds: u64,
    rule: &str,
    test: impl FnOnce() -> T + Send + 'static,
) -> T {
    let why = "a wake-up that never came, a lock that is still held, or a loop without an end?";
    deadline_or(seconds, &format!("{why}{rule}"), test)
}

/// Prints a mutex, and so holds its lock: stops inside until it is told to go on.
struct SlowPrinter {
    is_inside: bool,
    holds: Option<Sender<()>>,
    goes_on: Receiver<()>,
}

impl fmt::Write for SlowPrinter {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.is_inside
            && let Some(holds) = self.holds.take()
        {
            // Whoever listens may have given up.
            let _ = holds.send(());
            let _ = self.goes_on.recv_timeout(millis(2_000));
        }
        self.is_inside |= text.contains("data");
        Ok(())
    }
}

mod task_7_9 {
    use super::*;
    use std::fmt::Write;
    use std::sync::mpsc::channel;

    const NOW: Option<Duration> = Some(Duration::ZERO);

    #[test]
    fn a_request_wakes_the_thread_that_commits() {
        for timeout in [None, Some(Duration::from_secs(3600)), Some(Duration::MAX)] {
            let found = deadline(5, "7.9", move || {
                let group = group();
                let committer = Arc::clone(&group);
                let committer = thread::spawn(move || committer.wait_for_request(timeout));
                thread::sleep(millis(20));
                group.request(1);
                join(committer)
            });
            let rule = rule("7.9", "a request wakes the thread that commits");
            assert_eq!(found, Wakeup::Requested, "with the timeout {timeout:?}{rule}");
        }
    }

    #[test]
    fn a_request_that_came_earlier_is_seen_until_a_commit_covers_it() {
        deadline(5, "7.9", || {
            let group = group();
            group.request(5);
            let rule = rule("7.9", "requested, as long as a requested number is not durable");
            for timeout in [None, NOW, None] {
                assert_eq!(group.wait_for_request(timeout), Wakeup::Requested, "{rule}");
            }
            group.committed(4);
            assert_eq!(group.wait_for_request(None), Wakeup::Requested, "4 does not cover 5{rule}");
            group.committed(5);
            assert_eq!(group.wait_for_request(NOW), Wakeup::TimedOut, "5 is durable{rule}");
            group.request(5);
            assert_eq!(group.wait_for_request(NOW), Wakeup::TimedOut, "5 was durable{rule}");
            group.request(6);
            assert_eq!(group.wait_for_request(None), Wakeup::Requested, "6 is not{rule}");
        });
    }

    #[test]
    fn a_smaller_request_does_not_replace_a_greater_one() {
        deadline(5, "7.9", || {
            let group = group();
            group.request(9);
            group.request(2);
            group.committed(2);
            let rule = rule("7.9", "every request is kept until it is covered");
            assert_eq!(group.wait_for_request(NOW), Wakeup::Requested, "9 is left{rule}");
        });
    }

    #[test]
    fn without_a_request_the_time_runs_out_and_not_earlier() {
        let found = deadline(5, "7.9", || {
            let group = group();
            group.committed(3);
            group.request(3);
            let start = Instant::now();
            (group.wait_for_request(Some(millis(30))), start.elapsed())
        });
        let rule = rule("7.9", "timed out, when the time is over and not before");
        assert_eq!(found.0, Wakeup::TimedOut, "{rule}");
        assert!(found.1 >= millis(30), "it returned after {:?} of 30 ms{rule}", found.1);
    }

    #[test]
    fn after_a_failure_nothing_is_requested_any_more() {
        deadline(5, "7.9", || {
            let group = group();
            group.request(1);
            group.failed(disk_full());
            group.request(2);
            let rule = rule("7.9", "after a failure no commit is requested: the thread would spin");
            let start = Instant::now();
            let found = group.wait_for_request(Some(millis(20)));
            assert_eq!(found, Wakeup::TimedOut, "requests for 1 and 2, and a failure{rule}");
            assert!(start.elapsed() >= millis(20), "after {:?} of 20 ms{rule}", start.elapsed());
            group.committed(2);
            assert_eq!(group.durable_seq(), 2, "a flush can save what a commit could not{rule}");
            group.stop();
            assert_eq!(group.wait_for_request(None), Wakeup::Stopped, "{rule}");
        });
    }

    #[test]
    fn requests_that_ask_for_no_commit_do_not_put_the_end_off() {
        let decisions: [(&str, Decide); 2] = [
            ("all of them are durable", |group| group.committed(1_000_000)),
            ("a commit has failed", |group| group.failed(disk_full())),
        ];
        for (what, decide) in decisions {
            let (found, took, is_late) = deadline(20, "7.9", move || {
                let group = group();
                decide(&group);
                let (others, ends) = (Arc::clone(&group), Arc::new(AtomicBool::new(false)));
                let ended = Arc::clone(&ends);
                // Each asks for more than the one before, for five seconds at most.
                let others = thread::spawn(move || {
                    let start = Instant::now();
                    let is_time = |_: &u64| !ended.load(SeqCst) && start.elapsed() < millis(5_000);
                    for seq in (1..1_000_000).take_while(is_time) {
                        others.request(seq);
                        thread::sleep(millis(1));
                    }
                    !ended.load(SeqCst)
                });
                let start = Instant::now();
                let (found, took) = (group.wait_for_request(Some(millis(80))), start.elapsed());
                ends.store(true, SeqCst);
                (found, took, join(others))
            });
            let rule =
                rule("7.9", "a timeout counts from the call, whatever wakes the thread meanwhile");
            let what = format!("with a request each millisecond, when {what}");
            assert_eq!(found, Wakeup::TimedOut, "{what}{rule}");
            assert!(took >= millis(80), "{what}, it returned after {took:?} of 80 ms{rule}");
            assert!(!is_late, "{what}, it returned when no more requests came{rule}");
        }
    }

    #[test]
    fn waiting_for_a_request_is_sleeping() {
        deadline(5, "7.9", || {
            let group = group();
            assert_sleeps("7.9", 100, || {
                group.wait_for_request(Some(millis(100)));
            });
        });
    }

    #[test]
    fn the_durable_number_never_goes_back() {
        deadline(5, "7.9", || {
            let group = Arc::new(GroupCommit::new(10));
            let rule = rule("7.9", "the durable sequence number never goes back");
            for (seq, expected) in [(4, 10), (12, 12), (11, 12), (12, 12), (u64::MAX, u64::MAX)] {
                group.committed(seq);
                assert_eq!(group.durable_seq(), expected, "after committed({seq}){rule}");
            }
            assert!(handle(&group, 12).is_durable());
        });
    }

    /// While a third thread holds the group's lock, one commits 9, and then another commits 5. What
    /// is durable afterwards.
    fn commits_of_9_and_5_at_once() -> u64 {
        let group = group();
        let ((holds, is_held), (go_on, goes_on)) = (channel(), channel());
        thread::scope(|scope| {
            let mut printer = SlowPrinter { is_inside: false, holds: Some(holds), goes_on };
            let group = &group;
            scope.spawn(move || write!(printer, "{group:?}"));
            // An error if the group prints no mutex: then nothing is forced.
            let _ = is_held.recv();
            for seq in [9, 5] {
                scope.spawn(move || group.committed(seq));
                thread::sleep(millis(2));
            }
            let _ = go_on.send(());
        });
        group.durable_seq()
    }

    #[test]
    fn the_durable_number_never_goes_back_when_two_commit_at_once() {
        let lowered = deadline(60, "7.9", || {
            // A stub fails here, and not in the other threads.
            group().committed(1);
            (0..20).filter(|_| commits_of_9_and_5_at_once() != 9).count()
        });
        let rule = rule("7.9", "the durable sequence number never goes back");
        assert_eq!(
            lowered, 0,
            "9 and 5 were committed while both waited for the lock, and in {lowered} of 20 rounds \
             the durable number is not 9{rule}"
        );
    }

    #[test]
    fn a_handle_is_durable_from_the_commit_on_that_covers_it() {
        deadline(5, "7.9", || {
            let group = group();
            let rule = rule("7.9", "everything up to the committed number is durable");
            for (seq, expected) in [(6, false), (7, true), (8, true)] {
                group.committed(seq);
                assert_eq!(handle(&group, 7).seqnum(), 7);
                assert_eq!(
                    handle(&group, 7).is_durable(),
                    expected,
                    "7 after committed({seq}){rule}"
                );
            }
        });
    }

    #[test]
    fn stop_ends_the_wait_now_and_later() {
        let rule = rule("7.9", "after stop, the thread that commits is told to end, first of all");
        for timeout in [None, Some(Duration::from_secs(3600))] {
            let group = group();
            let (committer, others) = (Arc::clone(&group), Arc::clone(&group));
            let found = deadline(5, "7.9", move || {
                let committer = thread::spawn(move || committer.wait_for_request(timeout));
                thread::sleep(millis(20));
                others.stop();
                join(committer)
            });
            assert_eq!(found, Wakeup::Stopped, "a thread that waits{rule}");
            let found = deadline(5, "7.9", move || {
                group.request(1);
                group.wait_for_request(timeout)
            });
            assert_eq!(found, Wakeup::Stopped, "a later call, though there is a request{rule}");
        }
    }

    #[test]
    fn a_commit_that_ends_after_stop_counts() {
        deadline(5, "7.9", || {
            let group = group();
            group.stop();
            group.committed(5);
            let rule = rule("7.9", "what is committed is durable, after a stop too");
            assert_eq!(group.durable_seq(), 5, "after stop and committed(5){rule}");
            assert!(handle(&group, 5).is_durable(), "{rule}");
        });
    }

    #[test]
    fn no_request_is_lost_between_two_waits() {
        // A request comes at every moment of the other thread's loop, hit by chance.
        deadline(30, "7.9", || {
            let group = group();
            let committer = Arc::clone(&group);
            let newest = Arc::new(AtomicU64::new(0));
            let appended = Arc::clone(&newest);
            let committer = thread::spawn(move || {
                while committer.wait_for_request(None) == Wakeup::Requested {
                    committer.committed(appended.load(SeqCst));
                }
            });
            for seq in 1..=2_000 {
                newest.store(seq, SeqCst);
                group.request(seq);
                while group.durable_seq() < seq && !committer.is_finished() {
                    thread::yield_now();
                }
            }
            group.stop();
            join(committer);
        });
    }
}

/// Counts how often it is woken, in place of a task that would be polled again.
#[derive(Debug, Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// A task, as a future sees it: a waker. And what the test sees of it.
struct Task {
    count: Arc<Count>,
    waker: Waker,
}

impl Task {
    fn new() -> Self {
        let count = Arc::new(Count::default());
        Self { waker: Waker::from(Arc::clone(&count)), count }
    }

    fn woken(&self) -> usize {
        self.count.0.load(SeqCst)
    }

    /// How many clones of its waker there are.
    fn clones(&self) -> usize {
        Arc::strong_count(&self.count) - 2
    }

    /// Polls for this task: `None` while the future is pending.
    fn poll(&self, future: &mut Waiting) -> Option<Result<()>> {
        poll(future, &self.waker)
    }

    #[track_caller]
    fn assert_pending(&self, future: &mut Waiting, rule: &str) {
        let outcome = self.poll(future).map(|outcome| told(&outcome));
        assert_eq!(outcome, None, "the future has to be pending{rule}");
    }

    #[track_caller]
    fn assert_ready(&self, future: &mut Waiting, expected: &str, rule: &str) {
        let outcome = self.poll(future).map(|outcome| told(&outcome));
        assert_eq!(outcome.as_deref(), Some(expected), "the future has to be ready{rule}");
    }
}

type Waiting = Pin<Box<AwaitDurable>>;

fn waiting(group: &Arc<GroupCommit>, seq: u64) -> Waiting {
    Box::pin(handle(group, seq).await_durable())
}

fn poll(future: &mut Waiting, waker: &Waker) -> Option<Result<()>> {
    match future.as_mut().poll(&mut Context::from_waker(waker)) {
        Poll::Ready(outcome) => Some(outcome),
        Poll::Pending => None,
    }
}

mod task_7_10 {
    use super::*;
    use std::fmt::Write;
    use std::sync::mpsc::channel;

    #[test]
    fn a_future_is_pending_until_the_commit_that_covers_it() {
        deadline(5, "7.10", || {
            let (group, task) = (group(), Task::new());
            let rule = rule("7.10", "ready when the write is durable, and woken once for it");
            let mut future = waiting(&group, 5);
            assert_eq!(group.wait_for_request(Some(Duration::ZERO)), Wakeup::Requested);
            task.assert_pending(&mut future, &rule);
            group.committed(4);
            assert_eq!(task.woken(), 0, "4 does not cover 5{rule}");
            task.assert_pending(&mut future, &rule);
            group.committed(5);
            assert_eq!(task.woken(), 1, "wakes after committed(5){rule}");
            task.assert_ready(&mut future, "durable", &rule);
            group.committed(9);
            group.stop();
            assert_eq!(task.woken(), 1, "nobody waits any more{rule}");
        });
    }

    #[test]
    fn a_write_that_is_durable_is_ready_at_once_and_leaves_no_waker() {
        deadline(5, "7.10", || {
            let (group, task) = (group(), Task::new());
            group.committed(7);
            let rule = rule("7.10", "what is decided is ready at the first poll");
            for seq in [0, 6, 7] {
                let mut future = waiting(&group, seq);
                task.assert_ready(&mut future, "durable", &rule);
                assert_eq!(task.clones(), 0, "wakers that are kept for {seq}{rule}");
            }
            let found = group.wait_for_request(Some(Duration::ZERO));
            assert_eq!(found, Wakeup::TimedOut, "no commit is needed{rule}");
        });
    }

    #[test]
    fn a_commit_wakes_those_it_covers_once_and_nobody_else() {
        deadline(5, "7.10", || {
            let group = group();
            let rule = rule("7.10", "a commit wakes those it covers, and nobody else");
            // Not in the order of their numbers.
            let tasks: Vec<_> = (0..20).map(|place| (place * 7 % 20 + 1, Task::new())).collect();
            let mut futures: Vec<_> = tasks.iter().map(|(seq, _)| waiting(&group, *seq)).collect();
            for ((_, task), future) in tasks.iter().zip(&mut futures) {
                task.assert_pending(future, &rule);
            }
            for durable in [0, 1, 8, 8, 13, 20, 30] {
                group.committed(durable);
                for (seq, task) in &tasks {
                    let expected = usize::from(*seq <= durable);
                    assert_eq!(
                        task.woken(),
                        expected,
                        "wakes of {seq} up to committed({durable}){rule}"
                    );
                }
            }
            for ((_, task), future) in tasks.iter().zip(&mut futures) {
                task.assert_ready(future, "durable", &rule);
            }
        });
    }

    #[test]
    fn all_who_wait_for_one_write_are_woken() {
        deadline(5, "7.10", || {
            let (group, tasks) = (group(), [(); 3].map(|()| Task::new()));
            let rule = rule("7.10", "a commit wakes all those it covers");
            let handle = handle(&group, 1);
            let mut futures = [(); 3].map(|()| Box::pin(handle.clone().await_durable()));
            for (task, future) in tasks.iter().zip(&mut futures) {
                task.assert_pending(future, &rule);
            }
            group.committed(1);
            let woken = tasks.each_ref().map(Task::woken);
            assert_eq!(woken, [1, 1, 1], "three futures of write 1{rule}");
        });
    }

    #[test]
    fn a_future_that_is_polled_for_another_task_wakes_that_one() {
        deadline(5, "7.10", || {
            let (group, old, new) = (group(), Task::new(), Task::new());
            let rule =
                rule("7.10", "the waker of the last poll is woken, and that of an earlier one not");
            let mut future = waiting(&group, 1);
            old.assert_pending(&mut future, &rule);
            new.assert_pending(&mut future, &rule);
            assert_eq!(old.clones(), 0, "wakers kept of the task that polled earlier{rule}");
            group.committed(1);
            assert_eq!(
                (old.woken(), new.woken()),
                (0, 1),
                "wakes of the old and the new task{rule}"
            );
            new.assert_ready(&mut future, "durable", &rule);
        });
    }

    #[test]
    fn a_future_that_moves_back_and_forth_wakes_the_last() {
        deadline(5, "7.10", || {
            let (group, tasks) = (group(), [Task::new(), Task::new()]);
            let rule =
                rule("7.10", "the waker of the last poll is woken, and that of an earlier one not");
            let mut future = waiting(&group, 1);
            for turn in [0, 1, 0, 1, 1, 0] {
                tasks[turn].assert_pending(&mut future, &rule);
            }
            group.failed(disk_full());
            assert_eq!(
                (tasks[0].woken(), tasks[1].woken()),
                (1, 0),
                "wakes of the two tasks{rule}"
            );
        });
    }

    #[test]
    fn a_future_that_is_polled_a_thousand_times_keeps_one_waker() {
        deadline(5, "7.10", || {
            let (group, task) = (group(), Task::new());
            let rule = rule("7.10", "one waker is kept for each future that waits");
            let mut future = waiting(&group, 1);
            for _ in 0..1_000 {
                task.assert_pending(&mut future, &rule);
            }
            assert!(task.clones() <= 2, "{} clones of its waker are kept{rule}", task.clones());
            group.committed(1);
            assert_eq!(task.woken(), 1, "wakes after a thousand polls{rule}");
            assert_eq!(task.clones(), 0, "wakers kept after the wake{rule}");
        });
    }

    #[test]
    fn a_dropped_future_leaves_nothing_behind() {
        deadline(5, "7.10", || {
            let (group, gone, left) = (group(), Task::new(), Task::new());
            let rule = rule("7.10", "a future that is dropped leaves nothing behind");
            let mut others = [waiting(&group, 1), waiting(&group, 1), waiting(&group, 2)];
            left.assert_pending(&mut others[0], &rule);
            for seq in [1, 1, 2, 3] {
                let mut future = waiting(&group, seq);
                gone.assert_pending(&mut future, &rule);
            }
            assert_eq!(gone.clones(), 0, "wakers kept of futures that were dropped{rule}");
            for future in &mut others[1..] {
                left.assert_pending(future, &rule);
            }
            drop(waiting(&group, 1));
            group.committed(3);
            assert_eq!(gone.woken(), 0, "wakes of futures that were dropped{rule}");
            assert_eq!(left.woken(), 3, "wakes of the three that were not{rule}");
        });
    }

    #[test]
    fn a_future_can_be_dropped_after_it_was_woken() {
        deadline(5, "7.10", || {
            let (group, task, other) = (group(), Task::new(), Task::new());
            let rule = rule("7.10", "a future takes back its own waker, and no other's");
            let mut first = waiting(&group, 1);
            task.assert_pending(&mut first, &rule);
            group.committed(1);
            let mut second = waiting(&group, 2);
            other.assert_pending(&mut second, &rule);
            drop(first);
            group.committed(2);
            assert_eq!((task.woken(), other.woken()), (1, 1), "wakes of both{rule}");
        });
    }

    #[test]
    fn a_failure_reaches_those_who_wait_and_those_who_come_later() {
        deadline(5, "7.10", || {
            let (group, task) = (group(), Task::new());
            let rule = rule("7.10", "after a failure, what is not durable fails, now and later");
            let mut futures = [waiting(&group, 2), waiting(&group, 3)];
            for future in &mut futures {
                task.assert_pending(future, &rule);
            }
            group.committed(1);
            group.failed(disk_full());
            assert_eq!(task.woken(), 2, "wakes of two futures{rule}");
            for future in &mut futures {
                task.assert_ready(future, &told_failure(), &rule);
            }
            task.assert_ready(&mut waiting(&group, 4), &told_failure(), &rule);
            task.assert_ready(&mut waiting(&group, 1), "durable", &rule);
            assert_eq!(task.clones(), 0, "wakers kept after a failure{rule}");
            group.failed(Arc::new(Error::Closed));
            task.assert_ready(
                &mut waiting(&group, 4),
                &told_failure(),
                "; the first failure is kept",
            );
            group.committed(3);
            task.assert_ready(
                &mut waiting(&group, 3),
                "durable",
                "; it was saved after the failure",
            );
            task.assert_ready(&mut waiting(&group, 4), &told_failure(), &rule);
        });
    }

    #[test]
    fn stop_reaches_those_who_wait_and_those_who_come_later() {
        deadline(5, "7.10", || {
            let (group, task) = (group(), Task::new());
            let rule = rule("7.10", "after stop, what is not durable is closed, now and later");
            let mut future = waiting(&group, 2);
            task.assert_pending(&mut future, &rule);
            group.committed(1);
            group.stop();
            assert_eq!(task.woken(), 1, "wakes at stop{rule}");
            assert_eq!(task.clones(), 0, "wakers kept after stop{rule}");
            task.assert_ready(&mut future, "closed", &rule);
            task.assert_ready(&mut waiting(&group, 3), "closed", &rule);
            task.assert_ready(&mut waiting(&group, 1), "durable", &rule);
            group.committed(3);
            let rule = "; the last commit ended after the stop";
            task.assert_ready(&mut waiting(&group, 3), "durable", rule);
            task.assert_ready(&mut waiting(&group, 4), "closed", rule);
        });
    }

    #[test]
    fn after_a_failure_and_stop_the_failure_is_told() {
        let orders: [(&str, [Decide; 2]); 2] = [
            ("failed, then stop", [|group| group.failed(disk_full()), GroupCommit::stop]),
            ("stop, then failed", [GroupCommit::stop, |group| group.failed(disk_full())]),
        ];
        for (name, order) in orders {
            let outcome = deadline(5, "7.10", move || {
                let group = group();
                let mut future = waiting(&group, 1);
                order.iter().for_each(|decide| decide(&group));
                poll(&mut future, Waker::noop()).map(|outcome| told(&outcome))
            });
            let rule = rule("7.10", "the failure says more than that the database is closed");
            assert_eq!(outcome, Some(told_failure()), "{name}{rule}");
        }
    }

    #[test]
    fn a_commit_of_the_greatest_number_covers_everybody() {
        deadline(5, "7.10", || {
            let (group, task) = (group(), Task::new());
            let rule = rule("7.10", "a commit wakes all those it covers");
            let mut futures = [waiting(&group, 5), waiting(&group, u64::MAX)];
            for future in &mut futures {
                task.assert_pending(future, &rule);
            }
            group.committed(u64::MAX);
            assert_eq!(task.woken(), 2, "wakes of 5 and u64::MAX, at committed(u64::MAX){rule}");
        });
    }

    type Way = fn(&Arc<GroupCommit>, Waiting);

    /// What may happen to those who wait.
    fn decisions() -> [(&'static str, &'static str, Decide); 3] {
        [
            ("committed", "durable", |group| group.committed(1)),
            ("failed", "not durable", |group| group.failed(disk_full())),
            ("stop", "closed", GroupCommit::stop),
        ]
    }

    /// A waker that looks at once what has become of a write, as some executors do.
    struct Curious {
        group: Arc<GroupCommit>,
        seen: Mutex<Option<String>>,
    }

    impl Wake for Curious {
        fn wake(self: Arc<Self>) {
            let mut future = waiting(&self.group, 1);
            let outcome = poll(&mut future, Waker::noop());
            self.group.request(2);
            drop(waiting(&self.group, 2));
            let outcome = outcome.map_or("pending".to_owned(), |outcome| told(&outcome));
            *self.seen.lock().expect("no test panics here") = Some(outcome);
        }
    }

    #[test]
    fn whoever_is_woken_finds_it_decided_and_the_group_free() {
        for (name, expected, decide) in decisions() {
            let rule = rule("7.10", "first it is decided, then the lock is free, then wakers wake");
            let seen = deadline_of(5, &rule, move || {
                let group = group();
                let curious = Curious { group: Arc::clone(&group), seen: Mutex::new(None) };
                let curious = Arc::new(curious);
                let mut future = waiting(&group, 1);
                let pending = poll(&mut future, &Waker::from(Arc::clone(&curious)));
                assert!(pending.is_none());
                decide(&group);
                curious.seen.lock().expect("no test panics here").take()
            });
            let seen = seen.unwrap_or("no wake".to_owned());
            assert!(seen.starts_with(expected), "at {name}, the woken one saw: {seen}{rule}");
        }
    }

    /// A waker that holds its task, and so the futures that the task waits for.
    struct Owner {
        _owned: Mutex<Waiting>,
    }

    impl Wake for Owner {
        fn wake(self: Arc<Self>) {}
    }

    #[test]
    fn a_waker_may_own_other_futures_of_the_group() {
        let ways: [(&str, Way); 3] = [
            ("polled for another task", |_, mut future| {
                assert!(poll(&mut future, Waker::noop()).is_none());
            }),
            ("dropped", |_, future| drop(future)),
            ("woken", |group, _future| group.committed(9)),
        ];
        for (name, way) in ways {
            let rule = rule("7.10", "no waker is dropped while the lock is held");
            let clones = deadline_of(5, &rule, move || {
                let (group, task) = (group(), Task::new());
                let mut owned = waiting(&group, 9);
                assert!(task.poll(&mut owned).is_none());
                let owner = Waker::from(Arc::new(Owner { _owned: Mutex::new(owned) }));
                let mut future = waiting(&group, 1);
                assert!(poll(&mut future, &owner).is_none());
                // Now the group holds the last clone, and the way drops it.
                drop(owner);
                way(&group, future);
                task.clones()
            });
            assert_eq!(
                clones, 0,
                "the future was {name}: wakers kept of what its waker owned{rule}"
            );
        }
    }

    /// While a third thread holds the group's lock, one commits write 1, and another polls for it.
    /// The one has come first, the other has perhaps looked already. Whether the future is
    /// pending, and how often it was woken.
    fn poll_behind_a_commit() -> (bool, usize) {
        let (group, task) = (group(), Task::new());
        let mut future = waiting(&group, 1);
        let ((holds, is_held), (go_on, goes_on)) = (channel(), channel());
        let pending = thread::scope(|scope| {
            let mut printer = SlowPrinter { is_inside: false, holds: Some(holds), goes_on };
            let group = &group;
            scope.spawn(move || write!(printer, "{group:?}"));
            // An error if the group prints no mutex: then nothing is forced.
            let _ = is_held.recv();
            scope.spawn(|| group.committed(1));
            thread::sleep(millis(2));
            let polls = scope.spawn(|| task.poll(&mut future).is_none());
            thread::sleep(millis(2));
            let _ = go_on.send(());
            polls.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        (pending, task.woken())
    }

    #[test]
    fn no_commit_slips_in_between_looking_and_locking() {
        let lost = deadline(60, "7.10", || {
            // A stub fails here, and not in the other threads.
            let group = group();
            assert!(Task::new().poll(&mut waiting(&group, 1)).is_none());
            group.committed(1);
            let end = Instant::now() + millis(3_000);
            let outcomes = (0..100).take_while(|_| Instant::now() < end);
            outcomes.map(|_| poll_behind_a_commit()).filter(|lost| *lost == (true, 0)).count()
        });
        let rule = rule("7.10", "a future that is pending is woken, whenever the commit comes");
        assert_eq!(
            lost, 0,
            "a commit came while `poll` waited for the lock, and in {lost} of 100 rounds the future \
             is pending and nobody was woken{rule}"
        );
    }

    /// Waits for what another thread is about to do.
    fn spin_until(done: impl Fn() -> bool) {
        for turn in 1_u64.. {
            if done() {
                return;
            }
            if turn % 1_000 == 0 { thread::yield_now() } else { std::hint::spin_loop() }
        }
    }

    #[test]
    fn no_commit_slips_in_between_looking_and_waiting() {
        const ROUNDS: u64 = 2_000;
        // In each round, a commit hits a row of polls somewhere.
        let lost = deadline(60, "7.10", || {
            let group = group();
            // A stub fails here, and not in the other thread.
            assert!(Task::new().poll(&mut waiting(&group, 1)).is_none());
            let (other, round) = (Arc::clone(&group), Arc::new(AtomicU64::new(0)));
            let started = Arc::clone(&round);
            let commits = thread::spawn(move || {
                for seq in 1..=ROUNDS {
                    spin_until(|| started.load(SeqCst) >= seq);
                    (0..seq * 7 % 50).for_each(|_| other.request(seq));
                    other.committed(seq);
                }
            });
            // On a busy computer each round takes long; it is over after three seconds all the same.
            let end = Instant::now() + millis(3_000);
            let lost = (1..=ROUNDS).take_while(|_| Instant::now() < end).find(|&seq| {
                let task = Task::new();
                let mut futures: Vec<_> = (0..50).map(|_| waiting(&group, seq)).collect();
                round.store(seq, SeqCst);
                let polls = futures.iter_mut().map(|future| task.poll(future));
                let pending = polls.filter(Option::is_none).count();
                spin_until(|| group.durable_seq() >= seq);
                let start = Instant::now();
                spin_until(|| task.woken() == pending || start.elapsed() > millis(2_000));
                task.woken() < pending
            });
            round.store(ROUNDS, SeqCst);
            join(commits);
            lost
        });
        let rule = rule("7.10", "a future that is pending is woken, whenever the commit comes");
        assert_eq!(
            lost, None,
            "a commit during `poll` woke nobody, and the future is pending{rule}"
        );
    }

    #[test]
    fn ten_thousand_can_wait() {
        const WAITERS: u64 = 10_000;
        let (waiters, dropped) = deadline(20, "7.10", || {
            let (group, task) = (group(), Task::new());
            let mut futures: Vec<_> = (1..=WAITERS).map(|seq| waiting(&group, seq)).collect();
            for future in &mut futures {
                assert!(task.poll(future).is_none());
            }
            for durable in (0..=WAITERS / 2).step_by(500) {
                group.committed(durable);
            }
            drop(futures);
            (task.woken(), task.clones())
        });
        let rule = rule("7.10", "as many wakers are kept as futures wait");
        assert_eq!(waiters, 5_000, "wakes of those up to 5000{rule}");
        assert_eq!(dropped, 0, "wakers kept when all futures are dropped{rule}");
    }

    /// A task of a small executor: it waits for each of its writes in turn.
    struct Job {
        todo: Mutex<Option<Vec<Waiting>>>,
        queue: Sender<Arc<Job>>,
        polls: AtomicUsize,
    }

    impl Wake for Job {
        fn wake(self: Arc<Self>) {
            // The queue is gone when the test has failed.
            let _ = self.queue.clone().send(self);
        }
    }

    impl Job {
        /// Polls until a future is pending; whether none is left.
        fn run(self: Arc<Self>) -> bool {
            self.polls.fetch_add(1, SeqCst);
            let waker = Waker::from(Arc::clone(&self));
            let mut todo = self.todo.lock().expect("no test panics here");
            let Some(futures) = &mut *todo else { return false };
            while let Some(future) = futures.last_mut() {
                if poll(future, &waker).is_none() {
                    return false;
                }
                futures.pop();
            }
            // Whoever is woken again has nothing left to do.
            todo.take().is_some()
        }
    }

    /// Polls who is in the queue until `jobs` jobs are done.
    fn run(queue: &Receiver<Arc<Job>>, jobs: usize) {
        let mut done = 0;
        while done < jobs {
            let job = queue.recv().expect("the test holds a sender");
            done += usize::from(job.run());
        }
    }

    #[test]
    fn one_thread_runs_five_hundred_tasks() {
        const JOBS: usize = 500;
        let polls = deadline(20, "7.10", || {
            let (group, (sender, queue)) = (group(), channel());
            let newest = JOBS as u64 * 3;
            let jobs: Vec<_> = (1..=JOBS as u64)
                .map(|number| {
                    let seqs = [number, 2 * number, 3 * number];
                    let todo = seqs.into_iter().rev().map(|seq| waiting(&group, seq)).collect();
                    let todo = Mutex::new(Some(todo));
                    let (queue, polls) = (sender.clone(), AtomicUsize::new(0));
                    Arc::new(Job { todo, queue, polls })
                })
                .collect();
            jobs.iter().for_each(|job| Arc::clone(job).wake());
            assert!(!Arc::clone(&jobs[0]).run(), "nothing is durable yet");
            let commits = Arc::clone(&group);
            let commits = thread::spawn(move || {
                for durable in (0..=newest).step_by(100) {
                    commits.committed(durable);
                    thread::yield_now();
                }
            });
            run(&queue, JOBS);
            join(commits);
            jobs.iter().map(|job| job.polls.load(SeqCst)).max()
        });
        let rule = rule("7.10", "a task is polled when something has changed for it");
        assert!(polls <= Some(6), "a task with three waits was polled {polls:?} times{rule}");
    }
}

mod task_7_11 {
    use super::*;
    use std::future::{poll_fn, ready};

    /// Runs `first` at the first poll, which is pending; the second is ready. Counts the polls.
    fn twice(first: impl FnOnce(&Waker)) -> usize {
        let (mut first, mut polls) = (Some(first), 0);
        block_on(poll_fn(|context| {
            polls += 1;
            match first.take() {
                Some(first) => {
                    first(context.waker());
                    Poll::Pending
                }
                None => Poll::Ready(()),
            }
        }));
        polls
    }

    /// Wakes after a while, from another thread.
    fn wake_in(time: Duration, waker: &Waker) {
        let waker = waker.clone();
        thread::spawn(move || {
            thread::sleep(time);
            waker.wake();
        });
    }

    #[test]
    fn block_on_returns_what_the_future_gives() {
        deadline(5, "7.11", || {
            assert_eq!(block_on(ready(7)), 7);
            // It may borrow.
            let word = String::from("durable");
            let found = block_on(async {
                let len = ready(word.len()).await;
                (len, &word[..3])
            });
            assert_eq!(found, (7, "dur"), "{}", rule("7.11", "block_on gives the future's output"));
        });
    }

    #[test]
    fn block_on_sleeps_until_the_future_is_woken_and_then_again() {
        const MOST_POLLS: usize = 5;
        let polls = deadline(5, "7.11", || {
            let (start, mut polls) = (Instant::now(), 0);
            assert_sleeps("7.11", 120, || {
                block_on(poll_fn(|context| {
                    polls += 1;
                    let now = start.elapsed();
                    if now >= millis(120) {
                        return Poll::Ready(());
                    }
                    // Each poll leaves the waker of its own context. Too many polls fail below.
                    if polls <= MOST_POLLS {
                        let next = if now < millis(60) { millis(60) } else { millis(120) };
                        wake_in(next - now, context.waker());
                    }
                    Poll::Pending
                }));
            });
            polls
        });
        let rule = rule("7.11", "a future is polled at first, and when it was woken");
        // A thread may wake for no reason, and then a poll does no harm.
        assert!(
            (2..=MOST_POLLS).contains(&polls),
            "woken twice, it was polled {polls} times{rule}"
        );
    }

    #[test]
    fn a_wake_before_the_thread_sleeps_is_not_lost() {
        deadline(5, "7.11", || {
            twice(|waker| {
                let waker = waker.clone();
                join(thread::spawn(move || waker.wake()));
            });
            twice(Waker::wake_by_ref);
            let (mut left, mut polls) = (1_000, 0);
            block_on(poll_fn(|context| {
                polls += 1;
                left -= 1;
                context.waker().wake_by_ref();
                if left == 0 { Poll::Ready(()) } else { Poll::Pending }
            }));
            assert_eq!(polls, 1_000, "{}", rule("7.11", "a wake is never lost"));
        });
    }

    #[test]
    fn a_wake_is_not_lost_when_poll_puts_the_thread_to_sleep_itself() {
        deadline(5, "7.11", || {
            twice(|waker| {
                let waker = waker.clone();
                join(thread::spawn(move || waker.wake()));
                // This uses up an `unpark`, as a channel or a lock may do.
                thread::park_timeout(millis(10));
            });
            // So does a `block_on` in a `block_on`. It is woken after the outer one.
            twice(|outer| {
                let outer = outer.clone();
                twice(move |inner| {
                    wake_in(millis(20), &outer);
                    wake_in(millis(60), inner);
                });
            });
        });
    }

    #[test]
    fn a_thread_that_is_unparked_for_no_reason_sleeps_again() {
        deadline(5, "7.11", || {
            let (sleeper, ends) = (thread::current(), Arc::new(AtomicBool::new(false)));
            sleeper.unpark();
            let ended = Arc::clone(&ends);
            let unparks = thread::spawn(move || {
                while !ended.load(SeqCst) {
                    sleeper.unpark();
                    thread::sleep(millis(1));
                }
            });
            let start = Instant::now();
            let woken = Arc::new(AtomicBool::new(false));
            let flag = Arc::clone(&woken);
            let mut other = None;
            block_on(poll_fn(|context| {
                if flag.load(SeqCst) {
                    return Poll::Ready(());
                }
                other.get_or_insert_with(|| {
                    let (flag, waker) = (Arc::clone(&flag), context.waker().clone());
                    thread::spawn(move || {
                        thread::sleep(millis(40));
                        flag.store(true, SeqCst);
                        waker.wake();
                    })
                });
                Poll::Pending
            }));
            let rule = rule("7.11", "only what the future says counts, not why the thread woke");
            assert!(start.elapsed() >= millis(40), "after {:?} of 40 ms{rule}", start.elapsed());
            ends.store(true, SeqCst);
            join(unparks);
            other.into_iter().for_each(join);
        });
    }

    #[test]
    fn a_wake_that_comes_too_late_does_no_harm() {
        deadline(5, "7.11", || {
            let mut late = None;
            block_on(poll_fn(|context| {
                late = Some(context.waker().clone());
                Poll::Ready(())
            }));
            late.take().expect("it was polled").wake();
            let polls = twice(|waker| wake_in(millis(20), waker));
            let rule = rule("7.11", "a future is polled at first, and when it was woken");
            assert!((2..20).contains(&polls), "the next future was polled {polls} times{rule}");
        });
    }

    #[test]
    fn a_durable_write_is_not_waited_for_and_asks_for_no_commit() {
        deadline(5, "7.11", || {
            let group = Arc::new(GroupCommit::new(3));
            let rule = rule("7.11", "a wait for what is durable returns at once");
            assert_eq!(told(&handle(&group, 3).wait_durable()), "durable", "{rule}");
            let found = group.wait_for_request(Some(Duration::ZERO));
            assert_eq!(found, Wakeup::TimedOut, "nothing has to be committed{rule}");
        });
    }

    #[test]
    fn wait_durable_asks_for_a_commit_and_waits_for_it() {
        deadline(5, "7.11", || {
            let group = group();
            // A stub fails here, and not in the other thread.
            block_on(ready(()));
            let committer = Arc::clone(&group);
            let committer = thread::spawn(move || {
                let found = committer.wait_for_request(None);
                committer.committed(1);
                thread::sleep(millis(40));
                committer.committed(2);
                found
            });
            let start = Instant::now();
            assert_sleeps("7.11", 40, || {
                let rule = rule("7.11", "wait_durable returns when the write is durable");
                assert_eq!(told(&handle(&group, 2).wait_durable()), "durable", "{rule}");
                assert!(start.elapsed() >= millis(40), "1 does not cover 2{rule}");
            });
            assert_eq!(join(committer), Wakeup::Requested);
        });
    }

    #[test]
    fn a_failure_and_a_stop_end_every_wait() {
        let decisions: [(String, Decide); 2] = [
            (told_failure(), |group| group.failed(disk_full())),
            ("closed".to_owned(), GroupCommit::stop),
        ];
        for (expected, decide) in decisions {
            deadline(5, "7.11", move || {
                let group = group();
                let waiting: Vec<_> = (2..10)
                    .map(|seq| {
                        let handle = handle(&group, seq);
                        thread::spawn(move || told(&handle.wait_durable()))
                    })
                    .collect();
                thread::sleep(millis(20));
                group.committed(2);
                decide(&group);
                let found: Vec<_> = waiting.into_iter().map(join).collect();
                let rule = rule("7.11", "those who wait are told, and those who come later");
                assert_eq!(found[0], "durable", "write 2 was committed before{rule}");
                for (found, seq) in found.iter().zip(2..).skip(1) {
                    assert_eq!(*found, expected, "write {seq} was waited for{rule}");
                }
                assert_eq!(told(&handle(&group, 11).wait_durable()), expected, "a later one{rule}");
            });
        }
    }

    /// Waits for two futures in one task.
    async fn both(first: WriteHandle, second: WriteHandle) -> (Result<()>, Result<()>) {
        let mut first = pin!(first.await_durable());
        let mut second = pin!(second.await_durable());
        let mut outcomes = (None, None);
        poll_fn(move |context| {
            if outcomes.0.is_none()
                && let Poll::Ready(outcome) = first.as_mut().poll(context)
            {
                outcomes.0 = Some(outcome);
            }
            if outcomes.1.is_none()
                && let Poll::Ready(outcome) = second.as_mut().poll(context)
            {
                outcomes.1 = Some(outcome);
            }
            if outcomes.0.is_none() || outcomes.1.is_none() {
                return Poll::Pending;
            }
            Poll::Ready((outcomes.0.take().unwrap_or(Ok(())), outcomes.1.take().unwrap_or(Ok(()))))
        })
        .await
    }

    #[test]
    fn one_thread_waits_for_two_writes_at_a_time() {
        let rule = rule("7.11", "a thread that waits for several futures is woken for each");
        for (first, second) in [(1, 2), (2, 1), (1, 1)] {
            let found = deadline(5, "7.11", move || {
                let group = group();
                let waiting = both(handle(&group, first), handle(&group, second));
                // A stub fails here, and not in the other thread.
                block_on(ready(()));
                let commits = thread::spawn(move || {
                    thread::sleep(millis(10));
                    group.committed(1);
                    thread::sleep(millis(10));
                    group.failed(disk_full());
                });
                let (first, second) = block_on(waiting);
                join(commits);
                [told(&first), told(&second)]
            });
            let expected = [first, second].map(|seq| match seq {
                1 => "durable".to_owned(),
                _ => told_failure(),
            });
            assert_eq!(found, expected, "writes {first} and {second}; 1 is committed{rule}");
        }
    }

    /// A log whose sync takes 5 ms. Its rows are numbers from 1 on.
    #[derive(Debug, Default)]
    struct SlowLog {
        appended: Mutex<u64>,
        synced: AtomicU64,
        syncs: AtomicUsize,
    }

    impl SlowLog {
        fn append(&self) -> u64 {
            let mut appended = self.appended.lock().expect("no test panics here");
            *appended += 1;
            *appended
        }

        fn sync(&self) -> u64 {
            let up_to = *self.appended.lock().expect("no test panics here");
            thread::sleep(millis(5));
            self.synced.store(up_to, SeqCst);
            self.syncs.fetch_add(1, SeqCst);
            up_to
        }
    }

    #[test]
    fn sixty_four_writers_share_their_syncs() {
        const WRITERS: usize = 64;
        const WRITES: usize = 10;
        let (syncs, early, stopped) = deadline(20, "7.11", || {
            let (group, log) = (group(), Arc::new(SlowLog::default()));
            // A stub fails here, and not in the other threads.
            block_on(ready(()));
            let committer = (Arc::clone(&group), Arc::clone(&log));
            let committer = thread::spawn(move || {
                let (group, log) = committer;
                while group.wait_for_request(None) == Wakeup::Requested {
                    group.committed(log.sync());
                }
            });
            let writer = || {
                let (group, log) = (Arc::clone(&group), Arc::clone(&log));
                thread::spawn(move || {
                    let early = |_: &usize| {
                        let seq = log.append();
                        let outcome = handle(&group, seq).wait_durable();
                        outcome.is_err() || log.synced.load(SeqCst) < seq
                    };
                    (0..WRITES).filter(early).count()
                })
            };
            let writers: Vec<_> = (0..WRITERS).map(|_| writer()).collect();
            let early: usize = writers.into_iter().map(join).sum();
            group.stop();
            join(committer);
            (log.syncs.load(SeqCst), early, told(&handle(&group, u64::MAX).wait_durable()))
        });
        let rule =
            rule("7.11", "many writers share one commit, and each waits for one that covers it");
        assert_eq!(early, 0, "writes that were acknowledged before a sync covered them{rule}");
        let writes = WRITERS * WRITES;
        assert!(syncs <= writes / 4, "{syncs} syncs for {writes} writes{rule}");
        assert_eq!(stopped, "closed");
    }
}
