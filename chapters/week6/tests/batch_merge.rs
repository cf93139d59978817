//! Week 6, days 4 to 7: runs of operands merged in bounded memory. The rules are on the page *The
//! batch merge* of the book.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use proptest::prelude::*;
use testkit::{Id, Stream, rule};
use week6::format::{RowEntry, ValueDeletable};
use week6::iter::{
    DbIterator, RetentionIterator, RowEntryIterator, SnapshotIterator, VecIterator, stripe_of,
};
use week6::merge::{
    MERGE_BATCH_SIZE, MergeOperator, MergeOperatorError, MergeOperatorIterator, MergeRun,
};
use week6::{Error, Result};

/// Joins what it is given, and remembers how it was called. It can be made to fail.
#[derive(Debug, Default)]
struct Join {
    log: Mutex<Log>,
}

#[derive(Debug, Default)]
struct Log {
    calls: Vec<Call>,
    /// The number of the call that fails, once, counted from 0.
    failing: Option<usize>,
}

/// One call: the existing value, and how many operands.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Call {
    existing: Option<Bytes>,
    operands: usize,
}

impl Join {
    fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    fn failing_at(call: usize) -> Arc<Self> {
        let join = Self::new();
        join.log().failing = Some(call);
        join
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().expect("no test panics while it writes")
    }

    fn calls(&self) -> Vec<Call> {
        self.log().calls.clone()
    }

    fn call(&self, existing: Option<&[u8]>, operands: usize) -> Result<(), MergeOperatorError> {
        let mut log = self.log();
        let number = log.calls.len();
        log.calls.push(Call { existing: existing.map(Bytes::copy_from_slice), operands });
        match log.failing == Some(number) {
            true => Err(failure()),
            false => Ok(()),
        }
    }
}

fn failure() -> MergeOperatorError {
    MergeOperatorError::callback("this call was made to fail")
}

impl MergeOperator for Join {
    fn merge(
        &self,
        _key: &[u8],
        existing: Option<&[u8]>,
        operand: &[u8],
    ) -> Result<Bytes, MergeOperatorError> {
        self.call(existing, 1)?;
        Ok([existing.unwrap_or_default(), operand].concat().into())
    }

    fn merge_batch(
        &self,
        _key: &[u8],
        existing: Option<&[u8]>,
        operands: &[Bytes],
    ) -> Result<Bytes, MergeOperatorError> {
        self.call(existing, operands.len())?;
        Ok([existing.unwrap_or_default(), &operands.concat()].concat().into())
    }
}

/// Operands that know how many of them are alive, and were at most.
#[derive(Debug, Default)]
struct Census {
    alive: AtomicUsize,
    most: AtomicUsize,
}

struct Citizen {
    bytes: Vec<u8>,
    census: Arc<Census>,
}

impl Census {
    fn operand(self: &Arc<Self>, bytes: Vec<u8>) -> Bytes {
        let alive = self.alive.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(alive, Ordering::Relaxed);
        Bytes::from_owner(Citizen { bytes, census: Arc::clone(self) })
    }

    /// How many operands were alive at once, at most.
    fn most(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }
}

impl AsRef<[u8]> for Citizen {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Citizen {
    fn drop(&mut self) {
        self.census.alive.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Joins what it is given; its results are counted as operands are.
#[derive(Debug)]
struct CensusJoin {
    census: Arc<Census>,
}

impl MergeOperator for CensusJoin {
    fn merge(
        &self,
        _key: &[u8],
        existing: Option<&[u8]>,
        operand: &[u8],
    ) -> Result<Bytes, MergeOperatorError> {
        Ok(self.census.operand([existing.unwrap_or_default(), operand].concat()))
    }

    fn merge_batch(
        &self,
        _key: &[u8],
        existing: Option<&[u8]>,
        operands: &[Bytes],
    ) -> Result<Bytes, MergeOperatorError> {
        let joined = [existing.unwrap_or_default(), &operands.concat()].concat();
        Ok(self.census.operand(joined))
    }
}

/// How many operands and results may be alive at once: a full batch, the operand for which there is
/// no room, and the result that makes room.
const MOST_ALIVE: usize = MERGE_BATCH_SIZE + 2;

/// Operands `first`, `first + 1`, … as texts, oldest first.
fn numbered(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|n| format!("{n};").into_bytes()).collect()
}

/// The calls for a run of so many operands: each that makes room merges a full batch, and the last
/// one merges what is held then, into the existing value. A partial result counts as an operand.
fn calls_for(operands: usize, existing: Option<&str>) -> Vec<Call> {
    let mut calls = Vec::new();
    let mut held = operands;
    while held > MERGE_BATCH_SIZE {
        calls.push(Call { existing: None, operands: MERGE_BATCH_SIZE });
        held -= MERGE_BATCH_SIZE - 1;
    }
    let existing = existing.map(|text| Bytes::copy_from_slice(text.as_bytes()));
    calls.push(Call { existing, operands: held });
    calls
}

/// Checks that these are all calls of the operator that a run of so many operands costs.
#[track_caller]
fn assert_calls(join: &Join, operands: usize, existing: Option<&str>, task: &str) {
    let (calls, expected) = (join.calls(), calls_for(operands, existing));
    let rule = rule(
        task,
        "the operator is called when the next operand has no room, and at the end; \
         only the last call has an existing value, and an empty one is not none",
    );
    let (made, wanted) = (calls.len(), expected.len());
    assert_eq!(made, wanted, "the number of calls for {operands} operands{rule}");
    for (number, (call, expected)) in calls.iter().zip(&expected).enumerate() {
        let number = number + 1;
        assert_eq!(call, expected, "call {number} of {wanted} for {operands} operands{rule}");
    }
}

/// Checks that an error is the operator's, and names the key.
#[track_caller]
fn assert_failed(error: &Error, key: &str, task: &str) {
    let rule = rule(task, "an operator's error is Error::MergeFailed with the key and the cause");
    match error {
        Error::MergeFailed { key: named, source } => {
            assert_eq!((&named[..], source), (key.as_bytes(), &failure()), "{rule}");
        }
        other => panic!("expected Error::MergeFailed, found {other:?}{rule}"),
    }
}

mod task_6_5 {
    use super::*;

    /// A run of these operands, oldest first; they are added newest first.
    fn run_of(operands: &[Vec<u8>], operator: &dyn MergeOperator) -> MergeRun {
        let mut newest_first = operands.iter().rev().cloned().map(Bytes::from);
        let newest = newest_first.next().expect("a run has an operand");
        let mut run = MergeRun::new("kiwi".into(), 9, newest);
        for operand in newest_first {
            run.add(operator, operand).expect("the operator does not fail");
        }
        run
    }

    #[test]
    fn older_operands_come_first() {
        let join = Join::new();
        let mut run = run_of(&[b"a".to_vec(), b"b".to_vec(), b"c".to_vec()], &*join);
        let merged = run.merge(&*join, None).expect("the operator does not fail");
        let rule = rule("6.5", "the operator gets the operands oldest first");
        assert_eq!(merged, "abc", "c, then b, then a were added{rule}");
    }

    #[test]
    fn the_existing_value_is_older_than_all() {
        let join = Join::new();
        let mut run = run_of(&[b"a".to_vec(), b"b".to_vec()], &*join);
        let merged = run.merge(&*join, Some(b"x")).expect("the operator does not fail");
        let rule = rule("6.5", "everything that was added, merged into the existing value");
        assert_eq!(merged, "xab", "b, then a, over x{rule}");
    }

    #[test]
    fn a_run_of_one_operand_is_that_operand() {
        for (existing, expected) in [(None, "a"), (Some(&b"x"[..]), "xa")] {
            let join = Join::new();
            let mut run = run_of(&[b"a".to_vec()], &*join);
            let merged = run.merge(&*join, existing).expect("the operator does not fail");
            assert_eq!(merged, expected, "a over {existing:?}");
        }
    }

    #[test]
    fn a_merge_leaves_the_run_as_it_was() {
        let join = Join::new();
        let mut run = run_of(&[b"b".to_vec(), b"c".to_vec()], &*join);
        let rule =
            rule("6.5", "the run stays as it was: merge can be repeated, and add can follow");
        let merge = |run: &mut MergeRun, existing| run.merge(&*join, existing).expect("no error");
        assert_eq!(merge(&mut run, None), "bc", "b and c");
        assert_eq!(merge(&mut run, Some(b"x")), "xbc", "b and c once more, over x{rule}");
        run.add(&*join, "a".into()).expect("no error");
        assert_eq!(merge(&mut run, None), "abc", "after a was added{rule}");
        let operands: Vec<_> = join.calls().iter().map(|call| call.operands).collect();
        assert_eq!(operands, [2, 2, 3], "operands in each call{rule}");
    }

    #[test]
    fn a_few_operands_cost_one_call() {
        for count in [1, 2, 50, MERGE_BATCH_SIZE - 1] {
            for existing in [None, Some("x")] {
                let join = Join::new();
                let mut run = run_of(&numbered(count), &*join);
                run.merge(&*join, existing.map(str::as_bytes)).expect("no failure");
                assert_calls(&join, count, existing, "6.5");
            }
        }
    }

    #[test]
    fn long_runs_cost_a_call_when_there_is_no_room_and_one_at_the_end() {
        let counts = [(100, 1), (101, 2), (199, 2), (200, 3), (1000, 11), (10_000, 101)];
        for (count, calls) in counts {
            assert_eq!(calls_for(count, None).len(), calls, "the test's own count");
            let join = Join::new();
            run_of(&numbered(count), &*join).merge(&*join, None).expect("no failure");
            assert_calls(&join, count, None, "6.5");
        }
    }

    #[test]
    fn an_empty_existing_value_is_given_to_the_operator() {
        for count in [1, 2, MERGE_BATCH_SIZE + 1] {
            let join = Join::new();
            run_of(&numbered(count), &*join).merge(&*join, Some(b"")).expect("no failure");
            assert_calls(&join, count, Some(""), "6.5");
        }
    }

    /// Keeps the newest operand.
    #[derive(Debug)]
    struct Newest;

    impl MergeOperator for Newest {
        fn merge(
            &self,
            _key: &[u8],
            _existing: Option<&[u8]>,
            operand: &[u8],
        ) -> Result<Bytes, MergeOperatorError> {
            Ok(Bytes::copy_from_slice(operand))
        }

        fn merge_batch(
            &self,
            _key: &[u8],
            _existing: Option<&[u8]>,
            operands: &[Bytes],
        ) -> Result<Bytes, MergeOperatorError> {
            operands.last().cloned().ok_or(MergeOperatorError::EmptyBatch)
        }
    }

    #[test]
    fn an_empty_partial_result_stands_for_its_operands() {
        let mut run = MergeRun::new("kiwi".into(), 9, "".into());
        for _ in 0..150 {
            run.add(&Newest, "old".into()).expect("the operator does not fail");
        }
        let merged = run.merge(&Newest, None).expect("the operator does not fail");
        let rule = rule("6.5", "a partial result, empty or not, is newer than what is added later");
        assert_eq!(merged, "", "the newest of 151 operands is empty{rule}");
    }

    #[test]
    fn a_run_knows_its_key_and_its_newest_sequence_number() {
        let join = Join::new();
        let run = run_of(&numbered(250), &*join);
        assert_eq!((&run.key()[..], run.seq()), (&b"kiwi"[..], 9), "key and number of the run");
    }

    #[test]
    fn runs_of_any_length_are_merged_in_order() {
        let size = MERGE_BATCH_SIZE;
        for count in [1, 2, size - 1, size, size + 1, size + 2, 2 * size - 1, 2 * size, 1234] {
            for existing in [None, Some(&b"x;"[..])] {
                let join = Join::new();
                let operands = numbered(count);
                let merged = run_of(&operands, &*join).merge(&*join, existing).expect("no failure");
                let expected = [existing.unwrap_or_default(), &operands.concat()].concat();
                let rule = rule("6.5", "a partial result is newer than what is added later");
                let what = format!("{count} operands over {existing:?}{rule}");
                testkit::assert_bytes(&merged, &expected, &what);
            }
        }
    }

    #[test]
    fn the_existing_value_goes_into_the_last_call_only() {
        let join = Join::new();
        run_of(&numbered(1000), &*join).merge(&*join, Some(b"x")).expect("no failure");
        let calls = join.calls();
        let with_existing = calls.iter().filter(|call| call.existing.is_some()).count();
        let last = calls.last().and_then(|call| call.existing.clone());
        let rule = rule("6.5", "partial results are merged without an existing value");
        assert_eq!((with_existing, last), (1, Some("x".into())), "calls with a value{rule}");
    }

    #[test]
    fn a_hundred_thousand_operands_need_no_more_memory_than_a_batch() {
        let census = Arc::new(Census::default());
        let join = CensusJoin { census: Arc::clone(&census) };
        let mut run = MergeRun::new("kiwi".into(), 9, census.operand(b".".to_vec()));
        for _ in 1..100_000 {
            run.add(&join, census.operand(b".".to_vec())).expect("no failure");
        }
        let merged = run.merge(&join, None).expect("no failure");
        assert_eq!(merged.len(), 100_000, "every operand counts once");
        let (held, rule) = (census.most(), rule("6.5", "at most MERGE_BATCH_SIZE are held"));
        assert!(held <= MOST_ALIVE, "{held} operands and results were alive at once{rule}");
    }

    #[test]
    fn a_failing_operator_is_named_with_its_key() {
        let join = Join::failing_at(0);
        let mut run = run_of(&numbered(3), &*join);
        assert_failed(&run.merge(&*join, None).expect_err("the first call fails"), "kiwi", "6.5");
    }

    #[test]
    fn a_call_that_fails_has_changed_nothing() {
        let operands = numbered(350);
        let calls = {
            let join = Join::new();
            run_of(&operands, &*join).merge(&*join, None).expect("no failure");
            join.calls().len()
        };
        for failing in 0..calls {
            let join = Join::failing_at(failing);
            let mut newest_first = operands.iter().rev().cloned().map(Bytes::from);
            let newest = newest_first.next().expect("350 operands");
            let mut run = MergeRun::new("kiwi".into(), 9, newest);
            let mut failures = 0;
            for operand in newest_first {
                if let Err(error) = run.add(&*join, operand.clone()) {
                    assert_failed(&error, "kiwi", "6.5");
                    failures += 1;
                    run.add(&*join, operand).expect("the next call works");
                }
            }
            let merged = run.merge(&*join, Some(b"x;")).or_else(|error| {
                assert_failed(&error, "kiwi", "6.5");
                failures += 1;
                run.merge(&*join, Some(b"x;"))
            });
            let merged = merged.expect("the next call works");
            let rule = rule("6.5", "a call that fails has changed nothing. It can be repeated");
            assert_eq!(failures, 1, "failures, when call {failing} of the operator fails{rule}");
            let what = format!("when call {failing} of the operator fails{rule}");
            testkit::assert_bytes(&merged, &[b"x;", &operands.concat()[..]].concat(), &what);
        }
    }
}

// ---------- Streams of rows, for 6.6 and 6.7 ----------

fn merge(key: &'static str, operand: &'static str, seq: u64) -> RowEntry {
    RowEntry::new_merge(key, operand, seq)
}

fn value(key: &'static str, value: &'static str, seq: u64) -> RowEntry {
    RowEntry::new_value(key, value, seq)
}

/// The rows of the page's example.
fn example() -> Vec<RowEntry> {
    vec![
        merge("apple", "c", 9),
        merge("apple", "b", 7),
        value("apple", "a", 4),
        value("fig", "f", 3),
        merge("kiwi", "z", 8),
        merge("kiwi", "y", 6),
        RowEntry::new_tombstone("kiwi", 5),
        merge("pear", "q", 10),
        merge("pear", "p", 2),
    ]
}

fn ids(rows: &[RowEntry]) -> Vec<Id> {
    rows.iter().map(|row| (row.key.to_vec(), row.seq)).collect()
}

/// Every row of a stream; fails after a while, since it could have no end.
fn read(mut rows: impl RowEntryIterator + 'static) -> Result<Vec<RowEntry>> {
    testkit::deadline(20, move || {
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(row);
            assert!(found.len() < 10_000, "rows without an end");
        }
        Ok(found)
    })
}

fn at_flush(rows: &[RowEntry], boundaries: &[u64]) -> MergeOperatorIterator<VecIterator> {
    MergeOperatorIterator::new(VecIterator::new(rows.to_vec()), Join::new(), boundaries.to_vec())
}

fn at_read(rows: &[RowEntry]) -> MergeOperatorIterator<VecIterator> {
    MergeOperatorIterator::for_reads(VecIterator::new(rows.to_vec()), Join::new())
}

/// The rows that no newer value or tombstone of the same stripe hides.
fn retained(rows: &[RowEntry], boundaries: &[u64]) -> Vec<RowEntry> {
    let rows = VecIterator::new(rows.to_vec());
    let mut rows = RetentionIterator::new(rows, boundaries.to_vec());
    std::iter::from_fn(|| rows.next().expect("a vector does not fail")).collect()
}

/// What `Join` makes of operands, newest first.
fn joined<'a>(newest_first: impl Iterator<Item = &'a RowEntry>) -> Vec<u8> {
    let mut texts: Vec<_> = newest_first.filter_map(|row| row.value.as_bytes()).collect();
    texts.reverse();
    texts.into_iter().flatten().copied().collect()
}

/// The right rows, made the slow way: one row for each key and stripe.
fn merged_slowly(rows: &[RowEntry], boundaries: &[u64], is_complete: bool) -> Vec<RowEntry> {
    let same = |a: &RowEntry, b: &RowEntry| {
        a.key == b.key && stripe_of(boundaries, a.seq) == stripe_of(boundaries, b.seq)
    };
    let one = |group: &[RowEntry]| {
        let newest = &group[0];
        if !matches!(newest.value, ValueDeletable::Merge(_)) {
            return newest.clone();
        }
        let has_base =
            group.last().is_some_and(|row| !matches!(row.value, ValueDeletable::Merge(_)));
        let merged = joined(group.iter());
        match has_base || is_complete {
            true => RowEntry::new_value(newest.key.clone(), merged, newest.seq),
            false => RowEntry::new_merge(newest.key.clone(), merged, newest.seq),
        }
    };
    retained(rows, boundaries).chunk_by(same).map(one).collect()
}

/// What a snapshot shows: each key that is there, with its operands joined to what they change.
fn seen(rows: &[RowEntry], max_seq: u64) -> BTreeMap<Bytes, Bytes> {
    let visible: Vec<_> = rows.iter().filter(|row| row.seq <= max_seq).cloned().collect();
    let complete = merged_slowly(&visible, &[], true);
    let values = complete.into_iter().filter(|row| !row.value.is_tombstone());
    values.map(|row| (row.key, row.value.as_bytes().cloned().unwrap_or_default())).collect()
}

/// A stream of which some calls fail: the call with this number, or every other one.
#[derive(Debug)]
struct Failing {
    rows: VecDeque<RowEntry>,
    calls: usize,
    fails: fn(usize, usize) -> bool,
    argument: usize,
}

impl Failing {
    fn at_call(rows: &[RowEntry], number: usize) -> Self {
        Self {
            rows: rows.to_vec().into(),
            calls: 0,
            fails: |call, at| call == at,
            argument: number,
        }
    }

    fn at_every_other(rows: &[RowEntry]) -> Self {
        Self { rows: rows.to_vec().into(), calls: 0, fails: |call, _| call % 2 == 0, argument: 0 }
    }

    fn call(&mut self) -> Result<()> {
        self.calls += 1;
        match (self.fails)(self.calls - 1, self.argument) {
            true => Err(Error::NotFound { path: "a block that comes back".to_owned() }),
            false => Ok(()),
        }
    }
}

impl RowEntryIterator for Failing {
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

/// Repeats a call until it works.
fn persist<T>(mut call: impl FnMut() -> Result<T>) -> T {
    for _ in 0..1000 {
        if let Ok(result) = call() {
            return result;
        }
    }
    panic!("a call failed 1000 times, though it works when it is repeated");
}

/// The rows that are left; each call is repeated until it works.
fn rest(rows: &mut impl RowEntryIterator) -> Vec<RowEntry> {
    let mut found = Vec::new();
    while let Some(row) = persist(|| rows.next()) {
        found.push(row);
        assert!(found.len() < 10_000, "rows without an end");
    }
    found
}

/// A stream that counts how often it is asked for a row.
#[derive(Debug)]
struct Counted {
    rows: VecIterator,
    asked: Arc<AtomicUsize>,
}

impl Counted {
    fn new(rows: &[RowEntry]) -> (Self, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        (Self { rows: VecIterator::new(rows.to_vec()), asked: Arc::clone(&asked) }, asked)
    }
}

impl RowEntryIterator for Counted {
    fn next(&mut self) -> Result<Option<RowEntry>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.rows.next()
    }

    fn seek(&mut self, key: &[u8]) -> Result<()> {
        self.rows.seek(key)
    }
}

/// Rows of a few keys, many of them operands; each has a sequence number of its own.
fn any_history() -> impl Strategy<Value = Vec<RowEntry>> {
    let kind = prop_oneof![5 => Just('m'), 1 => Just('v'), 1 => Just('t')];
    let key = prop_oneof![Just("a"), Just("ab"), Just("b"), Just("c")];
    prop::collection::vec((key, kind), 0..40).prop_map(|writes| {
        let mut rows: Vec<_> = (1..)
            .zip(writes)
            .map(|(seq, (key, kind))| match kind {
                'm' => RowEntry::new_merge(key, format!("+{seq}"), seq),
                'v' => RowEntry::new_value(key, format!("={seq}"), seq),
                _ => RowEntry::new_tombstone(key, seq),
            })
            .collect();
        rows.sort_by_key(|row| (row.key.clone(), u64::MAX - row.seq));
        rows
    })
}

/// A key to seek: of a row or between two.
fn any_key() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("a"), Just("ab"), Just("b"), Just("bb"), Just("c")]
}

fn any_boundaries() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::btree_set(0..42_u64, 0..5).prop_map(|set| set.into_iter().collect())
}

mod task_6_6 {
    use super::*;

    #[track_caller]
    fn assert_flushes(rows: &[RowEntry], boundaries: &[u64], expected: &[RowEntry], text: &str) {
        let found = read(at_flush(rows, boundaries)).expect("nothing fails");
        let snapshots = format!("snapshots at {boundaries:?}");
        assert_eq!(found, expected, "at a flush, {snapshots}{}", rule("6.6", text));
    }

    #[test]
    fn operands_over_a_value_become_a_value() {
        let rows = [merge("k", "c", 9), merge("k", "b", 7), value("k", "a", 4)];
        let text = "over a value, the row is a value, with the newest operand's sequence number";
        assert_flushes(&rows, &[], &[value("k", "abc", 9)], text);
    }

    #[test]
    fn operands_over_a_tombstone_become_a_value() {
        let rows = [merge("k", "c", 9), merge("k", "b", 7), RowEntry::new_tombstone("k", 4)];
        let text = "over a tombstone, the row is a value too, merged with no existing value";
        assert_flushes(&rows, &[], &[value("k", "bc", 9)], text);
    }

    #[test]
    fn over_a_tombstone_there_is_no_existing_value() {
        let join = Join::new();
        let rows = vec![merge("k", "c", 9), merge("k", "b", 7), RowEntry::new_tombstone("k", 4)];
        let mut rows = MergeOperatorIterator::new(VecIterator::new(rows), join.clone(), Vec::new());
        rows.next().expect("nothing fails");
        let calls = join.calls();
        let rule = rule("6.6", "over a tombstone, operands are merged with no existing value");
        let never = "the operator was never called for two operands over a tombstone";
        assert!(!calls.is_empty(), "{never}{rule}");
        let existing: Vec<_> = calls.into_iter().map(|call| call.existing).collect();
        assert_eq!(existing, [None], "a deleted key has no value, not an empty one{rule}");
    }

    #[test]
    fn a_run_over_a_value_costs_one_call() {
        let join = Join::new();
        let rows = vec![merge("k", "c", 9), merge("k", "b", 8), value("k", "a", 7)];
        let rows = MergeOperatorIterator::new(VecIterator::new(rows), join.clone(), Vec::new());
        read(rows).expect("nothing fails");
        assert_calls(&join, 2, Some("a"), "6.6");
    }

    #[test]
    fn an_empty_value_is_a_base_and_is_given_to_the_operator() {
        let join = Join::new();
        let rows = vec![merge("k", "c", 9), merge("k", "b", 8), value("k", "", 7)];
        let rows = MergeOperatorIterator::new(VecIterator::new(rows), join.clone(), Vec::new());
        let found = read(rows).expect("nothing fails");
        let rule = rule("6.6", "the base is a value or a tombstone, and a value may be empty");
        assert_eq!(found, [value("k", "bc", 9)], "c and b over an empty value{rule}");
        assert_calls(&join, 2, Some(""), "6.6");
    }

    #[test]
    fn at_a_read_operands_without_a_base_become_a_value() {
        let rows = [merge("k", "c", 9), merge("k", "b", 7)];
        let rule =
            rule("6.6", "a read has every row there is, so a run without a base is complete");
        let found = read(at_read(&rows)).expect("nothing fails");
        assert_eq!(found, [value("k", "bc", 9)], "two operands{rule}");
        let found = read(at_read(&rows[1..])).expect("nothing fails");
        assert_eq!(found, [value("k", "b", 7)], "one operand{rule}");
    }

    #[test]
    fn what_is_merged_to_nothing_is_a_value() {
        let rule =
            rule("6.6", "over a base, or at a read, the row is a value, and it may be empty");
        for base in [value("k", "", 7), RowEntry::new_tombstone("k", 7)] {
            let rows = [merge("k", "", 9), base];
            let found = read(at_flush(&rows, &[])).expect("nothing fails");
            assert_eq!(found, [value("k", "", 9)], "an empty operand over {:?}{rule}", rows[1]);
        }
        let found = read(at_read(&[merge("k", "", 9)])).expect("nothing fails");
        assert_eq!(found, [value("k", "", 9)], "an empty operand alone, at a read{rule}");
    }

    #[test]
    fn at_a_flush_operands_without_a_base_stay_operands() {
        let rows = [merge("k", "c", 9), merge("k", "b", 7)];
        let text = "without a base, the row is a merge operand: an older row may be elsewhere";
        assert_flushes(&rows, &[], &[merge("k", "bc", 9)], text);
        assert_flushes(&rows[..1], &[], &rows[..1], text);
    }

    #[test]
    fn without_a_base_there_is_no_existing_value() {
        let rows = [merge("k", "c", 9), merge("k", "b", 7)];
        let (flush, reading) = (Join::new(), Join::new());
        let source = || VecIterator::new(rows.to_vec());
        read(MergeOperatorIterator::new(source(), flush.clone(), Vec::new())).expect("no failure");
        read(MergeOperatorIterator::for_reads(source(), reading.clone())).expect("no failure");
        assert_calls(&flush, 2, None, "6.6");
        assert_calls(&reading, 2, None, "6.6");
    }

    #[test]
    fn at_a_read_a_single_operand_is_shown_to_the_operator() {
        let join = Join::failing_at(0);
        let rows = VecIterator::new(vec![merge("k", "bad", 9)]);
        let found = MergeOperatorIterator::for_reads(rows, join).next();
        let rule = rule("6.6", "at a read the operator is called for a run of one operand too");
        match found {
            Err(error) => assert_failed(&error, "k", "6.6"),
            Ok(found) => panic!("found {found:?}, though the operator refuses every operand{rule}"),
        }
    }

    #[test]
    fn at_a_read_a_tombstone_passes() {
        let rows = [RowEntry::new_tombstone("a", 3), value("b", "x", 1)];
        let found = read(at_read(&rows)).expect("nothing fails");
        let rule = rule("6.6", "values and tombstones that are no base pass, at a read too");
        assert_eq!(found, rows, "a tombstone and a value{rule}");
    }

    #[test]
    fn other_rows_pass_unchanged_and_the_operator_is_not_called() {
        let join = Join::new();
        let rows = vec![value("a", "1", 3), RowEntry::new_tombstone("b", 9), value("c", "2", 1)];
        for boundaries in [vec![], vec![2, 5]] {
            let stream = VecIterator::new(rows.clone());
            let stream = MergeOperatorIterator::new(stream, join.clone(), boundaries);
            assert_eq!(read(stream).expect("nothing fails"), rows, "values and a tombstone");
        }
        let stream = MergeOperatorIterator::for_reads(VecIterator::new(rows.clone()), join.clone());
        assert_eq!(read(stream).expect("nothing fails"), rows, "at a read");
        let rule = rule("6.6", "no operand, no call of the operator");
        assert_eq!(join.calls(), [], "calls for values and a tombstone{rule}");
    }

    #[test]
    fn the_rows_of_the_page() {
        let expected = [
            value("apple", "abc", 9),
            value("fig", "f", 3),
            value("kiwi", "yz", 8),
            merge("pear", "pq", 10),
        ];
        assert_flushes(&example(), &[], &expected, "one row of each run");
        let found = read(at_read(&example())).expect("nothing fails");
        assert_eq!(found[..3], expected[..3], "a read gives the same values");
        assert_eq!(found[3..], [value("pear", "pq", 10)], "but the pear is complete at a read");
    }

    #[test]
    fn a_run_ends_where_the_key_ends() {
        let rows = [merge("a", "1", 2), merge("b", "2", 1), value("c", "3", 1)];
        assert_flushes(&rows, &[], &rows, "a run is all operands of one key");
    }

    #[test]
    fn a_key_that_begins_with_another_is_another_key() {
        let text = "a run is all operands of one key, and not of those that begin with it";
        let rows = [merge("a", "1", 9), merge("ab", "2", 8), merge("abc", "3", 7)];
        assert_flushes(&rows, &[], &rows, text);
        let rows = [merge("a", "1", 9), value("ab", "2", 8)];
        assert_flushes(&rows, &[], &rows, text);
        let rows = [merge("ab", "1", 9), merge("b", "2", 8), value("b", "3", 7)];
        assert_flushes(&rows, &[], &[rows[0].clone(), value("b", "32", 8)], text);
    }

    #[test]
    fn a_snapshot_splits_a_run() {
        let rows = [merge("k", "d", 8), merge("k", "c", 6), merge("k", "b", 5), value("k", "a", 2)];
        let text = "a run lies in one stripe: what a snapshot sees stays";
        let (top, below) = (merge("k", "cd", 8), value("k", "ab", 5));
        assert_flushes(&rows, &[5], &[top.clone(), below.clone()], text);
        assert_flushes(&rows, &[7], &[merge("k", "d", 8), value("k", "abc", 6)], text);
        let three = [top, merge("k", "b", 5), value("k", "a", 2)];
        assert_flushes(&rows, &[2, 5], &three, text);
        assert_flushes(&rows, &[1, 8, 20], &[value("k", "abcd", 8)], text);
    }

    #[test]
    fn a_base_in_an_older_stripe_is_not_used_up() {
        for older in [value("k", "a", 3), RowEntry::new_tombstone("k", 3)] {
            let rows = [merge("k", "c", 9), merge("k", "b", 7), older.clone()];
            let text = "the base is of the same stripe: a snapshot at 3 still needs the older row";
            assert_flushes(&rows, &[3], &[merge("k", "bc", 9), older], text);
        }
    }

    #[test]
    fn the_end_stays_the_end() {
        let mut rows = at_flush(&example(), &[]);
        while rows.next().expect("nothing fails").is_some() {}
        for _ in 0..3 {
            let rule = rule("6.6", "at the end, next returns None, however often it is called");
            assert_eq!(rows.next().expect("nothing fails"), None, "{rule}");
        }
        assert_eq!(read(at_flush(&[], &[])).expect("nothing fails"), [], "no row at all");
    }

    #[test]
    fn no_row_is_read_before_it_is_needed() {
        let (rows, asked) = Counted::new(&example());
        let mut rows = MergeOperatorIterator::new(rows, Join::new(), Vec::new());
        let rule = rule("6.6", "no row is read behind a base, or behind a row that passes");
        assert_eq!(asked.load(Ordering::Relaxed), 0, "before the first call{rule}");
        for (most, what) in [(3, "two operands and their base"), (4, "a value that passes")] {
            rows.next().expect("nothing fails");
            let count = asked.load(Ordering::Relaxed);
            assert!(count <= most, "{count} rows were read for {what}, expected {most}{rule}");
        }
    }

    #[test]
    fn no_row_is_read_behind_one_that_passes() {
        let rule = rule("6.6", "a row that passes comes out before the next one is read");
        for passing in [value("a", "1", 9), RowEntry::new_tombstone("a", 9)] {
            let rows = [passing, merge("b", "2", 1)];
            let (source, asked) = Counted::new(&rows);
            let mut flushed = MergeOperatorIterator::new(source, Join::new(), Vec::new());
            flushed.next().expect("nothing fails");
            let count = asked.load(Ordering::Relaxed);
            assert_eq!(count, 1, "calls of the source for {:?}, at a flush{rule}", rows[0]);
            let (source, asked) = Counted::new(&rows);
            let mut read = MergeOperatorIterator::for_reads(source, Join::new());
            read.next().expect("nothing fails");
            let count = asked.load(Ordering::Relaxed);
            assert_eq!(count, 1, "calls of the source for {:?}, at a read{rule}", rows[0]);
        }
    }

    #[test]
    fn hidden_operands_are_never_merged() {
        let join = Join::new();
        let rows = vec![
            value("a", "now", 9),
            merge("a", "x", 8),
            value("a", "then", 1),
            RowEntry::new_tombstone("b", 7),
            merge("b", "y", 6),
            merge("b", "z", 5),
        ];
        let rows = RetentionIterator::new(VecIterator::new(rows), Vec::new());
        let rows = MergeOperatorIterator::for_reads(rows, join.clone());
        let found: Vec<_> = DbIterator::new(rows).map(|found| found.expect("no failure")).collect();
        let keys: Vec<_> = found.iter().map(|found| (&found.key[..], &found.value[..])).collect();
        assert_eq!(keys, [(&b"a"[..], &b"now"[..])], "a has a newer value, b is deleted");
        let rule = rule("6.6", "what nobody sees is not merged");
        assert_eq!(join.calls(), [], "calls for values and hidden operands{rule}");
    }

    #[test]
    fn a_long_run_costs_a_call_when_there_is_no_room_and_one_at_the_end() {
        let join = Join::new();
        let rows = (1..=1000).rev().map(|seq| RowEntry::new_merge("k", format!("{seq};"), seq));
        let rows = VecIterator::new(rows.chain([value("k", "0;", 0)]).collect());
        let rows = MergeOperatorIterator::new(rows, join.clone(), Vec::new());
        let found = read(rows).expect("nothing fails");
        let expected = RowEntry::new_value("k", numbered(1001).concat(), 1000);
        assert_eq!(found, [expected], "a thousand operands over a value");
        assert_calls(&join, 1000, Some("0;"), "6.6");
    }

    /// Operands of one key, made when they are asked for.
    #[derive(Debug)]
    struct Long {
        left: u64,
        census: Arc<Census>,
    }

    impl RowEntryIterator for Long {
        fn next(&mut self) -> Result<Option<RowEntry>> {
            let operand = self.census.operand(b".".to_vec());
            let row = RowEntry::new_merge("k", operand, self.left);
            self.left = self.left.saturating_sub(1);
            Ok((row.seq > 0).then_some(row))
        }

        fn seek(&mut self, _key: &[u8]) -> Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_hundred_thousand_operands_need_no_more_memory_than_a_batch() {
        let census = Arc::new(Census::default());
        let rows = Long { left: 100_000, census: Arc::clone(&census) };
        let join = Arc::new(CensusJoin { census: Arc::clone(&census) });
        let found = read(MergeOperatorIterator::for_reads(rows, join)).expect("no failure");
        assert_eq!(ids(&found), [(b"k".to_vec(), 100_000)], "one row of one run");
        assert_eq!(found[0].value.len(), 100_000, "every operand counts once");
        let (held, rule) = (census.most(), rule("6.6", "memory is bounded by the batch"));
        assert!(held <= MOST_ALIVE, "{held} operands and results were alive at once{rule}");
    }

    #[test]
    fn an_operator_that_fails_is_an_error_with_the_key() {
        let rows = VecIterator::new(example());
        let mut rows = MergeOperatorIterator::new(rows, Join::failing_at(0), Vec::new());
        assert_failed(&rows.next().expect_err("the operator fails"), "apple", "6.6");
    }

    fn kind(row: &RowEntry) -> &'static str {
        match row.value {
            ValueDeletable::Value(_) => "a value",
            ValueDeletable::Merge(_) => "an operand",
            ValueDeletable::Tombstone => "a tombstone",
        }
    }

    #[test]
    fn a_failure_of_the_operator_loses_and_doubles_nothing() {
        for operands in [1, 3, 99, 100, 101, 250] {
            let run = (2..operands + 2).rev();
            let run = run.map(|seq| RowEntry::new_merge("k", format!("{seq};"), seq));
            let ends = [
                ("over a value", vec![value("k", "1;", 1)]),
                ("over a tombstone", vec![RowEntry::new_tombstone("k", 1)]),
                ("before another key", vec![merge("z", "z", 1)]),
                ("with nothing below", vec![]),
            ];
            for (where_it_ends, end) in ends {
                let rows: Vec<_> = run.clone().chain(end).collect();
                let expected = merged_slowly(&rows, &[], false);
                for failing in 0..6 {
                    let join = Join::failing_at(failing);
                    let stream = VecIterator::new(rows.clone());
                    let mut stream = MergeOperatorIterator::new(stream, join, Vec::new());
                    let found = rest(&mut stream);
                    let rule = rule("6.6", "a call that fails has not moved the stream");
                    let what =
                        format!("a run of {operands} {where_it_ends}, call {failing} fails{rule}");
                    testkit::assert_ids(&ids(&found), &ids(&expected), &what);
                    let bytes = |row: &RowEntry| row.value.as_bytes().cloned().unwrap_or_default();
                    testkit::assert_bytes(&bytes(&found[0]), &bytes(&expected[0]), &what);
                    let (came, wanted) = (kind(&found[0]), kind(&expected[0]));
                    assert!(found == expected, "it became {came}, expected {wanted}: {what}");
                }
            }
        }
    }

    #[test]
    fn a_failure_of_the_source_loses_and_doubles_nothing() {
        for boundaries in [vec![], vec![5], vec![6, 8]] {
            let expected = merged_slowly(&example(), &boundaries, false);
            for failing in 0..=example().len() {
                let source = Failing::at_call(&example(), failing);
                let boundaries = boundaries.clone();
                let mut rows = MergeOperatorIterator::new(source, Join::new(), boundaries);
                let found = rest(&mut rows);
                let rule = rule("6.6", "a failing source loses nothing of a run half read");
                assert_eq!(found, expected, "row {failing} fails at first{rule}");
            }
        }
    }

    #[test]
    fn a_failure_of_the_source_reaches_the_caller() {
        let source = Failing::at_call(&example(), 1);
        let mut rows = MergeOperatorIterator::new(source, Join::new(), Vec::new());
        let found = rows.next();
        let rule = rule("6.6", "half a run is not a result");
        assert!(matches!(found, Err(Error::NotFound { .. })), "found {found:?}{rule}");
    }

    proptest! {
        #![proptest_config(testkit::config(96))]

        #[test]
        fn any_rows_are_merged_as_the_slow_way_does(
            rows in any_history(), boundaries in any_boundaries(),
        ) {
            let kept = retained(&rows, &boundaries);
            let found = rest(&mut at_flush(&kept, &boundaries));
            let rule = rule("6.6", "one row of each run, and each other row as it is");
            prop_assert_eq!(found, merged_slowly(&rows, &boundaries, false), "{}", rule);
        }

        #[test]
        fn every_snapshot_sees_what_it_saw(
            rows in any_history(), boundaries in any_boundaries(),
        ) {
            let found = rest(&mut at_flush(&retained(&rows, &boundaries), &boundaries));
            for max_seq in boundaries.into_iter().chain([u64::MAX]) {
                let rule = rule("6.6", "no snapshot sees a run's operands in part");
                let (now, before) = (seen(&found, max_seq), seen(&rows, max_seq));
                prop_assert_eq!(now, before, "at {}{}", max_seq, rule);
            }
        }

        #[test]
        fn a_read_gives_each_key_its_merged_value(rows in any_history(), max_seq in 0..42_u64) {
            let visible = SnapshotIterator::new(VecIterator::new(rows.clone()), max_seq);
            let retained = RetentionIterator::new(visible, Vec::new());
            let merged = MergeOperatorIterator::for_reads(retained, Join::new());
            let found: BTreeMap<_, _> = DbIterator::new(merged)
                .map(|found| found.expect("nothing fails"))
                .map(|found| (found.key, found.value))
                .collect();
            let rule = rule("6.6", "a read merges what is visible, and all of it");
            prop_assert_eq!(found, seen(&rows, max_seq), "at {}{}", max_seq, rule);
        }

        #[test]
        fn failures_anywhere_change_nothing(rows in any_history(), boundaries in any_boundaries()) {
            let kept = retained(&rows, &boundaries);
            let source = Failing::at_every_other(&kept);
            let mut stream = MergeOperatorIterator::new(source, Join::failing_at(1), boundaries.clone());
            let rule = rule("6.6", "a call that fails has not moved the stream");
            let expected = merged_slowly(&rows, &boundaries, false);
            prop_assert_eq!(rest(&mut stream), expected, "{}", rule);
        }
    }

    /// The same, in the whole database.
    mod in_the_database {
        use week6::merge::ConcatMergeOperator;
        use week6::object_store::MemoryObjectStore;
        use week6::storage::MemoryWalStore;
        use week6::{Db, WriteBatch};

        use super::*;

        /// Joins, unless it is told to fail.
        #[derive(Debug, Default)]
        struct Moody {
            fails: std::sync::atomic::AtomicBool,
        }

        /// What is left of a database when it is dropped.
        #[derive(Default)]
        struct Disks {
            objects: Arc<MemoryObjectStore>,
            wal: MemoryWalStore,
        }

        impl Disks {
            fn open(&self, operator: Option<Arc<dyn MergeOperator>>) -> Db {
                let mut builder = Db::builder("in memory")
                    .with_object_store(self.objects.clone())
                    .with_wal_store(Arc::new(self.wal.clone()));
                if let Some(operator) = operator {
                    builder = builder.with_merge_operator(operator);
                }
                builder.build().unwrap()
            }

            fn open_joining(&self) -> Db {
                self.open(Some(Arc::new(ConcatMergeOperator::with_separator(","))))
            }
        }

        impl MergeOperator for Moody {
            fn merge(
                &self,
                _key: &[u8],
                existing: Option<&[u8]>,
                operand: &[u8],
            ) -> Result<Bytes, MergeOperatorError> {
                if self.fails.load(Ordering::Relaxed) {
                    return Err(MergeOperatorError::callback("not today"));
                }
                Ok([existing.unwrap_or_default(), operand].concat().into())
            }
        }

        fn get(db: &Db, key: &str) -> Option<String> {
            db.get(key).unwrap().map(|value| String::from_utf8_lossy(&value).into_owned())
        }

        fn scan(db: &Db) -> Vec<(String, String)> {
            let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
            db.scan(..)
                .unwrap()
                .map(|it| it.unwrap())
                .map(|it| (text(&it.key), text(&it.value)))
                .collect()
        }

        fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
            pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
        }

        #[test]
        fn operands_in_every_place_are_merged() {
            let disks = Disks::default();
            let db = disks.open_joining();
            let rule =
                rule("6.6", "a read merges the operands of a key from every place, oldest first");
            db.put("list", "a").unwrap();
            db.flush().unwrap();
            db.merge("list", "b").unwrap();
            db.merge("new", "x").unwrap();
            db.flush().unwrap();
            db.merge("list", "c").unwrap();
            db.merge("list", "d").unwrap();
            assert_eq!(get(&db, "list").as_deref(), Some("a,b,c,d"), "{rule}");
            assert_eq!(get(&db, "new").as_deref(), Some("x"), "an operand alone is a value{rule}");
            assert_eq!(scan(&db), pairs(&[("list", "a,b,c,d"), ("new", "x")]), "{rule}");
            db.flush().unwrap();
            drop(db);
            let db = disks.open_joining();
            assert_eq!(
                scan(&db),
                pairs(&[("list", "a,b,c,d"), ("new", "x")]),
                "opened again{rule}"
            );
        }

        #[test]
        fn nothing_behind_a_delete_or_a_value_is_merged() {
            let db = Disks::default().open_joining();
            let rule =
                rule("6.6", "a tombstone or a value is the base: what is older does not count");
            db.merge("list", "a").unwrap();
            db.delete("list").unwrap();
            db.flush().unwrap();
            assert_eq!(get(&db, "list"), None, "{rule}");
            db.merge("list", "b").unwrap();
            assert_eq!(get(&db, "list").as_deref(), Some("b"), "{rule}");
            db.put("list", "c").unwrap();
            db.merge("list", "d").unwrap();
            db.flush().unwrap();
            assert_eq!(get(&db, "list").as_deref(), Some("c,d"), "{rule}");
            db.delete("list").unwrap();
            assert_eq!(scan(&db), [], "{rule}");
        }

        #[test]
        fn a_batch_merges_in_its_order() {
            let db = Disks::default().open_joining();
            let mut batch = WriteBatch::new();
            batch.merge("list", "a");
            batch.put("list", "b");
            batch.merge("list", "c");
            batch.merge("list", "d");
            batch.merge("other", "x");
            db.write(batch).unwrap();
            let rule = rule("6.6", "operands apply in the order in which they were written");
            assert_eq!(scan(&db), pairs(&[("list", "b,c,d"), ("other", "x")]), "{rule}");
        }

        #[test]
        fn a_flush_merges_what_it_writes() {
            let db = Disks::default().open_joining();
            for number in 0..500 {
                db.merge("list", number.to_string()).unwrap();
            }
            db.flush().unwrap();
            let rule = rule("6.6", "a flush merges a run of operands into one row");
            assert_eq!(db.stats().unwrap().sst_rows, 1, "{rule}");
            let expected: Vec<String> = (0..500).map(|number| number.to_string()).collect();
            assert_eq!(get(&db, "list"), Some(expected.join(",")), "{rule}");
        }

        #[test]
        fn a_snapshot_sees_the_operands_that_were_there() {
            let db = Disks::default().open_joining();
            db.merge("list", "a").unwrap();
            db.merge("list", "b").unwrap();
            let early = db.snapshot().unwrap();
            db.merge("list", "c").unwrap();
            let late = db.snapshot().unwrap();
            db.merge("list", "d").unwrap();
            let rule = rule("6.6", "a flush does not merge operands across an open snapshot");
            for when in ["before the flush", "after it"] {
                let seen = [&early, &late].map(|snapshot| snapshot.get("list").unwrap().unwrap());
                assert_eq!(seen, ["a,b", "a,b,c"], "{when}{rule}");
                assert_eq!(get(&db, "list").as_deref(), Some("a,b,c,d"), "{when}{rule}");
                db.flush().unwrap();
            }
        }

        #[test]
        fn without_an_operator_a_merge_is_an_error() {
            let disks = Disks::default();
            let db = disks.open(None);
            let mut batch = WriteBatch::new();
            batch.put("fig", "blue");
            batch.merge("list", "a");
            let rule =
                rule("6.6", "an operand that nobody can apply is refused, with all of its batch");
            for result in [db.merge("list", "a"), db.write(batch)] {
                let error = result.unwrap_err();
                let Error::MergeOperatorMissing { key } = &error else { panic!("{error}{rule}") };
                assert_eq!(key, "list", "{rule}");
            }
            assert_eq!(scan(&db), [], "{rule}");
            drop(db);
            let db = disks.open_joining();
            db.merge("list", "a").unwrap();
            assert_eq!(scan(&db), pairs(&[("list", "a")]), "{rule}");
        }

        #[test]
        fn operands_wait_until_the_operator_is_there() {
            let disks = Disks::default();
            let db = disks.open_joining();
            db.put("list", "a").unwrap();
            db.merge("list", "b").unwrap();
            db.put("fig", "blue").unwrap();
            drop(db);
            let db = disks.open(None);
            let rule = rule(
                "6.6",
                "without the operator, a key with operands is an error, and others are not",
            );
            assert!(matches!(db.get("list"), Err(Error::MergeOperatorMissing { .. })), "{rule}");
            assert_eq!(get(&db, "fig").as_deref(), Some("blue"), "{rule}");
            db.flush().unwrap();
            assert!(
                matches!(db.get("list"), Err(Error::MergeOperatorMissing { .. })),
                "flushed{rule}"
            );
            drop(db);
            let db = disks.open_joining();
            let rule = testkit::rule("6.6", "a flush without the operator keeps the operands");
            assert_eq!(get(&db, "list").as_deref(), Some("a,b"), "{rule}");
        }

        #[test]
        fn an_operator_that_fails_harms_nothing() {
            let operator = Arc::new(Moody::default());
            let disks = Disks::default();
            let db = disks.open(Some(operator.clone()));
            db.put("fig", "blue").unwrap();
            db.put("list", "a").unwrap();
            db.merge("list", "b").unwrap();
            operator.fails.store(true, Ordering::Relaxed);
            let rule = rule("6.6", "the error reaches whoever reads the key, and nobody else");
            for when in ["before a flush", "after it"] {
                let error = db.get("list").unwrap_err();
                let Error::MergeFailed { key, .. } = &error else {
                    panic!("{when}: {error}{rule}")
                };
                assert_eq!(key, "list", "{rule}");
                assert_eq!(get(&db, "fig").as_deref(), Some("blue"), "{when}{rule}");
                let found: Vec<bool> = db.scan(..).unwrap().map(|found| found.is_ok()).collect();
                assert_eq!(found, [true, false], "{when}: a scan ends with the error{rule}");
                let flushed = db.flush();
                assert!(flushed.is_ok(), "{when}: {flushed:?}{rule}");
            }
            operator.fails.store(false, Ordering::Relaxed);
            let rule = testkit::rule("6.6", "a flush keeps operands that could not be merged");
            assert_eq!(get(&db, "list").as_deref(), Some("ab"), "{rule}");
            db.merge("list", "c").unwrap();
            assert_eq!(get(&db, "list").as_deref(), Some("abc"), "{rule}");
        }
    }
}

mod task_6_7 {
    use super::*;

    #[track_caller]
    fn assert_contract(rows: &[RowEntry], boundaries: &[u64], what: &str) {
        let expected = ids(&merged_slowly(rows, boundaries, false));
        let stream = Stream {
            make: &|| at_flush(&retained(rows, boundaries), boundaries),
            next: &|stream| {
                let row = stream.next().expect("nothing fails");
                row.map(|row| (row.key.to_vec(), row.seq))
            },
            seek: &|stream, key| stream.seek(key).expect("nothing fails"),
        };
        stream.assert_seeks(&expected, what);
    }

    #[test]
    fn seek_keeps_the_contract_from_everywhere_to_everywhere() {
        for boundaries in [vec![], vec![5], vec![6, 8]] {
            let rule = rule("6.7", "the contract of RowEntryIterator");
            assert_contract(&example(), &boundaries, &format!("snapshots {boundaries:?}{rule}"));
        }
    }

    #[test]
    fn a_row_that_was_looked_at_does_not_come_out_in_front_of_the_key() {
        let rows = [merge("a", "1", 4), merge("b", "2", 3), value("c", "3", 2), value("d", "4", 1)];
        for (key, first) in [("b", 1), ("c", 2), ("d", 3)] {
            // To end the run of a, b has to be looked at.
            let mut stream = at_flush(&rows, &[]);
            stream.next().expect("nothing fails");
            stream.seek(key.as_bytes()).expect("nothing fails");
            let rule =
                rule("6.7", "no row in front of the key comes out, and none behind it is lost");
            assert_eq!(rest(&mut stream), rows[first..], "a, then seek({key}){rule}");
        }
    }

    #[test]
    fn seek_jumps_without_reading() {
        let (rows, asked) = Counted::new(&example());
        let mut rows = MergeOperatorIterator::new(rows, Join::new(), Vec::new());
        rows.seek(b"kiwi").expect("nothing fails");
        let rule = rule("6.7", "seek jumps to a key and reads nothing: next does");
        let count = asked.load(Ordering::Relaxed);
        assert_eq!(count, 0, "rows that were read for seek(kiwi){rule}");
        rows.next().expect("nothing fails");
        let count = asked.load(Ordering::Relaxed);
        assert_eq!(count, 3, "rows that were read for seek(kiwi) and next{rule}");
    }

    #[test]
    fn a_run_that_fails_can_be_passed_over() {
        for key in ["b", "fig"] {
            let rows = VecIterator::new(example());
            let mut rows = MergeOperatorIterator::new(rows, Join::failing_at(0), Vec::new());
            assert_failed(&rows.next().expect_err("the operator fails"), "apple", "6.7");
            rows.seek(key.as_bytes()).expect("nothing fails");
            let expected = &merged_slowly(&example(), &[], false)[1..];
            let rule = rule("6.7", "a run in front of the key is dropped, though it was read");
            assert_eq!(rest(&mut rows), expected, "apple fails, then seek({key}){rule}");
        }
    }

    #[test]
    fn a_run_that_failed_stays_if_the_key_is_not_behind_it() {
        for key in ["", "a", "apple"] {
            let rows = VecIterator::new(example());
            let mut rows = MergeOperatorIterator::new(rows, Join::failing_at(0), Vec::new());
            assert_failed(&rows.next().expect_err("the operator fails"), "apple", "6.7");
            rows.seek(key.as_bytes()).expect("nothing fails");
            let expected = merged_slowly(&example(), &[], false);
            let rule = rule("6.7", "if the stream is there already, nothing happens");
            assert_eq!(rest(&mut rows), expected, "apple fails, then seek({key}){rule}");
        }
    }

    #[test]
    fn a_run_half_read_is_kept_or_dropped_as_a_whole() {
        // A seek in the middle of each run, when the source has failed after 0, 1, 2, … rows.
        for failing in 0..example().len() {
            for key in ["apple", "b", "fig", "kiwi", "l", "pear", "z"] {
                let source = Failing::at_call(&example(), failing);
                let mut rows = MergeOperatorIterator::new(source, Join::new(), Vec::new());
                let mut before = Vec::new();
                while let Ok(Some(row)) = rows.next() {
                    before.push(row);
                }
                rows.seek(key.as_bytes()).expect("the source fails once only");
                let all = merged_slowly(&example(), &[], false);
                let first = all.partition_point(|row| row.key < key.as_bytes()).max(before.len());
                let rule = rule("6.7", "no operand of a run half read is lost or left over");
                let what = format!("row {failing} fails, then seek({key}){rule}");
                assert_eq!(rest(&mut rows), all[first..], "{what}");
            }
        }
    }

    #[test]
    fn a_seek_that_fails_has_not_moved_the_stream() {
        let all = merged_slowly(&example(), &[], false);
        // The call of the source that fails is the seek: before it, no row was read, or the apples.
        for (read, operator_fails) in [(0, false), (3, false), (3, true)] {
            let join = if operator_fails { Join::failing_at(0) } else { Join::new() };
            let source = Failing::at_call(&example(), read);
            let mut rows = MergeOperatorIterator::new(source, join, Vec::new());
            let came_out = read > 0 && rows.next().is_ok();
            let failed = rows.seek(b"pear").is_err();
            let expected = if failed { &all[usize::from(came_out)..] } else { &all[3..] };
            let rule = rule("6.7", "a seek that fails has not moved the stream");
            let what = format!("{read} rows read, operator failed: {operator_fails}");
            assert_eq!(rest(&mut rows), expected, "{what}, seek failed: {failed}{rule}");
        }
    }

    #[test]
    fn of_two_seeks_the_farther_counts() {
        for keys in [["fig", "kiwi"], ["kiwi", "fig"], ["kiwi", "kiwi"]] {
            let mut rows = at_flush(&example(), &[]);
            for key in keys {
                rows.seek(key.as_bytes()).expect("nothing fails");
            }
            let row = rows.next().expect("nothing fails");
            let rule = rule("6.7", "seek moves forward or not at all");
            assert_eq!(row, Some(value("kiwi", "yz", 8)), "seeks to {keys:?}{rule}");
        }
    }

    proptest! {
        #![proptest_config(testkit::config(32))]

        #[test]
        fn any_rows_keep_the_contract(rows in any_history(), boundaries in any_boundaries()) {
            assert_contract(&rows, &boundaries, &rule("6.7", "the contract of RowEntryIterator"));
        }

        #[test]
        fn any_calls_that_fail_and_seeks_between_them_lose_nothing(
            rows in any_history(), boundaries in any_boundaries(),
            seeks in prop::collection::vec((0..6_usize, any_key()), 1..4),
        ) {
            let source = Failing::at_every_other(&retained(&rows, &boundaries));
            let mut stream = MergeOperatorIterator::new(source, Join::failing_at(2), boundaries.clone());
            let mut left = &merged_slowly(&rows, &boundaries, false)[..];
            let rule = rule("6.7", "a call that fails can be repeated, and no row is lost");
            for (calls, key) in seeks {
                for _ in 0..calls {
                    if let Ok(Some(row)) = stream.next() {
                        prop_assert_eq!(Some(&row), left.first(), "{}", rule);
                        left = &left[1..];
                    }
                }
                persist(|| stream.seek(key.as_bytes()));
                left = &left[left.partition_point(|row| row.key < key.as_bytes())..];
            }
            prop_assert_eq!(rest(&mut stream), left, "{}", rule);
        }
    }
}
