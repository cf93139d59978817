//! What the course names of SlateDB, held against the list.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::citation::{Citation, Cited, Place, in_comments, in_page};
use crate::pin::{Name, PIN, Pin, similar};
use crate::{Course, Error, files};

/// Something that the course names and the list does not have.
#[derive(Clone, Debug)]
pub(super) struct Unlisted {
    /// Where it is named: file and line.
    pub at: String,
    pub what: What,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    File(Place),
    Item(Place, String),
    /// An item without a file, which TinyDB does not have either.
    LooseItem(String),
    /// A file without `src/`, which the course does not have either.
    LooseFile(String),
}

/// What the course names.
#[derive(Default)]
pub(super) struct Named {
    pub unlisted: Vec<Unlisted>,
    /// What cannot be understood, or is about another version.
    pub unclear: Vec<String>,
    /// What of the list is named, by where it starts there.
    used: BTreeSet<usize>,
    /// How often a file or an item of one is named.
    pub count: usize,
}

impl Named {
    /// Reads all pages, and the comments of the engine and of what surrounds it.
    pub fn of(course: &Course, pin: &Pin) -> Result<Self, Error> {
        let own = Own::of(course)?;
        let mut named = Self::default();
        for path in files::walk(&course.book())? {
            if files::has_extension(&path, "md") {
                let citations = in_page(&files::read(&path)?);
                named.judge(&course.shown(&path), citations, pin, &own);
            }
        }
        for path in &own.sources {
            let citations = in_comments(&files::read(path)?);
            named.judge(&course.shown(path), citations, pin, &own);
        }
        Ok(named)
    }

    fn judge(&mut self, shown: &str, citations: Vec<Citation>, pin: &Pin, own: &Own) {
        for Citation { line, what } in citations {
            let at = format!("{shown}:{line}");
            let unlisted = match what {
                Cited::File(place) => self.file(place, pin),
                Cited::Item(place, item) => self.item(place, item, pin),
                Cited::LooseItem(item) => self.loose_item(item, pin, own),
                Cited::LooseFile(path) => self.loose_file(path, pin, own),
                Cited::Version(version) => {
                    if version != pin.version {
                        let wrong =
                            format!("this is about version {version}; {PIN} pins {}", pin.version);
                        self.unclear.push(format!("{at}: {wrong}"));
                    }
                    None
                }
                Cited::Unclear(how) => {
                    self.unclear.push(format!("{at}: {how}"));
                    None
                }
            };
            self.unlisted.extend(unlisted.map(|what| Unlisted { at, what }));
        }
    }

    fn file(&mut self, place: Place, pin: &Pin) -> Option<What> {
        self.count += 1;
        if let Some(listed) = pin.file(&place) {
            self.used.insert(listed.name.start);
            return None;
        }
        let mut files = pin.crates.get(&place.of).into_iter().flat_map(|files| files.keys());
        let is_folder = place.path.ends_with('/');
        let is_known = is_folder && files.any(|path| path.starts_with(&place.path));
        (!is_known).then_some(What::File(place))
    }

    fn item(&mut self, place: Place, item: String, pin: &Pin) -> Option<What> {
        self.count += 1;
        let meant = pin.items_of(&place, &item);
        self.used.extend(meant.iter().map(|name| name.start));
        meant.is_empty().then_some(What::Item(place, item))
    }

    fn loose_item(&mut self, item: String, pin: &Pin, own: &Own) -> Option<What> {
        let meant = pin.items_named(&item).into_iter().map(|(.., name)| name);
        let elsewhere = pin.elsewhere.iter().filter(|name| name.text == item);
        let known: Vec<&Name> = meant.chain(elsewhere).collect();
        self.used.extend(known.iter().map(|name| name.start));
        (known.is_empty() && !own.has_name(&item)).then_some(What::LooseItem(item))
    }

    fn loose_file(&mut self, path: String, pin: &Pin, own: &Own) -> Option<What> {
        let listed: Vec<_> = pin.crates.values().filter_map(|files| files.get(&path)).collect();
        self.used.extend(listed.iter().map(|listed| listed.name.start));
        (listed.is_empty() && !own.has_file(&path)).then_some(What::LooseFile(path))
    }

    /// What the list has and nothing names.
    pub fn unused(&self, pin: &Pin) -> Vec<String> {
        let mut unused = Vec::new();
        for file in pin.crates.values().flat_map(|files| files.values()) {
            if file.items.is_empty() {
                unused.push((&file.name, String::new()));
            }
        }
        unused.extend(pin.items().map(|(_, path, item)| (item, format!(" in `{path}`"))));
        unused.extend(pin.elsewhere.iter().map(|name| (name, " beside SlateDB".to_owned())));
        unused.retain(|(name, _)| !self.used.contains(&name.start));
        unused.sort_by_key(|(name, _)| name.start);
        let told = |(name, rest): (&Name, String)| {
            format!("{PIN}:{}: nothing names `{}`{rest}: take it out", name.line, name.text)
        };
        unused.into_iter().map(told).collect()
    }
}

impl Unlisted {
    /// Says so, with what the list has instead.
    pub fn told(&self, pin: &Pin) -> String {
        let at = &self.at;
        match &self.what {
            What::File(place) => {
                let files = pin.crates.get(&place.of).into_iter().flat_map(|files| files.keys());
                let like = similar(&place.path, files.map(String::as_str));
                not_listed(at, &format!("`{}`", place.path), place, &like, pin)
            }
            What::Item(place, item) => {
                let what = format!("`{item}` in `{}`", place.path);
                not_listed(at, &what, place, &likely(item, place, pin), pin)
            }
            What::LooseItem(item) => {
                let like = similar(item, pin.items().map(|(.., name)| name.text.as_str()));
                format!(
                    "{at}: `{item}` is named beside SlateDB, and neither {PIN} nor TinyDB's code has it.{like} \
                     If it is SlateDB's, say where: `{item}` in `src/…`. If it is another crate's, add it to \
                     `elsewhere` in {PIN}"
                )
            }
            What::LooseFile(path) => {
                let files = pin.crates.values().flat_map(|files| files.keys());
                let like = similar(path, files.map(String::as_str));
                format!(
                    "{at}: `{path}` is named beside SlateDB, and neither {PIN} nor the course has it.{like} \
                     Write a file of SlateDB from its crate's folder, as `src/db.rs`"
                )
            }
        }
    }
}

fn not_listed(at: &str, what: &str, place: &Place, like: &str, pin: &Pin) -> String {
    let Place { of, .. } = place;
    let version = &pin.version;
    format!(
        "{at}: {PIN} does not list {what} of {of} {version}.{like} \
         If {version} has it, add it there; `cargo course slatedb` compares with the sources"
    )
}

/// What the list has like an item that is not in a file.
fn likely(item: &str, place: &Place, pin: &Pin) -> String {
    let others: BTreeSet<String> =
        pin.items_named(item).into_iter().map(|(_, path, _)| format!("`{path}`")).collect();
    if others.is_empty() {
        let listed = pin.file(place).into_iter().flat_map(|file| &file.items);
        return similar(item, listed.map(|name| name.text.as_str()));
    }
    format!(" It lists `{item}` in {}.", others.into_iter().collect::<Vec<_>>().join(", "))
}

/// The course's own code and files.
struct Own {
    sources: Vec<PathBuf>,
    names: BTreeSet<String>,
    files: Vec<String>,
}

impl Own {
    /// The engine and what surrounds it. The stubs are left out: they are made from the engine.
    fn of(course: &Course) -> Result<Self, Error> {
        let mut folders = vec![course.root.join("solutions"), course.root.join("testkit")];
        for chapter in files::list(&course.root.join("chapters"))? {
            folders.extend(["tests", "examples"].map(|folder| chapter.join(folder)));
        }
        let mut sources = Vec::new();
        for folder in folders {
            sources.extend(files::walk(&folder)?);
        }
        let files = sources.iter().map(|path| course.shown(path)).collect();
        sources.retain(|path| files::has_extension(path, "rs"));
        let mut names = BTreeSet::new();
        for path in &sources {
            names.extend(names_in(&files::read(path)?));
        }
        Ok(Self { sources, names, files })
    }

    fn has_name(&self, item: &str) -> bool {
        item.split("::").all(|part| self.names.contains(part))
    }

    fn has_file(&self, path: &str) -> bool {
        let ending = format!("/{path}");
        self.files.iter().any(|file| file == path || file.ends_with(&ending))
    }
}

/// The words of a file's code, without its comments: those name SlateDB.
fn names_in(text: &str) -> BTreeSet<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let words = code
        .flat_map(|line| line.split(|letter: char| !(letter.is_alphanumeric() || letter == '_')));
    words.map(str::to_owned).collect()
}
