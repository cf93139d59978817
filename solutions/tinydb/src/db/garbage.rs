//! Deleting the files that nobody needs any more.
//!
//! SlateDB: the task `garbage_collector`, in `src/garbage_collector.rs`.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use crate::compaction::{FoundManifest, FoundSst, Garbage, Inventory};
use crate::error::{Error, Result};
use crate::format::Step;
use crate::object_store::{ObjectMeta, concurrently};
use crate::storage::WalStore;

use super::db_inner::DbInner;
use super::manifest_store::ManifestStore;
use super::paths;

/// Starts the thread, if one is wanted.
pub fn spawn(db: &Arc<DbInner>, wal_store: Arc<dyn WalStore>) -> Result<Option<JoinHandle<()>>> {
    let Some(options) = db.settings.garbage_collector_options.clone() else { return Ok(None) };
    let db = Arc::clone(db);
    let run = move || {
        while db.garbage_collection.wait(options.interval) {
            // What could not be deleted is garbage the next time too.
            let _ = db.collect_garbage(&*wal_store, options.min_age);
        }
    };
    let spawned = thread::Builder::new().name("tinydb-garbage-collector".to_owned()).spawn(run);
    spawned.map(Some).map_err(Error::io("start", "the garbage collector's thread"))
}

impl DbInner {
    /// What could be deleted now, if nothing younger than `min_age` may be.
    pub(super) fn find_garbage(&self, min_age: Duration) -> Result<Garbage> {
        self.check_open()?;
        Ok(Garbage::find(&self.inventory()?, SystemTime::now(), min_age))
    }

    /// Deletes it, and what writes that were never finished have left behind; returns what it was.
    pub(super) fn collect_garbage(
        &self,
        wal_store: &dyn WalStore,
        min_age: Duration,
    ) -> Result<Garbage> {
        let garbage = self.find_garbage(min_age)?;
        // Manifests first: what is left names no SST that is gone, except for the first manifest of
        // an epoch, which nobody reads any more.
        let manifests = garbage.manifests.iter().map(|&id| paths::manifest(id));
        let ssts = garbage.ssts.iter().map(|&id| paths::sst(id));
        for objects in [manifests.collect::<Vec<_>>(), ssts.collect()] {
            concurrently(&objects, |path| self.object_store.delete(path))?;
        }
        garbage.ssts.iter().for_each(|&sst| self.trace.record(|| Step::SstDelete { sst }));
        self.delete_flushed_segments(wal_store)?;
        self.object_store.discard_unfinished(min_age)?;
        Ok(garbage)
    }

    /// A flush deletes its segment; this is for those where that has failed.
    fn delete_flushed_segments(&self, wal_store: &dyn WalStore) -> Result<()> {
        let flushed = self.manifests().manifest().replay_after_wal_id;
        let segments = wal_store.list()?;
        segments.into_iter().filter(|&id| id <= flushed).try_for_each(|id| wal_store.delete(id))
    }

    /// The order matters. An SST that was put before the listing is pinned when the pins are looked
    /// at, or committed by then; and then a manifest that is read later names it. And one that was
    /// left behind is pinned at the second look if somebody has taken it over before the newest
    /// manifest, by which its number is too low for that, was committed.
    fn inventory(&self) -> Result<Inventory> {
        let ssts = self.object_store.list(paths::SSTS)?;
        let found = |meta: ObjectMeta| {
            let (id, last_modified) = (paths::sst_id(&meta.path)?, meta.last_modified);
            Some(FoundSst { id, last_modified })
        };
        let ssts = ssts.into_iter().filter_map(found).collect();
        let mut pinned = self.sst_pins.pinned();
        // A writer that was replaced knows nothing of the newer one's work.
        self.manifests().check_newest()?;
        let manifests = self.found_manifests()?;
        pinned.extend(self.sst_pins.pinned());
        Ok(Inventory { ssts, pinned, manifests })
    }

    fn found_manifests(&self) -> Result<Vec<FoundManifest>> {
        let objects = self.object_store.list(paths::MANIFESTS)?;
        let listed = |meta: ObjectMeta| Some((paths::manifest_id(&meta.path)?, meta.last_modified));
        let listed: BTreeMap<u64, SystemTime> = objects.into_iter().filter_map(listed).collect();
        let known = || {
            let known = &self.garbage_collection.known;
            known.lock().unwrap_or_else(PoisonError::into_inner)
        };
        known().retain(|id, _| listed.contains_key(id));
        let unknown: Vec<_> = {
            let known = known();
            listed.into_iter().filter(|(id, _)| !known.contains_key(id)).collect()
        };
        let read = concurrently(&unknown, |&(id, last_modified)| self.read(id, last_modified))?;
        let mut known = known();
        known.extend(read.into_iter().flatten().map(|manifest| (manifest.id, manifest)));
        Ok(known.values().cloned().collect())
    }

    /// Manifest `id`; `None` if somebody has deleted it just now.
    fn read(&self, id: u64, last_modified: SystemTime) -> Result<Option<FoundManifest>> {
        let manifest = match ManifestStore::read(&*self.object_store, id) {
            Err(Error::NotFound { .. }) => return Ok(None),
            manifest => manifest?,
        };
        Ok(Some(FoundManifest {
            id,
            last_modified,
            writer_epoch: manifest.writer_epoch,
            next_sst_id: manifest.next_sst_id,
            ssts: manifest.ssts().collect(),
        }))
    }
}
