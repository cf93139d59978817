//! What makes the engine fast. Week 7's room.
//!
//! [Rows](row_codec_v2) and [blocks](block_v2) that take fewer bytes, beside the first version's
//! ([either](data_block)); a [filter](mod@filter) that says which SST need not be asked; [beginnings of
//! keys](key_prefixes) that find a block; a [cache of blocks](block_cache); and [one commit for many
//! writers](group_commit).

pub mod block_cache;
pub mod block_v2;
pub mod data_block;
pub mod filter;
pub mod group_commit;
pub mod hash;
pub mod key_prefixes;
pub mod row_codec_v2;
pub mod varint;

pub use block_cache::{BlockCache, BlockCacheStats, BlockKey};
pub use block_v2::{BlockBuilderV2, BlockV2};
pub use data_block::{DataBlock, DataBlockBuilder, DataBlockIterator};
pub use filter::{BloomFilter, BloomFilterBuilder};
pub use group_commit::{AwaitDurable, GroupCommit, Wakeup, WriteHandle, block_on};
pub use key_prefixes::KeyPrefixes;
