//! A stream in which each run of operands has become one row.

use std::sync::Arc;

use crate::error::Result;
use crate::format::{RowEntry, ValueDeletable};
use crate::iter::{PeekingIterator, RowEntryIterator, stripe_of};

use super::merge_operator::MergeOperator;
use super::merge_run::MergeRun;

// ANCHOR: merge_operator_iterator
/// The rows of a stream, with each run of merge operands merged into one row.
///
/// A *run* is all operands of one key in one stripe (see [`stripe_of`]): no snapshot sees some of
/// them and not the others. Its *base* is the row of the same key and stripe behind the run,
/// a value or a tombstone, if there is one. The stream below is one that
/// [`RetentionIterator`](crate::iter::RetentionIterator) has left: nothing of the stripe lies
/// behind the base.
///
/// Invariants:
/// 1. The row has the sequence number of the newest operand.
/// 2. Over a value, the row is a value. Over a tombstone it is a value too, merged with no existing
///    value.
/// 3. Without a base, the row is a merge operand: an older row may be in an older stripe, or in a
///    file that this stream does not read. Only at a [read](Self::for_reads), where the stream
///    holds every row there is, is it a value.
/// 4. Values and tombstones that are no base pass unchanged, at a read too. The operator is not
///    called for them.
/// 5. At most [`MERGE_BATCH_SIZE`](super::MERGE_BATCH_SIZE) operands are held, and the row that was
///    read last.
/// 6. A call that fails has not moved the stream. What was read of a run stays here for the next
///    call.
///
/// SlateDB: `MergeOperatorIterator` in `src/merge_operator.rs`.
#[derive(Debug)]
pub struct MergeOperatorIterator<I> {
    rows: PeekingIterator<I>,
    operator: Arc<dyn MergeOperator>,
    boundaries: Vec<u64>,
    /// Whether `rows` holds every row of its keys, so that a run without a base is complete.
    is_complete: bool,
    /// A run whose row could not be made yet, because a call failed.
    unfinished: Option<MergeRun>,
}
// ANCHOR_END: merge_operator_iterator

impl<I: RowEntryIterator> MergeOperatorIterator<I> {
    /// For a flush or a compaction: `boundaries` are the sequence numbers of the open snapshots,
    /// ascending. A run without a base stays an operand.
    pub fn new(rows: I, operator: Arc<dyn MergeOperator>, boundaries: Vec<u64>) -> Self {
        let rows = PeekingIterator::new(rows);
        Self { rows, operator, boundaries, is_complete: false, unfinished: None }
    }

    /// For a read, which looks at one snapshot and at every row that is visible there. A run
    /// without a base becomes a value. The operator is called for it even if the run is one
    /// operand: whoever reads should not get bytes that the operator would refuse.
    pub fn for_reads(rows: I, operator: Arc<dyn MergeOperator>) -> Self {
        Self { is_complete: true, ..Self::new(rows, operator, Vec::new()) }
    }
}

impl<I: RowEntryIterator> RowEntryIterator for MergeOperatorIterator<I> {
    // Task 6.6: Make one row of each run
    fn next(&mut self) -> Result<Option<RowEntry>> {
        todo!("week 6, task 6: Make one row of each run")
    }

    // Task 6.7: Seek past a run
    fn seek(&mut self, key: &[u8]) -> Result<()> {
        todo!("week 6, task 7: Seek past a run")
    }
}
