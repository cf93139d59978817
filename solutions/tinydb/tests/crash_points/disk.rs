//! A disk, or a bucket: what changes it, and what a crash leaves of it.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;

use crate::faulty_store::Random;

/// Where the database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// In a directory: bytes last when their file is synced, names when their folder is.
    Directory,
    /// On an object store: a call has been carried out or not, and what it did lasts.
    ObjectStore,
}

/// One change: the smallest step between two moments at which a crash can come.
#[derive(Clone, PartialEq, Eq)]
pub enum Effect {
    /// A new file, whose contents are synced, gets this name. The file that had it, if there is one,
    /// loses it, or keeps it.
    Name {
        path: String,
        contents: Bytes,
        replace: bool,
    },
    /// The name goes.
    Unlink {
        path: String,
    },
    /// The names in the folder last, and so do the ends of those that went.
    SyncFolder {
        folder: String,
    },
    Append {
        path: String,
        bytes: Bytes,
    },
    /// The first `len` bytes of the file last.
    SyncFile {
        path: String,
        len: usize,
    },
    Truncate {
        path: String,
        len: usize,
    },
}

impl Effect {
    /// The same with the first `len` bytes only, if this is an append.
    pub fn torn(&self, len: usize) -> Option<Self> {
        let Self::Append { path, bytes } = self else { return None };
        Some(Self::Append { path: path.clone(), bytes: bytes.slice(..len) })
    }

    /// How many bytes are appended.
    pub fn appended(&self) -> usize {
        if let Self::Append { bytes, .. } = self { bytes.len() } else { 0 }
    }
}

/// Without the bytes: messages should be short.
impl fmt::Debug for Effect {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name { path, contents, .. } => {
                write!(out, "a file of {} bytes gets the name {path}", contents.len())
            }
            Self::Unlink { path } => write!(out, "the name {path} goes"),
            Self::SyncFolder { folder } => write!(out, "the folder {folder:?} is synced"),
            Self::Append { path, bytes } => write!(out, "{} bytes behind {path}", bytes.len()),
            Self::SyncFile { path, len } => write!(out, "{len} bytes of {path} are synced"),
            Self::Truncate { path, len } => write!(out, "{path} is cut to {len} bytes"),
        }
    }
}

#[derive(Debug, Clone, Default)]
struct File {
    written: Bytes,
    /// What a power cut leaves.
    synced: Bytes,
}

/// Files, and the names that they have.
#[derive(Debug, Clone)]
pub struct Disk {
    layout: Layout,
    files: Vec<File>,
    names: BTreeMap<String, usize>,
    /// The names that a power cut leaves.
    lasting: BTreeMap<String, usize>,
    /// The changes of names since their folder was synced.
    unsynced_names: Vec<(String, Option<usize>)>,
}

/// What becomes of the changes of names that were not synced, when the power is cut.
#[derive(Debug, Clone, Copy)]
pub enum Names {
    Lost,
    Kept,
    /// Some of each; this seed says which.
    Some(u64),
}

/// What becomes of the bytes at a file's end that were not synced, when the power is cut.
#[derive(Debug, Clone, Copy)]
pub enum Tail {
    Lost,
    Kept,
    /// Only the first so many are kept; the others are cut off, or zeros.
    Torn {
        kept: usize,
        zeros: bool,
    },
}

impl Disk {
    pub fn new(layout: Layout) -> Self {
        let (files, names, lasting, unsynced_names) = Default::default();
        Self { layout, files, names, lasting, unsynced_names }
    }

    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// What a reader finds under this name.
    pub fn read(&self, path: &str) -> Option<&Bytes> {
        self.names.get(path).map(|&file| &self.files[file].written)
    }

    /// Every name, and what is found under it.
    pub fn all(&self) -> impl Iterator<Item = (&String, &Bytes)> {
        self.names.iter().map(|(path, &file)| (path, &self.files[file].written))
    }

    /// Every name below the folder, in order.
    pub fn list<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = &'a String> {
        let is_below = move |path: &&String| {
            path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
        };
        self.names.keys().filter(is_below)
    }

    pub fn apply(&mut self, effect: &Effect) {
        match effect {
            Effect::Name { path, replace, .. } if !replace && self.names.contains_key(path) => {}
            Effect::Name { path, contents, .. } => {
                self.files.push(File { written: contents.clone(), synced: contents.clone() });
                self.rename(path, Some(self.files.len() - 1));
            }
            Effect::Unlink { path } => {
                if self.names.contains_key(path) {
                    self.rename(path, None);
                }
            }
            Effect::SyncFolder { folder } => {
                let (synced, others) = std::mem::take(&mut self.unsynced_names)
                    .into_iter()
                    .partition(|(path, _)| folder_of(path) == folder);
                self.unsynced_names = others;
                make_last(&mut self.lasting, synced);
            }
            Effect::Append { path, bytes } => self.with_file(path, |file| {
                file.written = [&file.written[..], bytes].concat().into();
            }),
            Effect::SyncFile { path, len } => self.with_file(path, |file| {
                file.synced = file.written.slice(..file.written.len().min(*len));
            }),
            Effect::Truncate { path, len } => self.with_file(path, |file| {
                file.written.truncate(*len);
            }),
        }
    }

    fn rename(&mut self, path: &str, file: Option<usize>) {
        let change = (path.to_owned(), file);
        make_last(&mut self.names, vec![change.clone()]);
        match self.layout {
            Layout::Directory => self.unsynced_names.push(change),
            Layout::ObjectStore => make_last(&mut self.lasting, vec![change]),
        }
    }

    fn with_file(&mut self, path: &str, change: impl FnOnce(&mut File)) {
        if let Some(&file) = self.names.get(path) {
            change(&mut self.files[file]);
        }
    }

    /// How many bytes a power cut may take from the end of a file.
    pub fn unsynced_bytes(&self) -> usize {
        let files = self.lasting.values().map(|&file| &self.files[file]);
        files.map(File::unsynced).max().unwrap_or(0)
    }

    /// What is left when the power is cut.
    pub fn after_power_cut(&self, names: Names, tail: Tail) -> Self {
        let mut random = Random::new(if let Names::Some(seed) = names { seed } else { 0 });
        let mut lasting = self.lasting.clone();
        let survives = |_: &_| match names {
            Names::Lost => false,
            Names::Kept => true,
            Names::Some(_) => random.happens(50),
        };
        make_last(&mut lasting, self.unsynced_names.iter().filter(survives).cloned().collect());
        let files = self.files.iter().map(|file| file.after_power_cut(tail)).collect();
        let (names, unsynced_names) = (lasting.clone(), Vec::new());
        Self { layout: self.layout, files, names, lasting, unsynced_names }
    }
}

impl File {
    fn unsynced(&self) -> usize {
        self.written.len().saturating_sub(self.synced.len())
    }

    fn after_power_cut(&self, tail: Tail) -> Self {
        let left = match tail {
            Tail::Lost => self.synced.clone(),
            Tail::Torn { kept, zeros } if self.unsynced() > 0 => {
                let kept = self.synced.len() + kept.min(self.unsynced());
                let mut torn = self.written[..kept].to_vec();
                torn.resize(if zeros { self.written.len() } else { kept }, 0);
                torn.into()
            }
            Tail::Kept | Tail::Torn { .. } => self.written.clone(),
        };
        Self { written: left.clone(), synced: left }
    }
}

fn make_last(names: &mut BTreeMap<String, usize>, changes: Vec<(String, Option<usize>)>) {
    for (path, file) in changes {
        match file {
            Some(file) => names.insert(path, file),
            None => names.remove(&path),
        };
    }
}

/// The folder that holds this name.
pub fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}
