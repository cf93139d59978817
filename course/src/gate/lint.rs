//! Gate `lint`: rustfmt, clippy and rustdoc.

use crate::cargo::{cargo, succeed};
use crate::{Course, Error};

pub(super) fn check(course: &Course) -> Result<Vec<String>, Error> {
    let mut findings = Vec::new();
    findings.extend(run(course, &["fmt", "--all", "--check"], &[])?);
    let clippy = ["clippy", "--quiet", "--workspace", "--all-targets", "--", "--deny", "warnings"];
    findings.extend(run(course, &clippy, &[])?);
    findings.extend(doc_findings(course)?);
    Ok(findings)
}

/// What rustdoc has to say.
///
/// # Errors
/// If cargo cannot be started.
pub fn doc_findings(course: &Course) -> Result<Option<String>, Error> {
    let doc = ["doc", "--quiet", "--workspace", "--no-deps"];
    run(course, &doc, &[("RUSTDOCFLAGS", "--deny warnings")])
}

/// What a cargo command says if it fails.
fn run(
    course: &Course,
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> Result<Option<String>, Error> {
    let mut command = cargo(course);
    command.args(arguments).envs(variables.iter().copied());
    match succeed(&mut command) {
        Ok(_) => Ok(None),
        Err(error @ Error::Program { .. }) => Ok(Some(error.to_string())),
        Err(other) => Err(other),
    }
}
