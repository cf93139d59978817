//! Week 8, days 1 to 4: sorted sources in, a new sorted run out; and the database that does it. The
//! rules are on the page *The compactor* of the book.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use proptest::prelude::*;
use testkit::{Id, RowKind, RowSpec, Stream, config, deadline, rule};
use week8::compaction::{Compaction, CompactionProgress, LastRunIterator};
use week8::db::{CompactorOptions, Settings, Snapshot, Stats};
use week8::format::{FormatVersion, RowEntry, ValueDeletable};
use week8::iter::{RetentionIterator, RowEntryIterator, VecIterator, stripe_of};
use week8::merge::{ConcatMergeOperator, MergeOperator, MergeOperatorError};
use week8::object_store::{MemoryObjectStore, ObjectMeta, ObjectStore, Parts};
use week8::storage::{MemoryWalStore, SstBuilder, SstOptions, SstReader};
use week8::{Db, DbBuilder, Error, Result};

fn value(key: &str, seq: u64) -> RowEntry {
    RowEntry::new_value(key.to_owned(), format!("v{seq}"), seq)
}

fn merge(key: &str, seq: u64) -> RowEntry {
    RowEntry::new_merge(key.to_owned(), format!("m{seq}"), seq)
}

fn tombstone(key: &str, seq: u64) -> RowEntry {
    RowEntry::new_tombstone(key.to_owned(), seq)
}

fn row((key, kind, seq): RowSpec) -> RowEntry {
    match kind {
        RowKind::Value(value) => RowEntry::new_value(key, value, seq),
        RowKind::Merge(operand) => RowEntry::new_merge(key, operand, seq),
        RowKind::Tombstone => RowEntry::new_tombstone(key, seq),
    }
}

/// Rows as `apple/7=red apple/4-`, where `-` is a tombstone, and `+` comes before an operand.
fn listing(rows: &[RowEntry]) -> String {
    let shown = |row: &RowEntry| {
        let said = match &row.value {
            ValueDeletable::Value(value) => format!("={}", value.escape_ascii()),
            ValueDeletable::Merge(operand) => format!("+{}", operand.escape_ascii()),
            ValueDeletable::Tombstone => "-".to_owned(),
        };
        format!("{}/{}{said}", row.key.escape_ascii(), row.seq)
    };
    rows.iter().map(shown).collect::<Vec<_>>().join(" ")
}

fn ids(rows: &[RowEntry]) -> Vec<Id> {
    rows.iter().map(|row| (row.key.to_vec(), row.seq)).collect()
}

fn read(mut rows: impl RowEntryIterator) -> Result<Vec<RowEntry>> {
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(row);
        assert!(found.len() < 10_000, "a stream that does not end");
    }
    Ok(found)
}

/// A stream whose every other call fails, from the first on.
#[derive(Debug)]
struct Flaky {
    rows: VecDeque<RowEntry>,
    fails: bool,
}

impl Flaky {
    fn new(rows: &[RowEntry]) -> Self {
        Self { rows: rows.to_vec().into(), fails: false }
    }

    fn call(&mut self) -> Result<()> {
        self.fails = !self.fails;
        if self.fails { Err(unreachable_block()) } else { Ok(()) }
    }
}

fn unreachable_block() -> Error {
    Error::NotFound { path: "a block that comes back".to_owned() }
}

impl RowEntryIterator for Flaky {
    fn next(&mut self) -> Result<Option<RowEntry>> {
        self.call()?;
        Ok(self.rows.pop_front())
    }

    fn seek(&mut self, key: &[u8]) -> Result<()> {
        self.call()?;
        let smaller = self.rows.partition_point(|row| row.key < key);
        self.rows.drain(..smaller);
        Ok(())
    }
}

/// Counts the rows that are read from it.
#[derive(Debug)]
struct Counted(VecIterator, Arc<Mutex<usize>>);
impl RowEntryIterator for Counted {
    fn next(&mut self) -> Result<Option<RowEntry>> {
        let row = self.0.next()?;
        *self.1.lock().expect("no test panics while it counts") += usize::from(row.is_some());
        Ok(row)
    }
    fn seek(&mut self, key: &[u8]) -> Result<()> {
        self.0.seek(key)
    }
}

/// The next row of a stream that fails now and then: each call is repeated until it works.
fn persist(rows: &mut impl RowEntryIterator) -> Option<RowEntry> {
    (0..1000).find_map(|_| rows.next().ok()).expect("a call that is repeated works in the end")
}

mod task_8_5 {
    use super::*;

    fn last_run(rows: &[RowEntry]) -> LastRunIterator<VecIterator> {
        LastRunIterator::new(VecIterator::new(rows.to_vec()))
    }

    #[track_caller]
    fn assert_stays(rows: &[RowEntry], expected: &[RowEntry], why: &str) {
        let found = read(last_run(rows)).expect("a vector does not fail");
        let (of, rule) = (listing(rows), rule("8.5", why));
        assert_eq!(listing(&found), listing(expected), "what stays of {of}{rule}");
    }

    /// What rule 1 says, row by row.
    fn expected(rows: &[RowEntry]) -> Vec<RowEntry> {
        let is_needed = |(at, row): &(usize, &RowEntry)| {
            let older = rows[at + 1..].iter().take_while(|older| older.key == row.key);
            !row.value.is_tombstone() || older.into_iter().any(|it| !it.value.is_tombstone())
        };
        rows.iter().enumerate().filter(is_needed).map(|(_, row)| row.clone()).collect()
    }

    #[test]
    fn a_tombstone_over_nothing_goes() {
        let why = "a tombstone that no older row of its key follows hides nothing";
        assert_stays(&[tombstone("a", 9)], &[], why);
        let rows = [value("a", 1), tombstone("b", 9), value("c", 2)];
        assert_stays(&rows, &[value("a", 1), value("c", 2)], why);
        let rows = [tombstone("a", 9), tombstone("b", 8), tombstone("c", 7)];
        assert_stays(&rows, &[], why);
        assert_stays(&[], &[], why);
    }

    #[test]
    fn a_tombstone_over_an_older_value_stays() {
        let why = "a snapshot needs the older row, and the latest state must not see it";
        let rows = [tombstone("a", 9), value("a", 4), value("b", 1)];
        assert_stays(&rows, &rows, why);
        let rows = [value("a", 9), tombstone("a", 6), value("a", 4)];
        assert_stays(&rows, &rows, why);
    }

    #[test]
    fn a_tombstone_over_an_older_operand_stays() {
        let why = "an operand is no tombstone: it is a value for those who see it";
        let rows = [tombstone("a", 9), merge("a", 4)];
        assert_stays(&rows, &rows, why);
        let rows = [merge("a", 9), tombstone("a", 6), merge("a", 4)];
        assert_stays(&rows, &rows, why);
    }

    #[test]
    fn a_tombstone_under_a_value_goes() {
        let why = "what counts is what is older than the tombstone";
        let rows = [value("a", 9), tombstone("a", 6), value("b", 1)];
        assert_stays(&rows, &[value("a", 9), value("b", 1)], why);
        let rows = [merge("a", 9), tombstone("a", 6)];
        assert_stays(&rows, &[merge("a", 9)], why);
    }

    #[test]
    fn several_tombstones_of_a_key_share_their_fate() {
        let why = "a tombstone over tombstones hides nothing if the last of them hides nothing";
        let rows = [tombstone("a", 9), tombstone("a", 6), tombstone("a", 4), value("b", 5)];
        assert_stays(&rows, &[value("b", 5)], why);
        let rows = [tombstone("a", 9), tombstone("a", 6), tombstone("a", 4), value("a", 1)];
        assert_stays(&rows, &rows, why);
        let rows =
            [tombstone("a", 9), value("a", 6), tombstone("a", 4), tombstone("a", 2), value("b", 7)];
        assert_stays(&rows, &[tombstone("a", 9), value("a", 6), value("b", 7)], why);
    }

    #[test]
    fn the_next_key_saves_no_tombstone() {
        let why = "only an older row of the same key needs the tombstone";
        let rows = [tombstone("a", 9), value("aa", 4), tombstone("b", 8), merge("ba", 3)];
        assert_stays(&rows, &[value("aa", 4), merge("ba", 3)], why);
    }

    #[test]
    fn an_empty_value_is_no_tombstone() {
        let empty = RowEntry::new_value("a", "", 4);
        let rows = [tombstone("a", 9), empty.clone(), RowEntry::new_value("b", "", 3)];
        assert_stays(&rows, &rows, "an empty value is a value");
    }

    #[test]
    fn an_error_between_held_tombstones_loses_nothing() {
        let rows = [
            tombstone("a", 9),
            tombstone("a", 7),
            value("a", 4),
            tombstone("b", 8),
            tombstone("b", 3),
            value("c", 5),
            tombstone("d", 6),
        ];
        let mut stream = LastRunIterator::new(Flaky::new(&rows));
        let mut found = Vec::new();
        while let Some(row) = persist(&mut stream) {
            found.push(row);
        }
        let rule = rule("8.5", "a call that fails has not moved the stream, and can be repeated");
        assert_eq!(listing(&found), listing(&expected(&rows)), "each call failed once{rule}");
    }

    #[test]
    fn an_error_is_passed_on_at_once() {
        let mut stream = LastRunIterator::new(Flaky::new(&[tombstone("a", 9), value("a", 4)]));
        let rule = rule("8.5", "an error of the stream below is an error of this one");
        assert!(matches!(stream.next(), Err(Error::NotFound { .. })), "the first call{rule}");
    }

    #[test]
    fn a_failed_seek_has_not_moved_the_stream() {
        let rows = [tombstone("a", 9), value("a", 4), value("b", 5), value("c", 6)];
        for before in 0..rows.len() {
            let mut stream = LastRunIterator::new(Flaky::new(&rows));
            let mut found: Vec<_> = (0..before).filter_map(|_| persist(&mut stream)).collect();
            if stream.seek(b"c").is_ok() {
                // It was the turn of a call that works.
                continue;
            }
            while let Some(row) = persist(&mut stream) {
                found.push(row);
            }
            let rule = rule("8.5", "a seek that fails has not moved the stream");
            assert_eq!(listing(&found), listing(&rows), "a seek behind {before} rows{rule}");
        }
    }

    #[test]
    fn a_seek_drops_the_tombstones_that_wait() {
        // The second row of `a` can't be read yet, when a seek passes over both.
        let rows = [tombstone("a", 9), value("a", 4), value("b", 5)];
        for (target, expected) in [("a", &rows[..]), ("b", &rows[2..]), ("c", &[])] {
            let mut stream = LastRunIterator::new(Flaky::new(&rows));
            let _ = stream.next();
            let _ = stream.next();
            while stream.seek(target.as_bytes()).is_err() {}
            let mut found = Vec::new();
            while let Some(row) = persist(&mut stream) {
                found.push(row);
            }
            // `next` may have returned the tombstone before the seek: a right one can't know that.
            let rule = rule("8.5", "after a seek, no row in front of its key comes out");
            assert_eq!(listing(&found), listing(expected), "after a seek to {target:?}{rule}");
        }
    }

    #[test]
    fn rows_come_as_they_are_read() {
        let rows: Vec<_> = (0..200).map(|number| value(&format!("{number:03}"), 1)).collect();
        let count = Arc::new(Mutex::new(0));
        let counted = Counted(VecIterator::new(rows), Arc::clone(&count));
        let mut stream = LastRunIterator::new(counted);
        stream.next().expect("a vector does not fail");
        let read = *count.lock().expect("no test panics while it counts");
        let rule = rule("8.5", "no more is held than the tombstones of one key, and a row");
        assert!(read <= 3, "{read} rows were read for the first one{rule}");
    }

    #[test]
    fn the_contract_of_a_stream_is_kept() {
        let rows = [
            tombstone("a", 9),
            tombstone("a", 7),
            value("a", 4),
            tombstone("b", 8),
            value("c", 5),
            tombstone("c", 3),
            merge("d", 6),
            tombstone("d", 2),
            tombstone("e", 1),
        ];
        assert_contract(&rows);
    }

    #[track_caller]
    fn assert_contract(rows: &[RowEntry]) {
        let stream = Stream {
            make: &|| last_run(rows),
            next: &|rows: &mut LastRunIterator<VecIterator>| {
                let row = rows.next().expect("a vector does not fail");
                row.map(|row| (row.key.to_vec(), row.seq))
            },
            seek: &|rows, key| rows.seek(key).expect("a vector does not fail"),
        };
        let what = format!("of {}{}", listing(rows), rule("8.5", "it is a stream as all others"));
        stream.assert_seeks(&ids(&expected(rows)), &what);
    }

    proptest! {
        #![proptest_config(config(256))]

        #[test]
        fn rule_1_holds_for_any_rows(specs in testkit::any_rows(30)) {
            let rows: Vec<_> = specs.into_iter().map(row).collect();
            let found = read(last_run(&rows)).expect("a vector does not fail");
            let rule = rule("8.5", "a row is left out if and only if it and all older rows of its \
                key are tombstones");
            prop_assert_eq!(listing(&found), listing(&expected(&rows)), "{}", rule);
        }
    }

    proptest! {
        #![proptest_config(config(48))]

        #[test]
        fn seeks_lead_where_they_should(specs in testkit::any_rows(6)) {
            let rows: Vec<_> = specs.into_iter().map(row).collect();
            assert_contract(&rows);
        }
    }
}

/// SSTs with small blocks.
fn small_blocks() -> SstOptions {
    SstOptions { block_size: 64, min_filter_keys: 0, ..SstOptions::default() }
}

/// Sources of a compaction, with everything else as it is most often.
fn compaction(sources: Vec<Vec<Arc<SstReader>>>) -> Compaction {
    Compaction {
        sources,
        to_last_run: false,
        boundaries: Vec::new(),
        merge_operator: None,
        max_sst_size: 1 << 20,
        sst_options: small_blocks(),
    }
}

fn concat() -> Arc<dyn MergeOperator> {
    Arc::new(ConcatMergeOperator::with_separator(","))
}

/// The bytes of an SST.
fn encoded(rows: &[RowEntry]) -> Bytes {
    let mut builder = SstBuilder::with_options(&small_blocks());
    rows.iter().for_each(|row| builder.add(row).expect("rows of a test are in order"));
    builder.finish().expect("an SST of a test has rows")
}

/// All parts of an SST, one behind the other.
fn whole(parts: &mut Parts<'_>) -> Result<Bytes> {
    let parts: Vec<Bytes> = parts.collect::<Result<_>>()?;
    Ok(parts.concat().into())
}

fn open(object: Bytes) -> Arc<SstReader> {
    let store = Arc::new(MemoryObjectStore::new());
    store.put("sst", object).expect("memory does not fail");
    Arc::new(SstReader::open(store, "sst").expect("what was written is an SST"))
}

/// A source of one SST, or of none if there is no row.
fn source(rows: &[RowEntry]) -> Vec<Arc<SstReader>> {
    if rows.is_empty() { Vec::new() } else { vec![open(encoded(rows))] }
}

fn rows_of(sst: &Arc<SstReader>) -> Vec<RowEntry> {
    let range = week8::iter::BytesRange::ALL;
    read(week8::iter::SstIterator::new(Arc::clone(sst), range)).expect("memory does not fail")
}

mod task_8_6 {
    use super::*;

    fn output(compaction: &Compaction) -> Vec<RowEntry> {
        let operator = compaction.merge_operator.as_ref();
        let rows = compaction.rows(operator, &CompactionProgress::new());
        read(rows).expect("memory does not fail")
    }

    #[track_caller]
    fn assert_output(compaction: &Compaction, expected: &[RowEntry], why: &str) {
        let sources = compaction.sources.iter();
        let sources: Vec<_> = sources
            .map(|ssts| {
                format!("\n  {}", listing(&ssts.iter().flat_map(rows_of).collect::<Vec<_>>()))
            })
            .collect();
        let Compaction { to_last_run, boundaries, .. } = compaction;
        let about = format!(
            "\n sources, newest first: {}\n snapshots at {boundaries:?}; to the last run: {to_last_run}{}",
            sources.concat(),
            rule("8.6", why)
        );
        assert_eq!(listing(&output(compaction)), listing(expected), "{about}");
    }

    #[test]
    fn sources_are_merged_in_order() {
        let first = source(&[value("b", 9), value("d", 8)]);
        let second = source(&[value("a", 5), value("e", 4)]);
        // A sorted run of two SSTs.
        let run = [source(&[value("aa", 1)]), source(&[value("c", 2), value("f", 3)])].concat();
        let expected = [("a", 5), ("aa", 1), ("b", 9), ("c", 2), ("d", 8), ("e", 4), ("f", 3)];
        let expected = expected.map(|(key, seq)| value(key, seq));
        let why = "every row of every source comes out, by key";
        assert_output(&compaction(vec![first, second, run]), &expected, why);
    }

    #[test]
    fn the_newest_row_of_a_key_stays_alone() {
        let newer = source(&[value("a", 9), tombstone("b", 8)]);
        let older = source(&[value("a", 5), value("a", 4), value("b", 3), value("c", 2)]);
        let expected = [value("a", 9), tombstone("b", 8), value("c", 2)];
        let why = "what a newer value or tombstone hides from everybody is left out";
        assert_output(&compaction(vec![newer, older]), &expected, why);
    }

    #[test]
    fn a_tombstone_stays_above_older_runs() {
        let rows = [value("a", 9), tombstone("b", 8)];
        let why = "a tombstone may hide rows of a run that is no source";
        assert_output(&compaction(vec![source(&rows)]), &rows, why);
    }

    #[test]
    fn a_tombstone_goes_into_the_last_run_no_more() {
        let newer = source(&[value("a", 9), tombstone("b", 8), tombstone("d", 7)]);
        let older = source(&[value("b", 3), value("c", 2)]);
        let last = Compaction { to_last_run: true, ..compaction(vec![newer, older]) };
        let why = "nothing lies below the last run, so a tombstone there hides nothing";
        assert_output(&last, &[value("a", 9), value("c", 2)], why);
    }

    #[test]
    fn what_a_snapshot_sees_stays() {
        let newer = source(&[tombstone("a", 9), value("b", 8)]);
        let older = source(&[value("a", 5), value("a", 2), value("b", 4), value("b", 3)]);
        let at = |boundaries: &[u64]| Compaction {
            boundaries: boundaries.to_vec(),
            to_last_run: true,
            ..compaction(vec![newer.clone(), older.clone()])
        };
        let why = "of each key, the newest row of each stripe stays, also in the last run";
        assert_output(&at(&[]), &[value("b", 8)], why);
        let expected = [tombstone("a", 9), value("a", 5), value("b", 8), value("b", 4)];
        assert_output(&at(&[6]), &expected, why);
        let expected = [tombstone("a", 9), value("a", 2), value("b", 8), value("b", 3)];
        assert_output(&at(&[3]), &expected, why);
        assert_output(&at(&[1, 9, 20]), &[value("b", 8)], why);
    }

    #[test]
    fn operands_are_merged() {
        let newer = source(&[merge("a", 9), merge("b", 8), merge("c", 7)]);
        let older = source(&[merge("a", 5), value("a", 4), merge("b", 3), tombstone("c", 2)]);
        let merged =
            Compaction { merge_operator: Some(concat()), ..compaction(vec![newer, older]) };
        let expected = [
            RowEntry::new_value("a", "v4,m5,m9", 9),
            RowEntry::new_merge("b", "m3,m8", 8),
            RowEntry::new_value("c", "m7", 7),
        ];
        assert_output(&merged, &expected, "operands of one stripe, and their base, become one row");
        let last = Compaction { to_last_run: true, ..merged };
        let why = "tombstones leave after operands were merged with them, also in the last run";
        assert_output(&last, &expected, why);
    }

    /// Concatenates, and counts how often it is asked to.
    #[derive(Debug, Default)]
    struct Counting(AtomicUsize);

    impl MergeOperator for Counting {
        fn merge(
            &self,
            key: &[u8],
            existing: Option<&[u8]>,
            operand: &[u8],
        ) -> Result<Bytes, MergeOperatorError> {
            self.0.fetch_add(1, Ordering::SeqCst);
            ConcatMergeOperator::with_separator(",").merge(key, existing, operand)
        }
    }

    #[test]
    fn an_operand_that_nobody_sees_is_not_merged() {
        let rows = source(&[value("a", 9), merge("a", 5), merge("a", 4), value("a", 3)]);
        let operator = Arc::new(Counting::default());
        let merge_operator: Arc<dyn MergeOperator> = operator.clone();
        let hidden = Compaction { merge_operator: Some(merge_operator), ..compaction(vec![rows]) };
        let why = "what is hidden is left out first: nobody needs it merged";
        assert_output(&hidden, &[value("a", 9)], why);
        let calls = operator.0.load(Ordering::SeqCst);
        assert_eq!(calls, 0, "calls of the operator for hidden operands{}", rule("8.6", why));
    }

    #[test]
    fn operands_of_two_stripes_stay_apart() {
        let rows = source(&[merge("a", 9), merge("a", 8), merge("a", 5), merge("a", 4)]);
        let merged = Compaction {
            merge_operator: Some(concat()),
            boundaries: vec![5],
            ..compaction(vec![rows])
        };
        let expected = [RowEntry::new_merge("a", "m8,m9", 9), RowEntry::new_merge("a", "m4,m5", 5)];
        let why = "a snapshot between two operands sees one of them, so they stay two rows";
        assert_output(&merged, &expected, why);
    }

    #[test]
    fn without_an_operator_operands_stay() {
        let rows = [merge("a", 9), merge("a", 5), value("a", 4), merge("b", 8)];
        let why = "without an operator nobody knows what an operand means";
        assert_output(&compaction(vec![source(&rows)]), &rows, why);
        // `run` asks for the rows without one, when the operator has failed.
        let given =
            Compaction { merge_operator: Some(concat()), ..compaction(vec![source(&rows)]) };
        let found = read(given.rows(None, &CompactionProgress::new()));
        let found = found.expect("memory does not fail");
        let rule = rule("8.6", "the operator is the argument, and not the field");
        assert_eq!(listing(&found), listing(&rows), "rows(None, …){rule}");
    }

    #[test]
    fn no_source_is_no_row() {
        let why = "without a row in the sources there is none in the output";
        assert_output(&compaction(vec![]), &[], why);
        assert_output(&compaction(vec![vec![], vec![]]), &[], why);
    }

    #[test]
    fn the_rows_are_counted() {
        let newer: Vec<_> = (0..300).map(|number| value(&format!("{number:03}"), 9)).collect();
        let older: Vec<_> = (0..400).map(|number| value(&format!("{number:03}"), 4)).collect();
        let compaction = compaction(vec![source(&newer), source(&older)]);
        let progress = CompactionProgress::new();
        let mut rows = compaction.rows(None, &progress);
        rows.next().expect("memory does not fail");
        let first = progress.rows_read();
        let left = read(rows).expect("memory does not fail").len();
        let rule = rule("8.6", "each row that is read from a source is counted, when it is read");
        assert_eq!((left, progress.rows_read()), (399, 700), "rows that came out, and read{rule}");
        assert!((1..20).contains(&first), "{first} rows were read for the first{rule}");
    }

    #[test]
    fn a_cancelled_compaction_ends_with_an_error() {
        let rows: Vec<_> = (0..300).map(|number| value(&format!("{number:03}"), 9)).collect();
        for (operator, to_last_run) in [(None, false), (Some(concat()), true)] {
            let compaction = Compaction { to_last_run, ..compaction(vec![source(&rows), vec![]]) };
            let progress = CompactionProgress::new();
            let mut stream = compaction.rows(operator.as_ref(), &progress);
            for _ in 0..10 {
                stream.next().expect("nobody has cancelled it yet");
            }
            progress.cancel();
            // What was read already may come out.
            let error = (0..5).find_map(|_| stream.next().err());
            let rule = rule("8.6", "a compaction that was cancelled reads no more rows");
            assert!(matches!(error, Some(Error::Cancelled { .. })), "found {error:?}{rule}");
        }
    }

    #[test]
    fn an_error_of_a_source_is_an_error_of_the_rows() {
        let store = Arc::new(MemoryObjectStore::new());
        store.put("sst", encoded(&[value("a", 1)])).expect("memory does not fail");
        let reader = SstReader::open(store.clone(), "sst").expect("it is an SST");
        store.delete("sst").expect("memory does not fail");
        let sources = vec![source(&[value("b", 9)]), vec![Arc::new(reader)]];
        let found = read(compaction(sources).rows(None, &CompactionProgress::new()));
        let rule = rule("8.6", "a source that can't be read is not passed over");
        assert!(matches!(found, Err(Error::NotFound { .. })), "found {found:?}{rule}");
    }

    /// A database's rows, and what a compaction reads of them.
    #[derive(Debug)]
    struct Case {
        /// The sources, newest first: each a run of SSTs.
        sources: Vec<Vec<Vec<RowEntry>>>,
        /// What lies below.
        below: Vec<RowEntry>,
        boundaries: Vec<u64>,
    }

    impl Case {
        fn read_rows(&self) -> Vec<RowEntry> {
            self.sources.iter().flatten().flatten().cloned().collect()
        }

        fn compaction(&self, merge_operator: Option<Arc<dyn MergeOperator>>) -> Compaction {
            let run = |ssts: &Vec<Vec<RowEntry>>| {
                ssts.iter().map(|rows| open(encoded(rows))).collect::<Vec<_>>()
            };
            Compaction {
                to_last_run: self.below.is_empty(),
                boundaries: self.boundaries.clone(),
                merge_operator,
                ..compaction(self.sources.iter().map(run).collect())
            }
        }
    }

    /// What `max_seq` sees of these rows, with operands joined.
    fn seen(rows: &[RowEntry], max_seq: u64) -> BTreeMap<Bytes, String> {
        let mut versions: BTreeMap<Bytes, BTreeMap<u64, ValueDeletable>> = BTreeMap::new();
        for row in rows.iter().filter(|row| row.seq <= max_seq) {
            versions.entry(row.key.clone()).or_default().insert(row.seq, row.value.clone());
        }
        let value = |versions: BTreeMap<u64, ValueDeletable>| {
            let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
            versions.into_values().fold(None, |older, version| match version {
                ValueDeletable::Value(value) => Some(text(&value)),
                ValueDeletable::Tombstone => None,
                ValueDeletable::Merge(operand) => {
                    Some(older.map_or(text(&operand), |older| older + "," + &text(&operand)))
                }
            })
        };
        let seen = versions.into_iter().map(|(key, versions)| (key, value(versions)));
        seen.filter_map(|(key, value)| Some((key, value?))).collect()
    }

    /// Writes of a few keys, cut into places from the oldest to the newest. What a place is made of,
    /// an SST or a run of several, is drawn too.
    fn any_case() -> BoxedStrategy<Case> {
        let write = (0..4_usize, prop_oneof![3 => Just(0), 2 => Just(1), 3 => Just(2)]);
        let writes = prop::collection::vec(write, 0..24);
        let cuts = prop::collection::btree_set(0..24_usize, 0..5);
        let boundaries = prop::collection::btree_set(0..26_u64, 0..4);
        type Drawn = (Vec<(usize, u8)>, BTreeSet<usize>, BTreeSet<u64>, usize, usize);
        let case = |(writes, cuts, boundaries, below, keys): Drawn| {
            let mut places: Vec<Vec<RowEntry>> = vec![Vec::new()];
            for (at, (key, kind)) in writes.into_iter().enumerate() {
                if cuts.contains(&at) {
                    places.push(Vec::new());
                }
                let (key, seq) = (["a", "ab", "b", "c"][key], at as u64 + 1);
                let row = [value, merge, tombstone][usize::from(kind)](key, seq);
                places.last_mut().expect("there is one").push(row);
            }
            let split = |mut rows: Vec<RowEntry>| {
                rows.sort_by(|a, b| a.key.cmp(&b.key).then(b.seq.cmp(&a.seq)));
                let mut ssts: Vec<Vec<RowEntry>> = Vec::new();
                for row in rows {
                    let goes_on = |sst: &&mut Vec<RowEntry>| {
                        let last = sst.last().map(|last| last.key.clone());
                        sst.len() < keys || last.is_some_and(|last| last == row.key)
                    };
                    match ssts.last_mut().filter(goes_on) {
                        Some(sst) => sst.push(row),
                        None => ssts.push(vec![row]),
                    }
                }
                ssts
            };
            let above = places.split_off(below.min(places.len()));
            Case {
                sources: above.into_iter().rev().map(split).collect(),
                below: places.concat(),
                boundaries: boundaries.into_iter().collect(),
            }
        };
        (writes, cuts, boundaries, 0..3_usize, 1..4_usize).prop_map(case).boxed()
    }

    /// Everything that holds for any output.
    fn check(case: &Case, output: &[RowEntry], operator: bool) -> Result<(), TestCaseError> {
        let about = |why: &str| {
            let sources =
                case.sources.iter().map(|ssts| format!("\n  {}", listing(&ssts.concat())));
            format!(
                "\n sources, newest first: {}\n below: {}\n snapshots at {:?}\n output: {}{}",
                sources.collect::<String>(),
                listing(&case.below),
                case.boundaries,
                listing(output),
                rule("8.6", why)
            )
        };
        let order = |row: &RowEntry| (row.key.clone(), u64::MAX - row.seq);
        let is_ordered = output.windows(2).all(|pair| order(&pair[0]) < order(&pair[1]));
        prop_assert!(
            is_ordered,
            "rows are in order, each once{}",
            about("the output is a sorted run")
        );

        let before = [case.read_rows(), case.below.clone()].concat();
        let after = [output, &case.below].concat();
        for max_seq in case.boundaries.iter().copied().chain([u64::MAX]) {
            let (found, expected) = (seen(&after, max_seq), seen(&before, max_seq));
            let about = about("every open snapshot and the latest state see what they saw");
            prop_assert_eq!(found, expected, "what is seen at {}{}", max_seq, about);
        }

        let kept =
            RetentionIterator::new(VecIterator::new(output.to_vec()), case.boundaries.clone());
        let kept = read(kept).expect("a vector does not fail");
        let about_hidden = about("a row that a newer one hides from everybody is left out");
        prop_assert_eq!(listing(&kept), listing(output), "what somebody sees{}", about_hidden);
        let stripe = |row: &RowEntry| stripe_of(&case.boundaries, row.seq);
        let is_split =
            |pair: &[RowEntry]| pair[0].key == pair[1].key && stripe(&pair[0]) == stripe(&pair[1]);
        if operator {
            let about = about("a run of operands and its base become one row");
            prop_assert!(!output.windows(2).any(is_split), "one row of each stripe{}", about);
        }
        let is_last = |at: usize| output.get(at + 1).is_none_or(|next| next.key != output[at].key);
        let hides_nothing = |at: &usize| output[*at].value.is_tombstone() && is_last(*at);
        if case.below.is_empty() {
            let found = (0..output.len()).find(hides_nothing);
            let about = about("a tombstone that hides nothing is left out of the last run");
            prop_assert_eq!(found, None, "the number of a useless tombstone{}", about);
        }
        Ok(())
    }

    proptest! {
        #![proptest_config(config(300))]

        #[test]
        fn no_reader_sees_a_difference(case in any_case(), with_operator in any::<bool>()) {
            let compaction = case.compaction(with_operator.then(concat));
            check(&case, &output(&compaction), with_operator)?;
        }
    }
}

mod task_8_7 {
    use super::*;

    /// Rows of one version each, of `count` keys.
    fn plain(count: usize) -> Vec<RowEntry> {
        (0..count).map(|number| value(&format!("key {number:04}"), 7)).collect()
    }

    fn with_size(max_sst_size: usize) -> Compaction {
        Compaction { max_sst_size, ..compaction(Vec::new()) }
    }

    /// Writes rows; returns the SSTs in the order in which they were handed over.
    fn write(compaction: &Compaction, rows: &[RowEntry]) -> Vec<Arc<SstReader>> {
        let mut objects = Vec::new();
        let put: &mut dyn FnMut(&mut Parts<'_>) -> Result<usize> = &mut |parts| {
            objects.push(whole(parts)?);
            Ok(objects.len())
        };
        let rows = VecIterator::new(rows.to_vec());
        let progress = CompactionProgress::new();
        let numbers = compaction.write(rows, &progress, put);
        let numbers = numbers.unwrap_or_else(|error| {
            let rule = rule("8.7", "rows in order can be written; no SST is without rows");
            panic!("max_sst_size {}: {error}{rule}", compaction.max_sst_size)
        });
        let rule = rule("8.7", "what `put` returned is returned, in the same order");
        assert_eq!(numbers, (1..=objects.len()).collect::<Vec<_>>(), "{rule}");
        let size: usize = objects.iter().map(Bytes::len).sum();
        let why = "progress has the number and the bytes of the SSTs that were put";
        let found = (progress.ssts_written() as usize, progress.bytes_written() as usize);
        assert_eq!(found, (objects.len(), size), "SSTs and bytes{}", self::rule("8.7", why));
        objects.into_iter().map(open).collect()
    }

    fn shown(ssts: &[Vec<RowEntry>]) -> String {
        let ssts = ssts.iter().map(|rows| format!("\n  {}", listing(rows)));
        ssts.collect::<String>()
    }

    /// The rule, word for word: an SST is finished when its data has the size, at the next key.
    fn expected(compaction: &Compaction, rows: &[RowEntry]) -> Vec<Vec<RowEntry>> {
        let mut ssts: Vec<Vec<RowEntry>> = Vec::new();
        let mut builder = SstBuilder::with_options(&compaction.sst_options);
        for row in rows {
            let is_next_key =
                ssts.last().and_then(|sst| sst.last()).is_some_and(|it| it.key != row.key);
            if is_next_key && builder.estimated_size() >= compaction.max_sst_size {
                builder = SstBuilder::with_options(&compaction.sst_options);
                ssts.push(Vec::new());
            }
            builder.add(row).expect("rows of a test are in order");
            match ssts.last_mut() {
                Some(sst) => sst.push(row.clone()),
                None => ssts.push(vec![row.clone()]),
            }
        }
        ssts
    }

    #[track_caller]
    fn assert_written(compaction: &Compaction, rows: &[RowEntry]) -> Vec<Arc<SstReader>> {
        let ssts = write(compaction, rows);
        let found: Vec<_> = ssts.iter().map(rows_of).collect();
        let rule = rule(
            "8.7",
            "an SST is finished when its data has max_sst_size bytes and the next row has another \
             key, and no sooner",
        );
        let size = compaction.max_sst_size;
        assert_eq!(shown(&found), shown(&expected(compaction, rows)), "of {size} bytes{rule}");
        ssts
    }

    #[test]
    fn small_rows_are_one_sst() {
        assert_eq!(assert_written(&with_size(1 << 20), &plain(50)).len(), 1, "one SST is enough");
    }

    #[test]
    fn no_rows_are_no_sst() {
        let rule = rule("8.7", "an SST has at least one row");
        assert_eq!(write(&with_size(100), &[]).len(), 0, "{rule}");
    }

    #[test]
    fn rows_are_split_by_size() {
        let rows = plain(300);
        let counts =
            [1, 2, 500, 700, 1 << 12].map(|size| assert_written(&with_size(size), &rows).len());
        assert_eq!(counts[0], 300, "of one byte: one SST for each key");
        assert!(counts[1..].iter().all(|&count| count > 1), "all are split: {counts:?}");
    }

    #[test]
    fn the_limit_itself_is_enough() {
        // The sizes that the data has behind each row: at each of them, an SST is full.
        let rows = plain(40);
        let mut builder = SstBuilder::with_options(&small_blocks());
        for (at, row) in rows.iter().enumerate() {
            builder.add(row).expect("rows of a test are in order");
            let size = builder.estimated_size();
            for limit in [size - 1, size, size + 1] {
                let first = assert_written(&with_size(limit), &rows);
                assert!(first.len() == 1 || first[0].footer().row_count >= at as u64);
            }
        }
    }

    #[test]
    fn a_limit_of_nothing_is_one_sst_for_each_key() {
        let found: Vec<_> = write(&with_size(0), &plain(5)).iter().map(rows_of).collect();
        let expected: Vec<_> = plain(5).into_iter().map(|row| vec![row]).collect();
        let rule = rule("8.7", "no SST is without rows, also with max_sst_size 0");
        assert_eq!(shown(&found), shown(&expected), "max_sst_size is 0{rule}");
    }

    #[test]
    fn all_versions_of_a_key_are_in_one_sst() {
        let versions = |key: &str| (1..=30).rev().map(|seq| value(key, seq)).collect::<Vec<_>>();
        let rows = [vec![value("a", 50)], versions("b"), versions("c"), vec![tombstone("d", 9)]];
        for size in [1, 40, 100, 300, 1000] {
            let ssts = assert_written(&with_size(size), &rows.concat());
            let keys = |sst: &Arc<SstReader>| {
                rows_of(sst).into_iter().map(|row| row.key).collect::<BTreeSet<_>>()
            };
            let all: Vec<_> = ssts.iter().flat_map(keys).collect();
            let rule = rule("8.7", "no key is in two SSTs, or a read would not find all of it");
            assert_eq!(all, ["a", "b", "c", "d"], "keys of all SSTs, limit {size}{rule}");
        }
    }

    #[test]
    fn the_ssts_are_encoded_as_the_options_say() {
        for (version, filter_bits_per_key) in [(FormatVersion::V1, 0), (FormatVersion::V2, 10)] {
            let sst_options =
                SstOptions { version, filter_bits_per_key, block_size: 100, min_filter_keys: 1 };
            let compaction = Compaction { sst_options, max_sst_size: 400, ..compaction(vec![]) };
            let ssts = assert_written(&compaction, &plain(200));
            for sst in &ssts[..ssts.len() - 1] {
                let footer = sst.footer();
                let has_filter = footer.index_offset > footer.filter_offset;
                let rule = rule("8.7", "the output is encoded as sst_options say");
                assert_eq!(
                    (footer.version, has_filter),
                    (version, version == FormatVersion::V2),
                    "{rule}"
                );
                assert!(sst.index().blocks.len() > 1, "several blocks of 100 bytes{rule}");
            }
        }
    }

    /// What may go wrong with rows: they can't be read, or the compaction was given up.
    const ERRORS: [fn() -> Error; 2] =
        [unreachable_block, || Error::Cancelled { work: "compaction" }];

    /// Fails after so many rows.
    #[derive(Debug)]
    struct Broken<I> {
        rows: I,
        good: usize,
        error: fn() -> Error,
    }

    impl<I: RowEntryIterator> RowEntryIterator for Broken<I> {
        fn next(&mut self) -> Result<Option<RowEntry>> {
            self.good = self.good.checked_sub(1).ok_or_else(self.error)?;
            self.rows.next()
        }

        fn seek(&mut self, key: &[u8]) -> Result<()> {
            self.rows.seek(key)
        }
    }

    /// Values that fill more than two parts, and how many rows of them were read.
    fn large(count: usize) -> (Vec<RowEntry>, Counted, Arc<Mutex<usize>>) {
        let row = |number| RowEntry::new_value(format!("key {number:04}"), vec![b'v'; 1000], 7);
        let rows: Vec<_> = (0..count).map(row).collect();
        let read = Arc::new(Mutex::new(0));
        (rows.clone(), Counted(VecIterator::new(rows), Arc::clone(&read)), read)
    }

    #[test]
    fn an_sst_is_handed_over_in_parts() {
        let (rows, noted, read) = large(1000);
        let compaction = with_size(1 << 30);
        let mut object = Vec::new();
        let put: &mut dyn FnMut(&mut Parts<'_>) -> Result<()> = &mut |parts| {
            for part in &mut *parts {
                let part = part?;
                let read = *read.lock().expect("no test panics while it counts") * 1000;
                let rule = rule("8.7", "a part is handed over as soon as the builder has one");
                let held = read.saturating_sub(object.len()).max(part.len());
                assert!(held < 2 * SstBuilder::PART_LEN, "{held} bytes were held back{rule}");
                object.extend_from_slice(&part);
            }
            let rule = rule("8.7", "behind the last part there is none");
            assert!(parts.next().is_none(), "asked once more{rule}");
            Ok(())
        };
        let written = compaction.write(noted, &CompactionProgress::new(), put);
        assert_eq!(written.expect("rows in order can be written").len(), 1, "one SST is enough");
        let mut builder = SstBuilder::with_options(&compaction.sst_options);
        rows.iter().for_each(|row| builder.add(row).expect("rows of a test are in order"));
        let expected = builder.finish().expect("there are rows");
        let rule = rule("8.7", "the parts, one behind the other, are the SST");
        assert!(object == expected, "{} bytes, expected {}{rule}", object.len(), expected.len());
    }

    #[test]
    fn ssts_of_several_parts_are_split_by_size() {
        let (rows, ..) = large(2000);
        for size in [1, 300_000, 600_000] {
            let expected = if size == 1 { &rows[..20] } else { &rows };
            assert_written(&with_size(size), expected);
        }
    }

    #[test]
    fn the_end_of_a_part_splits_no_key() {
        let versions = (1..=700).rev();
        let rows: Vec<_> =
            versions.map(|seq| RowEntry::new_value("key", vec![b'v'; 1000], seq)).collect();
        let ssts = assert_written(&with_size(1000), &rows);
        let rule = rule("8.7", "no key is in two SSTs, or a read would not find all of it");
        assert_eq!(ssts.len(), 1, "700 KiB of versions of one key{rule}");
    }

    #[test]
    fn an_error_behind_the_first_part_reaches_put() {
        for error in ERRORS {
            let (_, noted, _) = large(1000);
            let mut is_whole = false;
            let put: &mut dyn FnMut(&mut Parts<'_>) -> Result<()> = &mut |parts| {
                whole(parts)?;
                is_whole = true;
                Ok(())
            };
            let rows = Broken { rows: noted, good: 600, error };
            let written = with_size(1 << 30).write(rows, &CompactionProgress::new(), put);
            let rule = rule("8.7", "an error of the rows comes in place of a part, and ends it");
            assert!(!is_whole, "600 of 1000 rows could be read, and put got an SST{rule}");
            let (found, expected) = (format!("{written:?}"), format!("Err({:?})", error()));
            assert_eq!(found, expected, "{rule}");
        }
    }

    #[test]
    fn a_put_that_fails_between_two_parts_ends_it() {
        let (_, noted, read) = large(1000);
        let mut calls = 0;
        let put: &mut dyn FnMut(&mut Parts<'_>) -> Result<()> = &mut |parts| {
            calls += 1;
            parts.next().transpose()?;
            Err(unreachable_block())
        };
        let written = with_size(1 << 30).write(noted, &CompactionProgress::new(), put);
        let rule = rule("8.7", "the first error ends it, and is returned");
        assert!(matches!(written, Err(Error::NotFound { .. })), "found {written:?}{rule}");
        let read = *read.lock().expect("no test panics while it counts");
        assert!(calls == 1 && read < 500, "{calls} calls, {read} of 1000 rows read{rule}");
    }

    #[test]
    fn each_sst_is_handed_over_before_the_next_is_begun() {
        let read = Arc::new(Mutex::new(0));
        let rows = Counted(VecIterator::new(plain(200)), Arc::clone(&read));
        let mut handed_over = 0;
        let put: &mut dyn FnMut(&mut Parts<'_>) -> Result<()> = &mut |parts| {
            handed_over += open(whole(parts)?).footer().row_count as usize;
            let read = *read.lock().expect("no test panics while it counts");
            let rule =
                rule("8.7", "an SST is handed over before the rows of the next one are read");
            assert!(read <= handed_over + 2, "{read} rows read, {handed_over} handed over{rule}");
            Ok(())
        };
        let written = with_size(300).write(rows, &CompactionProgress::new(), put);
        assert!(written.is_ok() && handed_over == 200, "{handed_over} rows were handed over");
    }

    #[test]
    fn progress_counts_what_was_put() {
        let (progress, mut sizes) = (CompactionProgress::new(), Vec::new());
        let put: &mut dyn FnMut(&mut Parts<'_>) -> Result<()> = &mut |parts| {
            let size = whole(parts)?.len() as u64;
            if sizes.len() == 2 {
                return Err(unreachable_block());
            }
            sizes.push(size);
            let counted = progress.ssts_written();
            let rule = rule("8.7", "an SST counts when it was put, and not before");
            assert_eq!(counted, sizes.len() as u64 - 1, "while SST {} is put{rule}", sizes.len());
            Ok(())
        };
        let written = with_size(300).write(VecIterator::new(plain(100)), &progress, put);
        let rule = rule("8.7", "progress has the number and the bytes of the SSTs that were put");
        assert!(written.is_err(), "the third put fails");
        let found = (progress.ssts_written(), progress.bytes_written());
        assert_eq!(found, (2, sizes.iter().sum()), "SSTs and bytes{rule}");
    }

    #[test]
    fn the_first_error_of_put_ends_it() {
        for failing in [1, 2, 3] {
            let mut calls = 0;
            let put: &mut dyn FnMut(&mut Parts<'_>) -> Result<()> = &mut |parts| {
                whole(parts)?;
                calls += 1;
                if calls == failing { Err(unreachable_block()) } else { Ok(()) }
            };
            let rows = VecIterator::new(plain(100));
            let written = with_size(300).write(rows, &CompactionProgress::new(), put);
            let rule = rule("8.7", "the first error ends it, and is returned");
            assert!(matches!(written, Err(Error::NotFound { .. })), "found {written:?}{rule}");
            assert_eq!(calls, failing, "nothing is put after the failure{rule}");
        }
        // The last SST is put when there are no more rows: its error counts too.
        let put: &mut dyn FnMut(&mut Parts<'_>) -> Result<()> = &mut |_| Err(unreachable_block());
        let written =
            with_size(1 << 20).write(VecIterator::new(plain(3)), &CompactionProgress::new(), put);
        assert!(written.is_err(), "the only put fails: {}", rule("8.7", "the first error ends it"));
    }

    #[test]
    fn the_first_error_of_the_rows_ends_it() {
        for (good, error) in (0..60).flat_map(|good| ERRORS.map(|error| (good, error))) {
            let mut handed_over = 0;
            let put: &mut dyn FnMut(&mut Parts<'_>) -> Result<()> = &mut |parts| {
                handed_over += open(whole(parts)?).footer().row_count;
                Ok(())
            };
            let rows = VecIterator::new(plain(100));
            let rows = Broken { rows, good, error };
            let written = with_size(300).write(rows, &CompactionProgress::new(), put);
            let rule = rule("8.7", "an error of the rows is returned; what was begun is not put");
            let (found, expected) = (format!("{written:?}"), format!("Err({:?})", error()));
            assert_eq!(found, expected, "behind {good} rows{rule}");
            let unfinished = good > 0 && handed_over >= good as u64;
            assert!(!unfinished, "{good} rows were read, {handed_over} put{rule}");
        }
    }

    #[test]
    fn rows_out_of_order_are_refused() {
        let rows = VecIterator::new(vec![value("b", 1), value("a", 2)]);
        let put: &mut dyn FnMut(&mut Parts<'_>) -> Result<()> = &mut |parts| whole(parts).map(drop);
        let written = with_size(1 << 20).write(rows, &CompactionProgress::new(), put);
        let rule = rule("8.7", "an error of the builder ends it");
        assert!(matches!(written, Err(Error::InvalidArgument { .. })), "found {written:?}{rule}");
    }

    /// Can't merge what is given to key `bad`.
    #[derive(Debug)]
    struct Picky;

    impl MergeOperator for Picky {
        fn merge(
            &self,
            key: &[u8],
            existing: Option<&[u8]>,
            operand: &[u8],
        ) -> Result<Bytes, MergeOperatorError> {
            match key == b"bad" {
                true => Err(MergeOperatorError::callback("this key can't be merged")),
                false => ConcatMergeOperator::with_separator(",").merge(key, existing, operand),
            }
        }
    }

    #[test]
    fn an_operator_that_fails_does_not_stop_a_compaction() {
        let rows = [merge("a", 4), merge("a", 3), merge("bad", 2), merge("bad", 1), value("c", 5)];
        let operator: Arc<dyn MergeOperator> = Arc::new(Picky);
        let compaction =
            Compaction { merge_operator: Some(operator), ..compaction(vec![source(&rows)]) };
        let ssts = compaction.run(&CompactionProgress::new(), |parts| whole(parts).map(open));
        let found: Vec<_> = ssts.expect("it goes on without").iter().flat_map(rows_of).collect();
        let rule = rule("8.7", "operands that can't be merged are written as they are");
        assert_eq!(listing(&found), listing(&rows), "{rule}");
    }

    /// An object store in memory that can hold up one put, and fail.
    #[derive(Debug, Default)]
    struct Store {
        inner: MemoryObjectStore,
        /// The next put of a path that starts with this waits until it is released.
        hold_next: Mutex<Option<&'static str>>,
        held: Mutex<bool>,
        changed: Condvar,
        /// Puts of paths that start with this fail.
        failing: Mutex<Option<&'static str>>,
    }

    impl Store {
        fn before_put(&self, path: &str) -> Result<()> {
            let starts = |prefix: &mut &'static str| path.starts_with(*prefix);
            if self.hold_next.lock().unwrap().take_if(starts).is_some() {
                let mut held = self.held.lock().unwrap();
                *held = true;
                self.changed.notify_all();
                drop(self.changed.wait_while(held, |held| *held).unwrap());
            }
            match self.failing.lock().unwrap().is_some_and(|prefix| path.starts_with(prefix)) {
                true => Err(Error::io("reach", path)(io::Error::other("the network is down"))),
                false => Ok(()),
            }
        }

        /// Waits until a put is held.
        fn wait_for_held(&self) {
            let limit = Duration::from_secs(20);
            let held = self.held.lock().unwrap();
            let waited = self.changed.wait_timeout_while(held, limit, |held| !*held).unwrap();
            let rule = rule("8.7", "a compaction puts its SSTs one after the other");
            assert!(!waited.1.timed_out(), "no SST was put within 20 s{rule}");
        }

        fn release(&self) {
            *self.hold_next.lock().unwrap() = None;
            *self.held.lock().unwrap() = false;
            self.changed.notify_all();
        }
    }

    impl ObjectStore for Store {
        fn put(&self, path: &str, object: Bytes) -> Result<()> {
            self.before_put(path)?;
            self.inner.put(path, object)
        }

        fn put_if_absent(&self, path: &str, object: Bytes) -> Result<()> {
            self.before_put(path)?;
            self.inner.put_if_absent(path, object)
        }

        fn get(&self, path: &str) -> Result<Bytes> {
            self.inner.get(path)
        }

        fn get_range(&self, path: &str, range: Range<u64>) -> Result<Bytes> {
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

    /// Where a database lives: what is left when it is closed.
    #[derive(Debug, Clone, Default)]
    struct Home {
        store: Arc<Store>,
        wal: MemoryWalStore,
    }

    impl Home {
        fn builder(&self, compactor_options: Option<CompactorOptions>) -> DbBuilder {
            let settings = Settings {
                compactor_options,
                garbage_collector_options: None,
                ..Settings::default()
            };
            Db::builder("in memory")
                .with_object_store(self.store.clone())
                .with_wal_store(Arc::new(self.wal.clone()))
                .with_merge_operator(concat())
                .with_settings(settings)
        }

        /// Compacts only when it is asked to.
        fn open(&self) -> Db {
            self.builder(None).build().unwrap()
        }
    }

    /// In the background, with SSTs of a few rows.
    fn background() -> Option<CompactorOptions> {
        let retry_after = Duration::from_millis(5);
        Some(CompactorOptions { max_sst_size: 200, retry_after, ..CompactorOptions::default() })
    }

    /// Puts these keys, and flushes.
    fn flush(db: &Db, puts: &[(&str, &str)]) {
        puts.iter().for_each(|(key, value)| drop(db.put(key, value).unwrap()));
        db.flush().unwrap();
    }

    fn scan(found: Result<week8::iter::DbIterator>) -> String {
        let rows = found.unwrap().map(|it| it.unwrap());
        let shown = |it: week8::iter::KeyValue| {
            format!("{}={} ", it.key.escape_ascii(), it.value.escape_ascii())
        };
        rows.map(shown).collect::<String>().trim_end().to_owned()
    }

    fn stats(db: &Db) -> Stats {
        db.stats().unwrap()
    }

    /// Level-0 SSTs, sorted runs, and rows in all of them.
    fn shape(db: &Db) -> (usize, usize, u64) {
        let Stats { l0_ssts, sorted_runs, sst_rows, .. } = stats(db);
        (l0_ssts, sorted_runs, sst_rows)
    }

    fn get(db: &Db, key: &str) -> Option<String> {
        db.get(key).unwrap().map(|value| String::from_utf8_lossy(&value).into_owned())
    }

    fn get_at(snapshot: &Snapshot, key: &str) -> Option<String> {
        snapshot.get(key).unwrap().map(|value| String::from_utf8_lossy(&value).into_owned())
    }

    #[test]
    fn compact_makes_one_run_of_everything() {
        let db = Home::default().open();
        flush(&db, &[("apple", "1"), ("fig", "1"), ("pear", "1")]);
        flush(&db, &[("apple", "2"), ("kiwi", "2")]);
        flush(&db, &[("fig", "3")]);
        db.put("pear", "4").unwrap();
        db.compact().unwrap();
        let why = rule("8.7", "a full compaction leaves one run, and of each key its newest row");
        assert_eq!(shape(&db), (0, 1, 4), "level 0, runs, rows{why}");
        assert_eq!(scan(db.scan(..)), "apple=2 fig=3 kiwi=2 pear=4", "{why}");
        flush(&db, &[("apple", "5")]);
        assert_eq!(shape(&db), (1, 1, 5), "a flush goes to level 0{why}");
        assert_eq!(get(&db, "apple").as_deref(), Some("5"), "level 0 comes first{why}");
        db.compact().unwrap();
        assert_eq!(shape(&db), (0, 1, 4), "the run is merged with level 0{why}");
        assert_eq!(scan(db.scan(..)), "apple=5 fig=3 kiwi=2 pear=4", "{why}");
    }

    #[test]
    fn deleted_keys_are_gone() {
        let db = Home::default().open();
        flush(&db, &[("apple", "1"), ("fig", "1")]);
        db.compact().unwrap();
        db.delete("apple").unwrap();
        db.delete("never there").unwrap();
        db.flush().unwrap();
        assert_eq!(shape(&db), (1, 1, 4), "two tombstones above two values");
        db.compact().unwrap();
        let why = rule("8.7", "in the last run a tombstone that hides nothing is left out");
        assert_eq!(shape(&db), (0, 1, 1), "level 0, runs, rows{why}");
        assert_eq!(scan(db.scan(..)), "fig=1", "{why}");
        db.delete("fig").unwrap();
        db.compact().unwrap();
        let why = rule("8.7", "without a row there is no SST, and no sorted run");
        assert_eq!(shape(&db), (0, 0, 0), "level 0, runs, rows{why}");
        assert_eq!(scan(db.scan(..)), "", "{why}");
    }

    #[test]
    fn a_snapshot_is_kept_through_compactions() {
        let db = Home::default().open();
        flush(&db, &[("apple", "1"), ("fig", "1"), ("kiwi", "1")]);
        let early = db.snapshot().unwrap();
        flush(&db, &[("apple", "2")]);
        db.delete("fig").unwrap();
        let late = db.snapshot().unwrap();
        flush(&db, &[("apple", "3"), ("fig", "3")]);
        db.delete("kiwi").unwrap();
        for round in 0..3 {
            db.put(format!("more {round}"), "x").unwrap();
            db.compact().unwrap();
            let why = rule("8.7", "an open snapshot sees what it saw, through any compaction");
            assert_eq!(scan(early.scan(..)), "apple=1 fig=1 kiwi=1", "the first{why}");
            assert_eq!(scan(late.scan(..)), "apple=2 kiwi=1", "the second{why}");
            assert_eq!(get_at(&late, "fig"), None, "deleted in the second{why}");
            assert_eq!(scan(db.scan("a".."l")), "apple=3 fig=3", "the latest{why}");
        }
        drop((early, late));
        db.put("apple", "4").unwrap();
        db.compact().unwrap();
        let why = rule("8.7", "what no open snapshot needs is left out by the next compaction");
        assert_eq!(shape(&db), (0, 1, 5), "level 0, runs, rows{why}");
    }

    #[test]
    fn merge_operands_collapse() {
        let db = Home::default().open();
        let merge = |operand: &str| {
            db.merge("list", operand).unwrap();
            db.flush().unwrap();
        };
        merge("a");
        merge("b");
        let snapshot = db.snapshot().unwrap();
        merge("c");
        merge("d");
        db.compact().unwrap();
        let why = rule("8.7", "operands of one stripe become one row");
        assert_eq!(shape(&db), (0, 1, 2), "level 0, runs, rows{why}");
        assert_eq!(get(&db, "list").as_deref(), Some("a,b,c,d"), "{why}");
        assert_eq!(get_at(&snapshot, "list").as_deref(), Some("a,b"), "{why}");
        drop(snapshot);
        merge("e");
        db.compact().unwrap();
        assert_eq!(shape(&db), (0, 1, 1), "level 0, runs, rows{why}");
        assert_eq!(get(&db, "list").as_deref(), Some("a,b,c,d,e"), "{why}");
    }

    #[test]
    fn a_run_of_many_ssts_is_read_as_one() {
        let home = Home::default();
        let options = CompactorOptions { max_sst_size: 100, ..CompactorOptions::default() };
        let db = home.builder(Some(options)).build().unwrap();
        let keys: Vec<String> = (0..60).map(|number| format!("key {number:02}")).collect();
        let puts: Vec<(&str, &str)> = keys.iter().map(|key| (&key[..], "a value")).collect();
        flush(&db, &puts);
        db.compact().unwrap();
        let why = rule("8.7", "an SST of a sorted run ends when it has max_sst_size bytes");
        let ssts = stats(&db).sorted_run_ssts;
        assert!((5..=60).contains(&ssts), "60 keys in {ssts} SSTs of about 100 bytes{why}");
        for key in &keys {
            assert_eq!(get(&db, key).as_deref(), Some("a value"), "{key}{why}");
        }
        assert_eq!(get(&db, "key 05x"), None, "between two keys{why}");
        assert_eq!(db.scan(..).unwrap().count(), 60, "a scan goes from SST to SST{why}");
    }

    #[test]
    fn a_compacted_database_opens_again() {
        let home = Home::default();
        let db = home.open();
        flush(&db, &[("apple", "1"), ("fig", "1"), ("kiwi", "1")]);
        flush(&db, &[("apple", "2")]);
        db.compact().unwrap();
        db.delete("fig").unwrap();
        flush(&db, &[("kiwi", "3")]);
        drop(db);
        let db = home.open();
        let why = rule("8.7", "the manifest names the run, and level 0 above it");
        assert_eq!(scan(db.scan(..)), "apple=2 kiwi=3", "{why}");
        assert_eq!(shape(&db), (1, 1, 5), "level 0, runs, rows{why}");
        db.compact().unwrap();
        drop(db);
        let db = home.open();
        assert_eq!(scan(db.scan(..)), "apple=2 kiwi=3", "{why}");
        assert_eq!(shape(&db), (0, 1, 2), "level 0, runs, rows{why}");
    }

    /// Waits for what happens in the background.
    fn until(what: &str, done: impl Fn() -> bool) {
        let start = Instant::now();
        while !done() {
            let rule = rule("8.7", "level 0 is compacted in the background");
            assert!(start.elapsed() < Duration::from_secs(20), "waited in vain until {what}{rule}");
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn four_ssts_of_level_0_are_compacted_in_the_background() {
        let home = Home::default();
        let db = home.builder(background()).build().unwrap();
        flush(&db, &[("apple", "0"), ("zebra", "0")]);
        db.compact().unwrap();
        for round in 1..4 {
            flush(&db, &[("apple", &round.to_string()), ("fig", &round.to_string())]);
        }
        db.delete("zebra").unwrap();
        db.flush().unwrap();
        until("level 0 is empty", || shape(&db).0 == 0);
        let why = rule("8.7", "four SSTs become a new run; its tombstones hide older runs");
        until("the compaction is counted", || stats(&db).completed_compactions == 2);
        assert_eq!(shape(&db), (0, 2, 5), "level 0, runs, rows{why}");
        assert_eq!(scan(db.scan(..)), "apple=3 fig=3", "{why}");
        assert_eq!(get(&db, "zebra"), None, "{why}");
        drop(db);
        let db = home.open();
        assert_eq!(scan(db.scan(..)), "apple=3 fig=3", "opened again{why}");
        assert_eq!(get(&db, "apple").as_deref(), Some("3"), "the newer run comes first{why}");
        assert_eq!(get(&db, "zebra"), None, "the newer run comes first{why}");
    }

    #[test]
    fn writers_do_not_outrun_compaction() {
        let home = Home::default();
        let db = home.builder(background()).build().unwrap();
        flush(&db, &[("apple", "first")]);
        db.compact().unwrap();
        for round in 0..40 {
            flush(&db, &[(&format!("key {}", round % 7), &round.to_string()), ("apple", "later")]);
            let ssts = shape(&db).0;
            let why = rule("8.7", "when level 0 is full, a flush waits for a compaction");
            assert!(ssts <= Settings::default().l0_max_ssts, "{ssts} SSTs in level 0{why}");
        }
        let expected =
            (0..7).map(|key| format!(" key {key}={}", [35, 36, 37, 38, 39, 33, 34][key]));
        let expected = format!("apple=later{}", expected.collect::<String>());
        let why = rule("8.7", "reads find the same, however often everything was merged");
        assert_eq!(scan(db.scan(..)), expected, "{why}");
        drop(db);
        assert_eq!(scan(home.open().scan(..)), expected, "opened again{why}");
    }

    #[test]
    fn an_iterator_goes_on_while_its_ssts_are_merged() {
        let db = Home::default().open();
        flush(&db, &[("apple", "1"), ("fig", "1"), ("kiwi", "1")]);
        flush(&db, &[("apple", "2"), ("pear", "2")]);
        let mut iterator = db.scan(..).unwrap();
        let first = iterator.next().unwrap().unwrap();
        assert_eq!(first.value, "2", "apple comes first");
        flush(&db, &[("fig", "3"), ("grape", "3")]);
        db.delete("kiwi").unwrap();
        db.compact().unwrap();
        let rest = iterator.map(|it| it.unwrap()).map(|it| format!("{} ", it.key.escape_ascii()));
        let why = rule("8.7", "an iterator shows the database as it was when it was made");
        assert_eq!(rest.collect::<String>(), "fig kiwi pear ", "{why}");
        assert_eq!(scan(db.scan(..)), "apple=2 fig=3 grape=3 pear=2", "a new one{why}");
    }

    #[test]
    fn a_flush_in_the_middle_of_a_compaction_is_not_lost() {
        let home = Home::default();
        let db = home.open();
        flush(&db, &[("apple", "1"), ("fig", "1")]);
        db.compact().unwrap();
        flush(&db, &[("apple", "2")]);
        *home.store.hold_next.lock().unwrap() = Some("sst/");
        let compacting = thread::spawn({
            let db = db.clone();
            move || db.compact()
        });
        home.store.wait_for_held();
        // The compaction has read everything, and waits to put its SST.
        flush(&db, &[("fig", "3")]);
        db.delete("apple").unwrap();
        db.flush().unwrap();
        home.store.release();
        deadline(20, move || compacting.join().unwrap()).unwrap();
        let why = rule("8.7", "a compaction takes its sources away, and nothing that came since");
        assert_eq!(shape(&db), (2, 1, 4), "level 0, runs, rows{why}");
        assert_eq!(scan(db.scan(..)), "fig=3", "{why}");
        drop(db);
        assert_eq!(scan(home.open().scan(..)), "fig=3", "opened again{why}");
    }

    #[test]
    fn a_compaction_can_be_watched_and_cancelled() {
        let home = Home::default();
        let options = CompactorOptions { max_sst_size: 100, ..CompactorOptions::default() };
        let db = home.builder(Some(options)).build().unwrap();
        let keys: Vec<String> = (0..60).map(|number| format!("key {number:02}")).collect();
        let puts: Vec<(&str, &str)> = keys.iter().map(|key| (&key[..], "a value")).collect();
        flush(&db, &puts);
        db.compact().unwrap();
        flush(&db, &[("key 00", "newer")]);
        assert!(db.compactions().is_empty(), "nothing runs");
        let before = (shape(&db), scan(db.scan(..)));
        *home.store.hold_next.lock().unwrap() = Some("sst/");
        let compacting = thread::spawn({
            let db = db.clone();
            move || db.compact()
        });
        home.store.wait_for_held();
        let running = db.compactions();
        let why = rule("8.7", "who watches sees how many rows were read, of how many");
        assert_eq!(running.len(), 1, "compactions that run{why}");
        let (read, total) = (running[0].progress.rows_read(), running[0].total_rows);
        assert_eq!((total, running[0].spec.sources.len()), (61, 2), "rows, and sources{why}");
        assert!((1..61).contains(&read), "{read} rows were read for the first SST of many{why}");
        running[0].progress.cancel();
        home.store.release();
        let ended = deadline(20, move || compacting.join().unwrap());
        let why = rule("8.7", "a compaction that was cancelled changes nothing");
        assert!(matches!(ended, Err(Error::Cancelled { .. })), "compact: {ended:?}{why}");
        assert_eq!((shape(&db), scan(db.scan(..))), before, "{why}");
        assert!(db.compactions().is_empty(), "nothing runs any more{why}");
        db.compact().unwrap();
        assert_eq!(shape(&db), (0, 1, 60), "and it can be tried again{why}");
    }

    #[test]
    fn a_failed_compaction_changes_nothing() {
        let home = Home::default();
        let db = home.open();
        flush(&db, &[("apple", "1"), ("fig", "1")]);
        flush(&db, &[("apple", "2")]);
        let before = shape(&db);
        for prefix in ["sst/", "manifest/"] {
            *home.store.failing.lock().unwrap() = Some(prefix);
            let found = db.compact();
            let why = rule("8.7", "until the manifest is committed, a compaction changes nothing");
            assert!(matches!(found, Err(Error::Io { .. })), "no {prefix}: {found:?}{why}");
            assert_eq!(
                (shape(&db), scan(db.scan(..))),
                (before, "apple=2 fig=1".to_owned()),
                "{why}"
            );
            // What a crash would leave now.
            let left = Home::default();
            for meta in home.store.inner.list("").unwrap() {
                left.store
                    .inner
                    .put(&meta.path, home.store.inner.get(&meta.path).unwrap())
                    .unwrap();
            }
            let crashed = left.open();
            assert_eq!(
                (shape(&crashed), scan(crashed.scan(..))),
                (before, "apple=2 fig=1".to_owned()),
                "{why}"
            );
        }
        *home.store.failing.lock().unwrap() = None;
        db.compact().unwrap();
        assert_eq!(shape(&db), (0, 1, 2), "and it can be tried again");
        assert_eq!(scan(db.scan(..)), "apple=2 fig=1");
    }

    #[derive(Debug, Clone)]
    enum Do {
        Put(usize),
        Delete(usize),
        Merge(usize),
        Flush,
        Compact,
        Snapshot,
        Forget,
        Reopen,
    }

    fn any_steps() -> BoxedStrategy<Vec<Do>> {
        let step = prop_oneof![
            5 => (0..4_usize).prop_map(Do::Put),
            3 => (0..4_usize).prop_map(Do::Delete),
            3 => (0..4_usize).prop_map(Do::Merge),
            4 => Just(Do::Flush),
            2 => Just(Do::Compact),
            1 => Just(Do::Snapshot),
            1 => Just(Do::Forget),
            1 => Just(Do::Reopen),
        ];
        prop::collection::vec(step, 0..40).boxed()
    }

    fn shown_map(map: &BTreeMap<&str, String>) -> String {
        let shown = map.iter().map(|(key, value)| format!("{key}={value} "));
        shown.collect::<String>().trim_end().to_owned()
    }

    /// Carries the steps out on a database and on a map. Returns what is wrong.
    fn differences(steps: &[Do], compactor: &Option<CompactorOptions>) -> Result<Vec<String>> {
        let home = Home::default();
        let open = || home.builder(compactor.clone()).build();
        let (mut db, mut map) = (open()?, BTreeMap::new());
        let mut snapshots: VecDeque<(Snapshot, String)> = VecDeque::new();
        let (keys, mut wrong) = (["a", "b", "c", "d"], Vec::new());
        for (number, step) in steps.iter().enumerate() {
            let text = number.to_string();
            match step {
                Do::Put(key) => {
                    db.put(keys[*key], &text)?;
                    map.insert(keys[*key], text);
                }
                Do::Delete(key) => {
                    db.delete(keys[*key])?;
                    map.remove(keys[*key]);
                }
                Do::Merge(key) => {
                    db.merge(keys[*key], &text)?;
                    let list = map.entry(keys[*key]).or_default();
                    *list = if list.is_empty() { text } else { format!("{list},{text}") };
                }
                Do::Flush => db.flush()?,
                Do::Compact => db.compact()?,
                Do::Snapshot => snapshots.push_back((db.snapshot()?, shown_map(&map))),
                Do::Forget => drop(snapshots.pop_front()),
                Do::Reopen => {
                    snapshots.clear();
                    drop(db);
                    db = open()?;
                }
            }
            let views = snapshots.iter().map(|(snapshot, expected)| (snapshot.scan(..), expected));
            let latest = shown_map(&map);
            for (found, expected) in views.chain([(db.scan(..), &latest)]) {
                let found = scan(found);
                if found != *expected {
                    wrong.push(format!("step {number}, {step:?}: {found:?}, not {expected:?}"));
                }
            }
            // A scan orders rows by their numbers, and a get goes from place to place.
            for key in keys.into_iter().filter(|key| get(&db, key) != map.get(key).cloned()) {
                let found = get(&db, key);
                wrong.push(format!("step {number}, {step:?}: {key} is {found:?} by a get"));
            }
        }
        Ok(wrong)
    }

    proptest! {
        #![proptest_config(config(30))]

        #[test]
        fn random_histories_end_as_an_ordered_map_does(
            steps in any_steps(), in_background in any::<bool>(),
        ) {
            // On its own thread's account, so that a stub is noticed here.
            compaction(Vec::new()).rows(None, &CompactionProgress::new());
            let compactor = if in_background { background() } else { None };
            let wrong = deadline(60, {
                let steps = steps.clone();
                move || differences(&steps, &compactor)
            });
            let rule = rule("8.7", "compaction changes nothing that anybody can read");
            prop_assert_eq!(wrong.unwrap(), Vec::<String>::new(), "{:?}{}", steps, rule);
        }
    }

    proptest! {
        #![proptest_config(config(32))]

        #[test]
        fn any_rows_are_split_by_the_rule(specs in testkit::any_rows(40), size in 1..600_usize) {
            let rows: Vec<_> = specs.into_iter().map(row).collect();
            let found: Vec<_> = write(&with_size(size), &rows).iter().map(rows_of).collect();
            let expected = expected(&with_size(size), &rows);
            let rule = rule("8.7", "an SST ends at the first new key behind the limit");
            prop_assert_eq!(shown(&found), shown(&expected), "of {} bytes{}", size, rule);
        }
    }
}
