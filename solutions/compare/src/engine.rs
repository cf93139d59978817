//! What a workload needs of an engine. To add one: a file in `engines/`, and a line in [`EngineKind`] and
//! in [`EngineKind::open`].

use std::path::Path;

use anyhow::Result;
use clap::ValueEnum;
use serde::Serialize;

use crate::engines::{Fjall, TinyDb};

/// An open database.
pub trait Engine {
    /// Gives a key a value.
    fn put(&self, key: &[u8], value: &[u8]) -> Result<()>;

    /// Puts the value of a key into `value`; `false` if it has none.
    fn get(&self, key: &[u8], value: &mut Vec<u8>) -> Result<bool>;

    /// Moves everything from memtables into tables, and waits until the background is at rest: so a read that
    /// follows is measured alone.
    fn settle(&self) -> Result<()>;
}

/// Where the log is when a put returns. Nowhere is it synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogClass {
    /// With the operating system: one call for each put.
    Os,
    /// In a buffer of the process.
    Buffered,
}

/// What every engine is opened with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the log is when a put returns.
    pub log: LogClass,
    /// The size of a memtable in bytes.
    pub memtable: usize,
    /// The block cache in bytes, where there is one.
    pub cache: u64,
}

/// The engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineKind {
    /// The engine of the course.
    Tinydb,
    /// fjall, an LSM tree with a block cache, filters and leveled compaction.
    Fjall,
}

impl EngineKind {
    /// An empty database in a directory.
    pub fn open(self, directory: &Path, options: &Options) -> Result<Box<dyn Engine>> {
        Ok(match self {
            Self::Tinydb => Box::new(TinyDb::open(directory, options)?),
            Self::Fjall => Box::new(Fjall::open(directory, options)?),
        })
    }
}
