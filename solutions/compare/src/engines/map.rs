//! What an engine that keeps rows in order and writes each one down can't be faster than.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::ops::{Bound, ControlFlow};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Result;

use crate::engine::{Engine, Visit};

/// An ordered map, and a buffered log of keys and values without frames, checksums or syncs. Nothing reads the log.
pub struct MapAndLog(Mutex<Inner>);

struct Inner {
    map: BTreeMap<Vec<u8>, Vec<u8>>,
    log: BufWriter<File>,
}

impl MapAndLog {
    /// An empty map, with a log in a directory.
    pub fn open(directory: &Path) -> Result<Self> {
        let log = BufWriter::with_capacity(64 << 10, File::create(directory.join("log"))?);
        Ok(Self(Mutex::new(Inner { map: BTreeMap::new(), log })))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine for MapAndLog {
    fn put(&self, key: &[u8], value: &[u8]) -> Result<()> {
        let mut guard = self.lock();
        let Inner { map, log } = &mut *guard;
        log.write_all(key)?;
        log.write_all(value)?;
        map.insert(key.to_vec(), value.to_vec());
        Ok(())
    }

    fn get(&self, key: &[u8], value: &mut Vec<u8>) -> Result<bool> {
        let guard = self.lock();
        let found = guard.map.get(key);
        value.clear();
        value.extend_from_slice(found.map_or(&[], Vec::as_slice));
        Ok(found.is_some())
    }

    fn scan(&self, from: &[u8], visit: &mut Visit<'_>) -> Result<()> {
        let guard = self.lock();
        for (key, value) in guard.map.range::<[u8], _>((Bound::Included(from), Bound::Unbounded)) {
            if visit(key, value) == ControlFlow::Break(()) {
                break;
            }
        }
        Ok(())
    }

    fn settle(&self) -> Result<()> {
        Ok(self.lock().log.flush()?)
    }

    fn tables(&self) -> Result<usize> {
        Ok(0)
    }

    fn close(self: Box<Self>) -> Result<()> {
        self.settle()
    }
}
