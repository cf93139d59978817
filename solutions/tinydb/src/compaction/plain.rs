//! Whether a compaction could leave out any of some rows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use crate::error::Result;
use crate::format::{RowEntry, ValueDeletable};
use crate::iter::RowEntryIterator;

/// Whether the rows that were watched are *plain*: all are values, and no key has two. Of plain rows, as
/// long as no others come between them, a compaction leaves none out. Clones share what they know.
#[derive(Debug, Clone, Default)]
pub struct Plain {
    is_broken: Arc<AtomicBool>,
}

impl Plain {
    /// No row yet, which is plain.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same rows, each looked at when it is read.
    pub fn watch<I: RowEntryIterator>(&self, rows: I) -> PlainRows<I> {
        PlainRows { rows, plain: self.clone(), last_key: Bytes::new() }
    }

    /// Whether all rows so far were plain.
    pub fn holds(&self) -> bool {
        !self.is_broken.load(Ordering::Relaxed)
    }
}

/// A stream whose rows are looked at.
#[derive(Debug)]
pub struct PlainRows<I> {
    rows: I,
    plain: Plain,
    last_key: Bytes,
}

impl<I: RowEntryIterator> RowEntryIterator for PlainRows<I> {
    fn next(&mut self) -> Result<Option<RowEntry>> {
        let row = self.rows.next()?;
        if let Some(row) = &row {
            if row.key == self.last_key || !matches!(row.value, ValueDeletable::Value(_)) {
                self.plain.is_broken.store(true, Ordering::Relaxed);
            }
            self.last_key = row.key.clone();
        }
        Ok(row)
    }

    fn seek(&mut self, key: &[u8]) -> Result<()> {
        self.rows.seek(key)
    }
}
