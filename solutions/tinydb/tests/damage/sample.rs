//! A small database with every kind of file, and what it holds.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use testkit::TempFolder;
use tinydb::db::{CompactorOptions, DbBuilder};
use tinydb::format::FormatVersion;
use tinydb::merge::ConcatMergeOperator;
use tinydb::object_store::{LocalObjectStore, MemoryObjectStore, ObjectStore};
use tinydb::storage::{
    DiskWalStore, Durability, MemoryWalStore, ObjectWalStore, WalStore, WalWriter,
};
use tinydb::{Db, Settings, WriteBatch};

/// What a database holds.
pub type Contents = BTreeMap<Bytes, Bytes>;

/// Files by their paths in the database.
pub type Files = BTreeMap<String, Bytes>;

/// How a database lies on its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// As in a directory, with segments that grow, but in memory.
    Disk,
    /// As on an object store, with segments of many parts, in memory.
    Objects,
    /// In a directory of the disk.
    Directory,
}

/// A database that was closed: its files, and what it holds.
#[derive(Debug, Clone)]
pub struct Sample {
    pub name: String,
    pub layout: Layout,
    pub files: Files,
    /// What it holds after each batch that is in no SST, and in front of them.
    pub history: Vec<Contents>,
}

/// How many batches are in SSTs, and how many in each of two segments of the WAL.
const FLUSHED: u64 = 3;
const IN_SEGMENT: u64 = 2;

/// Batch `number`: it makes keys, changes one, deletes one, and adds to one by a merge operand.
fn batch(number: u64) -> WriteBatch {
    let mut batch = WriteBatch::new();
    batch.put(format!("batch/{number}"), format!("value of {number}"));
    batch.put(format!("brief/{number}"), "");
    batch.delete(format!("brief/{}", number - 1));
    batch.merge("all", number.to_string());
    batch.put("last", number.to_string());
    batch
}

/// The same on a map.
fn apply(contents: &mut Contents, number: u64) {
    let text = |text: String| Bytes::from(text);
    contents.insert(text(format!("batch/{number}")), text(format!("value of {number}")));
    contents.insert(text(format!("brief/{number}")), Bytes::new());
    contents.remove(format!("brief/{}", number - 1).as_bytes());
    let all = contents.entry("all".into()).or_default();
    *all = [all, number.to_string().as_bytes()].concat().into();
    contents.insert("last".into(), text(number.to_string()));
}

/// Small blocks with a filter, and nothing that happens by itself.
pub fn settings(version: FormatVersion) -> Settings {
    Settings {
        sst_version: version,
        sst_block_size: 64,
        min_filter_keys: 1,
        compactor_options: None,
        garbage_collector_options: None,
        ..Settings::default()
    }
}

/// Sorted runs of several SSTs.
fn settings_of_writer(version: FormatVersion) -> Settings {
    let compactor = CompactorOptions { max_sst_size: 100, ..CompactorOptions::default() };
    Settings { compactor_options: Some(compactor), ..settings(version) }
}

impl Sample {
    /// A database with a sorted run, an SST in level 0, and two segments of the WAL.
    pub fn new(layout: Layout, version: FormatVersion) -> Self {
        let machine = Machine::new(layout);
        let db = machine.builder(settings_of_writer(version)).build().expect("a new database");
        for number in 1..=FLUSHED {
            db.write(batch(number)).expect("a write");
            db.flush().expect("a flush");
            if number + 1 == FLUSHED {
                db.compact().expect("a compaction");
            }
        }
        for number in FLUSHED + 1..=FLUSHED + IN_SEGMENT {
            db.write(batch(number)).expect("a write").wait_durable().expect("a sync");
        }
        let last_seq = db.stats().expect("it is open").last_seq;
        db.close().expect("a close");
        machine.write_segment(last_seq);
        let name = format!("{layout:?} with SSTs of {version:?}");
        let mut sample = Self { name, layout, files: machine.files(), history: history() };
        sample.drop_old_manifests();
        sample
    }

    /// What it holds.
    pub fn contents(&self) -> &Contents {
        self.history.last().expect("it is not empty")
    }

    /// The newest manifest and the one before stay: nobody reads the others.
    fn drop_old_manifests(&mut self) {
        let manifests = self.files.keys().filter(|path| path.starts_with("manifest/"));
        let manifests: Vec<String> = manifests.cloned().collect();
        for old in manifests.iter().rev().skip(2) {
            self.files.remove(old);
        }
    }
}

fn history() -> Vec<Contents> {
    let mut contents = Contents::new();
    let all: Vec<Contents> = (1..=FLUSHED + 2 * IN_SEGMENT)
        .map(|number| {
            apply(&mut contents, number);
            contents.clone()
        })
        .collect();
    all[FLUSHED as usize - 1..].to_vec()
}

/// Where the files of a database are. Clones are the same.
#[derive(Debug, Clone)]
pub enum Machine {
    /// Memory that stands for a disk.
    Disk(Arc<MemoryObjectStore>, MemoryWalStore),
    /// Memory that stands for an object store.
    Objects(Arc<MemoryObjectStore>),
    /// A directory of the disk.
    Directory(Arc<TempFolder>),
}

impl Machine {
    /// One without files.
    pub fn new(layout: Layout) -> Self {
        match layout {
            Layout::Disk => Self::Disk(Arc::default(), MemoryWalStore::new()),
            Layout::Objects => Self::Objects(Arc::default()),
            Layout::Directory => Self::Directory(Arc::new(TempFolder::new())),
        }
    }

    /// One with these files.
    pub fn with_files(layout: Layout, files: &Files) -> Self {
        let machine = Self::new(layout);
        files.iter().for_each(|(path, bytes)| machine.set(path, Some(bytes)));
        machine
    }

    /// A builder of the database on it.
    pub fn builder(&self, settings: Settings) -> DbBuilder {
        let builder = match self {
            Self::Disk(objects, segments) => Db::builder("")
                .with_object_store(Arc::clone(objects) as _)
                .with_wal_store(Arc::new(segments.clone())),
            Self::Objects(objects) => DbBuilder::on_object_store(Arc::clone(objects) as _),
            Self::Directory(folder) => Db::builder(folder.path()),
        };
        builder.with_settings(settings).with_merge_operator(Arc::new(ConcatMergeOperator::new()))
    }

    fn wal_store(&self) -> Box<dyn WalStore> {
        match self {
            Self::Disk(_, segments) => Box::new(segments.clone()),
            Self::Objects(objects) => Box::new(ObjectWalStore::new(Arc::clone(objects) as _)),
            Self::Directory(folder) => {
                Box::new(DiskWalStore::open(folder.path()).expect("it is not locked"))
            }
        }
    }

    /// The store of everything but a memory's segments.
    fn objects(&self) -> Arc<dyn ObjectStore> {
        match self {
            Self::Disk(objects, _) | Self::Objects(objects) => Arc::clone(objects) as _,
            Self::Directory(folder) => {
                Arc::new(LocalObjectStore::open(folder.path()).expect("a directory"))
            }
        }
    }

    /// Appends a segment with the last batches, as a writer leaves it that was killed.
    fn write_segment(&self, mut last_seq: u64) {
        let store = self.wal_store();
        let wal_id = store.list().expect("a listing").last().expect("a segment") + 1;
        let file = store.create(wal_id).expect("a file");
        let mut wal = WalWriter::create(store.name(wal_id), file).expect("a segment");
        for number in (FLUSHED + IN_SEGMENT + 1..).take(IN_SEGMENT as usize) {
            let rows = batch(number).into_rows(last_seq + 1);
            wal.append(&rows, Durability::Sync).expect("a write");
            last_seq += rows.len() as u64;
        }
    }

    /// Gives a file these bytes; `None` removes it.
    pub fn set(&self, path: &str, bytes: Option<&[u8]>) {
        match self {
            Self::Disk(_, segments) if path.starts_with("wal/") => {
                set_segment(segments, path, bytes);
            }
            Self::Disk(objects, _) | Self::Objects(objects) => match bytes {
                Some(bytes) => objects.put(path, Bytes::copy_from_slice(bytes)),
                None => objects.delete(path),
            }
            .expect("a good path"),
            Self::Directory(folder) => set_file(&folder.path().join(path), bytes),
        }
    }

    /// Every file.
    fn files(&self) -> Files {
        let objects = self.objects();
        let mut files = Files::new();
        for object in objects.list("").expect("a listing") {
            files.insert(object.path.clone(), objects.get(&object.path).expect("it is there"));
        }
        match self {
            Self::Disk(_, segments) => {
                for wal_id in segments.list().expect("a listing") {
                    let contents = segments.open(wal_id).expect("memory").read_all();
                    files.insert(segments.name(wal_id), contents.expect("memory"));
                }
            }
            // Its name is no path of an object.
            Self::Directory(_) => drop(files.insert("LOCK".to_owned(), Bytes::new())),
            Self::Objects(_) => {}
        }
        files
    }
}

fn set_segment(segments: &MemoryWalStore, path: &str, bytes: Option<&[u8]>) {
    let number = path.strip_prefix("wal/").and_then(|name| name.strip_suffix(".wal"));
    let wal_id = number.and_then(|number| number.parse().ok()).expect("the path of a segment");
    segments.delete(wal_id).expect("memory");
    if let Some(bytes) = bytes {
        segments.open(wal_id).expect("memory").append(bytes).expect("memory");
    }
}

fn set_file(path: &Path, bytes: Option<&[u8]>) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    match bytes {
        Some(bytes) => fs::write(path, bytes).expect("a file"),
        None => fs::remove_file(path).expect("a file"),
    }
}
