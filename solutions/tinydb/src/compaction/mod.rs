//! Picks, merges and retires SSTs. Week 8's room, with [`object_store`](crate::object_store).
//!
//! A [scheduler](size_tiered) looks at the [levels] and says which SSTs and sorted runs to merge
//! next. It knows their order and their sizes and nothing else, so it is a pure function. A
//! [compaction](compactor) merges them into a new sorted run. What nobody needs afterwards is found
//! by the [garbage collector](garbage_collector).
//!
//! Nothing here knows the database, which is above: it asks the scheduler, runs the compaction in a
//! thread of its own, commits the result, and deletes the garbage.

pub mod compaction_progress;
pub mod compactor;
pub mod garbage_collector;
pub mod last_run_iterator;
pub mod levels;
pub mod size_tiered;
pub mod sst_parts;

pub use compaction_progress::CompactionProgress;
pub use compactor::Compaction;
pub use garbage_collector::{FoundManifest, FoundSst, Garbage, Inventory};
pub use last_run_iterator::LastRunIterator;
pub use levels::{CompactionSource, CompactionSpec, Levels, SourceId, full_compaction};
pub use size_tiered::{
    CompactionScheduler, SizeTieredCompactionOptions, SizeTieredCompactionScheduler,
};
pub use sst_parts::SstParts;
