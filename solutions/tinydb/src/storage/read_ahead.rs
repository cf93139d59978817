//! Reading the blocks of an SST one after the other.

use std::sync::Arc;

use bytes::Bytes;

use crate::error::Result;
use crate::optimize::DataBlock;

use super::sst_reader::SstReader;

/// Reads blocks for one who goes from each to the next: at first one at a time, then several at once.
///
/// ```text
/// block     0 | 1 | 2   3 | 4   5   6   7 | 8   9  10  11  12  13  14  15 | 16 ...
/// request   1 | 2 | 3     | 4             | 5                             | 6
/// ```
///
/// A request for many blocks takes little longer than one for a single block: the system is called once,
/// and an object store takes its fifty milliseconds once. But whoever wants ten rows must not pay for a
/// thousand. So nothing is read ahead at first, and no more than about as much as was used already.
///
/// Invariants:
/// 1. A request is for at most [`ReadAhead::MAX_BLOCKS`] blocks, and for none that lies behind the range.
/// 2. A block is checked when it is given out, not when it is read.
/// 3. A block that is in the cache is taken from there, even if it was read too. No block comes into the
///    cache.
///
/// SlateDB: `SstIteratorOptions` in `src/sst_iter.rs` says how many bytes are fetched at once, and by how
/// many tasks.
#[derive(Debug, Default)]
pub struct ReadAhead {
    /// The block behind the one that was given out last.
    next: usize,
    /// For how many blocks the last request was; 0 if there was none since the last jump.
    asked: usize,
    /// The bytes of the blocks from `next` on, as far as they were read.
    ahead: Bytes,
}

impl ReadAhead {
    /// A request is for no more blocks than these: 256 KiB of the usual size.
    pub const MAX_BLOCKS: usize = 64;

    /// Block `number` of `sst`: from the cache, or read and checked. Reads none of the blocks behind it that
    /// begin with a key that `is_behind` the range. Fails if there is no block `number`.
    ///
    /// An SST that was not opened [with a cache](SstReader::open_with_cache) is read block by block.
    pub fn read(
        &mut self,
        sst: &SstReader,
        number: usize,
        is_behind: impl Fn(&[u8]) -> bool,
    ) -> Result<Arc<DataBlock>> {
        let blocks = &sst.index().blocks;
        if !sst.reads_ahead() || number >= blocks.len() {
            return sst.read_block_once(number);
        }
        if number != self.next {
            *self = Self::default();
        }
        self.next = number + 1;
        if let Some(block) = sst.cached_block(number) {
            self.take(sst, number);
            return Ok(block);
        }
        if self.ahead.is_empty() {
            let asked = (self.asked * 2).clamp(1, Self::MAX_BLOCKS);
            let others = &blocks[self.next..blocks.len().min(number + asked)];
            let others = others.partition_point(|block| !is_behind(&block.first_key));
            self.ahead = sst.read_bytes(number..self.next + others)?;
            self.asked = asked;
        }
        sst.decode_block(number, self.take(sst, number)).map(Arc::new)
    }

    /// The bytes of block `number`, the next one; none if they were not read.
    fn take(&mut self, sst: &SstReader, number: usize) -> Bytes {
        self.ahead.split_to(sst.block_len(number).min(self.ahead.len()))
    }
}
