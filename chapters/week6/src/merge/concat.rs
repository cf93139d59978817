//! A list that is appended to without being read.

use bytes::Bytes;

use super::merge_operator::{MergeOperator, MergeOperatorError};

/// Puts the newer bytes behind the older ones, with a separator between any two, empty ones too.
///
/// (A separator that is left out beside an empty operand would have to be left out on both sides.
/// Left out on one, it breaks the law: `"a"`, `""`, `"b"` would depend on which two are merged
/// first.)
#[derive(Debug, Clone, Default)]
pub struct ConcatMergeOperator {
    separator: Bytes,
}

impl ConcatMergeOperator {
    /// An operator that puts nothing between two operands.
    pub fn new() -> Self {
        Self::default()
    }

    /// An operator that puts `separator` between any two operands.
    pub fn with_separator(separator: impl Into<Bytes>) -> Self {
        Self { separator: separator.into() }
    }
}

impl MergeOperator for ConcatMergeOperator {
    // Task 6.3: Append to a list
    fn merge(
        &self,
        _key: &[u8],
        existing: Option<&[u8]>,
        operand: &[u8],
    ) -> Result<Bytes, MergeOperatorError> {
        todo!("week 6, task 3: Append to a list")
    }

    /// Joins all of them at once: each byte is copied once. Pair by pair, the first operand would
    /// be copied as often as there are operands.
    ///
    /// A batch of one operand is copied too: a result that shared the operand's memory would keep
    /// the block alive that it came from.
    // Task 6.3: Append to a list
    fn merge_batch(
        &self,
        _key: &[u8],
        existing: Option<&[u8]>,
        operands: &[Bytes],
    ) -> Result<Bytes, MergeOperatorError> {
        todo!("week 6, task 3: Append to a list")
    }
}
