//! What a scan means: sorted lists of rows become one, and of that a user sees a part.
//!
//! Rows are in plain `Vec`s here, all of them in memory, and nothing can fail. What stays is the
//! meaning. Week 5's iterators mean the same, with one row of each list in memory.

use std::cmp::Reverse;

use bytes::Bytes;

use crate::format::{RowEntry, ValueDeletable};

use super::merge::{MergeFn, resolve_all};

// ANCHOR: order
/// The order of rows in every list: by key, byte by byte, and of one key newest first, that is the
/// higher sequence number first.
pub fn order(row: &RowEntry) -> (&Bytes, Reverse<u64>) {
    (&row.key, Reverse(row.seq))
}
// ANCHOR_END: order

/// Merges sorted lists into one.
///
/// Each list is in the [`order`] of rows, no row stands in it twice, and it may be empty. The rows
/// of all lists come out in the same order:
/// 1. Every row comes out, unchanged: old versions, tombstones and merge operands too.
/// 2. The same row in several lists, with the same key *and* sequence number, comes out once. (Two
///    such rows are equal in their values too: they are one write.)
/// 3. In which order the lists are given makes no difference.
///
/// SlateDB: `MergeIterator` in `src/merge_iterator.rs`.
// exercise: week2.4
pub fn merge_lists(lists: &[Vec<RowEntry>]) -> Vec<RowEntry> {
    let mut rest: Vec<&[RowEntry]> = lists.iter().map(Vec::as_slice).collect();
    let mut merged: Vec<RowEntry> = Vec::new();
    while let Some((list, row)) = first_of_all(&rest) {
        rest[list] = &rest[list][1..];
        if merged.last() != Some(row) {
            merged.push(row.clone());
        }
    }
    merged
}

/// Of the first rows of all lists, the one that comes first in the order, and the number of its list.
// solution-only
fn first_of_all<'a>(rest: &[&'a [RowEntry]]) -> Option<(usize, &'a RowEntry)> {
    let firsts = rest.iter().enumerate().filter_map(|(list, rows)| Some((list, rows.first()?)));
    firsts.min_by_key(|&(_, row)| order(row))
}

/// What a user sees at the sequence number `max_seq`: keys in order, each with its value.
///
/// `rows` are merged already: they are in the [`order`] of rows, all versions of a key side by side.
/// For each key:
/// 1. The rows above `max_seq` do not count. The row with the number `max_seq` does.
/// 2. Of the others, the newest decides. None is left: the key is not seen.
/// 3. It is a value, also an empty one: that is the key's value.
/// 4. It is a tombstone: the key is not seen.
/// 5. It is a merge operand: the key's value is what [`resolve_all`] makes of it and the rows below
///    it. Only then is `resolve_all` called. Without a merge function nobody knows what an operand
///    means, and the key is not seen.
///
/// SlateDB: `DbIterator` in `src/db_iter.rs`. Without a merge function it gives an error, and so does
/// week 5's; the model has no errors.
// exercise: week2.5
pub fn visible(rows: &[RowEntry], max_seq: u64, merge: Option<MergeFn>) -> Vec<(Bytes, Bytes)> {
    let mut seen = Vec::new();
    for versions in rows.chunk_by(|row, next| row.key == next.key) {
        let too_new = versions.partition_point(|row| row.seq > max_seq);
        let versions = &versions[too_new..];
        let Some(newest) = versions.first() else { continue };
        let value = match &newest.value {
            ValueDeletable::Value(value) => Some(value.clone()),
            ValueDeletable::Tombstone => None,
            ValueDeletable::Merge(_) => {
                merge.and_then(|merge| resolve_all(&newest.key, versions, merge))
            }
        };
        seen.extend(value.map(|value| (newest.key.clone(), value)));
    }
    seen
}
