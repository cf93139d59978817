//! Gate `slatedb`: what the course names of SlateDB is in `book/slatedb.toml`, and what is there is named. It needs no
//! sources of SlateDB: `cargo course slatedb` compares the list with them.

use super::named::{Named, What};
use crate::citation::MAIN_CRATE;
use crate::crates::COMPARE;
use crate::pin::{PIN, Pin};
use crate::{Course, Error, manifest};

pub(super) fn check(course: &Course) -> Result<Vec<String>, Error> {
    let pin = Pin::load(course)?;
    let named = Named::of(course, &pin)?;
    let mut findings = Vec::new();
    if named.count == 0 {
        findings.push("no page names a file of SlateDB: there is nothing to check".to_owned());
    }
    for unlisted in &named.unlisted {
        match &unlisted.what {
            // Told once, for its file.
            What::Item(place, _) if pin.file(place).is_none() => {}
            _ => findings.push(unlisted.told(&pin)),
        }
    }
    findings.extend(named.unclear.iter().cloned());
    findings.extend(named.unused(&pin));
    findings.extend(pin.doubles());
    findings.extend(other_version(course, &pin)?);
    Ok(findings)
}

/// What is wrong with the version of SlateDB that TinyDB is measured against.
fn other_version(course: &Course, pin: &Pin) -> Result<Option<String>, Error> {
    let path = course.root.join(COMPARE);
    if !path.is_file() {
        return Ok(None);
    }
    let manifest = manifest::read(course, &path)?;
    let dependency = manifest.get("dependencies").and_then(|all| all.get(MAIN_CRATE));
    let version = dependency.and_then(|one| one.as_str().or_else(|| one.get("version")?.as_str()));
    let pinned = format!("={}", pin.version);
    Ok(version.filter(|version| *version != pinned).map(|version| {
        format!("{COMPARE}: it depends on {MAIN_CRATE} \"{version}\"; {PIN} pins \"{pinned}\"")
    }))
}
