//! A look into a file: every byte with its place and its meaning.
//!
//! *Where* a field is, is walked here, by the layouts that the engine documents. *What* it means, and
//! whether it is right, is what the engine's own decoders say. So a file is read twice, and where the
//! two don't agree, that is seen.
//!
//! Every byte of the file belongs to exactly one field that is printed, also in a damaged
//! file: what can't be read is a field of its own.

mod manifest;
mod part;
mod row;
mod sst;
mod text;
mod wal;

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use bytes::Bytes;
use tinydb::storage::{sst as sst_format, wal as wal_format};
use tinydb::{Error, db};

use crate::failure::Failure;

use self::part::{Dump, Part};
pub use self::part::{Field, Sink};
pub use self::text::Text;

/// The kinds of files that a database has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A segment of the write-ahead log.
    Wal,
    /// A sorted string table.
    Sst,
    /// A version of the manifest.
    Manifest,
}

impl Kind {
    /// The kind of a file by its magic; by the end of its name, if it has none, as a segment that a
    /// crash cut short.
    pub fn of(name: &str, contents: &[u8]) -> Option<Self> {
        if contents.starts_with(&wal_format::MAGIC) {
            return Some(Self::Wal);
        }
        if contents.starts_with(&db::manifest::MAGIC) {
            return Some(Self::Manifest);
        }
        if contents.ends_with(&sst_format::MAGIC) {
            return Some(Self::Sst);
        }
        let extension = Path::new(name).extension()?.to_str()?;
        match extension {
            "wal" => Some(Self::Wal),
            "sst" => Some(Self::Sst),
            "manifest" => Some(Self::Manifest),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Wal => "WAL segment",
            Self::Sst => "SST",
            Self::Manifest => "manifest",
        }
    }
}

/// Prints the file at `path`; long keys and values in whole only if `full`. Fails if the file is
/// damaged, after printing what can be read.
pub fn print(path: &Path, full: bool, out: &mut dyn Write) -> Result<(), Failure> {
    let name = path.display().to_string();
    let contents = fs::read(path).map_err(Error::io("read", &name))?;
    let mut text = Text::new(contents.len(), full, out);
    inspect(&name, contents.into(), &mut text)
}

/// Labels every byte of a file. `name` stands for it in errors. Fails if the file is damaged, after
/// labelling what can be read; the error is the one that the engine has for the file.
pub fn inspect(name: &str, contents: Bytes, sink: &mut dyn Sink) -> Result<(), Failure> {
    let Some(kind) = Kind::of(name, &contents) else {
        return Err(Failure::UnknownFile(name.to_owned()));
    };
    let mut dump = Dump::new(sink);
    label(kind, name, contents, &mut dump).map_err(Failure::Output)?;
    match dump.into_damage() {
        None => Ok(()),
        Some(damage) => Err(Failure::Engine(damage.in_file(name, 0))),
    }
}

fn label(kind: Kind, name: &str, contents: Bytes, dump: &mut Dump<'_>) -> io::Result<()> {
    dump.heading(0, format_args!("{}, {} bytes", kind.name(), contents.len()))?;
    let mut file = Part::whole(contents, dump);
    match kind {
        Kind::Wal => wal::label(name, &mut file),
        Kind::Sst => sst::label(&mut file),
        Kind::Manifest => manifest::label(&mut file),
    }
}
