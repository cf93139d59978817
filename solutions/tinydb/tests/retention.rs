//! The streams of `iter/` that no exercise is about: `RetentionIterator` and `PeekingIterator`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use proptest::prelude::*;
use testkit::{Id, RowKind, RowSpec, Stream};
use tinydb::format::{RowEntry, ValueDeletable};
use tinydb::iter::{PeekingIterator, RetentionIterator, RowEntryIterator, VecIterator, stripe_of};
use tinydb::{Error, Result};

fn row((key, kind, seq): RowSpec) -> RowEntry {
    match kind {
        RowKind::Value(value) => RowEntry::new_value(key, value, seq),
        RowKind::Merge(operand) => RowEntry::new_merge(key, operand, seq),
        RowKind::Tombstone => RowEntry::new_tombstone(key, seq),
    }
}

fn ids(rows: &[RowEntry]) -> Vec<Id> {
    rows.iter().map(|row| (row.key.to_vec(), row.seq)).collect()
}

fn read(mut rows: impl RowEntryIterator) -> Result<Vec<RowEntry>> {
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(row);
    }
    Ok(found)
}

fn retained(rows: &[RowEntry], boundaries: &[u64]) -> Vec<RowEntry> {
    let rows = VecIterator::new(rows.to_vec());
    read(RetentionIterator::new(rows, boundaries.to_vec())).expect("a vector does not fail")
}

/// What the rows say at one snapshot: of each key, from the newest visible row to the first that is
/// no operand.
fn seen(rows: &[RowEntry], max_seq: u64) -> BTreeMap<Bytes, Vec<ValueDeletable>> {
    let mut seen: BTreeMap<Bytes, Vec<ValueDeletable>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.seq <= max_seq) {
        let said = seen.entry(row.key.clone()).or_default();
        if said.last().is_none_or(|last| matches!(last, ValueDeletable::Merge(_))) {
            said.push(row.value.clone());
        }
    }
    seen
}

fn hides(row: &RowEntry) -> bool {
    !matches!(row.value, ValueDeletable::Merge(_))
}

/// The rows of one key: value 1, operand 2, tombstone 4, operand 5, value 7, operand 8.
fn history() -> Vec<RowEntry> {
    vec![
        RowEntry::new_merge("k", "+8", 8),
        RowEntry::new_value("k", "7", 7),
        RowEntry::new_merge("k", "+5", 5),
        RowEntry::new_tombstone("k", 4),
        RowEntry::new_merge("k", "+2", 2),
        RowEntry::new_value("k", "1", 1),
    ]
}

#[test]
fn a_boundary_is_the_last_of_its_stripe() {
    let stripes = [0, 1, 4, 5, 6, 7, u64::MAX].map(|seq| stripe_of(&[4, 6], seq));
    assert_eq!(stripes, [0, 0, 0, 1, 1, 2, 2], "stripes of 0, 1, 4, 5, 6, 7 and the last");
    assert_eq!(stripe_of(&[], 9), 0, "without a snapshot there is one stripe");
}

#[test]
fn what_each_snapshot_needs_stays() {
    for (boundaries, expected) in [
        (vec![], vec![8, 7]),
        (vec![8], vec![8, 7]),
        (vec![7], vec![8, 7]),
        (vec![6], vec![8, 7, 5, 4]),
        (vec![5], vec![8, 7, 5, 4]),
        (vec![4], vec![8, 7, 4]),
        (vec![3], vec![8, 7, 2, 1]),
        (vec![1, 2, 5], vec![8, 7, 5, 4, 2, 1]),
        (vec![0], vec![8, 7]),
    ] {
        let found: Vec<_> =
            retained(&history(), &boundaries).into_iter().map(|row| row.seq).collect();
        assert_eq!(found, expected, "with snapshots at {boundaries:?}");
    }
}

#[test]
fn a_key_does_not_hide_the_next() {
    let rows = ["a", "b"].map(|key| RowEntry::new_value(key, "v", 1)).to_vec();
    assert_eq!(retained(&rows, &[]), rows, "one row of each key");
}

#[test]
fn a_peek_at_the_end_reads_once_and_a_seek_changes_nothing_there() {
    // Call 0 of the source fails, call 1 reads the end, call 2 would fail.
    let mut peeking = PeekingIterator::new(Flaky::new(&[]));
    assert!(peeking.peek().is_err(), "the first call fails");
    for _ in 0..2 {
        assert_eq!(peeking.peek().expect("the end is known"), None);
        peeking.seek(b"a").expect("there is nothing to seek");
    }
    assert_eq!(peeking.next().expect("the end is known"), None);
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
        let path = "a block that comes back".to_owned();
        if self.fails { Err(Error::NotFound { path }) } else { Ok(()) }
    }
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

/// Reads a stream whose calls fail now and then, repeating each until it works.
fn persist(mut rows: impl RowEntryIterator) -> Vec<RowEntry> {
    let mut found = Vec::new();
    loop {
        match rows.next() {
            Ok(Some(row)) => found.push(row),
            Ok(None) => return found,
            Err(_) => {}
        }
    }
}

#[test]
fn failures_pass_through_and_lose_nothing() {
    for boundaries in [vec![], vec![3], vec![2, 4]] {
        let found = persist(RetentionIterator::new(Flaky::new(&history()), boundaries.clone()));
        assert_eq!(found, retained(&history(), &boundaries), "with snapshots at {boundaries:?}");
    }
    assert_eq!(persist(PeekingIterator::new(Flaky::new(&history()))), history(), "peeking");
}

#[test]
fn a_failing_peek_or_seek_has_not_moved_the_stream() {
    let rows = ["a", "b", "c"].map(|key| RowEntry::new_value(key, "v", 1)).to_vec();
    let mut peeking = PeekingIterator::new(Flaky::new(&rows));
    assert!(peeking.peek().is_err(), "the first call fails");
    assert_eq!(peeking.peek().expect("the second works"), Some(&rows[0]));
    assert!(peeking.seek(b"c").is_err(), "the third fails");
    assert_eq!(peeking.peek().expect("it is there already"), Some(&rows[0]));
    peeking.seek(b"c").expect("the fourth works");
    assert!(peeking.peek().is_err(), "the fifth fails");
    assert_eq!(peeking.next().expect("the sixth works"), Some(rows[2].clone()));
}

#[test]
fn a_peeked_row_is_taken_once() {
    let rows = ["a", "b"].map(|key| RowEntry::new_value(key, "v", 1)).to_vec();
    let mut peeking = PeekingIterator::new(VecIterator::new(rows.clone()));
    assert_eq!(peeking.take_peeked(), None, "nothing was looked at");
    assert_eq!(peeking.peek().expect("a vector does not fail"), Some(&rows[0]));
    assert_eq!(peeking.peek().expect("a vector does not fail"), Some(&rows[0]));
    assert_eq!(peeking.take_peeked(), Some(rows[0].clone()));
    assert_eq!(peeking.take_peeked(), None, "it was taken");
    assert_eq!(peeking.next().expect("a vector does not fail"), Some(rows[1].clone()));
    assert_eq!(peeking.peek().expect("a vector does not fail"), None, "the end");
}

#[test]
fn a_boxed_stream_is_a_stream() {
    let rows = ["a", "b", "c"].map(|key| RowEntry::new_value(key, "v", 1)).to_vec();
    let boxed: Box<dyn RowEntryIterator> = Box::new(VecIterator::new(rows.clone()));
    let mut stream = RetentionIterator::new(boxed, vec![]);
    stream.seek(b"b").expect("a vector does not fail");
    assert_eq!(read(stream).expect("a vector does not fail"), rows[1..]);
}

fn assert_contract<I: RowEntryIterator>(make: &dyn Fn() -> I, expected: &[RowEntry], what: &str) {
    let stream = Stream {
        make,
        next: &|rows| {
            let row = rows.next().expect("a vector does not fail");
            row.map(|row| (row.key.to_vec(), row.seq))
        },
        seek: &|rows, key| rows.seek(key).expect("a vector does not fail"),
    };
    stream.assert_seeks(&ids(expected), what);
}

fn any_boundaries() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::btree_set(0..22_u64, 0..4).prop_map(|set| set.into_iter().collect())
}

proptest! {
    #![proptest_config(testkit::config(256))]

    #[test]
    fn every_snapshot_sees_what_it_saw_and_nothing_else_stays(
        specs in testkit::any_rows(30), boundaries in any_boundaries(),
    ) {
        let rows: Vec<_> = specs.into_iter().map(row).collect();
        let found = retained(&rows, &boundaries);
        for max_seq in boundaries.iter().copied().chain([u64::MAX]) {
            prop_assert_eq!(seen(&found, max_seq), seen(&rows, max_seq), "at {}", max_seq);
        }
        let kept: BTreeSet<_> = ids(&found).into_iter().collect();
        for (at, row) in rows.iter().enumerate() {
            let stripe = |row: &RowEntry| stripe_of(&boundaries, row.seq);
            let hidden = rows[..at].iter().any(|newer| {
                newer.key == row.key && stripe(newer) == stripe(row) && hides(newer)
            });
            let kept = kept.contains(&(row.key.to_vec(), row.seq));
            prop_assert_eq!(kept, !hidden, "row {:?}", row);
        }
        prop_assert!(found.iter().all(|row| rows.contains(row)), "no row is made up or changed");
    }

    #[test]
    fn the_contract_of_a_stream_is_kept(
        specs in testkit::any_rows(6), boundaries in any_boundaries(),
    ) {
        let rows: Vec<_> = specs.into_iter().map(row).collect();
        let vec = || VecIterator::new(rows.clone());
        assert_contract(
            &|| RetentionIterator::new(vec(), boundaries.clone()),
            &retained(&rows, &boundaries),
            "retained rows",
        );
        assert_contract(&|| PeekingIterator::new(vec()), &rows, "a stream not looked at");
        let looked_at = || {
            let mut rows = PeekingIterator::new(vec());
            rows.peek().expect("a vector does not fail");
            rows
        };
        assert_contract(&looked_at, &rows, "a stream whose first row was looked at");
    }
}
