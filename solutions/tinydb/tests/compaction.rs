//! Compaction and garbage collection when the object store loses answers, and what they rely on.

use std::collections::BTreeSet;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tinydb::compaction::{CompactionProgress, Garbage};
use tinydb::db::sst_pins::SstPins;
use tinydb::db::{Manifest, ManifestStore, paths};
use tinydb::format::RowEntry;
use tinydb::iter::{RowEntryIterator, VecIterator};
use tinydb::object_store::{MemoryObjectStore, ObjectMeta, ObjectStore};
use tinydb::storage::MemoryWalStore;
use tinydb::{Db, Error, Result, Settings};

/// An object store in memory. On demand, the next put of a manifest is carried out, and neither its
/// answer nor that of the next read of a manifest comes back.
#[derive(Debug, Default)]
struct Lossy {
    inner: MemoryObjectStore,
    loses: Mutex<Loses>,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Loses {
    #[default]
    Nothing,
    ThePut,
    TheRead,
}

fn lost(path: &str) -> Error {
    Error::io("reach", path)(io::Error::other("no answer"))
}

impl Lossy {
    fn lose_the_next_commit(&self) {
        *self.loses.lock().unwrap() = Loses::ThePut;
    }

    fn newest(&self) -> Manifest {
        ManifestStore::latest(&self.inner).unwrap().unwrap().1
    }
}

impl ObjectStore for Lossy {
    fn put(&self, path: &str, object: Bytes) -> Result<()> {
        self.inner.put(path, object)
    }

    fn put_if_absent(&self, path: &str, object: Bytes) -> Result<()> {
        self.inner.put_if_absent(path, object)?;
        let mut loses = self.loses.lock().unwrap();
        if path.starts_with(paths::MANIFESTS) && *loses == Loses::ThePut {
            *loses = Loses::TheRead;
            return Err(lost(path));
        }
        Ok(())
    }

    fn get(&self, path: &str) -> Result<Bytes> {
        let mut loses = self.loses.lock().unwrap();
        if path.starts_with(paths::MANIFESTS) && *loses == Loses::TheRead {
            *loses = Loses::Nothing;
            return Err(lost(path));
        }
        self.inner.get(path)
    }

    fn get_range(&self, path: &str, range: Range<u64>) -> Result<Bytes> {
        self.inner.get_range(path, range)
    }

    fn head(&self, path: &str) -> Result<ObjectMeta> {
        self.inner.head(path)
    }

    fn list(&self, prefix: &str) -> Result<Vec<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn delete(&self, path: &str) -> Result<()> {
        self.inner.delete(path)
    }
}

fn open(store: &Arc<Lossy>, wal: &MemoryWalStore) -> Db {
    let settings = Settings {
        compactor_options: None,
        garbage_collector_options: None,
        ..Settings::default()
    };
    let builder = Db::builder("in memory").with_object_store(store.clone());
    builder.with_wal_store(Arc::new(wal.clone())).with_settings(settings).build().unwrap()
}

fn flush(db: &Db, key: &str, value: &str) {
    db.put(key, value).unwrap();
    db.flush().unwrap();
}

/// Level-0 SSTs and sorted runs, as the database believes and as its newest manifest says.
fn shapes(db: &Db, store: &Lossy) -> [(usize, usize); 2] {
    let (stats, manifest) = (db.stats().unwrap(), store.newest());
    [(stats.l0_ssts, stats.sorted_runs), (manifest.l0.len(), manifest.sorted_runs.len())]
}

/// A database with a compaction that was committed, and does not know it.
fn with_a_lost_compaction(store: &Arc<Lossy>, wal: &MemoryWalStore) -> Db {
    let db = open(store, wal);
    flush(&db, "apple", "1");
    flush(&db, "apple", "2");
    store.lose_the_next_commit();
    assert!(matches!(db.compact(), Err(Error::Io { .. })), "nobody knows the outcome");
    assert_eq!(shapes(&db, store), [(2, 0), (0, 1)], "it was carried out all the same");
    assert_eq!(db.get("apple").unwrap().unwrap(), "2", "what it knows can be read");
    db
}

#[test]
fn a_flush_finds_out_that_a_compaction_was_committed() {
    let (store, wal) = (Arc::new(Lossy::default()), MemoryWalStore::new());
    let db = with_a_lost_compaction(&store, &wal);
    flush(&db, "fig", "3");
    assert_eq!(shapes(&db, &store), [(1, 1); 2], "the state is that of the manifest");
    assert_eq!(db.get("apple").unwrap().unwrap(), "2");
    db.compact().unwrap();
    assert_eq!(shapes(&db, &store), [(0, 1); 2]);
    db.collect_garbage(Duration::ZERO).unwrap();
    drop(db);
    assert_eq!(open(&store, &wal).scan(..).unwrap().filter(Result::is_ok).count(), 2);
}

#[test]
fn a_compaction_finds_out_that_the_one_before_was_committed() {
    let (store, wal) = (Arc::new(Lossy::default()), MemoryWalStore::new());
    let db = with_a_lost_compaction(&store, &wal);
    db.compact().unwrap();
    assert_eq!(shapes(&db, &store), [(0, 1); 2], "there is nothing left to merge");
    db.collect_garbage(Duration::ZERO).unwrap();
    assert_eq!(db.get("apple").unwrap().unwrap(), "2");
    drop(db);
    assert_eq!(open(&store, &wal).get("apple").unwrap().unwrap(), "2");
}

#[test]
fn a_collection_in_between_takes_nothing_that_is_read() {
    let (store, wal) = (Arc::new(Lossy::default()), MemoryWalStore::new());
    let db = with_a_lost_compaction(&store, &wal);
    db.collect_garbage(Duration::ZERO).unwrap();
    assert_eq!(db.get("apple").unwrap().unwrap(), "2", "from the SSTs of level 0");
    flush(&db, "fig", "3");
    assert_eq!(db.get("apple").unwrap().unwrap(), "2", "from the sorted run");
}

#[test]
fn a_commit_without_an_answer_is_no_way_around_a_fence() {
    let store = Arc::new(Lossy::default());
    let mut older = ManifestStore::open(store.clone()).unwrap();
    store.lose_the_next_commit();
    let next = older.manifest().with_l0(1, 1, 1);
    assert!(older.commit(next).is_err(), "the answer is lost");
    let newer = ManifestStore::open(store.clone()).unwrap();
    assert_eq!((newer.id(), newer.manifest().writer_epoch), (3, 2), "it found version 2");
    // The newer writer's garbage collector: 2 is neither the newest nor the first of its epoch.
    store.delete(&paths::manifest(2)).unwrap();
    let told = older.catch_up();
    assert!(
        matches!(told, Err(Error::Fenced { .. })),
        "2 is free, and must not be taken: {told:?}"
    );
}

#[test]
fn a_commit_that_was_not_carried_out_can_be_tried_again() {
    let store = Arc::new(Lossy::default());
    let mut manifests = ManifestStore::open(store).unwrap();
    manifests.catch_up().unwrap();
    assert_eq!(manifests.id(), 1, "there is no version 2");
    let next = manifests.manifest().with_l0(1, 1, 1);
    manifests.commit(next).unwrap();
    assert_eq!(manifests.id(), 2);
}

#[test]
fn two_that_work_at_once_are_given_different_numbers() {
    // A compaction has put SSTs 7 and 8 and not committed them. A flush begins meanwhile.
    let pins = SstPins::default();
    assert_eq!((pins.hold(7), pins.hold(7), pins.hold(7)), (7, 8, 9));
    pins.release(8);
    assert_eq!(pins.pinned(), BTreeSet::from([7, 9]));
    assert_eq!((pins.hold(7), pins.hold(7)), (8, 10), "what was given up is free");
    [7, 8, 9, 10].into_iter().for_each(|id| pins.release(id));
    assert_eq!(pins.pinned(), BTreeSet::new());
    pins.release(7);
    assert_eq!(pins.pinned(), BTreeSet::new(), "one too many does no harm");
}

#[test]
fn the_last_number_is_pinned_until_all_who_tried_it_let_go() {
    let pins = SstPins::default();
    assert_eq!((pins.hold(u64::MAX), pins.hold(u64::MAX)), (u64::MAX, u64::MAX));
    pins.release(u64::MAX);
    assert_eq!(pins.pinned(), BTreeSet::from([u64::MAX]));
    pins.release(u64::MAX);
    assert_eq!(pins.pinned(), BTreeSet::new());
}

#[test]
fn garbage_of_one_kind_is_garbage() {
    let garbage = |manifests: &[u64], ssts: &[u64]| {
        Garbage { manifests: manifests.to_vec(), ssts: ssts.to_vec() }.is_empty()
    };
    assert_eq!((garbage(&[], &[]), garbage(&[1], &[])), (true, false));
    assert_eq!((garbage(&[], &[1]), garbage(&[1], &[1])), (false, false));
}

#[test]
fn a_watched_stream_seeks_too() {
    let rows = ["a", "b", "c"].map(|key| RowEntry::new_value(key, "v", 1)).to_vec();
    let progress = CompactionProgress::new();
    let mut watched = progress.watch(VecIterator::new(rows.clone()));
    watched.seek(b"b").unwrap();
    assert_eq!(watched.next().unwrap(), Some(rows[1].clone()));
    assert_eq!(progress.rows_read(), 1, "what was passed over is not read");
}
