//! Week 2, days 13 and 14: what merge operands mean, and the batch merge. The rules are on the page
//! *The merge operator* of the book.

use std::cell::RefCell;
use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;
use testkit::rule;
use week2::db::{Snapshot, Trace};
use week2::format::{RowEntry, Step, ValueDeletable};
use week2::iter::{DbIterator, SnapshotIterator, VecIterator};
use week2::merge::{MergeOperator, MergeOperatorError, MergeOperatorIterator};
use week2::model::merge::{MERGE_BATCH_SIZE, Resolution, resolve, resolve_all};
use week2::model::scan::visible;
use week2::model::table::{rows_of, table_of};
use week2::model::{Change, Model, Sst};
use week2::object_store::MemoryObjectStore;
use week2::storage::MemoryWalStore;
use week2::{Db, DbBuilder, Settings, WriteBatch};

/// One call of the merge function, and what it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Call {
    key: String,
    existing: Option<String>,
    operands: Vec<String>,
}

thread_local! {
    /// The calls of `join` on this thread. Each test runs on a thread of its own.
    static CALLS: RefCell<Vec<Call>> = const { RefCell::new(Vec::new()) };
}

/// Puts the operands behind the existing value, oldest first, and notes that it was called. This is
/// associative, and not commutative.
fn join(key: &[u8], existing: Option<&[u8]>, operands: &[Bytes]) -> Bytes {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let call = Call {
        key: text(key),
        existing: existing.map(text),
        operands: operands.iter().map(|operand| text(operand)).collect(),
    };
    CALLS.with_borrow_mut(|calls| calls.push(call));
    [existing.unwrap_or_default(), &operands.concat()].concat().into()
}

/// What `work` returns, and the calls of `join` that it made.
fn watch<T>(work: impl FnOnce() -> T) -> (T, Vec<Call>) {
    CALLS.take();
    let result = work();
    (result, CALLS.take())
}

/// `join` as the real engine wants it.
#[derive(Debug)]
struct Join;

impl MergeOperator for Join {
    fn merge(
        &self,
        key: &[u8],
        existing: Option<&[u8]>,
        operand: &[u8],
    ) -> Result<Bytes, MergeOperatorError> {
        self.merge_batch(key, existing, &[Bytes::copy_from_slice(operand)])
    }

    fn merge_batch(
        &self,
        key: &[u8],
        existing: Option<&[u8]>,
        operands: &[Bytes],
    ) -> Result<Bytes, MergeOperatorError> {
        Ok(join(key, existing, operands))
    }
}

/// What the real engine sees of merged rows.
fn engine(rows: &[RowEntry], max_seq: u64) -> Vec<(Bytes, Bytes)> {
    let rows = SnapshotIterator::new(VecIterator::new(rows.to_vec()), max_seq);
    DbIterator::new(MergeOperatorIterator::for_reads(rows, Arc::new(Join)))
        .map(|found| found.expect("neither a source nor the operator fails"))
        .map(|found| (found.key, found.value))
        .collect()
}

/// The versions of a key, newest first, from texts: `+x` is an operand `x`, `=x` a value, `-` a
/// tombstone.
fn versions(texts: &[&str]) -> Vec<RowEntry> {
    let row = |(text, seq): (&&str, u64)| {
        let value = match text.split_at(1) {
            ("+", operand) => ValueDeletable::Merge(operand.to_owned().into()),
            ("=", value) => ValueDeletable::Value(value.to_owned().into()),
            _ => ValueDeletable::Tombstone,
        };
        RowEntry { key: "kiwi".into(), value, seq }
    };
    texts.iter().zip((0..texts.len() as u64).rev()).map(row).collect()
}

/// So many operands, newest first, and below them a version as in `versions`, or none.
fn operands_over(count: usize, base: Option<&str>) -> Vec<RowEntry> {
    let operands = (0..count).rev().map(|n| format!("+{n};"));
    let texts: Vec<_> = operands.chain(base.map(str::to_owned)).collect();
    versions(&texts.iter().map(String::as_str).collect::<Vec<_>>())
}

/// A call for `kiwi`.
fn call(existing: Option<&str>, operands: &[&str]) -> Call {
    let operands = operands.iter().map(|&operand| operand.to_owned()).collect();
    Call { key: "kiwi".to_owned(), existing: existing.map(str::to_owned), operands }
}

/// Versions of one key, newest first.
fn any_versions() -> impl Strategy<Value = Vec<RowEntry>> {
    let version = prop_oneof![
        8 => (0..5_u8).prop_map(|n| format!("+{}", &"abcd"[..usize::from(n) % 5])),
        1 => (0..3_u8).prop_map(|n| format!("={}", &"xy"[..usize::from(n) % 3])),
        1 => Just("-".to_owned()),
    ];
    prop::collection::vec(version, 0..24)
        .prop_map(|texts| versions(&texts.iter().map(String::as_str).collect::<Vec<_>>()))
}

/// Rows of a few keys in order, with many operands, and a sequence number.
fn any_rows() -> impl Strategy<Value = (Vec<RowEntry>, u64)> {
    let keys = prop::collection::vec(any_versions(), 0..4);
    let rows = keys.prop_map(|keys| {
        let of_key = |(versions, key): (Vec<RowEntry>, &'static str)| {
            versions.into_iter().map(move |row| RowEntry { key: key.into(), ..row })
        };
        keys.into_iter().zip(["a", "aa", "b"]).flat_map(of_key).collect()
    });
    (rows, 0..24_u64)
}

/// The whole model, and a finished engine that does the same; both with `join`.
struct Both {
    model: Model,
    /// The steps that the model took.
    expected: Vec<Step>,
    db: Db,
    trace: Trace,
    objects: Arc<MemoryObjectStore>,
    wal: MemoryWalStore,
    snapshots: Vec<(Snapshot, u64)>,
}

impl Both {
    fn new() -> Self {
        let (objects, wal) = (Arc::new(MemoryObjectStore::new()), MemoryWalStore::new());
        let trace = Trace::new();
        let db = open(&objects, &wal, &trace);
        trace.start();
        let (model, expected, snapshots) = (Model::with_merge(join), Vec::new(), Vec::new());
        Self { model, expected, db, trace, objects, wal, snapshots }
    }

    fn write(&mut self, batch: Vec<Change>) {
        let mut writes = WriteBatch::new();
        for (key, change) in &batch {
            match change {
                ValueDeletable::Value(value) => writes.put(key, value),
                ValueDeletable::Merge(operand) => writes.merge(key, operand),
                ValueDeletable::Tombstone => writes.delete(key),
            }
        }
        self.expected.extend(self.model.write(batch).expect("the model's write"));
        self.db.write(writes).expect("the engine's write");
    }

    fn get(&mut self, key: &Bytes) {
        let (found, steps) = self.model.get(key);
        let engine = self.db.get(key).expect("the engine's get");
        assert_eq!(found, engine, "the model's get({key:?}), and the engine's");
        self.expected.extend(steps);
    }

    fn get_at(&mut self, snapshot: usize, key: &Bytes) {
        let Some((snapshot, seq)) = self.snapshots.get(snapshot) else { return };
        let (found, steps) = self.model.get_at(key, *seq);
        let engine = snapshot.get(key).expect("the engine's get");
        assert_eq!(found, engine, "the model's get_at({key:?}, {seq}), and the engine's");
        self.expected.extend(steps);
    }

    fn scan(&mut self, from: Bytes, to: Bytes) {
        let (found, steps) = self.model.scan(from.clone()..to.clone());
        let engine = all_of(self.db.scan(from.clone()..to.clone()).expect("the engine's scan"));
        assert_eq!(found, engine, "the model's scan({from:?}..{to:?}), and the engine's");
        self.expected.extend(steps);
    }

    fn scan_at(&mut self, snapshot: usize) {
        let Some((snapshot, seq)) = self.snapshots.get(snapshot) else { return };
        let (found, steps) = self.model.scan_at(.., *seq);
        let engine = all_of(snapshot.scan(..).expect("the engine's scan"));
        assert_eq!(found, engine, "the model's scan_at(.., {seq}), and the engine's");
        self.expected.extend(steps);
    }

    fn open_snapshot(&mut self) {
        let snapshot = self.db.snapshot().expect("the engine's snapshot");
        self.snapshots.push((snapshot, self.model.open_snapshot()));
    }

    fn close_snapshot(&mut self, snapshot: usize) {
        if snapshot < self.snapshots.len() {
            let (_, seq) = self.snapshots.remove(snapshot);
            self.model.close_snapshot(seq);
        }
    }

    fn flush(&mut self) {
        self.db.flush().expect("the engine's flush");
        self.expected.extend(self.model.flush());
    }

    fn reopen(&mut self) {
        self.snapshots.clear();
        self.db.close().expect("the engine's close");
        self.db = open(&self.objects, &self.wal, &self.trace);
        self.expected.extend(self.model.reopen());
    }

    /// Compares the steps of everything that was done, as three lists: how they mix in the engine is left
    /// open.
    #[track_caller]
    fn assert_same_steps(mut self, rule: &str) {
        self.snapshots.clear();
        // When it is closed, the flusher has recorded its last step.
        self.db.close().expect("the engine's close");
        let (model, engine) = (lists(&self.expected), lists(&self.trace.stop()));
        let whose = ["of those who call", "of the flusher", "that are calls of the merge function"];
        for ((whose, model), engine) in whose.iter().zip(&model).zip(&engine) {
            let same = model.iter().zip(engine).take_while(|(one, other)| one == other).count();
            let rest = |steps: &[String]| steps[same..].iter().take(5).cloned().collect::<Vec<_>>();
            assert!(
                model == engine,
                "the steps {whose}: {same} are the same. Then the model goes on with\n  {}\n \
                 and the engine with\n  {}{rule}",
                rest(model).join("\n  "),
                rest(engine).join("\n  "),
            );
        }
    }
}

fn open(objects: &Arc<MemoryObjectStore>, wal: &MemoryWalStore, trace: &Trace) -> Db {
    let settings = Settings {
        compactor_options: None,
        garbage_collector_options: None,
        ..Settings::default()
    };
    DbBuilder::in_memory()
        .with_object_store(Arc::<MemoryObjectStore>::clone(objects))
        .with_wal_store(Arc::new(wal.clone()))
        .with_settings(settings)
        .with_merge_operator(Arc::new(Join))
        .with_trace(trace.clone())
        .build()
        .expect("an engine in memory")
}

/// What a scan of the engine finds.
fn all_of(found: DbIterator) -> Vec<(Bytes, Bytes)> {
    found.map(|found| found.expect("a row")).map(|found| (found.key, found.value)).collect()
}

/// The steps of those who call, those of the flusher, and the calls of the merge function.
fn lists(steps: &[Step]) -> [Vec<String>; 3] {
    let mut lists = <[Vec<String>; 3]>::default();
    for step in steps {
        let list = match step {
            Step::Flush { .. } | Step::ManifestCommit { .. } | Step::WalDelete { .. } => 1,
            Step::MergeBatch { .. } => 2,
            _ => 0,
        };
        lists[list].push(step.to_string());
    }
    lists
}

/// Random histories, with many operands.
mod random {
    use super::*;
    use prop::collection::vec;

    /// What is done with both.
    #[derive(Debug, Clone)]
    pub enum Operation {
        Write(Vec<Change>),
        /// A batch of so many operands of one key.
        WriteOperands(Bytes, usize),
        Get(Bytes),
        GetAt(usize, Bytes),
        Scan(Bytes, Bytes),
        ScanAt(usize),
        OpenSnapshot,
        CloseSnapshot(usize),
        Flush,
        Reopen,
    }

    /// Few keys, some of which begin like others.
    fn key() -> BoxedStrategy<Bytes> {
        vec(prop_oneof![Just(0), Just(b'a')], 1..3).prop_map(Bytes::from).boxed()
    }

    fn change() -> BoxedStrategy<Change> {
        let bytes = || vec(any::<u8>(), 0..3).prop_map(Bytes::from);
        let change = prop_oneof![
            2 => bytes().prop_map(ValueDeletable::Value),
            4 => bytes().prop_map(ValueDeletable::Merge),
            1 => Just(ValueDeletable::Tombstone),
        ];
        (key(), change).boxed()
    }

    pub fn operation() -> BoxedStrategy<Operation> {
        prop_oneof![
            8 => vec(change(), 1..4).prop_map(Operation::Write),
            1 => (key(), 98..203_usize).prop_map(|(key, n)| Operation::WriteOperands(key, n)),
            5 => key().prop_map(Operation::Get),
            3 => (0..3_usize, key()).prop_map(|(which, key)| Operation::GetAt(which, key)),
            2 => (key(), key())
                .prop_map(|(one, other)| (one.clone().min(other.clone()), one.max(other)))
                .prop_map(|(from, to)| Operation::Scan(from, to)),
            2 => (0..3_usize).prop_map(Operation::ScanAt),
            2 => Just(Operation::OpenSnapshot),
            1 => (0..3_usize).prop_map(Operation::CloseSnapshot),
            3 => Just(Operation::Flush),
            1 => Just(Operation::Reopen),
        ]
        .boxed()
    }
}

mod task_2_6 {
    use super::*;

    /// Checks the value and all calls of the merge function.
    #[track_caller]
    fn assert_resolved(texts: &[&str], value: Option<&str>, calls: &[Call], broken: &str) {
        let found = watch(|| resolve_all(b"kiwi", &versions(texts), join));
        let expected = (value.map(|value| Bytes::from(value.to_owned())), calls.to_vec());
        let rule = rule("2.6", broken);
        assert_eq!(found, expected, "value and calls for the versions {texts:?}{rule}");
    }

    #[test]
    fn operands_are_merged_oldest_first_into_the_value() {
        let expected = [call(Some("x"), &["a", "b", "c"])];
        let broken = "one call, with the operands oldest first and the base's value";
        assert_resolved(&["+c", "+b", "+a", "=x"], Some("xabc"), &expected, broken);
    }

    #[test]
    fn over_a_tombstone_there_is_no_existing_value() {
        let expected = [call(None, &["a", "b"])];
        let broken = "over a tombstone there is no existing value, and what is older is hidden";
        assert_resolved(&["+b", "+a", "-"], Some("ab"), &expected, broken);
        assert_resolved(&["+b", "+a", "-", "=x"], Some("ab"), &expected, broken);
        assert_resolved(&["+b", "+a", "-", "+y", "=x"], Some("ab"), &expected, broken);
    }

    #[test]
    fn onto_nothing_the_operands_are_merged_with_each_other() {
        let broken =
            "without a base there is no existing value, and the merged operands are the value";
        assert_resolved(&["+b", "+a"], Some("ab"), &[call(None, &["a", "b"])], broken);
    }

    #[test]
    fn what_is_older_than_the_base_does_not_count() {
        let expected = [call(Some("y"), &["c"])];
        let broken = "versions count down to the first that is no operand";
        assert_resolved(&["+c", "=y", "+b", "+a", "=x"], Some("yc"), &expected, broken);
        assert_resolved(&["+c", "=y", "-"], Some("yc"), &expected, broken);
        assert_resolved(&["+c", "=y", "=x"], Some("yc"), &expected, broken);
    }

    #[test]
    fn without_an_operand_the_function_is_not_called() {
        let broken = "without an operand above the base, the function is not called";
        assert_resolved(&["=y", "+a", "=x"], Some("y"), &[], broken);
        assert_resolved(&["="], Some(""), &[], broken);
        assert_resolved(&["-", "+a", "=x"], None, &[], broken);
        assert_resolved(&["-"], None, &[], broken);
        assert_resolved(&[], None, &[], "no version is no value");
    }

    #[test]
    fn one_operand_is_merged_too() {
        let broken = "a single operand is merged: the function says what it means";
        assert_resolved(&["+a"], Some("a"), &[call(None, &["a"])], broken);
        assert_resolved(&["+a", "-"], Some("a"), &[call(None, &["a"])], broken);
        assert_resolved(&["+a", "=x"], Some("xa"), &[call(Some("x"), &["a"])], broken);
    }

    #[test]
    fn empty_is_not_nothing() {
        let broken = "an empty value, operand or result is one all the same";
        assert_resolved(&["+a", "="], Some("a"), &[call(Some(""), &["a"])], broken);
        assert_resolved(&["+b", "+", "=x"], Some("xb"), &[call(Some("x"), &["", "b"])], broken);
        assert_resolved(&["+", "="], Some(""), &[call(Some(""), &[""])], broken);
        assert_resolved(&["+", "-"], Some(""), &[call(None, &[""])], broken);
    }

    #[test]
    fn the_function_gets_the_key() {
        let versions = versions(&["+a"]);
        let (_, calls) = watch(|| resolve_all(b"fig", &versions, join));
        let keys: Vec<_> = calls.iter().map(|call| &call.key[..]).collect();
        assert_eq!(keys, ["fig"], "{}", rule("2.6", "the function gets the key that was given"));
    }

    #[test]
    fn many_operands_are_one_call() {
        let versions = operands_over(250, Some("=x"));
        let (value, calls) = watch(|| resolve_all(b"kiwi", &versions, join));
        let expected: String = (0..250).map(|n| format!("{n};")).collect();
        assert_eq!(value, Some(format!("x{expected}").into()), "250 operands over x");
        assert_eq!(
            calls.len(),
            1,
            "calls for 250 operands{}",
            rule("2.6", "all are merged in one call")
        );
    }

    #[test]
    fn a_scan_resolves_the_operands_of_each_key() {
        let row = |key: &'static str, text, seq| RowEntry {
            key: key.into(),
            seq,
            ..versions(&[text]).remove(0)
        };
        let rows = [
            row("apple", "+b", 6),
            row("apple", "+a", 2),
            row("apple", "=x", 1),
            row("fig", "+c", 5),
            row("fig", "-", 4),
            row("kiwi", "+d", 7),
            row("lime", "=y", 3),
        ];
        let broken = "operands of a key are resolved with the visible rows of the same key";
        for (max_seq, expected) in [
            (7, vec![("apple", "xab"), ("fig", "c"), ("kiwi", "d"), ("lime", "y")]),
            (6, vec![("apple", "xab"), ("fig", "c"), ("lime", "y")]),
            (5, vec![("apple", "xa"), ("fig", "c"), ("lime", "y")]),
            (4, vec![("apple", "xa"), ("lime", "y")]),
            (1, vec![("apple", "x")]),
        ] {
            let expected: Vec<(Bytes, Bytes)> =
                expected.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
            let found = visible(&rows, max_seq, Some(join));
            assert_eq!(found, expected, "what is visible at {max_seq}{}", rule("2.6", broken));
        }
    }

    #[test]
    fn an_empty_result_is_seen() {
        let broken = "what the merge function returns is the key's value, also if it is empty";
        for texts in [&["+"][..], &["+", "-"], &["+", "="], &["+", "+", "-", "=x"]] {
            let found = visible(&versions(texts), 9, Some(join));
            let expected = [(Bytes::from("kiwi"), Bytes::new())];
            assert_eq!(found, expected, "what is visible of {texts:?}{}", rule("2.6", broken));
        }
    }

    proptest! {
        #![proptest_config(testkit::config(64))]

        #[test]
        fn the_engine_sees_the_same((rows, max_seq) in any_rows()) {
            let (found, calls) = watch(|| visible(&rows, max_seq, Some(join)));
            let (expected, expected_calls) = watch(|| engine(&rows, max_seq));
            let rule = rule("2.6", "the model and the engine's MergeOperatorIterator mean the same");
            prop_assert_eq!(found, expected, "{}", rule);
            // A key whose newest row is no operand can have operands below it, which the engine's
            // stream merges too; nobody sees what comes of them.
            for call in calls {
                prop_assert!(expected_calls.contains(&call), "{:?} is no call of the engine's{}", call, rule);
            }
        }
    }
}

mod task_2_7 {
    use super::*;

    /// Resolves these versions and checks everything: value, calls, and what they cost.
    #[track_caller]
    fn assert_resolved(
        (texts, batch): (&[&str], usize),
        (value, peak_operands): (Option<&str>, usize),
        calls: &[Call],
        broken: &str,
    ) {
        let (found, made) = watch(|| resolve(b"kiwi", &versions(texts), join, batch));
        let rule = rule("2.7", broken);
        let what = format!("the versions {texts:?} in batches of {batch}");
        assert_eq!(made, calls, "calls of the function for {what}{rule}");
        let value = value.map(|value| Bytes::from(value.to_owned()));
        let expected = Resolution { value, calls: calls.len(), peak_operands };
        assert_eq!(found, expected, "{what}{rule}");
    }

    #[test]
    fn the_operands_of_the_page_are_merged_as_the_page_says() {
        let calls = [
            call(None, &["e", "f", "g"]),
            call(None, &["c", "d", "efg"]),
            call(Some("x"), &["a", "b", "cdefg"]),
        ];
        let texts = ["+g", "+f", "+e", "+d", "+c", "+b", "+a", "=x"];
        let broken = "a full batch is merged when the next operand has no room";
        assert_resolved((&texts, 3), (Some("xabcdefg"), 3), &calls, broken);
    }

    #[test]
    fn a_batch_is_merged_only_when_the_next_operand_has_no_room() {
        let broken = "as many operands as have room are one call";
        let texts = ["+c", "+b", "+a", "=x"];
        let one = [call(Some("x"), &["a", "b", "c"])];
        assert_resolved((&texts, 3), (Some("xabc"), 3), &one, broken);
        assert_resolved((&texts, 4), (Some("xabc"), 3), &one, broken);
        let none = [call(None, &["a", "b", "c"])];
        assert_resolved((&texts[..3], 3), (Some("abc"), 3), &none, broken);
    }

    #[test]
    fn one_operand_too_many_is_a_second_call() {
        let broken = "the partial result takes the place of what was held";
        let calls = [call(None, &["b", "c", "d"]), call(None, &["a", "bcd"])];
        assert_resolved((&["+d", "+c", "+b", "+a"], 3), (Some("abcd"), 3), &calls, broken);
        let calls = [call(None, &["b", "c", "d"]), call(Some("x"), &["a", "bcd"])];
        assert_resolved((&["+d", "+c", "+b", "+a", "=x"], 3), (Some("xabcd"), 3), &calls, broken);
    }

    #[test]
    fn only_the_last_call_gets_the_existing_value() {
        let broken = "a full batch is merged without an existing value, an empty one is one";
        let calls = [call(None, &["b", "c"]), call(Some(""), &["a", "bc"])];
        assert_resolved((&["+c", "+b", "+a", "="], 2), (Some("abc"), 2), &calls, broken);
        let calls = [call(None, &["b", "c"]), call(None, &["a", "bc"])];
        let texts = ["+c", "+b", "+a", "-", "+y", "=x"];
        assert_resolved((&texts, 2), (Some("abc"), 2), &calls, broken);
    }

    #[test]
    fn without_an_operand_nothing_is_held_and_nothing_called() {
        let broken = "without an operand above the base, the function is not called";
        for batch in [2, 100] {
            assert_resolved((&["=y", "+a", "=x"], batch), (Some("y"), 0), &[], broken);
            assert_resolved((&["="], batch), (Some(""), 0), &[], broken);
            assert_resolved((&["-", "+a", "=x"], batch), (None, 0), &[], broken);
            assert_resolved((&[], batch), (None, 0), &[], broken);
        }
    }

    #[test]
    fn a_single_operand_is_one_call() {
        let broken = "what is held at the end is merged, also a single operand";
        let at_once = [call(None, &["a"])];
        let onto = [call(Some("x"), &["a"])];
        for batch in [2, 100, usize::MAX] {
            assert_resolved((&["+a"], batch), (Some("a"), 1), &at_once, broken);
            assert_resolved((&["+a", "=x"], batch), (Some("xa"), 1), &onto, broken);
        }
        let broken = "a batch of 0 or 1 counts as 2, also for a single operand";
        for batch in [0, 1] {
            assert_resolved((&["+a"], batch), (Some("a"), 1), &at_once, broken);
            assert_resolved((&["+a", "=x"], batch), (Some("xa"), 1), &onto, broken);
        }
    }

    #[test]
    fn a_batch_below_two_counts_as_two() {
        let broken = "with room for one, a partial result would leave no room: 0 and 1 count as 2";
        for batch in [0, 1, 2] {
            let calls =
                [call(None, &["c", "d"]), call(None, &["b", "cd"]), call(Some("x"), &["a", "bcd"])];
            let texts = ["+d", "+c", "+b", "+a", "=x"];
            assert_resolved((&texts, batch), (Some("xabcd"), 2), &calls, broken);
            assert_resolved((&["=y", "+a", "=x"], batch), (Some("y"), 0), &[], broken);
            assert_resolved((&["-"], batch), (None, 0), &[], broken);
        }
    }

    #[test]
    fn a_batch_without_a_bound_is_one_call() {
        let texts = ["+d", "+c", "+b", "+a", "=x"];
        let all = [call(Some("x"), &["a", "b", "c", "d"])];
        let broken = "a batch may be larger than the number of operands; reserve no memory for it";
        for batch in [5, 1_000_000, usize::MAX / 2, usize::MAX] {
            assert_resolved((&texts, batch), (Some("xabcd"), 4), &all, broken);
        }
    }

    #[test]
    fn empty_operands_and_empty_partial_results_take_their_place() {
        let broken = "an empty operand or partial result is one all the same";
        let calls = [call(None, &["", ""]), call(Some("x"), &["a", ""])];
        assert_resolved((&["+", "+", "+a", "=x"], 2), (Some("xa"), 2), &calls, broken);
    }

    #[test]
    fn the_function_gets_the_key_in_every_call() {
        let (_, calls) = watch(|| resolve(b"fig", &operands_over(5, None), join, 2));
        let keys: Vec<_> = calls.iter().map(|call| &call.key[..]).collect();
        assert_eq!(keys, ["fig"; 4], "{}", rule("2.7", "the function gets the key that was given"));
    }

    #[test]
    fn the_costs_are_those_of_the_pages_table() {
        let broken = "one call, and one more for each time that there was no room";
        for (operands, batch, calls, peak_operands) in [
            (1, 100, 1, 1),
            (100, 100, 1, 100),
            (101, 100, 2, 100),
            (199, 100, 2, 100),
            (200, 100, 3, 100),
            (1000, 100, 11, 100),
            (1000, 2, 999, 2),
            (1000, 1000, 1, 1000),
        ] {
            let versions = operands_over(operands, Some("=x"));
            let (found, made) = watch(|| resolve(b"kiwi", &versions, join, batch));
            let rule = rule("2.7", broken);
            let expected = (calls, calls, peak_operands);
            assert_eq!(
                (made.len(), found.calls, found.peak_operands),
                expected,
                "calls made, calls and peak_operands for {operands} operands in batches of {batch}{rule}"
            );
        }
    }

    #[test]
    fn the_engine_makes_the_same_calls() {
        assert_eq!(
            MERGE_BATCH_SIZE,
            week2::merge::MERGE_BATCH_SIZE,
            "the engine's batch, and the model's"
        );
        for operands in [1, 2, 99, 100, 101, 198, 199, 200, 298, 299, 300] {
            for base in [None, Some("-"), Some("=x")] {
                let versions = operands_over(operands, base);
                let (found, calls) = watch(|| resolve(b"kiwi", &versions, join, MERGE_BATCH_SIZE));
                let (expected, expected_calls) = watch(|| engine(&versions, u64::MAX));
                let rule =
                    rule("2.7", "the model and the engine's MergeOperatorIterator mean the same");
                let sizes = |calls: &[Call]| -> Vec<_> {
                    calls.iter().map(|call| (call.existing.clone(), call.operands.len())).collect()
                };
                let what = format!("{operands} operands over {base:?}");
                assert_eq!(sizes(&calls), sizes(&expected_calls), "the calls for {what}{rule}");
                assert!(calls == expected_calls, "the operands in the calls for {what}{rule}");
                let value = expected.into_iter().map(|(_, value)| value).next();
                assert!(found.value == value, "the value of {what}{rule}");
            }
        }
    }

    // Now the model is whole. These tests run all of it: what you wrote on days 8 to 12 too.

    #[track_caller]
    fn assert_steps(found: &[Step], expected: &[&str], what: &str, rule: &str) {
        let listing = |steps: &[String]| format!("\n  {}", steps.join("\n  "));
        let found = listing(&found.iter().map(Step::to_string).collect::<Vec<_>>());
        let expected = listing(&expected.iter().map(|&step| step.to_owned()).collect::<Vec<_>>());
        assert!(found == expected, "{what} took these steps:{found}\n expected:{expected}{rule}");
    }

    /// A key with a value and two operands, and a snapshot between the operands.
    fn basket() -> (Model, u64) {
        let mut model = Model::with_merge(join);
        model.put("basket", "a").expect("a put");
        model.merge("basket", "b").expect("a merge");
        let snapshot = model.open_snapshot();
        model.merge("basket", "c").expect("a merge");
        (model, snapshot)
    }

    #[test]
    fn the_whole_model_merges_operands_when_they_are_read() {
        let (model, snapshot) = basket();
        let rule = rule("2.2", "the newest row is an operand: get_merged has the answer and steps");
        for (max_seq, expected, operands) in
            [(snapshot, "ab", "1 operand"), (model.seq(), "abc", "2 operands")]
        {
            let (value, steps) = model.get_at(b"basket", max_seq);
            let what = format!("get_at(\"basket\", {max_seq})");
            assert_eq!(value, Some(Bytes::from(expected)), "{what}{rule}");
            let call = format!("MergeBatch b\"basket\", {operands} onto what is older");
            let expected = [
                "MemTableLookup: found",
                "ScanBegin 1 place",
                "ScanRow b\"basket\" seq 3",
                "ScanRow b\"basket\" seq 2",
                "ScanRow b\"basket\" seq 1",
                &call,
            ];
            assert_steps(&steps, &expected, &what, &rule);
        }
    }

    #[test]
    fn the_whole_model_merges_operands_when_it_flushes() {
        let (mut model, snapshot) = basket();
        let steps = model.flush();
        let rule = rule("2.3", "needed, then merge_operands with its steps, then Flush");
        let expected = [
            "Freeze wal 1",
            "MergeBatch b\"basket\", 1 operand",
            "MergeBatch b\"basket\", 1 operand onto what is older",
            "Flush wal 1 to sst 1, 2 rows",
            "ManifestCommit manifest 2",
            "WalDelete wal 1",
        ];
        assert_steps(&steps, &expected, "the flush", &rule);
        let rows = [RowEntry::new_merge("basket", "c", 3), RowEntry::new_value("basket", "ab", 2)];
        assert_eq!(model.l0, [Sst { id: 1, table: table_of(rows) }], "the SSTs{rule}");
        let value = |max_seq| model.get_at(b"basket", max_seq).0;
        assert_eq!(value(snapshot), Some(Bytes::from("ab")), "what the snapshot sees{rule}");
        assert_eq!(value(model.seq()), Some(Bytes::from("abc")), "what is seen now{rule}");
    }

    #[test]
    fn a_flush_merges_only_what_is_needed() {
        let mut model = Model::with_merge(join);
        model.merge("basket", "a").expect("a merge");
        model.put("basket", "b").expect("a put");
        model.merge("basket", "c").expect("a merge");
        model.merge("basket", "d").expect("a merge");
        let steps = model.flush();
        let rule = rule(
            "2.3",
            "merge_operands gets what needed has left, and Flush counts the SST's rows",
        );
        let rows = rows_of(&model.l0[0].table);
        assert_eq!(rows, [RowEntry::new_value("basket", "bcd", 4)], "the SST's rows{rule}");
        let expected = [
            "Freeze wal 1",
            "MergeBatch b\"basket\", 2 operands onto what is older",
            "Flush wal 1 to sst 1, 1 row",
            "ManifestCommit manifest 2",
            "WalDelete wal 1",
        ];
        assert_steps(&steps, &expected, "the flush", &rule);
    }

    #[test]
    fn the_whole_model_scans_what_it_has() {
        let (mut model, snapshot) = basket();
        model.flush();
        model.put("apple", "red").expect("a put");
        model.put("fig", "").expect("a put");
        model.delete("apple").expect("a delete");
        let rule = rule("2.5", "a scan merges the rows of all places, and shows what is visible");
        let pair = |key: &'static str, value: &'static str| (Bytes::from(key), Bytes::from(value));
        let (found, steps) = model.scan(..);
        assert_eq!(found, [pair("basket", "abc"), pair("fig", "")], "scan(..){rule}");
        let expected = [
            "ScanBegin 2 places",
            "ScanRow b\"apple\" seq 6",
            "ScanRow b\"apple\" seq 4",
            "ScanRow b\"basket\" seq 3",
            "ScanRow b\"basket\" seq 2",
            "ScanRow b\"fig\" seq 5",
            "MergeBatch b\"basket\", 1 operand onto what is older",
        ];
        assert_steps(&steps, &expected, "scan(..)", &rule);
        let (found, _) = model.scan_at(.., snapshot);
        assert_eq!(found, [pair("basket", "ab")], "scan_at(.., {snapshot}){rule}");
    }

    proptest! {
        #![proptest_config(testkit::config(32))]

        #[test]
        fn the_whole_model_takes_the_steps_of_the_engine(
            history in prop::collection::vec(random::operation(), 0..24),
        ) {
            use random::Operation;
            let mut both = Both::new();
            for operation in history {
                match operation {
                    Operation::Write(batch) => both.write(batch),
                    Operation::WriteOperands(key, n) => {
                        both.write(vec![(key, ValueDeletable::Merge("x".into())); n]);
                    }
                    Operation::Get(key) => both.get(&key),
                    Operation::GetAt(snapshot, key) => both.get_at(snapshot, &key),
                    Operation::Scan(from, to) => both.scan(from, to),
                    Operation::ScanAt(snapshot) => both.scan_at(snapshot),
                    Operation::OpenSnapshot => both.open_snapshot(),
                    Operation::CloseSnapshot(snapshot) => both.close_snapshot(snapshot),
                    Operation::Flush => both.flush(),
                    Operation::Reopen => both.reopen(),
                }
            }
            both.assert_same_steps(&rule("2.7", "the whole model takes the steps of the engine"));
        }
    }

    proptest! {
        #![proptest_config(testkit::config(64))]

        #[test]
        fn every_batch_gives_the_same_value(versions in any_versions(), batch in 0..12_usize) {
            let at_once = resolve_all(b"kiwi", &versions, join);
            let (found, calls) = watch(|| resolve(b"kiwi", &versions, join, batch));
            let same = rule("2.7", "with an associative function, the batch makes no difference to the value");
            prop_assert_eq!(found.value, at_once, "{}", same);
            let rule = rule("2.7", "at most `batch` operands are held, and every call is counted");
            prop_assert_eq!(found.calls, calls.len(), "{}", &rule);
            let largest = calls.iter().map(|call| call.operands.len()).max().unwrap_or(0);
            prop_assert_eq!(found.peak_operands, largest, "the largest call{}", &rule);
            prop_assert!(largest <= batch.max(2), "{} operands in one call{}", largest, &rule);
        }
    }
}
