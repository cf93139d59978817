//! One compaction: sorted sources in, a new sorted run out.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::iter::{
    BytesRange, MergeIterator, PeekingIterator, RetentionIterator, RowEntryIterator,
    SortedRunIterator,
};
use crate::merge::{MergeOperator, MergeOperatorIterator};
use crate::object_store::Parts;
use crate::storage::{SstOptions, SstReader};

use super::compaction_progress::CompactionProgress;
use super::last_run_iterator::LastRunIterator;
use super::sst_parts::SstParts;

// ANCHOR: compaction
/// What one compaction reads, and what it may leave out.
///
/// It only writes SSTs that nobody knows of. The database makes them its own by a commit of the
/// manifest, which also drops the sources. So a crash, an error or a cancellation at any point
/// leaves SSTs that nobody reads, and the garbage collector takes them.
///
/// SlateDB: `StartCompactionJobArgs` and `TokioCompactionExecutorInner` in
/// `src/compactor_executor.rs`.
#[derive(Debug)]
pub struct Compaction {
    /// The sources, newest first: each a sorted run, or a level-0 SST by itself.
    pub sources: Vec<Vec<Arc<SstReader>>>,
    /// Whether the sources reach down to the oldest run, so that nothing lies below the output.
    pub to_last_run: bool,
    /// The sequence numbers of the open snapshots, ascending.
    pub boundaries: Vec<u64>,
    /// What merge operands mean; without it they stay as they are.
    pub merge_operator: Option<Arc<dyn MergeOperator>>,
    /// An SST of the output is finished when its data has this many bytes, at the next key.
    pub max_sst_size: usize,
    /// How the output is encoded.
    pub sst_options: SstOptions,
}
// ANCHOR_END: compaction

impl Compaction {
    /// Writes the output: calls `put` for each SST, in key order, and returns what it returned. `put` is
    /// given the SST's bytes, part by part, and takes all of them, unless it fails.
    ///
    /// An operator that fails, or makes a value that is too large, must not stop compaction for
    /// ever. Its operands are then written as they are, and it is the reader of the key who gets the
    /// error.
    pub fn run<T>(
        &self,
        progress: &CompactionProgress,
        mut put: impl FnMut(&mut Parts<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let rows = |operator| self.rows(operator, progress);
        match self.write(rows(self.merge_operator.as_ref()), progress, &mut put) {
            Err(Error::MergeFailed { .. } | Error::InvalidArgument { .. })
                if self.merge_operator.is_some() =>
            {
                self.write(rows(None), progress, &mut put)
            }
            written => written,
        }
    }

    /// The rows of the output: those of all sources, merged; without the rows that no reader can see
    /// any more; with runs of operands merged; and, if nothing lies below the output, without the
    /// tombstones that hide nothing.
    // exercise: week8.6
    pub fn rows(
        &self,
        operator: Option<&Arc<dyn MergeOperator>>,
        progress: &CompactionProgress,
    ) -> Box<dyn RowEntryIterator> {
        let sources = self.sources.iter().map(|ssts| {
            let rows = SortedRunIterator::new(ssts.clone(), BytesRange::ALL);
            Box::new(progress.watch(rows)) as Box<dyn RowEntryIterator>
        });
        let merged = MergeIterator::new(sources.collect());
        let retained = RetentionIterator::new(merged, self.boundaries.clone());
        let rows: Box<dyn RowEntryIterator> = match operator {
            Some(operator) => {
                let boundaries = self.boundaries.clone();
                Box::new(MergeOperatorIterator::new(retained, Arc::clone(operator), boundaries))
            }
            None => Box::new(retained),
        };
        if self.to_last_run { Box::new(LastRunIterator::new(rows)) } else { rows }
    }

    /// Writes `rows` as SSTs, each handed to `put` part by part; returns what `put` returned. No rows, no
    /// SST. The first error ends it.
    // exercise: week8.7
    pub fn write<T>(
        &self,
        rows: impl RowEntryIterator,
        progress: &CompactionProgress,
        put: &mut dyn FnMut(&mut Parts<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut rows = PeekingIterator::new(rows);
        let mut written = Vec::new();
        while rows.peek()?.is_some() {
            let mut sst = SstParts::new(&mut rows, self.max_sst_size, &self.sst_options);
            written.push(put(&mut sst)?);
            progress.wrote_sst(sst.size());
        }
        Ok(written)
    }
}
