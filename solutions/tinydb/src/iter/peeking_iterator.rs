//! A stream whose next row can be looked at.

use crate::error::Result;
use crate::format::RowEntry;

use super::row_entry_iterator::RowEntryIterator;

/// A stream whose next row can be looked at before it is taken.
#[derive(Debug)]
pub struct PeekingIterator<I> {
    rows: I,
    /// The next row, if it was looked at.
    peeked: Option<RowEntry>,
}

impl<I: RowEntryIterator> PeekingIterator<I> {
    /// The rows of `rows`. Reads nothing yet.
    pub fn new(rows: I) -> Self {
        Self { rows, peeked: None }
    }

    /// The row that the next call of `next` returns, or `None` at the end.
    pub fn peek(&mut self) -> Result<Option<&RowEntry>> {
        if self.peeked.is_none() {
            self.peeked = self.rows.next()?;
        }
        Ok(self.peeked.as_ref())
    }

    /// Takes the row that was looked at, if one was. Reads nothing, so it can't fail.
    pub fn take_peeked(&mut self) -> Option<RowEntry> {
        self.peeked.take()
    }
}

impl<I: RowEntryIterator> RowEntryIterator for PeekingIterator<I> {
    fn next(&mut self) -> Result<Option<RowEntry>> {
        match self.peeked.take() {
            Some(row) => Ok(Some(row)),
            None => self.rows.next(),
        }
    }

    fn seek(&mut self, key: &[u8]) -> Result<()> {
        if self.peeked.as_ref().is_none_or(|row| row.key < key) {
            self.rows.seek(key)?;
            self.peeked = None;
        }
        Ok(())
    }
}
