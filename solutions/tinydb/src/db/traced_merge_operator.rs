//! A merge operator that leaves a trace.

use std::sync::Arc;

use bytes::Bytes;

use crate::format::Step;
use crate::merge::{MergeOperator, MergeOperatorError};

use super::trace::Trace;

/// Records a [`Step::MergeBatch`] each time the operator of the database is called.
#[derive(Debug)]
pub(super) struct TracedMergeOperator {
    operator: Arc<dyn MergeOperator>,
    trace: Trace,
}

impl TracedMergeOperator {
    pub(super) fn new(operator: Arc<dyn MergeOperator>, trace: Trace) -> Self {
        Self { operator, trace }
    }

    fn record(&self, key: &[u8], existing: bool, operands: usize) {
        let key = || Bytes::copy_from_slice(key);
        self.trace.record(|| Step::MergeBatch { key: key(), existing, operands });
    }
}

impl MergeOperator for TracedMergeOperator {
    fn merge(
        &self,
        key: &[u8],
        existing: Option<&[u8]>,
        operand: &[u8],
    ) -> Result<Bytes, MergeOperatorError> {
        self.record(key, existing.is_some(), 1);
        self.operator.merge(key, existing, operand)
    }

    fn merge_batch(
        &self,
        key: &[u8],
        existing: Option<&[u8]>,
        operands: &[Bytes],
    ) -> Result<Bytes, MergeOperatorError> {
        self.record(key, existing.is_some(), operands.len());
        self.operator.merge_batch(key, existing, operands)
    }
}
