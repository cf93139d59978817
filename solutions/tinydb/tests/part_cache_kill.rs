//! A process that is killed while it reads through a part cache and replaces what it reads.
//!
//! Alone in its program: a child that is just being started holds the locks of all of its parent's open
//! files for a moment.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs, thread};

use bytes::Bytes;
use testkit::TempFolder;
use tinydb::object_store::{
    CachedObjectStore, CachedObjectStoreOptions, LocalObjectStore, ObjectStore,
};

const SST: &str = "sst/00000000000000000007.sst";

fn object(len: usize, seed: u8) -> Bytes {
    (0..len).map(|at| (at as u8).wrapping_mul(7) ^ (at >> 8) as u8 ^ seed).collect()
}

/// Room for most of the object's parts: some are evicted.
fn options(folder: &Path) -> CachedObjectStoreOptions {
    CachedObjectStoreOptions {
        root_folder: folder.to_path_buf(),
        part_size_bytes: 1000,
        max_cache_size_bytes: 60_000,
    }
}

const CHILD: &str = "TINYDB_PART_CACHE_CHILD";

/// The child: reads through a cache, and deletes and writes, until it is killed.
fn work(folder: &Path) {
    let inner = Arc::new(LocalObjectStore::open(folder.join("inner")).expect("a store"));
    let cache = CachedObjectStore::open(inner, options(&folder.join("cache")));
    let cache = cache.expect("a folder");
    thread::scope(|scope| {
        for reader in 0..3_u64 {
            let cache = &cache;
            scope.spawn(move || {
                for round in 0.. {
                    let at = (reader * 37 + round * 997) % 90_000;
                    // It may be deleted just now.
                    let _ = cache.get_range(SST, at..at + 2500);
                }
            });
        }
        for seed in (0..=255).cycle() {
            cache.put(SST, object(100_000, seed)).expect("a put");
            thread::sleep(Duration::from_millis(3));
        }
    });
}

#[test]
fn a_cache_that_was_killed_answers_as_its_store_does() {
    if let Some(folder) = env::var_os(CHILD) {
        work(Path::new(&folder));
    }
    let folder = TempFolder::new();
    for round in 0..12_u64 {
        let name = "a_cache_that_was_killed_answers_as_its_store_does";
        let mut child = Command::new(env::current_exe().expect("this program"))
            .args(["--exact", name])
            .env(CHILD, folder.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("a child");
        thread::sleep(Duration::from_millis(60 + round * 17));
        child.kill().expect("it runs");
        child.wait().expect("it has ended");

        let inner = Arc::new(LocalObjectStore::open(folder.path().join("inner")).expect("a store"));
        let cache_folder = folder.path().join("cache");
        let cache = CachedObjectStore::open(inner.clone(), options(&cache_folder));
        let cache = cache.expect("the lock of a killed process is free");
        let entries = fs::read_dir(&cache_folder).expect("a folder").flatten();
        let (mut bytes, mut temporary) = (0, 0);
        for entry in entries {
            let name = entry.file_name().into_string().expect("a name");
            temporary += usize::from(name.ends_with(".tmp"));
            bytes += entry.metadata().expect("a file").len();
        }
        let stats = cache.stats();
        assert_eq!((temporary, bytes), (0, stats.bytes), "round {round}: {stats:?}");
        if let Ok(expected) = inner.get(SST) {
            let found = cache.get(SST).expect("a readable object");
            assert!(found == expected, "round {round}: an old part was read; {stats:?}");
        }
        assert_eq!(cache.stats().failures, 0, "round {round}: half a part had a name");
    }
}
