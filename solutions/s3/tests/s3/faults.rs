//! Lost answers, wrong answers, no answers.

use std::error::Error as _;
use std::net::{SocketAddr, TcpListener};
use std::slice;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tinydb::Error;
use tinydb::object_store::ObjectStore;
use tinydb_s3::{S3Error, S3ObjectStore};

use crate::proxy::{CONFLICT, DENIED, Fault, NOT_S3, PUT_OK, Proxy, SLOW_DOWN};
use crate::server::{BUCKET, Server, builder};

/// A store behind a proxy that gives the first requests of a kind these faults, and no fault to all
/// others. The kind is a part of the method and the target.
fn store_with(kind: &'static str, faults: &[Fault]) -> (Proxy, S3ObjectStore, S3ObjectStore) {
    let mut faults = faults.to_vec();
    faults.reverse();
    let proxy = Proxy::start(Server::shared().address, move |request| match request {
        _ if request.contains(kind) => faults.pop().unwrap_or(Fault::None),
        _ => Fault::None,
    });
    let folder = format!("faults-{}", proxy.endpoint().replace(['.', ':', '/'], "-"));
    let open = |endpoint: &str| builder(endpoint).with_prefix(&folder).open().expect("a store");
    let (behind, direct) = (open(&proxy.endpoint()), open(&Server::shared().endpoint()));
    (proxy, behind, direct)
}

/// The S3 error in an [`Error::Io`].
fn s3_error(error: &Error) -> &S3Error {
    let Error::Io { source, .. } = error else {
        panic!("expected Error::Io, found {error:?}");
    };
    let inner = source.get_ref().and_then(|inner| inner.downcast_ref());
    inner.unwrap_or_else(|| panic!("expected an S3Error in {error:?}"))
}

fn assert_says_words(error: &Error, words: &[&str]) {
    let said = error.to_string();
    for word in words {
        assert!(said.contains(word), "expected {word:?} in the error: {said}");
    }
}

fn assert_says(error: &Error, words: &[&str]) {
    assert_says_words(error, words);
    assert!(error.source().is_some(), "the error has a source: {error:?}");
}

/// Runs something that fails, and must do so within `limit`.
fn fails_within<T: std::fmt::Debug>(
    limit: Duration,
    run: impl FnOnce() -> Result<T, Error>,
) -> Error {
    let start = Instant::now();
    let error = run().expect_err("it fails");
    let took = start.elapsed();
    assert!(took < limit, "expected an error within {limit:?}, it took {took:?}: {error}");
    error
}

#[test]
fn a_put_if_absent_whose_answer_is_lost_has_won() {
    let lost = [Fault::LoseAnswer, Fault::Replace(SLOW_DOWN), Fault::CutAnswer(usize::MAX)];
    for fault in lost {
        let (proxy, store, direct) = store_with("PUT", slice::from_ref(&fault));
        let put = store.put_if_absent("manifest/1", "mine".into());
        assert!(put.is_ok(), "{fault:?}: the object is this writer's, and it was told {put:?}");
        assert_eq!(direct.get("manifest/1").expect("the object"), "mine", "{fault:?}");
        assert_eq!(proxy.seen("PUT"), 2, "{fault:?}: the second try finds the first one's object");
        let again = store.put_if_absent("manifest/1", "mine".into());
        assert!(
            matches!(again, Err(Error::AlreadyExists { .. })),
            "{fault:?}: the same bytes are no reason to say that a new put has won: {again:?}"
        );
    }
}

#[test]
fn a_put_if_absent_that_another_overtook_has_lost() {
    let server = Server::shared();
    for fault in [Fault::LoseRequest, Fault::Answer(SLOW_DOWN)] {
        let other = Arc::new(server.store());
        let (theirs, answer) = (Arc::clone(&other), fault.clone());
        let mut first = true;
        let proxy = Proxy::start(server.address, move |request| {
            if !(first && request.contains("PUT")) {
                return Fault::None;
            }
            first = false;
            // The first request is lost on its way, and meanwhile another writer puts the same bytes.
            theirs.put_if_absent("manifest/1", "same".into()).expect("nothing is there yet");
            answer.clone()
        });
        let store = builder(&proxy.endpoint()).with_prefix(other.prefix()).open();
        let put = store.expect("a store").put_if_absent("manifest/1", "same".into());
        let lost = matches!(put, Err(Error::AlreadyExists { .. }));
        assert!(lost, "{fault:?}: the object is the other writer's, and this one was told {put:?}");
    }
}

#[test]
fn a_conflict_is_tried_again_and_is_not_somebody_elses_object() {
    let (_proxy, store, direct) = store_with("PUT", &[Fault::Answer(CONFLICT)]);
    store.put_if_absent("manifest/1", "mine".into()).expect("the second try");
    assert_eq!(direct.get("manifest/1").expect("the object"), "mine");

    let always = vec![Fault::Answer(CONFLICT); 10];
    let (proxy, store, direct) = store_with("PUT", &always);
    let put = store.put_if_absent("manifest/1", "mine".into()).expect_err("no try succeeds");
    assert!(matches!(put, Error::Io { .. }), "nobody has put an object: {put:?}");
    assert_eq!(proxy.seen("PUT"), 4, "tries");
    assert!(matches!(direct.get("manifest/1"), Err(Error::NotFound { .. })));
}

#[test]
fn when_the_tries_are_used_up_a_put_is_an_error_and_may_be_carried_out() {
    let always = vec![Fault::LoseAnswer; 10];
    let (_proxy, store, direct) = store_with("PUT", &always);
    let error = fails_within(Duration::from_secs(10), || store.put("sst/1", "x".into()));
    assert!(matches!(s3_error(&error), S3Error::NoAnswer { tries: 4, .. }), "{error:?}");
    assert_says(&error, &["s3://tinydb/", "sst/1", "may have been done"]);
    assert_eq!(direct.get("sst/1").expect("it was carried out"), "x");
}

#[test]
fn what_can_be_repeated_is_repeated_after_any_fault() {
    let faults = [
        Fault::LoseRequest,
        Fault::LoseAnswer,
        Fault::Answer(SLOW_DOWN),
        Fault::Replace(SLOW_DOWN),
        Fault::CutAnswer(1),
    ];
    for fault in faults {
        let (_proxy, store, _) = store_with("sst", &[Fault::None, fault.clone()]);
        store.put("sst/1", "0123456789".into()).expect("no fault yet");
        assert_eq!(store.get("sst/1").expect("a get"), "0123456789", "{fault:?}");

        let calls: [fn(&S3ObjectStore); 4] = [
            |store| store.put("sst/1", "abcdefghij".into()).expect("a put"),
            |store| assert_eq!(store.get_range("sst/1", 2..4).expect("a range"), "cd"),
            |store| assert_eq!(store.list("sst").expect("a list").len(), 1),
            |store| store.delete("sst/1").expect("a delete"),
        ];
        for call in calls {
            let (_proxy, store, direct) = store_with("sst", slice::from_ref(&fault));
            direct.put("sst/1", "abcdefghij".into()).expect("a put");
            call(&store);
        }
    }
}

#[test]
fn no_answer_is_an_error_in_time() {
    let proxy = Proxy::start(Server::shared().address, |request| {
        if request.contains("sst") { Fault::Hang } else { Fault::None }
    });
    let patience = Duration::from_millis(200);
    let store = builder(&proxy.endpoint()).with_request_timeout(patience).with_tries(2);
    let store = store.open().expect("a store");
    let calls: [&dyn Fn() -> Result<(), Error>; 6] = [
        &|| store.put("sst/1", "x".into()),
        &|| store.put_if_absent("sst/1", "x".into()),
        &|| store.get("sst/1").map(drop),
        &|| store.get_range("sst/1", 0..1).map(drop),
        &|| store.head("sst/1").map(drop),
        &|| store.delete("sst/1"),
    ];
    for call in calls {
        let error = fails_within(Duration::from_secs(2), call);
        assert!(matches!(s3_error(&error), S3Error::NoAnswer { tries: 2, .. }), "{error:?}");
    }
}

/// A port of this machine that nobody listens on.
fn closed_port() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address")
}

#[test]
fn a_refused_connection_names_the_endpoint() {
    let endpoint = format!("http://{}", closed_port());
    let error = fails_within(Duration::from_secs(10), || builder(&endpoint).open());
    assert!(matches!(s3_error(&error), S3Error::Unreachable { .. }), "{error:?}");
    assert_says(&error, &[&endpoint, "Check the endpoint"]);
}

#[test]
fn a_server_without_tls_is_an_error_and_no_panic() {
    let endpoint = Server::shared().endpoint().replace("http:", "https:");
    let error = fails_within(Duration::from_secs(10), || builder(&endpoint).open());
    assert!(matches!(s3_error(&error), S3Error::Unreachable { .. }), "{error:?}");
    assert_says(&error, &[&endpoint]);
}

#[test]
fn a_server_that_is_no_s3_service_is_an_error() {
    let proxy = Proxy::start(Server::shared().address, |_| Fault::Answer(NOT_S3));
    let error = builder(&proxy.endpoint()).open().expect_err("this is no S3");
    assert!(matches!(s3_error(&error), S3Error::Answered { .. }), "{error:?}");
    assert_says(&error, &[&proxy.endpoint(), "endpoint of an S3 service"]);
}

#[test]
fn a_wrong_bucket_is_named_and_told_to_be_made() {
    let store = S3ObjectStore::builder("no-such-bucket")
        .with_endpoint(Server::shared().endpoint())
        .with_credentials("test", "test")
        .with_allow_http(true);
    let error = fails_within(Duration::from_secs(2), || store.open());
    assert!(matches!(s3_error(&error), S3Error::NoBucket { .. }), "{error:?}");
    assert_says(&error, &["no-such-bucket", "Create it"]);
}

/// A database that finds nothing begins anew, so a bucket that vanished must not look empty.
#[test]
fn a_bucket_that_vanished_is_not_an_object_that_is_missing() {
    let server = Server::start();
    let store = builder(&server.endpoint()).open().expect("a store");
    server.delete_bucket();
    let calls: [&dyn Fn() -> Result<(), Error>; 7] = [
        &|| store.put("sst/1", "x".into()),
        &|| store.put_if_absent("sst/1", "x".into()),
        &|| store.get("sst/1").map(drop),
        &|| store.get_range("sst/1", 0..1).map(drop),
        &|| store.head("sst/1").map(drop),
        &|| store.list("sst").map(drop),
        &|| store.delete("sst/1"),
    ];
    for call in calls {
        let error = fails_within(Duration::from_secs(2), call);
        assert!(matches!(s3_error(&error), S3Error::NoBucket { .. }), "{error:?}");
    }
}

#[test]
fn a_service_that_ignores_conditions_is_found_out() {
    Server::shared().store().check_conditional_puts().expect("moto keeps them");
    let (_proxy, store, _) = store_with("PUT", &[Fault::None, Fault::Answer(PUT_OK)]);
    let error = store.check_conditional_puts().expect_err("the second put has overwritten");
    assert!(matches!(error, Error::InvalidArgument { argument: "endpoint", .. }), "{error:?}");
    assert_says_words(&error, &["If-None-Match"]);
}

#[test]
fn refused_credentials_are_told_at_once() {
    let (proxy, store, _) = store_with("sst", &vec![Fault::Answer(DENIED); 10]);
    let error = fails_within(Duration::from_secs(1), || store.get("sst/1"));
    assert!(matches!(s3_error(&error), S3Error::Denied { .. }), "{error:?}");
    assert_says(&error, &["AccessDenied", "Check the access key", BUCKET]);
    assert_eq!(proxy.seen("sst"), 1, "asking again would not help");
}

#[test]
fn a_server_that_dies_is_an_error_in_time_and_no_hang() {
    let server = Server::start();
    let store = builder(&server.endpoint()).with_tries(2).open().expect("a store");
    let store = Arc::new(store);
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let store = Arc::clone(&store);
            thread::spawn(move || {
                (0..).find_map(|number| {
                    let object = Bytes::from(vec![0; 100_000]);
                    store.put_if_absent(&format!("sst/{writer}-{number}"), object).err()
                })
            })
        })
        .collect();
    thread::sleep(Duration::from_millis(300));
    server.kill();
    let killed = Instant::now();
    for writer in writers {
        let error = writer.join().expect("no panic").expect("the server is gone");
        assert!(matches!(error, Error::Io { .. }), "{error:?}");
    }
    let took = killed.elapsed();
    assert!(took < Duration::from_secs(5), "expected errors soon after the end, it took {took:?}");
}
