//! The parts of the database that are given to the reader: what has no test in week 4.

use std::io;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use testkit::{SimulatedFile, TempFolder, deadline};
use tinydb::db::backpressure::{Admission, LONGEST_DELAY, OwedDelay, admission};
use tinydb::db::{Manifest, Trace, paths};
use tinydb::error::Error;
use tinydb::format::Step;
use tinydb::iter::BytesRange;
use tinydb::merge::CounterMergeOperator;
use tinydb::object_store::{MemoryObjectStore, ObjectStore};
use tinydb::storage::log_file::PendingSync;
use tinydb::storage::{DiskWalStore, Durability, LogFile, MemoryWalStore, WalStore};
use tinydb::{Db, DbBuilder, Result, Settings, WriteBatch, WriteOptions};

#[test]
fn writes_are_slowed_before_they_stop() {
    assert_eq!(admission(0, 500, 1000), Admission::Go);
    assert_eq!(admission(499, 500, 1000), Admission::Go);
    assert_eq!(admission(500, 500, 1000), Admission::Go);
    assert_eq!(admission(750, 500, 1000), Admission::Slow(LONGEST_DELAY / 2));
    assert_eq!(admission(1000, 500, 1000), Admission::Stop);
    assert_eq!(admission(usize::MAX, 500, 1000), Admission::Stop);
    let mut last = Duration::ZERO;
    for unflushed in 501..1000 {
        let Admission::Slow(delay) = admission(unflushed, 500, 1000) else {
            panic!("{unflushed} of 1000 bytes: not slowed");
        };
        assert!(last < delay && delay < LONGEST_DELAY, "{unflushed}: {delay:?} behind {last:?}");
        last = delay;
    }
    assert_eq!(admission(0, 0, 0), Admission::Stop);
    assert_eq!(admission(0, 0, 1), Admission::Go);
    // With room for one memtable, writes are not slowed while it is filled.
    assert_eq!(admission(999, 1000, 1000), Admission::Go);
}

#[test]
fn short_delays_are_slept_together() {
    let mut owed = OwedDelay::default();
    let slept: Vec<_> = (0..10).map(|_| owed.add(LONGEST_DELAY / 4)).collect();
    let expected = [0, 0, 0, 4, 0, 0, 0, 4, 0, 0].map(|quarters| LONGEST_DELAY / 4 * quarters);
    assert_eq!(slept, expected);
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let refused = |settings: Settings| {
        let built = DbBuilder::in_memory().with_settings(settings).build();
        let Err(Error::InvalidArgument { argument, .. }) = built else { panic!("not refused") };
        argument
    };
    let good =
        || Settings { l0_sst_size_bytes: 100, max_unflushed_bytes: 100, ..Settings::default() };
    assert!(good().validate().is_ok());
    assert_eq!(refused(Settings { l0_sst_size_bytes: 0, ..good() }), "l0_sst_size_bytes");
    assert_eq!(refused(Settings { max_unflushed_bytes: 99, ..good() }), "max_unflushed_bytes");
    assert_eq!(refused(Settings { sst_block_size: 0, ..good() }), "sst_block_size");
    assert_eq!(refused(Settings { sst_block_size: 65_536, ..good() }), "sst_block_size");
    assert!(Settings { sst_block_size: 65_535, ..good() }.validate().is_ok());
    assert!(Settings { sst_block_size: 1, ..good() }.validate().is_ok());
}

#[test]
fn a_write_larger_than_the_bound_goes_through() {
    let settings =
        Settings { l0_sst_size_bytes: 100, max_unflushed_bytes: 100, ..Settings::default() };
    let db = DbBuilder::in_memory().with_settings(settings).build().unwrap();
    deadline(20, move || {
        for number in 0..20 {
            db.put([number], [0; 1000]).unwrap();
        }
        assert_eq!(db.scan(..).unwrap().count(), 20);
    });
}

#[test]
fn the_block_size_reaches_the_ssts() {
    let blocks = |sst_block_size| {
        let objects = Arc::new(MemoryObjectStore::new());
        let settings = Settings { sst_block_size, ..Settings::default() };
        let builder = DbBuilder::in_memory().with_object_store(objects.clone());
        let db = builder.with_settings(settings).build().unwrap();
        for number in 0..100_u8 {
            db.put([number], [0; 100]).unwrap();
        }
        db.flush().unwrap();
        let sst = tinydb::storage::SstReader::open(objects, paths::sst(1)).unwrap();
        sst.index().blocks.len()
    };
    assert!(blocks(1000) > 2 * blocks(4096));
}

#[test]
fn a_trace_shows_the_opening_too() {
    let wal = Arc::new(MemoryWalStore::new());
    let objects = Arc::new(MemoryObjectStore::new());
    let open = |trace: &Trace| {
        let builder = DbBuilder::in_memory().with_wal_store(wal.clone());
        builder.with_object_store(objects.clone()).with_trace(trace.clone()).build().unwrap()
    };
    open(&Trace::new()).put("apple", "red").unwrap();
    let trace = Trace::new();
    trace.start();
    let db = open(&trace);
    assert_eq!(trace.stop(), [Step::WalReplay { wal_id: 1, rows: 1 }]);
    db.trace().start();
    db.get("apple").unwrap();
    assert_eq!(trace.stop(), [Step::MemTableLookup { found: true }]);
}

#[test]
fn a_step_is_one_line_that_says_what_happened() {
    let shown = |step: Step| step.to_string();
    assert_eq!(shown(Step::WalAppend { wal_id: 3, rows: 1 }), "WalAppend wal 3, 1 row");
    assert_eq!(shown(Step::WalAppend { wal_id: 3, rows: 2 }), "WalAppend wal 3, 2 rows");
    let insert = Step::MemTableInsert { key: Bytes::from_static(b"a"), seq: 7 };
    assert_eq!(shown(insert), "MemTableInsert b\"a\" seq 7");
    assert_eq!(shown(Step::Commit { seq: 7 }), "Commit seq 7");
    assert_eq!(shown(Step::Freeze { wal_id: 3 }), "Freeze wal 3");
    assert_eq!(shown(Step::MemTableLookup { found: true }), "MemTableLookup: found");
    let lookup = Step::ImmutableMemTableLookup { wal_id: 3, found: false };
    assert_eq!(shown(lookup), "ImmutableMemTableLookup wal 3: not found");
    assert_eq!(shown(Step::SstLookup { sst: 4, found: true }), "SstLookup sst 4: found");
    assert_eq!(shown(Step::Flush { wal_id: 3, sst: 4, rows: 2 }), "Flush wal 3 to sst 4, 2 rows");
    assert_eq!(shown(Step::ManifestCommit { manifest: 5 }), "ManifestCommit manifest 5");
    assert_eq!(shown(Step::WalDelete { wal_id: 3 }), "WalDelete wal 3");
    assert_eq!(shown(Step::WalReplay { wal_id: 3, rows: 1 }), "WalReplay wal 3, 1 row");
}

#[test]
fn dropping_the_last_handle_hands_buffered_writes_to_the_system() {
    for explicit in [false, true] {
        let file = SimulatedFile::new();
        let wal_store = Arc::new(OneSegment(file.clone()));
        let db = DbBuilder::in_memory().with_wal_store(wal_store).build().unwrap();
        let mut batch = WriteBatch::new();
        batch.put("apple", "red");
        let options = WriteOptions { durability: Some(Durability::Buffered) };
        db.write_with_options(batch, &options).unwrap();
        let before = file.written().len();
        let other = db.clone();
        drop(db);
        assert_eq!(file.written().len(), before, "there is a handle left");
        if explicit {
            other.close().unwrap();
            assert_eq!(file.synced(), file.written(), "close makes everything durable");
        }
        drop(other);
        assert!(file.written().len() > before, "the row was handed over");
    }
}

/// A WAL store with one segment.
#[derive(Debug)]
struct OneSegment(SimulatedFile);

impl WalStore for OneSegment {
    fn list(&self) -> Result<Vec<u64>> {
        Ok(Vec::new())
    }

    fn open(&self, _wal_id: u64) -> Result<Box<dyn LogFile>> {
        Ok(Box::new(Segment(self.0.clone())))
    }

    fn delete(&self, _wal_id: u64) -> Result<()> {
        Ok(())
    }

    fn name(&self, wal_id: u64) -> String {
        format!("segment {wal_id}")
    }
}

#[derive(Debug)]
struct Segment(SimulatedFile);

impl LogFile for Segment {
    fn read_all(&mut self) -> io::Result<Bytes> {
        Ok(self.0.written().into())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.append(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync()
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.0.truncate(len)
    }
}

/// A WAL whose first sync beside the writer fails, after the writer has synced the same segment without an
/// error to begin the next.
#[derive(Debug, Default)]
struct FailsBesideTheWriter {
    segments: MemoryWalStore,
    is_finished: Arc<AtomicBool>,
    has_failed: Arc<AtomicBool>,
}

impl WalStore for FailsBesideTheWriter {
    fn list(&self) -> Result<Vec<u64>> {
        self.segments.list()
    }

    fn open(&self, wal_id: u64) -> Result<Box<dyn LogFile>> {
        let log = self.segments.open(wal_id)?;
        let (is_finished, has_failed) = (self.is_finished.clone(), self.has_failed.clone());
        Ok(Box::new(FailingLog { log, is_finished, has_failed }))
    }

    fn delete(&self, wal_id: u64) -> Result<()> {
        self.segments.delete(wal_id)
    }

    fn name(&self, wal_id: u64) -> String {
        self.segments.name(wal_id)
    }
}

#[derive(Debug)]
struct FailingLog {
    log: Box<dyn LogFile>,
    is_finished: Arc<AtomicBool>,
    has_failed: Arc<AtomicBool>,
}

impl LogFile for FailingLog {
    fn read_all(&mut self) -> io::Result<Bytes> {
        self.log.read_all()
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.log.append(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.log.sync()
    }

    fn start_sync(&mut self) -> io::Result<PendingSync> {
        if self.has_failed.swap(true, Ordering::SeqCst) {
            return self.log.start_sync();
        }
        let is_finished = self.is_finished.clone();
        Ok(Box::new(move || {
            while !is_finished.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(1));
            }
            Err(io::Error::other("the disk has failed"))
        }))
    }

    fn finish(&mut self) -> io::Result<()> {
        self.log.finish()?;
        self.is_finished.store(true, Ordering::SeqCst);
        Ok(())
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.log.truncate(len)
    }
}

#[test]
fn a_sync_that_failed_is_not_made_good_by_the_next() {
    let wal = Arc::new(FailsBesideTheWriter::default());
    let db = DbBuilder::in_memory().with_wal_store(wal.clone()).build().unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let mut batch = WriteBatch::new();
            batch.put("apple", "red");
            db.write_with_options(batch, &WriteOptions { durability: Some(Durability::Sync) })
        });
        while !wal.has_failed.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(1));
        }
        db.flush().unwrap();
        // The flush may have made the write durable before the failure is told.
        if let Err(error) = waiting.join().unwrap() {
            assert!(matches!(error, Error::NotDurable { .. }), "{error}");
        }
    });
    // Some page of the first segment may be missing: nothing may be promised behind it.
    let error = db.put("pear", "ripe").unwrap_err();
    assert!(matches!(error, Error::WalFailed { .. }), "{error}");
    assert_eq!(db.get("apple").unwrap().as_deref(), Some(&b"red"[..]), "it is in an SST");
}

#[test]
fn a_directory_has_one_database_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let db = Db::open(directory.path()).unwrap();
    let error = Db::open(directory.path()).unwrap_err();
    let Error::Locked { path } = &error else { panic!("{error}") };
    assert!(path.ends_with("LOCK"), "{path}");
    db.put("apple", "red").unwrap();
    db.close().unwrap();
    // The handle is still there, and its lock is not.
    let again = Db::open(directory.path()).unwrap();
    assert_eq!(again.get("apple").unwrap().as_deref(), Some(&b"red"[..]));
    drop(again);
    Db::open(directory.path()).unwrap();
    drop(db);
}

#[test]
fn a_disk_wal_store_keeps_its_segments_in_a_folder() {
    let directory = tempfile::tempdir().unwrap();
    let store = DiskWalStore::open(directory.path()).unwrap();
    for wal_id in [10, 9, u64::MAX] {
        store.open(wal_id).unwrap().append(b"some").unwrap();
    }
    let folder = directory.path().join("wal");
    for other in ["1.wal", "00000000000000000003.sst", "notes", "+0000000000000000005.wal"] {
        std::fs::write(folder.join(other), b"none of ours").unwrap();
    }
    assert_eq!(store.list().unwrap(), [9, 10, u64::MAX]);
    let path = folder.join("00000000000000000009.wal");
    assert_eq!(store.name(9), path.display().to_string());
    assert_eq!(std::fs::read(&path).unwrap(), b"some");
    store.delete(9).unwrap();
    store.delete(9).unwrap();
    assert_eq!(store.list().unwrap(), [10, u64::MAX]);
    assert!(!path.exists());
}

#[test]
fn a_memory_wal_store_keeps_its_segments_for_its_clones() {
    let store = MemoryWalStore::new();
    let mut file = store.open(2).unwrap();
    file.append(b"abcdef").unwrap();
    file.truncate(4).unwrap();
    file.append(b"x").unwrap();
    file.sync().unwrap();
    let clone = store.clone();
    assert_eq!(clone.open(2).unwrap().read_all().unwrap(), "abcdx");
    store.open(1).unwrap();
    assert_eq!(clone.list().unwrap(), [1, 2]);
    clone.delete(2).unwrap();
    clone.delete(2).unwrap();
    assert_eq!(store.list().unwrap(), [1]);
    assert_eq!(store.name(1), "wal/00000000000000000001.wal");
}

#[test]
fn paths_have_their_numbers() {
    assert_eq!(paths::sst(7), "sst/00000000000000000007.sst");
    assert_eq!(paths::manifest(7), "manifest/00000000000000000007.manifest");
    for id in [0, 1, 7, u64::MAX - 1] {
        assert_eq!(paths::manifest_id(&paths::manifest(id)), Some(id));
    }
    for other in [&paths::manifest(u64::MAX)[..], "manifest/7.manifest", "sst/7", "manifest", ""] {
        assert_eq!(paths::manifest_id(other), None, "{other}");
    }
}

#[test]
fn every_kind_of_range_can_be_scanned() {
    let db = DbBuilder::in_memory().build().unwrap();
    for key in ["a", "b", "c", "d"] {
        db.put(key, key).unwrap();
    }
    let keys = |range: BytesRange| -> String {
        let found = db.scan(range).unwrap().map(|found| found.unwrap().key);
        found.map(|key| String::from_utf8_lossy(&key).into_owned()).collect()
    };
    assert_eq!(keys((..).into()), "abcd");
    assert_eq!(keys(("b".."d").into()), "bc");
    assert_eq!(keys(("b"..="d").into()), "bcd");
    assert_eq!(keys(("b"..).into()), "bcd");
    assert_eq!(keys((.."c").into()), "ab");
    assert_eq!(keys((..="c").into()), "abc");
    assert_eq!(keys((Bound::Excluded("a"), Bound::Included("c")).into()), "bc");
    assert_eq!(keys(("d".."a").into()), "");
    let snapshot = db.snapshot().unwrap();
    db.put("bb", "").unwrap();
    let count = |found: tinydb::iter::DbIterator| found.count();
    assert_eq!(count(snapshot.scan("b".."c").unwrap()), 1);
    assert_eq!(count(snapshot.scan_prefix("b").unwrap()), 1);
    assert_eq!(count(db.scan_prefix("b").unwrap()), 2);
}

#[test]
fn a_snapshot_that_is_gone_keeps_nothing() {
    let db = DbBuilder::in_memory().build().unwrap();
    db.put("apple", "red").unwrap();
    let snapshots = [db.snapshot().unwrap(), db.snapshot().unwrap()];
    assert_eq!(snapshots[0].seq(), 1);
    db.put("apple", "green").unwrap();
    db.flush().unwrap();
    assert_eq!(db.stats().unwrap().sst_rows, 2, "the old version is needed");
    let [first, second] = snapshots;
    drop(first);
    db.put("apple", "blue").unwrap();
    assert_eq!(second.get("apple").unwrap().as_deref(), Some(&b"red"[..]));
    drop(second);
    db.put("apple", "black").unwrap();
    db.flush().unwrap();
    assert_eq!(db.stats().unwrap().sst_rows, 3, "of the two new versions, one is enough");
}

#[test]
fn figures_say_what_there_is() {
    let db = DbBuilder::in_memory().build().unwrap();
    db.put("a", "1").unwrap();
    db.flush().unwrap();
    db.put("bb", "22").unwrap();
    db.put("bb", "22").unwrap();
    let stats = db.stats().unwrap();
    assert_eq!((stats.mem_table_rows, stats.mem_table_bytes), (2, 24));
    assert_eq!((stats.immutable_mem_tables, stats.immutable_bytes), (0, 0));
    assert_eq!((stats.l0_ssts, stats.sorted_runs, stats.sst_rows), (1, 0, 1));
    assert!((10..60).contains(&stats.sst_bytes), "{}", stats.sst_bytes);
    assert_eq!((stats.last_seq, stats.manifest_id, stats.writer_epoch), (3, 2, 1));
}

#[test]
fn amplification_is_measured() {
    let mut builder = DbBuilder::in_memory();
    let settings = Settings { compactor_options: None, ..Settings::default() };
    builder = builder.with_settings(settings);
    let db = builder.build().unwrap();
    let measured = || {
        let stats = db.stats().unwrap();
        (stats.write_amplification, stats.read_amplification, stats.space_amplification)
    };
    assert_eq!(measured(), (None, 0, None), "nothing was written");
    db.put("apple", "red").unwrap();
    assert_eq!(measured(), (None, 0, None), "nothing was flushed");
    db.flush().unwrap();

    let stats = db.stats().unwrap();
    assert_eq!(stats.flushed_mem_table_bytes, 16, "apple, red, and a sequence number");
    let flushed = stats.flushed_bytes as f64 / 16.0;
    assert_eq!(measured(), (Some(flushed), 1, None), "no sorted run says what is alive");

    db.compact().unwrap();
    let stats = db.stats().unwrap();
    let both = (stats.flushed_bytes + stats.compacted_bytes) as f64 / 16.0;
    assert!(stats.compacted_bytes > 0 && both > flushed, "{stats:?}");
    assert_eq!(measured(), (Some(both), 1, Some(1.0)), "one run, and all of it is alive");

    let run_bytes = stats.sst_bytes;
    for color in ["green", "brown"] {
        db.put("apple", color).unwrap();
        db.flush().unwrap();
    }
    let stats = db.stats().unwrap();
    assert_eq!(stats.flushed_mem_table_bytes, 16 + 18 + 18);
    assert_eq!(stats.read_amplification, 3, "two SSTs and a run");
    assert_eq!(stats.space_amplification, Some(stats.sst_bytes as f64 / run_bytes as f64));
    assert!(stats.space_amplification > Some(2.9), "three apples instead of one: {stats:?}");
    db.compact().unwrap();
    assert_eq!(db.stats().unwrap().space_amplification, Some(1.0));
}

#[test]
fn rows_that_recovery_found_are_counted_when_they_are_flushed() {
    let folder = TempFolder::new();
    let open = || Db::open(folder.path()).unwrap();
    open().put("apple", "red").unwrap();
    let db = open();
    db.put("fig", "blue").unwrap();
    db.flush().unwrap();
    let stats = db.stats().unwrap();
    assert_eq!(stats.flushed_mem_table_bytes, 16 + 15, "{stats:?}");
    assert!(stats.write_amplification.is_some());
}

#[test]
fn a_batch_knows_what_is_in_it() {
    let mut batch = WriteBatch::new();
    assert!(batch.is_empty() && batch.first_merge().is_none());
    batch.put("a", "1");
    batch.delete("b");
    assert!(!batch.is_empty() && batch.first_merge().is_none());
    batch.merge("c", "2");
    batch.merge("d", "3");
    assert_eq!(batch.len(), 4);
    assert_eq!(batch.first_merge().map(|key| &key[..]), Some(&b"c"[..]));
}

/// A machine with a WAL of its own; the object store is shared.
struct Machine {
    wal: MemoryWalStore,
    objects: Arc<MemoryObjectStore>,
}

impl Machine {
    fn new(objects: &Arc<MemoryObjectStore>) -> Self {
        Self { wal: MemoryWalStore::new(), objects: Arc::clone(objects) }
    }

    fn open(&self) -> Result<Db> {
        let builder = DbBuilder::in_memory().with_object_store(self.objects.clone());
        builder.with_wal_store(Arc::new(self.wal.clone())).build()
    }
}

#[test]
fn a_writer_that_was_replaced_is_told_about_its_unflushed_writes() {
    let objects = Arc::new(MemoryObjectStore::new());
    let (first, second) = (Machine::new(&objects), Machine::new(&objects));
    let db = first.open().unwrap();
    db.put("apple", "red").unwrap();
    db.flush().unwrap();
    db.put("kiwi", "hard").unwrap();
    drop(db);
    let db = second.open().unwrap();
    db.put("fig", "blue").unwrap();
    for _ in 0..3 {
        db.put("pear", "ripe").unwrap();
        db.flush().unwrap();
    }
    // Coming back, the first must neither delete its row nor put it in behind newer ones.
    for _ in 0..2 {
        let error = first.open().unwrap_err();
        let Error::WalReplaced { segment, epoch, newer_epoch } = &error else { panic!("{error}") };
        assert_eq!((segment, epoch, newer_epoch), (&first.wal.name(2), &1, &2));
        assert_eq!(first.wal.list().unwrap(), [2], "the segment with the row is kept");
    }
    db.put("fig", "black").unwrap();
    db.flush().unwrap();
    assert_eq!(db.scan(..).unwrap().count(), 3, "the second was not disturbed");
    drop(db);
    second.open().unwrap();
}

#[test]
fn a_database_can_be_handed_over_and_back() {
    let objects = Arc::new(MemoryObjectStore::new());
    let machines = [Machine::new(&objects), Machine::new(&objects)];
    for round in 0..6_u8 {
        let machine = &machines[usize::from(round) % 2];
        let db = machine.open().unwrap();
        db.put([round], "there").unwrap();
        if round % 3 == 0 {
            drop(db);
            machine.open().unwrap().flush().unwrap();
        } else {
            db.flush().unwrap();
        }
    }
    let db = machines[0].open().unwrap();
    assert_eq!(db.scan(..).unwrap().count(), 6);
    assert_eq!(db.stats().unwrap().last_seq, 6);
}

#[test]
fn a_segment_on_a_disk_is_padded_when_it_is_synced_and_not_when_it_is_finished() {
    let directory = tempfile::tempdir().unwrap();
    let store = DiskWalStore::open(directory.path()).unwrap();
    let mut log = store.open(1).unwrap();
    let read = || std::fs::read(store.name(1)).unwrap();
    let mut expected = Vec::new();
    for len in [10, 4000, 86, 1, 5000] {
        log.append(&vec![7; len]).unwrap();
        expected.extend(vec![7; len]);
        if len == 86 {
            log.start_sync().unwrap()().unwrap();
        } else {
            log.sync().unwrap();
        }
        let padded_len = expected.len().next_multiple_of(4096);
        assert_eq!(read().len(), padded_len, "{} bytes were appended", expected.len());
        assert!(read().starts_with(&expected), "zeros lie in between");
        assert!(read()[expected.len()..].iter().all(|&byte| byte == 0), "no zeros behind");
    }
    log.finish().unwrap();
    assert_eq!(read(), expected, "the padding is cut off");
    // If the next segment can't be made, the log goes on with this one.
    log.append(b"more").unwrap();
    log.sync().unwrap();
    assert!(read().starts_with(&[&expected[..], b"more", &[0; 8]].concat()));
}

#[test]
fn a_disk_wal_store_remembers_its_epoch() {
    let directory = tempfile::tempdir().unwrap();
    let open = || DiskWalStore::open(directory.path()).unwrap();
    assert_eq!(open().epoch().unwrap(), None);
    open().note_epoch(7).unwrap();
    open().note_epoch(12).unwrap();
    assert_eq!(open().epoch().unwrap(), Some(12));
    assert_eq!(open().list().unwrap(), []);
    std::fs::write(directory.path().join("wal-epoch"), b"a dozen").unwrap();
    let error = open().epoch().unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
}

/// The SST is made while it is written. An operator that fails near its end fails when most of it has been.
#[test]
fn an_operator_that_fails_behind_the_first_parts_does_not_stop_the_flush() {
    let folder = TempFolder::new();
    let open = || {
        let builder = Db::builder(folder.path());
        builder.with_merge_operator(Arc::new(CounterMergeOperator)).build().unwrap()
    };
    let (db, value) = (open(), vec![7; 3000]);
    for number in 0..300 {
        db.put(format!("key {number:03}"), &value).unwrap();
    }
    db.merge("last", 1_u64.to_be_bytes()).unwrap();
    for operand in ["no number", "nor this"] {
        db.merge("not a counter", operand).unwrap();
    }
    db.flush().unwrap();
    assert_eq!(db.stats().unwrap().sst_rows, 303, "the operands are written as they are");
    assert!(db.stats().unwrap().flushed_bytes > 900_000, "{:?}", db.stats());
    drop(db);
    let db = open();
    assert!(db.get("not a counter").is_err(), "it is the reader who is told");
    assert_eq!(db.get("last").unwrap().unwrap(), 1_u64.to_be_bytes()[..]);
    for number in 0..300 {
        assert_eq!(db.get(format!("key {number:03}")).unwrap().unwrap(), value);
    }
    let files = std::fs::read_dir(folder.path().join("sst")).unwrap();
    assert_eq!(files.count(), 1, "what was begun with the operator is gone");
}

#[test]
fn numbers_that_run_out_are_errors_and_no_panics() {
    let last = u64::MAX;
    for manifest in [
        Manifest { writer_epoch: last, ..Manifest::default() },
        Manifest { replay_after_wal_id: last, ..Manifest::default() },
        Manifest { replay_after_wal_id: last - 1, ..Manifest::default() },
        Manifest { replay_after_wal_id: last - 2, ..Manifest::default() },
        Manifest { next_sst_id: last, ..Manifest::default() },
        Manifest { last_l0_seq: last - 1, ..Manifest::default() },
    ] {
        let shown = format!("{manifest:?}");
        let objects = Arc::new(MemoryObjectStore::new());
        objects.put(&paths::manifest(1), manifest.encode()).unwrap();
        let machine = Machine::new(&objects);
        let result = deadline(20, move || {
            for round in 0..3_u8 {
                let db = machine.open()?;
                db.put([round], "there")?;
                db.flush()?;
                assert_eq!(db.scan(..)?.count(), usize::from(round) + 1);
            }
            Ok::<(), Error>(())
        });
        // It goes well, or says what has run out; nothing is lost, and nothing panics.
        if let Err(error) = result.map_err(|error| error.to_string()) {
            let said = error.contains(" numbers left") || error.contains("exists already");
            assert!(said, "{shown}: {error}");
        }
    }
}
