//! Where databases are made, and where figures are written.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The directory that was asked for; otherwise that of this program, which is on a disk.
pub fn directory(asked: Option<&Path>) -> Result<PathBuf> {
    if let Some(directory) = asked {
        return Ok(directory.to_owned());
    }
    let program = std::env::current_exe()?;
    Ok(program.parent().context("this program is in no directory")?.to_owned())
}

/// Writes a file, if one was asked for.
pub fn write(path: Option<&Path>, text: impl FnOnce() -> Result<String>) -> Result<()> {
    let Some(path) = path else { return Ok(()) };
    std::fs::write(path, text()?).with_context(|| path.display().to_string())
}
