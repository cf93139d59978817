//! `assert_merge_law` lets operators through that keep the law, and catches those that break it.

use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};
use std::sync::{Arc, Mutex};

use testkit::{MergeBatch, assert_merge_law};

/// Checks an operator whose `merge` is its `merge_batch` with one operand.
#[track_caller]
fn assert_law(merge_batch: &MergeBatch<'_>, samples: &[Vec<u8>], what: &str) {
    let merge =
        |existing: Option<&[u8]>, operand: &[u8]| merge_batch(existing, &[operand.to_vec()]);
    assert_merge_law(&merge, merge_batch, samples, what);
}

fn number(bytes: &[u8]) -> i64 {
    std::str::from_utf8(bytes).expect("a number").parse().expect("a number")
}

/// An operator on numbers, from what it does to two of them.
fn fold(merge: impl Fn(i64, i64) -> i64) -> impl Fn(Option<&[u8]>, &[Vec<u8>]) -> Vec<u8> {
    move |existing, operands| {
        let numbers = existing.into_iter().chain(operands.iter().map(|operand| &operand[..]));
        let merged = numbers.map(number).reduce(&merge).expect("a value or an operand");
        merged.to_string().into_bytes()
    }
}

fn join(parts: Vec<&[u8]>, skip_empty: bool) -> Vec<u8> {
    let mut joined: Vec<u8> = Vec::new();
    for (at, part) in parts.into_iter().enumerate() {
        if at > 0 && !(skip_empty && joined.is_empty()) {
            joined.push(b',');
        }
        joined.extend(part);
    }
    joined
}

fn parts<'a>(existing: Option<&'a [u8]>, operands: &'a [Vec<u8>]) -> Vec<&'a [u8]> {
    existing.into_iter().chain(operands.iter().map(|operand| &operand[..])).collect()
}

fn numbers() -> Vec<Vec<u8>> {
    ["0", "7", "-3", "9223372036854775807"].map(Vec::from).to_vec()
}

fn words() -> Vec<Vec<u8>> {
    ["", "a", "b", ","].map(Vec::from).to_vec()
}

/// What the check says about an operator, if it finds something.
fn found(check: impl FnOnce()) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(check)).err()?;
    Some(panic.downcast_ref::<String>().cloned().unwrap_or_default())
}

#[test]
fn operators_that_keep_the_law_pass() {
    assert_law(&fold(i64::wrapping_add), &numbers(), "wrapping addition");
    assert_law(&fold(i64::max), &numbers(), "the maximum");
    assert_law(&fold(|_, newer| newer), &numbers(), "the last");
    assert_law(&fold(|older, _| older), &numbers(), "the first");
    let joined =
        |existing: Option<&[u8]>, operands: &[Vec<u8>]| join(parts(existing, operands), false);
    assert_law(&joined, &words(), "joining");
}

#[test]
fn operators_that_break_the_law_are_caught() {
    let subtract = || assert_law(&fold(i64::wrapping_sub), &numbers(), "subtraction");
    let saturate = || assert_law(&fold(i64::saturating_add), &numbers(), "saturating");
    let average = || assert_law(&fold(|a, b| (a / 2) + (b / 2)), &numbers(), "the average");
    let skip_empty =
        |existing: Option<&[u8]>, operands: &[Vec<u8>]| join(parts(existing, operands), true);
    let skip_empty = || assert_law(&skip_empty, &words(), "skipping empty words");
    for (name, found) in [
        ("subtraction", found(subtract)),
        ("saturating", found(saturate)),
        ("the average", found(average)),
        ("skipping empty words", found(skip_empty)),
    ] {
        let found = found.unwrap_or_else(|| panic!("{name} got through"));
        assert!(found.contains(name), "the message of {name} names it: {found}");
    }
}

#[test]
fn none_must_not_be_taken_for_an_empty_value() {
    // Marks each result that was made without an existing value.
    let marks = |existing: Option<&[u8]>, operands: &[Vec<u8>]| {
        let mark: &[u8] = if existing.is_none() { b"!" } else { b"" };
        [mark, &join(parts(existing, operands), false)].concat()
    };
    assert!(found(|| assert_law(&marks, &words(), "marking")).is_some(), "it got through");
}

#[test]
fn a_batch_that_differs_from_its_pairs_is_caught() {
    let newest_first = |existing: Option<&[u8]>, operands: &[Vec<u8>]| {
        let mut operands = operands.to_vec();
        operands.reverse();
        join(parts(existing, &operands), false)
    };
    let check = || assert_law(&newest_first, &words(), "newest first");
    assert!(found(check).is_some(), "it got through");
    let without_existing =
        |_: Option<&[u8]>, operands: &[Vec<u8>]| join(parts(None, operands), false);
    let check = || assert_law(&without_existing, &words(), "without the existing value");
    // It forgets what was there, which is a law-abiding operator: *the last batch* is not, though.
    assert!(found(check).is_some(), "it got through");
}

#[test]
fn a_merge_that_differs_from_merge_batch_is_caught() {
    let batch =
        |existing: Option<&[u8]>, operands: &[Vec<u8>]| join(parts(existing, operands), false);
    let merge = |existing: Option<&[u8]>, operand: &[u8]| match existing {
        None if operand.is_empty() => b",".to_vec(),
        _ => batch(existing, &[operand.to_vec()]),
    };
    let check = || assert_merge_law(&merge, &batch, &words(), "a comma for an empty word");
    assert!(found(check).is_some(), "it got through");
}

#[test]
fn the_message_names_the_line_that_asked() {
    let (file, line) = place_of_panic(|| assert_law(&fold(i64::wrapping_sub), &numbers(), "minus"));
    assert_eq!((file.as_str(), line), (file!(), line!() - 1), "the place of the panic");
}

/// Where a check panics, as it would be printed.
fn place_of_panic(check: impl FnOnce()) -> (String, u32) {
    static PLACE: Mutex<Option<(String, u32)>> = Mutex::new(None);
    let here = std::thread::current().id();
    let before: Arc<dyn Fn(&PanicHookInfo<'_>) + Send + Sync> = take_hook().into();
    let others = Arc::clone(&before);
    set_hook(Box::new(move |panic| match panic.location() {
        Some(place) if std::thread::current().id() == here => {
            *PLACE.lock().expect("nobody panics while it is held") =
                Some((place.file().to_owned(), place.line()));
        }
        _ => others(panic),
    }));
    let message = found(check);
    set_hook(Box::new(move |panic| before(panic)));
    assert!(message.is_some(), "the check found nothing");
    PLACE.lock().expect("nobody panics while it is held").take().expect("a place")
}
