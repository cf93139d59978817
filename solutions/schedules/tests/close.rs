//! A database that is closed in the middle of everything: every call ends, and what was acknowledged is
//! there when it is opened again.

use std::thread;
use std::time::Duration;

use tinydb::db::CompactorOptions;
use tinydb::{Db, Error, Settings};
use tinydb_schedules::explore;
use tinydb_schedules::threads::home::{Home, settings};

const WRITES: u8 = 8;

/// Puts until the database is closed. Returns how many puts were acknowledged.
fn write(db: &Db, thread: u8) -> u8 {
    for number in 0..WRITES {
        match db.put([thread, number], [b'x'; 60]) {
            Ok(_) => {}
            Err(Error::Closed) => return number,
            Err(error) => panic!("a put at the end: {error:?}"),
        }
    }
    WRITES
}

type Upkeep = fn(&Db) -> tinydb::Result<()>;

/// Flushes, compacts and collects until the database is closed.
fn keep_up(db: &Db) {
    let calls: [Upkeep; 4] = [
        Db::flush,
        Db::compact,
        |db| db.collect_garbage(Duration::ZERO).map(drop),
        |db| db.snapshot()?.scan(..)?.try_for_each(|row| row.map(drop)),
    ];
    for call in calls {
        match call(db) {
            Ok(()) | Err(Error::Closed) => {}
            Err(error) => panic!("upkeep at the end: {error:?}"),
        }
    }
}

fn check(settings: Settings) {
    let home = Home::in_memory();
    let open = || home.open(settings.clone());
    let db = open();
    let written: Vec<_> = thread::scope(|scope| {
        let db = &db;
        let writers: Vec<_> = (0..2).map(|thread| scope.spawn(move || write(db, thread))).collect();
        let upkeep = scope.spawn(move || keep_up(db));
        // In a thread of its own: what ends a scope wakes this one, whatever it waits for (shuttle 0.9.9).
        let close = scope.spawn(move || db.close());
        close.join().expect("a close that ends").expect("a close");
        upkeep.join().expect("upkeep that ends");
        writers.into_iter().map(|writer| writer.join().expect("a writer that ends")).collect()
    });
    drop(db);
    let db = open();
    for (thread, acknowledged) in (0..).zip(written) {
        for number in 0..WRITES {
            let found = db.get([thread, number]).expect("a get").is_some();
            // The put that was refused was not made.
            assert_eq!(
                found,
                number < acknowledged,
                "put {number} of {acknowledged}, thread {thread}"
            );
        }
    }
    db.close().expect("a close");
}

#[test]
fn every_call_ends_and_nothing_is_lost() {
    explore(300, || check(settings()));
}

/// Level 0 is full, so flushes wait for a compaction, and writers for a flush.
#[test]
fn also_when_writers_wait_for_room() {
    explore(300, || {
        let compactor = settings()
            .compactor_options
            .map(|options| CompactorOptions { max_concurrent_compactions: 1, ..options });
        check(Settings {
            l0_max_ssts: 2,
            max_unflushed_bytes: 200,
            compactor_options: compactor,
            ..settings()
        });
    });
}
