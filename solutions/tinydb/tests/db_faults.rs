//! The room `db/` on a machine that fails: refused calls, power cuts, other writers, a slow store.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use testkit::{SimulatedFile, deadline};
use tinydb::object_store::{MemoryObjectStore, ObjectMeta, ObjectStore};
use tinydb::storage::{Durability, LogFile, WalStore};
use tinydb::{Db, DbBuilder, Error, Result, Settings, WriteBatch, WriteOptions};

/// Memory that stands for a machine's disk and its object store, with faults on demand. Clones are
/// the same machine.
#[derive(Debug, Clone, Default)]
struct Machine {
    shared: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Debug, Default)]
struct State {
    segments: BTreeMap<u64, SimulatedFile>,
    objects: MemoryObjectStore,
    /// How many calls there were.
    calls: usize,
    fault: Option<Fault>,
    /// SSTs can't be put: the call waits, or is refused.
    ssts_wait: bool,
    ssts_refused: bool,
    /// The batches that must survive a power cut, and those that somebody has tried to write.
    safe: u64,
    attempted: u64,
    /// What a power cut would leave, from every moment at which that has changed.
    images: Option<Vec<Image>>,
}

/// Which calls fail, and how.
#[derive(Debug, Clone)]
struct Fault {
    calls: Range<usize>,
    when: When,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    /// Nothing has happened.
    Before,
    /// Of an append, half has.
    Halfway,
    /// All has: only the answer is lost.
    After,
}

/// A machine's disk at one moment.
#[derive(Debug, Clone)]
struct Image {
    /// What each segment holds, synced and written.
    segments: BTreeMap<u64, (Vec<u8>, Vec<u8>)>,
    objects: Vec<(String, Bytes)>,
    safe: u64,
    attempted: u64,
}

impl State {
    fn record_image(&mut self) {
        if self.images.is_none() {
            return;
        }
        let segments = self.segments.iter();
        let segments = segments.map(|(&id, file)| (id, (file.synced(), file.written())));
        let paths = self.objects.list("").expect("a listing").into_iter().map(|meta| meta.path);
        let objects = paths.map(|path| (path.clone(), self.objects.get(&path).expect("it")));
        let image = Image {
            segments: segments.collect(),
            objects: objects.collect(),
            safe: self.safe,
            attempted: self.attempted,
        };
        self.images.get_or_insert_default().push(image);
    }
}

impl Machine {
    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes how the machine behaves.
    fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.shared.1.notify_all();
    }

    fn builder(&self) -> DbBuilder {
        Db::builder("")
            .with_object_store(Arc::new(self.clone()))
            .with_wal_store(Arc::new(self.clone()))
    }

    /// One call: counted, and failed if it is its turn. `halfway` is what a call does that fails
    /// halfway.
    fn call<T, E: From<Refused>>(
        &self,
        effect: impl FnOnce(&mut State) -> Result<T, E>,
        halfway: impl FnOnce(&mut State),
    ) -> Result<T, E> {
        let mut state = self.state();
        state.calls += 1;
        let calls = state.calls;
        let fault = state.fault.as_ref().filter(|fault| fault.calls.contains(&calls));
        let result = match fault.map(|fault| fault.when) {
            None => effect(&mut state),
            Some(When::Before) => Err(Refused.into()),
            Some(When::Halfway) => {
                halfway(&mut state);
                Err(Refused.into())
            }
            Some(When::After) => effect(&mut state).and(Err(Refused.into())),
        };
        state.record_image();
        result
    }

    /// One call that happens or not.
    fn whole<T, E: From<Refused>>(
        &self,
        effect: impl FnOnce(&mut State) -> Result<T, E>,
    ) -> Result<T, E> {
        self.call(effect, |_| ())
    }

    /// Waits, or fails, if SSTs can't be put.
    fn admit(&self, path: &str) -> Result<()> {
        let is_sst = path.starts_with("sst/");
        let waiting = |state: &mut State| is_sst && state.ssts_wait;
        let state = self.shared.1.wait_while(self.state(), waiting);
        let refused = is_sst && state.unwrap_or_else(PoisonError::into_inner).ssts_refused;
        if refused { Err(Refused.into()) } else { Ok(()) }
    }
}

/// The answer to a call that fails.
struct Refused;

impl From<Refused> for io::Error {
    fn from(_: Refused) -> Self {
        Self::other("the machine refuses")
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::io("use", "the machine")(refused.into())
    }
}

impl ObjectStore for Machine {
    fn put(&self, path: &str, object: Bytes) -> Result<()> {
        self.admit(path)?;
        self.whole(|state| state.objects.put(path, object))
    }

    fn put_if_absent(&self, path: &str, object: Bytes) -> Result<()> {
        self.admit(path)?;
        self.whole(|state| state.objects.put_if_absent(path, object))
    }

    fn get(&self, path: &str) -> Result<Bytes> {
        self.whole(|state| state.objects.get(path))
    }

    fn get_range(&self, path: &str, range: Range<u64>) -> Result<Bytes> {
        self.whole(|state| state.objects.get_range(path, range))
    }

    fn head(&self, path: &str) -> Result<ObjectMeta> {
        self.whole(|state| state.objects.head(path))
    }

    fn list(&self, prefix: &str) -> Result<Vec<ObjectMeta>> {
        self.whole(|state| state.objects.list(prefix))
    }

    fn delete(&self, path: &str) -> Result<()> {
        self.whole(|state| state.objects.delete(path))
    }
}

impl WalStore for Machine {
    fn list(&self) -> Result<Vec<u64>> {
        self.whole(|state| Ok(state.segments.keys().copied().collect()))
    }

    fn open(&self, wal_id: u64) -> Result<Box<dyn LogFile>> {
        let file =
            self.whole(|state| Ok::<_, Error>(state.segments.entry(wal_id).or_default().clone()))?;
        Ok(Box::new(Segment { machine: self.clone(), file }))
    }

    fn delete(&self, wal_id: u64) -> Result<()> {
        self.whole(|state| {
            state.segments.remove(&wal_id);
            Ok(())
        })
    }

    fn name(&self, wal_id: u64) -> String {
        format!("segment {wal_id}")
    }
}

#[derive(Debug)]
struct Segment {
    machine: Machine,
    file: SimulatedFile,
}

impl LogFile for Segment {
    fn read_all(&mut self) -> io::Result<Bytes> {
        self.machine.whole(|_| Ok(self.file.written().into()))
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let half = |_: &mut State| {
            self.file.append(&bytes[..bytes.len() / 2]).expect("room");
        };
        self.machine.call(|_| self.file.append(bytes), half)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.machine.whole(|_| self.file.sync())
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.machine.whole(|_| self.file.truncate(len))
    }
}

/// Memtables of a few batches.
fn settings() -> Settings {
    Settings { l0_sst_size_bytes: 600, ..Settings::default() }
}

/// Batch `number`: rows of its own, one that every batch replaces, and one that the next deletes.
fn batch(number: u64) -> WriteBatch {
    let mut batch = WriteBatch::new();
    for part in 0..3 {
        batch.put(format!("batch/{number:04}/{part}"), number.to_string());
    }
    batch.put("last", number.to_string());
    batch.put(format!("brief/{number:04}"), number.to_string());
    batch.delete(format!("brief/{:04}", number - 1));
    batch
}

/// What a database holds to which these batches were written, and no others.
fn contents_of(batches: &BTreeSet<u64>) -> BTreeMap<String, String> {
    let mut contents = BTreeMap::new();
    for number in batches {
        let value = number.to_string();
        for part in 0..3 {
            contents.insert(format!("batch/{number:04}/{part}"), value.clone());
        }
        contents.insert("last".to_owned(), value.clone());
        contents.insert(format!("brief/{number:04}"), value);
        contents.remove(&format!("brief/{:04}", number - 1));
    }
    contents
}

/// The batches in a database, each of which is there as a whole.
fn batches_in(db: &Db) -> Result<BTreeSet<u64>> {
    let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).expect("text");
    let rows = db.scan(..)?.map(|row| row.map(|row| (text(&row.key), text(&row.value))));
    let contents = rows.collect::<Result<BTreeMap<_, _>>>()?;
    let batches = contents.keys().filter_map(|key| key.strip_prefix("batch/")?.get(..4));
    let batches = batches.map(|number| number.parse().expect("a number")).collect();
    assert_eq!(contents, contents_of(&batches), "batches are there as a whole or not at all");
    Ok(batches)
}

/// Calls that fail, at every place of a mixed workload.
mod refused_calls {
    use super::*;

    /// A user of a database, who knows which batches must be there.
    struct User {
        machine: Machine,
        db: Option<Db>,
        next: u64,
        acknowledged: BTreeSet<u64>,
        /// Batches whose write has failed such that they may be there all the same, when the database
        /// is opened again.
        unknown: BTreeSet<u64>,
        /// Of these, the batches that are seen as long as the database is open: only their sync failed.
        not_durable: BTreeSet<u64>,
    }

    impl User {
        fn new(machine: Machine) -> Self {
            let (acknowledged, unknown, not_durable) = Default::default();
            Self { machine, db: None, next: 1, acknowledged, unknown, not_durable }
        }

        /// The whole workload.
        fn work(&mut self) {
            self.reopen();
            for durability in [Durability::Os, Durability::Os, Durability::Sync, Durability::Os] {
                self.write(durability);
            }
            self.flush();
            (0..6).for_each(|_| self.write(Durability::Os));
            self.reopen();
            self.write(Durability::Os);
            self.write(Durability::Sync);
            self.close();
            self.reopen();
            (0..4).for_each(|_| self.write(Durability::Os));
            self.flush();
            self.reopen();
        }

        fn write(&mut self, durability: Durability) {
            let number = self.next;
            self.next += 1;
            let Some(db) = &self.db else { return };
            let options = WriteOptions { durability: Some(durability) };
            match db.write_with_options(batch(number), &options) {
                Ok(_) => {
                    self.acknowledged.insert(number);
                    return;
                }
                Err(Error::Io { .. }) => {
                    self.unknown.insert(number);
                }
                Err(Error::NotDurable { source }) => {
                    assert_is_ours(&source);
                    self.unknown.insert(number);
                    self.not_durable.insert(number);
                }
                // It says that it has not even been tried.
                Err(error) => assert_is_ours(&error),
            }
            self.read();
        }

        /// What was acknowledged is seen; what failed is not, as long as the database is open.
        fn read(&self) {
            let Some(db) = &self.db else { return };
            match batches_in(db) {
                Ok(found) => {
                    let expected = &self.acknowledged | &self.not_durable;
                    assert_eq!(found, expected, "what an open database shows");
                }
                Err(error) => assert_is_ours(&error),
            }
        }

        fn flush(&self) {
            let Some(db) = &self.db else { return };
            match db.flush() {
                Ok(()) => {
                    let stats = db.stats().expect("figures");
                    assert_eq!((stats.mem_table_rows, stats.immutable_mem_tables), (0, 0));
                }
                Err(error) => {
                    assert_is_ours(&error);
                    let state = self.machine.state();
                    let over =
                        state.fault.as_ref().is_some_and(|it| it.calls.end <= state.calls + 1);
                    drop(state);
                    if over && matches!(error, Error::FlushFailed { .. }) {
                        db.flush().expect("a flush, after one that failed");
                    }
                }
            }
            self.read();
        }

        fn close(&self) {
            if let Some(Err(error)) = self.db.as_ref().map(Db::close) {
                assert_is_ours(&error);
            }
        }

        /// Opens the database again, and learns which of the unknown batches are there.
        fn reopen(&mut self) {
            self.db = None;
            for _ in 0..5 {
                match self.machine.builder().with_settings(settings()).build() {
                    Ok(db) => {
                        self.db = Some(db);
                        return self.learn();
                    }
                    Err(error) => assert_is_ours(&error),
                }
            }
        }

        fn learn(&mut self) {
            let found = self.db.as_ref().map(batches_in);
            match found {
                Some(Ok(found)) => {
                    let possible = &self.acknowledged | &self.unknown;
                    assert!(self.acknowledged.is_subset(&found), "lost: {:?}", {
                        &self.acknowledged - &found
                    });
                    assert!(found.is_subset(&possible), "invented: {:?}", &found - &possible);
                    self.acknowledged = found;
                    self.unknown.clear();
                    self.not_durable.clear();
                }
                Some(Err(error)) => {
                    assert_is_ours(&error);
                    // Without knowing what is there, nothing can be said about the rest.
                    self.db = None;
                }
                None => {}
            }
        }
    }

    /// Whether an error is one that a refused call explains.
    fn assert_is_ours(error: &Error) {
        let is_ours = match error {
            Error::Io { .. } | Error::WalFailed { .. } => true,
            Error::FlushFailed { source } => matches!(**source, Error::Io { .. }),
            _ => false,
        };
        assert!(is_ours, "a refused call does not explain {error:?}");
    }

    /// Runs the workload with a fault. Returns whether the fault's first call was reached.
    fn check(fault: Fault) -> bool {
        let machine = Machine::default();
        let first = fault.calls.start;
        machine.set(|state| state.fault = Some(fault));
        let mut user = User::new(machine.clone());
        user.work();
        let reached = machine.state().calls >= first;
        machine.set(|state| state.fault = None);
        user.reopen();
        assert!(user.db.is_some(), "the database opens on a machine that was repaired");
        user.write(Durability::Os);
        user.flush();
        user.reopen();
        assert!(user.acknowledged.contains(&(user.next - 1)), "the database can be used again");
        assert_eq!(user.unknown, BTreeSet::new());
        let segments = machine.state().segments.len();
        assert_eq!(
            segments, 1,
            "segments that were flushed are deleted, now or at the next opening"
        );
        reached
    }

    fn check_every_call(when: When, count: usize) {
        for first in 1_usize.. {
            let calls = first..first.saturating_add(count);
            println!("calls {calls:?} fail, {when:?}");
            if !deadline(20, move || check(Fault { calls, when })) {
                println!("{first}");
                assert!(first > 100, "the workload has only {first} calls");
                return;
            }
        }
    }

    #[test]
    fn one_that_does_nothing() {
        check_every_call(When::Before, 1);
    }

    #[test]
    fn one_that_does_half() {
        check_every_call(When::Halfway, 1);
    }

    #[test]
    fn one_whose_answer_is_lost() {
        check_every_call(When::After, 1);
    }

    #[test]
    fn two_whose_answers_are_lost() {
        check_every_call(When::After, 2);
    }

    #[test]
    fn four_in_a_row() {
        check_every_call(When::Halfway, 4);
    }

    #[test]
    fn every_call_from_one_on() {
        check_every_call(When::Before, usize::MAX);
    }
}

/// What is left when the power is cut, at every moment at which the disk has changed.
mod power_cuts {
    use super::*;

    impl Image {
        /// A machine with this disk, on which a segment holds what `cut` makes of its synced and its
        /// written bytes.
        fn restore(&self, cut: impl Fn(&[u8], &[u8]) -> Vec<u8>) -> Machine {
            let machine = Machine::default();
            machine.set(|state| {
                for (id, (synced, written)) in &self.segments {
                    let file = SimulatedFile::with_contents(&cut(synced, written));
                    state.segments.insert(*id, file);
                }
                for (path, object) in &self.objects {
                    state.objects.put(path, object.clone()).expect("a put");
                }
                (state.safe, state.attempted) = (self.safe, self.attempted);
            });
            machine
        }

        /// The segment with bytes that a power cut may take, and those bytes.
        fn unsynced(&self) -> Option<(u64, Range<usize>)> {
            let unsynced = self.segments.iter().filter_map(|(&id, (synced, written))| {
                let is_longer = written.len() > synced.len() && written.starts_with(synced);
                is_longer.then_some((id, synced.len()..written.len()))
            });
            let unsynced: Vec<_> = unsynced.collect();
            assert!(unsynced.len() <= 1, "only the last segment has unsynced bytes: {unsynced:?}");
            unsynced.into_iter().next()
        }
    }

    fn synced(synced: &[u8], _: &[u8]) -> Vec<u8> {
        synced.to_vec()
    }

    fn written(_: &[u8], written: &[u8]) -> Vec<u8> {
        written.to_vec()
    }

    /// The first `len` written bytes, then `zeros` zeros; segments without unsynced bytes are whole.
    fn torn(len: usize, zeros: bool) -> impl Fn(&[u8], &[u8]) -> Vec<u8> {
        move |synced, written| {
            let mut torn = written.to_vec();
            if len >= synced.len() && len < written.len() && synced != written {
                torn.truncate(len);
                torn.resize(if zeros { written.len() } else { len }, 0);
            }
            torn
        }
    }

    /// Opens the database on what a power cut has left. A beginning of the history is there, and all
    /// of what was safe.
    fn open(machine: &Machine) -> (Db, u64) {
        let (safe, attempted, on_disk) = {
            let state = machine.state();
            let on_disk = state.segments.values().all(|file| file.synced() == file.written());
            (state.safe, state.attempted, on_disk)
        };
        let db = machine.builder().with_settings(settings()).build().expect("a database");
        let found = batches_in(&db).expect("a scan");
        let last = found.last().copied().unwrap_or(0);
        assert_eq!(found, (1..=last).collect(), "what is there is a beginning of the history");
        assert!((safe..=attempted).contains(&last), "{last} of {safe} safe, {attempted} attempted");
        if on_disk {
            acknowledged(machine, last);
        }
        (db, last)
    }

    fn write(machine: &Machine, db: &Db, number: u64, durability: Durability) {
        machine.set(|state| {
            state.attempted = number;
            state.record_image();
        });
        let options = WriteOptions { durability: Some(durability) };
        db.write_with_options(batch(number), &options).expect("a write");
        if durability == Durability::Sync {
            acknowledged(machine, number);
        }
    }

    /// From now on, the batches up to this one are safe.
    fn acknowledged(machine: &Machine, number: u64) {
        machine.set(|state| {
            state.safe = state.safe.max(number);
            state.record_image();
        });
    }

    /// Writes with every durability, flushes, closes and opens again, while images are recorded.
    fn work(machine: &Machine, rounds: usize) -> Vec<Image> {
        use Durability::{Buffered, Os, Sync};

        machine.set(|state| state.images = Some(Vec::new()));
        for round in 0..rounds {
            let (db, mut number) = open(machine);
            let mut write = |durability| {
                number += 1;
                write(machine, &db, number, durability);
                number
            };
            for durability in [Os, Buffered, Os, Sync, Os, Os, Buffered] {
                write(durability);
            }
            if round % 2 == 0 {
                for durability in [Os, Sync, Buffered] {
                    write(durability);
                }
                let last = write(Os);
                db.flush().expect("a flush");
                acknowledged(machine, last);
            }
            for durability in [Os, Os, Os, Os] {
                write(durability);
            }
            let last = write(Os);
            if round % 3 == 1 {
                db.close().expect("a close");
                acknowledged(machine, last);
            }
        }
        machine.state().images.take().expect("they were recorded")
    }

    #[test]
    fn leave_what_was_synced() {
        deadline(60, || {
            let images = work(&Machine::default(), 4);
            assert!(images.len() > 100, "only {} moments", images.len());
            for image in &images {
                open(&image.restore(synced));
                open(&image.restore(written));
            }
        });
    }

    #[test]
    fn may_tear_the_log_at_any_byte() {
        deadline(60, || {
            let images = work(&Machine::default(), 1);
            let mut torn_images: Vec<_> =
                images.iter().filter_map(|image| Some((image.unsynced()?.1, image))).collect();
            torn_images.sort_by_key(|(bytes, _)| bytes.len());
            // One with a few records that are not synced, and the one with most.
            let count = torn_images.len();
            for (bytes, image) in [&torn_images[count / 2], &torn_images[count - 1]] {
                assert!(bytes.len() > 200, "{bytes:?}");
                for len in bytes.clone() {
                    for zeros in [false, true] {
                        open(&image.restore(torn(len, zeros)));
                    }
                }
            }
        });
    }

    #[test]
    fn may_come_again_while_the_last_is_recovered_from() {
        deadline(60, || {
            for (number, image) in work(&Machine::default(), 2).iter().enumerate().step_by(23) {
                let middle =
                    image.unsynced().map_or(0, |(_, bytes)| bytes.start.midpoint(bytes.end));
                let machine = image.restore(torn(middle, number % 2 == 0));
                for image in work(&machine, 1) {
                    open(&image.restore(synced));
                    open(&image.restore(written));
                }
            }
        });
    }
}

/// Several databases on one object store, each with a WAL of its own.
mod other_writers {
    use std::sync::Barrier;
    use std::thread;

    use tinydb::storage::MemoryWalStore;

    use super::*;

    fn open(objects: &Arc<MemoryObjectStore>, wal: &MemoryWalStore) -> Db {
        let builder = Db::builder("").with_object_store(Arc::<MemoryObjectStore>::clone(objects));
        // A compaction in the background would notice the fence before the test does.
        let settings = Settings { compactor_options: None, ..settings() };
        let builder = builder.with_wal_store(Arc::new(wal.clone())).with_settings(settings);
        builder.build().expect("a database that opens")
    }

    fn is_fenced<T: Debug>(result: Result<T>, what: &str) {
        match result {
            Err(Error::Fenced { epoch: 1, newer_epoch: 2, .. }) => {}
            other => panic!("{what} of a fenced database: expected Error::Fenced, found {other:?}"),
        }
    }

    #[test]
    fn an_older_writer_learns_it_at_its_flush_and_harms_nothing() {
        let (objects, wal) = (Arc::default(), MemoryWalStore::new());
        let older = open(&objects, &MemoryWalStore::new());
        older.put("flushed", "by the older").expect("a put");
        older.flush().expect("a flush");
        older.put("not flushed", "by the older").expect("a put, which needs no object store");

        let newer = open(&objects, &wal);
        newer.put("own", "by the newer").expect("a put");
        older.put("late", "by the older").expect("the older does not know it yet");
        let snapshot = older.snapshot().expect("a snapshot");
        let ssts = objects.list("sst").expect("a listing").len();

        is_fenced(older.flush(), "the first flush");
        is_fenced(older.put("a", ""), "a put");
        is_fenced(older.delete("a"), "a delete");
        is_fenced(older.write(WriteBatch::new()), "an empty write");
        is_fenced(older.get("flushed"), "a get");
        is_fenced(older.scan(..), "a scan");
        is_fenced(older.snapshot(), "a snapshot");
        is_fenced(snapshot.get("flushed"), "a snapshot's get");
        is_fenced(older.stats(), "the figures");
        is_fenced(older.flush(), "a second flush");
        drop((older, snapshot));
        assert_eq!(objects.list("sst").expect("a listing").len(), ssts + 1, "one try, no more");

        for number in 1..20 {
            newer.write(batch(number)).expect("a write");
        }
        newer.flush().expect("a flush");
        newer.delete("own").expect("a delete");
        drop(newer);
        let newer = open(&objects, &wal);
        assert_eq!(newer.get("flushed").expect("a get").as_deref(), Some(&b"by the older"[..]));
        for key in ["not flushed", "late", "own"] {
            assert_eq!(newer.get(key).expect("a get"), None, "{key}");
        }
        newer.delete("flushed").expect("a delete");
        assert_eq!(batches_in(&newer).expect("a scan"), (1..20).collect());
    }

    #[test]
    fn an_older_writer_that_flushes_in_the_background_learns_it_too() {
        deadline(30, || {
            let objects = Arc::default();
            let older = open(&objects, &MemoryWalStore::new());
            let _newer = open(&objects, &MemoryWalStore::new());
            let error = (1..).find_map(|number| older.write(batch(number)).err());
            is_fenced(error.map_or(Ok(()), Err), "a write behind a flush in the background");
        });
    }

    /// Every round, all open, write and flush at the same time. A flush that says that it has succeeded
    /// is in the database at the end, and one that was fenced is not.
    #[test]
    fn races_of_opens_and_flushes_lose_nothing() {
        const WRITERS: usize = 6;
        deadline(60, || {
            let objects: Arc<MemoryObjectStore> = Arc::default();
            let barrier = Barrier::new(WRITERS);
            let flushed = Mutex::new(BTreeMap::new());
            let epochs = Mutex::new(Vec::new());
            let race = |writer: usize| {
                for round in 0..30 {
                    barrier.wait();
                    let db = open(&objects, &MemoryWalStore::new());
                    epochs.lock().expect("a lock").push(db.stats().expect("figures").writer_epoch);
                    let key = format!("{round:02}/{writer}");
                    db.put(&key, &key).expect("a put");
                    let was_flushed = match db.flush() {
                        Ok(()) => true,
                        Err(Error::Fenced { epoch, newer_epoch, .. }) if epoch < newer_epoch => {
                            false
                        }
                        Err(error) => panic!("expected Ok or Error::Fenced, found {error:?}"),
                    };
                    flushed.lock().expect("a lock").insert(key, was_flushed);
                }
            };
            thread::scope(|scope| {
                (0..WRITERS).for_each(|writer| {
                    scope.spawn(move || race(writer));
                });
            });
            let mut epochs = epochs.into_inner().expect("a lock");
            epochs.sort_unstable();
            assert_eq!(epochs, (1..=epochs.len() as u64).collect::<Vec<_>>(), "one epoch each");
            let db = open(&objects, &MemoryWalStore::new());
            for (key, was_flushed) in flushed.into_inner().expect("a lock") {
                let found = db.get(&key).expect("a get").is_some();
                assert_eq!(found, was_flushed, "{key} is there only if its flush succeeded");
            }
        });
    }
}

/// A store that is slower than the writers, or fails for a while.
mod backpressure {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::thread;
    use std::time::Duration;

    use super::*;

    fn settings() -> Settings {
        Settings { l0_sst_size_bytes: 600, max_unflushed_bytes: 3000, ..Settings::default() }
    }

    /// More than a batch takes in a memtable.
    const ONE_BATCH: usize = 400;

    fn open(machine: &Machine) -> Db {
        machine.builder().with_settings(settings()).build().expect("a database that opens")
    }

    fn unflushed(db: &Db) -> usize {
        let stats = db.stats().expect("figures");
        stats.mem_table_bytes + stats.immutable_bytes
    }

    /// Waits until the writers stand still: nothing changes for 50 ms.
    fn wait_for_standstill(written: &AtomicU64) {
        let mut before = u64::MAX;
        while written.load(Ordering::Relaxed) != before {
            before = written.load(Ordering::Relaxed);
            thread::sleep(Duration::from_millis(50));
        }
    }

    #[test]
    fn writers_wait_within_the_bound_and_go_on_when_the_store_does() {
        const WRITERS: u64 = 3;
        const EACH: u64 = 40;
        deadline(30, || {
            let machine = Machine::default();
            let db = open(&machine);
            machine.set(|state| state.ssts_wait = true);
            let written = AtomicU64::new(0);
            thread::scope(|scope| {
                for writer in 0..WRITERS {
                    let (db, written) = (&db, &written);
                    scope.spawn(move || {
                        for number in 0..EACH {
                            db.write(batch(1 + writer * EACH + number)).expect("a write");
                            written.fetch_add(1, Ordering::Relaxed);
                        }
                    });
                }
                wait_for_standstill(&written);
                let waiting_at = written.load(Ordering::Relaxed);
                assert!((5..WRITERS * EACH).contains(&waiting_at), "{waiting_at} writes");
                let bytes = unflushed(&db);
                let bound = settings().max_unflushed_bytes;
                assert!((bound..bound + ONE_BATCH).contains(&bytes), "{bytes} bytes are unflushed");
                // Readers don't wait.
                assert!(db.get("last").expect("a get").is_some());
                assert!(db.scan(..).expect("a scan").count() as u64 > waiting_at);

                machine.set(|state| state.ssts_wait = false);
                while written.load(Ordering::Relaxed) < WRITERS * EACH {
                    let bytes = unflushed(&db);
                    assert!(bytes < bound + ONE_BATCH, "{bytes} bytes are unflushed");
                    thread::yield_now();
                }
            });
            db.flush().expect("a flush");
            assert_eq!(unflushed(&db), 0);
            let rows = db.scan_prefix("batch/").expect("a scan").count() as u64;
            assert_eq!(rows, WRITERS * EACH * 3, "every write is there");
        });
    }

    fn is_flush_failed<T: Debug>(result: Result<T>) {
        match result {
            Err(Error::FlushFailed { source }) if matches!(*source, Error::Io { .. }) => {}
            other => panic!("expected Error::FlushFailed with an Io in it, found {other:?}"),
        }
    }

    #[test]
    fn a_flush_that_fails_is_told_to_those_who_wait() {
        deadline(30, || {
            let machine = Machine::default();
            let db = open(&machine);
            machine.set(|state| state.ssts_wait = true);
            let written = AtomicU64::new(0);
            thread::scope(|scope| {
                let writer = scope.spawn(|| {
                    let write = || {
                        db.write(batch(written.load(Ordering::Relaxed) + 1))?;
                        written.fetch_add(1, Ordering::Relaxed);
                        Ok(())
                    };
                    loop {
                        if let Err(error) = write() {
                            return is_flush_failed(Err::<(), _>(error));
                        }
                    }
                });
                wait_for_standstill(&written);
                // It waits for the writer, and then for a flush of its own.
                let flush = scope.spawn(|| is_flush_failed(db.flush()));
                thread::sleep(Duration::from_millis(20));
                machine.set(|state| (state.ssts_wait, state.ssts_refused) = (false, true));
                writer.join().expect("a writer without a fault");
                flush.join().expect("a flush without a fault");
            });
            let written = written.into_inner();
            assert_eq!(batches_in(&db).expect("a scan"), (1..=written).collect(), "readable");
            is_flush_failed(db.write(batch(written + 1)));
            is_flush_failed(db.flush());

            machine.set(|state| state.ssts_refused = false);
            db.write(batch(written + 1)).expect("a write, on a store that was repaired");
            db.flush().expect("a flush, on a store that was repaired");
            assert_eq!(unflushed(&db), 0);
            drop(db);
            let found = batches_in(&open(&machine)).expect("a scan");
            assert_eq!(found, (1..=written + 1).collect(), "what failed was not written");
        });
    }

    #[test]
    fn a_close_ends_those_who_wait() {
        deadline(30, || {
            let machine = Machine::default();
            let db = open(&machine);
            machine.set(|state| state.ssts_wait = true);
            let written = AtomicU64::new(0);
            thread::scope(|scope| {
                scope.spawn(|| {
                    let write = |number| db.write(batch(number)).map(|_| number);
                    for number in (1..).map_while(|number| write(number).ok()) {
                        written.store(number, Ordering::Relaxed);
                    }
                    assert!(matches!(db.write(batch(1)), Err(Error::Closed)));
                });
                wait_for_standstill(&written);
                let close = scope.spawn(|| db.close());
                thread::sleep(Duration::from_millis(20));
                machine.set(|state| state.ssts_wait = false);
                close.join().expect("no panic").expect("a close");
            });
            let (written, found) = (written.into_inner(), batches_in(&open(&machine)));
            assert_eq!(found.expect("a scan"), (1..=written).collect());
        });
    }
}

/// One directory, opened twice.
mod locks {
    use std::env;
    use std::process::Command;

    use super::*;

    const DIRECTORY: &str = "TINYDB_LOCKS_CHILD_DIRECTORY";

    /// Not a test: the other process.
    #[test]
    #[ignore = "the other test starts it in a process of its own"]
    fn child() {
        if let Ok(directory) = env::var(DIRECTORY) {
            let answer = match Db::open(directory) {
                Ok(_) => "it opens".to_owned(),
                Err(Error::Locked { path }) => format!("it is locked by {path}"),
                Err(error) => format!("another error, {error:?}"),
            };
            println!("\nthe child says that {answer}");
        }
    }

    fn ask_child(directory: &str) -> String {
        let mut child = Command::new(env::current_exe().expect("this program"));
        child.args(["--exact", "locks::child", "--ignored", "--nocapture"]);
        let output = child.env(DIRECTORY, directory).output().expect("a child process");
        let said = String::from_utf8(output.stdout).expect("text");
        let answer = said.lines().find_map(|line| line.strip_prefix("the child says that "));
        answer.unwrap_or_else(|| panic!("the child said {said:?}")).to_owned()
    }

    #[test]
    fn a_directory_is_opened_once_at_a_time() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let directory = folder.path().join("db");
        let directory = directory.to_str().expect("text");
        let lock = folder.path().join("db").join("LOCK").display().to_string();
        let db = Db::open(directory).expect("a database that opens");
        for _ in 0..2 {
            match Db::open(directory) {
                Err(Error::Locked { path }) => assert_eq!(path, lock),
                other => panic!("the same process: expected Error::Locked, found {other:?}"),
            }
            assert_eq!(ask_child(directory), format!("it is locked by {lock}"));
        }
        db.put("a", "1").expect("the first is unharmed");
        db.close().expect("a close");
        assert_eq!(ask_child(directory), "it opens", "after a close, although there is a handle");

        let again = Db::open(directory).expect("a database that opens");
        let snapshot = again.snapshot().expect("a snapshot");
        drop(again);
        assert_eq!(
            ask_child(directory),
            format!("it is locked by {lock}"),
            "a snapshot is a handle"
        );
        assert_eq!(snapshot.get("a").expect("a get").as_deref(), Some(&b"1"[..]));
        drop(snapshot);
        assert_eq!(ask_child(directory), "it opens", "after the last handle is dropped");
    }
}
