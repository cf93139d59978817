//! Files that decay: a byte that is another, a file that is cut short, a file that is gone.
//!
//! A small database with every kind of file is made, and then each of its files is damaged in every
//! way: each byte, each length. Each time the database is opened, every key is read, everything is
//! scanned and merged. It has failed if an answer is wrong, if an error names another file than the
//! damaged one or a place outside of it, if there is a panic, or no end; and if the database does not
//! hold everything when the file is put back, for the error says that nothing was changed.
//!
//! A log that is cut at its end is what a crash leaves too. There the answer may be an earlier state of
//! the database, with every batch whole and none left out in the middle.
//!
//! `cargo test` tries one damage of seven, and gives a byte one other value. With `TINYDB_DAMAGE=bits` it
//! is every length, and every bit of every byte; with `TINYDB_DAMAGE=all`, all 255 other values of it:
//! `TINYDB_DAMAGE=all cargo test --release -p tinydb --test damage -- --nocapture`

#![forbid(unsafe_code)]

#[path = "damage/forged.rs"]
mod forged;
#[path = "damage/parts.rs"]
mod parts;
#[path = "damage/sample.rs"]
mod sample;
#[path = "damage/seals.rs"]
mod seals;

use std::env;
use std::fmt;
use std::sync::Mutex;

use bytes::Bytes;
use testkit::deadline;
use tinydb::error::Corruption;
use tinydb::format::FormatVersion;
use tinydb::{Db, Error, Result};

use sample::{Contents, Layout, Machine, Sample, settings};

/// What happens to a file.
#[derive(Debug, Clone, Copy)]
enum Damage {
    /// The byte at `at` is another: `mask` says which bits.
    Flip { at: usize, mask: u8 },
    /// Only the first bytes are left.
    Cut { len: usize },
    /// Bytes stand behind its end.
    Grown { by: usize, byte: u8 },
    /// There is no such file.
    Gone,
}

impl Damage {
    /// What is left of a file; `None` if it is gone.
    fn apply(self, file: &Bytes) -> Option<Vec<u8>> {
        let mut bytes = file.to_vec();
        match self {
            Self::Flip { at, mask } => bytes[at] ^= mask,
            Self::Cut { len } => bytes.truncate(len),
            Self::Grown { by, byte } => bytes.resize(bytes.len() + by, byte),
            Self::Gone => return None,
        }
        Some(bytes)
    }

    /// Every damage of a file of `len` bytes.
    fn all(len: usize) -> Vec<Self> {
        let flips =
            (0..len).flat_map(|at| masks(at).into_iter().map(move |mask| Self::Flip { at, mask }));
        let cuts = (0..len).map(|len| Self::Cut { len });
        let grown = [(1, 0), (1, 0x17), (9, 0xff), (40, 0xff), (4000, 0)];
        let grown = grown.map(|(by, byte)| Self::Grown { by, byte });
        flips.chain(cuts).chain(grown).chain([Self::Gone]).collect()
    }
}

/// How much is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effort {
    /// One damage of seven, and one other value for a byte.
    Some,
    /// Each bit of each byte.
    Bits,
    /// Each value of each byte.
    All,
}

fn effort() -> Effort {
    match env::var("TINYDB_DAMAGE").as_deref() {
        Err(_) => Effort::Some,
        Ok("bits") => Effort::Bits,
        Ok("all") => Effort::All,
        Ok(other) => panic!("TINYDB_DAMAGE is {other:?}; it can be bits or all"),
    }
}

/// Which bits of the byte at `at` are flipped, one case after the other.
fn masks(at: usize) -> Vec<u8> {
    let bits = (0..8).map(|bit| 1 << bit);
    match effort() {
        Effort::Some => vec![1 << (at % 8)],
        Effort::Bits => bits.collect(),
        Effort::All => (1..=u8::MAX).collect(),
    }
}

/// A file that was damaged.
struct Case<'a> {
    sample: &'a Sample,
    path: &'a str,
    damage: Damage,
}

impl fmt::Display for Case<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}, {:?}", self.sample.name, self.path, self.damage)
    }
}

impl Case<'_> {
    /// What the database may hold: everything, and if the end of the log is missing, less.
    fn allowed(&self) -> &[Contents] {
        let history = &self.sample.history;
        let is_end_of_log = self.path.starts_with("wal/") && self.is_newest();
        let loses = matches!(self.damage, Damage::Cut { .. } | Damage::Gone);
        let fewest = if is_end_of_log && loses { 0 } else { history.len() - 1 };
        &history[fewest..]
    }

    /// Whether it is the last file of its folder.
    fn is_newest(&self) -> bool {
        let folder = self.path.split_once('/').map_or("", |(folder, _)| folder);
        let paths = self.sample.files.keys().filter(|path| path.starts_with(folder));
        paths.last().is_some_and(|last| last == self.path)
    }

    fn run(&self, version: FormatVersion) -> std::result::Result<(), String> {
        let machine = Machine::with_files(self.sample.layout, &self.sample.files);
        let left = self.damage.apply(&self.sample.files[self.path]);
        machine.set(self.path, left.as_deref());
        let opened = machine.builder(settings(version)).build();
        let is_refused = opened.is_err();
        match opened {
            Err(error) => self.check_error(&error)?,
            Ok(db) => {
                self.check_answers(&db)?;
                db.compact().or_else(|error| self.check_error(&error))?;
                self.check_answers(&db)?;
            }
        }
        if !is_refused {
            return Ok(());
        }
        machine.set(self.path, Some(&self.sample.files[self.path]));
        let db = machine.builder(settings(version)).build();
        let db = db.map_err(|error| format!("the file was put back, and still: {error}"))?;
        let found: Result<Contents> =
            db.scan(..).and_then(|rows| rows.map(|row| row.map(|it| (it.key, it.value))).collect());
        match found {
            Ok(found) if found == *self.sample.contents() => Ok(()),
            found => Err(format!("the file was put back, and it holds {found:?}")),
        }
    }

    /// Whether an error is about the damaged file, and a place in it.
    fn check_error(&self, error: &Error) -> std::result::Result<(), String> {
        match error {
            Error::Corrupt { file, offset, corruption } => {
                let is_ours = file.ends_with(self.path) || self.path.starts_with(file.as_str());
                if is_ours && *offset <= self.most_bytes() || self.is_missing(corruption) {
                    return Ok(());
                }
            }
            Error::NotFound { path } if path == self.path => return Ok(()),
            Error::FlushFailed { source } | Error::CompactionFailed { source } => {
                return self.check_error(source);
            }
            _ => {}
        }
        Err(format!("the error does not name the file: {error}"))
    }

    /// How long the file can be, together with what stands in front of it in the log.
    fn most_bytes(&self) -> u64 {
        let grown = if let Damage::Grown { by, .. } = self.damage { by } else { 0 };
        let files = self.sample.files.values().map(Bytes::len).sum::<usize>();
        (files + grown) as u64
    }

    /// Whether the error says that something is missing, which the files behind it show. With the newest
    /// manifest gone, it is the segments in front of the first that is left.
    fn is_missing(&self, corruption: &Corruption) -> bool {
        let is_cut = matches!(self.damage, Damage::Cut { .. } | Damage::Gone);
        match corruption {
            Corruption::Missing { .. } => matches!(self.damage, Damage::Gone),
            Corruption::InvalidField { expected, .. } => {
                is_cut && self.path.starts_with("wal/") && expected.contains("are missing")
            }
            _ => false,
        }
    }

    /// Whether every answer is right, or an error about the damaged file.
    fn check_answers(&self, db: &Db) -> std::result::Result<(), String> {
        let mut allowed: Vec<&Contents> = self.allowed().iter().collect();
        let mut scanned = Vec::new();
        let rows = db.scan(..).map_err(|error| error.to_string())?;
        let mut failed = false;
        for row in rows {
            match row {
                Ok(row) => scanned.push((row.key, row.value)),
                Err(error) => {
                    self.check_error(&error)?;
                    failed = true;
                    break;
                }
            }
        }
        let agrees = |contents: &&Contents| {
            let start: Vec<_> = contents.iter().take(scanned.len()).collect();
            (failed || contents.len() == scanned.len())
                && start == scanned.iter().map(|(key, value)| (key, value)).collect::<Vec<_>>()
        };
        allowed.retain(agrees);
        if allowed.is_empty() {
            return Err(format!("a wrong scan: {scanned:?}"));
        }
        for key in keys(self.sample.contents()) {
            match db.get(&key) {
                Ok(value) => {
                    allowed.retain(|contents| contents.get(&key) == value.as_ref());
                    if allowed.is_empty() {
                        return Err(format!("get({key:?}) gave {value:?}"));
                    }
                }
                Err(error) => self.check_error(&error)?,
            }
        }
        Ok(())
    }
}

/// The keys that are there, and some that are not.
fn keys(contents: &Contents) -> Vec<Bytes> {
    let missing = ["brief/1", "brief/3", "brief/6", "batch/9", "zzz"].map(Bytes::from);
    contents.keys().cloned().chain(missing).collect()
}

/// The damages of the files that are asked for, every `step`th of them.
fn cases(sample: &Sample, step: usize, is_asked: impl Fn(&str) -> bool) -> Vec<Case<'_>> {
    let asked = sample.files.iter().filter(|(path, _)| is_asked(path));
    let cases = asked.flat_map(|(path, bytes)| {
        let damages = Damage::all(bytes.len()).into_iter();
        damages.map(move |damage| Case { sample, path, damage })
    });
    cases.step_by(step).collect()
}

/// Runs the cases, and says which of them have failed.
fn run_all(sample: &Sample, version: FormatVersion, cases: &[Case<'_>]) {
    let failures: Vec<String> = cases
        .iter()
        .filter_map(|case| Some(format!("{case}: {}", case.run(version).err()?)))
        .collect();
    println!("{}: {} damages of {} files", sample.name, cases.len(), sample.files.len());
    let shown = failures.iter().take(20).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(failures.is_empty(), "{} of {} damages:\n{shown}", failures.len(), cases.len());
}

/// All kinds of files in memory.
fn try_all(layout: Layout, version: FormatVersion) {
    deadline(seconds(), move || {
        let sample = Sample::new(layout, version);
        run_all(&sample, version, &cases(&sample, step(), |_| true));
    });
}

/// Every so many of the damages are tried. No multiple of 8: then each bit comes to its turn.
fn step() -> usize {
    if effort() == Effort::Some { 7 } else { 1 }
}

fn seconds() -> u64 {
    if effort() == Effort::Some { 60 } else { 7200 }
}

#[test]
fn any_damage_on_a_disk_is_noticed_or_does_no_harm() {
    try_all(Layout::Disk, FormatVersion::V2);
}

#[test]
fn any_damage_of_version_1_is_noticed_or_does_no_harm() {
    try_all(Layout::Disk, FormatVersion::V1);
}

#[test]
fn any_damage_on_an_object_store_is_noticed_or_does_no_harm() {
    try_all(Layout::Objects, FormatVersion::V2);
}

/// A child that is just being started holds the locks of all open files for a moment. So no child is
/// started while a test opens the same directory again and again.
static DIRECTORIES: Mutex<()> = Mutex::new(());

/// What only a directory has, a note of the writer's epoch and a file to be locked, and some of the rest.
#[test]
fn any_damage_in_a_directory_is_noticed_or_does_no_harm() {
    let _no_child = DIRECTORIES.lock();
    deadline(seconds(), || {
        let version = FormatVersion::V2;
        let sample = Sample::new(Layout::Directory, version);
        let is_note = |path: &str| ["wal-epoch", "LOCK"].contains(&path);
        let mut tried = cases(&sample, 1, is_note);
        tried.extend(cases(&sample, 61 * step(), |path| !is_note(path)));
        run_all(&sample, version, &tried);
    });
}
