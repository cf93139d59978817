//! From the memtable to an SST.

use crate::format::{RowEntry, Step, ValueDeletable};

use super::model::{Frozen, Model, Sst};
use super::operands;
use super::table::{Table, rows_of, table_of};

/// The number of the stripe that a sequence number lies in: how many open snapshots don't see a row
/// with it. So of two rows in one stripe, every snapshot sees both or neither. `snapshots` ascends.
pub fn stripe_of(snapshots: &[u64], seq: u64) -> usize {
    snapshots.partition_point(|&snapshot| snapshot < seq)
}

/// The rows of a table without those that no reader can see any more.
///
/// A row is left out if and only if a newer row of the same key in the same
/// [stripe](stripe_of) is a value or a tombstone. (A newer merge operand hides nothing: it needs what is
/// below it.) A tombstone that nothing newer hides stays: it hides rows in older SSTs.
// exercise: week2.3
pub fn needed(table: &Table, snapshots: &[u64]) -> Table {
    let mut kept: Vec<RowEntry> = Vec::new();
    // The last value or tombstone. It hides the older rows of its key and stripe.
    let mut hides: Option<RowEntry> = None;
    for row in rows_of(table) {
        let stripe = stripe_of(snapshots, row.seq);
        let is_hidden = hides
            .as_ref()
            .is_some_and(|newer| newer.key == row.key && stripe_of(snapshots, newer.seq) == stripe);
        if is_hidden {
            continue;
        }
        if !operands::is_operand(&row) {
            hides = Some(row.clone());
        }
        kept.push(row);
    }
    table_of(kept)
}

impl Model {
    /// Makes the memtable immutable; returns the steps.
    ///
    /// If the memtable is empty, nothing happens, without a step. Otherwise it becomes the newest of
    /// the `immutables`, with the number of its segment. An empty memtable takes its place, and the next
    /// segment, with the next number and without a row. One `Freeze`, with the number of the segment
    /// that was frozen. No row moves, and no reader sees a difference.
    // exercise: week2.3
    pub fn freeze(&mut self) -> Vec<Step> {
        if self.mem_table.is_empty() {
            return Vec::new();
        }
        let wal_id = self.wal_id;
        let table = std::mem::take(&mut self.mem_table);
        self.immutables.insert(0, Frozen { wal_id, table });
        self.wal_id += 1;
        self.wal.insert(self.wal_id, Vec::new());
        vec![Step::Freeze { wal_id }]
    }

    /// Writes the oldest immutable memtable as an SST; returns the steps. If there is no immutable
    /// memtable, nothing happens, without a step.
    ///
    /// 1. The SST holds the rows that are [`needed`], with merge operands merged
    ///    (`merge_operands`, which adds its steps and comes behind `needed`). It gets the number
    ///    `next_sst_id`, which goes up by one. `Flush`, with the number of rows in the SST.
    /// 2. The next version of the manifest names it: `manifest_id` goes up by one. `ManifestCommit`.
    /// 3. The SST takes the memtable's place: it is the newest of `l0`.
    /// 4. The memtable's WAL segment is deleted. `WalDelete`.
    // exercise: week2.3
    pub fn flush_oldest(&mut self) -> Vec<Step> {
        let Some(Frozen { wal_id, table }) = self.immutables.pop() else { return Vec::new() };
        let mut steps = Vec::new();
        let table = needed(&table, &self.snapshots);
        let table = self.merge_operands(table, &mut steps);
        let sst = self.next_sst_id;
        self.next_sst_id += 1;
        steps.push(Step::Flush { wal_id, sst, rows: table.len() as u64 });

        self.manifest_id += 1;
        steps.push(Step::ManifestCommit { manifest: self.manifest_id });
        self.l0.insert(0, Sst { id: sst, table });
        self.wal.remove(&wal_id);
        steps.push(Step::WalDelete { wal_id });
        steps
    }

    /// Writes every row into an SST that is not in one yet: [`freeze`](Self::freeze), and then
    /// [`flush_oldest`](Self::flush_oldest) until there is no immutable memtable.
    pub fn flush(&mut self) -> Vec<Step> {
        let mut steps = self.freeze();
        while !self.immutables.is_empty() {
            steps.extend(self.flush_oldest());
        }
        steps
    }

    /// The rows of a table that [`needed`] has left, with the merge operands of each key and stripe,
    /// and the value or tombstone right below them in it, merged into one row; adds a step for each call
    /// of the merge function. Without a merge function the table stays as it is.
    pub(super) fn merge_operands(&self, table: Table, steps: &mut Vec<Step>) -> Table {
        let Some(merge) = self.merge else { return table };
        let rows = rows_of(&table);
        let stripe = |row: &RowEntry| stripe_of(&self.snapshots, row.seq);
        let groups = rows.chunk_by(|one, next| one.key == next.key && stripe(one) == stripe(next));
        let merged = groups.flat_map(|versions| {
            steps.extend(operands::calls(versions));
            match versions {
                [RowEntry { value: ValueDeletable::Merge(_), .. }, ..] => {
                    operands::merged(versions, merge).into_iter().collect()
                }
                _ => versions.to_vec(),
            }
        });
        table_of(merged)
    }
}
