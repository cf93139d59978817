//! Week 3, days 1 to 2: the memtable. The rules are on the page *The memtable* of the book.

use std::cmp::Ordering;
use std::ops::Bound;

use testkit::{RowKind, RowSpec, rule};
use week3::format::{RowEntry, ValueDeletable};
use week3::storage::{KeyRange, MemTable, SequencedKey};

fn key(user_key: &'static str, seq: u64) -> SequencedKey {
    SequencedKey::new(user_key, seq)
}

fn value(user_key: &'static str, value: &'static str, seq: u64) -> RowEntry {
    RowEntry::new_value(user_key, value, seq)
}

fn tombstone(user_key: &'static str, seq: u64) -> RowEntry {
    RowEntry::new_tombstone(user_key, seq)
}

fn row((key, kind, seq): RowSpec) -> RowEntry {
    match kind {
        RowKind::Value(value) => RowEntry::new_value(key, value, seq),
        RowKind::Merge(operand) => RowEntry::new_merge(key, operand, seq),
        RowKind::Tombstone => RowEntry::new_tombstone(key, seq),
    }
}

/// A table of these rows. Fails after a while: a lock that is still held would let `put` wait for ever.
fn table(rows: impl IntoIterator<Item = RowEntry>) -> MemTable {
    let rows: Vec<_> = rows.into_iter().collect();
    testkit::deadline(10, || {
        let table = MemTable::new();
        for row in rows {
            table.put(row);
        }
        table
    })
}

/// The fruit table of the page: two versions of an apple that was deleted, and a pear.
fn fruit() -> MemTable {
    table([
        value("apple", "red", 2),
        value("apple", "green", 4),
        value("pear", "ripe", 5),
        tombstone("apple", 7),
    ])
}

const ALL: KeyRange<'static> = (Bound::Unbounded, Bound::Unbounded);

fn rows_in(table: &MemTable, range: KeyRange<'_>) -> Vec<RowEntry> {
    table.range(SequencedKey::range_of(range), usize::MAX)
}

mod task_3_1 {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_smaller_user_key_comes_first_whatever_the_sequence_numbers() {
        let rule = rule("3.1", "a smaller user key comes first");
        assert!(key("apple", 1) < key("pear", 9), "apple/1 against pear/9{rule}");
        assert!(key("apple", 9) < key("pear", 1), "apple/9 against pear/1{rule}");
        assert!(key("pear", 5) > key("apple", 5), "pear/5 against apple/5{rule}");
    }

    #[test]
    fn of_one_user_key_the_newest_comes_first() {
        let rule = rule("3.1", "of one user key, the higher sequence number comes first");
        assert!(key("apple", 7) < key("apple", 4), "apple/7 against apple/4{rule}");
        assert!(key("apple", 0) > key("apple", 1), "apple/0 against apple/1{rule}");
        assert!(key("apple", u64::MAX) < key("apple", 0), "apple/MAX against apple/0{rule}");
    }

    #[test]
    fn a_prefix_comes_before_a_longer_key() {
        let rule = rule("3.1", "user keys are compared byte by byte; a prefix is smaller");
        assert!(key("app", 1) < key("apple", 9), "app/1 against apple/9{rule}");
        assert!(key("app", 9) < key("apple", 1), "app/9 against apple/1{rule}");
    }

    #[test]
    fn bytes_are_compared_as_unsigned_numbers() {
        let (low, high) = (SequencedKey::new(vec![0x7f], 1), SequencedKey::new(vec![0x80], 1));
        assert!(low < high, "0x7f against 0x80{}", rule("3.1", "bytes are unsigned"));
    }

    #[test]
    fn only_the_same_key_and_sequence_number_are_equal() {
        let rule = rule("3.1", "two keys are equal if user key and sequence number are");
        assert_eq!(key("apple", 4).cmp(&key("apple", 4)), Ordering::Equal, "{rule}");
        assert_ne!(key("apple", 4).cmp(&key("apple", 5)), Ordering::Equal, "{rule}");
        assert_ne!(key("apple", 4).cmp(&key("pear", 4)), Ordering::Equal, "{rule}");
    }

    proptest! {
        #![proptest_config(testkit::config(48))]

        #[test]
        fn sorting_puts_keys_in_order_and_versions_newest_first(
            keys in prop::collection::vec(testkit::any_row(), 0..15)
        ) {
            let mut sorted: Vec<_> =
                keys.iter().map(|(key, _, seq)| SequencedKey::new(key.clone(), *seq)).collect();
            sorted.sort();
            for pair in sorted.windows(2) {
                let (first, second) = (&pair[0], &pair[1]);
                let in_order = first.user_key < second.user_key
                    || first.user_key == second.user_key && first.seq >= second.seq;
                prop_assert!(
                    in_order,
                    "sorting put {first:?} before {second:?}{}",
                    rule("3.1", "by user key, then newest first")
                );
            }
        }
    }
}

mod task_3_2 {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_new_table_is_empty() {
        let table = MemTable::new();
        assert_eq!(table.row_count(), 0, "rows in a new table");
        assert_eq!(table.approximate_size(), 0, "size of a new table");
        assert!(table.is_empty(), "a new table says that it is not empty");
    }

    #[test]
    fn every_version_of_a_key_is_a_row() {
        let table = fruit();
        let rule = rule("3.2", "every version of a key is kept, a tombstone too");
        assert_eq!(table.row_count(), 4, "apple was written three times, pear once{rule}");
        assert!(!table.is_empty(), "a table with rows says that it is empty");
    }

    #[test]
    fn the_size_counts_key_value_and_sequence_number() {
        let table = table([value("apple", "green", 4)]);
        let rule = rule("3.2", "the size is the sum of RowEntry::estimated_size");
        assert_eq!(table.approximate_size(), 5 + 5 + 8, "apple = green{rule}");
        table.put(tombstone("apple", 7));
        assert_eq!(table.approximate_size(), 18 + 5 + 8, "and then a tombstone{rule}");
        table.put(RowEntry::new_merge("n", "+1", 8));
        assert_eq!(table.approximate_size(), 31 + 1 + 2 + 8, "and then a merge operand{rule}");
    }

    #[test]
    fn a_row_of_the_same_key_and_sequence_number_is_replaced() {
        let rule = rule("3.2", "the same key and sequence number replace a row, size included");
        let table = table([value("apple", "green", 4), value("pear", "ripe", 5)]);
        table.put(value("apple", "a longer value", 4));
        assert_eq!(table.row_count(), 2, "rows after apple/4 was put twice{rule}");
        assert_eq!(table.approximate_size(), 5 + 14 + 8 + 4 + 4 + 8, "a longer value{rule}");
        table.put(value("apple", "", 4));
        assert_eq!(table.approximate_size(), 5 + 8 + 4 + 4 + 8, "an empty value{rule}");
        table.put(tombstone("pear", 5));
        assert_eq!(table.approximate_size(), 5 + 8 + 4 + 8, "a tombstone for pear/5{rule}");
        table.put(value("pear", "soft", 5));
        let what = "a value for pear/5 again";
        assert_eq!(table.approximate_size(), 5 + 8 + 4 + 4 + 8, "{what}{rule}");
        assert_eq!(table.row_count(), 2, "rows at the end{rule}");
    }

    #[test]
    fn a_value_may_be_empty_or_a_mebibyte() {
        let table = table([value("empty", "", 1)]);
        assert_eq!(table.approximate_size(), 5 + 8, "size with an empty value");
        table.put(RowEntry::new_value("large", vec![7; 1 << 20], 2));
        assert_eq!(table.approximate_size(), 13 + 5 + (1 << 20) + 8, "size with a large value");
    }

    proptest! {
        #![proptest_config(testkit::config(48))]

        #[test]
        fn rows_and_size_are_those_of_the_last_row_of_each_version(
            specs in prop::collection::vec(testkit::any_row(), 0..20)
        ) {
            let rows: Vec<_> = specs.into_iter().map(row).collect();
            let kept: BTreeMap<_, _> =
                rows.iter().map(|row| ((row.key.clone(), row.seq), row.estimated_size())).collect();
            let table = table(rows);
            prop_assert_eq!(table.row_count(), kept.len(), "{}", rule("3.2", "one row a version"));
            let size: usize = kept.values().sum();
            prop_assert_eq!(table.approximate_size(), size, "{}", rule("3.2", "sum of the rows"));
        }
    }
}

mod task_3_3 {
    use super::*;
    use proptest::prelude::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    #[test]
    fn nothing_is_found_in_an_empty_table() {
        assert_eq!(MemTable::new().get(b"apple", u64::MAX), None);
    }

    #[test]
    fn the_newest_version_is_found() {
        let table = table([value("apple", "red", 2), value("apple", "green", 4)]);
        let expected = Some(value("apple", "green", 4));
        let rule = rule("3.3", "the newest row at or below max_seq is found");
        assert_eq!(table.get(b"apple", u64::MAX), expected, "get apple{rule}");
    }

    #[test]
    fn the_order_of_puts_does_not_matter() {
        let table = table([value("apple", "green", 4), value("apple", "red", 2)]);
        let expected = Some(value("apple", "green", 4));
        let rule = rule("3.3", "newest means highest sequence number, not put last");
        assert_eq!(table.get(b"apple", u64::MAX), expected, "get apple{rule}");
    }

    #[test]
    fn a_row_above_max_seq_is_not_visible() {
        let (table, rule) = (fruit(), rule("3.3", "rows above max_seq are not visible"));
        assert_eq!(table.get(b"apple", 6), Some(value("apple", "green", 4)), "at 6{rule}");
        assert_eq!(table.get(b"apple", 4), Some(value("apple", "green", 4)), "at 4{rule}");
        assert_eq!(table.get(b"apple", 3), Some(value("apple", "red", 2)), "at 3{rule}");
        assert_eq!(table.get(b"apple", 2), Some(value("apple", "red", 2)), "at 2{rule}");
        assert_eq!(table.get(b"pear", 4), None, "pear at 4, before any pear{rule}");
        let same_key = "a row is found if its key is the same, not if it is the next";
        let rule = super::rule("3.3", same_key);
        assert_eq!(table.get(b"apple", 1), None, "at 1, before any apple{rule}");
    }

    #[test]
    fn a_tombstone_is_found_like_any_other_row() {
        let rule = rule("3.3", "a tombstone is a row: whoever asks must know of the deletion");
        let found = fruit().get(b"apple", u64::MAX);
        assert_eq!(found, Some(tombstone("apple", 7)), "get apple{rule}");
    }

    #[test]
    fn a_merge_operand_is_found_like_any_other_row() {
        let table = table([value("n", "1", 1), RowEntry::new_merge("n", "+1", 2)]);
        let expected = Some(RowEntry::new_merge("n", "+1", 2));
        assert_eq!(table.get(b"n", 9), expected, "{}", rule("3.3", "operands are rows"));
    }

    #[test]
    fn a_neighbour_is_not_taken_for_the_key() {
        let table = table([value("apple", "green", 4), value("pear", "ripe", 5)]);
        for absent in ["a", "app", "apples", "b", "pea", "pears", "z"] {
            let found = table.get(absent.as_bytes(), u64::MAX);
            let rule = rule("3.3", "a row is found if its key is the same, not if it is the next");
            assert_eq!(found, None, "get {absent} in a table of apple and pear{rule}");
        }
    }

    #[test]
    fn an_empty_value_is_not_a_tombstone() {
        let found = table([value("k", "", 1)]).get(b"k", 1);
        assert_eq!(found, Some(value("k", "", 1)), "{}", rule("3.3", "empty is a value"));
    }

    #[test]
    fn the_lowest_and_the_highest_sequence_number_are_visible() {
        let table = table([value("k", "first", 0), value("k", "last", u64::MAX)]);
        assert_eq!(table.get(b"k", 0), Some(value("k", "first", 0)), "at 0");
        assert_eq!(table.get(b"k", u64::MAX), Some(value("k", "last", u64::MAX)), "at the highest");
        assert_eq!(table.get(b"k", u64::MAX - 1), Some(value("k", "first", 0)), "just below");
    }

    #[test]
    fn of_a_replaced_row_nothing_is_found() {
        let rows = [
            [value("apple", "old", 4), value("apple", "new", 4)],
            [value("pear", "ripe", 5), tombstone("pear", 5)],
            [tombstone("kiwi", 6), value("kiwi", "green", 6)],
        ];
        for [old, new] in rows {
            let table = table([old, new.clone()]);
            let rule = rule("3.3", "a row of the same key and sequence number is replaced");
            assert_eq!(table.get(&new.key, 9), Some(new), "put last{rule}");
        }
    }

    #[test]
    fn what_is_no_key_is_not_found() {
        for key in [vec![], vec![b'a'; 65_536]] {
            let rule = rule("3.3", "what is not in the table is not found, and no panic");
            assert_eq!(fruit().get(&key, 9), None, "a key of {} bytes{rule}", key.len());
        }
    }

    #[test]
    fn any_bytes_are_a_key() {
        let keys = [vec![0], vec![0, 0], vec![0xff; 3], b"a\nb".to_vec(), vec![7; 65_535]];
        let table = MemTable::new();
        for (seq, key) in (1..).zip(&keys) {
            table.put(RowEntry::new_value(key.clone(), format!("value {seq}"), seq));
        }
        for (seq, key) in (1..).zip(&keys) {
            let value = table.get(key, 99).map(|row| row.value);
            let expected = ValueDeletable::Value(format!("value {seq}").into());
            assert_eq!(value, Some(expected), "key of {} bytes, number {seq}", key.len());
        }
    }

    #[test]
    fn readers_see_whole_rows_while_a_writer_inserts() {
        testkit::deadline(30, || {
            let table = Arc::new(MemTable::new());
            let done = Arc::new(AtomicBool::new(false));
            let reader = |name: u8| {
                let (table, done) = (Arc::clone(&table), Arc::clone(&done));
                thread::spawn(move || {
                    let mut newest = 0;
                    while newest < 2_000 {
                        let was_done = done.load(Ordering::Acquire);
                        let Some(row) = table.get(b"k", u64::MAX) else {
                            assert!(!was_done, "reader {name} saw no row when all were put");
                            continue;
                        };
                        let expected = RowEntry::new_value("k", row.seq.to_string(), row.seq);
                        assert_eq!(row, expected, "reader {name} saw a row that was never put");
                        assert!(row.seq >= newest, "reader {name} saw {newest}, then {}", row.seq);
                        newest = if was_done { 2_000 } else { row.seq };
                    }
                })
            };
            let readers = [reader(1), reader(2)];
            for seq in 1..=2_000 {
                table.put(RowEntry::new_value("k", seq.to_string(), seq));
            }
            done.store(true, Ordering::Release);
            for reader in readers {
                reader.join().expect("a reader failed; its message is above");
            }
            assert_eq!(table.row_count(), 2_000, "every version is kept");
        });
    }

    proptest! {
        #![proptest_config(testkit::config(48))]

        #[test]
        fn get_agrees_with_a_search_through_all_rows(
            specs in testkit::any_rows(20),
            (wanted, _, max_seq) in testkit::any_row(),
        ) {
            let rows: Vec<_> = specs.into_iter().map(row).collect();
            let table = table(rows.iter().rev().cloned());
            let visible = rows.iter().filter(|row| row.key == wanted && row.seq <= max_seq);
            let expected = visible.max_by_key(|row| row.seq).cloned();
            let rule = rule("3.3", "the newest row at or below max_seq is found");
            prop_assert_eq!(table.get(&wanted, max_seq), expected, "{:?}{}", rows, rule);
        }
    }
}

mod task_3_4 {
    use super::*;
    use proptest::prelude::*;

    fn included(key: &str) -> Bound<&[u8]> {
        Bound::Included(key.as_bytes())
    }

    fn excluded(key: &str) -> Bound<&[u8]> {
        Bound::Excluded(key.as_bytes())
    }

    /// Two versions each of a, b, c and d: sequence numbers 1 and 2, 3 and 4, and so on.
    fn letters() -> MemTable {
        table(
            (1..)
                .zip(["a", "a", "b", "b", "c", "c", "d", "d"])
                .map(|(seq, key)| value(key, "", seq)),
        )
    }

    /// The rows of a range as `a2 a1 b4`.
    fn listing(range: KeyRange<'_>) -> String {
        let rows = rows_in(&letters(), range);
        let name = |row: &RowEntry| format!("{}{}", String::from_utf8_lossy(&row.key), row.seq);
        rows.iter().map(name).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn an_unbounded_range_holds_every_row_in_order() {
        let expected = [
            tombstone("apple", 7),
            value("apple", "green", 4),
            value("apple", "red", 2),
            value("pear", "ripe", 5),
        ];
        let rule = rule("3.4", "by key, then newest first; every version, tombstones included");
        assert_eq!(rows_in(&fruit(), ALL), expected, "{rule}");
    }

    #[test]
    fn an_included_bound_takes_every_version_of_its_key() {
        let rule = rule("3.4", "an included key is in the range with all its versions");
        assert_eq!(listing((included("b"), Bound::Unbounded)), "b4 b3 c6 c5 d8 d7", "b..{rule}");
        assert_eq!(listing((Bound::Unbounded, included("b"))), "a2 a1 b4 b3", "..=b{rule}");
        assert_eq!(listing((included("b"), included("c"))), "b4 b3 c6 c5", "b..=c{rule}");
        assert_eq!(listing((included("b"), included("b"))), "b4 b3", "b..=b{rule}");
    }

    #[test]
    fn an_excluded_bound_leaves_every_version_of_its_key_out() {
        let rule = rule("3.4", "an excluded key is not in the range with any version");
        assert_eq!(listing((excluded("b"), Bound::Unbounded)), "c6 c5 d8 d7", "after b{rule}");
        assert_eq!(listing((Bound::Unbounded, excluded("b"))), "a2 a1", "..b{rule}");
        assert_eq!(listing((excluded("a"), excluded("d"))), "b4 b3 c6 c5", "between a and d{rule}");
        assert_eq!(listing((included("b"), excluded("d"))), "b4 b3 c6 c5", "b..d{rule}");
        assert_eq!(listing((excluded("b"), included("d"))), "c6 c5 d8 d7", "after b..=d{rule}");
    }

    #[test]
    fn a_bound_need_not_be_a_key_of_the_table() {
        assert_eq!(listing((included("aa"), excluded("cc"))), "b4 b3 c6 c5", "aa..cc");
        assert_eq!(listing((excluded("0"), included("aa"))), "a2 a1", "after 0..=aa");
        assert_eq!(listing((included("x"), Bound::Unbounded)), "", "x..");
    }

    #[test]
    fn a_range_that_ends_before_it_starts_is_empty() {
        let rule = rule("3.4", "no panic: BTreeMap::range panics on such a range, a memtable not");
        testkit::deadline(10, move || {
            assert_eq!(listing((included("c"), included("a"))), "", "c..=a{rule}");
            assert_eq!(listing((included("c"), excluded("a"))), "", "c..a{rule}");
            assert_eq!(listing((excluded("c"), included("a"))), "", "after c..=a{rule}");
            assert_eq!(listing((excluded("c"), excluded("a"))), "", "after c..a{rule}");
            assert_eq!(listing((included("b"), excluded("b"))), "", "b..b{rule}");
            assert_eq!(listing((excluded("b"), included("b"))), "", "after b..=b{rule}");
            assert_eq!(listing((excluded("b"), excluded("b"))), "", "between b and b{rule}");
        });
    }

    #[test]
    fn bounds_on_versions_may_meet() {
        let (table, rule) = (letters(), rule("3.4", "a bound is a key with a sequence number"));
        let (a2, a1) = (key("a", 2), key("a", 1));
        let rows = |start, end| table.range((start, end), usize::MAX);
        let one = rows(Bound::Included(a2.clone()), Bound::Included(a2.clone()));
        assert_eq!(one, [value("a", "", 2)], "a2..=a2{rule}");
        let one = rows(Bound::Excluded(a2.clone()), Bound::Included(a1.clone()));
        assert_eq!(one, [value("a", "", 1)], "after a2..=a1{rule}");
        assert_eq!(rows(Bound::Excluded(a2.clone()), Bound::Excluded(a1.clone())), [], "{rule}");
        assert_eq!(rows(Bound::Excluded(a2.clone()), Bound::Excluded(a2.clone())), [], "{rule}");
        assert_eq!(rows(Bound::Included(a2.clone()), Bound::Excluded(a2)), [], "{rule}");
    }

    #[test]
    fn versions_that_end_before_they_start_are_an_empty_range() {
        testkit::deadline(10, || {
            let bounds = |seq| [Bound::Included(key("a", seq)), Bound::Excluded(key("a", seq))];
            for (start, end) in bounds(1).iter().flat_map(|s| bounds(2).map(|e| (s.clone(), e))) {
                let rule = rule("3.4", "a2 stands before a1: a range from a1 to a2 is empty");
                let what = format!("from {start:?} to {end:?}{rule}");
                assert_eq!(letters().range((start, end), 9), [], "{what}");
            }
        });
    }

    #[test]
    fn the_lowest_and_the_highest_sequence_number_belong_to_their_key() {
        let rows: Vec<_> = ["a", "b", "b\0", "c"]
            .into_iter()
            .flat_map(|key| [u64::MAX, u64::MAX - 1, 1, 0].map(|seq| value(key, "", seq)))
            .collect();
        let table = table(rows.clone());
        let ranges = [
            ("b..=b", (included("b"), included("b")), 4..8),
            ("after b", (excluded("b"), Bound::Unbounded), 8..16),
            ("..b", (Bound::Unbounded, excluded("b")), 0..4),
            ("..=b", (Bound::Unbounded, included("b")), 0..8),
            ("between a and c", (excluded("a"), excluded("c")), 4..12),
        ];
        for (what, range, expected) in ranges {
            let rule = rule("3.4", "all versions of a key are in a range, or none");
            assert_eq!(rows_in(&table, range), rows[expected], "{what}{rule}");
        }
    }

    #[test]
    fn at_most_limit_rows_are_returned() {
        let table = letters();
        for limit in [0, 1, 3, 8, 9] {
            let rows = table.range(SequencedKey::range_of(ALL), limit);
            let expected: Vec<_> = rows_in(&table, ALL).into_iter().take(limit).collect();
            let rule = rule("3.4", "the first `limit` rows of the range are returned");
            assert_eq!(rows, expected, "limit {limit} over 8 rows{rule}");
        }
    }

    #[test]
    fn a_scan_goes_on_behind_the_last_row() {
        let table = letters();
        let (mut start, end) = SequencedKey::range_of(ALL);
        let mut rows = Vec::new();
        loop {
            let chunk = table.range((start, end.clone()), 3);
            let Some(last) = chunk.last() else { break };
            start = Bound::Excluded(SequencedKey::new(last.key.clone(), last.seq));
            rows.extend(chunk);
            assert!(rows.len() <= 8, "rows were returned twice: {rows:?}");
        }
        assert_eq!(rows, rows_in(&table, ALL), "three rows at a time");
    }

    #[test]
    fn what_was_returned_does_not_change() {
        let table = letters();
        let before = rows_in(&table, ALL);
        let copy = before.clone();
        table.put(value("a", "later", 9));
        assert_eq!(before, copy, "{}", rule("3.4", "what a method returns is the caller's own"));
    }

    fn any_bound() -> impl Strategy<Value = Bound<Vec<u8>>> {
        let key = || testkit::any_row().prop_map(|(key, _, _)| key);
        prop_oneof![
            key().prop_map(Bound::Included),
            key().prop_map(Bound::Excluded),
            Just(Bound::Unbounded)
        ]
    }

    fn borrowed(bound: &Bound<Vec<u8>>) -> Bound<&[u8]> {
        match bound {
            Bound::Included(key) => Bound::Included(key),
            Bound::Excluded(key) => Bound::Excluded(key),
            Bound::Unbounded => Bound::Unbounded,
        }
    }

    fn contains(start: &Bound<Vec<u8>>, end: &Bound<Vec<u8>>, key: &[u8]) -> bool {
        let after_start = match start {
            Bound::Included(start) => key >= start.as_slice(),
            Bound::Excluded(start) => key > start.as_slice(),
            Bound::Unbounded => true,
        };
        let before_end = match end {
            Bound::Included(end) => key <= end.as_slice(),
            Bound::Excluded(end) => key < end.as_slice(),
            Bound::Unbounded => true,
        };
        after_start && before_end
    }

    proptest! {
        #![proptest_config(testkit::config(64))]

        #[test]
        fn a_range_holds_the_rows_between_its_bounds(
            specs in testkit::any_rows(20), start in any_bound(), end in any_bound(), limit in 0..25_usize
        ) {
            let rows: Vec<_> = specs.into_iter().map(row).collect();
            let table = table(rows.iter().rev().cloned());
            let within = rows.iter().filter(|row| contains(&start, &end, &row.key));
            let expected: Vec<_> = within.take(limit).cloned().collect();
            let range = SequencedKey::range_of((borrowed(&start), borrowed(&end)));
            let rule = rule("3.4", "all rows between the bounds, in order, at most `limit`");
            prop_assert_eq!(table.range(range, limit), expected, "{:?}..{:?}{}", start, end, rule);
        }
    }
}
