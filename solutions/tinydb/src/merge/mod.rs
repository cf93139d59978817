//! Merge operators, and runs of operands merged on the way. Week 6's room.
//!
//! A merge operand is a change and not a whole value. What it means is said by the database's
//! [operator](merge_operator): a [counter], a [list](mod@concat), a [register], or the user's own.
//! A [run](merge_run) of operands is merged in bounded memory, by the
//! [iterator](merge_operator_iterator) that stands in reads, flushes and compactions.

pub mod concat;
pub mod counter;
pub mod merge_operator;
pub mod merge_operator_iterator;
pub mod merge_run;
pub mod register;

pub use concat::ConcatMergeOperator;
pub use counter::CounterMergeOperator;
pub use merge_operator::{MergeOperator, MergeOperatorError};
pub use merge_operator_iterator::MergeOperatorIterator;
pub use merge_run::{MERGE_BATCH_SIZE, MergeRun};
pub use register::{RegisterMergeOperator, RegisterOperand};
