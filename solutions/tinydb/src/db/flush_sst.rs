//! The SST of a flush: making it, putting it on the object store, opening it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::iter::{BytesRange, MemTableIterator, RetentionIterator, RowEntryIterator};
use crate::merge::MergeOperatorIterator;
use crate::storage::{MemTable, SstBuilder, SstOptions};

use super::db_inner::{DbInner, locked};
use super::paths;
use super::state::Sst;
use super::unfinished_flush::UnfinishedFlush;

impl DbInner {
    /// The SST of an immutable memtable: without the rows that no reader can see any more, and with
    /// merge operands merged.
    ///
    /// An operator that fails, or makes a value that is too large, must not stop the flush. Its
    /// operands are then written as they are, and it is the reader of the key who gets the error.
    ///
    /// When a flush is tried again, its SST is the same to the byte, whatever snapshots are open by
    /// now: see [`DbInner::put_sst`].
    pub(super) fn build_sst(&self, wal_id: u64, table: &Arc<MemTable>) -> Result<Bytes> {
        let mut unfinished = locked(&self.unfinished);
        match &*unfinished {
            Some(begun) if begun.wal_id == wal_id => Ok(begun.object.clone()),
            _ => {
                let object = self.encode_table(table)?;
                *unfinished = Some(UnfinishedFlush {
                    wal_id,
                    row_bytes: table.approximate_size() as u64,
                    object: object.clone(),
                    sst: None,
                });
                Ok(object)
            }
        }
    }

    fn encode_table(&self, table: &Arc<MemTable>) -> Result<Bytes> {
        let options = &self.settings.sst_options();
        let boundaries = self.snapshot_seqs();
        let needed = || {
            let all = MemTableIterator::new(Arc::clone(table), &BytesRange::ALL);
            RetentionIterator::new(all, boundaries.clone())
        };
        let Some(operator) = &self.merge_operator else {
            return encode_sst(needed(), options);
        };
        let merged = MergeOperatorIterator::new(needed(), Arc::clone(operator), boundaries.clone());
        match encode_sst(merged, options) {
            Err(Error::MergeFailed { .. } | Error::InvalidArgument { .. }) => {
                encode_sst(needed(), options)
            }
            encoded => encoded,
        }
    }

    /// Puts the SST of a flush on the object store, under the first free number from `id` on. When the
    /// flush is tried again, the SST keeps the number that it has.
    pub(super) fn put_sst(&self, id: u64, object: Bytes) -> Result<u64> {
        if let Some(UnfinishedFlush { sst: Some(id), .. }) = &*locked(&self.unfinished) {
            return Ok(*id);
        }
        let size = object.len() as u64;
        let id = self.put_new_sst(id, object)?;
        self.counters.flushed.fetch_add(size, Ordering::Relaxed);
        if let Some(unfinished) = &mut *locked(&self.unfinished) {
            (unfinished.sst, unfinished.object) = (Some(id), Bytes::new());
            self.counters.flushed_rows.fetch_add(unfinished.row_bytes, Ordering::Relaxed);
        }
        Ok(id)
    }

    /// Puts an SST on the object store under the first free number from `id` on. Numbers below may
    /// be taken by one that was not committed yet, or that a crash or a fenced writer left behind.
    ///
    /// If one of them has the same bytes, it is this SST: an earlier try got no answer to its put.
    ///
    /// The SST is pinned: whoever commits it or gives it up releases it.
    pub(super) fn put_new_sst(&self, mut id: u64, object: Bytes) -> Result<u64> {
        loop {
            id = self.hold_next(id);
            let path = paths::sst(id);
            match self.object_store.put_if_absent(&path, object.clone()) {
                Err(Error::AlreadyExists { .. }) if id < u64::MAX => {
                    let found = self.object_store.get(&path);
                    if matches!(&found, Ok(found) if *found == object) {
                        return Ok(id);
                    }
                    self.sst_pins.release(id);
                    found?;
                    id += 1;
                }
                Ok(()) => return Ok(id),
                Err(error) => {
                    self.sst_pins.release(id);
                    return Err(error);
                }
            }
        }
    }

    /// Pins `id`, or the next number that the manifest gives out, if that is higher. No manifest is
    /// committed meanwhile: the garbage collector relies on it.
    fn hold_next(&self, id: u64) -> u64 {
        let manifests = self.manifests();
        let id = id.max(manifests.manifest().next_sst_id);
        self.sst_pins.hold(id);
        id
    }

    /// Opens SST `id`, with the block cache.
    pub(super) fn open_sst(&self, id: u64) -> Result<Sst> {
        let sst = Sst::open(&self.object_store, id, self.block_cache.as_ref())?;
        self.sst_pins.opened(id, &sst.reader);
        Ok(sst)
    }
}

/// The SST of some rows.
fn encode_sst(mut rows: impl RowEntryIterator, options: &SstOptions) -> Result<Bytes> {
    let mut builder = SstBuilder::with_options(options);
    while let Some(row) = rows.next()? {
        builder.add(&row)?;
    }
    builder.finish()
}
