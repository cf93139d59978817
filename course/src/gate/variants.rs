//! Gate `variants`: engines that are right in another way than the reference pass the chapter's tests too.

use std::collections::BTreeSet;

use super::red::judge;
use crate::patch::patch_files;
use crate::variant::{FOLDER, KIND, Variant};
use crate::week::Week;
use crate::{Course, Error, scratch};

/// How many variants a week has at least.
const ENOUGH: usize = 3;

pub(super) fn check(course: &Course) -> Result<Vec<String>, Error> {
    let mut findings = Vec::new();
    for week in course.weeks()? {
        let variants = patch_files(&week, FOLDER)?;
        if variants.len() < ENOUGH {
            findings.push(too_few(&week, variants.len()));
        }
        for path in variants {
            let found =
                Variant::load(course, &path).and_then(|variant| wrong(course, &week, &variant));
            match found {
                Ok(found) => findings.extend(found),
                Err(error) => findings.push(error.to_string()),
            }
        }
    }
    Ok(findings)
}

fn too_few(week: &Week, found: usize) -> String {
    format!(
        "chapters/{}/{FOLDER}: expected {ENOUGH} right variants NAME.patch or more, found {found}: \
         see \"{}\" in CONTRIBUTING.md",
        week.name(),
        KIND.heading
    )
}

/// What the chapter's tests say of a variant.
fn wrong(course: &Course, week: &Week, variant: &Variant) -> Result<Vec<String>, Error> {
    let copy = scratch::with_patch(course, week, &variant.patch)?;
    let findings = judge(&copy, week, &BTreeSet::new())?;
    Ok(findings.into_iter().map(|found| format!("{}: {found}", variant.patch.path)).collect())
}
