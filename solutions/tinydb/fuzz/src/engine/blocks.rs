//! Data blocks, of both versions.
//!
//! Checked: the number of rows, and each row, is what the [`model`] reads at the offsets that the block has; a row that the
//! model can't read is an error, the same at every call and within the block; the iterator gives the same rows as their
//! numbers; among rows that are in order, a search by halves finds what a search one by one finds; and the rows, put into a
//! builder, come back.

use std::sync::Arc;

use bytes::Bytes;
use tinydb::error::DecodeError;
use tinydb::format::{FormatVersion, RowEntry};
use tinydb::optimize::block_v2::RESTART_INTERVAL;
use tinydb::optimize::data_block::{DataBlock, DataBlockBuilder, DataBlockIterator};

use super::input::{Input, assert_within};
use super::model;

/// Input: the version, a key to search with its length in front, and the block.
pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let (version, key) = (input.version(), input.key());
    check_block(version, input.rest(), key);
}

/// Checks one block; `key` is searched.
pub fn check_block(version: FormatVersion, bytes: &[u8], key: &[u8]) {
    let block = match DataBlock::decode(version, Bytes::copy_from_slice(bytes)) {
        Ok(block) => block,
        Err(error) => return assert_within(&error, bytes.len()),
    };
    let rows: Vec<Result<RowEntry, DecodeError>> = (0..block.row_count())
        .map(|number| block.row(number).map(|row| row.expect("there are so many rows")))
        .collect();
    assert_eq!(block.row(rows.len()), Ok(None));
    let expected = modelled(version, bytes, rows.len());
    for (number, (found, expected)) in rows.iter().zip(&expected).enumerate() {
        assert_eq!(found.as_ref().ok(), expected.as_ref(), "row {number}: {found:?}");
        if let Err(error) = found {
            assert_within(error, bytes.len());
            assert_eq!(block.row(number).as_ref(), Err(error), "the same error again");
        }
    }
    check_iterator(&block, &rows);
    if let Ok(rows) = rows.into_iter().collect::<Result<Vec<_>, _>>() {
        assert_eq!(block.first_key(), &rows[0].key);
        check_search(&block, &rows, key);
        check_builder(version, &rows);
    }
}

/// What the rows are by the format's tables. Where they start is known: by an offset for each, or by one for each interval.
fn modelled(version: FormatVersion, bytes: &[u8], count: usize) -> Vec<Option<RowEntry>> {
    let every = if version == FormatVersion::V1 { 1 } else { RESTART_INTERVAL };
    let rows_len = bytes.len() - 2 - 2 * count.div_ceil(every);
    let offset = |number: usize| {
        let at = rows_len + 2 * number;
        if at + 2 >= bytes.len() {
            rows_len
        } else {
            u16::from_be_bytes([bytes[at], bytes[at + 1]]).into()
        }
    };
    let first_key = match version {
        FormatVersion::V1 => {
            model::decode(version, &bytes[..rows_len], &[]).map(|(row, _)| row.key)
        }
        FormatVersion::V2 => None,
    };
    let mut rows = Vec::new();
    for interval in 0..count.div_ceil(every) {
        let (mut start, end) = (offset(interval), offset(interval + 1));
        let numbers = interval * every..count.min((interval + 1) * every);
        let mut against = if interval == 0 { None } else { first_key.clone() };
        for number in numbers.clone() {
            let against_key = against.as_deref().unwrap_or(&[]);
            let row = model::decode(version, &bytes[start..end], against_key);
            // Who only passes over a row does not look at its flags.
            let passed = model::pass(version, &bytes[start..end], against_key);
            // The last one has to end where the interval does.
            let row = row.filter(|(_, len)| number + 1 < numbers.end || start + len == end);
            rows.push(row.map(|(row, _)| row));
            let Some((key, len)) = passed else { break };
            start += len;
            against = Some(key);
        }
        rows.resize(numbers.end, None);
    }
    rows
}

/// The iterator gives the rows up to the first that can't be read, and then that error for ever.
fn check_iterator(block: &DataBlock, rows: &[Result<RowEntry, DecodeError>]) {
    let mut iterator = DataBlockIterator::new(Arc::new(block.clone()));
    for expected in rows {
        let found = iterator.next();
        assert_eq!(
            &found.clone().map(|row| row.expect("a row is left")).map_err(drop),
            &expected.clone().map_err(drop)
        );
        if found.is_err() {
            return assert_eq!(iterator.next(), found, "the same error again");
        }
    }
    assert_eq!(iterator.next(), Ok(None));
}

/// Searches for `key` and for the keys that are there, if they are in order.
fn check_search(block: &DataBlock, rows: &[RowEntry], key: &[u8]) {
    if !rows.is_sorted_by(|a, b| a.key <= b.key) {
        // What is found means nothing, but nothing else may happen.
        let _ = block.lower_bound(key);
        return;
    }
    for key in rows.iter().map(|row| &row.key[..]).take(6).chain([key]) {
        let expected = rows.iter().position(|row| row.key >= key).unwrap_or(rows.len());
        assert_eq!(block.lower_bound(key), Ok(expected), "the first row not before {key:?}");
        let mut iterator = DataBlockIterator::new(Arc::new(block.clone()));
        iterator.seek(key).expect("the block is whole");
        assert_eq!(iterator.next(), Ok(rows.get(expected).cloned()), "behind a seek to {key:?}");
    }
}

/// Rows that were read can be written, in as many blocks as they need, and read again.
fn check_builder(version: FormatVersion, rows: &[RowEntry]) {
    let mut builder = DataBlockBuilder::new(version, 65_535);
    let mut read = Vec::new();
    for row in rows {
        if !builder.add(row).expect("a row that was read is within the limits") {
            read.extend(finished(version, &mut builder));
            assert_eq!(builder.add(row).ok(), Some(true), "an empty block has room for any row");
        }
    }
    read.extend(finished(version, &mut builder));
    assert_eq!(read, rows, "the rows, written and read");
}

fn finished(version: FormatVersion, builder: &mut DataBlockBuilder) -> Vec<RowEntry> {
    let announced = builder.encoded_len();
    let bytes = builder.finish();
    assert_eq!(bytes.len(), announced, "the length that was announced");
    let block = DataBlock::decode(version, bytes).expect("a block that was built");
    let row = |number| block.row(number).expect("a row that was built").expect("it is there");
    (0..block.row_count()).map(row).collect()
}
