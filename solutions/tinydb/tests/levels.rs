//! What week 8's tasks are given: the levels behind a compaction, a full compaction, and options
//! that are checked.

use tinydb::Error;
use tinydb::compaction::{
    CompactionSource, CompactionSpec, Levels, SizeTieredCompactionOptions,
    SizeTieredCompactionScheduler, SourceId, full_compaction,
};

fn source(id: SourceId, size: u64) -> CompactionSource {
    CompactionSource { id, size }
}

/// Two SSTs in level 0, and the runs 7, 4 and 2.
fn levels() -> Levels {
    Levels {
        l0: vec![source(SourceId::L0(31), 3), source(SourceId::L0(30), 4)],
        sorted_runs: vec![run(7, 10), run(4, 20), run(2, 40)],
    }
}

fn run(number: u32, size: u64) -> CompactionSource {
    source(SourceId::SortedRun(number), size)
}

fn spec(sources: &[SourceId], destination: u32) -> CompactionSpec {
    CompactionSpec { sources: sources.to_vec(), destination }
}

#[test]
fn a_new_run_is_the_newest() {
    let after = levels().apply(&spec(&[SourceId::L0(31), SourceId::L0(30)], 8), 6);
    let expected =
        Levels { l0: vec![], sorted_runs: vec![run(8, 6), run(7, 10), run(4, 20), run(2, 40)] };
    assert_eq!(after, expected);
}

#[test]
fn merged_runs_take_the_place_of_the_oldest() {
    let merged = spec(&[SourceId::SortedRun(7), SourceId::SortedRun(4)], 4);
    let after = levels().apply(&merged, 25);
    let expected = Levels { l0: levels().l0, sorted_runs: vec![run(4, 25), run(2, 40)] };
    assert_eq!(after, expected);
}

#[test]
fn a_run_that_ends_late_finds_its_place() {
    // While level 0 was merged into run 8, run 9 came to be.
    let mut levels = levels();
    levels.sorted_runs.insert(0, run(9, 5));
    let after = levels.apply(&spec(&[SourceId::L0(30)], 8), 4);
    let numbers: Vec<_> = after.sorted_runs.iter().map(|run| run.id).collect();
    assert_eq!(numbers, [9, 8, 7, 4, 2].map(SourceId::SortedRun));
}

#[test]
fn nothing_written_is_no_run() {
    let merged = spec(&[SourceId::SortedRun(4), SourceId::SortedRun(2)], 2);
    assert_eq!(levels().apply(&merged, 0).sorted_runs, [run(7, 10)]);
}

#[test]
fn a_full_compaction_takes_everything() {
    let full = full_compaction(&levels()).expect("there is something to merge");
    let all = [31, 30].map(SourceId::L0).into_iter().chain([7, 4, 2].map(SourceId::SortedRun));
    assert_eq!(full, spec(&all.collect::<Vec<_>>(), 2));
    assert!(full.validate(&levels()).is_ok());
    assert_eq!(levels().apply(&full, 50), Levels { l0: vec![], sorted_runs: vec![run(2, 50)] });
}

#[test]
fn a_full_compaction_of_level_0_makes_the_first_run() {
    let levels = Levels { l0: vec![source(SourceId::L0(5), 1)], sorted_runs: vec![] };
    let full = full_compaction(&levels).expect("an SST of level 0 is not a sorted run yet");
    assert_eq!(full, spec(&[SourceId::L0(5)], 0));
    assert!(full.validate(&levels).is_ok());
}

#[test]
fn one_run_needs_no_full_compaction() {
    for sorted_runs in [vec![], vec![run(3, 10)]] {
        assert_eq!(full_compaction(&Levels { l0: vec![], sorted_runs }), None);
    }
    let two = Levels { l0: vec![], sorted_runs: vec![run(3, 10), run(1, 10)] };
    let both = spec(&[SourceId::SortedRun(3), SourceId::SortedRun(1)], 1);
    assert_eq!(full_compaction(&two), Some(both));
}

#[test]
fn sizes_are_added_up_to_the_largest() {
    let levels = Levels { l0: vec![], sorted_runs: vec![run(2, u64::MAX), run(1, 1), run(0, 2)] };
    let of = |numbers: &[u32]| {
        let ids: Vec<_> = numbers.iter().map(|&number| SourceId::SortedRun(number)).collect();
        levels.size_of(&ids)
    };
    assert_eq!((of(&[]), of(&[1, 0]), of(&[2, 1, 0]), of(&[9])), (0, 3, u64::MAX, 0));
}

#[test]
fn options_are_checked() {
    let with = |min, max, threshold| {
        let options = SizeTieredCompactionOptions {
            min_compaction_sources: min,
            max_compaction_sources: max,
            include_size_threshold: threshold,
        };
        match SizeTieredCompactionScheduler::new(options) {
            Ok(scheduler) => {
                assert_eq!(*scheduler.options(), options);
                "valid"
            }
            Err(Error::InvalidArgument { argument, .. }) => argument,
            Err(other) => panic!("expected InvalidArgument, found {other}"),
        }
    };
    assert_eq!(with(4, 8, 4.0), "valid");
    assert_eq!(with(2, 2, 1.0), "valid");
    assert_eq!(with(2, usize::MAX, f64::INFINITY), "valid");
    assert_eq!(with(1, 8, 4.0), "min_compaction_sources");
    assert_eq!(with(0, 0, 4.0), "min_compaction_sources");
    assert_eq!(with(4, 3, 4.0), "max_compaction_sources");
    for threshold in [0.99, 0.0, -1.0, f64::NEG_INFINITY, f64::NAN] {
        assert_eq!(with(4, 8, threshold), "include_size_threshold", "{threshold}");
    }
}
