//! What a part cache knows: which parts it has, and what is going on with which object.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::ObjectMeta;
use super::part_index::{PartIndex, PartKey};

/// Of so many objects the size is remembered; beyond that, it is asked for again.
const MAX_KNOWN_OBJECTS: usize = 65_536;

/// The state of a cache, behind its lock. It does no I/O.
#[derive(Debug)]
pub(super) struct State {
    pub(super) index: PartIndex,
    /// The parts whose files are being removed. They are no longer in the index.
    pub(super) removals: HashSet<PartKey>,
    /// What is known of objects: of each that is being written or has its files worked on, and of others.
    pub(super) objects: HashMap<Arc<str>, ObjectState>,
    last_generation: u64,
}

/// What is going on with an object.
#[derive(Debug)]
pub(super) struct ObjectState {
    /// Another number after each write. A read that began before is told by it.
    pub(super) generation: u64,
    pub(super) meta: Option<ObjectMeta>,
    /// How many are writing or deleting it.
    pub(super) writers: usize,
    /// How many are writing or removing files of its parts.
    pub(super) workers: usize,
}

/// An object as a read found it.
#[derive(Debug)]
pub(super) struct OpenObject {
    pub(super) path: Arc<str>,
    pub(super) generation: u64,
    pub(super) meta: ObjectMeta,
}

impl OpenObject {
    pub(super) fn part(&self, number: u64) -> PartKey {
        PartKey { path: Arc::clone(&self.path), number }
    }
}

impl State {
    pub(super) fn new(index: PartIndex) -> Self {
        Self { index, removals: HashSet::new(), objects: HashMap::new(), last_generation: 0 }
    }

    /// Begins a read: the object's generation, and its head if it is known; `None` while it is written.
    pub(super) fn enter(&mut self, path: &Arc<str>) -> Option<(u64, Option<ObjectMeta>)> {
        if self.objects.len() >= MAX_KNOWN_OBJECTS {
            self.objects.retain(|_, object| object.writers + object.workers > 0);
        }
        let object = self.object(path);
        (object.writers == 0).then(|| (object.generation, object.meta.clone()))
    }

    /// What is known of an object, which is made up if it is new.
    pub(super) fn object(&mut self, path: &str) -> &mut ObjectState {
        let generations = &mut self.last_generation;
        self.objects.entry(path.into()).or_insert_with(|| {
            *generations += 1;
            ObjectState { generation: *generations, meta: None, writers: 0, workers: 0 }
        })
    }

    /// The head of an object of this generation, if it was noted.
    pub(super) fn known(&self, path: &str, generation: u64) -> Option<ObjectMeta> {
        let object = self.objects.get(path).filter(|object| object.generation == generation)?;
        object.meta.clone()
    }

    /// Notes the head of an object, if it is still of this generation.
    pub(super) fn note(&mut self, path: &str, generation: u64, meta: &ObjectMeta) {
        let object = self.objects.get_mut(path);
        if let Some(object) = object.filter(|object| object.generation == generation) {
            object.meta = Some(meta.clone());
        }
    }

    /// Whether an object was not written since it was opened.
    pub(super) fn is_current(&self, object: &OpenObject) -> bool {
        let known = self.objects.get(&object.path);
        known.is_some_and(|known| known.generation == object.generation)
    }

    /// Takes a part out of the index, for its file to be removed; how long that is.
    pub(super) fn begin_removal(&mut self, key: &PartKey) -> Option<u64> {
        let len = self.index.take(key)?;
        self.removals.insert(key.clone());
        self.begin_work(&key.path);
        Some(len)
    }

    /// Notes that somebody works on the files of an object; [`State::end_work`] has to follow.
    pub(super) fn begin_work(&mut self, path: &str) {
        self.object(path).workers += 1;
    }

    /// Notes that work on an object's files has ended.
    pub(super) fn end_work(&mut self, path: &str) {
        self.object(path).workers -= 1;
    }

    /// Notes that an object is being written; [`State::end_write`] has to follow. Reads that began
    /// before are told by the generation.
    pub(super) fn begin_write(&mut self, path: &str) {
        self.last_generation += 1;
        let generation = self.last_generation;
        let object = self.object(path);
        object.generation = generation;
        object.meta = None;
        object.writers += 1;
    }

    /// Notes that an object was written.
    pub(super) fn end_write(&mut self, path: &str) {
        self.object(path).writers -= 1;
    }
}
