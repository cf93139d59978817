//! Several sorted streams as one.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
// solution-only
use std::collections::binary_heap::PeekMut;
// solution-only
use std::mem;

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

    /// Drops the heads that are `row` once more, of later sources. They are in the heap now: a source
    /// can't be further, or it would not be sorted.
    // solution-only
    fn drop_same(&mut self, row: &RowEntry) {
        let is_same = |head: &Head| (&head.row.key, head.row.seq) == (&row.key, row.seq);
        while let Some(same) = self.heap.peek_mut().filter(|head| is_same(&head.0)) {
            self.to_pull.push(PeekMut::pop(same).0.source);
        }
    }

    /// Takes the least head, once each source was asked for its own. A source that fails is asked again
    /// by the next call.
    ///
    /// Mostly one source has to be asked, that of the last row, and has the least head again: then its
    /// row does not go through the heap.
    // solution-only
    fn pop(&mut self) -> Result<Option<Head>> {
        while let Some(&source) = self.to_pull.last() {
            let row = self.sources[source].next()?;
            self.to_pull.pop();
            let Some(row) = row else { continue };
            let head = Reverse(Head { row, source });
            if self.to_pull.is_empty() {
                return Ok(Some(self.exchange(head).0));
            }
            self.heap.push(head);
        }
        Ok(self.heap.pop().map(|head| head.0))
    }

    /// The least of `head` and the heap; the others are in the heap afterwards.
    // solution-only
    fn exchange(&mut self, mut head: Reverse<Head>) -> Reverse<Head> {
        if let Some(mut least) = self.heap.peek_mut().filter(|least| **least > head) {
            mem::swap(&mut *least, &mut head);
        }
        head
    }
}

impl RowEntryIterator for MergeIterator {
    // exercise: week5.5
    fn next(&mut self) -> Result<Option<RowEntry>> {
        self.follow_seek()?;
        let Some(Head { row, source }) = self.pop()? else { return Ok(None) };
        self.to_pull.push(source);
        self.drop_same(&row);
        Ok(Some(row))
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
