//! How a writer came to be fenced.

use crate::error::Error;

/// The fields of an [`Error::Fenced`], to be told again and again.
#[derive(Debug, Clone)]
pub struct Fence {
    epoch: u64,
    newer_epoch: u64,
    manifest: String,
}

impl Fence {
    /// The fence that an error tells of, if it does.
    pub fn of(error: &Error) -> Option<Self> {
        let Error::Fenced { epoch, newer_epoch, manifest } = error else { return None };
        let (epoch, newer_epoch, manifest) = (*epoch, *newer_epoch, manifest.clone());
        Some(Self { epoch, newer_epoch, manifest })
    }

    /// The error that tells of it.
    pub fn error(&self) -> Error {
        let Self { epoch, newer_epoch, manifest } = self.clone();
        Error::Fenced { epoch, newer_epoch, manifest }
    }
}
