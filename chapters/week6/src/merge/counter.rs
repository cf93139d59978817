//! A counter that is increased without being read.

use bytes::Bytes;

use super::merge_operator::{MergeOperator, MergeOperatorError};

/// Adds up numbers. A value and an operand are a `u64` of 8 bytes, big-endian.
///
/// A sum that is too large stays at [`u64::MAX`]. An error would make the key unreadable: it would
/// come at each read, and never to whoever wrote the operand that was too much. Staying is
/// associative because no operand makes a counter smaller; with negative operands it would not be.
///
/// Every operand is checked, also one that comes when the sum is at its largest. An existing value
/// is checked when there is an operand to add to it; without one, it need not be.
#[derive(Debug, Clone, Copy, Default)]
pub struct CounterMergeOperator;

impl CounterMergeOperator {
    /// A number as a value or operand.
    pub fn encode(count: u64) -> Bytes {
        Bytes::copy_from_slice(&count.to_be_bytes())
    }

    /// The number that a value or operand holds, or [`MergeOperatorError::WrongLength`].
    // Task 6.2: Count
    pub fn decode(bytes: &[u8]) -> Result<u64, MergeOperatorError> {
        todo!("week 6, task 2: Count")
    }
}

impl MergeOperator for CounterMergeOperator {
    // Task 6.2: Count
    fn merge(
        &self,
        _key: &[u8],
        existing: Option<&[u8]>,
        operand: &[u8],
    ) -> Result<Bytes, MergeOperatorError> {
        todo!("week 6, task 2: Count")
    }

    /// Adds up all of them, and encodes the sum once, at the end.
    // Task 6.2: Count
    fn merge_batch(
        &self,
        _key: &[u8],
        existing: Option<&[u8]>,
        operands: &[Bytes],
    ) -> Result<Bytes, MergeOperatorError> {
        todo!("week 6, task 2: Count")
    }
}
