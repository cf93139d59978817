//! The part cache where week 8's tests don't look: under a database, with a store behind it that breaks
//! its promises, in a folder that refuses, and its files.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use testkit::{TempFolder, config};
use tinydb::object_store::part_file::{self, MAX_PATH_LEN, parse_file_name};
use tinydb::object_store::part_index::PartKey;
use tinydb::object_store::{
    CachedObjectStore, CachedObjectStoreOptions, MemoryObjectStore, ObjectMeta, ObjectStore,
};
use tinydb::storage::MemoryWalStore;
use tinydb::{DbBuilder, Error, Result, Settings};

const SST: &str = "sst/00000000000000000007.sst";

fn object(len: usize, seed: u8) -> Bytes {
    (0..len).map(|at| (at as u8).wrapping_mul(7) ^ (at >> 8) as u8 ^ seed).collect()
}

fn options(folder: &Path, part: u64, max: u64) -> CachedObjectStoreOptions {
    CachedObjectStoreOptions {
        root_folder: folder.to_path_buf(),
        part_size_bytes: part,
        max_cache_size_bytes: max,
    }
}

/// Counts ranges, and gives shorter ones if told so.
#[derive(Debug, Default)]
struct Inner {
    objects: MemoryObjectStore,
    ranges: AtomicUsize,
    heads: AtomicUsize,
    cut: AtomicUsize,
}

impl ObjectStore for Inner {
    fn put(&self, path: &str, object: Bytes) -> Result<()> {
        self.objects.put(path, object)
    }

    fn put_if_absent(&self, path: &str, object: Bytes) -> Result<()> {
        self.objects.put_if_absent(path, object)
    }

    fn get(&self, path: &str) -> Result<Bytes> {
        self.objects.get(path)
    }

    fn get_range(&self, path: &str, range: Range<u64>) -> Result<Bytes> {
        self.ranges.fetch_add(1, Ordering::SeqCst);
        let bytes = self.objects.get_range(path, range)?;
        Ok(bytes.slice(..bytes.len().saturating_sub(self.cut.load(Ordering::SeqCst))))
    }

    fn head(&self, path: &str) -> Result<ObjectMeta> {
        self.heads.fetch_add(1, Ordering::SeqCst);
        self.objects.head(path)
    }

    fn list(&self, prefix: &str) -> Result<Vec<ObjectMeta>> {
        self.objects.list(prefix)
    }

    fn delete(&self, path: &str) -> Result<()> {
        self.objects.delete(path)
    }
}

fn part_files(folder: &TempFolder) -> Vec<PathBuf> {
    let mut files = folder.files();
    files.retain(|file| !file.ends_with("LOCK"));
    files
}

#[test]
fn a_database_that_is_opened_again_reads_its_ssts_from_the_cache() {
    let (folder, inner) = (TempFolder::new(), Arc::new(Inner::default()));
    let wal = Arc::new(MemoryWalStore::new());
    // With blocks in memory, and compactions, it would not be seen what the part cache does.
    let settings = Settings {
        l0_sst_size_bytes: 16 << 10,
        block_cache_bytes: 0,
        compactor_options: None,
        ..Settings::default()
    };
    let open = || {
        let options = options(folder.path(), 4096, 1 << 20);
        let cache = Arc::new(CachedObjectStore::open(inner.clone(), options).expect("a folder"));
        let db = DbBuilder::in_memory()
            .with_object_store(cache.clone())
            .with_wal_store(wal.clone())
            .with_settings(settings.clone())
            .build();
        (db.expect("a database"), cache)
    };
    let key = |number: u32| format!("key {number:06}");
    let (db, cache) = open();
    for number in 0..4000_u32 {
        db.put(key(number).as_bytes(), format!("value {number}").repeat(5)).expect("a put");
    }
    db.flush().expect("a flush");
    let read_all = |db: &tinydb::Db| {
        for number in (0..4000).rev() {
            let found = db.get(key(number).as_bytes()).expect("a get");
            assert_eq!(found, Some(format!("value {number}").repeat(5).into()), "{number}");
        }
    };
    read_all(&db);
    db.close().expect("closed");
    drop((db, cache));

    let before = inner.ranges.load(Ordering::SeqCst);
    assert!(before > 10, "{before} ranges were fetched for several SSTs");
    let (db, cache) = open();
    read_all(&db);
    let after = inner.ranges.load(Ordering::SeqCst);
    assert_eq!(after, before, "ranges fetched after a restart; {:?}", cache.stats());
}

#[derive(Debug, Clone)]
enum Step {
    Put(u8, u8),
    Delete(u8),
    Get(u8),
    Scan,
    Flush,
    Compact,
    Reopen,
    Damage(usize, usize),
}

fn step() -> BoxedStrategy<Step> {
    prop_oneof![
        8 => (any::<u8>(), any::<u8>()).prop_map(|(key, value)| Step::Put(key % 64, value)),
        2 => any::<u8>().prop_map(|key| Step::Delete(key % 64)),
        6 => any::<u8>().prop_map(|key| Step::Get(key % 64)),
        1 => Just(Step::Scan),
        3 => Just(Step::Flush),
        1 => Just(Step::Compact),
        1 => Just(Step::Reopen),
        3 => (any::<usize>(), 0..900_usize).prop_map(|(file, at)| Step::Damage(file, at)),
    ]
    .boxed()
}

proptest! {
    #![proptest_config(config(40))]

    #[test]
    fn a_database_over_a_damaged_cache_agrees_with_a_map(
        part in 16..600_u64,
        max in prop_oneof![Just(1_u64 << 20), 0..4000_u64],
        steps in vec(step(), 1..80),
    ) {
        let (folder, inner) = (TempFolder::new(), Arc::new(MemoryObjectStore::new()));
        let wal = Arc::new(MemoryWalStore::new());
        let open = || {
            let cache = CachedObjectStore::open(inner.clone(), options(folder.path(), part, max));
            let settings = Settings { sst_block_size: 64, block_cache_bytes: 0, ..Settings::default() };
            let builder = DbBuilder::in_memory().with_object_store(Arc::new(cache.expect("a folder")));
            builder.with_wal_store(wal.clone()).with_settings(settings).build().expect("a database")
        };
        let mut db = Some(open());
        let mut model = BTreeMap::new();
        for step in steps {
            let open_db = db.as_ref().expect("an open database");
            match step {
                Step::Put(key, value) => {
                    let value = vec![value; 40];
                    open_db.put([key], value.clone()).expect("a put");
                    model.insert(key, value);
                }
                Step::Delete(key) => {
                    open_db.delete([key]).expect("a delete");
                    model.remove(&key);
                }
                Step::Get(key) => {
                    let found = open_db.get([key]).expect("a get");
                    prop_assert_eq!(found.as_deref(), model.get(&key).map(Vec::as_slice));
                }
                Step::Scan => {
                    let found = open_db.scan(..).expect("a scan").map(|found| {
                        let found = found.expect("a row");
                        (found.key[0], found.value.to_vec())
                    });
                    prop_assert_eq!(found.collect::<BTreeMap<_, _>>(), model.clone());
                }
                Step::Flush => open_db.flush().expect("a flush"),
                Step::Compact => open_db.compact().expect("a compaction"),
                Step::Reopen => {
                    drop(db.take());
                    db = Some(open());
                }
                Step::Damage(file, at) => {
                    let files = part_files(&folder);
                    if !files.is_empty() {
                        let file = &files[file % files.len()];
                        // The database may remove it at this moment.
                        let mut bytes = fs::read(file).unwrap_or_default();
                        match bytes.get_mut(at) {
                            Some(byte) => *byte ^= 1,
                            None => bytes.truncate(at / 2),
                        }
                        fs::write(file, bytes).expect("room");
                    }
                }
            }
        }
    }
}

#[test]
fn a_store_that_gives_too_few_bytes_is_an_error_and_nothing_is_kept() {
    let (folder, inner) = (TempFolder::new(), Arc::new(Inner::default()));
    inner.put(SST, object(1000, 0)).expect("room");
    let cache = CachedObjectStore::open(inner.clone(), options(folder.path(), 100, 99_999));
    let cache = cache.expect("a folder");
    inner.cut.store(1, Ordering::SeqCst);
    let found = cache.get_range(SST, 10..20);
    assert!(matches!(found, Err(Error::Io { .. })), "{found:?}");
    assert_eq!(cache.stats().parts, 0);
    inner.cut.store(0, Ordering::SeqCst);
    assert_eq!(cache.get_range(SST, 10..20).expect("an object"), object(1000, 0)[10..20]);
}

#[test]
fn an_object_that_changed_behind_the_cache_is_read_anew_when_that_shows() {
    let (folder, inner) = (TempFolder::new(), Arc::new(Inner::default()));
    inner.put(SST, object(1000, 0)).expect("room");
    let cache = CachedObjectStore::open(inner.clone(), options(folder.path(), 100, 99_999));
    let cache = cache.expect("a folder");
    cache.get_range(SST, 0..300).expect("an object");

    inner.put(SST, object(450, 1)).expect("room");
    // The fetch of part 6 is past the end.
    let found = cache.get_range(SST, 610..620);
    assert!(matches!(found, Err(Error::OutOfRange { size: 450, .. })), "{found:?}");
    assert_eq!(cache.get(SST).expect("an object"), object(450, 1), "all of it is forgotten");
    assert_eq!(part_files(&folder).len(), 5);

    inner.put(SST, object(2000, 2)).expect("room");
    assert_eq!(cache.get_range(SST, 1000..1010).expect("it is longer now").len(), 10);

    inner.delete(SST).expect("a delete");
    cache.get_range(SST, 0..10).expect("what is kept of an object lives on");
    inner.put(SST, object(2000, 3)).expect("room");
    inner.delete(SST).expect("a delete");
    fs::remove_file(&part_files(&folder)[0]).expect("a file");
    assert!(matches!(cache.get_range(SST, 0..300), Err(Error::NotFound { .. })));
    assert_eq!(part_files(&folder).len(), 0, "of an object that is gone, nothing stays");
}

#[test]
fn a_part_of_another_version_of_the_object_is_not_taken_for_one_of_this() {
    let (folder, old_folder) = (TempFolder::new(), TempFolder::new());
    let (inner, old) = (Arc::new(Inner::default()), Arc::new(Inner::default()));
    old.put(SST, object(300, 1)).expect("room");
    std::thread::sleep(Duration::from_millis(2));
    inner.put(SST, object(300, 2)).expect("room");
    let open = |folder: &TempFolder, inner: &Arc<Inner>| {
        let options = options(folder.path(), 100, 99_999);
        CachedObjectStore::open(inner.clone(), options).expect("a folder")
    };
    open(&old_folder, &old).get(SST).expect("an object");
    let cache = open(&folder, &inner);
    assert_eq!(cache.get(SST).expect("an object"), object(300, 2));
    fs::copy(&part_files(&old_folder)[1], &part_files(&folder)[1]).expect("room");
    assert_eq!(cache.get(SST).expect("an object"), object(300, 2), "part 1 is of the old object");
    assert_eq!(cache.stats().failures, 1);
}

/// Puts a folder with a file in it in the way of a part: it can be neither read, replaced nor removed.
fn block(file: &Path) {
    let _ = fs::remove_file(file);
    fs::create_dir(file).expect("a folder");
    fs::write(file.join("file"), "in the way").expect("room");
}

#[test]
fn a_write_whose_object_has_a_part_that_cannot_be_removed_is_refused() {
    let (folder, inner) = (TempFolder::new(), Arc::new(Inner::default()));
    inner.put(SST, object(300, 0)).expect("room");
    let cache = CachedObjectStore::open(inner.clone(), options(folder.path(), 100, 99_999));
    let cache = cache.expect("a folder");
    assert_eq!(cache.get(SST).expect("an object"), object(300, 0));
    block(&part_files(&folder)[1]);
    for answer in [
        cache.put(SST, object(300, 1)),
        cache.put_if_absent(SST, object(300, 1)),
        cache.delete(SST),
    ] {
        assert!(matches!(answer, Err(Error::Io { .. })), "{answer:?}");
    }
    assert_eq!(cache.get(SST).expect("an object"), object(300, 0), "it was not touched");
    let stats = cache.stats();
    assert!(stats.failures >= 3, "{stats:?}");
    assert_eq!(cache.get(SST).expect("an object"), object(300, 0), "again");
}

#[test]
fn a_part_that_cannot_get_its_name_leaves_no_temporary_file_and_takes_no_room() {
    let (folder, inner) = (TempFolder::new(), Arc::new(Inner::default()));
    inner.put(SST, object(300, 0)).expect("room");
    let cache = CachedObjectStore::open(inner.clone(), options(folder.path(), 100, 99_999));
    let cache = cache.expect("a folder");
    block(&folder.path().join("sst+00000000000000000007.sst@100-000000001"));
    for round in 1..3 {
        assert_eq!(cache.get(SST).expect("an object"), object(300, 0));
        let stats = cache.stats();
        assert_eq!((stats.parts, stats.failures), (2, round), "{stats:?}");
        let on_disk: u64 =
            part_files(&folder).iter().map(|file| fs::metadata(file).expect("a file").len()).sum();
        assert_eq!(stats.bytes, on_disk, "{stats:?}");
        assert_eq!(part_files(&folder).len(), 2, "{:?}", part_files(&folder));
    }
}

#[test]
fn an_eviction_that_fails_leaves_the_bound_alone() {
    let (folder, inner) = (TempFolder::new(), Arc::new(Inner::default()));
    inner.put(SST, object(1000, 0)).expect("room");
    let cache = CachedObjectStore::open(inner.clone(), options(folder.path(), 100, 200));
    let cache = cache.expect("a folder");
    cache.get_range(SST, 0..10).expect("an object");
    let bytes = cache.stats().bytes;
    block(&part_files(&folder)[0]);
    for part in 1..10 {
        let at = part * 100;
        let found = cache.get_range(SST, at..at + 100).expect("an object");
        assert_eq!(found, object(1000, 0)[at as usize..at as usize + 100]);
    }
    let stats = cache.stats();
    assert_eq!((stats.parts, stats.bytes, stats.evictions), (1, bytes, 0), "{stats:?}");
    assert!(stats.failures >= 9, "{stats:?}");
}

#[test]
fn of_very_many_objects_the_oldest_heads_are_forgotten() {
    let (folder, inner) = (TempFolder::new(), Arc::new(Inner::default()));
    let cache = CachedObjectStore::open(inner.clone(), options(folder.path(), 100, 99_999));
    let cache = cache.expect("a folder");
    inner.put(SST, object(10, 0)).expect("room");
    let asks = |path: &str| {
        let before = inner.heads.load(Ordering::SeqCst);
        // Most are not there.
        let _ = cache.head(path);
        inner.heads.load(Ordering::SeqCst) - before
    };
    assert_eq!((asks(SST), asks(SST)), (1, 0), "a head is remembered");
    for number in 0..70_000 {
        asks(&format!("sst/{number}"));
    }
    assert_eq!((asks(SST), asks(SST)), (1, 0), "it was forgotten, and is remembered again");
}

#[test]
fn a_part_files_name_tells_which_part_it_is() {
    let long = format!("sst/{}", "7".repeat(MAX_PATH_LEN - 4));
    for (path, number, part_size) in [
        (SST, 0, 1),
        ("sst/a-b_c.d/e", 7, 262_144),
        ("sst/1", 1_234_567_890_123, 1 << 30),
        (&long, u64::MAX, 1 << 30),
    ] {
        let key = PartKey::new(path, number);
        let name = part_file::file_name(&key, part_size);
        assert!(name.len() <= 255 && !name.contains('/'), "{name}");
        assert_eq!(parse_file_name(&name), Some((key, part_size)), "{name}");
    }
    for name in [
        "LOCK",
        ".1.tmp",
        "sst+7.sst",
        "sst+7.sst@100",
        "sst+7.sst@100-1",
        "sst+7.sst@0100-000000001",
        "sst+7.sst@100-+00000001",
        "sst+7.sst@100-0000000001",
        "sst+7.sst@100-000000001 (copy)",
        "sst++7.sst@100-000000001",
        "sst+.7@100-000000001",
        "@100-000000001",
        "Sst+7@100-000000001",
    ] {
        assert_eq!(parse_file_name(name), None, "{name}");
    }
}

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn decoding_a_part_survives_any_bytes(
        changes in vec((0..70_usize, any::<u8>()), 0..6),
        keep in 0..120_usize,
        number in prop_oneof![Just(3_u64), any::<u64>()],
    ) {
        let last_modified = SystemTime::UNIX_EPOCH + Duration::new(1_700_000_000, 7);
        let meta = ObjectMeta { path: SST.to_owned(), size: 1000, last_modified };
        let key = PartKey::new(SST, number);
        let mut file = part_file::encode(&meta, 100, number, &object(100, 0));
        for (at, byte) in changes {
            file[at] = byte;
        }
        file.truncate(file.len() - 4 - keep % 60);
        // A right checksum lets it get further than chance would.
        let checksum = crc32fast::hash(&file);
        file.extend(checksum.to_be_bytes());
        if let Some(part) = part_file::decode(file.into(), &key, 100) {
            prop_assert!(part.bytes.len() <= 100);
        }
    }
}
