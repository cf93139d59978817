//! The files of the database that is recorded, all in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use tinydb::db::{Manifest, ManifestStore, paths};
use tinydb::format::RowEntry;
use tinydb::iter::{BytesRange, RowEntryIterator as _, SstIterator};
use tinydb::object_store::{MemoryObjectStore, ObjectStore};
use tinydb::storage::{MemoryWalStore, SstReader, WalReader, WalStore};
use tinydb::{Error, Result};

use super::held_store::HeldStore;

/// What is left when the process is killed: the WAL's segments and the objects.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    /// SSTs and manifests.
    pub store: Arc<HeldStore>,
    /// The WAL.
    pub wal: MemoryWalStore,
}

impl Disk {
    /// A copy of every byte, as it is at this moment. Whoever still has the old one changes nothing in it.
    pub fn copied(&self) -> Result<Self> {
        let copy = Self { store: Arc::default(), wal: MemoryWalStore::new() };
        for object in self.objects().list("")? {
            copy.objects().put(&object.path, self.objects().get(&object.path)?)?;
        }
        for id in self.wal.list()? {
            let bytes = self.wal.open(id)?.read_all().map_err(|error| self.wal_error(id, error))?;
            copy.wal.open(id)?.append(&bytes).map_err(|error| self.wal_error(id, error))?;
        }
        if let Some(epoch) = self.wal.epoch()? {
            copy.wal.note_epoch(epoch)?;
        }
        Ok(copy)
    }

    /// The objects, whether they are held or not.
    fn objects(&self) -> &MemoryObjectStore {
        &self.store.objects
    }

    /// The rows of each WAL segment, in the order in which they were written.
    pub fn wal_rows(&self) -> Result<BTreeMap<u64, Vec<RowEntry>>> {
        let mut segments = BTreeMap::new();
        for id in self.wal.list()? {
            let bytes = self.wal.open(id)?.read_all().map_err(|error| self.wal_error(id, error))?;
            let mut reader = WalReader::new(self.wal.name(id), bytes)?;
            let mut rows = Vec::new();
            while let Some(batch) = reader.next_batch()? {
                rows.extend(batch);
            }
            segments.insert(id, rows);
        }
        Ok(segments)
    }

    /// The rows of an SST, in its order.
    pub fn sst_rows(&self, id: u64) -> Result<Vec<RowEntry>> {
        let store: Arc<dyn ObjectStore> = Arc::clone(&self.store.objects) as _;
        let reader = Arc::new(SstReader::open(store, paths::sst(id))?);
        let mut rows = SstIterator::new(reader, BytesRange::ALL);
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(row);
        }
        Ok(found)
    }

    /// The numbers of the SSTs that exist, ascending.
    pub fn ssts(&self) -> Result<Vec<u64>> {
        let found = self.objects().list(paths::SSTS)?;
        Ok(found.iter().filter_map(|object| paths::sst_id(&object.path)).collect())
    }

    /// The numbers of the manifests that exist, ascending.
    pub fn manifests(&self) -> Result<Vec<u64>> {
        let found = self.objects().list(paths::MANIFESTS)?;
        Ok(found.iter().filter_map(|object| paths::manifest_id(&object.path)).collect())
    }

    /// A manifest.
    pub fn manifest(&self, id: u64) -> Result<Manifest> {
        ManifestStore::read(self.objects(), id)
    }

    fn wal_error(&self, id: u64, source: std::io::Error) -> Error {
        Error::io("read", self.wal.name(id))(source)
    }
}
