//! What the engine means: the executable specification. Week 2's room.
//!
//! [`Model`] is the whole database on plain collections: no file, no thread, no lock, no cache. Each
//! operation is pseudocode that runs. It returns its answer, and the list of
//! [steps](crate::format::Step) that it took: the same that the real engine records in its trace. So
//! the two can be compared step by step, and not only by what they answer.
//!
//! One file for each operation:
//!
//! | file | what it says |
//! |---|---|
//! | [`mod@model`] | what a database consists of; snapshots, a restart |
//! | [`write`](mod@write) | put, delete, merge, and a batch |
//! | [`get`] | where a key is looked for, and what is found |
//! | [`flush`] | freeze, flush, and which rows an SST needs |
//! | [`scan`] | sorted lists as one, and what a user sees of it |
//! | [`merge`] | what merge operands make |

pub mod flush;
pub mod get;
pub mod merge;
#[expect(clippy::module_inception, reason = "the file of `Model` is called model")]
pub mod model;
pub mod operands;
pub mod range;
pub mod scan;
pub mod table;
pub mod write;

pub use merge::MergeFn;
pub use model::{Frozen, Model, Sst};
pub use table::Table;
pub use write::Change;
