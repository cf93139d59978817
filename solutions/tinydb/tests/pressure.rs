//! Limits, and a machine in trouble: a full disk, a directory that can't be written to, too many open
//! files, keys and values that are too large, a clock that jumps, a store that does not answer.
//!
//! Each time the database has to say what is wrong, by an error that names the cause; it has to hold
//! every write that it has acknowledged; and it has to go on when the cause is gone. Memory stays
//! within the bound that the settings give it.
//!
//! The disk is simulated, and filled up at every byte of a small workload; `TINYDB_PRESSURE=all` takes a
//! larger one: `TINYDB_PRESSURE=all cargo test --release -p tinydb --test pressure`. On Linux, child
//! processes do some of it again on a real one: a file system of 256 KiB, one that is made read-only,
//! and a limit of 40 open files. Where a process may not have a file system of its own, that part says
//! that it was left out.

#![forbid(unsafe_code)]

#[path = "pressure/machine.rs"]
mod machine;
#[cfg(target_os = "linux")]
#[path = "pressure/real.rs"]
mod real;

use std::collections::BTreeMap;
use std::env;
use std::io::ErrorKind;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use testkit::{TempFolder, deadline};
use tinydb::format::FormatVersion;
use tinydb::format::types::{MAX_KEY_LEN, MAX_VALUE_LEN, check_limits};
use tinydb::object_store::{LocalObjectStore, ObjectStore};
use tinydb::{Db, Error, Result, Settings};

use machine::Machine;

/// A child that is just being started holds the locks of all open files for a moment. So no child is
/// started while a test opens a directory again.
static DIRECTORIES: Mutex<()> = Mutex::new(());

/// Small memtables, and nothing that happens by itself.
fn settings() -> Settings {
    Settings {
        l0_sst_size_bytes: 400,
        compactor_options: None,
        garbage_collector_options: None,
        ..Settings::default()
    }
}

fn open(machine: &Machine) -> Result<Db> {
    machine.builder().with_settings(settings()).build()
}

fn key(number: u64) -> String {
    format!("key-{number:06}")
}

fn value(number: u64) -> String {
    format!("value {number} ").repeat(1 + number as usize % 5)
}

/// Everything in a database.
fn contents(db: &Db) -> Result<BTreeMap<Bytes, Bytes>> {
    db.scan(..)?.map(|row| row.map(|row| (row.key, row.value))).collect()
}

/// Checks that a database holds the first writes, at least `acknowledged` of them and at most
/// `attempted`, and each as it was written.
fn assert_holds(db: &Db, acknowledged: u64, attempted: u64, what: &str) -> u64 {
    let found = contents(db).expect("a readable database");
    let count = found.len() as u64;
    assert!((acknowledged..=attempted).contains(&count), "{what}: {count} of {acknowledged} rows");
    let expected = (0..count).map(|number| (key(number).into(), value(number).into()));
    assert_eq!(found, expected.collect(), "{what}");
    count
}

/// Whether an error has a cause of one of these kinds at its bottom, or tells of such an earlier one.
fn has_cause(error: &Error, kinds: &[ErrorKind]) -> bool {
    match error {
        Error::Io { source, .. } => kinds.contains(&source.kind()),
        Error::WalFailed { .. } => true,
        Error::FlushFailed { source }
        | Error::CompactionFailed { source }
        | Error::NotDurable { source } => has_cause(source, kinds),
        _ => false,
    }
}

mod full_disk {
    use super::*;

    /// Writes until something fails; which write was acknowledged last, and how many were tried.
    fn write_until_full(machine: &Machine, writes: u64) -> (u64, u64) {
        let assert_is_full = |error: &Error| {
            assert!(has_cause(error, &[ErrorKind::StorageFull]), "the disk is full: {error}");
        };
        let db = match open(machine) {
            Ok(db) => db,
            Err(error) => {
                assert_is_full(&error);
                return (0, 0);
            }
        };
        for number in 0..writes {
            if let Err(error) = db.put(key(number), value(number)) {
                assert_is_full(&error);
                assert_holds(&db, number, number, "reads go on");
                return (number, number + 1);
            }
            if number % 11 == 10
                && let Err(error) = db.flush()
            {
                assert_is_full(&error);
                assert_holds(&db, number + 1, number + 1, "reads go on");
                return (number + 1, number + 1);
            }
        }
        (writes, writes)
    }

    /// How many bytes a workload writes.
    fn size_of(writes: u64) -> usize {
        let machine = Machine::default();
        machine.set(|trouble| trouble.room = Some(usize::MAX));
        assert_eq!(write_until_full(&machine, writes), (writes, writes));
        usize::MAX - machine.trouble().room.expect("it was set")
    }

    #[test]
    fn at_any_byte_is_told_and_loses_nothing() {
        let writes = if env::var("TINYDB_PRESSURE").is_ok() { 200 } else { 25 };
        deadline(600, move || {
            let step = if writes > 100 { 1 } else { 5 };
            for room in (0..size_of(writes)).step_by(step) {
                let machine = Machine::default();
                machine.set(|trouble| trouble.room = Some(room));
                let (acknowledged, attempted) = write_until_full(&machine, writes);
                let what = format!("a disk of {room} bytes");
                // The disk is full still: it opens, or says so.
                match open(&machine) {
                    Ok(db) => drop(assert_holds(&db, acknowledged, attempted, &what)),
                    Err(error) => {
                        assert!(has_cause(&error, &[ErrorKind::StorageFull]), "{what}: {error}");
                    }
                }
                machine.set(|trouble| trouble.room = None);
                let db = open(&machine).expect("there is room again");
                let count = assert_holds(&db, acknowledged, attempted, &what);
                db.put(key(count), value(count)).expect("there is room again");
                db.flush().expect("there is room again");
                assert_holds(&db, count + 1, count + 1, &what);
            }
        });
    }

    #[test]
    fn a_flush_that_found_no_room_is_done_without_a_restart() {
        deadline(60, || {
            let machine = Machine::default();
            let db = open(&machine).expect("a new database");
            db.put(key(0), value(0)).expect("a write");
            // The header of the next segment fits, and no SST.
            machine.set(|trouble| trouble.room = Some(20));
            let error = db.flush().expect_err("no room");
            assert!(matches!(error, Error::FlushFailed { .. }), "{error}");
            assert!(has_cause(&error, &[ErrorKind::StorageFull]), "{error}");
            machine.set(|trouble| trouble.room = None);
            db.flush().expect("there is room again");
            db.put(key(1), value(1)).expect("the log has not failed");
            assert_holds(&db, 2, 2, "after the flush");
        });
    }
}

mod limits {
    use super::*;

    #[test]
    fn of_keys_are_told() {
        let db = tinydb::db::DbBuilder::in_memory().build().expect("a database");
        for len in [1, MAX_KEY_LEN] {
            db.put(vec![b'k'; len], "fits").expect("a key that fits");
        }
        db.flush().expect("a flush");
        assert_eq!(contents(&db).expect("a scan").len(), 2);
        for len in [0, MAX_KEY_LEN + 1, 10 * MAX_KEY_LEN] {
            for error in [db.put(vec![b'k'; len], "").err(), db.delete(vec![b'k'; len]).err()] {
                let message = error.expect("a key that does not fit").to_string();
                let limit = MAX_KEY_LEN.to_string();
                assert!(message.contains(&limit), "{len} bytes: {message}");
            }
            assert_eq!(db.get(vec![b'k'; len]).expect("no such key"), None, "{len} bytes");
        }
        db.put("after", "").expect("a refused write harms nothing");
    }

    #[test]
    fn of_values_are_told() {
        check_limits(1, MAX_VALUE_LEN).expect("a value that fits");
        let message = check_limits(1, MAX_VALUE_LEN + 1).expect_err("it does not fit").to_string();
        assert!(message.contains(&MAX_VALUE_LEN.to_string()), "{message}");
    }

    #[test]
    fn a_large_value_goes_all_the_way() {
        let _no_child = DIRECTORIES.lock();
        for version in [FormatVersion::V1, FormatVersion::V2] {
            let folder = TempFolder::new();
            let settings = Settings { sst_version: version, ..settings() };
            let open = || Db::builder(folder.path()).with_settings(settings.clone()).build();
            let large = Bytes::from(vec![7; 3 << 20]);
            let db = open().expect("a database");
            for key in ["a", "b", "c"] {
                db.put(key, &large).expect("a large write");
                db.put(format!("{key}/small"), "1").expect("a small write");
            }
            drop(db);
            let db = open().expect("it was recovered");
            db.compact().expect("a compaction");
            assert_eq!(db.get("b").expect("a get"), Some(large), "{version:?}");
            assert_eq!(contents(&db).expect("a scan").len(), 6, "{version:?}");
        }
    }
}

mod wrong_clock {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    /// Writes, compacts and collects garbage while the store's clock jumps.
    fn work(machine: &Machine, shifts: &[(Duration, Duration)]) {
        let db = open(machine).expect("a new database");
        let mut count = 0;
        for (later, earlier) in shifts.iter().cycle().take(12) {
            machine.set(|trouble| (trouble.later, trouble.earlier) = (*later, *earlier));
            for number in count..count + 20 {
                db.put(key(number), value(number)).expect("a write");
            }
            count += 20;
            db.flush().expect("a flush");
            let snapshot = db.snapshot().expect("a snapshot");
            db.compact().expect("a compaction");
            for min_age in [Duration::ZERO, DAY] {
                db.collect_garbage(min_age).expect("a collection");
            }
            let seen = snapshot.scan(..).expect("a scan").filter(Result::is_ok).count();
            assert_eq!(seen as u64, count, "a snapshot reads what it read");
            assert_holds(&db, count, count, "after a collection");
        }
        drop(db);
        assert_holds(&open(machine).expect("it opens"), count, count, "after a restart");
    }

    #[test]
    fn deletes_nothing_that_is_needed() {
        let zero = Duration::ZERO;
        let far = 365 * 100 * DAY;
        for shifts in [
            &[(far, zero)][..],
            &[(zero, far)],
            &[(zero, DAY), (DAY, zero)],
            &[(zero, far), (far, zero), (zero, zero), (zero, 2 * DAY), (2 * DAY, zero)],
        ] {
            let shifts = shifts.to_vec();
            deadline(60, move || work(&Machine::default(), &shifts));
        }
    }

    #[test]
    fn on_the_files_of_a_directory_neither() {
        let _no_child = DIRECTORIES.lock();
        let folder = TempFolder::new();
        let open = || Db::builder(folder.path()).with_settings(settings()).build();
        let objects = LocalObjectStore::open(folder.path()).expect("a directory");
        let now = std::time::SystemTime::now();
        let early = std::time::UNIX_EPOCH - 365 * DAY;
        let db = open().expect("a new database");
        for (round, time) in (0_u64..).zip([now + 365 * 50 * DAY, early, now]) {
            for number in round * 20..(round + 1) * 20 {
                db.put(key(number), value(number)).expect("a write");
            }
            db.flush().expect("a flush");
            for object in objects.list("").expect("a listing") {
                let path = folder.path().join(&object.path);
                let file = std::fs::File::options().write(true).open(path).expect("a file");
                file.set_modified(time).expect("a time that files can have");
            }
            db.compact().expect("a compaction");
            db.collect_garbage(DAY).expect("a collection");
            assert_holds(&db, (round + 1) * 20, (round + 1) * 20, "after a collection");
        }
        drop(db);
        assert_holds(&open().expect("it opens"), 60, 60, "after a restart");
    }
}

mod slow_store {
    use super::*;

    const MOST: usize = 8 << 10;

    fn bounded(machine: &Machine) -> Db {
        let settings = Settings { max_unflushed_bytes: MOST, ..settings() };
        machine.builder().with_settings(settings).build().expect("a new database")
    }

    fn unflushed(db: &Db) -> usize {
        let stats = db.stats().expect("it is open");
        stats.mem_table_bytes + stats.immutable_bytes
    }

    /// While a flush waits for the store, everything else goes on, up to the bound of memory.
    fn goes_on_while_stuck(folder: &'static str) {
        let machine = Machine::default();
        let db = bounded(&machine);
        machine.set(|trouble| trouble.stuck = Some(folder));
        // Half the bound, from which on writes are slowed.
        let mut count = 0;
        while unflushed(&db) < MOST / 2 {
            db.put(key(count), value(count)).expect("a write");
            count += 1;
        }
        while machine.trouble().stuck_writes == 0 {
            thread::yield_now();
        }
        assert_holds(&db, count, count, "reads go on");
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let writer = scope.spawn(|| {
                for number in count..count + 500 {
                    db.put(key(number), value(number)).expect("a write");
                }
                done.store(true, Ordering::Release);
            });
            for _ in 0..40 {
                let (unflushed, bound) = (unflushed(&db), MOST + 100);
                assert!(unflushed <= bound, "{unflushed} bytes wait; {bound} may");
                thread::sleep(Duration::from_millis(2));
            }
            assert!(!done.load(Ordering::Acquire), "writes wait for room");
            machine.set(|trouble| trouble.stuck = None);
            writer.join().expect("the writer goes on");
        });
        assert_holds(&db, count + 500, count + 500, "when the store answers again");
        db.close().expect("a close");
    }

    #[test]
    fn that_takes_no_sst_stops_neither_reads_nor_memory_bounds() {
        deadline(60, || goes_on_while_stuck("sst/"));
    }

    #[test]
    fn that_takes_no_manifest_stops_neither_reads_nor_memory_bounds() {
        deadline(60, || goes_on_while_stuck("manifest/"));
    }
}
