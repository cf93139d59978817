//! Committing manifests, and what is known of a writer that has taken over.

use std::sync::atomic::Ordering;

use crate::compaction::CompactionSpec;
use crate::error::{Error, Result};
use crate::format::Step;

use super::db_inner::{DbInner, locked};
use super::fence::Fence;
use super::manifest::Manifest;
use super::manifest_store::ManifestStore;
use super::state::Run;
use super::unknown_commit::UnknownCommit;

impl DbInner {
    /// Commits the manifest of a flush that `next` makes of the current one.
    pub(super) fn commit(&self, next: impl FnOnce(&Manifest) -> Manifest) -> Result<()> {
        self.commit_next(next, None)?;
        let finished = locked(&self.unfinished).take();
        if let Some(id) = finished.and_then(|flush| flush.id) {
            self.sst_pins.release(id);
        }
        Ok(())
    }

    /// Commits the manifest of a compaction, and lets the run take the place of the sources in the
    /// state.
    pub(super) fn commit_compaction(&self, spec: &CompactionSpec, run: Run) -> Result<()> {
        let ids: Vec<u64> = run.ssts.iter().map(|sst| sst.id).collect();
        let compaction = Some((spec.clone(), run));
        self.commit_next(|manifest| manifest.with_compaction(spec, &ids), compaction)
    }

    /// Commits the manifest that `next` makes of the current one, after a commit whose outcome is not
    /// known. So `next` may meet a manifest that it has made itself.
    fn commit_next(
        &self,
        next: impl FnOnce(&Manifest) -> Manifest,
        compaction: Option<(CompactionSpec, Run)>,
    ) -> Result<()> {
        let mut manifests = self.manifests();
        self.settle(&mut manifests)?;
        let manifest = next(manifests.manifest());
        self.try_commit(&mut manifests, UnknownCommit { manifest, compaction })
    }

    /// If the outcome of the last commit is not known: commits the same manifest again. Whichever of the
    /// two puts comes first, the version is the same. (A flush is tried again too, with the same SST, until
    /// it succeeds. A compaction is not: the next one may be another, and must not be made of levels that
    /// are no longer those of the manifest.)
    pub(super) fn settle(&self, manifests: &mut ManifestStore) -> Result<()> {
        if locked(&self.unknown_commit).is_none() {
            return Ok(());
        }
        // If a newer writer has built on this commit, its garbage collector may have deleted it.
        self.note_fence(manifests.check_newest())?;
        let unknown = locked(&self.unknown_commit).take();
        unknown.map_or(Ok(()), |commit| self.try_commit(manifests, commit))
    }

    /// Commits a manifest. If it was a compaction's, the run takes the place of the sources in the state. A
    /// fenced writer is told so from then on, whatever it does. Records `ManifestCommit`.
    fn try_commit(&self, manifests: &mut ManifestStore, commit: UnknownCommit) -> Result<()> {
        let committed = self.note_fence(manifests.commit(commit.manifest.clone()));
        if committed.is_err() && self.fence.get().is_none() {
            *locked(&self.unknown_commit) = Some(commit);
            return committed;
        }
        committed?;
        self.manifest_id.store(manifests.id(), Ordering::Release);
        self.trace.record(|| Step::ManifestCommit { manifest: manifests.id() });
        if let Some((spec, run)) = commit.compaction {
            self.swap_state(|state| state.compacted(&spec, run));
        }
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
