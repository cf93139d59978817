//! Week 4, days 3 to 4: writing, reading, freezing, flushing. The rules are on the page *The database*
//! of the book.

use std::collections::BTreeMap;
use std::io;
use std::mem::{forget, take};
use std::ops::{Deref, Range};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use proptest::prelude::*;
use testkit::{SimulatedFile, config, deadline, rule};
use week4::db::{Manifest, ManifestStore, Trace, paths};
use week4::format::Step;
use week4::object_store::{MemoryObjectStore, ObjectMeta, ObjectStore};
use week4::storage::{Durability, LogFile, MemTable, SstReader, WalReader, WalStore};
use week4::{Db, DbBuilder, Error, Result, Settings, WriteBatch, WriteOptions};

/// What happened, in order: `sync wal 1`, `put sst 1`, `put manifest 2`, `delete wal 1`.
type Events = Arc<Mutex<Vec<String>>>;

/// An object store in memory that records puts, can hold them up, and can fail.
#[derive(Debug, Default)]
struct Store {
    inner: MemoryObjectStore,
    events: Events,
    /// Puts of paths that start with this wait, but not for ever.
    held: Mutex<Option<&'static str>>,
    released: Condvar,
    /// Puts of paths that start with this fail.
    failing: Mutex<Option<&'static str>>,
    /// The next put of a path that starts with this is carried out, and its answer is lost.
    losing: Mutex<Option<&'static str>>,
    /// The next read of a whole object fails.
    blind: Mutex<bool>,
    /// SSTs can't be read.
    unreadable: Mutex<bool>,
}

impl Store {
    fn hold(&self, prefix: Option<&'static str>) {
        *self.held.lock().unwrap() = prefix;
        self.released.notify_all();
    }

    fn fail(&self, prefix: Option<&'static str>) {
        *self.failing.lock().unwrap() = prefix;
    }

    fn unreachable(path: &str) -> Error {
        Error::io("reach", path)(io::Error::other("the network is down"))
    }

    fn before_put(&self, path: &str) -> Result<()> {
        let holds = |held: &mut Option<&'static str>| held.is_some_and(|it| path.starts_with(it));
        // A test that fails lets nobody go on, and the database that it drops waits for its flusher.
        let (held, limit) = (self.held.lock().unwrap(), Duration::from_secs(10));
        let (mut held, waited) = self.released.wait_timeout_while(held, limit, holds).unwrap();
        if waited.timed_out() {
            *held = None;
        }
        drop(held);
        if self.failing.lock().unwrap().is_some_and(|prefix| path.starts_with(prefix)) {
            return Err(Self::unreachable(path));
        }
        let (kind, rest) = path.split_once('/').unwrap();
        let id = rest.split('.').next().unwrap().trim_start_matches('0');
        self.events.lock().unwrap().push(format!("put {kind} {id}"));
        Ok(())
    }

    fn ids(&self, folder: &str) -> Vec<String> {
        self.inner.list(folder).unwrap().into_iter().map(|meta| meta.path).collect()
    }
}

impl ObjectStore for Store {
    fn put(&self, path: &str, object: Bytes) -> Result<()> {
        self.before_put(path)?;
        self.inner.put(path, object)
    }

    fn put_if_absent(&self, path: &str, object: Bytes) -> Result<()> {
        self.before_put(path)?;
        self.inner.put_if_absent(path, object)?;
        if self.losing.lock().unwrap().take_if(|prefix| path.starts_with(*prefix)).is_some() {
            *self.blind.lock().unwrap() = true;
            return Err(Self::unreachable(path));
        }
        Ok(())
    }

    fn get(&self, path: &str) -> Result<Bytes> {
        if take(&mut *self.blind.lock().unwrap()) {
            return Err(Self::unreachable(path));
        }
        self.inner.get(path)
    }

    fn get_range(&self, path: &str, range: Range<u64>) -> Result<Bytes> {
        self.inner.get_range(path, range)
    }

    fn head(&self, path: &str) -> Result<ObjectMeta> {
        if path.starts_with("sst") && *self.unreadable.lock().unwrap() {
            return Err(Self::unreachable(path));
        }
        self.inner.head(path)
    }

    fn list(&self, prefix: &str) -> Result<Vec<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn delete(&self, path: &str) -> Result<()> {
        self.inner.delete(path)
    }
}

/// A WAL whose segments are simulated files.
#[derive(Debug, Default)]
struct Wal {
    files: Mutex<BTreeMap<u64, SimulatedFile>>,
    events: Events,
    /// Segments with a number of at least this can't be opened.
    unopenable: Mutex<Option<u64>>,
    undeletable: Mutex<bool>,
    /// Opening this segment waits until this has happened.
    open_waits: Mutex<Option<(u64, &'static str)>>,
}

impl Wal {
    fn wait_before_open(&self, wal_id: u64) {
        let Some((_, event)) = self.open_waits.lock().unwrap().filter(|(id, _)| *id == wal_id)
        else {
            return;
        };
        until(event, || self.events.lock().unwrap().iter().any(|it| it == event));
        // Let whoever did it go on to the end of what it was doing.
        thread::sleep(Duration::from_millis(20));
    }

    fn file(&self, wal_id: u64) -> SimulatedFile {
        self.files.lock().unwrap().entry(wal_id).or_default().clone()
    }
}

impl WalStore for Wal {
    fn list(&self) -> Result<Vec<u64>> {
        Ok(self.files.lock().unwrap().keys().copied().collect())
    }

    fn open(&self, wal_id: u64) -> Result<Box<dyn LogFile>> {
        if self.unopenable.lock().unwrap().is_some_and(|first| wal_id >= first) {
            return Err(Error::io("open", self.name(wal_id))(io::Error::other("too many files")));
        }
        self.events.lock().unwrap().push(format!("open wal {wal_id}"));
        let file = self.file(wal_id);
        self.wait_before_open(wal_id);
        let events = Arc::clone(&self.events);
        Ok(Box::new(Segment { wal_id, file, events }))
    }

    fn delete(&self, wal_id: u64) -> Result<()> {
        if *self.undeletable.lock().unwrap() {
            return Err(Error::io("delete", self.name(wal_id))(io::Error::other("not permitted")));
        }
        self.events.lock().unwrap().push(format!("delete wal {wal_id}"));
        self.files.lock().unwrap().remove(&wal_id);
        Ok(())
    }

    fn name(&self, wal_id: u64) -> String {
        format!("wal/{wal_id}.wal")
    }
}

#[derive(Debug)]
struct Segment {
    wal_id: u64,
    file: SimulatedFile,
    events: Events,
}

impl LogFile for Segment {
    fn read_all(&mut self) -> io::Result<Bytes> {
        Ok(self.file.written().into())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.append(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.events.lock().unwrap().push(format!("sync wal {}", self.wal_id));
        self.file.sync()
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.file.truncate(len)
    }
}

/// Where a database lives in these tests: what is left when it is dropped, or crashes.
#[derive(Debug, Clone, Default)]
struct Home {
    store: Arc<Store>,
    wal: Arc<Wal>,
    events: Events,
}

impl Home {
    fn new() -> Self {
        let events = Events::default();
        let store = Arc::new(Store { events: Arc::clone(&events), ..Store::default() });
        let wal = Arc::new(Wal { events: Arc::clone(&events), ..Wal::default() });
        Self { store, wal, events }
    }

    /// With a manifest, as an earlier writer has left it.
    fn beginning_with(manifest: &Manifest) -> Self {
        let home = Self::new();
        home.store.inner.put(&paths::manifest(1), manifest.encode()).unwrap();
        home
    }

    fn builder(&self) -> DbBuilder {
        let builder = Db::builder("unused").with_object_store(self.store.clone());
        builder.with_wal_store(self.wal.clone())
    }

    fn open(&self) -> Opened {
        Opened(Some(self.builder().build().unwrap()))
    }

    /// With memtables of about 20 small rows, of which four may wait.
    fn open_small(&self) -> Opened {
        Opened(Some(self.builder().with_settings(small(100_000)).build().unwrap()))
    }

    /// Another database that sees what this one has left on its disks right now: what a crash leaves.
    fn after_a_kill(&self) -> Opened {
        let left = Self::new();
        for (wal_id, file) in self.wal.files.lock().unwrap().iter() {
            let copy = SimulatedFile::with_contents(&file.written());
            left.wal.files.lock().unwrap().insert(*wal_id, copy);
        }
        for meta in self.store.inner.list("").unwrap() {
            left.store.inner.put(&meta.path, self.store.get(&meta.path).unwrap()).unwrap();
        }
        left.open()
    }

    fn events_since(&self, start: usize) -> Vec<String> {
        self.events.lock().unwrap()[start..].to_vec()
    }

    fn event_count(&self) -> usize {
        self.events.lock().unwrap().len()
    }
}

/// A database that is not closed when its test fails: closing waits for the flusher, which may wait for
/// ever, and then nobody would see the message.
struct Opened(Option<Db>);

impl Deref for Opened {
    type Target = Db;

    fn deref(&self) -> &Db {
        self.0.as_ref().unwrap()
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        if thread::panicking() {
            forget(self.0.take());
        }
    }
}

/// Memtables of 500 bytes, and no compaction: that is week 8's.
fn small(max_unflushed_bytes: usize) -> Settings {
    Settings {
        l0_sst_size_bytes: 500,
        max_unflushed_bytes,
        compactor_options: None,
        ..Settings::default()
    }
}

fn until(what: &str, done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        let rule = rule("4.8", "a full memtable is frozen, and flushed in the background");
        assert!(start.elapsed() < Duration::from_secs(10), "waited in vain until {what}{rule}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Puts rows, the first with this number, until WAL segment `wal_id` is begun. Returns the number of the
/// next row.
fn put_until(wal_id: u64, home: &Home, db: &Db, mut number: usize) -> usize {
    while home.wal.list().unwrap().last() < Some(&wal_id) {
        let rule = rule("4.7", "write calls make_room before it numbers the rows");
        assert!(number < 1000, "{number} rows, and no memtable was frozen{rule}");
        db.put(format!("key-{number:03}"), "x".repeat(20)).unwrap();
        number += 1;
    }
    number
}

fn get(db: &Db, key: &str) -> Option<String> {
    db.get(key).unwrap().map(|value| String::from_utf8_lossy(&value).into_owned())
}

fn scan(db: &Db) -> Vec<(String, String)> {
    let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
    db.scan(..).unwrap().map(|it| it.unwrap()).map(|it| (text(&it.key), text(&it.value))).collect()
}

fn batch(puts: &[(&str, &str)]) -> WriteBatch {
    let mut batch = WriteBatch::new();
    for (key, value) in puts {
        batch.put(key, value);
    }
    batch
}

mod task_4_7 {
    use super::*;

    #[test]
    fn what_was_put_can_be_read() {
        let db = Home::new().open();
        db.put("apple", "red").unwrap();
        db.put("pear", "green").unwrap();
        let rule = rule("4.7", "a read sees every write that was acknowledged before it began");
        assert_eq!(get(&db, "apple").as_deref(), Some("red"), "{rule}");
        assert_eq!(get(&db, "pear").as_deref(), Some("green"), "{rule}");
        for key in ["", "a", "appl", "apples", "quince"] {
            assert_eq!(get(&db, key), None, "{key:?} was never put{rule}");
        }
    }

    #[test]
    fn the_last_write_of_a_key_counts() {
        let db = Home::new().open();
        let rule = rule("4.7", "of several writes of a key, the last counts");
        for round in 0..3 {
            db.put("apple", format!("red {round}")).unwrap();
            assert_eq!(get(&db, "apple"), Some(format!("red {round}")), "{rule}");
            db.delete("apple").unwrap();
            assert_eq!(get(&db, "apple"), None, "{rule}");
        }
        db.delete("never there").unwrap();
        assert_eq!(get(&db, "never there"), None, "{rule}");
    }

    #[test]
    fn an_empty_value_is_a_value() {
        let db = Home::new().open();
        db.put("apple", "").unwrap();
        assert_eq!(
            get(&db, "apple").as_deref(),
            Some(""),
            "{}",
            rule("4.7", "empty is not deleted")
        );
    }

    #[test]
    fn a_batch_applies_in_its_order() {
        let db = Home::new().open();
        db.put("gone", "soon").unwrap();
        let mut batch =
            batch(&[("apple", "green"), ("apple", "red"), ("kiwi", "hard"), ("pear", "1")]);
        batch.delete("kiwi");
        batch.delete("gone");
        batch.delete("fig");
        batch.put("fig", "blue");
        db.write(batch).unwrap();
        let rule = rule("4.7", "the writes of a batch apply in the order in which they were added");
        let expected = [("apple", "red"), ("fig", "blue"), ("pear", "1")];
        let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(scan(&db), expected, "{rule}");
        assert_eq!(get(&db, "kiwi"), None, "{rule}");
    }

    #[test]
    fn an_empty_batch_does_nothing() {
        let home = Home::new();
        let db = home.open();
        let before = home.wal.file(1).written();
        db.write(WriteBatch::new()).unwrap();
        let rule = rule("4.7", "a batch without writes is no record and takes no number");
        assert_eq!(home.wal.file(1).written(), before, "{rule}");
        assert_eq!(db.stats().unwrap().last_seq, 0, "{rule}");
        db.put("apple", "red").unwrap();
        assert_eq!(db.stats().unwrap().last_seq, 1, "{rule}");
    }

    #[test]
    fn each_row_has_the_next_number() {
        let db = Home::new().open();
        db.trace().start();
        db.put("apple", "red").unwrap();
        db.write(batch(&[("pear", "1"), ("fig", "2"), ("pear", "3")])).unwrap();
        db.delete("fig").unwrap();
        let insert = |key: &'static str, seq| Step::MemTableInsert { key: key.into(), seq };
        let expected = [
            Step::WalAppend { wal_id: 1, rows: 1 },
            insert("apple", 1),
            Step::Commit { seq: 1 },
            Step::WalAppend { wal_id: 1, rows: 3 },
            insert("pear", 2),
            insert("fig", 3),
            insert("pear", 4),
            Step::Commit { seq: 4 },
            Step::WalAppend { wal_id: 1, rows: 1 },
            insert("fig", 5),
            Step::Commit { seq: 5 },
        ];
        let rule =
            rule("4.7", "log, then memtable, then visible; a batch is one record and one commit");
        assert_eq!(db.trace().stop(), expected, "{rule}");
        assert_eq!(db.stats().unwrap().last_seq, 5, "{rule}");
    }

    #[test]
    fn the_log_has_the_rows_as_the_memtable_does() {
        let home = Home::new();
        let db = home.open();
        db.put("apple", "red").unwrap();
        let mut two = batch(&[("pear", "1")]);
        two.delete("apple");
        db.write(two).unwrap();
        let mut reader = WalReader::new("wal", home.wal.file(1).written().into()).unwrap();
        let mut batches = Vec::new();
        while let Some(batch) = reader.next_batch().unwrap() {
            let row = |row: &week4::format::RowEntry| {
                (row.key.to_vec(), row.seq, row.value.is_tombstone())
            };
            batches.push(batch.iter().map(row).collect::<Vec<_>>());
        }
        let expected = [
            vec![(b"apple".to_vec(), 1, false)],
            vec![(b"pear".to_vec(), 2, false), (b"apple".to_vec(), 3, true)],
        ];
        assert_eq!(batches, expected, "{}", rule("4.7", "a batch is one record, with its numbers"));
    }

    #[test]
    fn a_write_has_its_durability_when_it_returns() {
        let home = Home::new();
        let db = home.open();
        let file = home.wal.file(1);
        let write = |durability| {
            let (db, options) = (db.clone(), WriteOptions { durability });
            let write = move || db.write_with_options(batch(&[("apple", "red")]), &options);
            deadline(20, write).unwrap();
            (file.written().len(), file.synced().len())
        };
        let before = (file.written().len(), file.synced().len());
        let rule = rule("4.7", "the durability that was asked for goes to the log, and no other");
        let buffered = write(Some(Durability::Buffered));
        assert_eq!(buffered, before, "Buffered: nothing is written yet{rule}");
        let os = write(None);
        assert!(os.0 > before.0, "Os, the default of the settings: written{rule}");
        assert_eq!(os.1, before.1, "Os: not synced{rule}");
        let sync = write(Some(Durability::Sync));
        assert_eq!(sync.0, sync.1, "Sync: everything is synced{rule}");
        assert!(sync.1 > os.0, "{rule}");
    }

    #[test]
    fn a_batch_that_cannot_be_logged_is_never_seen() {
        let home = Home::new();
        let db = home.open();
        db.put("apple", "red").unwrap();
        home.wal.file(1).fail_next_append_after(3);
        let error = db.write(batch(&[("apple", "green"), ("pear", "1")])).unwrap_err();
        let rule = rule("4.7", "what is not in the log is not in the memtable");
        assert!(matches!(error, Error::Io { .. }), "{error}{rule}");
        assert_eq!(scan(&db), [("apple".to_owned(), "red".to_owned())], "{rule}");
        assert_eq!(get(&db, "pear"), None, "{rule}");
        assert_eq!(db.stats().unwrap().last_seq, 1, "{rule}");
        let error = db.put("fig", "blue").unwrap_err();
        assert!(matches!(error, Error::WalFailed { .. }), "{error}{rule}");
        drop(db);
        let db = home.open();
        assert_eq!(get(&db, "apple").as_deref(), Some("red"), "opened again, it goes on{rule}");
        db.put("fig", "blue").unwrap();
        assert_eq!(get(&db, "fig").as_deref(), Some("blue"), "{rule}");
    }

    #[test]
    fn a_bad_key_fails_the_whole_batch_and_nothing_else() {
        let db = Home::new().open();
        let long = "x".repeat(65_536);
        for key in ["", &long] {
            let error = db.write(batch(&[("apple", "red"), (key, "1")])).unwrap_err();
            let rule = rule("4.7", "a batch applies as a whole or not at all");
            assert!(matches!(error, Error::InvalidArgument { .. }), "{error}{rule}");
            assert_eq!(get(&db, "apple"), None, "{rule}");
        }
        db.put(&long[1..], "1").unwrap();
        let rule = rule("4.7", "a refused batch takes no number, and the database goes on");
        assert_eq!(db.stats().unwrap().last_seq, 1, "{rule}");
        assert_eq!(get(&db, &long[1..]).as_deref(), Some("1"), "{rule}");
        let seen: Vec<String> = scan(&db).into_iter().map(|(key, _)| key).collect();
        assert_eq!(
            seen,
            [&long[1..]],
            "a later write brings no row of a refused batch along{rule}"
        );
    }

    #[test]
    fn a_snapshot_does_not_see_later_writes() {
        let db = Home::new().open();
        db.put("apple", "red").unwrap();
        db.put("kiwi", "hard").unwrap();
        let snapshot = db.snapshot().unwrap();
        db.put("apple", "green").unwrap();
        db.delete("kiwi").unwrap();
        db.put("fig", "blue").unwrap();
        let seen = |key: &str| snapshot.get(key).unwrap();
        let rule = rule("4.7", "get looks for the newest row up to the snapshot's sequence number");
        assert_eq!(seen("apple").as_deref(), Some(&b"red"[..]), "{rule}");
        assert_eq!(seen("kiwi").as_deref(), Some(&b"hard"[..]), "{rule}");
        assert_eq!(seen("fig"), None, "{rule}");
        assert_eq!(get(&db, "apple").as_deref(), Some("green"), "{rule}");
        assert_eq!(get(&db, "kiwi"), None, "{rule}");
    }

    #[test]
    fn get_records_its_lookups() {
        let db = Home::new().open();
        db.put("apple", "red").unwrap();
        db.trace().start();
        db.get("apple").unwrap();
        db.get("pear").unwrap();
        let expected = [true, false].map(|found| Step::MemTableLookup { found });
        assert_eq!(db.trace().stop(), expected, "{}", rule("4.7", "get looks through the state"));
    }

    #[test]
    fn an_operand_without_an_operator_is_an_error() {
        let home = Home::new();
        drop(home.open());
        // A log that was written with an operator.
        let mut wal = week4::storage::WalWriter::resume("wal", home.wal.open(1).unwrap()).unwrap();
        let row = week4::format::RowEntry::new_merge("count", "+1", 1);
        wal.append(&[row], Durability::Os).unwrap();
        let db = home.open();
        let result = db.get("count");
        let rule = rule("4.7", "a merge operand is no value: get_merged decides what it means");
        assert!(matches!(result, Err(Error::MergeOperatorMissing { .. })), "{result:?}{rule}");
    }

    #[test]
    fn a_database_goes_on_where_it_ended() {
        let home = Home::new();
        let db = home.open();
        db.put("apple", "red").unwrap();
        db.put("kiwi", "hard").unwrap();
        db.delete("kiwi").unwrap();
        drop(db);
        let db = home.open();
        let rule = rule("4.7", "what the log holds is there when the database is opened again");
        assert_eq!(scan(&db), [("apple".to_owned(), "red".to_owned())], "{rule}");
        db.put("apple", "green").unwrap();
        assert_eq!(
            get(&db, "apple").as_deref(),
            Some("green"),
            "newer rows have higher numbers{rule}"
        );
        assert_eq!(db.stats().unwrap().last_seq, 4, "{rule}");
    }

    #[test]
    fn threads_lose_no_write() {
        let db = Home::new().open();
        let written = deadline(30, move || {
            thread::scope(|scope| {
                for thread in 0..4 {
                    let db = &db;
                    scope.spawn(move || {
                        for number in 0..50 {
                            db.put(format!("{thread}-{number}"), "there").unwrap();
                        }
                    });
                }
            });
            (scan(&db).len(), db.stats().unwrap().last_seq)
        });
        let rule =
            rule("4.7", "one write at a time holds the lock, from its numbers to its commit");
        assert_eq!(written, (200, 200), "{rule}");
    }

    #[test]
    fn nobody_sees_half_a_batch() {
        let db = Home::new().open();
        let torn = deadline(30, move || {
            thread::scope(|scope| {
                let writer = scope.spawn(|| {
                    let keys: Vec<String> = (0..200).map(|key| format!("key-{key}")).collect();
                    for number in 0..40 {
                        let value = number.to_string();
                        let puts: Vec<_> = keys.iter().map(|key| (&key[..], &value[..])).collect();
                        db.write(batch(&puts)).unwrap();
                    }
                });
                let mut torn = None;
                while !writer.is_finished() {
                    let snapshot = db.snapshot().unwrap();
                    let ends = ["key-0", "key-199"].map(|key| snapshot.get(key).unwrap());
                    if ends[0] != ends[1] {
                        torn = Some(ends);
                    }
                }
                torn
            })
        });
        let rule = rule(
            "4.7",
            "a batch becomes visible as a whole, when all its rows are in the memtable",
        );
        assert_eq!(torn, None, "a snapshot saw half a batch{rule}");
    }

    #[test]
    fn the_steps_of_two_writes_do_not_mix() {
        const ROWS: usize = 100;
        let db = Home::new().open();
        db.trace().start();
        let keys: Vec<String> = (0..ROWS).map(|key| format!("key-{key}")).collect();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let puts: Vec<_> = keys.iter().map(|key| (&key[..], "there")).collect();
                        db.write(batch(&puts)).unwrap();
                    }
                });
            }
        });
        let rule = rule("4.7", "one write at a time holds the lock, until its commit");
        let mut expected = 0;
        for steps in db.trace().stop().chunks(ROWS + 2) {
            let first = &steps[0];
            assert!(matches!(first, Step::WalAppend { .. }), "a write begins by {first:?}{rule}");
            for step in &steps[1..=ROWS] {
                expected += 1;
                let is_next = matches!(step, Step::MemTableInsert { seq, .. } if *seq == expected);
                assert!(is_next, "row {expected}: found {step:?}{rule}");
            }
            let last = &steps[ROWS + 1];
            let is_commit = matches!(last, Step::Commit { seq } if *seq == expected);
            assert!(is_commit, "the commit of {expected}: found {last:?}{rule}");
        }
    }

    #[test]
    fn numbers_run_out_without_being_used_twice() {
        for last in [u64::MAX - 1, u64::MAX] {
            let home = Home::beginning_with(&Manifest { last_l0_seq: last, ..Manifest::default() });
            let db = home.open();
            let result = db.write(batch(&[("apple", "red"), ("fig", "blue")]));
            let rule = rule("4.7", "without enough numbers a batch is refused: out_of_numbers");
            assert!(matches!(result, Err(Error::InvalidArgument { .. })), "{result:?}{rule}");
            assert_eq!(scan(&db), [], "{rule}");
        }
    }

    #[test]
    fn the_last_number_of_all_is_given_to_a_row() {
        let home =
            Home::beginning_with(&Manifest { last_l0_seq: u64::MAX - 2, ..Manifest::default() });
        let db = home.open();
        let result = db.write(batch(&[("apple", "red"), ("fig", "blue")]));
        let rule = rule("4.7", "a batch for which there are enough numbers is not refused");
        assert!(result.is_ok(), "{result:?}{rule}");
        assert_eq!(get(&db, "fig").as_deref(), Some("blue"), "{rule}");
    }

    #[test]
    fn a_snapshot_of_a_merged_key_does_not_see_later_operands() {
        let operator = Arc::new(week4::merge::ConcatMergeOperator::with_separator(","));
        let db = Home::new().builder().with_merge_operator(operator).build().unwrap();
        db.merge("list", "a").unwrap();
        let snapshot = db.snapshot().unwrap();
        db.merge("list", "b").unwrap();
        let seen = snapshot.get("list").unwrap();
        let rule = rule("4.7", "get_merged reads at the same sequence number");
        assert_eq!(seen.as_deref(), Some(&b"a"[..]), "{rule}");
        assert_eq!(get(&db, "list").as_deref(), Some("a,b"), "{rule}");
    }

    #[test]
    fn a_closed_database_says_so() {
        let db = Home::new().open();
        db.put("apple", "red").unwrap();
        let other = db.clone();
        db.close().unwrap();
        db.close().unwrap();
        let rule = rule("4.7", "after close, every operation of every handle fails with Closed");
        for db in [&*db, &other] {
            let (put, got) = (db.put("pear", "1"), db.get("apple"));
            assert!(matches!(put, Err(Error::Closed)), "put: {put:?}{rule}");
            assert!(matches!(got, Err(Error::Closed)), "get: {got:?}{rule}");
        }
    }
}

mod task_4_8 {
    use super::*;

    fn flush(db: &Db) -> Result<()> {
        let db = db.clone();
        // Short: many tests flush, and all of them wait as long if a lock is never given back.
        deadline(5, move || db.flush())
    }

    #[test]
    fn a_flush_puts_the_rows_into_an_sst() {
        let home = Home::new();
        let db = home.open();
        db.put("pear", "1").unwrap();
        db.put("apple", "red").unwrap();
        db.put("pear", "2").unwrap();
        db.delete("fig").unwrap();
        flush(&db).unwrap();
        let rule = rule("4.8", "a flush writes the memtable as an SST that the manifest names");
        assert_eq!(home.store.ids("sst"), [paths::sst(1)], "{rule}");
        let (id, manifest) = ManifestStore::latest(&*home.store).unwrap().unwrap();
        assert_eq!((id, manifest.l0), (2, vec![1]), "{rule}");
        assert_eq!((manifest.last_l0_seq, manifest.next_sst_id), (4, 2), "{rule}");
        let sst = SstReader::open(home.store.clone(), paths::sst(1)).unwrap();
        assert_eq!(sst.footer().max_seq, 4, "{rule}");
        assert!(sst.get(b"fig", 9).unwrap().is_some_and(|row| row.value.is_tombstone()), "{rule}");
        let stats = db.stats().unwrap();
        assert_eq!((stats.mem_table_rows, stats.immutable_mem_tables), (0, 0), "{rule}");
        assert_eq!(
            (get(&db, "apple").as_deref(), get(&db, "pear").as_deref()),
            (Some("red"), Some("2"))
        );
    }

    #[test]
    fn a_flushed_segment_is_deleted_and_the_next_one_begun() {
        let home = Home::new();
        let db = home.open();
        db.put("apple", "red").unwrap();
        flush(&db).unwrap();
        let rule =
            rule("4.8", "each memtable has a segment of its own, which goes when it is flushed");
        assert_eq!(home.wal.list().unwrap(), [2], "{rule}");
        let (_, manifest) = ManifestStore::latest(&*home.store).unwrap().unwrap();
        assert_eq!(manifest.replay_after_wal_id, 1, "{rule}");
        db.put("pear", "1").unwrap();
        let mut reader = WalReader::new("wal", home.wal.file(2).written().into()).unwrap();
        let batch = reader.next_batch().unwrap().unwrap_or_default();
        let keys: Vec<&[u8]> = batch.iter().map(|row| &row.key[..]).collect();
        assert_eq!(keys, [b"pear"], "later rows are in the next segment{rule}");
    }

    #[test]
    fn each_step_comes_when_the_one_before_is_safe() {
        let home = Home::new();
        let db = home.open();
        db.put("apple", "red").unwrap();
        let start = home.event_count();
        flush(&db).unwrap();
        let events = home.events_since(start);
        let place = |event: &str| {
            let found = events.iter().position(|it| it == event);
            found.unwrap_or_else(|| panic!("no {event:?} in {events:?}"))
        };
        let rule = rule(
            "4.8",
            "SST, then manifest, then the segment goes; a segment is synced before the next",
        );
        let order =
            ["sync wal 1", "open wal 2", "put sst 1", "put manifest 2", "delete wal 1"].map(place);
        assert!(order.is_sorted(), "found {events:?}{rule}");
    }

    #[test]
    fn a_flush_records_its_steps() {
        let home = Home::new();
        let db = home.open();
        db.write(batch(&[("apple", "red"), ("apple", "green"), ("fig", "blue")])).unwrap();
        db.trace().start();
        flush(&db).unwrap();
        // Whether a flush drops versions that nobody can see is its own business.
        let sst = SstReader::open(home.store.clone(), paths::sst(1)).unwrap();
        let expected = [
            Step::Freeze { wal_id: 1 },
            Step::Flush { wal_id: 1, sst: 1, rows: sst.footer().row_count },
            Step::ManifestCommit { manifest: 2 },
            Step::WalDelete { wal_id: 1 },
        ];
        let rule =
            rule("4.8", "freeze, flush with the SST's rows, commit, delete: each is recorded");
        assert_eq!(db.trace().stop(), expected, "{rule}");
    }

    #[test]
    fn flushing_nothing_writes_nothing() {
        let home = Home::new();
        let db = home.open();
        let start = home.event_count();
        flush(&db).unwrap();
        db.put("apple", "red").unwrap();
        flush(&db).unwrap();
        let after = home.event_count();
        flush(&db).unwrap();
        let rule = rule("4.8", "an empty memtable is not frozen: an SST has at least one row");
        assert_eq!(home.events_since(after), [] as [String; 0], "{rule}");
        let puts = home.events_since(start);
        assert_eq!(puts.iter().filter(|it| it.starts_with("put sst")).count(), 1, "{puts:?}{rule}");
    }

    #[test]
    fn a_newer_sst_hides_an_older_one() {
        let home = Home::new();
        let db = home.open();
        for (apple, fig) in [("red", "blue"), ("green", "black")] {
            db.write(batch(&[("apple", apple), ("fig", fig), ("kiwi", "hard")])).unwrap();
            flush(&db).unwrap();
        }
        db.delete("kiwi").unwrap();
        flush(&db).unwrap();
        let check = |db: &Db, when: &str| {
            let rule = rule("4.8", "the newest SST comes first, and a tombstone is a row of it");
            let expected = [("apple", "green"), ("fig", "black")];
            let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
            assert_eq!(scan(db), expected, "{when}{rule}");
            assert_eq!(get(db, "apple").as_deref(), Some("green"), "{when}{rule}");
            assert_eq!(get(db, "kiwi"), None, "{when}{rule}");
        };
        check(&db, "before it was opened again");
        drop(db);
        check(&home.open(), "after it was opened again");
    }

    #[test]
    fn numbers_go_on_after_everything_was_flushed() {
        let home = Home::new();
        for round in 1..=4 {
            let db = home.open();
            db.put("apple", round.to_string()).unwrap();
            let rule =
                rule("4.8", "the manifest remembers the highest number, when the log is gone");
            assert_eq!(db.stats().unwrap().last_seq, round, "{rule}");
            flush(&db).unwrap();
            assert_eq!(get(&db, "apple"), Some(round.to_string()), "{rule}");
        }
    }

    #[test]
    fn the_manifest_knows_the_numbers_in_ssts_and_no_later_ones() {
        let home = Home::new();
        let db = home.open_small();
        home.store.hold(Some("sst"));
        put_until(3, &home, &db, 0);
        home.store.hold(None);
        flush(&db).unwrap();
        let (newest, _) = ManifestStore::latest(&*home.store).unwrap().unwrap();
        for id in 2..=newest {
            let manifest = ManifestStore::read(&*home.store, id).unwrap();
            let sst = SstReader::open(home.store.clone(), paths::sst(manifest.l0[0])).unwrap();
            let rule = rule("4.8", "last_l0_seq is max_seq of the SST, and of no row that waits");
            assert_eq!(manifest.last_l0_seq, sst.footer().max_seq, "manifest {id}{rule}");
        }
    }

    #[test]
    fn a_full_memtable_is_flushed_by_itself() {
        let home = Home::new();
        let db = home.open_small();
        for number in 0..200 {
            db.put(format!("key-{number:03}"), "x".repeat(20)).unwrap();
        }
        until("four SSTs are there", || db.stats().unwrap().l0_ssts >= 4);
        let stats = db.stats().unwrap();
        let frozen = rule("4.8", "a memtable that is full is frozen before the next write");
        assert!(stats.mem_table_bytes < 600, "{stats:?}{frozen}");
        let rule = rule("4.8", "memtables are flushed oldest first, and none is left out");
        for number in 0..200 {
            let found = get(&db, &format!("key-{number:03}"));
            assert_eq!(found, Some("x".repeat(20)), "key-{number:03}{rule}");
        }
        assert_eq!(scan(&db).len(), 200, "{rule}");
    }

    #[test]
    fn every_freeze_is_flushed_without_being_asked() {
        for _ in 0..200 {
            let home = Home::new();
            let db = home.open_small();
            put_until(2, &home, &db, 0);
            until("the memtable is flushed", || db.stats().unwrap().immutable_mem_tables == 0);
        }
    }

    #[test]
    fn the_row_that_found_the_memtable_full_survives_a_kill() {
        let home = Home::new();
        let db = home.open_small();
        let number = put_until(2, &home, &db, 0);
        until("segment 1 is deleted", || home.wal.list().unwrap() == [2]);
        let mut reader = WalReader::new("wal", home.wal.file(2).written().into()).unwrap();
        let mut logged = 0;
        while let Some(batch) = reader.next_batch().unwrap() {
            logged += batch.len();
        }
        let rule = rule(
            "4.8",
            "a freeze comes before the write: a memtable and its segment have the same rows",
        );
        assert_eq!(logged, db.stats().unwrap().mem_table_rows, "{rule}");
        assert_eq!(scan(&home.after_a_kill()).len(), number, "{rule}");
    }

    #[test]
    fn a_write_whose_freeze_fails_has_not_happened() {
        let home = Home::new();
        let db = home.open_small();
        *home.wal.unopenable.lock().unwrap() = Some(2);
        let refused = (0..100)
            .map(|number| format!("key-{number:03}"))
            .find(|key| db.put(key, "x".repeat(20)).is_err());
        let rule = rule(
            "4.8",
            "a full memtable is frozen before the write, so its error is that of no row",
        );
        let key = refused.unwrap_or_else(|| panic!("no memtable was frozen{rule}"));
        assert_eq!(get(&db, &key), None, "{rule}");
        assert_eq!(home.after_a_kill().get(&key).unwrap(), None, "{rule}");
    }

    #[test]
    fn a_flush_in_the_middle_of_a_freeze_is_not_undone() {
        let home = Home::new();
        let db = home.open_small();
        home.store.hold(Some("sst"));
        let number = put_until(2, &home, &db, 0);
        // While segment 3 is being opened, the first memtable is flushed to the end.
        *home.wal.open_waits.lock().unwrap() = Some((3, "delete wal 1"));
        let release = thread::spawn({
            let home = home.clone();
            move || {
                let opening = || home.events.lock().unwrap().iter().any(|it| it == "open wal 3");
                until("segment 3 is opened", opening);
                home.store.hold(None);
            }
        });
        let number = put_until(3, &home, &db, number);
        release.join().unwrap();
        flush(&db).unwrap();
        let rule = rule("4.8", "the next state is made of the current one, in swap_state");
        assert_eq!(db.stats().unwrap().sst_rows, number as u64, "each row is in one SST{rule}");
        // A flush that was undone is made again, and looks right in the state.
        let (_, manifest) = ManifestStore::latest(&*home.store).unwrap().unwrap();
        assert_eq!(manifest.l0, [3, 2, 1], "each memtable was flushed once{rule}");
    }

    #[test]
    fn rows_can_be_read_while_their_flush_is_held_up() {
        let home = Home::new();
        let db = home.open_small();
        home.store.hold(Some("sst"));
        db.put("first", "1").unwrap();
        let mut number = 0;
        while db.stats().unwrap().immutable_mem_tables < 3 {
            db.put(format!("key-{number:03}"), number.to_string()).unwrap();
            db.put("last", number.to_string()).unwrap();
            number += 1;
            let rule = rule("4.8", "a frozen memtable stays in the state while its SST is put");
            assert!(number < 1000, "no three memtables wait to be flushed{rule}");
        }
        let rule =
            rule("4.8", "an immutable memtable is read as the memtable is, until its SST is there");
        assert_eq!(get(&db, "first").as_deref(), Some("1"), "{rule}");
        assert_eq!(get(&db, "last"), Some((number - 1).to_string()), "{rule}");
        assert_eq!(scan(&db).len(), number + 2, "{rule}");
        home.store.hold(None);
        flush(&db).unwrap();
        assert_eq!(get(&db, "first").as_deref(), Some("1"), "{rule}");
        assert_eq!(
            get(&db, "last"),
            Some((number - 1).to_string()),
            "the oldest was flushed first{rule}"
        );
        assert_eq!(scan(&db).len(), number + 2, "{rule}");
        drop(db);
        assert_eq!(get(&home.open(), "last"), Some((number - 1).to_string()), "{rule}");
    }

    #[test]
    fn a_flush_waits_for_every_row_written_before_it() {
        let home = Home::new();
        let db = home.open_small();
        for number in 0..100 {
            db.put(format!("key-{number:03}"), "x".repeat(20)).unwrap();
        }
        flush(&db).unwrap();
        let stats = db.stats().unwrap();
        let rule = rule("4.8", "when flush returns, everything written before is in SSTs");
        assert_eq!((stats.mem_table_rows, stats.immutable_mem_tables), (0, 0), "{stats:?}{rule}");
        assert_eq!(stats.sst_rows, 100, "each row once{rule}");
        assert_eq!(home.wal.list().unwrap().len(), 1, "one segment is left, an empty one{rule}");
    }

    #[test]
    fn a_crash_between_any_two_steps_loses_nothing() {
        for failing in ["sst", "manifest"] {
            let home = Home::new();
            let db = home.open();
            db.put("apple", "red").unwrap();
            flush(&db).unwrap();
            db.put("apple", "green").unwrap();
            db.put("fig", "blue").unwrap();
            home.store.fail(Some(failing));
            let rule = rule(
                "4.8",
                "a flush that fails has changed nothing, and the log still has its rows",
            );
            let Err(error) = flush(&db) else {
                panic!(
                    "the flush succeeded, although its put of the {failing} failed: is the state \
                     swapped before the commit?{rule}"
                );
            };
            assert!(matches!(error, Error::FlushFailed { .. }), "{failing}: {error}{rule}");
            let expected = [("apple", "green"), ("fig", "blue")];
            let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
            assert_eq!(scan(&db), expected, "{failing}{rule}");
            assert_eq!(scan(&home.after_a_kill()), expected, "killed at {failing}{rule}");

            home.store.fail(None);
            flush(&db).unwrap();
            let rule = rule_again();
            assert_eq!(scan(&db), expected, "{failing}, tried again{rule}");
            let stats = db.stats().unwrap();
            assert_eq!((stats.l0_ssts, stats.immutable_mem_tables), (2, 0), "{stats:?}{rule}");
            assert_eq!(scan(&home.after_a_kill()), expected, "{failing}, tried again{rule}");
        }
    }

    fn rule_again() -> String {
        rule("4.8", "a flush that failed can be tried again")
    }

    #[test]
    fn an_sst_that_a_crash_left_behind_is_not_touched() {
        let home = Home::new();
        let orphan = Bytes::from_static(b"a crash came before the manifest");
        home.store.inner.put(&paths::sst(1), orphan.clone()).unwrap();
        let db = home.open();
        db.put("apple", "red").unwrap();
        flush(&db).unwrap();
        let rule = rule("4.8", "an SST is put under a number that no object has");
        assert_eq!(home.store.get(&paths::sst(1)).unwrap(), orphan, "{rule}");
        let (_, manifest) = ManifestStore::latest(&*home.store).unwrap().unwrap();
        assert_eq!((manifest.l0, manifest.next_sst_id), (vec![2], 3), "{rule}");
        assert_eq!(get(&home.after_a_kill(), "apple").as_deref(), Some("red"), "{rule}");
    }

    #[test]
    fn numbers_of_ssts_begin_where_the_manifest_says() {
        let home = Home::beginning_with(&Manifest { next_sst_id: 7, ..Manifest::default() });
        home.store.inner.put(&paths::sst(7), Bytes::from_static(b"left behind")).unwrap();
        let db = home.open();
        db.put("apple", "red").unwrap();
        db.put("apple", "green").unwrap();
        db.trace().start();
        flush(&db).unwrap();
        let rule = rule("4.8", "the number that put_sst returns is the SST's");
        assert_eq!(home.store.ids("sst"), [paths::sst(7), paths::sst(8)], "{rule}");
        let steps = db.trace().stop();
        let is_flush = |step: &Step| matches!(step, Step::Flush { wal_id: 1, sst: 8, .. });
        assert!(steps.iter().any(is_flush), "{steps:?}{rule}");
        let (_, manifest) = ManifestStore::latest(&*home.store).unwrap().unwrap();
        assert_eq!((manifest.l0, manifest.last_l0_seq), (vec![8], 2), "{rule}");
    }

    #[test]
    fn an_sst_that_cannot_be_opened_is_not_committed() {
        let home = Home::new();
        let db = home.open();
        db.put("apple", "red").unwrap();
        *home.store.unreadable.lock().unwrap() = true;
        let result = flush(&db);
        let rule =
            rule("4.8", "the reader is opened before the commit: behind it, nothing may fail");
        assert!(matches!(result, Err(Error::FlushFailed { .. })), "{result:?}{rule}");
        let (id, manifest) = ManifestStore::latest(&*home.store).unwrap().unwrap();
        assert_eq!((id, manifest.l0), (1, vec![]), "{rule}");
        *home.store.unreadable.lock().unwrap() = false;
        flush(&db).unwrap();
        assert_eq!(db.stats().unwrap().sst_rows, 1, "{rule}");
        assert_eq!(scan(&home.after_a_kill()).len(), 1, "{rule}");
    }

    #[test]
    fn an_sst_whose_commit_failed_is_left_where_it_is() {
        let home = Home::new();
        let db = home.open();
        db.put("apple", "red").unwrap();
        // The commit is carried out, and nobody gets to know.
        *home.store.losing.lock().unwrap() = Some("manifest");
        // The flusher may have tried twice before this looks, and succeeded.
        let failed = flush(&db).is_err();
        let rule =
            rule("4.8", "a commit that failed may have been carried out: its SST may be in use");
        if failed {
            assert_eq!(scan(&home.after_a_kill()).len(), 1, "{rule}");
        }
        let again = flush(&db);
        assert!(again.is_ok(), "tried again: {again:?}{rule}");
        assert_eq!(scan(&db).len(), 1, "{rule}");
        assert_eq!(scan(&home.after_a_kill()).len(), 1, "{rule}");
    }

    #[test]
    fn a_segment_that_cannot_be_deleted_is_deleted_later() {
        let home = Home::new();
        let db = home.open();
        db.put("apple", "red").unwrap();
        *home.wal.undeletable.lock().unwrap() = true;
        db.trace().start();
        let flushed = flush(&db);
        let rule = rule("4.8", "when the manifest is committed, the flush has succeeded");
        assert!(flushed.is_ok(), "{flushed:?}{rule}");
        let deleted = |step: &Step| matches!(step, Step::WalDelete { .. });
        assert!(
            !db.trace().stop().iter().any(deleted),
            "nothing was deleted, so no such step{rule}"
        );
        assert_eq!(get(&db, "apple").as_deref(), Some("red"), "{rule}");
        *home.wal.undeletable.lock().unwrap() = false;
        drop(db);
        let db = home.open();
        assert_eq!(home.wal.list().unwrap(), [2], "the next opening deletes it{rule}");
        assert_eq!(db.stats().unwrap().mem_table_rows, 0, "its rows are not replayed{rule}");
    }

    #[test]
    fn a_segment_that_cannot_be_deleted_does_not_stop_the_next_flush() {
        let home = Home::new();
        let db = home.open_small();
        home.store.hold(Some("sst"));
        put_until(3, &home, &db, 0);
        *home.wal.undeletable.lock().unwrap() = true;
        let flushed = thread::scope(|scope| {
            let flushing = scope.spawn(|| flush(&db));
            until("a flush freezes the memtable", || home.wal.list().unwrap().last() == Some(&4));
            // Let it go on until it waits: a failure of the flusher before that is none of its own.
            thread::sleep(Duration::from_millis(50));
            home.store.hold(None);
            flushing.join().unwrap()
        });
        let rule = rule("4.8", "deleting the segment may fail, and the flush has succeeded");
        assert!(flushed.is_ok(), "{flushed:?}{rule}");
        assert_eq!(db.stats().unwrap().immutable_mem_tables, 0, "{rule}");
    }

    #[test]
    fn numbers_of_segments_run_out_without_beginning_anew() {
        let home = Home::beginning_with(&Manifest {
            replay_after_wal_id: u64::MAX - 1,
            ..Manifest::default()
        });
        let db = home.open();
        db.put("apple", "red").unwrap();
        let result = flush(&db);
        let rule = rule("4.8", "behind the last segment there is none: recovery::out_of_numbers");
        assert!(matches!(result, Err(Error::InvalidArgument { .. })), "{result:?}{rule}");
        assert_eq!(home.wal.list().unwrap(), [u64::MAX], "{rule}");
        assert_eq!(get(&db, "apple").as_deref(), Some("red"), "nothing has changed{rule}");
    }

    #[test]
    fn a_freeze_that_fails_changes_nothing() {
        let home = Home::new();
        let db = home.open();
        db.put("apple", "red").unwrap();
        *home.wal.unopenable.lock().unwrap() = Some(2);
        let error = flush(&db).unwrap_err();
        let rule = rule("4.8", "without the next segment the memtable stays as it is");
        assert!(matches!(error, Error::Io { .. }), "{error}{rule}");
        assert_eq!(db.stats().unwrap().mem_table_rows, 1, "{rule}");
        db.put("fig", "blue").unwrap();
        assert_eq!(scan(&home.after_a_kill()).len(), 2, "{rule}");
        *home.wal.unopenable.lock().unwrap() = None;
        flush(&db).unwrap();
        assert_eq!(db.stats().unwrap().sst_rows, 2, "{rule}");
    }

    #[test]
    fn a_fenced_writer_is_told_and_does_no_harm() {
        let (older_home, newer_home) = (Home::new(), Home::new());
        let older = older_home.open();
        older.put("apple", "red").unwrap();
        flush(&older).unwrap();
        // The same object store, another machine.
        let newer =
            newer_home.builder().with_object_store(older_home.store.clone()).build().unwrap();
        assert_eq!(get(&newer, "apple").as_deref(), Some("red"));
        newer.put("fig", "blue").unwrap();
        older.put("kiwi", "hard").unwrap();
        let rule = rule("4.8", "a fenced writer fails from its next commit on, whatever it does");
        let results =
            [flush(&older), older.put("kiwi", "soft").map(drop), older.get("apple").map(drop)];
        for result in results {
            assert!(matches!(result, Err(Error::Fenced { .. })), "{result:?}{rule}");
        }
        flush(&newer).unwrap();
        let expected = [("apple", "red"), ("fig", "blue")];
        let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(scan(&newer), expected, "{rule}");
    }

    #[test]
    fn a_snapshot_survives_a_flush() {
        let db = Home::new().open();
        db.put("apple", "red").unwrap();
        db.put("kiwi", "hard").unwrap();
        let snapshot = db.snapshot().unwrap();
        db.put("apple", "green").unwrap();
        db.delete("kiwi").unwrap();
        flush(&db).unwrap();
        let seen = ["apple", "kiwi"].map(|key| snapshot.get(key).unwrap());
        let expected = ["red", "hard"].map(|value| Some(Bytes::from_static(value.as_bytes())));
        assert_eq!(seen, expected, "{}", rule("4.8", "a flush keeps what an open snapshot sees"));
        assert_eq!(get(&db, "apple").as_deref(), Some("green"));
        assert_eq!(get(&db, "kiwi"), None);
    }

    #[test]
    fn memory_is_bounded_while_the_store_is_slow() {
        let home = Home::new();
        let db = home.builder().with_settings(small(2000)).build().unwrap();
        home.store.hold(Some("sst"));
        let writer = thread::spawn({
            let db = db.clone();
            move || {
                for number in 0..300 {
                    db.put(format!("key-{number:03}"), "x".repeat(20)).unwrap();
                }
            }
        });
        until("writes have come to a stop", || {
            let stats = db.stats().unwrap();
            stats.mem_table_bytes + stats.immutable_bytes >= 2000
        });
        thread::sleep(Duration::from_millis(50));
        let stats = db.stats().unwrap();
        let unflushed = stats.mem_table_bytes + stats.immutable_bytes;
        let rule = rule("4.8", "a write waits when max_unflushed_bytes wait to be flushed");
        assert!(unflushed < 2000 + 2 * 35, "{unflushed} bytes in memtables{rule}");
        assert!(!writer.is_finished(), "{rule}");
        home.store.hold(None);
        deadline(20, move || writer.join()).unwrap();
        assert_eq!(scan(&db).len(), 300, "{rule}");
    }

    #[test]
    fn a_trace_that_is_off_records_nothing() {
        let home = Home::new();
        let trace = Trace::new();
        let db = home.builder().with_trace(trace.clone()).build().unwrap();
        db.put("apple", "red").unwrap();
        flush(&db).unwrap();
        assert_eq!(
            trace.stop(),
            [],
            "{}",
            rule("4.8", "steps are recorded only when the trace is on")
        );
        // A memtable knows nothing of it.
        assert!(MemTable::new().is_empty());
    }

    #[derive(Debug, Clone)]
    enum Op {
        Put(u8, u8),
        Delete(u8),
        Batch(Vec<(u8, Option<u8>)>),
        Flush,
        Reopen,
    }

    fn any_op() -> impl Strategy<Value = Op> {
        let key = || 0..12_u8;
        let write = (key(), any::<Option<u8>>());
        prop_oneof![
            8 => (key(), any::<u8>()).prop_map(|(key, value)| Op::Put(key, value)),
            3 => key().prop_map(Op::Delete),
            2 => prop::collection::vec(write, 1..6).prop_map(Op::Batch),
            2 => Just(Op::Flush),
            1 => Just(Op::Reopen),
        ]
    }

    #[test]
    fn random_histories_end_as_an_ordered_map_does() {
        // A history in which a flush hangs takes its time.
        let config = ProptestConfig { max_shrink_time: 5000, ..config(24) };
        proptest!(config, |(ops in prop::collection::vec(any_op(), 1..60))| {
            let home = Home::new();
            let mut db = home.open_small();
            let mut expected = BTreeMap::new();
            for op in ops {
                match op {
                    Op::Put(key, value) => {
                        db.put([key], [value]).unwrap();
                        expected.insert(vec![key], vec![value]);
                    }
                    Op::Delete(key) => {
                        db.delete([key]).unwrap();
                        expected.remove(&vec![key]);
                    }
                    Op::Batch(writes) => {
                        let mut batch = WriteBatch::new();
                        for (key, value) in writes {
                            match value {
                                Some(value) => {
                                    batch.put([key], [value]);
                                    expected.insert(vec![key], vec![value]);
                                }
                                None => {
                                    batch.delete([key]);
                                    expected.remove(&vec![key]);
                                }
                            }
                        }
                        db.write(batch).unwrap();
                    }
                    Op::Flush => flush(&db).unwrap(),
                    Op::Reopen => {
                        drop(db);
                        db = home.open_small();
                    }
                }
                for key in 0..12_u8 {
                    let found = db.get([key]).unwrap().map(|value| value.to_vec());
                    let rule = rule("4.8", "the database always says what an ordered map would");
                    prop_assert_eq!(found.as_ref(), expected.get(&vec![key]), "key {}{}", key, rule);
                }
            }
            let found = db.scan(..).unwrap().map(|it| it.unwrap());
            let found: Vec<_> = found.map(|it| (it.key.to_vec(), it.value.to_vec())).collect();
            let expected: Vec<_> = expected.into_iter().collect();
            prop_assert_eq!(found, expected, "{}", rule("4.8", "a scan has each key once"));
        });
    }
}
