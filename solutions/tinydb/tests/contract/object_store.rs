//! What every object store promises, as tests that any store can be put to.
//!
//! `object_store_contract!(fresh)` makes the tests for the stores that the function `fresh` makes. The
//! crate that uses it has this file as its module `contract`: the local store and the one in memory
//! are tested beside it, and the one for S3 in `solutions/s3/tests`.

use std::any::Any;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tinydb::Error;
use tinydb::object_store::{ObjectStore, validate_path};

/// An empty store.
pub struct Fresh {
    pub store: Arc<dyn ObjectStore>,
    /// How far apart two times of an object must be to differ.
    pub tick: Duration,
    /// What the store needs to live.
    pub _held: Box<dyn Any>,
}

macro_rules! object_store_contract {
    ($fresh:path) => {
        object_store_contract! { $fresh:
            an_object_comes_back_as_it_was_put,
            put_if_absent_leaves_what_is_there,
            of_many_put_if_absent_one_wins,
            parts_become_one_object_if_there_is_none,
            parts_that_end_in_an_error_leave_nothing,
            a_range_is_returned_exactly_or_not_at_all,
            what_is_missing_is_not_found,
            a_listing_is_sorted_and_keeps_to_its_folder,
            an_object_is_not_in_the_folder_of_its_own_name,
            deleting_a_folder_removes_no_object,
            an_empty_object_is_an_object,
            a_second_put_is_the_time_of_an_object,
            an_object_knows_when_it_was_written,
            paths_that_lead_elsewhere_are_refused_by_every_method,
        }
    };
    ($fresh:path: $($promise:ident),* $(,)?) => {
        $(
            #[test]
            fn $promise() {
                crate::contract::$promise(&$fresh());
            }
        )*
    };
}

fn paths(store: &dyn ObjectStore, prefix: &str) -> Vec<String> {
    let listed = store.list(prefix).expect("a listing");
    listed.into_iter().map(|meta| meta.path).collect()
}

pub fn an_object_comes_back_as_it_was_put(fresh: &Fresh) {
    let store = &*fresh.store;
    for object in ["", "x", "a longer object"].map(Bytes::from) {
        store.put("sst/1.sst", object.clone()).expect("a put");
        assert_eq!(store.get("sst/1.sst").expect("a get"), object, "{store:?}");
        assert_eq!(store.head("sst/1.sst").expect("a head").size, object.len() as u64);
    }
}

pub fn put_if_absent_leaves_what_is_there(fresh: &Fresh) {
    let store = &*fresh.store;
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
}

pub fn of_many_put_if_absent_one_wins(fresh: &Fresh) {
    const WRITERS: usize = 16;
    let store = &fresh.store;
    for round in 0..10 {
        let path = format!("manifest/{round:020}");
        let start = Barrier::new(WRITERS);
        let write = |number: usize| {
            start.wait();
            store.put_if_absent(&path, vec![number as u8; 1000].into())
        };
        let results: Vec<_> = thread::scope(|scope| {
            let write = &write;
            let begin = |number| scope.spawn(move || write(number));
            let writers: Vec<_> = (0..WRITERS).map(begin).collect();
            writers.into_iter().map(|writer| writer.join().expect("no panic")).collect()
        });
        let winners: Vec<_> = (0..WRITERS).filter(|&n| results[n].is_ok()).collect();
        assert_eq!(winners.len(), 1, "{store:?}: {results:?}");
        for lost in results.iter().filter_map(|result| result.as_ref().err()) {
            let is_typed = matches!(lost, Error::AlreadyExists { path: lost } if *lost == path);
            assert!(is_typed, "expected Error::AlreadyExists for {path}, found {lost:?}");
        }
        let object = store.get(&path).expect("the winner's object");
        assert_eq!(object, vec![winners[0] as u8; 1000], "the object is the winner's");
    }
}

/// Parts, as a writer makes them.
fn put_parts<const N: usize>(
    store: &dyn ObjectStore,
    path: &str,
    parts: [Result<&'static str, Error>; N],
) -> Result<(), Error> {
    store.put_parts_if_absent(path, &mut parts.into_iter().map(|part| part.map(Bytes::from)))
}

pub fn parts_become_one_object_if_there_is_none(fresh: &Fresh) {
    let store = &*fresh.store;
    put_parts(store, "sst/1.sst", [Ok("one "), Ok(""), Ok("object")]).expect("a put");
    assert_eq!(store.get("sst/1.sst").expect("a get"), "one object", "{store:?}");
    let found = put_parts(store, "sst/1.sst", [Ok("another")]);
    let is_there = matches!(&found, Err(Error::AlreadyExists { path }) if path == "sst/1.sst");
    assert!(is_there, "{store:?}: expected Error::AlreadyExists, found {found:?}");
    assert_eq!(store.get("sst/1.sst").expect("a get"), "one object", "{store:?}");
    put_parts(store, "sst/2.sst", []).expect("a put of no part");
    assert_eq!(store.get("sst/2.sst").expect("a get"), "", "{store:?}");
}

pub fn parts_that_end_in_an_error_leave_nothing(fresh: &Fresh) {
    let store = &*fresh.store;
    let cancelled = || Err(Error::Cancelled { work: "put" });
    let found = put_parts(store, "sst/1.sst", [Ok("half an "), cancelled(), Ok("object")]);
    assert!(matches!(found, Err(Error::Cancelled { .. })), "{store:?}: {found:?}");
    assert!(paths(store, "").is_empty(), "{store:?}");
    put_parts(store, "sst/1.sst", [Ok("whole")]).expect("a put");
    let found = put_parts(store, "sst/1.sst", [Ok("half"), cancelled()]);
    assert!(found.is_err(), "{store:?}: {found:?}");
    assert_eq!(store.get("sst/1.sst").expect("a get"), "whole", "{store:?}");
}

pub fn a_range_is_returned_exactly_or_not_at_all(fresh: &Fresh) {
    let store = &*fresh.store;
    store.put("o", "0123456789".into()).expect("a put");
    for (range, expected) in [(0..10, "0123456789"), (3..5, "34"), (10..10, ""), (0..0, "")] {
        assert_eq!(store.get_range("o", range.clone()).expect("a range"), expected, "{range:?}");
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
}

pub fn what_is_missing_is_not_found(fresh: &Fresh) {
    let store = &*fresh.store;
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
}

pub fn a_listing_is_sorted_and_keeps_to_its_folder(fresh: &Fresh) {
    let store = &*fresh.store;
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
}

pub fn an_object_is_not_in_the_folder_of_its_own_name(fresh: &Fresh) {
    let store = &*fresh.store;
    store.put("sst/1", "x".into()).expect("a put");
    assert!(paths(store, "sst/1").is_empty(), "{store:?}: sst/1 is no folder");
}

pub fn deleting_a_folder_removes_no_object(fresh: &Fresh) {
    let store = &*fresh.store;
    store.put("folder/object", "x".into()).expect("a put");
    // Whether this is an error is another matter: there is no object of this path.
    let _ = store.delete("folder");
    assert_eq!(store.get("folder/object").expect("the object"), "x", "{store:?}");
}

pub fn an_empty_object_is_an_object(fresh: &Fresh) {
    let store = &*fresh.store;
    store.put_if_absent("o", Bytes::new()).expect("no object is there");
    let second = store.put_if_absent("o", "x".into());
    assert!(matches!(second, Err(Error::AlreadyExists { .. })), "{store:?}: {second:?}");
    assert_eq!(store.get("o").expect("a get"), "", "{store:?}");
}

pub fn a_second_put_is_the_time_of_an_object(fresh: &Fresh) {
    let store = &*fresh.store;
    store.put("o", "x".into()).expect("a put");
    let first = store.head("o").expect("a head").last_modified;
    thread::sleep(fresh.tick + Duration::from_millis(30));
    store.put("o", "y".into()).expect("a second put");
    let second = store.head("o").expect("a head").last_modified;
    assert!(second > first, "{store:?}: {second:?} after {first:?}");
}

pub fn an_object_knows_when_it_was_written(fresh: &Fresh) {
    let store = &*fresh.store;
    let slack = Duration::from_secs(5);
    let before = SystemTime::now() - slack;
    store.put("o", "x".into()).expect("a put");
    let meta = store.head("o").expect("a head");
    assert!(meta.last_modified >= before && meta.last_modified <= SystemTime::now() + slack);
    assert_eq!(store.list("").expect("a listing"), [meta], "{store:?}");
}

pub fn paths_that_lead_elsewhere_are_refused_by_every_method(fresh: &Fresh) {
    let store = &*fresh.store;
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
    for path in bad {
        let refused = [
            store.put(path, "x".into()).err(),
            store.put_if_absent(path, "x".into()).err(),
            put_parts(store, path, [Ok("x")]).err(),
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
    for good in ["a", "sst/00000000000000000007.sst", "a-b/c_d.e/0"] {
        validate_path(good).expect("a path of the documented form");
    }
}
