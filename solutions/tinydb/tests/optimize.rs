//! Week 7's room, where its readers' tests can't go: what is given there, and what no reader has to
//! know.

use std::collections::HashSet;
use std::sync::Arc;
use std::thread;

use proptest::collection::vec;
use proptest::prelude::*;
use tinydb::format::{BlockBuilder, FormatVersion, RowEntry};
use tinydb::optimize::block_cache::{MAX_SHARDS, MIN_SHARD_CAPACITY, Shard, weight};
use tinydb::optimize::hash::xxh64;
use tinydb::optimize::{BlockCache, BlockKey, DataBlock, KeyPrefixes};

/// The bytes of which xxHash's own checks hash the first ones.
fn sanity_buffer(len: usize) -> Vec<u8> {
    let mut generator = 2_654_435_761_u64;
    let mut next = || {
        let byte = (generator >> 56) as u8;
        generator = generator.wrapping_mul(11_400_714_785_074_694_797);
        byte
    };
    (0..len).map(|_| next()).collect()
}

#[test]
fn xxh64_gives_the_published_vectors() {
    const SEED: u64 = 2_654_435_761;
    let vectors = [
        (0, 0, 0xef46_db37_51d8_e999),
        (0, SEED, 0xac75_fda2_929b_17ef),
        (1, 0, 0xe934_a84a_db05_2768),
        (1, SEED, 0x5014_6076_43a9_b4c3),
        (4, 0, 0x9136_a0dc_a574_57ee),
        (14, 0, 0x8282_dcc4_994e_35c8),
        (14, SEED, 0xc3bd_6bf6_3deb_6df0),
        (222, 0, 0xb641_ae8c_b691_c174),
        (222, SEED, 0x20cb_8ab7_ae10_c14a),
    ];
    for (len, seed, expected) in vectors {
        let hash = xxh64(&sanity_buffer(len), seed);
        assert_eq!(hash, expected, "{len} bytes with seed {seed}: {hash:#x} and not {expected:#x}");
    }
    for (key, expected) in [("a", 0xd24e_c4f1_a98c_6e5b_u64), ("abc", 0x44bc_2cf5_ad77_0999)] {
        assert_eq!(xxh64(key.as_bytes(), 0), expected, "{key:?}");
    }
}

/// A block with one row, whose value has `len` bytes.
fn block(len: usize) -> Arc<DataBlock> {
    let mut builder = BlockBuilder::new(4096);
    let row = RowEntry::new_value("key", vec![b'.'; len], 1);
    assert!(builder.add(&row).expect("the row breaks no limit"));
    let block = DataBlock::decode(FormatVersion::V1, builder.finish());
    Arc::new(block.expect("a builder made the block"))
}

/// Whether a shard for 20 blocks still knows block 0 of a file, which was evicted on trial, and `since`
/// others after it. If it does, the block joins the main queue when it comes back, and survives a scan.
fn remembers(file: u64, since: u64) -> bool {
    let mut shard = Shard::new(20 * weight(&block(100)));
    let mut insert = |offset| drop(shard.insert(BlockKey { file, offset }, block(100)));
    (0..20 + 1 + since).for_each(&mut insert);
    insert(0);
    (1000..1100).for_each(insert);
    shard.get(&BlockKey { file, offset: 0 }).is_some()
}

#[test]
fn a_shard_forgets_bit_by_bit_what_failed_its_trial() {
    let remembered = |since| (0..100).filter(|&file| remembers(file, since)).count();
    assert_eq!(remembered(0), 100, "what was evicted last");
    // There are 32 places, so by chance each eviction takes the place of one in 32: of a hundred, 74 would
    // be left after ten, 53 after twenty, 4 after a hundred.
    for (since, expected) in [(10, 60..=100), (20, 38..=99), (100, 0..=12), (400, 0..=1)] {
        let found = remembered(since);
        assert!(expected.contains(&found), "{found} of 100 after {since} others, not {expected:?}");
    }
}

#[test]
fn a_cache_has_no_more_shards_than_have_room_for_large_blocks() {
    let most = MAX_SHARDS * MIN_SHARD_CAPACITY;
    for (capacity, shards) in [
        (1000, 1),
        (MIN_SHARD_CAPACITY, 1),
        (2 * MIN_SHARD_CAPACITY - 1, 1),
        (2 * MIN_SHARD_CAPACITY, 2),
        (most - 1, MAX_SHARDS - 1),
        (most, MAX_SHARDS),
        (4 * most, MAX_SHARDS),
    ] {
        let cache = BlockCache::new(capacity);
        let key = BlockKey { file: cache.register_file(), offset: 0 };
        let share = capacity / shards;
        let fixed = weight(&block(0));
        // Of a block as large as this, the size grows with the length byte by byte.
        let fitting = block(share - fixed);
        assert_eq!(weight(&fitting), share, "a block that fills a shard of {capacity} bytes");
        cache.insert(key, fitting);
        assert!(cache.get(&key).is_some(), "{capacity} bytes in {shards} shards: it has room");
        cache.insert(key, block(share - fixed + 1));
        assert!(cache.get(&key).is_none(), "{capacity} bytes in {shards} shards: it has no room");
    }
}

#[test]
fn no_two_files_have_one_number() {
    let cache = BlockCache::new(0);
    let register = || (0..1000).map(|_| cache.register_file()).collect::<Vec<_>>();
    let numbers: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(register)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    });
    assert_eq!(numbers.iter().collect::<HashSet<_>>().len(), 4000);
}

#[test]
fn a_cache_prints_numbers_and_no_blocks() {
    let cache = BlockCache::new(1 << 20);
    cache.insert(BlockKey { file: 0, offset: 0 }, block(100_000));
    let printed = format!("{cache:?}");
    assert!(printed.contains("insertions: 1") && printed.len() < 500, "{printed}");
}

proptest! {
    #[test]
    fn only_keys_near_a_key_have_to_be_compared_with_it(
        mut keys in vec(vec(0_u8..4, 1..14), 1..40),
        shared in vec(any::<u8>(), 0..12),
        wanted in vec(0_u8..4, 0..14),
        is_shared in any::<bool>(),
    ) {
        keys.iter_mut().for_each(|key| *key = [&shared[..], key].concat());
        keys.sort();
        let wanted = if is_shared { [shared, wanted].concat() } else { wanted };
        let prefixes = KeyPrefixes::new(keys.iter().map(Vec::as_slice));
        let near = prefixes.near(&wanted);
        prop_assert!(keys[..near.start].iter().all(|key| *key < wanted), "{near:?} of {keys:x?}");
        prop_assert!(keys[near.end..].iter().all(|key| *key > wanted), "{near:?} of {keys:x?}");
    }
}

#[test]
fn keys_that_differ_early_are_found_without_comparing_them() {
    let keys: Vec<_> = (0..1000).map(|number| format!("table/user/{number:04}")).collect();
    let prefixes = KeyPrefixes::new(keys.iter().map(String::as_bytes));
    for (number, key) in keys.iter().enumerate() {
        assert_eq!(prefixes.near(key.as_bytes()), number..number + 1, "{key}");
    }
    assert_eq!(prefixes.near(b"table"), 0..0, "a key that is shorter than what all share is less");
    assert_eq!(prefixes.near(b"table/vser"), 1000..1000);
    assert_eq!(KeyPrefixes::new([].into_iter()).near(b"key"), 0..0);
}
