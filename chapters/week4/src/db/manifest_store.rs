//! Reading and committing versions of the manifest, with one writer at a time.

use std::sync::Arc;

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::object_store::ObjectStore;

use super::manifest::Manifest;
use super::paths;

/// The writer's hold on the manifest.
///
/// There is no lock on an object store, and no way to ask whether another writer is still alive.
/// Two rules do instead:
///
/// 1. Versions are numbered without a gap, and each is put only if there is none of its number. So
///    of two writers that commit the same version, one fails.
/// 2. A writer starts by committing a version with the next *epoch*. From then on the number that
///    an older writer would commit next is taken: its commit fails, and it knows that it was
///    *fenced*.
///
/// Invariants:
/// 1. A version that was committed is never changed.
/// 2. [`ManifestStore::manifest`] is the version that this writer committed last.
/// 3. When [`ManifestStore::commit`] fails, this writer's version is still the one before.
///
/// SlateDB: `FenceableTransactionalObject` in the crate `slatedb-txn-obj` (`src/lib.rs`) keeps the
/// same two rules.
#[derive(Debug)]
pub struct ManifestStore {
    store: Arc<dyn ObjectStore>,
    id: u64,
    manifest: Manifest,
}

impl ManifestStore {
    /// The newest version on `store` and its number; `None` if there is none.
    // Task 4.2: Find the newest manifest, and become the writer
    pub fn latest(store: &dyn ObjectStore) -> Result<Option<(u64, Manifest)>> {
        todo!("week 4, task 2: Find the newest manifest, and become the writer")
    }

    /// Version `id` on `store`.
    pub fn read(store: &dyn ObjectStore, id: u64) -> Result<Manifest> {
        let path = paths::manifest(id);
        decode(&path, store.get(&path)?)
    }

    /// Becomes the database's writer: commits the newest version again with the next epoch. On an
    /// empty store that is version 1 with epoch 1.
    ///
    /// If another writer opens at the same moment and commits first, starts again from its version:
    /// both succeed, and the later of them fences the earlier.
    // Task 4.2: Find the newest manifest, and become the writer
    pub fn open(store: Arc<dyn ObjectStore>) -> Result<Self> {
        todo!("week 4, task 2: Find the newest manifest, and become the writer")
    }

    /// Commits the next version.
    ///
    /// A put that fails may have been carried out all the same, so the outcome is looked up: if the
    /// object is there with these bytes, the commit has succeeded; if it is there with others,
    /// another writer has taken over: [`Error::Fenced`]. If it is not there, the put's error is
    /// returned. The put may still arrive; so the same manifest is to be committed again, before any
    /// other.
    // Task 4.3: Commit, or be fenced
    pub fn commit(&mut self, manifest: Manifest) -> Result<()> {
        todo!("week 4, task 3: Commit, or be fenced")
    }

    /// Asks the object store whether another writer has taken over: then [`Error::Fenced`].
    pub fn check_newest(&self) -> Result<()> {
        match Self::latest(&*self.store)? {
            Some((id, newest)) if newest.writer_epoch > self.manifest.writer_epoch => {
                let (epoch, newer_epoch) = (self.manifest.writer_epoch, newest.writer_epoch);
                Err(Error::Fenced { epoch, newer_epoch, manifest: paths::manifest(id) })
            }
            _ => Ok(()),
        }
    }

    /// The version that this writer committed last.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Its number.
    pub fn id(&self) -> u64 {
        self.id
    }
}

/// Decodes the manifest at `path`.
fn decode(path: &str, object: Bytes) -> Result<Manifest> {
    Manifest::decode(object).map_err(|error| error.in_file(path, 0))
}
