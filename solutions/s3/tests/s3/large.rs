//! Large objects, and many.

use std::sync::{Arc, Mutex};
use std::thread;

use bytes::Bytes;
use tinydb::Error;
use tinydb::object_store::ObjectStore;
use tinydb_s3::S3ObjectStore;

use crate::proxy::{Fault, Proxy};
use crate::server::{Server, builder};

const MIB: usize = 1 << 20;

/// 20 MiB, of which no two blocks of 1 KiB are equal.
fn large(seed: u32) -> Bytes {
    let mut bytes = vec![seed as u8; 20 * MIB];
    for (number, block) in (0u32..).zip(bytes.chunks_exact_mut(1024)) {
        block[..4].copy_from_slice(&number.to_le_bytes());
    }
    bytes.into()
}

fn store_behind(
    folder: &str,
    decide: impl FnMut(&str) -> Fault + Send + 'static,
) -> (Proxy, S3ObjectStore, S3ObjectStore) {
    let proxy = Proxy::start(Server::shared().address, decide);
    let open = |endpoint: &str| builder(endpoint).with_prefix(folder).open().expect("a store");
    let (behind, direct) = (open(&proxy.endpoint()), open(&Server::shared().endpoint()));
    (proxy, behind, direct)
}

#[test]
fn a_large_object_goes_in_parts_and_comes_back() {
    let (proxy, store, _) = store_behind("parts", |_| Fault::None);
    let object = large(0);
    store.put("sst/1", object.clone()).expect("a put");
    assert_eq!(proxy.seen("partNumber="), 3, "20 MiB are parts of 8, 8 and 4");
    assert!(store.get("sst/1").expect("a get") == object, "other bytes came back");
    let range = 8 * MIB as u64 - 5..16 * MIB as u64 + 5;
    let found = store.get_range("sst/1", range.clone()).expect("a range over all parts");
    assert!(found == object.slice(range.start as usize..range.end as usize), "other bytes");
    assert_eq!(store.head("sst/1").expect("a head").size, object.len() as u64);
}

#[test]
fn parts_are_not_seen_before_the_last() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let look = {
        let (seen, server) = (Arc::clone(&seen), Server::shared());
        let direct = builder(&server.endpoint()).with_prefix("unseen").open().expect("a store");
        move |request: &str| {
            if request.contains("uploadId=") {
                seen.lock().expect("no panic").push(direct.get("sst/1").map(|object| object.len()));
            }
            Fault::None
        }
    };
    let (_proxy, store, direct) = store_behind("unseen", look);
    direct.put("sst/1", "the old one".into()).expect("a put");
    store.put("sst/1", large(1)).expect("a put");
    let seen = seen.lock().expect("no panic");
    assert_eq!(seen.len(), 4, "three parts and the request that completes them");
    for size in seen.iter() {
        assert!(matches!(size, Ok(11)), "expected the old object, {size:?} bytes were seen");
    }
}

#[test]
fn an_upload_that_fails_leaves_the_old_object_and_clears_up() {
    let (proxy, store, direct) = store_behind("fails", |request| {
        if request.contains("partNumber=2") { Fault::LoseRequest } else { Fault::None }
    });
    direct.put("sst/1", "the old one".into()).expect("a put");
    let put = store.put("sst/1", large(2));
    assert!(matches!(put, Err(Error::Io { .. })), "one part never arrives: {put:?}");
    assert_eq!(direct.get("sst/1").expect("the old object"), "the old one");
    assert_eq!(proxy.seen("DELETE"), 1, "the upload is given up");
}

#[test]
fn a_completed_upload_whose_answer_is_lost_has_succeeded() {
    let mut losses = 1;
    let (_proxy, store, direct) = store_behind("completed", move |request| {
        let completes = request.starts_with("POST") && request.contains("uploadId=");
        let lose = completes && losses > 0;
        losses -= i32::from(lose);
        if lose { Fault::LoseAnswer } else { Fault::None }
    });
    store.put("sst/1", large(3)).expect("the upload was completed");
    assert!(direct.get("sst/1").expect("the object") == large(3), "other bytes came back");
}

#[test]
fn a_large_put_if_absent_is_one_request_and_has_one_winner() {
    let (proxy, store, _) = store_behind("condition", |_| Fault::None);
    let store = &store;
    let won: Vec<_> = thread::scope(|scope| {
        let put = |number: u32| {
            scope.spawn(move || store.put_if_absent("sst/1", large(number)).map(|()| number))
        };
        let writers: Vec<_> = (0..3).map(put).collect();
        writers.into_iter().map(|writer| writer.join().expect("no panic")).collect()
    });
    let winners: Vec<_> = won.iter().flatten().collect();
    assert_eq!(winners.len(), 1, "{won:?}");
    assert_eq!(proxy.seen("PUT"), 3, "requests");
    let found = store.get("sst/1").expect("the winner's object");
    assert!(found == large(*winners[0]), "the object is not the winner's");
}

#[test]
fn a_listing_of_more_than_a_page_has_every_object_in_order() {
    const OBJECTS: usize = 1_100;
    let (proxy, store, direct) = store_behind("many", |_| Fault::None);
    let path = |number: usize| format!("sst/{number:05}.sst");
    thread::scope(|scope| {
        for writer in 0..8 {
            let direct = &direct;
            scope.spawn(move || {
                for number in (writer..OBJECTS).step_by(8) {
                    direct.put(&path(number), Bytes::new()).expect("a put");
                }
            });
        }
    });
    let before = proxy.seen("list-type");
    let listed = store.list("sst").expect("a listing");
    let listed: Vec<_> = listed.into_iter().map(|meta| meta.path).collect();
    assert!(listed == (0..OBJECTS).map(path).collect::<Vec<_>>(), "{} objects", listed.len());
    assert_eq!(proxy.seen("list-type") - before, 2, "pages");
}
