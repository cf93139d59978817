//! Which bucket, where, and with which credentials.

use std::env;
use std::process::Command;

use tinydb::Error;
use tinydb::object_store::ObjectStore;
use tinydb_s3::{S3Builder, S3ObjectStore};

use crate::server::{BUCKET, Server, builder};

fn refused(builder: S3Builder, expected: &str) {
    match builder.open() {
        Err(Error::InvalidArgument { argument, .. }) => assert_eq!(argument, expected),
        other => panic!("expected an error about {expected}, found {other:?}"),
    }
}

#[test]
fn what_makes_no_sense_is_refused_before_anybody_is_asked() {
    let here = || builder("http://127.0.0.1:9");
    refused(here().with_allow_http(false), "endpoint");
    refused(here().with_endpoint("127.0.0.1:9"), "endpoint");
    refused(here().with_tries(0), "tries");
    refused(here().with_part_size(1 << 20), "part_size");
    refused(here().with_prefix("a//b"), "prefix");
    refused(here().with_prefix("../up"), "prefix");
    refused(S3ObjectStore::builder("").with_credentials("a", "b"), "bucket");
}

#[test]
fn stores_of_one_bucket_keep_to_their_folders() {
    let open = |prefix: &str| {
        let store = builder(&Server::shared().endpoint()).with_prefix(prefix);
        store.open().expect("a store")
    };
    let (one, longer, inner) = (open("one"), open("one-more/"), open("/one/inner"));
    one.put("sst/1", "one".into()).expect("a put");
    longer.put("sst/1", "longer".into()).expect("a put");
    inner.put("sst/1", "inner".into()).expect("a put");
    assert_eq!(one.get("inner/sst/1").expect("the inner one's"), "inner");
    let listed: Vec<_> = one.list("").expect("a listing").into_iter().map(|it| it.path).collect();
    assert_eq!(listed, ["inner/sst/1", "sst/1"]);
    assert_eq!(longer.list("").expect("a listing").len(), 1);
}

#[test]
fn what_others_put_into_the_bucket_is_no_object() {
    let store = Server::shared().store();
    store.put("sst/1", "x".into()).expect("a put");
    let other = builder(&Server::shared().endpoint()).with_prefix("Not A Folder/of TinyDB").open();
    other.expect("a store").put("sst/1", "x".into()).expect("a put");
    let whole = builder(&Server::shared().endpoint()).open().expect("a store of the whole bucket");
    let listed = whole.list("").expect("a listing");
    assert!(listed.iter().all(|meta| !meta.path.contains("TinyDB")), "{listed:?}");
    assert!(!listed.is_empty(), "the other objects are there");
}

/// Sets no variable of this process, which other tests share: it runs itself again.
#[test]
fn the_environment_says_where_the_bucket_is() {
    if env::var("TINYDB_S3_PREFIX").is_ok() {
        let store = S3Builder::from_env().and_then(S3Builder::open).expect("a store");
        store.put("o", "from a child".into()).expect("a put");
        return;
    }
    let name = "configuration::the_environment_says_where_the_bucket_is";
    let run = |bucket: Option<&str>| {
        let mut child = Command::new(env::current_exe().expect("this program"));
        child.args(["--exact", name]).env("TINYDB_S3_PREFIX", "environment");
        child.env("AWS_ENDPOINT_URL", Server::shared().endpoint()).env("AWS_ALLOW_HTTP", "true");
        child.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
        match bucket {
            Some(bucket) => child.env("AWS_BUCKET", bucket),
            None => child.env_remove("AWS_BUCKET"),
        };
        child.output().expect("it runs")
    };
    let ran = run(Some(BUCKET));
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stdout));
    let store = builder(&Server::shared().endpoint()).with_prefix("environment").open();
    assert_eq!(store.expect("a store").get("o").expect("the child's object"), "from a child");
    let without = run(None);
    let said = String::from_utf8_lossy(&without.stdout);
    assert!(!without.status.success() && said.contains("AWS_BUCKET"), "{said}");
}
