//! Reading several blocks at once: what is asked for, and what comes out.

use std::mem;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tinydb::format::RowEntry;
use tinydb::iter::{BytesRange, RowEntryIterator, SstIterator};
use tinydb::object_store::{MemoryObjectStore, ObjectMeta, ObjectStore};
use tinydb::optimize::BlockCache;
use tinydb::storage::{ReadAhead, SstBuilder, SstOptions, SstReader};
use tinydb::{Error, Result};

/// An object store in memory that notes which ranges are read.
#[derive(Debug, Default)]
struct Watched {
    inner: MemoryObjectStore,
    reads: Mutex<Vec<Range<u64>>>,
}

impl ObjectStore for Watched {
    fn put(&self, path: &str, object: Bytes) -> Result<()> {
        self.inner.put(path, object)
    }

    fn put_if_absent(&self, path: &str, object: Bytes) -> Result<()> {
        self.inner.put_if_absent(path, object)
    }

    fn get(&self, path: &str) -> Result<Bytes> {
        self.inner.get(path)
    }

    fn get_range(&self, path: &str, range: Range<u64>) -> Result<Bytes> {
        self.reads.lock().unwrap().push(range.clone());
        self.inner.get_range(path, range)
    }

    fn head(&self, path: &str) -> Result<ObjectMeta> {
        self.inner.head(path)
    }

    fn list(&self, prefix: &str) -> Result<Vec<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn delete(&self, path: &str) -> Result<()> {
        self.inner.delete(path)
    }
}

/// An SST in which every row is a block, and what it is made of.
struct Scene {
    store: Arc<Watched>,
    cache: Arc<BlockCache>,
    sst: Arc<SstReader>,
}

const BLOCKS: usize = 300;

fn row(number: usize) -> RowEntry {
    RowEntry::new_value(format!("key {number:04}"), "value", 1)
}

impl Scene {
    fn new() -> Self {
        Self::damaged(|_| ())
    }

    fn damaged(damage: impl FnOnce(&mut Vec<u8>)) -> Self {
        let options = SstOptions { block_size: 1, ..SstOptions::default() };
        let mut builder = SstBuilder::with_options(&options);
        (0..BLOCKS).for_each(|number| builder.add(&row(number)).unwrap());
        let mut object = builder.finish().unwrap().to_vec();
        damage(&mut object);
        let store = Arc::new(Watched::default());
        store.put("sst", object.into()).unwrap();
        let cache = Arc::new(BlockCache::new(1 << 20));
        let sst = SstReader::open_with_cache(store.clone(), "sst", Some(cache.clone())).unwrap();
        store.reads.lock().unwrap().clear();
        Self { store, cache, sst: Arc::new(sst) }
    }

    fn scan(&self, range: impl Into<BytesRange>) -> SstIterator {
        SstIterator::new(Arc::clone(&self.sst), range.into())
    }

    /// Which blocks were read since the last time, request by request.
    fn requests(&self) -> Vec<Range<usize>> {
        let blocks = &self.sst.index().blocks;
        let number = |offset| blocks.partition_point(|block| block.offset < offset);
        let reads = mem::take(&mut *self.store.reads.lock().unwrap());
        reads.into_iter().map(|read| number(read.start)..number(read.end)).collect()
    }
}

#[track_caller]
fn assert_rows(rows: &mut impl RowEntryIterator, numbers: Range<usize>) {
    for number in numbers {
        assert_eq!(rows.next().unwrap(), Some(row(number)));
    }
}

#[test]
fn each_request_is_for_twice_as_many_blocks_up_to_a_bound() {
    let scene = Scene::new();
    let mut rows = scene.scan(..);
    assert_rows(&mut rows, 0..1);
    assert_eq!(scene.requests(), vec![0..1], "one row may be all that is wanted");
    assert_rows(&mut rows, 1..BLOCKS);
    assert_eq!(rows.next().unwrap(), None);
    let max = ReadAhead::MAX_BLOCKS;
    assert_eq!(max, 64);
    let expected = [1..3, 3..7, 7..15, 15..31, 31..63, 63..127, 127..191, 191..255, 255..300];
    assert_eq!(scene.requests(), expected, "every block once");
    assert_eq!(scene.cache.stats().insertions, 0, "and none comes into the cache");
}

#[test]
fn nothing_is_read_behind_the_range() {
    let scene = Scene::new();
    let mut rows = scene.scan("key 0100".."key 0110");
    assert_rows(&mut rows, 100..110);
    assert_eq!(rows.next().unwrap(), None);
    // The block before could end with the start.
    assert_eq!(scene.requests(), [99..100, 100..102, 102..106, 106..110]);
}

#[test]
fn a_jump_begins_anew() {
    let scene = Scene::new();
    let mut rows = scene.scan(..);
    assert_rows(&mut rows, 0..10);
    scene.requests();
    rows.seek(b"key 0200").unwrap();
    assert_rows(&mut rows, 200..203);
    assert_eq!(scene.requests(), [199..200, 200..202, 202..206]);
}

#[test]
fn what_is_in_the_cache_is_taken_from_there() {
    let scene = Scene::new();
    for number in [0, 1, 5, 9] {
        scene.sst.read_block(number).unwrap();
    }
    scene.requests();
    let mut rows = scene.scan(..);
    assert_rows(&mut rows, 0..16);
    // Block 9 was read in vain. It would take a request more to leave it out.
    assert_eq!(scene.requests(), [2..3, 3..5, 6..10, 10..18]);
    assert_eq!(scene.cache.stats().hits, 4, "the blocks that were there");
}

#[test]
fn a_damaged_block_is_an_error_in_its_place_and_not_before() {
    let at = Scene::new().sst.index().blocks[20].offset;
    let scene = Scene::damaged(|object| object[at as usize + 3] ^= 1);
    let mut rows = scene.scan(..);
    assert_rows(&mut rows, 0..20);
    for _ in 0..2 {
        let error = rows.next().unwrap_err();
        assert!(
            matches!(&error, Error::Corrupt { file, offset, .. } if file == "sst" && *offset >= at),
            "{error:?}"
        );
    }
}

#[test]
fn an_sst_that_was_opened_without_a_cache_is_read_block_by_block() {
    let Scene { store, .. } = Scene::new();
    let sst = Arc::new(SstReader::open(store.clone(), "sst").unwrap());
    store.reads.lock().unwrap().clear();
    assert_rows(&mut SstIterator::new(sst, (..).into()), 0..BLOCKS);
    assert_eq!(store.reads.lock().unwrap().len(), BLOCKS);
}

#[test]
fn a_block_that_does_not_exist_is_an_error() {
    let scene = Scene::new();
    let error = ReadAhead::default().read(&scene.sst, BLOCKS, |_| false).unwrap_err();
    assert!(matches!(error, Error::InvalidArgument { argument: "number", .. }), "{error:?}");
}
