//! A stream of rows that leaves a trace.

use crate::error::Result;
use crate::format::{RowEntry, Step};
use crate::iter::RowEntryIterator;

use super::trace::Trace;

/// Records a [`Step::ScanRow`] for each row that comes out of a stream.
#[derive(Debug)]
pub(super) struct TracedRows<I> {
    rows: I,
    trace: Trace,
}

impl<I: RowEntryIterator> TracedRows<I> {
    pub(super) fn new(rows: I, trace: Trace) -> Self {
        Self { rows, trace }
    }
}

impl<I: RowEntryIterator> RowEntryIterator for TracedRows<I> {
    fn next(&mut self) -> Result<Option<RowEntry>> {
        let row = self.rows.next()?;
        if let Some(row) = &row {
            self.trace.record(|| Step::ScanRow { key: row.key.clone(), seq: row.seq });
        }
        Ok(row)
    }

    fn seek(&mut self, key: &[u8]) -> Result<()> {
        self.rows.seek(key)
    }
}
