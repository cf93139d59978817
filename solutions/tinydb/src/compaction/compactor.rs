//! One compaction: sorted sources in, a new sorted run out.

use std::sync::Arc;

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::iter::{
    BytesRange, MergeIterator, RetentionIterator, RowEntryIterator, SortedRunIterator,
};
use crate::merge::{MergeOperator, MergeOperatorIterator};
use crate::storage::{SstBuilder, SstOptions, SstReader};

use super::compaction_progress::CompactionProgress;
use super::last_run_iterator::LastRunIterator;

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
    /// Writes the output: calls `put` for each SST, in key order, and returns what it returned.
    ///
    /// An operator that fails, or makes a value that is too large, must not stop compaction for
    /// ever. Its operands are then written as they are, and it is the reader of the key who gets the
    /// error.
    pub fn run<T>(
        &self,
        progress: &CompactionProgress,
        mut put: impl FnMut(Bytes) -> Result<T>,
    ) -> Result<Vec<T>> {
        match self.write(self.rows(self.merge_operator.as_ref(), progress), progress, &mut put) {
            Err(Error::MergeFailed { .. } | Error::InvalidArgument { .. })
                if self.merge_operator.is_some() =>
            {
                self.write(self.rows(None, progress), progress, &mut put)
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

    /// Writes `rows` as SSTs, each handed to `put` when it is finished; returns what `put` returned.
    ///
    /// An SST is finished when its data has [`max_sst_size`](Self::max_sst_size) bytes or more and
    /// the next row has another key: no key is in two SSTs, and no SST is without rows. A
    /// `max_sst_size` of 0 is allowed: one SST for each key. No rows, no SST. The first error ends it.
    // exercise: week8.7
    pub fn write<T>(
        &self,
        mut rows: impl RowEntryIterator,
        progress: &CompactionProgress,
        put: &mut dyn FnMut(Bytes) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut finished = Vec::new();
        let mut builder = self.new_builder();
        let mut last_key = Bytes::new();
        while let Some(row) = rows.next()? {
            if builder.estimated_size() >= self.max_sst_size.max(1) && row.key != last_key {
                let full = std::mem::replace(&mut builder, self.new_builder());
                finished.push(Self::put(full, progress, put)?);
            }
            builder.add(&row)?;
            last_key = row.key;
        }
        if builder.estimated_size() > 0 {
            finished.push(Self::put(builder, progress, put)?);
        }
        Ok(finished)
    }

    // solution-only
    fn new_builder(&self) -> SstBuilder {
        SstBuilder::with_options(&self.sst_options)
    }

    // solution-only
    fn put<T>(
        builder: SstBuilder,
        progress: &CompactionProgress,
        put: &mut dyn FnMut(Bytes) -> Result<T>,
    ) -> Result<T> {
        let object = builder.finish()?;
        let size = object.len();
        let written = put(object)?;
        progress.wrote_sst(size);
        Ok(written)
    }
}
