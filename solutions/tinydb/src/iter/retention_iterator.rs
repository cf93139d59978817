//! Only the rows that some reader can still need.

use bytes::Bytes;

use crate::error::Result;
use crate::format::{RowEntry, ValueDeletable};

use super::row_entry_iterator::RowEntryIterator;

// ANCHOR: stripe_of
/// The number of the stripe that a row with this sequence number lies in.
///
/// A snapshot at `b` sees the rows up to `b`. So the sequence numbers of the open snapshots, the
/// `boundaries`, ascending, split all sequence numbers into *stripes*, numbered from 0 for the
/// oldest. A boundary is the last sequence number of its stripe. Of two rows of one stripe, every
/// snapshot sees both or neither.
pub fn stripe_of(boundaries: &[u64], seq: u64) -> usize {
    boundaries.partition_point(|boundary| *boundary < seq)
}
// ANCHOR_END: stripe_of

/// A stream without the rows that no reader can see any more: at a read, a flush or a compaction.
///
/// Invariants:
/// 1. A row is left out if and only if a newer row of the same key in the same stripe is a value or
///    a tombstone.
/// 2. So what the latest state and each snapshot at a boundary show stays the same.
/// 3. A tombstone that nothing newer hides stays: it may hide rows that are in no source of this
///    stream.
///
/// A read has no boundary: it looks at one snapshot only, and all its rows lie in one stripe.
///
/// SlateDB: `RetentionIterator` in `src/retention_iterator.rs`. It collects all versions of a key,
/// and knows one boundary, that of the oldest snapshot: newer versions all stay.
#[derive(Debug)]
pub struct RetentionIterator<I> {
    rows: I,
    boundaries: Vec<u64>,
    /// Key and stripe of the last value or tombstone: it hides the rest of its stripe.
    hidden: Option<(Bytes, usize)>,
}

impl<I: RowEntryIterator> RetentionIterator<I> {
    /// The rows of `rows` that a snapshot at one of the `boundaries` can see, or the latest state.
    /// The boundaries are the sequence numbers of the open snapshots, ascending.
    pub fn new(rows: I, boundaries: Vec<u64>) -> Self {
        Self { rows, boundaries, hidden: None }
    }

    /// Whether a newer row hides this one from everybody. Remembers the row if it hides others.
    fn is_hidden(&mut self, row: &RowEntry) -> bool {
        let stripe = stripe_of(&self.boundaries, row.seq);
        if matches!(&self.hidden, Some((key, hidden)) if *key == row.key && *hidden == stripe) {
            return true;
        }
        if !matches!(row.value, ValueDeletable::Merge(_)) {
            self.hidden = Some((row.key.clone(), stripe));
        }
        false
    }
}

impl<I: RowEntryIterator> RowEntryIterator for RetentionIterator<I> {
    fn next(&mut self) -> Result<Option<RowEntry>> {
        while let Some(row) = self.rows.next()? {
            if !self.is_hidden(&row) {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    fn seek(&mut self, key: &[u8]) -> Result<()> {
        self.rows.seek(key)
    }
}
