//! `book/slatedb.toml`: the pinned version of SlateDB, and the files and items of it that the course names.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use toml::Spanned;

use crate::citation::Place;
use crate::week::line_at;
use crate::{Course, Error, files};

/// Where the list is, seen from the root of the course.
pub const PIN: &str = "book/slatedb.toml";

/// What the course may name of SlateDB.
#[derive(Clone, Debug)]
pub struct Pin {
    /// The pinned version of all crates.
    pub version: String,
    /// The files by crate and path.
    pub crates: BTreeMap<String, BTreeMap<String, Listed>>,
    /// Names that stand beside SlateDB's and are neither SlateDB's nor TinyDB's.
    pub elsewhere: Vec<Name>,
}

/// A file of the list.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Its path.
    pub name: Name,
    /// Its items: `Db`, `Db::put`.
    pub items: Vec<Name>,
}

/// A name and where the list has it.
#[derive(Clone, Debug)]
pub struct Name {
    /// The name.
    pub text: String,
    /// Its line.
    pub line: usize,
    /// Its first byte, which no other name of the list has.
    pub start: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: String,
    #[serde(default)]
    elsewhere: Vec<Spanned<String>>,
    #[serde(default)]
    files: BTreeMap<String, BTreeMap<Spanned<String>, Vec<Spanned<String>>>>,
}

impl Pin {
    /// Reads the list of a course.
    ///
    /// # Errors
    /// If there is none, or it is malformed.
    pub fn load(course: &Course) -> Result<Self, Error> {
        let path = course.root.join(PIN);
        if !path.is_file() {
            let message = "missing: it lists the files and items of SlateDB that the course names";
            return Err(Error::file(PIN, message));
        }
        Self::parse(&files::read(&path)?)
    }

    /// Reads a list.
    ///
    /// # Errors
    /// If it is malformed.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let document: Document = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| line_at(text, span.start));
            Error::at(PIN, line, error.message())
        })?;
        let name = |spanned: Spanned<String>| Name {
            line: line_at(text, spanned.span().start),
            start: spanned.span().start,
            text: spanned.into_inner(),
        };
        let listed = |(path, items): (Spanned<String>, Vec<Spanned<String>>)| {
            let (path, items) = (name(path), items.into_iter().map(name).collect());
            (path.text.clone(), Listed { name: path, items })
        };
        let crates = document.files.into_iter();
        Ok(Self {
            version: document.version,
            crates: crates
                .map(|(of, files)| (of, files.into_iter().map(listed).collect()))
                .collect(),
            elsewhere: document.elsewhere.into_iter().map(name).collect(),
        })
    }

    /// All listed items, each with its crate and its file.
    pub fn items(&self) -> impl Iterator<Item = (&str, &str, &Name)> + Clone {
        self.crates.iter().flat_map(|(of, files)| {
            files.iter().flat_map(move |(path, listed)| {
                listed.items.iter().map(move |item| (of.as_str(), path.as_str(), item))
            })
        })
    }

    /// A file of the list.
    pub fn file(&self, place: &Place) -> Option<&Listed> {
        self.crates.get(&place.of)?.get(&place.path)
    }

    /// The items of a file that a name can mean.
    pub fn items_of(&self, place: &Place, name: &str) -> Vec<&Name> {
        let items = self.file(place).map_or(&[][..], |listed| &listed.items);
        meant(items.iter().map(|item| (item, &*item.text)), name)
    }

    /// The items of all files that a name can mean.
    pub fn items_named(&self, name: &str) -> Vec<(&str, &str, &Name)> {
        meant(self.items().map(|item| (item, &*item.2.text)), name)
    }

    /// A name listed twice, where it makes no sense.
    pub fn doubles(&self) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let elsewhere = self.elsewhere.iter().map(|name| ("", "", name));
        let twice = self
            .items()
            .chain(elsewhere)
            .filter(|item| !seen.insert((item.0, item.1, &item.2.text)));
        twice
            .map(|(.., name)| format!("{PIN}:{}: `{}` is listed twice", name.line, name.text))
            .collect()
    }
}

/// What a name means among candidates: the one of that name, or else those that end in it, as `Db::put` does in `put`.
fn meant<'a, T>(candidates: impl Iterator<Item = (T, &'a str)> + Clone, name: &str) -> Vec<T> {
    let exact: Vec<T> =
        candidates.clone().filter(|(_, full)| *full == name).map(|(item, _)| item).collect();
    if !exact.is_empty() {
        return exact;
    }
    candidates.filter(|(_, full)| ends_in(full, name)).map(|(item, _)| item).collect()
}

fn ends_in(full: &str, name: &str) -> bool {
    full.strip_suffix(name).is_some_and(|rest| rest.ends_with("::"))
}

/// A sentence that names those of some names that are like one, the likest first; nothing if none is.
pub fn similar<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    const ENOUGH: f64 = 0.85;
    let last = |full: &'a str| full.rsplit(['/', ':']).next().unwrap_or(full);
    let short = name.rsplit(['/', ':']).next().unwrap_or(name);
    let likeness = |full: &'a str| {
        let whole = strsim::jaro_winkler(name, full);
        whole.max(strsim::jaro_winkler(short, last(full)))
    };
    let unique: BTreeSet<&str> = known.into_iter().collect();
    let mut like: Vec<(f64, &str)> =
        unique.into_iter().map(|full| (likeness(full), full)).collect();
    like.retain(|(likeness, _)| *likeness >= ENOUGH);
    like.sort_by(|a, b| b.0.total_cmp(&a.0));
    let named: Vec<String> = like.iter().take(3).map(|(_, full)| format!("`{full}`")).collect();
    if named.is_empty() { String::new() } else { format!(" Similar: {}.", named.join(", ")) }
}
