//! Compactions that take SSTs over as they are, and those that must not.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tinydb::compaction::SizeTieredCompactionOptions;
use tinydb::db::{CompactorOptions, Manifest, ManifestStore, paths};
use tinydb::merge::ConcatMergeOperator;
use tinydb::object_store::{MemoryObjectStore, ObjectStore};
use tinydb::storage::MemoryWalStore;
use tinydb::storage::sst::{FOOTER_LEN, Footer};
use tinydb::{Db, DbBuilder, Settings};

/// What a compaction makes SSTs of, in bytes.
const SST_SIZE: usize = 4000;

/// A database in memory that compacts when it is told to.
struct Scene {
    store: Arc<MemoryObjectStore>,
    wal: MemoryWalStore,
    db: Db,
}

impl Scene {
    fn new() -> Self {
        Self::with_sst_size(SST_SIZE)
    }

    fn with_sst_size(max_sst_size: usize) -> Self {
        let (store, wal) = (Arc::new(MemoryObjectStore::new()), MemoryWalStore::new());
        let db = builder(&store, &wal, max_sst_size).build().unwrap();
        Self { store, wal, db }
    }

    fn reopened(self) -> Self {
        self.db.close().unwrap();
        let db = builder(&self.store, &self.wal, SST_SIZE).build().unwrap();
        Self { db, ..self }
    }

    /// Puts rows of 100 bytes each under these numbers, and flushes them.
    fn flush(&self, numbers: std::ops::Range<u32>) {
        for number in numbers {
            self.db.put(key(number), [b'v'; 80]).unwrap();
        }
        self.db.flush().unwrap();
    }

    fn manifest(&self) -> Manifest {
        ManifestStore::latest(&*self.store).unwrap().unwrap().1
    }

    /// The numbers of the SSTs of level 0, oldest first.
    fn l0(&self) -> Vec<u64> {
        self.manifest().l0.iter().rev().copied().collect()
    }

    /// Compacts all; the numbers of the run's SSTs.
    fn compact(&self) -> Vec<u64> {
        self.db.compact().unwrap();
        let manifest = self.manifest();
        assert_eq!((manifest.l0.len(), manifest.sorted_runs.len()), (0, 1), "all is one run");
        manifest.sorted_runs[0].ssts.clone()
    }

    fn assert_rows(&self, expected: usize) {
        let rows = self.db.scan(..).unwrap();
        let keys: Vec<_> = rows.map(|row| row.unwrap().key).collect();
        assert_eq!(keys.len(), expected, "rows that a scan finds");
        assert!(keys.is_sorted(), "in order");
        for key in keys {
            assert!(self.db.get(&key).unwrap().is_some(), "a get finds {key:?} too");
        }
    }
}

fn builder(store: &Arc<MemoryObjectStore>, wal: &MemoryWalStore, max_sst_size: usize) -> DbBuilder {
    let settings = Settings {
        compactor_options: Some(CompactorOptions {
            max_sst_size,
            size_tiered: SizeTieredCompactionOptions {
                min_compaction_sources: 100,
                max_compaction_sources: 100,
                ..Default::default()
            },
            ..Default::default()
        }),
        garbage_collector_options: None,
        l0_max_ssts: 100,
        ..Settings::default()
    };
    let builder = Db::builder("in memory").with_object_store(store.clone());
    let builder = builder.with_wal_store(Arc::new(wal.clone())).with_settings(settings);
    builder.with_merge_operator(Arc::new(ConcatMergeOperator::with_separator(",")))
}

fn key(number: u32) -> String {
    format!("key {number:06}")
}

#[test]
fn ssts_that_overlap_nothing_become_a_run_as_they_are() {
    let scene = Scene::new();
    // Not in the order of their keys.
    for start in [200, 0, 100] {
        scene.flush(start..start + 40);
    }
    let [a, b, c] = scene.l0()[..] else { panic!("three flushes") };
    let before = scene.db.stats().unwrap().compacted_bytes;
    assert_eq!(scene.compact(), [b, c, a], "the same SSTs, by key");
    assert_eq!(scene.db.stats().unwrap().compacted_bytes, before, "nothing was written");
    scene.assert_rows(120);
    // A run is a source too.
    scene.flush(300..340);
    let [d] = scene.l0()[..] else { panic!("one flush") };
    assert_eq!(scene.compact(), [b, c, a, d]);
    scene.db.collect_garbage(Duration::ZERO).unwrap();
    scene.assert_rows(160);
    scene.reopened().assert_rows(160);
}

/// Asserts that a compaction merges what `prepare` flushes besides two SSTs that overlap nothing.
#[track_caller]
fn assert_merged(rows: usize, prepare: impl FnOnce(&Scene)) -> Scene {
    let scene = Scene::new();
    scene.flush(0..40);
    prepare(&scene);
    let l0 = scene.l0();
    let run = scene.compact();
    assert!(run.iter().all(|id| !l0.contains(id)), "{l0:?} became {run:?}");
    scene.assert_rows(rows);
    scene
}

#[test]
fn ssts_that_share_a_key_are_merged() {
    assert_merged(79, |scene| scene.flush(39..79));
}

#[test]
fn an_sst_within_the_range_of_another_is_merged() {
    assert_merged(82, |scene| {
        for number in [100, 200] {
            scene.db.put(key(number), [b'v'; 2000]).unwrap();
        }
        scene.db.flush().unwrap();
        scene.flush(150..190);
    });
}

#[test]
fn tombstones_are_merged_away() {
    let scene = assert_merged(80, |scene| {
        scene.db.delete(key(100)).unwrap();
        scene.flush(101..141);
    });
    assert_eq!(scene.db.stats().unwrap().sst_rows, 80, "the tombstone is gone");
}

#[test]
fn old_versions_are_merged_away() {
    let scene = assert_merged(80, |scene| {
        scene.db.put(key(100), [b'o'; 80]).unwrap();
        let snapshot = scene.db.snapshot().unwrap();
        scene.flush(100..140);
        drop(snapshot);
    });
    assert_eq!(scene.db.stats().unwrap().sst_rows, 80, "the old version is gone");
}

#[test]
fn operands_are_merged() {
    assert_merged(81, |scene| {
        scene.db.merge(key(100), "operand").unwrap();
        scene.flush(101..141);
    });
}

#[test]
fn small_ssts_are_merged_into_few() {
    let scene = Scene::new();
    for start in 0..20 {
        scene.flush(start * 10..start * 10 + 4);
    }
    let l0 = scene.l0();
    let run = scene.compact();
    assert!(run.len() < l0.len() / 2, "{l0:?} became {run:?}");
    scene.assert_rows(80);
}

#[test]
fn without_a_bound_all_is_one_sst() {
    let scene = Scene::with_sst_size(usize::MAX);
    for start in [0, 100, 200] {
        scene.flush(start..start + 40);
    }
    assert_eq!(scene.compact().len(), 1);
    scene.assert_rows(120);
}

#[test]
fn a_large_sst_is_split() {
    assert_merged(440, |scene| scene.flush(100..500));
}

#[test]
fn what_another_process_wrote_becomes_a_run_as_it_is() {
    let scene = Scene::new();
    scene.flush(0..40);
    scene.flush(100..140);
    let l0 = scene.l0();
    let scene = scene.reopened();
    assert_eq!(scene.compact(), l0, "the footers say that it is plain");
    scene.assert_rows(80);
}

#[test]
fn what_an_engine_without_that_flag_wrote_is_merged() {
    let scene = Scene::new();
    scene.flush(0..40);
    scene.flush(100..140);
    let l0 = scene.l0();
    for path in l0.iter().map(|&id| paths::sst(id)) {
        let sst = scene.store.get(&path).unwrap();
        let (rest, footer) = sst.split_at(sst.len() - FOOTER_LEN);
        let footer = Footer::decode(Bytes::copy_from_slice(footer), sst.len() as u64).unwrap();
        assert!(footer.plain);
        let footer = Footer { plain: false, ..footer }.encode();
        scene.store.put(&path, [rest, &*footer].concat().into()).unwrap();
    }
    let scene = scene.reopened();
    let run = scene.compact();
    assert!(run.iter().all(|id| !l0.contains(id)), "{l0:?} became {run:?}");
    scene.assert_rows(80);
}

#[test]
fn a_number_that_is_taken_is_passed_over() {
    let scene = Scene::new();
    scene.flush(0..40);
    scene.flush(20..60);
    let next = scene.manifest().next_sst_id;
    // What crashes and fenced writers leave behind.
    for id in [next, next + 1, next + 3] {
        scene.store.put(&paths::sst(id), "somebody else's".into()).unwrap();
    }
    let run = scene.compact();
    assert_eq!(run, [next + 2, next + 4], "the free numbers");
    scene.assert_rows(60);
    assert_eq!(scene.store.get(&paths::sst(next)).unwrap(), "somebody else's");
}
