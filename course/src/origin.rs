//! Where the modules of a week's crate come from.
//!
//! A week's crate is the whole engine, and after each edit the compiler goes through all of it once more. So it has as little
//! as it can of its own: a module in which nothing of the week can be reached is taken from the crate `tinydb`, which is
//! compiled once. The others are compiled again on the reader's rooms, from the same files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::things::Things;
use crate::week::Week;
use crate::{Course, Error, files, manifest};

/// The feature of a week's crate that its tests do without: the rooms in the list `without` of its `week.toml`.
pub const FEATURE: &str = "engine";

/// The package that has the reference.
const PACKAGE: &str = "tinydb";

/// Where a module of a week's crate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The week's own folder.
    Own,
    /// The reference's crate, as it is.
    Reference,
    /// This file, compiled in the week's crate; the tests do without it or not.
    File {
        /// Where the module begins, whole.
        path: PathBuf,
        /// Whether it is there with the feature [`FEATURE`] only.
        optional: bool,
    },
}

impl Origin {
    /// The line or lines that declare a module in a week's `src/lib.rs`.
    pub fn lines(&self, course: &Course, name: &str) -> String {
        match self {
            Self::Own => format!("pub mod {name};"),
            Self::Reference => format!("pub use {PACKAGE}::{name};"),
            Self::File { path, optional } => {
                let gate = if *optional { gate() } else { String::new() };
                let path = course.shown(path);
                format!("{gate}#[path = \"../../../{path}\"]\npub mod {name};")
            }
        }
    }
}

/// The line above what the week's tests do without.
pub fn gate() -> String {
    format!("#[cfg(feature = \"{FEATURE}\")]\n")
}

/// The origins of all modules of a week's crate. `adopted` are the rooms that are not the reference's, each with the file
/// that it begins in.
///
/// # Errors
/// If the reference or the week's manifest cannot be read, or a module has no file.
pub fn origins(
    course: &Course,
    week: &Week,
    adopted: &BTreeMap<String, PathBuf>,
) -> Result<BTreeMap<String, Origin>, Error> {
    let root = course.reference().join("lib.rs");
    let shown = course.shown(&root);
    let names = Things::of(&shown, &files::read(&root)?)?.modules;
    let names: Vec<String> = names.into_iter().map(|module| module.name).collect();
    if let Some(wrong) = week.without.iter().find(|name| !names.contains(name)) {
        let toml = course.shown(&week.folder.join("week.toml"));
        return Err(Error::file(
            &toml,
            format!("`without` names {wrong}, which {shown} does not have"),
        ));
    }
    let is_own = |name: &str| week.has_room_of(Path::new(name));
    let rebuilt = match takes_from_reference(course, week)? {
        true => reaching(course, &names, |name| is_own(name) || adopted.contains_key(name))?,
        false => names.iter().cloned().collect(),
    };
    let mut origins = BTreeMap::new();
    for name in names {
        let origin = if is_own(&name) {
            Origin::Own
        } else if rebuilt.contains(&name) {
            let file = adopted.get(&name).cloned();
            let path = file.or_else(|| module_file(&course.reference(), &name));
            let path = path.filter(|path| path.is_file()).ok_or_else(|| {
                Error::file(&shown, format!("there is no file for `mod {name};`"))
            })?;
            Origin::File { path, optional: week.without.contains(&name) }
        } else {
            Origin::Reference
        };
        origins.insert(name, origin);
    }
    Ok(origins)
}

/// Whether a week's crate depends on the reference's. In week 1 nearly every room is above the reader's, so it would be
/// compiled for nothing.
fn takes_from_reference(course: &Course, week: &Week) -> Result<bool, Error> {
    let manifest = manifest::read(course, &week.folder.join("Cargo.toml"))?;
    let dependencies = manifest.get("dependencies");
    Ok(dependencies.is_some_and(|dependencies| dependencies.get(PACKAGE).is_some()))
}

/// The modules that are among `first`, or use one that is, or use one that uses one.
fn reaching(
    course: &Course,
    names: &[String],
    first: impl Fn(&str) -> bool,
) -> Result<BTreeSet<String>, Error> {
    let mut uses = BTreeMap::new();
    for name in names {
        uses.insert(name, used(course, name)?);
    }
    let mut found: BTreeSet<String> = names.iter().filter(|name| first(name)).cloned().collect();
    loop {
        let more = uses.iter().filter(|(name, used)| {
            !found.contains(**name) && used.iter().any(|name| found.contains(name))
        });
        let more: Vec<String> = more.map(|(name, _)| (*name).clone()).collect();
        if more.is_empty() {
            return Ok(found);
        }
        found.extend(more);
    }
}

/// The names that follow `crate::` in the code of a module of the reference.
fn used(course: &Course, name: &str) -> Result<BTreeSet<String>, Error> {
    let folder = course.reference().join(name);
    let mut sources = files::walk(&folder)?;
    sources.extend(module_file(&course.reference(), name));
    let mut names = BTreeSet::new();
    for path in sources.iter().filter(|path| files::has_extension(path, "rs")) {
        let text = files::read(path)?;
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            names.extend(line.split("crate::").skip(1).map(identifier));
        }
    }
    Ok(names)
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|found| found.is_alphanumeric() || *found == '_').collect()
}

fn module_file(sources: &Path, name: &str) -> Option<PathBuf> {
    [sources.join(name).join("mod.rs"), sources.join(format!("{name}.rs"))]
        .into_iter()
        .find(|path| path.is_file())
}
