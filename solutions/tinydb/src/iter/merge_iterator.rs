//! Several sorted streams as one.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use bytes::Bytes;

use crate::error::Result;
use crate::format::RowEntry;

use super::row_entry_iterator::RowEntryIterator;

/// The rows of several streams in one order.
///
/// Invariants:
/// 1. The heap holds at most one row of each source: its next.
/// 2. Every row of every source comes out, once. If two sources have a row of the same key and
///    sequence number, it comes out once, and it is that of the earlier source.
///
/// Sources are given newest first: the memtable, then the SSTs from the newest to the oldest.
///
/// SlateDB: `MergeIterator` in `src/merge_iterator.rs`. It also passes over the older versions of a
/// key behind a value or tombstone; here [`DbIterator`](super::DbIterator) does.
#[derive(Debug)]
pub struct MergeIterator {
    sources: Vec<Box<dyn RowEntryIterator>>,
    heap: BinaryHeap<Reverse<Head>>,
    /// The sources whose next row is not in the heap.
    to_pull: Vec<usize>,
    /// Where a `seek` went that the sources have not followed yet.
    seek_key: Option<Bytes>,
    /// Key and sequence number of the last row that came out.
    last: Option<(Bytes, u64)>,
}

/// The next row of a source, and the number of the source.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    row: RowEntry,
    source: usize,
}

impl MergeIterator {
    /// One stream of the rows of `sources`, which are given newest first. Reads nothing yet.
    pub fn new(sources: Vec<Box<dyn RowEntryIterator>>) -> Self {
        let to_pull = (0..sources.len()).collect();
        Self { sources, heap: BinaryHeap::new(), to_pull, seek_key: None, last: None }
    }

    /// Lets the sources follow the last `seek`. Heads in front of its key are dropped.
    // solution-only
    fn follow_seek(&mut self) -> Result<()> {
        let Some(key) = &self.seek_key else { return Ok(()) };
        self.heap.retain(|Reverse(head)| {
            let stays = head.row.key >= key;
            if !stays {
                self.to_pull.push(head.source);
            }
            stays
        });
        for &source in &self.to_pull {
            self.sources[source].seek(key)?;
        }
        self.seek_key = None;
        Ok(())
    }

    /// Puts the next row of each source into the heap. A source that fails is asked again by the
    /// next call.
    // solution-only
    fn pull(&mut self) -> Result<()> {
        while let Some(&source) = self.to_pull.last() {
            if let Some(row) = self.sources[source].next()? {
                self.heap.push(Reverse(Head { row, source }));
            }
            self.to_pull.pop();
        }
        Ok(())
    }
}

impl RowEntryIterator for MergeIterator {
    // exercise: week5.5
    fn next(&mut self) -> Result<Option<RowEntry>> {
        loop {
            self.follow_seek()?;
            self.pull()?;
            let Some(Reverse(Head { row, source })) = self.heap.pop() else { return Ok(None) };
            self.to_pull.push(source);
            let id = (row.key.clone(), row.seq);
            if self.last.as_ref() != Some(&id) {
                self.last = Some(id);
                return Ok(Some(row));
            }
        }
    }

    // exercise: week5.6
    fn seek(&mut self, key: &[u8]) -> Result<()> {
        // The sources follow at the next call of `next`: if one of them failed here, those that have
        // moved and those that have not would be mixed.
        if self.seek_key.as_ref().is_none_or(|earlier| earlier < key) {
            self.seek_key = Some(Bytes::copy_from_slice(key));
        }
        Ok(())
    }
}

impl Ord for Head {
    // exercise: week5.5
    fn cmp(&self, other: &Self) -> Ordering {
        let by_key = self.row.key.cmp(&other.row.key);
        let newest_first = || other.row.seq.cmp(&self.row.seq);
        by_key.then_with(newest_first).then_with(|| self.source.cmp(&other.source))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
