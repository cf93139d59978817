//! The SST of a flush: making it, putting it on the object store, opening it.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::object_store::Parts;
use crate::storage::MemTable;

use super::db_inner::{DbInner, locked};
use super::new_sst::NewSst;
use super::paths;
use super::state::Sst;
use super::unfinished_flush::UnfinishedFlush;

impl DbInner {
    /// The SST of an immutable memtable: without the rows that no reader can see any more, and with
    /// merge operands merged. Its bytes are made when it is put.
    ///
    /// When a flush is tried again, its SST is the same to the byte, whatever snapshots are open by
    /// now: see [`DbInner::put_sst`].
    pub(super) fn new_sst(&self, wal_id: u64, table: &Arc<MemTable>) -> NewSst {
        let mut unfinished = locked(&self.unfinished);
        match &*unfinished {
            Some(begun) if begun.wal_id == wal_id => begun.sst.clone(),
            _ => {
                let sst = NewSst {
                    table: Arc::clone(table),
                    boundaries: self.snapshot_seqs(),
                    merge_operator: self.merge_operator.clone(),
                    options: self.settings.sst_options(),
                };
                *unfinished = Some(UnfinishedFlush { wal_id, sst: sst.clone(), id: None });
                sst
            }
        }
    }

    /// Puts the SST of a flush on the object store, under the first free number from `id` on. When the
    /// flush is tried again, the SST keeps the number that it has.
    ///
    /// An operator that fails, or makes a value that is too large, must not stop the flush. Its
    /// operands are then written as they are, and it is the reader of the key who gets the error.
    pub(super) fn put_sst(&self, id: u64, sst: NewSst) -> Result<u64> {
        if let Some(UnfinishedFlush { id: Some(id), .. }) = &*locked(&self.unfinished) {
            return Ok(*id);
        }
        let size = Cell::new(0);
        let put = |sst: &NewSst| {
            self.put_new_sst(id, &|| {
                size.set(0);
                let count = |part: &Result<Bytes>| {
                    size.set(size.get() + part.as_ref().map_or(0, Bytes::len));
                };
                Box::new(sst.parts().inspect(count))
            })
        };
        let id = match put(&sst) {
            Err(Error::MergeFailed { .. } | Error::InvalidArgument { .. })
                if sst.merge_operator.is_some() =>
            {
                put(&NewSst { merge_operator: None, ..sst.clone() })?
            }
            put => put?,
        };
        let row_bytes = sst.table.approximate_size() as u64;
        self.counters.flushed.fetch_add(size.get() as u64, Ordering::Relaxed);
        self.counters.flushed_rows.fetch_add(row_bytes, Ordering::Relaxed);
        if let Some(unfinished) = &mut *locked(&self.unfinished) {
            unfinished.id = Some(id);
        }
        Ok(id)
    }

    /// Puts the next SST of a compaction on the object store, under the first free number. Its bytes can be
    /// had only once: so the number is looked for first. If it is taken all the same, by a writer that was
    /// fenced, the compaction fails, and the next one takes another.
    ///
    /// The SST is pinned: whoever commits it or gives it up releases it.
    pub(super) fn put_next_sst(&self, parts: &mut Parts<'_>) -> Result<u64> {
        let id = self.hold_free()?;
        let put = self.object_store.put_parts_if_absent(&paths::sst(id), parts);
        if put.is_err() {
            self.sst_pins.release(id);
        }
        put.map(|()| id)
    }

    /// Pins the first number under which there is no SST.
    fn hold_free(&self) -> Result<u64> {
        let mut id = 0;
        loop {
            id = self.hold_next(id);
            let found = self.object_store.head(&paths::sst(id));
            if let Err(Error::NotFound { .. }) = found {
                return Ok(id);
            }
            self.sst_pins.release(id);
            let path = found?.path;
            id = id.checked_add(1).ok_or(Error::AlreadyExists { path })?;
        }
    }

    /// Puts an SST on the object store under the first free number from `id` on. Others may be taken: by
    /// a flush or compaction under way, by what a crash left behind, or by a writer that was fenced.
    ///
    /// If one of them has the same bytes, it is this SST: an earlier try got no answer to its put.
    ///
    /// The SST is pinned: whoever commits it or gives it up releases it.
    fn put_new_sst<'a>(&self, mut id: u64, parts: &dyn Fn() -> Box<Parts<'a>>) -> Result<u64> {
        loop {
            id = self.hold_next(id);
            let path = paths::sst(id);
            let put = match self.object_store.put_parts_if_absent(&path, &mut *parts()) {
                Err(Error::AlreadyExists { .. }) if id < u64::MAX => {
                    self.object_store.get(&path).and_then(|found| is_made_of(&found, parts()))
                }
                put => put.map(|()| true),
            };
            if matches!(put, Ok(true)) {
                return Ok(id);
            }
            self.sst_pins.release(id);
            put?;
            id += 1;
        }
    }

    /// Pins the first number that is free, from `id` on and from the next one that the manifest gives
    /// out. No manifest is committed meanwhile: the garbage collector relies on it.
    fn hold_next(&self, id: u64) -> u64 {
        let manifests = self.manifests();
        self.sst_pins.hold(id.max(manifests.manifest().next_sst_id))
    }

    /// Opens SST `id`, with the block cache.
    pub(super) fn open_sst(&self, id: u64) -> Result<Sst> {
        let sst = Sst::open(&self.object_store, id, self.block_cache.as_ref())?;
        self.sst_pins.opened(id, &sst.reader);
        Ok(sst)
    }
}

/// Whether the bytes of `parts` are those of `object`.
fn is_made_of(mut object: &[u8], parts: Box<Parts<'_>>) -> Result<bool> {
    for part in parts {
        match object.strip_prefix(&*part?) {
            Some(rest) => object = rest,
            None => return Ok(false),
        }
    }
    Ok(object.is_empty())
}
