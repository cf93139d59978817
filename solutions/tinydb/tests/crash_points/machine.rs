//! A machine with a [`Disk`], on which every change is written down.

use std::io;
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::SystemTime;

use bytes::Bytes;
use tinydb::object_store::{ObjectMeta, ObjectStore};
use tinydb::storage::wal_store::WalStore;
use tinydb::storage::{LogFile, log_file::PendingSync};
use tinydb::{Error, Result};

use crate::disk::{Disk, Effect, Layout, folder_of};
use crate::faulty_store::Random;
use crate::promise::Promise;

/// What happened, in order.
#[derive(Debug, Clone)]
pub enum Event {
    /// A change, and how many events there were when it was asked for: in between, it was under way.
    Effect { effect: Effect, asked: usize },
    /// From now on the user may hold the database to this.
    Promise(Promise),
}

/// The disk of a process and the ways to it. Clones are the same machine.
#[derive(Debug, Clone)]
pub struct Machine {
    shared: Arc<(Mutex<State>, Condvar)>,
    /// The thread of the database's user.
    user: ThreadId,
}

#[derive(Debug)]
struct State {
    disk: Disk,
    journal: Vec<Event>,
    gate: Gate,
    /// Who stands before the gate.
    waiting: Vec<(Who, String)>,
    flush: Flush,
    /// Changes that an earlier process has asked for, with how many calls they still take.
    late: Vec<(usize, Effect)>,
    faults: Option<Random>,
    /// The folders in which a name could not be made to last.
    unsynced: Vec<String>,
}

/// Who may go on. The user always may, and so may the thread for whose syncs the user waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    Open,
    /// All but the flusher.
    NoFlush,
    /// Nobody in the background, but for so many calls.
    Steps(usize),
}

/// Whose call it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    User,
    Flusher,
    /// One of several threads that make many requests at once.
    Helper,
}

/// How far the flusher is, by its calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flush {
    None,
    UnderWay,
    /// So many parts of the segment remain to be deleted.
    Deletes(usize),
}

/// The answer to a call that fails.
struct Refused;

impl From<Refused> for io::Error {
    fn from(_: Refused) -> Self {
        Self::other("the machine refuses")
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::io("use", "the machine")(refused.into())
    }
}

impl State {
    fn change(&mut self, effect: Effect, asked: usize) {
        self.disk.apply(&effect);
        self.journal.push(Event::Effect { effect, asked });
    }

    fn admits(&mut self, who: Who) -> bool {
        match (who, &mut self.gate) {
            (Who::User, _) | (_, Gate::Open) => true,
            (_, Gate::NoFlush) => who == Who::Helper,
            (_, Gate::Steps(steps)) if *steps > 0 => {
                *steps -= 1;
                true
            }
            (_, Gate::Steps(_)) => false,
        }
    }

    fn late_ones_arrive(&mut self) {
        for (calls, _) in &mut self.late {
            *calls = calls.saturating_sub(1);
        }
        let asked = self.journal.len();
        let arrived: Vec<_> = self.late.extract_if(.., |(calls, _)| *calls == 0).collect();
        arrived.into_iter().for_each(|(_, effect)| self.change(effect, asked));
    }

    /// Follows the flusher: its first call is for an SST, and its last deletes a segment.
    fn follow(&mut self, who: Who, path: &str, is_delete: bool) {
        self.flush = match self.flush {
            Flush::None if who == Who::Flusher && path.starts_with("sst/") => Flush::UnderWay,
            Flush::UnderWay if who == Who::Flusher && path.starts_with("wal/") => {
                match self.disk.layout() {
                    Layout::Directory => Flush::Deletes(2),
                    Layout::ObjectStore => Flush::Deletes(1 + self.parts_with_records(path)),
                }
            }
            flush => flush,
        };
        if let Flush::Deletes(left) = self.flush
            && who != Who::User
            && (is_delete || who == Who::Flusher)
        {
            self.flush = if left == 1 { Flush::None } else { Flush::Deletes(left - 1) };
        }
    }

    /// How many parts of a segment a flush deletes: all but the fences.
    fn parts_with_records(&self, folder: &str) -> usize {
        let is_fence =
            |path: &str, len: usize| len == 0 || path.ends_with("/0000000000.part") && len == 16;
        let parts = self.disk.list(folder);
        parts.filter(|path| !is_fence(path, self.disk.read(path).map_or(0, Bytes::len))).count()
    }
}

impl Machine {
    pub fn new(disk: Disk) -> Self {
        let state = State {
            disk,
            journal: Vec::new(),
            gate: Gate::Open,
            waiting: Vec::new(),
            flush: Flush::None,
            late: Vec::new(),
            faults: None,
            unsynced: Vec::new(),
        };
        Self { shared: Arc::new((Mutex::new(state), Condvar::new())), user: thread::current().id() }
    }

    /// From now on, some calls to the disk fail.
    pub fn begin_faults(&self, seed: u64) {
        self.state().faults = Some(Random::new(seed));
    }

    pub fn end_faults(&self) {
        self.state().faults = None;
    }

    /// These changes come when so many calls were made.
    pub fn expect_late(&self, late: Vec<(usize, Effect)>) {
        self.state().late = late;
    }

    pub fn promise(&self, promise: &Promise) {
        self.state().journal.push(Event::Promise(promise.clone()));
    }

    pub fn journal(&self) -> Vec<Event> {
        self.state().journal.clone()
    }

    pub fn disk(&self) -> Disk {
        self.state().disk.clone()
    }

    pub fn set_gate(&self, gate: Gate) {
        self.state().gate = gate;
        self.shared.1.notify_all();
    }

    /// Lets one call of the background happen.
    pub fn step(&self) {
        self.set_gate(Gate::Steps(1));
        let steps = |state: &mut State| state.gate == Gate::Steps(1);
        drop(self.shared.1.wait_while(self.state(), steps).unwrap_or_else(PoisonError::into_inner));
    }

    /// Waits until the flusher stands before the gate, or has no flush under way: then `None`.
    pub fn wait_for_flusher(&self) -> Option<(Who, String)> {
        let works = |state: &mut State| state.waiting.is_empty() && state.flush != Flush::None;
        let state = self.shared.1.wait_while(self.state(), works);
        state.unwrap_or_else(PoisonError::into_inner).waiting.first().cloned()
    }

    /// Whether the flusher is between its first call for a flush and its last.
    pub fn is_flushing(&self) -> bool {
        self.state().flush != Flush::None
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn who(&self) -> Who {
        let current = thread::current();
        match current.name() {
            Some("tinydb-flusher") => Who::Flusher,
            Some(name) if name.starts_with("tinydb-") => Who::User,
            _ if current.id() == self.user => Who::User,
            _ => Who::Helper,
        }
    }

    /// One call: it waits for the gate, and fails if it is its turn. The last argument is what it does;
    /// it gets how many events there were when it was asked for.
    fn call<T, E: From<Refused>>(
        &self,
        path: &str,
        is_delete: bool,
        run: impl FnOnce(&mut State, usize) -> Result<T, E>,
    ) -> Result<T, E> {
        let (who, mut state) = (self.who(), self.state());
        let asked = state.journal.len();
        if !state.admits(who) {
            state.waiting.push((who, path.to_owned()));
            self.shared.1.notify_all();
            let stays = |state: &mut State| !state.admits(who);
            state = self.shared.1.wait_while(state, stays).unwrap_or_else(PoisonError::into_inner);
            let own = (who, path.to_owned());
            let place = state.waiting.iter().position(|waiting| *waiting == own);
            state.waiting.remove(place.expect("it stood there"));
        }
        state.late_ones_arrive();
        state.follow(who, path, is_delete);
        let fault = state.faults.as_mut().map_or(100, |random| random.below(100));
        let result = match fault {
            0 => Err(Refused.into()),
            1 => run(&mut state, asked).and(Err(Refused.into())),
            _ => run(&mut state, asked),
        };
        self.shared.1.notify_all();
        result
    }

    fn read<T, E: From<Refused>>(
        &self,
        path: &str,
        read: impl FnOnce(&Disk) -> Result<T, E>,
    ) -> Result<T, E> {
        self.call(path, false, |state, _| read(&state.disk))
    }

    fn change<E: From<Refused>>(&self, path: &str, effect: Effect) -> Result<(), E> {
        let is_delete = matches!(effect, Effect::Unlink { .. });
        self.call(path, is_delete, |state, asked| {
            state.change(effect, asked);
            Ok(())
        })
    }

    /// In a directory, a name lasts when the folder is synced. If it could not be given or synced, the
    /// next read syncs: see `LocalObjectStore`.
    fn make_durable(&self, path: &str, named: Result<()>) -> Result<()> {
        let synced = named.and_then(|()| self.sync_folder(path));
        let unsynced = &mut self.state().unsynced;
        unsynced.retain(|folder| folder != folder_of(path));
        unsynced.extend(synced.is_err().then(|| folder_of(path).to_owned()));
        synced
    }

    fn sync_folder(&self, path: &str) -> Result<()> {
        if self.state().disk.layout() == Layout::ObjectStore {
            return Ok(());
        }
        self.change(path, Effect::SyncFolder { folder: folder_of(path).to_owned() })
    }

    fn sync_again(&self, path: &str) -> Result<()> {
        let is_unsynced = self.state().unsynced.iter().any(|folder| folder == folder_of(path));
        if is_unsynced { self.make_durable(path, Ok(())) } else { Ok(()) }
    }
}

fn meta(path: &str, contents: &Bytes) -> ObjectMeta {
    let (size, last_modified) = (contents.len() as u64, SystemTime::UNIX_EPOCH);
    ObjectMeta { path: path.to_owned(), size, last_modified }
}

fn found<'a>(disk: &'a Disk, path: &str) -> Result<&'a Bytes> {
    disk.read(path).ok_or_else(|| Error::NotFound { path: path.to_owned() })
}

/// As `LocalObjectStore` does it, or as a bucket.
impl ObjectStore for Machine {
    fn put(&self, path: &str, contents: Bytes) -> Result<()> {
        let named =
            self.change(path, Effect::Name { path: path.to_owned(), contents, replace: true });
        self.make_durable(path, named)
    }

    fn put_if_absent(&self, path: &str, contents: Bytes) -> Result<()> {
        let named = self.call(path, false, |state, asked| {
            if state.disk.read(path).is_some() {
                return Err(Error::AlreadyExists { path: path.to_owned() });
            }
            state.change(Effect::Name { path: path.to_owned(), contents, replace: false }, asked);
            Ok(())
        });
        match named {
            Err(Error::AlreadyExists { .. }) => self.make_durable(path, Ok(())).and(named),
            named => self.make_durable(path, named),
        }
    }

    fn get(&self, path: &str) -> Result<Bytes> {
        self.sync_again(path)?;
        self.read(path, |disk| found(disk, path).cloned())
    }

    fn get_range(&self, path: &str, range: Range<u64>) -> Result<Bytes> {
        self.sync_again(path)?;
        self.read(path, |disk| {
            let (Range { start, end }, contents) = (range, found(disk, path)?);
            let size = contents.len() as u64;
            if start > end || end > size {
                return Err(Error::OutOfRange { path: path.to_owned(), start, end, size });
            }
            Ok(contents.slice(start as usize..end as usize))
        })
    }

    fn head(&self, path: &str) -> Result<ObjectMeta> {
        self.read(path, |disk| Ok(meta(path, found(disk, path)?)))
    }

    fn list(&self, prefix: &str) -> Result<Vec<ObjectMeta>> {
        let all = |disk: &Disk| {
            let paths = disk.list(prefix).map(|path| Ok(meta(path, found(disk, path)?)));
            paths.collect()
        };
        self.read(prefix, all)
    }

    fn delete(&self, path: &str) -> Result<()> {
        self.change(path, Effect::Unlink { path: path.to_owned() })
    }
}

/// As `DiskWalStore` does it.
impl WalStore for Machine {
    fn list(&self) -> Result<Vec<u64>> {
        let number = |path: &String| path.strip_prefix("wal/")?.strip_suffix(".wal")?.parse().ok();
        self.read("wal", |disk| Ok(disk.list("wal").filter_map(number).collect()))
    }

    fn open(&self, wal_id: u64) -> Result<Box<dyn LogFile>> {
        let path = WalStore::name(self, wal_id);
        let is_there = self.read(&path, |disk| Ok::<_, Error>(disk.read(&path).is_some()))?;
        if !is_there {
            let (path, contents) = (path.clone(), Bytes::new());
            self.change::<Error>(&path.clone(), Effect::Name { path, contents, replace: false })?;
        }
        self.sync_folder(&path)?;
        Ok(Box::new(Log { machine: self.clone(), path }))
    }

    fn delete(&self, wal_id: u64) -> Result<()> {
        let path = WalStore::name(self, wal_id);
        self.change::<Error>(&path, Effect::Unlink { path: path.clone() })?;
        self.sync_folder(&path)
    }

    fn name(&self, wal_id: u64) -> String {
        format!("wal/{wal_id:020}.wal")
    }

    fn epoch(&self) -> Result<Option<u64>> {
        match self.get(EPOCH) {
            Ok(text) => Ok(str::from_utf8(&text).ok().and_then(|text| text.trim().parse().ok())),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn note_epoch(&self, epoch: u64) -> Result<()> {
        self.put(EPOCH, format!("{epoch}\n").into())
    }
}

const EPOCH: &str = "wal-epoch";

#[derive(Debug)]
struct Log {
    machine: Machine,
    path: String,
}

impl Log {
    /// The bytes that a sync which begins now makes last.
    fn sync_effect(&self) -> Effect {
        let len = self.machine.state().disk.read(&self.path).map_or(0, Bytes::len);
        Effect::SyncFile { path: self.path.clone(), len }
    }
}

impl LogFile for Log {
    fn read_all(&mut self) -> io::Result<Bytes> {
        let path = &self.path;
        self.machine.read(path, |disk| Ok(disk.read(path).cloned().unwrap_or_default()))
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (path, bytes) = (self.path.clone(), Bytes::copy_from_slice(bytes));
        let whole = Effect::Append { path, bytes };
        self.machine.call(&self.path, false, |state, asked| {
            let fault = state.faults.as_mut().map_or(100, |random| random.below(100));
            if fault == 0
                && let Some(half) = whole.torn(whole.appended() / 2)
            {
                state.change(half, asked);
                return Err(Refused.into());
            }
            state.change(whole, asked);
            Ok(())
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        self.machine.change(&self.path, self.sync_effect())
    }

    fn start_sync(&mut self) -> io::Result<PendingSync> {
        let (machine, path, effect) = (self.machine.clone(), self.path.clone(), self.sync_effect());
        Ok(Box::new(move || machine.change(&path, effect)))
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        let (path, len) = (self.path.clone(), len as usize);
        self.machine.change(&self.path, Effect::Truncate { path, len })
    }
}
