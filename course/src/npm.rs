//! The package manager of Node.js, for the gates that run its programs.

use std::path::Path;
use std::process::Command;

use crate::Error;
use crate::cargo::succeed;

/// Installs what the folder's `package-lock.json` names.
///
/// # Errors
/// If npm is missing, or a package can't be had.
pub fn install(folder: &Path) -> Result<(), Error> {
    succeed(npm(folder).args(["ci", "--no-audit", "--no-fund"])).map(drop)
}

/// npm, in the folder of a package.
pub fn npm(folder: &Path) -> Command {
    let mut command = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    command.current_dir(folder);
    command
}
