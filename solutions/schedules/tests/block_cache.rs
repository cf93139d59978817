//! The block cache: it never holds more than its capacity, its numbers fit together when nobody uses it,
//! and a key never has another key's block.

use std::sync::Arc;
use std::thread;

use tinydb::format::{FormatVersion, RowEntry};
use tinydb::optimize::{BlockCache, BlockKey, DataBlock, DataBlockBuilder};
use tinydb_schedules::explore;

const CAPACITY: usize = 800;
const KEYS: u64 = 4;

/// A block whose row says which key it belongs to.
fn block(offset: u64) -> Arc<DataBlock> {
    let mut builder = DataBlockBuilder::new(FormatVersion::V2, 100);
    builder
        .add(&RowEntry::new_value(offset.to_be_bytes().to_vec(), vec![0; 20], 1))
        .expect("a row that fits");
    Arc::new(DataBlock::decode(FormatVersion::V2, builder.finish()).expect("a block"))
}

/// Looks for blocks, and inserts those that are missing, as readers of SSTs do.
fn read(cache: &BlockCache, first: u64) {
    for offset in (first..first + 3).map(|number| number % KEYS) {
        let key = BlockKey { file: 0, offset };
        match cache.get(&key) {
            Some(found) => assert_eq!(found.first_key()[..], offset.to_be_bytes(), "{key:?}"),
            None => cache.insert(key, block(offset)),
        }
        let bytes = cache.stats().bytes;
        assert!(bytes <= CAPACITY, "{bytes} bytes in a cache of {CAPACITY}");
    }
}

#[test]
fn it_keeps_its_bound_and_its_books() {
    explore(2000, || {
        let cache = Arc::new(BlockCache::new(CAPACITY));
        let start = |first| {
            let cache = Arc::clone(&cache);
            thread::spawn(move || read(&cache, first))
        };
        let readers: Vec<_> = (0..3).map(start).collect();
        readers.into_iter().for_each(|reader| reader.join().expect("a reader without a fault"));
        let stats = cache.stats();
        assert_eq!(stats.hits + stats.misses, 9, "{stats:?}");
        assert_eq!(stats.misses, stats.insertions, "{stats:?}");
        assert_eq!(stats.blocks as u64, stats.insertions - stats.evictions, "{stats:?}");
    });
}

#[test]
fn no_file_number_is_given_twice() {
    explore(500, || {
        let cache = Arc::new(BlockCache::new(CAPACITY));
        let start = |_| {
            let cache = Arc::clone(&cache);
            thread::spawn(move || [cache.register_file(), cache.register_file()])
        };
        let threads: Vec<_> = (0..2).map(start).collect();
        let mut numbers: Vec<u64> =
            threads.into_iter().flat_map(|thread| thread.join().expect("two numbers")).collect();
        numbers.sort_unstable();
        assert!(numbers.windows(2).all(|pair| pair[0] != pair[1]), "{numbers:?}");
    });
}
