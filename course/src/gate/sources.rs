//! `cargo course slatedb`: the list held against the sources of SlateDB.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::named::{Named, What};
use crate::citation::Place;
use crate::crates::Crates;
use crate::pin::{PIN, Pin, similar};
use crate::{Course, Error};

/// What comparing the list with SlateDB's sources came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// What is wrong.
    pub findings: Vec<String>,
    /// What was compared, in a sentence.
    pub compared: String,
}

/// Compares the list with SlateDB's sources, which lie in `folder` or where cargo unpacks them, and answers from them
/// what the course names and the list does not have.
///
/// # Errors
/// If there is no list, or there are no sources.
pub fn compare(course: &Course, folder: Option<&Path>) -> Result<Report, Error> {
    let pin = Pin::load(course)?;
    let crates = Crates::find(&pin, folder)?;
    let sources = Sources { pin: &pin, crates };
    let named = Named::of(course, &pin)?;
    let mut findings = sources.wrong_in_list()?;
    findings.extend(sources.answers(&named)?);
    let files: usize = pin.crates.values().map(BTreeMap::len).sum();
    let crates: Vec<&str> = pin.crates.keys().map(String::as_str).collect();
    let compared = format!(
        "The course names {} files and items of SlateDB. {PIN} lists {} items in {files} files of {}, version {}.",
        named.count,
        pin.items().count(),
        crates.join(", "),
        pin.version
    );
    Ok(Report { findings, compared })
}

/// What is to be added to the list: items by file.
type Additions = BTreeMap<Place, BTreeSet<String>>;

fn to_add<'a>(additions: &'a mut Additions, place: &Place) -> &'a mut BTreeSet<String> {
    additions.entry(place.clone()).or_default()
}

struct Sources<'a> {
    pin: &'a Pin,
    crates: Crates,
}

impl Sources<'_> {
    fn wrong_in_list(&self) -> Result<Vec<String>, Error> {
        let mut findings = Vec::new();
        for (of, listed) in &self.pin.crates {
            for (path, file) in listed {
                let place = Place { of: of.clone(), path: path.clone() };
                if !self.crates.has(&place) {
                    findings.push(format!("{PIN}:{}: {}", file.name.line, self.no_file(&place)?));
                    continue;
                }
                let items = self.crates.items(&place)?;
                for item in file.items.iter().filter(|item| !items.contains(&item.text)) {
                    let wrong = self.no_item(&place, &item.text)?;
                    findings.push(format!("{PIN}:{}: {wrong}", item.line));
                }
            }
        }
        Ok(findings)
    }

    /// What the sources say of what the list does not have.
    fn answers(&self, named: &Named) -> Result<Vec<String>, Error> {
        let mut findings = Vec::new();
        let mut additions = Additions::new();
        for unlisted in &named.unlisted {
            let answer = match &unlisted.what {
                What::File(place) if self.crates.has(place) => {
                    to_add(&mut additions, place);
                    continue;
                }
                What::File(place) => self.no_file(place)?,
                What::Item(place, _) if !self.crates.has(place) => continue,
                What::Item(place, item) => match &self.meant(place, item)?[..] {
                    [one] => {
                        to_add(&mut additions, place).insert(one.clone());
                        continue;
                    }
                    _ => self.no_item(place, item)?,
                },
                What::LooseItem(item) => self.whereabouts(item)?,
                What::LooseFile(_) => {
                    unlisted.told(self.pin).replace(&format!("{}: ", unlisted.at), "")
                }
            };
            findings.push(format!("{}: {answer}", unlisted.at));
        }
        findings.extend(additions.iter().map(|(place, items)| self.addition(place, items)));
        Ok(findings)
    }

    fn addition(&self, place: &Place, items: &BTreeSet<String>) -> String {
        let Place { of, path } = place;
        let items: Vec<String> = items.iter().map(|item| format!("\"{item}\"")).collect();
        let items = items.join(", ");
        let what = match self.pin.file(place) {
            Some(_) => format!("to \"{path}\": {items}"),
            None => format!("below [files.{of}]: \"{path}\" = [{items}]"),
        };
        format!("{of} {} has it: add to {PIN} {what}", self.pin.version)
    }

    fn no_file(&self, place: &Place) -> Result<String, Error> {
        let Place { of, path } = place;
        if !self.crates.have(of) {
            let known = self.pin.crates.keys().map(String::as_str);
            let (version, like) = (&self.pin.version, similar(of, known));
            return Ok(format!(
                "{PIN} has no [files.{of}], so {of} {version} was not read. Add it and run this again.{like}"
            ));
        }
        let like = similar(path, self.crates.files(of)?.iter().map(String::as_str));
        Ok(format!("{of} {} has no `{path}`.{like}", self.pin.version))
    }

    /// What a file has of this name: the item, or items that end in it.
    fn meant(&self, place: &Place, item: &str) -> Result<Vec<String>, Error> {
        let items = self.crates.items(place)?;
        if items.contains(item) {
            return Ok(vec![item.to_owned()]);
        }
        let ending = format!("::{item}");
        Ok(items.iter().filter(|full| full.ends_with(&ending)).cloned().collect())
    }

    /// Why an item is not in a file under its name.
    fn no_item(&self, place: &Place, item: &str) -> Result<String, Error> {
        let Place { of, path } = place;
        let version = &self.pin.version;
        let whole = self.meant(place, item)?;
        if !whole.is_empty() {
            let whole = quoted(&whole);
            return Ok(format!("`{item}` is {whole} in `{path}` of {of} {version}: say which"));
        }
        let others = self.found(item)?;
        let hint = if others.is_empty() {
            similar(item, self.crates.items(place)?.iter().map(String::as_str))
        } else {
            format!(" There is {}.", others.join(", "))
        };
        Ok(format!("`{path}` of {of} {version} has no `{item}`.{hint}"))
    }

    fn whereabouts(&self, item: &str) -> Result<String, Error> {
        let files = self.found(item)?;
        let version = &self.pin.version;
        if files.is_empty() {
            return Ok(format!(
                "no crate of SlateDB {version} has `{item}`. If it is another crate's, add it to `elsewhere` in {PIN}"
            ));
        }
        Ok(format!("SlateDB {version} has {}: say so, or list it there", files.join(", ")))
    }

    /// The items of this name in all files, each with its file.
    fn found(&self, item: &str) -> Result<Vec<String>, Error> {
        let mut found = Vec::new();
        for of in self.pin.crates.keys() {
            for path in self.crates.files(of)? {
                let place = Place { of: of.clone(), path };
                let meant = self.meant(&place, item)?;
                found.extend(meant.iter().map(|item| format!("`{item}` in `{}`", place.path)));
            }
        }
        Ok(found)
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
