//! The whole database, with all its threads, in schedules of the checker.

use std::thread;

use shuttle::rand::{Rng, thread_rng};
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

/// The value of the key is the number of the write.
#[test]
fn a_snapshot_sees_the_writes_up_to_its_number_whatever_is_flushed() {
    explore(1000, || {
        let db = Home::in_memory().open(settings());
        let writer = {
            let db = db.clone();
            thread::spawn(move || {
                for number in 1..=4_u64 {
                    db.put("key", number.to_be_bytes()).expect("a put");
                }
                db.flush().expect("a flush");
            })
        };
        for _ in 0..2 {
            let snapshot = db.snapshot().expect("a snapshot");
            for _ in 0..2 {
                let found = snapshot.get("key").expect("a get").map_or(0, |value| {
                    u64::from_be_bytes(value[..].try_into().expect("eight bytes"))
                });
                assert_eq!(found, snapshot.seq(), "what a snapshot sees, and its number");
            }
        }
        writer.join().expect("a writer without a fault");
        db.close().expect("a close");
    });
}
