//! The database as it was at one moment.

use std::sync::Arc;

use bytes::Bytes;

use crate::error::Result;
use crate::iter::{BytesRange, DbIterator};

use super::handle::Handle;

/// The database as it was when [`Db::snapshot`](super::Db::snapshot) was called. Later writes are
/// not seen. A flush keeps what an open snapshot needs, so one that is held for long costs space.
///
/// SlateDB: `DbSnapshot` in `src/db_snapshot.rs`.
#[derive(Debug)]
pub struct Snapshot {
    handle: Arc<Handle>,
    seq: u64,
}

impl Snapshot {
    pub(super) fn new(handle: Arc<Handle>) -> Self {
        let seq = handle.inner.open_snapshot();
        Self { handle, seq }
    }

    /// The sequence number of the last write that is seen.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// As [`Db::get`](super::Db::get).
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Bytes>> {
        self.handle.inner.get(key.as_ref(), Some(self.seq))
    }

    /// As [`Db::scan`](super::Db::scan).
    pub fn scan(&self, range: impl Into<BytesRange>) -> Result<DbIterator> {
        self.handle.inner.scan(&range.into(), Some(self.seq))
    }

    /// As [`Db::scan_prefix`](super::Db::scan_prefix).
    pub fn scan_prefix(&self, prefix: impl AsRef<[u8]>) -> Result<DbIterator> {
        self.scan(BytesRange::from_prefix(prefix.as_ref()))
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        self.handle.inner.close_snapshot(self.seq);
    }
}
