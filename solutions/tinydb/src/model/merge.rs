//! What merge operands mean, and what merging them costs.
//!
//! Week 6's rooms do the same with a trait, with errors, and with rows that come from a stream.

use bytes::Bytes;

use crate::format::{RowEntry, ValueDeletable};

/// How many operands the engine holds at once.
///
/// The engine's own constant has the same name and is in the room `merge`, which stands above this
/// one; a test holds the two together.
///
/// SlateDB: `MERGE_BATCH_SIZE` in `src/merge_operator.rs`.
pub const MERGE_BATCH_SIZE: usize = 100;

// ANCHOR: merge_fn
/// Says what merge operands of a key do to its value: the operands, oldest first, merged into the
/// existing value.
///
/// The result is of the same kind as an operand, so it can be merged again. Without an existing
/// value the operands are merged with each other only. There is at least one operand.
///
/// It must be *associative*: to merge `a`, `b` and `c` at once gives the same as to merge `b` and `c`
/// first, and then `a` and what came of them. Week 6 makes a trait of this.
pub type MergeFn = fn(key: &[u8], existing: Option<&[u8]>, operands: &[Bytes]) -> Bytes;
// ANCHOR_END: merge_fn

// ANCHOR: resolution
/// What came of the versions of one key, and what it cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// The key's value; `None` if it is deleted, or if there was no version.
    pub value: Option<Bytes>,
    /// How often the merge function was called.
    pub calls: usize,
    /// How many operands were held at once, at most. A partial result counts as one; the existing
    /// value, and the version that was read last and has no room yet, do not count.
    pub peak_operands: usize,
}
// ANCHOR_END: resolution

/// The value of a key, of all its versions, newest first. All operands are merged in one call.
///
/// 1. The versions count from the newest down to the first that is no operand, a value or a
///    tombstone: the *base*. What is older than the base does not count.
/// 2. Without an operand above the base, `merge` is not called: a value is the result, and a
///    tombstone is `None`. No version at all is `None` too.
/// 3. Otherwise `merge` is called once, with the operands oldest first. The existing value is the
///    base's value, also an empty one. Over a tombstone, and without a base, there is none.
/// 4. What `merge` returns is the key's value, also if it is empty.
///
/// The versions are those of one key, and newest first: only their order counts here, and their
/// keys and sequence numbers need not be looked at.
///
/// SlateDB: `merge_with_older_entries` in `src/merge_operator.rs`, with two calls for one batch.
// exercise: week2.6
pub fn resolve_all(key: &[u8], versions: &[RowEntry], merge: MergeFn) -> Option<Bytes> {
    let mut operands = Vec::new();
    let mut existing = None;
    for version in versions {
        match &version.value {
            ValueDeletable::Merge(operand) => operands.push(operand.clone()),
            base => {
                existing = base.as_bytes();
                break;
            }
        }
    }
    if operands.is_empty() {
        return existing.cloned();
    }
    operands.reverse();
    Some(merge(key, existing.map(|value| &value[..]), &operands))
}

/// The value of a key as [`resolve_all`] gives it, with at most `batch` operands held at once.
///
/// The versions are read one by one, newest first. Each operand is held:
/// 1. If `batch` operands are held already, there is no room for it. Then those that are held are
///    merged first, oldest first and without an existing value. The *partial result* takes their
///    place: it is an operand, and newer than those that are still to be read.
/// 2. At the base, or at the end of the versions, what is held is merged in one last call, which
///    gets the existing value if there is one. It is made for a single operand too; if nothing is
///    held, it is not made.
/// 3. `merge` is not called in any other case.
///
/// Every `batch` is a good one. With room for one operand only, a partial result would leave no room
/// for the next, so 0 and 1 count as 2. And `batch` may be far larger than the number of operands, up
/// to [`usize::MAX`], which means no bound: reserve no memory for it.
///
/// SlateDB: `merge_with_older_entries` in `src/merge_operator.rs`, which keeps the partial results
/// until the base is found.
// exercise: week2.7
pub fn resolve(key: &[u8], versions: &[RowEntry], merge: MergeFn, batch: usize) -> Resolution {
    let (mut calls, mut peak_operands) = (0, 0);
    // Newest first, as they are read.
    let mut held: Vec<Bytes> = Vec::new();
    let mut existing = None;
    for version in versions {
        let ValueDeletable::Merge(operand) = &version.value else {
            existing = version.value.as_bytes();
            break;
        };
        if held.len() >= batch.max(2) {
            held.reverse();
            held = vec![merge(key, None, &held)];
            calls += 1;
        }
        held.push(operand.clone());
        peak_operands = peak_operands.max(held.len());
    }
    let mut value = existing.cloned();
    if !held.is_empty() {
        held.reverse();
        value = Some(merge(key, existing.map(|value| &value[..]), &held));
        calls += 1;
    }
    Resolution { value, calls, peak_operands }
}
