//! What makes the engine fast. Week 7's room.

pub mod group_commit;

pub use group_commit::{AwaitDurable, GroupCommit, Wakeup, WriteHandle, block_on};
pub mod block_v2;
pub mod data_block;
pub mod row_codec_v2;
pub mod varint;

pub use block_v2::{BlockBuilderV2, BlockV2};
pub use data_block::{DataBlock, DataBlockBuilder, DataBlockIterator};
