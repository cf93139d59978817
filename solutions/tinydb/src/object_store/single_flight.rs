//! Many want the same thing at the same time, and one fetches it for all.
//!
//! SlateDB: `SingleFlight` in the crate `slatedb-common`, `src/single_flight.rs`. There a caller gives
//! the work as a future; here a caller is told whether it has to do the work, so that one request can
//! bring several things.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

// ANCHOR: single_flight
/// Work under way, by what it is about.
///
/// Invariants:
/// 1. Of all that have joined a flight, one is its leader.
/// 2. A flight ends when its leader completes it or is dropped, whatever was the reason: an error, a
///    panic. Then its followers wake, and the next to join begins another flight.
/// 3. No lock is held while a leader works.
#[derive(Debug)]
pub struct SingleFlight<K, V> {
    flights: Mutex<HashMap<K, Arc<Flight<V>>>>,
}

/// One piece of work.
#[derive(Debug)]
struct Flight<V> {
    outcome: Mutex<Outcome<V>>,
    ended: Condvar,
}

/// How a flight stands.
#[derive(Debug)]
enum Outcome<V> {
    UnderWay,
    Completed(V),
    Failed,
}
// ANCHOR_END: single_flight

/// What [`SingleFlight::join`] makes of a caller.
#[derive(Debug)]
pub enum Joined<'a, K: Eq + Hash, V> {
    /// Nobody else does this: do it, and then [`Leader::complete`].
    Leader(Leader<'a, K, V>),
    /// Somebody does it already: [`Follower::wait`].
    Follower(Follower<V>),
}

/// The one that does the work. If it is dropped without having completed, the flight has failed.
#[derive(Debug)]
pub struct Leader<'a, K: Eq + Hash, V> {
    flights: &'a SingleFlight<K, V>,
    key: K,
    flight: Arc<Flight<V>>,
}

/// One that waits for the leader.
#[derive(Debug)]
pub struct Follower<V> {
    flight: Arc<Flight<V>>,
}

impl<K: Eq + Hash + Clone, V: Clone> SingleFlight<K, V> {
    /// No work under way.
    pub fn new() -> Self {
        Self { flights: Mutex::default() }
    }

    /// Joins the flight for `key`: as its leader if there is none, and as a follower otherwise. Never
    /// waits, and takes no lock but the table's: a flight that ends takes that of its outcome first.
    // exercise: week8.11
    pub fn join(&self, key: K) -> Joined<'_, K, V> {
        let mut flights = locked(&self.flights);
        if let Some(flight) = flights.get(&key) {
            return Joined::Follower(Follower { flight: Arc::clone(flight) });
        }
        let outcome = Mutex::new(Outcome::UnderWay);
        let flight = Arc::new(Flight { outcome, ended: Condvar::new() });
        flights.insert(key.clone(), Arc::clone(&flight));
        Joined::Leader(Leader { flights: self, key, flight })
    }

    /// How many flights are under way.
    pub fn under_way(&self) -> usize {
        locked(&self.flights).len()
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Default for SingleFlight<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Eq + Hash, V> Leader<'_, K, V> {
    /// Ends the flight: every follower gets `value`.
    pub fn complete(self, value: V) {
        self.end(Outcome::Completed(value));
    }

    /// Takes the flight off the table, so that nobody joins it any more, and wakes its followers. Of
    /// several calls the first counts.
    fn end(&self, outcome: Outcome<V>) {
        let mut current = locked(&self.flight.outcome);
        if matches!(*current, Outcome::UnderWay) {
            locked(&self.flights.flights).remove(&self.key);
            *current = outcome;
            self.flight.ended.notify_all();
        }
    }
}

/// A leader that returns early with `?`, or panics, must not leave its followers waiting.
impl<K: Eq + Hash, V> Drop for Leader<'_, K, V> {
    fn drop(&mut self) {
        self.end(Outcome::Failed);
    }
}

impl<V: Clone> Follower<V> {
    /// Waits until the flight has ended, and returns the leader's value; `None` if the leader failed.
    /// Then somebody else has to try: whoever joins first.
    ///
    /// A condition variable may wake a thread without a reason, so look again. No test can show it.
    // exercise: week8.11
    pub fn wait(self) -> Option<V> {
        let mut outcome = locked(&self.flight.outcome);
        loop {
            outcome = match &*outcome {
                Outcome::Completed(value) => return Some(value.clone()),
                Outcome::Failed => return None,
                Outcome::UnderWay => {
                    self.flight.ended.wait(outcome).unwrap_or_else(PoisonError::into_inner)
                }
            };
        }
    }
}

/// What the locks guard is whole between any two operations, so a panic elsewhere leaves it usable.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
