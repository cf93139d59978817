//! Writing: log first, then memtable, then visible.

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::format::{RowEntry, Step, ValueDeletable};

use super::model::Model;
use super::table;

// ANCHOR: change
/// A write to one key: what a batch is made of.
pub type Change = (Bytes, ValueDeletable);
// ANCHOR_END: change

impl Model {
    /// Gives a key a value: a batch of one write.
    pub fn put(&mut self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<Vec<Step>> {
        self.write(vec![(copy(key), ValueDeletable::Value(copy(value)))])
    }

    /// Deletes a key, which need not exist: a batch of one write.
    pub fn delete(&mut self, key: impl AsRef<[u8]>) -> Result<Vec<Step>> {
        self.write(vec![(copy(key), ValueDeletable::Tombstone)])
    }

    /// Changes a key's value by a merge operand, without reading it: a batch of one write.
    pub fn merge(&mut self, key: impl AsRef<[u8]>, operand: impl AsRef<[u8]>) -> Result<Vec<Step>> {
        self.write(vec![(copy(key), ValueDeletable::Merge(copy(operand)))])
    }

    /// Applies a batch, all of it or nothing; returns the steps.
    ///
    /// 1. What [`check`](Self::check) refuses is refused, before anything has changed.
    /// 2. A batch without a write does nothing and takes no step.
    /// 3. Each write becomes a row. The first gets the sequence number behind `last_seq`, each further
    ///    one the next; in the order of the batch, also if a key is in it twice.
    /// 4. The rows are appended to the segment `wal_id`: one `WalAppend` for the batch.
    /// 5. They go into the memtable, in the same order: a `MemTableInsert` for each.
    /// 6. Readers see them, all at once: `last_seq` is the last row's, and there is one `Commit`.
    // exercise: week2.1
    pub fn write(&mut self, batch: Vec<Change>) -> Result<Vec<Step>> {
        self.check(&batch)?;
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let numbered = batch.into_iter().zip(self.last_seq + 1..=u64::MAX);
        let rows: Vec<_> =
            numbered.map(|((key, value), seq)| RowEntry { key, value, seq }).collect();

        let wal_id = self.wal_id;
        self.wal.entry(wal_id).or_default().extend(rows.iter().cloned());
        let mut steps = vec![Step::WalAppend { wal_id, rows: rows.len() }];
        for row in &rows {
            table::insert(&mut self.mem_table, row.clone());
            steps.push(Step::MemTableInsert { key: row.key.clone(), seq: row.seq });
        }
        self.last_seq += rows.len() as u64;
        steps.push(Step::Commit { seq: self.last_seq });
        Ok(steps)
    }

    /// Refuses what no database may be asked for: a merge operand if there is no merge function
    /// ([`Error::MergeOperatorMissing`]), a key or a value that is too short or too long, and more writes
    /// than there are sequence numbers left ([`Error::InvalidArgument`]).
    pub fn check(&self, batch: &[Change]) -> Result<()> {
        let is_merge = |(_, value): &&Change| matches!(value, ValueDeletable::Merge(_));
        if let Some((key, _)) = batch.iter().find(is_merge).filter(|_| self.merge.is_none()) {
            return Err(Error::MergeOperatorMissing { key: key.clone() });
        }
        if self.last_seq.checked_add(batch.len() as u64).is_none() {
            return Err(Error::invalid("batch", "there are no sequence numbers left"));
        }
        let row =
            |(key, value): &Change| RowEntry { key: key.clone(), value: value.clone(), seq: 0 };
        batch.iter().try_for_each(|change| row(change).validate())
    }
}

fn copy(bytes: impl AsRef<[u8]>) -> Bytes {
    Bytes::copy_from_slice(bytes.as_ref())
}
