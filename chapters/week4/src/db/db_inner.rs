//! What all handles of a database and its flusher share: the write path, the freeze and the flush.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::thread;
use std::time::Duration;

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::format::{RowEntry, Step, ValueDeletable};
use crate::iter::{BytesRange, DbIterator, RetentionIterator, RowEntryIterator, SnapshotIterator};
use crate::merge::{MergeOperator, MergeOperatorIterator};
use crate::object_store::ObjectStore;
use crate::optimize::{BlockCache, GroupCommit, WriteHandle};
use crate::storage::{Durability, WalStore, WalWriter};

use super::backpressure::{Admission, OwedDelay, admission};
use super::compactions::Compactions;
use super::counters::Counters;
use super::fence::Fence;
use super::flush_progress::FlushProgress;
use super::garbage_collection::GarbageCollection;
use super::manifest_store::ManifestStore;
use super::options::Settings;
use super::recovery;
use super::sst_pins::SstPins;
use super::state::{DbState, ImmutableMemTable};
use super::trace::Trace;
use super::traced_rows::TracedRows;
use super::unfinished_flush::UnfinishedFlush;
use super::unknown_commit::UnknownCommit;
use super::write_batch::WriteBatch;

/// How much of the WAL may wait for the next sync in the background before one is asked for: also
/// where nobody waits, so that little is left for the sync at a freeze, which holds up every writer.
const MAX_UNSYNCED: u64 = 4 << 20;

/// A database, without its threads.
///
/// Invariants:
/// 1. A row is in the WAL before it is in the memtable, and in the memtable before a reader may see
///    it.
/// 2. Every row whose sequence number is at most `committed_seq` is in the current state, unless a
///    newer row of its key hides it from everyone.
/// 3. The segments behind the manifest's `replay_after_wal_id` hold every row that is in no SST.
/// 4. When a segment is begun, the one before it is whole and synced.
/// 5. Every row up to `commits.durable_seq()` survives a power cut: it is in a synced part of the WAL,
///    or in an SST.
///
/// The locks, in the order in which they may be taken: `wal_sync`, `writer`, `manifests`,
/// `snapshots`; the others are held only for a moment, and nothing else is locked meanwhile.
/// `FlushProgress` and `Compactions` may look at the state. `manifests` is not held while an SST is
/// put: a commit of somebody else would wait for the store, and `put_sst` takes it itself.
///
/// SlateDB: `DbInner` in `src/db.rs`.
#[derive(Debug)]
pub struct DbInner {
    pub(super) settings: Settings,
    pub(super) trace: Trace,
    pub(super) merge_operator: Option<Arc<dyn MergeOperator>>,
    pub(super) object_store: Arc<dyn ObjectStore>,
    /// What readers see. It is swapped, never changed.
    pub(super) state: RwLock<Arc<DbState>>,
    /// Readers see rows up to this sequence number.
    pub(super) committed_seq: AtomicU64,
    /// The writer; `None` when the database is closed. One write at a time holds the lock.
    pub(super) writer: Mutex<Option<Writer>>,
    pub(super) manifests: Mutex<ManifestStore>,
    /// The number of the last of them, and this writer's epoch. They are read without the lock, which is
    /// held as long as a commit takes.
    pub(super) manifest_id: AtomicU64,
    pub(super) writer_epoch: u64,
    /// The sequence numbers of open snapshots, and how many there are of each.
    pub(super) snapshots: Mutex<BTreeMap<u64, usize>>,
    /// The flush that has begun, until its manifest is committed.
    pub(super) unfinished: Mutex<Option<UnfinishedFlush>>,
    pub(super) flushes: FlushProgress,
    /// What makes the WAL durable, and those who wait for that.
    pub(super) commits: Arc<GroupCommit>,
    /// Held by the one who syncs the WAL for others.
    pub(super) wal_sync: Mutex<()>,
    /// How many writers wait for their write to be durable.
    pub(super) durable_waiters: AtomicUsize,
    pub(super) compactions: Compactions,
    /// Blocks of SSTs.
    pub(super) block_cache: Option<Arc<BlockCache>>,
    pub(super) sst_pins: SstPins,
    pub(super) garbage_collection: GarbageCollection,
    pub(super) counters: Counters,
    /// The last commit of a manifest, if it failed, so that its outcome is not known. It changes
    /// only while `manifests` is held.
    pub(super) unknown_commit: Mutex<Option<UnknownCommit>>,
    pub(super) closed: AtomicBool,
    /// How this writer came to be fenced, if it was.
    pub(super) fence: OnceLock<Fence>,
}

/// What only the one who writes may touch.
#[derive(Debug)]
pub struct Writer {
    pub(super) wal_store: Arc<dyn WalStore>,
    /// The segment of the memtable in the current state.
    pub(super) wal: WalWriter,
    /// The sequence number of the last row.
    pub(super) last_seq: u64,
    /// How often the segment was synced.
    pub(super) syncs: u64,
    /// How long writes had to wait and did not yet.
    pub(super) owed_delay: OwedDelay,
    /// The size of the segment at the last sync.
    pub(super) synced_size: u64,
}

impl Writer {
    /// Finishes the segment and goes on with the next one, `wal_id`.
    ///
    /// If that one can't be made, the writer stays with the old one. Then the new one must not be
    /// there after a crash: it would prove that the old one was whole.
    fn begin_segment(&mut self, wal_id: u64) -> Result<()> {
        self.wal.finish()?;
        let name = self.wal_store.name(wal_id);
        let begun = self.wal_store.create(wal_id).and_then(|file| WalWriter::resume(name, file));
        if begun.is_err() && self.wal_store.delete(wal_id).is_err() {
            self.wal.abandon();
        }
        self.wal = begun?;
        (self.syncs, self.synced_size) = (0, self.wal.size());
        Ok(())
    }
}

impl DbInner {
    /// Applies a batch. If it is to be durable, waits for the sync that many writers share.
    pub(super) fn write_shared(
        &self,
        batch: WriteBatch,
        durability: Durability,
    ) -> Result<WriteHandle> {
        let written = self.write(batch, durability.min(Durability::Os));
        if matches!(written, Err(Error::Io { .. } | Error::WalFailed { .. })) {
            self.look_for_fence();
        }
        let handle = written.map(|seq| WriteHandle::new(Arc::clone(&self.commits), seq));
        let waited = handle.and_then(|handle| match durability {
            Durability::Sync => self.wait_durable(&handle).map(|()| handle),
            Durability::Buffered | Durability::Os => Ok(handle),
        });
        // A fence is the more useful thing to say.
        waited.map_err(|error| self.fenced().err().unwrap_or(error))
    }

    /// Applies a batch: log first, then memtable, then visible.
    ///
    /// The rows get the sequence numbers behind the last one; returns the highest. Records `WalAppend`, a
    /// `MemTableInsert` for each row, and `Commit`. If logging fails, no reader sees a row of the batch;
    /// but the next opening may, if the record is in the log as a whole.
    // Task 4.7: Write and read
    pub(super) fn write(&self, batch: WriteBatch, durability: Durability) -> Result<u64> {
        todo!("week 4, task 7: Write and read")
    }

    /// Makes the memtable immutable. The next segment and a new memtable take its place, and the
    /// flusher is asked to flush. Records `Freeze`.
    ///
    /// If the segment can't be made, nothing has changed.
    // Task 4.8: Freeze and flush
    pub(super) fn freeze(&self, writer: &mut Writer) -> Result<()> {
        todo!("week 4, task 8: Freeze and flush")
    }

    /// Writes the oldest immutable memtable as a level-0 SST, commits a manifest that names it,
    /// lets it take the memtable's place in the state, and deletes the WAL segment. Does nothing if
    /// there is no immutable memtable. Records `Flush`, `ManifestCommit` and `WalDelete`.
    ///
    /// If it fails before the manifest is committed, nothing has changed, and it can be tried
    /// again.
    // Task 4.8: Freeze and flush
    pub(super) fn flush_oldest(&self, wal_store: &dyn WalStore) -> Result<()> {
        todo!("week 4, task 8: Freeze and flush")
    }

    /// Waits, if need be, until there is room for a write. Freezes the memtable if it is full.
    fn make_room(&self, writer: &mut Writer) -> Result<()> {
        let mut state = self.state();
        let is_full = state.mem_table.approximate_size() >= self.settings.l0_sst_size_bytes;
        let has_long_wal = writer.syncs >= self.settings.max_wal_flushes_before_l0_flush;
        if is_full || has_long_wal && !state.mem_table.is_empty() {
            self.freeze(writer)?;
            state = self.state();
        }
        if writer.wal.size().saturating_sub(writer.synced_size) >= MAX_UNSYNCED {
            self.commits.request(writer.last_seq);
        }
        let limit = self.settings.max_unflushed_bytes;
        // A memtable that is being filled is nothing that waits.
        let slow_from = (limit / 2).max(self.settings.l0_sst_size_bytes);
        let admission = admission(state.unflushed_bytes(), slow_from, limit);
        // Whoever waits holds no memtable that was flushed meanwhile.
        drop(state);
        match admission {
            // When nothing waits to be flushed, waiting would not help: one write was this large.
            Admission::Stop => self.wait_for_flush(|state| {
                state.unflushed_bytes() < limit || state.immutables.is_empty()
            }),
            Admission::Slow(delay) => {
                thread::sleep(writer.owed_delay.add(delay));
                Ok(())
            }
            Admission::Go => Ok(()),
        }
    }

    /// Freezes the memtable and waits until every row written so far is in an SST.
    pub(super) fn flush(&self) -> Result<()> {
        let newest = {
            let mut guard = self.lock_writer()?;
            let writer = guard.as_mut().ok_or(Error::Closed)?;
            if !self.state().mem_table.is_empty() {
                self.freeze(writer)?;
            }
            self.state().immutables.first().map_or(0, |immutable| immutable.wal_id)
        };
        // The oldest is last.
        self.wait_for_flush(|state| state.immutables.last().is_none_or(|it| it.wal_id > newest))
    }

    /// Waits until `done`, or until the database is closed: then no compaction makes room for a flush.
    fn wait_for_flush(&self, done: impl Fn(&DbState) -> bool) -> Result<()> {
        let is_closed = || self.closed.load(Ordering::Acquire);
        let waited = self.flushes.wait_until(|| done(&self.state()) || is_closed());
        // A fence is the more useful thing to say.
        waited
            .and_then(|()| self.check_open())
            .map_err(|error| self.check_open().err().unwrap_or(error))
    }

    /// How often the WAL is synced in the background.
    pub(super) fn flush_interval(&self, wal_store: &dyn WalStore) -> Option<Duration> {
        self.settings.flush_interval.or_else(|| wal_store.flush_interval())
    }

    /// The newest value of `key` that is visible at `max_seq`, or now; `None` if it has none or is
    /// deleted.
    // Task 4.7: Write and read
    pub(super) fn get(&self, key: &[u8], max_seq: Option<u64>) -> Result<Option<Bytes>> {
        todo!("week 4, task 7: Write and read")
    }

    /// The value of a key whose newest row is a merge operand: older rows are needed too.
    fn get_merged(&self, state: &DbState, key: &[u8], max_seq: u64) -> Result<Option<Bytes>> {
        let rows = self.visible(state, &BytesRange::from(key..=key), max_seq);
        let found = DbIterator::new(rows).next().transpose()?;
        Ok(found.map(|key_value| key_value.value))
    }

    /// The keys and values of a range that are visible at `max_seq`.
    pub(super) fn scan(&self, range: &BytesRange, max_seq: Option<u64>) -> Result<DbIterator> {
        self.check_open()?;
        let (state, max_seq) = self.view(max_seq);
        Ok(DbIterator::new(self.visible(&state, range, max_seq)))
    }

    /// The rows of a range that are visible at `max_seq`, with merge operands applied. Records
    /// `ScanBegin`, a `ScanRow` for each row that is read, and a `MergeBatch` for each call of the operator.
    fn visible(
        &self,
        state: &DbState,
        range: &BytesRange,
        max_seq: u64,
    ) -> Box<dyn RowEntryIterator> {
        self.trace.record(|| Step::ScanBegin { places: state.places() });
        let rows = TracedRows::new(state.iter(range), self.trace.clone());
        let rows = SnapshotIterator::new(rows, max_seq);
        match &self.merge_operator {
            None => Box::new(rows),
            // Operands that a newer value hides must not reach the operator.
            Some(operator) => Box::new(MergeOperatorIterator::for_reads(
                RetentionIterator::new(rows, Vec::new()),
                Arc::clone(operator),
            )),
        }
    }

    /// The current state, and the sequence number up to which its rows may be seen.
    ///
    /// The state is taken first: it has every row up to any number that was committed by then. Rows
    /// that are committed in between are in it or not, and a batch is so as a whole, because it
    /// lies in one memtable.
    pub(super) fn view(&self, max_seq: Option<u64>) -> (Arc<DbState>, u64) {
        let state = self.state();
        let max_seq = max_seq.unwrap_or_else(|| self.committed_seq.load(Ordering::Acquire));
        (state, max_seq)
    }

    /// Registers a snapshot of what is visible now; returns its sequence number.
    pub(super) fn open_snapshot(&self) -> u64 {
        let mut snapshots = locked(&self.snapshots);
        let seq = self.committed_seq.load(Ordering::Acquire);
        *snapshots.entry(seq).or_default() += 1;
        seq
    }

    /// The sequence numbers of the open snapshots, ascending.
    pub(super) fn snapshot_seqs(&self) -> Vec<u64> {
        locked(&self.snapshots).keys().copied().collect()
    }

    /// Forgets a snapshot.
    pub(super) fn close_snapshot(&self, seq: u64) {
        let mut snapshots = locked(&self.snapshots);
        if let Some(count) = snapshots.get_mut(&seq) {
            *count -= 1;
            if *count == 0 {
                snapshots.remove(&seq);
            }
        }
    }

    /// The current state.
    pub(super) fn state(&self) -> Arc<DbState> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn swap_state(&self, next: impl FnOnce(&DbState) -> DbState) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        *state = Arc::new(next(&state));
    }

    /// The writer's lock, if the database is open.
    pub(super) fn lock_writer(&self) -> Result<MutexGuard<'_, Option<Writer>>> {
        self.check_open()?;
        // A panic in the middle of a write leaves rows that are logged and not visible. They can't
        // be told from rows that never were, so no more is written.
        self.writer.lock().map_err(|_| Error::Closed)
    }

    pub(super) fn manifests(&self) -> MutexGuard<'_, ManifestStore> {
        locked(&self.manifests)
    }
}

fn out_of_numbers() -> Error {
    Error::invalid("batch", "there are no sequence numbers left; copy the data into a new database")
}

/// For what is whole between any two operations, so that a panic elsewhere leaves it usable.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
