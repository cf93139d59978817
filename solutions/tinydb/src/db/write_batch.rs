//! Several writes that happen together or not at all.

use bytes::Bytes;

use crate::format::{RowEntry, ValueDeletable};

/// Writes to any number of keys, applied as one: a reader, and a database after a crash, has all of
/// them or none.
///
/// They apply in the order in which they were added, so of two puts of a key the later one counts.
///
/// SlateDB: `WriteBatch` in `src/batch.rs`, which drops what a later write of the same batch
/// replaces. There a batch has one sequence number; here each row has its own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WriteBatch {
    /// The writes as rows; their sequence numbers are not known yet.
    rows: Vec<RowEntry>,
}

impl WriteBatch {
    /// A batch without writes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds: the key gets this value.
    pub fn put(&mut self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        self.add(key.as_ref(), ValueDeletable::Value(Bytes::copy_from_slice(value.as_ref())));
    }

    /// Adds: the key is deleted.
    pub fn delete(&mut self, key: impl AsRef<[u8]>) {
        self.add(key.as_ref(), ValueDeletable::Tombstone);
    }

    /// Adds: the key's value is changed by a merge operand.
    pub fn merge(&mut self, key: impl AsRef<[u8]>, operand: impl AsRef<[u8]>) {
        self.add(key.as_ref(), ValueDeletable::Merge(Bytes::copy_from_slice(operand.as_ref())));
    }

    /// How many writes there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no write.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The key of the first merge operand.
    pub fn first_merge(&self) -> Option<&Bytes> {
        let is_merge = |row: &&RowEntry| matches!(row.value, ValueDeletable::Merge(_));
        self.rows.iter().find(is_merge).map(|row| &row.key)
    }

    /// The batch as rows. The first has sequence number `first_seq`, each further one the next.
    pub fn into_rows(mut self, first_seq: u64) -> Vec<RowEntry> {
        // Inclusive: the last number of all is a number too.
        for (row, seq) in self.rows.iter_mut().zip(first_seq..=u64::MAX) {
            row.seq = seq;
        }
        self.rows
    }

    fn add(&mut self, key: &[u8], value: ValueDeletable) {
        self.rows.push(RowEntry { key: Bytes::copy_from_slice(key), value, seq: 0 });
    }
}
