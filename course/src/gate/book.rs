//! Gate `book`: the pages' sources, then the pages as mdBook builds them.

use std::path::Path;

use super::plan::anchor_findings;
use super::site_findings;
use crate::week::line_at;
use crate::{Course, Error, files, mdbook};

pub(super) fn check(course: &Course) -> Result<Vec<String>, Error> {
    let mut findings = source_findings(course)?;
    let site = course.work().join("checked-book");
    let warnings = mdbook::build(course, Some(&site))?;
    findings.extend(warnings.into_iter().map(|line| format!("mdbook: {line}")));
    findings.extend(site_findings(&site)?);
    findings.extend(anchor_findings(course, &site)?);
    Ok(findings)
}

fn source_findings(course: &Course) -> Result<Vec<String>, Error> {
    let mut findings = Vec::new();
    let pages = summary_pages(course)?;
    if pages.is_empty() {
        findings.push("book/src/SUMMARY.md: it lists no page".to_owned());
    }
    for page in pages {
        if !course.book().join(&page).is_file() {
            findings.push(format!("book/src/SUMMARY.md: {page} does not exist"));
        }
    }
    for path in files::walk(&course.book())? {
        if files::has_extension(&path, "md") {
            findings.extend(page_findings(&course.shown(&path), &path, &files::read(&path)?));
        }
    }
    Ok(findings)
}

/// The pages that SUMMARY.md lists, below `book/src`.
///
/// # Errors
/// If SUMMARY.md cannot be read.
pub fn summary_pages(course: &Course) -> Result<Vec<String>, Error> {
    let text = files::read(&course.book().join("SUMMARY.md"))?;
    let links = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    let pages = links.map(|(page, _)| page.trim_start_matches("./").to_owned());
    Ok(pages.filter(|page| page.ends_with(".md")).collect())
}

/// What is wrong with a page's Markdown; `path` is where it lies, `shown` what it is called in messages.
pub fn page_findings(shown: &str, path: &Path, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    for (at, directive) in directives(text) {
        let wrong = match directive.split_once(char::is_whitespace) {
            Some(("#include" | "#rustdoc_include", target)) => wrong_include(path, target.trim()),
            Some(("#playground", _)) => {
                Some("a playground asks another host; use #include".to_owned())
            }
            _ => None,
        };
        findings.extend(wrong.map(|wrong| (line_at(text, at), wrong)));
    }
    findings.extend(typed_in_code(text));
    findings.sort();
    findings.iter().map(|(line, wrong)| format!("{shown}:{line}: {wrong}")).collect()
}

/// What stands between `{{` and `}}`, and where; a backslash before it makes it plain text.
fn directives(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.match_indices("{{").filter_map(|(at, _)| {
        let (inside, _) = text[at + 2..].split_once("}}")?;
        (!text[..at].ends_with('\\')).then_some((at, inside.trim()))
    })
}

fn wrong_include(page: &Path, target: &str) -> Option<String> {
    let (file, part) = match target.split_once(':') {
        Some((file, part)) => (file, Some(part)),
        None => (target, None),
    };
    let path = page.parent().unwrap_or(Path::new("")).join(file);
    let Ok(text) = files::read(&path) else {
        return Some(format!("cannot include {file}: there is no such file"));
    };
    let part = part?;
    let lines = if part.starts_with(|first: char| first.is_ascii_digit() || first == ':') {
        numbered(&text, part)
    } else {
        match anchored(&text, part) {
            Some(lines) => lines,
            None => {
                return Some(format!(
                    "{file} has no `ANCHOR: {part}` with its `ANCHOR_END: {part}`"
                ));
            }
        }
    };
    let empty = lines.iter().all(|line| line.trim().is_empty());
    empty.then(|| format!("{target} is empty"))
}

/// The lines between an anchor's two marks, without other anchors' marks.
fn anchored<'a>(text: &'a str, anchor: &str) -> Option<Vec<&'a str>> {
    let mut lines = text.lines();
    lines.find(|line| mark(line, "ANCHOR:") == Some(anchor))?;
    let mut inside = Vec::new();
    for line in lines {
        if mark(line, "ANCHOR_END:") == Some(anchor) {
            return Some(inside);
        }
        if mark(line, "ANCHOR:").is_none() && mark(line, "ANCHOR_END:").is_none() {
            inside.push(line);
        }
    }
    None
}

/// The name after `ANCHOR:` or `ANCHOR_END:` on a line, as mdBook reads it.
fn mark<'a>(line: &'a str, keyword: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(keyword)?;
    let rest = rest.trim_start();
    let end =
        rest.find(|letter: char| !(letter.is_alphanumeric() || letter == '_' || letter == '-'));
    let name = &rest[..end.unwrap_or(rest.len())];
    (!name.is_empty()).then_some(name)
}

/// The lines of `5`, `5:`, `:9` or `5:9`.
fn numbered<'a>(text: &'a str, part: &str) -> Vec<&'a str> {
    let (from, to) = match part.split_once(':') {
        Some((from, to)) => (from.parse().unwrap_or(1), to.parse().unwrap_or(usize::MAX)),
        None => {
            let only = part.parse().unwrap_or(usize::MAX);
            (only, only)
        }
    };
    let lines = text.lines().zip(1_usize..);
    lines.filter(|(_, number)| (from..=to).contains(number)).map(|(line, _)| line).collect()
}

/// Rust that is typed into a page compiles nowhere, so it goes wrong unnoticed.
fn typed_in_code(text: &str) -> Vec<(usize, String)> {
    let mut findings = Vec::new();
    let mut lines = text.lines().zip(1..);
    while let Some((line, number)) = lines.next() {
        let Some((fence, language)) = fence(line) else {
            continue;
        };
        let body: Vec<&str> = lines
            .by_ref()
            .map(|(line, _)| unquoted(line))
            .take_while(|line| {
                !(line.starts_with(fence) && line.trim_matches(['`', '~']).is_empty())
            })
            .collect();
        let is_rust = language.split([',', ' ', '{']).next() == Some("rust");
        if is_rust && !is_one_include(&body) {
            let wrong =
                "code is typed in here: include it by an anchor from a file that is compiled";
            findings.push((number, wrong.to_owned()));
        }
    }
    findings
}

/// The marks and the language of a line that opens a fence, in a list or a quote too.
fn fence(line: &str) -> Option<(&str, &str)> {
    let line = unquoted(line);
    let language =
        line.trim_start_matches(line.chars().next().filter(|mark| "`~".contains(*mark))?);
    let marks = &line[..line.len() - language.len()];
    (marks.len() >= 3).then_some((marks, language.trim()))
}

/// A line without the marks of a quote and without its indentation.
fn unquoted(line: &str) -> &str {
    line.trim_start_matches([' ', '>', '\t']).trim_end()
}

fn is_one_include(body: &[&str]) -> bool {
    let mut filled = body.iter().filter(|line| !line.is_empty());
    let first = filled.next().copied().unwrap_or_default();
    let include = first.starts_with("{{#include ") || first.starts_with("{{#rustdoc_include ");
    include && first.ends_with("}}") && filled.next().is_none()
}
