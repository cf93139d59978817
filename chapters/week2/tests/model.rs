//! Week 2, days 8 to 10: what a write, a read of one key, and a flush mean. The rules are on the page *A model
//! that runs* of the book.
//!
//! Some of these tests hold your model against the finished engine: both do the same, and the steps of one must
//! be those of the other.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use bytes::Bytes;
use testkit::rule;
use week2::db::{Snapshot, Trace};
use week2::format::{RowEntry, Step, ValueDeletable};
use week2::model::table::{self, rows_of, table_of};
use week2::model::{Change, Frozen, Model, Sst};
use week2::object_store::{MemoryObjectStore, ObjectMeta, ObjectStore};
use week2::storage::MemoryWalStore;
use week2::{Db, DbBuilder, Error, Settings, WriteBatch};

fn put(key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Change {
    (copy(key), ValueDeletable::Value(copy(value)))
}

fn delete(key: impl AsRef<[u8]>) -> Change {
    (copy(key), ValueDeletable::Tombstone)
}

fn operand(key: impl AsRef<[u8]>, operand: impl AsRef<[u8]>) -> Change {
    (copy(key), ValueDeletable::Merge(copy(operand)))
}

fn copy(bytes: impl AsRef<[u8]>) -> Bytes {
    Bytes::copy_from_slice(bytes.as_ref())
}

fn value(key: &'static str, value: &'static str, seq: u64) -> RowEntry {
    RowEntry::new_value(key, value, seq)
}

fn tombstone(key: &'static str, seq: u64) -> RowEntry {
    RowEntry::new_tombstone(key, seq)
}

/// A merge function: it puts the newer bytes behind the older ones.
fn concat(_key: &[u8], existing: Option<&[u8]>, operands: &[Bytes]) -> Bytes {
    let operands = operands.iter().map(|operand| &operand[..]);
    existing.into_iter().chain(operands).collect::<Vec<_>>().concat().into()
}

/// Steps as the page shows them, one a line.
fn listing<'a>(steps: impl IntoIterator<Item = &'a Step>) -> String {
    steps.into_iter().map(|step| format!("\n  {step}")).collect()
}

#[track_caller]
fn assert_steps(found: &[Step], expected: &[&str], what: &str, rule: &str) {
    let expected: String = expected.iter().map(|step| format!("\n  {step}")).collect();
    let found = listing(found);
    assert!(found == expected, "{what} took these steps:{found}\n expected:{expected}{rule}");
}

/// Keys as they are in a failure message.
fn name(key: &[u8]) -> String {
    if key.len() > 40 { format!("a key of {} bytes", key.len()) } else { format!("{key:?}") }
}

/// Your model and a finished engine, which do the same.
struct Both {
    model: Model,
    /// The steps that the model took.
    expected: Vec<Step>,
    /// Opened again when the test ends, also if it fails: closing the database waits for the flusher.
    gate: Arc<Gate>,
    db: Db,
    trace: Trace,
    settings: Settings,
    objects: Arc<HeldStore>,
    wal: MemoryWalStore,
    snapshots: Vec<(Snapshot, u64)>,
}

impl Both {
    fn new() -> Self {
        Self::with_settings(Settings {
            compactor_options: None,
            garbage_collector_options: None,
            ..Settings::default()
        })
    }

    fn with_settings(settings: Settings) -> Self {
        let gate = Arc::new(Gate::default());
        let objects =
            Arc::new(HeldStore { objects: MemoryObjectStore::new(), gate: Arc::clone(&gate) });
        let (wal, trace) = (MemoryWalStore::new(), Trace::new());
        let db = open(&objects, &wal, &settings, &trace);
        trace.start();
        let (model, expected, snapshots) = (Model::new(), Vec::new(), Vec::new());
        Self { model, expected, gate, db, trace, settings, objects, wal, snapshots }
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
        let (model, engine) = (self.model.write(batch), self.db.write(writes));
        assert_eq!(
            model.as_ref().err().map(kind),
            engine.as_ref().err().map(kind),
            "the model said {model:?}, the engine {engine:?}"
        );
        self.expected.extend(model.unwrap_or_default());
    }

    fn get(&mut self, key: &[u8]) {
        let (found, steps) = self.model.get(key);
        let engine = self.db.get(key).expect("the engine's get");
        assert_eq!(found, engine, "the model's get({}), and the engine's", name(key));
        self.expected.extend(steps);
    }

    fn get_at(&mut self, snapshot: usize, key: &[u8]) {
        let Some((snapshot, seq)) = self.snapshots.get(snapshot) else { return };
        let (found, steps) = self.model.get_at(key, *seq);
        let engine = snapshot.get(key).expect("the engine's get");
        assert_eq!(found, engine, "the model's get_at({}, {seq}), and the engine's", name(key));
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
        self.db = open(&self.objects, &self.wal, &self.settings, &self.trace);
        self.expected.extend(self.model.reopen());
    }

    /// Compares the steps of everything that was done.
    #[track_caller]
    fn assert_same_steps(mut self, rule: &str) {
        self.gate.open();
        self.snapshots.clear();
        // When it is closed, the flusher has recorded its last step.
        self.db.close().expect("the engine's close");
        let engine = by_thread(&self.trace.stop());
        let model = by_thread(&self.expected);
        for (who, model, engine) in
            [("who calls", &model.0, &engine.0), ("the flusher", &model.1, &engine.1)]
        {
            let same =
                model.iter().zip(engine).take_while(|(model, engine)| model == engine).count();
            assert_eq!(
                (listing(&model[same..]), same),
                (listing(&engine[same..]), same),
                "the steps of {who}: {same} are the same. Then the model goes on with{}\n \
                 and the engine with{}{rule}",
                listing(model[same..].iter().take(5)),
                listing(engine[same..].iter().take(5)),
            );
        }
    }
}

impl Drop for Both {
    fn drop(&mut self) {
        self.gate.open();
    }
}

fn open(objects: &Arc<HeldStore>, wal: &MemoryWalStore, settings: &Settings, trace: &Trace) -> Db {
    DbBuilder::in_memory()
        .with_object_store(Arc::<HeldStore>::clone(objects))
        .with_wal_store(Arc::new(wal.clone()))
        .with_settings(settings.clone())
        .with_trace(trace.clone())
        .build()
        .expect("an engine in memory")
}

/// The steps of those who call the database, and those of the flusher in the background. How the two lists
/// mix in the engine is left to the threads. (The third list, the calls of the merge function, is empty here:
/// no model of these tests has one. The tests of task 2.7 compare all three.)
fn by_thread(steps: &[Step]) -> (Vec<Step>, Vec<Step>) {
    let is_callers = |step: &Step| {
        !matches!(step, Step::Flush { .. } | Step::ManifestCommit { .. } | Step::WalDelete { .. })
    };
    steps.iter().cloned().partition(is_callers)
}

fn kind(error: &Error) -> std::mem::Discriminant<Error> {
    std::mem::discriminant(error)
}

/// Holds the flusher back, so that immutable memtables can be looked at.
#[derive(Debug, Default)]
struct Gate {
    is_closed: Mutex<bool>,
    changed: Condvar,
}

impl Gate {
    fn close(&self) {
        *self.is_closed.lock().expect("no panic while it is held") = true;
    }

    fn open(&self) {
        *self.is_closed.lock().expect("no panic while it is held") = false;
        self.changed.notify_all();
    }

    fn pass(&self) {
        let closed = self.is_closed.lock().expect("no panic while it is held");
        drop(self.changed.wait_while(closed, |closed| *closed));
    }
}

/// A store on which an SST can be put only when the gate is open.
#[derive(Debug)]
struct HeldStore {
    objects: MemoryObjectStore,
    gate: Arc<Gate>,
}

impl ObjectStore for HeldStore {
    fn put(&self, path: &str, object: Bytes) -> week2::Result<()> {
        self.objects.put(path, object)
    }

    fn put_if_absent(&self, path: &str, object: Bytes) -> week2::Result<()> {
        if path.starts_with("sst/") {
            self.gate.pass();
        }
        self.objects.put_if_absent(path, object)
    }

    fn get(&self, path: &str) -> week2::Result<Bytes> {
        self.objects.get(path)
    }

    fn get_range(&self, path: &str, range: std::ops::Range<u64>) -> week2::Result<Bytes> {
        self.objects.get_range(path, range)
    }

    fn head(&self, path: &str) -> week2::Result<ObjectMeta> {
        self.objects.head(path)
    }

    fn list(&self, prefix: &str) -> week2::Result<Vec<ObjectMeta>> {
        self.objects.list(prefix)
    }

    fn delete(&self, path: &str) -> week2::Result<()> {
        self.objects.delete(path)
    }

    fn discard_unfinished(&self, min_age: Duration) -> week2::Result<u64> {
        self.objects.discard_unfinished(min_age)
    }
}

/// Random histories: their parts, boxed, so that each is compiled once.
mod random {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    /// What is done with both.
    #[derive(Debug, Clone)]
    pub enum Operation {
        Write(Vec<Change>),
        Get(Vec<u8>),
        GetAt(usize, Vec<u8>),
        OpenSnapshot,
        CloseSnapshot(usize),
        Flush,
        Reopen,
    }

    /// Few keys, some of which begin like others; now and then what is no key.
    pub fn key() -> BoxedStrategy<Vec<u8>> {
        let byte = prop_oneof![Just(0), Just(b'a'), Just(0xff)];
        prop_oneof![30 => vec(byte, 1..3), 1 => Just(Vec::new())].boxed()
    }

    pub fn batch() -> BoxedStrategy<Vec<Change>> {
        let change = prop_oneof![
            3 => (key(), vec(any::<u8>(), 0..4)).prop_map(|(key, value)| put(key, value)),
            1 => key().prop_map(delete),
            1 => key().prop_map(|key| put(key, "")),
        ];
        prop_oneof![6 => vec(change.clone(), 1..2), 2 => vec(change, 0..5)].boxed()
    }

    pub fn operation() -> BoxedStrategy<Operation> {
        prop_oneof![
            8 => batch().prop_map(Operation::Write),
            5 => key().prop_map(Operation::Get),
            3 => (0..3_usize, key()).prop_map(|(which, key)| Operation::GetAt(which, key)),
            2 => Just(Operation::OpenSnapshot),
            1 => (0..3_usize).prop_map(Operation::CloseSnapshot),
            3 => Just(Operation::Flush),
            1 => Just(Operation::Reopen),
        ]
        .boxed()
    }
}

mod task_2_1 {
    use super::*;
    use proptest::prelude::*;

    /// The memtable's rows.
    fn mem_table(model: &Model) -> Vec<RowEntry> {
        rows_of(&model.mem_table)
    }

    #[test]
    fn a_put_is_logged_then_inserted_then_visible() {
        let mut model = Model::new();
        let steps = model.put("kiwi", "soft").expect("a put");
        let rule = rule("2.1", "log first, then memtable, then visible");
        let expected = ["WalAppend wal 1, 1 row", "MemTableInsert b\"kiwi\" seq 1", "Commit seq 1"];
        assert_steps(&steps, &expected, "the first put", &rule);
        assert_eq!(model.wal[&1], [value("kiwi", "soft", 1)], "segment 1{rule}");
        assert_eq!(mem_table(&model), [value("kiwi", "soft", 1)], "the memtable{rule}");
        assert_eq!(model.seq(), 1, "the last sequence number{rule}");
    }

    #[test]
    fn a_delete_is_a_row_like_any_other() {
        let mut model = Model::new();
        model.put("kiwi", "soft").expect("a put");
        let steps = model.delete("apple").expect("a delete of a key that is not there");
        let rule = rule("2.1", "each write becomes a row; a delete becomes a tombstone");
        let expected =
            ["WalAppend wal 1, 1 row", "MemTableInsert b\"apple\" seq 2", "Commit seq 2"];
        assert_steps(&steps, &expected, "the delete", &rule);
        let rows = [tombstone("apple", 2), value("kiwi", "soft", 1)];
        assert_eq!(mem_table(&model), rows, "the memtable{rule}");
    }

    #[test]
    fn an_empty_value_is_a_value() {
        let mut model = Model::new();
        model.put("kiwi", "").expect("a put");
        let rule = rule("2.1", "an empty value is not a tombstone, and is logged like any other");
        assert_eq!(model.wal[&1], [value("kiwi", "", 1)], "segment 1{rule}");
        assert_eq!(mem_table(&model), [value("kiwi", "", 1)], "the memtable{rule}");
    }

    #[test]
    fn a_batch_is_logged_once_and_visible_at_once() {
        let mut model = Model::new();
        model.put("fig", "green").expect("a put");
        let batch = vec![put("kiwi", "soft"), delete("fig"), put("apple", "red")];
        let steps = model.write(batch).expect("a batch");
        let rule =
            rule("2.1", "one WalAppend and one Commit for a batch, one MemTableInsert a row");
        let expected = [
            "WalAppend wal 1, 3 rows",
            "MemTableInsert b\"kiwi\" seq 2",
            "MemTableInsert b\"fig\" seq 3",
            "MemTableInsert b\"apple\" seq 4",
            "Commit seq 4",
        ];
        assert_steps(&steps, &expected, "the batch", &rule);
        assert_eq!(model.seq(), 4, "the last sequence number{rule}");
    }

    #[test]
    fn a_segment_has_its_rows_in_the_order_of_writing() {
        let mut model = Model::new();
        model.put("kiwi", "soft").expect("a put");
        let batch = vec![put("pear", "ripe"), put("apple", "red"), delete("pear")];
        model.write(batch).expect("a batch");
        let rule = rule("2.1", "rows are appended: a log knows no other order");
        let rows = [
            value("kiwi", "soft", 1),
            value("pear", "ripe", 2),
            value("apple", "red", 3),
            tombstone("pear", 4),
        ];
        assert_eq!(model.wal[&1], rows, "segment 1{rule}");
    }

    #[test]
    fn every_version_stays_also_within_a_batch() {
        let mut model = Model::new();
        model.put("kiwi", "hard").expect("a put");
        model.write(vec![put("kiwi", "soft"), put("kiwi", "gone")]).expect("a batch");
        let rule =
            rule("2.1", "rows are numbered in the order of the batch, and none replaces another");
        let rows = [value("kiwi", "gone", 3), value("kiwi", "soft", 2), value("kiwi", "hard", 1)];
        assert_eq!(mem_table(&model), rows, "the memtable{rule}");
    }

    #[test]
    fn an_empty_batch_does_nothing() {
        let mut model = Model::new();
        let steps = model.write(Vec::new()).expect("an empty batch");
        let rule = rule("2.1", "a batch without a write does nothing and takes no step");
        assert_steps(&steps, &[], "the empty batch", &rule);
        let steps = model.put("kiwi", "soft").expect("a put");
        let expected = ["WalAppend wal 1, 1 row", "MemTableInsert b\"kiwi\" seq 1", "Commit seq 1"];
        assert_steps(&steps, &expected, "the put behind it", &rule);
    }

    #[test]
    fn a_refused_batch_changes_nothing() {
        let too_long = vec![b'k'; usize::from(u16::MAX) + 1];
        let cases = [
            ("an empty key", put("", "x")),
            ("an empty key to delete", delete("")),
            ("a key of 65,536 bytes", put(&too_long, "x")),
            ("an operand without a merge function", operand("kiwi", "x")),
        ];
        for (what, bad) in cases {
            let mut model = Model::new();
            model.put("fig", "green").expect("a put");
            let before = format!("{model:?}");
            let written = model.write(vec![put("apple", "red"), bad, put("pear", "ripe")]);
            let rule = rule("2.1", "what is refused is refused before anything has changed");
            let refused = matches!(
                written,
                Err(Error::InvalidArgument { .. } | Error::MergeOperatorMissing { .. })
            );
            assert!(refused, "a batch with {what} gave {:?}{rule}", written.map(|_| "steps"));
            assert!(format!("{model:?}") == before, "a batch with {what} left something{rule}");
        }
    }

    #[test]
    fn the_longest_key_is_written() {
        let mut model = Model::new();
        let longest = vec![b'k'; usize::from(u16::MAX)];
        let rule = rule("2.1", "a key has 1 to 65,535 bytes");
        let steps = model.put(&longest, "x").map(|steps| steps.len());
        assert_eq!(steps.ok(), Some(3), "steps of a put of the longest key{rule}");
    }

    #[test]
    fn numbers_go_on_from_those_that_are_there() {
        let mut model = Model::new();
        (model.wal_id, model.last_seq) = (7, 41);
        // Segment 7 is not there yet.
        model.wal = [(6, vec![value("fig", "green", 41)])].into();
        let steps = model.write(vec![put("a", "1"), put("b", "2")]).expect("a batch");
        let rule =
            rule("2.1", "the segment is wal_id, and the first number the one behind last_seq");
        let expected = [
            "WalAppend wal 7, 2 rows",
            "MemTableInsert b\"a\" seq 42",
            "MemTableInsert b\"b\" seq 43",
            "Commit seq 43",
        ];
        assert_steps(&steps, &expected, "a batch", &rule);
        assert_eq!(model.wal[&6], [value("fig", "green", 41)], "segment 6{rule}");
        let rows = vec![value("a", "1", 42), value("b", "2", 43)];
        assert_eq!(model.wal.get(&7), Some(&rows), "segment 7{rule}");
    }

    #[test]
    fn the_last_sequence_number_of_all_is_used() {
        let mut model = Model::new();
        model.last_seq = u64::MAX - 2;
        let rule = rule("2.1", "more writes than there are numbers left are refused, no others");
        let too_many = model.write(vec![put("a", "1"), put("b", "2"), put("c", "3")]);
        assert!(too_many.is_err(), "three writes, two numbers left{rule}");
        let steps = model.write(vec![put("a", "1"), put("b", "2")]).expect("two writes");
        assert_eq!(steps.last(), Some(&Step::Commit { seq: u64::MAX }), "the last step{rule}");
        assert!(model.put("c", "3").is_err(), "no number is left{rule}");
        assert_eq!(
            model.write(Vec::new()).ok(),
            Some(Vec::new()),
            "an empty batch needs none{rule}"
        );
    }

    #[test]
    fn with_a_merge_function_an_operand_is_a_row() {
        let mut model = Model::with_merge(concat);
        let steps = model.merge("basket", "fig").expect("a merge");
        let rule = rule("2.1", "each write becomes a row; nothing is read or merged by a write");
        let expected =
            ["WalAppend wal 1, 1 row", "MemTableInsert b\"basket\" seq 1", "Commit seq 1"];
        assert_steps(&steps, &expected, "the merge", &rule);
        let row = RowEntry::new_merge("basket", "fig", 1);
        assert_eq!(mem_table(&model), [row], "the memtable{rule}");
    }

    #[test]
    fn an_operand_is_not_merged_into_what_is_there() {
        let mut model = Model::with_merge(concat);
        model.put("basket", "fig").expect("a put");
        model.merge("basket", "kiwi").expect("a merge");
        model.merge("basket", "").expect("a merge of nothing");
        let oldest_first = [
            value("basket", "fig", 1),
            RowEntry::new_merge("basket", "kiwi", 2),
            RowEntry::new_merge("basket", "", 3),
        ];
        let rule = rule("2.1", "a merge operand is a row; nothing is merged when it is written");
        assert_eq!(model.wal[&1], oldest_first, "segment 1{rule}");
        let newest_first: Vec<_> = oldest_first.into_iter().rev().collect();
        assert_eq!(mem_table(&model), newest_first, "the memtable{rule}");
    }

    proptest! {
        #![proptest_config(testkit::config(24))]

        #[test]
        fn writes_take_the_steps_of_the_engine(
            batches in proptest::collection::vec(random::batch(), 0..8),
        ) {
            let mut both = Both::new();
            for batch in batches {
                both.write(batch);
            }
            both.assert_same_steps(&rule("2.1", "the model takes the steps of the engine"));
        }
    }
}

mod task_2_2 {
    use super::*;
    use proptest::prelude::*;
    use week2::model::get::newest_in;

    /// The database of the page's example.
    ///
    /// | place | rows |
    /// |---|---|
    /// | memtable | `apple` 9: tombstone, `kiwi` 8 = `soft` |
    /// | segment 3 | `fig` 7 = `blue` |
    /// | segment 2 | `fig` 6 = `green` |
    /// | SST 2 | `apple` 5 = `green`, `kiwi` 4 = `hard` |
    /// | SST 1 | `apple` 2 = `red`, `pear` 3 = `` |
    fn shop() -> Model {
        let mut model = Model::new();
        (model.wal_id, model.last_seq, model.next_sst_id) = (4, 9, 3);
        model.mem_table = table_of([tombstone("apple", 9), value("kiwi", "soft", 8)]);
        model.immutables = vec![
            Frozen { wal_id: 3, table: table_of([value("fig", "blue", 7)]) },
            Frozen { wal_id: 2, table: table_of([value("fig", "green", 6)]) },
        ];
        model.l0 = vec![
            Sst { id: 2, table: table_of([value("apple", "green", 5), value("kiwi", "hard", 4)]) },
            Sst { id: 1, table: table_of([value("apple", "red", 2), value("pear", "", 3)]) },
        ];
        model
    }

    const EVERYWHERE: [&str; 5] = [
        "MemTableLookup: not found",
        "ImmutableMemTableLookup wal 3: not found",
        "ImmutableMemTableLookup wal 2: not found",
        "SstLookup sst 2: not found",
        "SstLookup sst 1: not found",
    ];

    /// The steps of a search that ends at this place, the newest being 0, or that finds nothing.
    fn search(found_in: Option<usize>) -> Vec<String> {
        let places = EVERYWHERE.iter().take(found_in.map_or(EVERYWHERE.len(), |place| place + 1));
        let mut steps: Vec<String> = places.map(|step| (*step).to_owned()).collect();
        if let Some(last) = steps.last_mut().filter(|_| found_in.is_some()) {
            *last = last.replace("not found", "found");
        }
        steps
    }

    #[track_caller]
    fn assert_get(model: &Model, key: &str, expected: Option<&str>, steps: &[&str], rule: &str) {
        let (found, taken) = model.get(key);
        let expected = expected.map(copy);
        assert_eq!(found, expected, "get({key:?}){rule}");
        assert_steps(&taken, steps, &format!("get({key:?})"), rule);
    }

    #[test]
    fn a_place_with_newer_rows_only_is_one_without() {
        let rule = rule("2.2", "only rows up to max_seq count");
        let model = shop();
        // Key and max_seq; the value; the place with the row, the newest being 0.
        let cases = [
            ("apple", 9, None, Some(0)),
            ("apple", 8, Some("green"), Some(3)),
            ("apple", 5, Some("green"), Some(3)),
            ("apple", 4, Some("red"), Some(4)),
            ("apple", 2, Some("red"), Some(4)),
            ("apple", 1, None, None),
            ("fig", 6, Some("green"), Some(2)),
            ("kiwi", 0, None, None),
            ("kiwi", u64::MAX, Some("soft"), Some(0)),
        ];
        for (key, max_seq, expected, place) in cases {
            let (found, steps) = model.get_at(key.as_bytes(), max_seq);
            let what = format!("get_at({key:?}, {max_seq})");
            assert_eq!(found, expected.map(copy), "{what}{rule}");
            let search = search(place);
            let search: Vec<_> = search.iter().map(String::as_str).collect();
            assert_steps(&steps, &search, &what, &rule);
        }
    }

    #[test]
    fn the_first_place_that_has_the_key_is_the_last_that_is_looked_into() {
        let rule =
            rule("2.2", "newest place first; stop at the first that has a visible row of the key");
        assert_get(&shop(), "kiwi", Some("soft"), &["MemTableLookup: found"], &rule);
        let steps = ["MemTableLookup: not found", "ImmutableMemTableLookup wal 3: found"];
        assert_get(&shop(), "fig", Some("blue"), &steps, &rule);
    }

    #[test]
    fn a_key_that_is_nowhere_is_looked_for_everywhere() {
        let rule = rule("2.2", "newest place first; no row at all means that there is no value");
        assert_get(&shop(), "lemon", None, &EVERYWHERE, &rule);
    }

    #[test]
    fn a_tombstone_ends_the_search() {
        let rule = rule("2.2", "a tombstone is a row: what is behind it is older");
        assert_get(&shop(), "apple", None, &["MemTableLookup: found"], &rule);
    }

    #[test]
    fn an_empty_value_is_found() {
        let rule = rule("2.2", "an empty value is a value");
        let steps = [&EVERYWHERE[..4], &["SstLookup sst 1: found"]].concat();
        assert_get(&shop(), "pear", Some(""), &steps, &rule);
    }

    #[test]
    fn found_says_whether_a_place_has_a_visible_row() {
        let versions = |seqs: &[u64]| table_of(seqs.iter().map(|&seq| value("fig", "x", seq)));
        let mut model = Model::new();
        model.mem_table = versions(&[9]);
        model.immutables =
            [(3, 7), (2, 6)].map(|(wal_id, seq)| Frozen { wal_id, table: versions(&[seq]) }).into();
        model.l0 =
            vec![Sst { id: 2, table: versions(&[5]) }, Sst { id: 1, table: versions(&[4, 3]) }];
        let rule = rule("2.2", "found: the place has a row of the key up to max_seq");
        for (max_seq, place) in [
            (9, Some(0)),
            (8, Some(1)),
            (6, Some(2)),
            (5, Some(3)),
            (4, Some(4)),
            (3, Some(4)),
            (2, None),
        ] {
            let (_, steps) = model.newest_row(b"fig", max_seq);
            let search = search(place);
            let search: Vec<_> = search.iter().map(String::as_str).collect();
            assert_steps(&steps, &search, &format!("newest_row of fig up to {max_seq}"), &rule);
        }
    }

    #[test]
    fn of_several_versions_in_one_place_the_newest_visible_counts() {
        let table = table_of([value("fig", "1", 1), tombstone("fig", 4), value("fig", "6", 6)]);
        let rule = rule("2.2", "the newest row whose number is at most max_seq");
        for (max_seq, expected) in [
            (0, None),
            (1, Some(1)),
            (3, Some(1)),
            (4, Some(4)),
            (5, Some(4)),
            (6, Some(6)),
            (u64::MAX, Some(6)),
        ] {
            let found = newest_in(&table, b"fig", max_seq).map(|row| row.seq);
            assert_eq!(found, expected, "the row of fig up to {max_seq}{rule}");
        }
    }

    #[test]
    fn a_neighbour_is_not_the_key() {
        let keys = ["a", "a\0", "aa", "ab", "b"];
        let table = table_of(keys.iter().map(|key| value(key, key, 5)));
        let rule =
            rule("2.2", "only the key itself, no key that begins like it or comes behind it");
        for key in ["", "\0", "a", "a\0", "a\0\0", "aa", "aaa", "ab", "b", "c"] {
            let found = newest_in(&table, key.as_bytes(), 9).map(|row| row.key);
            let expected = keys.contains(&key).then(|| Bytes::copy_from_slice(key.as_bytes()));
            assert_eq!(found, expected, "the row of {key:?}{rule}");
            let older = newest_in(&table, key.as_bytes(), 4).map(|row| row.key);
            assert_eq!(older, None, "the row of {key:?} up to 4{rule}");
        }
    }

    #[test]
    fn what_is_no_key_can_be_asked_for() {
        let rule = rule("2.2", "any bytes may be asked for, also such as are no key");
        let mut model = shop();
        let longest = vec![b'k'; usize::from(u16::MAX)];
        table::insert(&mut model.mem_table, RowEntry::new_value(longest.clone(), "x", 9));
        for key in [Vec::new(), [&longest[..], b"k"].concat()] {
            let what = format!("get({})", name(&key));
            let (found, steps) = model.get(&key);
            assert_eq!(found, None, "{what}{rule}");
            assert_steps(&steps, &EVERYWHERE, &what, &rule);
        }
        let found = model.get(&longest).0;
        assert_eq!(found.as_deref(), Some(&b"x"[..]), "get({}){rule}", name(&longest));
    }

    #[test]
    fn a_merge_operand_ends_the_search_for_the_newest_row() {
        let mut model = shop();
        let row = RowEntry::new_merge("apple", "and a half", 10);
        model.mem_table = table_of([row.clone(), tombstone("apple", 9)]);
        let (found, steps) = model.newest_row(b"apple", 10);
        let rule = rule("2.2", "the newest row, whatever it says: an operand is one too");
        assert_eq!(found, Some(row), "the newest row of apple{rule}");
        assert_steps(&steps, &["MemTableLookup: found"], "newest_row", &rule);
    }

    proptest! {
        #![proptest_config(testkit::config(48))]

        /// Rows, cut into places: `cuts` says how many rows each has.
        #[test]
        fn any_places_are_searched_newest_first(
            batches in proptest::collection::vec(random::batch(), 0..8),
            cuts in proptest::collection::vec(0..5_usize, 5),
            key in random::key(),
            max_seq in 0..20_u64,
        ) {
            let rows: Vec<_> = batches.concat().into_iter().zip(1..).collect();
            let row = |((key, value), seq): &(Change, u64)| {
                RowEntry { key: key.clone(), value: value.clone(), seq: *seq }
            };
            let rows: Vec<_> = rows.iter().map(row).collect();
            // The oldest rows are in the first place of this list.
            let mut rest = &rows[..];
            let mut places = Vec::new();
            for cut in cuts {
                let (place, others) = rest.split_at(cut.min(rest.len()));
                places.push(place.to_vec());
                rest = others;
            }
            let mut model = Model::new();
            model.mem_table = table_of(places[4].clone());
            model.immutables = [3, 2].map(|number| {
                Frozen { wal_id: number as u64, table: table_of(places[number].clone()) }
            }).to_vec();
            model.l0 = [1, 0].map(|number| {
                Sst { id: number as u64 + 1, table: table_of(places[number].clone()) }
            }).to_vec();

            let newest = |rows: &[RowEntry]| {
                rows.iter().rev().find(|row| row.key == key && row.seq <= max_seq).cloned()
            };
            let found = places.iter().rev().position(|rows| newest(rows).is_some());
            let (value, steps) = model.get_at(&key, max_seq);
            let rule = rule("2.2", "newest place first; stop at the first that has a visible row");
            let expected = places.iter().rev().find_map(|rows| newest(rows));
            let expected = expected.and_then(|row| row.value.as_bytes().cloned());
            prop_assert_eq!(value, expected, "get_at({:?}, {}){}", key, max_seq, rule);
            let steps: Vec<_> = steps.iter().map(Step::to_string).collect();
            prop_assert_eq!(steps, search(found), "the steps of get_at({:?}, {}){}", key, max_seq, rule);
        }

        #[test]
        fn gets_take_the_steps_of_the_engine(
            history in proptest::collection::vec((random::batch(), random::key()), 0..8),
        ) {
            let mut both = Both::new();
            for (batch, key) in history {
                both.get(&key);
                both.open_snapshot();
                both.write(batch);
                both.get(&key);
                both.get_at(0, &key);
            }
            both.assert_same_steps(&rule("2.2", "the model takes the steps of the engine"));
        }
    }
}

mod task_2_3 {
    use super::*;
    use proptest::prelude::*;
    use random::Operation;
    use week2::model::flush::needed;

    /// The page's example: what was written, with a snapshot at 3 and one at 5.
    fn versions() -> Vec<RowEntry> {
        vec![
            value("apple", "red", 1),
            value("apple", "green", 2),
            value("kiwi", "hard", 3),
            value("apple", "gold", 4),
            tombstone("kiwi", 5),
            value("apple", "sour", 6),
            value("apple", "sweet", 7),
        ]
    }

    /// The rows that are left, as `apple/7 apple/4 kiwi/5`.
    fn ids(rows: &[RowEntry]) -> String {
        let id = |row: &RowEntry| format!("{}/{}", String::from_utf8_lossy(&row.key), row.seq);
        rows.iter().map(id).collect::<Vec<_>>().join(" ")
    }

    #[track_caller]
    fn assert_needed(rows: Vec<RowEntry>, snapshots: &[u64], expected: &str, rule: &str) {
        let left = needed(&table_of(rows), snapshots);
        assert_eq!(ids(&rows_of(&left)), expected, "needed with snapshots at {snapshots:?}{rule}");
    }

    #[test]
    fn a_freeze_moves_the_memtable_and_begins_a_segment() {
        let mut model = Model::new();
        model.put("kiwi", "soft").expect("a put");
        let steps = model.freeze();
        let rule =
            rule("2.3", "the memtable becomes the newest of the immutables; a new segment begins");
        assert_steps(&steps, &["Freeze wal 1"], "the freeze", &rule);
        assert!(model.mem_table.is_empty(), "the memtable is empty{rule}");
        let table = table_of([value("kiwi", "soft", 1)]);
        assert_eq!(model.immutables, [Frozen { wal_id: 1, table }], "the immutables{rule}");
        assert_eq!(model.wal_id, 2, "the segment that is written now{rule}");
        let segments: Vec<_> = model.wal.iter().map(|(&id, rows)| (id, rows.len())).collect();
        assert_eq!(segments, [(1, 1), (2, 0)], "the segments, and how many rows each has{rule}");
        let steps = model.put("fig", "blue").expect("a put");
        let expected = ["WalAppend wal 2, 1 row", "MemTableInsert b\"fig\" seq 2", "Commit seq 2"];
        assert_steps(&steps, &expected, "the put behind the freeze", &rule);
    }

    #[test]
    fn an_empty_memtable_is_not_frozen() {
        let mut model = Model::new();
        let rule = rule("2.3", "a freeze of an empty memtable does nothing");
        assert_steps(&model.freeze(), &[], "a freeze of a new database", &rule);
        assert_eq!((model.immutables.len(), model.wal_id), (0, 1), "immutables, segment{rule}");
        model.put("kiwi", "soft").expect("a put");
        model.freeze();
        assert_steps(&model.freeze(), &[], "the second freeze", &rule);
        assert_eq!((model.immutables.len(), model.wal_id), (1, 2), "immutables, segment{rule}");
    }

    #[test]
    fn a_flush_takes_the_oldest() {
        let mut model = Model::new();
        for key in ["a", "b", "c"] {
            model.put(key, key).expect("a put");
            model.freeze();
        }
        let frozen =
            |model: &Model| model.immutables.iter().map(|frozen| frozen.wal_id).collect::<Vec<_>>();
        let rule =
            rule("2.3", "memtables are flushed oldest first, and lists have the newest first");
        assert_eq!(frozen(&model), [3, 2, 1], "the immutables{rule}");
        let steps = model.flush_oldest();
        let expected =
            ["Flush wal 1 to sst 1, 1 row", "ManifestCommit manifest 2", "WalDelete wal 1"];
        assert_steps(&steps, &expected, "the first flush", &rule);
        assert_eq!(frozen(&model), [3, 2], "the immutables{rule}");
        let steps = model.flush_oldest();
        let expected =
            ["Flush wal 2 to sst 2, 1 row", "ManifestCommit manifest 3", "WalDelete wal 2"];
        assert_steps(&steps, &expected, "the second flush", &rule);
        let ssts = [(2, value("b", "b", 2)), (1, value("a", "a", 1))]
            .map(|(id, row)| Sst { id, table: table_of([row]) });
        assert_eq!(model.l0, ssts, "the SSTs{rule}");
        let segments: Vec<_> = model.wal.keys().copied().collect();
        assert_eq!(segments, [3, 4], "the segments that are left{rule}");
        assert_eq!((model.next_sst_id, model.manifest_id), (3, 3), "next SST, manifest{rule}");
    }

    #[test]
    fn without_an_immutable_memtable_there_is_nothing_to_flush() {
        let mut model = Model::new();
        model.put("kiwi", "soft").expect("a put");
        let rule = rule("2.3", "what is not frozen is not flushed");
        assert_steps(&model.flush_oldest(), &[], "a flush without an immutable memtable", &rule);
        assert_eq!((model.mem_table.len(), model.l0.len()), (1, 0), "memtable rows, SSTs{rule}");
        assert_eq!((model.next_sst_id, model.manifest_id), (1, 1), "next SST, manifest{rule}");
    }

    #[test]
    fn without_a_snapshot_the_newest_version_of_each_key_is_needed() {
        let rule = rule("2.3", "a newer value or tombstone hides every older row of its key");
        assert_needed(versions(), &[], "apple/7 kiwi/5", &rule);
    }

    #[test]
    fn a_tombstone_stays() {
        let rule = rule("2.3", "a tombstone may hide rows in older SSTs");
        assert_needed(vec![tombstone("kiwi", 5)], &[], "kiwi/5", &rule);
        let mut model = Model::new();
        model.put("kiwi", "hard").expect("a put");
        model.flush();
        model.delete("kiwi").expect("a delete");
        model.flush();
        assert_eq!(model.get("kiwi").0, None, "kiwi, deleted and flushed{rule}");
    }

    #[test]
    fn a_snapshot_keeps_what_it_sees() {
        let rule = rule("2.3", "of each key, the newest row of each stripe");
        assert_needed(versions(), &[3], "apple/7 apple/2 kiwi/5 kiwi/3", &rule);
        assert_needed(versions(), &[3, 5], "apple/7 apple/4 apple/2 kiwi/5 kiwi/3", &rule);
        assert_needed(versions(), &[4], "apple/7 apple/4 kiwi/5 kiwi/3", &rule);
        assert_needed(versions(), &[0], "apple/7 kiwi/5", &rule);
        assert_needed(versions(), &[7], "apple/7 kiwi/5", &rule);
        assert_needed(versions(), &[3, 3], "apple/7 apple/2 kiwi/5 kiwi/3", &rule);
        assert_needed(
            versions(),
            &[1, 2, 3, 4, 5, 6],
            "apple/7 apple/6 apple/4 apple/2 apple/1 kiwi/5 kiwi/3",
            &rule,
        );
    }

    #[test]
    fn a_merge_operand_hides_nothing_and_can_be_hidden() {
        let operand = |seq| RowEntry::new_merge("basket", "fig", seq);
        let base = |seq| value("basket", "kiwi", seq);
        let rule =
            rule("2.3", "only a value or a tombstone hides; an operand needs what is below it");
        assert_needed(vec![operand(2), operand(1)], &[], "basket/2 basket/1", &rule);
        let rows = vec![operand(5), operand(4), base(3), operand(2), base(1)];
        assert_needed(rows.clone(), &[], "basket/5 basket/4 basket/3", &rule);
        assert_needed(rows, &[2], "basket/5 basket/4 basket/3 basket/2 basket/1", &rule);
        let rows = vec![operand(5), tombstone("basket", 4), operand(3), base(2)];
        assert_needed(rows, &[], "basket/5 basket/4", &rule);
    }

    #[test]
    fn a_flush_counts_the_rows_that_are_needed() {
        let mut model = Model::new();
        model.put("apple", "red").expect("a put");
        let snapshot = model.open_snapshot();
        for value in ["green", "gold", "sour"] {
            model.put("apple", value).expect("a put");
        }
        model.freeze();
        let steps = model.flush_oldest();
        let rule = rule("2.3", "the SST holds the rows that are needed, and Flush says how many");
        let expected =
            ["Flush wal 1 to sst 1, 2 rows", "ManifestCommit manifest 2", "WalDelete wal 1"];
        assert_steps(&steps, &expected, "the flush", &rule);
        assert_eq!(ids(&rows_of(&model.l0[0].table)), "apple/4 apple/1", "the SST's rows{rule}");
        let seen = model.get_at(b"apple", snapshot).0;
        assert_eq!(seen, Some(copy("red")), "what the snapshot sees{rule}");
    }

    #[test]
    fn a_snapshot_outlives_a_flush() {
        let mut model = Model::new();
        model.put("apple", "red").expect("a put");
        model.flush();
        model.put("kiwi", "hard").expect("a put");
        let snapshot = model.open_snapshot();
        model.put("fig", "blue").expect("a put");
        model.freeze();
        model.put("pear", "ripe").expect("a put");
        model.flush();
        let rule = rule("2.3", "a flush closes no snapshot");
        assert_eq!(model.snapshots, [snapshot], "the open snapshots{rule}");
    }

    #[test]
    fn numbers_go_on_from_those_that_are_there() {
        let mut model = Model::new();
        (model.wal_id, model.next_sst_id, model.manifest_id) = (7, 40, 12);
        let wal = [(6, vec![value("fig", "green", 41)]), (7, Vec::new()), (9, Vec::new())];
        model.wal = wal.into();
        model.l0 = vec![Sst { id: 2, table: table_of([]) }];
        model.put("kiwi", "soft").expect("a put");
        let rule = rule("2.3", "each number goes up by one, from wherever it stands");
        let expected = [
            "Freeze wal 7",
            "Flush wal 7 to sst 40, 1 row",
            "ManifestCommit manifest 13",
            "WalDelete wal 7",
        ];
        assert_steps(&model.flush(), &expected, "the flush", &rule);
        let segments: Vec<_> = model.wal.keys().copied().collect();
        let what = "the segments: that of the memtable goes, and no other";
        assert_eq!(segments, [6, 8, 9], "{what}{rule}");
    }

    #[test]
    fn immutable_memtables_are_read_as_in_the_engine() {
        let settings = Settings {
            // Every write finds the memtable full and freezes it first.
            l0_sst_size_bytes: 1,
            compactor_options: None,
            garbage_collector_options: None,
            ..Settings::default()
        };
        testkit::deadline(20, || {
            let mut both = Both::with_settings(settings);
            both.gate.close();
            for (key, value) in
                [("apple", "red"), ("kiwi", "hard"), ("apple", "green"), ("fig", "blue")]
            {
                let steps = both.model.freeze();
                both.expected.extend(steps);
                both.write(vec![put(key, value)]);
            }
            for key in ["apple", "kiwi", "fig", "pear"] {
                both.get(key.as_bytes());
            }
            both.gate.open();
            both.flush();
            for key in ["apple", "kiwi", "fig", "pear"] {
                both.get(key.as_bytes());
            }
            both.assert_same_steps(&rule("2.3", "the model takes the steps of the engine"));
        });
    }

    proptest! {
        #![proptest_config(testkit::config(48))]

        #[test]
        fn a_flush_changes_nothing_that_a_reader_sees(
            batches in proptest::collection::vec((random::batch(), any::<bool>()), 0..8),
        ) {
            let mut model = Model::new();
            let mut keys = vec![Bytes::new()];
            for (batch, takes_snapshot) in batches {
                keys.extend(batch.iter().map(|(key, _)| key.clone()));
                // One with an empty key is refused.
                let _ = model.write(batch);
                if takes_snapshot {
                    model.open_snapshot();
                }
            }
            let see = |model: &Model| {
                let at = |seq| keys.iter().map(move |key| (seq, model.get_at(key, seq).0));
                model.snapshots.iter().chain([&model.last_seq]).flat_map(|&seq| at(seq)).collect::<Vec<_>>()
            };
            let before = see(&model);
            model.freeze();
            let frozen = see(&model);
            model.flush_oldest();
            let rule = rule("2.3", "no reader sees a difference");
            prop_assert_eq!(&frozen, &before, "by sequence number, after the freeze{}", rule);
            prop_assert_eq!(&see(&model), &before, "by sequence number, after the flush{}", rule);
        }
    }

    proptest! {
        #![proptest_config(testkit::config(32))]

        #[test]
        fn histories_take_the_steps_of_the_engine(
            history in proptest::collection::vec(random::operation(), 0..24),
        ) {
            let mut both = Both::new();
            for operation in history {
                match operation {
                    Operation::Write(batch) => both.write(batch),
                    Operation::Get(key) => both.get(&key),
                    Operation::GetAt(snapshot, key) => both.get_at(snapshot, &key),
                    Operation::OpenSnapshot => both.open_snapshot(),
                    Operation::CloseSnapshot(snapshot) => both.close_snapshot(snapshot),
                    Operation::Flush => both.flush(),
                    Operation::Reopen => both.reopen(),
                }
            }
            both.assert_same_steps(&rule("2.3", "the model takes the steps of the engine"));
        }
    }
}
