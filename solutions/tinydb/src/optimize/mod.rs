//! What makes the engine fast. Week 7's room.

pub mod block_cache;
pub mod block_v2;
pub mod data_block;
pub mod filter;
pub mod hash;
pub mod row_codec_v2;
pub mod varint;

pub use block_cache::{BlockCache, BlockCacheStats, BlockKey};
pub use block_v2::{BlockBuilderV2, BlockV2};
pub use data_block::{DataBlock, DataBlockBuilder, DataBlockIterator};
pub use filter::{BloomFilter, BloomFilterBuilder};
