//! Picks, merges and retires SSTs. Week 8's room, with [`object_store`](crate::object_store).
//!
//! A [scheduler](size_tiered) looks at the [levels] and says which SSTs and sorted runs to merge
//! next. It knows their order and their sizes and nothing else, so it is a pure function.

pub mod levels;
pub mod size_tiered;

pub use levels::{CompactionSource, CompactionSpec, Levels, SourceId, full_compaction};
pub use size_tiered::{
    CompactionScheduler, SizeTieredCompactionOptions, SizeTieredCompactionScheduler,
};
