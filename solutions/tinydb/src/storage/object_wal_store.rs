//! A WAL on an object store.
//!
//! An object can't grow, so a segment is many objects, its *parts*:
//!
//! ```text
//! wal/00000000000000000007/0000000000.part    header and the first records
//! wal/00000000000000000007/0000000001.part    more records
//! wal/00000000000000000007/0000000002.part    no byte: a fence
//! wal/00000000000000000008/0000000000.part    the next segment
//! ```
//!
//! One behind the other, the parts of a segment are what the file of a segment would be
//! ([`wal`]). What is appended waits in memory; each sync puts it as the next part. So a
//! write is durable a little later, when a part with it was put: a put takes 50 ms and costs money,
//! and one part holds what many writers have written meanwhile.
//!
//! # Fencing
//!
//! Parts are put only if there is none of that number. Whoever takes the database over puts what the
//! writer before would put next: an empty part behind the last, and the first part of the next
//! segment. From then on every put of that writer fails, and it knows that it was fenced.
//!
//! These two parts, the *fences*, stay when their segments are flushed and deleted: if they went, that
//! writer's next put would succeed, and be acknowledged, in a segment that nobody reads any more. It
//! may have been away for days, so they stay for ever: 16 bytes for each opening of the database.
//!
//! SlateDB numbers its WAL objects through, `wal/<id>.sst`, and fences by an empty object too:
//! `SlateDbWalWriterInit::fence_and_init` in `src/wal/slatedb/writer_init.rs`.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use crate::error::{Corruption, DecodeError, Error, Result};
use crate::object_store::{ObjectMeta, ObjectStore, concurrently};

use super::log_file::{LogFile, PendingSync};
use super::wal;
use super::wal_store::WalStore;

/// The folder of all segments.
const FOLDER: &str = "wal";

/// How often what waits is put as a part, unless the database's settings say otherwise. SlateDB's
/// default too: `flush_interval` in `src/config.rs`.
pub const DEFAULT_FLUSH_INTERVAL: Duration = Duration::from_millis(100);

/// How often a put is tried before the segment counts as failed, and how long the first pause is;
/// each further one is twice as long.
const TRIES: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// The segments of a WAL as objects.
///
/// Invariants:
/// 1. The parts of a segment are numbered from 0 without a gap.
/// 2. A part that was put is never changed, and never put again.
/// 3. When a sync returns `Ok`, the object store has everything that was appended before it began.
/// 4. A segment without a record need not be there.
#[derive(Debug, Clone)]
pub struct ObjectWalStore {
    store: Arc<dyn ObjectStore>,
    /// No segment below has a record that is needed; what is left of one may be its fences.
    first_live: Arc<AtomicU64>,
}

impl ObjectWalStore {
    /// The WAL on `store`, under the folder `wal`.
    pub fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self { store, first_live: Arc::default() }
    }

    /// The objects of each segment, in order.
    fn segments(&self) -> Result<BTreeMap<u64, Vec<ObjectMeta>>> {
        let mut segments: BTreeMap<u64, Vec<ObjectMeta>> = BTreeMap::new();
        // Sorted by path, and so by number. An object of any other name is none of ours.
        for object in self.store.list(FOLDER)? {
            if let Some((wal_id, _)) = part_numbers(&object.path) {
                segments.entry(wal_id).or_default().push(object);
            }
        }
        Ok(segments)
    }

    /// Puts a part; `false` if there is one of that number.
    ///
    /// If it is this store's own, of a put whose answer was lost, that is not noticed: the next
    /// number will do as well.
    fn claim(&self, wal_id: u64, number: u64, bytes: Bytes) -> Result<bool> {
        match self.store.put_if_absent(&part(wal_id, number), bytes) {
            Err(Error::AlreadyExists { .. }) => Ok(false),
            put => put.map(|()| true),
        }
    }

    fn log_file(&self, wal_id: u64, next_part: u64) -> Box<dyn LogFile> {
        let puts = Puts { store: Arc::clone(&self.store), wal_id, next_part, failed: false };
        let (waiting, puts) = (Arc::default(), Arc::new(Mutex::new(puts)));
        Box::new(ObjectLogFile { shared: Shared { waiting, puts } })
    }
}

impl WalStore for ObjectWalStore {
    fn list(&self) -> Result<Vec<u64>> {
        let first_live = self.first_live.load(Ordering::Relaxed);
        let is_there = |id: u64, parts: &[ObjectMeta]| {
            id >= first_live || !parts.iter().all(|part| is_fence(id, part))
        };
        let segments = self.segments()?;
        Ok(segments.iter().filter(|(id, parts)| is_there(**id, parts)).map(|(id, _)| *id).collect())
    }

    fn open(&self, wal_id: u64) -> Result<Box<dyn LogFile>> {
        let parts = self.store.list(&folder(wal_id))?;
        Ok(self.log_file(wal_id, count_parts(wal_id, &parts)?))
    }

    /// Asks the object store nothing. If somebody else has made the segment, the first sync fails.
    fn create(&self, wal_id: u64) -> Result<Box<dyn LogFile>> {
        Ok(self.log_file(wal_id, 0))
    }

    /// Leaves the fences of a takeover.
    fn delete(&self, wal_id: u64) -> Result<()> {
        let parts = self.store.list(&folder(wal_id))?;
        let records: Vec<_> = parts.into_iter().filter(|part| !is_fence(wal_id, part)).collect();
        concurrently(&records, |part| self.store.delete(&part.path)).map(drop)
    }

    fn name(&self, wal_id: u64) -> String {
        folder(wal_id)
    }

    fn fence(&self, next_wal_id: u64) -> Result<bool> {
        self.first_live.store(next_wal_id, Ordering::Relaxed);
        loop {
            let segments = self.segments()?;
            let last = segments.last_key_value().filter(|(id, _)| **id >= next_wal_id);
            let next = match last {
                Some((id, _)) => id.checked_add(1).ok_or_else(|| out_of_numbers(*id))?,
                None => next_wal_id,
            };
            let closed = match last {
                Some((&id, parts)) => self.claim(id, count_parts(id, parts)?, Bytes::new())?,
                None => true,
            };
            // If one of them is taken, the writer before was faster: look again.
            if closed && self.claim(next, 0, wal::encode_header())? {
                return Ok(true);
            }
        }
    }

    fn flush_interval(&self) -> Option<Duration> {
        Some(DEFAULT_FLUSH_INTERVAL)
    }
}

/// A segment whose syncs put parts.
#[derive(Debug)]
struct ObjectLogFile {
    shared: Shared,
}

/// What a log and its pending syncs share.
#[derive(Debug, Clone)]
struct Shared {
    /// What was appended and is in no part yet. Locked only for a moment.
    waiting: Arc<Mutex<BytesMut>>,
    /// Locked while a part is put, so that parts follow each other. Locked before `waiting`.
    puts: Arc<Mutex<Puts>>,
}

/// Puts the parts of one segment.
#[derive(Debug)]
struct Puts {
    store: Arc<dyn ObjectStore>,
    wal_id: u64,
    next_part: u64,
    /// Whether a put has failed. What it should have put is lost, so nothing may follow.
    failed: bool,
}

impl Shared {
    /// Puts everything that waits as the next part. If that is no more than the header, it goes on
    /// waiting: nobody can tell a segment's header from the one that another writer puts there as a
    /// fence.
    fn put_waiting(&self) -> io::Result<()> {
        let mut puts = locked(&self.puts);
        if puts.failed {
            return Err(io::Error::other("an earlier part could not be put"));
        }
        let part = {
            let mut waiting = locked(&self.waiting);
            if waiting.is_empty() || puts.next_part == 0 && waiting.len() <= wal::HEADER_LEN {
                return Ok(());
            }
            waiting.split().freeze()
        };
        let put = puts.put(&part);
        puts.failed = put.is_err();
        put.map_err(io::Error::other)
    }
}

impl Puts {
    fn put(&mut self, bytes: &Bytes) -> Result<()> {
        let path = part(self.wal_id, self.next_part);
        let mut pause = FIRST_PAUSE;
        for tries_left in (0..TRIES).rev() {
            match put_own(&*self.store, &path, bytes) {
                Ok(()) => break,
                Err(Error::Io { .. }) if tries_left > 0 => thread::sleep(pause),
                Err(error) => return Err(error),
            }
            pause *= 2;
        }
        self.next_part += 1;
        Ok(())
    }
}

/// Puts an object whose bytes nobody else can have put. A put that fails may have been carried out
/// all the same, so it is looked up.
fn put_own(store: &dyn ObjectStore, path: &str, bytes: &Bytes) -> Result<()> {
    let Err(error) = store.put_if_absent(path, bytes.clone()) else { return Ok(()) };
    match store.get(path) {
        Ok(found) if found == *bytes => Ok(()),
        Ok(_) => Err(Error::AlreadyExists { path: path.to_owned() }),
        Err(_) => Err(error),
    }
}

impl LogFile for ObjectLogFile {
    /// The parts that are on the object store; what waits is not among them.
    fn read_all(&mut self) -> io::Result<Bytes> {
        let puts = locked(&self.shared.puts);
        let paths: Vec<_> = (0..puts.next_part).map(|number| part(puts.wal_id, number)).collect();
        let parts = concurrently(&paths, |path| puts.store.get(path)).map_err(io::Error::other)?;
        Ok(parts.concat().into())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        locked(&self.shared.waiting).extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.shared.put_waiting()
    }

    fn start_sync(&mut self) -> io::Result<PendingSync> {
        let shared = self.shared.clone();
        Ok(Box::new(move || shared.put_waiting()))
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        let problem = format!("a segment on an object store can't be cut to {len} bytes");
        Err(io::Error::new(io::ErrorKind::Unsupported, problem))
    }
}

fn folder(wal_id: u64) -> String {
    format!("{FOLDER}/{wal_id:020}")
}

fn part(wal_id: u64, number: u64) -> String {
    format!("{}/{number:010}.part", folder(wal_id))
}

/// The segment and the number of the part at `path`; `None` for a path that [`part`] does not make.
fn part_numbers(path: &str) -> Option<(u64, u64)> {
    let (wal_id, number) = path.strip_prefix(FOLDER)?.strip_prefix('/')?.split_once('/')?;
    let number = number.strip_suffix(".part")?;
    let (wal_id, number) = (wal_id.parse().ok()?, number.parse().ok()?);
    (part(wal_id, number) == path).then_some((wal_id, number))
}

/// How many parts a segment has. Fails if one is missing in front of another.
fn count_parts(wal_id: u64, parts: &[ObjectMeta]) -> Result<u64> {
    for (number, found) in (0..).zip(parts) {
        let expected = part(wal_id, number);
        if found.path != expected {
            let corruption = Corruption::Missing { proof: found.path.clone() };
            return Err(DecodeError::new(0, corruption).in_file(&expected, 0));
        }
    }
    Ok(parts.len() as u64)
}

/// Whether a part is one that [`ObjectWalStore::fence`] has put. No other part is so short.
fn is_fence(wal_id: u64, found: &ObjectMeta) -> bool {
    let is_first = found.path == part(wal_id, 0);
    found.size == 0 || is_first && found.size == wal::HEADER_LEN as u64
}

fn out_of_numbers(wal_id: u64) -> Error {
    let problem = format!("{wal_id} is the highest there is; copy the data into a new database");
    Error::invalid("wal_id", problem)
}

// Each value is whole between any two operations, so a panic elsewhere leaves it usable.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
