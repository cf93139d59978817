//! Where the model meets merge operands: given, so that the operations stay short.
//!
//! What operands make is said in [`merge`](super::merge).

use bytes::Bytes;

use crate::format::{RowEntry, Step, ValueDeletable};

use super::merge::{MERGE_BATCH_SIZE, MergeFn, resolve};

/// Whether a row is a merge operand.
pub fn is_operand(row: &RowEntry) -> bool {
    matches!(row.value, ValueDeletable::Merge(_))
}

/// The versions of a key that count: its operands, newest first, and what lies right behind them.
pub fn counting(versions: &[RowEntry]) -> &[RowEntry] {
    let operands = versions.iter().take_while(|row| is_operand(row)).count();
    &versions[..versions.len().min(operands + 1)]
}

/// The value that the versions of one key make, newest first.
pub fn value(versions: &[RowEntry], merge: Option<MergeFn>) -> Option<Bytes> {
    let newest = versions.first()?;
    resolve(&newest.key, counting(versions), merge?, MERGE_BATCH_SIZE).value
}

/// A step for each call of the merge function that the versions of one key need: one whenever as many
/// operands are held as fit and there is one more, and one at the end. None without an operand.
pub fn calls(versions: &[RowEntry]) -> Vec<Step> {
    let versions = counting(versions);
    let Some(newest) = versions.first().filter(|row| is_operand(row)) else { return Vec::new() };
    let batch =
        |existing, operands| Step::MergeBatch { key: newest.key.clone(), existing, operands };
    let has_value =
        versions.last().is_some_and(|row| matches!(row.value, ValueDeletable::Value(_)));
    let mut held = versions.iter().filter(|row| is_operand(row)).count();
    let mut steps = Vec::new();
    while held > MERGE_BATCH_SIZE {
        steps.push(batch(false, MERGE_BATCH_SIZE));
        // Their result takes the room of one.
        held -= MERGE_BATCH_SIZE - 1;
    }
    steps.push(batch(has_value, held));
    steps
}

/// The row that takes the place of `versions`, the operands of one key and what is right behind them, in
/// an SST. Over a value or a tombstone it is a value. Otherwise it is an operand still: what it changes
/// may be in an older SST.
pub fn merged(versions: &[RowEntry], merge: MergeFn) -> Option<RowEntry> {
    let (newest, oldest) = (versions.first()?, versions.last()?);
    let value = resolve(&newest.key, versions, merge, MERGE_BATCH_SIZE).value?;
    let value = if is_operand(oldest) {
        ValueDeletable::Merge(value)
    } else {
        ValueDeletable::Value(value)
    };
    Some(RowEntry { key: newest.key.clone(), value, seq: newest.seq })
}
