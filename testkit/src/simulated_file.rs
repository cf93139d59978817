//! A file in memory that tells written from synced, and can fail.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A growing file. Clones share it, so a test keeps one and gives the engine another.
#[derive(Debug, Clone, Default)]
pub struct SimulatedFile {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// What the operating system has: it survives a kill of the process.
    written: Vec<u8>,
    /// What the disk has: it survives a power cut.
    synced: Vec<u8>,
    appends: usize,
    syncs: usize,
    failing_append: Option<usize>,
    failing_sync: bool,
}

impl SimulatedFile {
    /// An empty file.
    pub fn new() -> Self {
        Self::default()
    }

    /// A file that holds `contents`, synced.
    pub fn with_contents(contents: &[u8]) -> Self {
        let file = Self::new();
        file.state().written = contents.to_vec();
        file.state().synced = contents.to_vec();
        file
    }

    /// What a reader finds after a kill of the process.
    pub fn written(&self) -> Vec<u8> {
        self.state().written.clone()
    }

    /// What a reader finds after a power cut.
    pub fn synced(&self) -> Vec<u8> {
        self.state().synced.clone()
    }

    /// How often something was appended.
    pub fn appends(&self) -> usize {
        self.state().appends
    }

    /// How often the file was synced.
    pub fn syncs(&self) -> usize {
        self.state().syncs
    }

    /// Makes the next append fail after writing `bytes` bytes.
    pub fn fail_next_append_after(&self, bytes: usize) {
        self.state().failing_append = Some(bytes);
    }

    /// Makes the next sync fail, without saving anything.
    pub fn fail_next_sync(&self) {
        self.state().failing_sync = true;
    }

    /// Appends as a file does.
    pub fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        state.appends += 1;
        if let Some(written) = state.failing_append.take() {
            state.written.extend(bytes.iter().take(written));
            return Err(io::Error::other("the simulated disk is full"));
        }
        state.written.extend(bytes);
        Ok(())
    }

    /// Syncs as a file does.
    pub fn sync(&self) -> io::Result<()> {
        let mut state = self.state();
        state.syncs += 1;
        if std::mem::take(&mut state.failing_sync) {
            return Err(io::Error::other("the simulated disk is broken"));
        }
        state.synced = state.written.clone();
        Ok(())
    }

    /// Cuts the file to `len` bytes; the cut is lost in a power cut until the next sync.
    pub fn truncate(&self, len: u64) -> io::Result<()> {
        let len = usize::try_from(len).map_err(io::Error::other)?;
        self.state().written.truncate(len);
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
