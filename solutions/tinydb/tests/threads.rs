//! Histories of many threads on one database, while it freezes, flushes, compacts and collects garbage.
//!
//! Each thread writes down what it calls, what it is told, and when. Afterwards `order` looks for an
//! order of all calls in which a map, that does one thing at a time, gives the same answers; if there
//! is none, the test fails. A read that goes back, a torn batch, a write that is lost, a scan of two
//! moments leave no such order. A snapshot that shows something else later fails at once, as does an
//! error: nothing is broken here.
//!
//! `TINYDB_HISTORIES=100 cargo test --release -p tinydb --test threads` makes 100 times as many
//! histories. A failure names the history's seed: `TINYDB_SEED=17` makes that one and as many others
//! as it takes, for a seed says what each thread does, and not when. `solutions/schedules` has the
//! same histories in orders that can be replayed.

use std::env;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use testkit::{TempFolder, deadline};
use tinydb::merge::{MergeOperator, MergeOperatorError};
use tinydb::object_store::MemoryObjectStore;
use tinydb::{Db, DbBuilder, Error, Settings};

use threads::history::{Call, Change, Event, History, KEYS, Map};
use threads::home::{Home, open, settings};
use threads::order::find_order;
use threads::workload::{Plan, name, text};

#[path = "threads/mod.rs"]
mod threads;

/// The number in an environment variable.
fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|number| number.parse().expect("a number"))
}

/// The seeds to try: so many, or the one that is asked for, again and again.
fn seeds(count: u64) -> Vec<u64> {
    let count = count * number("TINYDB_HISTORIES").unwrap_or(1);
    number("TINYDB_SEED").map_or_else(|| (0..count).collect(), |seed| vec![seed; 100])
}

/// Makes a history on a new database, and looks for an order.
fn check(plan: Plan, open: impl Fn() -> Db) -> Result<(), String> {
    let order = find_order(&plan.run(open));
    order.map(drop).map_err(|problem| format!("seed {}: {problem}", plan.seed))
}

fn check_all<H: Send + 'static>(histories: u64, home: fn() -> H, open: fn(&H) -> Db) {
    for seed in seeds(histories) {
        let home = home();
        let checked = deadline(60, move || check(Plan::new(seed), || open(&home)));
        checked.unwrap_or_else(|problem| panic!("{problem}"));
    }
}

#[test]
fn in_memory_every_history_has_an_order() {
    check_all(40, Home::in_memory, |home| home.open(settings()));
}

#[test]
fn on_an_object_store_every_history_has_an_order() {
    check_all(40, Home::on_object_store, |home| home.open(settings()));
}

#[test]
fn on_a_disk_every_history_has_an_order() {
    check_all(3, TempFolder::new, |folder| open(Db::builder(folder.path()), settings()));
}

/// What would be said of a database whose scan is no more than one get after the other.
#[test]
fn a_scan_of_several_moments_is_found() {
    fn key_by_key(db: &Db) -> Map {
        std::array::from_fn(|key| db.get(name(key)).expect("a get").map(text))
    }
    let found = (0..2000).any(|seed| {
        let plan = Plan { scan: key_by_key, ..Plan::new(seed) };
        let home = Home::in_memory();
        deadline(60, move || check(plan, || home.open(settings())).is_err())
    });
    assert!(found, "2000 histories with torn scans, and an order for each");
}

/// Found by the checker of `solutions/schedules`: such a writer held up the close for ever.
#[test]
fn a_close_does_not_wait_for_a_writer_that_waits_for_room() {
    let operator = Arc::new(HeldOperator::default());
    let settings = Settings { l0_max_ssts: 2, ..settings() };
    let builder = DbBuilder::on_object_store(Arc::new(MemoryObjectStore::new()));
    let builder = builder.with_merge_operator(Arc::<HeldOperator>::clone(&operator));
    let db = builder.with_settings(settings).build().expect("a database");
    // Two SSTs: level 0 is full, and their compaction is held. So the next flush waits for it.
    for _ in 0..2 {
        db.merge("held", "x").expect("a merge");
        db.flush().expect("a flush");
    }
    let write = {
        let db = db.clone();
        move || (0..100).find_map(|number: u8| db.put([number], [0; 100]).err())
    };
    let writer = thread::spawn(write);
    thread::sleep(Duration::from_millis(50));
    let close = thread::spawn({
        let db = db.clone();
        move || db.close()
    });
    let error = deadline(10, move || writer.join().expect("a writer without a fault"));
    assert!(matches!(error, Some(Error::Closed)), "expected Error::Closed, found {error:?}");
    operator.release();
    close.join().expect("a close that ends").expect("a close");
}

/// Merges nothing with anything until it is released.
#[derive(Debug, Default)]
struct HeldOperator {
    is_released: Mutex<bool>,
    changed: Condvar,
}

impl HeldOperator {
    fn release(&self) {
        *self.is_released.lock().expect("a lock") = true;
        self.changed.notify_all();
    }
}

impl MergeOperator for HeldOperator {
    fn merge(
        &self,
        _key: &[u8],
        existing: Option<&[u8]>,
        operand: &[u8],
    ) -> Result<Bytes, MergeOperatorError> {
        if existing.is_some() {
            let is_released = self.is_released.lock().expect("a lock");
            drop(self.changed.wait_while(is_released, |is_released| !*is_released));
        }
        Ok(Bytes::copy_from_slice(operand))
    }
}

/// Histories of two threads that no order explains, or some.
mod order {
    use super::*;

    fn event(called: u64, returned: u64, call: Call) -> Event {
        Event { call, called, returned }
    }

    fn put(text: &str) -> Call {
        Call::Write(vec![Change::Put(0, text.to_owned())])
    }

    fn append(text: &str) -> Call {
        Call::Write(vec![Change::Merge(0, text.to_owned())])
    }

    fn both(text: &str) -> Call {
        Call::Write((0..2).map(|key| Change::Put(key, text.to_owned())).collect())
    }

    fn get(answer: &str) -> Call {
        Call::Get(0, map([answer, ""])[0].clone())
    }

    fn scan(answers: [&str; 2]) -> Call {
        Call::Scan(map(answers))
    }

    /// A map of two keys; no text, no value.
    fn map(answers: [&str; 2]) -> Map {
        let mut map = [const { None }; KEYS];
        for (key, answer) in answers.into_iter().enumerate() {
            map[key] = (!answer.is_empty()).then(|| answer.to_owned());
        }
        map
    }

    /// One thread's calls, one after the other.
    fn from(start: u64, calls: Vec<Call>) -> Vec<Event> {
        let times = (start..).step_by(10);
        times.zip(calls).map(|(time, call)| event(time, time + 5, call)).collect()
    }

    #[test]
    fn is_found_where_there_is_one() {
        let delete = || Call::Write(vec![Change::Delete(0)]);
        let histories: [(&str, History); 4] = [
            (
                "a read during a write sees it",
                vec![from(0, vec![put("x")]), from(1, vec![get("x")])],
            ),
            ("or does not", vec![from(0, vec![put("x")]), from(1, vec![get("")])]),
            (
                "two appends at a time come in any order",
                vec![
                    vec![event(0, 9, append("x")), event(20, 29, get("yx"))],
                    vec![event(1, 8, append("y"))],
                ],
            ),
            (
                "the first write may come last",
                vec![
                    vec![event(0, 90, put("x")), event(100, 110, get("x"))],
                    vec![event(1, 8, put("y")), event(10, 20, get("y")), event(30, 40, delete())],
                ],
            ),
        ];
        for (what, history) in histories {
            assert!(find_order(&history).is_ok(), "{what}: {history:?}");
        }
    }

    #[test]
    fn is_not_found_where_there_is_none() {
        let histories: [(&str, History); 6] = [
            ("a stale read", vec![from(0, vec![put("x")]), from(10, vec![get("")])]),
            (
                "a read that goes back",
                vec![vec![event(0, 99, put("x"))], from(10, vec![get("x"), get("")])],
            ),
            ("a value out of nowhere", vec![from(0, vec![put("x"), get("y")])]),
            (
                "a lost append",
                vec![
                    vec![event(0, 9, append("x")), event(20, 29, get("x"))],
                    from(1, vec![append("y")]),
                ],
            ),
            ("a torn batch", vec![vec![event(0, 99, both("x"))], from(10, vec![scan(["x", ""])])]),
            (
                "two who disagree on the order",
                vec![
                    from(0, vec![put("x"), get("y"), get("x")]),
                    vec![event(0, 30, put("y"))],
                    from(1, vec![get("x"), get("x"), get("y")]),
                ],
            ),
        ];
        for (what, history) in histories {
            assert!(find_order(&history).is_err(), "{what} is not found: {history:?}");
        }
    }
}
