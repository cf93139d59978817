//! A process that is killed at random points, many times, while it writes.
//!
//! A child process, which is this test binary again, writes numbered batches from several threads and
//! says on a pipe which of them `write` has acknowledged. The parent kills it after a random time
//! (SIGKILL on Unix: nothing is run, nothing is flushed), opens the database, and compares. Then the next
//! child goes on in the same directory.
//!
//! `TINYDB_CRASH_ROUNDS=500 cargo test --package tinydb --test db_crash -- --nocapture` kills 500 times
//! and prints what it met. `TINYDB_CRASH_SEED=7` repeats the times of a run, as far as times can be repeated.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write, stdout};
use std::path::Path;
use std::process::{self, Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tempfile::TempDir;
use tinydb::db::ManifestStore;
use tinydb::object_store::{LocalObjectStore, ObjectStore};
use tinydb::storage::wal::encode_header;
use tinydb::storage::{DiskWalStore, Durability};
use tinydb::{Db, Settings, WriteBatch, WriteOptions};

/// How many threads write. Each numbers its batches from 1 and writes one after the other.
const WRITERS: usize = 4;
/// How many keys each has for itself, and how many all share.
const OWN_KEYS: u64 = 64;
const SHARED_KEYS: u64 = 8;
/// How many children work in one directory. Level 0 is never compacted, so it can't be too many.
const ROUNDS_IN_A_DIRECTORY: u32 = 20;

// How the parent talks to the child.
const DIRECTORY: &str = "TINYDB_CRASH_CHILD_DIRECTORY";
const FIRST_BATCHES: &str = "TINYDB_CRASH_CHILD_FIRST_BATCHES";
const LOAD: &str = "TINYDB_CRASH_CHILD_LOAD";
const BUG: &str = "TINYDB_CRASH_CHILD_BUG";

/// What is written: a function of the writer and the number, so that the parent knows it too.
mod work {
    use super::*;

    /// Mixes numbers into one that looks random.
    pub fn mix(numbers: [u64; 3]) -> u64 {
        let step = |hash: u64, number: u64| {
            let hash = (hash ^ number).wrapping_add(0x9e37_79b9_7f4a_7c15);
            let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            hash ^ (hash >> 31)
        };
        numbers.into_iter().fold(0, step)
    }

    /// The key that holds the number of a writer's last batch.
    pub fn last_key(writer: usize) -> String {
        format!("last/{writer}")
    }

    /// The value that batch `number` of `writer` gives to `key`.
    pub fn value(writer: usize, number: u64, key: &str) -> String {
        let padding = mix([writer as u64, number, key.len() as u64]) % 200;
        format!("{writer} {number} {key} {}", "x".repeat(padding as usize))
    }

    /// The writer and the number that a value names.
    pub fn author(value: &str) -> Option<(usize, u64)> {
        let mut words = value.split(' ');
        Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
    }

    /// The keys that a batch sets (true) or deletes, in order.
    pub fn changes(writer: usize, number: u64) -> Vec<(String, bool)> {
        let random = |which| mix([writer as u64, number, which]);
        let own = (0..4).map(|which| {
            let random = random(which);
            (format!("own/{writer}/{:02}", random % OWN_KEYS), !(random >> 32).is_multiple_of(8))
        });
        let shared = (format!("shared/{}", random(4) % SHARED_KEYS), true);
        own.chain([shared, (last_key(writer), true)]).collect()
    }
}

/// What a child is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Load {
    /// Open, and let the flusher work.
    Open,
    /// Write with this durability.
    Write(Durability),
    /// Write three batches in four as `Buffered`, and each fourth as `Os`.
    Mixed,
}

impl Load {
    const ALL: [Self; 4] =
        [Self::Open, Self::Write(Durability::Os), Self::Write(Durability::Sync), Self::Mixed];

    fn durability(self, number: u64) -> Durability {
        match self {
            Self::Write(durability) => durability,
            Self::Open | Self::Mixed if number.is_multiple_of(4) => Durability::Os,
            Self::Open | Self::Mixed => Durability::Buffered,
        }
    }

    /// The last batch that must survive a kill when `acknowledged` was the last to be acknowledged:
    /// one that did not stay in the process's memory takes those before it along.
    fn guaranteed(self, acknowledged: u64) -> u64 {
        if self == Self::Mixed { acknowledged - acknowledged % 4 } else { acknowledged }
    }
}

mod child {
    use bytes::Bytes;
    use tinydb::storage::{LogFile, WalStore};

    use super::*;

    /// A WAL that forgets what is appended to it, but for the header of each segment: without that,
    /// recovery would say that a segment is damaged, and not lose a write in silence.
    #[derive(Debug)]
    struct ForgetfulWal(DiskWalStore);

    #[derive(Debug)]
    struct ForgetfulFile(Box<dyn LogFile>);

    impl WalStore for ForgetfulWal {
        fn list(&self) -> tinydb::Result<Vec<u64>> {
            self.0.list()
        }

        fn open(&self, wal_id: u64) -> tinydb::Result<Box<dyn LogFile>> {
            Ok(Box::new(ForgetfulFile(self.0.open(wal_id)?)))
        }

        fn delete(&self, wal_id: u64) -> tinydb::Result<()> {
            self.0.delete(wal_id)
        }

        fn name(&self, wal_id: u64) -> String {
            self.0.name(wal_id)
        }
    }

    impl LogFile for ForgetfulFile {
        fn read_all(&mut self) -> std::io::Result<Bytes> {
            self.0.read_all()
        }

        fn append(&mut self, bytes: &[u8]) -> std::io::Result<()> {
            if *bytes == encode_header() { self.0.append(bytes) } else { Ok(()) }
        }

        fn sync(&mut self) -> std::io::Result<()> {
            self.0.sync()
        }

        fn finish(&mut self) -> std::io::Result<()> {
            self.0.finish()
        }

        fn truncate(&mut self, len: u64) -> std::io::Result<()> {
            self.0.truncate(len)
        }
    }

    /// Not a test: the process that the tests below start and kill.
    #[test]
    #[ignore = "the other tests start it in a process of its own"]
    fn main() {
        let Ok(directory) = env::var(DIRECTORY) else { return };
        let bug = env::var(BUG).unwrap_or_default();
        let load = env::var(LOAD).expect("a load").parse::<usize>().expect("the load's number");
        let first = env::var(FIRST_BATCHES).expect("numbers");
        let first: Vec<u64> = first.split(' ').map(|n| n.parse().expect("a number")).collect();
        match run(Path::new(&directory), &bug, Load::ALL[load], &first) {
            Ok(()) => say("end"),
            Err(error) => say(&format!("error {error}")),
        }
        process::exit(1);
    }

    fn run(directory: &Path, bug: &str, load: Load, first: &[u64]) -> tinydb::Result<()> {
        let mut builder = Db::builder(directory).with_settings(settings());
        if bug == "skip-wal" {
            let wal = ForgetfulWal(DiskWalStore::open(directory)?);
            builder = builder.with_wal_store(Arc::new(wal));
        }
        let db = builder.build()?;
        say("\nopen");
        if load == Load::Open {
            thread::sleep(Duration::from_secs(10));
            return Ok(());
        }
        thread::scope(|scope| {
            let write = |(writer, &first)| {
                let db = &db;
                scope.spawn(move || write(db, bug == "split", load, writer, first))
            };
            let writers: Vec<_> = first.iter().enumerate().map(write).collect();
            let mut results = writers.into_iter().map(|writer| writer.join().expect("no panic"));
            results.find(Result::is_err).unwrap_or(Ok(()))
        })
    }

    fn write(db: &Db, split: bool, load: Load, writer: usize, first: u64) -> tinydb::Result<()> {
        for number in first.. {
            let options = WriteOptions { durability: Some(load.durability(number)) };
            let mut batch = WriteBatch::new();
            for (key, is_put) in work::changes(writer, number) {
                match is_put {
                    true => batch.put(&key, work::value(writer, number, &key)),
                    false => batch.delete(&key),
                }
                if split {
                    db.write_with_options(std::mem::take(&mut batch), &options)?;
                }
            }
            db.write_with_options(batch, &options)?;
            say(&format!("{writer} {number}"));
            if number.is_multiple_of(256) {
                db.flush()?;
            }
        }
        Ok(())
    }

    /// Writes a line to the pipe, at once and in one piece.
    fn say(line: &str) {
        let mut stdout = stdout().lock();
        let said = stdout.write_all(format!("{line}\n").as_bytes()).and_then(|()| stdout.flush());
        if said.is_err() {
            // The parent is gone.
            process::exit(1);
        }
    }
}

/// Memtables so small that one is nearly always being frozen or flushed.
fn settings() -> Settings {
    Settings {
        l0_sst_size_bytes: 16 << 10,
        max_unflushed_bytes: 80 << 10,
        sst_block_size: 1024,
        ..Settings::default()
    }
}

/// What is wrong with a database after a crash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    /// A write that was acknowledged is not there.
    Lost(String),
    /// Something is there that nobody has tried to write.
    Invented(String),
    /// A batch is there in part.
    Torn(String),
}

/// Which batches each writer has written, as far as the parent knows.
#[derive(Debug, Clone, Default)]
struct History {
    /// The number of each writer's last batch in the database.
    last: [u64; WRITERS],
    /// For each writer and key, its last batch that changed the key, and whether that was a put.
    changed: [BTreeMap<String, (u64, bool)>; WRITERS],
}

impl History {
    /// The history in which the writers have gone on to `last`.
    fn gone_on(&self, last: [u64; WRITERS]) -> Self {
        let mut next = Self { last, ..self.clone() };
        for (writer, &last) in last.iter().enumerate() {
            for number in self.last[writer] + 1..=last {
                for (key, is_put) in work::changes(writer, number) {
                    next.changed[writer].insert(key, (number, is_put));
                }
            }
        }
        next
    }

    /// What a database with just this history should hold under a key. Of a shared key, it is the last
    /// value of one of the writers, we don't know of which.
    fn expected(&self, key: &str) -> Vec<String> {
        let changes = self.changed.iter().enumerate().filter_map(|(writer, changed)| {
            changed.get(key).filter(|(_, is_put)| *is_put).map(|&(number, _)| (writer, number))
        });
        changes.map(|(writer, number)| work::value(writer, number, key)).collect()
    }
}

/// Compares what is in a database after a crash with what may be there: of each writer every batch
/// before the crash, up to one that lies between `guaranteed` and `attempted`, and nothing else.
fn check(
    contents: &BTreeMap<String, String>,
    before: &History,
    guaranteed: [u64; WRITERS],
    attempted: [u64; WRITERS],
) -> (History, BTreeSet<Fault>) {
    let mut faults = BTreeSet::new();
    let last = std::array::from_fn(|writer| {
        let value = contents.get(&work::last_key(writer));
        let last = value.map_or(0, |value| work::author(value).map_or(u64::MAX, |(_, n)| n));
        if last < guaranteed[writer] {
            let acknowledged = guaranteed[writer];
            faults.insert(Fault::Lost(format!(
                "batch {acknowledged} of writer {writer} was acknowledged, the last there is {last}"
            )));
        }
        // What was never attempted has no history to compare with.
        last.clamp(before.last[writer], attempted[writer])
    });
    let after = before.gone_on(last);
    let known = after.changed.iter().flat_map(BTreeMap::keys);
    for key in known.chain(contents.keys()).collect::<BTreeSet<_>>() {
        let (found, expected) = (contents.get(key), after.expected(key));
        let fits = match found {
            None => expected.is_empty(),
            Some(found) => expected.contains(found),
        };
        if !fits {
            faults.insert(fault_of(key, found, &expected, guaranteed, attempted));
        }
    }
    (after, faults)
}

/// Finds a name for what is wrong with a key.
fn fault_of(
    key: &str,
    found: Option<&String>,
    expected: &[String],
    guaranteed: [u64; WRITERS],
    attempted: [u64; WRITERS],
) -> Fault {
    let describe = format!("{key} holds {found:?}, expected one of {expected:?}");
    if let Some(found) = found {
        let was_attempted = work::author(found).is_some_and(|(writer, number)| {
            attempted.get(writer).is_some_and(|&last| number <= last)
                && *found == work::value(writer, number, key)
                && work::changes(writer, number).contains(&(key.to_owned(), true))
        });
        if !was_attempted {
            return Fault::Invented(describe);
        }
    }
    let is_acknowledged = |value: &String| {
        work::author(value).is_some_and(|(writer, number)| number <= guaranteed[writer])
    };
    match !expected.is_empty() && expected.iter().all(is_acknowledged) {
        true => Fault::Lost(describe),
        false => Fault::Torn(describe),
    }
}

/// A child at work. It is killed, at the latest, when this is dropped.
struct Running {
    child: Child,
    /// Reads the pipe to its end, so that the child never waits for the parent.
    reader: Option<JoinHandle<Said>>,
    /// Hears when the child has opened the database.
    opened: Receiver<()>,
}

/// What a child has said.
#[derive(Debug, Clone, Default)]
struct Said {
    opened: bool,
    acknowledged: [Option<u64>; WRITERS],
    /// Why it ended by itself.
    end: Option<String>,
}

impl Running {
    fn start(directory: &Path, load: Load, bug: &str, history: &History) -> Self {
        let load = Load::ALL.iter().position(|it| *it == load).expect("one of all");
        let first = history.last.map(|last| (last + 1).to_string()).join(" ");
        let mut child = Command::new(env::current_exe().expect("this program"))
            .args(["--exact", "child::main", "--ignored", "--nocapture", "--test-threads=1"])
            .env(DIRECTORY, directory)
            .env(LOAD, load.to_string())
            .env(FIRST_BATCHES, first)
            .env(BUG, bug)
            .stdout(Stdio::piped())
            .spawn()
            .expect("a child process");
        let pipe = BufReader::new(child.stdout.take().expect("its pipe"));
        let (sender, opened) = channel();
        let reader = thread::spawn(move || listen(pipe, &sender));
        Self { child, reader: Some(reader), opened }
    }

    fn wait_until_open(&self) {
        // If the child has ended instead, that is seen when it is killed.
        let _ = self.opened.recv_timeout(Duration::from_secs(30));
    }

    fn kill(mut self) -> Said {
        self.child.kill().expect("a kill");
        self.child.wait().expect("its end");
        let reader = self.reader.take().expect("a child is killed once");
        reader.join().expect("a reader without a fault")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may be dead already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn listen(pipe: impl BufRead, opened: &Sender<()>) -> Said {
    let mut said = Said::default();
    for line in pipe.lines() {
        let line = line.expect("a line");
        if line == "open" {
            said.opened = true;
            // The receiver is gone only with its child.
            let _ = opened.send(());
        } else if line == "end" || line.starts_with("error ") {
            said.end = Some(line);
        } else if let Some((writer, number)) = work::author(&line) {
            said.acknowledged[writer] = Some(number);
        }
    }
    said
}

/// How much was met at the moments of the kills.
#[derive(Debug, Default)]
struct Tally {
    kills: u32,
    before_open: u32,
    acknowledged: u64,
    /// Batches that were under way at a kill and are there, and that are not.
    unanswered_kept: u64,
    unanswered_gone: u64,
    /// Kills at which a memtable waited for its flush, an SST was there without a manifest, or a file
    /// was being written.
    frozen: u32,
    orphaned: u32,
    half_written: u32,
}

/// Kills children in one directory, and checks what they leave.
struct Harness {
    directory: TempDir,
    history: History,
    random: u64,
    tally: Tally,
}

impl Harness {
    fn new(seed: u64) -> Self {
        let directory = tempfile::tempdir().expect("a temporary folder");
        Self { directory, history: History::default(), random: seed, tally: Tally::default() }
    }

    fn random(&mut self, below: u64) -> u64 {
        self.random = work::mix([self.random, 1, 2]);
        self.random % below
    }

    /// One child, or two, of which the second only recovers, and what is wrong afterwards.
    fn round(&mut self, bug: &str) -> BTreeSet<Fault> {
        let load = Load::ALL[1 + self.random(3) as usize];
        let longest = [10, 100, 300][self.random(3) as usize];
        let said = self.run_and_kill(load, bug, longest);
        if self.random(4) == 0 {
            self.run_and_kill(Load::Open, bug, 20);
        }
        let contents = self.contents();
        let before = self.history.last;
        let acknowledged = std::array::from_fn(|w| said.acknowledged[w].unwrap_or(before[w]));
        let guaranteed = std::array::from_fn(|w| load.guaranteed(acknowledged[w]).max(before[w]));
        let attempted = acknowledged.map(|number| number + 1);
        let (after, faults) = check(&contents, &self.history, guaranteed, attempted);
        for writer in 0..WRITERS {
            self.tally.acknowledged += acknowledged[writer] - before[writer];
            let kept = after.last[writer] == attempted[writer];
            self.tally.unanswered_kept += u64::from(kept);
            self.tally.unanswered_gone += u64::from(said.opened && !kept);
        }
        self.history = after;
        faults
    }

    fn run_and_kill(&mut self, load: Load, bug: &str, longest: u64) -> Said {
        let running = Running::start(self.directory.path(), load, bug, &self.history);
        // Most are killed at work, some while they start or recover.
        if self.random(4) > 0 {
            running.wait_until_open();
        }
        let micros = self.random(longest * 1000);
        thread::sleep(Duration::from_micros(micros));
        let said = running.kill();
        assert_eq!(said.end, None, "a child that ended by itself, {load:?}");
        self.tally.kills += 1;
        self.tally.before_open += u32::from(!said.opened);
        self.look_around();
        said
    }

    /// Counts what the kill has left behind, from the outside.
    fn look_around(&mut self) {
        let root = self.directory.path();
        let names = |folder: &str| {
            let entries = fs::read_dir(root.join(folder)).into_iter().flatten();
            let names = entries.map(|entry| entry.expect("an entry").file_name());
            names.map(|name| name.into_string().expect("a name")).collect::<Vec<_>>()
        };
        let is_temporary = |name: &String| name.starts_with('.');
        let store = LocalObjectStore::open(root).expect("a store");
        let manifest = ManifestStore::latest(&store).expect("a manifest that is whole");
        let (next_sst_id, flushed) =
            manifest.map_or((1, 0), |(_, it)| (it.next_sst_id, it.replay_after_wal_id));
        let ssts = store.list("sst").expect("a listing");
        let newest = ssts.last().map(|meta| meta.path.clone());
        let next = tinydb::db::paths::sst(next_sst_id);
        let unflushed = names("wal").into_iter().filter(|name| {
            let number = name.strip_suffix(".wal").and_then(|number| number.parse::<u64>().ok());
            number.is_some_and(|number| number > flushed)
        });
        self.tally.frozen += u32::from(unflushed.count() > 1);
        self.tally.orphaned += u32::from(newest.is_some_and(|newest| newest >= next));
        let mut temporary = [names("sst"), names("manifest")].concat();
        temporary.retain(is_temporary);
        self.tally.half_written += u32::from(!temporary.is_empty());
        for name in temporary {
            // So that the next kill is counted by itself.
            let places = ["sst", "manifest"].map(|folder| root.join(folder).join(&name));
            places.iter().filter(|place| place.exists()).for_each(|place| {
                fs::remove_file(place).expect("litter that can be removed");
            });
        }
    }

    /// Everything in the database.
    fn contents(&mut self) -> BTreeMap<String, String> {
        let db = Db::builder(self.directory.path()).with_settings(settings());
        let db = db.build().expect("a database that opens after a crash");
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
        let rows = db.scan(..).expect("a scan").map(|row| row.expect("a row"));
        let contents: BTreeMap<_, _> = rows.map(|row| (text(&row.key), text(&row.value))).collect();
        for (key, value) in &contents {
            let found = db.get(key).expect("a get");
            assert_eq!(found.as_deref(), Some(value.as_bytes()), "a get finds what a scan found");
        }
        if self.random(2) == 0 {
            db.close().expect("a close");
        }
        contents
    }
}

/// One test at a time: while a process is started, it holds for a moment what this one has open, the
/// lock of a database among it.
fn alone<T>(test: impl FnOnce() -> T) -> T {
    static ALONE: Mutex<()> = Mutex::new(());
    let _guard = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    test()
}

fn number_from(variable: &str) -> Option<u64> {
    env::var(variable).ok().map(|number| number.parse().expect("a number"))
}

fn seed() -> u64 {
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_micros() as u64;
    number_from("TINYDB_CRASH_SEED").unwrap_or_else(now)
}

#[test]
fn a_killed_process_loses_nothing_and_invents_nothing() {
    alone(|| {
        let rounds = number_from("TINYDB_CRASH_ROUNDS").unwrap_or(20) as u32;
        let (seed, start) = (seed(), Instant::now());
        let mut harness = Harness::new(seed);
        for round in 0..rounds {
            if round > 0 && round % ROUNDS_IN_A_DIRECTORY == 0 {
                let fresh = Harness::new(harness.random);
                harness = Harness { tally: harness.tally, ..fresh };
            }
            let faults = harness.round("");
            assert!(faults.is_empty(), "round {round} of seed {seed}: {faults:#?}");
        }
        let Harness { tally, .. } = harness;
        println!(
            "{rounds} rounds in {:.1} s, seed {seed}: {tally:#?}",
            start.elapsed().as_secs_f64()
        );
        assert!(tally.acknowledged > 0, "the children have written nothing: {tally:?}");
    });
}

/// Runs rounds with a child that has a bug, until a fault is found that `is_it`.
fn assert_finds(bug: &str, is_it: impl Fn(&Fault) -> bool) {
    alone(|| {
        let mut harness = Harness::new(seed());
        for _ in 0..50 {
            let faults = harness.round(bug);
            if !faults.is_empty() {
                assert!(faults.iter().any(is_it), "the child's bug is {bug}, found: {faults:#?}");
                return;
            }
        }
        panic!("50 rounds without a fault, although the child's bug is {bug}");
    });
}

#[test]
fn the_harness_finds_a_log_that_is_not_written() {
    assert_finds("skip-wal", |fault| matches!(fault, Fault::Lost(_)));
}

#[test]
fn the_harness_finds_batches_that_are_written_in_pieces() {
    assert_finds("split", |fault| matches!(fault, Fault::Torn(_) | Fault::Lost(_)));
}

mod the_check {
    use super::*;

    /// What a database holds to which writer 0 has written `number` batches, and the check of it.
    fn contents(number: u64) -> BTreeMap<String, String> {
        let history = History::default().gone_on([number, 0, 0, 0]);
        let keys = history.changed[0].keys();
        let rows = keys.filter_map(|key| Some((key.clone(), history.expected(key).pop()?)));
        rows.collect()
    }

    fn faults(contents: &BTreeMap<String, String>, acknowledged: u64) -> BTreeSet<Fault> {
        let (guaranteed, attempted) = ([acknowledged, 0, 0, 0], [acknowledged + 1, 1, 1, 1]);
        check(contents, &History::default(), guaranteed, attempted).1
    }

    #[test]
    fn accepts_what_was_acknowledged_and_one_batch_more() {
        assert_eq!(faults(&contents(20), 20), BTreeSet::new());
        assert_eq!(faults(&contents(21), 20), BTreeSet::new());
    }

    #[test]
    fn finds_a_lost_batch_and_a_lost_key() {
        assert!(matches!(faults(&contents(19), 20).first(), Some(Fault::Lost(_))));
        for key in contents(20).keys() {
            let mut contents = contents(20);
            contents.remove(key);
            assert!(matches!(faults(&contents, 20).first(), Some(Fault::Lost(_))), "{key}");
        }
    }

    #[test]
    fn finds_what_nobody_wrote() {
        let invented = |contents, acknowledged| {
            let faults = faults(&contents, acknowledged);
            faults.iter().any(|fault| matches!(fault, Fault::Invented(_)))
        };
        assert!(invented(contents(22), 20), "a batch that was not attempted");
        let with = |key: &str, value: &str| {
            let mut contents = contents(20);
            contents.insert(key.to_owned(), value.to_owned());
            contents
        };
        assert!(invented(with("a key", "0 1 a value"), 20), "a key");
        assert!(invented(with("last/0", "nonsense"), 20), "a value");
        assert!(invented(with("last/0", "0 20 nonsense"), 20), "the end of a value");
    }

    #[test]
    fn finds_half_a_batch() {
        // Of batch 21, which was not acknowledged, one key is missing.
        let (before, after) = (contents(20), contents(21));
        let changed = after.iter().filter(|(key, value)| before.get(*key) != Some(value));
        for (key, _) in changed {
            let mut contents = after.clone();
            match before.get(key) {
                Some(old) => contents.insert(key.clone(), old.clone()),
                None => contents.remove(key),
            };
            assert!(matches!(faults(&contents, 20).last(), Some(Fault::Torn(_))), "{key}");
        }
    }
}
