//! The room `db/` against week 2's model: random histories, then several threads at once.
//!
//! Here it counts what the model answers. That it takes the engine's steps is tested in `model_histories.rs`.
//!
//! `TINYDB_HISTORIES=50 cargo test --release --package tinydb --test db_oracle` tries 50 times as many
//! histories, and lets the threads run 50 times as long.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::env;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::RngAlgorithm;
use tempfile::TempDir;
use testkit::{config, deadline};
use tinydb::compaction::SizeTieredCompactionOptions;
use tinydb::db::{CompactorOptions, GarbageCollectorOptions, ManifestStore, Snapshot, paths};
use tinydb::format::{FormatVersion, ValueDeletable};
use tinydb::iter::DbIterator;
use tinydb::merge::ConcatMergeOperator;
use tinydb::model::Model;
use tinydb::object_store::{LocalObjectStore, MemoryObjectStore, ObjectStore};
use tinydb::storage::{Durability, MemoryWalStore};
use tinydb::{Db, DbBuilder, Error, Settings, WriteBatch, WriteOptions};

/// By how much the environment multiplies the work.
fn times() -> u32 {
    env::var("TINYDB_HISTORIES").map_or(1, |times| times.parse().expect("a number"))
}

/// Where a database is that can be opened again.
enum Home {
    Memory(Arc<MemoryObjectStore>, MemoryWalStore),
    Disk(TempDir),
    /// With the WAL as objects too.
    ObjectStore(Arc<MemoryObjectStore>),
}

impl Home {
    fn memory() -> Self {
        Self::Memory(Arc::default(), MemoryWalStore::new())
    }

    fn disk() -> Self {
        Self::Disk(tempfile::tempdir().expect("a temporary folder"))
    }

    fn object_store(&self) -> Arc<dyn ObjectStore> {
        match self {
            Self::Memory(objects, _) | Self::ObjectStore(objects) => {
                Arc::<MemoryObjectStore>::clone(objects)
            }
            Self::Disk(folder) => Arc::new(LocalObjectStore::open(folder.path()).expect("a store")),
        }
    }

    fn open(&self, settings: &Settings) -> Db {
        let builder = match self {
            Self::ObjectStore(_) => DbBuilder::on_object_store(self.object_store()),
            Self::Memory(objects, wal) => Db::builder("")
                .with_object_store(Arc::<MemoryObjectStore>::clone(objects))
                .with_wal_store(Arc::new(wal.clone())),
            Self::Disk(folder) => Db::builder(folder.path()),
        };
        let builder = builder.with_merge_operator(Arc::new(ConcatMergeOperator::new()));
        builder.with_settings(settings.clone()).build().expect("a database that opens")
    }
}

mod histories {
    use super::*;

    type Key = Vec<u8>;
    type Row = (Key, Vec<u8>);
    type KeyRange = (Bound<Key>, Bound<Key>);

    const ALL: KeyRange = (Bound::Unbounded, Bound::Unbounded);

    /// A write to one key.
    #[derive(Debug, Clone)]
    enum Change {
        Put(Key, Vec<u8>),
        Delete(Key),
        /// Appends to the value.
        Merge(Key, Vec<u8>),
    }

    impl Change {
        fn key(&self) -> &Key {
            match self {
                Self::Put(key, _) | Self::Delete(key) | Self::Merge(key, _) => key,
            }
        }

        fn add_to(&self, batch: &mut WriteBatch) {
            match self {
                Self::Put(key, value) => batch.put(key, value),
                Self::Delete(key) => batch.delete(key),
                Self::Merge(key, operand) => batch.merge(key, operand),
            }
        }

        fn for_model(&self) -> tinydb::model::Change {
            let value = match self {
                Self::Put(_, value) => ValueDeletable::Value(value.clone().into()),
                Self::Delete(_) => ValueDeletable::Tombstone,
                Self::Merge(_, operand) => ValueDeletable::Merge(operand.clone().into()),
            };
            (self.key().clone().into(), value)
        }
    }

    /// What is done with a database.
    #[derive(Debug, Clone)]
    enum Operation {
        /// One write, by the method that is named for it.
        Change(Change),
        Write(Vec<Change>, Option<Durability>),
        Get(Key),
        Scan(KeyRange),
        ScanPrefix(Key),
        /// A scan that goes to a key after some rows.
        Seek(KeyRange, usize, Key),
        /// A scan that is left open while the history goes on.
        OpenScan(KeyRange),
        /// The next rows of an open scan.
        ReadOn(Index, usize),
        TakeSnapshot,
        GetFromSnapshot(Index, Key),
        ScanSnapshot(Index, KeyRange),
        DropSnapshot(Index),
        Flush,
        Compact,
        CollectGarbage,
        /// Close and open again.
        Close,
        /// Open again without closing.
        Drop,
    }

    #[derive(Debug, Clone)]
    struct History {
        settings: Settings,
        operations: Vec<Operation>,
    }

    // The strategies are boxed, so that each is compiled once.

    fn any_key() -> BoxedStrategy<Key> {
        let byte = || prop_oneof![Just(0), Just(b'a'), Just(b'b'), Just(0xff)];
        let key = prop_oneof![
            40 => vec(byte(), 1..3),
            10 => vec(byte(), 3..5),
            3 => vec(any::<u8>(), 5..40),
            // No key: a write of it is refused.
            1 => Just(Vec::new()),
        ];
        key.boxed()
    }

    fn any_range() -> BoxedStrategy<KeyRange> {
        let bound = prop_oneof![
            2 => any_key().prop_map(Bound::Included),
            2 => any_key().prop_map(Bound::Excluded),
            1 => Just(Bound::Unbounded),
        ];
        let bound = bound.boxed();
        (bound.clone(), bound).boxed()
    }

    fn any_change() -> BoxedStrategy<Change> {
        // Two bytes that tell it from others, repeated: choosing each byte would take long.
        let len = prop_oneof![8 => 0..30_usize, 1 => 200..400_usize];
        let value = (any::<[u8; 2]>(), len)
            .prop_map(|(bytes, len)| bytes.into_iter().cycle().take(len).collect::<Vec<_>>())
            .boxed();
        let change = prop_oneof![
            3 => (any_key(), value.clone()).prop_map(|(key, value)| Change::Put(key, value)),
            1 => any_key().prop_map(Change::Delete),
            1 => (any_key(), value).prop_map(|(key, operand)| Change::Merge(key, operand)),
        ];
        change.boxed()
    }

    fn any_durability() -> BoxedStrategy<Durability> {
        let one_of = vec![Durability::Buffered, Durability::Os, Durability::Sync];
        proptest::sample::select(one_of).boxed()
    }

    fn any_operation() -> BoxedStrategy<Operation> {
        use Operation::*;
        let (key, range, index) = (any_key(), any_range(), any::<Index>);
        let durability = proptest::option::of(any_durability());
        let operation = prop_oneof![
            10 => any_change().prop_map(Change),
            6 => (vec(any_change(), 0..6), durability).prop_map(|(batch, how)| Write(batch, how)),
            3 => key.clone().prop_map(Get),
            2 => range.clone().prop_map(Scan),
            1 => key.clone().prop_map(ScanPrefix),
            1 => (range.clone(), 0..4_usize, key.clone()).prop_map(|(r, n, k)| Seek(r, n, k)),
            1 => range.clone().prop_map(OpenScan),
            2 => (index(), 1..8_usize).prop_map(|(index, count)| ReadOn(index, count)),
            1 => Just(TakeSnapshot),
            1 => (index(), key).prop_map(|(index, key)| GetFromSnapshot(index, key)),
            1 => (index(), range).prop_map(|(index, range)| ScanSnapshot(index, range)),
            1 => index().prop_map(DropSnapshot),
            2 => Just(Flush),
            1 => Just(Compact),
            1 => Just(CollectGarbage),
            1 => Just(Close),
            1 => Just(Drop),
        ];
        operation.boxed()
    }

    /// Blocks of one row or several, and now and then hardly any room for unflushed rows.
    fn any_settings(memtable: BoxedStrategy<usize>) -> BoxedStrategy<Settings> {
        let room = prop_oneof![3 => Just(1 << 20), 1 => 0..4000_usize];
        (memtable, room, 1..400_usize, any_durability())
            .prop_map(|(l0_sst_size_bytes, room, sst_block_size, durability)| Settings {
                l0_sst_size_bytes,
                max_unflushed_bytes: l0_sst_size_bytes + room,
                sst_block_size,
                durability,
                ..Settings::default()
            })
            .prop_flat_map(|settings| (Just(settings), any_tuning()))
            .prop_map(|(settings, tuning)| tuning.apply_to(settings))
            .boxed()
    }

    /// What changes the files of a database, and nothing that it shows.
    #[derive(Debug, Clone)]
    struct Tuning {
        version: FormatVersion,
        filter_bits_per_key: u32,
        block_cache_bytes: usize,
        compactor: Option<(CompactorOptions, usize)>,
        collects: bool,
    }

    impl Tuning {
        fn apply_to(self, settings: Settings) -> Settings {
            let (compactor_options, room_in_l0) = self.compactor.unzip();
            let fewest = compactor_options.as_ref().map(|it| it.size_tiered.min_compaction_sources);
            let interval = Duration::from_millis(1);
            let min_age = Duration::ZERO;
            Settings {
                sst_version: self.version,
                filter_bits_per_key: self.filter_bits_per_key,
                min_filter_keys: 1,
                block_cache_bytes: self.block_cache_bytes,
                l0_max_ssts: fewest.unwrap_or(1) + room_in_l0.unwrap_or(0),
                compactor_options,
                garbage_collector_options: self
                    .collects
                    .then_some(GarbageCollectorOptions { interval, min_age }),
                ..settings
            }
        }
    }

    /// Compactions of two sources or more, at once or one by one, into SSTs of a few rows.
    fn any_compactor() -> BoxedStrategy<CompactorOptions> {
        (1..3_usize, 1..3000_usize, 2..5_usize, 0..4_usize, 1.0..5.0)
            .prop_map(|(threads, max_sst_size, fewest, more, include_size_threshold)| {
                CompactorOptions {
                    max_concurrent_compactions: threads,
                    max_sst_size,
                    size_tiered: SizeTieredCompactionOptions {
                        min_compaction_sources: fewest,
                        max_compaction_sources: fewest + more,
                        include_size_threshold,
                    },
                    ..CompactorOptions::default()
                }
            })
            .boxed()
    }

    fn any_tuning() -> BoxedStrategy<Tuning> {
        let version = prop_oneof![1 => Just(FormatVersion::V1), 3 => Just(FormatVersion::V2)];
        let filter = prop_oneof![Just(0), Just(1), Just(10)];
        let cache = prop_oneof![Just(0), Just(2000), Just(1 << 20)];
        let compactor = proptest::option::weighted(0.8, (any_compactor(), 0..4_usize));
        (version, filter, cache, compactor, any::<bool>())
            .prop_map(|(version, filter_bits_per_key, block_cache_bytes, compactor, collects)| {
                Tuning { version, filter_bits_per_key, block_cache_bytes, compactor, collects }
            })
            .boxed()
    }

    fn any_history(memtable: BoxedStrategy<usize>) -> BoxedStrategy<History> {
        (any_settings(memtable), vec(any_operation(), 0..50))
            .prop_map(|(settings, operations)| History { settings, operations })
            .boxed()
    }

    /// Memtables of a few rows.
    fn small() -> BoxedStrategy<usize> {
        prop_oneof![1..100_usize, 100..2000_usize].boxed()
    }

    /// Memtables of some more rows: on a disk, each that is flushed costs eight syncs.
    fn larger() -> BoxedStrategy<usize> {
        (500..3000_usize).boxed()
    }

    /// A database and what it should hold.
    struct Run<'a> {
        home: &'a Home,
        settings: Settings,
        db: Db,
        model: Model,
        /// Whether there ever was one: what it needed may still be there.
        had_snapshots: bool,
        /// Snapshots, with the sequence number at which each was taken in the model.
        snapshots: Vec<(Snapshot, u64)>,
        /// Scans, with the rows that each should still return.
        scans: Vec<(DbIterator, VecDeque<Row>)>,
    }

    impl<'a> Run<'a> {
        fn start(home: &'a Home, settings: &'a Settings) -> Self {
            let db = home.open(settings);
            let (model, snapshots, scans) = (Model::with_merge(concat), Vec::new(), Vec::new());
            let (settings, had_snapshots) = (settings.clone(), false);
            Self { home, settings, db, model, had_snapshots, snapshots, scans }
        }

        fn perform(&mut self, operation: &Operation) {
            match operation {
                Operation::Change(change) => self.change(change),
                Operation::Write(changes, durability) => self.write(changes, *durability),
                Operation::Get(key) => {
                    let found = self.db.get(key).expect("a get");
                    assert_eq!(found, self.model.get(key).0);
                }
                Operation::Scan(range) => {
                    let found = self.db.scan(range.clone()).expect("a scan");
                    assert_eq!(rows_of(found), self.expected(range));
                }
                Operation::ScanPrefix(prefix) => {
                    let found = rows_of(self.db.scan_prefix(prefix).expect("a scan"));
                    let mut expected = self.expected(&ALL);
                    expected.retain(|(key, _)| key.starts_with(prefix));
                    assert_eq!(found, expected);
                }
                Operation::Seek(range, before, key) => self.seek(range, *before, key),
                Operation::OpenScan(range) => {
                    let scan = self.db.scan(range.clone()).expect("a scan");
                    self.scans.push((scan, self.expected(range).into()));
                }
                Operation::ReadOn(index, count) => self.read_on(*index, *count),
                Operation::TakeSnapshot => {
                    self.had_snapshots = true;
                    let snapshot = self.db.snapshot().expect("a snapshot");
                    self.snapshots.push((snapshot, self.model.open_snapshot()));
                }
                Operation::GetFromSnapshot(index, key) => {
                    if let Some((snapshot, seq)) = pick(&self.snapshots, *index) {
                        let found = snapshot.get(key).expect("a get");
                        assert_eq!(found, self.model.get_at(key, *seq).0);
                    }
                }
                Operation::ScanSnapshot(index, range) => {
                    if let Some((snapshot, seq)) = pick(&self.snapshots, *index) {
                        let found = snapshot.scan(range.clone()).expect("a scan");
                        assert_eq!(rows_of(found), expected(&self.model, range, *seq));
                    }
                }
                Operation::DropSnapshot(index) => {
                    if !self.snapshots.is_empty() {
                        let index = index.index(self.snapshots.len());
                        self.model.close_snapshot(self.snapshots.swap_remove(index).1);
                    }
                }
                Operation::Flush => self.flush(),
                Operation::Compact => self.compact(),
                Operation::CollectGarbage => {
                    self.db.collect_garbage(Duration::ZERO).expect("a collection");
                }
                Operation::Close => self.close_and_open(),
                Operation::Drop => self.drop_and_open(),
            }
        }

        fn change(&mut self, change: &Change) {
            let changed: tinydb::Result<_> = match change {
                Change::Put(key, value) => self.db.put(key, value),
                Change::Delete(key) => self.db.delete(key),
                Change::Merge(key, operand) => self.db.merge(key, operand),
            };
            self.written(changed, std::slice::from_ref(change));
        }

        fn write(&mut self, changes: &[Change], durability: Option<Durability>) {
            let mut batch = WriteBatch::new();
            changes.iter().for_each(|change| change.add_to(&mut batch));
            let written = self.db.write_with_options(batch, &WriteOptions { durability });
            self.written(written, changes);
        }

        /// What the model refuses is refused as a whole; any other batch is applied.
        fn written<T: std::fmt::Debug>(&mut self, result: tinydb::Result<T>, changes: &[Change]) {
            let model = self.model.write(changes.iter().map(Change::for_model).collect());
            if model.is_err() {
                let refused = matches!(result, Err(Error::InvalidArgument { .. }));
                assert!(refused, "expected Error::InvalidArgument, found {result:?}");
                return;
            }
            result.expect("a write");
        }

        /// What the model shows now.
        fn expected(&self, range: &KeyRange) -> Vec<Row> {
            expected(&self.model, range, self.model.seq())
        }

        fn seek(&self, range: &KeyRange, before: usize, key: &Key) {
            let mut scan = self.db.scan(range.clone()).expect("a scan");
            let mut expected = self.expected(range).into_iter();
            for _ in 0..before {
                assert_eq!(row_of(scan.next()), expected.next());
            }
            scan.seek(key).expect("a seek");
            let rest: Vec<_> = expected.filter(|(row_key, _)| row_key >= key).collect();
            assert_eq!(rows_of(scan), rest);
        }

        fn read_on(&mut self, index: Index, count: usize) {
            if self.scans.is_empty() {
                return;
            }
            let index = index.index(self.scans.len());
            let (scan, expected) = &mut self.scans[index];
            for _ in 0..count {
                assert_eq!(row_of(scan.next()), expected.pop_front(), "a scan that was left open");
            }
        }

        fn flush(&mut self) {
            self.db.flush().expect("a flush");
            self.model.flush();
            let stats = self.db.stats().expect("figures");
            assert_eq!((stats.mem_table_rows, stats.immutable_mem_tables), (0, 0), "{stats:?}");
        }

        /// Behind it, there is one sorted run or, without rows, none.
        fn compact(&self) {
            self.db.compact().expect("a compaction");
            let stats = self.db.stats().expect("figures");
            assert_eq!((stats.l0_ssts, stats.mem_table_rows), (0, 0), "{stats:?}");
            assert!(stats.sorted_runs <= 1, "{stats:?}");
            if !self.had_snapshots {
                assert_eq!(
                    stats.sst_rows,
                    self.expected(&ALL).len() as u64,
                    "a row for each key: {stats:?}"
                );
            }
        }

        /// When nobody reads and nothing runs, a collection leaves what the newest manifest names, the
        /// manifests that fence somebody, and SSTs whose number was never committed.
        fn check_garbage(mut self) {
            self.settings.compactor_options = None;
            self.settings.garbage_collector_options = None;
            self.drop_and_open();
            self.flush();
            self.db.collect_garbage(Duration::ZERO).expect("a collection");
            let store = self.home.object_store();
            let (newest, manifest) = ManifestStore::latest(&*store).unwrap().expect("a manifest");
            let named: BTreeSet<_> = manifest.ssts().collect();
            let paths = |prefix| store.list(prefix).unwrap().into_iter().map(|meta| meta.path);
            let ssts: BTreeSet<_> =
                paths("sst").map(|path| paths::sst_id(&path).expect("an SST")).collect();
            assert!(ssts.is_superset(&named), "needed and deleted: {:?}", &named - &ssts);
            let left_over = ssts.difference(&named).find(|&&id| id < manifest.next_sst_id);
            assert_eq!(left_over, None, "neither needed nor deleted");
            let mut epochs = BTreeSet::new();
            for path in paths("manifest") {
                let id = paths::manifest_id(&path).expect("a manifest");
                let epoch = ManifestStore::read(&*store, id).unwrap().writer_epoch;
                assert!(epochs.insert(epoch) || id == newest, "{path} fences nobody");
            }
            assert_eq!(epochs.len() as u64, manifest.writer_epoch, "the first of each epoch stays");
            self.check();
        }

        fn close_and_open(&mut self) {
            self.db.close().expect("a close");
            assert!(matches!(self.db.get("a"), Err(Error::Closed)), "a get of a closed database");
            assert!(matches!(self.db.put("a", ""), Err(Error::Closed)), "a put to a closed one");
            for (snapshot, _) in self.snapshots.drain(..) {
                assert!(matches!(snapshot.get("a"), Err(Error::Closed)), "its snapshot's get");
            }
            self.scans.clear();
            self.db = self.home.open(&self.settings);
            self.model.reopen();
        }

        fn drop_and_open(&mut self) {
            // A snapshot is a handle too.
            self.snapshots.clear();
            self.scans.clear();
            // Something stands in for the database, so that it is dropped before it is opened.
            self.db = tinydb::DbBuilder::in_memory().build().expect("a database in memory");
            self.db = self.home.open(&self.settings);
            self.model.reopen();
        }

        /// Reads everything in every way.
        fn check(&self) {
            let rows = rows_of(self.db.scan(..).expect("a scan"));
            assert_eq!(rows, self.expected(&ALL));
            for (key, value) in rows {
                assert_eq!(self.db.get(key).expect("a get"), Some(value.into()));
            }
            for (snapshot, seq) in &self.snapshots {
                let rows = rows_of(snapshot.scan(..).expect("a scan"));
                assert_eq!(rows, expected(&self.model, &ALL, *seq), "a snapshot");
            }
        }
    }

    /// What [`ConcatMergeOperator`] does.
    fn concat(_key: &[u8], existing: Option<&[u8]>, operands: &[Bytes]) -> Bytes {
        let operands = operands.iter().map(|operand| &operand[..]);
        existing.into_iter().chain(operands).collect::<Vec<_>>().concat().into()
    }

    fn pick<T>(choices: &[T], index: Index) -> Option<&T> {
        (!choices.is_empty()).then(|| index.get(choices))
    }

    fn expected(model: &Model, (start, end): &KeyRange, seq: u64) -> Vec<Row> {
        let bound = |bound: &Bound<Key>| bound.clone().map(Bytes::from);
        let (rows, _) = model.scan_at((bound(start), bound(end)), seq);
        rows.into_iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
    }

    fn row_of(next: Option<tinydb::Result<tinydb::iter::KeyValue>>) -> Option<Row> {
        let row = next.transpose().expect("a scan goes on");
        row.map(|row| (row.key.to_vec(), row.value.to_vec()))
    }

    fn rows_of(mut scan: DbIterator) -> Vec<Row> {
        std::iter::from_fn(|| row_of(scan.next())).collect()
    }

    fn check_history(home: &Home, history: &History) {
        let mut run = Run::start(home, &history.settings);
        for operation in &history.operations {
            run.perform(operation);
        }
        run.check();
        run.flush();
        run.check();
        run.drop_and_open();
        run.check();
        run.check_garbage();
    }

    /// proptest's usual random numbers take longer, in a debug build, than what is tested.
    fn fast(cases: u32) -> ProptestConfig {
        ProptestConfig { rng_algorithm: RngAlgorithm::XorShift, ..config(cases * times()) }
    }

    proptest! {
        #![proptest_config(fast(400))]

        // Two of them, because tests run side by side.
        #[test]
        fn in_memory(history in any_history(small())) {
            check_history(&Home::memory(), &history);
        }

        #[test]
        fn on_an_object_store(history in any_history(small())) {
            check_history(&Home::ObjectStore(Arc::default()), &history);
        }
    }

    proptest! {
        #![proptest_config(fast(60))]

        #[test]
        fn on_the_disk(history in any_history(larger())) {
            check_history(&Home::disk(), &history);
        }
    }
}

/// Two threads that write, one that reads and one that takes snapshots, while memtables are frozen
/// and flushed; then everything is opened again, and they go on.
mod threads {
    use super::*;

    const WRITERS: u64 = 2;
    /// How many keys each writer has for itself, how many they share, and how many are always set
    /// to one number by one batch.
    const KEYS: u64 = 10;
    const BATCH: u64 = 5;

    /// A value: who wrote it, and that writer's how manieth it was. Some are large.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    struct Mark {
        writer: u64,
        number: u64,
    }

    impl Mark {
        fn encode(self) -> Vec<u8> {
            let padding = if self.number.is_multiple_of(16) { 300 } else { 4 };
            let numbers = [self.writer.to_be_bytes(), self.number.to_be_bytes()];
            [&numbers.concat()[..], &vec![0; padding]].concat()
        }

        fn decode(value: &[u8]) -> Self {
            let number = |at: usize| value[at..at + 8].try_into().map(u64::from_be_bytes);
            let mark = Self { writer: number(0).expect("8 bytes"), number: number(8).expect("8") };
            assert_eq!(mark.encode(), value, "a value is whole");
            mark
        }
    }

    fn own_key(writer: u64, key: u64) -> String {
        format!("own/{writer}/{key}")
    }

    /// The highest number of each writer that a reader has seen, by key. It never goes down.
    #[derive(Debug, Default)]
    struct Seen(BTreeMap<(Vec<u8>, u64), u64>);

    impl Seen {
        fn see(&mut self, key: &[u8], mark: Mark) {
            let highest = self.0.entry((key.to_vec(), mark.writer)).or_default();
            let name = String::from_utf8_lossy(key);
            assert!(mark.number >= *highest, "{name} went back from {highest} to {mark:?}");
            *highest = mark.number;
        }

        /// Looks at all of what one scan returned.
        fn see_all(&mut self, scan: DbIterator) {
            let mut batch = Vec::new();
            for row in scan {
                let row = row.expect("a scan goes on");
                let mark = Mark::decode(&row.value);
                self.see(&row.key, mark);
                if row.key.starts_with(b"batch/") {
                    batch.push(mark);
                }
            }
            let whole = batch.is_empty() || batch.len() as u64 == BATCH;
            assert!(whole && batch.windows(2).all(|pair| pair[0] == pair[1]), "torn: {batch:?}");
        }
    }

    /// Writes numbers `from..to`, each to a key of its own, to a key that is shared, and to a batch.
    fn write(db: &Db, writer: u64, from: u64, to: u64) {
        for number in from..to {
            let mark = Mark { writer, number };
            let value = mark.encode();
            let own = own_key(writer, number % KEYS);
            db.put(&own, &value).expect("a put");
            assert_eq!(db.get(&own).expect("a get").as_deref(), Some(&value[..]), "its own write");

            db.put(format!("shared/{}", number % KEYS), &value).expect("a put");
            let brief = format!("brief/{writer}");
            db.put(&brief, &value).expect("a put");
            let mut batch = WriteBatch::new();
            for key in 0..BATCH {
                batch.put(format!("batch/{key}"), &value);
            }
            batch.delete(&brief);
            let durability = if number % 64 == 0 { Durability::Sync } else { Durability::Os };
            let options = WriteOptions { durability: Some(durability) };
            db.write_with_options(batch, &options).expect("a write");
            assert_eq!(db.get(&brief).expect("a get"), None, "its own delete");
            if number % 97 == 0 {
                db.flush().expect("a flush");
            }
        }
    }

    fn read(db: &Db, done: &AtomicBool, seen: &mut Seen) {
        while !done.load(Ordering::Relaxed) {
            for key in 0..KEYS {
                let own = (0..WRITERS).map(|writer| own_key(writer, key));
                for key in own.chain([format!("shared/{key}")]) {
                    if let Some(value) = db.get(&key).expect("a get") {
                        seen.see(key.as_bytes(), Mark::decode(&value));
                    }
                }
            }
            seen.see_all(db.scan(..).expect("a scan"));
        }
    }

    fn take_snapshots(db: &Db, done: &AtomicBool, seen: &mut Seen) {
        while !done.load(Ordering::Relaxed) {
            let snapshot = db.snapshot().expect("a snapshot");
            let read = || {
                let rows = snapshot.scan(..).expect("a scan").map(|row| row.expect("a row"));
                rows.collect::<Vec<_>>()
            };
            let rows = read();
            seen.see_all(snapshot.scan(..).expect("a scan"));
            for row in &rows {
                let found = snapshot.get(&row.key).expect("a get");
                assert_eq!(found.as_ref(), Some(&row.value), "a snapshot's get, after its scan");
            }
            assert_eq!(read(), rows, "a snapshot, read again");
        }
    }

    /// What is there when both writers have written the numbers below `end`.
    fn check_end(db: &Db, end: u64) {
        let marks = db.scan(..).expect("a scan").map(|row| row.expect("a row"));
        let marks: BTreeMap<_, _> =
            marks.map(|row| (row.key.to_vec(), Mark::decode(&row.value))).collect();
        assert_eq!(marks.len() as u64, WRITERS * KEYS + KEYS + BATCH, "{marks:?}");
        for key in 0..KEYS {
            let number = (end - KEYS..end).find(|number| number % KEYS == key).expect("one");
            for writer in 0..WRITERS {
                let found = marks[own_key(writer, key).as_bytes()];
                assert_eq!(found, Mark { writer, number }, "key {key} of writer {writer}");
            }
            assert_eq!(marks[format!("shared/{key}").as_bytes()].number, number, "shared/{key}");
        }
        assert_eq!(marks[&b"batch/0"[..]].number, end - 1);
    }

    fn check(home: &Home, rounds: u64, writes: u64) {
        let settings = Settings {
            l0_sst_size_bytes: 16 << 10,
            max_unflushed_bytes: 64 << 10,
            sst_block_size: 512,
            ..Settings::default()
        };
        let (mut reader, mut snapshots) = (Seen::default(), Seen::default());
        for round in 0..rounds {
            let db = home.open(&settings);
            let done = AtomicBool::new(false);
            thread::scope(|scope| {
                scope.spawn(|| read(&db, &done, &mut reader));
                scope.spawn(|| take_snapshots(&db, &done, &mut snapshots));
                let (from, to) = (round * writes, (round + 1) * writes);
                let writers = (0..WRITERS).map(|writer| {
                    let db = &db;
                    scope.spawn(move || write(db, writer, from, to))
                });
                let writers: Vec<_> = writers.collect();
                let results: Vec<_> =
                    writers.into_iter().map(thread::ScopedJoinHandle::join).collect();
                // Also when one has panicked: the readers would never end.
                done.store(true, Ordering::Relaxed);
                results.into_iter().for_each(|result| result.expect("a writer without a fault"));
            });
            check_end(&db, (round + 1) * writes);
            if round % 2 == 0 {
                db.close().expect("a close");
            }
        }
        check_end(&home.open(&settings), rounds * writes);
    }

    // Each time anew: nothing compacts level 0, so a database that goes on and on gets slow.

    #[test]
    fn in_memory() {
        for _ in 0..times() {
            deadline(60, || check(&Home::memory(), 4, 250));
        }
    }

    #[test]
    fn on_the_disk() {
        for _ in 0..times() {
            deadline(60, || check(&Home::disk(), 3, 100));
        }
    }
}
