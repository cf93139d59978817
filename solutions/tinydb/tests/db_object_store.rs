//! The whole database on an object store: the WAL as objects, fencing, recovery from nothing.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use testkit::deadline;
use tinydb::object_store::{MemoryObjectStore, ObjectStore};
use tinydb::optimize::{WriteHandle, block_on};
use tinydb::storage::Durability;
use tinydb::{Db, DbBuilder, Error, Settings, WriteBatch, WriteOptions};

fn builder(store: &Arc<MemoryObjectStore>) -> DbBuilder {
    DbBuilder::on_object_store(Arc::<MemoryObjectStore>::clone(store))
}

fn open(store: &Arc<MemoryObjectStore>) -> Db {
    builder(store).build().expect("a database on the object store")
}

fn value(db: &Db, key: &str) -> Option<String> {
    let value = db.get(key).expect("a get")?;
    Some(String::from_utf8_lossy(&value).into_owned())
}

fn paths(store: &MemoryObjectStore, prefix: &str) -> Vec<String> {
    store.list(prefix).expect("a list").into_iter().map(|meta| meta.path).collect()
}

#[test]
fn a_durable_write_is_there_after_the_machine_is_gone() {
    deadline(20, || {
        let store = Arc::default();
        let db = open(&store);
        db.put("apple", "red").unwrap().wait_durable().unwrap();
        // The machine is gone: nobody closes.
        std::mem::forget(db);
        let db = open(&store);
        assert_eq!(value(&db, "apple").as_deref(), Some("red"));
        assert!(db.stats().unwrap().durable_seq <= db.stats().unwrap().last_seq);
    });
}

#[test]
fn a_write_becomes_durable_by_itself() {
    deadline(20, || {
        let store = Arc::default();
        let db = open(&store);
        let handle = db.put("apple", "red").unwrap();
        let start = Instant::now();
        while !handle.is_durable() {
            thread::sleep(Duration::from_millis(5));
        }
        assert!(start.elapsed() < Duration::from_secs(5), "the default is 100 ms");
        assert!(!paths(&store, "wal").is_empty(), "the WAL is on the object store");
    });
}

#[test]
fn many_writes_share_one_object() {
    deadline(20, || {
        let store = Arc::default();
        let settings = Settings { flush_interval: Some(Duration::MAX), ..Settings::default() };
        let db = builder(&store).with_settings(settings).build().unwrap();
        let handles: Vec<_> =
            (0..1000).map(|number| db.put(format!("{number}"), "x").unwrap()).collect();
        let before = paths(&store, "wal").len();
        block_on(handles[999].await_durable()).unwrap();
        assert!(handles.iter().all(WriteHandle::is_durable));
        assert_eq!(paths(&store, "wal").len(), before + 1, "one put for a thousand writes");
    });
}

#[test]
fn the_older_of_two_writers_is_fenced_at_its_next_durable_write() {
    deadline(20, || {
        let store = Arc::default();
        let older = open(&store);
        older.put("apple", "red").unwrap().wait_durable().unwrap();
        let newer = open(&store);
        assert_eq!(value(&newer, "apple").as_deref(), Some("red"));
        let durable = WriteOptions { durability: Some(Durability::Sync) };
        let mut batch = WriteBatch::new();
        batch.put("kiwi", "hard");
        let fenced = older.write_with_options(batch, &durable);
        assert!(
            matches!(fenced, Err(Error::Fenced { epoch: 1, newer_epoch: 2, .. })),
            "{fenced:?}"
        );
        newer.put("fig", "blue").unwrap().wait_durable().unwrap();
        drop((older, newer));
        let db = open(&store);
        assert_eq!(value(&db, "kiwi"), None, "it was not acknowledged, and nobody saw it");
        assert_eq!(value(&db, "fig").as_deref(), Some("blue"));
    });
}

#[test]
fn a_fence_outlives_the_segment_that_it_closes() {
    deadline(20, || {
        for flushed in [false, true] {
            let store = Arc::default();
            let older = open(&store);
            older.put("apple", "red").unwrap().wait_durable().unwrap();
            let newer = open(&store);
            newer.put("fig", "blue").unwrap();
            if flushed {
                newer.flush().unwrap();
                newer.collect_garbage(Duration::ZERO).unwrap();
            }
            let late = older.put("kiwi", "hard").unwrap().wait_durable();
            assert!(late.is_err(), "flushed: {flushed}");
            assert!(matches!(older.put("kiwi", "soft"), Err(Error::Fenced { .. })));
            drop((older, newer));
            let db = open(&store);
            let all: Vec<_> = db.scan(..).unwrap().map(|row| row.unwrap().key).collect();
            assert_eq!(all, ["apple", "fig"], "flushed: {flushed}");
        }
    });
}

#[test]
fn what_was_flushed_needs_no_segment() {
    deadline(20, || {
        let store = Arc::default();
        let db = open(&store);
        for round in 0..3 {
            db.put(format!("{round}"), "x").unwrap();
            db.flush().unwrap();
        }
        db.close().unwrap();
        let rest: u64 = store.list("wal").unwrap().iter().map(|meta| meta.size).sum();
        assert!(rest <= 16, "flushed segments are deleted, but for the fence: {rest} bytes");
        let db = open(&store);
        assert_eq!(db.scan(..).unwrap().count(), 3);
    });
}

#[test]
fn opening_again_and_again_loses_nothing() {
    deadline(60, || {
        let store = Arc::default();
        for round in 0..30 {
            let db = open(&store);
            for number in 0..=round {
                assert_eq!(value(&db, &format!("{number}")), (number < round).then(|| "x".into()));
            }
            db.put(format!("{round}"), "x").unwrap().wait_durable().unwrap();
            if round % 3 == 0 {
                db.flush().unwrap();
            }
            if round % 2 == 0 {
                db.close().unwrap();
            }
        }
    });
}

#[test]
fn a_memtable_with_a_long_wal_is_frozen() {
    deadline(20, || {
        let store = Arc::default();
        let settings = Settings { max_wal_flushes_before_l0_flush: 4, ..Settings::default() };
        let db = builder(&store).with_settings(settings).build().unwrap();
        for number in 0..10 {
            db.put(format!("{number}"), "x").unwrap().wait_durable().unwrap();
        }
        let start = Instant::now();
        while db.stats().unwrap().l0_ssts < 2 {
            assert!(start.elapsed() < Duration::from_secs(10), "{:?}", db.stats());
            thread::sleep(Duration::from_millis(1));
        }
    });
}
