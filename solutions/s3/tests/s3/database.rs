//! A whole database on S3.

use std::sync::Arc;

use tinydb::object_store::ObjectStore;
use tinydb::storage::MemoryWalStore;
use tinydb::{Db, DbBuilder, Settings};

use crate::duel::{Rounds, fight, is_fence};
use crate::server::Server;

#[test]
fn a_database_on_s3_is_found_again() {
    let store: Arc<dyn ObjectStore> = Arc::new(Server::shared().store());
    let open = || {
        let settings = Settings { l0_sst_size_bytes: 64 << 10, ..Settings::default() };
        Db::builder("")
            .with_object_store(Arc::clone(&store))
            .with_settings(settings)
            .with_wal_store(Arc::new(MemoryWalStore::new()))
            .build()
            .expect("a database")
    };
    let db = open();
    for number in 0..2_000 {
        db.put(format!("key {number:05}"), format!("value {number:0100}")).expect("a put");
    }
    db.flush().expect("a flush");
    db.close().expect("a close");
    let db = open();
    for number in [0, 999, 1_999] {
        let found = db.get(format!("key {number:05}")).expect("a get");
        assert_eq!(found.expect("a value"), format!("value {number:0100}"));
    }
    assert_eq!(db.scan(..).expect("a scan").count(), 2_000);
}

/// The duels of `solutions/tinydb/tests/two_writers.rs`, a few of them.
#[test]
fn two_writers_fight_for_a_database_on_s3() {
    for seed in 0..2 {
        let store: Arc<dyn ObjectStore> = Arc::new(Server::shared().store());
        fight(&store, seed, Rounds { openings: 2, writes: 10 });
    }
}

#[test]
fn the_older_writer_is_fenced_and_what_was_durable_is_there() {
    let store: Arc<dyn ObjectStore> = Arc::new(Server::shared().store());
    let open = || DbBuilder::on_object_store(Arc::clone(&store)).build().expect("the database");
    let older = open();
    older.put("key", "old").expect("a put").wait_durable().expect("the only writer");
    let newer = open();
    assert_eq!(newer.get("key").expect("a get").expect("a value"), "old");
    let written = older.put("key", "too late").and_then(|written| written.wait_durable());
    let error = written.expect_err("the newer writer has taken over");
    assert!(is_fence(&error), "expected Error::Fenced, found {error:?}");
    newer.put("key", "new").expect("a put").wait_durable().expect("the newest writer");
    assert_eq!(open().get("key").expect("a get").expect("a value"), "new");
}
