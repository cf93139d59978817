//! Week 8, days 1 to 4: which SSTs and sorted runs are merged next. The rules are on the page
//! *Size-tiered compaction* of the book.

use std::collections::BTreeSet;

use proptest::prelude::*;
use testkit::rule;
use week8::Error;
use week8::compaction::{
    CompactionScheduler, CompactionSource, CompactionSpec, Levels, SizeTieredCompactionOptions,
    SizeTieredCompactionScheduler, SourceId,
};

/// Sorted runs of these sizes, newest first; the oldest has number 0.
fn runs(sizes: &[u64]) -> Vec<CompactionSource> {
    let numbers = (0..sizes.len() as u32).rev();
    let runs = numbers.zip(sizes);
    runs.map(|(number, &size)| CompactionSource { id: SourceId::SortedRun(number), size }).collect()
}

/// SSTs of level 0 of these sizes, newest first; the oldest has number 10.
fn l0(sizes: &[u64]) -> Vec<CompactionSource> {
    let numbers = (10..10 + sizes.len() as u64).rev();
    let ssts = numbers.zip(sizes);
    ssts.map(|(number, &size)| CompactionSource { id: SourceId::L0(number), size }).collect()
}

/// Levels of these sizes, newest first.
fn levels(l0_sizes: &[u64], run_sizes: &[u64]) -> Levels {
    Levels { l0: l0(l0_sizes), sorted_runs: runs(run_sizes) }
}

/// A compaction of these SSTs of level 0 into a new sorted run.
fn of_l0(numbers: &[u64], destination: u32) -> CompactionSpec {
    let sources = numbers.iter().map(|&number| SourceId::L0(number)).collect();
    CompactionSpec { sources, destination }
}

/// A compaction of these sorted runs into the last of them.
fn of_runs(numbers: &[u32]) -> CompactionSpec {
    let sources = numbers.iter().map(|&number| SourceId::SortedRun(number)).collect();
    CompactionSpec { sources, destination: *numbers.last().expect("a compaction has a source") }
}

/// A scheduler with SlateDB's defaults.
fn scheduler() -> SizeTieredCompactionScheduler {
    SizeTieredCompactionScheduler::default()
}

/// A scheduler with these options.
fn with_options(min: usize, max: usize, threshold: f64) -> SizeTieredCompactionScheduler {
    let options = SizeTieredCompactionOptions {
        min_compaction_sources: min,
        max_compaction_sources: max,
        include_size_threshold: threshold,
    };
    SizeTieredCompactionScheduler::new(options).expect("the test's options are valid")
}

/// The levels in a line: `level 0: 11 (5 bytes), … · runs: …`, newest first.
fn shown(levels: &Levels) -> String {
    let list = |sources: &[CompactionSource]| {
        let each = sources.iter().map(|source| {
            let number = match source.id {
                SourceId::L0(number) => number,
                SourceId::SortedRun(number) => number.into(),
            };
            format!("{number} ({} bytes)", source.size)
        });
        let each: Vec<_> = each.collect();
        if each.is_empty() { "none".to_owned() } else { each.join(", ") }
    };
    let (l0, runs) = (list(&levels.l0), list(&levels.sorted_runs));
    format!("\n level 0: {l0}\n runs:    {runs}\n (newest first)\n")
}

mod task_8_1 {
    use super::*;

    const L0_11: SourceId = SourceId::L0(11);
    const L0_10: SourceId = SourceId::L0(10);
    const RUN_2: SourceId = SourceId::SortedRun(2);
    const RUN_1: SourceId = SourceId::SortedRun(1);
    const RUN_0: SourceId = SourceId::SortedRun(0);

    /// Two SSTs in level 0, 11 and 10, and three sorted runs, 2, 1 and 0.
    fn five() -> Levels {
        levels(&[1, 1], &[1, 1, 1])
    }

    fn spec(sources: &[SourceId], destination: u32) -> CompactionSpec {
        CompactionSpec { sources: sources.to_vec(), destination }
    }

    #[track_caller]
    fn assert_valid(levels: &Levels, spec: &CompactionSpec, why: &str) {
        let (answer, rule) = (spec.validate(levels), rule("8.1", why));
        assert!(answer.is_ok(), "{answer:?} for {spec:?} in{}{rule}", shown(levels));
    }

    #[track_caller]
    fn assert_refused(levels: &Levels, spec: &CompactionSpec, why: &str) {
        let (answer, rule) = (spec.validate(levels), rule("8.1", why));
        match &answer {
            Err(Error::InvalidArgument { argument: "compaction", .. }) => {}
            _ => panic!(
                "expected InvalidArgument about \"compaction\", found {answer:?} for {spec:?} in{}{rule}",
                shown(levels)
            ),
        }
    }

    #[test]
    fn a_new_run_of_level_0_is_valid() {
        let why = "all of level 0, or its oldest SSTs, may become the newest sorted run";
        assert_valid(&five(), &spec(&[L0_11, L0_10], 3), why);
        assert_valid(&five(), &spec(&[L0_10], 3), why);
        assert_valid(&five(), &spec(&[L0_10], 7), why);
        assert_valid(&levels(&[1], &[]), &spec(&[L0_10], 0), why);
    }

    #[test]
    fn neighbouring_runs_are_valid() {
        let why = "neighbouring runs may be merged into the oldest of them";
        assert_valid(&five(), &spec(&[RUN_2, RUN_1], 1), why);
        assert_valid(&five(), &spec(&[RUN_1, RUN_0], 0), why);
        assert_valid(&five(), &spec(&[RUN_2, RUN_1, RUN_0], 0), why);
        assert_valid(&five(), &spec(&[RUN_1], 1), why);
    }

    #[test]
    fn level_0_and_runs_may_be_merged_together() {
        let why = "the oldest SST of level 0 and the newest run are neighbours";
        assert_valid(&five(), &spec(&[L0_10, RUN_2], 2), why);
        assert_valid(&five(), &spec(&[L0_11, L0_10, RUN_2, RUN_1, RUN_0], 0), why);
    }

    #[test]
    fn nothing_is_refused() {
        let why = "a compaction has a source";
        assert_refused(&five(), &spec(&[], 3), why);
        assert_refused(&Levels::default(), &spec(&[], 0), why);
    }

    #[test]
    fn a_gap_is_refused() {
        let why = "no source between two others is left out";
        assert_refused(&five(), &spec(&[RUN_2, RUN_0], 0), why);
        assert_refused(&five(), &spec(&[L0_11, RUN_2], 2), why);
        assert_refused(&five(), &spec(&[L0_10, RUN_1], 1), why);
        assert_refused(&levels(&[1, 1, 1], &[]), &spec(&[SourceId::L0(12), L0_10], 0), why);
    }

    #[test]
    fn another_order_is_refused() {
        let why = "the sources are given newest first, each once";
        assert_refused(&five(), &spec(&[RUN_1, RUN_2], 1), why);
        assert_refused(&five(), &spec(&[RUN_1, RUN_2], 2), why);
        assert_refused(&five(), &spec(&[L0_10, L0_11], 3), why);
        assert_refused(&five(), &spec(&[RUN_1, RUN_1], 1), why);
    }

    #[test]
    fn an_unknown_source_is_refused() {
        let why = "every source is in the levels";
        assert_refused(&five(), &spec(&[SourceId::SortedRun(3), RUN_2], 2), why);
        assert_refused(&five(), &spec(&[L0_10, SourceId::L0(9)], 3), why);
        assert_refused(&Levels::default(), &spec(&[RUN_0], 0), why);
        // An SST and a run may have the same number.
        let levels = Levels { l0: Vec::new(), sorted_runs: runs(&[1; 11]) };
        assert_refused(&levels, &spec(&[L0_10], 11), why);
    }

    #[test]
    fn a_run_in_the_wrong_place_is_refused() {
        let why = "merged runs take the place and the number of the oldest of them";
        for destination in [0, 2, 3, 9] {
            assert_refused(&five(), &spec(&[RUN_2, RUN_1], destination), why);
            assert_refused(&five(), &spec(&[L0_10, RUN_2, RUN_1], destination), why);
        }
    }

    #[test]
    fn a_number_that_is_not_new_is_refused() {
        let why = "a new run is newer than all others, and its number says so";
        for destination in 0..3 {
            assert_refused(&five(), &spec(&[L0_11, L0_10], destination), why);
        }
    }

    #[test]
    fn an_older_sst_is_not_left_behind() {
        let why = "every SST in level 0 is newer than every run, so its oldest go first";
        assert_refused(&five(), &spec(&[L0_11], 3), why);
        assert_refused(&levels(&[1, 1, 1], &[]), &spec(&[SourceId::L0(12), L0_11], 0), why);
    }

    /// Every compaction of at most three sources of the five, with every destination.
    #[test]
    fn exactly_the_valid_ones_are_valid() {
        let (levels, order) = (five(), [L0_11, L0_10, RUN_2, RUN_1, RUN_0]);
        let mut candidates = vec![vec![]];
        for length in 0..3 {
            let longest: Vec<_> =
                candidates.iter().filter(|chosen| chosen.len() == length).cloned().collect();
            for chosen in longest {
                candidates.extend(order.map(|next| [&chosen[..], &[next]].concat()));
            }
        }
        for (sources, destination) in
            candidates.iter().flat_map(|sources| (0..6).map(move |number| (sources, number)))
        {
            let neighbours =
                (0..5).any(|start| !sources.is_empty() && order[start..].starts_with(sources));
            let expected = neighbours
                && match sources.last() {
                    Some(SourceId::SortedRun(oldest)) => destination == *oldest,
                    last => last == Some(&L0_10) && destination > 2,
                };
            let spec = spec(sources, destination);
            match expected {
                true => assert_valid(&levels, &spec, "what breaks no rule is valid"),
                false => assert_refused(&levels, &spec, "see the rules of `validate`"),
            }
        }
    }

    /// What each source holds for each of six keys, newest source first.
    type Rows = Vec<(SourceId, BTreeSet<u8>)>;

    /// For each key, the source in which a read finds it: the newest that has it.
    fn reads(rows: &Rows) -> Vec<Option<SourceId>> {
        let holder = |key| rows.iter().find(|(_, keys)| keys.contains(&key)).map(|(id, _)| *id);
        (0..6).map(holder).collect()
    }

    proptest! {
        #![proptest_config(testkit::config(256))]

        /// With any rows in the sources: the newest row of a key stays the newest.
        #[test]
        fn a_valid_compaction_changes_no_read(
            (ssts, sorted_runs) in (0usize..4, 0usize..4),
            keys in prop::collection::vec(prop::collection::btree_set(0u8..6, 0..5), 6),
            (first, end, destination) in (0usize..6, 0usize..7, 0u32..6),
        ) {
            let levels = levels(&vec![1; ssts], &vec![1; sorted_runs]);
            let before: Rows = levels.newest_first().map(|source| source.id).zip(keys).collect();
            let ids: Vec<_> = before.iter().map(|(id, _)| *id).collect();
            let sources = ids.get(first..end.min(ids.len())).unwrap_or_default();
            let spec = spec(sources, destination);
            if spec.validate(&levels).is_err() {
                return Ok(());
            }
            let written = SourceId::SortedRun(destination);
            let merged = before.iter().filter(|(id, _)| spec.sources.contains(id));
            let merged: BTreeSet<_> = merged.flat_map(|(_, keys)| keys.clone()).collect();
            let after: Rows = levels.apply(&spec, 1).newest_first().map(|source| {
                let kept = before.iter().find(|(id, _)| *id == source.id && *id != written);
                let keys = kept.map_or_else(|| merged.clone(), |(_, keys)| keys.clone());
                (source.id, keys)
            }).collect();
            let moved = |found: Option<SourceId>| {
                found.map(|id| if spec.sources.contains(&id) { written } else { id })
            };
            let expected: Vec<_> = reads(&before).into_iter().map(moved).collect();
            let rule = rule("8.1", "a valid compaction changes no read");
            prop_assert_eq!(reads(&after), expected, "{:?} in{}{}", spec, shown(&levels), rule);
        }
    }
}

mod task_8_2 {
    use super::*;

    #[track_caller]
    fn assert_pick(
        scheduler: &SizeTieredCompactionScheduler,
        levels: &Levels,
        running: &[CompactionSpec],
        expected: Option<&CompactionSpec>,
        why: &str,
    ) {
        let (found, rule) = (scheduler.pick_l0(levels, running), rule("8.2", why));
        let shown = shown(levels);
        assert_eq!(found.as_ref(), expected, "pick_l0, with {running:?} running, in{shown}{rule}");
    }

    /// The numbers of the oldest `count` SSTs of level 0, newest first.
    fn oldest(count: u64) -> Vec<u64> {
        (10..10 + count).rev().collect()
    }

    #[test]
    fn fewer_than_four_stay() {
        let why = "level 0 is left alone while it has fewer than min_compaction_sources";
        for count in 0..4 {
            let levels = levels(&vec![1; count], &[1; 3]);
            assert_pick(&scheduler(), &levels, &[], None, why);
        }
    }

    #[test]
    fn four_to_eight_become_a_run() {
        let why = "from min_compaction_sources on, all SSTs become a new run";
        for count in 4..=8 {
            let levels = levels(&vec![1; count], &[]);
            let expected = of_l0(&oldest(count as u64), 0);
            assert_pick(&scheduler(), &levels, &[], Some(&expected), why);
        }
    }

    #[test]
    fn of_more_than_eight_the_oldest_go() {
        let why = "at most max_compaction_sources are taken, and they are the oldest";
        for count in [9, 10, 20] {
            let levels = levels(&vec![1; count], &[]);
            assert_pick(&scheduler(), &levels, &[], Some(&of_l0(&oldest(8), 0)), why);
        }
    }

    #[test]
    fn sizes_do_not_matter() {
        let why = "every SST of level 0 costs a read, whatever its size";
        let levels = levels(&[1, u64::MAX, 0, 1_000_000], &[5]);
        assert_pick(&scheduler(), &levels, &[], Some(&of_l0(&oldest(4), 1)), why);
    }

    #[test]
    fn the_options_count() {
        let why = "min_compaction_sources and max_compaction_sources are the scheduler's options";
        let scheduler = with_options(2, 3, 4.0);
        for (count, expected) in [(1, None), (2, Some(2)), (3, Some(3)), (4, Some(3))] {
            let levels = levels(&vec![1; count], &[]);
            let expected = expected.map(|count| of_l0(&oldest(count), 0));
            assert_pick(&scheduler, &levels, &[], expected.as_ref(), why);
        }
    }

    #[test]
    fn an_sst_in_use_holds_the_others_up() {
        let why = "what a running compaction uses is not used again";
        let four = levels(&[1; 4], &[]);
        for used in 10..14 {
            assert_pick(&scheduler(), &four, &[of_l0(&[used], 0)], None, why);
        }
        // While the oldest four are merged, four more come: the oldest eight have them among them.
        let eight = levels(&[1; 8], &[]);
        assert_pick(&scheduler(), &eight, &[of_l0(&oldest(4), 0)], None, why);
        assert_pick(&scheduler(), &eight, &[of_runs(&[9]), of_l0(&[17], 10)], None, why);
    }

    #[test]
    fn what_runs_elsewhere_does_not_matter() {
        let why = "only a running compaction that uses one of the SSTs is in the way";
        let expected = of_l0(&oldest(4), 3);
        let running = [of_runs(&[2, 1]), of_runs(&[0])];
        assert_pick(&scheduler(), &levels(&[1; 4], &[1; 3]), &running, Some(&expected), why);
        // Nine SSTs; the newest is not among the oldest eight.
        let (nine, running) = (levels(&[1; 9], &[]), [of_l0(&[18], 0)]);
        assert_pick(&scheduler(), &nine, &running, Some(&of_l0(&oldest(8), 1)), why);
        // An SST and a run may have the same number.
        let running = [of_runs(&[13, 12, 11, 10])];
        let expected = of_l0(&oldest(4), 11);
        assert_pick(&scheduler(), &levels(&[1; 4], &[]), &running, Some(&expected), why);
    }

    #[test]
    fn the_new_number_is_the_highest() {
        let why = "a new run is newer than all that exist and all that are being written";
        let destination = |numbers: &[u32], running: &[CompactionSpec]| {
            let id = |&number| CompactionSource { id: SourceId::SortedRun(number), size: 1 };
            let sorted_runs = numbers.iter().map(id).collect();
            let levels = Levels { l0: l0(&[1; 4]), sorted_runs };
            scheduler().pick_l0(&levels, running).map(|spec| spec.destination)
        };
        let busy = [of_runs(&[2]), of_l0(&[99, 98], 9), of_runs(&[3])];
        let cases: [(&[u32], &[CompactionSpec], Option<u32>); 7] = [
            (&[], &[], Some(0)),
            (&[0], &[], Some(1)),
            (&[7, 3], &[], Some(8)),
            (&[7, 3], &busy, Some(10)),
            (&[12, 3], &busy, Some(13)),
            (&[], &busy, Some(10)),
            (&[u32::MAX, 3], &[], None),
        ];
        for (numbers, running, expected) in cases {
            let (found, rule) = (destination(numbers, running), rule("8.2", why));
            assert_eq!(found, expected, "runs {numbers:?}, running {running:?}{rule}");
        }
        // No number is left, because a running compaction has taken the last one.
        let last = of_l0(&[99], u32::MAX);
        let (found, rule) = (destination(&[], &[last]), rule("8.2", why));
        assert_eq!(found, None, "the highest number is being written{rule}");
    }

    #[test]
    fn the_next_number_is_that_of_the_levels() {
        let rule = rule("8.2", "one more than the highest, or 0; None if there is no higher one");
        let next = |run_sizes: &[u64], running: &[CompactionSpec]| {
            levels(&[1; 9], run_sizes).next_run(running)
        };
        assert_eq!(next(&[], &[]), Some(0), "no runs{rule}");
        assert_eq!(next(&[1, 1], &[]), Some(2), "runs 1 and 0{rule}");
        assert_eq!(next(&[1, 1], &[of_l0(&[10], 2)]), Some(3), "run 2 is being written{rule}");
        assert_eq!(next(&[], &[of_l0(&[10], u32::MAX)]), None, "the last is being written{rule}");
    }

    #[test]
    fn a_compaction_uses_what_it_reads_and_what_it_writes() {
        let rule = rule("8.2", "a compaction uses its sources and its destination");
        let spec = CompactionSpec {
            sources: vec![SourceId::L0(10), SourceId::SortedRun(4), SourceId::SortedRun(3)],
            destination: 3,
        };
        for (id, expected) in [
            (SourceId::L0(10), true),
            (SourceId::SortedRun(4), true),
            (SourceId::SortedRun(3), true),
            (SourceId::SortedRun(5), false),
            (SourceId::SortedRun(10), false),
            (SourceId::L0(3), false),
            (SourceId::L0(4), false),
        ] {
            assert_eq!(spec.uses(id), expected, "{id:?}, by {spec:?}{rule}");
        }
        let new = of_l0(&[10, 9], 5);
        assert!(new.uses(SourceId::SortedRun(5)), "run 5 is being written by {new:?}{rule}");
        assert!(!new.uses(SourceId::L0(5)), "run 5 is written by {new:?}, and not SST 5{rule}");
    }
}

mod task_8_3 {
    use super::*;

    #[track_caller]
    fn assert_series(
        scheduler: &SizeTieredCompactionScheduler,
        sizes: &[u64],
        expected: usize,
        why: &str,
    ) {
        let (all, rule) = (runs(sizes), rule("8.3", why));
        let found = scheduler.similar_runs(&all);
        let threshold = scheduler.options().include_size_threshold;
        assert_eq!(
            found,
            &all[..expected],
            "the series of runs of {sizes:?} bytes, newest first, with the threshold {threshold}, \
             has {expected} runs{rule}"
        );
    }

    #[test]
    fn runs_of_one_size_are_a_series() {
        let why = "runs of one size are similar, however many there are";
        for count in [0, 1, 2, 8, 9, 30] {
            assert_series(&scheduler(), &vec![7; count], count, why);
        }
    }

    #[test]
    fn four_times_as_large_is_similar() {
        let why =
            "a run may be include_size_threshold times as large as the smallest, and no larger";
        assert_series(&scheduler(), &[10, 40], 2, why);
        assert_series(&scheduler(), &[10, 41], 1, why);
        assert_series(&scheduler(), &[10, 39, 40, 41, 10], 3, why);
        assert_series(&scheduler(), &[1, 4, 5], 2, why);
    }

    #[test]
    fn smaller_runs_always_join() {
        let why = "an older run that is smaller joins, whatever its size";
        assert_series(&scheduler(), &[1000, 1], 2, why);
        assert_series(&scheduler(), &[1000, 100, 10, 1], 4, why);
    }

    #[test]
    fn the_smallest_so_far_counts() {
        let why = "a run is compared with the smallest in front of it: not with the first, the last, \
                   or the sum";
        // The first is 100, the last 9, the smallest 2.
        assert_series(&scheduler(), &[100, 2, 8, 9], 3, why);
        // Each is at most four times its neighbour.
        assert_series(&scheduler(), &[1, 3, 9, 27], 2, why);
        assert_series(&scheduler(), &[2, 8, 9], 2, why);
        // The sum is 16, and the smallest 3.
        assert_series(&scheduler(), &[5, 8, 3, 13], 3, why);
        // What comes behind does not count.
        assert_series(&scheduler(), &[10, 40, 1, 4, 5], 4, why);
    }

    #[test]
    fn a_series_has_no_gap() {
        let why =
            "a series ends at the first run that is too large, even if others would fit behind";
        assert_series(&scheduler(), &[10, 10, 1000, 10, 10], 2, why);
    }

    #[test]
    fn empty_runs_are_similar_to_each_other() {
        let why = "four times nothing is nothing";
        assert_series(&scheduler(), &[0, 0, 0, 1], 3, why);
        assert_series(&scheduler(), &[9, 0, 0, 1], 3, why);
    }

    #[test]
    fn no_size_is_too_large() {
        let why = "a product that is too large for a u64 counts as the largest one";
        assert_series(&scheduler(), &[u64::MAX; 9], 9, why);
        assert_series(&scheduler(), &[u64::MAX / 2, u64::MAX, 1], 3, why);
        assert_series(&scheduler(), &[1, u64::MAX], 1, why);
    }

    #[test]
    fn the_threshold_is_an_option() {
        let why = "include_size_threshold is the scheduler's option";
        assert_series(&with_options(4, 8, 1.0), &[5, 5, 4, 4, 5], 4, why);
        assert_series(&with_options(4, 8, 1.5), &[2, 3, 3, 4], 3, why);
        assert_series(&with_options(4, 8, 1.5), &[3, 4, 5], 2, why);
        assert_series(&with_options(4, 8, 10.0), &[1, 10, 11], 2, why);
        assert_series(&with_options(4, 8, f64::INFINITY), &[1, u64::MAX, 1], 3, why);
    }

    #[test]
    fn the_other_options_do_not_matter() {
        let why = "how many sources a compaction may have is a question for later";
        assert_series(&with_options(2, 3, 4.0), &[1; 9], 9, why);
        assert_series(&with_options(30, 90, 4.0), &[1; 2], 2, why);
    }
}

mod task_8_4 {
    use super::*;

    #[track_caller]
    fn assert_held_back(size: u64, older: &[u64], expected: bool, why: &str) {
        let (found, rule) = (scheduler().is_held_back(size, &runs(older)), rule("8.4", why));
        assert_eq!(found, expected, "{size} bytes, in front of runs of {older:?} bytes{rule}");
    }

    #[track_caller]
    fn assert_runs(
        run_sizes: &[u64],
        running: &[CompactionSpec],
        expected: Option<&[u32]>,
        why: &str,
    ) {
        let (levels, expected) = (levels(&[], run_sizes), expected.map(of_runs));
        let rule = rule("8.4", why);
        let found = scheduler().pick_sorted_runs(&levels, running);
        let shown = shown(&levels);
        assert_eq!(found, expected, "pick_sorted_runs, with {running:?} running, in{shown}{rule}");
        let found = scheduler().propose(&levels, running);
        assert_eq!(found, expected, "propose, with {running:?} running, in{shown}{rule}");
    }

    #[track_caller]
    fn assert_proposal(
        levels: &Levels,
        running: &[CompactionSpec],
        expected: Option<&CompactionSpec>,
        why: &str,
    ) {
        let (found, rule) = (scheduler().propose(levels, running), rule("8.4", why));
        let shown = shown(levels);
        assert_eq!(found.as_ref(), expected, "propose, with {running:?} running, in{shown}{rule}");
    }

    #[test]
    fn a_full_series_of_similar_runs_holds_back() {
        let why = "a compaction waits if its result would join a series that is full already";
        assert_held_back(10, &[10; 8], true, why);
        assert_held_back(10, &[10; 9], true, why);
        assert_held_back(10, &[40; 8], true, why);
        assert_held_back(1000, &[1; 8], true, why);
        assert_held_back(u64::MAX, &[u64::MAX; 8], true, why);
        // The series goes by its own sizes: the result would be smaller than all of them.
        assert_held_back(10, &[40, 160, 160, 160, 160, 160, 160, 160, 1], true, why);
    }

    #[test]
    fn a_series_that_is_not_full_does_not() {
        let why = "while a series has fewer than max_compaction_sources, one more may join";
        assert_held_back(10, &[], false, why);
        assert_held_back(10, &[10; 7], false, why);
        assert_held_back(10, &[10, 10, 10, 10, 10, 10, 10, 41, 10], false, why);
    }

    #[test]
    fn a_series_of_other_sizes_does_not() {
        let why = "a series of runs that are too large for the result does not hold it back";
        assert_held_back(10, &[41; 8], false, why);
        assert_held_back(0, &[1; 8], false, why);
        // Only the next older run counts.
        assert_held_back(10, &[41, 10, 10, 10, 10, 10, 10, 10, 10, 10], false, why);
    }

    #[test]
    fn the_options_count() {
        let why = "a series is full from max_compaction_sources on, and the threshold is an option";
        let scheduler = with_options(2, 3, 2.0);
        for (size, older, expected) in [
            (10, &[20, 20, 20][..], true),
            (10, &[20, 20], false),
            (10, &[21, 20, 20], false),
            (10, &[10, 20, 21], false),
        ] {
            let (found, rule) = (scheduler.is_held_back(size, &runs(older)), rule("8.4", why));
            assert_eq!(found, expected, "{size} bytes, in front of runs of {older:?} bytes{rule}");
        }
        let found = scheduler.pick_sorted_runs(&levels(&[], &[2, 3, 4, 9, 9]), &[]);
        let rule = rule("8.4", why);
        assert_eq!(found, Some(of_runs(&[4, 3, 2])), "runs of [2, 3, 4, 9, 9] bytes{rule}");
    }

    #[test]
    fn four_to_eight_similar_runs_are_merged() {
        let why = "a series of min_compaction_sources or more is merged into its oldest run";
        assert_runs(&[], &[], None, why);
        assert_runs(&[5; 3], &[], None, why);
        assert_runs(&[5; 4], &[], Some(&[3, 2, 1, 0]), why);
        assert_runs(&[5; 5], &[], Some(&[4, 3, 2, 1, 0]), why);
        assert_runs(&[5; 8], &[], Some(&[7, 6, 5, 4, 3, 2, 1, 0]), why);
        assert_runs(&[10, 30, 40, 20], &[], Some(&[3, 2, 1, 0]), why);
        assert_runs(&[10, 30, 41, 20], &[], None, why);
    }

    #[test]
    fn of_more_than_eight_the_oldest_are_merged() {
        let why = "at most max_compaction_sources are taken, and they are the oldest";
        for count in [9, 12, 30] {
            assert_runs(&vec![5; count], &[], Some(&[7, 6, 5, 4, 3, 2, 1, 0]), why);
        }
    }

    #[test]
    fn the_destination_is_the_oldest_of_the_series() {
        let why = "the result takes the place of the oldest source, not of the oldest run";
        assert_runs(&[5, 5, 5, 5, 500], &[], Some(&[4, 3, 2, 1]), why);
        assert_runs(&[5, 5, 5, 5, 500, 500, 500, 9999], &[], Some(&[7, 6, 5, 4]), why);
    }

    #[test]
    fn a_series_may_begin_anywhere() {
        let why = "if no series begins at a run, the next older run is tried";
        assert_runs(&[1, 50, 50, 50, 50], &[], Some(&[3, 2, 1, 0]), why);
        assert_runs(&[1, 1, 1, 50, 60, 70, 50, 900], &[], Some(&[4, 3, 2, 1]), why);
        assert_runs(&[1, 1, 1, 50, 60, 70, 900], &[], None, why);
    }

    #[test]
    fn of_two_series_the_newer_is_merged() {
        let why = "the newest series that is long enough is merged first";
        let sizes = [5, 5, 5, 5, 500, 500, 500, 500];
        assert_runs(&sizes, &[], Some(&[7, 6, 5, 4]), why);
        assert_runs(&sizes, &[of_runs(&[7, 6, 5, 4])], Some(&[3, 2, 1, 0]), why);
        assert_runs(&sizes, &[of_runs(&[7, 6, 5, 4]), of_runs(&[3, 2, 1, 0])], None, why);
    }

    #[test]
    fn runs_in_use_end_a_series() {
        let why = "a series never contains a run in use, and never passes over one";
        assert_runs(&[5; 4], &[of_runs(&[3])], None, why);
        assert_runs(&[5; 4], &[of_runs(&[1])], None, why);
        assert_runs(&[5; 7], &[of_runs(&[3])], None, why);
        assert_runs(&[5; 7], &[of_runs(&[2])], Some(&[6, 5, 4, 3]), why);
        assert_runs(&[5; 7], &[of_runs(&[4])], Some(&[3, 2, 1, 0]), why);
        assert_runs(&[5; 9], &[of_runs(&[6, 5])], Some(&[4, 3, 2, 1, 0]), why);
        assert_runs(&[5; 8], &[of_runs(&[1, 0])], Some(&[7, 6, 5, 4, 3, 2]), why);
        // A run that is being written is in use too.
        assert_runs(&[5; 4], &[of_l0(&[10, 9], 2)], None, why);
        // An SST of level 0 may have the same number.
        assert_runs(&[5; 4], &[of_l0(&[2, 1], 9)], Some(&[3, 2, 1, 0]), why);
    }

    #[test]
    fn older_runs_are_merged_before_more_join_them() {
        let why = "a series ends where its result would join a series that is full already";
        let ones_and = |size| [&[1; 4][..], &[size; 8]].concat();
        let eight = [7, 6, 5, 4, 3, 2, 1, 0];
        // Together the four have 4 bytes, so runs of 16 are similar to the result.
        assert_runs(&ones_and(16), &[], Some(&eight), why);
        assert_runs(&ones_and(16), &[of_runs(&eight)], None, why);
        assert_runs(&ones_and(17), &[], Some(&[11, 10, 9, 8]), why);
        // Also while some of them are being merged.
        assert_runs(&[5; 9], &[of_runs(&[1, 0])], Some(&[7, 6, 5, 4, 3, 2]), why);
        // Seven are not a full series.
        assert_runs(&[1, 1, 1, 1, 16, 16, 16, 16, 16, 16, 16], &[], Some(&[10, 9, 8, 7]), why);
    }

    #[test]
    fn a_series_may_end_before_it_is_held_back() {
        let why = "the runs before the one that would be held back are still a series";
        // Four ones are 4 bytes; with the fifth they are 5, and 20 is similar to that.
        let sizes = [&[1; 5][..], &[20; 8]].concat();
        assert_runs(&sizes, &[], Some(&[12, 11, 10, 9]), why);
    }

    #[test]
    fn level_0_goes_first() {
        let why = "level 0 is compacted first, if it can be";
        let levels = levels(&[1; 4], &[500; 4]);
        let l0 = of_l0(&[13, 12, 11, 10], 4);
        assert_proposal(&levels, &[], Some(&l0), why);
        assert_proposal(&levels, &[l0], Some(&of_runs(&[3, 2, 1, 0])), why);
        assert_proposal(
            &levels,
            &[of_runs(&[3, 2, 1, 0])],
            Some(&of_l0(&[13, 12, 11, 10], 4)),
            why,
        );
    }

    #[test]
    fn nothing_to_do_is_no_proposal() {
        let why = "without a series that is long enough there is nothing to do";
        assert_proposal(&Levels::default(), &[], None, why);
        assert_proposal(&levels(&[1; 3], &[1, 100, 10_000]), &[], None, why);
        assert_proposal(&levels(&[1; 3], &[5; 3]), &[], None, why);
    }

    #[test]
    fn level_0_waits_for_a_full_series() {
        let why = "level 0 is held back as runs are, by what its SSTs have together";
        let eight = of_runs(&[7, 6, 5, 4, 3, 2, 1, 0]);
        let waits = levels(&[1; 4], &[16; 8]);
        assert_proposal(&waits, &[], Some(&eight), why);
        assert_proposal(&waits, &[eight], None, why);
        let goes = levels(&[1; 4], &[17; 8]);
        assert_proposal(&goes, &[], Some(&of_l0(&[13, 12, 11, 10], 8)), why);
        let goes = levels(&[1; 4], &[16; 7]);
        assert_proposal(&goes, &[], Some(&of_l0(&[13, 12, 11, 10], 7)), why);
        // Only the SSTs that would be taken count: eight of the nine.
        let goes = levels(&[1; 9], &[33; 8]);
        let l0 = of_l0(&[17, 16, 15, 14, 13, 12, 11, 10], 8);
        assert_proposal(&goes, &[], Some(&l0), why);
        let waits = levels(&[1; 9], &[32; 8]);
        assert_proposal(&waits, &[], Some(&of_runs(&[7, 6, 5, 4, 3, 2, 1, 0])), why);
    }

    /// What must hold for every proposal.
    #[track_caller]
    fn check(
        scheduler: &SizeTieredCompactionScheduler,
        levels: &Levels,
        running: &[CompactionSpec],
        spec: &CompactionSpec,
    ) {
        let context =
            |why| format!("{spec:?} was proposed in{}{}", shown(levels), rule("8.4", why));
        let options = scheduler.options();
        let allowed = options.min_compaction_sources..=options.max_compaction_sources;
        let count = spec.sources.len();
        assert!(allowed.contains(&count), "{}", context("a compaction has min to max sources"));
        let answer = spec.validate(levels);
        assert!(answer.is_ok(), "{answer:?}: {}", context("every proposal is valid"));
        let used = |id: &SourceId| {
            let uses = |other: &CompactionSpec| {
                other.sources.contains(id) || SourceId::SortedRun(other.destination) == *id
            };
            running.iter().any(uses)
        };
        let free = !spec.sources.iter().any(used) && !used(&SourceId::SortedRun(spec.destination));
        assert!(free, "{running:?} is running: {}", context("what is in use is left alone"));
    }

    /// Sizes that are often similar, and sometimes extreme.
    fn any_size() -> impl Strategy<Value = u64> {
        prop_oneof![
            4 => 1u64..6,
            3 => 1u64..100,
            1 => prop::sample::select(vec![0, u64::MAX / 4, u64::MAX - 1, u64::MAX]),
        ]
    }

    fn any_scheduler() -> impl Strategy<Value = SizeTieredCompactionScheduler> {
        let threshold = prop::sample::select(vec![1.0, 1.5, 4.0, 100.0, f64::INFINITY]);
        (2usize..6, 0usize..5, threshold)
            .prop_map(|(min, more, threshold)| with_options(min, min + more, threshold))
    }

    proptest! {
        #![proptest_config(testkit::config(256))]

        /// Compactions are started, several at a time, and end in any order, until there are none
        /// left. A compaction may write less than it read.
        #[test]
        fn proposals_are_valid_and_come_to_an_end(
            scheduler in any_scheduler(),
            l0_sizes in prop::collection::vec(any_size(), 0..12),
            run_sizes in prop::collection::vec(any_size(), 0..24),
            steps in prop::collection::vec((any::<prop::sample::Index>(), 0u64..=4), 64),
        ) {
            let mut levels = levels(&l0_sizes, &run_sizes);
            let mut running: Vec<(CompactionSpec, u64)> = Vec::new();
            for (choice, quarters) in steps {
                let specs: Vec<_> = running.iter().map(|(spec, _)| spec.clone()).collect();
                if let Some(spec) = scheduler.propose(&levels, &specs) {
                    check(&scheduler, &levels, &specs, &spec);
                    let written = levels.size_of(&spec.sources) / 4 * quarters;
                    running.push((spec, written));
                }
                if running.is_empty() {
                    return Ok(());
                }
                if running.len() == 3 || quarters % 2 == 0 {
                    let (spec, written) = running.swap_remove(choice.index(running.len()));
                    levels = levels.apply(&spec, written);
                }
            }
            let specs: Vec<_> = running.iter().map(|(spec, _)| spec.clone()).collect();
            let next = scheduler.propose(&levels, &specs);
            let rule = rule("8.4", "each compaction makes one source of several, so they end");
            prop_assert_eq!(next, None, "after 64 steps, in{}{}", shown(&levels), rule);
        }
    }

    /// A flush at a time, each compaction ended before the next flush, nothing overwritten.
    #[test]
    fn a_steady_stream_of_flushes_leaves_few_runs() {
        let (flushes, scheduler) = (4096, scheduler());
        let (mut state, mut written, mut most_runs) = (Levels::default(), 0, 0);
        for number in 0..flushes {
            state.l0.insert(0, CompactionSource { id: SourceId::L0(number), size: 1 });
            while let Some(spec) = scheduler.propose(&state, &[]) {
                check(&scheduler, &state, &[], &spec);
                let size = state.size_of(&spec.sources);
                written += size;
                state = state.apply(&spec, size);
            }
            let rule = rule("8.4", "four SSTs in level 0 become a run at once");
            assert!(state.l0.len() < 4, "after flush {number}:{}{rule}", shown(&state));
            most_runs = most_runs.max(state.sorted_runs.len());
        }
        let size: u64 = state.newest_first().map(|source| source.size).sum();
        assert_eq!(size, flushes, "no byte is lost:{}", shown(&state));
        // 4,096 is the sixth power of 4. A run takes part in a merge when there are four of its size
        // or a little larger, so there are at most three of each size; and what a row is merged into
        // is at least four times as large as before, or nearly so.
        let why = "runs are merged with runs of similar size, so their number, and how often a row \
                   is written, grow with the logarithm of the data";
        let rule = rule("8.4", why);
        assert!(most_runs <= 3 * 6, "there were {most_runs} runs at once{rule}");
        let each = written as f64 / flushes as f64;
        assert!(each <= 8.0, "each row was written {each:.1} times{rule}");
    }
}
