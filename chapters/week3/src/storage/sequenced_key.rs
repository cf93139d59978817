//! A key and a sequence number, in the order in which versions are kept everywhere.

use std::cmp::Ordering;
use std::ops::Bound;

use bytes::Bytes;

/// A range of user keys: where it starts and where it ends.
pub type KeyRange<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

// ANCHOR: sequenced_key
/// What the memtable sorts by, and the order of rows in an SST.
///
/// Invariants of the order:
/// 1. A smaller user key comes first, compared byte by byte.
/// 2. Of one user key, the *higher* sequence number comes first: newest first.
///
/// SlateDB: `SequencedKey` in `src/mem_table.rs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SequencedKey {
    /// The key, as the user gave it.
    pub user_key: Bytes,
    /// The sequence number of the row.
    pub seq: u64,
}
// ANCHOR_END: sequenced_key

impl SequencedKey {
    /// The key of one version.
    pub fn new(user_key: impl Into<Bytes>, seq: u64) -> Self {
        Self { user_key: user_key.into(), seq }
    }

    /// The range that holds every version of every user key in `range`, and no other.
    ///
    /// `Included("a")` as the start becomes `Included(("a", u64::MAX))`, because the newest version
    /// comes first.
    // Task 3.4: Read a range in order
    pub fn range_of(range: KeyRange<'_>) -> (Bound<Self>, Bound<Self>) {
        todo!("week 3, task 4: Read a range in order")
    }
}

impl Ord for SequencedKey {
    // Task 3.1: Order the versions of a key
    fn cmp(&self, other: &Self) -> Ordering {
        todo!("week 3, task 1: Order the versions of a key")
    }
}

impl PartialOrd for SequencedKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
