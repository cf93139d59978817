//! Gate `traces`: the recordings in the book are what the engine does now.

use crate::trace::{folder, recorded, reference, scripts};
use crate::{Course, Error, files};

pub(super) fn check(course: &Course) -> Result<Vec<String>, Error> {
    let scripts = scripts(course)?;
    let mut findings = Vec::new();
    if scripts.is_empty() {
        findings.push("book/src/traces: there is no script, `NAME.txt`, to record".to_owned());
        return Ok(findings);
    }
    let program = reference(course, false)?;
    for script in &scripts {
        let expected = match recorded(&program, script) {
            Ok(expected) => expected,
            Err(error) => {
                findings.push(format!("{}: {error}", course.shown(&script.path)));
                continue;
            }
        };
        for (path, text) in expected {
            let shown = course.shown(&path);
            let found = files::read(&path).unwrap_or_default();
            findings.extend(difference(&text, &found).map(|wrong| {
                format!("{shown}{wrong}. Run `cargo course trace` and commit what it writes")
            }));
        }
    }
    let names: Vec<&str> = scripts.iter().map(|script| &script.name[..]).collect();
    findings.extend(left_behind(course, &names)?);
    findings.extend(not_shown(course, &names)?);
    Ok(findings)
}

/// Where a file differs from what it should be.
fn difference(expected: &str, found: &str) -> Option<String> {
    if expected == found {
        return None;
    }
    if found.is_empty() {
        return Some(": missing".to_owned());
    }
    let short = |line: Option<&str>| match line {
        None => "the end".to_owned(),
        Some(line) if line.chars().count() > 120 => {
            format!("`{}…`", line.chars().take(120).collect::<String>())
        }
        Some(line) => format!("`{line}`"),
    };
    let (mut expected, mut found) = (expected.lines(), found.lines());
    for number in 1.. {
        let (should, is) = (expected.next(), found.next());
        if should != is {
            return Some(format!(
                ":{number}: the engine gives {}, on disk {}",
                short(should),
                short(is)
            ));
        }
        if should.is_none() {
            break;
        }
    }
    Some(": the ends of its lines differ".to_owned())
}

/// Recordings whose script is gone.
fn left_behind(course: &Course, names: &[&str]) -> Result<Vec<String>, Error> {
    let mut findings = Vec::new();
    for path in files::list(&folder(course))? {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let is_recorded = files::has_extension(&path, "json") || files::has_extension(&path, "md");
        if is_recorded && !names.contains(&&stem[..]) {
            findings.push(format!("{}: there is no script of it, {stem}.txt", course.shown(&path)));
        }
    }
    Ok(findings)
}

/// Recordings that no page shows.
fn not_shown(course: &Course, names: &[&str]) -> Result<Vec<String>, Error> {
    let mut pages = String::new();
    for path in files::walk(&course.book())? {
        if files::has_extension(&path, "md") {
            pages += &files::read(&path)?;
        }
    }
    let missing = names.iter().filter(|name| !pages.contains(&format!("traces/{name}.md}}}}")));
    Ok(missing.map(|name| format!("book/src/traces/{name}.md: no page includes it")).collect())
}
