//! The room `object_store/`: what every store promises, and what only the local one can break.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;
use tinydb::Error;
use tinydb::object_store::{LocalObjectStore, MemoryObjectStore, ObjectStore};

use contract::Fresh;

#[macro_use]
#[path = "contract/object_store.rs"]
mod contract;

mod memory {
    object_store_contract!(super::fresh_memory);
}

mod local {
    object_store_contract!(super::fresh_local);
}

fn fresh_memory() -> Fresh {
    Fresh { store: Arc::new(MemoryObjectStore::new()), tick: Duration::ZERO, _held: Box::new(()) }
}

fn fresh_local() -> Fresh {
    let (folder, store) = local();
    Fresh { store: Arc::new(store), tick: Duration::ZERO, _held: Box::new(folder) }
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
fn parts_that_end_in_an_error_leave_no_file() {
    let (folder, store) = local();
    let parts = [Ok("half an object".into()), Err(Error::Closed)];
    store.put_parts_if_absent("sst/1", &mut parts.into_iter()).expect_err("the second part");
    assert_eq!(files(folder.path()), [""; 0]);
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
fn a_file_that_is_kept_open_is_not_read_once_it_was_replaced_or_deleted() {
    let (_folder, store) = local();
    for round in 0..3_u8 {
        store.put("sst/1.sst", vec![round; 9].into()).expect("a put");
        for _ in 0..2 {
            let part = store.get_range("sst/1.sst", 3..5).expect("a part of it");
            assert_eq!(part, vec![round; 2], "in round {round}");
        }
    }
    store.delete("sst/1.sst").expect("a delete");
    let gone = store.get_range("sst/1.sst", 3..5);
    assert!(matches!(gone, Err(Error::NotFound { .. })), "{gone:?}");
}

#[test]
fn what_another_store_replaces_or_deletes_is_seen_by_get_and_its_parts_are_those_of_one_object() {
    let (folder, store) = local();
    let other = LocalObjectStore::open(folder.path().join("a/b")).expect("the same folder");
    let parts_seen = |of: &[&[u8]]| {
        let part = store.get_range("sst/1.sst", 3..5);
        assert!(part.as_ref().is_ok_and(|part| of.contains(&&**part)), "{part:?} of {of:?}");
    };
    other.put("sst/1.sst", "old old old".into()).expect("a put");
    parts_seen(&[b" o"]);
    other.put("sst/1.sst", "new new new".into()).expect("a put");
    assert_eq!(store.get("sst/1.sst").expect("an object"), "new new new");
    parts_seen(&[b" o", b" n"]);
    other.delete("sst/1.sst").expect("a delete");
    assert!(matches!(store.get("sst/1.sst"), Err(Error::NotFound { .. })));
    assert!(matches!(store.head("sst/1.sst"), Err(Error::NotFound { .. })));
    store.put_if_absent("sst/1.sst", "one of my own".into()).expect("the path is free");
    parts_seen(&[b" o"]);
    assert_eq!(store.get_range("sst/1.sst", 0..3).expect("a part"), "one");
}

/// More files than are kept open, each read by several threads: every one is found again.
#[test]
fn more_files_are_read_than_are_kept_open() {
    let (_folder, store) = local();
    let path = |number: u8| format!("sst/{number}");
    for number in 0..150 {
        store.put(&path(number), vec![number; 9].into()).expect("a put");
    }
    std::thread::scope(|scope| {
        for thread in 0..4_u8 {
            let store = &store;
            scope.spawn(move || {
                for number in (0..150_u8).map(|n| n.wrapping_mul(7 + 2 * thread) % 150) {
                    let part = store.get_range(&path(number), 2..4).expect("a part");
                    assert_eq!(part, vec![number; 2]);
                }
            });
        }
    });
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

/// The folder's sync fails because it can't be opened: whoever is root can open it, and sees nothing here.
#[cfg(unix)]
#[test]
fn an_object_is_not_read_as_long_as_its_name_could_not_be_synced() {
    use std::os::unix::fs::PermissionsExt;

    let (folder, store) = local();
    store.put("f/a", "1".into()).expect("a put");
    let directory = folder.path().join("a/b/f");
    let permit = |mode| fs::set_permissions(&directory, fs::Permissions::from_mode(mode));
    permit(0o300).expect("a folder that can be written and not be read");
    if fs::read_dir(&directory).is_err() {
        for path in ["f/b", "f/b", "f/c"] {
            let put = store.put_if_absent(path, "2".into());
            assert!(matches!(put, Err(Error::Io { .. })), "a put of {path}: {put:?}");
            let got = store.get(path);
            assert!(matches!(got, Err(Error::Io { .. })), "a power cut may take {path}: {got:?}");
        }
    }
    permit(0o700).expect("a folder");
    assert_eq!(store.get("f/a").expect("a get"), "1");
    if store.head("f/b").is_ok() {
        assert_eq!(store.get("f/b").expect("a get, with a sync before it"), "2");
    }
}
