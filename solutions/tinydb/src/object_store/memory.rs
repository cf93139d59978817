//! An object store in memory, for tests and experiments.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Range;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::SystemTime;

use bytes::Bytes;

use super::{ObjectMeta, ObjectStore, check_range, is_under, validate_path, validate_prefix};
use crate::error::{Error, Result};

/// Objects in memory: they live as long as the store. Bytes are shared, never copied.
///
/// SlateDB's tests use `object_store::memory::InMemory` in the same way.
#[derive(Debug, Default)]
pub struct MemoryObjectStore {
    objects: RwLock<BTreeMap<String, StoredObject>>,
}

#[derive(Debug)]
struct StoredObject {
    bytes: Bytes,
    last_modified: SystemTime,
}

impl StoredObject {
    fn new(bytes: Bytes) -> Self {
        Self { bytes, last_modified: SystemTime::now() }
    }

    fn meta(&self, path: &str) -> ObjectMeta {
        let (size, last_modified) = (self.bytes.len() as u64, self.last_modified);
        ObjectMeta { path: path.to_owned(), size, last_modified }
    }
}

impl MemoryObjectStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    // A map is whole between any two operations, so a panic elsewhere while the lock was held
    // leaves it usable.
    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<String, StoredObject>> {
        self.objects.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<String, StoredObject>> {
        self.objects.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_object<T>(&self, path: &str, read: impl FnOnce(&StoredObject) -> T) -> Result<T> {
        validate_path(path)?;
        let not_found = || Error::NotFound { path: path.to_owned() };
        self.read().get(path).map(read).ok_or_else(not_found)
    }
}

impl ObjectStore for MemoryObjectStore {
    fn put(&self, path: &str, object: Bytes) -> Result<()> {
        validate_path(path)?;
        self.write().insert(path.to_owned(), StoredObject::new(object));
        Ok(())
    }

    fn put_if_absent(&self, path: &str, object: Bytes) -> Result<()> {
        validate_path(path)?;
        match self.write().entry(path.to_owned()) {
            Entry::Occupied(_) => Err(Error::AlreadyExists { path: path.to_owned() }),
            Entry::Vacant(entry) => {
                entry.insert(StoredObject::new(object));
                Ok(())
            }
        }
    }

    fn get(&self, path: &str) -> Result<Bytes> {
        self.with_object(path, |object| object.bytes.clone())
    }

    fn get_range(&self, path: &str, range: Range<u64>) -> Result<Bytes> {
        let object = self.get(path)?;
        check_range(path, &range, object.len() as u64)?;
        // The casts are exact: the range lies within an object that is in memory.
        Ok(object.slice(range.start as usize..range.end as usize))
    }

    fn head(&self, path: &str) -> Result<ObjectMeta> {
        self.with_object(path, |object| object.meta(path))
    }

    fn list(&self, prefix: &str) -> Result<Vec<ObjectMeta>> {
        validate_prefix(prefix)?;
        let objects = self.read();
        let under = objects.iter().filter(|(path, _)| is_under(path, prefix));
        Ok(under.map(|(path, object)| object.meta(path)).collect())
    }

    fn delete(&self, path: &str) -> Result<()> {
        validate_path(path)?;
        self.write().remove(path);
        Ok(())
    }
}
