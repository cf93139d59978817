//! A flush in the middle.

use super::new_sst::NewSst;

/// A flush that has begun. When it is tried again, it goes on with the same SST.
#[derive(Debug)]
pub struct UnfinishedFlush {
    /// The segment that holds the memtable's rows.
    pub wal_id: u64,
    /// The SST.
    pub sst: NewSst,
    /// The number under which it was put.
    pub id: Option<u64>,
}
