//! Week 3, days 5 to 7: the SST. The rules are on the page *The SST* of the book.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::{BufMut, Bytes, BytesMut};
use testkit::{RowKind, RowSpec, assert_bytes, rule};
use week3::format::{BlockBuilder, FormatVersion, RowEntry, ValueDeletable};
use week3::object_store::{MemoryObjectStore, ObjectMeta, ObjectStore};
use week3::optimize::{BlockCache, BloomFilter, DataBlockBuilder};
use week3::storage::sst::FOOTER_LEN;
use week3::storage::{BlockMeta, Footer, SstBuilder, SstIndex, SstOptions, SstReader};
use week3::{Error, Result};

const PATH: &str = "sst/00000000000000000001.sst";

fn row((key, kind, seq): RowSpec) -> RowEntry {
    match kind {
        RowKind::Value(value) => RowEntry::new_value(key, value, seq),
        RowKind::Merge(operand) => RowEntry::new_merge(key, operand, seq),
        RowKind::Tombstone => RowEntry::new_tombstone(key, seq),
    }
}

/// The fruit of the page, in order.
fn fruit() -> Vec<RowEntry> {
    vec![
        RowEntry::new_tombstone("apple", 7),
        RowEntry::new_value("apple", "green", 4),
        RowEntry::new_value("apple", "red", 2),
        RowEntry::new_merge("count", "+1", 6),
        RowEntry::new_value("pear", "ripe", 5),
    ]
}

fn with_checksum(body: &[u8]) -> Vec<u8> {
    [body, &crc32fast::hash(body).to_be_bytes()].concat()
}

/// An index section, put together by the page's drawing and not by the engine.
fn index_section(block_count: u32, blocks: &[(u64, &[u8])], last_key: &[u8]) -> Vec<u8> {
    let mut body = block_count.to_be_bytes().to_vec();
    for (offset, first_key) in blocks {
        body.extend(offset.to_be_bytes());
        body.extend((first_key.len() as u16).to_be_bytes());
        body.extend(*first_key);
    }
    body.extend((last_key.len() as u16).to_be_bytes());
    body.extend(last_key);
    with_checksum(&body)
}

/// A footer with these fields, put together by the page's drawing and not by the engine.
fn footer_bytes(fields: [u64; 4], version: u16) -> Vec<u8> {
    footer_with_flags(fields, version, 0)
}

fn footer_with_flags(fields: [u64; 4], version: u16, flags: u16) -> Vec<u8> {
    let mut body = BytesMut::new();
    for field in fields {
        body.put_u64(field);
    }
    body.put_u16(version);
    body.put_u16(flags);
    let mut footer = with_checksum(&body);
    footer.extend(b"TINYDBST");
    footer
}

/// The SST of these rows, put together by the page's drawing: the blocks that `BlockBuilder` makes,
/// each with its checksum, the index, the footer.
fn sst_bytes(rows: &[RowEntry], block_size: usize) -> Vec<u8> {
    let (mut sst, mut blocks) = (Vec::new(), Vec::new());
    let mut builder = BlockBuilder::new(block_size);
    let mut finish = |builder: &mut BlockBuilder, sst: &mut Vec<u8>, first_key: &Bytes| {
        blocks.push((sst.len() as u64, first_key.to_vec()));
        sst.extend(with_checksum(&builder.finish()));
    };
    let mut first_key = rows[0].key.clone();
    for row in rows {
        if !builder.add(row).expect("the test's rows keep the limits") {
            finish(&mut builder, &mut sst, &first_key);
            first_key = row.key.clone();
            assert!(builder.add(row).expect("an empty block takes any row"));
        }
    }
    finish(&mut builder, &mut sst, &first_key);
    let data_end = sst.len() as u64;
    let metas: Vec<_> = blocks.iter().map(|(offset, key)| (*offset, key.as_slice())).collect();
    let last_key = &rows[rows.len() - 1].key;
    sst.extend(index_section(metas.len() as u32, &metas, last_key));
    let max_seq = rows.iter().map(|row| row.seq).max().unwrap_or(0);
    let is_plain = rows.iter().all(|row| matches!(row.value, ValueDeletable::Value(_)))
        && rows.windows(2).all(|pair| pair[0].key != pair[1].key);
    let fields = [data_end, data_end, rows.len() as u64, max_seq];
    sst.extend(footer_with_flags(fields, 1, is_plain.into()));
    sst
}

/// Compares SSTs, and says in which part of the file they differ first.
#[track_caller]
fn assert_sst(found: &[u8], expected: &[u8], what: &str) {
    let same = found.iter().zip(expected).take_while(|(a, b)| a == b).count();
    assert_bytes(found, expected, &format!(" they differ in {}: {what}", part(expected, same)));
}

/// What stands at an offset of an SST.
fn part(sst: &[u8], offset: usize) -> String {
    let number = |at: usize| u64::from_be_bytes(sst[at..at + 8].try_into().expect("eight bytes"));
    let footer = sst.len() - FOOTER_LEN;
    let index = number(footer + 8) as usize;
    let fields = ["filter offset", "index offset", "row count", "highest sequence number"];
    match offset.checked_sub(footer) {
        Some(34..36) => "the footer: the flags (1 if the SST is plain)".to_owned(),
        Some(at) => format!("the footer: {}", fields.get(at / 8).unwrap_or(&"its last 16 bytes")),
        None if offset >= index => "the index".to_owned(),
        None => {
            let section = Bytes::copy_from_slice(&sst[index..footer]);
            let blocks =
                SstIndex::decode(section, number(footer)).expect("task 3.9 is done").blocks;
            format!("block {}", blocks.partition_point(|b| b.offset as usize <= offset) - 1)
        }
    }
}

/// A store in memory that remembers which ranges were read.
#[derive(Debug, Default)]
struct WatchedStore {
    inner: MemoryObjectStore,
    reads: Mutex<Vec<Range<u64>>>,
    heads: AtomicU64,
}

impl WatchedStore {
    fn with(object: &[u8]) -> Arc<Self> {
        let store = Self::default();
        store.inner.put(PATH, Bytes::copy_from_slice(object)).expect("a put into memory");
        Arc::new(store)
    }

    /// The ranges read since the last call.
    fn take_reads(&self) -> Vec<Range<u64>> {
        std::mem::take(&mut self.reads.lock().expect("no test panics while it reads"))
    }
}

impl ObjectStore for WatchedStore {
    fn put(&self, path: &str, object: Bytes) -> Result<()> {
        self.inner.put(path, object)
    }

    fn put_if_absent(&self, path: &str, object: Bytes) -> Result<()> {
        self.inner.put_if_absent(path, object)
    }

    fn get(&self, path: &str) -> Result<Bytes> {
        let object = self.inner.get(path)?;
        self.reads.lock().expect("no test panics while it reads").push(0..object.len() as u64);
        Ok(object)
    }

    fn get_range(&self, path: &str, range: Range<u64>) -> Result<Bytes> {
        self.reads.lock().expect("no test panics while it reads").push(range.clone());
        self.inner.get_range(path, range)
    }

    fn head(&self, path: &str) -> Result<ObjectMeta> {
        self.heads.fetch_add(1, Ordering::Relaxed);
        self.inner.head(path)
    }

    fn list(&self, prefix: &str) -> Result<Vec<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn delete(&self, path: &str) -> Result<()> {
        self.inner.delete(path)
    }
}

fn open_bytes(sst: &[u8]) -> Result<SstReader> {
    SstReader::open(WatchedStore::with(sst), PATH)
}

/// What came of opening an SST, in one line: a reader would show its whole index, and its store.
fn outcome(found: &Result<SstReader>) -> std::result::Result<&'static str, &Error> {
    found.as_ref().map(|_| "an SST that opened")
}

/// The same SST with a filter of a later week between data and index.
fn with_filter(sst: &[u8]) -> Vec<u8> {
    let (sections, footer) = sst.split_at(sst.len() - FOOTER_LEN);
    let footer = Footer::decode(Bytes::copy_from_slice(footer), sst.len() as u64);
    let footer = footer.expect("the test's own footer");
    let (data, index) = sections.split_at(footer.index_offset as usize);
    let filter = with_checksum(b"a filter of a later version");
    let index_offset = footer.index_offset + filter.len() as u64;
    let fields = [footer.filter_offset, index_offset, footer.row_count, footer.max_seq];
    [data, &filter, index, &footer_bytes(fields, 1)].concat()
}

/// `count` rows `key00000`, `key00001`, … with a value of 20 bytes each.
fn numbered(count: u64) -> Vec<RowEntry> {
    let row = |n| RowEntry::new_value(format!("key{n:05}"), format!("{n:020}"), n + 1);
    (0..count).map(row).collect()
}

mod task_3_9 {
    use super::*;
    use proptest::prelude::*;

    const FOOTER: Footer = Footer {
        filter_offset: 1000,
        index_offset: 1200,
        row_count: 77,
        max_seq: 0x0102_0304_0506_0708,
        version: FormatVersion::V1,
        plain: false,
    };
    const FILE_LEN: u64 = 1500;

    fn decode(footer: &[u8]) -> Result<Footer, week3::error::DecodeError> {
        Footer::decode(Bytes::copy_from_slice(footer), FILE_LEN)
    }

    fn decode_index(section: &[u8]) -> Result<SstIndex, week3::error::DecodeError> {
        SstIndex::decode(Bytes::copy_from_slice(section), 1000)
    }

    fn meta(offset: u64, first_key: &'static str) -> BlockMeta {
        BlockMeta { offset, first_key: first_key.into() }
    }

    fn index() -> SstIndex {
        let blocks = vec![meta(0, "apple"), meta(100, "kiwi"), meta(400, "kiwi")];
        SstIndex { blocks, last_key: "mango".into() }
    }

    const INDEX_BLOCKS: [(u64, &[u8]); 3] = [(0, b"apple"), (100, b"kiwi"), (400, b"kiwi")];

    #[test]
    fn a_footer_has_the_layout_of_the_page() {
        let expected = footer_bytes([1000, 1200, 77, 0x0102_0304_0506_0708], 1);
        assert_eq!(expected.len(), FOOTER_LEN, "the test's own footer");
        assert_bytes(&FOOTER.encode(), &expected, &rule("3.9", "the layout of the footer"));
    }

    #[test]
    fn a_footer_comes_back_as_it_was() {
        let expected = footer_bytes([1000, 1200, 77, 0x0102_0304_0506_0708], 1);
        assert_eq!(decode(&expected), Ok(FOOTER), "{}", rule("3.9", "decode reads the layout"));
        let without_filter = footer_bytes([1200, 1200, 77, 1], 1);
        assert!(decode(&without_filter).is_ok(), "a footer without a filter");
        let up_to_the_footer = footer_bytes([0, FILE_LEN - 48, 77, 1], 1);
        assert!(decode(&up_to_the_footer).is_ok(), "the index may end where the footer starts");
    }

    #[test]
    fn a_footer_of_version_2_is_written_and_read() {
        let rule = rule("3.9", "the version is the footer's field, and not always 1");
        let footer = Footer { version: FormatVersion::V2, ..FOOTER };
        let expected = footer_bytes([1000, 1200, 77, 0x0102_0304_0506_0708], 2);
        assert_bytes(&footer.encode(), &expected, &rule);
        assert_eq!(decode(&expected), Ok(footer), "{rule}");
    }

    #[test]
    fn the_lowest_bit_of_the_flags_says_that_an_sst_is_plain() {
        let rule = rule("3.9", "flags: 1 if the SST is plain, otherwise 0");
        let footer = Footer { plain: true, ..FOOTER };
        let fields = [1000, 1200, 77, 0x0102_0304_0506_0708];
        let expected = footer_with_flags(fields, 1, 1);
        assert_bytes(&footer.encode(), &expected, &rule);
        assert_eq!(decode(&expected), Ok(footer), "{rule}");
    }

    #[test]
    fn a_damaged_footer_is_an_error() {
        let footer = footer_bytes([1000, 1200, 77, 5], 1);
        for position in 0..footer.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut damaged = footer.clone();
                damaged[position] ^= flip;
                let found = decode(&damaged);
                let rule = rule("3.9", "magic and checksum cover every byte of the footer");
                assert!(found.is_err(), "byte {position} ^ {flip:#x}: found {found:?}{rule}");
            }
        }
    }

    #[test]
    fn a_footer_of_another_length_is_an_error() {
        let footer = footer_bytes([1000, 1200, 77, 5], 1);
        for len in 0..footer.len() {
            let found = decode(&footer[..len]);
            assert!(found.is_err(), "{len} bytes: found {found:?}");
        }
        let longer = [&footer[..], &[0]].concat();
        let rule = rule("3.9", "the footer is exactly 48 bytes");
        assert!(decode(&longer).is_err(), "49 bytes: found {:?}{rule}", decode(&longer));
    }

    #[test]
    fn an_error_says_what_is_wrong_with_a_footer() {
        use week3::error::Corruption;
        let corruption = |footer: &[u8]| decode(footer).expect_err("a bad footer").corruption;
        let rule = rule("3.9", "length, magic, checksum, version, offsets: in this order");

        let truncated = corruption(b"short");
        assert!(
            matches!(truncated, Corruption::Truncated { .. }),
            "five bytes: expected Truncated, found {truncated:?}{rule}"
        );
        let not_an_sst = corruption(&[0; FOOTER_LEN]);
        assert!(
            matches!(not_an_sst, Corruption::WrongMagic { .. }),
            "zeros: expected WrongMagic, found {not_an_sst:?}{rule}"
        );
        let mut damaged = footer_bytes([1000, 1200, 77, 5], 1);
        damaged[33] = 2;
        let damaged = corruption(&damaged);
        assert!(
            matches!(damaged, Corruption::ChecksumMismatch { .. }),
            "another version, with the old checksum: expected ChecksumMismatch, found {damaged:?}{rule}"
        );
        let later = corruption(&footer_bytes([1000, 1200, 77, 5], 9));
        assert!(
            matches!(later, Corruption::UnknownVersion { found: 9, .. }),
            "version 9: expected UnknownVersion, found {later:?}{rule}"
        );
    }

    #[test]
    fn the_version_is_checked_before_the_offsets() {
        use week3::error::Corruption;
        let error = decode(&footer_bytes([1201, 1200, 77, 5], 9)).expect_err("version 9");
        let rule = rule("3.9", "what the fields of an unknown version mean is not known");
        assert!(matches!(error.corruption, Corruption::UnknownVersion { .. }), "{error:?}{rule}");
    }

    #[test]
    fn the_other_flags_of_a_footer_are_not_looked_at() {
        let rule = rule("3.9", "of the flags only the lowest bit counts; the others are for later");
        for plain in [0, 1] {
            let expected = decode(&footer_with_flags([1000, 1200, 77, 5], 1, plain));
            for flags in [0x0002, 0x8000, 0xfffe] {
                let later = footer_with_flags([1000, 1200, 77, 5], 1, flags | plain);
                assert_eq!(decode(&later), expected, "flags of {:#06x}{rule}", flags | plain);
            }
        }
    }

    #[test]
    fn the_error_of_a_footer_names_the_offset_of_the_field() {
        let mut other = footer_bytes([1000, 1200, 77, 5], 1);
        other[47] = b'X';
        let cases = [
            ("an index behind the file", footer_bytes([1000, FILE_LEN, 77, 5], 1), 8..16),
            ("version 9", footer_bytes([1000, 1200, 77, 5], 9), 32..34),
            ("another magic", other, 40..48),
        ];
        for (what, footer, field) in cases {
            let error = decode(&footer).expect_err("a bad footer");
            let rule = rule("3.9", "offsets of errors count from the start of the footer");
            assert!(field.contains(&error.offset), "{what}, at {field:?}: {error:?}{rule}");
        }
    }

    #[test]
    fn offsets_that_are_out_of_order_or_out_of_the_file_are_errors() {
        let bad = [
            [1201, 1200, 77, 5],
            [1000, FILE_LEN - 47, 77, 5],
            [1000, FILE_LEN, 77, 5],
            [1000, u64::MAX, 77, 5],
            [u64::MAX, u64::MAX, 77, 5],
        ];
        for fields in bad {
            let found = decode(&footer_bytes(fields, 1));
            let rule = rule("3.9", "filter <= index <= start of the footer");
            let what = format!("filter at {}, index at {}, file of 1500", fields[0], fields[1]);
            assert!(found.is_err(), "{what}: found {found:?}{rule}");
        }
        let tiny = Footer::decode(Bytes::from(footer_bytes([0, 1, 1, 1], 1)), 20);
        assert!(tiny.is_err(), "a file shorter than a footer: found {tiny:?}");
    }

    #[test]
    fn an_index_has_the_layout_of_the_page() {
        let expected = index_section(3, &INDEX_BLOCKS, b"mango");
        assert_bytes(&index().encode(), &expected, &rule("3.9", "the layout of the index"));
    }

    #[test]
    fn an_index_comes_back_as_it_was() {
        let section = index_section(3, &INDEX_BLOCKS, b"mango");
        let rule = rule("3.9", "decode reads the layout; two blocks may start with one key");
        assert_eq!(decode_index(&section), Ok(index()), "{rule}");
        let one = index_section(1, &[(0, b"k")], b"k");
        let expected = SstIndex { blocks: vec![meta(0, "k")], last_key: "k".into() };
        assert_eq!(decode_index(&one), Ok(expected), "a single block with a single key{rule}");
    }

    #[test]
    fn an_index_of_long_keys_comes_back() {
        let long = vec![b'k'; 65_535];
        let section = index_section(1, &[(0, &long)], &long);
        let found = SstIndex::decode(section.clone().into(), 1000).expect("a whole index");
        assert_eq!(found.last_key.len(), 65_535, "length of the last key");
        assert_bytes(&found.encode(), &section, "an index with the longest keys");
    }

    #[test]
    fn a_damaged_index_is_an_error() {
        let section = index_section(3, &INDEX_BLOCKS, b"mango");
        for position in 0..section.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut damaged = section.clone();
                damaged[position] ^= flip;
                let found = decode_index(&damaged);
                let rule = rule("3.9", "the checksum covers every byte of the index");
                assert!(found.is_err(), "byte {position} ^ {flip:#x}: found {found:?}{rule}");
            }
        }
        for len in 0..section.len() {
            assert!(decode_index(&section[..len]).is_err(), "the first {len} bytes of an index");
        }
    }

    #[test]
    fn an_index_that_contradicts_itself_is_an_error() {
        testkit::deadline(10, || {
            type Blocks<'a> = &'a [(u64, &'a [u8])];
            let cases: [(&str, u32, Blocks<'_>, &[u8]); 14] = [
                ("no block", 0, &[], b"mango"),
                ("a count above the blocks", 4, &INDEX_BLOCKS, b"mango"),
                ("a count below the blocks", 2, &INDEX_BLOCKS, b"mango"),
                ("a count of four billion", u32::MAX, &INDEX_BLOCKS, b"mango"),
                ("a first block at offset 1", 1, &[(1, b"a")], b"b"),
                ("equal offsets", 2, &[(0, b"a"), (0, b"b")], b"b"),
                ("decreasing offsets", 3, &[(0, b"a"), (100, b"b"), (50, b"c")], b"d"),
                ("a block of a checksum only", 2, &[(0, b"a"), (4, b"b")], b"b"),
                ("an empty first key", 2, &[(0, b""), (100, b"a")], b"c"),
                ("an empty last key", 1, &[(0, b"")], b""),
                ("decreasing first keys", 2, &[(0, b"b"), (100, b"a")], b"c"),
                ("a last key below the first keys", 2, &[(0, b"a"), (100, b"c")], b"b"),
                ("a block behind the data", 2, &[(0, b"a"), (1000, b"b")], b"b"),
                ("a block that has only a checksum left", 2, &[(0, b"a"), (996, b"b")], b"b"),
            ];
            for (what, count, blocks, last_key) in cases {
                let found = decode_index(&index_section(count, blocks, last_key));
                let rule = rule("3.9", "decode checks the invariants of SstIndex");
                assert!(found.is_err(), "{what}: found {found:?}{rule}");
            }
            let mut longer = index_section(3, &INDEX_BLOCKS, b"mango");
            longer.truncate(longer.len() - 4);
            longer.extend(b"more");
            let found = decode_index(&with_checksum(&longer));
            assert!(found.is_err(), "bytes behind the last key: found {found:?}");
            let nearly = index_section(2, &[(0, b"a"), (995, b"b")], b"b");
            assert!(decode_index(&nearly).is_ok(), "a last block of one byte and its checksum");
            let close = index_section(2, &[(0, b"a"), (5, b"b")], b"b");
            assert!(decode_index(&close).is_ok(), "a first block of one byte and its checksum");
        });
    }

    #[test]
    fn no_offset_in_an_index_leads_to_a_panic() {
        for offset in [u64::MAX - 4, u64::MAX - 3, u64::MAX - 1, u64::MAX] {
            for blocks in [
                [(0, &b"a"[..]), (offset, b"b"), (7, b"c")],
                [(0, b"a"), (9, b"b"), (offset, b"c")],
            ] {
                let found = decode_index(&index_section(3, &blocks, b"d"));
                let rule = rule("3.9", "every offset is checked before it is used");
                assert!(found.is_err(), "a block at offset {offset}: found {found:?}{rule}");
            }
        }
        for data_end in 0..=4 {
            let found = SstIndex::decode(index_section(1, &[(0, b"a")], b"a").into(), data_end);
            let rule = rule("3.9", "a block has a row and a checksum of 4 bytes");
            assert!(found.is_err(), "data blocks that end at {data_end}: found {found:?}{rule}");
        }
    }

    #[test]
    fn the_error_of_an_index_names_the_offset_of_the_block() {
        // Behind the count each entry takes 11 bytes: offset, length, a key of one byte.
        type Blocks<'a> = [(u64, &'a [u8]); 3];
        let cases: [(&str, Blocks<'_>); 3] = [
            ("equal offsets", [(0, b"a"), (100, b"b"), (100, b"c")]),
            ("decreasing first keys", [(0, b"a"), (100, b"c"), (200, b"b")]),
            ("a block behind the data", [(0, b"a"), (100, b"b"), (1000, b"c")]),
        ];
        for (what, blocks) in cases {
            let error = decode_index(&index_section(3, &blocks, b"d")).expect_err("a bad index");
            let rule =
                rule("3.9", "the error's offset lies in the entry of the block that is wrong");
            let entry = 4 + 2 * 11..4 + 3 * 11;
            assert!(entry.contains(&error.offset), "{what}, at {entry:?}: {error:?}{rule}");
        }
    }

    #[test]
    fn the_error_of_an_index_names_the_offset_at_its_start_and_end_too() {
        // Behind the count an entry takes 10 bytes and its key, and the last key 2 bytes and itself.
        let out_of_order = index_section(2, &[(0, b"a"), (100, b"c")], b"b");
        let longer = index_section(1, &[(0, b"a")], b"b");
        let longer = with_checksum(&[&longer[..longer.len() - 4], b"more"].concat());
        let cases = [
            ("a first block at offset 1", index_section(1, &[(1, b"a")], b"b"), 4..15),
            ("an empty first key", index_section(2, &[(0, b"a"), (100, b"")], b"b"), 15..25),
            ("a last key below the last first key", out_of_order, 15..29),
            ("bytes behind the last key", longer, 18..22),
        ];
        for (what, section, range) in cases {
            let error = decode_index(&section).expect_err("a bad index");
            let rule = rule("3.9", "the error's offset lies in the field that is wrong");
            assert!(range.contains(&error.offset), "{what}, at {range:?}: {error:?}{rule}");
        }
    }

    #[test]
    fn an_empty_index_section_is_an_error() {
        assert!(decode_index(&[]).is_err(), "no bytes at all");
        assert!(decode_index(&with_checksum(&[])).is_err(), "the checksum of nothing");
    }

    proptest! {
        #![proptest_config(testkit::config(32))]

        #[test]
        fn any_index_has_the_layout_and_comes_back(
            mut keys in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..20), 2..20),
            gap in 5..1000_u64,
        ) {
            keys.sort();
            let (last_key, first_keys) = keys.split_last().expect("at least two keys");
            let blocks: Vec<_> = (0..).zip(first_keys)
                .map(|(n, key)| BlockMeta { offset: n * gap, first_key: key.clone().into() })
                .collect();
            let data_end = blocks.len() as u64 * gap;
            let raw: Vec<_> = blocks.iter().map(|b| (b.offset, &b.first_key[..])).collect();
            let section = index_section(raw.len() as u32, &raw, last_key);
            let index = SstIndex { blocks: blocks.clone(), last_key: last_key.clone().into() };
            assert_bytes(&index.encode(), &section, &rule("3.9", "the layout of the index"));
            prop_assert_eq!(SstIndex::decode(section.into(), data_end), Ok(index));
        }
    }
}

mod task_3_10 {
    use super::*;
    use proptest::prelude::*;

    fn build(rows: &[RowEntry], block_size: usize) -> Bytes {
        let mut builder = SstBuilder::new(block_size);
        for row in rows {
            builder.add(row).expect("a row in order and within the limits");
        }
        builder.finish().expect("an SST with rows")
    }

    #[test]
    fn an_sst_has_the_layout_of_the_page() {
        let rule = rule("3.10", "data blocks with their checksums, index, footer");
        assert_sst(&build(&fruit(), 4096), &sst_bytes(&fruit(), 4096), &format!("the fruit{rule}"));
    }

    #[test]
    fn the_footer_says_whether_the_sst_is_plain() {
        let rule =
            rule("3.10", "`plain` of the footer is what `add` has noted in the field `plain`");
        let value = |key: &'static str, seq| RowEntry::new_value(key, "v", seq);
        let tombstone = RowEntry::new_tombstone("b", 5);
        let cases = [
            ("values of different keys", vec![value("a", 1), value("b", 5), value("c", 2)], true),
            ("a tombstone among them", vec![value("a", 1), tombstone, value("c", 2)], false),
            ("two versions of b", vec![value("a", 1), value("b", 5), value("b", 3)], false),
        ];
        for (what, rows, plain) in cases {
            let sst = build(&rows, 4096);
            let footer = sst.slice(sst.len() - FOOTER_LEN..);
            let footer = Footer::decode(footer, sst.len() as u64).expect("task 3.9 is done");
            assert_eq!(footer.plain, plain, "{what}{rule}");
        }
    }

    #[test]
    fn the_filter_stands_between_the_data_and_the_index() {
        let rule = rule("3.10", "between data and index stands what `filter_section` returns");
        let options = |filter_bits_per_key| SstOptions {
            version: FormatVersion::V1,
            block_size: 64,
            filter_bits_per_key,
            min_filter_keys: 1,
        };
        let build = |options| {
            let mut builder = SstBuilder::with_options(&options);
            fruit().iter().for_each(|row| builder.add(row).expect("a row in order"));
            builder.finish().expect("an SST with rows")
        };
        let (plain, filtered) = (build(options(0)), build(options(10)));
        let footer = |sst: &Bytes| {
            let start = sst.len() - FOOTER_LEN;
            Footer::decode(sst.slice(start..), sst.len() as u64).expect("a whole footer")
        };
        let (without, with) = (footer(&plain), footer(&filtered));
        let data = ..without.filter_offset as usize;
        assert_eq!(without.filter_offset, without.index_offset, "no filter was asked for{rule}");
        assert!(plain[data] == filtered[data], "the data blocks are the same{rule}");
        assert_eq!(with.filter_offset, without.filter_offset, "the data ends where it did{rule}");
        let section = filtered.slice(with.filter_offset as usize..with.index_offset as usize);
        let filter = BloomFilter::decode(section).expect("the filter's bytes, and nothing else");
        assert!(
            fruit().iter().all(|row| filter.might_contain(&row.key)),
            "every key is in it{rule}"
        );
        let index = |sst: &Bytes, footer: &Footer| {
            sst.slice(footer.index_offset as usize..sst.len() - FOOTER_LEN)
        };
        assert_eq!(index(&plain, &without), index(&filtered, &with), "the index is the same{rule}");
    }

    #[test]
    fn parts_that_are_taken_before_the_end_change_nothing() {
        let rule = rule(
            "3.10",
            "an offset counts from the SST's start, also behind a part that was taken",
        );
        let value = vec![b'v'; 3000];
        let row = |n: usize| RowEntry::new_value(format!("key{n:03}"), value.clone(), 1);
        let rows: Vec<_> = (0..300).map(row).collect();
        let (mut builder, mut sst) = (SstBuilder::new(4096), Vec::new());
        for row in &rows {
            builder.add(row).expect("a row in order and within the limits");
            let size = builder.estimated_size();
            sst.extend(builder.take_part().unwrap_or_default());
            assert_eq!(builder.estimated_size(), size, "the size once a part was taken{rule}");
        }
        sst.extend(builder.finish().expect("an SST with rows"));
        assert_sst(&sst, &sst_bytes(&rows, 4096), &format!("300 rows of 3000 bytes{rule}"));
    }

    #[test]
    fn a_single_row_makes_an_sst() {
        for row in [RowEntry::new_value("k", "", 0), RowEntry::new_tombstone("k", u64::MAX)] {
            let rows = [row];
            assert_sst(&build(&rows, 4096), &sst_bytes(&rows, 4096), "an SST of one row");
        }
    }

    #[test]
    fn a_full_block_is_followed_by_the_next() {
        let rows = numbered(1000);
        for block_size in [1, 64, 100, 1000, 4096, 65_535, 1_000_000] {
            let expected = sst_bytes(&rows, block_size);
            let rule = rule("3.10", "a row that BlockBuilder::add has no room for starts a block");
            let what = format!("1000 rows in blocks of {block_size} bytes{rule}");
            assert_sst(&build(&rows, block_size), &expected, &what);
        }
    }

    #[test]
    fn the_default_block_size_is_4096() {
        let mut builder = SstBuilder::default();
        for row in numbered(500) {
            builder.add(&row).expect("a row in order");
        }
        let sst = builder.finish().expect("an SST with rows");
        assert_sst(&sst, &sst_bytes(&numbered(500), 4096), "SstBuilder::default");
    }

    #[test]
    fn a_row_larger_than_a_block_has_a_block_of_its_own() {
        let rows = [
            RowEntry::new_value("a", "small", 1),
            RowEntry::new_value("b", vec![7; 1 << 20], 2),
            RowEntry::new_value("c", "small", 3),
            RowEntry::new_value(vec![b'd'; 65_535], "", 4),
        ];
        let rule = rule("3.10", "a block holds at least one row, of any size");
        assert_sst(
            &build(&rows, 4096),
            &sst_bytes(&rows, 4096),
            &format!("a row of 1 MiB, and others{rule}"),
        );
    }

    #[test]
    fn versions_of_one_key_may_fill_several_blocks() {
        let rows: Vec<_> =
            (0..200).rev().map(|seq| RowEntry::new_value("k", format!("{seq:030}"), seq)).collect();
        assert_sst(&build(&rows, 256), &sst_bytes(&rows, 256), "200 versions of one key");
    }

    #[test]
    fn rows_that_are_out_of_order_are_refused_and_leave_no_trace() {
        let bad = [
            ("a smaller key", RowEntry::new_value("kiwh", "v", 1)),
            ("the same row again", RowEntry::new_value("kiwi", "v", 5)),
            ("the same version with another value", RowEntry::new_tombstone("kiwi", 5)),
            ("a newer version behind an older one", RowEntry::new_value("kiwi", "v", 6)),
        ];
        for (what, row) in bad {
            let mut builder = SstBuilder::new(4096);
            let first = RowEntry::new_value("kiwi", "v", 5);
            let last = RowEntry::new_value("kiwi", "v", 4);
            builder.add(&first).expect("a first row");
            let refused = builder.add(&row);
            let rule = rule("3.10", "rows come by key, then newest first; others are refused");
            let is_refusal = matches!(refused, Err(Error::InvalidArgument { .. }));
            assert!(is_refusal, "{what} behind kiwi/5: found {refused:?}{rule}");
            builder.add(&last).expect("a row behind kiwi/5, after one was refused");
            let sst = builder.finish().expect("an SST with rows");
            assert_sst(&sst, &sst_bytes(&[first, last], 4096), &format!("{what}{rule}"));
        }
    }

    #[test]
    fn the_order_holds_from_block_to_block() {
        let first = RowEntry::new_value("kiwi", "v", 5);
        for bad in [
            RowEntry::new_value("apple", "v", 9),
            first.clone(),
            RowEntry::new_tombstone("kiwi", 6),
        ] {
            // No two of these rows fit in one block.
            for block_size in [1, 30] {
                let mut builder = SstBuilder::new(block_size);
                for row in [RowEntry::new_value("banana", "v", 5), first.clone()] {
                    builder.add(&row).expect("a row in order");
                }
                let (size, refused) = (builder.estimated_size(), builder.add(&bad));
                let rule = rule("3.10", "a row out of order is refused, also by the next block");
                let is_refusal = matches!(refused, Err(Error::InvalidArgument { .. }));
                assert!(is_refusal, "{bad:?} behind kiwi/5: found {refused:?}{rule}");
                assert_eq!(builder.estimated_size(), size, "size after a refused row{rule}");
            }
        }
    }

    #[test]
    fn a_refused_row_does_not_count_for_the_order() {
        let mut builder = SstBuilder::new(4096);
        builder.add(&RowEntry::new_value("b", "v", 1)).expect("a first row");
        assert!(builder.add(&RowEntry::new_value("a", "v", 1)).is_err(), "a behind b");
        let again = builder.add(&RowEntry::new_value("ab", "v", 1));
        assert!(again.is_err(), "ab behind b, after a was refused: found {again:?}");
    }

    #[test]
    fn rows_that_break_a_limit_are_refused_and_leave_no_trace() {
        let mut builder = SstBuilder::new(4096);
        for bad in [RowEntry::new_value("", "v", 99), RowEntry::new_value(vec![0; 65_536], "v", 99)]
        {
            let refused = builder.add(&bad);
            let rule = rule("3.10", "a key has 1 to 65,535 bytes");
            let is_refusal = matches!(refused, Err(Error::InvalidArgument { .. }));
            assert!(is_refusal, "key of {} bytes: found {refused:?}{rule}", bad.key.len());
        }
        for row in fruit() {
            builder.add(&row).expect("a row in order");
        }
        let sst = builder.finish().expect("an SST with rows");
        assert_sst(&sst, &sst_bytes(&fruit(), 4096), "the fruit, after two refused rows");
    }

    #[test]
    fn a_refused_row_does_not_end_its_block() {
        let rows = [RowEntry::new_value("k", "v", 5), RowEntry::new_value("m", "v", 5)];
        let bad = [
            ("a key of 65,536 bytes", RowEntry::new_value(vec![b'l'; 65_536], "v", 1)),
            ("a large row that is out of order", RowEntry::new_value("a", vec![7; 5000], 1)),
        ];
        for (what, bad) in bad {
            let mut builder = SstBuilder::new(4096);
            builder.add(&rows[0]).expect("a first row");
            assert!(builder.add(&bad).is_err(), "{what} is not refused");
            builder.add(&rows[1]).expect("a row behind k, after one was refused");
            let sst = builder.finish().expect("an SST with rows");
            let rule = rule("3.10", "a refused row changes nothing: both rows fit in one block");
            assert_sst(&sst, &sst_bytes(&rows, 4096), &format!("{what}{rule}"));
        }
    }

    #[test]
    fn an_sst_without_rows_is_refused() {
        let refused = SstBuilder::new(4096).finish();
        let rule = rule("3.10", "an SST holds at least one row");
        assert!(matches!(refused, Err(Error::InvalidArgument { .. })), "found {refused:?}{rule}");
    }

    #[test]
    fn the_estimated_size_follows_the_data() {
        let (rule, rows) = (rule("3.10", "the size of the data blocks so far"), numbered(1000));
        let mut builder = SstBuilder::new(1024);
        assert_eq!(builder.estimated_size(), 0, "without a row{rule}");
        let mut before = 0;
        for row in &rows {
            builder.add(row).expect("a row in order");
            let size = builder.estimated_size();
            assert!(size > before, "{size} bytes after a row, {before} before it{rule}");
            before = size;
        }
        let sst = builder.finish().expect("an SST with rows");
        let footer = sst.slice(sst.len() - FOOTER_LEN..);
        let data_len = Bytes::copy_from_slice(&footer[..8]);
        let data_len = u64::from_be_bytes(data_len[..].try_into().expect("eight bytes")) as usize;
        let near = data_len - 16..=data_len;
        assert!(near.contains(&before), "{before} at the end, of {data_len} bytes of data{rule}");
    }

    proptest! {
        #![proptest_config(testkit::config(32))]

        #[test]
        fn any_sst_has_the_layout_of_the_page(
            specs in testkit::any_rows(25).prop_filter("an SST has a row", |rows| !rows.is_empty()),
            block_size in 1..600_usize,
        ) {
            let rows: Vec<_> = specs.into_iter().map(row).collect();
            let rule = rule("3.10", "the layout of an SST");
            assert_sst(&build(&rows, block_size), &sst_bytes(&rows, block_size), &format!("any rows{rule}"));
        }
    }
}

mod task_3_11 {
    use super::*;
    use proptest::prelude::*;

    fn index_of(first_keys: &[&'static str], last_key: &'static str) -> SstIndex {
        let blocks = (0..).zip(first_keys);
        let blocks = blocks.map(|(n, key)| BlockMeta { offset: n * 100, first_key: (*key).into() });
        SstIndex { blocks: blocks.collect(), last_key: last_key.into() }
    }

    /// Fails unless the search visits just the blocks in `expected`.
    fn assert_blocks(index: &SstIndex, key: &str, expected: &[usize]) {
        let found: Vec<_> = index.blocks_for(key.as_bytes()).collect();
        let keys: Vec<_> = index.blocks.iter().map(|block| &block.first_key).collect();
        let rule = rule("3.11", "the blocks that may hold a row of the key, and no other");
        let what =
            format!("{key:?} in blocks that start with {keys:?}, up to {:?}", index.last_key);
        assert_eq!(found, expected, "{what}{rule}");
    }

    #[test]
    fn a_key_between_two_first_keys_is_in_the_block_before() {
        let index = index_of(&["apple", "kiwi", "mango"], "pear");
        assert_blocks(&index, "banana", &[0]);
        assert_blocks(&index, "lemon", &[1]);
        assert_blocks(&index, "orange", &[2]);
        assert_blocks(&index, "pear", &[2]);
    }

    #[test]
    fn a_key_outside_the_sst_is_in_no_block() {
        let index = index_of(&["apple", "kiwi", "mango"], "pear");
        assert_blocks(&index, "a", &[]);
        assert_blocks(&index, "appl", &[]);
        assert_blocks(&index, "pears", &[]);
        assert_blocks(&index, "z", &[]);
    }

    #[test]
    fn newer_versions_of_a_first_key_may_end_the_block_before() {
        let index = index_of(&["apple", "kiwi", "mango"], "pear");
        assert_blocks(&index, "kiwi", &[0, 1]);
        assert_blocks(&index, "mango", &[1, 2]);
    }

    #[test]
    fn the_empty_key_is_in_no_block() {
        assert_blocks(&index_of(&["apple", "kiwi", "mango"], "pear"), "", &[]);
    }

    #[test]
    fn block_0_has_no_block_before() {
        assert_blocks(&index_of(&["apple", "kiwi", "mango"], "pear"), "apple", &[0]);
        assert_blocks(&index_of(&["apple"], "apple"), "apple", &[0]);
    }

    #[test]
    fn a_key_that_starts_several_blocks_may_be_in_all_of_them() {
        let index = index_of(&["apple", "kiwi", "kiwi", "kiwi", "mango"], "pear");
        assert_blocks(&index, "kiwi", &[0, 1, 2, 3]);
        assert_blocks(&index, "lemon", &[3]);
        let index = index_of(&["kiwi", "kiwi", "kiwi"], "kiwi");
        assert_blocks(&index, "kiwi", &[0, 1, 2]);
    }

    #[test]
    fn footer_and_index_are_read() {
        let rows = numbered(1000);
        let sst = sst_bytes(&rows, 512);
        let reader = open_bytes(&sst).expect("a whole SST");
        let footer = reader.footer();
        assert_eq!((footer.row_count, footer.max_seq), (1000, 1000), "rows, highest number");
        let index = reader.index();
        assert_eq!(index.blocks[0].first_key, "key00000", "the first key");
        assert_eq!(index.last_key, "key00999", "the last key");
        assert!(index.blocks.len() > 50, "found {} blocks", index.blocks.len());
        assert_eq!(reader.path(), PATH, "the path");
    }

    #[test]
    fn a_small_sst_is_opened_with_one_read() {
        let store = WatchedStore::with(&sst_bytes(&numbered(100), 512));
        SstReader::open(store.clone(), PATH).expect("a whole SST");
        let rule = rule("3.11", "a request to a remote store takes 50 ms: one read of the tail");
        assert_eq!(store.take_reads().len(), 1, "reads of an SST of 7 KiB{rule}");
        assert!(store.heads.load(Ordering::Relaxed) <= 1, "requests for the size{rule}");
    }

    #[test]
    fn opening_does_not_read_the_data() {
        let rows: Vec<_> =
            (0..1000).map(|n| RowEntry::new_value(format!("{n:04}"), vec![7; 1000], n)).collect();
        let sst = sst_bytes(&rows, 4096);
        let store = WatchedStore::with(&sst);
        SstReader::open(store.clone(), PATH).expect("a whole SST");
        let read: u64 = store.take_reads().iter().map(|range| range.end - range.start).sum();
        let rule = rule("3.11", "opening reads the tail, not the data blocks");
        assert!(read <= 2 * SstReader::TAIL_LEN, "{read} of {} bytes read{rule}", sst.len());
    }

    #[test]
    fn an_index_larger_than_the_tail_is_read_whole() {
        let rows: Vec<_> =
            (0..200).map(|n| RowEntry::new_value(format!("{n:01000}"), "v", n)).collect();
        let sst = sst_bytes(&rows, 64);
        let reader = open_bytes(&sst).expect("an SST whose index has 200 KB");
        assert_eq!(reader.index().blocks.len(), 200, "{}", rule("3.11", "the whole index is read"));
    }

    #[test]
    fn an_index_larger_than_the_tail_costs_one_more_read_and_no_data() {
        let rows: Vec<_> =
            (0..200).map(|n| RowEntry::new_value(format!("{n:01000}"), "v", n)).collect();
        let store = WatchedStore::with(&sst_bytes(&rows, 64));
        let reader = SstReader::open(store.clone(), PATH).expect("an SST whose index has 200 KB");
        let reads = store.take_reads();
        let rule = rule("3.11", "a larger index costs one more read; no data is read");
        assert!(reads.len() <= 2, "ranges read: {reads:?}{rule}");
        let data_end = reader.footer().filter_offset;
        assert!(reads.iter().all(|read| read.start >= data_end), "read: {reads:?}{rule}");
    }

    #[test]
    fn a_filter_section_is_passed_over() {
        let sst = with_filter(&sst_bytes(&fruit(), 4096));
        let reader = open_bytes(&sst).expect("an SST with a filter");
        let rule = rule("3.11", "the index starts at its offset, behind a filter if there is one");
        assert_eq!(reader.index().last_key, "pear", "{rule}");
    }

    #[test]
    fn a_block_in_the_filter_is_an_error() {
        let index = index_section(2, &[(0, b"a"), (1010, b"b")], b"c");
        let footer = footer_bytes([1000, 1100, 2, 2], 1);
        let found = open_bytes(&[&[7; 1100][..], &index, &footer].concat());
        let rule = rule("3.11", "data blocks end where the filter starts");
        let is_corrupt = matches!(found, Err(Error::Corrupt { .. }));
        let found = outcome(&found);
        assert!(is_corrupt, "a block at 1010, a filter from 1000 to 1100: found {found:?}{rule}");
    }

    #[test]
    fn a_missing_sst_is_not_found() {
        let store = Arc::new(MemoryObjectStore::new());
        match SstReader::open(store, PATH) {
            Err(Error::NotFound { path }) => assert_eq!(path, PATH, "the path in the error"),
            other => panic!("expected Error::NotFound, found {:?}", outcome(&other)),
        }
    }

    #[test]
    fn a_truncated_sst_is_an_error() {
        let sst = sst_bytes(&fruit(), 32);
        for len in 0..sst.len() {
            let what = format!("the first {len} bytes: expected Error::Corrupt");
            match open_bytes(&sst[..len]) {
                Err(Error::Corrupt { file, .. }) => assert_eq!(file, PATH, "the file in the error"),
                other => panic!("{what}, found {:?}", outcome(&other)),
            }
        }
    }

    #[test]
    fn damage_in_footer_or_index_is_an_error_at_its_offset() {
        let sst = sst_bytes(&numbered(4000), 512);
        let footer_start = sst.len() - FOOTER_LEN;
        let reader = open_bytes(&sst).expect("a whole SST");
        let index_start = reader.footer().index_offset as usize;
        let damage = [
            (index_start + 2, index_start..footer_start),
            (footer_start - 1, index_start..footer_start),
            (footer_start, footer_start..sst.len()),
            (sst.len() - 1, footer_start..sst.len()),
        ];
        for (position, section) in damage {
            let mut damaged = sst.clone();
            damaged[position] ^= 0x10;
            let rule = rule("3.11", "offsets count from the start of the file");
            let what = format!("byte {position} damaged");
            match open_bytes(&damaged) {
                Err(Error::Corrupt { file, offset, .. }) => {
                    let within = section.contains(&(offset as usize));
                    assert!(within, "{what}: offset {offset} is not in {section:?}{rule}");
                    assert_eq!(file, PATH, "the file in the error");
                }
                other => {
                    panic!("{what}: expected Error::Corrupt, found {:?}{rule}", outcome(&other))
                }
            }
        }
    }

    proptest! {
        #![proptest_config(testkit::config(64))]

        #[test]
        fn no_block_that_may_hold_the_key_is_missed_and_no_other_is_visited(
            mut keys in prop::collection::vec(prop::collection::vec(0..3_u8, 1..4), 2..12),
            wanted in prop::collection::vec(0..4_u8, 1..4),
        ) {
            keys.sort();
            let (last_key, first_keys) = keys.split_last().expect("at least two keys");
            let blocks: Vec<_> = (0..).zip(first_keys)
                .map(|(n, key)| BlockMeta { offset: n * 100, first_key: key.clone().into() })
                .collect();
            let index = SstIndex { blocks, last_key: last_key.clone().into() };
            // Block n holds keys from its first key up to the first key of the block behind it.
            let may_hold = |n: usize| {
                let last = first_keys.get(n + 1).unwrap_or(last_key);
                first_keys[n] <= wanted && wanted <= *last
            };
            let expected: Vec<_> = (0..first_keys.len()).filter(|&n| may_hold(n)).collect();
            let found: Vec<_> = index.blocks_for(&wanted).collect();
            let rule = rule("3.11", "the blocks that may hold a row of the key, and no other");
            prop_assert_eq!(found, expected, "{:?} in {:?}{}", wanted, keys, rule);
        }
    }
}

mod task_3_12 {
    use super::*;
    use proptest::prelude::*;

    fn open(rows: &[RowEntry], block_size: usize) -> Arc<SstReader> {
        Arc::new(open_bytes(&sst_bytes(rows, block_size)).expect("a whole SST"))
    }

    /// `SstReader::get`, failing after a while: a walk over rows or blocks could have no end.
    fn lookup(reader: &Arc<SstReader>, key: &[u8], max_seq: u64) -> Result<Option<RowEntry>> {
        let (reader, key) = (Arc::clone(reader), key.to_vec());
        testkit::deadline(10, move || reader.get(&key, max_seq))
    }

    fn get(reader: &Arc<SstReader>, key: &str, max_seq: u64) -> Option<RowEntry> {
        lookup(reader, key.as_bytes(), max_seq).expect("a whole SST")
    }

    #[test]
    fn the_newest_visible_version_is_found() {
        let reader = open(&fruit(), 4096);
        let rule = rule("3.12", "the newest row at or below max_seq is found");
        let rows = fruit();
        let at = |max_seq| get(&reader, "apple", max_seq);
        assert_eq!(at(u64::MAX), Some(rows[0].clone()), "at the highest number{rule}");
        assert_eq!(at(7), Some(rows[0].clone()), "at 7{rule}");
        assert_eq!(at(6), Some(rows[1].clone()), "at 6{rule}");
        assert_eq!(at(3), Some(rows[2].clone()), "at 3{rule}");
        assert_eq!(at(1), None, "at 1, before any apple{rule}");
    }

    #[test]
    fn tombstones_and_merge_operands_are_rows() {
        let reader = open(&fruit(), 4096);
        let rule = rule("3.12", "a tombstone and a merge operand are found like any row");
        assert_eq!(get(&reader, "apple", 9), Some(fruit()[0].clone()), "a tombstone{rule}");
        assert_eq!(get(&reader, "count", 9), Some(fruit()[3].clone()), "an operand{rule}");
    }

    #[test]
    fn every_row_is_found_and_no_neighbour_is_taken_for_it() {
        let rows = numbered(300);
        for block_size in [1, 100, 4096] {
            let (rows, reader) = (rows.clone(), open(&rows, block_size));
            let rule = rule("3.12", "the row of this key is found, and no other");
            let what = format!("in blocks of {block_size} bytes{rule}");
            testkit::deadline(20, move || {
                for row in &rows {
                    let found = reader.get(&row.key, u64::MAX).expect("a whole SST");
                    assert_eq!(found.as_ref(), Some(row), "{:?} {what}", row.key);
                    let absent = Bytes::from([&row.key[..], b"x"].concat());
                    let found = reader.get(&absent, u64::MAX).expect("a whole SST");
                    assert_eq!(found, None, "{absent:?} {what}");
                }
            });
        }
    }

    #[test]
    fn keys_outside_the_sst_are_not_found_and_cost_no_read() {
        let store = WatchedStore::with(&sst_bytes(&numbered(1000), 512));
        let reader = Arc::new(SstReader::open(store.clone(), PATH).expect("a whole SST"));
        store.take_reads();
        let rule = rule("3.12", "the index knows the first and the last key");
        for absent in ["a", "key", "key00999x", "z"] {
            assert_eq!(get(&reader, absent, u64::MAX), None, "{absent}{rule}");
        }
        assert_eq!(store.take_reads(), [], "reads for keys outside the SST{rule}");
    }

    #[test]
    fn a_lookup_reads_one_block() {
        let sst = sst_bytes(&numbered(1000), 512);
        let store = WatchedStore::with(&sst);
        let reader = Arc::new(SstReader::open(store.clone(), PATH).expect("a whole SST"));
        store.take_reads();
        assert!(get(&reader, "key00505", u64::MAX).is_some(), "a key in the middle of a block");
        let reads = store.take_reads();
        let rule = rule("3.12", "a data block is read when it is asked for, and no other");
        assert_eq!(reads.len(), 1, "ranges read: {reads:?}{rule}");
        assert!(reads[0].end - reads[0].start <= 516, "bytes read: {:?}{rule}", reads[0]);
    }

    #[test]
    fn a_lookup_does_not_ask_for_the_size_again() {
        let store = WatchedStore::with(&sst_bytes(&numbered(100), 512));
        let reader = Arc::new(SstReader::open(store.clone(), PATH).expect("a whole SST"));
        let heads = store.heads.load(Ordering::Relaxed);
        assert!(get(&reader, "key00050", u64::MAX).is_some(), "a key of the SST");
        let rule = rule("3.12", "a lookup costs one request, for the block");
        assert_eq!(store.heads.load(Ordering::Relaxed), heads, "requests for the size{rule}");
    }

    #[test]
    fn an_error_of_the_store_is_passed_on() {
        let store = WatchedStore::with(&sst_bytes(&fruit(), 4096));
        let reader = Arc::new(SstReader::open(store.clone(), PATH).expect("a whole SST"));
        store.delete(PATH).expect("a delete in memory");
        let found = lookup(&reader, b"pear", 9);
        let rule = rule("3.12", "a block that can't be read is an error, not an absent key");
        assert!(matches!(found, Err(Error::NotFound { .. })), "found {found:?}{rule}");
    }

    #[test]
    fn the_empty_key_is_not_found() {
        let reader = open(&fruit(), 4096);
        let rule = rule("3.12", "what is not in the SST is not found, and no panic");
        assert_eq!(get(&reader, "", 9), None, "the empty key{rule}");
    }

    #[test]
    fn a_lookup_that_finds_nothing_reads_one_block_too() {
        let store = WatchedStore::with(&sst_bytes(&numbered(1000), 512));
        let reader = Arc::new(SstReader::open(store.clone(), PATH).expect("a whole SST"));
        let number = String::from_utf8_lossy(&reader.index().blocks[2].first_key[3..]).into_owned();
        let absent = format!("key{:05}x", number.parse::<u64>().expect("a number") - 1);
        store.take_reads();
        assert_eq!(get(&reader, &absent, u64::MAX), None, "a key between two blocks");
        let reads = store.take_reads();
        let rule = rule("3.12", "a key costs one read, unless it is the first of a block");
        assert_eq!(reads.len(), 1, "ranges read for {absent}: {reads:?}{rule}");
    }

    #[test]
    fn a_lookup_ends_with_the_block_that_has_the_row() {
        let rows = (1..=60).rev().map(|n| RowEntry::new_value("k", format!("{n:030}"), n));
        let store = WatchedStore::with(&sst_bytes(&rows.collect::<Vec<_>>(), 256));
        let reader = Arc::new(SstReader::open(store.clone(), PATH).expect("a whole SST"));
        assert!(reader.index().blocks.len() > 5, "the versions of k fill many blocks");
        store.take_reads();
        let rule = rule("3.12", "the search goes on only if a block has no visible version");
        let newest = get(&reader, "k", u64::MAX).map(|row| row.seq);
        assert_eq!(newest, Some(60), "the newest k{rule}");
        let reads = store.take_reads();
        assert!(reads.len() <= 2, "ranges read: {reads:?}{rule}");
    }

    #[test]
    fn rows_before_a_filter_are_found() {
        let rows = numbered(100);
        let reader = open_bytes(&with_filter(&sst_bytes(&rows, 512)));
        let reader = Arc::new(reader.expect("an SST with a filter"));
        let rule = rule("3.12", "the last block ends where the filter starts");
        for row in [&rows[0], &rows[99]] {
            let found = lookup(&reader, &row.key, u64::MAX);
            let found = found.unwrap_or_else(|error| panic!("{:?}: {error}{rule}", row.key));
            assert_eq!(found.as_ref(), Some(row), "{:?}{rule}", row.key);
        }
    }

    #[test]
    fn versions_that_fill_several_blocks_are_all_found() {
        let mut rows = vec![RowEntry::new_value("a", "before", 1)];
        rows.extend((1..=60).rev().map(|n| RowEntry::new_value("k", format!("{n:030}"), n * 2)));
        rows.push(RowEntry::new_value("z", "behind", 1));
        let reader = open(&rows, 256);
        testkit::deadline(20, move || {
            let get = |key: &[u8], max_seq| reader.get(key, max_seq).expect("a whole SST");
            let rule = rule("3.12", "a key's versions go on in the next block");
            for n in 1..=60 {
                for max_seq in [n * 2, n * 2 + 1] {
                    let found = get(b"k", max_seq).map(|row| row.seq);
                    assert_eq!(found, Some(n * 2), "the version visible at {max_seq}{rule}");
                }
            }
            assert_eq!(get(b"k", 1), None, "before any version{rule}");
            assert!(get(b"z", 1).is_some(), "the key behind them{rule}");
        });
    }

    #[test]
    fn a_version_at_the_end_of_the_block_before_is_found() {
        // Blocks of two rows: the newer kiwi ends the first, the older one starts the second.
        let rows = [
            RowEntry::new_value("apple", "v", 1),
            RowEntry::new_value("kiwi", "new", 9),
            RowEntry::new_value("kiwi", "old", 3),
            RowEntry::new_value("mango", "v", 2),
        ];
        let reader = (1..200).map(|block_size| open(&rows, block_size));
        let mut reader = reader.filter(|reader| reader.index().blocks.len() == 2);
        let reader = reader.find(|reader| reader.index().blocks[1].first_key == "kiwi");
        let reader = reader.expect("a block size that parts the two kiwis");
        let rule = rule("3.12", "newer versions of a first key may end the block before");
        assert_eq!(get(&reader, "kiwi", 9), Some(rows[1].clone()), "at 9{rule}");
        assert_eq!(get(&reader, "kiwi", 8), Some(rows[2].clone()), "at 8{rule}");
        assert_eq!(get(&reader, "kiwi", 2), None, "at 2{rule}");
    }

    #[test]
    fn blocks_are_read_by_the_version_in_the_footer() {
        let rows = numbered(40);
        let mut builder = DataBlockBuilder::new(FormatVersion::V2, 4096);
        for row in &rows {
            assert!(builder.add(row).expect("a small row"), "40 small rows fit in one block");
        }
        let mut sst = with_checksum(&builder.finish());
        let data_end = sst.len() as u64;
        sst.extend(index_section(1, &[(0, b"key00000")], b"key00039"));
        sst.extend(footer_bytes([data_end, data_end, 40, 40], 2));
        let reader = Arc::new(open_bytes(&sst).expect("an SST of version 2"));
        let rule = rule("3.12", "the footer's version says how a block is decoded");
        let found = lookup(&reader, b"key00033", u64::MAX);
        let found = found.unwrap_or_else(|error| panic!("a block of version 2: {error}{rule}"));
        assert_eq!(found.as_ref(), Some(&rows[33]), "in a block of version 2{rule}");
    }

    #[test]
    fn a_search_takes_its_blocks_from_read_block() {
        let store = WatchedStore::with(&sst_bytes(&fruit(), 4096));
        let cache = Some(Arc::new(BlockCache::new(1 << 20)));
        let reader = SstReader::open_with_cache(store.clone(), PATH, cache);
        let reader = Arc::new(reader.expect("a whole SST"));
        assert!(get(&reader, "pear", 9).is_some(), "the first time");
        store.take_reads();
        assert!(get(&reader, "pear", 9).is_some(), "the second time");
        let rule = rule("3.12", "`search` calls `read_block`, which asks a cache first");
        assert_eq!(store.take_reads(), [], "reads for a block that is in the cache{rule}");
    }

    #[test]
    fn large_rows_and_strange_keys_are_found() {
        let rows = [
            RowEntry::new_value(vec![0], "", 0),
            RowEntry::new_value(vec![0, 0], vec![7; 1 << 20], 1),
            RowEntry::new_value(vec![1; 65_535], vec![9; 100], 2),
            RowEntry::new_tombstone(vec![0xff], u64::MAX),
        ];
        let reader = open(&rows, 4096);
        for row in &rows {
            let found = lookup(&reader, &row.key, u64::MAX).expect("a whole SST");
            let what = format!("a key of {} bytes", row.key.len());
            assert!(found.as_ref() == Some(row), "{what} is not found as it was written");
        }
    }

    #[test]
    fn a_block_is_read_by_its_number() {
        let rows = numbered(100);
        let reader = open(&rows, 512);
        let mut found = Vec::new();
        for number in 0..reader.index().blocks.len() {
            let block = reader.read_block(number).expect("a whole block");
            for row in 0..block.row_count() {
                found.extend(block.row(row).expect("a whole row"));
            }
        }
        assert_eq!(found, rows, "the rows of all blocks, in order");
    }

    #[test]
    fn a_block_that_does_not_exist_is_an_error() {
        let reader = open(&fruit(), 4096);
        for number in [1, 2, usize::MAX] {
            let found = reader.read_block(number);
            let is_refusal = matches!(found, Err(Error::InvalidArgument { .. }));
            assert!(is_refusal, "block {number} of 1: found {found:?}");
        }
    }

    #[test]
    fn a_damaged_block_is_an_error_at_its_offset_and_others_stay_readable() {
        let rows = numbered(100);
        let sst = sst_bytes(&rows, 512);
        let blocks = open_bytes(&sst).expect("a whole SST").index().blocks.clone();
        let (start, end) = (blocks[1].offset as usize, blocks[2].offset as usize);
        for position in (start..end).step_by(3) {
            let mut damaged = sst.clone();
            damaged[position] ^= 0x04;
            let reader = Arc::new(open_bytes(&damaged).expect("footer and index are whole"));
            let at = rule("3.12", "offsets count from the start of the file");
            let rule = rule("3.12", "the checksum of a block is checked before its rows are used");
            match lookup(&reader, &blocks[1].first_key.slice(..), u64::MAX) {
                Err(Error::Corrupt { file, offset, .. }) => {
                    let within = (start..end).contains(&(offset as usize));
                    let what = format!("byte {position} damaged");
                    assert!(within, "{what}: offset {offset} is not in {start}..{end}{at}");
                    assert_eq!(file, PATH, "the file in the error");
                }
                other => panic!("byte {position}: expected Error::Corrupt, found {other:?}{rule}"),
            }
            assert_eq!(get(&reader, "key00099", u64::MAX), rows.last().cloned(), "another block");
        }
    }

    #[test]
    fn rows_that_contradict_their_block_are_an_error() {
        // Rightly checksummed, but the second row shares more bytes than the first key has.
        let mut builder = BlockBuilder::new(4096);
        for row in [RowEntry::new_value("k", "v", 2), RowEntry::new_value("kk", "v", 1)] {
            assert!(builder.add(&row).expect("a small row"));
        }
        let mut block = builder.finish().to_vec();
        block[20] = 9;
        let mut sst = with_checksum(&block);
        let data_end = sst.len() as u64;
        sst.extend(index_section(1, &[(0, b"k")], b"kk"));
        sst.extend(footer_bytes([data_end, data_end, 2, 2], 1));
        let reader = Arc::new(open_bytes(&sst).expect("footer and index are whole"));
        let found = lookup(&reader, b"kk", 9);
        let rule = rule("3.12", "no panic: what a row says is checked too");
        assert!(matches!(found, Err(Error::Corrupt { .. })), "found {found:?}{rule}");
    }

    /// An SST of two blocks, and the range of its second one: there stand three versions of `k`, of
    /// which one byte was changed before the checksum was made.
    fn bad_second_block(position: impl Fn(usize) -> usize) -> (Arc<SstReader>, Range<u64>) {
        let block = |rows: &[RowEntry]| {
            let mut builder = BlockBuilder::new(4096);
            assert!(rows.iter().all(|row| builder.add(row).expect("a small row")));
            builder.finish().to_vec()
        };
        let mut second = block(&[9, 7, 5].map(|seq| RowEntry::new_value("k", "v", seq)));
        let position = position(second.len());
        second[position] ^= 0x40;
        let mut sst = with_checksum(&block(&[RowEntry::new_value("a", vec![0; 500], 1)]));
        let start = sst.len() as u64;
        sst.extend(with_checksum(&second));
        let end = sst.len() as u64;
        sst.extend(index_section(2, &[(0, b"a"), (start, b"k")], b"k"));
        sst.extend(footer_bytes([end, end, 4, 9], 1));
        (Arc::new(open_bytes(&sst).expect("footer and index are whole")), start..end)
    }

    #[test]
    fn what_contradicts_itself_is_an_error_within_its_block() {
        // Each row has 13 bytes before its flags; the first 19, the others 18 in all.
        type PositionIn = fn(usize) -> usize;
        let cases: [(&str, PositionIn); 3] = [
            ("the row count", |len| len - 1),
            ("the flags of row 0", |_| 13),
            ("the flags of row 2", |_| 19 + 18 + 12),
        ];
        for (what, position) in cases {
            let (reader, block) = bad_second_block(position);
            let rule = rule("3.12", "an error, at an offset from the start of the file");
            match lookup(&reader, b"k", 5) {
                Err(Error::Corrupt { file, offset, .. }) => {
                    assert!(block.contains(&offset), "{what}: {offset} not in {block:?}{rule}");
                    assert_eq!(file, PATH, "the file in the error");
                }
                other => panic!("{what}: expected Error::Corrupt, found {other:?}{rule}"),
            }
        }
    }

    #[test]
    fn a_damaged_block_stays_an_error() {
        let mut sst = sst_bytes(&fruit(), 4096);
        sst[30] ^= 1;
        let reader = Arc::new(open_bytes(&sst).expect("footer and index are whole"));
        for call in 1..=3 {
            let found = lookup(&reader, b"pear", 9);
            let rule = rule("3.12", "every byte of an answer was covered by a checksum that held");
            let is_corrupt = matches!(found, Err(Error::Corrupt { .. }));
            assert!(is_corrupt, "call {call}: expected Error::Corrupt, found {found:?}{rule}");
        }
    }

    #[test]
    fn no_damaged_byte_leads_to_a_wrong_answer() {
        let rows = fruit();
        let sst = sst_bytes(&rows, 40);
        testkit::deadline(20, move || {
            for position in 0..sst.len() {
                for flip in [0x01, 0x80, 0xff] {
                    let mut damaged = sst.clone();
                    damaged[position] ^= flip;
                    let Ok(reader) = open_bytes(&damaged) else { continue };
                    for row in &rows {
                        match reader.get(&row.key, row.seq) {
                            Ok(found) => assert_eq!(found.as_ref(), Some(row), "byte {position}"),
                            Err(Error::Corrupt { .. }) => {}
                            Err(other) => panic!("byte {position}: found {other:?}"),
                        }
                    }
                }
            }
        });
    }

    proptest! {
        #![proptest_config(testkit::config(48))]

        #[test]
        fn get_agrees_with_a_search_through_all_rows(
            specs in testkit::any_rows(25).prop_filter("an SST has a row", |rows| !rows.is_empty()),
            block_size in 1..300_usize,
            (wanted, _, max_seq) in testkit::any_row(),
        ) {
            let rows: Vec<_> = specs.into_iter().map(row).collect();
            let reader = open(&rows, block_size);
            let visible = rows.iter().filter(|row| row.key == wanted && row.seq <= max_seq);
            let expected = visible.max_by_key(|row| row.seq).cloned();
            let rule = rule("3.12", "the newest row at or below max_seq is found");
            let found = lookup(&reader, &wanted, max_seq).expect("a whole SST");
            prop_assert_eq!(found, expected, "{:?}{}", rows, rule);
        }
    }
}
