//! The built book: every link leads somewhere, and no page asks another host for anything.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use crate::html::{Page, style_loads};
use crate::{Error, files};

/// What is wrong with a folder of HTML.
///
/// # Errors
/// If a file cannot be read.
pub fn site_findings(folder: &Path) -> Result<Vec<String>, Error> {
    let mut site = Site { folder, pages: BTreeMap::new() };
    let mut findings = Vec::new();
    for path in files::walk(folder)? {
        if files::has_extension(&path, "html") {
            let page = Page::parse(&files::read(&path)?);
            site.pages.insert(path, page);
        } else if files::has_extension(&path, "css") {
            let style = files::read(&path)?;
            let foreign = style_loads(&style).into_iter().filter(|target| is_foreign(target));
            let shown = files::shown(folder, &path);
            findings
                .extend(foreign.map(|target| format!("{shown}: loads {target} from another host")));
        }
    }
    if site.pages.is_empty() {
        findings.push("the built book has no page".to_owned());
    }
    for (path, page) in &site.pages {
        let shown = files::shown(folder, path);
        findings.extend(site.wrong(path, page).iter().map(|wrong| format!("{shown}: {wrong}")));
    }
    Ok(findings)
}

struct Site<'a> {
    folder: &'a Path,
    pages: BTreeMap<PathBuf, Page>,
}

impl Site<'_> {
    fn wrong(&self, path: &Path, page: &Page) -> Vec<String> {
        let mut wrong: Vec<String> = page.unseen.clone();
        if page.text.contains("{{#") {
            wrong.push("a `{{#` is left over".to_owned());
        }
        for target in &page.loads {
            if is_foreign(target) {
                wrong.push(format!("loads {target} from another host"));
            } else {
                wrong.extend(self.dead(path, page, target));
            }
        }
        let inside =
            page.links.iter().filter(|target| !has_scheme(target) && !target.starts_with("//"));
        wrong.extend(inside.filter_map(|target| self.dead(path, page, target)));
        wrong.dedup();
        wrong
    }

    /// What is wrong with a link to a place of this site.
    fn dead(&self, from: &Path, page: &Page, link: &str) -> Option<String> {
        if has_scheme(link) {
            return None;
        }
        let (target, anchor) = link.split_once('#').unwrap_or((link, ""));
        let target = target.split('?').next().unwrap_or_default();
        let path = if target.is_empty() {
            from.to_path_buf()
        } else {
            self.resolve(from, page, &decoded(target))
        };
        let path = if path.is_dir() { path.join("index.html") } else { path };
        if !path.is_file() {
            return Some(format!("`{link}` leads nowhere"));
        }
        let anchor = decoded(anchor);
        let known = self.pages.get(&path).is_none_or(|page| page.ids.contains(&anchor));
        (!anchor.is_empty() && !known).then(|| format!("`{link}`: that page has no #{anchor}"))
    }

    fn resolve(&self, from: &Path, page: &Page, target: &str) -> PathBuf {
        let base = match from.parent() {
            Some(folder) if !page.from_root && !target.starts_with('/') => folder,
            _ => self.folder,
        };
        let mut path = base.to_path_buf();
        for part in Path::new(target.trim_start_matches('/')).components() {
            match part {
                Component::ParentDir => {
                    path.pop();
                }
                Component::Normal(name) => path.push(name),
                _ => {}
            }
        }
        path
    }
}

/// Whether loading this asks another host.
fn is_foreign(target: &str) -> bool {
    target.starts_with("//") || (has_scheme(target) && !target.starts_with("data:"))
}

fn has_scheme(target: &str) -> bool {
    let Some((scheme, _)) = target.split_once(':') else {
        return false;
    };
    let letters = |letter: char| letter.is_ascii_alphanumeric() || "+.-".contains(letter);
    scheme.starts_with(|first: char| first.is_ascii_alphabetic()) && scheme.chars().all(letters)
}

/// A URL's `%20` and the like made plain.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let escaped =
            hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(|_| *first == b'%');
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
