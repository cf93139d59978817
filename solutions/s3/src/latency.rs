//! A store to measure with.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use tinydb::Result;
use tinydb::object_store::{ObjectMeta, ObjectStore};

/// Another store, as if it were far away: every call takes some time more. Counts the calls.
#[derive(Debug)]
pub struct LatencyObjectStore {
    inner: Arc<dyn ObjectStore>,
    latency: Duration,
    counters: Counters,
}

/// How often each method was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Calls {
    /// `put` and `put_if_absent`.
    pub put: u64,
    /// `get`.
    pub get: u64,
    /// `get_range`.
    pub get_range: u64,
    /// `head`.
    pub head: u64,
    /// `list`, however many pages it had.
    pub list: u64,
    /// `delete`.
    pub delete: u64,
}

impl Calls {
    /// All of them.
    pub fn total(&self) -> u64 {
        let Self { put, get, get_range, head, list, delete } = self;
        put + get + get_range + head + list + delete
    }

    /// Those since `earlier`.
    #[must_use]
    pub fn since(&self, earlier: Self) -> Self {
        Self {
            put: self.put - earlier.put,
            get: self.get - earlier.get,
            get_range: self.get_range - earlier.get_range,
            head: self.head - earlier.head,
            list: self.list - earlier.list,
            delete: self.delete - earlier.delete,
        }
    }
}

#[derive(Debug, Default)]
struct Counters {
    put: AtomicU64,
    get: AtomicU64,
    get_range: AtomicU64,
    head: AtomicU64,
    list: AtomicU64,
    delete: AtomicU64,
}

impl LatencyObjectStore {
    /// `inner` with `latency` more for every call.
    pub fn new(inner: Arc<dyn ObjectStore>, latency: Duration) -> Self {
        Self { inner, latency, counters: Counters::default() }
    }

    /// How often it was called so far.
    pub fn calls(&self) -> Calls {
        let Counters { put, get, get_range, head, list, delete } = &self.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Calls {
            put: read(put),
            get: read(get),
            get_range: read(get_range),
            head: read(head),
            list: read(list),
            delete: read(delete),
        }
    }

    fn travel(&self, counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
        thread::sleep(self.latency);
    }
}

impl ObjectStore for LatencyObjectStore {
    fn put(&self, path: &str, object: Bytes) -> Result<()> {
        self.travel(&self.counters.put);
        self.inner.put(path, object)
    }

    fn put_if_absent(&self, path: &str, object: Bytes) -> Result<()> {
        self.travel(&self.counters.put);
        self.inner.put_if_absent(path, object)
    }

    fn get(&self, path: &str) -> Result<Bytes> {
        self.travel(&self.counters.get);
        self.inner.get(path)
    }

    fn get_range(&self, path: &str, range: Range<u64>) -> Result<Bytes> {
        self.travel(&self.counters.get_range);
        self.inner.get_range(path, range)
    }

    fn head(&self, path: &str) -> Result<ObjectMeta> {
        self.travel(&self.counters.head);
        self.inner.head(path)
    }

    fn list(&self, prefix: &str) -> Result<Vec<ObjectMeta>> {
        self.travel(&self.counters.list);
        self.inner.list(prefix)
    }

    fn delete(&self, path: &str) -> Result<()> {
        self.travel(&self.counters.delete);
        self.inner.delete(path)
    }

    /// Not counted: no part of the engine waits for it.
    fn discard_unfinished(&self, min_age: Duration) -> Result<u64> {
        self.inner.discard_unfinished(min_age)
    }
}
