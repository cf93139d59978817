//! What is counted while the database works.

use std::sync::atomic::AtomicU64;

/// What was written since the database was opened, in bytes.
#[derive(Debug, Default)]
pub struct Counters {
    /// By flushes, as rows in memtables.
    pub flushed_rows: AtomicU64,
    /// By flushes.
    pub flushed: AtomicU64,
    /// By compactions.
    pub compacted: AtomicU64,
}
