//! An object store behind a bad network.

use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use tinydb::object_store::{ObjectMeta, ObjectStore};
use tinydb::{Error, Result};

/// Numbers that follow from a seed (SplitMix64).
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    /// Whether something happens that does so `percent` times in a hundred.
    pub fn happens(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// One machine's way to a store that others reach by ways of their own. While faults are on, some calls
/// are slow, and some fail:
///
/// - before they are carried out;
/// - after they were carried out: only the answer is lost;
/// - and are carried out much later, or a second time, when the caller has long gone on: the
///   network had kept them.
#[derive(Debug)]
pub struct FaultyStore {
    inner: Arc<dyn ObjectStore>,
    faults: AtomicBool,
    network: Mutex<Network>,
}

#[derive(Debug)]
struct Network {
    random: Random,
    /// What was sent and has not arrived, with how many calls it will take.
    kept: Vec<(u64, Sent)>,
}

/// A call that changes something.
#[derive(Debug, Clone)]
enum Sent {
    Put(String, Bytes),
    PutIfAbsent(String, Bytes),
    Delete(String),
}

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    Before,
    After,
    Late,
    Repeated,
}

impl FaultyStore {
    pub fn new(inner: Arc<dyn ObjectStore>, seed: u64) -> Self {
        let network = Network { random: Random::new(seed), kept: Vec::new() };
        Self { inner, faults: AtomicBool::new(true), network: Mutex::new(network) }
    }

    /// From now on every call is carried out, once and at once; and before, what was kept.
    pub fn end_faults(&self) {
        self.faults.store(false, Ordering::Relaxed);
        let kept: Vec<_> = self.network().kept.drain(..).collect();
        kept.into_iter().for_each(|(_, sent)| self.arrive(sent));
    }

    fn network(&self) -> MutexGuard<'_, Network> {
        self.network.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was kept long enough arrives; decides what happens to the next call, after a delay.
    fn next_fault(&self) -> Fault {
        if !self.faults.load(Ordering::Relaxed) {
            return Fault::None;
        }
        let (fault, delay, arrived) = {
            let Network { random, kept } = &mut *self.network();
            kept.iter_mut().for_each(|(calls, _)| *calls = calls.saturating_sub(1));
            let arrived: Vec<_> = kept.extract_if(.., |(calls, _)| *calls == 0).collect();
            let fault = match random.below(1000) {
                0..3 => Fault::Before,
                3..6 => Fault::After,
                6..9 => Fault::Late,
                9..40 => Fault::Repeated,
                _ => Fault::None,
            };
            (fault, Duration::from_micros(random.below(500)), arrived)
        };
        arrived.into_iter().for_each(|(_, sent)| self.arrive(sent));
        thread::sleep(delay);
        fault
    }

    /// Carries out what nobody waits for any more.
    fn arrive(&self, sent: Sent) {
        let _ = match sent {
            Sent::Put(path, object) => self.inner.put(&path, object),
            Sent::PutIfAbsent(path, object) => self.inner.put_if_absent(&path, object),
            Sent::Delete(path) => self.inner.delete(&path),
        };
    }

    fn keep(&self, sent: Sent) {
        let mut network = self.network();
        let calls = 1 + network.random.below(40);
        network.kept.push((calls, sent));
    }

    /// A call that changes something.
    fn change(&self, path: &str, sent: Sent, call: impl FnOnce() -> Result<()>) -> Result<()> {
        match self.next_fault() {
            Fault::None => call(),
            Fault::Before => Err(lost(path)),
            Fault::After => call().and(Err(lost(path))),
            Fault::Late => {
                self.keep(sent);
                Err(lost(path))
            }
            Fault::Repeated => {
                self.keep(sent);
                call()
            }
        }
    }

    /// A call that reads.
    fn read<T>(&self, path: &str, call: impl FnOnce() -> Result<T>) -> Result<T> {
        match self.next_fault() {
            Fault::Before => Err(lost(path)),
            _ => call(),
        }
    }
}

fn lost(path: &str) -> Error {
    Error::io("reach", path)(io::Error::new(io::ErrorKind::TimedOut, "the network lost it"))
}

impl ObjectStore for FaultyStore {
    fn put(&self, path: &str, object: Bytes) -> Result<()> {
        let sent = Sent::Put(path.to_owned(), object.clone());
        self.change(path, sent, || self.inner.put(path, object))
    }

    fn put_if_absent(&self, path: &str, object: Bytes) -> Result<()> {
        let sent = Sent::PutIfAbsent(path.to_owned(), object.clone());
        self.change(path, sent, || self.inner.put_if_absent(path, object))
    }

    fn get(&self, path: &str) -> Result<Bytes> {
        self.read(path, || self.inner.get(path))
    }

    fn get_range(&self, path: &str, range: Range<u64>) -> Result<Bytes> {
        self.read(path, || self.inner.get_range(path, range))
    }

    fn head(&self, path: &str) -> Result<ObjectMeta> {
        self.read(path, || self.inner.head(path))
    }

    fn list(&self, prefix: &str) -> Result<Vec<ObjectMeta>> {
        self.read(prefix, || self.inner.list(prefix))
    }

    fn delete(&self, path: &str) -> Result<()> {
        self.change(path, Sent::Delete(path.to_owned()), || self.inner.delete(path))
    }
}
