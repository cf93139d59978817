//! The reader of an SST.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::error::{DecodeError, Error, Result};
use crate::format::RowEntry;
use crate::format::checksum::verify_checksum;
use crate::object_store::ObjectStore;
use crate::optimize::{
    BlockCache, BlockKey, BloomFilter, DataBlock, DataBlockIterator, KeyPrefixes,
};

use super::sst::{FOOTER_LEN, Footer, SstIndex};

/// Looks rows up in one SST.
///
/// Invariants:
/// 1. The footer, the index and the filter are in memory; a data block is read when it is asked for,
///    or comes from the cache.
/// 2. Every byte that an answer depends on was covered by a checksum that held.
///
/// SlateDB: `SsTableFormat` in `src/format/sst.rs` reads the parts, `TableStore` in
/// `src/tablestore.rs` fetches them through the block cache.
#[derive(Debug)]
pub struct SstReader {
    store: Arc<dyn ObjectStore>,
    path: String,
    footer: Footer,
    index: SstIndex,
    /// Which keys the SST does not have (week 7).
    filter: Option<BloomFilter>,
    /// The beginnings of the blocks' first keys (week 7).
    prefixes: Option<KeyPrefixes>,
    /// Where blocks are kept, and this file's number there (week 7).
    cache: Option<(Arc<BlockCache>, u64)>,
}

impl SstReader {
    /// How many bytes of the end are read at once: enough for the footer and most indexes, so that
    /// opening takes one request for the size and one for the bytes.
    pub const TAIL_LEN: u64 = 64 * 1024;

    /// Opens the SST at `path`: reads its footer and its index, and checks both. The filter, if it
    /// has one, is not used, and no block is kept.
    // Task 3.11: Open an SST and find the right blocks
    pub fn open(store: Arc<dyn ObjectStore>, path: impl Into<String>) -> Result<Self> {
        todo!("week 3, task 11: Open an SST and find the right blocks")
    }

    /// Opens the SST at `path`, and reads its filter too. Its blocks are kept in `cache`. What makes
    /// looking up faster is set up, and whoever reads one block after the other [reads
    /// ahead](super::ReadAhead).
    pub fn open_with_cache(
        store: Arc<dyn ObjectStore>,
        path: impl Into<String>,
        cache: Option<Arc<BlockCache>>,
    ) -> Result<Self> {
        let mut reader = Self::open(store, path)?;
        reader.filter = reader.read_filter()?;
        reader.prefixes =
            Some(KeyPrefixes::new(reader.index.blocks.iter().map(|block| &*block.first_key)));
        reader.cache = cache.map(|cache| {
            let file = cache.register_file();
            (cache, file)
        });
        Ok(reader)
    }

    fn read_filter(&self) -> Result<Option<BloomFilter>> {
        let Footer { filter_offset, index_offset, .. } = self.footer;
        if filter_offset == index_offset {
            return Ok(None);
        }
        let section = self.store.get_range(&self.path, filter_offset..index_offset)?;
        let filter = BloomFilter::decode(section);
        filter.map(Some).map_err(|error| error.in_file(&self.path, filter_offset))
    }

    /// Whether the SST may have a row of `key`: `false` only if it has none, by the filter.
    pub fn might_contain(&self, key: &[u8]) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.might_contain(key))
    }

    /// The newest row of `key` whose sequence number is at most `max_seq`, tombstones and merge
    /// operands included; `None` if the SST has no such row. `key` may be any bytes, also such as are
    /// no key. An error of the store is passed on.
    pub fn get(&self, key: &[u8], max_seq: u64) -> Result<Option<RowEntry>> {
        if self.might_contain(key) { self.search(key, max_seq) } else { Ok(None) }
    }

    /// As [`get`](Self::get), without asking the filter. Reads blocks only up to the one that holds
    /// the row.
    // Task 3.12: Look up a key
    fn search(&self, key: &[u8], max_seq: u64) -> Result<Option<RowEntry>> {
        todo!("week 3, task 12: Look up a key")
    }

    /// Data block `number`, counted from 0: from the cache, or read and checked, and then kept
    /// there. Fails if there is no such block.
    pub fn read_block(&self, number: usize) -> Result<Arc<DataBlock>> {
        let place = self.place_in_cache(number);
        if let Some(block) = place.and_then(|(cache, key)| cache.get(&key)) {
            return Ok(block);
        }
        let block = Arc::new(self.fetch_block(number)?);
        if let Some((cache, key)) = place {
            cache.insert(key, Arc::clone(&block));
        }
        Ok(block)
    }

    /// As [`read_block`](Self::read_block), but a block that is not in the cache does not come there.
    /// This, or [`ReadAhead`](super::ReadAhead), is for scans and compactions: they go on to the next
    /// block, and what others look up again and again should stay. Besides, to keep a block costs more than
    /// to read one that the system has in memory.
    ///
    /// SlateDB: `cache_blocks` of `SstIteratorOptions` in `src/sst_iter.rs`; compactions set it to `false`,
    /// and it is `false` in the default of `ScanOptions` in `src/config.rs`.
    pub fn read_block_once(&self, number: usize) -> Result<Arc<DataBlock>> {
        let cached = self.cached_block(number);
        cached.map_or_else(|| self.fetch_block(number).map(Arc::new), Ok)
    }

    /// Data block `number`, if it is in the cache.
    pub(super) fn cached_block(&self, number: usize) -> Option<Arc<DataBlock>> {
        self.place_in_cache(number).and_then(|(cache, key)| cache.get(&key))
    }

    /// Whether whoever reads one block after the other may read several at once.
    pub(super) fn reads_ahead(&self) -> bool {
        self.prefixes.is_some()
    }

    /// The bytes of these data blocks, checksums included, from the store. There must be such blocks.
    pub(super) fn read_bytes(&self, blocks: Range<usize>) -> Result<Bytes> {
        self.store.get_range(&self.path, self.offset(blocks.start)..self.offset(blocks.end))
    }

    /// How many bytes data block `number` has, with its checksum.
    pub(super) fn block_len(&self, number: usize) -> usize {
        (self.offset(number + 1) - self.offset(number)) as usize
    }

    /// Where data block `number` begins; behind the last one, where the blocks end.
    fn offset(&self, number: usize) -> u64 {
        self.index.blocks.get(number).map_or(self.footer.filter_offset, |block| block.offset)
    }

    /// The cache, and the key that block `number` has there.
    fn place_in_cache(&self, number: usize) -> Option<(&BlockCache, BlockKey)> {
        let (cache, file) = self.cache.as_ref()?;
        let offset = self.index.blocks.get(number)?.offset;
        Some((cache, BlockKey { file: *file, offset }))
    }

    /// Reads data block `number`, counted from 0, and checks it. Fails if there is no such block.
    // Task 3.12: Look up a key
    fn fetch_block(&self, number: usize) -> Result<DataBlock> {
        todo!("week 3, task 12: Look up a key")
    }

    /// Checks and decodes data block `number`: `bytes` is what the store has of it.
    // Task 3.12: Look up a key
    pub(super) fn decode_block(&self, number: usize, bytes: Bytes) -> Result<DataBlock> {
        todo!("week 3, task 12: Look up a key")
    }

    /// Bytes of data blocks and filter.
    pub fn data_size(&self) -> u64 {
        self.footer.index_offset
    }

    /// Where the SST is on its store.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The footer: how many rows there are, and the highest sequence number.
    pub fn footer(&self) -> &Footer {
        &self.footer
    }

    /// The index: the blocks, their first keys, and the last key.
    pub fn index(&self) -> &SstIndex {
        &self.index
    }
}
