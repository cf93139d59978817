//! Week 2, days 11 and 12: a scan as a merge of sorted lists, and what a user sees of it. The rules
//! are on the page *Iterators and the merge* of the book.

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::prelude::*;
use testkit::{RowKind, RowSpec, rule};
use week2::format::{RowEntry, ValueDeletable};
use week2::iter::{DbIterator, MergeIterator, RowEntryIterator, SnapshotIterator, VecIterator};
use week2::model::merge::MergeFn;
use week2::model::scan::{merge_lists, visible};

fn row((key, kind, seq): RowSpec) -> RowEntry {
    match kind {
        RowKind::Value(value) => RowEntry::new_value(key, value, seq),
        RowKind::Merge(operand) => RowEntry::new_merge(key, operand, seq),
        RowKind::Tombstone => RowEntry::new_tombstone(key, seq),
    }
}

fn value(key: &'static str, value: &'static str, seq: u64) -> RowEntry {
    RowEntry::new_value(key, value, seq)
}

fn tombstone(key: &'static str, seq: u64) -> RowEntry {
    RowEntry::new_tombstone(key, seq)
}

fn operand(key: &'static str, operand: &'static str, seq: u64) -> RowEntry {
    RowEntry::new_merge(key, operand, seq)
}

/// The three lists of the page's example.
fn lists() -> Vec<Vec<RowEntry>> {
    vec![
        vec![tombstone("fig", 9), value("lime", "30", 8)],
        vec![value("apple", "12", 6), value("fig", "7", 5), value("lime", "20", 4)],
        vec![value("apple", "10", 1), value("fig", "5", 2), value("pear", "9", 3)],
    ]
}

/// The same rows, merged.
fn merged() -> Vec<RowEntry> {
    vec![
        value("apple", "12", 6),
        value("apple", "10", 1),
        tombstone("fig", 9),
        value("fig", "7", 5),
        value("fig", "5", 2),
        value("lime", "30", 8),
        value("lime", "20", 4),
        value("pear", "9", 3),
    ]
}

/// Some rows in the order of a list.
fn sorted(rows: impl IntoIterator<Item = RowEntry>) -> Vec<RowEntry> {
    let rows = rows.into_iter().map(|row| ((row.key.clone(), u64::MAX - row.seq), row));
    rows.collect::<BTreeMap<_, _>>().into_values().collect()
}

/// The rows of the real engine's stream. No source of these tests fails.
fn read(mut rows: impl RowEntryIterator) -> Vec<RowEntry> {
    std::iter::from_fn(|| rows.next().expect("no source fails")).collect()
}

mod task_2_4 {
    use super::*;

    #[track_caller]
    fn assert_merged(lists: &[Vec<RowEntry>], expected: &[RowEntry], broken: &str) {
        let found = merge_lists(lists);
        assert_eq!(found, expected, "the lists {lists:?}{}", rule("2.4", broken));
    }

    #[test]
    fn the_lists_of_the_page_become_one() {
        assert_merged(&lists(), &merged(), "by key, then newest first");
    }

    #[test]
    fn the_order_of_the_lists_makes_no_difference() {
        for [a, b, c] in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let turned = [a, b, c].map(|number| lists()[number].clone());
            let broken = "the sequence number says which row is newer, not the list";
            assert_merged(&turned, &merged(), broken);
        }
    }

    #[test]
    fn no_list_and_empty_lists_give_no_row() {
        assert_merged(&[], &[], "without a list there is no row");
        assert_merged(&[vec![], vec![]], &[], "an empty list has no row");
        let lists = [vec![], vec![value("k", "v", 1)], vec![]];
        assert_merged(&lists, &lists[1], "an empty list changes nothing");
    }

    #[test]
    fn one_list_comes_out_as_it_is() {
        assert_merged(&[merged()], &merged(), "every row comes out, in order");
    }

    #[test]
    fn a_longer_list_goes_on_when_the_others_have_ended() {
        let long = vec![value("a", "1", 1), value("b", "2", 2), value("c", "3", 3)];
        let short = vec![value("aa", "4", 4)];
        let expected = [long[0].clone(), short[0].clone(), long[1].clone(), long[2].clone()];
        assert_merged(&[long.clone(), short.clone()], &expected, "every row of every list");
        assert_merged(&[short, long], &expected, "every row of every list");
    }

    #[test]
    fn the_same_row_in_several_lists_comes_out_once() {
        let twice = value("k", "v", 7);
        let lists = [
            vec![twice.clone()],
            vec![value("k", "newer", 8), twice.clone()],
            vec![twice.clone(), value("z", "last", 1)],
        ];
        let expected = [lists[1][0].clone(), twice, lists[2][1].clone()];
        assert_merged(&lists, &expected, "the same row in several lists comes out once");
    }

    #[test]
    fn rows_that_are_only_similar_all_come_out() {
        let broken = "the same row is one of the same key and sequence number";
        // The same value, written twice.
        let again = [vec![value("k", "v", 2)], vec![value("k", "v", 1)]];
        assert_merged(&again, &[again[0][0].clone(), again[1][0].clone()], broken);
        // One number, two keys.
        let batch = [vec![value("l", "v", 1)], vec![value("k", "v", 1)]];
        assert_merged(&batch, &[batch[1][0].clone(), batch[0][0].clone()], broken);
        // A key that was deleted twice.
        let deleted = [vec![tombstone("k", 3)], vec![tombstone("k", 2)]];
        assert_merged(&deleted, &[deleted[0][0].clone(), deleted[1][0].clone()], broken);
    }

    #[test]
    fn tombstones_and_operands_are_rows_like_others() {
        let lists = [
            vec![operand("k", "+1", 4), tombstone("z", 5)],
            vec![tombstone("k", 3), value("k", "", 1)],
            vec![operand("k", "+2", 2)],
        ];
        let expected = [
            operand("k", "+1", 4),
            tombstone("k", 3),
            operand("k", "+2", 2),
            value("k", "", 1),
            tombstone("z", 5),
        ];
        assert_merged(&lists, &expected, "every row comes out, whatever it says");
    }

    #[test]
    fn keys_are_compared_byte_by_byte() {
        // As texts or as signed bytes, or by their length first, they would be in another order.
        let keys: [&[u8]; 7] = [b"\0", b"\0\0", b"a", b"a\0", b"aa", b"b", b"\xff"];
        let broken =
            "keys are compared byte by byte; a key comes before the longer ones that begin with it";
        let of = |key: &[u8]| RowEntry::new_value(key.to_vec(), "v", 1);
        let expected: Vec<_> = keys.into_iter().map(of).collect();
        let lists: Vec<_> = keys.into_iter().rev().map(|key| vec![of(key)]).collect();
        assert_merged(&lists, &expected, broken);
    }

    #[test]
    fn sequence_numbers_may_be_as_large_as_they_can() {
        let lists = [
            vec![value("k", "middle", 1 << 63)],
            vec![value("k", "newest", u64::MAX), value("k", "oldest", 0)],
            vec![value("k", "second", u64::MAX - 1), value("k", "small", 1)],
        ];
        let rows = [&lists[1][0], &lists[2][0], &lists[0][0], &lists[2][1], &lists[1][1]];
        assert_merged(&lists, &rows.map(Clone::clone), "newest first, up to the largest number");
    }

    #[test]
    fn many_lists_are_merged_as_few_are() {
        let rows: Vec<_> =
            (0..600_u64).map(|n| RowEntry::new_value(format!("{:03}", n / 2), "v", n)).collect();
        // Two rows in each list, far apart.
        let lists: Vec<_> =
            (0..300).map(|n| sorted([&rows[n], &rows[n + 300]].map(Clone::clone))).collect();
        assert!(
            merge_lists(&lists) == sorted(rows),
            "300 lists{}",
            rule("2.4", "any number of lists")
        );
    }

    /// Rows, and for each of them the lists that have it, as bits.
    fn any_lists() -> impl Strategy<Value = Vec<Vec<RowEntry>>> {
        let rows = testkit::any_rows(16);
        let places = prop::collection::vec(1..16_u8, 16);
        (rows, places).prop_map(|(rows, places)| {
            let rows: Vec<_> = rows.into_iter().map(row).zip(places).collect();
            let of_list = |bit: u8| rows.iter().filter(move |(_, places)| places & bit != 0);
            [1, 2, 4, 8].map(|bit| of_list(bit).map(|(row, _)| row.clone()).collect()).to_vec()
        })
    }

    proptest! {
        #![proptest_config(testkit::config(64))]

        #[test]
        fn any_lists_become_one(lists in any_lists()) {
            let expected = sorted(lists.concat());
            let rule = rule("2.4", "every row of every list once, by key, then newest first");
            prop_assert_eq!(merge_lists(&lists), expected, "{}", rule);
        }

        #[test]
        fn the_engine_merges_the_same(lists in any_lists()) {
            let sources = lists.iter().map(|rows| -> Box<dyn RowEntryIterator> {
                Box::new(VecIterator::new(rows.clone()))
            });
            let engine = read(MergeIterator::new(sources.collect()));
            let rule = rule("2.4", "the model and the engine's MergeIterator mean the same");
            prop_assert_eq!(merge_lists(&lists), engine, "{}", rule);
        }
    }
}

mod task_2_5 {
    use super::*;

    /// A merge function for keys that need none.
    fn must_not_be_called(key: &[u8], _: Option<&[u8]>, _: &[Bytes]) -> Bytes {
        let key = String::from_utf8_lossy(key);
        let broken = "only an operand as the newest visible row of its key is resolved";
        panic!("the merge function was called for {key:?}{}", rule("2.5", broken));
    }

    /// With a merge function and without one.
    const FUNCTIONS: [Option<MergeFn>; 2] = [None, Some(must_not_be_called)];

    /// A row in few words: `apple/6 = 12`.
    fn shown(row: &RowEntry) -> String {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let value = match &row.value {
            ValueDeletable::Value(value) => text(value),
            ValueDeletable::Merge(operand) => format!("merge {}", text(operand)),
            ValueDeletable::Tombstone => "tombstone".into(),
        };
        format!("{}/{} = {value}", text(&row.key), row.seq)
    }

    #[track_caller]
    fn assert_visible(rows: &[RowEntry], max_seq: u64, expected: &[(&str, &str)], broken: &str) {
        for merge in FUNCTIONS {
            let found = visible(rows, max_seq, merge);
            let expected: Vec<(Bytes, Bytes)> = expected
                .iter()
                .map(|(key, value)| (Bytes::from(key.to_string()), Bytes::from(value.to_string())))
                .collect();
            let rule = rule("2.5", broken);
            let rows: Vec<_> = rows.iter().map(shown).collect();
            assert_eq!(found, expected, "what is visible at {max_seq} of {rows:?}{rule}");
        }
    }

    #[test]
    fn the_rows_of_the_page_are_seen_as_the_page_says() {
        let rows = merged();
        let broken = "the newest row at or below max_seq decides";
        let now = [("apple", "12"), ("lime", "30"), ("pear", "9")];
        assert_visible(&rows, 9, &now, broken);
        let before_the_delete = [("apple", "12"), ("fig", "7"), ("lime", "30"), ("pear", "9")];
        assert_visible(&rows, 8, &before_the_delete, broken);
        let earlier = [("apple", "10"), ("fig", "7"), ("lime", "20"), ("pear", "9")];
        assert_visible(&rows, 5, &earlier, broken);
        assert_visible(&rows, 3, &[("apple", "10"), ("fig", "5"), ("pear", "9")], broken);
        assert_visible(&rows, 0, &[], broken);
    }

    #[test]
    fn no_row_is_seen_of_none() {
        assert_visible(&[], u64::MAX, &[], "without rows there is nothing to see");
    }

    #[test]
    fn the_row_with_the_number_itself_is_visible() {
        let rows = [value("k", "new", 5), value("k", "old", 4)];
        assert_visible(&rows, 6, &[("k", "new")], "rows at or below max_seq count");
        assert_visible(&rows, 5, &[("k", "new")], "the row with the number max_seq counts");
        assert_visible(&rows, 4, &[("k", "old")], "a row above max_seq does not count");
        assert_visible(&rows, 3, &[], "without a row that counts the key is not seen");
    }

    #[test]
    fn numbers_may_be_the_smallest_and_the_largest() {
        let rows = [value("k", "new", u64::MAX), value("k", "old", 0)];
        assert_visible(&rows, u64::MAX, &[("k", "new")], "the row with the number max_seq counts");
        assert_visible(&rows, u64::MAX - 1, &[("k", "old")], "a row above max_seq does not count");
        assert_visible(&rows, 0, &[("k", "old")], "the row with the number max_seq counts");
    }

    #[test]
    fn a_tombstone_hides_what_is_older() {
        let rows = [tombstone("k", 3), value("k", "b", 2), value("k", "a", 1), value("z", "c", 1)];
        assert_visible(&rows, 9, &[("z", "c")], "a tombstone: the key is not seen");
    }

    #[test]
    fn a_tombstone_that_is_too_new_hides_nothing() {
        let rows = [tombstone("k", 3), value("k", "b", 2), value("k", "a", 1)];
        let broken = "rows above max_seq do not count, tombstones neither";
        assert_visible(&rows, 2, &[("k", "b")], broken);
    }

    #[test]
    fn a_key_can_be_written_again_after_it_was_deleted() {
        let rows = [value("k", "b", 3), tombstone("k", 2), value("k", "a", 1)];
        assert_visible(&rows, 3, &[("k", "b")], "only the newest visible row decides");
        assert_visible(&rows, 2, &[], "only the newest visible row decides");
        assert_visible(&rows, 1, &[("k", "a")], "only the newest visible row decides");
    }

    #[test]
    fn an_empty_value_is_a_value() {
        let rows = [value("k", "", 2), value("k", "a", 1)];
        assert_visible(&rows, 2, &[("k", "")], "an empty value is no tombstone");
    }

    #[test]
    fn keys_that_begin_alike_are_different_keys() {
        let rows =
            [tombstone("a", 4), value("a", "x", 1), value("aa", "y", 3), tombstone("aaa", 2)];
        assert_visible(&rows, 9, &[("aa", "y")], "a row says something about its own key only");
    }

    #[test]
    fn the_first_and_the_last_key_are_keys_like_others() {
        let deleted = [tombstone("a", 1), value("b", "v", 2), tombstone("c", 3)];
        assert_visible(&deleted, 9, &[("b", "v")], "a tombstone: the key is not seen");
        let kept = [value("a", "v", 1), tombstone("b", 2), value("c", "w", 3)];
        assert_visible(
            &kept,
            9,
            &[("a", "v"), ("c", "w")],
            "every key that is not deleted is seen",
        );
    }

    #[test]
    fn an_operand_that_does_not_decide_does_no_harm() {
        let rows = [
            value("over", "v", 3),
            operand("over", "+1", 2),
            tombstone("under", 5),
            operand("under", "+1", 4),
            operand("young", "+1", 9),
            value("young", "w", 1),
        ];
        let broken = "only an operand as the newest visible row of its key is resolved";
        assert_visible(&rows, 8, &[("over", "v"), ("young", "w")], broken);
    }

    #[test]
    fn without_a_merge_function_an_operand_hides_its_key() {
        let rows = [operand("k", "+1", 2), value("k", "10", 1), value("z", "v", 3)];
        let found = visible(&rows, 9, None);
        let rule = rule("2.5", "without a merge function nobody knows what an operand means");
        assert_eq!(found, [(Bytes::from("z"), Bytes::from("v"))], "of {rows:?}{rule}");
    }

    /// Values and tombstones, in order, and a sequence number.
    fn any_rows() -> impl Strategy<Value = (Vec<RowEntry>, u64)> {
        let rows = testkit::any_rows(24).prop_map(|mut rows| {
            rows.retain(|(_, kind, _)| !matches!(kind, RowKind::Merge(_)));
            rows.into_iter().map(row).collect()
        });
        (rows, prop_oneof![8 => 0..20_u64, 1 => any::<u64>(), 1 => Just(u64::MAX)])
    }

    proptest! {
        #![proptest_config(testkit::config(64))]

        #[test]
        fn a_scan_is_what_a_map_would_say((rows, max_seq) in any_rows()) {
            let mut oldest_first: Vec<_> = rows.iter().filter(|row| row.seq <= max_seq).collect();
            oldest_first.sort_by_key(|row| row.seq);
            let mut map = BTreeMap::new();
            for row in oldest_first {
                match row.value.as_bytes() {
                    Some(value) => map.insert(row.key.clone(), value.clone()),
                    None => map.remove(&row.key),
                };
            }
            let expected: Vec<_> = map.into_iter().collect();
            let rule = rule("2.5", "what is seen is what a map has after the same writes");
            prop_assert_eq!(visible(&rows, max_seq, None), expected, "{}", rule);
        }

        #[test]
        fn the_engine_sees_the_same((rows, max_seq) in any_rows()) {
            let engine = SnapshotIterator::new(VecIterator::new(rows.clone()), max_seq);
            let engine: Vec<_> = DbIterator::new(engine)
                .map(|found| found.expect("no source fails"))
                .map(|found| (found.key, found.value))
                .collect();
            let rule = rule("2.5", "the model and the engine's DbIterator mean the same");
            prop_assert_eq!(visible(&rows, max_seq, None), engine, "{}", rule);
        }
    }
}
