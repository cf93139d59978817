//! The threads that compact in the background, and compaction on demand.
//!
//! SlateDB: the tasks `compactor` and `compaction_worker`, in `src/compactor.rs` and
//! `src/compaction_worker.rs`.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bytes::Bytes;

use crate::compaction::{
    Compaction, CompactionScheduler, CompactionSpec, SizeTieredCompactionScheduler, SourceId,
    full_compaction,
};
use crate::error::{Error, Result};
use crate::format::Step;
use crate::object_store::Parts;

use super::compactions::RunningCompaction;
use super::db_inner::DbInner;
use super::options::CompactorOptions;
use super::state::{DbState, Run, readers};
use super::trivial_move::trivial_move;

/// Starts the threads: as many as compactions may run at a time.
pub fn spawn(db: &Arc<DbInner>) -> Result<Vec<JoinHandle<()>>> {
    let Some(options) = &db.settings.compactor_options else { return Ok(Vec::new()) };
    let scheduler = Arc::new(SizeTieredCompactionScheduler::new(options.size_tiered)?);
    let spawn_one = |_| {
        let (db, scheduler) = (Arc::clone(db), Arc::clone(&scheduler));
        let run = move || db.compact_in_background(&*scheduler);
        let spawned = thread::Builder::new().name("tinydb-compactor".to_owned()).spawn(run);
        spawned.map_err(Error::io("start", "a compactor's thread"))
    };
    (0..options.max_concurrent_compactions).map(spawn_one).collect()
}

impl DbInner {
    fn compact_in_background(&self, scheduler: &dyn CompactionScheduler) {
        let propose = |running: &[CompactionSpec]| {
            let state = self.state();
            let spec = scheduler.propose(&state.levels(), running)?;
            Some(begin(&state, spec))
        };
        while let Some(compaction) = self.compactions.next(propose) {
            let result = self.compact(&compaction);
            if let Err(error) = result
                && self.is_level_0_full()
                && !self.compactions.is_stopped()
            {
                // Flushes wait for this compaction, and writers for flushes.
                let source = Arc::new(error);
                self.flushes.attempted(Err(Error::CompactionFailed { source }));
            }
        }
    }

    /// Merges everything into one sorted run, and waits until that is done.
    pub(super) fn compact_all(&self) -> Result<()> {
        self.flush()?;
        self.settle(&mut self.manifests())?;
        let propose = || {
            let state = self.state();
            full_compaction(&state.levels()).map(|spec| begin(&state, spec))
        };
        while let Some(compaction) = self.compactions.start_alone(propose)? {
            match self.compact(&compaction) {
                Err(Error::Cancelled { .. }) if self.check_open().is_err() => {
                    return self.check_open();
                }
                Ok(Outcome::Overtaken) => {}
                result => return result.map(drop),
            }
        }
        Ok(())
    }

    /// Runs a compaction, and tells the others how it ended.
    fn compact(&self, compaction: &RunningCompaction) -> Result<Outcome> {
        let mut ended = Ended { db: self, compaction, succeeded: false };
        let result = self.merge_and_commit(compaction);
        ended.succeeded = result.is_ok();
        result
    }

    fn merge_and_commit(&self, running: &RunningCompaction) -> Result<Outcome> {
        let RunningCompaction { spec, progress, .. } = running;
        spec.validate(&running.proposed_for)?;
        self.settle(&mut self.manifests())?;
        let state = self.state();
        if spec.validate(&state.levels()).is_err() {
            return Ok(Outcome::Overtaken);
        }
        let mut held = Held { db: self, ids: Vec::new() };
        let compaction = self.compaction_of(&state, spec);
        let put = |parts: &mut Parts<'_>| {
            let mut size = 0;
            let count = |part: &Result<Bytes>| size += part.as_ref().map_or(0, Bytes::len) as u64;
            let id = self.put_next_sst(&mut parts.inspect(count))?;
            held.ids.push(id);
            self.counters.compacted.fetch_add(size, Ordering::Relaxed);
            self.open_sst(id)
        };
        let ssts = match trivial_move(&state, spec, compaction.max_sst_size) {
            Some(ssts) => ssts,
            None => compaction.run(progress, put)?,
        };
        progress.check()?;
        let (sources, run, count) = (spec.sources.len(), spec.destination, ssts.len());
        let rows = ssts.iter().map(|sst| sst.reader.footer().row_count).sum();
        self.commit_compaction(spec, Run { id: run, ssts })?;
        self.trace.record(|| Step::Compaction { sources, run, ssts: count, rows });
        Ok(Outcome::Committed)
    }

    /// What `spec` means in `state`.
    fn compaction_of(&self, state: &DbState, spec: &CompactionSpec) -> Compaction {
        let default = CompactorOptions::default();
        let options = self.settings.compactor_options.as_ref().unwrap_or(&default);
        let oldest = state.sorted_runs.last().map(|run| SourceId::SortedRun(run.id));
        Compaction {
            sources: spec.sources.iter().map(|&id| readers(state.source(id))).collect(),
            to_last_run: oldest.is_none_or(|oldest| spec.sources.contains(&oldest)),
            // Whoever opens a snapshot later sees the newest row of everything that is in an SST now.
            boundaries: self.snapshot_seqs(),
            merge_operator: self.merge_operator.clone(),
            max_sst_size: options.max_sst_size,
            sst_options: self.settings.sst_options(),
        }
    }

    /// Whether a flush has to wait for a compaction.
    pub(super) fn is_level_0_full(&self) -> bool {
        self.settings.compactor_options.is_some()
            && self.state().l0.len() >= self.settings.l0_max_ssts
    }
}

/// How a compaction ended that did not fail.
enum Outcome {
    Committed,
    /// The commit of one before had no answer when this one was proposed, and has changed since what
    /// there is to merge.
    Overtaken,
}

/// A compaction that begins.
fn begin(state: &DbState, spec: CompactionSpec) -> RunningCompaction {
    let ssts = spec.sources.iter().flat_map(|&id| state.source(id));
    let total_rows = ssts.map(|sst| sst.reader.footer().row_count).sum();
    RunningCompaction::new(spec, state.levels(), total_rows)
}

/// The SSTs that a compaction has put. When it ends, the manifest names them or nobody needs them.
struct Held<'a> {
    db: &'a DbInner,
    ids: Vec<u64>,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.ids.iter().for_each(|&id| self.db.sst_pins.release(id));
    }
}

/// Tells the others that a compaction has ended, also if it ends by a panic.
struct Ended<'a> {
    db: &'a DbInner,
    compaction: &'a RunningCompaction,
    succeeded: bool,
}

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        let options = self.db.settings.compactor_options.as_ref();
        let pause = (!self.succeeded).then(|| options.map_or(Duration::ZERO, |it| it.retry_after));
        self.db.compactions.finished(self.compaction, pause);
        // Level 0 may have room again.
        if self.succeeded {
            self.db.flushes.request();
        }
    }
}
