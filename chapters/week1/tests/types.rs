//! Week 1, days 4 to 7: what a row is, how large it is, and which limits it keeps. The rules are on the
//! page *Rows* of the book.

use bytes::Bytes;
use testkit::rule;
use week1::Error;
use week1::format::types::{MAX_KEY_LEN, MAX_VALUE_LEN, check_limits};
use week1::format::{RowEntry, ValueDeletable};

/// The argument that a refusal names, and what it says.
#[track_caller]
fn refused(result: Result<(), Error>, what: &str) -> (&'static str, String) {
    let rule = rule("1.4", "what breaks a limit is an Error::InvalidArgument");
    match result {
        Err(Error::InvalidArgument { argument, problem }) => (argument, problem),
        found => panic!("{what}: found {found:?}; a refusal was expected{rule}"),
    }
}

mod task_1_4 {
    use super::*;

    #[test]
    fn a_value_and_an_operand_have_bytes_and_a_tombstone_has_none() {
        let rule = rule("1.4", "a value and a merge operand have bytes; a tombstone has none");
        let value = ValueDeletable::Value("red".into());
        assert_eq!(value.as_bytes(), Some(&Bytes::from("red")), "the value `red`{rule}");
        let operand = ValueDeletable::Merge("+1".into());
        assert_eq!(operand.as_bytes(), Some(&Bytes::from("+1")), "the operand `+1`{rule}");
        assert_eq!(ValueDeletable::Tombstone.as_bytes(), None, "a tombstone{rule}");
    }

    #[test]
    fn a_length_is_that_of_the_bytes() {
        let rule = rule("1.4", "the length of a value or operand, and 0 for a tombstone");
        for len in [0, 1, 7, 300] {
            let bytes = vec![b'v'; len];
            let value = ValueDeletable::Value(bytes.clone().into());
            assert_eq!(value.len(), len, "a value{rule}");
            assert_eq!(value.is_empty(), len == 0, "is_empty of a value of {len} bytes{rule}");
            let operand = ValueDeletable::Merge(bytes.into());
            assert_eq!(operand.len(), len, "an operand{rule}");
            assert_eq!(operand.is_empty(), len == 0, "is_empty of an operand of {len} bytes{rule}");
        }
        assert_eq!(ValueDeletable::Tombstone.len(), 0, "a tombstone{rule}");
    }

    #[test]
    fn an_empty_value_is_a_value() {
        let rule = rule("1.4", "an empty value is not a tombstone: the key is there");
        for empty in [ValueDeletable::Value(Bytes::new()), ValueDeletable::Merge(Bytes::new())] {
            assert!(!empty.is_tombstone(), "{empty:?} taken for a tombstone{rule}");
            assert_eq!(empty.as_bytes(), Some(&Bytes::new()), "the bytes of {empty:?}{rule}");
        }
        assert!(!ValueDeletable::Value("red".into()).is_tombstone(), "the value `red`{rule}");
        assert!(!ValueDeletable::Merge("+1".into()).is_tombstone(), "the operand `+1`{rule}");
        assert!(ValueDeletable::Tombstone.is_tombstone(), "a tombstone{rule}");
    }

    #[test]
    fn a_size_counts_the_key_the_value_and_eight_bytes() {
        let rule = rule("1.4", "a row counts for its key, its value and 8 bytes");
        let cases = [
            (RowEntry::new_value("apple", "red", 4), 5 + 3 + 8),
            (RowEntry::new_value("apple", "red", u64::MAX), 5 + 3 + 8),
            (RowEntry::new_value("apple", "", 4), 5 + 8),
            (RowEntry::new_merge("apple", "+1", 4), 5 + 2 + 8),
            (RowEntry::new_tombstone("apple", 4), 5 + 8),
            (RowEntry::new_value(vec![b'k'; MAX_KEY_LEN], vec![b'v'; 100_000], 0), 165_543),
        ];
        for (row, size) in cases {
            let (key, value) = (row.key.len(), row.value.as_bytes().map_or(0, Bytes::len));
            let what = format!("a key of {key} bytes and a value of {value}");
            assert_eq!(row.estimated_size(), size, "the size of {what}{rule}");
        }
    }

    #[test]
    fn a_key_has_1_to_65_535_bytes() {
        let rule = rule("1.4", "a key has 1 to 65,535 bytes");
        for len in [1, 2, 255, 256, MAX_KEY_LEN - 1, MAX_KEY_LEN] {
            let found = check_limits(len, 0);
            assert!(found.is_ok(), "a key of {len} bytes: found {found:?}{rule}");
        }
        for len in [0, MAX_KEY_LEN + 1, MAX_KEY_LEN + 2, 100_000, usize::MAX] {
            let (argument, problem) = refused(check_limits(len, 0), &format!("{len} bytes of key"));
            assert_eq!(argument, "key", "what a key of {len} bytes is blamed on{rule}");
            let says_both = problem.contains(&len.to_string()) && problem.contains("65535");
            let wanted = format!("the problem names {len} and 65535");
            assert!(says_both, "{wanted}; found `{problem}`{rule}");
        }
    }

    #[test]
    fn a_value_has_at_most_4_gib_less_1() {
        let rule = rule("1.4", "a value has at most 4,294,967,295 bytes, and may be empty");
        for len in [0, 1, 65_536, MAX_VALUE_LEN - 1, MAX_VALUE_LEN] {
            let found = check_limits(1, len);
            assert!(found.is_ok(), "a value of {len} bytes: found {found:?}{rule}");
        }
        // Where a usize has 32 bits, no value is too long.
        for len in [MAX_VALUE_LEN.checked_add(1), Some(usize::MAX)].into_iter().flatten() {
            if len == MAX_VALUE_LEN {
                continue;
            }
            let (argument, problem) = refused(check_limits(1, len), &format!("{len} bytes"));
            assert_eq!(argument, "value", "what a value of {len} bytes is blamed on{rule}");
            let says_both = problem.contains(&len.to_string()) && problem.contains("4294967295");
            let wanted = format!("the problem names {len} and 4294967295");
            assert!(says_both, "{wanted}; found `{problem}`{rule}");
        }
    }

    #[test]
    fn a_row_is_checked_whatever_it_says() {
        let rule = rule("1.4", "each row has a key of 1 to 65,535 bytes, a tombstone too");
        let kinds = |key: Vec<u8>| {
            let key = Bytes::from(key);
            [
                RowEntry::new_value(key.clone(), "red", 1),
                RowEntry::new_value(key.clone(), "", 0),
                RowEntry::new_merge(key.clone(), "+1", u64::MAX),
                RowEntry::new_tombstone(key, 1),
            ]
        };
        for len in [1, MAX_KEY_LEN] {
            for row in kinds(vec![0xff; len]) {
                let found = row.validate();
                assert!(found.is_ok(), "a key of {len} bytes: found {found:?}{rule}");
            }
        }
        for len in [0, MAX_KEY_LEN + 1] {
            for row in kinds(vec![0; len]) {
                let (argument, _) = refused(row.validate(), &format!("a key of {len} bytes"));
                assert_eq!(argument, "key", "what a key of {len} bytes is blamed on{rule}");
            }
        }
    }

    #[test]
    fn the_length_of_the_key_and_of_the_value_are_not_mixed_up() {
        let rule = rule("1.4", "the limit of keys is not that of values");
        let long = vec![b'v'; MAX_KEY_LEN + 1];
        for row in [RowEntry::new_value("k", long.clone(), 1), RowEntry::new_merge("k", long, 1)] {
            let found = row.validate();
            assert!(found.is_ok(), "a value of 65,536 bytes: found {found:?}{rule}");
        }
    }
}
