//! The reader of an SST.

use std::sync::Arc;

use crate::error::{Corruption, DecodeError, Error, Result};
use crate::format::checksum::verify_checksum;
use crate::format::{Block, FormatVersion, RowEntry};
use crate::object_store::ObjectStore;

use super::sst::{FOOTER_LEN, Footer, SstIndex};

/// Looks rows up in one SST.
///
/// Invariants:
/// 1. The footer and the index are in memory; a data block is read when it is asked for.
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
}

impl SstReader {
    /// How many bytes of the end are read at once: enough for the footer and most indexes, so that
    /// opening takes one request for the size and one for the bytes.
    pub const TAIL_LEN: u64 = 64 * 1024;

    /// Opens the SST at `path`: reads its footer and its index, and checks both.
    // Task 3.11: Open an SST and find the right blocks
    pub fn open(store: Arc<dyn ObjectStore>, path: impl Into<String>) -> Result<Self> {
        todo!("week 3, task 11: Open an SST and find the right blocks")
    }

    /// The newest row of `key` whose sequence number is at most `max_seq`, tombstones and merge
    /// operands included; `None` if the SST has no such row. `key` may be any bytes, also such as are
    /// no key. Reads blocks only up to the one that holds the row. An error of the store is passed
    /// on.
    // Task 3.12: Look up a key
    pub fn get(&self, key: &[u8], max_seq: u64) -> Result<Option<RowEntry>> {
        todo!("week 3, task 12: Look up a key")
    }

    /// Reads data block `number`, counted from 0, and checks it. Fails if there is no such block.
    // Task 3.12: Look up a key
    pub fn read_block(&self, number: usize) -> Result<Block> {
        todo!("week 3, task 12: Look up a key")
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
