//! Week 5, days 4 to 7: the merge iterator, snapshots, and what a user sees. The rules are on the page
//! *The merge iterator* of the book.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use testkit::{Id, RowKind, RowSpec, Stream, assert_ids, rule};
use week5::format::{RowEntry, ValueDeletable};
use week5::iter::{
    BytesRange, DbIterator, KeyValue, MemTableIterator, MergeIterator, RowEntryIterator,
    SnapshotIterator, VecIterator,
};
use week5::storage::MemTable;
use week5::{Error, Result};

type AnyIterator = Box<dyn RowEntryIterator>;

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

/// The three sources of the page's example, newest first.
fn sources() -> Vec<Vec<RowEntry>> {
    vec![
        vec![RowEntry::new_tombstone("apple", 9), value("kiwi", "soft", 8)],
        vec![value("apple", "green", 5), value("fig", "blue", 6), value("kiwi", "hard", 4)],
        vec![value("apple", "red", 2), value("pear", "ripe", 3)],
    ]
}

fn ids(rows: &[RowEntry]) -> Vec<Id> {
    rows.iter().map(|row| (row.key.to_vec(), row.seq)).collect()
}

/// The rows of all sources in order; of the same row in two sources, that of the earlier one.
fn merged(sources: &[Vec<RowEntry>]) -> Vec<RowEntry> {
    let mut rows = BTreeMap::new();
    for row in sources.iter().flatten() {
        rows.entry((row.key.clone(), u64::MAX - row.seq)).or_insert_with(|| row.clone());
    }
    rows.into_values().collect()
}

fn merge(sources: &[Vec<RowEntry>]) -> MergeIterator {
    let boxed = |rows: &Vec<RowEntry>| -> AnyIterator { Box::new(VecIterator::new(rows.clone())) };
    MergeIterator::new(sources.iter().map(boxed).collect())
}

/// Every row of a stream; fails after a while, since a merge could have no end.
fn read(mut iterator: impl RowEntryIterator + 'static) -> Result<Vec<RowEntry>> {
    testkit::deadline(10, move || {
        let mut rows = Vec::new();
        while let Some(row) = iterator.next()? {
            rows.push(row);
            assert!(rows.len() < 10_000, "rows without an end");
        }
        Ok(rows)
    })
}

/// A stream whose every call fails once and works when it is repeated.
#[derive(Debug)]
struct Flaky {
    rows: VecDeque<RowEntry>,
    fails_next: bool,
    fails_seek: bool,
}

impl Flaky {
    fn boxed(rows: &[RowEntry]) -> AnyIterator {
        Box::new(Self { rows: rows.to_vec().into(), fails_next: true, fails_seek: true })
    }

    fn failure() -> Error {
        Error::NotFound { path: "a block that comes back".to_owned() }
    }
}

impl RowEntryIterator for Flaky {
    fn next(&mut self) -> Result<Option<RowEntry>> {
        self.fails_next = !self.fails_next;
        if self.fails_next { Ok(self.rows.pop_front()) } else { Err(Self::failure()) }
    }

    fn seek(&mut self, key: &[u8]) -> Result<()> {
        self.fails_seek = !self.fails_seek;
        if !self.fails_seek {
            return Err(Self::failure());
        }
        let smaller = self.rows.partition_point(|row| row.key < key);
        self.rows.drain(..smaller);
        Ok(())
    }
}

/// Repeats a call until it works.
fn persist<T>(mut call: impl FnMut() -> Result<T>) -> T {
    for _ in 0..100 {
        if let Ok(result) = call() {
            return result;
        }
    }
    panic!("a call failed 100 times, though every source works when it is asked again");
}

/// A stream that counts how many rows were taken from it.
#[derive(Debug)]
struct Counted {
    rows: VecIterator,
    taken: Arc<Mutex<usize>>,
}

impl RowEntryIterator for Counted {
    fn next(&mut self) -> Result<Option<RowEntry>> {
        let row = self.rows.next()?;
        *self.taken.lock().expect("no test panics while it counts") += usize::from(row.is_some());
        Ok(row)
    }

    fn seek(&mut self, key: &[u8]) -> Result<()> {
        self.rows.seek(key)
    }
}

/// A merge of a memtable, whose only row is out, and an older source. Both have been asked for more, so
/// the memtable has ended; now it gets a row in front of `k`, which is out.
fn merge_with_a_memtable_that_ended() -> MergeIterator {
    let table = Arc::new(MemTable::new());
    table.put(value("a", "v", 1));
    let rows = MemTableIterator::new(Arc::clone(&table), &BytesRange::ALL);
    let older = VecIterator::new(vec![value("k", "v", 2), value("m", "v", 3)]);
    let mut iterator = MergeIterator::new(vec![Box::new(rows), Box::new(older)]);
    testkit::deadline(10, move || {
        for key in ["a", "k"] {
            let row = iterator.next().expect("no source fails").expect("rows are left");
            assert_eq!(row.key, key, "the first rows");
        }
        table.put(value("c", "later", 9));
        iterator
    })
}

mod task_5_5 {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_sources_of_the_page_come_out_in_one_order() {
        let found = read(merge(&sources())).expect("no source fails");
        let rule = rule("5.5", "every row of every source, by key, then newest first");
        assert_eq!(found, merged(&sources()), "{rule}");
    }

    #[test]
    fn rows_of_one_key_come_newest_first_whichever_source_they_are_in() {
        let sources = [vec![value("k", "old", 1)], vec![value("k", "new", 2)]];
        let found = ids(&read(merge(&sources)).expect("no source fails"));
        let rule = rule("5.5", "the sequence number decides, not the order of the sources");
        let expected = [(b"k".to_vec(), 2), (b"k".to_vec(), 1)];
        assert_ids(&found, &expected, &format!("the older row in the first source{rule}"));
    }

    #[test]
    fn no_source_and_empty_sources_give_no_row() {
        assert_eq!(read(merge(&[])).expect("no source fails"), [], "no source");
        let empty = [vec![], vec![], vec![]];
        assert_eq!(read(merge(&empty)).expect("no source fails"), [], "three empty sources");
        let one = [vec![], vec![value("k", "v", 1)], vec![]];
        assert_eq!(read(merge(&one)).expect("no source fails"), one[1], "one row in the middle");
    }

    #[test]
    fn the_end_stays_the_end() {
        testkit::deadline(10, || {
            let mut iterator = merge(&sources());
            while iterator.next().expect("no source fails").is_some() {}
            for _ in 0..3 {
                let rule = rule("5.5", "at the end, next returns None, however often it is called");
                assert_eq!(iterator.next().expect("no source fails"), None, "{rule}");
            }
        });
    }

    #[test]
    fn the_same_row_in_two_sources_comes_out_once_from_the_earlier() {
        let sources = [
            vec![value("k", "from the first", 7)],
            vec![value("k", "from the second", 7), value("z", "v", 1)],
            vec![value("k", "from the third", 7)],
        ];
        let found = read(merge(&sources)).expect("no source fails");
        let rule =
            rule("5.5", "the same key and sequence number come out once, the earlier source's");
        assert_eq!(found, [sources[0][0].clone(), sources[1][1].clone()], "{rule}");
    }

    #[test]
    fn sources_are_read_no_further_than_needed() {
        let taken = Arc::new(Mutex::new(0));
        let numbered = |n: u64| RowEntry::new_value(format!("{n:03}"), "v", 1);
        let counted = |first: u64| -> AnyIterator {
            let rows = VecIterator::new((0..100).map(|n| numbered(n * 10 + first)).collect());
            Box::new(Counted { rows, taken: Arc::clone(&taken) })
        };
        let mut iterator = MergeIterator::new((0..10).map(counted).collect());
        testkit::deadline(10, move || {
            let count = || *taken.lock().expect("no test panics while it counts");
            assert_eq!(count(), 0, "rows taken before the first is asked for");
            for returned in 1..=50 {
                iterator.next().expect("no source fails").expect("a thousand rows");
                let rule = rule("5.5", "the heap holds at most one row of each source");
                assert!(count() <= returned + 10, "{} taken, {returned} returned{rule}", count());
            }
        });
    }

    #[test]
    fn a_source_that_fails_can_be_asked_again_and_no_row_is_lost() {
        let flaky = sources().iter().map(|rows| Flaky::boxed(rows)).collect();
        let mut iterator = MergeIterator::new(flaky);
        let mut found = Vec::new();
        while let Some(row) = persist(|| iterator.next()) {
            found.push(row);
            assert!(found.len() < 100, "rows without an end");
        }
        let rule = rule("5.5", "a call that fails has not moved the stream");
        let what = format!("every call of a source fails once{rule}");
        assert_ids(&ids(&found), &ids(&merged(&sources())), &what);
    }

    #[test]
    fn a_source_that_has_ended_is_not_asked_again() {
        let found = read(merge_with_a_memtable_that_ended()).expect("no source fails");
        let rule = rule("5.5", "each row stands behind the one before it, though a source goes on");
        assert_ids(&ids(&found), &[(b"m".to_vec(), 3)], &format!("behind k{rule}"));
    }

    #[test]
    fn a_failing_source_reaches_the_caller() {
        let mut iterator = MergeIterator::new(vec![Flaky::boxed(&sources()[0])]);
        let first = iterator.next();
        let rule = rule("5.5", "an error of a source is an error of the merge");
        assert!(matches!(first, Err(Error::NotFound { .. })), "found {first:?}{rule}");
    }

    proptest! {
        // A merge that has no end takes its time.
        #![proptest_config(ProptestConfig { max_shrink_time: 5000, ..testkit::config(48) })]

        #[test]
        fn any_sources_come_out_in_one_order(
            specs in prop::collection::vec(testkit::any_rows(8), 0..6)
        ) {
            let sources: Vec<Vec<_>> =
                specs.into_iter().map(|rows| rows.into_iter().map(row).collect()).collect();
            let found = read(merge(&sources)).expect("no source fails");
            let rule = rule("5.5", "every row of every source, by key, then newest first");
            prop_assert_eq!(found, merged(&sources), "{}", rule);
        }
    }
}

mod task_5_6 {
    use super::*;
    use proptest::prelude::*;

    fn assert_contract(sources: &[Vec<RowEntry>], what: &str) {
        let stream = Stream {
            make: &|| merge(sources),
            next: &|iterator| {
                let row = iterator.next().expect("no source fails");
                row.map(|row| (row.key.to_vec(), row.seq))
            },
            seek: &|iterator, key| iterator.seek(key).expect("no source fails"),
        };
        stream.assert_seeks(&ids(&merged(sources)), what);
    }

    #[test]
    fn every_source_follows_a_seek() {
        let mut iterator = merge(&sources());
        iterator.seek(b"fig").expect("no source fails");
        let rule = rule("5.6", "no row in front of the key comes out, of any source");
        let found = ids(&read(iterator).expect("no source fails"));
        let expected = [("fig", 6), ("kiwi", 8), ("kiwi", 4), ("pear", 3)];
        let expected = expected.map(|(key, seq)| (key.as_bytes().to_vec(), seq));
        assert_ids(&found, &expected, &format!("after seek(fig){rule}"));
    }

    #[test]
    fn rows_in_the_heap_are_kept_or_dropped_as_their_key_says() {
        let mut iterator = merge(&sources());
        iterator.next().expect("no source fails");
        iterator.seek(b"banana").expect("no source fails");
        let rule = rule("5.6", "a head in front of the key is dropped, one behind it is kept");
        let found = ids(&read(iterator).expect("no source fails"));
        let what = format!("one row, then seek(banana){rule}");
        assert_ids(&found, &ids(&merged(&sources())[3..]), &what);
    }

    #[test]
    fn seek_passes_over_rows_of_the_sources_without_reading_them() {
        let taken = Arc::new(Mutex::new(0));
        let numbered = |n: u64| RowEntry::new_value(format!("{n:03}"), "v", 1);
        let counted = |first: u64| -> AnyIterator {
            let rows = VecIterator::new((0..100).map(|n| numbered(n * 3 + first)).collect());
            Box::new(Counted { rows, taken: Arc::clone(&taken) })
        };
        let mut iterator = MergeIterator::new((0..3).map(counted).collect());
        iterator.next().expect("no source fails");
        iterator.seek(b"270").expect("no source fails");
        let row = iterator.next().expect("no source fails").expect("270");
        assert_eq!(row.key, "270", "the row that was sought");
        let count = *taken.lock().expect("no test panics while it counts");
        let rule = rule("5.6", "a source jumps to the key without reading what lies between");
        assert!(count < 20, "{count} rows taken from three sources, for two rows{rule}");
    }

    #[test]
    fn seek_keeps_the_contract_from_everywhere_to_everywhere() {
        testkit::deadline(30, || {
            assert_contract(&sources(), &rule("5.6", "the contract of RowEntryIterator"));
        });
    }

    #[test]
    fn of_two_seeks_the_farther_counts() {
        for keys in [["fig", "kiwi"], ["kiwi", "fig"]] {
            let mut iterator = merge(&sources());
            for key in keys {
                iterator.seek(key.as_bytes()).expect("no source fails");
            }
            let row = iterator.next().expect("no source fails").expect("kiwi");
            let rule = rule("5.6", "seek moves forward or not at all");
            let what = format!("seeks to {keys:?}{rule}");
            assert_ids(&ids(&[row]), &[(b"kiwi".to_vec(), 8)], &what);
        }
    }

    #[test]
    fn a_seek_that_fails_on_the_way_loses_and_doubles_no_row() {
        let rows = merged(&sources());
        for position in 0..rows.len() {
            for key in ["a", "apple", "b", "fig", "kiwi", "m", "z"] {
                let flaky = sources().iter().map(|rows| Flaky::boxed(rows)).collect();
                let mut iterator = MergeIterator::new(flaky);
                let mut taken = Vec::new();
                for _ in 0..position {
                    taken.extend(persist(|| iterator.next()));
                }
                persist(|| iterator.seek(key.as_bytes()));
                let mut rest = Vec::new();
                while let Some(row) = persist(|| iterator.next()) {
                    rest.push(row);
                    assert!(rest.len() < 100, "rows without an end");
                }
                let first = rows.partition_point(|row| row.key < key.as_bytes()).max(position);
                let rule = rule("5.6", "a call that fails can be repeated, and no row is lost");
                let what =
                    format!("{position} rows, then seek({key}), every call failing once{rule}");
                assert_ids(&ids(&rest), &ids(&rows[first..]), &what);
            }
        }
    }

    #[test]
    fn a_seek_that_fails_has_not_moved_the_stream() {
        let flaky = sources().iter().map(|rows| Flaky::boxed(rows)).collect();
        let mut iterator = MergeIterator::new(flaky);
        persist(|| iterator.next());
        let failed = iterator.seek(b"kiwi").is_err();
        let row = persist(|| iterator.next()).expect("rows are left");
        let expected = if failed { ("apple", 5) } else { ("kiwi", 8) };
        let rule = rule("5.6", "a call that fails has not moved the stream, no source of it");
        let what = format!("after a seek(kiwi) that failed: {failed}{rule}");
        assert_ids(&ids(&[row]), &[(expected.0.as_bytes().to_vec(), expected.1)], &what);
    }

    #[test]
    fn a_seek_that_fails_in_a_later_source_loses_no_row_of_an_earlier_one() {
        let newer: AnyIterator = Box::new(VecIterator::new(sources()[1].clone()));
        let mut iterator = MergeIterator::new(vec![newer, Flaky::boxed(&sources()[0])]);
        persist(|| iterator.next());
        let failed = iterator.seek(b"kiwi").is_err();
        let mut rest = Vec::new();
        while let Some(row) = persist(|| iterator.next()) {
            rest.push(row);
            assert!(rest.len() < 100, "rows without an end");
        }
        let rows = merged(&sources()[..2]);
        let expected = if failed { &rows[1..] } else { &rows[3..] };
        let rule = rule("5.6", "a call that fails has not moved the stream, no source of it");
        let what = format!("after a seek(kiwi) that failed: {failed}{rule}");
        assert_ids(&ids(&rest), &ids(expected), &what);
    }

    #[test]
    fn a_source_that_owes_a_row_follows_although_the_heap_is_behind_the_key() {
        let sources = [vec![value("a", "v", 1), value("b", "v", 2)], vec![value("d", "v", 3)]];
        let mut iterator = merge(&sources);
        iterator.next().expect("no source fails");
        // The heap holds d only; b is still in its source.
        iterator.seek(b"c").expect("no source fails");
        let found = iterator.next().expect("no source fails");
        let rule = rule("5.6", "no row in front of the key comes out, of any source");
        assert_eq!(found, Some(sources[1][0].clone()), "a, then seek(c){rule}");
    }

    #[test]
    fn a_seek_does_not_wake_a_source_that_has_ended() {
        let mut iterator = merge_with_a_memtable_that_ended();
        iterator.seek(b"b").expect("no source fails");
        let found = read(iterator).expect("no source fails");
        let rule = rule("5.6", "where the stream is behind the key already, nothing happens");
        assert_ids(&ids(&found), &[(b"m".to_vec(), 3)], &format!("k, then seek(b){rule}"));
    }

    proptest! {
        #![proptest_config(testkit::config(12))]

        #[test]
        fn any_sources_keep_the_contract(
            specs in prop::collection::vec(testkit::any_rows(3), 0..4)
        ) {
            let sources: Vec<Vec<_>> =
                specs.into_iter().map(|rows| rows.into_iter().map(row).collect()).collect();
            assert_contract(&sources, &rule("5.6", "the contract of RowEntryIterator"));
        }
    }
}

mod task_5_7 {
    use super::*;

    fn snapshot(max_seq: u64) -> SnapshotIterator<VecIterator> {
        SnapshotIterator::new(VecIterator::new(merged(&sources())), max_seq)
    }

    #[test]
    fn rows_above_the_snapshot_are_left_out() {
        for max_seq in [0, 1, 2, 3, 5, 8, 9, u64::MAX] {
            let mut expected = merged(&sources());
            expected.retain(|row| row.seq <= max_seq);
            let found = read(snapshot(max_seq)).expect("no failure");
            let rule = rule("5.7", "rows whose sequence number is at most max_seq, and no other");
            assert_ids(&ids(&found), &ids(&expected), &format!("at {max_seq}{rule}"));
        }
    }

    #[test]
    fn a_snapshot_keeps_the_contract() {
        for max_seq in [0, 4, 8] {
            let mut expected = merged(&sources());
            expected.retain(|row| row.seq <= max_seq);
            let stream = Stream {
                make: &|| snapshot(max_seq),
                next: &|iterator| {
                    let row = iterator.next().expect("no failure");
                    row.map(|row| (row.key.to_vec(), row.seq))
                },
                seek: &|iterator, key| iterator.seek(key).expect("no failure"),
            };
            let rule = rule("5.7", "the contract of RowEntryIterator");
            stream.assert_seeks(&ids(&expected), &format!("at {max_seq}{rule}"));
        }
    }

    #[test]
    fn a_second_seek_that_is_not_behind_the_first_changes_nothing() {
        for keys in [["fig", "fig"], ["fig", "apple"], ["apple", "fig"]] {
            let mut iterator = snapshot(8);
            for key in keys {
                iterator.seek(key.as_bytes()).expect("no failure");
            }
            let row = iterator.next().expect("no failure").expect("fig");
            let rule = rule("5.7", "seek moves forward or not at all, and no row is lost");
            let what = format!("seeks to {keys:?}{rule}");
            assert_ids(&ids(&[row]), &[(b"fig".to_vec(), 6)], &what);
        }
    }

    #[test]
    fn seek_passes_over_rows_without_reading_them() {
        let taken = Arc::new(Mutex::new(0));
        let rows = VecIterator::new(merged(&sources()));
        let mut iterator = SnapshotIterator::new(Counted { rows, taken: Arc::clone(&taken) }, 9);
        iterator.seek(b"pear").expect("no failure");
        let row = iterator.next().expect("no failure").expect("pear");
        assert_eq!(row.key, "pear", "the row that was sought");
        let count = *taken.lock().expect("no test panics while it counts");
        let rule = rule("5.7", "seek jumps to a key without reading what lies between");
        assert_eq!(count, 1, "rows taken from the stream below{rule}");
    }

    #[test]
    fn failures_pass_through_and_can_be_repeated() {
        let rows = merged(&sources());
        let mut iterator = SnapshotIterator::new(
            MergeIterator::new(sources().iter().map(|rows| Flaky::boxed(rows)).collect()),
            5,
        );
        let first = iterator.next();
        assert!(first.is_err(), "the first call fails in its source: found {first:?}");
        let mut found = Vec::new();
        while let Some(row) = persist(|| iterator.next()) {
            found.push(row);
        }
        let expected: Vec<_> = rows.into_iter().filter(|row| row.seq <= 5).collect();
        let rule = rule("5.7", "a call that fails has not moved the stream");
        let what = format!("at 5, every call of a source fails once{rule}");
        assert_ids(&ids(&found), &ids(&expected), &what);
    }

    #[test]
    fn a_snapshot_does_not_change_while_others_write() {
        let table = Arc::new(MemTable::new());
        for (seq, key) in (1..=200).zip((0..100).cycle()) {
            table.put(RowEntry::new_value(format!("key{key:03}"), "before", seq));
        }
        let rows = MemTableIterator::new(Arc::clone(&table), &BytesRange::ALL);
        let mut iterator = SnapshotIterator::new(rows, 200);
        let mut found = 0;
        for seq in 201..=500 {
            let Some(row) = iterator.next().expect("a memtable does not fail") else { break };
            let before = ValueDeletable::Value("before".into());
            assert_eq!(row.value, before, "{}", rule("5.7", "later rows are not visible"));
            table.put(RowEntry::new_value(format!("key{:03}", seq * 7 % 100), "later", seq));
            table.put(RowEntry::new_tombstone(format!("key{:03}", seq * 3 % 100), seq));
            found += 1;
        }
        assert_eq!(found, 200, "every row of the snapshot{}", rule("5.7", "and no other"));
    }
}

mod task_5_8 {
    use super::*;
    use proptest::prelude::*;

    fn key_values(rows: Vec<RowEntry>) -> Vec<(String, String)> {
        let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
        let results = testkit::deadline(10, || {
            DbIterator::new(VecIterator::new(rows)).take(1000).collect::<Result<Vec<_>>>()
        });
        let found = results.expect("a stream of values and tombstones does not fail");
        found.iter().map(|KeyValue { key, value }| (text(key), text(value))).collect()
    }

    fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
        pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec()
    }

    #[test]
    fn each_key_comes_once_with_its_newest_value() {
        let rows = vec![value("a", "new", 3), value("a", "old", 1), value("b", "only", 2)];
        let rule = rule("5.8", "only the newest row of a key counts");
        assert_eq!(key_values(rows), pairs([("a", "new"), ("b", "only")]), "{rule}");
    }

    #[test]
    fn a_deleted_key_is_passed_over_with_its_older_rows() {
        let found = key_values(merged(&sources()));
        let rule = rule("5.8", "a tombstone hides every older row of its key");
        let expected = [("fig", "blue"), ("kiwi", "soft"), ("pear", "ripe")];
        assert_eq!(found, pairs(expected), "apple was deleted at 9{rule}");
    }

    #[test]
    fn a_key_that_was_deleted_and_put_again_is_there() {
        let rows =
            vec![value("a", "again", 3), RowEntry::new_tombstone("a", 2), value("a", "old", 1)];
        assert_eq!(key_values(rows), pairs([("a", "again")]), "{}", rule("5.8", "newest first"));
    }

    #[test]
    fn an_older_snapshot_sees_what_was_there() {
        let rows = SnapshotIterator::new(merge(&sources()), 8);
        let found = DbIterator::new(rows).collect::<Result<Vec<_>>>().expect("no source fails");
        let keys: Vec<_> = found.iter().map(|found| &found.key[..]).collect();
        let rule = rule("5.8", "at 8, apple is not deleted yet");
        assert_eq!(keys, [&b"apple"[..], b"fig", b"kiwi", b"pear"], "{rule}");
        assert_eq!(found[0].value, "green", "the newest apple at 8{rule}");
    }

    #[test]
    fn nothing_but_tombstones_is_nothing() {
        let rows = ["a", "b", "c"].map(|key| RowEntry::new_tombstone(key, 1)).to_vec();
        assert_eq!(key_values(rows), pairs([]), "three deleted keys");
        assert_eq!(key_values(Vec::new()), pairs([]), "no row");
    }

    #[test]
    fn an_empty_value_is_a_value() {
        let rows = vec![value("a", "", 1)];
        assert_eq!(key_values(rows), pairs([("a", "")]), "{}", rule("5.8", "empty is not deleted"));
    }

    #[test]
    fn a_seek_forward_and_back_gives_each_key_once() {
        let mut iterator = DbIterator::new(merge(&sources()));
        iterator.seek(b"g").expect("no source fails");
        let next = |iterator: &mut DbIterator<MergeIterator>| {
            iterator.next().map(|found| found.expect("no source fails").key)
        };
        assert_eq!(next(&mut iterator), Some("kiwi".into()), "after seek(g)");
        iterator.seek(b"kiwi").expect("no source fails");
        let rule =
            rule("5.8", "keys increase strictly, also after a seek to the key just returned");
        assert_eq!(next(&mut iterator), Some("pear".into()), "after kiwi and seek(kiwi){rule}");
        assert_eq!(next(&mut iterator), None, "at the end");
    }

    #[test]
    fn a_merge_operand_without_an_operator_is_an_error_that_names_the_key() {
        let rows = vec![value("a", "1", 1), RowEntry::new_merge("n", "+1", 2), value("z", "9", 3)];
        let mut iterator = DbIterator::new(VecIterator::new(rows));
        assert!(matches!(iterator.next(), Some(Ok(_))), "a is whole");
        match iterator.next() {
            Some(Err(Error::MergeOperatorMissing { key })) => assert_eq!(key, "n", "the key named"),
            other => panic!("expected Error::MergeOperatorMissing, found {other:?}"),
        }
        assert!(iterator.next().is_none(), "{}", rule("5.8", "after an error it has ended"));
    }

    #[test]
    fn an_operand_that_is_hidden_does_no_harm() {
        let rows = vec![value("n", "7", 3), RowEntry::new_merge("n", "+1", 2)];
        assert_eq!(
            key_values(rows),
            pairs([("n", "7")]),
            "{}",
            rule("5.8", "only the newest counts")
        );
    }

    #[test]
    fn after_an_error_the_iteration_has_ended() {
        let iterator = DbIterator::new(MergeIterator::new(vec![Flaky::boxed(&sources()[1])]));
        let results: Vec<_> = iterator.take(100).collect();
        let rule = rule("5.8", "one error, and then None: a loop over a lasting error must end");
        assert!(matches!(results[..], [Err(Error::NotFound { .. })]), "found {results:?}{rule}");
    }

    #[test]
    fn an_operand_is_an_error_though_an_older_value_lies_behind_it() {
        for older in [value("n", "7", 1), RowEntry::new_tombstone("n", 1)] {
            let rows = vec![RowEntry::new_merge("n", "+1", 2), older.clone()];
            let results: Vec<_> = DbIterator::new(VecIterator::new(rows)).take(100).collect();
            let found = matches!(results[..], [Err(Error::MergeOperatorMissing { .. })]);
            let rule = rule("5.8", "an operand that is the newest row of its key is an error");
            assert!(found, "an operand over {older:?}: found {results:?}{rule}");
        }
    }

    #[test]
    fn a_failure_behind_a_value_does_not_lose_the_value() {
        let rows = vec![value("a", "new", 3), value("a", "old", 2), value("b", "v", 1)].into();
        // The first call works, the second fails.
        let rows = Flaky { rows, fails_next: false, fails_seek: true };
        let results: Vec<_> = DbIterator::new(rows).take(100).collect();
        let found = matches!(&results[..], [Ok(first), Err(_)] if first.value == "new");
        let rule = rule("5.8", "nothing is read before it is needed, and no row is lost");
        assert!(found, "a is whole, and then a failure: found {results:?}{rule}");
    }

    proptest! {
        #![proptest_config(testkit::config(64))]

        #[test]
        fn a_scan_agrees_with_a_map(
            specs in prop::collection::vec(testkit::any_rows(8), 0..5), max_seq in 0..25_u64,
        ) {
            let without_operands = |(key, kind, seq): RowSpec| match kind {
                RowKind::Merge(operand) => row((key, RowKind::Value(operand), seq)),
                kind => row((key, kind, seq)),
            };
            let sources: Vec<Vec<_>> = specs.into_iter()
                .map(|rows| rows.into_iter().map(without_operands).collect())
                .collect();
            let mut map = BTreeMap::new();
            for row in merged(&sources).into_iter().rev().filter(|row| row.seq <= max_seq) {
                match row.value {
                    ValueDeletable::Tombstone => map.remove(&row.key),
                    value => map.insert(row.key, value.as_bytes().cloned().unwrap_or_default()),
                };
            }
            let rows = SnapshotIterator::new(merge(&sources), max_seq);
            let found = DbIterator::new(rows).collect::<Result<Vec<_>>>().expect("no source fails");
            let expected: Vec<_> =
                map.into_iter().map(|(key, value)| KeyValue { key, value }).collect();
            prop_assert_eq!(found, expected, "at {}{}", max_seq, rule("5.8", "each key once, the newest value"));
        }
    }

    #[test]
    fn a_range_over_everything_together() {
        let table = Arc::new(MemTable::new());
        sources().concat().into_iter().for_each(|row| table.put(row));
        let range = BytesRange::new(Bound::Excluded("apple"), Bound::Included("kiwi"));
        let rows = MergeIterator::new(vec![Box::new(MemTableIterator::new(table, &range))]);
        let found = testkit::deadline(10, || DbIterator::new(rows).collect::<Result<Vec<_>>>());
        let found = found.expect("a memtable does not fail");
        let keys: Vec<_> = found.iter().map(|found| &found.key[..]).collect();
        assert_eq!(keys, [&b"fig"[..], b"kiwi"], "after apple, up to kiwi");
    }
}
