//! Week 5, days 1 to 3: the contract of a stream, ranges, and the streams of a memtable and an SST. The
//! rules are on the page *Iterators* of the book.

use std::ops::{Bound, Range};
use std::sync::{Arc, Mutex};

use bytes::{Bytes, BytesMut};
use testkit::{Id, RowKind, RowSpec, Stream, assert_ids, rule};
use week5::format::RowEntry;
use week5::format::checksum::{CHECKSUM_LEN, append_checksum};
use week5::iter::{BytesRange, MemTableIterator, RowEntryIterator, SstIterator, VecIterator};
use week5::object_store::{MemoryObjectStore, ObjectMeta, ObjectStore};
use week5::storage::{MemTable, SstBuilder, SstReader};
use week5::{Error, Result};

type AnyIterator = Box<dyn RowEntryIterator>;

fn row((key, kind, seq): RowSpec) -> RowEntry {
    match kind {
        RowKind::Value(value) => RowEntry::new_value(key, value, seq),
        RowKind::Merge(operand) => RowEntry::new_merge(key, operand, seq),
        RowKind::Tombstone => RowEntry::new_tombstone(key, seq),
    }
}

/// The rows of the page's example, in order.
fn fruit() -> Vec<RowEntry> {
    vec![
        RowEntry::new_tombstone("apple", 9),
        RowEntry::new_value("apple", "green", 5),
        RowEntry::new_value("apple", "red", 2),
        RowEntry::new_value("fig", "blue", 6),
        RowEntry::new_value("kiwi", "soft", 8),
        RowEntry::new_value("kiwi", "hard", 4),
        RowEntry::new_value("pear", "ripe", 3),
    ]
}

fn ids(rows: &[RowEntry]) -> Vec<Id> {
    rows.iter().map(|row| (row.key.to_vec(), row.seq)).collect()
}

/// `count` rows `key000`, `key001`, … of two versions each.
fn numbered(count: u64) -> Vec<RowEntry> {
    let versions = |n| [2, 1].map(|seq| RowEntry::new_value(format!("key{n:03}"), "value", seq));
    (0..count).flat_map(versions).collect()
}

fn next_id(iterator: &mut AnyIterator) -> Option<Id> {
    let row = iterator.next().expect("a stream whose rows are whole");
    row.map(|row| (row.key.to_vec(), row.seq))
}

fn seek(iterator: &mut AnyIterator, key: &[u8]) {
    iterator.seek(key).expect("a stream whose rows are whole");
}

/// Checks that a stream has just the rows of `range`, whole ones, and that `seek` keeps its contract.
fn assert_contract(make: &dyn Fn() -> AnyIterator, rows: &[RowEntry], what: &str) {
    let stream = Stream { make, next: &next_id, seek: &seek };
    stream.assert_reads(&ids(rows), what);
    stream.assert_seeks(&ids(rows), what);
    let mut iterator = make();
    for row in rows {
        let found = iterator.next().expect("a stream whose rows are whole");
        assert_eq!(found.as_ref(), Some(row), "rows come out whole: {what}");
    }
}

fn within(rows: &[RowEntry], range: &BytesRange) -> Vec<RowEntry> {
    rows.iter().filter(|row| range.contains(&row.key)).cloned().collect()
}

/// Every kind of range over some keys of the fruit and keys beside them.
fn ranges() -> Vec<BytesRange> {
    let keys = ["aa", "apple", "apples", "fig", "kiwi", "pear", "z"];
    let bounds = |key: &'static str| [Bound::Included(key), Bound::Excluded(key)];
    let bounds: Vec<_> = keys.into_iter().flat_map(bounds).chain([Bound::Unbounded]).collect();
    let pairs = bounds.iter().flat_map(|start| bounds.iter().map(move |end| (*start, *end)));
    pairs.map(|(start, end)| BytesRange::new(start, end)).collect()
}

mod task_5_1 {
    use super::*;
    use proptest::prelude::*;

    fn assert_rows(rows: Vec<RowEntry>) {
        let rule = rule("5.1", "the contract of RowEntryIterator");
        let make = || -> AnyIterator { Box::new(VecIterator::new(rows.clone())) };
        assert_contract(&make, &rows, &format!("{} rows in memory{rule}", rows.len()));
    }

    #[test]
    fn next_returns_every_row_in_order_and_then_none() {
        let mut iterator = VecIterator::new(fruit());
        for row in fruit() {
            assert_eq!(iterator.next().expect("no failure"), Some(row), "the next row");
        }
        for _ in 0..3 {
            let rule = rule("5.1", "at the end, next returns None, however often it is called");
            assert_eq!(iterator.next().expect("no failure"), None, "{rule}");
        }
    }

    #[test]
    fn seek_goes_to_the_newest_version_of_the_key() {
        let mut iterator = VecIterator::new(fruit());
        iterator.seek(b"kiwi").expect("no failure");
        let rule = rule("5.1", "seek goes to the first row whose key is the key or greater");
        assert_eq!(iterator.next().expect("no failure"), Some(fruit()[4].clone()), "kiwi/8{rule}");
    }

    #[test]
    fn seek_to_a_missing_key_goes_to_the_next_greater_one() {
        let mut iterator = VecIterator::new(fruit());
        iterator.seek(b"banana").expect("no failure");
        let rule = rule("5.1", "seek goes to the first row whose key is the key or greater");
        assert_eq!(iterator.next().expect("no failure"), Some(fruit()[3].clone()), "fig/6{rule}");
    }

    #[test]
    fn seek_never_goes_back() {
        let mut iterator = VecIterator::new(fruit());
        iterator.seek(b"kiwi").expect("no failure");
        iterator.next().expect("no failure");
        iterator.seek(b"apple").expect("no failure");
        let rule = rule("5.1", "seek moves forward or not at all");
        assert_eq!(iterator.next().expect("no failure"), Some(fruit()[5].clone()), "kiwi/4{rule}");
    }

    #[test]
    fn seek_within_the_versions_of_a_key_does_not_go_back_to_the_newest() {
        let mut iterator = VecIterator::new(fruit());
        iterator.next().expect("no failure");
        iterator.seek(b"apple").expect("no failure");
        let rule = rule("5.1", "no row is returned twice");
        assert_eq!(iterator.next().expect("no failure"), Some(fruit()[1].clone()), "apple/5{rule}");
    }

    #[test]
    fn no_row_and_one_row_keep_the_contract() {
        assert_rows(Vec::new());
        assert_rows(vec![RowEntry::new_value("k", "v", 1)]);
        assert_rows(fruit());
    }

    proptest! {
        #![proptest_config(testkit::config(24))]

        #[test]
        fn any_rows_keep_the_contract(specs in testkit::any_rows(8)) {
            assert_rows(specs.into_iter().map(row).collect());
        }
    }
}

mod task_5_2 {
    use super::*;
    use proptest::prelude::*;

    fn included(key: &'static [u8]) -> Bound<Bytes> {
        Bound::Included(Bytes::from_static(key))
    }

    #[test]
    fn a_prefix_ends_before_the_next_greater_one() {
        let expected = BytesRange { start: included(b"app"), end: Bound::Excluded("apq".into()) };
        let rule = rule("5.2", "the smallest key behind all of them: the last byte, one higher");
        assert_eq!(BytesRange::from_prefix(b"app"), expected, "the prefix app{rule}");
    }

    #[test]
    fn trailing_ff_bytes_carry() {
        let range = BytesRange::from_prefix(&[b'a', 0xff, 0xff]);
        let expected =
            BytesRange { start: included(&[b'a', 0xff, 0xff]), end: Bound::Excluded("b".into()) };
        let rule = rule("5.2", "0xff has no higher byte: the byte before it is made one higher");
        assert_eq!(range, expected, "the prefix a ff ff{rule}");
    }

    #[test]
    fn a_prefix_without_a_greater_key_has_no_end() {
        for prefix in [&[][..], &[0xff], &[0xff, 0xff]] {
            let range = BytesRange::from_prefix(prefix);
            let rule = rule("5.2", "no key is greater than all keys with this prefix");
            assert_eq!(range.end, Bound::Unbounded, "the prefix {prefix:?}{rule}");
            assert!(range.contains(&[prefix, &[0xff; 5]].concat()), "a long key{rule}");
        }
    }

    #[test]
    fn an_included_bound_is_in_the_range_and_an_excluded_one_is_not() {
        let rule = rule("5.2", "each end is included, excluded or open");
        let cases: [(Bound<&str>, Bound<&str>, &str); 9] = [
            (Bound::Included("b"), Bound::Included("d"), "b bb c d"),
            (Bound::Included("b"), Bound::Excluded("d"), "b bb c"),
            (Bound::Excluded("b"), Bound::Included("d"), "bb c d"),
            (Bound::Excluded("b"), Bound::Excluded("d"), "bb c"),
            (Bound::Unbounded, Bound::Excluded("b"), "a"),
            (Bound::Excluded("c"), Bound::Unbounded, "d e"),
            (Bound::Unbounded, Bound::Unbounded, "a b bb c d e"),
            (Bound::Included("d"), Bound::Included("b"), ""),
            (Bound::Excluded("c"), Bound::Included("c"), ""),
        ];
        for (start, end, expected) in cases {
            let range = BytesRange::new(start, end);
            let keys = ["a", "b", "bb", "c", "d", "e"];
            let found = keys.into_iter().filter(|key| range.contains(key.as_bytes()));
            let found = found.collect::<Vec<_>>().join(" ");
            assert_eq!(found, expected, "the keys from {start:?} to {end:?}{rule}");
        }
    }

    #[test]
    fn a_key_lies_before_a_range_or_behind_it() {
        let range = BytesRange::new(Bound::Excluded("b"), Bound::Included("d"));
        let rule = rule("5.2", "starts_after: the key is in front; ends_before: it is behind");
        let places: Vec<_> = ["a", "b", "c", "d", "e"]
            .map(|key| (range.starts_after(key.as_bytes()), range.ends_before(key.as_bytes())))
            .to_vec();
        let (front, inside, behind) = ((true, false), (false, false), (false, true));
        assert_eq!(places, [front, front, inside, inside, behind], "a b c d e{rule}");
    }

    proptest! {
        #![proptest_config(testkit::config(256))]

        #[test]
        fn a_prefix_range_holds_just_the_keys_with_the_prefix(
            prefix in prop::collection::vec(prop_oneof![Just(0xfe_u8), Just(0xff), Just(b'a')], 0..4),
            key in prop::collection::vec(prop_oneof![Just(0_u8), Just(0xfe), Just(0xff), Just(b'a'), Just(b'b')], 0..6),
        ) {
            let found = BytesRange::from_prefix(&prefix).contains(&key);
            let rule = rule("5.2", "every key that starts with the prefix, and no other");
            prop_assert_eq!(found, key.starts_with(&prefix), "{:?} in {:?}{}", key, prefix, rule);
        }
    }
}

mod task_5_3 {
    use super::*;
    use proptest::prelude::*;

    fn table(rows: &[RowEntry]) -> Arc<MemTable> {
        let table = MemTable::new();
        rows.iter().rev().for_each(|row| table.put(row.clone()));
        Arc::new(table)
    }

    fn assert_rows(rows: &[RowEntry], range: &BytesRange) {
        let table = table(rows);
        let make = || -> AnyIterator { Box::new(MemTableIterator::new(Arc::clone(&table), range)) };
        let rule = rule("5.3", "the rows of the range, and the contract of RowEntryIterator");
        let what = format!("a memtable of {} rows, {range:?}{rule}", rows.len());
        assert_contract(&make, &within(rows, range), &what);
    }

    #[test]
    fn every_row_of_the_table_comes_out() {
        assert_rows(&fruit(), &BytesRange::ALL);
        assert_rows(&[], &BytesRange::ALL);
    }

    #[test]
    fn only_the_rows_of_the_range_come_out() {
        testkit::deadline(30, || ranges().iter().for_each(|range| assert_rows(&fruit(), range)));
    }

    #[test]
    fn more_rows_than_a_chunk_come_out_once() {
        let rows = numbered(MemTableIterator::CHUNK_LEN as u64 * 2);
        let table = table(&rows);
        let make = || -> AnyIterator {
            Box::new(MemTableIterator::new(Arc::clone(&table), &BytesRange::ALL))
        };
        let stream = Stream { make: &make, next: &next_id, seek: &seek };
        let rule = rule("5.3", "the next chunk starts behind the last row of this one");
        stream.assert_reads(&ids(&rows), &format!("four chunks of rows{rule}"));
        let moves =
            [(0, 1), (0, 31), (0, 32), (10, 33), (63, 32), (64, 32), (64, 33), (3, 63), (70, 9)];
        for (taken, key) in moves {
            let mut iterator = make();
            let found: Vec<_> = (0..taken).filter_map(|_| next_id(&mut iterator)).collect();
            assert_ids(&found, &ids(&rows)[..taken], &format!("the first {taken} rows{rule}"));
            seek(&mut iterator, format!("key{key:03}").as_bytes());
            let expected = ids(&rows)[taken.max(key * 2)].clone();
            let what = format!("{taken} rows, then seek key{key:03}{rule}");
            assert_eq!(next_id(&mut iterator), Some(expected), "{what}");
        }
    }

    #[test]
    fn a_chunk_that_ends_between_two_versions_of_a_key_loses_none() {
        let mut rows = numbered(MemTableIterator::CHUNK_LEN as u64);
        // With one row more in front, each chunk ends with the newer version of a key.
        rows.insert(0, RowEntry::new_value("a", "v", 1));
        let table = table(&rows);
        let make = || -> AnyIterator {
            Box::new(MemTableIterator::new(Arc::clone(&table), &BytesRange::ALL))
        };
        let stream = Stream { make: &make, next: &next_id, seek: &seek };
        let rule = rule("5.3", "the next chunk starts behind the last version, not behind its key");
        stream.assert_reads(&ids(&rows), &format!("more than two chunks of rows{rule}"));
    }

    #[test]
    fn no_more_than_a_chunk_is_copied_ahead() {
        let table = table(&numbered(MemTableIterator::CHUNK_LEN as u64));
        let mut iterator = MemTableIterator::new(Arc::clone(&table), &BytesRange::ALL);
        iterator.next().expect("a memtable does not fail");
        // Behind the first chunk, which ends with key031, and in front of the last row, key063.
        table.put(RowEntry::new_value("key040", "later", 9));
        let (mut found, mut count) = (Vec::new(), 1);
        while let Some(row) = iterator.next().expect("a memtable does not fail") {
            found.extend((row.key == "key040").then_some(row.seq));
            count += 1;
            let rule = rule("5.3", "the next chunk starts behind the last row of this one");
            assert!(count < 1000, "rows without an end{rule}");
        }
        let rule = rule("5.3", "rows are copied in chunks of CHUNK_LEN, and not all at once");
        assert_eq!(found, [9, 2, 1], "key040/9 was put before its chunk was copied{rule}");
    }

    #[test]
    fn an_excluded_start_stays_excluded_after_a_seek_to_it() {
        let range = BytesRange::new(Bound::Excluded("fig"), Bound::<&str>::Unbounded);
        let mut iterator = MemTableIterator::new(table(&fruit()), &range);
        iterator.seek(b"fig").expect("a memtable does not fail");
        let rule = rule("5.3", "only rows of the range come out, also after a seek");
        let found = iterator.next().expect("a memtable does not fail");
        assert_eq!(found, Some(fruit()[4].clone()), "kiwi/8{rule}");
    }

    #[test]
    fn a_writer_does_not_wait_for_an_iterator() {
        testkit::deadline(10, || {
            let table = table(&numbered(200));
            let mut iterator = MemTableIterator::new(Arc::clone(&table), &BytesRange::ALL);
            let mut found = Vec::new();
            // The iterator is alive and in the middle when the writer, this same thread, puts.
            while let Some(row) = iterator.next().expect("a memtable does not fail") {
                table.put(RowEntry::new_value(row.key.clone(), "later", 9));
                found.push((row.key.to_vec(), row.seq));
                assert!(found.len() < 1000, "the iterator runs after the rows that are put");
            }
            found.retain(|(_, seq)| *seq < 9);
            let rule = rule("5.3", "rows that were there come out, whatever is put meanwhile");
            assert_ids(&found, &ids(&numbered(200)), &format!("rows of before{rule}"));
        });
    }

    #[test]
    fn rows_that_come_later_do_not_disturb_the_order() {
        let table = table(&numbered(100));
        let mut iterator = MemTableIterator::new(Arc::clone(&table), &BytesRange::ALL);
        let mut last: Option<Id> = None;
        for number in 0..400_u64 {
            let Some(row) = iterator.next().expect("a memtable does not fail") else { break };
            let id = (row.key.to_vec(), row.seq);
            let after = |(key, seq): &Id| (key, u64::MAX - seq) < (&id.0, u64::MAX - id.1);
            let rule = rule("5.3", "each row stands behind the one before it");
            assert!(last.as_ref().is_none_or(after), "{id:?} behind {last:?}{rule}");
            last = Some(id);
            table.put(RowEntry::new_value(
                format!("key{:03}", number * 37 % 100),
                "v",
                10 + number,
            ));
        }
    }

    proptest! {
        #![proptest_config(testkit::config(24))]

        #[test]
        fn any_rows_keep_the_contract(
            specs in testkit::any_rows(8), (from, _, _) in testkit::any_row(), (to, _, _) in testkit::any_row(),
        ) {
            let rows: Vec<_> = specs.into_iter().map(row).collect();
            assert_rows(&rows, &BytesRange::ALL);
            assert_rows(&rows, &BytesRange::new(Bound::Included(from), Bound::Excluded(to)));
        }
    }
}

mod task_5_4 {
    use super::*;
    use proptest::prelude::*;

    const PATH: &str = "sst/00000000000000000001.sst";

    /// A store in memory that remembers which ranges were read, and can fail.
    #[derive(Debug, Default)]
    struct WatchedStore {
        inner: MemoryObjectStore,
        reads: Mutex<Vec<Range<u64>>>,
        failing: Mutex<bool>,
    }

    impl WatchedStore {
        fn take_reads(&self) -> Vec<Range<u64>> {
            std::mem::take(&mut self.reads.lock().expect("no test panics while it reads"))
        }

        fn fail(&self, failing: bool) {
            *self.failing.lock().expect("no test panics while it reads") = failing;
        }
    }

    impl ObjectStore for WatchedStore {
        fn put(&self, path: &str, object: Bytes) -> Result<()> {
            self.inner.put(path, object)
        }

        fn put_if_absent(&self, path: &str, object: Bytes) -> Result<()> {
            self.inner.put_if_absent(path, object)
        }

        fn get(&self, path: &str) -> Result<Bytes> {
            self.inner.get(path)
        }

        fn get_range(&self, path: &str, range: Range<u64>) -> Result<Bytes> {
            if *self.failing.lock().expect("no test panics while it reads") {
                return Err(Error::NotFound { path: path.to_owned() });
            }
            let mut reads = self.reads.lock().expect("no test panics while it reads");
            reads.push(range.clone());
            let rule = rule("5.4", "a block whose rows are used up is not read again");
            assert!(reads.len() < 100_000, "reads without an end{rule}");
            drop(reads);
            self.inner.get_range(path, range)
        }

        fn head(&self, path: &str) -> Result<ObjectMeta> {
            self.inner.head(path)
        }

        fn list(&self, prefix: &str) -> Result<Vec<ObjectMeta>> {
            self.inner.list(prefix)
        }

        fn delete(&self, path: &str) -> Result<()> {
            self.inner.delete(path)
        }
    }

    fn sst(rows: &[RowEntry], block_size: usize) -> (Arc<SstReader>, Arc<WatchedStore>) {
        let mut builder = SstBuilder::new(block_size);
        for row in rows {
            builder.add(row).expect("rows in order");
        }
        let store = Arc::new(WatchedStore::default());
        store.put(PATH, builder.finish().expect("an SST with rows")).expect("a put into memory");
        let reader = SstReader::open(store.clone(), PATH).expect("a whole SST");
        store.take_reads();
        (Arc::new(reader), store)
    }

    fn assert_rows(rows: &[RowEntry], block_size: usize, range: &BytesRange) {
        let (reader, _) = sst(rows, block_size);
        let make =
            || -> AnyIterator { Box::new(SstIterator::new(Arc::clone(&reader), range.clone())) };
        let rule = rule("5.4", "the rows of the range, and the contract of RowEntryIterator");
        let what = format!("an SST with blocks of {block_size} bytes, {range:?}{rule}");
        assert_contract(&make, &within(rows, range), &what);
    }

    #[test]
    fn every_row_of_the_sst_comes_out() {
        testkit::deadline(30, || {
            for block_size in [1, 40, 80, 4096] {
                assert_rows(&fruit(), block_size, &BytesRange::ALL);
            }
        });
    }

    #[test]
    fn only_the_rows_of_the_range_come_out() {
        testkit::deadline(30, || {
            for range in ranges() {
                assert_rows(&fruit(), 50, &range);
            }
        });
    }

    #[test]
    fn versions_that_fill_several_blocks_come_out_once() {
        let mut rows = vec![RowEntry::new_value("a", "v", 1)];
        rows.extend((1..=8).rev().map(|seq| RowEntry::new_value("k", "value", seq)));
        rows.push(RowEntry::new_value("z", "v", 1));
        testkit::deadline(30, move || {
            for block_size in [1, 60, 100] {
                assert_rows(&rows, block_size, &BytesRange::ALL);
                assert_rows(&rows, block_size, &BytesRange::from_prefix(b"k"));
            }
        });
    }

    #[test]
    fn making_and_seeking_read_nothing() {
        let (reader, store) = sst(&numbered(100), 256);
        let mut iterator = SstIterator::new(reader, BytesRange::ALL);
        iterator.seek(b"key050").expect("a whole SST");
        let rule = rule("5.4", "a block is read when its first row is asked for");
        assert_eq!(store.take_reads(), [], "reads before the first row{rule}");
        assert!(iterator.next().expect("a whole SST").is_some(), "key050");
        assert!(store.take_reads().len() <= 2, "reads for the first row{rule}");
    }

    #[test]
    fn each_block_is_read_once() {
        let (reader, store) = sst(&numbered(100), 256);
        let blocks = reader.index().blocks.len();
        let mut iterator = SstIterator::new(reader, BytesRange::ALL);
        while iterator.next().expect("a whole SST").is_some() {}
        let reads = store.take_reads();
        let rule = rule("5.4", "one block is held at a time, until its rows are used up");
        assert_eq!(reads.len(), blocks, "reads for {blocks} blocks: {reads:?}{rule}");
        assert!(reads.is_sorted_by_key(|range| range.start), "in order: {reads:?}{rule}");
    }

    #[test]
    fn blocks_outside_the_range_are_not_read() {
        let (reader, store) = sst(&numbered(100), 256);
        let bounds = (Bound::Included("key040"), Bound::Included("key042"));
        let range = BytesRange::new(bounds.0, bounds.1);
        let mut iterator = SstIterator::new(Arc::clone(&reader), range);
        let mut count = 0;
        while iterator.next().expect("a whole SST").is_some() {
            count += 1;
        }
        let reads = store.take_reads().len();
        let rule = rule("5.4", "no block is read in front of the range, or behind its end");
        assert_eq!(count, 6, "three keys of two versions");
        assert!(
            (1..=3).contains(&reads),
            "{reads} of {} blocks{rule}",
            reader.index().blocks.len()
        );

        let behind = BytesRange::new(Bound::Included("z"), Bound::<&str>::Unbounded);
        let mut iterator = SstIterator::new(reader, behind);
        assert_eq!(iterator.next().expect("a whole SST"), None, "a range behind the SST");
        assert_eq!(store.take_reads(), [], "reads for a range behind the SST{rule}");
    }

    #[test]
    fn a_block_that_begins_with_the_excluded_end_is_not_read() {
        // A block for each row; block 4 begins with kiwi.
        let (reader, store) = sst(&fruit(), 1);
        let end = reader.index().blocks[4].offset;
        let range = BytesRange::new(Bound::Included("fig"), Bound::Excluded("kiwi"));
        let mut iterator = SstIterator::new(reader, range);
        assert_eq!(iterator.next().expect("a whole SST"), Some(fruit()[3].clone()), "fig/6");
        assert_eq!(iterator.next().expect("a whole SST"), None, "the range ends before kiwi");
        let reads = store.take_reads();
        let rule = rule("5.4", "no block is read that lies behind the end of the range");
        assert!(reads.iter().all(|read| read.end <= end), "kiwi is at {end}: {reads:?}{rule}");
    }

    #[test]
    fn a_block_is_not_read_before_its_first_row_is_asked_for() {
        let (reader, store) = sst(&fruit(), 1);
        let mut iterator = SstIterator::new(reader, BytesRange::ALL);
        for row in fruit() {
            assert_eq!(iterator.next().expect("a whole SST"), Some(row), "a block for each row");
            let rule = rule("5.4", "the next block is read when this one is used up");
            assert_eq!(store.take_reads().len(), 1, "reads for one row, in a block alone{rule}");
        }
    }

    #[test]
    fn a_seek_behind_the_last_key_needs_no_read() {
        let (reader, store) = sst(&numbered(100), 256);
        let mut iterator = SstIterator::new(reader, BytesRange::ALL);
        iterator.seek(b"z").expect("a whole SST");
        assert_eq!(iterator.next().expect("a whole SST"), None, "behind the last key");
        let rule = rule("5.4", "no block is read in front of the start, and seek moves the start");
        assert_eq!(store.take_reads(), [], "reads behind the last key{rule}");
    }

    #[test]
    fn a_seek_within_the_block_that_is_held_needs_no_read() {
        let (reader, store) = sst(&numbered(10), 4096);
        let mut iterator = SstIterator::new(reader, BytesRange::ALL);
        iterator.next().expect("a whole SST");
        store.take_reads();
        let rule = rule("5.4", "a block is held until its rows are used up");
        for (key, expected) in [("key005", ("key005", 2)), ("key001", ("key005", 1))] {
            iterator.seek(key.as_bytes()).expect("a whole SST");
            let row = iterator.next().expect("a whole SST").expect("rows are left");
            let expected = [(expected.0.as_bytes().to_vec(), expected.1)];
            assert_ids(&ids(&[row]), &expected, &format!("seek({key}){rule}"));
            assert_eq!(store.take_reads(), [], "reads after seek({key}){rule}");
        }
    }

    #[test]
    fn an_excluded_start_stays_excluded_after_a_seek_to_it() {
        let range = BytesRange::new(Bound::Excluded("fig"), Bound::<&str>::Unbounded);
        for block_size in [1, 50, 4096] {
            let (reader, _) = sst(&fruit(), block_size);
            let mut iterator = SstIterator::new(reader, range.clone());
            iterator.seek(b"fig").expect("a whole SST");
            let rule = rule("5.4", "only rows of the range come out, also after a seek");
            let found = iterator.next().expect("a whole SST");
            assert_eq!(found, Some(fruit()[4].clone()), "kiwi/8{rule}");
        }
    }

    #[test]
    fn seek_passes_over_blocks_without_reading_them() {
        let (reader, store) = sst(&numbered(100), 256);
        let mut iterator = SstIterator::new(reader, BytesRange::ALL);
        iterator.next().expect("a whole SST");
        iterator.seek(b"key090").expect("a whole SST");
        let row = iterator.next().expect("a whole SST").expect("key090");
        let rule = rule("5.4", "seek finds the block by the index");
        let what = format!("the row that was sought{rule}");
        assert_ids(&ids(&[row]), &[(b"key090".to_vec(), 2)], &what);
        let reads = store.take_reads().len();
        assert!(reads <= 3, "{reads} reads for two rows{rule}");
    }

    #[test]
    fn a_failed_read_can_be_repeated() {
        let rows = numbered(30);
        let (reader, store) = sst(&rows, 128);
        let mut iterator = SstIterator::new(reader, BytesRange::ALL);
        let mut found = Vec::new();
        loop {
            store.fail(true);
            let failed = iterator.next();
            store.fail(false);
            // A row of the block that is held needs no read and does not fail.
            let row = match failed {
                Ok(row) => row,
                Err(_) => iterator.next().expect("the store works again"),
            };
            let Some(row) = row else { break };
            found.push(row);
            assert!(found.len() <= rows.len(), "more rows than there are");
        }
        let rule = rule("5.4", "a call that fails has not moved the stream; no row is lost");
        assert_ids(&ids(&found), &ids(&rows), &format!("each read fails once{rule}"));
    }

    #[test]
    fn a_failed_read_does_not_forget_where_a_seek_went() {
        let rows = numbered(30);
        let (reader, store) = sst(&rows, 128);
        for key in 0..30 {
            let mut iterator = SstIterator::new(Arc::clone(&reader), BytesRange::ALL);
            iterator.seek(format!("key{key:03}").as_bytes()).expect("a seek reads nothing");
            store.fail(true);
            assert!(iterator.next().is_err(), "a read of a store that fails");
            store.fail(false);
            let found = iterator.next().expect("the store works again");
            let rule = rule("5.4", "a read that fails leaves the stream where it was");
            assert_eq!(found, Some(rows[key * 2].clone()), "after seek(key{key:03}){rule}");
        }
    }

    #[test]
    fn a_damaged_block_is_an_error() {
        let rows = numbered(30);
        let (reader, store) = sst(&rows, 128);
        let second = reader.index().blocks[1].offset as usize;
        let mut damaged = store.get(PATH).expect("the SST").to_vec();
        damaged[second + 3] ^= 1;
        store.put(PATH, damaged.into()).expect("a put into memory");
        let mut iterator = SstIterator::new(reader, BytesRange::ALL);
        let first_error = (0..30).find_map(|_| iterator.next().err());
        let rule = rule("5.4", "an error of the SST reaches the caller");
        match first_error {
            Some(Error::Corrupt { file, .. }) => assert_eq!(file, PATH, "the file named{rule}"),
            other => panic!("expected Error::Corrupt, found {other:?}{rule}"),
        }
    }

    /// Row 9 lies within block 1 and can't be decoded, though the block's checksum holds. Returns
    /// the rows in front of it, and where block 1 lies.
    fn sst_with_a_bad_row() -> (Arc<SstReader>, Vec<RowEntry>, Range<usize>) {
        let mut rows = numbered(8);
        rows[9] = RowEntry::new_value("key004", "broken", 1);
        let (reader, store) = sst(&rows, 160);
        let mut file = store.get(PATH).expect("the SST").to_vec();
        let value =
            file.windows(6).position(|bytes| bytes == b"broken").expect("the value of row 9");
        file[value - 5] = 0x40; // The flags: no row has these.
        let [start, end] = [1, 2].map(|number| reader.index().blocks[number].offset as usize);
        assert!(start < value && value < end, "row 9 lies in block 1");
        let mut block = BytesMut::from(&file[start..end - CHECKSUM_LEN]);
        append_checksum(&mut block, 0);
        file[start..end].copy_from_slice(&block);
        store.put(PATH, file.into()).expect("a put into memory");
        rows.truncate(9);
        (reader, rows, start..end)
    }

    #[test]
    fn a_row_that_cannot_be_decoded_fails_at_every_call_and_no_row_comes_twice() {
        let (reader, rows, block) = sst_with_a_bad_row();
        let mut iterator = SstIterator::new(reader, BytesRange::ALL);
        let mut found = Vec::new();
        for _ in 0..12 {
            match iterator.next() {
                Ok(row) => found.extend(row),
                Err(Error::Corrupt { file, offset, .. }) => {
                    let rule =
                        rule("5.4", "in_file adds the path, and the block's offset in the file");
                    assert_eq!(file, PATH, "the file named{rule}");
                    let within = block.contains(&(offset as usize));
                    assert!(within, "byte {offset}, but the block is at {block:?}{rule}");
                }
                Err(other) => panic!("expected Error::Corrupt, found {other:?}"),
            }
        }
        let rule =
            rule("5.4", "a call that fails has not moved the stream; no row comes out twice");
        let what = format!("12 calls of next, row 9 is damaged{rule}");
        // Who decodes a block as a whole has none of its rows.
        let of_block_0 = 6;
        assert!(found.len() >= of_block_0, "{} rows before row 9: {what}", found.len());
        assert_ids(&ids(&found), &ids(&rows[..found.len().min(rows.len())]), &what);
    }

    #[test]
    fn a_seek_that_fails_in_the_block_that_is_held_has_not_moved_the_stream() {
        let (reader, rows, block) = sst_with_a_bad_row();
        let mut iterator = SstIterator::new(reader, BytesRange::ALL);
        for _ in 0..7 {
            // Who decodes a block as a whole holds none with a damaged row, and can't fail so.
            let Ok(_) = iterator.next() else { return };
        }
        if let Err(error) = iterator.seek(b"key004\0") {
            let rule = rule("5.4", "a call that fails has not moved the stream");
            let Error::Corrupt { offset, .. } = error else { panic!("{error}{rule}") };
            assert!(block.contains(&(offset as usize)), "byte {offset} is not in {block:?}{rule}");
            let found = iterator.next().ok().flatten();
            assert_eq!(found, Some(rows[7].clone()), "after a seek that failed{rule}");
        }
    }

    #[test]
    fn a_seek_that_fails_in_a_block_just_read_names_its_place() {
        let (reader, _, block) = sst_with_a_bad_row();
        let mut iterator = SstIterator::new(reader, BytesRange::ALL);
        iterator.seek(b"key004\0").expect("a seek that reads nothing");
        // Row 9 lies in front of the key: who finds the key without it has no error.
        if let Err(error) = iterator.next() {
            let rule = rule("5.4", "in_file adds the path, and the block's offset in the file");
            let Error::Corrupt { file, offset, .. } = error else { panic!("{error}{rule}") };
            assert_eq!(file, PATH, "the file named{rule}");
            assert!(block.contains(&(offset as usize)), "byte {offset} is not in {block:?}{rule}");
        }
    }

    #[test]
    fn the_end_of_the_range_stays_the_end_though_a_row_behind_it_is_damaged() {
        let (reader, rows, _) = sst_with_a_bad_row();
        // Row 8, which shows that the range has ended, lies in front of the damaged one.
        let range = BytesRange::new(Bound::<&str>::Unbounded, Bound::Included("key003"));
        let mut iterator = SstIterator::new(reader, range);
        for row in &rows[..8] {
            // Who decodes a block as a whole fails before the end.
            let Ok(found) = iterator.next() else { return };
            assert_eq!(found.as_ref(), Some(row), "the rows of the range");
        }
        for _ in 0..3 {
            let found = iterator.next();
            let rule = rule("5.4", "at the end, next returns None, however often it is called");
            assert!(matches!(found, Ok(None)), "{found:?}{rule}");
        }
    }

    proptest! {
        #![proptest_config(testkit::config(24))]

        #[test]
        fn any_rows_keep_the_contract(
            specs in testkit::any_rows(8).prop_filter("an SST has a row", |rows| !rows.is_empty()),
            block_size in 1..120_usize, (from, _, _) in testkit::any_row(), (to, _, _) in testkit::any_row(),
        ) {
            let rows: Vec<_> = specs.into_iter().map(row).collect();
            assert_rows(&rows, block_size, &BytesRange::ALL);
            assert_rows(&rows, block_size, &BytesRange::new(Bound::Excluded(from), Bound::Included(to)));
        }
    }
}
