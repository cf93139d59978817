//! Compaction and garbage collection when the object store loses answers, and what they rely on.

use std::collections::BTreeSet;
use std::io;
use std::mem;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tinydb::compaction::{CompactionProgress, Garbage, SizeTieredCompactionOptions};
use tinydb::db::sst_pins::SstPins;
use tinydb::db::{CompactorOptions, Manifest, ManifestStore, paths};
use tinydb::format::RowEntry;
use tinydb::iter::{RowEntryIterator, VecIterator};
use tinydb::object_store::{MemoryObjectStore, ObjectMeta, ObjectStore};
use tinydb::storage::MemoryWalStore;
use tinydb::{Db, Error, Result, Settings};

/// An object store in memory, behind a network that can lose a put of a manifest.
#[derive(Debug, Default)]
struct Lossy {
    inner: MemoryObjectStore,
    loses: Mutex<Loses>,
    /// A put that was lost, and arrives in front of the next one.
    kept: Mutex<Option<(String, Bytes)>>,
}

/// What is lost next.
#[derive(Debug, Default, PartialEq, Eq)]
enum Loses {
    #[default]
    Nothing,
    /// The answer to a put that is carried out, and that of the next read of a manifest.
    TheAnswer,
    TheRead,
    /// A put, for good.
    ThePut,
    /// A put, for a while.
    ThePutForAWhile,
    /// The put of the first manifest that names a sorted run, for a while.
    TheFirstRunForAWhile,
}

fn lost(path: &str) -> Error {
    Error::io("reach", path)(io::Error::other("no answer"))
}

impl Lossy {
    fn lose(&self, what: Loses) {
        *self.loses.lock().unwrap() = what;
    }

    fn newest(&self) -> (u64, Manifest) {
        ManifestStore::latest(&self.inner).unwrap().unwrap()
    }
}

impl ObjectStore for Lossy {
    fn put(&self, path: &str, object: Bytes) -> Result<()> {
        self.inner.put(path, object)
    }

    fn put_if_absent(&self, path: &str, object: Bytes) -> Result<()> {
        if !path.starts_with(paths::MANIFESTS) {
            return self.inner.put_if_absent(path, object);
        }
        if let Some((path, object)) = self.kept.lock().unwrap().take() {
            self.inner.put_if_absent(&path, object).unwrap();
        }
        let names_a_run = || !Manifest::decode(object.clone()).unwrap().sorted_runs.is_empty();
        if *self.loses.lock().unwrap() == Loses::TheFirstRunForAWhile && !names_a_run() {
            return self.inner.put_if_absent(path, object);
        }
        let loses = mem::take(&mut *self.loses.lock().unwrap());
        match loses {
            Loses::ThePut => return Err(lost(path)),
            Loses::ThePutForAWhile | Loses::TheFirstRunForAWhile => {
                *self.kept.lock().unwrap() = Some((path.to_owned(), object));
                return Err(lost(path));
            }
            Loses::TheAnswer => self.inner.put_if_absent(path, object)?,
            Loses::Nothing | Loses::TheRead => return self.inner.put_if_absent(path, object),
        }
        self.lose(Loses::TheRead);
        Err(lost(path))
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
    let (stats, manifest) = (db.stats().unwrap(), store.newest().1);
    [(stats.l0_ssts, stats.sorted_runs), (manifest.l0.len(), manifest.sorted_runs.len())]
}

/// A database with a compaction that was committed, and does not know it.
fn with_a_lost_compaction(store: &Arc<Lossy>, wal: &MemoryWalStore) -> Db {
    let db = with_an_unanswered_compaction(store, wal, Loses::TheAnswer);
    assert_eq!(shapes(&db, store), [(2, 0), (0, 1)], "it was carried out all the same");
    assert_eq!(db.get("apple").unwrap().unwrap(), "2", "what it knows can be read");
    db
}

fn with_an_unanswered_compaction(store: &Arc<Lossy>, wal: &MemoryWalStore, loses: Loses) -> Db {
    let db = open(store, wal);
    flush(&db, "apple", "1");
    flush(&db, "apple", "2");
    store.lose(loses);
    assert!(matches!(db.compact(), Err(Error::Io { .. })), "nobody knows the outcome");
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
    let (store, wal) = (Arc::new(Lossy::default()), MemoryWalStore::new());
    let db = with_a_lost_compaction(&store, &wal);
    let (committed, _) = store.newest();
    let newer = ManifestStore::open(store.clone()).unwrap();
    assert_eq!(
        (newer.id(), newer.manifest().writer_epoch),
        (committed + 1, 2),
        "it found the commit"
    );
    // The newer writer's garbage collector: it is neither the newest nor the first of its epoch.
    store.delete(&paths::manifest(committed)).unwrap();
    db.put("fig", "3").unwrap();
    let told = db.compact();
    assert!(matches!(told, Err(Error::Fenced { newer_epoch: 2, .. })), "{told:?}");
    let free = store.head(&paths::manifest(committed));
    assert!(matches!(free, Err(Error::NotFound { .. })), "its number must not be taken: {free:?}");
}

#[test]
fn a_commit_that_was_not_carried_out_is_tried_again() {
    let (store, wal) = (Arc::new(Lossy::default()), MemoryWalStore::new());
    let db = open(&store, &wal);
    flush(&db, "apple", "1");
    flush(&db, "fig", "2");
    let (before, _) = store.newest();
    store.lose(Loses::ThePut);
    assert!(matches!(db.compact(), Err(Error::Io { .. })));
    assert_eq!(shapes(&db, &store), [(2, 0); 2], "nothing has changed");
    db.compact().unwrap();
    assert_eq!(shapes(&db, &store), [(0, 1); 2]);
    assert_eq!(store.newest().0, before + 1, "nothing was committed twice");
}

/// A database with two SSTs in level 0, and a compaction whose commit is still on its way.
fn with_a_compaction_on_its_way(store: &Arc<Lossy>, wal: &MemoryWalStore) -> Db {
    let db = with_an_unanswered_compaction(store, wal, Loses::ThePutForAWhile);
    assert_eq!(shapes(&db, store), [(2, 0); 2], "it was not carried out yet");
    db
}

#[test]
fn a_writer_is_not_fenced_by_a_commit_of_its_own_that_comes_late() {
    let (store, wal) = (Arc::new(Lossy::default()), MemoryWalStore::new());
    let db = with_a_compaction_on_its_way(&store, &wal);
    flush(&db, "fig", "3");
    assert!(store.kept.lock().unwrap().is_none(), "it has arrived");
    assert_eq!(shapes(&db, &store), [(1, 1); 2], "what it did is in the state");
    assert_eq!(db.get("apple").unwrap().unwrap(), "2");
    db.compact().unwrap();
    db.collect_garbage(Duration::ZERO).unwrap();
    assert_eq!(shapes(&db, &store), [(0, 1); 2]);
    assert_eq!(db.scan(..).unwrap().filter(Result::is_ok).count(), 2);
}

#[test]
fn a_compaction_that_was_overtaken_by_one_that_came_late_is_no_error() {
    testkit::deadline(30, || {
        let (store, wal) = (Arc::new(Lossy::default()), MemoryWalStore::new());
        store.lose(Loses::TheFirstRunForAWhile);
        let compactor = CompactorOptions {
            size_tiered: SizeTieredCompactionOptions {
                min_compaction_sources: 2,
                ..SizeTieredCompactionOptions::default()
            },
            // While this one waits, the levels are still those of before: it is proposed once more.
            retry_after: Duration::from_millis(20),
            ..CompactorOptions::default()
        };
        let settings = Settings {
            compactor_options: Some(compactor),
            garbage_collector_options: None,
            l0_max_ssts: 2,
            ..Settings::default()
        };
        let builder = Db::builder("in memory").with_object_store(store.clone());
        let builder = builder.with_wal_store(Arc::new(wal)).with_settings(settings);
        let db = builder.build().unwrap();
        for number in 0..10 {
            db.put("apple", number.to_string()).unwrap();
            // A flush that waits for the compaction hears that it failed; but only of the network.
            while let Err(error) = db.flush() {
                let error = format!("{error:?}");
                assert!(error.contains("no answer"), "{error}");
            }
        }
        assert_eq!(*store.loses.lock().unwrap(), Loses::Nothing, "a commit was lost");
        assert_eq!(db.get("apple").unwrap().unwrap(), "9");
        db.close().unwrap();
    });
}

#[test]
fn a_flush_that_comes_late_is_the_flush_that_is_tried_again() {
    let (store, wal) = (Arc::new(Lossy::default()), MemoryWalStore::new());
    let db = open(&store, &wal);
    db.put("apple", "1").unwrap();
    store.lose(Loses::ThePutForAWhile);
    assert!(matches!(db.flush(), Err(Error::FlushFailed { .. })), "nobody knows the outcome");
    flush(&db, "fig", "2");
    assert_eq!(shapes(&db, &store), [(2, 0); 2]);
    let keys: Vec<_> = db.scan(..).unwrap().map(|row| row.unwrap().key).collect();
    assert_eq!(keys, ["apple", "fig"]);
}

#[test]
fn the_ssts_of_a_commit_that_may_come_late_are_not_collected() {
    let (store, wal) = (Arc::new(Lossy::default()), MemoryWalStore::new());
    let db = with_a_compaction_on_its_way(&store, &wal);
    let garbage = db.collect_garbage(Duration::ZERO).unwrap();
    assert_eq!(garbage.ssts, Vec::<u64>::new(), "the manifest that is on its way names them");
    flush(&db, "fig", "3");
    db.collect_garbage(Duration::ZERO).unwrap();
    assert_eq!(shapes(&db, &store), [(1, 1); 2]);
    drop(db);
    let db = open(&store, &wal);
    assert_eq!(db.get("apple").unwrap().unwrap(), "2", "from the sorted run");
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
