//! SSTs that say of themselves that every row is a value, and no key has two rows.

use std::sync::Arc;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use tinydb::format::{RowEntry, ValueDeletable};
use tinydb::object_store::{MemoryObjectStore, ObjectStore};
use tinydb::optimize::BlockCache;
use tinydb::storage::{SstBuilder, SstOptions, SstReader};

/// An SST of these rows, in small blocks, and the cache that its blocks come to.
fn sst_of(rows: &[RowEntry], block_size: usize) -> (SstReader, Arc<BlockCache>) {
    let options = SstOptions { block_size, ..SstOptions::default() };
    let mut builder = SstBuilder::with_options(&options);
    rows.iter().for_each(|row| builder.add(row).unwrap());
    let store = MemoryObjectStore::new();
    store.put("sst", builder.finish().unwrap()).unwrap();
    let cache = Arc::new(BlockCache::new(1 << 20));
    let reader = SstReader::open_with_cache(Arc::new(store), "sst", Some(Arc::clone(&cache)));
    (reader.unwrap(), cache)
}

fn row(key: u16, value: ValueDeletable, seq: u64) -> RowEntry {
    RowEntry { key: Bytes::copy_from_slice(&key.to_be_bytes()), value, seq }
}

fn value(key: u16, seq: u64) -> RowEntry {
    row(key, ValueDeletable::Value(Bytes::from_static(b"some value")), seq)
}

#[test]
fn values_of_different_keys_are_plain_and_nothing_else() {
    let is_plain = |rows: &[RowEntry]| sst_of(rows, 4096).0.footer().plain;
    assert!(is_plain(&[value(1, 5)]));
    assert!(is_plain(&[value(1, 5), value(2, 4), value(3, 9)]));
    let tombstone = row(2, ValueDeletable::Tombstone, 4);
    assert!(!is_plain(&[value(1, 5), tombstone, value(3, 9)]), "a tombstone");
    let operand = row(2, ValueDeletable::Merge(Bytes::from_static(b"1")), 4);
    assert!(!is_plain(&[value(1, 5), operand, value(3, 9)]), "an operand");
    assert!(!is_plain(&[value(1, 5), value(2, 4), value(2, 3)]), "two versions");
}

#[test]
fn a_row_that_was_refused_changes_nothing() {
    let mut builder = SstBuilder::default();
    builder.add(&value(1, 5)).unwrap();
    assert!(builder.add(&value(1, 6)).is_err(), "newer, so it comes first");
    assert!(builder.add(&row(0, ValueDeletable::Tombstone, 7)).is_err(), "a smaller key");
    builder.add(&value(2, 4)).unwrap();
    let store = MemoryObjectStore::new();
    store.put("sst", builder.finish().unwrap()).unwrap();
    assert!(SstReader::open(Arc::new(store), "sst").unwrap().footer().plain);
}

#[test]
fn a_lookup_in_a_plain_sst_reads_one_block() {
    let rows: Vec<_> = (0..300).map(|key| value(key * 2, 1)).collect();
    let (sst, cache) = sst_of(&rows, 64);
    assert!(sst.index().blocks.len() > 50, "there are many first keys");
    for (row, read) in rows.iter().zip(1..) {
        assert_eq!(sst.get(&row.key, 9).unwrap().as_ref(), Some(row));
        let stats = cache.stats();
        assert_eq!(stats.hits + stats.misses, read, "blocks read after {:?}", row.key);
    }
}

proptest! {
    #[test]
    fn every_version_is_found_whatever_the_rows_are(
        rows in vec((0_u16..40, 1_u64..30, 0..9), 1..80),
        block_size in 20_usize..200,
    ) {
        let mut rows: Vec<_> = rows
            .into_iter()
            .map(|(key, seq, kind)| match kind {
                0 => row(key, ValueDeletable::Tombstone, seq),
                _ => value(key, seq),
            })
            .collect();
        rows.sort_by_key(|row| (row.key.clone(), u64::MAX - row.seq));
        rows.dedup_by_key(|row| (row.key.clone(), row.seq));
        let (sst, _) = sst_of(&rows, block_size);
        for key in 0_u16..41 {
            let key = key.to_be_bytes();
            for max_seq in [1, 7, 15, 30] {
                let found = sst.get(&key, max_seq).unwrap();
                let expected = rows.iter().find(|row| row.key == key[..] && row.seq <= max_seq);
                prop_assert_eq!(found.as_ref(), expected);
            }
        }
    }
}
