//! Where the course is, and what it has.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::week::Week;
use crate::{Error, files};

/// A copy of the course on disk.
#[derive(Clone, Debug)]
pub struct Course {
    /// The folder with the workspace's `Cargo.toml`.
    pub root: PathBuf,
    /// Cargo's build folder.
    pub target: PathBuf,
    /// Where programs are installed that the course needs and the machine does not have.
    pub tools: PathBuf,
    /// How long a test program may take before it counts as hanging.
    pub limit: Duration,
}

const LIMIT: Duration = Duration::from_secs(120);

impl Course {
    /// The course that a folder lies in.
    ///
    /// # Errors
    /// If there is none.
    pub fn find(start: &Path) -> Result<Self, Error> {
        // Programs run in other folders than this one, so every path must be whole.
        let start = &std::path::absolute(start).map_err(Error::io("find", start))?;
        let root = start.ancestors().find(|folder| is_root(folder));
        let root = root.ok_or_else(|| Error::NoCourse { start: start.to_path_buf() })?;
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(folder) => std::path::absolute(&folder).map_err(Error::io("find", folder))?,
            None => root.join("target"),
        };
        Ok(Self { tools: target.join("tools"), target, ..Self::at(root) })
    }

    /// The course at a folder, built in the folder's own `target`.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        let target = root.join("target");
        Self { tools: target.join("tools"), root, target, limit: LIMIT }
    }

    /// The weeks that have a `week.toml`, in order.
    ///
    /// # Errors
    /// If one is malformed.
    pub fn weeks(&self) -> Result<Vec<Week>, Error> {
        let mut weeks = Vec::new();
        for folder in files::list(&self.root.join("chapters"))? {
            let path = folder.join("week.toml");
            if path.is_file() {
                weeks.push(Week::load(&folder, &self.shown(&path))?);
            }
        }
        weeks.sort_by_key(|week| week.number);
        Ok(weeks)
    }

    /// One week.
    ///
    /// # Errors
    /// If there is no such week or its `week.toml` is malformed.
    pub fn week(&self, number: u8) -> Result<Week, Error> {
        let mut weeks = self.weeks()?;
        match weeks.iter().position(|week| week.number == number) {
            Some(found) => Ok(weeks.swap_remove(found)),
            None => Err(Error::NoWeek {
                asked: number,
                known: crate::prose::joined(weeks.iter().map(|week| week.number)),
            }),
        }
    }

    /// The names of the engine's tests: `week3` for `solutions/tinydb/tests/week3.rs`.
    ///
    /// # Errors
    /// If their folder cannot be read.
    pub fn engine_tests(&self) -> Result<Vec<String>, Error> {
        let found = files::list(&self.root.join("solutions").join("tinydb").join("tests"))?;
        let tests = found.iter().filter(|path| files::has_extension(path, "rs"));
        Ok(tests.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect())
    }

    /// The sources of the reference.
    pub fn reference(&self) -> PathBuf {
        self.root.join("solutions").join("tinydb").join("src")
    }

    /// The sources of the book.
    pub fn book(&self) -> PathBuf {
        self.root.join("book").join("src")
    }

    /// Where the course's commands keep what they make.
    pub fn work(&self) -> PathBuf {
        self.target.join("course")
    }

    /// Where the reader's own things are kept that git does not: how many hints they saw, and copies of replaced files.
    /// Not in the build folder, which `cargo clean` removes.
    pub fn own(&self) -> PathBuf {
        self.root.join(".course")
    }

    /// A path as it is written in messages: seen from the root, with `/`.
    pub fn shown(&self, path: &Path) -> String {
        files::shown(&self.root, path)
    }
}

fn is_root(folder: &Path) -> bool {
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
    manifest.contains("[workspace]") && folder.join("chapters").is_dir()
}
