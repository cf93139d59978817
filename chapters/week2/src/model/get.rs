//! Reading one key: newest place first, and no further than needed.

use std::cmp::Reverse;

use bytes::Bytes;

use crate::format::{RowEntry, Step, ValueDeletable};

use super::model::Model;
use super::operands;
use super::table::Table;

/// The newest row of `key` in a table whose sequence number is at most `max_seq`, tombstones and merge
/// operands included; `None` if there is no such row. `key` may be any bytes, also such as are no key.
// Task 2.2: Get: newest place first
pub fn newest_in(table: &Table, key: &[u8], max_seq: u64) -> Option<RowEntry> {
    todo!("week 2, task 2: Get: newest place first")
}

impl Model {
    /// The value of a key as it is now, and the steps: [`get_at`](Self::get_at) the last sequence number.
    pub fn get(&self, key: impl AsRef<[u8]>) -> (Option<Bytes>, Vec<Step>) {
        self.get_at(key.as_ref(), self.last_seq)
    }

    /// The value that a key had when `max_seq` was the last sequence number, and the steps.
    ///
    /// The [newest row](Self::newest_row) says it: a value is the answer; a tombstone means that there is
    /// none, and so does no row at all. If it is a merge operand, older rows count too:
    /// `get_merged` gives the answer, and adds its steps.
    // Task 2.2: Get: newest place first
    pub fn get_at(&self, key: &[u8], max_seq: u64) -> (Option<Bytes>, Vec<Step>) {
        todo!("week 2, task 2: Get: newest place first")
    }

    /// The newest row of `key` whose sequence number is at most `max_seq`, tombstones and merge operands
    /// included; `None` if there is none.
    ///
    /// Looks into one place after the other, newest first: the memtable, each immutable memtable, each
    /// SST. Stops at the first that has such a row: whatever is behind it is older. The steps are one for each
    /// place that it looked into: `MemTableLookup`, `ImmutableMemTableLookup`, `SstLookup`.
    // Task 2.2: Get: newest place first
    pub fn newest_row(&self, key: &[u8], max_seq: u64) -> (Option<RowEntry>, Vec<Step>) {
        todo!("week 2, task 2: Get: newest place first")
    }

    /// The value of a key whose newest row is a merge operand: every place is read, from the newest row
    /// of the key to the first that is no operand.
    fn get_merged(&self, key: &[u8], max_seq: u64, steps: &mut Vec<Step>) -> Option<Bytes> {
        let key = Bytes::copy_from_slice(key);
        let (rows, begin) = self.rows_in(&(key.clone()..=key.clone()));
        steps.push(begin);
        let mut versions = Vec::new();
        for row in rows {
            steps.push(Step::ScanRow { key: row.key.clone(), seq: row.seq });
            if row.seq <= max_seq {
                versions.push(row);
            }
            if versions.last().is_some_and(|row| !operands::is_operand(row)) {
                break;
            }
        }
        steps.extend(operands::calls(&versions));
        operands::value(&versions, self.merge)
    }
}
