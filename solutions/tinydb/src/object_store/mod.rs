//! Where immutable files live: a directory, memory, or (week 8) a bucket.
//!
//! An object is written whole and never changed. That is all S3 and its like offer, and all an LSM
//! tree needs: SSTs and manifests are written once. (The one file that grows, the active WAL
//! segment, is a [`LogFile`](crate::storage::log_file::LogFile).)
//!
//! SlateDB uses the crate `object_store`; [`ObjectStore`] has the same operations under the same
//! names, without async.

pub mod cache_options;
mod cache_state;
pub mod cached_object_store;
pub mod concurrent;
pub mod local;
pub mod memory;
mod open_files;
pub mod part_file;
pub mod part_folder;
pub mod part_index;
pub mod parts;
pub mod single_flight;

use std::fmt::Debug;
use std::ops::Range;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};

use crate::error::{Error, Result};

pub use cache_options::{CachedObjectStoreOptions, CachedObjectStoreStats};
pub use cached_object_store::CachedObjectStore;
pub use concurrent::concurrently;
pub use local::LocalObjectStore;
pub use memory::MemoryObjectStore;

/// The bytes of an object, part by part.
pub type Parts<'a> = dyn Iterator<Item = Result<Bytes>> + 'a;

// ANCHOR: object_store
/// A set of immutable objects, each with a path such as `sst/00000000000000000007.sst`.
///
/// Every method checks its path: one or more parts with `/` between them, each of lower-case ASCII
/// letters, digits, `-`, `_` and `.`, none starting with a `.`. So a path means the same on every system,
/// and none leads out of the store.
///
/// Invariants:
/// 1. An object is seen whole or not at all, also after a crash in the middle of a `put`.
/// 2. When a `put` returns `Ok`, the object survives a power cut; so does the one that
///    `put_if_absent` finds in its place, and the one that a `get` finds after a `put` of the same
///    store has failed.
/// 3. Of several `put_if_absent` of one path, at whatever time and from whatever process, at most
///    one returns `Ok`.
/// 4. A method that fails leaves the object at that path as it was, except that a `put` or `delete`
///    that failed with [`Error::Io`] may have been carried out all the same.
pub trait ObjectStore: Debug + Send + Sync {
    /// Writes an object, in place of any other of this path.
    fn put(&self, path: &str, object: Bytes) -> Result<()>;

    /// Writes an object unless there is one of this path: then [`Error::AlreadyExists`].
    fn put_if_absent(&self, path: &str, object: Bytes) -> Result<()>;

    /// As [`put_if_absent`](Self::put_if_absent), with an object that is made while it is written: its
    /// `parts` stand one behind the other. An error among them is returned, and there is no object.
    ///
    /// A store that can only take a whole object gets it when all parts are there.
    fn put_parts_if_absent(&self, path: &str, parts: &mut Parts<'_>) -> Result<()> {
        let mut object = BytesMut::new();
        for part in parts {
            object.extend_from_slice(&part?);
        }
        self.put_if_absent(path, object.freeze())
    }

    /// The whole object, or [`Error::NotFound`].
    fn get(&self, path: &str) -> Result<Bytes>;

    /// Bytes `range` of an object, [`Error::OutOfRange`] if it has fewer, or [`Error::NotFound`].
    ///
    /// Objects are never changed, so a store may read on an object that it knows: also when another
    /// process has deleted it since.
    fn get_range(&self, path: &str, range: Range<u64>) -> Result<Bytes>;

    /// What is known of an object without reading it, or [`Error::NotFound`].
    fn head(&self, path: &str) -> Result<ObjectMeta>;

    /// Every object whose path starts with the folder `prefix` and a `/`, or every object if
    /// `prefix` is empty; sorted by path.
    fn list(&self, prefix: &str) -> Result<Vec<ObjectMeta>>;

    /// Removes an object. If there is none, nothing happens: a caller that lost the answer to its
    /// first try can ask again.
    fn delete(&self, path: &str) -> Result<()>;

    /// Removes what writes that were never finished have left behind, if it is older than `min_age`;
    /// says how much that was. A store that keeps nothing of such writes has nothing to do.
    fn discard_unfinished(&self, _min_age: Duration) -> Result<u64> {
        Ok(0)
    }
}
// ANCHOR_END: object_store

/// What a store knows of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectMeta {
    /// The object's path.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it was written, by the store's clock.
    pub last_modified: SystemTime,
}

/// Checks a path as [`ObjectStore`] describes it.
pub fn validate_path(path: &str) -> Result<()> {
    if path.split('/').all(is_part) {
        return Ok(());
    }
    let problem = format!(
        "{path:?} is no object path; a path is made of parts separated by '/', each of \
         lower-case ASCII letters, digits, '-', '_' and '.', none empty or starting with '.'"
    );
    Err(Error::invalid("path", problem))
}

fn is_part(part: &str) -> bool {
    let allowed =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
    !part.is_empty() && !part.starts_with('.') && part.chars().all(allowed)
}

/// Checks a `prefix` of [`ObjectStore::list`]: empty, or a path.
fn validate_prefix(prefix: &str) -> Result<()> {
    if prefix.is_empty() { Ok(()) } else { validate_path(prefix) }
}

/// Whether the object at `path` lies under the folder `prefix`.
fn is_under(path: &str, prefix: &str) -> bool {
    let rest = path.strip_prefix(prefix);
    prefix.is_empty() || rest.is_some_and(|rest| rest.starts_with('/'))
}

/// Checks a range against an object's size.
fn check_range(path: &str, range: &Range<u64>, size: u64) -> Result<()> {
    let Range { start, end } = *range;
    if start > end || end > size {
        return Err(Error::OutOfRange { path: path.to_owned(), start, end, size });
    }
    Ok(())
}
