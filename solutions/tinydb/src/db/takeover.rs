//! Becoming the writer of a database that somebody else may have written meanwhile.
//!
//! The manifest counts WAL segments, and means those of the writer that committed it. When another
//! machine has taken the database over, with a WAL of its own, the numbers are of *its* segments. If
//! the first one came back and believed them, it would take rows for flushed that never were, and
//! delete them. So every WAL remembers the epoch of its last writer, and a WAL with rows of a
//! writer that was replaced is refused.
//!
//! SlateDB keeps its WAL on the object store, where every writer finds it: `WriterFencer::fence` in
//! `src/fence.rs` raises the epoch, and `SlateDbWalWriterInit::fence_and_init` in
//! `src/wal/slatedb/writer_init.rs` fences the WAL.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::object_store::ObjectStore;
use crate::storage::{WalReader, WalStore};

use super::manifest::Manifest;
use super::manifest_store::ManifestStore;

/// Checks that the WAL goes on where the newest manifest ends, and commits the next epoch.
///
/// If the WAL belongs to a writer that was replaced, [`Error::WalReplaced`], and nothing is committed;
/// but if it holds no row, its segments are deleted and it is begun anew.
pub(super) fn open_manifests(
    wal_store: &dyn WalStore,
    object_store: &Arc<dyn ObjectStore>,
) -> Result<Takeover> {
    let latest = ManifestStore::latest(&**object_store)?;
    let newest = latest.map_or(0, |(_, manifest)| manifest.writer_epoch);
    if let Some(epoch) = wal_store.epoch()?.filter(|&epoch| epoch < newest) {
        delete_if_empty(wal_store, epoch, newest)?;
    }
    // Noted first: a crash before the commit must not make this WAL look replaced.
    wal_store.note_epoch(newest.saturating_add(1))?;
    let manifests = ManifestStore::open(Arc::clone(object_store))?;
    let epoch = manifests.manifest().writer_epoch;
    if epoch > newest.saturating_add(1) {
        wal_store.note_epoch(epoch)?;
    }
    let next_wal_id = manifests.manifest().replay_after_wal_id.saturating_add(1);
    match wal_store.fence(next_wal_id) {
        Ok(others_can_write) => Ok(Takeover { manifests, others_can_write }),
        // What another writer does meanwhile may look like damage.
        Err(error) => manifests.check_newest().and(Err(error)),
    }
}

/// A writer that has taken the database over, and has not read it yet.
#[derive(Debug)]
pub(super) struct Takeover {
    manifests: ManifestStore,
    others_can_write: bool,
}

impl Takeover {
    /// Reads the database. If yet another writer came meanwhile, it may have flushed and deleted
    /// segments before they were read here, or begun segments that were read: [`Error::Fenced`]. If
    /// not, what was read is the whole database.
    pub(super) fn read<T>(
        self,
        read: impl FnOnce(&Manifest) -> Result<T>,
    ) -> Result<(ManifestStore, T)> {
        let found = read(self.manifests.manifest());
        if self.others_can_write {
            self.manifests.check_newest()?;
        }
        Ok((self.manifests, found?))
    }
}

/// Deletes the segments of a writer that was replaced, unless one of them holds a row.
fn delete_if_empty(wal_store: &dyn WalStore, epoch: u64, newer_epoch: u64) -> Result<()> {
    let segments = wal_store.list()?;
    for &wal_id in &segments {
        let segment = wal_store.name(wal_id);
        let contents = wal_store.open(wal_id)?.read_all().map_err(Error::io("read", &segment))?;
        if WalReader::new(&segment, contents)?.next_batch()?.is_some() {
            return Err(Error::WalReplaced { segment, epoch, newer_epoch });
        }
    }
    segments.iter().try_for_each(|&wal_id| wal_store.delete(wal_id))
}
