//! A flush in the middle.

use bytes::Bytes;

/// A flush that has begun. When it is tried again, it goes on with the same SST.
#[derive(Debug)]
pub struct UnfinishedFlush {
    /// The segment that holds the memtable's rows.
    pub wal_id: u64,
    /// Bytes of the memtable's rows.
    pub row_bytes: u64,
    /// The SST, until it is put. It is as large as a memtable.
    pub object: Bytes,
    /// The number under which it was put.
    pub sst: Option<u64>,
}
