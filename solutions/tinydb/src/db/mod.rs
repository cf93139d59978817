//! The database: everything put together. Week 4's room.
//!
//! A [`Db`] writes through the [WAL](crate::storage::wal) into a
//! [memtable](crate::storage::MemTable), [flushes](flusher) full memtables into
//! [SSTs](crate::storage::sst), and writes down in the [manifest] which files are in use. Readers
//! look at an immutable [state], newest place first. [Recovery](recovery) puts the state together
//! again from the manifest and the WAL.
//!
//! ```text
//! put ──> WAL segment ──> memtable ──(freeze)──> immutable memtables ──(flush)──> SSTs, level 0
//!         wal/<id>.wal                                                           sst/<id>.sst
//!                                                                                manifest/<id>.manifest
//! ```

pub mod backpressure;
pub mod builder;
pub mod commit;
pub mod compaction_worker;
pub mod compactions;
pub(crate) mod counters;
#[expect(clippy::module_inception, reason = "the file of `Db` is called db, as SlateDB's is")]
pub mod db;
pub mod db_inner;
pub(crate) mod fence;
pub mod flush_progress;
pub mod flush_sst;
pub mod flusher;
pub mod garbage;
pub mod garbage_collection;
pub(crate) mod handle;
pub mod manifest;
pub mod manifest_store;
pub(crate) mod new_sst;
pub mod options;
pub mod paths;
pub mod recovery;
pub mod snapshot;
pub mod sst_pins;
pub mod state;
pub mod stats;
pub mod takeover;
pub mod trace;
pub(crate) mod traced_merge_operator;
pub(crate) mod traced_rows;
pub(crate) mod trivial_move;
pub(crate) mod unfinished_flush;
pub mod unknown_commit;
pub mod wal_flusher;
pub mod write_batch;

pub use builder::DbBuilder;
pub use compactions::RunningCompaction;
pub use db::Db;
pub use manifest::{Manifest, SortedRun};
pub use manifest_store::ManifestStore;
pub use options::{CompactorOptions, GarbageCollectorOptions, Settings, WriteOptions};
pub use snapshot::Snapshot;
pub use state::{DbState, ImmutableMemTable, Run};
pub use stats::Stats;
pub use trace::Trace;
pub use write_batch::WriteBatch;
