//! SlateDB, <https://slatedb.io>.
//!
//! SlateDB is async. A program that is not calls it through `block_on`, one operation after the other, and pays for
//! waking a thread and being woken. A program that is async has many operations in flight. Both are measured.

use std::ops::ControlFlow;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use anyhow::Result;
use futures::{StreamExt, TryStreamExt, stream};
use slatedb::bytes::Bytes;
use slatedb::config::{
    CloseOptions, CompactionWorkerOptions, CompactorOptions, FlushOptions, FlushType,
    GarbageCollectorOptions, ScanOptions,
};
use slatedb::db_cache::SplitCache;
use slatedb::db_cache::foyer::{FoyerCache, FoyerCacheOptions};
use slatedb::object_store::ObjectStore;
use slatedb::object_store::local::LocalFileSystem;
use slatedb::{Db, MergeOperator, MergeOperatorError, Settings};
use tokio::runtime::{Builder, Runtime};

use crate::engine::{
    Check, Engine, Key, LogClass, Options, Place, Value, Visit, get_in_turn, put_in_threads,
    put_in_turn,
};
use crate::measure::Clock;

/// Where SlateDB's tasks run: a thread for each core.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    // Without threads there is nothing to measure.
    Builder::new_multi_thread().enable_all().build().expect("the runtime's threads start")
});

/// How often the compactor and the database look at what the other has done. Theirs is seconds, which suits an object
/// store; the engines beside it on a local disk don't wait.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// A SlateDB database.
pub struct SlateDb {
    db: Db,
    log: LogClass,
    /// Whether it is called from a task of its runtime, and not by `block_on`.
    is_async: bool,
    compaction: bool,
}

impl SlateDb {
    /// How many puts a program has in flight that makes use of async.
    pub const PUTS_IN_FLIGHT: usize = 64;
    /// And how many gets: those that find their blocks in the cache wait for nothing, and more of them only cost.
    pub const GETS_IN_FLIGHT: usize = 8;

    /// The database at a place.
    pub fn open(place: &Place, options: &Options, is_async: bool) -> Result<Self> {
        let store: Arc<dyn ObjectStore> = match place {
            // What was flushed survives a power cut, as everywhere else; by default this store does not sync.
            Place::Directory(directory) => {
                Arc::new(LocalFileSystem::new_with_prefix(directory)?.with_fsync(true))
            }
            Place::Memory(stores) => Arc::clone(&stores.slatedb) as _,
        };
        // The index and the filter of an SST don't compete with its blocks, in SlateDB's own default as in TinyDB.
        let metadata = FoyerCacheOptions { max_capacity: 128 << 20, ..Default::default() };
        let blocks = FoyerCacheOptions { max_capacity: options.cache as u64, ..metadata };
        let cache = SplitCache::new()
            .with_block_cache(Some(Arc::new(FoyerCache::new_with_opts(blocks))))
            .with_meta_cache(Some(Arc::new(FoyerCache::new_with_opts(metadata))))
            .build();
        let mut builder = Db::builder("db", store)
            .with_settings(settings(options))
            .with_db_cache(Arc::new(cache), 0);
        if options.counters {
            builder = builder.with_merge_operator(Arc::new(Counter));
        }
        let db = RUNTIME.block_on(builder.build())?;
        Ok(Self { db, log: options.log, is_async, compaction: options.compaction })
    }

    /// Does something with each input, `in_flight` of them at once, in one task of the runtime.
    fn in_task<I, O, F>(
        &self,
        inputs: Vec<I>,
        in_flight: usize,
        clock: &mut Clock,
        work: impl Fn(Db, I) -> F + Send + Sync + 'static,
    ) -> Result<Vec<O>>
    where
        I: Send + 'static,
        O: Send + 'static,
        F: Future<Output = Result<O>> + Send + 'static,
    {
        let db = self.db.clone();
        let task = async move {
            let began = Instant::now();
            let timed = inputs.into_iter().map(|input| {
                let operation = work(db.clone(), input);
                async move {
                    let began = Instant::now();
                    Ok::<_, anyhow::Error>((operation.await?, began.elapsed()))
                }
            });
            let done: Vec<_> =
                stream::iter(timed).buffer_unordered(in_flight).try_collect().await?;
            Ok::<_, anyhow::Error>((done, began.elapsed()))
        };
        let (done, wall) = RUNTIME.block_on(RUNTIME.spawn(task))??;
        let (outputs, times): (Vec<_>, Vec<_>) = done.into_iter().unzip();
        clock.add(times, wall);
        Ok(outputs)
    }

    fn put_in_task(&self, rows: &[(Key, Value)], at_once: usize, clock: &mut Clock) -> Result<()> {
        let log = self.log;
        let put =
            move |db, (key, value): (Key, Value)| async move { put(&db, &key, &value, log).await };
        self.in_task(rows.to_vec(), at_once, clock, put).map(|_| ())
    }
}

/// Adds up numbers of 8 bytes, big-endian.
struct Counter;

impl MergeOperator for Counter {
    fn merge(
        &self,
        _key: &Bytes,
        existing: Option<Bytes>,
        operand: Bytes,
    ) -> Result<Bytes, MergeOperatorError> {
        self.merge_batch(_key, existing, &[operand])
    }

    fn merge_batch(
        &self,
        _key: &Bytes,
        existing: Option<Bytes>,
        operands: &[Bytes],
    ) -> Result<Bytes, MergeOperatorError> {
        // Nothing else is ever put under these keys.
        let number = |bytes: &Bytes| bytes[..].try_into().map_or(0, u64::from_be_bytes);
        let sum: u64 = existing.iter().chain(operands).map(number).sum();
        Ok(Bytes::copy_from_slice(&sum.to_be_bytes()))
    }
}

fn settings(options: &Options) -> Settings {
    Settings {
        l0_sst_size_bytes: options.memtable,
        max_unflushed_bytes: 4 * options.memtable,
        // Every SST has a filter, as in TinyDB.
        min_filter_keys: 1,
        flush_interval: match options.log {
            LogClass::Sync => Some(options.flush_interval),
            _ => Settings::default().flush_interval,
        },
        // Without a compactor, level 0 only grows.
        l0_max_ssts: if options.compaction { Settings::default().l0_max_ssts } else { 100_000 },
        l0_max_ssts_per_key: if options.compaction {
            Settings::default().l0_max_ssts_per_key
        } else {
            100_000
        },
        manifest_poll_interval: POLL_INTERVAL,
        compactor_options: options.compaction.then(|| CompactorOptions {
            poll_interval: POLL_INTERVAL,
            worker: Some(CompactionWorkerOptions {
                compactions_poll_interval: POLL_INTERVAL,
                min_filter_keys: 1,
                ..Default::default()
            }),
            ..Default::default()
        }),
        garbage_collector_options: options.compaction.then(GarbageCollectorOptions::default),
        ..Settings::default()
    }
}

async fn put(db: &Db, key: &[u8], value: &[u8], log: LogClass) -> Result<()> {
    let written = db.put(key, value).await?;
    if log == LogClass::Sync {
        written.await_durable().await?;
    }
    Ok(())
}

impl Engine for SlateDb {
    fn put(&self, key: &[u8], value: &[u8]) -> Result<()> {
        RUNTIME.block_on(put(&self.db, key, value, self.log))
    }

    fn get(&self, key: &[u8], value: &mut Vec<u8>) -> Result<bool> {
        let found = RUNTIME.block_on(self.db.get(key))?;
        value.clear();
        value.extend_from_slice(found.as_deref().unwrap_or_default());
        Ok(found.is_some())
    }

    fn add(&self, key: &[u8], number: u64) -> Result<()> {
        RUNTIME.block_on(async {
            let written = self.db.merge(key, number.to_be_bytes()).await?;
            if self.log == LogClass::Sync {
                written.await_durable().await?;
            }
            Ok(())
        })
    }

    fn scan(&self, from: &[u8], visit: &mut Visit<'_>) -> Result<()> {
        // Its best way reads ahead, in larger pieces; by default it reads block by block.
        let options = if self.is_async {
            ScanOptions { read_ahead_bytes: 1 << 20, max_fetch_tasks: 4, ..Default::default() }
        } else {
            ScanOptions::default()
        };
        RUNTIME.block_on(async {
            let mut rows = self.db.scan_with_options(from.to_vec().., &options).await?;
            while let Some(row) = rows.next().await? {
                if visit(&row.key, &row.value) == ControlFlow::Break(()) {
                    break;
                }
            }
            Ok(())
        })
    }

    fn settle(&self) -> Result<()> {
        let flush = FlushOptions { flush_type: FlushType::MemTable };
        RUNTIME.block_on(self.db.flush_with_options(flush))?;
        if self.compaction {
            // The compactor looks every so often, and the database for its result too. So it is at rest when for a
            // while the manifest has stayed as it was.
            let mut quiet = 0;
            let mut last = self.db.manifest().id();
            while quiet < 30 {
                std::thread::sleep(Duration::from_millis(100));
                let now = self.db.manifest().id();
                quiet = if now == last { quiet + 1 } else { 0 };
                last = now;
            }
        }
        Ok(())
    }

    fn tables(&self) -> Result<usize> {
        let manifest = self.db.manifest();
        let in_runs: usize = manifest.compacted().iter().map(|run| run.sst_views().len()).sum();
        Ok(manifest.l0().len() + in_runs)
    }

    fn close(self: Box<Self>) -> Result<()> {
        let options = CloseOptions { flush_type: Some(FlushType::Wal) };
        Ok(RUNTIME.block_on(self.db.close_with_options(options))?)
    }

    fn put_all(&self, rows: &[(Key, Value)], clock: &mut Clock) -> Result<()> {
        if !self.is_async {
            return put_in_turn(self, rows, clock);
        }
        self.put_in_task(rows, Self::PUTS_IN_FLIGHT, clock)
    }

    fn put_at_once(&self, rows: &[(Key, Value)], at_once: usize, clock: &mut Clock) -> Result<()> {
        if !self.is_async {
            return put_in_threads(self, rows, at_once, clock);
        }
        self.put_in_task(rows, at_once, clock)
    }

    fn get_all(&self, keys: &[Key], clock: &mut Clock, check: &mut Check<'_>) -> Result<()> {
        if !self.is_async {
            return get_in_turn(self, keys, clock, check);
        }
        let get = |db: Db, (position, key): (usize, Key)| async move {
            let found: Option<Bytes> = db.get(key).await?;
            Ok((position, found))
        };
        let keys = keys.iter().copied().enumerate().collect();
        let found = self.in_task(keys, Self::GETS_IN_FLIGHT, clock, get)?;
        found.into_iter().try_for_each(|(position, found)| check(position, found.as_deref()))
    }
}
