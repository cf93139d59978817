//! The room `format/`: rows, blocks and checksums. Engine-only until week 1 has its own tests.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use testkit::{RowKind, RowSpec, assert_bytes};
use tinydb::Error;
use tinydb::error::{Corruption, DecodeError};
use tinydb::format::cursor::Cursor;
use tinydb::format::row_codec::{decode_row, encode_row, encoded_row_len};
use tinydb::format::types::{MAX_KEY_LEN, MAX_VALUE_LEN};
use tinydb::format::{Block, BlockBuilder, FormatVersion, RowEntry, ValueDeletable, checksum};

fn row((key, kind, seq): RowSpec) -> RowEntry {
    match kind {
        RowKind::Value(value) => RowEntry::new_value(key, value, seq),
        RowKind::Merge(operand) => RowEntry::new_merge(key, operand, seq),
        RowKind::Tombstone => RowEntry::new_tombstone(key, seq),
    }
}

fn encode(row: &RowEntry, first_key: &[u8]) -> BytesMut {
    let mut out = BytesMut::new();
    encode_row(row, first_key, &mut out).expect("a row within the limits");
    out
}

fn decode(bytes: &[u8], first_key: &[u8]) -> Result<RowEntry, DecodeError> {
    decode_row(&mut Cursor::new(&Bytes::copy_from_slice(bytes)), first_key)
}

fn block(rows: &[RowEntry]) -> Bytes {
    let mut builder = BlockBuilder::new(65_535);
    for row in rows {
        assert!(builder.add(row).expect("a row within the limits"), "the block is full");
    }
    builder.finish()
}

fn decoded(bytes: &[u8]) -> Block {
    Block::decode(Bytes::copy_from_slice(bytes)).expect("a whole block")
}

/// Decodes a block and every row in it.
fn read_all(bytes: &[u8]) -> Result<Vec<RowEntry>, DecodeError> {
    let block = Block::decode(Bytes::copy_from_slice(bytes))?;
    (0..block.row_count()).filter_map(|number| block.row(number).transpose()).collect()
}

mod types {
    use super::*;

    #[test]
    fn limits_are_checked_and_the_error_names_them() {
        let ok = |row: RowEntry| row.validate().is_ok();
        assert!(ok(RowEntry::new_value("k", "", 0)));
        assert!(ok(RowEntry::new_tombstone(vec![0; MAX_KEY_LEN], u64::MAX)));
        for key in [vec![], vec![0; MAX_KEY_LEN + 1]] {
            let message = RowEntry::new_value(key, "", 0).validate().expect_err("a bad key");
            assert!(message.to_string().contains("a key has 1 to 65535"), "{message}");
        }
        assert_eq!(MAX_VALUE_LEN, 4_294_967_295);
    }

    #[test]
    fn a_size_counts_key_value_and_sequence_number() {
        assert_eq!(RowEntry::new_value("key", "value", 1).estimated_size(), 3 + 5 + 8);
        assert_eq!(RowEntry::new_tombstone("key", 1).estimated_size(), 3 + 8);
    }

    #[test]
    fn an_empty_value_is_not_a_tombstone() {
        let empty = ValueDeletable::Value(Bytes::new());
        assert!(empty.is_empty() && !empty.is_tombstone());
        assert!(ValueDeletable::Tombstone.is_tombstone());
        assert_eq!(ValueDeletable::Tombstone.as_bytes(), None);
        assert_eq!(ValueDeletable::Merge("+1".into()).len(), 2);
    }
}

mod row_codec {
    use super::*;

    #[test]
    fn the_example_in_the_documentation_holds() {
        let expected = [&[0, 4, 0, 1, b'y', 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 1][..], b"7"];
        let row = RowEntry::new_value("apply", "7", 9);
        assert_bytes(&encode(&row, b"apple"), &expected.concat(), "apply = 7");
        assert_eq!(decode(&expected.concat(), b"apple"), Ok(row));
    }

    #[test]
    fn a_tombstone_has_no_value_and_a_merge_operand_its_flag() {
        let tombstone = encode(&RowEntry::new_tombstone("k", 1), b"");
        assert_bytes(&tombstone, &[0, 0, 0, 1, b'k', 0, 0, 0, 0, 0, 0, 0, 1, 1], "a tombstone");
        let operand = encode(&RowEntry::new_merge("k", "", 1), b"");
        let expected = [0, 0, 0, 1, b'k', 0, 0, 0, 0, 0, 0, 0, 1, 8, 0, 0, 0, 0];
        assert_bytes(&operand, &expected, "an operand");
    }

    #[test]
    fn a_row_that_breaks_a_limit_is_refused_and_appends_nothing() {
        let mut out = BytesMut::from(&b"before"[..]);
        for key in [vec![], vec![0; MAX_KEY_LEN + 1]] {
            let refused = encode_row(&RowEntry::new_value(key, "v", 1), b"", &mut out);
            assert!(matches!(refused, Err(Error::InvalidArgument { .. })), "{refused:?}");
        }
        assert_eq!(out, "before");
    }

    #[test]
    fn fields_that_can_not_be_right_are_errors_at_their_offset() {
        let good = encode(&RowEntry::new_value("k", "v", 1), b"");
        let corruption_at = |position: usize, byte: u8| {
            let mut bad = good.to_vec();
            bad[position] = byte;
            let error = decode(&bad, b"first").expect_err("a bad row");
            (error.offset, error.corruption)
        };
        let invalid = |found: &Corruption| matches!(found, Corruption::InvalidField { .. });
        let (offset, corruption) = corruption_at(1, 6);
        assert!(offset == 0 && invalid(&corruption), "a prefix of 6 of 5 bytes: {corruption}");
        let (offset, corruption) = corruption_at(3, 0);
        assert!(offset == 0 && invalid(&corruption), "an empty key: {corruption}");
        for flags in [2, 3, 4, 9, 16, 255] {
            let (offset, corruption) = corruption_at(13, flags);
            assert!(offset == 13 && invalid(&corruption), "flags {flags}: {corruption}");
        }
        let (offset, corruption) = corruption_at(14, 0xff);
        let truncated = matches!(corruption, Corruption::Truncated { needed: 0xff00_0001, .. });
        assert!(offset == 18 && truncated, "a value of 4 GiB in a row of 19 bytes: {corruption}");
    }

    #[test]
    fn a_key_that_is_too_long_with_its_prefix_is_an_error() {
        let first_key = vec![0; MAX_KEY_LEN];
        for suffix_len in [1, 2, 3] {
            let mut bytes = vec![0xff, 0xff, 0, suffix_len];
            bytes.extend(vec![7; suffix_len.into()]);
            bytes.extend([0; 9]);
            bytes.extend([0; 4]);
            assert!(decode(&bytes, &first_key).is_err(), "65,535 bytes and {suffix_len}");
        }
    }

    proptest! {
        #![proptest_config(testkit::config(256))]

        #[test]
        fn rows_come_back_and_cut_rows_are_errors(
            spec in testkit::any_row(), (first_key, _, _) in testkit::any_row(),
        ) {
            let row = row(spec);
            let bytes = encode(&row, &first_key);
            prop_assert_eq!(bytes.len(), encoded_row_len(&row, &first_key));
            for len in 0..bytes.len() {
                prop_assert!(decode(&bytes[..len], &first_key).is_err(), "{} bytes", len);
            }
            prop_assert_eq!(decode(&bytes, &first_key), Ok(row));
        }

        #[test]
        fn any_bytes_are_a_row_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            // No panic is the assertion.
            let _ = decode(&bytes, b"first key");
        }
    }
}

mod block {
    use super::*;

    #[test]
    fn the_layout_is_that_of_the_documentation() {
        let rows = [RowEntry::new_tombstone("kiwi", 2), RowEntry::new_tombstone("kiwis", 1)];
        let (first, second) = (encode(&rows[0], b""), encode(&rows[1], b"kiwi"));
        assert_eq!(second[..5], [0, 4, 0, 1, b's'], "the prefix is that of the first key");
        let offsets = [0, 0, 0, first.len() as u8, 0, 2];
        let expected = [&first[..], &second, &offsets].concat();
        assert_bytes(&block(&rows), &expected, "a block of two rows");
    }

    #[test]
    fn a_block_is_no_larger_than_its_size_unless_it_has_one_row() {
        let rows: Vec<_> =
            (0..50).map(|n| RowEntry::new_value(format!("k{n:02}"), "v", n)).collect();
        for block_size in 0..200 {
            let mut builder = BlockBuilder::new(block_size);
            assert!(builder.add(&rows[0]).expect("a row within the limits"), "an empty block");
            let count = 1 + rows[1..]
                .iter()
                .take_while(|row| builder.add(row).expect("a row within the limits"))
                .count();
            let len = builder.encoded_len();
            let bytes = builder.finish();
            assert_eq!(bytes.len(), len, "encoded_len before finish");
            assert!(count == 1 || bytes.len() <= block_size, "{count} rows in {}", bytes.len());
            let next_len = encoded_row_len(&rows[count], b"k00") + 2;
            assert!(bytes.len() + next_len > block_size, "there was room in {block_size} bytes");
            assert!(builder.is_empty(), "a finished builder is empty");
        }
    }

    #[test]
    fn a_builder_can_be_used_again() {
        let mut builder = BlockBuilder::new(4096);
        for keys in [["a", "ab"], ["x", "xy"]] {
            let rows = keys.map(|key| RowEntry::new_value(key, "v", 1));
            for row in &rows {
                assert!(builder.add(row).expect("a row within the limits"));
            }
            assert_eq!(read_all(&builder.finish()), Ok(rows.to_vec()));
        }
    }

    #[test]
    fn a_block_does_not_depend_on_the_block_before() {
        let mut builder = BlockBuilder::new(4096);
        for row in [RowEntry::new_value("apple", "v", 2), RowEntry::new_value("apple", "v", 1)] {
            assert!(builder.add(&row).expect("a row within the limits"));
            let expected = block(std::slice::from_ref(&row));
            assert_bytes(&builder.finish(), &expected, "row 0 holds its whole key");
        }
    }

    #[test]
    fn bytes_behind_any_row_are_an_error_at_their_offset() {
        let row = encode(&RowEntry::new_tombstone("k", 1), b"");
        let end = row.len() as u8;
        let bytes = [&row[..], b"x", &row, &[0, 0, 0, end + 1, 0, 2]].concat();
        let error = decoded(&bytes).row(0).expect_err("a byte between the rows");
        assert_eq!(error.offset, u64::from(end), "{error}");
    }

    #[test]
    fn errors_count_from_the_start_of_the_block() {
        let rows = [RowEntry::new_tombstone("k", 2), RowEntry::new_tombstone("k", 1)];
        let mut bytes = block(&rows).to_vec();
        let flags = bytes.len() - 7;
        bytes[flags] = 0x40;
        let error = decoded(&bytes).row(1).expect_err("unknown flags");
        assert_eq!(error.offset, flags as u64, "the flags of row 1: {error}");
        let second_offset = bytes.len() - 4;
        bytes[second_offset + 1] = 0;
        let error = Block::decode(bytes.into()).expect_err("equal offsets");
        let found = error.offset as usize;
        assert!((second_offset - 2..second_offset + 2).contains(&found), "the offsets: {error}");
    }

    #[test]
    fn every_row_begins_where_a_u16_reaches() {
        let mut builder = BlockBuilder::new(usize::MAX);
        let row = |n: u32| RowEntry::new_value(n.to_be_bytes().to_vec(), vec![7; 100], 1);
        let count = (0..).take_while(|&n| builder.add(&row(n)).expect("a small row")).count();
        let block = decoded(&builder.finish());
        assert_eq!(block.row_count(), count);
        assert_eq!(block.row(count - 1), Ok(Some(row(count as u32 - 1))));
    }

    #[test]
    fn a_refused_row_leaves_the_block_as_it_was() {
        let mut builder = BlockBuilder::new(4096);
        assert!(builder.add(&RowEntry::new_value("", "v", 1)).is_err());
        assert!(builder.is_empty());
        assert!(builder.add(&RowEntry::new_value("kiwi", "v", 1)).expect("a good row"));
        assert!(builder.add(&RowEntry::new_value("", "v", 1)).is_err());
        assert_eq!(read_all(&builder.finish()), Ok(vec![RowEntry::new_value("kiwi", "v", 1)]));
    }

    #[test]
    fn lower_bound_finds_the_first_row_of_a_key() {
        let rows = [("b", 9), ("b", 3), ("d", 7), ("d", 1)];
        let rows = rows.map(|(key, seq)| RowEntry::new_value(key, "v", seq));
        let block = decoded(&block(&rows));
        let expected = [("a", 0), ("b", 0), ("bb", 2), ("c", 2), ("d", 2), ("dd", 4), ("z", 4)];
        for (key, number) in expected {
            assert_eq!(block.lower_bound(key.as_bytes()), Ok(number), "{key}");
        }
        assert_eq!(block.first_key(), "b");
        assert_eq!(block.row(4), Ok(None));
    }

    #[test]
    fn blocks_that_contradict_themselves_are_errors() {
        let one = encode(&RowEntry::new_tombstone("k", 1), b"").to_vec();
        let with = |rows: &[u8], offsets: &[u16], count: u16| {
            let words = offsets.iter().chain([&count]).flat_map(|word| word.to_be_bytes());
            [rows.to_vec(), words.collect()].concat()
        };
        let two = [&one[..], &one].concat();
        assert!(read_all(&with(&one, &[0], 1)).is_ok(), "the test's own block");
        let cases: [(&str, Vec<u8>); 10] = [
            ("nothing", vec![]),
            ("one byte", vec![0]),
            ("no row", with(&[], &[], 0)),
            ("more offsets than bytes", with(&[], &[0], 500)),
            ("a first offset of 1", with(&one, &[1], 1)),
            ("an offset behind the rows", with(&one, &[0, 14], 2)),
            ("equal offsets", with(&two, &[0, 0], 2)),
            ("decreasing offsets", with(&two, &[0, 14, 7], 3)),
            ("bytes behind a row", with(&two, &[0], 1)),
            ("a row that is cut", with(&one[..13], &[0], 1)),
        ];
        for (what, bytes) in cases {
            let found = read_all(&bytes);
            assert!(found.is_err(), "{what}: {found:?}");
        }
    }

    proptest! {
        #![proptest_config(testkit::config(128))]

        #[test]
        fn blocks_come_back_and_lower_bound_agrees_with_a_search(
            specs in testkit::any_rows(40).prop_filter("a block has a row", |rows| !rows.is_empty()),
            (wanted, _, _) in testkit::any_row(),
        ) {
            let rows: Vec<_> = specs.into_iter().map(row).collect();
            let bytes = block(&rows);
            let expected = rows.iter().take_while(|row| row.key < wanted).count();
            prop_assert_eq!(decoded(&bytes).lower_bound(&wanted), Ok(expected));
            prop_assert_eq!(read_all(&bytes), Ok(rows));
        }

        #[test]
        fn any_bytes_are_a_block_or_an_error(
            bytes in prop::collection::vec(any::<u8>(), 0..100), count in 0..4_u8,
        ) {
            // No panic is the assertion. Small counts get past the first checks.
            let _ = read_all(&[&bytes[..], &[0, count]].concat());
        }
    }
}

mod versions_and_checksums {
    use super::*;

    #[test]
    fn an_empty_body_has_a_checksum_too() {
        assert_eq!(checksum::verify_checksum(vec![0; 4].into(), "nothing"), Ok(Bytes::new()));
        assert!(checksum::verify_checksum(vec![0, 0, 0, 1].into(), "nothing").is_err());
    }

    #[test]
    fn only_known_versions_are_accepted() {
        assert_eq!(FormatVersion::try_from(1), Ok(FormatVersion::V1));
        assert_eq!(u16::from(FormatVersion::V1), 1);
        assert_eq!(FormatVersion::try_from(2), Ok(FormatVersion::V2));
        assert_eq!(u16::from(FormatVersion::V2), 2);
        for unknown in [0, 3, 256, u16::MAX] {
            let known = FormatVersion::KNOWN;
            let expected = Corruption::UnknownVersion { found: unknown, known };
            assert_eq!(FormatVersion::try_from(unknown), Err(expected));
        }
    }

    #[test]
    fn a_checksum_covers_every_bit_of_its_body() {
        let mut bytes = BytesMut::from(&b"not covered|covered"[..]);
        checksum::append_checksum(&mut bytes, 12);
        let covered = bytes.split_off(12).freeze();
        assert_eq!(checksum::verify_checksum(covered.clone(), "it"), Ok("covered".into()));
        for bit in 0..covered.len() * 8 {
            let mut damaged = covered.to_vec();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let error = checksum::verify_checksum(damaged.into(), "it").expect_err("a flipped bit");
            assert_eq!(error.offset, 7, "the offset is that of the checksum");
        }
        for len in 0..4 {
            assert!(checksum::verify_checksum(covered.slice(..len), "it").is_err(), "{len} bytes");
        }
    }
}

mod cursor {
    use super::*;

    #[test]
    fn no_length_overflows_and_a_failed_take_takes_nothing() {
        let input = Bytes::from("abc");
        let mut cursor = Cursor::new(&input);
        assert_eq!(cursor.take_u8("a byte"), Ok(b'a'));
        for length in [3, usize::MAX - 1, usize::MAX] {
            let error = cursor.take_bytes(length, "too much").expect_err("more than there is");
            assert_eq!(error.offset, 1, "{length} bytes: {error}");
        }
        assert_eq!(cursor.take_bytes(2, "the rest"), Ok("bc".into()));
    }

    #[test]
    fn what_is_taken_is_not_a_copy() {
        let input = Bytes::copy_from_slice(b"abc");
        let mut cursor = Cursor::new(&input);
        cursor.take_u8("a byte").expect("a byte");
        let taken = cursor.take_bytes(2, "two bytes").expect("two bytes");
        assert_eq!(taken.as_ptr(), input[1..].as_ptr(), "the memory is shared");
    }
}
