//! What a user of the database can choose.

use crate::error::{Error, Result};
use crate::storage::{Durability, SstBuilder};

/// The choices for a whole database. They are not stored: each opening makes them anew.
///
/// SlateDB: `Settings` in `src/config.rs`, with the same names and, for sizes, the same defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// A memtable of this size, in bytes, is frozen and flushed as one level-0 SST. Default: 64
    /// MiB.
    pub l0_sst_size_bytes: usize,
    /// The most bytes that may wait in memtables. When they come near it, writes are slowed; when
    /// they reach it, writes wait for a flush. Default: 256 MiB; SlateDB's is 1 GiB.
    pub max_unflushed_bytes: usize,
    /// The size of an SST's data blocks, in bytes. Default: 4096.
    pub sst_block_size: usize,
    /// What a write has survived when it is acknowledged, unless [`WriteOptions`] say otherwise.
    pub durability: Durability,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            l0_sst_size_bytes: 64 << 20,
            max_unflushed_bytes: 256 << 20,
            sst_block_size: SstBuilder::DEFAULT_BLOCK_SIZE,
            durability: Durability::default(),
        }
    }
}

impl Settings {
    /// Checks that the settings make sense.
    pub fn validate(&self) -> Result<()> {
        if self.l0_sst_size_bytes == 0 {
            return Err(Error::invalid("l0_sst_size_bytes", "it is 0; a memtable has some size"));
        }
        if self.max_unflushed_bytes < self.l0_sst_size_bytes {
            let (most, one) = (self.max_unflushed_bytes, self.l0_sst_size_bytes);
            let problem = format!(
                "{most} bytes don't hold one memtable; it must be l0_sst_size_bytes ({one}) or more"
            );
            return Err(Error::invalid("max_unflushed_bytes", problem));
        }
        if !(1..=usize::from(u16::MAX)).contains(&self.sst_block_size) {
            let size = self.sst_block_size;
            let problem = format!("it is {size}; a block has 1 to {} bytes", u16::MAX);
            return Err(Error::invalid("sst_block_size", problem));
        }
        Ok(())
    }
}

/// The choices for one write.
///
/// SlateDB: `WriteOptions` in `src/config.rs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WriteOptions {
    /// What the write has survived when it is acknowledged; `None` for the database's
    /// [`Settings::durability`].
    pub durability: Option<Durability>,
}
