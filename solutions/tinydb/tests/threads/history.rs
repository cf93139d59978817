//! What threads did with a database, and what they saw.

use std::sync::atomic::{AtomicU64, Ordering};

/// How many keys a history uses. Few, so that threads meet.
pub const KEYS: usize = 3;

/// What a database holds: the value of each key, or none.
pub type Map = [Option<String>; KEYS];

/// A change of one key.
#[derive(Debug, Clone)]
pub enum Change {
    Put(usize, String),
    Delete(usize),
    /// Appends to the value.
    Merge(usize, String),
}

/// A call, and its answer.
#[derive(Debug, Clone)]
pub enum Call {
    /// A put, a delete, a merge or a batch.
    Write(Vec<Change>),
    Get(usize, Option<String>),
    /// A scan from its beginning, or a snapshot: all of it was there at one moment.
    Scan(Map),
}

/// A call, and when it was under way.
#[derive(Debug, Clone)]
pub struct Event {
    pub call: Call,
    pub called: u64,
    pub returned: u64,
}

/// The events of each thread.
pub type History = Vec<Vec<Event>>;

impl Call {
    /// What is there after it, if it was made at a moment when `map` was there; `None` if its answer
    /// says that it was not.
    pub fn apply(&self, map: &Map) -> Option<Map> {
        match self {
            Self::Write(changes) => {
                let mut map = map.clone();
                changes.iter().for_each(|change| change.apply(&mut map));
                Some(map)
            }
            Self::Get(key, answer) => (map[*key] == *answer).then(|| map.clone()),
            Self::Scan(answer) => (map == answer).then(|| map.clone()),
        }
    }

    /// Whether it changes nothing.
    pub fn is_read(&self) -> bool {
        !matches!(self, Self::Write(_))
    }
}

impl Change {
    fn apply(&self, map: &mut Map) {
        match self {
            Self::Put(key, value) => map[*key] = Some(value.clone()),
            Self::Delete(key) => map[*key] = None,
            Self::Merge(key, operand) => map[*key].get_or_insert_default().push_str(operand),
        }
    }
}

/// Tells what came before what: each moment has a number.
#[derive(Debug, Default)]
pub struct Clock(AtomicU64);

impl Clock {
    fn now(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }
}

/// Writes down what one thread does.
#[derive(Debug)]
pub struct Recorder<'a> {
    clock: &'a Clock,
    pub events: Vec<Event>,
}

impl<'a> Recorder<'a> {
    pub fn new(clock: &'a Clock) -> Self {
        Self { clock, events: Vec::new() }
    }

    /// Makes a call. What the answer was is said by `tell`, which may take its time.
    pub fn record<T>(&mut self, call: impl FnOnce() -> T, tell: impl FnOnce(&mut T) -> Call) -> T {
        let called = self.clock.now();
        let mut answer = call();
        let returned = self.clock.now();
        self.events.push(Event { call: tell(&mut answer), called, returned });
        answer
    }
}
