//! Week 1, days 1 to 3: what a tree pays in writes, reads and space. The rules are on the page
//! *Amplification* of the book.

use testkit::rule;
use week1::format::amplification::*;

/// Memtables, by number: 0 is the first that was flushed.
type Run = Vec<usize>;

/// A tree that is filled memtable by memtable, and notes how often the rows of each are written.
#[derive(Default)]
struct Tree {
    fanout: usize,
    /// How often each memtable's rows were written to an SST.
    writes: Vec<u64>,
    /// The runs of each level, oldest first; level 0 comes first.
    levels: Vec<Vec<Run>>,
}

impl Tree {
    fn new(fanout: usize) -> Self {
        Self { fanout, ..Self::default() }
    }

    /// A flush of a tiered tree.
    fn flush_tiered(&mut self) {
        let run = vec![self.writes.len()];
        self.writes.push(1);
        self.add_run(0, run);
    }

    /// A level with as many runs as the fanout is merged to one run of the next level.
    fn add_run(&mut self, level: usize, run: Run) {
        self.reach(level);
        self.levels[level].push(run);
        if self.levels[level].len() == self.fanout {
            let merged = std::mem::take(&mut self.levels[level]).concat();
            self.count(&merged);
            self.add_run(level + 1, merged);
        }
    }

    /// A flush of a leveled tree.
    fn flush_leveled(&mut self) {
        let rows = vec![self.writes.len()];
        self.writes.push(0);
        self.merge_into(0, rows);
    }

    /// Rows are merged with the run of their new level. If that is full, it goes down before: a level
    /// has room for as many memtables as the fanout, multiplied by itself as often as the level says.
    fn merge_into(&mut self, level: usize, rows: Run) {
        self.reach(level);
        let room = self.fanout.pow(level as u32);
        let run = self.levels[level].pop().unwrap_or_default();
        let merged = if run.len() == room {
            self.merge_into(level + 1, run);
            rows
        } else {
            [run, rows].concat()
        };
        self.count(&merged);
        self.levels[level].push(merged);
    }

    fn reach(&mut self, level: usize) {
        if self.levels.len() == level {
            self.levels.push(Vec::new());
        }
    }

    fn count(&mut self, written: &Run) {
        for &table in written {
            self.writes[table] += 1;
        }
    }

    fn most_writes(&self) -> u64 {
        self.writes.iter().copied().max().unwrap_or(0)
    }

    fn places(&self) -> u64 {
        self.levels.iter().map(|level| level.len() as u64).sum()
    }

    /// How many memtables' worth each run has.
    fn sizes(&self) -> Vec<u64> {
        self.levels.iter().flatten().map(|run| run.len() as u64).collect()
    }
}

/// Whether two results are the same, but for rounding.
fn same(seen: f64, expected: f64) -> bool {
    seen == expected || (seen - expected).abs() <= expected.abs() * 1e-9
}

/// A result that can be compared with another, but for rounding.
trait Same: std::fmt::Debug {
    fn is_same(&self, expected: &Self) -> bool;
}

impl Same for f64 {
    fn is_same(&self, expected: &Self) -> bool {
        same(*self, *expected)
    }
}

impl Same for u32 {
    fn is_same(&self, expected: &Self) -> bool {
        self == expected
    }
}

impl Same for u64 {
    fn is_same(&self, expected: &Self) -> bool {
        self == expected
    }
}

impl Same for usize {
    fn is_same(&self, expected: &Self) -> bool {
        self == expected
    }
}

impl<T: Same> Same for Option<T> {
    fn is_same(&self, expected: &Self) -> bool {
        match (self, expected) {
            (Some(seen), Some(expected)) => seen.is_same(expected),
            (seen, expected) => seen.is_none() && expected.is_none(),
        }
    }
}

/// Checks a result that may be missing.
#[track_caller]
fn assert_ratio(seen: Option<f64>, expected: Option<f64>, what: &str, rule: &str) {
    assert!(seen.is_same(&expected), "{what}: expected {expected:?}, saw {seen:?}{rule}");
}

#[track_caller]
fn example<T: Same>(task: &str, seen: T, expected: T) {
    let rule = rule(task, "the worked examples of the page");
    assert!(seen.is_same(&expected), "expected {expected:?}, saw {seen:?}{rule}");
}

// ANCHOR: worked_write
fn worked_write() {
    // 64 MB from the user, 64 MB flushed, 128 MB compacted.
    example("1.1", write_amplification(64, 64, 128), Some(3.0));
    // 16 memtables of 1 MB, and 256 of them, with a fanout of 4.
    example("1.1", levels(1, 4, 16), Some(2));
    example("1.1", levels(1, 4, 256), Some(4));
    // How often a row is written: two levels below level 0.
    example("1.1", leveled_writes(2, 4), 9);
    example("1.1", tiered_writes(2), 3);
    // And four.
    example("1.1", leveled_writes(4, 4), 17);
    example("1.1", tiered_writes(4), 5);
}
// ANCHOR_END: worked_write

// ANCHOR: worked_read
fn worked_read() {
    // Two SSTs in level 0, and three sorted runs.
    example("1.2", read_amplification(2, 3), 5);
    // The places of a tree with two levels below level 0, and with four.
    example("1.2", leveled_places(2), 3);
    example("1.2", tiered_places(2, 4), 9);
    example("1.2", leveled_places(4), 5);
    example("1.2", tiered_places(4, 4), 15);
    // The key isn't there: no filters, and filters that are wrong once in a hundred times.
    example("1.2", expected_reads(15, false, 1.0), 15.0);
    example("1.2", expected_reads(15, false, 0.01), 0.15);
    // The key is in the oldest place.
    example("1.2", expected_reads(15, true, 1.0), 15.0);
    example("1.2", expected_reads(15, true, 0.01), 1.14);
}
// ANCHOR_END: worked_read

// ANCHOR: worked_space
fn worked_space() {
    // 96 MB in SSTs, and 64 MB would be enough.
    example("1.3", space_amplification(96, 64), Some(1.5));
    // The two trees of the figure.
    example("1.3", space_amplification(1 + 4 + 16, 16), Some(1.3125));
    example("1.3", space_amplification(3 * (1 + 4 + 16), 16), Some(3.9375));
    // Their limits.
    example("1.3", leveled_space(4), Some(4.0 / 3.0));
    example("1.3", tiered_space(4), Some(4.0));
}
// ANCHOR_END: worked_space

mod task_1_1 {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_worked_examples_of_the_page() {
        worked_write();
    }

    #[test]
    fn the_kiwi_of_the_page() {
        let rule = rule("1.1", "the predictions are what a row costs at most, and the kiwi does");
        let (mut leveled, mut tiered) = (Tree::new(4), Tree::new(4));
        let mut kiwi = Vec::new();
        for _ in 1..=18 {
            leveled.flush_leveled();
            tiered.flush_tiered();
            // It is in the first memtable.
            kiwi.push((leveled.writes[0], tiered.writes[0]));
        }
        let (leveled, tiered): (Vec<u64>, Vec<u64>) = kiwi.into_iter().unzip();
        assert_eq!(leveled, [1, 2, 3, 4, 5, 6, 6, 6, 6, 7, 7, 7, 7, 8, 8, 8, 8, 9]);
        assert_eq!(tiered, [1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3]);
        let seen = (leveled_writes(2, 4), tiered_writes(2));
        assert_eq!(seen, (leveled[17], tiered[17]), "(predicted, counted){rule}");
    }

    #[test]
    fn what_was_written_is_divided_by_what_the_user_wrote() {
        let rule = rule("1.1", "flushed and compacted bytes are added, and divided by the user's");
        let cases = [
            ((100, 100, 0), 1.0),
            ((100, 0, 100), 1.0),
            ((100, 100, 300), 4.0),
            ((100, 50, 0), 0.5),
            ((100, 0, 0), 0.0),
            ((3, 1, 1), 2.0 / 3.0),
            ((u64::MAX, 1, 0), 1.0 / u64::MAX as f64),
        ];
        for ((user, flushed, compacted), expected) in cases {
            let what = format!("write_amplification({user}, {flushed}, {compacted})");
            assert_ratio(
                write_amplification(user, flushed, compacted),
                Some(expected),
                &what,
                &rule,
            );
        }
    }

    #[test]
    fn nothing_is_divided_by_nothing() {
        let rule = rule("1.1", "without bytes of the user, there is no write amplification");
        for (flushed, compacted) in [(0, 0), (1, 0), (0, 1), (u64::MAX, u64::MAX)] {
            let what = format!("write_amplification(0, {flushed}, {compacted})");
            assert_ratio(write_amplification(0, flushed, compacted), None, &what, &rule);
        }
    }

    #[test]
    fn the_sum_of_two_large_numbers_is_no_small_one() {
        let rule = rule("1.1", "the sum may be larger than a u64");
        let most = u64::MAX;
        let what = "all three are u64::MAX";
        assert_ratio(write_amplification(most, most, most), Some(2.0), what, &rule);
        let what = "one byte of the user, and u64::MAX twice";
        assert_ratio(write_amplification(1, most, most), Some(2.0 * most as f64), what, &rule);
        let what = "u64::MAX and one more";
        assert_ratio(write_amplification(most, most, 1), Some(1.0), what, &rule);
    }

    #[test]
    fn the_last_level_has_room_for_everything() {
        let rule = rule("1.1", "the first level that has room for all data");
        let cases = [
            ((1, 4, 0), 0),
            ((1, 4, 1), 0),
            ((1, 4, 2), 1),
            ((1, 4, 4), 1),
            ((1, 4, 5), 2),
            ((10, 4, 10), 0),
            ((10, 4, 11), 1),
            ((10, 4, 40), 1),
            ((10, 4, 41), 2),
            ((64, 10, 64_000), 3),
            ((64, 10, 64_001), 4),
        ];
        for ((memtable, fanout, data), expected) in cases {
            let seen = levels(memtable, fanout, data);
            let what = format!("levels({memtable}, {fanout}, {data})");
            assert_eq!(seen, Some(expected), "{what}, (seen, expected){rule}");
        }
    }

    #[test]
    fn a_level_that_is_just_full_is_enough() {
        let rule = rule("1.1", "a level is large enough if it has room for exactly the data");
        for fanout in 2..30_u64 {
            for expected in 1..=12 {
                let room = fanout.pow(expected);
                let what = format!("levels(1, {fanout}, {room}), and of one more byte");
                let seen = (levels(1, fanout, room), levels(1, fanout, room + 1));
                let expected = (Some(expected), Some(expected + 1));
                assert_eq!(seen, expected, "{what}, (seen, expected){rule}");
            }
        }
    }

    #[test]
    fn the_largest_numbers_have_levels_too() {
        let rule = rule("1.1", "room that is too large for a u64 is room enough");
        let (most, half) = (u64::MAX, 1 << 63);
        let cases = [
            ((1, 2, most), 64),
            ((1, 2, half), 63),
            ((half, 2, most), 1),
            ((half, 3, most), 1),
            ((1, most, most), 1),
            ((2, most, most), 1),
            ((most, 2, most), 0),
            ((most - 1, most, most), 1),
            ((1, 10, most), 20),
        ];
        for ((memtable, fanout, data), expected) in cases {
            let seen = levels(memtable, fanout, data);
            let what = format!("levels({memtable}, {fanout}, {data})");
            assert_eq!(seen, Some(expected), "{what}, (seen, expected){rule}");
        }
    }

    #[test]
    fn levels_that_do_not_grow_are_no_tree() {
        let rule = rule("1.1", "a memtable without room, or a fanout below 2: None");
        for (memtable, fanout) in [(0, 4), (1, 0), (1, 1), (0, 0), (u64::MAX, 1), (0, u64::MAX)] {
            for data in [0, 1, 100, u64::MAX] {
                let what = format!("levels({memtable}, {fanout}, {data})");
                let seen = levels(memtable, fanout, data);
                assert_eq!(seen, None, "{what}, (seen, expected){rule}");
            }
        }
    }

    #[test]
    fn predicted_writes_of_large_trees() {
        let rule = rule("1.1", "a number that would be too large is u64::MAX");
        assert_eq!(leveled_writes(0, 10), 1, "only the flush, (seen, expected){rule}");
        assert_eq!(leveled_writes(3, 10), 31, "(seen, expected){rule}");
        assert_eq!(leveled_writes(1, u64::MAX), u64::MAX, "(seen, expected){rule}");
        assert_eq!(leveled_writes(2, u64::MAX), u64::MAX, "(seen, expected){rule}");
        assert_eq!(leveled_writes(1, u64::MAX - 1), u64::MAX, "(seen, expected){rule}");
        assert_eq!(leveled_writes(1, u64::MAX - 2), u64::MAX - 1, "(seen, expected){rule}");
        assert_eq!(
            leveled_writes(u32::MAX, 2),
            2 * u64::from(u32::MAX) + 1,
            "(seen, expected){rule}"
        );
        assert_eq!(tiered_writes(0), 1, "only the flush, (seen, expected){rule}");
        assert_eq!(tiered_writes(3), 4, "(seen, expected){rule}");
        assert_eq!(tiered_writes(u32::MAX), 1 << 32, "(seen, expected){rule}");
    }

    #[test]
    fn no_row_of_a_tree_is_written_more_often_than_predicted() {
        let rule = rule("1.1", "the predictions are what a row costs at most, and some row does");
        for fanout in 2..=5 {
            let (mut leveled, mut tiered) = (Tree::new(fanout), Tree::new(fanout));
            // The most levels for which the prediction was met exactly.
            let (mut leveled_met, mut tiered_met) = (0, 0);
            for flushes in 1..=300 {
                leveled.flush_leveled();
                tiered.flush_tiered();
                let levels = levels(1, fanout as u64, flushes).expect("a tree");
                let seen = (leveled.most_writes(), tiered.most_writes());
                let most = (leveled_writes(levels, fanout as u64), tiered_writes(levels));
                let what = format!("{flushes} memtables, fanout {fanout}: leveled, tiered");
                assert!(
                    seen.0 <= most.0 && seen.1 <= most.1,
                    "{what}: counted {seen:?}, predicted at most {most:?}{rule}"
                );
                if seen.0 == leveled_writes(leveled_met + 1, fanout as u64) {
                    leveled_met += 1;
                }
                if seen.1 == tiered_writes(tiered_met + 1) {
                    tiered_met += 1;
                }
            }
            let what =
                format!("fanout {fanout}: levels for which some row costs what is predicted");
            let expected = levels(1, fanout as u64, 301).expect("a tree") - 1;
            assert!(
                leveled_met >= expected - 1 && tiered_met == expected,
                "{what}: leveled {leveled_met}, tiered {tiered_met}, of {expected}{rule}"
            );
        }
    }

    proptest! {
        #![proptest_config(testkit::config(64))]

        #[test]
        fn write_amplification_is_a_number(user: u64, flushed: u64, compacted: u64) {
            let rule = rule("1.1", "flushed and compacted bytes are added, and divided by the user's");
            let written = flushed as f64 + compacted as f64;
            let expected = (user > 0).then(|| written / user as f64);
            let what = format!("write_amplification({user}, {flushed}, {compacted})");
            assert_ratio(write_amplification(user, flushed, compacted), expected, &what, &rule);
        }

        #[test]
        fn levels_have_room_and_one_less_has_not(
            memtable in prop_oneof![1..100_u64, 1..u64::MAX],
            fanout in prop_oneof![2..20_u64, 2..u64::MAX],
            data: u64,
        ) {
            let rule = rule("1.1", "the first level that has room for all data");
            let seen = levels(memtable, fanout, data).expect("a tree has levels");
            let room = |level: u32| (0..level).fold(u128::from(memtable), |room, _| {
                room.saturating_mul(u128::from(fanout))
            });
            let what = format!("levels({memtable}, {fanout}, {data}) is {seen}");
            prop_assert!(room(seen) >= u128::from(data), "{}: too few{}", what, rule);
            prop_assert!(seen == 0 || room(seen - 1) < u128::from(data), "{}: too many{}", what, rule);
        }
    }
}

mod task_1_2 {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_worked_examples_of_the_page() {
        worked_read();
    }

    #[test]
    fn an_sst_of_level_0_and_a_sorted_run_are_one_place_each() {
        let rule = rule("1.2", "each SST of level 0 and each sorted run is a place");
        let most = usize::MAX;
        let cases = [
            ((0, 0), 0),
            ((1, 0), 1),
            ((0, 1), 1),
            ((8, 4), 12),
            ((most, 0), most),
            ((most - 1, 1), most),
            ((1, most), most),
            ((most, most), most),
        ];
        for ((l0, runs), expected) in cases {
            let seen = read_amplification(l0, runs);
            assert_eq!(seen, expected, "read_amplification({l0}, {runs}), (seen, expected){rule}");
        }
    }

    #[test]
    fn predicted_places_of_small_and_large_trees() {
        let rule = rule("1.2", "one place a level, or one less than the fanout");
        let most = u64::MAX;
        assert_eq!(leveled_places(0), 1, "(seen, expected){rule}");
        assert_eq!(leveled_places(7), 8, "(seen, expected){rule}");
        assert_eq!(leveled_places(u32::MAX), 1 << 32, "(seen, expected){rule}");
        let cases = [
            ((0, 4), 3),
            ((2, 4), 9),
            ((3, 2), 4),
            ((3, 10), 36),
            ((5, 1), 0),
            ((5, 0), 0),
            ((0, most), most - 1),
            ((1, most), most),
            ((u32::MAX, 2), 1 << 32),
            ((u32::MAX, most), most),
        ];
        for ((levels, fanout), expected) in cases {
            let seen = tiered_places(levels, fanout);
            assert_eq!(seen, expected, "tiered_places({levels}, {fanout}), (seen, expected){rule}");
        }
    }

    #[test]
    fn no_tree_has_more_places_than_predicted() {
        let rule = rule("1.2", "the predictions are the places at most, and some tree has them");
        for fanout in 2..=5_usize {
            let (mut leveled, mut tiered) = (Tree::new(fanout), Tree::new(fanout));
            for flushes in 1..=300_u64 {
                leveled.flush_leveled();
                tiered.flush_tiered();
                let levels = levels(1, fanout as u64, flushes).expect("a tree");
                let most = (leveled_places(levels), tiered_places(levels, fanout as u64));
                let seen = (leveled.places(), tiered.places());
                let what = format!("{flushes} memtables, fanout {fanout}: leveled, tiered");
                assert!(
                    seen.0 <= most.0 && seen.1 <= most.1,
                    "{what}: counted {seen:?}, predicted at most {most:?}{rule}"
                );
                // One flush before the next level is begun, all levels have as many as they can.
                let fulls = (flushes + 1).ilog(fanout as u64);
                if (fanout as u64).pow(fulls) == flushes + 1 && fulls > 0 {
                    let full = tiered_places(fulls - 1, fanout as u64);
                    assert_eq!(seen.1, full, "{what}, (counted, predicted){rule}");
                }
            }
        }
    }

    #[test]
    fn filters_keep_a_lookup_from_reading() {
        let rule = rule("1.2", "a place without the key counts the rate, the one with it counts 1");
        let cases = [
            ((0, false, 0.5), 0.0),
            ((0, true, 0.5), 0.0),
            ((1, false, 0.5), 0.5),
            ((1, true, 0.5), 1.0),
            ((10, false, 0.0), 0.0),
            ((10, true, 0.0), 1.0),
            ((10, false, 1.0), 10.0),
            ((10, true, 1.0), 10.0),
            ((10, false, 0.25), 2.5),
            ((10, true, 0.25), 3.25),
            ((u64::MAX, false, 1.0), u64::MAX as f64),
            ((u64::MAX, true, 0.5), u64::MAX as f64 / 2.0),
        ];
        for ((places, oldest, rate), expected) in cases {
            let what = format!("expected_reads({places}, {oldest}, {rate})");
            assert_ratio(Some(expected_reads(places, oldest, rate)), Some(expected), &what, &rule);
        }
    }

    #[test]
    fn a_rate_that_can_not_be_is_taken_for_one_that_can() {
        let rule = rule("1.2", "below 0 is 0, above 1 is 1, and not a number is 1");
        let infinite = f64::INFINITY;
        let cases = [(-0.1, 0.0), (-infinite, 0.0), (1.5, 1.0), (infinite, 1.0), (f64::NAN, 1.0)];
        for (rate, taken_for) in cases {
            for (places, oldest) in [(0, false), (0, true), (1, true), (7, false), (7, true)] {
                let rest = places - if oldest && places > 0 { 1 } else { 0 };
                let expected = (places - rest) as f64 + rest as f64 * taken_for;
                let what = format!("expected_reads({places}, {oldest}, {rate})");
                assert_ratio(
                    Some(expected_reads(places, oldest, rate)),
                    Some(expected),
                    &what,
                    &rule,
                );
            }
        }
    }

    proptest! {
        #![proptest_config(testkit::config(64))]

        #[test]
        fn no_more_is_read_than_there_are_places(places: u64, oldest: bool, rate: f64) {
            let rule = rule("1.2", "between none and all of the places are read");
            let seen = expected_reads(places, oldest, rate);
            let least = if oldest && places > 0 { 1.0 } else { 0.0 };
            let what = format!("expected_reads({places}, {oldest}, {rate}) is {seen}");
            let most = places as f64 * (1.0 + 1e-9);
            prop_assert!((least..=most).contains(&seen), "{}{}", what, rule);
        }
    }
}

mod task_1_3 {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_worked_examples_of_the_page() {
        worked_space();
    }

    #[test]
    fn what_is_stored_is_divided_by_what_is_alive() {
        let rule = rule("1.3", "stored bytes divided by live bytes; without live bytes, None");
        let most = u64::MAX;
        let cases = [
            ((0, 1), Some(0.0)),
            ((1, 1), Some(1.0)),
            ((300, 100), Some(3.0)),
            ((50, 100), Some(0.5)),
            ((most, most), Some(1.0)),
            ((most, 1), Some(most as f64)),
            ((0, 0), None),
            ((100, 0), None),
            ((most, 0), None),
        ];
        for ((stored, live), expected) in cases {
            let what = format!("space_amplification({stored}, {live})");
            assert_ratio(space_amplification(stored, live), expected, &what, &rule);
        }
    }

    #[test]
    fn limits_of_small_and_large_fanouts() {
        let rule = rule("1.3", "fanout / (fanout - 1), and fanout; below 2, None");
        let cases = [
            (0, None),
            (1, None),
            (2, Some((2.0, 2.0))),
            (3, Some((1.5, 3.0))),
            (10, Some((10.0 / 9.0, 10.0))),
            (u64::MAX, Some((1.0, u64::MAX as f64))),
        ];
        for (fanout, expected) in cases {
            let what = format!("leveled_space({fanout})");
            assert_ratio(leveled_space(fanout), expected.map(|it| it.0), &what, &rule);
            let what = format!("tiered_space({fanout})");
            assert_ratio(tiered_space(fanout), expected.map(|it| it.1), &what, &rule);
        }
    }

    /// In the worst case, all runs have the same keys, and the largest has them all.
    #[test]
    fn no_tree_reaches_its_limit() {
        let rule = rule("1.3", "a tree stays below its limit, and comes near");
        for fanout in 2..=5_usize {
            let mut tree = Tree::new(fanout);
            let limit = tiered_space(fanout as u64).expect("a limit");
            let mut highest: f64 = 0.0;
            for flushes in 1..=1000 {
                tree.flush_tiered();
                let sizes = tree.sizes();
                let largest = sizes.iter().max().copied().unwrap_or(0);
                let seen = space_amplification(sizes.iter().sum(), largest).expect("a ratio");
                let what = format!("tiered, fanout {fanout}, {flushes} memtables");
                assert!(seen < limit, "{what}: counted {seen}, limit {limit}{rule}");
                highest = highest.max(seen);
            }
            let what = format!("tiered, fanout {fanout}, up to 1,000 memtables");
            assert!(highest > limit * 0.98, "{what}: counted {highest}, limit {limit}{rule}");

            let rooms: Vec<u64> = (0..12).map(|level| (fanout as u64).pow(level)).collect();
            let limit = leveled_space(fanout as u64).expect("a limit");
            let seen = space_amplification(rooms.iter().sum(), rooms[11]).expect("a ratio");
            let what = format!("leveled, fanout {fanout}, twelve full levels");
            assert!(seen < limit, "{what}: counted {seen}, limit {limit}{rule}");
            assert!(seen > limit * 0.99, "{what}: counted {seen}, limit {limit}{rule}");
        }
    }

    /// The same worst case, flush by flush: the last level has the live data, as much as it holds so far.
    #[test]
    fn a_full_last_level_keeps_a_leveled_tree_below_its_limit() {
        let rule = rule("1.3", "a leveled tree whose last level is full stays below its limit");
        for fanout in 2..=5_usize {
            let limit = leveled_space(fanout as u64).expect("a limit");
            let mut tree = Tree::new(fanout);
            for flushes in 1..=300 {
                tree.flush_leveled();
                let sizes = tree.sizes();
                let last = sizes.last().copied().unwrap_or(0);
                let seen = space_amplification(sizes.iter().sum(), last).expect("a ratio");
                let what = format!("leveled, fanout {fanout}, {flushes} memtables, {sizes:?}");
                let is_full = last == (fanout as u64).pow(sizes.len() as u32 - 1);
                assert!(!is_full || seen < limit, "{what}: counted {seen}, limit {limit}{rule}");
                if (fanout, flushes) == (4, 9) {
                    assert_ratio(Some(seen), Some(2.25), "flush 9 of the page's figure", &rule);
                }
            }
        }
    }

    proptest! {
        #![proptest_config(testkit::config(64))]

        #[test]
        fn space_amplification_is_a_number(stored: u64, live in prop_oneof![0..3_u64, any::<u64>()]) {
            let rule = rule("1.3", "stored bytes divided by live bytes; without live bytes, None");
            let expected = (live > 0).then(|| stored as f64 / live as f64);
            let what = format!("space_amplification({stored}, {live})");
            assert_ratio(space_amplification(stored, live), expected, &what, &rule);
        }
    }
}
