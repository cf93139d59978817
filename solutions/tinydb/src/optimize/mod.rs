//! What makes the engine fast. Week 7's room.

pub mod group_commit;

pub use group_commit::{AwaitDurable, GroupCommit, Wakeup, WriteHandle, block_on};
