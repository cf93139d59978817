//! The interface of every stream of rows.

use std::fmt::Debug;

use crate::error::Result;
use crate::format::RowEntry;

// ANCHOR: row_entry_iterator
/// A stream of rows in the order of [`SequencedKey`](crate::storage::SequencedKey): by key, then
/// newest first.
///
/// Invariants, which every implementation keeps and every user may rely on:
/// 1. Each row that [`next`](Self::next) returns stands behind the one before it in the order.
/// 2. [`seek`](Self::seek) moves forward or not at all. No row is returned twice.
/// 3. At the end, `next` returns `None`, however often it is called. (Only a memtable that is still
///    written to may go on.)
/// 4. A call that fails has not moved the stream. It can be repeated, and no row is lost.
///
/// It is not [`std::iter::Iterator`], because a stream of rows can fail and can `seek`, and because
/// some adapters of the standard iterator, such as `filter`, would hide both.
///
/// SlateDB: `RowEntryIterator` in `src/iter.rs`, which is async and has a third method, `init`, for
/// the reads that a first row needs.
pub trait RowEntryIterator: Debug + Send {
    /// The next row, or `None` at the end.
    fn next(&mut self) -> Result<Option<RowEntry>>;

    /// Moves forward to the first row whose key is `key` or greater: that is what the next call of
    /// `next` returns. If the stream is there already or behind it, nothing happens.
    fn seek(&mut self, key: &[u8]) -> Result<()>;
}
// ANCHOR_END: row_entry_iterator

impl<I: RowEntryIterator + ?Sized> RowEntryIterator for Box<I> {
    fn next(&mut self) -> Result<Option<RowEntry>> {
        (**self).next()
    }

    fn seek(&mut self, key: &[u8]) -> Result<()> {
        (**self).seek(key)
    }
}
