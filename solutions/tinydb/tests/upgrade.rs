//! Files that an older version of the program wrote are read by this one.
//!
//! `fixtures/v1/db` is the directory of a database, and `fixtures/v1/orders.sst` a single SST. Both were
//! written when version 1 of the SST format was the only one, by the ignored test at the end of this
//! file. They are kept for ever: DO NOT WRITE THEM ANEW. When there is a later version to be kept,
//! `TINYDB_FIXTURES=solutions/tinydb/tests/fixtures/v2 cargo test --package tinydb --test upgrade -- --ignored`
//! writes its files into a new folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use tempfile::TempDir;
use testkit::assert_bytes;
use tinydb::format::{FormatVersion, RowEntry};
use tinydb::merge::CounterMergeOperator;
use tinydb::object_store::{LocalObjectStore, MemoryObjectStore, ObjectStore};
use tinydb::storage::{Durability, SstBuilder, SstOptions, SstReader};
use tinydb::{Db, Settings, WriteBatch};

/// How many orders the database has, 20 for each user.
const ORDERS: u64 = 240;
/// How many counters.
const COUNTERS: u64 = 8;
/// Small, so that a few rows make several blocks.
const BLOCK_SIZE: usize = 512;

type Contents = BTreeMap<Bytes, Bytes>;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v1").join(name)
}

fn order_key(n: u64) -> String {
    format!("user/{:06}/order/{:05}", n / 20, n % 20)
}

fn counter_key(n: u64) -> String {
    format!("count/{n}")
}

/// The value of an order after the `round`th change of it; of different lengths, and sometimes empty.
fn order(n: u64, round: u64) -> String {
    let words = ["apple", "pear", "kiwi", "mango", "fig"];
    let len = (n * 7 + round * 3) % 5;
    (0..len).map(|word| format!("{}{round} ", words[(n + word) as usize % words.len()])).collect()
}

/// A change of the database; what it means is in `apply_to_map` and in `apply_to_db`.
#[derive(Debug, Clone)]
enum Change {
    Put(Vec<u8>, Vec<u8>),
    Delete(Vec<u8>),
    Count(String, u64),
}

fn put(key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Change {
    Change::Put(key.into(), value.into())
}

/// The changes of one part of the database's life. Behind parts 0 and 1 there is a flush; part 2 is in
/// the WAL only. Every part gives values to keys that others have too, and deletes some.
fn changes(part: u64) -> Vec<Change> {
    let orders = (0..ORDERS).filter(|n| part == 0 || n % (part + 2) == 0);
    let mut changes: Vec<_> = orders.map(|n| put(order_key(n), order(n, part))).collect();
    changes.extend(
        (0..ORDERS).filter(|n| n % 11 == part).map(|n| Change::Delete(order_key(n).into())),
    );
    changes.extend((0..COUNTERS).map(|n| Change::Count(counter_key(n), n + part)));
    changes.push(Change::Delete(counter_key(part).into()));
    changes.extend((part..3).map(|n| Change::Count(counter_key(n), 100)));
    changes.push(put([0], "the least key"));
    changes.push(put([0xff; 300], format!("the longest key, part {part}")));
    changes.push(put(format!("only in part {part}"), [0, 0xff, part as u8]));
    changes
}

fn apply_to_map(contents: &mut Contents, changes: &[Change]) {
    for change in changes {
        match change.clone() {
            Change::Put(key, value) => _ = contents.insert(key.into(), value.into()),
            Change::Delete(key) => _ = contents.remove(&key[..]),
            Change::Count(key, more) => {
                let count = contents.get(key.as_bytes()).map_or(0, |count| {
                    CounterMergeOperator::decode(count).expect("a counter has eight bytes")
                });
                contents.insert(key.into(), CounterMergeOperator::encode(count + more));
            }
        }
    }
}

fn apply_to_db(db: &Db, changes: &[Change]) {
    // Some alone, some in batches.
    for (number, changes) in changes.chunks(9).enumerate() {
        let mut batch = WriteBatch::new();
        for change in changes {
            match change {
                Change::Put(key, value) => batch.put(key, value),
                Change::Delete(key) => batch.delete(key),
                Change::Count(key, more) => batch.merge(key, CounterMergeOperator::encode(*more)),
            }
            if number % 2 == 0 {
                db.write(std::mem::take(&mut batch)).expect("a write to a local disk");
            }
        }
        if !batch.is_empty() {
            db.write(batch).expect("a write to a local disk");
        }
    }
}

/// What the database of version 1 holds.
fn contents() -> Contents {
    let mut contents = Contents::new();
    (0..3).for_each(|part| apply_to_map(&mut contents, &changes(part)));
    contents
}

fn open(directory: &Path) -> Db {
    let settings = Settings {
        sst_block_size: BLOCK_SIZE,
        durability: Durability::Sync,
        ..Settings::default()
    };
    let builder = Db::builder(directory).with_settings(settings);
    builder.with_merge_operator(Arc::new(CounterMergeOperator)).build().expect("the database opens")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder in a temporary folder");
    for entry in fs::read_dir(from).expect("the fixture is there") {
        let entry = entry.expect("the fixture can be listed");
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("a copy in a temporary folder");
        }
    }
}

/// A copy of the kept database.
fn directory() -> TempDir {
    let directory = TempDir::new().expect("a temporary folder");
    copy(&fixture("db"), directory.path());
    directory
}

#[track_caller]
fn assert_contents(db: &Db, expected: &Contents, when: &str) {
    for (key, value) in expected {
        let found = db.get(key).expect("a read of a local disk");
        assert_eq!(found.as_ref(), Some(value), "{when}: the value of {key:?}");
    }
    for n in 0..ORDERS {
        let found = db.get(order_key(n)).expect("a read of a local disk");
        let expected = expected.get(order_key(n).as_bytes());
        assert_eq!(found.as_ref(), expected, "{when}: the value of {}", order_key(n));
    }
    let all = db.scan(..).expect("a scan").collect::<Result<Vec<_>, _>>().expect("a scan");
    let found: Vec<_> = all.into_iter().map(|row| (row.key, row.value)).collect();
    let expected: Vec<_> =
        expected.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    assert_eq!(found, expected, "{when}: everything in order");
}

/// Every SST below a directory, and its version.
fn versions(directory: &Path) -> BTreeMap<String, FormatVersion> {
    let store: Arc<dyn ObjectStore> =
        Arc::new(LocalObjectStore::open(directory).expect("the directory is there"));
    let ssts = store.list("sst").expect("a list of a local folder");
    let version =
        |path: &str| SstReader::open(store.clone(), path).expect("an SST").footer().version;
    ssts.into_iter().map(|sst| (sst.path.clone(), version(&sst.path))).collect()
}

#[test]
fn a_database_of_version_1_has_every_value() {
    let directory = directory();
    let kept = versions(directory.path());
    assert_eq!(kept.len(), 2, "{kept:?}");
    assert!(kept.values().all(|version| *version == FormatVersion::V1), "{kept:?}");
    for round in ["opened", "opened again"] {
        let db = open(directory.path());
        assert_contents(&db, &contents(), round);
        db.close().expect("a close");
    }
}

#[test]
fn files_of_both_versions_are_read_together() {
    let directory = directory();
    let kept = versions(directory.path());
    let mut expected = contents();
    let db = open(directory.path());
    let mut before = expected.clone();
    let snapshot = db.snapshot().expect("a snapshot");
    for round in 3..6 {
        apply_to_db(&db, &changes(round));
        apply_to_map(&mut expected, &changes(round));
        assert_contents(&db, &expected, "written");
        db.flush().expect("a flush");
        assert_contents(&db, &expected, "flushed");
    }
    before.retain(|key, value| {
        let found = snapshot.get(key).expect("a read of a local disk");
        found.as_ref() != Some(value)
    });
    assert_eq!(before, Contents::new(), "a snapshot of the database as it was opened");
    drop(snapshot);
    db.close().expect("a close");

    let new = versions(directory.path());
    let new: Vec<_> = new.iter().filter(|(path, _)| !kept.contains_key(*path)).collect();
    assert!(new.len() >= 3, "three flushes wrote {new:?}");
    assert!(new.iter().all(|(_, version)| **version == SstOptions::default().version), "{new:?}");
    assert_contents(&open(directory.path()), &expected, "opened again");
}

/// Rows of one SST: several versions of keys, tombstones, merge operands, an empty value, a key like
/// no other.
fn sst_rows() -> Vec<RowEntry> {
    let mut rows = vec![RowEntry::new_value(vec![0], "the least key", u64::MAX)];
    for n in 0..ORDERS / 2 {
        let key = order_key(n);
        match n % 9 {
            2 => rows.push(RowEntry::new_tombstone(key.clone(), n + 1000)),
            4 => rows.push(RowEntry::new_merge(key.clone(), "+1", n + 2000)),
            7 => rows
                .extend((3..40).rev().map(|seq| RowEntry::new_value(key.clone(), "", 500 + seq))),
            _ => {}
        }
        rows.push(RowEntry::new_value(key, order(n, 1), n));
    }
    rows.push(RowEntry::new_value("z", vec![b'z'; 2 * BLOCK_SIZE], 0));
    rows
}

/// The rows as an SST.
fn sst(mut builder: SstBuilder) -> Bytes {
    for row in sst_rows() {
        builder.add(&row).expect("a row that keeps the limits");
    }
    builder.finish().expect("an SST has rows")
}

#[test]
fn version_1_is_encoded_as_it_always_was() {
    let kept = fs::read(fixture("orders.sst")).expect("the fixture is there");
    let what = "an SST of version 1. It differs from those that users have: a change of the format \
                needs a new version";
    assert_bytes(&sst(SstBuilder::new(BLOCK_SIZE)), &kept, what);
}

#[test]
fn an_sst_of_version_1_has_every_row() {
    let kept = fs::read(fixture("orders.sst")).expect("the fixture is there");
    let store = MemoryObjectStore::new();
    store.put("sst", kept.into()).expect("a put into memory");
    let sst = Arc::new(SstReader::open(Arc::new(store), "sst").expect("an SST of version 1"));
    assert_eq!(sst.footer().version, FormatVersion::V1);
    let rows = sst_rows();
    for row in &rows {
        let found = sst.get(&row.key, row.seq).expect("a block of version 1");
        assert_eq!(found.as_ref(), Some(row), "{:?} at {}", row.key, row.seq);
    }
    assert_eq!(sst.get(b"user/", u64::MAX).expect("a block of version 1"), None);
    assert!(sst.index().blocks.len() > 10, "{} blocks", sst.index().blocks.len());
}

/// Writes the files of the version that this program writes: see the top of this file.
#[test]
#[ignore = "writes files to be kept, into the new folder that TINYDB_FIXTURES names"]
fn write_fixtures() {
    let folder = std::env::var("TINYDB_FIXTURES").expect("TINYDB_FIXTURES names a new folder");
    // Tests run in the folder of their package; the name is given from the repository's.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder);
    assert!(!folder.exists(), "{folder:?} exists: files that are kept are not written anew");
    let directory = TempDir::new().expect("a temporary folder");
    let db = open(directory.path());
    for part in 0..3 {
        let changes = changes(part);
        let (first, second) = changes.split_at(changes.len() / 2);
        apply_to_db(&db, first);
        // With a snapshot open, the flush keeps versions that newer ones hide.
        let snapshot = db.snapshot().expect("a snapshot");
        apply_to_db(&db, second);
        if part < 2 {
            db.flush().expect("a flush");
        }
        drop(snapshot);
    }
    assert_contents(&db, &contents(), "before the files are copied");
    db.close().expect("a close");
    drop(db);
    copy(directory.path(), &folder.join("db"));

    let options = SstOptions { block_size: BLOCK_SIZE, ..SstOptions::default() };
    fs::write(folder.join("orders.sst"), sst(SstBuilder::with_options(&options))).expect("a file");
}
