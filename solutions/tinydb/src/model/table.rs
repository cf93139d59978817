//! Rows in order: what a memtable, an immutable memtable and an SST are to the model.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use bytes::Bytes;

use crate::format::{RowEntry, ValueDeletable};

// ANCHOR: table
/// Rows, sorted by key, and the versions of a key newest first: `Reverse` makes the
/// higher sequence number the smaller one.
pub type Table = BTreeMap<(Bytes, Reverse<u64>), ValueDeletable>;
// ANCHOR_END: table

/// Adds a row to a table.
pub fn insert(table: &mut Table, row: RowEntry) {
    table.insert((row.key, Reverse(row.seq)), row.value);
}

/// The table of some rows.
pub fn table_of(rows: impl IntoIterator<Item = RowEntry>) -> Table {
    let mut table = Table::new();
    rows.into_iter().for_each(|row| insert(&mut table, row));
    table
}

/// The rows of a table, in its order.
pub fn rows_of(table: &Table) -> Vec<RowEntry> {
    let row = |((key, Reverse(seq)), value): (&(Bytes, Reverse<u64>), &ValueDeletable)| RowEntry {
        key: key.clone(),
        value: value.clone(),
        seq: *seq,
    };
    table.iter().map(row).collect()
}
