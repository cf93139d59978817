//! Gate `filled`: a chapter whose stubs are filled from the reference passes its own tests.

use std::collections::BTreeSet;

use super::red::judge;
use crate::{Course, Error, scratch};

pub(super) fn check(course: &Course) -> Result<Vec<String>, Error> {
    let mut findings = Vec::new();
    for week in course.weeks()? {
        let open = BTreeSet::new();
        let copy = scratch::workspace(course, &week, &open)?;
        findings.extend(judge(&copy, &week, &open)?);
    }
    Ok(findings)
}
