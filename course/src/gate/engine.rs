//! Gate `engine`: the reference passes every chapter's tests.

use std::collections::BTreeSet;

use super::verdict;
use crate::cargo::build_tests;
use crate::inventory::{TestFile, test_files};
use crate::things::parse;
use crate::week::Week;
use crate::{Course, Error, files, suite};

pub(super) fn check(course: &Course) -> Result<Vec<String>, Error> {
    let mut findings = Vec::new();
    for week in course.weeks()? {
        let files = test_files(course, &week)?;
        let missing = missing_files(course, &week, &files)?;
        if missing.is_empty() {
            findings.extend(run(course, &week, &files)?);
        }
        findings.extend(missing);
    }
    Ok(findings)
}

/// The test files with tests that the engine does not run.
fn missing_files(course: &Course, week: &Week, tests: &[TestFile]) -> Result<Vec<String>, Error> {
    let wrapper = course.root.join(format!("solutions/tinydb/tests/{}.rs", week.name()));
    let shown = course.shown(&wrapper);
    if !wrapper.is_file() {
        return Ok(vec![format!(
            "{shown}: missing: expected it to include {}'s test files",
            week.name()
        )]);
    }
    let included = included(&shown, &files::read(&wrapper)?)?;
    let missing = tests.iter().filter(|file| !file.tests.is_empty());
    let missing = missing.filter(|file| !included.contains(&format!("../../../{}", file.path)));
    Ok(missing
        .map(|file| {
            let (path, name) = (&file.path, &file.name);
            format!("{shown}: expected `#[path = \"../../../{path}\"] mod {name};`")
        })
        .collect())
}

/// What the `#[path = "…"]` of a file's modules say.
fn included(path: &str, text: &str) -> Result<BTreeSet<String>, Error> {
    let file = parse(path, text)?;
    let modules = file.items.into_iter().filter_map(|item| match item {
        syn::Item::Mod(module) => Some(module.attrs),
        _ => None,
    });
    Ok(modules.flatten().filter_map(|attribute| path_value(&attribute)).collect())
}

fn path_value(attribute: &syn::Attribute) -> Option<String> {
    let named = attribute.meta.require_name_value().ok()?;
    match &named.value {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. })
            if named.path.is_ident("path") =>
        {
            Some(text.value())
        }
        _ => None,
    }
}

fn run(course: &Course, week: &Week, files: &[TestFile]) -> Result<Vec<String>, Error> {
    let programs = match build_tests(course, "tinydb", &[&week.name()], false) {
        Ok(programs) => programs,
        Err(Error::Compile { output }) => {
            return Ok(vec![format!("{} on the engine does not compile:\n{output}", week.name())]);
        }
        Err(other) => return Err(other),
    };
    let suite = suite::run(&programs, "", course.limit)?;
    let ran: BTreeSet<&str> = suite.tests.iter().map(|test| test.name.as_str()).collect();
    let mut findings = verdict(week, &BTreeSet::new(), &suite);
    for file in files {
        for test in &file.tests {
            let name = format!("{}::{test}", file.name);
            if !ran.contains(name.as_str()) {
                findings.push(format!("{}: {test} does not run on the engine", file.path));
            }
        }
    }
    Ok(findings.into_iter().map(|finding| format!("engine: {finding}")).collect())
}
