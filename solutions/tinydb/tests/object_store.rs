//! The room `object_store/`: what every store promises, and what only the local one can break.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tempfile::TempDir;
use tinydb::Error;
use tinydb::object_store::{LocalObjectStore, MemoryObjectStore, ObjectStore, validate_path};

/// Runs a check on each kind of store.
fn on_every_store(check: impl Fn(&dyn ObjectStore)) {
    check(&MemoryObjectStore::new());
    let (_folder, store) = local();
    check(&store);
}

fn local() -> (TempDir, LocalObjectStore) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = LocalObjectStore::open(folder.path().join("a/b")).expect("a store in a new folder");
    (folder, store)
}

fn paths(store: &dyn ObjectStore, prefix: &str) -> Vec<String> {
    let listed = store.list(prefix).expect("a listing");
    listed.into_iter().map(|meta| meta.path).collect()
}

/// Every file under a folder, the hidden ones too.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path.file_name().expect("a name").to_string_lossy().into_owned());
        }
    }
    found
}

#[test]
fn an_object_comes_back_as_it_was_put() {
    on_every_store(|store| {
        for object in ["", "x", "a longer object"].map(Bytes::from) {
            store.put("sst/1.sst", object.clone()).expect("a put");
            assert_eq!(store.get("sst/1.sst").expect("a get"), object, "{store:?}");
            assert_eq!(store.head("sst/1.sst").expect("a head").size, object.len() as u64);
        }
    });
}

#[test]
fn put_if_absent_leaves_what_is_there() {
    on_every_store(|store| {
        store.put_if_absent("manifest/1", "first".into()).expect("no object is there");
        for _ in 0..2 {
            match store.put_if_absent("manifest/1", "second".into()) {
                Err(Error::AlreadyExists { path }) => assert_eq!(path, "manifest/1"),
                other => panic!("{store:?}: expected Error::AlreadyExists, found {other:?}"),
            }
        }
        assert_eq!(store.get("manifest/1").expect("a get"), "first");
        store.delete("manifest/1").expect("a delete");
        store.put_if_absent("manifest/1", "third".into()).expect("no object is there any more");
    });
}

#[test]
fn of_many_put_if_absent_one_wins() {
    const WRITERS: usize = 16;
    let (_folder, local) = local();
    let stores: [Arc<dyn ObjectStore>; 2] = [Arc::new(MemoryObjectStore::new()), Arc::new(local)];
    for store in stores {
        for round in 0..10 {
            let path = format!("manifest/{round:020}");
            let start = Arc::new(Barrier::new(WRITERS));
            let writers: Vec<_> = (0..WRITERS)
                .map(|number| {
                    let (store, path) = (Arc::clone(&store), path.clone());
                    let start = Arc::clone(&start);
                    thread::spawn(move || {
                        start.wait();
                        store.put_if_absent(&path, vec![number as u8; 1000].into())
                    })
                })
                .collect();
            let results: Vec<_> =
                writers.into_iter().map(|writer| writer.join().expect("no panic")).collect();
            let winners: Vec<_> = (0..WRITERS).filter(|&n| results[n].is_ok()).collect();
            assert_eq!(winners.len(), 1, "{store:?}: {results:?}");
            let object = store.get(&path).expect("the winner's object");
            assert_eq!(object, vec![winners[0] as u8; 1000], "the object is the winner's");
        }
    }
}

#[test]
fn a_range_is_returned_exactly_or_not_at_all() {
    on_every_store(|store| {
        store.put("o", "0123456789".into()).expect("a put");
        for (range, expected) in [(0..10, "0123456789"), (3..5, "34"), (10..10, ""), (0..0, "")] {
            assert_eq!(
                store.get_range("o", range.clone()).expect("a range"),
                expected,
                "{range:?}"
            );
        }
        #[expect(clippy::reversed_empty_ranges, reason = "a bad range is what is tested")]
        for range in [0..11, 10..11, 11..11, 5..4, 0..u64::MAX, u64::MAX..u64::MAX] {
            match store.get_range("o", range.clone()) {
                Err(Error::OutOfRange { path, size: 10, start, end }) => {
                    assert_eq!((path.as_str(), start..end), ("o", range));
                }
                other => panic!("{range:?}: expected Error::OutOfRange, found {other:?}"),
            }
        }
    });
}

#[test]
fn what_is_missing_is_not_found() {
    on_every_store(|store| {
        store.put("folder/object", "x".into()).expect("a put");
        for missing in ["object", "folder", "folder/object/below", "folder/other"] {
            let errors = [
                store.get(missing).expect_err("get"),
                store.get_range(missing, 0..1).expect_err("get_range"),
                store.head(missing).expect_err("head"),
            ];
            for error in errors {
                let is_not_found = matches!(&error, Error::NotFound { path } if path == missing);
                assert!(is_not_found, "{store:?}, {missing}: {error:?}");
            }
            store.delete(missing).expect("deleting what is missing is no error");
        }
    });
}

#[test]
fn a_listing_is_sorted_and_keeps_to_its_folder() {
    on_every_store(|store| {
        for path in ["sst/2", "sst/10", "sst/1", "sst-old/1", "wal/1", "sst/deep/1"] {
            store.put(path, "x".into()).expect("a put");
        }
        assert_eq!(paths(store, "sst"), ["sst/1", "sst/10", "sst/2", "sst/deep/1"], "{store:?}");
        let all = ["sst-old/1", "sst/1", "sst/10", "sst/2", "sst/deep/1", "wal/1"];
        assert_eq!(paths(store, ""), all, "{store:?}");
        assert_eq!(paths(store, "sst/deep"), ["sst/deep/1"]);
        assert!(paths(store, "nothing").is_empty());
        store.delete("sst/10").expect("a delete");
        assert_eq!(paths(store, "sst"), ["sst/1", "sst/2", "sst/deep/1"], "{store:?}");
    });
}

#[test]
fn an_object_is_not_in_the_folder_of_its_own_name() {
    on_every_store(|store| {
        store.put("sst/1", "x".into()).expect("a put");
        assert!(paths(store, "sst/1").is_empty(), "{store:?}: sst/1 is no folder");
    });
}

#[test]
fn deleting_a_folder_removes_no_object() {
    on_every_store(|store| {
        store.put("folder/object", "x".into()).expect("a put");
        // Whether this is an error is another matter: there is no object of this path.
        let _ = store.delete("folder");
        assert_eq!(store.get("folder/object").expect("the object"), "x", "{store:?}");
    });
}

#[test]
fn an_empty_object_is_an_object() {
    on_every_store(|store| {
        store.put_if_absent("o", Bytes::new()).expect("no object is there");
        let second = store.put_if_absent("o", "x".into());
        assert!(matches!(second, Err(Error::AlreadyExists { .. })), "{store:?}: {second:?}");
        assert_eq!(store.get("o").expect("a get"), "", "{store:?}");
    });
}

#[test]
fn a_second_put_is_the_time_of_an_object() {
    on_every_store(|store| {
        store.put("o", "x".into()).expect("a put");
        let first = store.head("o").expect("a head").last_modified;
        thread::sleep(Duration::from_millis(30));
        store.put("o", "y".into()).expect("a second put");
        let second = store.head("o").expect("a head").last_modified;
        assert!(second > first, "{store:?}: {second:?} after {first:?}");
    });
}

#[test]
fn a_new_object_is_seen_whole_or_not_at_all() {
    const SIZE: usize = 1 << 23;
    let (_folder, store) = local();
    let store = Arc::new(store);
    for round in 0..4 {
        let path = format!("sst/{round}");
        let writer = {
            let (store, path) = (Arc::clone(&store), path.clone());
            thread::spawn(move || store.put_if_absent(&path, vec![7; SIZE].into()))
        };
        let found = loop {
            let put = writer.is_finished();
            match store.get(&path) {
                Err(Error::NotFound { .. }) if !put => {}
                other => break other.expect("an object or none"),
            }
        };
        assert_eq!(found.len(), SIZE, "bytes seen while {path} was put");
        writer.join().expect("no panic").expect("a put");
    }
}

#[test]
fn a_put_does_not_write_into_the_object_it_replaces() {
    let (folder, store) = local();
    store.put("sst/1", "old".into()).expect("a put");
    let reader = folder.path().join("another name of the old file");
    fs::hard_link(folder.path().join("a/b/sst/1"), &reader).expect("a link");
    store.put("sst/1", "new".into()).expect("a second put");
    assert_eq!(fs::read(reader).expect("the old file"), b"old", "a crash could leave half of it");
}

#[test]
fn an_object_knows_when_it_was_written() {
    on_every_store(|store| {
        let slack = Duration::from_secs(5);
        let before = SystemTime::now() - slack;
        store.put("o", "x".into()).expect("a put");
        let meta = store.head("o").expect("a head");
        assert!(meta.last_modified >= before && meta.last_modified <= SystemTime::now() + slack);
        assert_eq!(store.list("").expect("a listing"), [meta], "{store:?}");
    });
}

#[test]
fn paths_that_lead_elsewhere_are_refused_by_every_method() {
    let bad = [
        "",
        "/",
        "/etc/passwd",
        "a/",
        "a//b",
        ".",
        "..",
        "../up",
        "a/../../up",
        ".hidden",
        "a/.tmp",
        "a b",
        "UPPER",
        "a\\b",
        "c:",
        "käse",
        "a\0b",
        "a\n",
    ];
    on_every_store(|store| {
        for path in bad {
            let refused = [
                store.put(path, "x".into()).err(),
                store.put_if_absent(path, "x".into()).err(),
                store.get(path).err(),
                store.get_range(path, 0..0).err(),
                store.head(path).err(),
                store.delete(path).err(),
                if path.is_empty() { store.get(path).err() } else { store.list(path).err() },
            ];
            for error in refused {
                let is_refusal = matches!(error, Some(Error::InvalidArgument { .. }));
                assert!(is_refusal, "{store:?}, {path:?}: {error:?}");
            }
        }
    });
    for good in ["a", "sst/00000000000000000007.sst", "a-b/c_d.e/0"] {
        validate_path(good).expect("a path of the documented form");
    }
}

#[test]
fn a_local_store_leaves_no_temporary_file() {
    let (folder, store) = local();
    store.put("sst/1", "x".into()).expect("a put");
    store.put("sst/1", "y".into()).expect("a second put");
    store.put_if_absent("sst/2", "x".into()).expect("a put");
    store.put_if_absent("sst/2", "x".into()).expect_err("an object is there");
    let mut left = files(folder.path());
    left.sort();
    assert_eq!(left, ["1", "2"]);
}

#[test]
fn what_a_crash_left_behind_is_no_object() {
    let (folder, store) = local();
    store.put("sst/1", "x".into()).expect("a put");
    let sst = folder.path().join("a/b/sst");
    fs::write(sst.join(".4711-0.tmp"), "half an obj").expect("a left-over");
    fs::write(sst.join("not an object.txt"), "somebody's notes").expect("a stranger's file");
    assert_eq!(paths(&store, ""), ["sst/1"]);
    store.put("sst/2", "y".into()).expect("a put beside what was left");
}

#[test]
fn a_name_that_another_process_took_is_passed_over() {
    let (folder, store) = local();
    store.put("sst/1", "x".into()).expect("a put");
    let sst = folder.path().join("a/b/sst");
    let pid = std::process::id();
    for number in 0..200 {
        fs::write(sst.join(format!(".{pid}-{number}.tmp")), "another's").expect("a file");
    }
    store.put("sst/1", "mine".into()).expect("a put");
    assert_eq!(store.get("sst/1").expect("a get"), "mine");
    assert_eq!(files(&sst).len(), 201, "the other process's files are left alone");
}

#[test]
fn two_local_stores_of_one_folder_see_each_other() {
    let (folder, first) = local();
    let second = LocalObjectStore::open(folder.path().join("a/b")).expect("the same folder");
    first.put_if_absent("manifest/1", "first".into()).expect("a put");
    second.put_if_absent("manifest/1", "second".into()).expect_err("the first store's object");
    assert_eq!(second.get("manifest/1").expect("a get"), "first");
}

#[test]
fn a_file_where_a_folder_should_be_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("file");
    fs::write(&path, "x").expect("a file");
    let error = LocalObjectStore::open(path.join("store")).expect_err("a folder below a file");
    assert!(error.to_string().contains("file"), "{error}");

    let store = LocalObjectStore::open(folder.path()).expect("a store");
    let error = store.put("file/below", "x".into()).expect_err("an object below an object");
    assert!(matches!(error, Error::Io { .. }), "{error:?}");
    assert_eq!(fs::read(&path).expect("the file"), b"x", "the file is left as it was");
}
