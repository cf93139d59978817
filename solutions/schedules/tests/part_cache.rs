//! The cache of parts on disk: while objects are written, deleted, read and evicted, every answer is one
//! that the store behind could have given meanwhile, and the folder keeps its bound.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;

use bytes::Bytes;
use tinydb::Error;
use tinydb::object_store::{
    CachedObjectStore, CachedObjectStoreOptions, MemoryObjectStore, ObjectStore,
};
use tinydb_schedules::explore;

const PATHS: [&str; 2] = ["sst/a", "sst/b"];

/// Room for some parts, with what is written before each of them.
const MAX_SIZE: u64 = 300;

/// An object of many versions: in an even one it is not there, and in another its bytes are the version.
#[derive(Default)]
struct Versions {
    begun: AtomicU8,
    ended: AtomicU8,
}

impl Versions {
    fn write(&self, store: &CachedObjectStore, path: &str, version: u8) {
        self.begun.store(version, Ordering::SeqCst);
        if version.is_multiple_of(2) {
            store.delete(path).expect("a delete");
        } else {
            store.put(path, vec![version; 6 + usize::from(version)].into()).expect("a put");
        }
        self.ended.store(version, Ordering::SeqCst);
    }

    /// Reads, and checks that the answer is that of a version that was there meanwhile.
    fn read(&self, read: impl FnOnce() -> Result<Bytes, Error>) {
        let first = self.ended.load(Ordering::SeqCst);
        let answer = read();
        let last = self.begun.load(Ordering::SeqCst);
        let is_right = match &answer {
            Ok(bytes) => {
                (first..=last).contains(&bytes[0]) && bytes.iter().all(|byte| *byte == bytes[0])
            }
            Err(Error::NotFound { .. }) => (first..=last).any(|version| version.is_multiple_of(2)),
            Err(_) => false,
        };
        assert!(is_right, "{answer:?} while versions {first} to {last} were there");
    }
}

/// A folder for one schedule.
fn folder(name: &str) -> PathBuf {
    let folder = env::temp_dir().join(format!("tinydb-schedules-{}-{name}", process::id()));
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("an old folder that can be deleted");
    }
    folder
}

fn check() {
    let folder = folder("parts");
    let options = CachedObjectStoreOptions {
        part_size_bytes: 4,
        max_cache_size_bytes: MAX_SIZE,
        ..CachedObjectStoreOptions::new(&folder)
    };
    let store = CachedObjectStore::open(Arc::new(MemoryObjectStore::new()), options);
    let store = Arc::new(store.expect("a cache"));
    let versions: Arc<[Versions; 2]> = Arc::default();
    let writer = {
        let (store, versions) = (Arc::clone(&store), Arc::clone(&versions));
        thread::spawn(move || {
            for version in 1..=3 {
                versions[0].write(&store, PATHS[0], version);
            }
            versions[1].write(&store, PATHS[1], 1);
        })
    };
    let read = |_| {
        let (store, versions) = (Arc::clone(&store), Arc::clone(&versions));
        thread::spawn(move || {
            for (path, versions) in PATHS.iter().zip(&*versions) {
                versions.read(|| store.get(path));
                versions.read(|| store.get_range(path, 2..7));
                let stats = store.stats();
                assert!(stats.bytes <= MAX_SIZE, "{stats:?} with a bound of {MAX_SIZE}");
            }
        })
    };
    let readers: Vec<_> = (0..2).map(read).collect();
    for thread in readers.into_iter().chain([writer]) {
        thread.join().expect("a thread without a fault");
    }
    for (path, versions) in PATHS.iter().zip(&*versions) {
        versions.read(|| store.get(path));
        versions.read(|| store.get(path));
    }
    drop(store);
    fs::remove_dir_all(&folder).expect("a folder that can be deleted");
}

#[test]
fn every_answer_was_right_at_some_moment() {
    explore(300, check);
}
