//! An SST that is about to be written.

use std::sync::Arc;

use bytes::Bytes;

use crate::error::Result;
use crate::iter::{BytesRange, MemTableIterator, RetentionIterator, RowEntryIterator};
use crate::merge::{MergeOperator, MergeOperatorIterator};
use crate::storage::{MemTable, SstBuilder, SstOptions};

/// The SST of a memtable: how it is made, not its bytes. They are made each time they are written, part
/// by part, so that it is never in memory as a whole.
///
/// Invariants:
/// 1. All its writings are the same to the byte, whatever snapshots are open by then (if the merge
///    operator gives the same result each time).
#[derive(Debug, Clone)]
pub struct NewSst {
    /// The memtable. No row is added to it any more.
    pub table: Arc<MemTable>,
    /// The sequence numbers of the snapshots that were open when it was first written, ascending.
    pub boundaries: Vec<u64>,
    /// What merge operands mean; without it they are written as they are.
    pub merge_operator: Option<Arc<dyn MergeOperator>>,
    /// How it is encoded.
    pub options: SstOptions,
}

impl NewSst {
    /// Its bytes: the rows of the memtable, without those that no reader can see any more, and with merge
    /// operands merged.
    pub fn parts(&self) -> SstParts {
        let all = MemTableIterator::new(Arc::clone(&self.table), &BytesRange::ALL);
        let needed = RetentionIterator::new(all, self.boundaries.clone());
        let rows: Box<dyn RowEntryIterator> = match &self.merge_operator {
            None => Box::new(needed),
            Some(operator) => {
                let (operator, boundaries) = (Arc::clone(operator), self.boundaries.clone());
                Box::new(MergeOperatorIterator::new(needed, operator, boundaries))
            }
        };
        SstParts { rows, builder: Some(SstBuilder::with_options(&self.options)) }
    }
}

/// The bytes of an SST, part by part. Those of a compaction, [`compaction::SstParts`], also end at a
/// size. They are made by what a reader writes in week 8, so a flush does not depend on them.
///
/// [`compaction::SstParts`]: crate::compaction::SstParts
#[derive(Debug)]
pub struct SstParts {
    rows: Box<dyn RowEntryIterator>,
    /// `None` behind the last part.
    builder: Option<SstBuilder>,
}

impl SstParts {
    fn next_part(&mut self) -> Result<Option<Bytes>> {
        let Some(builder) = &mut self.builder else { return Ok(None) };
        while let Some(row) = self.rows.next()? {
            builder.add(&row)?;
            if let Some(part) = builder.take_part() {
                return Ok(Some(part));
            }
        }
        self.builder.take().map(SstBuilder::finish).transpose()
    }
}

impl Iterator for SstParts {
    type Item = Result<Bytes>;

    fn next(&mut self) -> Option<Result<Bytes>> {
        self.next_part().transpose()
    }
}
