//! A whole database on S3.

use std::sync::Arc;

use tinydb::object_store::ObjectStore;
use tinydb::storage::MemoryWalStore;
use tinydb::{Db, Settings};

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
