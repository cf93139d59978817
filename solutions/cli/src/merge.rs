//! The one place of the shell that knows merge operators.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use tinydb::DbBuilder;
use tinydb::merge::{
    ConcatMergeOperator, CounterMergeOperator, MergeOperator, RegisterMergeOperator,
};

/// What merge operands mean, chosen when the database is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum OperatorName {
    /// Operands are numbers, which are added up
    Counter,
    /// Operands are bytes, which are put one behind the other
    Concat,
    /// Operands set a number or add to it: =40, +12, -3
    Register,
    /// There are no operands
    #[default]
    None,
}

impl OperatorName {
    /// The operator, if there is one.
    pub fn operator(self) -> Option<Arc<dyn MergeOperator>> {
        match self {
            Self::Counter => Some(Arc::new(CounterMergeOperator)),
            Self::Concat => Some(Arc::new(ConcatMergeOperator::new())),
            Self::Register => Some(Arc::new(RegisterMergeOperator)),
            Self::None => None,
        }
    }

    /// Lets the database be opened with the operator.
    pub fn of_database(self, builder: DbBuilder) -> DbBuilder {
        match self.operator() {
            Some(operator) => builder.with_merge_operator(operator),
            None => builder,
        }
    }

    /// The bytes of a value or an operand that was typed: counters are typed as decimal numbers.
    pub fn typed(self, bytes: &[u8]) -> Cow<'_, [u8]> {
        let number = || str::from_utf8(bytes).ok()?.parse().ok().map(CounterMergeOperator::encode);
        match self {
            Self::Counter => number().map_or(Cow::Borrowed(bytes), |it| Cow::Owned(it.to_vec())),
            _ => Cow::Borrowed(bytes),
        }
    }

    /// A value as it is typed.
    pub fn shown(self, value: Bytes) -> Bytes {
        // A counter has eight bytes. (So may another value; it is a number as well, then.)
        match CounterMergeOperator::decode(&value) {
            Ok(number) if self == Self::Counter => number.to_string().into(),
            _ => value,
        }
    }
}
