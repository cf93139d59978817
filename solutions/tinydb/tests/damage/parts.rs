//! Damaged files of a part cache. It is no place where anything is kept: whatever its files hold, the
//! answer is the store's, and nothing is an error.

use std::fs;
use std::sync::Arc;

use bytes::Bytes;
use testkit::{TempFolder, deadline};
use tinydb::object_store::{
    CachedObjectStore, CachedObjectStoreOptions, MemoryObjectStore, ObjectStore,
};

use super::{DIRECTORIES, Damage, seconds, step};

const SST: &str = "sst/00000000000000000007.sst";

/// A cache of small parts in the folder.
fn open(inner: &Arc<MemoryObjectStore>, folder: &TempFolder) -> CachedObjectStore {
    let options = CachedObjectStoreOptions {
        root_folder: folder.path().to_path_buf(),
        part_size_bytes: 100,
        max_cache_size_bytes: 10_000,
    };
    CachedObjectStore::open(Arc::clone(inner) as _, options).expect("any folder is opened")
}

/// Reads everything that a cache can answer.
fn assert_answers(cache: &CachedObjectStore, inner: &MemoryObjectStore, what: &str) {
    let meta = inner.head(SST).expect("it is there");
    assert_eq!(cache.head(SST).expect("it is there"), meta, "{what}: the head");
    for range in [0..meta.size, 90..110, 250..meta.size, 0..0] {
        let found = cache.get_range(SST, range.clone()).expect("it is there");
        assert_eq!(found, inner.get_range(SST, range.clone()).expect("it"), "{what}: {range:?}");
    }
    assert_eq!(cache.get(SST).expect("it is there"), inner.get(SST).expect("it"), "{what}");
}

#[test]
fn never_make_an_answer_wrong() {
    let _no_child = DIRECTORIES.lock();
    deadline(seconds(), || {
        let inner = Arc::new(MemoryObjectStore::new());
        let object: Bytes = (0..270_u32).map(|at| (at % 251) as u8).collect();
        inner.put(SST, object).expect("a good path");
        let folder = TempFolder::new();
        assert_answers(&open(&inner, &folder), &inner, "before any damage");
        let files: Vec<_> =
            folder.files().into_iter().map(|path| (fs::read(&path).expect("it"), path)).collect();
        assert_eq!(files.len(), 4, "three parts, and a file to be locked");
        let mut count = 0;
        for (bytes, path) in files {
            let bytes = Bytes::from(bytes);
            for damage in Damage::all(bytes.len()).into_iter().step_by(step()) {
                let what = format!("{}, {damage:?}", path.display());
                match damage.apply(&bytes) {
                    Some(damaged) => fs::write(&path, damaged).expect("a file"),
                    None => fs::remove_file(&path).expect("a file"),
                }
                assert_answers(&open(&inner, &folder), &inner, &what);
                assert_answers(&open(&inner, &folder), &inner, &format!("{what}, mended"));
                assert_eq!(folder.files().len(), 4, "{what}");
                count += 1;
            }
        }
        println!("a part cache: {count} damages of 4 files");
    });
}
