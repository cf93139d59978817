//! SSTs, of both versions, with a filter or without.
//!
//! Checked of any file: what of it is refused is refused by the file's name and a place in it; the footer and the index say
//! what they are encoded from; every block is what [`blocks`] asks of it. Of a file whose rows and index are in order: the
//! iterator gives the blocks' rows, from the start and from any key on; a lookup finds what a search one by one finds, if
//! the filter does not say no. Of a file that was built from rows: all of that, and the filter never says no to a key of
//! its rows.

use std::sync::Arc;

use bytes::Bytes;
use tinydb::error::Error;
use tinydb::format::{FormatVersion, RowEntry, ValueDeletable};
use tinydb::iter::{BytesRange, RowEntryIterator, SstIterator};
use tinydb::object_store::{MemoryObjectStore, ObjectStore};
use tinydb::storage::sst::{FOOTER_LEN, Footer, MAGIC};
use tinydb::storage::{SequencedKey, SstBuilder, SstOptions, SstReader};

use super::blocks;
use super::input::{Input, assert_corrupt};

const NAME: &str = "sst/7.sst";

/// Input: whether the checksums are mended or the file is built from what follows; a key to look up; and the bytes.
pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let mode = input.byte();
    if mode % 3 == 2 {
        return check_built(input);
    }
    let key = input.key();
    match mode % 3 {
        0 => check_file(input.rest(), key),
        _ => check_file(&sealed(input.rest()), key),
    }
}

/// The bytes, with the checksums that they should have: of the footer, and of what it and the index say is a section.
fn sealed(bytes: &[u8]) -> Vec<u8> {
    let mut file = bytes.to_vec();
    let Some(footer) = file.len().checked_sub(FOOTER_LEN) else { return file };
    file[footer + 40..].copy_from_slice(&MAGIC);
    seal(&mut file, footer, footer + 40);
    let place = |at: usize| {
        let offset =
            bytes[at..at + 8].iter().fold(0, |number, &byte| number << 8 | u64::from(byte));
        usize::try_from(offset).ok().filter(|&offset| offset <= footer)
    };
    let (Some(filter), Some(index)) = (place(footer), place(footer + 8)) else { return file };
    seal(&mut file, index, footer);
    seal(&mut file, filter, index);
    let count = bytes.get(index..index + 4).map_or(0, |count| count[3]);
    let (mut at, mut starts) = (index + 4, Vec::new());
    for _ in 0..count {
        if at + 10 > footer {
            break;
        }
        starts.extend(place(at));
        at += 10 + usize::from(bytes[at + 8]) * 256 + usize::from(bytes[at + 9]);
    }
    starts.push(filter);
    for block in starts.windows(2) {
        seal(&mut file, block[0], block[1]);
    }
    file
}

/// Puts the checksum of a section at its end.
fn seal(file: &mut [u8], start: usize, end: usize) {
    if let Some(body_end) = end.checked_sub(4).filter(|&body_end| start <= body_end) {
        let crc = crc32fast::hash(&file[start..body_end]);
        file[body_end..end].copy_from_slice(&crc.to_be_bytes());
    }
}

fn opened(file: &[u8]) -> Result<SstReader, Error> {
    let store = MemoryObjectStore::new();
    store.put(NAME, Bytes::copy_from_slice(file)).expect("a store in memory");
    SstReader::open_with_cache(Arc::new(store), NAME, None)
}

fn check_file(file: &[u8], key: &[u8]) {
    let sst = match opened(file) {
        Ok(sst) => Arc::new(sst),
        Err(error) => return assert_corrupt(&error, NAME, file.len()),
    };
    check_sections(&sst, file);
    let Some(rows) = rows_of(&sst, file, key) else {
        // Whatever it answers, it answers.
        let _ = (sst.get(key, u64::MAX).is_ok(), count(SstIterator::new(sst, (..).into())).is_ok());
        return;
    };
    let all = rows.concat();
    // Of an SST that wrongly says it is plain, a lookup answers what it answers.
    if in_order(&sst, &rows) && (is_plain(&all) || !sst.footer().plain) {
        check_reads(&sst, &all, key);
    }
}

/// Whether every row is a value, and no key has two.
fn is_plain(rows: &[RowEntry]) -> bool {
    rows.iter().all(|row| matches!(row.value, ValueDeletable::Value(_)))
        && rows.windows(2).all(|pair| pair[0].key != pair[1].key)
}

/// The footer and the index go back to the bytes that they came from.
fn check_sections(sst: &SstReader, file: &[u8]) {
    let (footer, start) = (sst.footer(), file.len() - FOOTER_LEN);
    let encoded = footer.encode();
    assert_eq!(Footer::decode(encoded.clone(), file.len() as u64).as_ref(), Ok(footer));
    assert_eq!(encoded[..34], file[start..start + 34], "{footer:?}");
    assert_eq!(encoded[34..36], [0, file[start + 35] & 1], "the flags: {footer:?}");
    assert_eq!(
        sst.index().encode(),
        file[footer.index_offset as usize..start],
        "{:?}",
        sst.index()
    );
}

/// The rows of each block; `None` if one can't be read, of which the error is checked.
fn rows_of(sst: &SstReader, file: &[u8], key: &[u8]) -> Option<Vec<Vec<RowEntry>>> {
    let index = sst.index();
    let ends = index.blocks.iter().skip(1).map(|block| block.offset);
    let ends = ends.chain([sst.footer().filter_offset]);
    let mut rows = Some(Vec::new());
    for (number, (meta, end)) in index.blocks.iter().zip(ends).enumerate() {
        let bytes = &file[meta.offset as usize..end as usize - 4];
        match sst.read_block(number) {
            Err(error) => {
                assert_corrupt(&error, NAME, file.len());
                rows = None;
            }
            Ok(block) => {
                blocks::check_block(sst.footer().version, bytes, key);
                let read: Result<Option<Vec<_>>, _> =
                    (0..block.row_count()).map(|n| block.row(n)).collect();
                rows = rows.zip(read.ok().flatten()).map(|(mut rows, read)| {
                    rows.push(read);
                    rows
                });
            }
        }
    }
    rows
}

/// Whether the rows are sorted and the index is theirs.
fn in_order(sst: &SstReader, rows: &[Vec<RowEntry>]) -> bool {
    let index = sst.index();
    let is_first = rows.iter().zip(&index.blocks).all(|(rows, meta)| rows[0].key == meta.first_key);
    let is_last =
        rows.last().and_then(|rows| rows.last()).is_some_and(|row| row.key == index.last_key);
    let order = |row: &RowEntry| SequencedKey::new(row.key.clone(), row.seq);
    is_first && is_last && rows.concat().is_sorted_by(|a, b| order(a) < order(b))
}

fn check_reads(sst: &Arc<SstReader>, rows: &[RowEntry], key: &[u8]) {
    assert_eq!(collect(SstIterator::new(Arc::clone(sst), (..).into())), rows, "all rows");
    for key in rows.iter().map(|row| &row.key[..]).take(3).chain([key]) {
        let start = Bytes::copy_from_slice(key);
        let from = rows.partition_point(|row| row.key < key);
        let range = BytesRange::from(start.clone()..);
        assert_eq!(
            collect(SstIterator::new(Arc::clone(sst), range)),
            rows[from..],
            "from {start:?} on"
        );
        let range = BytesRange::from(..start.clone());
        assert_eq!(
            collect(SstIterator::new(Arc::clone(sst), range)),
            rows[..from],
            "up to {start:?}"
        );
        let mut iterator = SstIterator::new(Arc::clone(sst), (..).into());
        iterator.seek(key).expect("the file is whole");
        assert_eq!(collect(iterator), rows[from..], "behind a seek to {start:?}");
        for max_seq in [u64::MAX, 7] {
            let expected = rows.iter().find(|row| row.key == key && row.seq <= max_seq);
            let expected = expected.filter(|_| sst.might_contain(key));
            let found = sst.get(key, max_seq).expect("the file is whole");
            assert_eq!(found.as_ref(), expected, "{start:?} at {max_seq}");
        }
    }
}

fn collect(mut iterator: SstIterator) -> Vec<RowEntry> {
    let mut rows = Vec::new();
    while let Some(row) = iterator.next().expect("the file is whole") {
        rows.push(row);
    }
    rows
}

/// How many rows come before the end.
fn count(mut iterator: SstIterator) -> Result<usize, Error> {
    let mut count = 0;
    while iterator.next()?.is_some() {
        count += 1;
    }
    Ok(count)
}

/// Makes rows and a file of them.
fn check_built(mut input: Input<'_>) {
    let options = SstOptions {
        version: input.version(),
        block_size: input.byte().into(),
        filter_bits_per_key: u32::from(input.byte() % 48),
        min_filter_keys: 0,
    };
    let mut rows: Vec<RowEntry> = Vec::new();
    while !input.is_empty() {
        // Keys that share much: what was there before, and a little more.
        let last = rows.last().map_or(&[][..], |row| &row.key);
        let key = [&last[..last.len().min(usize::from(input.byte() % 16))], input.key()].concat();
        let (seq, value) = (input.number(), Bytes::copy_from_slice(input.key()));
        rows.push(match seq % 3 {
            _ if key.is_empty() => continue,
            0 => RowEntry::new_value(key, value, seq),
            1 => RowEntry::new_merge(key, value, seq),
            _ => RowEntry::new_tombstone(key, seq),
        });
    }
    rows.sort_by_key(|row| SequencedKey::new(row.key.clone(), row.seq));
    rows.dedup_by(|a, b| (&a.key, a.seq) == (&b.key, b.seq));
    let mut builder = SstBuilder::with_options(&options);
    for row in &rows {
        builder.add(row).expect("rows in order");
        assert!(builder.add(row).is_err(), "a row that is there already");
    }
    let Ok(file) = builder.finish() else {
        return assert!(rows.is_empty(), "an SST of {} rows", rows.len());
    };
    check_built_file(&file, &rows, options.version);
}

fn check_built_file(file: &[u8], rows: &[RowEntry], version: FormatVersion) {
    let sst = Arc::new(opened(file).expect("a file that was built"));
    let footer = sst.footer();
    let max_seq = rows.iter().map(|row| row.seq).max();
    assert_eq!((footer.row_count, Some(footer.max_seq)), (rows.len() as u64, max_seq));
    assert_eq!((footer.version, footer.plain), (version, is_plain(rows)));
    assert!(rows.iter().all(|row| sst.might_contain(&row.key)), "the filter has every key");
    check_sections(&sst, file);
    let blocks = rows_of(&sst, file, b"").expect("a file that was built");
    assert!(in_order(&sst, &blocks), "the rows and the index are in order");
    check_reads(&sst, rows, &rows[0].key[1..]);
}
