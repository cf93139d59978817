//! Week 7, days 4 to 7: varints, and version 2 of rows and blocks. The rules are on the page *Block
//! format, version 2* of the book.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use testkit::{RowKind, RowSpec, assert_bytes, hex, rule};
use week7::error::DecodeError;
use week7::format::cursor::Cursor;
use week7::format::{FormatVersion, RowEntry, ValueDeletable};
use week7::optimize::block_v2::RowPosition;
use week7::optimize::row_codec_v2::{
    RowHead, compare_key, decode_row, encode_row, encoded_row_len,
};
use week7::optimize::varint::{decode_varint, encode_varint, varint_len};
use week7::optimize::{BlockBuilderV2, BlockV2, DataBlock, DataBlockBuilder, DataBlockIterator};

/// How many rows there are from one restart point to the next, by the page.
const INTERVAL: usize = 16;

fn row((key, kind, seq): RowSpec) -> RowEntry {
    match kind {
        RowKind::Value(value) => RowEntry::new_value(key, value, seq),
        RowKind::Merge(operand) => RowEntry::new_merge(key, operand, seq),
        RowKind::Tombstone => RowEntry::new_tombstone(key, seq),
    }
}

fn rows(specs: Vec<RowSpec>) -> Vec<RowEntry> {
    specs.into_iter().map(row).collect()
}

/// `user/000000/order/00000` to `…/00019`, then the next user's: values of different lengths, and
/// now and then a tombstone or a merge operand.
fn orders(count: usize) -> Vec<RowEntry> {
    let row = |n: usize| {
        let key = format!("user/{:06}/order/{:05}", n / 20, n % 20);
        match n % 7 {
            3 => RowEntry::new_tombstone(key, n as u64),
            5 => RowEntry::new_merge(key, "+1", n as u64),
            _ => RowEntry::new_value(key, "v".repeat(n % 11), n as u64),
        }
    };
    (0..count).map(row).collect()
}

/// A varint, put together by the page's rules and not by the engine.
fn varint(number: usize) -> Vec<u8> {
    let mut bytes = vec![(number % 128) as u8];
    let mut rest = number / 128;
    while rest > 0 {
        *bytes.last_mut().expect("there is one") += 128;
        bytes.push((rest % 128) as u8);
        rest /= 128;
    }
    bytes
}

/// A row with any fields, right or wrong.
fn raw_row(shared: usize, suffix: &[u8], value: &[u8], seq: u64, flags: u8) -> Vec<u8> {
    let lengths = [shared, suffix.len(), value.len()].map(varint).concat();
    [&lengths[..], suffix, value, &seq.to_be_bytes(), &[flags]].concat()
}

/// A row, put together by the page's drawing and not by the engine.
fn row_bytes(row: &RowEntry, previous_key: &[u8]) -> Vec<u8> {
    let shared = row.key.iter().zip(previous_key).take_while(|(a, b)| a == b).count();
    let (value, flags) = match &row.value {
        ValueDeletable::Value(value) => (&value[..], 0),
        ValueDeletable::Merge(operand) => (&operand[..], 8),
        ValueDeletable::Tombstone => (&[][..], 1),
    };
    raw_row(shared, &row.key[shared..], value, row.seq, flags)
}

/// Where each row starts, and the rows: of a block, put together by the page's drawing.
fn rows_bytes(rows: &[RowEntry]) -> (Vec<usize>, Vec<u8>) {
    let (mut starts, mut bytes) = (Vec::new(), Vec::new());
    for (number, row) in rows.iter().enumerate() {
        let leans_on = if number % INTERVAL == 0 { &[][..] } else { &rows[number - 1].key };
        starts.push(bytes.len());
        bytes.extend(row_bytes(row, leans_on));
    }
    (starts, bytes)
}

/// A block of these rows and this trailer, right or wrong.
fn raw_block(rows: &[u8], restarts: &[usize], row_count: usize) -> Vec<u8> {
    let trailer = restarts.iter().chain([&row_count]);
    let trailer = trailer.flat_map(|&number| (number as u16).to_be_bytes());
    rows.iter().copied().chain(trailer).collect()
}

/// A block, put together by the page's drawing and not by the engine.
fn block_bytes(rows: &[RowEntry]) -> Vec<u8> {
    let (starts, bytes) = rows_bytes(rows);
    let restarts: Vec<_> = starts.into_iter().step_by(INTERVAL).collect();
    raw_block(&bytes, &restarts, rows.len())
}

fn decode_block(bytes: &[u8]) -> Result<BlockV2, DecodeError> {
    BlockV2::decode(Bytes::copy_from_slice(bytes))
}

#[track_caller]
fn good_block(rows: &[RowEntry]) -> BlockV2 {
    decode_block(&block_bytes(rows)).expect("a block put together by the page's drawing")
}

/// Every row of a block from a place on, or the first error.
fn rest(block: &BlockV2, mut position: RowPosition) -> Result<Vec<RowEntry>, DecodeError> {
    let mut rows = Vec::new();
    while let Some(row) = block.next_row(&mut position)? {
        rows.push(row);
        assert!(rows.len() <= block.row_count(), "more rows came out than there are");
    }
    Ok(rows)
}

/// Whether `part` lies in the memory of `whole`.
fn shares(part: &[u8], whole: &[u8]) -> bool {
    let (part, whole) = (part.as_ptr_range(), whole.as_ptr_range());
    whole.start <= part.start && part.end <= whole.end
}

mod task_7_1 {
    use super::*;
    use week7::error::Corruption;

    /// The page's table, and where one more byte is needed.
    const EXAMPLES: [(u32, &[u8]); 13] = [
        (0, &[0x00]),
        (1, &[0x01]),
        (127, &[0x7f]),
        (128, &[0x80, 0x01]),
        (300, &[0xac, 0x02]),
        (16_383, &[0xff, 0x7f]),
        (16_384, &[0x80, 0x80, 0x01]),
        (65_535, &[0xff, 0xff, 0x03]),
        (2_097_151, &[0xff, 0xff, 0x7f]),
        (2_097_152, &[0x80, 0x80, 0x80, 0x01]),
        (268_435_455, &[0xff, 0xff, 0xff, 0x7f]),
        (268_435_456, &[0x80, 0x80, 0x80, 0x80, 0x01]),
        (u32::MAX, &[0xff, 0xff, 0xff, 0xff, 0x0f]),
    ];

    fn decode(bytes: &[u8]) -> Result<u32, DecodeError> {
        decode_varint(&mut Cursor::new(&Bytes::copy_from_slice(bytes)), "a length")
    }

    #[test]
    fn numbers_take_as_many_bytes_as_they_need() {
        for (number, bytes) in EXAMPLES {
            let rule = rule("7.1", "seven bits a byte, and at least one byte");
            assert_eq!(varint_len(number), bytes.len(), "the length of {number}{rule}");
        }
    }

    #[test]
    fn numbers_are_encoded_as_the_page_says() {
        for (number, bytes) in EXAMPLES {
            let mut out = BytesMut::from(&b"before"[..]);
            encode_varint(number, &mut out);
            let expected = [b"before", bytes].concat();
            let rule = rule("7.1", "seven bits a byte, the lowest first; bit 7: more follows");
            assert_bytes(&out, &expected, &format!("{number}, behind what was there{rule}"));
        }
    }

    #[test]
    fn numbers_come_back_and_nothing_behind_them_is_taken() {
        for (number, bytes) in EXAMPLES {
            let input = Bytes::from([b"ab", bytes, &[0xff, 0xff]].concat());
            let mut input = Cursor::starting_at(&input, 2);
            let found = decode_varint(&mut input, "a length");
            let rule = rule("7.1", "a varint ends with the first byte whose highest bit is 0");
            assert_eq!(found, Ok(number), "{}{rule}", hex(bytes));
            assert_eq!(input.remaining(), 2, "bytes left behind {}{rule}", hex(bytes));
        }
    }

    #[test]
    fn a_varint_that_is_cut_off_is_an_error() {
        for (_, bytes) in EXAMPLES {
            for len in 0..bytes.len() {
                let found = decode(&bytes[..len]);
                let rule = rule("7.1", "an input that ends within a varint is an error");
                assert!(found.is_err(), "{:?}: found {found:?}{rule}", hex(&bytes[..len]));
            }
        }
    }

    #[test]
    fn a_number_that_is_too_large_is_an_error() {
        let too_large: [&[u8]; 6] = [
            &[0x80, 0x80, 0x80, 0x80, 0x10],
            &[0xff, 0xff, 0xff, 0xff, 0x1f],
            &[0xff, 0xff, 0xff, 0xff, 0x7f],
            &[0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0x0f],
            &[0xff; 100],
        ];
        for bytes in too_large {
            let found = decode(bytes);
            let rule = rule("7.1", "a varint is at most a u32, and at most five bytes long");
            assert!(found.is_err(), "{}: found {found:?}{rule}", hex(bytes));
        }
    }

    #[test]
    fn a_number_has_no_second_encoding() {
        let too_long: [&[u8]; 6] = [
            &[0x80, 0x00],
            &[0xff, 0x00],
            &[0x80, 0x80, 0x00],
            &[0xac, 0x82, 0x00],
            &[0xff, 0xff, 0xff, 0x00],
            &[0x80, 0x80, 0x80, 0x80, 0x00],
        ];
        for bytes in too_long {
            let found = decode(bytes);
            let rule = rule("7.1", "an encoding that is longer than it has to be is an error");
            assert!(found.is_err(), "{}: found {found:?}{rule}", hex(bytes));
        }
    }

    #[test]
    fn an_error_names_the_field() {
        for bytes in [&[0x80][..], &[0x80, 0x00], &[0xff; 5], &[0xff, 0xff, 0xff, 0xff, 0x1f]] {
            let error = decode(bytes).expect_err("a bad varint");
            let (Corruption::Truncated { what, .. } | Corruption::InvalidField { what, .. }) =
                error.corruption
            else {
                panic!(
                    "{}: found {error:?}; a truncated or invalid field was expected",
                    hex(bytes)
                );
            };
            assert_eq!(what, "a length", "{}{}", hex(bytes), rule("7.1", "`what` names the field"));
        }
    }

    proptest! {
        #![proptest_config(testkit::config(256))]

        #[test]
        fn whatever_is_accepted_is_the_encoding_of_what_comes_out(
            bytes in proptest::collection::vec(
                prop_oneof![Just(0), Just(0x80), Just(0xff), any::<u8>()], 0..8)
        ) {
            let bytes = Bytes::from(bytes);
            let mut input = Cursor::new(&bytes);
            if let Ok(number) = decode_varint(&mut input, "a length") {
                let (taken, rule) = (&bytes[..input.offset()], rule("7.1", "one number, one encoding"));
                prop_assert_eq!(taken, varint(number as usize), "{} as {}{}", hex(&bytes), number, rule);
            }
        }

        #[test]
        fn any_number_comes_back(number in any::<u32>(), shift in 0..32_u32) {
            let number = number >> shift;
            let mut out = BytesMut::new();
            encode_varint(number, &mut out);
            assert_bytes(&out, &varint(number as usize), &format!("{number}"));
            prop_assert_eq!(varint_len(number), out.len(), "the length of {}", number);
            prop_assert_eq!(decode(&out), Ok(number), "{}", hex(&out));
        }
    }
}

mod task_7_2 {
    use super::*;
    use week7::format::types::MAX_KEY_LEN;

    fn decode(bytes: &[u8], previous_key: &[u8]) -> Result<RowEntry, DecodeError> {
        let input = Bytes::copy_from_slice(bytes);
        decode_row(&mut Cursor::new(&input), previous_key)
    }

    #[track_caller]
    fn check(row: &RowEntry, previous_key: &[u8], expected: &[u8], why: &str) {
        let what = format!("a row of {} bytes behind {}", expected.len(), hex(short(previous_key)));
        let mut out = BytesMut::from(&b"before"[..]);
        encode_row(row, previous_key, &mut out).expect("a row that keeps the limits");
        assert_bytes(&out, &[b"before", expected].concat(), &format!("{what}{}", rule("7.2", why)));
        let len = encoded_row_len(row, previous_key);
        let same = rule("7.2", "encoded_row_len is what encode_row appends");
        assert_eq!(len, expected.len(), "{what}{same}");
        let found = decode(expected, previous_key).unwrap_or_else(|error| {
            panic!("{what}: decode_row fails: {error}{}", rule("7.2", why))
        });
        assert!(found == *row, "{what} comes back as it was{}", rule("7.2", why));
    }

    fn short(bytes: &[u8]) -> &[u8] {
        &bytes[..bytes.len().min(16)]
    }

    #[test]
    fn the_row_of_the_page_has_the_bytes_of_the_page() {
        let row = RowEntry::new_value("apply", "7", 9);
        let expected = [4, 1, 1, 0x79, 0x37, 0, 0, 0, 0, 0, 0, 0, 9, 0];
        check(&row, b"apple", &expected, "three varints, suffix, value, seq, flags");
    }

    #[test]
    fn a_row_without_a_row_before_it_has_its_whole_key() {
        let expected = [&[0, 5, 1][..], b"apply7", &[0, 0, 0, 0, 0, 0, 0, 9, 0]].concat();
        check(&RowEntry::new_value("apply", "7", 9), b"", &expected, "nothing to share");
        check(&RowEntry::new_value("apply", "7", 9), b"banana", &expected, "nothing is shared");
    }

    #[test]
    fn each_kind_of_row_has_its_flags() {
        let seq = [1, 2, 3, 4, 5, 6, 7, 8];
        let number = 0x0102_0304_0506_0708;
        let why = "flags: 0 a value, 1 a tombstone, 8 a merge operand";
        let empty = [&[0, 1, 0, b'k'][..], &seq].concat();
        check(&RowEntry::new_tombstone("k", number), b"", &[&empty[..], &[1]].concat(), why);
        check(&RowEntry::new_value("k", "", number), b"", &[&empty[..], &[0]].concat(), why);
        check(&RowEntry::new_merge("k", "", number), b"", &[&empty[..], &[8]].concat(), why);
        let merge = [&[0, 1, 2, b'k'][..], b"+1", &seq, &[8]].concat();
        check(&RowEntry::new_merge("k", "+1", number), b"", &merge, why);
    }

    #[test]
    fn a_key_shares_as_much_as_it_can_with_the_one_before() {
        let why = "the longest common prefix is not stored";
        for (previous, shared) in
            [("apple", 4), ("apply", 5), ("applying", 5), ("app", 3), ("a", 1), ("bpply", 0)]
        {
            let row = RowEntry::new_value("apply", "7", u64::MAX);
            let expected = raw_row(shared, &b"apply"[shared..], b"7", u64::MAX, 0);
            check(&row, previous.as_bytes(), &expected, why);
        }
    }

    #[test]
    fn lengths_at_the_limits_come_back() {
        let why = "a key has 1 to 65,535 bytes, and lengths are varints";
        for len in [1, 2, 127, 128, 129, 16_383, 16_384, MAX_KEY_LEN - 1, MAX_KEY_LEN] {
            let (key, value) = (vec![b'k'; len], vec![b'v'; len]);
            let row = RowEntry::new_value(key.clone(), value.clone(), 1);
            check(&row, b"", &raw_row(0, &key, &value, 1, 0), why);
            check(&row, &key, &raw_row(len, b"", &value, 1, 0), why);
            check(&row, &key[1..], &raw_row(len - 1, b"k", &value, 1, 0), why);
        }
    }

    #[test]
    fn a_value_may_be_longer_than_a_key() {
        let why = "a value has up to 4 GiB - 1 bytes: its length is not that of a key";
        for len in [MAX_KEY_LEN + 1, 2_097_151, 2_097_152] {
            let value = vec![b'v'; len];
            let row = RowEntry::new_value("key", value.clone(), 1);
            check(&row, b"kept", &raw_row(2, b"y", &value, 1, 0), why);
        }
    }

    #[test]
    fn a_row_that_breaks_a_limit_is_refused_and_nothing_is_appended() {
        for len in [0, MAX_KEY_LEN + 1, MAX_KEY_LEN + 2] {
            let mut out = BytesMut::from(&b"before"[..]);
            let row = RowEntry::new_value(vec![b'k'; len], "v", 1);
            let found = encode_row(&row, b"kkk", &mut out);
            let rule = rule("7.2", "a key has 1 to 65,535 bytes");
            assert!(found.is_err(), "a key of {len} bytes: found {found:?}{rule}");
            assert_bytes(&out, b"before", &rule);
        }
    }

    #[test]
    fn a_head_is_taken_up_to_the_suffix() {
        let bytes = [&[0xff, 0xff], &raw_row(300, b"suffix", &[7; 200], 1, 0)[..]].concat();
        let bytes = Bytes::from(bytes);
        let mut input = Cursor::starting_at(&bytes, 2);
        let found = RowHead::decode(&mut input, 300);
        let expected = RowHead { shared: 300, unshared: 6, value_len: 200 };
        let rule = rule("7.2", "a head is three varints, and the suffix follows");
        assert_eq!(found, Ok(expected), "{rule}");
        assert_eq!(input.take_slice(6, "the suffix"), Ok(&b"suffix"[..]), "{rule}");
    }

    #[test]
    fn a_key_can_share_no_more_than_there_is() {
        let head = |shared, unshared, previous_key_len| {
            let bytes = [shared, unshared, 0].map(varint).concat();
            RowHead::decode(&mut Cursor::new(&bytes.into()), previous_key_len)
        };
        let at_most = rule("7.2", "shared is at most the length of the key before");
        assert!(head(5, 1, 5).is_ok(), "5 of 5{at_most}");
        assert!(head(6, 1, 5).is_err(), "6 of 5{at_most}");
        assert!(head(1, 1, 0).is_err(), "1 of 0{at_most}");
        assert!(head(u32::MAX as usize, 1, 5).is_err(), "4 GiB of 5{at_most}");

        let limits = rule("7.2", "a key has 1 to 65,535 bytes");
        assert!(head(0, 0, 5).is_err(), "a key of no bytes{limits}");
        assert!(head(0, MAX_KEY_LEN, 0).is_ok(), "a key of 65,535 bytes{limits}");
        assert!(head(0, MAX_KEY_LEN + 1, 0).is_err(), "a key of 65,536 bytes{limits}");
        assert!(head(MAX_KEY_LEN, 0, MAX_KEY_LEN).is_ok(), "65,535 shared bytes{limits}");
        assert!(head(MAX_KEY_LEN, 1, MAX_KEY_LEN).is_err(), "one byte too many{limits}");
        assert!(head(2, u32::MAX as usize, 5).is_err(), "a key of 4 GiB{limits}");
    }

    #[test]
    fn flags_that_are_not_known_are_an_error() {
        for flags in 0..=u8::MAX {
            let found = decode(&raw_row(0, b"key", b"", 1, flags), b"").is_ok();
            let rule = rule("7.2", "a row of another program version is not guessed at");
            assert_eq!(found, matches!(flags, 0 | 1 | 8), "flags {flags:#010b}{rule}");
        }
    }

    #[test]
    fn a_tombstone_with_a_value_is_an_error() {
        let found = decode(&raw_row(0, b"key", b"v", 1, 1), b"");
        assert!(found.is_err(), "found {found:?}{}", rule("7.2", "a tombstone has no value"));
    }

    #[test]
    fn a_row_that_is_cut_off_is_an_error() {
        for row in [raw_row(3, b"suffix", b"value", 1, 0), raw_row(0, &[b'k'; 300], b"", 1, 1)] {
            for len in 0..row.len() {
                let found = decode(&row[..len], b"prefix");
                let rule = rule("7.2", "every length is checked before it is used");
                assert!(found.is_err(), "{len} of {} bytes: {found:?}{rule}", row.len());
            }
        }
    }

    #[test]
    fn lengths_that_lie_are_errors() {
        let lengths = [
            [0, 3, u32::MAX as usize],
            [0, 3, 40],
            [0, MAX_KEY_LEN, 0],
            [3, MAX_KEY_LEN - 3, u32::MAX as usize],
        ];
        for lengths in lengths {
            let bytes = [&lengths.map(varint).concat()[..], b"key and so on, but not for long"];
            let found = decode(&bytes.concat(), b"prefix");
            let rule = rule("7.2", "every length is checked before it is used");
            assert!(found.is_err(), "lengths {lengths:?}: found {found:?}{rule}");
        }
    }

    /// The most room that this process has asked for, in kB, where the system tells it.
    fn most_asked_for() -> Option<u64> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let most = status.lines().find_map(|line| line.strip_prefix("VmPeak:"))?;
        most.trim().trim_end_matches(" kB").parse().ok()
    }

    #[test]
    fn a_length_that_lies_takes_no_memory() {
        let lengths = [0, 3, u32::MAX as usize].map(varint).concat();
        let bytes = [&lengths[..], b"key and so on, but not for long"].concat();
        let before = most_asked_for();
        assert!(decode(&bytes, b"").is_err(), "a value of 4 GiB in {} bytes", bytes.len());
        let Some((before, after)) = before.zip(most_asked_for()) else { return };
        let rule = rule("7.2", "every length is checked before room is made for it");
        // The tests beside this one ask for less.
        let (len, grown) = (bytes.len(), after - before);
        assert!(grown < 2 << 20, "for a row in {len} bytes, {grown} kB were asked for{rule}");
    }

    #[test]
    fn a_row_is_taken_and_nothing_behind_it() {
        let bytes = [&b"ab"[..], &raw_row(3, b"suffix", b"value", 7, 8), b"cde"].concat();
        let bytes = Bytes::from(bytes);
        let mut input = Cursor::starting_at(&bytes, 2);
        let found = decode_row(&mut input, b"prefix");
        let rule = rule("7.2", "decode_row takes one row off the input");
        assert_eq!(found, Ok(RowEntry::new_merge("presuffix", "value", 7)), "{rule}");
        assert_eq!(input.remaining(), 3, "bytes left{rule}");
    }

    #[test]
    fn a_row_shares_the_memory_of_its_block() {
        let whole = Bytes::from(raw_row(0, b"key", b"value", 7, 0));
        let row = decode_row(&mut Cursor::new(&whole), b"xey").expect("a row");
        let value = row.value.as_bytes().expect("a value");
        let rule = rule("7.2", "what needs no copy is not copied");
        assert!(shares(value, &whole), "the value is a copy{rule}");
        assert!(shares(&row.key, &whole), "a key that shares nothing is a copy{rule}");
    }

    #[test]
    fn a_key_in_two_parts_is_compared_like_a_whole_one() {
        let words: Vec<Vec<u8>> = (0..=4)
            .flat_map(|len| {
                (0..1 << len).map(move |bits| (0..len).map(|n| bits >> n & 1).collect())
            })
            .collect();
        for whole in &words {
            for at in 0..=whole.len() {
                let (prefix, suffix) = whole.split_at(at);
                for key in &words {
                    let (found, expected) = (compare_key(prefix, suffix, key), whole.cmp(key));
                    let rule = rule("7.2", "compare_key compares prefix and suffix as one key");
                    assert_eq!(found, expected, "{prefix:?} + {suffix:?} with {key:?}{rule}");
                }
            }
        }
    }

    proptest! {
        #![proptest_config(testkit::config(128))]

        #[test]
        fn any_row_comes_back(spec in testkit::any_row(), previous in testkit::any_row()) {
            let (row, previous) = (row(spec), previous.0);
            check(&row, &previous, &row_bytes(&row, &previous), "what was encoded comes back");
        }

        #[test]
        fn any_bytes_are_a_row_or_an_error(
            bytes in proptest::collection::vec(prop_oneof![2 => 0..9_u8, 1 => any::<u8>()], 0..40)
        ) {
            let previous = b"previous";
            if let Ok(row) = decode(&bytes, previous) {
                let valid = row.validate().is_ok();
                prop_assert!(valid, "{} gave {:?}, which is no row", hex(&bytes), row);
            }
        }
    }
}

mod task_7_3 {
    use super::*;

    #[track_caller]
    fn build(builder: &mut BlockBuilderV2, rows: &[RowEntry]) -> Bytes {
        for row in rows {
            let added = builder.add(row).expect("a row that keeps the limits");
            let rule = rule("7.3", "a row that fits is added, to a finished builder too");
            assert!(added, "{row:?} was refused though there is room{rule}");
        }
        builder.finish()
    }

    #[track_caller]
    fn assert_block(found: &[u8], rows: &[RowEntry], why: &str) {
        let what = format!("a block of {} rows{}", rows.len(), rule("7.3", why));
        assert_bytes(found, &block_bytes(rows), &what);
    }

    #[test]
    fn the_block_of_the_page_has_the_bytes_of_the_page() {
        let rows = [
            RowEntry::new_value("apple", "red", 2),
            RowEntry::new_tombstone("apply", 9),
            RowEntry::new_value("apply", "7", 4),
        ];
        let expected = [
            &[0, 5, 3][..],
            b"applered",
            &[0, 0, 0, 0, 0, 0, 0, 2, 0],
            &[4, 1, 0, b'y', 0, 0, 0, 0, 0, 0, 0, 9, 1],
            &[5, 0, 1, b'7', 0, 0, 0, 0, 0, 0, 0, 4, 0],
            &[0, 0, 0, 3],
        ];
        let found = build(&mut BlockBuilderV2::new(4096), &rows);
        assert_bytes(&found, &expected.concat(), &rule("7.3", "rows, restarts, row count"));
    }

    #[test]
    fn every_sixteenth_row_has_its_whole_key() {
        for count in [1, 2, 15, 16, 17, 31, 32, 33, 48, 49, 200] {
            let rows = orders(count);
            let found = build(&mut BlockBuilderV2::new(65_535), &rows);
            assert_block(&found, &rows, "rows 0, 16, 32 and so on are restart points");
        }
    }

    #[test]
    fn a_restart_point_shares_nothing_even_with_the_same_key() {
        let rows: Vec<_> = (0..40).map(|n| RowEntry::new_value("same", "v", 100 - n)).collect();
        let found = build(&mut BlockBuilderV2::new(65_535), &rows);
        assert_block(&found, &rows, "a restart point is encoded against the empty key");
    }

    #[test]
    fn encoded_len_is_what_finish_returns() {
        let mut builder = BlockBuilderV2::new(65_535);
        let (found, expected) = (builder.encoded_len(), builder.finish().len());
        let rule = rule("7.3", "encoded_len counts the row count of an empty block too");
        assert_eq!(found, expected, "without rows{rule}");
        let rows = orders(50);
        for count in 1..=rows.len() {
            let added = builder.add(&rows[count - 1]).expect("a row that keeps the limits");
            let expected = block_bytes(&rows[..count]).len();
            let rule = testkit::rule("7.3", "encoded_len counts rows, restarts and the row count");
            assert!(added, "row {count} was refused though there is room");
            assert_eq!(builder.encoded_len(), expected, "with {count} rows{rule}");
        }
    }

    #[test]
    fn a_row_is_added_if_the_block_is_no_larger_than_its_size() {
        // With row 17, an offset comes with the row.
        for count in [2, 3, 16, 17, 18, 32, 33] {
            let rows = orders(count);
            let exact = block_bytes(&rows).len();
            for (block_size, expected) in [(exact - 1, false), (exact, true), (exact + 1, true)] {
                let mut builder = BlockBuilderV2::new(block_size);
                let (last, others) = rows.split_last().expect("there are rows");
                for row in others {
                    assert!(builder.add(row).expect("a row that keeps the limits"), "has room");
                }
                let found = builder.add(last).expect("a row that keeps the limits");
                let rule = rule("7.3", "a block is no larger than the block size");
                let what = format!("row {count} of a block of {exact} bytes");
                assert_eq!(found, expected, "{what}, of at most {block_size}{rule}");
                let kept = if expected { &rows } else { others };
                assert_block(&builder.finish(), kept, "a refused row changes nothing");
            }
        }
    }

    #[test]
    fn a_refused_row_is_forgotten() {
        let small = |key: &'static str| RowEntry::new_value(key, "v", 1);
        let large = RowEntry::new_value("b-large", vec![b'v'; 500], 1);
        for count in [1, 15, 16, 17] {
            let mut rows = vec![small("a"); count];
            let mut builder = BlockBuilderV2::new(block_bytes(&rows).len() + 60);
            rows.iter().for_each(|row| assert!(builder.add(row).expect("a small row")));
            let len = builder.encoded_len();
            let forgotten = rule("7.3", "unless a row was added, the builder is as it was");
            assert!(!builder.add(&large).expect("a row that keeps the limits"), "it has no room");
            assert_eq!(builder.encoded_len(), len, "{count} rows, one refused{forgotten}");
            let empty_key = builder.add(&small(""));
            assert!(empty_key.is_err(), "a row without a key: found {empty_key:?}{forgotten}");
            let long_key = builder.add(&RowEntry::new_value(vec![b'k'; 65_536], "v", 1));
            let limit = rule("7.3", "a row that breaks a limit is an error, room or not");
            assert!(long_key.is_err(), "a key of 65,536 bytes: found {long_key:?}{limit}");
            assert_eq!(builder.encoded_len(), len, "{count} rows, one invalid{forgotten}");
            rows.extend([small("b-small"), small("c")]);
            let last = &rows[rows.len() - 2..];
            assert_block(&build(&mut builder, last), &rows, "a refused row changes nothing");
        }
    }

    #[test]
    fn an_empty_block_takes_a_row_of_any_size_and_no_other() {
        let large = RowEntry::new_value(vec![b'k'; 65_535], vec![b'v'; 100_000], u64::MAX);
        for block_size in [0, 1, 100, 4096, 65_535, usize::MAX] {
            let mut builder = BlockBuilderV2::new(block_size);
            let found = builder.add(&large).expect("a row that keeps the limits");
            let alone = rule("7.3", "an empty block has room for a row of any size");
            assert!(found, "block size {block_size}{alone}");
            let small = builder.add(&RowEntry::new_value("l", "v", 1)).expect("a small row");
            assert!(!small, "block size {block_size}: another row behind a large one{alone}");
            assert_block(&builder.finish(), std::slice::from_ref(&large), "one row");
        }
    }

    #[test]
    fn a_row_that_breaks_a_limit_is_refused_by_an_empty_block_too() {
        let mut builder = BlockBuilderV2::new(4096);
        for len in [0, 65_536] {
            let found = builder.add(&RowEntry::new_value(vec![b'k'; len], "v", 1));
            let rule = rule("7.3", "a row that breaks a limit is an error");
            assert!(found.is_err(), "a key of {len} bytes: found {found:?}{rule}");
            assert!(builder.is_empty(), "behind a key of {len} bytes{rule}");
        }
        let rows = orders(3);
        assert_block(&build(&mut builder, &rows), &rows, "unless added, nothing changes");
    }

    #[test]
    fn every_offset_fits_into_two_bytes() {
        for value_len in [0, 40, 3000] {
            let mut builder = BlockBuilderV2::new(usize::MAX);
            let mut rows: Vec<RowEntry> = Vec::new();
            loop {
                let key = format!("user/{:06}", rows.len());
                let row = RowEntry::new_value(key, vec![b'v'; value_len], 1);
                if !builder.add(&row).expect("a row that keeps the limits") {
                    break;
                }
                rows.push(row);
                assert!(rows.len() < 10_000, "{}", rule("7.3", "a block has at most 65,535 bytes"));
            }
            let rule = rule("7.3", "a block has at most 65,535 bytes");
            assert!(builder.encoded_len() <= 65_535, "{} bytes{rule}", builder.encoded_len());
            assert_block(&builder.finish(), &rows, "every offset fits into two bytes");
        }
    }

    #[test]
    fn a_finished_builder_is_as_good_as_new() {
        let mut builder = BlockBuilderV2::new(65_535);
        for count in [1, 16, 17, 20, 3, 16, 5] {
            let rows = orders(count);
            let found = build(&mut builder, &rows);
            let rule = rule("7.3", "after finish the builder is as new");
            assert!(builder.is_empty(), "it has rows after finish{rule}");
            assert_block(&found, &rows, "the builder is empty after finish, ready for the next");
        }
    }

    proptest! {
        #![proptest_config(testkit::config(64))]

        #[test]
        fn any_rows_make_the_block_of_the_page(specs in testkit::any_rows(50)) {
            let rows = rows(specs);
            prop_assume!(!rows.is_empty());
            assert_block(&build(&mut BlockBuilderV2::new(65_535), &rows), &rows, "the layout");
        }
    }
}

mod task_7_4 {
    use super::*;
    use testkit::deadline;

    /// A search that does not end is a test that fails, and not one that hangs.
    const SECONDS: u64 = 30;

    /// Three whole intervals and a part of one.
    fn fifty() -> Vec<RowEntry> {
        orders(50)
    }

    #[track_caller]
    fn position(block: &BlockV2, key: &[u8]) -> RowPosition {
        block.seek(key).expect("a search in a block without damage")
    }

    /// What is damaged must be an error somewhere, or a whole block; and it must end.
    fn read_everything(bytes: &[u8]) -> Result<Vec<RowEntry>, DecodeError> {
        let block = decode_block(bytes)?;
        let found = rest(&block, RowPosition::default());
        for number in 0..block.row_count() + 2 {
            let row = block.row(number);
            let rule = rule("7.4", "there is a row of each number, and none past the last");
            if let Ok(row) = row {
                assert_eq!(row.is_some(), number < block.row_count(), "row {number}{rule}");
            }
        }
        for key in [&b""[..], b"user/000001", b"user/000001/order/00013x", b"v"] {
            if let Ok(position) = block.seek(key) {
                assert!(
                    position.number <= block.row_count(),
                    "{position:?} of {}",
                    block.row_count()
                );
                let _ = rest(&block, position);
            }
        }
        if let Ok(rows) = &found {
            let rule = rule("7.4", "as many rows come out as the block says there are");
            assert_eq!(rows.len(), block.row_count(), "{rule}");
        }
        found
    }

    #[test]
    fn rows_are_found_by_their_number() {
        for count in [1, 15, 16, 17, 32, 33, 50] {
            let rows = orders(count);
            let block = good_block(&rows);
            assert_eq!(block.row_count(), count, "{}", rule("7.4", "the row count is stored"));
            assert_eq!(block.first_key(), &rows[0].key, "{}", rule("7.4", "the key of row 0"));
            for number in 0..count + 20 {
                let found = block.row(number).expect("a block without damage");
                let rule = rule("7.4", "row `number`, counted from 0; none past the last");
                assert_eq!(found.as_ref(), rows.get(number), "row {number} of {count}{rule}");
            }
        }
    }

    #[test]
    fn rows_come_out_in_order_and_once() {
        for count in [1, 16, 17, 50] {
            let rows = orders(count);
            let block = good_block(&rows);
            let mut position = RowPosition::default();
            for row in &rows {
                let found = block.next_row(&mut position).expect("a block without damage");
                assert_eq!(found.as_ref(), Some(row), "{}", rule("7.4", "the rows in order"));
            }
            let end = position.clone();
            for _ in 0..2 {
                let found = block.next_row(&mut position).expect("a block without damage");
                assert_eq!(found, None, "behind the last row of {count}");
                assert_eq!(position, end, "{}", rule("7.4", "behind the last row nothing moves"));
            }
        }
    }

    /// A place in words.
    fn told(place: &RowPosition) -> String {
        let key = place.previous_key.escape_ascii();
        format!("row {} at offset {}, behind the key \"{key}\"", place.number, place.offset)
    }

    #[test]
    fn a_position_says_what_the_next_row_leans_on() {
        deadline(SECONDS, || {
            let rows = fifty();
            let (starts, _) = rows_bytes(&rows);
            let block = good_block(&rows);
            let mut walked = RowPosition::default();
            for (number, &offset) in starts.iter().enumerate() {
                let restart = number % INTERVAL == 0;
                let previous_key = if restart { Vec::new() } else { rows[number - 1].key.to_vec() };
                let expected = RowPosition { number, offset, previous_key };
                let rule =
                    rule("7.4", "number, offset, and the key before; none at a restart point");
                let what = format!("the place in front of row {number}");
                assert_eq!(told(&walked), told(&expected), "{what}, by next_row{rule}");
                let sought = position(&block, &rows[number].key);
                assert_eq!(told(&sought), told(&expected), "{what}, by seek{rule}");
                block.next_row(&mut walked).expect("a block without damage");
            }
            let end = position(&block, b"z");
            let rule = rule("7.4", "at the end there is no key that a row leans on");
            let expected = RowPosition { number: 50, offset: end.offset, previous_key: Vec::new() };
            assert_eq!(told(&end), told(&expected), "the place behind all rows, by seek{rule}");
            assert_eq!(told(&walked), told(&end), "the place behind all rows, by next_row{rule}");
        });
    }

    #[test]
    fn a_search_finds_the_first_row_that_is_not_less() {
        deadline(SECONDS, || {
            for count in [1, 2, 16, 17, 18, 33, 50] {
                let rows = orders(count);
                let block = good_block(&rows);
                let mut keys = vec![Vec::new(), vec![0], vec![0xff]];
                for row in &rows {
                    let (key, shorter) = (row.key.to_vec(), row.key[..row.key.len() - 1].to_vec());
                    keys.extend([
                        [&key[..], &[0]].concat(),
                        [&shorter[..], &[0xff]].concat(),
                        shorter,
                        key,
                    ]);
                }
                for key in keys {
                    let number = rows.partition_point(|row| row.key < key);
                    let what = format!("{} in {count} rows", key.escape_ascii());
                    let rule = rule("7.4", "the first row whose key is the key or greater");
                    let found = position(&block, &key);
                    assert_eq!(found.number, number, "seek: {what}{rule}");
                    let lower_bound = block.lower_bound(&key).expect("a block without damage");
                    assert_eq!(lower_bound, number, "lower_bound: {what}{rule}");
                    let found = rest(&block, found).expect("a block without damage");
                    assert_eq!(found, rows[number..], "from there on: {what}{rule}");
                }
            }
        });
    }

    #[test]
    fn a_search_finds_the_newest_version_of_a_key() {
        deadline(SECONDS, || {
            for before in 0..35 {
                for versions in [1, 2, 16, 17, 40] {
                    let row = |key: &'static str, seq| RowEntry::new_value(key, "v", seq);
                    let mut rows: Vec<_> = (0..before).map(|n| row("a", 900 - n)).collect();
                    rows.extend((0..versions).map(|n| row("b", 900 - n)));
                    rows.push(row("c", 1));
                    let block = good_block(&rows);
                    let found = ["a", "b", "bb", "c", "d"]
                        .map(|key| position(&block, key.as_bytes()).number);
                    let (before, behind) = (before as usize, (before + versions) as usize);
                    let expected = [0, before, behind, behind, behind + 1];
                    let what = format!("{before} versions of a, {versions} of b, one of c");
                    let rule = rule("7.4", "versions of one key may begin before a restart point");
                    assert_eq!(found, expected, "{what}{rule}");
                }
            }
        });
    }

    /// The bytes of a block, and the places of its rows.
    fn large() -> (Vec<RowEntry>, Vec<usize>, Vec<u8>) {
        let rows = orders(32 * INTERVAL);
        let (starts, _) = rows_bytes(&rows);
        let bytes = block_bytes(&rows);
        (rows, starts, bytes)
    }

    #[test]
    fn a_search_decodes_one_interval() {
        deadline(SECONDS, || {
            let (rows, starts, bytes) = large();
            for number in [3, 200, 261, 511] {
                let mut damaged = bytes.clone();
                for other in 0..rows.len() {
                    if other % INTERVAL != 0 && other / INTERVAL != number / INTERVAL {
                        damaged[starts[other]] = 0x7f;
                    }
                }
                let block =
                    decode_block(&damaged).expect("the rows of no other interval are looked at");
                let found = block.seek(&rows[number].key).map(|position| position.number);
                let rule = rule("7.4", "a search passes over the rows of one interval only");
                assert_eq!(found, Ok(number), "row {number}, and other intervals damaged{rule}");
                let found = block.row(number);
                assert_eq!(found, Ok(Some(rows[number].clone())), "row {number}{rule}");
            }
        });
    }

    #[test]
    fn a_search_looks_at_few_restart_points() {
        deadline(SECONDS, || {
            let (rows, starts, bytes) = large();
            // Far from the start first: a walk from there looks at most restart points.
            for number in [511, 261, 200, 3] {
                let looked_at = |restart: &usize| {
                    let mut damaged = bytes.clone();
                    damaged[starts[*restart]] = 1;
                    let block = decode_block(&damaged);
                    block.and_then(|block| block.seek(&rows[number].key)).is_err()
                };
                // The first one counts always, since `decode` reads it.
                let count = (0..rows.len()).step_by(INTERVAL).filter(looked_at).count();
                let rule = rule("7.4", "a binary search of 32 restart points takes 5 or 6 looks");
                let what = format!("row {number}: damage to {count} of 32 restart points is seen");
                assert!((4..=8).contains(&count), "{what}{rule}");
            }
        });
    }

    #[test]
    fn a_position_is_all_that_the_next_row_needs() {
        deadline(SECONDS, || {
            let (rows, starts, bytes) = large();
            let number = 250;
            let mut position = position(&good_block(&rows), &rows[number].key);
            let mut damaged = bytes;
            for other in (0..rows.len()).filter(|other| ![0, number, number + 1].contains(other)) {
                damaged[starts[other]] = 0x7f;
            }
            let block = decode_block(&damaged).expect("row 0 is as it was");
            for number in [number, number + 1] {
                let found = block.next_row(&mut position);
                let rule = rule("7.4", "next_row decodes one row");
                assert_eq!(found, Ok(Some(rows[number].clone())), "row {number}{rule}");
            }
        });
    }

    #[test]
    fn rows_of_any_size_come_back() {
        deadline(SECONDS, || {
            let large = RowEntry::new_value(vec![b'k'; 65_535], vec![b'v'; 100_000], 1);
            let blocks = [
                vec![large],
                vec![RowEntry::new_value(vec![b'k'; 65_535], "", 7)],
                vec![
                    RowEntry::new_value(vec![b'k'; 60_000], "a", 7),
                    RowEntry::new_value(vec![b'k'; 60_001], "b", 7),
                ],
            ];
            for rows in blocks {
                let block = good_block(&rows);
                let found = rest(&block, RowPosition::default()).expect("a block without damage");
                assert!(found == rows, "large rows come back{}", rule("7.4", "whatever was added"));
                let found = position(&block, &rows[rows.len() - 1].key);
                assert_eq!(
                    found.number,
                    rows.len() - 1,
                    "{}",
                    rule("7.4", "a search for a long key")
                );
            }
        });
    }

    #[test]
    fn rows_share_the_memory_of_their_block() {
        let bytes = Bytes::from(block_bytes(&fifty()));
        let block = BlockV2::decode(bytes.clone()).expect("a block without damage");
        let copied = rule("7.4", "what needs no copy is not copied");
        assert!(shares(block.first_key(), &bytes), "the first key is a copy{copied}");
        for row in rest(&block, RowPosition::default()).expect("a block without damage") {
            let shared = row.value.as_bytes().is_none_or(|value| shares(value, &bytes));
            assert!(shared, "the value of {row:?} is a copy{copied}");
        }
        let (size, len) = (block.size(), bytes.len());
        // A pointer, a length or a capacity: twelve of them at most, and restarts to spare.
        let rule = rule("7.4", "a block takes no more memory than its bytes and its fields");
        assert!((len..len + 150).contains(&size), "{size} bytes for a block of {len}{rule}");
    }

    #[test]
    fn a_block_needs_a_row_and_room_for_its_trailer() {
        let row = raw_row(0, b"key", b"value", 1, 0);
        let bad = [
            ("nothing", vec![]),
            ("one byte", vec![0]),
            ("no row", raw_block(&[], &[], 0)),
            ("a row count of 0", raw_block(&row, &[], 0)),
            ("a restart without rows", raw_block(&[], &[0], 1)),
            ("more restarts than bytes", raw_block(&row, &[0], 65_535)),
            ("a first restart behind the start", raw_block(&[&[0], &row[..]].concat(), &[1], 1)),
            ("a first restart behind the rows", raw_block(&row, &[row.len()], 1)),
            ("a first row that shares", raw_block(&raw_row(1, b"ey", b"v", 1, 0), &[0], 1)),
            ("a first row without a key", raw_block(&raw_row(0, b"", b"v", 1, 0), &[0], 1)),
            ("a first key that is cut off", raw_block(&[0, 9, 0, b'k'], &[0], 1)),
            ("a first key that runs into the trailer", raw_block(&[0, 3, 0, b'k'], &[0], 1)),
        ];
        for (what, bytes) in bad {
            let found = decode_block(&bytes);
            let rule = rule("7.4", "decode checks invariants 1 and 2, and the first key");
            assert!(found.is_err(), "{what}: found {found:?}{rule}");
        }
        let found = decode_block(&raw_block(&row, &[0], 1)).map(|block| block.row_count());
        assert_eq!(found, Ok(1), "a good block of one row");
    }

    #[test]
    fn restart_points_that_are_out_of_order_are_errors() {
        let rows = fifty();
        let (starts, bytes) = rows_bytes(&rows);
        let restarts: Vec<_> = starts.into_iter().step_by(INTERVAL).collect();
        for (number, wrong) in
            [(0, 1), (1, 0), (1, restarts[2]), (2, restarts[1]), (3, bytes.len()), (3, 65_535)]
        {
            let mut damaged = restarts.clone();
            damaged[number] = wrong;
            let found = decode_block(&raw_block(&bytes, &damaged, rows.len()));
            let rule = rule("7.4", "the first restart is 0; each is behind the one before");
            assert!(found.is_err(), "restart {number} is {wrong}: found {found:?}{rule}");
        }
    }

    #[test]
    fn an_error_says_where_in_the_block() {
        deadline(SECONDS, || {
            let rows = fifty();
            let (starts, bytes) = rows_bytes(&rows);
            let restarts: Vec<_> = starts.iter().copied().step_by(INTERVAL).collect();
            let rule = rule(
                "7.4",
                "the error names the offset of the field that is wrong, from the start of the block",
            );
            for (number, wrong) in [(0, 1), (3, 65_535)] {
                let mut damaged = restarts.clone();
                damaged[number] = wrong;
                let error = decode_block(&raw_block(&bytes, &damaged, 50)).expect_err("damage");
                let field = (bytes.len() + 2 * number) as u64;
                let what = format!("restart {number} is {wrong}, at {field}");
                assert!((field..field + 2).contains(&error.offset), "{what}: {error:?}{rule}");
            }
            let mut damaged = bytes;
            damaged[starts[20]] = 0x7f;
            let block = decode_block(&raw_block(&damaged, &restarts, 50)).expect("row 0 is good");
            let row = starts[20] as u64..starts[21] as u64;
            let errors = [
                ("row 20", block.row(20).expect_err("damage")),
                ("row 25", block.row(25).expect_err("damage")),
                ("a search", block.seek(&rows[25].key).expect_err("damage")),
                ("all rows", rest(&block, RowPosition::default()).expect_err("damage")),
            ];
            for (what, error) in errors {
                let what = format!("{what}, with row 20 damaged, at {row:?}");
                assert!(row.contains(&error.offset), "{what}: {error:?}{rule}");
            }
        });
    }

    #[test]
    fn an_interval_ends_with_its_last_row() {
        deadline(SECONDS, || {
            let rows = fifty();
            let (starts, bytes) = rows_bytes(&rows);
            let restarts: Vec<_> = starts.into_iter().step_by(INTERVAL).collect();
            let longer = [&bytes[..], &[0]].concat();
            let mut moved = restarts.clone();
            moved[1] -= 1;
            let mut moved_on = restarts.clone();
            moved_on[2] += 1;
            let damaged = [
                ("a byte behind the last row", raw_block(&longer, &restarts, 50)),
                ("a row fewer than there are", raw_block(&bytes, &restarts, 49)),
                ("a row more than there are", raw_block(&bytes, &restarts, 51)),
                ("a restart before the end of an interval", raw_block(&bytes, &moved, 50)),
                ("a restart behind the end of an interval", raw_block(&bytes, &moved_on, 50)),
            ];
            for (what, bytes) in damaged {
                let found = read_everything(&bytes);
                let rule = rule("7.4", "an interval holds its rows, and nothing behind them");
                assert!(found.is_err(), "{what}: every row was read{rule}");
            }
            // The last row of the interval is the one that ends wrong.
            let block =
                decode_block(&raw_block(&longer, &restarts, 50)).expect("invariants 1 and 2");
            let rule = rule("7.4", "an interval's end is checked with its last row");
            assert_eq!(block.row(48), Ok(Some(rows[48].clone())), "the last row but one{rule}");
            assert!(block.row(49).is_err(), "the last row: {:?}{rule}", block.row(49));
            assert!(
                block.seek(b"z").is_err(),
                "a search up to the end: {:?}{rule}",
                block.seek(b"z")
            );
        });
    }

    #[test]
    fn every_interval_ends_with_its_last_row() {
        deadline(SECONDS, || {
            let rows = fifty();
            let (starts, bytes) = rows_bytes(&rows);
            for next in [16, 32, 48] {
                // A byte between two intervals: the restart points behind it are shifted too.
                let (before, behind) = bytes.split_at(starts[next]);
                let gap = [before, &[0], behind].concat();
                let shifted = |&start: &usize| start + usize::from(start >= starts[next]);
                let restarts: Vec<_> = starts.iter().step_by(INTERVAL).map(shifted).collect();
                let block = decode_block(&raw_block(&gap, &restarts, 50)).expect("row 0 is good");
                let rule = rule("7.4", "next_row, seek and row check where an interval ends");
                let last = next - 1;
                let found = block.row(last);
                assert!(found.is_err(), "row({last}), a byte behind it: {found:?}{rule}");
                let found = block.seek(&rows[next].key);
                assert!(found.is_err(), "a search for row {next}: {found:?}{rule}");
                let found = rest(&block, RowPosition::default());
                assert!(found.is_err(), "next_row, up to the end: {found:?}{rule}");
            }
        });
    }

    #[test]
    fn a_search_is_not_led_astray_by_a_restart_point_that_shares() {
        deadline(SECONDS, || {
            let rows = orders(64);
            let (starts, bytes) = rows_bytes(&rows);
            let restarts: Vec<_> = starts.iter().copied().step_by(INTERVAL).collect();
            for &restart in &restarts[1..] {
                // It says that it shares a byte, and begins with a byte greater than any.
                let mut damaged = bytes.clone();
                (damaged[restart], damaged[restart + 3]) = (1, 0xff);
                let block =
                    decode_block(&raw_block(&damaged, &restarts, 64)).expect("row 0 is good");
                let rule = rule("7.4", "a search that looks at a restart point checks it");
                for (number, row) in rows.iter().enumerate() {
                    let found = block.seek(&row.key).map(|position| position.number);
                    assert!(
                        found.is_err() || found == Ok(number),
                        "row {number}, with a restart point at {restart} that shares: {found:?}{rule}"
                    );
                }
            }
        });
    }

    #[test]
    fn a_restart_point_that_shares_is_an_error() {
        deadline(SECONDS, || {
            let rows = orders(20);
            let (starts, bytes) = rows_bytes(&rows);
            let shared = 4;
            let wrong = raw_row(shared, &rows[16].key[shared..], b"", 16, 0);
            let bytes = [&bytes[..starts[16]], &wrong].concat();
            let block =
                decode_block(&raw_block(&bytes, &[0, starts[16]], 17)).expect("row 0 is good");
            let rule = rule("7.4", "a restart point is encoded against the empty key");
            let found = rest(&block, RowPosition::default());
            assert!(found.is_err(), "next_row: {found:?}{rule}");
            assert!(block.row(16).is_err(), "row: {:?}{rule}", block.row(16));
            let found = block.seek(&rows[17].key);
            assert!(found.is_err(), "seek: {found:?}{rule}");
        });
    }

    #[test]
    fn after_an_error_the_position_is_where_it_was() {
        deadline(SECONDS, || {
            let rows = fifty();
            let (starts, mut bytes) = rows_bytes(&rows);
            bytes[starts[20]] = 0x7f;
            let restarts: Vec<_> = starts.iter().copied().step_by(INTERVAL).collect();
            let longer = [&bytes[..], &[0]].concat();
            let block = decode_block(&raw_block(&longer, &restarts, 50)).expect("row 0 is good");
            let good = good_block(&rows);
            for number in [20, 49] {
                let mut place = position(&good, &rows[number].key);
                let before = place.clone();
                let (first, second) = (block.next_row(&mut place), block.next_row(&mut place));
                let rule = rule("7.4", "on an error the position stays where it is");
                assert!(first.is_err(), "row {number} is damaged: found {first:?}");
                assert_eq!(second, first, "row {number}, asked for again{rule}");
                assert_eq!(place, before, "row {number}{rule}");
            }
        });
    }

    #[test]
    fn damage_is_an_error_and_never_a_panic() {
        deadline(SECONDS, || {
            let bytes = block_bytes(&orders(40));
            for len in 0..bytes.len() {
                let _ = read_everything(&bytes[..len]);
            }
            for position in 0..bytes.len() {
                for flip in [0x01, 0x10, 0x80, 0xff] {
                    let mut damaged = bytes.clone();
                    damaged[position] ^= flip;
                    let _ = read_everything(&damaged);
                }
            }
        });
    }

    #[test]
    fn damage_to_the_trailer_does_not_go_unnoticed() {
        deadline(SECONDS, || {
            let bytes = block_bytes(&orders(40));
            let trailer = 3 * 2 + 2;
            for position in bytes.len() - trailer..bytes.len() {
                for bit in 0..8 {
                    let mut damaged = bytes.clone();
                    damaged[position] ^= 1 << bit;
                    let found = read_everything(&damaged);
                    let rule = rule("7.4", "restarts and row count are checked, at once or later");
                    assert!(found.is_err(), "byte {position}, bit {bit}: every row was read{rule}");
                }
            }
        });
    }

    /// One step of a walk: forward to a key, or to the next row.
    type Walk = Vec<Option<Vec<u8>>>;

    fn any_walk() -> impl Strategy<Value = Walk> {
        let key = testkit::any_row().prop_map(|(key, _, _)| key);
        proptest::collection::vec(proptest::option::weighted(0.4, key), 0..30)
    }

    fn block_of(version: FormatVersion, rows: &[RowEntry]) -> Arc<DataBlock> {
        let mut builder = DataBlockBuilder::new(version, 65_535);
        for row in rows {
            assert!(builder.add(row).expect("a row that keeps the limits"), "there is room");
        }
        Arc::new(DataBlock::decode(version, builder.finish()).expect("a block without damage"))
    }

    #[test]
    fn both_versions_hold_the_same() {
        deadline(SECONDS, || {
            let config = testkit::config(64);
            proptest!(config, |(specs in testkit::any_rows(60), walk in any_walk())| {
                let rows = rows(specs);
                prop_assume!(!rows.is_empty());
                hold_the_same(&rows, &walk)?;
            });
        });
    }

    fn hold_the_same(rows: &[RowEntry], walk: &Walk) -> Result<(), TestCaseError> {
        let blocks = [FormatVersion::V1, FormatVersion::V2].map(|v| block_of(v, rows));
        for block in blocks {
            prop_assert_eq!(block.row_count(), rows.len());
            prop_assert_eq!(block.first_key(), &rows[0].key);
            for number in 0..=rows.len() {
                prop_assert_eq!(block.row(number), Ok(rows.get(number).cloned()), "{}", number);
            }
            let mut stream = DataBlockIterator::new(block.clone());
            let mut next = 0;
            for step in walk {
                if let Some(key) = step {
                    let found = rows.partition_point(|row| row.key < key);
                    prop_assert_eq!(block.lower_bound(key), Ok(found), "{:?}", key);
                    prop_assert_eq!(stream.seek(key), Ok(()));
                    next = found.max(next);
                }
                let expected = rows.get(next).cloned();
                prop_assert_eq!(stream.next(), Ok(expected), "{:?}, and the next row", step);
                next += 1;
            }
        }
        Ok(())
    }
}
