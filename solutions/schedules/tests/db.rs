//! The whole database, with all its threads, in schedules of the checker.

use std::thread;
use std::time::Duration;

use shuttle::rand::{Rng, thread_rng};
use tinydb::db::CompactorOptions;
use tinydb::{Db, Settings};
use tinydb_schedules::explore;
use tinydb_schedules::threads::home::{Home, settings};
use tinydb_schedules::threads::order::find_order;
use tinydb_schedules::threads::workload::Plan;

/// A short history: what matters happens between two or three calls.
fn check(home: &Home) {
    let seed = thread_rng().gen_range(0..1_000_000);
    let plan = Plan { threads: 3, calls: 6, upkeep: 3, ..Plan::new(seed) };
    let history = plan.run(|| home.open(settings()));
    find_order(&history).unwrap_or_else(|problem| panic!("seed {seed}: {problem}"));
}

#[test]
fn in_memory_every_history_has_an_order() {
    explore(300, || check(&Home::in_memory()));
}

#[test]
fn on_an_object_store_every_history_has_an_order() {
    explore(300, || check(&Home::on_object_store()));
}

/// The value of the key is the number of the write. There are few threads and many snapshots: what can
/// go wrong needs a whole flush between two steps of one of them.
#[test]
fn a_snapshot_sees_the_writes_up_to_its_number_whatever_is_flushed() {
    explore(3000, || {
        let (compactor_options, garbage_collector_options) = (None, None);
        let settings = Settings { compactor_options, garbage_collector_options, ..settings() };
        let db = Home::in_memory().open(settings);
        let writer = thread::spawn({
            let db = db.clone();
            move || write_numbers(&db)
        });
        for _ in 0..6 {
            let snapshot = db.snapshot().expect("a snapshot");
            let found = snapshot.get("key").expect("a get").map_or(0, |value| number(&value));
            assert_eq!(found, snapshot.seq(), "what a snapshot sees, and its number");
        }
        writer.join().expect("a writer without a fault");
    });
}

/// Each flush leaves an SST that no manifest names yet, and a compaction beside it makes its number look
/// old.
#[test]
fn what_is_flushed_meanwhile_is_no_garbage() {
    explore(3000, || {
        let options = settings().compactor_options;
        let compactor_options =
            options.map(|it| CompactorOptions { max_concurrent_compactions: 1, ..it });
        let settings =
            Settings { compactor_options, garbage_collector_options: None, ..settings() };
        let db = Home::in_memory().open(settings);
        let writer = thread::spawn({
            let db = db.clone();
            move || (0..2).for_each(|_| write_numbers(&db))
        });
        for _ in 0..4 {
            db.collect_garbage(Duration::ZERO).expect("a collection");
        }
        writer.join().expect("a writer without a fault");
        let found = db.get("key").expect("a get").map(|value| number(&value));
        assert_eq!(found, Some(4), "the last value");
    });
}

fn write_numbers(db: &Db) {
    for numbers in [1..3_u64, 3..5] {
        for number in numbers {
            db.put("key", number.to_be_bytes()).expect("a put");
        }
        db.flush().expect("a flush");
    }
}

fn number(value: &[u8]) -> u64 {
    u64::from_be_bytes(value.try_into().expect("eight bytes"))
}
