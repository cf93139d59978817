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
    // exercise: week3.11
    pub fn open(store: Arc<dyn ObjectStore>, path: impl Into<String>) -> Result<Self> {
        let path = path.into();
        let file_len = store.head(&path)?.size;
        let tail_start = file_len.saturating_sub(Self::TAIL_LEN);
        let tail = store.get_range(&path, tail_start..file_len)?;

        let footer_start = tail.len().saturating_sub(FOOTER_LEN);
        let footer_offset = tail_start + footer_start as u64;
        let footer = Footer::decode(tail.slice(footer_start..), file_len)
            .map_err(|error| error.in_file(&path, footer_offset))?;

        let index = match footer.index_offset.checked_sub(tail_start) {
            // The casts are exact: the index lies within the tail.
            Some(start) => tail.slice(start as usize..footer_start),
            None => store.get_range(&path, footer.index_offset..footer_offset)?,
        };
        let index = SstIndex::decode(index, footer.filter_offset)
            .map_err(|error| error.in_file(&path, footer.index_offset))?;
        Ok(Self { store, path, footer, index })
    }

    /// The newest row of `key` whose sequence number is at most `max_seq`, tombstones and merge
    /// operands included; `None` if the SST has no such row. `key` may be any bytes, also such as are
    /// no key. Reads blocks only up to the one that holds the row. An error of the store is passed
    /// on.
    // exercise: week3.12
    pub fn get(&self, key: &[u8], max_seq: u64) -> Result<Option<RowEntry>> {
        for number in self.index.blocks_for(key) {
            let block = self.read_block(number)?;
            let found = newest_visible(&block, key, max_seq)
                .map_err(|error| error.in_file(&self.path, self.index.blocks[number].offset))?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Reads data block `number`, counted from 0, and checks it. Fails if there is no such block.
    // exercise: week3.12
    pub fn read_block(&self, number: usize) -> Result<Block> {
        let Some(meta) = self.index.blocks.get(number) else {
            let count = self.index.blocks.len();
            let problem = format!("block {number} of {} was asked for; it has {count}", self.path);
            return Err(Error::invalid("number", problem));
        };
        let next = self.index.blocks.get(number + 1);
        let end = next.map_or(self.footer.filter_offset, |next| next.offset);
        let bytes = self.store.get_range(&self.path, meta.offset..end)?;
        verify_checksum(bytes, "the data block")
            .and_then(|block| match self.footer.version {
                FormatVersion::V1 => Block::decode(block),
                FormatVersion::V2 => Err(unknown_version()),
            })
            .map_err(|error| error.in_file(&self.path, meta.offset))
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

// solution-only
fn unknown_version() -> DecodeError {
    DecodeError::new(0, Corruption::UnknownVersion { found: 2, known: "version 1" })
}

/// The first row of `key` in the block that is visible at `max_seq`.
// solution-only
fn newest_visible(
    block: &Block,
    key: &[u8],
    max_seq: u64,
) -> Result<Option<RowEntry>, DecodeError> {
    let mut number = block.lower_bound(key)?;
    while let Some(row) = block.row(number)?.filter(|row| row.key == key) {
        if row.seq <= max_seq {
            return Ok(Some(row));
        }
        number += 1;
    }
    Ok(None)
}
