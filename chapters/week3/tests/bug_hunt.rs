//! Your tests for the bug hunt: `cargo course bughunt 3` runs them against planted bugs. The page *How this course
//! works* of the book says how to go about it, under *Hunt for bugs*.
//!
//! An SST and a log to begin with; write the tests below them.
#![allow(dead_code, reason = "until your first test uses them")]

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use testkit::SimulatedFile;
use week3::Result;
use week3::format::RowEntry;
use week3::object_store::{MemoryObjectStore, ObjectStore};
use week3::storage::{LogFile, SstBuilder, SstReader, WalReader, WalWriter};

/// An SST of these rows, in blocks so small that it has several.
fn sst(rows: &[RowEntry]) -> Result<SstReader> {
    let mut builder = SstBuilder::new(64);
    for row in rows {
        builder.add(row)?;
    }
    let store = Arc::new(MemoryObjectStore::new());
    store.put("1.sst", builder.finish()?)?;
    SstReader::open(store, "1.sst")
}

/// A log that is new, or goes on with what is in `file`. Keep a clone of the file: it knows what was written, and
/// what was synced.
fn log(file: &SimulatedFile) -> Result<WalWriter> {
    WalWriter::resume("1.wal", Box::new(Log(file.clone())))
}

/// Every batch in the bytes of a log.
fn batches(contents: Vec<u8>) -> Result<Vec<Vec<RowEntry>>> {
    let mut reader = WalReader::new("1.wal", contents.into())?;
    std::iter::from_fn(|| reader.next_batch().transpose()).collect()
}

#[derive(Debug)]
struct Log(SimulatedFile);

impl LogFile for Log {
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
