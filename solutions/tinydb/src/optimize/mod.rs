//! What makes the engine fast. Week 7's room.

pub mod block_cache;
pub mod data_block;
pub mod filter;
pub mod hash;

pub use block_cache::{BlockCache, BlockCacheStats, BlockKey};
pub use data_block::DataBlock;
pub use filter::{BloomFilter, BloomFilterBuilder};
