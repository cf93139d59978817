//! How far a compaction is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::error::{Error, Result};
use crate::format::RowEntry;
use crate::iter::RowEntryIterator;

/// How far a compaction is, for those who watch; and the means to give it up. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct CompactionProgress {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    rows_read: AtomicU64,
    bytes_written: AtomicU64,
    ssts_written: AtomicU64,
    cancelled: AtomicBool,
}

impl CompactionProgress {
    /// Nothing done yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Rows read from the sources so far. If a merge operator fails, everything is read twice: see
    /// [`Compaction::run`](super::Compaction::run).
    pub fn rows_read(&self) -> u64 {
        self.shared.rows_read.load(Ordering::Relaxed)
    }

    /// Bytes of the SSTs written so far.
    pub fn bytes_written(&self) -> u64 {
        self.shared.bytes_written.load(Ordering::Relaxed)
    }

    /// How many SSTs are written so far.
    pub fn ssts_written(&self) -> u64 {
        self.shared.ssts_written.load(Ordering::Relaxed)
    }

    /// Notes that an SST of this many bytes was written.
    pub fn wrote_sst(&self, bytes: usize) {
        self.shared.bytes_written.fetch_add(bytes as u64, Ordering::Relaxed);
        self.shared.ssts_written.fetch_add(1, Ordering::Relaxed);
    }

    /// Asks for the compaction to be given up: it fails with [`Error::Cancelled`] before the next
    /// row.
    pub fn cancel(&self) {
        self.shared.cancelled.store(true, Ordering::Relaxed);
    }

    /// Fails if the compaction is to be given up.
    pub fn check(&self) -> Result<()> {
        if self.shared.cancelled.load(Ordering::Relaxed) {
            return Err(Error::Cancelled { work: "compaction" });
        }
        Ok(())
    }

    /// The same rows, counted as they are read; and an end to them once the compaction is given up.
    pub fn watch<I: RowEntryIterator>(&self, rows: I) -> Watched<I> {
        Watched { rows, progress: self.clone() }
    }
}

/// A stream whose rows are counted.
#[derive(Debug)]
pub struct Watched<I> {
    rows: I,
    progress: CompactionProgress,
}

impl<I: RowEntryIterator> RowEntryIterator for Watched<I> {
    fn next(&mut self) -> Result<Option<RowEntry>> {
        self.progress.check()?;
        let row = self.rows.next()?;
        self.progress.shared.rows_read.fetch_add(u64::from(row.is_some()), Ordering::Relaxed);
        Ok(row)
    }

    fn seek(&mut self, key: &[u8]) -> Result<()> {
        self.rows.seek(key)
    }
}
