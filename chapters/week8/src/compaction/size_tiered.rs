//! Which SSTs and sorted runs to merge next: several of about the same size.
//!
//! SlateDB: `src/size_tiered_compaction.rs`.

use std::fmt::Debug;

use crate::error::{Error, Result};

use super::levels::{CompactionSource, CompactionSpec, Levels, SourceId};

// ANCHOR: scheduler
/// Says what to compact next.
///
/// SlateDB: `CompactionScheduler` in `src/compactor.rs`, which proposes several at once.
pub trait CompactionScheduler: Debug + Send + Sync {
    /// The next compaction, or `None` if there is nothing to do now. What the `running` ones use is
    /// left alone.
    ///
    /// Every proposal passes [`CompactionSpec::validate`]. A proposal that has been carried out
    /// brings the levels nearer to one for which there is none, so proposing ends when nothing new
    /// is written.
    fn propose(&self, levels: &Levels, running: &[CompactionSpec]) -> Option<CompactionSpec>;
}

/// When [`SizeTieredCompactionScheduler`] compacts.
///
/// SlateDB: `SizeTieredCompactionSchedulerOptions` in `src/config.rs`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SizeTieredCompactionOptions {
    /// The fewest sources of a compaction; at least 2. Fewer mean fewer runs to read, and more
    /// bytes written.
    pub min_compaction_sources: usize,
    /// The most sources of a compaction; at least `min_compaction_sources`.
    pub max_compaction_sources: usize,
    /// How many times as large as the smallest sorted run of a compaction the next older one may
    /// be; at least 1.
    pub include_size_threshold: f64,
}

impl Default for SizeTieredCompactionOptions {
    fn default() -> Self {
        Self { min_compaction_sources: 4, max_compaction_sources: 8, include_size_threshold: 4.0 }
    }
}
// ANCHOR_END: scheduler

impl SizeTieredCompactionOptions {
    /// Checks what the fields' documentation says.
    pub fn validate(&self) -> Result<()> {
        let Self { min_compaction_sources: min, max_compaction_sources: max, .. } = *self;
        let threshold = self.include_size_threshold;
        if min < 2 {
            let problem = format!("it is {min}; it must be at least 2");
            return Err(Error::invalid("min_compaction_sources", problem));
        }
        if max < min {
            let problem =
                format!("it is {max}; it must be at least {min}, the min_compaction_sources");
            return Err(Error::invalid("max_compaction_sources", problem));
        }
        // Not `threshold < 1.0`, which is false for what is not a number.
        match threshold >= 1.0 {
            true => Ok(()),
            false => {
                let problem = format!("it is {threshold}; it must be at least 1");
                Err(Error::invalid("include_size_threshold", problem))
            }
        }
    }
}

/// Merges SSTs and sorted runs of about the same size, and level 0 first.
///
/// SlateDB: `SizeTieredCompactionScheduler` in `src/size_tiered_compaction.rs`.
#[derive(Debug, Clone, Default)]
pub struct SizeTieredCompactionScheduler {
    /// Valid.
    options: SizeTieredCompactionOptions,
}

impl SizeTieredCompactionScheduler {
    /// A scheduler with these options, or an error if they are not valid.
    pub fn new(options: SizeTieredCompactionOptions) -> Result<Self> {
        options.validate()?;
        Ok(Self { options })
    }

    /// The options.
    pub fn options(&self) -> &SizeTieredCompactionOptions {
        &self.options
    }

    /// Whether a run of `size` bytes may join a compaction whose smallest run has `smallest`: it is
    /// at most `include_size_threshold` times as large.
    pub fn is_similar(&self, size: u64, smallest: u64) -> bool {
        // A product that is too large for a `u64` becomes the largest one.
        size <= (smallest as f64 * self.options.include_size_threshold) as u64
    }

    /// A compaction of the oldest SSTs of level 0 into a new sorted run: all of them, or the oldest
    /// `max_compaction_sources` if there are more. `None` if level 0 has fewer than
    /// `min_compaction_sources`, if one of the SSTs is used by a running compaction, or if there is
    /// no number for a new run.
    ///
    /// SlateDB: `pick_next_compaction` in `src/size_tiered_compaction.rs`, its first half.
    // Task 8.2: Pick from level 0
    pub fn pick_l0(&self, levels: &Levels, running: &[CompactionSpec]) -> Option<CompactionSpec> {
        todo!("week 8, task 2: Pick from level 0")
    }

    /// The series that begins with the first of these runs, which are newest first: as many as
    /// possible, each similar to the smallest run in front of it.
    ///
    /// SlateDB: `build_compactable_run` in `src/size_tiered_compaction.rs`, without its checker.
    // Task 8.3: Find runs of similar size
    pub fn similar_runs<'a>(&self, runs: &'a [CompactionSource]) -> &'a [CompactionSource] {
        todo!("week 8, task 3: Find runs of similar size")
    }

    /// Whether a compaction that writes `size` bytes has to wait. `older` are the sorted runs behind
    /// it, newest first.
    ///
    /// It waits if the first of them is similar to what it would write, and begins a series of at
    /// least `max_compaction_sources`. Those should be merged before one more is added to them.
    ///
    /// SlateDB: `BackpressureChecker` in `src/size_tiered_compaction.rs`.
    // Task 8.4: Propose the next compaction
    pub fn is_held_back(&self, size: u64, older: &[CompactionSource]) -> bool {
        todo!("week 8, task 4: Propose the next compaction")
    }

    /// A compaction of neighbouring sorted runs of similar size into the oldest of them.
    ///
    /// For each run, the newest first, it takes the [series](Self::similar_runs) that begins there,
    /// up to the first run that a running compaction uses, or with which the compaction
    /// [would be held back](Self::is_held_back). The first series of at least
    /// `min_compaction_sources` is merged. It has no more than `max_compaction_sources`: with one
    /// more, its newest run alone would be held back.
    ///
    /// SlateDB: `pick_next_compaction` in `src/size_tiered_compaction.rs`, its second half.
    // Task 8.4: Propose the next compaction
    pub fn pick_sorted_runs(
        &self,
        levels: &Levels,
        running: &[CompactionSpec],
    ) -> Option<CompactionSpec> {
        todo!("week 8, task 4: Propose the next compaction")
    }
}

impl CompactionScheduler for SizeTieredCompactionScheduler {
    /// Level 0 first, unless that is held back; otherwise the sorted runs.
    // Task 8.4: Propose the next compaction
    fn propose(&self, levels: &Levels, running: &[CompactionSpec]) -> Option<CompactionSpec> {
        todo!("week 8, task 4: Propose the next compaction")
    }
}

/// The numbers of these sources.
fn ids(sources: &[CompactionSource]) -> Vec<SourceId> {
    sources.iter().map(|source| source.id).collect()
}
