//! The operands of one key, merged in bounded memory.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::error::{Error, Result};

use super::merge_operator::MergeOperator;

/// How many operands are merged in one call of the operator.
///
/// SlateDB: `MERGE_BATCH_SIZE` in `src/merge_operator.rs`.
pub const MERGE_BATCH_SIZE: usize = 100;

// ANCHOR: merge_run
/// The operands of one key that become one row, as they are read: newest first.
///
/// Invariants:
/// 1. At most [`MERGE_BATCH_SIZE`] operands are held, however many were added. The newest of them
///    may be a *partial result*: it stands for several that were merged to make room.
/// 2. The operator is called when the next operand has no room, with the [`MERGE_BATCH_SIZE`]
///    operands that are held, and once at the end, with those that are held then; oldest first.
/// 3. A call that fails has changed nothing. It can be repeated.
///
/// SlateDB: `merge_with_older_entries` in `src/merge_operator.rs` keeps one partial result for each
/// batch, and merges them at the end.
#[derive(Debug)]
pub struct MergeRun {
    key: Bytes,
    seq: u64,
    /// The operands that are held, oldest first.
    operands: VecDeque<Bytes>,
}
// ANCHOR_END: merge_run

impl MergeRun {
    /// A run of one operand, the newest.
    pub fn new(key: Bytes, seq: u64, operand: Bytes) -> Self {
        Self { key, seq, operands: VecDeque::from([operand]) }
    }

    /// The key that every operand changes.
    pub fn key(&self) -> &Bytes {
        &self.key
    }

    /// The sequence number of the newest operand.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Adds an operand that is older than all before. If there is no room for it, those that are
    /// held are merged into one first. If that fails, the operand is not added.
    // exercise: week6.5
    pub fn add(&mut self, operator: &dyn MergeOperator, operand: Bytes) -> Result<()> {
        if self.operands.len() == MERGE_BATCH_SIZE {
            let partial = self.merge(operator, None)?;
            self.operands = VecDeque::from([partial]);
        }
        self.operands.push_front(operand);
        Ok(())
    }

    /// Everything that was added, merged; into the existing value, if one is given. The operator is
    /// called once, also for one operand.
    ///
    /// The run stays as it was, so this can be repeated, and [`add`](Self::add) can follow. It
    /// takes `&mut self` because the operands lie in a ring: to be given as one slice, they may
    /// have to be moved within it.
    // exercise: week6.5
    pub fn merge(
        &mut self,
        operator: &dyn MergeOperator,
        existing: Option<&[u8]>,
    ) -> Result<Bytes> {
        let oldest_first = self.operands.make_contiguous();
        let merged = operator.merge_batch(&self.key, existing, oldest_first);
        merged.map_err(|source| Error::MergeFailed { key: self.key.clone(), source })
    }
}
