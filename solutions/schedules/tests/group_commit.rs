//! Group commit: no wake is lost, nobody is told that a write is durable which is not, and a failure or
//! a stop reaches everybody.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use tinydb::Error;
use tinydb::optimize::{GroupCommit, Wakeup, WriteHandle, block_on};
use tinydb_schedules::explore;

/// A log, as far as a commit is concerned.
#[derive(Debug, Default)]
struct Log {
    /// The last write that was appended.
    appended: AtomicU64,
    /// The last write that is on the disk.
    synced: AtomicU64,
}

impl Log {
    /// Appends a write; returns its number.
    fn append(&self) -> u64 {
        self.appended.fetch_add(1, Ordering::SeqCst) + 1
    }
}

/// The loop of the thread that commits. It fails after `commits` of them.
fn commit(group: &GroupCommit, log: &Log, interval: Option<Duration>, commits: usize) {
    for _ in 0..commits {
        if group.wait_for_request(interval) == Wakeup::Stopped {
            return;
        }
        let up_to = log.appended.load(Ordering::SeqCst);
        log.synced.fetch_max(up_to, Ordering::SeqCst);
        group.committed(up_to);
    }
    group.failed(Arc::new(Error::Io {
        operation: "sync",
        path: "the log".to_owned(),
        source: io::Error::other("the disk is gone"),
    }));
}

/// Two writers, each with two writes, wait for them; then the commits end.
fn writers_wait(interval: Option<Duration>, commits: usize) {
    let (group, log) = (Arc::new(GroupCommit::new(0)), Arc::new(Log::default()));
    let committer = {
        let (group, log) = (Arc::clone(&group), Arc::clone(&log));
        thread::spawn(move || commit(&group, &log, interval, commits))
    };
    let write = |_| {
        let (group, log) = (Arc::clone(&group), Arc::clone(&log));
        thread::spawn(move || {
            for _ in 0..2 {
                let handle = WriteHandle::new(Arc::clone(&group), log.append());
                // One waits, one begins to and goes away, one waits by a future.
                drop(handle.await_durable());
                check(&log, &handle, handle.wait_durable());
                check(&log, &handle, block_on(handle.await_durable()));
            }
        })
    };
    let writers: Vec<_> = (0..2).map(write).collect();
    writers.into_iter().for_each(|writer| writer.join().expect("a writer without a fault"));
    group.stop();
    committer.join().expect("a committer without a fault");
}

/// Whoever was told that a write is durable finds it on the disk; whoever was told otherwise, a failure.
fn check(log: &Log, handle: &WriteHandle, told: Result<(), Error>) {
    match told {
        Ok(()) => {
            let (seq, synced) = (handle.seqnum(), log.synced.load(Ordering::SeqCst));
            assert!(handle.is_durable() && seq <= synced, "{seq} is durable, and {synced} synced");
        }
        Err(error) => assert!(matches!(error, Error::NotDurable { .. }), "{error:?}"),
    }
}

#[test]
fn everybody_who_waits_is_told() {
    explore(4000, || writers_wait(None, usize::MAX));
}

#[test]
fn also_when_commits_come_by_themselves() {
    explore(2000, || writers_wait(Some(Duration::from_millis(1)), 1000));
}

#[test]
fn a_failure_reaches_everybody() {
    explore(2000, || writers_wait(None, 1));
}

#[test]
fn a_stop_reaches_everybody_and_the_commits() {
    explore(2000, || {
        let (group, log) = (Arc::new(GroupCommit::new(0)), Arc::new(Log::default()));
        let wait = |_| {
            let handle = WriteHandle::new(Arc::clone(&group), log.append());
            thread::spawn(move || handle.wait_durable())
        };
        let waiting: Vec<_> = (0..2).map(wait).collect();
        let committer = {
            let (group, log) = (Arc::clone(&group), Arc::clone(&log));
            thread::spawn(move || commit(&group, &log, None, usize::MAX))
        };
        group.stop();
        for waiter in waiting {
            let told = waiter.join().expect("an answer");
            assert!(matches!(told, Ok(()) | Err(Error::Closed)), "{told:?}");
        }
        committer.join().expect("a committer without a fault");
    });
}
