//! The room `model/` against the engine: random histories with everything that the model has, and the steps of
//! both compared.
//!
//! `TINYDB_HISTORIES=50 cargo test --release -p tinydb --test model_histories` tries 50 times as many.

use std::env;
use std::ops::Bound;
use std::sync::{Arc, Condvar, Mutex};

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngAlgorithm;
use testkit::config;
use tinydb::db::{Snapshot, Trace};
use tinydb::format::{Step, ValueDeletable};
use tinydb::iter::DbIterator;
use tinydb::merge::ConcatMergeOperator;
use tinydb::model::{Change, Model};
use tinydb::object_store::{MemoryObjectStore, ObjectMeta, ObjectStore};
use tinydb::storage::MemoryWalStore;
use tinydb::{Db, DbBuilder, Settings, WriteBatch};

type Range = (Bound<Bytes>, Bound<Bytes>);

/// What is done with both.
#[derive(Debug, Clone)]
enum Operation {
    Write(Vec<Change>),
    /// So many operands for one key, in one batch.
    MergeMany(Bytes, usize),
    Get(Bytes),
    Scan(Range),
    OpenSnapshot,
    CloseSnapshot(usize),
    GetAt(usize, Bytes),
    ScanAt(usize, Range),
    Flush,
    Reopen,
}

fn any_key() -> BoxedStrategy<Bytes> {
    let byte = prop_oneof![Just(0), Just(b'a'), Just(b'b'), Just(0xff)];
    let key = prop_oneof![30 => vec(byte, 1..3), 1 => Just(Vec::new())];
    key.prop_map(Bytes::from).boxed()
}

fn any_range() -> BoxedStrategy<Range> {
    let bound = prop_oneof![
        2 => any_key().prop_map(Bound::Included),
        2 => any_key().prop_map(Bound::Excluded),
        1 => Just(Bound::Unbounded),
    ];
    let bound = bound.boxed();
    (bound.clone(), bound).boxed()
}

fn any_change() -> BoxedStrategy<Change> {
    let bytes = vec(any::<u8>(), 0..4).prop_map(Bytes::from);
    let value = prop_oneof![
        4 => bytes.clone().prop_map(ValueDeletable::Value),
        2 => Just(ValueDeletable::Tombstone),
        4 => bytes.prop_map(ValueDeletable::Merge),
    ];
    (any_key(), value).boxed()
}

fn any_operation() -> BoxedStrategy<Operation> {
    use Operation::*;
    let batch = prop_oneof![6 => vec(any_change(), 1..2), 2 => vec(any_change(), 0..6)];
    prop_oneof![
        16 => batch.prop_map(Write),
        // Around the bound of a batch, and far above it.
        1 => (any_key(), prop_oneof![97..104_usize, 195..203_usize]).prop_map(|(k, n)| MergeMany(k, n)),
        5 => any_key().prop_map(Get),
        3 => any_range().prop_map(Scan),
        2 => Just(OpenSnapshot),
        1 => (0..3_usize).prop_map(CloseSnapshot),
        3 => (0..3_usize, any_key()).prop_map(|(which, key)| GetAt(which, key)),
        2 => (0..3_usize, any_range()).prop_map(|(which, range)| ScanAt(which, range)),
        3 => Just(Flush),
        1 => Just(Reopen),
    ]
    .boxed()
}

/// As [`ConcatMergeOperator`] does.
fn concat(_key: &[u8], existing: Option<&[u8]>, operands: &[Bytes]) -> Bytes {
    let operands = operands.iter().map(|operand| &operand[..]);
    existing.into_iter().chain(operands).collect::<Vec<_>>().concat().into()
}

/// The model and the engine, which do the same.
struct Both {
    model: Model,
    expected: Vec<Step>,
    db: Db,
    trace: Trace,
    settings: Settings,
    objects: Arc<HeldStore>,
    wal: MemoryWalStore,
    snapshots: Vec<(Snapshot, u64)>,
}

impl Both {
    fn new(settings: Settings) -> Self {
        let (objects, wal, trace) = (Arc::default(), MemoryWalStore::new(), Trace::new());
        let db = open(&objects, &wal, &settings, &trace);
        trace.start();
        let (model, expected, snapshots) = (Model::with_merge(concat), Vec::new(), Vec::new());
        Self { model, expected, db, trace, settings, objects, wal, snapshots }
    }

    fn perform(&mut self, operation: Operation) {
        match operation {
            Operation::Write(batch) => self.write(batch),
            Operation::MergeMany(key, count) => {
                let operand = |number: usize| (key.clone(), merge_operand(number));
                self.write((0..count).map(operand).collect());
            }
            Operation::Get(key) => {
                let (found, steps) = self.model.get(&key);
                assert_eq!(found, self.db.get(&key).expect("a get"), "get({key:?})");
                self.expected.extend(steps);
            }
            Operation::Scan(range) => {
                let (found, steps) = self.model.scan(range.clone());
                let engine = self.db.scan(range.clone()).expect("a scan");
                assert_eq!(found, rows_of(engine), "scan({range:?})");
                self.expected.extend(steps);
            }
            Operation::OpenSnapshot => {
                let snapshot = self.db.snapshot().expect("a snapshot");
                self.snapshots.push((snapshot, self.model.open_snapshot()));
            }
            Operation::CloseSnapshot(which) => {
                if which < self.snapshots.len() {
                    self.model.close_snapshot(self.snapshots.remove(which).1);
                }
            }
            Operation::GetAt(which, key) => {
                let Some((snapshot, seq)) = self.snapshots.get(which) else { return };
                let (found, steps) = self.model.get_at(&key, *seq);
                assert_eq!(found, snapshot.get(&key).expect("a get"), "get_at({key:?}, {seq})");
                self.expected.extend(steps);
            }
            Operation::ScanAt(which, range) => {
                let Some((snapshot, seq)) = self.snapshots.get(which) else { return };
                let (found, steps) = self.model.scan_at(range.clone(), *seq);
                let engine = snapshot.scan(range.clone()).expect("a scan");
                assert_eq!(found, rows_of(engine), "scan_at({range:?}, {seq})");
                self.expected.extend(steps);
            }
            Operation::Flush => {
                self.db.flush().expect("a flush");
                self.expected.extend(self.model.flush());
            }
            Operation::Reopen => {
                self.snapshots.clear();
                self.db.close().expect("a close");
                self.db = open(&self.objects, &self.wal, &self.settings, &self.trace);
                self.expected.extend(self.model.reopen());
            }
        }
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
        let said = |error: &tinydb::Error| error.to_string();
        assert_eq!(model.as_ref().err().map(said), engine.as_ref().err().map(said), "a write");
        self.expected.extend(model.unwrap_or_default());
    }

    /// Compares what is seen before and after a flush, and all steps. If memtables were flushed while others
    /// read, the calls of the merge function come in any order.
    fn check(mut self, merges_in_order: bool) {
        self.perform(Operation::Scan((Bound::Unbounded, Bound::Unbounded)));
        self.perform(Operation::Flush);
        self.perform(Operation::Scan((Bound::Unbounded, Bound::Unbounded)));
        self.snapshots.clear();
        // When it is closed, the flusher has recorded its last step.
        self.db.close().expect("a close");
        let engine = self.trace.stop();
        self.assert_same(&engine, is_flushers, true);
        self.assert_same(&engine, is_callers, true);
        self.assert_same(&engine, is_merge, merges_in_order);
    }

    /// Compares the steps of one list.
    fn assert_same(&self, engine: &[Step], kind: fn(&Step) -> bool, in_order: bool) {
        let of_kind = |steps: &[Step]| -> Vec<String> {
            let steps = steps.iter().filter(|step| kind(step));
            let mut steps: Vec<_> = steps.map(ToString::to_string).collect();
            if !in_order {
                steps.sort();
            }
            steps
        };
        let (model, engine) = (of_kind(&self.expected), of_kind(engine));
        assert_eq!(model, engine, "the steps of the model, and of the engine");
    }
}

// The three lists of steps that `Model` promises each for itself.

fn is_flushers(step: &Step) -> bool {
    matches!(step, Step::Flush { .. } | Step::ManifestCommit { .. } | Step::WalDelete { .. })
}

fn is_merge(step: &Step) -> bool {
    matches!(step, Step::MergeBatch { .. })
}

fn is_callers(step: &Step) -> bool {
    !is_flushers(step) && !is_merge(step)
}

fn merge_operand(number: usize) -> ValueDeletable {
    ValueDeletable::Merge(format!("{number} ").into())
}

fn rows_of(scan: DbIterator) -> Vec<(Bytes, Bytes)> {
    scan.map(|row| row.map(|row| (row.key, row.value)).expect("a scan goes on")).collect()
}

fn settings() -> Settings {
    Settings { compactor_options: None, garbage_collector_options: None, ..Settings::default() }
}

fn open(objects: &Arc<HeldStore>, wal: &MemoryWalStore, settings: &Settings, trace: &Trace) -> Db {
    DbBuilder::in_memory()
        .with_object_store(Arc::<HeldStore>::clone(objects))
        .with_wal_store(Arc::new(wal.clone()))
        .with_settings(settings.clone())
        .with_merge_operator(Arc::new(ConcatMergeOperator::new()))
        .with_trace(trace.clone())
        .build()
        .expect("a database that opens")
}

/// A store that holds the flusher back when it is about to put an SST.
#[derive(Debug, Default)]
struct HeldStore {
    objects: MemoryObjectStore,
    hold: Mutex<Hold>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Hold {
    is_closed: bool,
    is_waiting: bool,
}

impl HeldStore {
    fn set_closed(&self, is_closed: bool) {
        self.hold.lock().expect("no panic while it is held").is_closed = is_closed;
        self.changed.notify_all();
    }

    /// Waits until the flusher stands before the gate: from then on it looks at nothing.
    fn wait_for_flusher(&self) {
        let hold = self.hold.lock().expect("no panic while it is held");
        drop(self.changed.wait_while(hold, |hold| !hold.is_waiting));
    }

    fn pass(&self) {
        let mut hold = self.hold.lock().expect("no panic while it is held");
        hold.is_waiting = true;
        self.changed.notify_all();
        let mut hold = self.changed.wait_while(hold, |hold| hold.is_closed).expect("no panic");
        hold.is_waiting = false;
    }
}

impl ObjectStore for HeldStore {
    fn put(&self, path: &str, object: Bytes) -> tinydb::Result<()> {
        self.objects.put(path, object)
    }

    fn put_if_absent(&self, path: &str, object: Bytes) -> tinydb::Result<()> {
        if path.starts_with("sst/") {
            self.pass();
        }
        self.objects.put_if_absent(path, object)
    }

    fn get(&self, path: &str) -> tinydb::Result<Bytes> {
        self.objects.get(path)
    }

    fn get_range(&self, path: &str, range: std::ops::Range<u64>) -> tinydb::Result<Bytes> {
        self.objects.get_range(path, range)
    }

    fn head(&self, path: &str) -> tinydb::Result<ObjectMeta> {
        self.objects.head(path)
    }

    fn list(&self, prefix: &str) -> tinydb::Result<Vec<ObjectMeta>> {
        self.objects.list(prefix)
    }

    fn delete(&self, path: &str) -> tinydb::Result<()> {
        self.objects.delete(path)
    }
}

/// Opens the gate when it is dropped, also by a panic: closing the database waits for the flusher.
struct OpenWhenDropped(Arc<HeldStore>);

impl Drop for OpenWhenDropped {
    fn drop(&mut self) {
        self.0.set_closed(false);
    }
}

/// proptest's usual random numbers take longer, in a debug build, than what is tested.
fn fast(cases: u32) -> ProptestConfig {
    let times = env::var("TINYDB_HISTORIES").map_or(1, |times| times.parse().expect("a number"));
    ProptestConfig { rng_algorithm: RngAlgorithm::XorShift, ..config(cases * times) }
}

proptest! {
    #![proptest_config(fast(300))]

    #[test]
    fn the_model_takes_the_steps_of_the_engine(history in vec(any_operation(), 0..60)) {
        let mut both = Both::new(settings());
        for operation in history {
            both.perform(operation);
        }
        both.check(true);
    }

    /// Every write finds the memtable full. The flusher is held back at its first SST, so the memtables of all
    /// further writes are immutable and wait, until the end of the part.
    #[test]
    fn the_model_reads_immutable_memtables_as_the_engine_does(
        parts in vec(vec(any_operation(), 0..12), 0..4),
    ) {
        let mut both = Both::new(Settings { l0_sst_size_bytes: 1, ..settings() });
        let _open = OpenWhenDropped(Arc::clone(&both.objects));
        for part in parts {
            both.perform(Operation::OpenSnapshot);
            both.objects.set_closed(true);
            for operation in part {
                // The first two wait for the flusher. With the others, what it keeps would depend on when it
                // looks: the model flushes later.
                if matches!(
                    operation,
                    Operation::Flush
                        | Operation::Reopen
                        | Operation::OpenSnapshot
                        | Operation::CloseSnapshot(_)
                ) {
                    continue;
                }
                let is_write = matches!(operation, Operation::Write(_) | Operation::MergeMany(..));
                let steps = if is_write && may_freeze(&operation) { both.model.freeze() } else { Vec::new() };
                let froze = !steps.is_empty();
                both.expected.extend(steps);
                both.perform(operation);
                if froze {
                    both.objects.wait_for_flusher();
                }
            }
            both.objects.set_closed(false);
            both.perform(Operation::Flush);
        }
        both.check(false);
    }
}

/// Whether a write comes so far that it looks whether the memtable is full.
fn may_freeze(operation: &Operation) -> bool {
    match operation {
        Operation::Write(batch) => !batch.is_empty(),
        _ => true,
    }
}
