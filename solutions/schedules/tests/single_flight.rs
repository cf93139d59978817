//! One request for many readers: one leader at a time, every follower is woken, and a leader that gives
//! up leaves nobody behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tinydb::object_store::single_flight::{Joined, SingleFlight};
use tinydb_schedules::explore;

/// What the threads share.
#[derive(Default)]
struct Shared {
    flights: SingleFlight<u8, usize>,
    leaders_now: AtomicUsize,
    led: AtomicUsize,
}

/// Joins until there is a value. The first `failing` leaders give up.
fn fetch(shared: &Shared, failing: usize) -> usize {
    loop {
        match shared.flights.join(1) {
            Joined::Follower(follower) => {
                if let Some(value) = follower.wait() {
                    return value;
                }
            }
            Joined::Leader(leader) => {
                assert_eq!(shared.leaders_now.fetch_add(1, Ordering::SeqCst), 0, "two leaders");
                let number = shared.led.fetch_add(1, Ordering::SeqCst);
                shared.leaders_now.fetch_sub(1, Ordering::SeqCst);
                if number >= failing {
                    leader.complete(number);
                    return number;
                }
            }
        }
    }
}

fn check(failing: usize) {
    let shared = Arc::new(Shared::default());
    let start = |_| {
        let shared = Arc::clone(&shared);
        thread::spawn(move || fetch(&shared, failing))
    };
    let threads: Vec<_> = (0..3).map(start).collect();
    let values: Vec<_> = threads.into_iter().map(|it| it.join().expect("a value")).collect();
    let led = shared.led.load(Ordering::SeqCst);
    assert!(values.iter().all(|value| (failing..led).contains(value)), "{values:?} of {led}");
    assert_eq!(shared.flights.under_way(), 0, "every flight has ended");
}

#[test]
fn everybody_gets_the_value_of_a_leader() {
    explore(2000, || check(0));
}

#[test]
fn a_leader_that_gives_up_is_replaced() {
    explore(2000, || check(2));
}
