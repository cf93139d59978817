//! A user of the database: writes of every kind and durability, flushes, compactions, garbage
//! collections and openings, all from a seed.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tinydb::compaction::SizeTieredCompactionOptions;
use tinydb::db::{CompactorOptions, GarbageCollectorOptions, ManifestStore, Snapshot, paths};
use tinydb::format::FormatVersion;
use tinydb::merge::ConcatMergeOperator;
use tinydb::object_store::ObjectStore;
use tinydb::storage::{Durability, WalStore};
use tinydb::{Db, DbBuilder, Error, Result, Settings, WriteBatch, WriteOptions};

use crate::disk::{Disk, Layout};
use crate::faulty_store::{FaultyStore, Random};
use crate::machine::{Event, Gate, Machine, Who};
use crate::promise::{Change, Contents, Crash, Promise};

/// How the threads of the database run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// The flusher makes a call when the seed says so: the same seed gives the same journal.
    Stepped,
    /// As they like, with compactions and garbage collections in the background too.
    Free,
    /// As they like, on a disk or a network where calls fail, and on a network also come late or twice.
    Faulty,
}

/// A workload.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub seed: u64,
    pub layout: Layout,
    pub pace: Pace,
    pub operations: usize,
}

impl Plan {
    /// Does the work on an empty disk, and returns what happened there.
    pub fn run(self) -> Vec<Event> {
        let machine = Machine::new(Disk::new(self.layout));
        let promise = Promise::new();
        machine.promise(&promise);
        let mut random = Random::new(self.seed);
        let settings = settings(&mut random, self.pace);
        let network = (self.pace == Pace::Faulty && self.layout == Layout::ObjectStore)
            .then(|| Arc::new(FaultyStore::new(Arc::new(machine.clone()), self.seed)));
        if self.pace == Pace::Faulty && self.layout == Layout::Directory {
            machine.begin_faults(self.seed);
        }
        let mut user = User {
            plan: self,
            machine,
            network,
            settings,
            promise,
            random,
            batches: 0,
            is_unsure: false,
        };
        user.work();
        user.machine.journal()
    }

    /// The settings with which the work is done.
    pub fn settings(self) -> Settings {
        settings(&mut Random::new(self.seed), self.pace)
    }
}

/// Small memtables, blocks and SSTs, so that there is much of everything.
fn settings(random: &mut Random, pace: Pace) -> Settings {
    let mut between = |least: u64, most: u64| least + random.below(most - least + 1);
    let version = if between(0, 1) == 0 { FormatVersion::V1 } else { FormatVersion::V2 };
    let size_tiered = SizeTieredCompactionOptions {
        min_compaction_sources: 2,
        max_compaction_sources: between(2, 4) as usize,
        include_size_threshold: 4.0,
    };
    let compactor_options = CompactorOptions {
        max_concurrent_compactions: 2,
        max_sst_size: between(100, 600) as usize,
        size_tiered,
        retry_after: Duration::from_millis(1),
    };
    let garbage_collector_options =
        GarbageCollectorOptions { interval: Duration::from_millis(2), min_age: Duration::ZERO };
    let background = pace != Pace::Stepped;
    Settings {
        l0_sst_size_bytes: between(200, 1200) as usize,
        max_unflushed_bytes: 1 << 20,
        sst_version: version,
        sst_block_size: between(40, 300) as usize,
        min_filter_keys: between(1, 20),
        block_cache_bytes: between(0, 1) as usize * 4096,
        // In the stepped pace only a waiting writer makes the WAL durable.
        flush_interval: Some(if background { Duration::from_millis(1) } else { Duration::MAX }),
        max_wal_flushes_before_l0_flush: between(3, 40),
        compactor_options: background.then_some(compactor_options),
        garbage_collector_options: background.then_some(garbage_collector_options),
        ..Settings::default()
    }
}

/// A database on this machine, whose object store may be reached over a bad network.
fn builder(
    machine: &Machine,
    network: Option<&Arc<FaultyStore>>,
    settings: &Settings,
) -> DbBuilder {
    let store: Arc<dyn ObjectStore> = match network {
        Some(network) => Arc::<FaultyStore>::clone(network),
        None => Arc::new(machine.clone()),
    };
    let builder = match machine.disk().layout() {
        Layout::ObjectStore => DbBuilder::on_object_store(store),
        Layout::Directory => {
            Db::builder("").with_object_store(store).with_wal_store(Arc::new(machine.clone()))
        }
    };
    let builder = builder.with_merge_operator(Arc::new(ConcatMergeOperator::new()));
    builder.with_settings(settings.clone())
}

/// Everything in the database.
pub fn contents_of(db: &Db) -> Result<Contents> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let rows = db.scan(..)?.map(|row| row.map(|row| (text(&row.key), text(&row.value))));
    rows.collect()
}

struct User {
    plan: Plan,
    machine: Machine,
    network: Option<Arc<FaultyStore>>,
    settings: Settings,
    promise: Promise,
    random: Random,
    batches: u64,
    /// Whether the last write has failed: it may be there, or not.
    is_unsure: bool,
}

impl User {
    fn work(&mut self) {
        let mut db = self.open();
        let mut snapshot: Option<Snapshot> = None;
        for _ in 0..self.plan.operations {
            let is_well = match self.random.below(100) {
                0..74 => self.write(&db),
                74..82 => self.flush(&db),
                82..87 => self.compact(&db),
                87..92 => self.collect_garbage(&db),
                92..96 => {
                    // Rows that it sees stay until it is dropped.
                    snapshot = if snapshot.is_some() { None } else { db.snapshot().ok() };
                    true
                }
                _ => false,
            };
            if !is_well {
                snapshot = None;
                self.end(db);
                db = self.open();
            }
            let steps = self.random.below(7) as usize;
            self.background(&db, steps);
        }
        drop(snapshot);
        self.end(db);
    }

    fn is_stepped(&self) -> bool {
        self.plan.pace == Pace::Stepped
    }

    /// Whether this went well. Only a fault explains that it did not.
    fn is_well<T>(&self, result: Result<T>) -> bool {
        match result {
            Ok(_) => true,
            Err(error) if self.plan.pace == Pace::Faulty && is_fault(&error) => false,
            Err(error) => panic!("no fault explains {error:?}"),
        }
    }

    fn survives(&mut self, crash: Crash) {
        self.promise.survives(crash);
        self.machine.promise(&self.promise);
    }

    fn write(&mut self, db: &Db) -> bool {
        let changes = self.changes();
        let mut batch = WriteBatch::new();
        changes.iter().for_each(|change| change.add_to(&mut batch));
        let one_of = [Durability::Buffered, Durability::Os, Durability::Os, Durability::Sync];
        let durability = one_of[self.random.below(4) as usize];
        self.promise.tried(&changes);
        self.machine.promise(&self.promise);
        let options = WriteOptions { durability: Some(durability) };
        let written = db.write_with_options(batch, &options);
        self.is_unsure = !self.is_well(written);
        if self.is_unsure {
            return false;
        }
        match durability {
            Durability::Buffered => {}
            Durability::Os => self.survives(Crash::Kill),
            Durability::Sync => self.survives(Crash::PowerCut),
        }
        true
    }

    /// One change, or some at once. Each has the batch's number in it.
    fn changes(&mut self) -> Vec<Change> {
        self.batches += 1;
        let count = if self.random.happens(60) { 1 } else { 2 + self.random.below(5) };
        (0..count).map(|part| self.change(part)).collect()
    }

    fn change(&mut self, part: u64) -> Change {
        let key = format!("key {}", self.random.below(12));
        let padding = if self.random.happens(10) { 150 } else { self.random.below(20) };
        let text = format!("{}.{part}{}", self.batches, "x".repeat(padding as usize));
        match self.random.below(10) {
            0..5 => Change::Put(key, text),
            5..7 => Change::Delete(key),
            _ => Change::Merge(key, format!("+{}.{part}", self.batches)),
        }
    }

    fn flush(&mut self, db: &Db) -> bool {
        self.machine.set_gate(Gate::Open);
        let flushed = db.flush();
        self.finish_flushes(db);
        let is_well = self.is_well(flushed);
        if is_well {
            self.survives(Crash::PowerCut);
        }
        self.close_gate();
        is_well
    }

    fn compact(&mut self, db: &Db) -> bool {
        if self.is_stepped() && !self.flush(db) {
            return false;
        }
        self.finish_flushes(db);
        self.machine.set_gate(Gate::Open);
        let compacted = db.compact();
        let is_well = self.is_well(compacted);
        self.close_gate();
        is_well
    }

    /// Deletes what is garbage now, also while a flush has put its SST and not committed it.
    fn collect_garbage(&mut self, db: &Db) -> bool {
        match self.wait_for_flusher(db) {
            // The flusher holds no lock here.
            Some((Who::Flusher, path)) if path.starts_with("sst/") => {
                self.machine.set_gate(Gate::NoFlush);
            }
            _ => {
                self.finish_flushes(db);
                self.machine.set_gate(Gate::Open);
            }
        }
        let collected = db.collect_garbage(Duration::ZERO);
        let is_well = self.is_well(collected);
        self.close_gate();
        is_well
    }

    /// The process ends, and closes the database or not.
    fn end(&mut self, db: Db) {
        self.finish_flushes(&db);
        self.machine.set_gate(Gate::Open);
        let is_closed = self.random.happens(50) && {
            let closed = db.close();
            self.is_well(closed)
        };
        let before = self.machine.journal().len();
        drop(db);
        if is_closed {
            assert_eq!(self.machine.journal().len(), before, "a closed database changes nothing");
            if !self.is_unsure {
                self.survives(Crash::PowerCut);
            }
        } else if self.plan.pace != Pace::Faulty {
            self.survives(match self.plan.layout {
                Layout::Directory => Crash::Kill,
                Layout::ObjectStore => Crash::PowerCut,
            });
        }
    }

    fn open(&mut self) -> Db {
        if self.is_stepped() {
            self.machine.set_gate(Gate::NoFlush);
        }
        for tries in 0..60 {
            if tries == 50 {
                self.machine.end_faults();
                self.network.iter().for_each(|network| network.end_faults());
            }
            let built = builder(&self.machine, self.network.as_ref(), &self.settings).build();
            let read = built.and_then(|db| Ok((contents_of(&db)?, db)));
            match read {
                Ok((found, db)) => {
                    let crash = match self.plan.layout {
                        Layout::Directory => Crash::Kill,
                        Layout::ObjectStore => Crash::PowerCut,
                    };
                    self.promise.hold_to(&found, crash);
                    self.is_unsure = false;
                    self.machine.promise(&self.promise);
                    self.close_gate();
                    return db;
                }
                error => assert!(!self.is_well(error), "it was not opened"),
            }
        }
        panic!("the database can't be opened, though the faults have ended");
    }

    fn close_gate(&self) {
        if self.is_stepped() {
            self.machine.set_gate(Gate::Steps(0));
        }
    }

    /// Lets the background make some calls.
    fn background(&self, db: &Db, steps: usize) {
        if !self.is_stepped() {
            return;
        }
        for _ in 0..steps {
            match self.wait_for_flusher(db) {
                None => return,
                Some((Who::Helper, _)) => return self.finish_flushes(db),
                Some(_) => self.machine.step(),
            }
        }
        if let Some((Who::Helper, _)) = self.wait_for_flusher(db) {
            self.finish_flushes(db);
        }
    }

    /// Who waits before the gate; `None` if there is nothing to flush.
    fn wait_for_flusher(&self, db: &Db) -> Option<(Who, String)> {
        if !self.is_stepped() {
            return None;
        }
        loop {
            if let Some(waiting) = self.machine.wait_for_flusher() {
                return Some(waiting);
            }
            let is_idle = db.stats().is_ok_and(|stats| stats.immutable_mem_tables == 0);
            if is_idle && !self.machine.is_flushing() {
                return None;
            }
            thread::yield_now();
        }
    }

    fn finish_flushes(&self, db: &Db) {
        if self.is_stepped() {
            self.machine.set_gate(Gate::Open);
            while self.wait_for_flusher(db).is_some() {
                thread::yield_now();
            }
            self.close_gate();
        }
    }
}

/// Whether a call that failed explains this error.
fn is_fault(error: &Error) -> bool {
    match error {
        Error::Io { .. } | Error::WalFailed { .. } => true,
        Error::FlushFailed { source }
        | Error::NotDurable { source }
        | Error::CompactionFailed { source } => is_fault(source),
        _ => false,
    }
}

/// Opens the database on what a crash has left, and holds it to the promise. From then on it is used:
/// what is written lasts, and in the end no file is there that nobody needs.
pub fn recover(
    machine: &Machine,
    settings: &Settings,
    promise: &mut Promise,
    crash: Crash,
    use_it: bool,
) {
    promise.after(crash);
    machine.promise(promise);
    let db = open(machine, settings);
    let found = contents_of(&db).expect("a scan");
    for number in 0..12 {
        let key = format!("key {number}");
        let value = db.get(&key).expect("a get");
        let expected = found.get(&key).map(String::as_bytes);
        assert_eq!(value.as_deref(), expected, "a get finds what a scan finds");
    }
    promise.hold_to(&found, crash);
    machine.promise(promise);
    if use_it {
        go_on(machine, settings, promise, db);
    }
}

fn open(machine: &Machine, settings: &Settings) -> Db {
    let built = builder(machine, None, settings).build();
    built.unwrap_or_else(|error| panic!("the database does not open after a crash: {error}"))
}

fn go_on(machine: &Machine, settings: &Settings, promise: &mut Promise, db: Db) {
    let changes = [
        Change::Put("key 0".to_owned(), "again".to_owned()),
        Change::Merge("key 1".to_owned(), "+again".to_owned()),
        Change::Delete("key 2".to_owned()),
    ];
    for change in changes {
        let mut batch = WriteBatch::new();
        change.add_to(&mut batch);
        promise.tried(&[change]);
        machine.promise(promise);
        let options = WriteOptions { durability: Some(Durability::Sync) };
        db.write_with_options(batch, &options).expect("a write after a crash");
        promise.survives(Crash::PowerCut);
        machine.promise(promise);
    }
    db.flush().expect("a flush after a crash");
    db.compact().expect("a compaction after a crash");
    assert_eq!(contents_of(&db).expect("a scan"), *promise.contents(), "after a compaction");
    db.close().expect("a close");
    let db = open(machine, settings);
    assert_eq!(contents_of(&db).expect("a scan"), *promise.contents(), "after the next opening");
    db.collect_garbage(Duration::ZERO).expect("a garbage collection after a crash");
    assert_eq!(contents_of(&db).expect("a scan"), *promise.contents(), "without the garbage");
    assert_no_litter(machine);
}

/// Checks that every SST is named by the manifest, and that there is one segment.
fn assert_no_litter(machine: &Machine) {
    let (_, manifest) = ManifestStore::latest(machine).expect("a listing").expect("a manifest");
    let runs = manifest.sorted_runs.iter().flat_map(|run| &run.ssts);
    let mut named: Vec<_> = manifest.l0.iter().chain(runs).copied().collect();
    named.sort_unstable();
    let found = ObjectStore::list(machine, paths::SSTS).expect("a listing");
    let found: Vec<_> = found.iter().filter_map(|meta| paths::sst_id(&meta.path)).collect();
    // A number that was not given out yet may be taken by an SST that a crash has left.
    let found: Vec<_> = found.into_iter().filter(|id| *id < manifest.next_sst_id).collect();
    assert_eq!(found, named, "the SSTs that are there, and those that the manifest names");
    if machine.disk().layout() == Layout::Directory {
        assert_eq!(WalStore::list(machine).expect("a listing").len(), 1, "segments");
    }
}
