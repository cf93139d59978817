//! Week 6, days 4 to 7: merge operands in the whole database. The rules are on the page *The batch
//! merge* of the book.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use testkit::rule;
use week6::merge::{ConcatMergeOperator, MergeOperator, MergeOperatorError};
use week6::object_store::MemoryObjectStore;
use week6::storage::MemoryWalStore;
use week6::{Db, Error, WriteBatch};

/// What is left of a database when it is dropped.
#[derive(Default)]
struct Disks {
    objects: Arc<MemoryObjectStore>,
    wal: MemoryWalStore,
}

impl Disks {
    fn open(&self, operator: Option<Arc<dyn MergeOperator>>) -> Db {
        let mut builder = Db::builder("in memory")
            .with_object_store(self.objects.clone())
            .with_wal_store(Arc::new(self.wal.clone()));
        if let Some(operator) = operator {
            builder = builder.with_merge_operator(operator);
        }
        builder.build().unwrap()
    }

    fn open_joining(&self) -> Db {
        self.open(Some(Arc::new(ConcatMergeOperator::with_separator(","))))
    }
}

/// Joins, unless it is told to fail.
#[derive(Debug, Default)]
struct Failing {
    fails: AtomicBool,
}

impl MergeOperator for Failing {
    fn merge(
        &self,
        _key: &[u8],
        existing: Option<&[u8]>,
        operand: &[u8],
    ) -> Result<Bytes, MergeOperatorError> {
        if self.fails.load(Ordering::Relaxed) {
            return Err(MergeOperatorError::callback("not today"));
        }
        Ok([existing.unwrap_or_default(), operand].concat().into())
    }
}

fn get(db: &Db, key: &str) -> Option<String> {
    db.get(key).unwrap().map(|value| String::from_utf8_lossy(&value).into_owned())
}

fn scan(db: &Db) -> Vec<(String, String)> {
    let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
    db.scan(..).unwrap().map(|it| it.unwrap()).map(|it| (text(&it.key), text(&it.value))).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
}

mod task_6_6 {
    use super::*;

    #[test]
    fn operands_in_every_place_are_merged() {
        let disks = Disks::default();
        let db = disks.open_joining();
        let rule =
            rule("6.6", "a read merges the operands of a key from every place, oldest first");
        db.put("list", "a").unwrap();
        db.flush().unwrap();
        db.merge("list", "b").unwrap();
        db.merge("new", "x").unwrap();
        db.flush().unwrap();
        db.merge("list", "c").unwrap();
        db.merge("list", "d").unwrap();
        assert_eq!(get(&db, "list").as_deref(), Some("a,b,c,d"), "{rule}");
        assert_eq!(get(&db, "new").as_deref(), Some("x"), "an operand alone is a value{rule}");
        assert_eq!(scan(&db), pairs(&[("list", "a,b,c,d"), ("new", "x")]), "{rule}");
        db.flush().unwrap();
        drop(db);
        let db = disks.open_joining();
        assert_eq!(scan(&db), pairs(&[("list", "a,b,c,d"), ("new", "x")]), "opened again{rule}");
    }

    #[test]
    fn nothing_behind_a_delete_or_a_value_is_merged() {
        let db = Disks::default().open_joining();
        let rule = rule("6.6", "a tombstone or a value is the base: what is older does not count");
        db.merge("list", "a").unwrap();
        db.delete("list").unwrap();
        db.flush().unwrap();
        assert_eq!(get(&db, "list"), None, "{rule}");
        db.merge("list", "b").unwrap();
        assert_eq!(get(&db, "list").as_deref(), Some("b"), "{rule}");
        db.put("list", "c").unwrap();
        db.merge("list", "d").unwrap();
        db.flush().unwrap();
        assert_eq!(get(&db, "list").as_deref(), Some("c,d"), "{rule}");
        db.delete("list").unwrap();
        assert_eq!(scan(&db), [], "{rule}");
    }

    #[test]
    fn a_batch_merges_in_its_order() {
        let db = Disks::default().open_joining();
        let mut batch = WriteBatch::new();
        batch.merge("list", "a");
        batch.put("list", "b");
        batch.merge("list", "c");
        batch.merge("list", "d");
        batch.merge("other", "x");
        db.write(batch).unwrap();
        let rule = rule("6.6", "operands apply in the order in which they were written");
        assert_eq!(scan(&db), pairs(&[("list", "b,c,d"), ("other", "x")]), "{rule}");
    }

    #[test]
    fn a_flush_merges_what_it_writes() {
        let db = Disks::default().open_joining();
        for number in 0..500 {
            db.merge("list", number.to_string()).unwrap();
        }
        db.flush().unwrap();
        let rule = rule("6.6", "a flush merges a run of operands into one row");
        assert_eq!(db.stats().unwrap().sst_rows, 1, "{rule}");
        let expected: Vec<String> = (0..500).map(|number| number.to_string()).collect();
        assert_eq!(get(&db, "list"), Some(expected.join(",")), "{rule}");
    }
}

mod task_6_7 {
    use super::*;

    #[test]
    fn a_snapshot_sees_the_operands_that_were_there() {
        let db = Disks::default().open_joining();
        db.merge("list", "a").unwrap();
        db.merge("list", "b").unwrap();
        let early = db.snapshot().unwrap();
        db.merge("list", "c").unwrap();
        let late = db.snapshot().unwrap();
        db.merge("list", "d").unwrap();
        let rule = rule("6.7", "a flush does not merge operands across an open snapshot");
        for when in ["before the flush", "after it"] {
            let seen = [&early, &late].map(|snapshot| snapshot.get("list").unwrap().unwrap());
            assert_eq!(seen, ["a,b", "a,b,c"], "{when}{rule}");
            assert_eq!(get(&db, "list").as_deref(), Some("a,b,c,d"), "{when}{rule}");
            db.flush().unwrap();
        }
    }

    #[test]
    fn without_an_operator_a_merge_is_an_error() {
        let disks = Disks::default();
        let db = disks.open(None);
        let mut batch = WriteBatch::new();
        batch.put("fig", "blue");
        batch.merge("list", "a");
        let rule =
            rule("6.7", "an operand that nobody can apply is refused, with all of its batch");
        for result in [db.merge("list", "a"), db.write(batch)] {
            let error = result.unwrap_err();
            let Error::MergeOperatorMissing { key } = &error else { panic!("{error}{rule}") };
            assert_eq!(key, "list", "{rule}");
        }
        assert_eq!(scan(&db), [], "{rule}");
        drop(db);
        let db = disks.open_joining();
        db.merge("list", "a").unwrap();
        assert_eq!(scan(&db), pairs(&[("list", "a")]), "{rule}");
    }

    #[test]
    fn operands_wait_until_the_operator_is_there() {
        let disks = Disks::default();
        let db = disks.open_joining();
        db.put("list", "a").unwrap();
        db.merge("list", "b").unwrap();
        db.put("fig", "blue").unwrap();
        drop(db);
        let db = disks.open(None);
        let rule = rule(
            "6.7",
            "without the operator, a key with operands is an error, and others are not",
        );
        assert!(matches!(db.get("list"), Err(Error::MergeOperatorMissing { .. })), "{rule}");
        assert_eq!(get(&db, "fig").as_deref(), Some("blue"), "{rule}");
        db.flush().unwrap();
        assert!(matches!(db.get("list"), Err(Error::MergeOperatorMissing { .. })), "flushed{rule}");
        drop(db);
        let db = disks.open_joining();
        let rule = super::rule("6.7", "a flush without the operator keeps the operands");
        assert_eq!(get(&db, "list").as_deref(), Some("a,b"), "{rule}");
    }

    #[test]
    fn an_operator_that_fails_harms_nothing() {
        let operator = Arc::new(Failing::default());
        let disks = Disks::default();
        let db = disks.open(Some(operator.clone()));
        db.put("fig", "blue").unwrap();
        db.put("list", "a").unwrap();
        db.merge("list", "b").unwrap();
        operator.fails.store(true, Ordering::Relaxed);
        let rule = rule("6.7", "the error reaches whoever reads the key, and nobody else");
        for when in ["before a flush", "after it"] {
            let error = db.get("list").unwrap_err();
            let Error::MergeFailed { key, .. } = &error else { panic!("{when}: {error}{rule}") };
            assert_eq!(key, "list", "{rule}");
            assert_eq!(get(&db, "fig").as_deref(), Some("blue"), "{when}{rule}");
            let found: Vec<bool> = db.scan(..).unwrap().map(|found| found.is_ok()).collect();
            assert_eq!(found, [true, false], "{when}: a scan ends with the error{rule}");
            let flushed = db.flush();
            assert!(flushed.is_ok(), "{when}: {flushed:?}{rule}");
        }
        operator.fails.store(false, Ordering::Relaxed);
        let rule = super::rule("6.7", "a flush keeps operands that could not be merged");
        assert_eq!(get(&db, "list").as_deref(), Some("ab"), "{rule}");
        db.merge("list", "c").unwrap();
        assert_eq!(get(&db, "list").as_deref(), Some("abc"), "{rule}");
    }
}
