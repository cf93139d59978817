//! A machine in trouble: its disk is full, its clock is wrong, a part of its store does not answer.

use std::io;
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tinydb::db::DbBuilder;
use tinydb::object_store::{MemoryObjectStore, ObjectMeta, ObjectStore};
use tinydb::storage::{LogFile, MemoryWalStore, WalStore};
use tinydb::{Db, Error, Result};

/// Memory that stands for a machine's disk. Clones are the same machine.
#[derive(Debug, Clone, Default)]
pub struct Machine {
    objects: Arc<MemoryObjectStore>,
    segments: MemoryWalStore,
    trouble: Arc<(Mutex<Trouble>, Condvar)>,
}

/// What is wrong with it.
#[derive(Debug, Default)]
pub struct Trouble {
    /// How many bytes still fit on the disk; `None` for any number.
    pub room: Option<usize>,
    /// Writes to paths that begin so get no answer as long as this stands here.
    pub stuck: Option<&'static str>,
    /// How many writes have got stuck.
    pub stuck_writes: usize,
    /// How far the store's clock is wrong: later, or earlier.
    pub later: Duration,
    pub earlier: Duration,
}

impl Machine {
    /// Changes what is wrong.
    pub fn set(&self, change: impl FnOnce(&mut Trouble)) {
        change(&mut self.trouble());
        self.trouble.1.notify_all();
    }

    /// What is wrong now.
    pub fn trouble(&self) -> MutexGuard<'_, Trouble> {
        self.trouble.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A builder of the database on it.
    pub fn builder(&self) -> DbBuilder {
        let machine = Arc::new(self.clone());
        Db::builder("").with_object_store(machine.clone()).with_wal_store(machine)
    }

    /// Waits if writes to the path are stuck. Then takes room for so many bytes: how many there are.
    fn admit(&self, path: &str, len: usize) -> usize {
        let is_stuck = |trouble: &Trouble| trouble.stuck.is_some_and(|it| path.starts_with(it));
        let mut trouble = self.trouble();
        trouble.stuck_writes += usize::from(is_stuck(&trouble));
        let waiting = self.trouble.1.wait_while(trouble, |trouble| is_stuck(trouble));
        let mut trouble = waiting.unwrap_or_else(PoisonError::into_inner);
        let fitting = trouble.room.map_or(len, |room| room.min(len));
        trouble.room = trouble.room.map(|room| room - fitting);
        fitting
    }

    fn put_object(
        &self,
        path: &str,
        object: Bytes,
        put: impl FnOnce(&MemoryObjectStore, Bytes) -> Result<()>,
    ) -> Result<()> {
        if self.admit(path, object.len()) < object.len() {
            return Err(Error::io("write", path)(io::ErrorKind::StorageFull.into()));
        }
        put(&self.objects, object)
    }

    fn by_its_clock(&self, meta: ObjectMeta) -> ObjectMeta {
        let trouble = self.trouble();
        let shifted = meta.last_modified.checked_add(trouble.later);
        let shifted = shifted.and_then(|time| time.checked_sub(trouble.earlier));
        ObjectMeta { last_modified: shifted.unwrap_or(SystemTime::UNIX_EPOCH), ..meta }
    }
}

impl ObjectStore for Machine {
    fn put(&self, path: &str, object: Bytes) -> Result<()> {
        self.put_object(path, object, |objects, object| objects.put(path, object))
    }

    fn put_if_absent(&self, path: &str, object: Bytes) -> Result<()> {
        self.put_object(path, object, |objects, object| objects.put_if_absent(path, object))
    }

    fn get(&self, path: &str) -> Result<Bytes> {
        self.objects.get(path)
    }

    fn get_range(&self, path: &str, range: Range<u64>) -> Result<Bytes> {
        self.objects.get_range(path, range)
    }

    fn head(&self, path: &str) -> Result<ObjectMeta> {
        self.objects.head(path).map(|meta| self.by_its_clock(meta))
    }

    fn list(&self, prefix: &str) -> Result<Vec<ObjectMeta>> {
        let found = self.objects.list(prefix)?;
        Ok(found.into_iter().map(|meta| self.by_its_clock(meta)).collect())
    }

    fn delete(&self, path: &str) -> Result<()> {
        self.objects.delete(path)
    }
}

impl WalStore for Machine {
    fn list(&self) -> Result<Vec<u64>> {
        self.segments.list()
    }

    fn open(&self, wal_id: u64) -> Result<Box<dyn LogFile>> {
        Ok(Box::new(Segment { machine: self.clone(), file: self.segments.open(wal_id)? }))
    }

    fn delete(&self, wal_id: u64) -> Result<()> {
        self.segments.delete(wal_id)
    }

    fn name(&self, wal_id: u64) -> String {
        self.segments.name(wal_id)
    }
}

#[derive(Debug)]
struct Segment {
    machine: Machine,
    file: Box<dyn LogFile>,
}

impl LogFile for Segment {
    fn read_all(&mut self) -> io::Result<Bytes> {
        self.file.read_all()
    }

    /// Writes what fits, as a disk does.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let fitting = self.machine.admit("wal", bytes.len());
        self.file.append(&bytes[..fitting])?;
        if fitting < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync()
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.file.truncate(len)
    }
}
