//! Two writers of one database on an object store: the newer one wins, and nothing durable is lost.
//!
//! `TINYDB_SEEDS=1000 cargo test --release -p tinydb --test two_writers` makes more duels than the few
//! that every run makes.

use std::env;
use std::sync::Arc;
use std::time::Duration;

use testkit::deadline;
use tinydb::Error;
use tinydb::object_store::{MemoryObjectStore, ObjectStore};

use duel::{Rounds, builder, fight, is_fence};

#[path = "two_writers/duel.rs"]
mod duel;
#[path = "two_writers/faulty_store.rs"]
mod faulty_store;

#[test]
fn nothing_durable_is_lost_between_two_writers_and_a_bad_network() {
    let seeds = env::var("TINYDB_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(20);
    for seed in 0..seeds {
        deadline(120, move || {
            let store: Arc<dyn ObjectStore> = Arc::new(MemoryObjectStore::new());
            fight(&store, seed, Rounds { openings: 6, writes: 60 });
        });
    }
}

#[test]
fn the_older_writer_is_fenced_at_its_next_write() {
    deadline(30, || {
        let store: Arc<dyn ObjectStore> = Arc::new(MemoryObjectStore::new());
        let older = builder(Arc::clone(&store)).build().expect("a database");
        older.put("key", "old").expect("a put").wait_durable().expect("it is the only writer");
        let newer = builder(Arc::clone(&store)).build().expect("the same database");
        assert_eq!(newer.get("key").expect("a get").expect("a value"), "old");

        let written = older.put("key", "too late").and_then(|written| written.wait_durable());
        let error = written.expect_err("the newer writer has taken over");
        assert!(is_fence(&error), "expected Error::Fenced, found {error:?}");
        for result in
            [older.put("key", "later").map(drop), older.flush(), older.get("key").map(drop)]
        {
            let error = result.expect_err("this writer knows by now");
            assert!(
                matches!(error, Error::Fenced { .. }),
                "expected Error::Fenced, found {error:?}"
            );
        }
        assert_eq!(newer.get("key").expect("a get").expect("a value"), "old");
        newer.put("key", "new").expect("a put").wait_durable().expect("it is the newest writer");
        let newest = builder(store).build().expect("the same database");
        assert_eq!(newest.get("key").expect("a get").expect("a value"), "new");
    });
}

/// The garbage collector must leave the manifest by which an older writer is fenced.
#[test]
fn a_writer_that_was_away_for_long_is_fenced_at_its_next_flush() {
    deadline(30, || {
        let store: Arc<dyn ObjectStore> = Arc::new(MemoryObjectStore::new());
        let open = || builder(Arc::clone(&store)).build().expect("the database");
        let oldest = open();
        oldest.put("key", "value").expect("a put").wait_durable().expect("the only writer");
        let newer = open();
        let newest = open();
        drop(newer);
        newest.collect_garbage(Duration::ZERO).expect("a collection");
        let error = oldest.flush().expect_err("two writers have come since");
        assert!(is_fence(&error), "expected Error::Fenced, found {error:?}");
        drop((oldest, newest));
        assert_eq!(open().get("key").expect("a get").expect("a value"), "value");
    });
}
