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
    /// The sources that owe a row. One that has ended owes none, and is not asked again.
    to_pull: Vec<usize>,
    /// Where a `seek` went that the sources have not followed yet.
    seek_key: Option<Bytes>,
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
        Self { sources, heap: BinaryHeap::new(), to_pull, seek_key: None }
    }
}

impl RowEntryIterator for MergeIterator {
    // Task 5.5: Merge sorted streams
    fn next(&mut self) -> Result<Option<RowEntry>> {
        todo!("week 5, task 5: Merge sorted streams")
    }

    // Task 5.6: Seek in a merge
    fn seek(&mut self, key: &[u8]) -> Result<()> {
        todo!("week 5, task 6: Seek in a merge")
    }
}

impl Ord for Head {
    // Task 5.5: Merge sorted streams
    fn cmp(&self, other: &Self) -> Ordering {
        todo!("week 5, task 5: Merge sorted streams")
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
