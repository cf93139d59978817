//! What a part cache is opened with, and what it counts.

use std::path::PathBuf;

use crate::error::{Error, Result};

/// What a [`CachedObjectStore`](super::CachedObjectStore) is opened with.
///
/// SlateDB: `ObjectStoreCacheOptions` in `src/config.rs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedObjectStoreOptions {
    /// The folder for the parts. It is made if it is missing, and is this cache's alone.
    pub root_folder: PathBuf,
    /// How many bytes of an object a part holds: from 1 to 1 GiB.
    pub part_size_bytes: u64,
    /// How many bytes the files in the folder may have together.
    pub max_cache_size_bytes: u64,
}

impl CachedObjectStoreOptions {
    /// 256 KiB. On a store with 50 ms of latency and 100 MiB/s, fetching a part takes 5% longer than
    /// fetching one byte.
    pub const DEFAULT_PART_SIZE_BYTES: u64 = 256 * 1024;

    /// 16 GiB, as in SlateDB.
    pub const DEFAULT_MAX_CACHE_SIZE_BYTES: u64 = 16 * 1024 * 1024 * 1024;

    const MAX_PART_SIZE_BYTES: u64 = 1024 * 1024 * 1024;

    /// A cache in this folder, with the default sizes.
    pub fn new(root_folder: impl Into<PathBuf>) -> Self {
        Self {
            root_folder: root_folder.into(),
            part_size_bytes: Self::DEFAULT_PART_SIZE_BYTES,
            max_cache_size_bytes: Self::DEFAULT_MAX_CACHE_SIZE_BYTES,
        }
    }

    /// Checks what the types leave open.
    pub(super) fn validate(&self) -> Result<()> {
        if (1..=Self::MAX_PART_SIZE_BYTES).contains(&self.part_size_bytes) {
            return Ok(());
        }
        let problem = format!("{} is not between 1 and 1 GiB", self.part_size_bytes);
        Err(Error::invalid("part_size_bytes", problem))
    }
}

/// What a cache has done since it was opened, and what it holds.
///
/// SlateDB: `CachedObjectStoreStats` in `src/cached_object_store/stats.rs`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CachedObjectStoreStats {
    /// Parts that a read got from the folder.
    pub part_hits: u64,
    /// Parts that a read got from the inner store, by a request of its own or of another read.
    pub part_misses: u64,
    /// Bytes that the inner store gave for parts.
    pub bytes_fetched: u64,
    /// Requests to the inner store, of every kind.
    pub requests: u64,
    /// Parts that were removed to make room.
    pub evictions: u64,
    /// How often the folder failed: a part was missing, damaged or could not be read, or one could not
    /// be written or removed. Reads go on from the inner store.
    pub failures: u64,
    /// Bytes that the files of parts have now, those being written or removed included.
    pub bytes: u64,
    /// Parts that are there now.
    pub parts: u64,
}
