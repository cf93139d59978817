//! A commit without an answer.

use crate::compaction::CompactionSpec;

use super::state::Run;

/// A commit that failed. It may have been carried out all the same, without an answer.
#[derive(Debug)]
pub struct UnknownCommit {
    /// If it was a compaction's: what that has made of what.
    pub compaction: Option<(CompactionSpec, Run)>,
}
