//! Week 1, days 4 to 7: blocks. The rules are on the page *Blocks* of the book.

use bytes::Bytes;
use proptest::prelude::*;
use testkit::{RowKind, RowSpec, assert_bytes, hex, rule};
use week1::error::DecodeError;
use week1::format::block::MAX_BLOCK_SIZE;
use week1::format::types::MAX_KEY_LEN;
use week1::format::{Block, BlockBuilder, RowEntry, ValueDeletable};

fn row((key, kind, seq): RowSpec) -> RowEntry {
    match kind {
        RowKind::Value(value) => RowEntry::new_value(key, value, seq),
        RowKind::Merge(operand) => RowEntry::new_merge(key, operand, seq),
        RowKind::Tombstone => RowEntry::new_tombstone(key, seq),
    }
}

/// A row, put together by the page's drawing and not by the engine.
fn row_bytes(row: &RowEntry, first_key: &[u8]) -> Vec<u8> {
    let shared = row.key.iter().zip(first_key).take_while(|(a, b)| a == b).count();
    let (flags, value) = match &row.value {
        ValueDeletable::Value(value) => (0, Some(&value[..])),
        ValueDeletable::Merge(operand) => (8, Some(&operand[..])),
        ValueDeletable::Tombstone => (1, None),
    };
    let suffix = &row.key[shared..];
    let mut bytes = [shared as u16, suffix.len() as u16].map(u16::to_be_bytes).concat();
    bytes.extend(suffix);
    bytes.extend(row.seq.to_be_bytes());
    bytes.push(flags);
    if let Some(value) = value {
        bytes.extend((value.len() as u32).to_be_bytes());
        bytes.extend(value);
    }
    bytes
}

/// Where each row starts, and the rows: of a block, put together by the page's drawing.
fn rows_bytes(rows: &[RowEntry]) -> (Vec<usize>, Vec<u8>) {
    let (mut starts, mut bytes) = (Vec::new(), Vec::new());
    for (number, row) in rows.iter().enumerate() {
        let first_key = if number == 0 { &[][..] } else { &rows[0].key };
        starts.push(bytes.len());
        bytes.extend(row_bytes(row, first_key));
    }
    (starts, bytes)
}

/// A block of these rows, offsets and row count, right or wrong.
fn raw_block(rows: &[u8], offsets: &[usize], row_count: usize) -> Vec<u8> {
    let trailer = offsets.iter().chain([&row_count]);
    let trailer = trailer.flat_map(|&number| (number as u16).to_be_bytes());
    rows.iter().copied().chain(trailer).collect()
}

/// A block, put together by the page's drawing and not by the engine.
fn block_bytes(rows: &[RowEntry]) -> Vec<u8> {
    let (starts, bytes) = rows_bytes(rows);
    raw_block(&bytes, &starts, rows.len())
}

/// The block of the page, and its bytes.
fn example() -> (Vec<RowEntry>, Vec<u8>) {
    let rows = vec![
        RowEntry::new_value("apple", "red", 4),
        RowEntry::new_value("apply", "7", 9),
        RowEntry::new_tombstone("kiwi", 2),
    ];
    let bytes = [
        &[0, 0, 0, 5][..],
        b"apple",
        &[0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 3],
        b"red",
        &[0, 4, 0, 1],
        b"y",
        &[0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 1],
        b"7",
        &[0, 0, 0, 4],
        b"kiwi",
        &[0, 0, 0, 0, 0, 0, 0, 2, 1],
        &[0, 0, 0, 25, 0, 44, 0, 3],
    ];
    (rows, bytes.concat())
}

mod task_1_7 {
    use super::*;

    /// Adds a row that there is room for.
    #[track_caller]
    fn add(builder: &mut BlockBuilder, row: &RowEntry) {
        let added = builder.add(row);
        let rule = rule("1.7", "a row is added if the block stays within its size");
        assert!(matches!(added, Ok(true)), "a row with room: {added:?}{rule}");
    }

    #[track_caller]
    fn built(rows: &[RowEntry]) -> Bytes {
        let mut builder = BlockBuilder::new(MAX_BLOCK_SIZE);
        for row in rows {
            add(&mut builder, row);
        }
        builder.finish()
    }

    #[test]
    fn the_block_of_the_page_has_the_bytes_of_the_page() {
        let (rows, bytes) = example();
        let rule = rule("1.7", "rows, where each begins, and how many there are");
        assert_bytes(&built(&rows), &bytes, &format!("the block of the page{rule}"));
    }

    #[test]
    fn an_empty_builder_says_how_long_its_bytes_are() {
        let mut builder = BlockBuilder::new(4096);
        let rule = rule("1.7", "encoded_len is the length that finish would return now");
        assert_eq!(builder.encoded_len(), 2, "an empty builder: the row count{rule}");
        assert_eq!(builder.finish().len(), 2, "an empty builder: the row count{rule}");
    }

    #[test]
    fn a_block_of_one_row_is_the_row_its_offset_and_a_one() {
        let row = RowEntry::new_merge("kiwi", "+1", 7);
        let expected = raw_block(&row_bytes(&row, b""), &[0], 1);
        let rule = rule("1.7", "row 0 holds its whole key, and begins at 0");
        assert_bytes(&built(&[row]), &expected, &format!("a block of one row{rule}"));
    }

    #[test]
    fn keys_are_shortened_against_the_first_key_and_not_the_one_before() {
        let rows = ["fruit/apple", "fruit/kiwi/green", "fruit/kiwi/green/soft", "fruit/pear"];
        let rows = rows.map(|key| RowEntry::new_value(key, "v", 1));
        let rule = rule("1.7", "every row but the first is encoded against the block's first key");
        assert_bytes(&built(&rows), &block_bytes(&rows), &format!("four keys{rule}"));
    }

    #[test]
    fn rows_keep_the_order_in_which_they_were_added() {
        let rows = ["b", "b", "a", "c", "b"].map(|key| RowEntry::new_value(key, "v", 1));
        let rule =
            rule("1.7", "the builder neither sorts nor drops rows: its caller has done that");
        assert_bytes(&built(&rows), &block_bytes(&rows), &format!("rows in any order{rule}"));
    }

    #[test]
    fn encoded_len_is_the_length_that_finish_will_return() {
        let rule = rule("1.7", "encoded_len is how many bytes finish would return");
        let (rows, _) = example();
        let mut builder = BlockBuilder::new(MAX_BLOCK_SIZE);
        for count in 1..=rows.len() {
            add(&mut builder, &rows[count - 1]);
            let expected = block_bytes(&rows[..count]).len();
            assert_eq!(builder.encoded_len(), expected, "a block of {count} rows{rule}");
        }
    }

    #[test]
    fn a_block_is_as_large_as_its_size_and_not_a_byte_larger() {
        let rule = rule("1.7", "a row is added if the finished block is no larger than the size");
        let rows: Vec<_> = (0..8)
            .map(|n| RowEntry::new_value(format!("k{n}"), vec![b'v'; n as usize % 3], n))
            .collect();
        for count in 2..=rows.len() {
            let len = block_bytes(&rows[..count]).len();
            for (block_size, fits) in [(len - 1, false), (len, true), (len + 1, true)] {
                let mut builder = BlockBuilder::new(block_size);
                for row in &rows[..count - 1] {
                    add(&mut builder, row);
                }
                let added = builder.add(&rows[count - 1]).expect("a row within the limits");
                let row = count - 1;
                let what = format!("row {row}, which would make the block {len} bytes,");
                assert_eq!(
                    added, fits,
                    "whether {what} was added, with a size of {block_size}{rule}"
                );
                let held = if fits { count } else { count - 1 };
                let what = format!("{held} rows, with a size of {block_size}{rule}");
                assert_bytes(&builder.finish(), &block_bytes(&rows[..held]), &what);
            }
        }
    }

    #[test]
    fn an_empty_block_takes_a_row_of_any_size_and_then_no_other() {
        let rule = rule("1.7", "an empty block has room for a row of any size");
        let large = RowEntry::new_value("large", vec![b'v'; 200_000], 1);
        let small = RowEntry::new_tombstone("small", 1);
        for (block_size, first) in
            [(4096, &large), (0, &small), (1, &small), (MAX_BLOCK_SIZE, &large)]
        {
            let mut builder = BlockBuilder::new(block_size);
            let added = builder.add(first);
            assert!(matches!(added, Ok(true)), "{added:?}, with a size of {block_size}{rule}");
            let added = builder.add(&small);
            assert!(matches!(added, Ok(false)), "{added:?}: a second row is too much{rule}");
            let expected = block_bytes(std::slice::from_ref(first));
            let same = builder.finish() == expected;
            assert!(same, "the block does not hold that row alone{rule}");
        }
    }

    #[test]
    fn a_row_that_was_not_added_changes_nothing() {
        let rule = rule("1.7", "unless a row was added, the builder is as it was");
        let bad = [RowEntry::new_value("", "v", 1), RowEntry::new_value(vec![0; 65_536], "v", 1)];
        let rows =
            [RowEntry::new_value("kiwi", "green", 2), RowEntry::new_value("kiwis", "two", 1)];
        let large = RowEntry::new_value("kiwi", vec![b'v'; 200], 1);
        let mut builder = BlockBuilder::new(100);
        for row in &bad {
            let found = builder.add(row);
            assert!(found.is_err(), "a row that breaks a limit: found {found:?}{rule}");
            assert!(builder.is_empty(), "a builder that refused its first row is not empty{rule}");
        }
        for row in &rows {
            add(&mut builder, row);
            let len = builder.encoded_len();
            for row in &bad {
                let found = builder.add(row);
                assert!(found.is_err(), "a row that breaks a limit: found {found:?}{rule}");
            }
            let found = builder.add(&large);
            assert!(matches!(found, Ok(false)), "a row without room: found {found:?}{rule}");
            assert_eq!(builder.encoded_len(), len, "the length after rows were refused{rule}");
        }
        assert_bytes(&builder.finish(), &block_bytes(&rows), &format!("what is left{rule}"));
    }

    #[test]
    fn a_builder_is_as_new_after_finish() {
        let rule = rule("1.7", "after finish the builder is empty, and knows no first key");
        let mut builder = BlockBuilder::new(200);
        let blocks: [&[&str]; 3] = [&["apple", "apply"], &["apply"], &["applying", "b", "c"]];
        for keys in blocks {
            let rows: Vec<_> = keys.iter().map(|&key| RowEntry::new_value(key, "v", 1)).collect();
            assert!(builder.is_empty(), "before the block of {keys:?}{rule}");
            for row in &rows {
                add(&mut builder, row);
                assert!(!builder.is_empty(), "in the block of {keys:?}{rule}");
            }
            let what = format!("the block of {keys:?}{rule}");
            assert_bytes(&builder.finish(), &block_bytes(&rows), &what);
        }
        assert!(builder.is_empty(), "after the last block{rule}");
    }

    #[test]
    fn every_row_of_the_largest_block_begins_where_an_offset_reaches() {
        let rule = rule("1.7", "a size above 65,535 counts as 65,535: offsets have two bytes");
        let row = |n: u32| RowEntry::new_value(n.to_be_bytes().to_vec(), vec![7; 100], 1);
        let mut rows = Vec::new();
        let mut builder = BlockBuilder::new(usize::MAX);
        while builder.add(&row(rows.len() as u32)).expect("a row within the limits") {
            rows.push(row(rows.len() as u32));
            assert!(rows.len() < 1000, "a block without an end{rule}");
        }
        let block = builder.finish();
        assert!(block.len() <= MAX_BLOCK_SIZE, "the block has {} bytes{rule}", block.len());
        assert_bytes(&block, &block_bytes(&rows), &format!("the largest block{rule}"));
        rows.push(row(rows.len() as u32));
        let one_more = block_bytes(&rows).len();
        assert!(one_more > MAX_BLOCK_SIZE, "there was room for another row{rule}");
    }

    proptest! {
        #![proptest_config(testkit::config(64))]

        #[test]
        fn blocks_of_any_rows_follow_the_drawing(
            specs in testkit::any_rows(40), block_size in 0..600_usize,
        ) {
            let rows: Vec<_> = specs.into_iter().map(row).collect();
            let mut builder = BlockBuilder::new(block_size);
            let mut held: Vec<RowEntry> = Vec::new();
            for row in rows {
                let next = [&held[..], std::slice::from_ref(&row)].concat();
                let expected = held.is_empty() || block_bytes(&next).len() <= block_size;
                let added = builder.add(&row).expect("a row within the limits");
                let room = rule("1.7", "a row is added if the block stays within its size");
                prop_assert_eq!(added, expected, "row {} of {} bytes{}", held.len(), block_size, room);
                if added {
                    held = next;
                } else {
                    assert_bytes(&builder.finish(), &block_bytes(&held), &room);
                    builder.add(&row).expect("a row within the limits");
                    held = vec![row];
                }
            }
        }
    }
}

mod task_1_8 {
    use super::*;

    fn decode(bytes: &[u8]) -> Result<Block, DecodeError> {
        Block::decode(Bytes::copy_from_slice(bytes))
    }

    #[track_caller]
    fn good_block(rows: &[RowEntry]) -> Block {
        let found = decode(&block_bytes(rows));
        let rule = rule("1.8", "a block put together by the page's drawing is decoded");
        found.unwrap_or_else(|error| panic!("a good block was refused: {error}{rule}"))
    }

    /// Decodes a block and every row in it.
    fn read_all(bytes: &[u8]) -> Result<Vec<RowEntry>, DecodeError> {
        let block = decode(bytes)?;
        let mut rows = Vec::new();
        while let Some(row) = block.row(rows.len())? {
            rows.push(row);
            let rule = rule("1.8", "behind the last row there is none");
            assert!(rows.len() <= block.row_count(), "more rows came out than there are{rule}");
        }
        let rule = rule("1.8", "each row has its number, and row_count of them there are");
        assert_eq!(rows.len(), block.row_count(), "how many rows came out{rule}");
        Ok(rows)
    }

    #[test]
    fn the_block_of_the_page_is_read() {
        let (rows, bytes) = example();
        let rule = rule("1.8", "rows come back, by their numbers, in any order");
        let block = decode(&bytes).expect("the block of the page");
        assert_eq!(block.row_count(), 3, "how many rows there are{rule}");
        assert_eq!(block.first_key(), "apple", "the key of row 0{rule}");
        for number in [2, 0, 1, 1, 2, 0] {
            assert_eq!(block.row(number), Ok(Some(rows[number].clone())), "row {number}{rule}");
        }
    }

    #[test]
    fn behind_the_last_row_there_is_none() {
        let rule = rule("1.8", "a number past the last row is no error: there is no such row");
        let (rows, _) = example();
        for count in 1..=rows.len() {
            let block = good_block(&rows[..count]);
            for number in [count, count + 1, 65_536, usize::MAX] {
                assert_eq!(block.row(number), Ok(None), "row {number} of {count}{rule}");
            }
        }
    }

    #[test]
    fn a_block_of_one_large_row_is_read() {
        let rule = rule("1.8", "a block holds a single row of any size");
        let row = RowEntry::new_value(vec![b'k'; MAX_KEY_LEN], vec![b'v'; 200_000], u64::MAX);
        let block = good_block(std::slice::from_ref(&row));
        assert_eq!(block.row_count(), 1, "how many rows there are{rule}");
        let found = block.row(0).expect("a good row");
        assert!(found.as_ref() == Some(&row), "the row came back changed{rule}");
    }

    #[test]
    fn a_full_block_is_read_to_its_last_row() {
        let rule = rule("1.8", "offsets reach to 65,535");
        let row = |n: usize| RowEntry::new_value((n as u32).to_be_bytes().to_vec(), vec![7; 99], 1);
        let mut rows: Vec<_> = (0..600).map(row).collect();
        while block_bytes(&rows).len() > MAX_BLOCK_SIZE {
            rows.pop();
        }
        let block = good_block(&rows);
        for (number, row) in rows.iter().enumerate() {
            assert_eq!(block.row(number).as_ref(), Ok(&Some(row.clone())), "row {number}{rule}");
        }
    }

    #[test]
    fn a_block_without_a_row_is_an_error() {
        let rule = rule("1.8", "a block has at least one row");
        let one = row_bytes(&RowEntry::new_tombstone("k", 1), b"");
        for bytes in [vec![], vec![0], vec![0, 0], raw_block(&[], &[0], 0), raw_block(&one, &[], 0)]
        {
            let found = read_all(&bytes);
            assert!(found.is_err(), "{}: found {found:?}{rule}", hex(&bytes));
        }
    }

    #[test]
    fn offsets_that_can_not_be_right_are_errors() {
        let rule =
            rule("1.8", "the first offset is 0, each is greater, and the last is within the rows");
        let row = row_bytes(&RowEntry::new_tombstone("k", 1), b"");
        let len = row.len();
        let (two, three) = ([&row[..], &row].concat(), [&row[..], &row, &row].concat());
        assert!(decode(&raw_block(&two, &[0, len], 2)).is_ok(), "the test's own block{rule}");
        let cases: [(&str, &[u8], &[usize]); 12] = [
            ("a first offset of 1", &row, &[1]),
            ("a first offset behind the rows", &row, &[len]),
            ("a first offset of row 1", &two, &[len, len]),
            ("a first offset of row 1, and no other", &two, &[len]),
            ("equal offsets behind row 0", &three, &[0, len, len]),
            ("decreasing offsets behind row 0", &three, &[0, 2 * len, len]),
            ("equal offsets", &two, &[0, 0]),
            ("an offset of 0 behind row 0", &three, &[0, len, 0]),
            ("an offset at the end of the rows", &row, &[0, len]),
            ("an offset behind the rows", &row, &[0, len + 1]),
            ("an offset of 65,535", &row, &[0, 65_535]),
            ("an offset behind the rows, and a good one after it", &two, &[0, 2 * len + 1, len]),
        ];
        for (what, rows, offsets) in cases {
            let found = decode(&raw_block(rows, offsets, offsets.len()));
            assert!(found.is_err(), "{what}: found {found:?}{rule}");
        }
    }

    #[test]
    fn more_offsets_than_bytes_are_an_error() {
        let rule = rule("1.8", "every length is checked before it is used");
        let row = row_bytes(&RowEntry::new_tombstone("k", 1), b"");
        for row_count in [0x100, 0x7fff, 0x8000, 0xffff] {
            let found = decode(&raw_block(&row, &[0], row_count));
            assert!(found.is_err(), "{row_count} rows in {} bytes{rule}", row.len() + 4);
        }
        // Just as many offsets as there are bytes leave none for a row.
        let found = decode(&raw_block(&[], &[0, 13], 2));
        assert!(found.is_err(), "two offsets and no row: found {found:?}{rule}");
    }

    #[test]
    fn a_block_that_is_cut_off_is_an_error() {
        let rule = rule("1.8", "a block whose bytes are missing is an error");
        let rows: Vec<_> = (0..4).map(|n| RowEntry::new_value(format!("k{n}"), "v", n)).collect();
        for rows in [&rows[..], &rows[..1]] {
            let bytes = block_bytes(rows);
            for len in 0..bytes.len() {
                for (end, cut) in [("end", &bytes[..len]), ("start", &bytes[bytes.len() - len..])] {
                    let found = read_all(cut);
                    let what = format!("without its {end}, {len} of {} bytes", bytes.len());
                    assert!(found.is_err(), "{what}: found {found:?}{rule}");
                }
            }
        }
    }

    #[test]
    fn row_0_holds_its_whole_key() {
        let rule = rule("1.8", "row 0 is encoded against the empty key");
        let row = [&[0, 1, 0, 1, b'k'][..], &[0; 8], &[1]].concat();
        let found = decode(&raw_block(&row, &[0], 1));
        assert!(found.is_err(), "a row 0 with a prefix: found {found:?}{rule}");
    }

    #[test]
    fn row_0_is_decoded_at_once_and_the_others_when_they_are_read() {
        let rule =
            rule("1.8", "row 0 is decoded at once; the others are checked when they are read");
        let rows = ["a", "b", "c"].map(|key| RowEntry::new_value(key, "v", 1));
        let (starts, good) = rows_bytes(&rows);
        for (number, start) in starts.iter().enumerate() {
            let mut bytes = good.clone();
            bytes[*start] = 0xff;
            let found = decode(&raw_block(&bytes, &starts, 3));
            if number == 0 {
                assert!(found.is_err(), "a block with a damaged row 0: found {found:?}{rule}");
                continue;
            }
            let block = found.unwrap_or_else(|error| panic!("row {number} damaged: {error}{rule}"));
            for (wanted, row) in rows.iter().enumerate() {
                let found = block.row(wanted);
                let expected = (wanted != number).then(|| Some(row.clone()));
                assert_eq!(found.ok(), expected, "row {wanted}, with row {number} damaged{rule}");
            }
        }
    }

    #[test]
    fn a_row_ends_where_the_next_one_begins() {
        let rule = rule("1.8", "bytes behind a row that no offset leads to are an error");
        let row = row_bytes(&RowEntry::new_value("k", "v", 1), b"");
        let len = row.len();
        let with_gap = [&row[..], b"x", &row, b"yy"].concat();
        let block = decode(&raw_block(&with_gap, &[0, len + 1], 2));
        let numbers = match block {
            // Row 0 may be checked at once.
            Err(_) => return,
            Ok(block) => [(0, block.row(0)), (1, block.row(1))],
        };
        for (number, found) in numbers {
            assert!(found.is_err(), "bytes behind row {number}: found {found:?}{rule}");
        }
    }

    #[test]
    fn bytes_behind_any_row_are_an_error_at_their_place() {
        let rule = rule("1.8", "bytes that belong to no row are an error where the row has ended");
        let row = row_bytes(&RowEntry::new_value("k", "v", 1), b"");
        for gap in [1, 2] {
            let (mut rows, mut starts) = (Vec::new(), Vec::new());
            for number in 0..3 {
                starts.push(rows.len());
                // Row 0 has its whole key, and the others may have theirs too.
                rows.extend(&row);
                rows.extend((number == gap).then_some(b'x'));
            }
            let block = decode(&raw_block(&rows, &starts, 3)).expect("a good row 0, good offsets");
            let error = block.row(gap).expect_err("a byte behind the row");
            let ended = (starts[gap] + row.len()) as u64;
            assert_eq!(error.offset, ended, "a byte behind row {gap}: {error}{rule}");
        }
    }

    #[test]
    fn bytes_behind_the_last_row_are_an_error() {
        let rule = rule("1.8", "the last row ends where the offsets begin");
        let row = row_bytes(&RowEntry::new_value("k", "v", 1), b"");
        for rows in [[&row[..], b"x"].concat(), [&row[..], &row].concat()] {
            let found = read_all(&raw_block(&rows, &[0], 1));
            assert!(
                found.is_err(),
                "{} bytes behind a row: {found:?}{rule}",
                rows.len() - row.len()
            );
        }
    }

    #[test]
    fn a_row_does_not_read_on_in_the_next() {
        let rule = rule("1.8", "a row has the bytes up to the next one, and no more");
        let rows = ["a", "b", "c"].map(|key| RowEntry::new_value(key, "v", 1));
        let (starts, mut bytes) = rows_bytes(&rows);
        // The value of row 1 claims to be longer, and row 2 has bytes for it.
        bytes[starts[2] - 2] = 5;
        let block = decode(&raw_block(&bytes, &starts, 3)).expect("a good row 0, good offsets");
        let found = block.row(1);
        assert!(found.is_err(), "found {found:?}{rule}");
    }

    #[test]
    fn errors_count_from_the_start_of_the_block() {
        let rule = rule("1.8", "the offset of an error counts from the start of the block");
        let rows = ["a", "b", "c"].map(|key| RowEntry::new_tombstone(key, 1));
        let (starts, good) = rows_bytes(&rows);
        for (number, start) in starts.iter().enumerate().skip(1) {
            let flags = start + 4 + 1 + 8;
            let mut bytes = good.clone();
            bytes[flags] = 0x40;
            let block = decode(&raw_block(&bytes, &starts, 3)).expect("a good row 0, good offsets");
            let error = block.row(number).expect_err("unknown flags");
            assert_eq!(error.offset, flags as u64, "the flags of row {number}: {error}{rule}");
        }
    }

    proptest! {
        #![proptest_config(testkit::config(64))]

        #[test]
        fn any_rows_come_back(
            specs in testkit::any_rows(40).prop_filter("a block has a row", |rows| !rows.is_empty()),
        ) {
            let rows: Vec<_> = specs.into_iter().map(row).collect();
            let rule = rule("1.8", "what was encoded comes back");
            prop_assert_eq!(read_all(&block_bytes(&rows)), Ok(rows), "{}", rule);
        }

        #[test]
        fn any_bytes_are_a_block_or_an_error(
            bytes in prop::collection::vec(prop_oneof![2 => Just(0), 1 => any::<u8>()], 0..100),
            count in 0..4_u8,
        ) {
            // No panic is the assertion. Small counts get past the first checks.
            let _ = read_all(&[&bytes[..], &[0, count]].concat());
        }

        #[test]
        fn any_damage_is_noticed_or_does_no_harm(at in any::<prop::sample::Index>(), byte: u8) {
            // No panic is the assertion.
            let (_, mut bytes) = example();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let _ = read_all(&bytes);
        }
    }
}

mod task_1_9 {
    use super::*;

    #[track_caller]
    fn check(block: &Block, key: &[u8], expected: usize, why: &str) {
        let found = block.lower_bound(key);
        let rule = rule("1.9", why);
        assert_eq!(found, Ok(expected), "the search for `{}`{rule}", key.escape_ascii());
    }

    fn good_block(rows: &[RowEntry]) -> Block {
        Block::decode(block_bytes(rows).into()).expect("a block put together by the page's drawing")
    }

    #[test]
    fn the_searches_of_the_page_end_where_the_page_says() {
        let (rows, _) = example();
        let block = good_block(&rows);
        let why = "the first row whose key is the key, or greater";
        for (key, expected) in
            [("apple", 0), ("apply", 1), ("banana", 2), ("kiwi", 2), ("lemon", 3)]
        {
            check(&block, key.as_bytes(), expected, why);
        }
    }

    #[test]
    fn every_position_is_found_in_blocks_of_every_length() {
        let why = "between two keys it is the greater, behind the last the row count";
        for count in 1..=18 {
            // k01, k03, …: an even number lies between two keys.
            let key = |n: usize| format!("k{n:02}");
            let rows: Vec<_> =
                (0..count).map(|n| RowEntry::new_value(key(2 * n + 1), "v", 1)).collect();
            let block = good_block(&rows);
            for n in 0..=2 * count {
                check(&block, key(n).as_bytes(), n / 2, why);
            }
            check(&block, b"", 0, "no key is smaller than the empty one");
            check(&block, b"k", 0, "a beginning of a key is smaller than the key");
            check(&block, b"k01\0", 1, "a longer key is greater than its beginning");
            check(&block, &[0xff], count, why);
        }
    }

    #[test]
    fn of_a_keys_versions_the_first_row_is_found() {
        let why = "versions of a key stand newest first, and the search finds the first";
        for before in 0..4 {
            for versions in 1..8_u64 {
                for behind in 0..4 {
                    let rows = (0..before)
                        .map(|n| RowEntry::new_value(format!("a{n}"), "v", 1))
                        .chain((0..versions).map(|n| RowEntry::new_value("kiwi", "v", 100 - n)))
                        .chain((0..behind).map(|n| RowEntry::new_tombstone(format!("z{n}"), 1)));
                    let block = good_block(&rows.collect::<Vec<_>>());
                    check(&block, b"kiwi", before, why);
                    check(&block, b"kiwis", before + versions as usize, why);
                    check(&block, b"kiw", before, why);
                }
            }
        }
    }

    #[test]
    fn keys_are_compared_byte_by_byte_without_signs() {
        let keys: [&[u8]; 6] = [b"\0", b"\0\0", b"\x7f", b"\x7f\xff", b"\x80", b"\xff"];
        let rows = keys.map(|key| RowEntry::new_value(key, "", 1));
        let block = good_block(&rows);
        for (number, key) in keys.iter().enumerate() {
            check(&block, key, number, "bytes are compared as numbers from 0 to 255");
        }
    }

    #[test]
    fn tombstones_and_operands_are_found_like_values() {
        let rows = [
            RowEntry::new_tombstone("b", 1),
            RowEntry::new_merge("d", "+1", 1),
            RowEntry::new_value("f", "", 1),
        ];
        let block = good_block(&rows);
        for (key, expected) in
            [("a", 0), ("b", 0), ("c", 1), ("d", 1), ("e", 2), ("f", 2), ("g", 3)]
        {
            check(&block, key.as_bytes(), expected, "a search looks at keys, and at nothing else");
        }
    }

    /// `count` rows in a block, of which those can't be decoded that `damaged` chooses.
    fn damaged_block(count: usize, damaged: impl Fn(usize) -> bool) -> Block {
        let rows: Vec<_> =
            (0..count).map(|n| RowEntry::new_value(format!("k{n:04}"), "v", 1)).collect();
        let (starts, mut bytes) = rows_bytes(&rows);
        for start in starts.iter().enumerate().filter(|(n, _)| damaged(*n)).map(|(_, at)| at) {
            // A prefix longer than the first key, which has 5 bytes.
            bytes[*start] = 0xff;
        }
        let block = Block::decode(raw_block(&bytes, &starts, count).into());
        block.expect("a block whose row 0 and offsets are good")
    }

    #[test]
    fn a_row_that_can_not_be_decoded_is_an_error_and_not_a_guess() {
        let rule = rule("1.9", "a row that the search looks at and can't decode is an error");
        let block = damaged_block(50, |number| number > 0);
        for key in ["k0010", "k0025", "k0049"] {
            let found = block.lower_bound(key.as_bytes());
            assert!(found.is_err(), "{key}, with all rows but the first damaged: {found:?}{rule}");
        }
    }

    #[test]
    fn a_search_looks_at_few_rows() {
        let rule = rule("1.9", "a search decodes O(log n) rows");
        let count = 256;
        // A row that is looked at makes the search fail when it is damaged. Row 0 can't be damaged.
        let blocks: Vec<_> =
            (1..count).map(|number| damaged_block(count, |n| n == number)).collect();
        for key in ["k0000", "k0001", "k0100", "k0255", "k9999", ""] {
            let fails = |block: &&Block| block.lower_bound(key.as_bytes()).is_err();
            let looked_at = blocks.iter().filter(fails).count();
            let most = 2 * count.ilog2() as usize;
            let what = format!("the search for `{key}` among {count} rows looked at {looked_at}");
            assert!(looked_at <= most, "{what}; at most {most} are fine{rule}");
        }
    }

    #[test]
    fn a_search_among_versions_of_one_key_looks_at_few_rows() {
        let rule = rule("1.9", "a search decodes O(log n) rows, also of one key");
        let (starts, bytes) = {
            let rows: Vec<_> =
                (0..256).map(|n| RowEntry::new_value("kiwi", "v", 1000 - n)).collect();
            rows_bytes(&rows)
        };
        let looked_at = |key: &[u8]| {
            let fails = |&damaged: &usize| {
                let mut bytes = bytes.clone();
                // A prefix longer than the first key.
                bytes[starts[damaged]] = 0xff;
                let block =
                    Block::decode(raw_block(&bytes, &starts, 256).into()).expect("a good row 0");
                block.lower_bound(key).is_err()
            };
            (1..256).filter(fails).count()
        };
        for key in ["kiwi", "apple", "pear"] {
            let found = looked_at(key.as_bytes());
            assert!(found <= 16, "the search for `{key}` looked at {found} of 256 rows{rule}");
        }
    }

    proptest! {
        #![proptest_config(testkit::config(128))]

        #[test]
        fn a_search_agrees_with_a_walk(
            specs in testkit::any_rows(40).prop_filter("a block has a row", |rows| !rows.is_empty()),
            (wanted, _, _) in testkit::any_row(),
        ) {
            let rows: Vec<_> = specs.into_iter().map(row).collect();
            let expected = rows.iter().take_while(|row| row.key < wanted).count();
            check(&good_block(&rows), &wanted, expected, "the first row that is not less than the key");
        }
    }
}
