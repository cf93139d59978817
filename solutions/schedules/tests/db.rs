//! The whole database, with all its threads, in schedules of the checker.

use tinydb::Db;
use tinydb_schedules::explore;
use tinydb_schedules::threads::home::{in_memory, on_object_store, settings};
use tinydb_schedules::threads::order::find_order;
use tinydb_schedules::threads::workload::Plan;

/// A short history: what matters happens between two or three calls.
fn check(open: fn() -> Db) {
    let seed = shuttle::rand::Rng::gen_range(&mut shuttle::rand::thread_rng(), 0..1_000_000);
    let plan = Plan { threads: 3, calls: 6, upkeep: 3, ..Plan::new(seed) };
    let db = open();
    let history = plan.run(&db);
    db.close().expect("a close");
    find_order(&history).unwrap_or_else(|problem| panic!("seed {seed}: {problem}"));
}

#[test]
fn in_memory_every_history_has_an_order() {
    explore(300, || check(|| in_memory(settings())));
}

#[test]
fn on_an_object_store_every_history_has_an_order() {
    explore(300, || check(|| on_object_store(settings())));
}
