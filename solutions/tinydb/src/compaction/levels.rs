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
    // exercise: week8.1
    pub fn validate(&self, levels: &Levels) -> Result<()> {
        let Some(oldest) = self.sources.last() else {
            return Err(invalid("it has no source; it needs at least one".to_owned()));
        };
        let ids: Vec<_> = levels.newest_first().map(|source| source.id).collect();
        if !ids.windows(self.sources.len()).any(|stretch| stretch == self.sources) {
            let sources = &self.sources;
            return Err(invalid(format!("{sources:?} are not neighbours in {ids:?}")));
        }
        match *oldest {
            SourceId::SortedRun(run) => self.validate_merge_into(run),
            SourceId::L0(_) => self.validate_new_run(*oldest, levels),
        }
    }

    // solution-only: begin
    /// The oldest source is a sorted run: the result takes its place.
    fn validate_merge_into(&self, run: u32) -> Result<()> {
        match self.destination == run {
            true => Ok(()),
            false => Err(invalid(format!(
                "the destination is {}, but the oldest sorted run among the sources is {run}",
                self.destination
            ))),
        }
    }

    /// All sources are of level 0: the result is the newest sorted run.
    fn validate_new_run(&self, oldest: SourceId, levels: &Levels) -> Result<()> {
        if levels.l0.last().is_some_and(|source| source.id != oldest) {
            let problem = "it takes SSTs of level 0 and leaves older ones behind, which would hide \
                 it; the oldest must be among the sources";
            return Err(invalid(problem.to_owned()));
        }
        match levels.newest_run() {
            Some(newest) if newest >= self.destination => Err(invalid(format!(
                "the destination is {}, but a new sorted run's number is higher than {newest}, \
                 the newest there is",
                self.destination
            ))),
            _ => Ok(()),
        }
    }
    // solution-only: end

    /// Whether this compaction reads `id`, or writes it.
    // exercise: week8.2
    pub fn uses(&self, id: SourceId) -> bool {
        self.sources.contains(&id) || id == SourceId::SortedRun(self.destination)
    }
}

// solution-only: begin
fn invalid(problem: String) -> Error {
    Error::invalid("compaction", problem)
}
// solution-only: end

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
    // exercise: week8.2
    pub fn next_run(&self, running: &[CompactionSpec]) -> Option<u32> {
        let destinations = running.iter().map(|compaction| compaction.destination);
        match self.newest_run().into_iter().chain(destinations).max() {
            Some(highest) => highest.checked_add(1),
            None => Some(0),
        }
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
