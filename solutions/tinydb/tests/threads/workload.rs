//! Threads that use one database, by chance and by a seed.

use std::collections::VecDeque;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use tinydb::db::Snapshot;
use tinydb::iter::DbIterator;
use tinydb::storage::Durability;
use tinydb::{Db, WriteBatch, WriteOptions};

use super::history::{Call, Change, Clock, Event, History, KEYS, Map, Recorder};

/// What is done.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub seed: u64,
    pub threads: usize,
    /// How many calls each thread makes.
    pub calls: usize,
    /// How often somebody flushes, compacts or collects garbage meanwhile.
    pub upkeep: usize,
    /// How all keys are read.
    pub scan: fn(&Db) -> Map,
}

impl Plan {
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            threads: 4,
            calls: 30,
            upkeep: 12,
            scan: |db| read(db.scan(..).expect("a scan")),
        }
    }

    /// Lets the threads do it. At the end the database is read, closed, opened again and read once more.
    pub fn run(&self, open: impl Fn() -> Db) -> History {
        let clock = Clock::default();
        let db = open();
        let mut history = self.use_by_threads(&db, &clock);
        let mut last = Recorder::new(&clock);
        last.record(|| (self.scan)(&db), |rows| Call::Scan(rows.clone()));
        db.close().expect("a close");
        drop(db);
        let db = open();
        last.record(|| (self.scan)(&db), |rows| Call::Scan(rows.clone()));
        db.close().expect("a close");
        history.push(last.events);
        history
    }

    fn use_by_threads(&self, db: &Db, clock: &Clock) -> History {
        thread::scope(|scope| {
            let start = |thread| scope.spawn(move || self.use_database(db, thread, clock));
            let threads: Vec<_> = (0..self.threads).map(start).collect();
            let upkeep = scope.spawn(move || self.keep_up(db));
            let events =
                threads.into_iter().map(|thread| thread.join().expect("a thread's events"));
            let events = events.collect();
            upkeep.join().expect("upkeep without a fault");
            events
        })
    }

    fn use_database(&self, db: &Db, thread: usize, clock: &Clock) -> Vec<Event> {
        let mut user = User {
            db,
            random: Random::new(self.seed, thread),
            recorder: Recorder::new(clock),
            snapshots: VecDeque::new(),
            scan: self.scan,
        };
        for number in 0..self.calls {
            user.call(&format!("{thread}.{number} "));
        }
        user.recorder.events
    }

    /// None of this may be noticed.
    fn keep_up(&self, db: &Db) {
        let mut random = Random::new(self.seed, usize::MAX);
        for _ in 0..self.upkeep {
            match random.below(4) {
                0 | 1 => db.flush().expect("a flush"),
                2 => db.compact().expect("a compaction"),
                _ => drop(db.collect_garbage(Duration::ZERO).expect("a collection")),
            }
        }
    }
}

/// One thread.
struct User<'a> {
    db: &'a Db,
    random: Random,
    recorder: Recorder<'a>,
    /// Open ones, with what was seen first.
    snapshots: VecDeque<(Snapshot, Map)>,
    scan: fn(&Db) -> Map,
}

impl User<'_> {
    /// Makes a call; if it writes, it writes what `text` says, which no other call does.
    fn call(&mut self, text: &str) {
        match self.random.below(20) {
            0..=9 => self.write(1, text),
            10..=12 => {
                let changes = 2 + self.random.below(3);
                self.write(changes, text);
            }
            13..=15 => self.get(),
            16 | 17 => self.scan(),
            18 => self.open_snapshot(),
            _ => self.read_snapshot(),
        }
    }

    fn write(&mut self, changes: usize, text: &str) {
        let changes: Vec<_> = (0..changes).map(|_| self.random.change(text)).collect();
        let mut batch = WriteBatch::new();
        for change in &changes {
            match change {
                Change::Put(key, value) => batch.put(name(*key), value),
                Change::Delete(key) => batch.delete(name(*key)),
                Change::Merge(key, operand) => batch.merge(name(*key), operand),
            }
        }
        let durability = match self.random.below(8) {
            0 => Durability::Sync,
            1 | 2 => Durability::Buffered,
            _ => Durability::Os,
        };
        let options = WriteOptions { durability: Some(durability) };
        let write = || self.db.write_with_options(batch, &options).expect("a write");
        let handle = self.recorder.record(write, |_| Call::Write(changes));
        assert!(durability != Durability::Sync || handle.is_durable(), "{handle:?} was waited for");
    }

    fn get(&mut self) {
        let key = self.random.below(KEYS);
        let get = || self.db.get(name(key)).expect("a get");
        self.recorder.record(get, |value| Call::Get(key, value.take().map(text)));
    }

    fn scan(&mut self) {
        let scan = || (self.scan)(self.db);
        self.recorder.record(scan, |rows| Call::Scan(rows.clone()));
    }

    fn open_snapshot(&mut self) {
        let open = || self.db.snapshot().expect("a snapshot");
        let mut rows = Map::default();
        let look = |snapshot: &mut Snapshot| {
            rows = read(snapshot.scan(..).expect("a scan"));
            Call::Scan(rows.clone())
        };
        let snapshot = self.recorder.record(open, look);
        self.snapshots.push_back((snapshot, rows));
        if self.snapshots.len() > 2 {
            self.snapshots.pop_front();
        }
    }

    /// A snapshot shows the same as long as it is open.
    fn read_snapshot(&mut self) {
        for (snapshot, rows) in &self.snapshots {
            let again = read(snapshot.scan(..).expect("a scan"));
            assert_eq!(again, *rows, "snapshot {}, scanned again", snapshot.seq());
            let key = self.random.below(KEYS);
            let found = snapshot.get(name(key)).expect("a get").map(text);
            assert_eq!(found, rows[key], "key {key} of snapshot {}", snapshot.seq());
        }
    }
}

/// A database's name of a key.
pub fn name(key: usize) -> [u8; 1] {
    [b'a' + u8::try_from(key).expect("few keys")]
}

/// A value.
pub fn text(value: Bytes) -> String {
    String::from_utf8(value.into()).expect("what was written is text")
}

fn read(rows: DbIterator) -> Map {
    let mut map = Map::default();
    for row in rows {
        let row = row.expect("a row");
        let key = usize::from(row.key[0] - b'a');
        assert_eq!(map[key].replace(text(row.value)), None, "a key comes once");
    }
    map
}

/// Numbers that look random (SplitMix64).
struct Random(u64);

impl Random {
    fn new(seed: u64, thread: usize) -> Self {
        Self(seed.wrapping_mul(1 << 32).wrapping_add(thread as u64))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn change(&mut self, text: &str) -> Change {
        let key = self.below(KEYS);
        match self.below(8) {
            0..=3 => Change::Put(key, text.to_owned()),
            4 => Change::Delete(key),
            _ => Change::Merge(key, text.to_owned()),
        }
    }
}
