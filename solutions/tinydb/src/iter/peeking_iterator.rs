//! A stream whose next row can be looked at.

use crate::error::Result;
use crate::format::RowEntry;

use super::row_entry_iterator::RowEntryIterator;

/// A stream whose next row can be looked at before it is taken.
///
/// Looking twice reads once, at the end of the stream too.
#[derive(Debug)]
pub struct PeekingIterator<I> {
    rows: I,
    /// What was looked at: the next row, or the end.
    peeked: Option<Option<RowEntry>>,
}

impl<I: RowEntryIterator> PeekingIterator<I> {
    /// The rows of `rows`. Reads nothing yet.
    pub fn new(rows: I) -> Self {
        Self { rows, peeked: None }
    }

    /// The row that the next call of `next` returns, or `None` at the end.
    pub fn peek(&mut self) -> Result<Option<&RowEntry>> {
        if self.peeked.is_none() {
            self.peeked = Some(self.rows.next()?);
        }
        Ok(self.peeked.as_ref().and_then(Option::as_ref))
    }

    /// Takes the row that was looked at, if one was. Reads nothing, so it can't fail.
    pub fn take_peeked(&mut self) -> Option<RowEntry> {
        self.peeked.take().flatten()
    }
}

impl<I: RowEntryIterator> RowEntryIterator for PeekingIterator<I> {
    fn next(&mut self) -> Result<Option<RowEntry>> {
        match self.peeked.take() {
            Some(next) => Ok(next),
            None => self.rows.next(),
        }
    }

    fn seek(&mut self, key: &[u8]) -> Result<()> {
        if self.peeked.as_ref().is_none_or(|next| next.as_ref().is_some_and(|row| row.key < key)) {
            self.rows.seek(key)?;
            self.peeked = None;
        }
        Ok(())
    }
}
