//! Sorted streams of rows. Week 5's room.
//!
//! Every place where rows are can be read as a stream in the order of
//! [`SequencedKey`](crate::storage::SequencedKey): the [memtable](mem_table_iterator), an
//! [SST](sst_iterator), [several of them merged](merge_iterator). On top of such a stream stand those
//! that give it its meaning: what is visible in a [snapshot](snapshot_iterator), what
//! [some snapshot still needs](retention_iterator), and what a [user of the
//! database](db_iterator) sees.

pub mod bytes_range;
pub mod db_iterator;
pub mod mem_table_iterator;
pub mod merge_iterator;
pub mod peeking_iterator;
pub mod retention_iterator;
pub mod row_entry_iterator;
pub mod snapshot_iterator;
pub mod sorted_run_iterator;
pub mod sst_iterator;
pub mod vec_iterator;

pub use bytes_range::BytesRange;
pub use db_iterator::{DbIterator, KeyValue};
pub use mem_table_iterator::MemTableIterator;
pub use merge_iterator::MergeIterator;
pub use peeking_iterator::PeekingIterator;
pub use retention_iterator::{RetentionIterator, stripe_of};
pub use row_entry_iterator::RowEntryIterator;
pub use snapshot_iterator::SnapshotIterator;
pub use sorted_run_iterator::SortedRunIterator;
pub use sst_iterator::SstIterator;
pub use vec_iterator::VecIterator;
