//! A right variant: a [patch](crate::patch) that makes the reference another engine which is as right. Tests that are
//! about more than what the course promises fail on one.
//!
//! ```text
//! variant: newest_first
//! says: The memtable is a sorted vector. Nobody promised a tree, and the rows come in the same order.
//!
//! diff --git a/solutions/tinydb/src/storage/mem_table.rs b/solutions/tinydb/src/storage/mem_table.rs
//! ```

use std::path::Path;

use crate::patch::{Kind, Patch};
use crate::{Course, Error, files};

/// The folder of a week's variants.
pub(crate) const FOLDER: &str = "variants";

/// What a variant's patch is called, and where CONTRIBUTING.md tells about one.
pub(crate) const KIND: Kind = Kind { word: "variant", keys: &["says"], heading: "A right variant" };

/// A right variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// Its name, which is also its file's.
    pub name: String,
    /// What differs, and why it is right.
    pub says: String,
    /// The patch.
    pub patch: Patch,
}

impl Variant {
    /// Reads a variant's file.
    ///
    /// # Errors
    /// As [`Variant::parse`], and if the file cannot be read.
    pub fn load(course: &Course, path: &Path) -> Result<Self, Error> {
        Self::parse(&course.shown(path), &files::read(path)?)
    }

    /// Reads a variant from its file's text.
    ///
    /// # Errors
    /// If a line above the patch is missing, unknown or wrong, or the patch is none.
    pub fn parse(path: &str, text: &str) -> Result<Self, Error> {
        let (patch, heads) = Patch::parse(&KIND, path, text)?;
        let (name, says) = (heads.get(KIND.word)?, heads.get("says")?);
        Ok(Self { name: name.value.clone(), says: says.value.replace('\n', " "), patch })
    }
}
