//! A commit without an answer.

use crate::compaction::CompactionSpec;

use super::manifest::Manifest;
use super::state::Run;

/// A commit that failed. It may have been carried out without an answer, or be carried out still: the
/// network may deliver the put when nobody waits for it any more. So it can't be given up, only be tried
/// again, the same to the byte.
#[derive(Debug)]
pub struct UnknownCommit {
    /// What was to be committed.
    pub manifest: Manifest,
    /// If it was a compaction's: what that has made of what. The run's readers pin its SSTs.
    pub compaction: Option<(CompactionSpec, Run)>,
}
