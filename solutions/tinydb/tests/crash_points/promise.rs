//! What a user of the database was promised, and may hold it to after a crash.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use tinydb::WriteBatch;

/// Keys and values.
pub type Contents = BTreeMap<String, String>;

/// A write to one key.
#[derive(Debug, Clone)]
pub enum Change {
    Put(String, String),
    Delete(String),
    /// Appends to the value.
    Merge(String, String),
}

impl Change {
    pub fn add_to(&self, batch: &mut WriteBatch) {
        match self {
            Self::Put(key, value) => batch.put(key, value),
            Self::Delete(key) => batch.delete(key),
            Self::Merge(key, operand) => batch.merge(key, operand),
        }
    }

    fn apply(&self, contents: &mut Contents) {
        match self {
            Self::Put(key, value) => drop(contents.insert(key.clone(), value.clone())),
            Self::Delete(key) => drop(contents.remove(key)),
            Self::Merge(key, operand) => {
                contents.entry(key.clone()).or_default().push_str(operand);
            }
        }
    }
}

/// Who dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    /// The process. What the operating system has survives.
    Kill,
    /// The machine. What the disk or the object store has survives.
    PowerCut,
}

/// What the database may hold: the state behind each batch that was tried, in order. All batches come
/// one after the other, so what is there must be a beginning of the history, and a batch is there as a
/// whole or not at all.
#[derive(Debug, Clone)]
pub struct Promise {
    history: Vec<Arc<Contents>>,
    /// How many batches must have survived a kill, and a power cut.
    kill: usize,
    power_cut: usize,
}

impl fmt::Display for Promise {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kill, power_cut, tried) = (self.kill, self.power_cut, self.history.len() - 1);
        write!(out, "{kill} batches survive a kill, {power_cut} a power cut; {tried} tried")
    }
}

impl Promise {
    /// Nothing was written.
    pub fn new() -> Self {
        Self { history: vec![Arc::default()], kill: 0, power_cut: 0 }
    }

    /// A batch is tried.
    pub fn tried(&mut self, batch: &[Change]) {
        let mut contents = self.contents().clone();
        batch.iter().for_each(|change| change.apply(&mut contents));
        self.history.push(Arc::new(contents));
    }

    /// Everything that was tried survives this crash, and a weaker one.
    pub fn survives(&mut self, crash: Crash) {
        self.kill = self.history.len() - 1;
        if crash == Crash::PowerCut {
            self.power_cut = self.kill;
        }
    }

    /// This crash has come: a weaker one leaves no more.
    pub fn after(&mut self, crash: Crash) {
        self.kill = self.must_be_there(crash);
    }

    /// What is there if everything that was tried was done.
    pub fn contents(&self) -> &Contents {
        self.history.last().expect("there is always a state")
    }

    /// How many of the batches that were tried may be gone after this crash.
    pub fn may_be_lost(&self, crash: Crash) -> usize {
        self.history.len() - 1 - self.must_be_there(crash)
    }

    fn must_be_there(&self, crash: Crash) -> usize {
        match crash {
            Crash::Kill => self.kill,
            Crash::PowerCut => self.power_cut,
        }
    }

    /// Compares what was found after a crash with what may be there. From now on that is what
    /// was tried.
    ///
    /// # Panics
    /// If something was lost or invented.
    pub fn hold_to(&mut self, found: &Contents, crash: Crash) {
        let least = self.must_be_there(crash);
        let most = self.history.len() - 1;
        let Some(last) = (least..=most).rev().find(|&last| *self.history[last] == *found) else {
            let elsewhere = self.history.iter().position(|state| **state == *found);
            panic!(
                "after this crash ({crash:?}) batches 1 to {least} must be there and {most} were tried. \
                 Expected the contents behind one of these, such as\n{:?},\nfound\n{found:?},\n\
                 which is the state behind batch {elsewhere:?}",
                self.history[least]
            );
        };
        self.history.truncate(last + 1);
        self.kill = last;
        self.power_cut = if crash == Crash::PowerCut { last } else { self.power_cut.min(last) };
    }
}
