//! Week 1, days 4 to 7: one row to bytes and back. The rules are on the page *Rows* of the book.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use testkit::{RowKind, RowSpec, assert_bytes, hex, rule};
use week1::error::{Corruption, DecodeError, Error};
use week1::format::cursor::Cursor;
use week1::format::row_codec::{decode_row, encode_row, encoded_row_len};
use week1::format::types::MAX_KEY_LEN;
use week1::format::{RowEntry, ValueDeletable};

fn row((key, kind, seq): RowSpec) -> RowEntry {
    match kind {
        RowKind::Value(value) => RowEntry::new_value(key, value, seq),
        RowKind::Merge(operand) => RowEntry::new_merge(key, operand, seq),
        RowKind::Tombstone => RowEntry::new_tombstone(key, seq),
    }
}

/// A row with any fields, right or wrong. Without a value, there is no value length either.
fn raw_row(prefix_len: u16, suffix: &[u8], seq: u64, flags: u8, value: Option<&[u8]>) -> Vec<u8> {
    let mut bytes = [prefix_len, suffix.len() as u16].map(u16::to_be_bytes).concat();
    bytes.extend(suffix);
    bytes.extend(seq.to_be_bytes());
    bytes.push(flags);
    if let Some(value) = value {
        bytes.extend((value.len() as u32).to_be_bytes());
        bytes.extend(value);
    }
    bytes
}

/// A row, put together by the page's drawing and not by the engine.
fn row_bytes(row: &RowEntry, first_key: &[u8]) -> Vec<u8> {
    let shared = row.key.iter().zip(first_key).take_while(|(a, b)| a == b).count();
    let (flags, value) = match &row.value {
        ValueDeletable::Value(value) => (0, Some(&value[..])),
        ValueDeletable::Merge(operand) => (8, Some(&operand[..])),
        ValueDeletable::Tombstone => (1, None),
    };
    raw_row(shared as u16, &row.key[shared..], row.seq, flags, value)
}

/// The rows of the page, each with the first key of its block and with its bytes.
fn examples() -> [(RowEntry, &'static str, Vec<u8>); 4] {
    let whole = [&[0, 0, 0, 5][..], b"apple", &[0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 3], b"red"];
    let apply = [&[0, 4, 0, 1][..], b"y", &[0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 1], b"7"];
    let operand = [&[0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 8, 0, 0, 0, 2][..], b"+1"];
    let tombstone = [&[0, 0, 0, 4][..], b"kiwi", &[0, 0, 0, 0, 0, 0, 0, 2, 1]];
    [
        (RowEntry::new_value("apple", "red", 4), "", whole.concat()),
        (RowEntry::new_value("apply", "7", 9), "apple", apply.concat()),
        (RowEntry::new_merge("apple", "+1", 6), "apple", operand.concat()),
        (RowEntry::new_tombstone("kiwi", 2), "apple", tombstone.concat()),
    ]
}

/// The first bytes of a key, for a message.
fn short(bytes: &[u8]) -> String {
    let behind = if bytes.len() > 16 { " …" } else { "" };
    format!("`{}`{behind}", bytes[..bytes.len().min(16)].escape_ascii())
}

mod task_1_5 {
    use super::*;

    #[track_caller]
    fn check(row: &RowEntry, first_key: &[u8], expected: &[u8], why: &str) {
        let what = format!("{} in a block that begins with {}", short(&row.key), short(first_key));
        let mut out = BytesMut::from(&b"before"[..]);
        let encoded = encode_row(row, first_key, &mut out);
        let rule = rule("1.5", why);
        assert!(encoded.is_ok(), "{what}: a good row was refused: {encoded:?}{rule}");
        assert!(out.starts_with(b"before"), "{what}: what stood in `out` is gone{rule}");
        assert_bytes(&out[6..], expected, &format!("{what}{rule}"));
        let len = encoded_row_len(row, first_key);
        let same = testkit::rule("1.5", "encoded_row_len is how many bytes encode_row appends");
        assert_eq!(len, expected.len(), "the length of {what}{same}");
    }

    #[test]
    fn the_rows_of_the_page_have_the_bytes_of_the_page() {
        for (row, first_key, bytes) in examples() {
            check(&row, first_key.as_bytes(), &bytes, "the fields stand in the drawing's order");
        }
    }

    #[test]
    fn numbers_begin_with_their_highest_byte() {
        let why = "every integer is big-endian";
        let row = RowEntry::new_value("kk", vec![b'v'; 0x0102], 0x0102_0304_0506_0708);
        let head = [0, 0, 0, 2, b'k', b'k', 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 1, 2];
        check(&row, b"", &[&head[..], &[b'v'; 0x0102]].concat(), why);
        let first_key = [b'k'; 0x0102];
        let row = RowEntry::new_tombstone([&first_key[..], &[b's'; 0x0304]].concat(), 0);
        let expected = [&[1, 2, 3, 4][..], &[b's'; 0x0304], &[0; 8], &[1]].concat();
        check(&row, &first_key, &expected, why);
    }

    #[test]
    fn each_kind_of_row_has_its_flags_and_a_tombstone_no_value() {
        let why = "flags: 0 a value, 1 a tombstone, 8 a merge operand; a tombstone ends there";
        let seq = u64::MAX;
        check(&RowEntry::new_value("k", "v", seq), b"", &raw_row(0, b"k", seq, 0, Some(b"v")), why);
        check(&RowEntry::new_merge("k", "v", seq), b"", &raw_row(0, b"k", seq, 8, Some(b"v")), why);
        check(&RowEntry::new_tombstone("k", seq), b"", &raw_row(0, b"k", seq, 1, None), why);
    }

    #[test]
    fn an_empty_value_has_a_length_and_a_tombstone_has_none() {
        let why = "an empty value is four bytes of length; a tombstone has no length";
        check(&RowEntry::new_value("k", "", 0), b"", &raw_row(0, b"k", 0, 0, Some(b"")), why);
        check(&RowEntry::new_merge("k", "", 0), b"", &raw_row(0, b"k", 0, 8, Some(b"")), why);
    }

    #[test]
    fn a_key_shares_as_much_as_it_can_with_the_first_key() {
        let why = "the longest common prefix is not stored";
        let first_keys: [(&[u8], u16); 9] = [
            (b"", 0),
            (b"a", 1),
            (b"app", 3),
            (b"apple", 4),
            (b"apply", 5),
            (b"applying", 5),
            (b"bpply", 0),
            (b"aqply", 1),
            (b"\0apply", 0),
        ];
        for (first_key, shared) in first_keys {
            let row = RowEntry::new_value("apply", "7", 9);
            let suffix = &b"apply"[usize::from(shared)..];
            check(&row, first_key, &raw_row(shared, suffix, 9, 0, Some(b"7")), why);
        }
    }

    #[test]
    fn bytes_that_are_equal_behind_a_difference_are_not_shared() {
        let why = "a prefix ends at the first byte that differs";
        let expected = raw_row(1, b"xcdef", 1, 1, None);
        check(&RowEntry::new_tombstone("axcdef", 1), b"abcdef", &expected, why);
    }

    #[test]
    fn lengths_at_the_limits_are_encoded() {
        let why = "a key has 1 to 65,535 bytes, however many of them are shared";
        for len in [1, 255, 256, 257, MAX_KEY_LEN - 1, MAX_KEY_LEN] {
            let key = vec![b'k'; len];
            let row = RowEntry::new_value(key.clone(), "v", 1);
            check(&row, b"", &raw_row(0, &key, 1, 0, Some(b"v")), why);
            check(&row, &key, &raw_row(len as u16, b"", 1, 0, Some(b"v")), why);
            check(&row, &key[1..], &raw_row(len as u16 - 1, b"k", 1, 0, Some(b"v")), why);
        }
        let value = vec![b'v'; 70_000];
        let row = RowEntry::new_value("k", value.clone(), 1);
        let why = "a value's length has four bytes";
        check(&row, b"", &raw_row(0, b"k", 1, 0, Some(&value)), why);
    }

    #[test]
    fn a_row_that_breaks_a_limit_is_refused_and_nothing_is_appended() {
        let rule = rule("1.5", "a row that breaks a limit is refused, and `out` stays as it was");
        for len in [0, MAX_KEY_LEN + 1, MAX_KEY_LEN + 2, 2 * MAX_KEY_LEN + 2] {
            for first_key in [&b""[..], b"kkk"] {
                let mut out = BytesMut::from(&b"before"[..]);
                let row = RowEntry::new_value(vec![b'k'; len], "v", 1);
                let found = encode_row(&row, first_key, &mut out);
                let is_refused = matches!(found, Err(Error::InvalidArgument { .. }));
                assert!(is_refused, "a key of {len} bytes: found {found:?}{rule}");
                assert_bytes(&out, b"before", &format!("a key of {len} bytes{rule}"));
            }
        }
    }

    proptest! {
        #![proptest_config(testkit::config(256))]

        #[test]
        fn any_row_is_encoded_by_the_drawing(
            spec in testkit::any_row(), (first_key, _, _) in testkit::any_row(),
        ) {
            let row = row(spec);
            check(&row, &first_key, &row_bytes(&row, &first_key), "the drawing holds for any row");
        }
    }
}

mod task_1_6 {
    use super::*;

    fn decode(bytes: &[u8], first_key: &[u8]) -> Result<RowEntry, DecodeError> {
        decode_row(&mut Cursor::new(&Bytes::copy_from_slice(bytes)), first_key)
    }

    #[track_caller]
    fn check_back(row: &RowEntry, first_key: &[u8], bytes: &[u8], why: &str) {
        let found = decode(bytes, first_key);
        let what = format!("{} in a block that begins with {}", short(&row.key), short(first_key));
        let rule = rule("1.6", why);
        // Not `assert_eq!`: keys may have 65,535 bytes.
        let Ok(found) = found else {
            panic!("{what}: a good row was refused: {found:?}{rule}");
        };
        assert!(found.key == row.key, "{what} has the key {}{rule}", short(&found.key));
        assert_eq!(found.seq, row.seq, "the sequence number of {what}{rule}");
        assert!(found.value == row.value, "the value of {what}{rule}");
    }

    /// Whether `part` lies in the memory of `whole`.
    fn shares(part: &[u8], whole: &[u8]) -> bool {
        let (part, whole) = (part.as_ptr_range(), whole.as_ptr_range());
        whole.start <= part.start && part.end <= whole.end
    }

    #[test]
    fn the_rows_of_the_page_come_back() {
        for (row, first_key, bytes) in examples() {
            check_back(&row, first_key.as_bytes(), &bytes, "what was encoded comes back");
        }
    }

    #[test]
    fn a_row_is_taken_off_the_input_and_nothing_behind_it() {
        let rule = rule("1.6", "a row is taken where the cursor stands, and no byte behind it");
        for (row, first_key, bytes) in examples() {
            let input = Bytes::from([b"before", &bytes[..], b"behind"].concat());
            let mut input = Cursor::starting_at(&input, 6);
            let found = decode_row(&mut input, first_key.as_bytes());
            assert_eq!(found, Ok(row), "a row between other bytes{rule}");
            let left = input.take_bytes(input.remaining(), "the rest");
            assert_eq!(left, Ok("behind".into()), "what is left behind the row{rule}");
        }
    }

    #[test]
    fn numbers_at_the_ends_of_their_types_come_back() {
        let why = "a sequence number is any u64";
        for seq in [0, 1, u64::from(u32::MAX) + 1, u64::MAX - 1, u64::MAX] {
            let row = RowEntry::new_value("k", "v", seq);
            check_back(&row, b"", &raw_row(0, b"k", seq, 0, Some(b"v")), why);
        }
    }

    #[test]
    fn an_empty_value_comes_back_as_a_value() {
        let why = "an empty value is not a tombstone";
        check_back(&RowEntry::new_value("k", "", 1), b"", &raw_row(0, b"k", 1, 0, Some(b"")), why);
        check_back(&RowEntry::new_merge("k", "", 1), b"", &raw_row(0, b"k", 1, 8, Some(b"")), why);
        check_back(&RowEntry::new_tombstone("k", 1), b"", &raw_row(0, b"k", 1, 1, None), why);
    }

    #[test]
    fn any_prefix_up_to_the_whole_first_key_is_taken() {
        let why =
            "a prefix is at most as long as the first key, and may be shorter than it could be";
        let row = RowEntry::new_value("apple", "v", 1);
        for shared in 0..=5_u16 {
            let suffix = &b"apple"[usize::from(shared)..];
            check_back(&row, b"apple", &raw_row(shared, suffix, 1, 0, Some(b"v")), why);
        }
    }

    #[test]
    fn keys_at_the_limits_come_back() {
        let why = "a key has 1 to 65,535 bytes, its prefix counted";
        for len in [1, 255, 256, MAX_KEY_LEN - 1, MAX_KEY_LEN] {
            let key = vec![b'k'; len];
            let row = RowEntry::new_tombstone(key.clone(), 1);
            check_back(&row, b"", &raw_row(0, &key, 1, 1, None), why);
            check_back(&row, &key, &raw_row(len as u16, b"", 1, 1, None), why);
            check_back(&row, &key, &raw_row(len as u16 - 1, b"k", 1, 1, None), why);
        }
    }

    #[test]
    fn a_prefix_that_is_longer_than_the_first_key_is_an_error() {
        let rule = rule("1.6", "a prefix is at most as long as the first key");
        for (first_key, shared) in [("", 1), ("apple", 6), ("apple", 7), ("apple", u16::MAX)] {
            let bytes = raw_row(shared, b"s", 1, 0, Some(b"v"));
            let found = decode(&bytes, first_key.as_bytes());
            assert!(found.is_err(), "{shared} bytes of `{first_key}`: found {found:?}{rule}");
        }
    }

    #[test]
    fn a_key_that_is_empty_or_too_long_is_an_error() {
        let rule = rule("1.6", "a key has 1 to 65,535 bytes, its prefix counted");
        let found = decode(&raw_row(0, b"", 1, 0, Some(b"v")), b"apple");
        assert!(found.is_err(), "an empty key: found {found:?}{rule}");
        let first_key = vec![b'k'; MAX_KEY_LEN];
        for (shared, suffix_len) in [
            (MAX_KEY_LEN, 1),
            (MAX_KEY_LEN, 2),
            (1, MAX_KEY_LEN),
            (40_000, 25_536),
            (40_000, 40_000),
        ] {
            let suffix = vec![b's'; suffix_len];
            let found = decode(&raw_row(shared as u16, &suffix, 1, 1, None), &first_key);
            let what = format!("{shared} bytes of prefix and {suffix_len} more");
            assert!(found.is_err(), "{what}: the row was accepted{rule}");
        }
    }

    #[test]
    fn flags_that_are_not_known_are_an_error() {
        let rule = rule("1.6", "flags are 0, 1 or 8; others are not guessed at");
        for flags in 0..=u8::MAX {
            // Whatever a decoder takes the flags for, there are bytes enough.
            let bytes = raw_row(0, b"key", 1, flags, Some(b""));
            let found = decode(&bytes, b"");
            let known = matches!(flags, 0 | 1 | 8);
            let what = if known { "are good" } else { "are an error" };
            assert!(found.is_ok() == known, "flags {flags} {what}: found {found:?}{rule}");
        }
    }

    #[test]
    fn a_row_that_is_cut_off_is_an_error() {
        let rule = rule("1.6", "a row whose end is missing is an error");
        let mut rows: Vec<_> =
            examples().into_iter().map(|(_, first_key, bytes)| (first_key, bytes)).collect();
        rows.push(("", raw_row(0, &[b'k'; 300], 1, 0, Some(&[b'v'; 300]))));
        rows.push(("apple", raw_row(5, b"", 1, 0, Some(b""))));
        for (first_key, bytes) in rows {
            for len in 0..bytes.len() {
                let found = decode(&bytes[..len], first_key.as_bytes());
                let cut = format!("{len} of {} bytes", bytes.len());
                assert!(found.is_err(), "{cut}: found {found:?}{rule}");
            }
        }
    }

    #[test]
    fn lengths_that_lie_are_errors() {
        let rule = rule("1.6", "every length is checked before it is used");
        let good = raw_row(0, b"key", 1, 0, Some(b"value"));
        let value_len = good.len() - 5 - 4;
        for lie in [6, 0x100, 0x7fff_ffff, 0x8000_0000, u32::MAX - 1, u32::MAX] {
            let mut bytes = good.clone();
            bytes[value_len..value_len + 4].copy_from_slice(&lie.to_be_bytes());
            let found = decode(&bytes, b"");
            assert!(found.is_err(), "{lie} bytes of value, where there are 5: {found:?}{rule}");
        }
        for lie in [27_u16, 255, 0x100, u16::MAX] {
            let mut bytes = good.clone();
            bytes[2..4].copy_from_slice(&lie.to_be_bytes());
            let found = decode(&bytes, b"");
            assert!(
                found.is_err(),
                "{lie} bytes of suffix, where {} are left: {found:?}{rule}",
                good.len() - 4
            );
        }
    }

    #[test]
    fn an_error_says_where_it_is_from_the_start_of_the_input() {
        let rule =
            rule("1.6", "an error's offset is that of the wrong field, in the cursor's input");
        let offset = |bytes: &[u8]| {
            let input = Bytes::from([b"before", bytes].concat());
            let found = decode_row(&mut Cursor::starting_at(&input, 6), b"apple");
            let error = found.expect_err("a bad row");
            (error.offset, error.corruption)
        };
        let (found, what) = offset(&raw_row(6, b"s", 1, 0, Some(b"v")));
        assert_eq!(found, 6, "a prefix that is too long: {what}{rule}");
        let (found, what) = offset(&raw_row(0, b"", 1, 0, Some(b"v")));
        assert_eq!(found, 6, "a key of no bytes: {what}{rule}");
        let (found, what) = offset(&raw_row(0, b"key", 1, 9, Some(b"v")));
        assert_eq!(found, 6 + 4 + 3 + 8, "unknown flags: {what}{rule}");
        let (found, what) = offset(&raw_row(0, b"key", 1, 2, None));
        assert_eq!(found, 6 + 4 + 3 + 8, "unknown flags, and nothing behind them: {what}{rule}");
        let (found, what) = offset(&raw_row(0, b"key", 1, 0, Some(b"value"))[..18]);
        assert_eq!(found, 6 + 16, "a value length that is cut off: {what}{rule}");
        let is_truncated = matches!(what, Corruption::Truncated { .. });
        assert!(is_truncated, "what is cut off is Corruption::Truncated; found {what:?}{rule}");
    }

    #[test]
    fn nothing_is_copied_that_need_not_be() {
        let rule = rule("1.6", "the value shares the input's memory, and so does a whole key");
        let mut bytes = raw_row(0, &[b'k'; 100], 1, 0, Some(&[b'v'; 100]));
        bytes.extend(raw_row(5, b"s", 1, 8, Some(&[b'm'; 100])));
        let bytes = Bytes::from(bytes);
        let mut input = Cursor::new(&bytes);
        for (what, key_shares) in [("without a prefix", true), ("with a prefix", false)] {
            let row = decode_row(&mut input, b"apple").expect("a good row");
            let value = row.value.as_bytes().expect("a row with bytes");
            assert!(shares(value, &bytes), "the value of a row {what} is a copy{rule}");
            let is_shared = !key_shares || shares(&row.key, &bytes);
            assert!(is_shared, "the key of a row {what} is a copy{rule}");
        }
    }

    proptest! {
        #![proptest_config(testkit::config(256))]

        #[test]
        fn any_row_comes_back_and_is_an_error_when_it_is_cut(
            spec in testkit::any_row(), (first_key, _, _) in testkit::any_row(),
        ) {
            let row = row(spec);
            let bytes = row_bytes(&row, &first_key);
            let back = rule("1.6", "what was encoded comes back");
            prop_assert_eq!(decode(&bytes, &first_key), Ok(row), "{}{}", hex(&bytes), back);
            let cut = rule("1.6", "a row whose end is missing is an error");
            for len in 0..bytes.len() {
                prop_assert!(decode(&bytes[..len], &first_key).is_err(), "{} bytes{}", len, cut);
            }
        }

        #[test]
        fn any_bytes_are_a_row_within_the_limits_or_an_error(
            bytes in prop::collection::vec(prop_oneof![3 => Just(0), 1 => any::<u8>()], 0..60),
        ) {
            // That there is no panic is half of the assertion.
            if let Ok(row) = decode(&bytes, b"first key") {
                let limits = rule("1.6", "what is decoded keeps the limits of a row");
                prop_assert!(row.validate().is_ok(), "{}: {:?}{}", hex(&bytes), row, limits);
            }
        }
    }
}
