//! A number that is set at times and changed at times.

use bytes::Bytes;

use super::merge_operator::{MergeOperator, MergeOperatorError};

// ANCHOR: register_operand
/// What is done to the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegisterOperand {
    /// It is this from now on, whatever it was: written as `=40`.
    Set(i64),
    /// This is added to it: written as `+12` or `-3`.
    Add(i64),
}
// ANCHOR_END: register_operand

/// Sets a number or adds to it: for something that is counted now and then, and changes in between.
///
/// A value and an operand are both a [`RegisterOperand`] as text. Anything else is an error,
/// wherever it stands, also in front of an operand that sets.
///
/// An operand is a *function* of the number, and to merge two is to make one function of them that
/// does what both do, the older one first. That is associative whatever the functions are. It is
/// not commutative: *set to 40, then add 2* is not *add 2, then set to 40*.
///
/// Additions wrap around at the ends of `i64`. Stopping there would not be associative, because a
/// number can go up and down: at the largest number, `+1` and then `-1` would leave one less, but
/// merged first, they are `+0`.
#[derive(Debug, Clone, Copy, Default)]
pub struct RegisterMergeOperator;

impl RegisterOperand {
    /// The operand as text: `=40`, `+12` or `-3`.
    pub fn encode(self) -> Bytes {
        match self {
            Self::Set(number) => format!("={number}").into(),
            Self::Add(number) => format!("{number:+}").into(),
        }
    }

    /// The operand that a text stands for; an error that shows the text if it stands for none.
    pub fn decode(bytes: &[u8]) -> Result<Self, MergeOperatorError> {
        let parse = |text: &str| match text.as_bytes().first()? {
            b'=' => text[1..].parse().ok().map(Self::Set),
            b'+' | b'-' => text.parse().ok().map(Self::Add),
            _ => None,
        };
        str::from_utf8(bytes).ok().and_then(parse).ok_or_else(|| {
            let found = String::from_utf8_lossy(bytes);
            MergeOperatorError::callback(format!("expected =40, +12 or -3, found {found:?}"))
        })
    }

    /// The one operand that does what `self` does, and then what `newer` does.
    // Task 6.4: Set a number or add to it
    pub fn then(self, newer: Self) -> Self {
        todo!("week 6, task 4: Set a number or add to it")
    }
}

impl MergeOperator for RegisterMergeOperator {
    // Task 6.4: Set a number or add to it
    fn merge(
        &self,
        _key: &[u8],
        existing: Option<&[u8]>,
        operand: &[u8],
    ) -> Result<Bytes, MergeOperatorError> {
        todo!("week 6, task 4: Set a number or add to it")
    }
}
