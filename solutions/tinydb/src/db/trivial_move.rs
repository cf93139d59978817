//! Compactions that write nothing.
//!
//! Keys that are put in ascending order make SSTs of which no two overlap. Merged, they would be written
//! again, row for row, to be what they were. So they become a sorted run as they are. Their objects stay,
//! and only the manifest changes.
//!
//! SlateDB: `Compaction::trivial_move_output` in `src/compactor_state.rs`. It moves whatever does not
//! overlap, also small SSTs and tombstones; it is off by default. The name is LevelDB's.

use crate::compaction::CompactionSpec;

use super::state::{DbState, Sst};

/// The SSTs of the sources in key order, if they can be a sorted run as they are:
///
/// 1. No key is in the range of two.
/// 2. A compaction could leave no row out of them: they are [plain](crate::storage::sst::Footer::plain).
/// 3. A compaction would make SSTs of about the same size: on average they have half of `max_sst_size` or
///    more, and none has more than twice as much.
pub fn trivial_move(
    state: &DbState,
    spec: &CompactionSpec,
    max_sst_size: usize,
) -> Option<Vec<Sst>> {
    let mut ssts: Vec<Sst> =
        spec.sources.iter().flat_map(|&id| state.source(id)).cloned().collect();
    ssts.sort_by(|a, b| a.reader.index().first_key().cmp(b.reader.index().first_key()));
    let is_apart =
        |pair: &[Sst]| *pair[0].reader.index().last_key < *pair[1].reader.index().first_key();
    let sizes = ssts.iter().map(|sst| sst.reader.data_size());
    let max_sst_size = max_sst_size as u64;
    let has_size = sizes.clone().sum::<u64>()
        >= (max_sst_size / 2).saturating_mul(ssts.len() as u64)
        && sizes.max() <= Some(max_sst_size.saturating_mul(2));
    let is_possible = has_size
        && ssts.windows(2).all(is_apart)
        && ssts.iter().all(|sst| sst.reader.footer().plain);
    is_possible.then_some(ssts)
}
