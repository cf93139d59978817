//! Opening a database.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex, OnceLock, RwLock};

use crate::error::Result;
use crate::merge::MergeOperator;
use crate::object_store::{LocalObjectStore, MemoryObjectStore, ObjectStore, concurrently};
use crate::optimize::{BlockCache, GroupCommit};
use crate::storage::{DiskWalStore, MemoryWalStore, ObjectWalStore, WalStore, WalWriter};

use super::backpressure::OwedDelay;
use super::compactions::Compactions;
use super::counters::Counters;
use super::db::Db;
use super::db_inner::{DbInner, Writer};
use super::flush_progress::FlushProgress;
use super::garbage_collection::GarbageCollection;
use super::handle::Handle;
use super::manifest::Manifest;
use super::options::Settings;
use super::recovery::{Recovered, recover};
use super::sst_pins::SstPins;
use super::state::{DbState, Run, Sst};
use super::takeover;
use super::trace::Trace;
use super::traced_merge_operator::TracedMergeOperator;

/// Collects what a database is opened with.
///
/// SlateDB: `DbBuilder` in `src/db/builder.rs`.
#[derive(Debug)]
pub struct DbBuilder {
    /// Where everything is that is not put elsewhere.
    directory: PathBuf,
    object_store: Option<Arc<dyn ObjectStore>>,
    wal_store: Option<Arc<dyn WalStore>>,
    settings: Settings,
    merge_operator: Option<Arc<dyn MergeOperator>>,
    trace: Trace,
}

impl DbBuilder {
    /// A database in a directory of the local disk, with the default settings.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            object_store: None,
            wal_store: None,
            settings: Settings::default(),
            merge_operator: None,
            trace: Trace::new(),
        }
    }

    /// A database in memory, which is gone with its last handle.
    pub fn in_memory() -> Self {
        Self::new("")
            .with_object_store(Arc::new(MemoryObjectStore::new()))
            .with_wal_store(Arc::new(MemoryWalStore::new()))
    }

    /// A database on an object store, with nothing on a local disk: SSTs, manifests and the WAL. A
    /// write is durable when its [`WriteHandle`](crate::optimize::WriteHandle) says so, by default
    /// within 100 ms; until then it is in this process's memory. So
    /// [`Durability::Os`](crate::storage::Durability) promises no more than `Buffered` here, and `Sync`
    /// waits. Any machine can open the database: the one that was there before is fenced.
    pub fn on_object_store(object_store: Arc<dyn ObjectStore>) -> Self {
        let wal_store = Arc::new(ObjectWalStore::new(Arc::clone(&object_store)));
        Self::new("").with_object_store(object_store).with_wal_store(wal_store)
    }

    /// Where SSTs and manifests go, instead of the directory.
    #[must_use]
    pub fn with_object_store(self, object_store: Arc<dyn ObjectStore>) -> Self {
        Self { object_store: Some(object_store), ..self }
    }

    /// Where the WAL goes, instead of the directory. The WAL belongs to the database: on another
    /// machine, without it, only what was flushed is there. A WAL that was left behind is refused
    /// if it holds writes: [`Error::WalReplaced`](crate::Error::WalReplaced).
    #[must_use]
    pub fn with_wal_store(self, wal_store: Arc<dyn WalStore>) -> Self {
        Self { wal_store: Some(wal_store), ..self }
    }

    /// The settings.
    #[must_use]
    pub fn with_settings(self, settings: Settings) -> Self {
        Self { settings, ..self }
    }

    /// What merge operands mean: see [`Db::merge`]. It is not stored, so every opening gives the
    /// same one.
    #[must_use]
    pub fn with_merge_operator(self, merge_operator: Arc<dyn MergeOperator>) -> Self {
        Self { merge_operator: Some(merge_operator), ..self }
    }

    /// The record of what the database does. It can be started before opening, to see the recovery.
    #[must_use]
    pub fn with_trace(self, trace: Trace) -> Self {
        Self { trace, ..self }
    }

    /// Opens the database, and makes it if there is none: locks its directory, becomes its writer,
    /// and recovers what the WAL holds.
    pub fn build(self) -> Result<Db> {
        self.settings.validate()?;
        let wal_store: Arc<dyn WalStore> = match self.wal_store {
            Some(wal_store) => wal_store,
            None => Arc::new(DiskWalStore::open(&self.directory)?),
        };
        let object_store: Arc<dyn ObjectStore> = match self.object_store {
            Some(object_store) => object_store,
            None => Arc::new(LocalObjectStore::open(&self.directory)?),
        };
        let cache_bytes = self.settings.block_cache_bytes;
        let block_cache = (cache_bytes > 0).then(|| Arc::new(BlockCache::new(cache_bytes)));
        let takeover = takeover::open_manifests(&*wal_store, &object_store)?;
        let (manifests, (recovered, ssts)) = takeover.read(|manifest| {
            let recovered = recover(&*wal_store, manifest, &self.trace)?;
            Ok((recovered, open_ssts(&object_store, manifest, block_cache.as_ref())?))
        })?;
        let last_seq = recovered.last_seq;
        let sst_pins = SstPins::default();
        ssts.values().for_each(|sst| sst_pins.opened(sst.id, &sst.reader));
        let (state, wal) = first_state(&ssts, manifests.manifest(), recovered);
        let (syncs, synced_size) = (0, wal.size());
        let writer = Writer {
            wal_store: Arc::clone(&wal_store),
            wal,
            last_seq,
            syncs,
            owed_delay: OwedDelay::default(),
            synced_size,
        };
        let durable_seq = manifests.manifest().last_l0_seq;
        let trace = self.trace;
        let merge_operator = self.merge_operator.map(|operator| {
            Arc::new(TracedMergeOperator::new(operator, trace.clone())) as Arc<dyn MergeOperator>
        });
        let inner = DbInner {
            settings: self.settings,
            trace,
            merge_operator,
            object_store,
            state: RwLock::new(Arc::new(state)),
            committed_seq: AtomicU64::new(last_seq),
            writer: Mutex::new(Some(writer)),
            manifest_id: AtomicU64::new(manifests.id()),
            writer_epoch: manifests.manifest().writer_epoch,
            manifests: Mutex::new(manifests),
            snapshots: Mutex::new(BTreeMap::new()),
            unfinished: Mutex::new(None),
            flushes: FlushProgress::default(),
            commits: Arc::new(GroupCommit::new(durable_seq)),
            wal_sync: Mutex::new(()),
            durable_waiters: AtomicUsize::new(0),
            compactions: Compactions::default(),
            block_cache,
            sst_pins,
            garbage_collection: GarbageCollection::default(),
            counters: Counters::default(),
            unknown_commit: Mutex::new(None),
            closed: AtomicBool::new(false),
            fence: OnceLock::new(),
        };
        Ok(Db::new(Handle::start(inner, wal_store)?))
    }
}

/// The state that a database begins with, and the segment that goes on.
fn first_state(
    ssts: &BTreeMap<u64, Sst>,
    manifest: &Manifest,
    recovered: Recovered,
) -> (DbState, WalWriter) {
    let Recovered { immutables, wal, wal_id, mem_table, .. } = recovered;
    let opened = |ids: &[u64]| ids.iter().filter_map(|id| ssts.get(id)).cloned().collect();
    let runs = manifest.sorted_runs.iter();
    let sorted_runs = runs.map(|run| Run { id: run.id, ssts: opened(&run.ssts) }).collect();
    let l0 = opened(&manifest.l0);
    (DbState { wal_id, mem_table, immutables, l0, sorted_runs }, wal)
}

/// Opens the SSTs that the manifest names, several at a time.
fn open_ssts(
    store: &Arc<dyn ObjectStore>,
    manifest: &Manifest,
    cache: Option<&Arc<BlockCache>>,
) -> Result<BTreeMap<u64, Sst>> {
    let ids: Vec<u64> = manifest.ssts().collect();
    let opened = concurrently(&ids, |&id| Sst::open(store, id, cache))?;
    Ok(opened.into_iter().map(|sst| (sst.id, sst)).collect())
}
