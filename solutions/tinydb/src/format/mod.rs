//! Bytes: rows, blocks and the checksums that protect them. Week 1's room.
//!
//! Nothing here knows about files. Decoders take bytes, check every length before they use it, and
//! return a [`DecodeError`](crate::error::DecodeError) with the offset in those bytes.

pub mod amplification;
pub mod block;
pub mod checksum;
pub mod cursor;
pub mod row_codec;
pub mod step;
pub mod types;
pub mod version;

pub use block::{Block, BlockBuilder};
pub use step::Step;
pub use types::{RowEntry, ValueDeletable};
pub use version::FormatVersion;
