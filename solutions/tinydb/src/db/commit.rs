//! Committing manifests, and what is known of a writer that has taken over.

use std::sync::atomic::Ordering;

use crate::error::{Error, Result};
use crate::format::Step;

use super::db_inner::{DbInner, locked};
use super::fence::Fence;
use super::manifest::Manifest;

impl DbInner {
    /// Commits the manifest of a flush that `next` makes of the current one.
    pub(super) fn commit(&self, next: impl FnOnce(&Manifest) -> Manifest) -> Result<()> {
        self.commit_manifest(next)?;
        let finished = locked(&self.unfinished).take();
        if let Some(id) = finished.and_then(|flush| flush.sst) {
            self.sst_pins.release(id);
        }
        Ok(())
    }

    /// Commits the manifest that `next` makes of the current one. A fenced writer is told so from
    /// then on, whatever it does. Records `ManifestCommit`.
    ///
    /// If an earlier commit got no answer, it is first looked up whether it was carried out. So
    /// `next` may meet a manifest that it has made itself.
    pub(super) fn commit_manifest(&self, next: impl FnOnce(&Manifest) -> Manifest) -> Result<()> {
        let mut manifests = self.manifests();
        if self.unknown_commit.load(Ordering::Relaxed) {
            self.note_fence(manifests.catch_up())?;
        }
        let next = next(manifests.manifest());
        let committed = manifests.commit(next);
        self.unknown_commit.store(committed.is_err(), Ordering::Relaxed);
        self.note_fence(committed)?;
        self.trace.record(|| Step::ManifestCommit { manifest: manifests.id() });
        Ok(())
    }

    /// Keeps the fence, if `result` is one. Only the first is kept.
    fn note_fence(&self, result: Result<()>) -> Result<()> {
        if let Some(fence) = result.as_ref().err().and_then(Fence::of) {
            let _ = self.fence.set(fence);
        }
        result
    }

    /// After the WAL has failed: was it another writer? Then everybody is told so from now on.
    pub(super) fn look_for_fence(&self) {
        // If the object store does not answer, the error of the WAL is all that is known.
        let _ = self.note_fence(self.manifests().check_newest());
    }

    /// Fails if another writer is known to have taken over.
    pub(super) fn fenced(&self) -> Result<()> {
        self.fence.get().map_or(Ok(()), |fence| Err(fence.error()))
    }

    /// Fails if the database was closed or fenced.
    pub(super) fn check_open(&self) -> Result<()> {
        self.fenced()?;
        if self.closed.load(Ordering::Acquire) { Err(Error::Closed) } else { Ok(()) }
    }
}
