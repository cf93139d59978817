//! Week 6, days 1 to 3: merge operators. The rules are on the page *Merge operators* of the book.

use std::sync::Mutex;

// ANCHOR: law_uses
use bytes::Bytes;
use testkit::assert_merge_law;
use week6::merge::{MergeOperator, MergeOperatorError};
// ANCHOR_END: law_uses

use testkit::rule;
use week6::merge::{
    ConcatMergeOperator, CounterMergeOperator, RegisterMergeOperator, RegisterOperand,
};

// ANCHOR: law
/// Checks the law for any operator; the samples are values and operands that it understands.
#[track_caller]
fn assert_law(operator: &dyn MergeOperator, samples: &[Bytes], what: &str) {
    let merge = |existing: Option<&[u8]>, operand: &[u8]| {
        let merged = operator.merge(b"key", existing, operand);
        merged.expect("the operator understands its samples").to_vec()
    };
    let merge_batch = |existing: Option<&[u8]>, operands: &[Vec<u8>]| {
        let operands: Vec<_> = operands.iter().cloned().map(Bytes::from).collect();
        let merged = operator.merge_batch(b"key", existing, &operands);
        merged.expect("the operator understands its samples").to_vec()
    };
    let samples: Vec<_> = samples.iter().map(|sample| sample.to_vec()).collect();
    assert_merge_law(&merge, &merge_batch, &samples, what);
}
// ANCHOR_END: law

/// Checks that `merge` gives what `merge_batch` gives for its one operand, over no value and over
/// each sample.
#[track_caller]
fn assert_merge_is_a_batch_of_one(operator: &dyn MergeOperator, samples: &[Bytes], task: &str) {
    let rule = rule(task, "merge_batch gives what merging pair by pair gives");
    for existing in [None].into_iter().chain(samples.iter().map(|sample| Some(&sample[..]))) {
        for operand in samples {
            let merged = operator.merge(b"key", existing, operand);
            let batch = operator.merge_batch(b"key", existing, std::slice::from_ref(operand));
            assert_eq!(merged, batch, "merge of {operand:?} over {existing:?}{rule}");
        }
    }
}

fn operands(texts: &[&'static str]) -> Vec<Bytes> {
    texts.iter().map(|text| Bytes::from_static(text.as_bytes())).collect()
}

mod task_6_1 {
    use super::*;

    /// Puts the operand behind the existing value, and writes down each call. Refuses `!`.
    #[derive(Debug, Default)]
    struct Join {
        calls: Mutex<Vec<String>>,
    }

    impl Join {
        fn calls(&self) -> Vec<String> {
            self.calls.lock().expect("no test panics while it writes").clone()
        }
    }

    impl MergeOperator for Join {
        fn merge(
            &self,
            key: &[u8],
            existing: Option<&[u8]>,
            operand: &[u8],
        ) -> Result<Bytes, MergeOperatorError> {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let (key, older, newer) = (text(key), existing.map(text), text(operand));
            let older_or_none = older.as_deref().unwrap_or("nothing");
            let call = format!("{key}: {older_or_none}, {newer}");
            self.calls.lock().expect("no test panics while it writes").push(call);
            if newer == "!" {
                return Err(MergeOperatorError::callback("an exclamation mark"));
            }
            Ok((older.unwrap_or_default() + &newer).into())
        }
    }

    #[test]
    fn the_oldest_operand_is_merged_first() {
        let merged = Join::default().merge_batch(b"k", None, &operands(&["a", "b", "c"]));
        let rule = rule("6.1", "operands are given oldest first, and merged in that order");
        assert_eq!(merged, Ok("abc".into()), "a, b and c{rule}");
    }

    #[test]
    fn the_existing_value_is_older_than_every_operand() {
        let merged = Join::default().merge_batch(b"k", Some(b"x"), &operands(&["a", "b"]));
        let rule = rule("6.1", "the existing value is changed by many operands");
        assert_eq!(merged, Ok("xab".into()), "a and b over x{rule}");
    }

    #[test]
    fn each_operand_costs_one_call_whose_result_goes_into_the_next() {
        let join = Join::default();
        let _ = join.merge_batch(b"fig", Some(b"x"), &operands(&["a", "b", "c"]));
        let rule = rule("6.1", "merge is called once for each operand");
        assert_eq!(join.calls(), ["fig: x, a", "fig: xa, b", "fig: xab, c"], "the calls{rule}");
    }

    #[test]
    fn without_a_value_the_first_call_has_none() {
        let join = Join::default();
        let _ = join.merge_batch(b"fig", None, &operands(&["a", "b"]));
        let rule = rule("6.1", "the operator sees None if nothing exists, and no made-up value");
        assert_eq!(join.calls(), ["fig: nothing, a", "fig: a, b"], "the calls{rule}");
    }

    #[test]
    fn an_empty_value_is_a_value() {
        let join = Join::default();
        let merged = join.merge_batch(b"fig", Some(b""), &operands(&["a"]));
        assert_eq!(merged, Ok("a".into()), "a over an empty value");
        let rule = rule("6.1", "an empty value is not the same as none");
        assert_eq!(join.calls(), ["fig: , a"], "the calls{rule}");
    }

    #[test]
    fn an_empty_result_in_between_is_a_value_for_the_next_call() {
        let join = Join::default();
        let _ = join.merge_batch(b"fig", None, &operands(&["", "a"]));
        let rule = rule("6.1", "the result of a call, empty or not, goes into the next");
        assert_eq!(join.calls(), ["fig: nothing, ", "fig: , a"], "the calls{rule}");
    }

    #[test]
    fn without_operands_the_existing_value_stays() {
        let join = Join::default();
        let rule = rule("6.1", "without an operand the result is the existing value");
        for existing in ["x", ""] {
            let merged = join.merge_batch(b"k", Some(existing.as_bytes()), &[]);
            assert_eq!(merged, Ok(existing.into()), "no operand over {existing:?}{rule}");
        }
        assert_eq!(join.calls(), [""; 0], "merge is not called");
    }

    #[test]
    fn neither_a_value_nor_an_operand_is_an_error() {
        let merged = Join::default().merge_batch(b"k", None, &[]);
        let rule = rule("6.1", "with neither, the result is EmptyBatch");
        assert_eq!(merged, Err(MergeOperatorError::EmptyBatch), "nothing at all{rule}");
    }

    #[test]
    fn the_first_error_ends_it() {
        let join = Join::default();
        let merged = join.merge_batch(b"k", None, &operands(&["a", "!", "b"]));
        let rule = rule("6.1", "the operator's error is the result, and nothing more is merged");
        let expected = Err(MergeOperatorError::callback("an exclamation mark"));
        assert_eq!(merged, expected, "the second operand is refused{rule}");
        assert_eq!(join.calls().len(), 2, "two calls{rule}");
    }
}

mod task_6_2 {
    use super::*;
    use proptest::prelude::*;

    const COUNTER: CounterMergeOperator = CounterMergeOperator;

    fn count(n: u64) -> Bytes {
        CounterMergeOperator::encode(n)
    }

    fn assert_wrong_length(found: Result<impl std::fmt::Debug, MergeOperatorError>, len: usize) {
        let rule = rule("6.2", "a value or operand that has not 8 bytes is WrongLength");
        let expected = MergeOperatorError::WrongLength { expected: 8, found: len };
        match found {
            Err(error) => assert_eq!(error, expected, "{len} bytes{rule}"),
            Ok(merged) => panic!("{len} bytes gave {merged:?}{rule}"),
        }
    }

    #[test]
    fn a_number_is_eight_bytes_the_highest_first() {
        let rule = rule("6.2", "a count is a big-endian u64");
        let decoded = CounterMergeOperator::decode(&[0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!(decoded, Ok(258), "the bytes 0 0 0 0 0 0 1 2{rule}");
        for n in [0, 1, 255, 256, u64::MAX] {
            assert_eq!(CounterMergeOperator::decode(&count(n)), Ok(n), "{n} and back{rule}");
        }
    }

    #[test]
    fn other_lengths_are_errors_that_say_so() {
        for len in [0, 1, 4, 7, 9, 16] {
            assert_wrong_length(CounterMergeOperator::decode(&vec![0; len]), len);
        }
    }

    #[test]
    fn an_increment_is_added() {
        let merged = COUNTER.merge(b"kiwi", Some(&count(5)), &count(3));
        assert_eq!(merged, Ok(count(8)), "5 and 3 more");
    }

    #[test]
    fn without_a_value_the_increment_stands_alone() {
        let merged = COUNTER.merge(b"kiwi", None, &count(3));
        assert_eq!(merged, Ok(count(3)), "3 and nothing before it");
    }

    #[test]
    fn a_batch_is_the_sum() {
        let increments: Vec<_> = (1..=100).map(count).collect();
        let merged = COUNTER.merge_batch(b"kiwi", None, &increments);
        assert_eq!(merged, Ok(count(5050)), "1 to 100");
        let merged = COUNTER.merge_batch(b"kiwi", Some(&count(50)), &increments);
        assert_eq!(merged, Ok(count(5100)), "1 to 100 over 50");
    }

    #[test]
    fn a_sum_that_is_too_large_stays_at_the_largest() {
        let rule = rule("6.2", "a sum that is too large stays at u64::MAX");
        let (most, almost) = (count(u64::MAX), count(u64::MAX - 1));
        assert_eq!(COUNTER.merge(b"k", Some(&most), &count(1)), Ok(most.clone()), "1 more{rule}");
        assert_eq!(COUNTER.merge(b"k", Some(&almost), &count(1)), Ok(most.clone()), "just{rule}");
        let batch = [count(1), most.clone(), count(7)];
        assert_eq!(COUNTER.merge_batch(b"k", None, &batch), Ok(most.clone()), "a batch{rule}");
        let merged = COUNTER.merge_batch(b"k", Some(&almost), &[count(1), count(1)]);
        assert_eq!(merged, Ok(most), "a batch over a large value{rule}");
    }

    #[test]
    fn a_wrong_length_is_refused_wherever_it_is() {
        let (good, bad) = (count(1), Bytes::from_static(b"12345"));
        assert_wrong_length(COUNTER.merge(b"k", None, &bad), 5);
        assert_wrong_length(COUNTER.merge(b"k", Some(&good), &bad), 5);
        assert_wrong_length(COUNTER.merge(b"k", Some(&bad), &good), 5);
        assert_wrong_length(COUNTER.merge_batch(b"k", Some(&bad), &[count(1)]), 5);
        assert_wrong_length(COUNTER.merge_batch(b"k", None, &[good.clone(), bad, good]), 5);
    }

    #[test]
    fn a_wrong_length_is_refused_also_behind_the_largest_sum() {
        let batch = [count(u64::MAX), Bytes::from_static(b"bad")];
        assert_wrong_length(COUNTER.merge_batch(b"k", None, &batch), 3);
        assert_wrong_length(COUNTER.merge_batch(b"k", Some(&batch[0]), &batch[1..]), 3);
        assert_wrong_length(COUNTER.merge(b"k", Some(&batch[0]), &batch[1]), 3);
    }

    #[test]
    fn merge_is_a_batch_of_one() {
        let samples = [0, 1, 7, u64::MAX].map(count);
        assert_merge_is_a_batch_of_one(&COUNTER, &samples, "6.2");
    }

    #[test]
    fn a_batch_without_operands_is_the_value_or_an_error() {
        let rule = rule("6.2", "merge_batch gives what the trait's own would give");
        assert_eq!(COUNTER.merge_batch(b"k", Some(&count(7)), &[]), Ok(count(7)), "over 7{rule}");
        let merged = COUNTER.merge_batch(b"k", None, &[]);
        assert_eq!(merged, Err(MergeOperatorError::EmptyBatch), "over nothing{rule}");
    }

    #[test]
    fn the_law_holds() {
        let samples = [0, 1, 1000, u64::MAX - 1, u64::MAX].map(count);
        assert_law(&COUNTER, &samples, &rule("6.2", "the operator is associative"));
    }

    proptest! {
        #![proptest_config(testkit::config(64))]

        #[test]
        fn any_increments_add_up(
            increments in prop::collection::vec(any::<u64>(), 1..40), existing in any::<Option<u64>>(),
        ) {
            let sum = existing.into_iter().chain(increments.iter().copied())
                .fold(0_u64, u64::saturating_add);
            let operands: Vec<_> = increments.into_iter().map(count).collect();
            let existing = existing.map(count);
            let merged = COUNTER.merge_batch(b"k", existing.as_deref(), &operands);
            prop_assert_eq!(merged, Ok(count(sum)), "{}", rule("6.2", "a batch is the sum"));
        }
    }
}

mod task_6_3 {
    use super::*;
    use proptest::prelude::*;

    fn with(separator: &'static str) -> ConcatMergeOperator {
        ConcatMergeOperator::with_separator(separator)
    }

    #[test]
    fn the_newer_bytes_stand_behind_the_older() {
        let merged = ConcatMergeOperator::new().merge(b"k", Some(b"kiwi"), b"fig");
        assert_eq!(merged, Ok("kiwifig".into()), "fig appended to kiwi");
        let merged = with(", ").merge(b"k", Some(b"kiwi"), b"fig");
        assert_eq!(merged, Ok("kiwi, fig".into()), "with a separator");
    }

    #[test]
    fn alone_there_is_nothing_to_separate() {
        let rule = rule("6.3", "a separator stands between two, and None is no empty list");
        assert_eq!(with(",").merge(b"k", None, b"kiwi"), Ok("kiwi".into()), "kiwi alone{rule}");
        let merged = with(",").merge_batch(b"k", None, &operands(&["kiwi"]));
        assert_eq!(merged, Ok("kiwi".into()), "a batch of one{rule}");
    }

    #[test]
    fn a_batch_is_joined_in_order() {
        let rule = rule("6.3", "the newer bytes go behind the older ones");
        let merged = with("/").merge_batch(b"k", None, &operands(&["a", "b", "c"]));
        assert_eq!(merged, Ok("a/b/c".into()), "three operands{rule}");
        let merged = with("/").merge_batch(b"k", Some(b"x/y"), &operands(&["a", "b"]));
        assert_eq!(merged, Ok("x/y/a/b".into()), "two operands over x/y{rule}");
    }

    #[test]
    fn empty_pieces_are_separated_too() {
        let rule = rule("6.3", "a separator stands between any two, empty ones too");
        assert_eq!(with(",").merge(b"k", Some(b""), b""), Ok(",".into()), "two empty{rule}");
        assert_eq!(with(",").merge(b"k", Some(b""), b"a"), Ok(",a".into()), "empty and a{rule}");
        let merged = with(",").merge_batch(b"k", None, &operands(&["", "a", "", ""]));
        assert_eq!(merged, Ok(",a,,".into()), "a batch{rule}");
        let merged = with(",").merge_batch(b"k", Some(b""), &operands(&["a"]));
        assert_eq!(merged, Ok(",a".into()), "a batch over an empty value{rule}");
    }

    #[test]
    fn merge_is_a_batch_of_one() {
        for separator in ["", ",", "<>"] {
            let samples = operands(&["", "a", ","]);
            assert_merge_is_a_batch_of_one(&with(separator), &samples, "6.3");
        }
    }

    #[test]
    fn a_result_does_not_keep_the_operands_block() {
        let block = Bytes::from(b"a block with other rows".to_vec());
        let operand = block.slice(2..7);
        let batch = with(",").merge_batch(b"k", None, std::slice::from_ref(&operand));
        let merged = with(",").merge(b"k", None, &operand);
        drop(operand);
        let rule = rule("6.3", "each byte is copied: a result shares no memory with an operand");
        // The results live on: they are what might hold the block.
        assert_eq!(merged.as_deref(), Ok(&b"block"[..]), "merge of an operand alone");
        assert_eq!(batch.as_deref(), Ok(&b"block"[..]), "merge_batch of an operand alone");
        assert!(block.is_unique(), "the block is still held by the result of one operand{rule}");
        drop((batch, merged));
    }

    #[test]
    fn any_bytes_can_be_appended() {
        let merged =
            ConcatMergeOperator::with_separator(vec![0, 255]).merge(b"k", Some(&[1]), &[254]);
        assert_eq!(merged, Ok(Bytes::from_static(&[1, 0, 255, 254])), "bytes that are no text");
    }

    #[test]
    fn a_batch_without_operands_is_the_value_or_an_error() {
        let rule = rule("6.3", "merge_batch gives what the trait's own would give");
        assert_eq!(with(",").merge_batch(b"k", Some(b"x"), &[]), Ok("x".into()), "over x{rule}");
        assert_eq!(with(",").merge_batch(b"k", Some(b""), &[]), Ok("".into()), "over empty{rule}");
        let merged = with(",").merge_batch(b"k", None, &[]);
        assert_eq!(merged, Err(MergeOperatorError::EmptyBatch), "over nothing{rule}");
    }

    #[test]
    fn a_batch_copies_each_byte_once() {
        // 100,000 pieces of 100 bytes: pair by pair, 500 GB would be copied.
        let piece = Bytes::from_static(&[b'x'; 100]);
        let pieces = vec![piece; 100_000];
        let rule = rule("6.3", "a batch copies each byte once");
        let why = format!("copied once, the pieces are 10 MB, and pair by pair 500 GB{rule}");
        let merge = move || with(",").merge_batch(b"k", None, &pieces);
        let merged = testkit::deadline_or(10, &why, merge);
        assert_eq!(merged.map(|merged| merged.len()), Ok(100_000 * 101 - 1), "the length{rule}");
    }

    #[test]
    fn the_law_holds() {
        let samples = operands(&["", "a", "bc", ",", ",,"]);
        for separator in ["", ",", "<>"] {
            assert_law(&with(separator), &samples, &rule("6.3", "the operator is associative"));
        }
    }

    proptest! {
        #![proptest_config(testkit::config(64))]

        #[test]
        fn any_pieces_are_joined(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..5), 1..20),
            separator in prop::collection::vec(any::<u8>(), 0..3),
        ) {
            let expected = pieces.join(&separator[..]);
            let operands: Vec<_> = pieces.into_iter().map(Bytes::from).collect();
            let operator = ConcatMergeOperator::with_separator(separator);
            let merged = operator.merge_batch(b"k", None, &operands);
            let rule = rule("6.3", "a separator stands between any two");
            prop_assert_eq!(merged, Ok(Bytes::from(expected.clone())), "a batch{}", rule);
            let merged = operator.merge_batch(b"k", Some(&operands[0]), &operands[1..]);
            prop_assert_eq!(merged, Ok(Bytes::from(expected)), "over the first{}", rule);
        }
    }
}

mod task_6_4 {
    use super::*;
    use RegisterOperand::{Add, Set};
    use proptest::prelude::*;

    const REGISTER: RegisterMergeOperator = RegisterMergeOperator;

    #[track_caller]
    fn assert_merges(existing: Option<&'static str>, operand: &'static str, expected: &str) {
        let merged = REGISTER.merge(b"k", existing.map(str::as_bytes), operand.as_bytes());
        let text = merged.map(|merged| String::from_utf8_lossy(&merged).into_owned());
        let rule = rule("6.4", "one operand that does what the older does, and then the newer");
        assert_eq!(text.as_deref(), Ok(expected), "{operand} over {existing:?}{rule}");
    }

    /// What the operand makes of a number.
    fn apply(number: i64, operand: RegisterOperand) -> i64 {
        match operand {
            Set(to) => to,
            Add(more) => number.wrapping_add(more),
        }
    }

    #[test]
    fn an_addition_changes_what_was_set() {
        assert_merges(Some("=40"), "+12", "=52");
        assert_merges(Some("=40"), "-45", "=-5");
    }

    #[test]
    fn additions_are_added() {
        assert_merges(Some("+2"), "+3", "+5");
        assert_merges(Some("+2"), "-3", "-1");
        assert_merges(Some("+2"), "-2", "+0");
    }

    #[test]
    fn setting_forgets_what_was_before() {
        assert_merges(Some("=40"), "=7", "=7");
        assert_merges(Some("+2"), "=7", "=7");
    }

    #[test]
    fn the_order_counts() {
        assert_merges(Some("=40"), "+2", "=42");
        assert_merges(Some("+2"), "=40", "=40");
    }

    #[test]
    fn without_a_value_an_addition_stays_an_addition() {
        assert_merges(None, "+3", "+3");
        assert_merges(None, "-3", "-3");
        assert_merges(None, "=3", "=3");
    }

    #[test]
    fn additions_wrap_around() {
        let (most, least) = (i64::MAX, i64::MIN);
        let rule = rule("6.4", "additions wrap around at the ends of i64");
        assert_eq!(Set(most).then(Add(1)), Set(least), "set to the largest, and 1 more{rule}");
        assert_eq!(Add(least).then(Add(-1)), Add(most), "the least, and 1 less{rule}");
    }

    #[test]
    fn a_batch_gives_what_its_pairs_give() {
        let batch = operands(&["+1", "=40", "+12", "-2"]);
        let merged = REGISTER.merge_batch(b"k", Some(b"=7"), &batch);
        assert_eq!(merged, Ok("=50".into()), "+1 =40 +12 -2 over =7");
    }

    #[test]
    fn what_is_no_operand_is_refused_with_its_text() {
        for (existing, operand) in
            [(None, "40"), (Some("=1"), "forty"), (Some("banana"), "+1"), (Some("banana"), "=1")]
        {
            let merged = REGISTER.merge(b"k", existing.map(str::as_bytes), operand.as_bytes());
            let bad = existing.filter(|text| *text == "banana").unwrap_or(operand);
            let rule = rule("6.4", "every value and operand is checked, also one that is replaced");
            match merged {
                Err(MergeOperatorError::Callback { message }) => {
                    assert!(message.contains(bad), "{message:?} shows {bad:?}{rule}");
                }
                other => panic!("{operand} over {existing:?} gave {other:?}{rule}"),
            }
        }
    }

    #[test]
    fn what_is_set_anew_is_checked_all_the_same() {
        let rule = rule("6.4", "every value and operand is checked, also one that is replaced");
        for bad in ["=x", "+x", "=", "x"] {
            let merged = REGISTER.merge(b"k", Some(bad.as_bytes()), b"=1");
            assert!(merged.is_err(), "=1 over {bad:?} gave {merged:?}{rule}");
            let merged = REGISTER.merge_batch(b"k", Some(bad.as_bytes()), &operands(&["+2", "=1"]));
            assert!(merged.is_err(), "+2 and =1 over {bad:?} gave {merged:?}{rule}");
            let batch = operands(&[bad, "=1"]);
            let merged = REGISTER.merge_batch(b"k", None, &batch);
            assert!(merged.is_err(), "{bad:?} and =1 gave {merged:?}{rule}");
        }
    }

    #[test]
    fn the_law_holds() {
        let samples =
            operands(&["=0", "=-7", "+1", "-1", "=9223372036854775807", "-9223372036854775808"]);
        assert_law(&REGISTER, &samples, &rule("6.4", "the operator is associative"));
    }

    fn any_operand() -> impl Strategy<Value = RegisterOperand> {
        prop_oneof![any::<i64>().prop_map(Set), any::<i64>().prop_map(Add)]
    }

    proptest! {
        #![proptest_config(testkit::config(64))]

        #[test]
        fn one_operand_does_what_all_do(
            operands in prop::collection::vec(any_operand(), 1..10), start in any::<i64>(),
        ) {
            let expected = operands.iter().fold(start, |number, operand| apply(number, *operand));
            let texts: Vec<_> = operands.iter().map(|operand| operand.encode()).collect();
            let merged = REGISTER.merge_batch(b"k", None, &texts).expect("good operands");
            let one = RegisterOperand::decode(&merged).expect("a good operand");
            let rule = rule("6.4", "one operand that does what all do, the oldest first");
            prop_assert_eq!(apply(start, one), expected, "{:?} on {}{}", operands, start, rule);
        }
    }
}
