//! What can be compacted, and what a compaction does to it.

use crate::error::{Error, Result};

// ANCHOR: source
/// Something that a compaction reads.
///
/// SlateDB: `SourceId` in `src/compactor_state.rs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SourceId {
    /// An SST of level 0, by its number.
    L0(u64),
    /// A sorted run, by its number: the higher number is the newer run.
    SortedRun(u32),
}

/// A source and its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompactionSource {
    /// Which source it is.
    pub id: SourceId,
    /// How many bytes it has.
    pub size: u64,
}

/// Everything that can be compacted, newest first: every row in level 0 is newer than the same
/// key's rows in sorted runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Levels {
    /// The SSTs of level 0, newest first.
    pub l0: Vec<CompactionSource>,
    /// The sorted runs, newest first, so that their numbers fall.
    pub sorted_runs: Vec<CompactionSource>,
}

/// A compaction: these sources become one sorted run.
///
/// SlateDB: `CompactionSpec` in `src/compactor_state.rs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompactionSpec {
    /// What is read, newest first.
    pub sources: Vec<SourceId>,
    /// The number of the sorted run that is written.
    pub destination: u32,
}
// ANCHOR_END: source

impl CompactionSpec {
    /// Checks that the levels may be compacted like this without changing what a read finds.
    ///
    /// 1. There is a source.
    /// 2. The sources are neighbours in the levels, newest first, with none left out between them.
    ///    (The oldest SST of level 0 and the newest sorted run are neighbours.)
    /// 3. If a sorted run is among them, the destination is the number of the oldest of them.
    /// 4. If none is, the oldest source is the oldest SST of level 0, and the destination is higher
    ///    than the number of every sorted run.
    ///
    /// Otherwise: [`Error::InvalidArgument`] about the argument `"compaction"`.
    ///
    /// SlateDB: `validate` in `src/size_tiered_compaction.rs`, and `validate_compaction` in
    /// `src/compactor.rs`.
    // Task 8.1: Check a compaction
    pub fn validate(&self, levels: &Levels) -> Result<()> {
        todo!("week 8, task 1: Check a compaction")
    }

    /// Whether this compaction reads `id`, or writes it.
    // Task 8.2: Pick from level 0
    pub fn uses(&self, id: SourceId) -> bool {
        todo!("week 8, task 2: Pick from level 0")
    }
}

impl Levels {
    /// All sources, newest first: level 0, then the sorted runs.
    pub fn newest_first(&self) -> impl Iterator<Item = &CompactionSource> {
        self.l0.iter().chain(&self.sorted_runs)
    }

    /// How many bytes these sources have together.
    pub fn size_of(&self, sources: &[SourceId]) -> u64 {
        let sources = self.newest_first().filter(|source| sources.contains(&source.id));
        sources.fold(0, |sum, source| sum.saturating_add(source.size))
    }

    /// The number of the newest sorted run.
    pub fn newest_run(&self) -> Option<u32> {
        let numbers = self.sorted_runs.iter().filter_map(|run| match run.id {
            SourceId::SortedRun(number) => Some(number),
            SourceId::L0(_) => None,
        });
        numbers.max()
    }

    /// The number of the next new sorted run: one more than the highest of the sorted runs that
    /// exist and of the running compactions' destinations, or 0 if there are none. `None` if no
    /// number is left.
    ///
    /// SlateDB: `next_global_sr_id` in `src/size_tiered_compaction.rs`.
    // Task 8.2: Pick from level 0
    pub fn next_run(&self, running: &[CompactionSpec]) -> Option<u32> {
        todo!("week 8, task 2: Pick from level 0")
    }

    /// The levels after a compaction that wrote `output_size` bytes: its sources are gone, and its
    /// destination is there. If nothing was left to write, there is no destination either.
    ///
    /// SlateDB: `finish_compaction` in `src/compactor_state.rs`.
    #[must_use]
    pub fn apply(&self, spec: &CompactionSpec, output_size: u64) -> Self {
        let keep = |sources: &[CompactionSource]| {
            let kept = sources.iter().filter(|source| !spec.sources.contains(&source.id));
            kept.copied().collect::<Vec<_>>()
        };
        let (l0, mut sorted_runs) = (keep(&self.l0), keep(&self.sorted_runs));
        if output_size > 0 {
            let newer = |run: &CompactionSource| match run.id {
                SourceId::SortedRun(number) => number > spec.destination,
                SourceId::L0(_) => false,
            };
            let place = sorted_runs.iter().take_while(|run| newer(run)).count();
            let id = SourceId::SortedRun(spec.destination);
            sorted_runs.insert(place, CompactionSource { id, size: output_size });
        }
        Self { l0, sorted_runs }
    }
}

/// A compaction of everything into one sorted run; `None` if there is nothing to merge: no SST in
/// level 0, and at most one sorted run.
///
/// SlateDB: `plan_full_tree` in `src/compactor.rs`, which leaves level 0 out.
pub fn full_compaction(levels: &Levels) -> Option<CompactionSpec> {
    if levels.l0.is_empty() && levels.sorted_runs.len() < 2 {
        return None;
    }
    let sources: Vec<_> = levels.newest_first().map(|source| source.id).collect();
    let destination = match sources.last() {
        Some(SourceId::SortedRun(oldest)) => *oldest,
        _ => 0,
    };
    Some(CompactionSpec { sources, destination })
}
