//! What a merge operand means.

use std::fmt::Debug;

use bytes::Bytes;

pub use crate::error::MergeOperatorError;

// ANCHOR: merge_operator
/// Says what a merge operand does to a value.
///
/// A value and an operand are of one kind: the result of merging two operands is an operand again,
/// and takes their place. The engine does that whenever it likes, so an operator keeps this
/// law, for all `a`, `b` and `c`:
///
/// 1. It is *associative*: `merge(merge(a, b), c)` is `merge(a, merge(b, c))`. Order counts: `a` is
///    older than `b`, and the engine never swaps them. So it need not be commutative.
/// 2. Without an existing value, the result stands for its operand: `merge(a, merge(None, b))` is
///    `merge(a, b)`. `None` does not say that there is no value, only that none is known *yet*.
/// 3. The same arguments give the same result, today and in a year.
///
/// SlateDB: `MergeOperator` in `src/merge_operator.rs`. Its arguments are `Bytes`. Those of our
/// `merge` are slices: so its result can't keep the block alive that an operand came from. A
/// `merge_batch` should take care of that itself, and copy.
pub trait MergeOperator: Debug + Send + Sync {
    /// The existing value, or an older operand, changed by a newer operand.
    fn merge(
        &self,
        key: &[u8],
        existing: Option<&[u8]>,
        operand: &[u8],
    ) -> Result<Bytes, MergeOperatorError>;

    /// The existing value changed by many operands, which are given oldest first.
    ///
    /// This one merges them pair by pair: [`merge`](Self::merge) is called once for each operand,
    /// and its result is the existing value of the next call. The first error ends it. An operator
    /// that can do better overrides it, with the same result.
    ///
    /// Without an operand the result is the existing value, which need not be checked then. Without
    /// that either, it is [`MergeOperatorError::EmptyBatch`].
    fn merge_batch(
        &self,
        key: &[u8],
        existing: Option<&[u8]>,
        operands: &[Bytes],
    ) -> Result<Bytes, MergeOperatorError> {
        merge_pair_by_pair(self, key, existing, operands)
    }
}
// ANCHOR_END: merge_operator

/// What [`MergeOperator::merge_batch`] does unless an operator overrides it.
// exercise: week6.1
fn merge_pair_by_pair<O: MergeOperator + ?Sized>(
    operator: &O,
    key: &[u8],
    existing: Option<&[u8]>,
    operands: &[Bytes],
) -> Result<Bytes, MergeOperatorError> {
    let Some((oldest, newer)) = operands.split_first() else {
        return existing.map(Bytes::copy_from_slice).ok_or(MergeOperatorError::EmptyBatch);
    };
    let merged = operator.merge(key, existing, oldest)?;
    newer.iter().try_fold(merged, |merged, operand| operator.merge(key, Some(&merged), operand))
}
