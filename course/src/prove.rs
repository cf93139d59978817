//! `cargo course prove`: the finished engine's own tests on the reader's crate.
//!
//! A week's tests ask what its page promises. Those in `solutions/tinydb/tests` ask what the whole database promises,
//! under crashes, damage, full disks and many threads. Here they run in a copy in which the reader's crate of a week
//! takes the engine's place.

use std::path::PathBuf;
use std::process::Command;

use toml::{Table, Value};

use crate::cargo::cargo;
use crate::week::Week;
use crate::{Course, Error, files, manifest, scratch};

/// The engine's package, and the name under which its tests know it.
const PACKAGE: &str = "tinydb";

/// The copy's package.
const COPY: &str = "proof";

/// Runs tests on a week's crate, all of them or those that are named, and says whether they passed. What cargo and the
/// tests say goes to the terminal; their settings, such as `TINYDB_HISTORIES`, are those of this process.
///
/// # Errors
/// If there is no such week or test, or cargo cannot be started.
pub fn prove(course: &Course, number: u8, named: &[String], release: bool) -> Result<bool, Error> {
    let week = course.week(number)?;
    let known = tests(course)?;
    if let Some(asked) = named.iter().find(|name| !known.contains(*name)) {
        return Err(Error::NoTests {
            asked: asked.clone(),
            known: crate::prose::joined(known.iter()),
        });
    }
    let copy = workspace(course, &week, &known)?;
    let mut command: Command = cargo(&copy);
    command.args(["test", "--package", COPY, "--no-fail-fast"]);
    for name in if named.is_empty() { &known[..] } else { named } {
        command.args(["--test", name]);
    }
    if release {
        command.arg("--release");
    }
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.status().map_err(|source| Error::Start { program, source })?;
    Ok(status.success())
}

/// The names of the tests: those of the engine that are of no week.
///
/// # Errors
/// If their folder cannot be read.
pub fn tests(course: &Course) -> Result<Vec<String>, Error> {
    let mut tests = course.engine_tests()?;
    // A week's tests are run by `cargo course test`; those that write the book's figures need the book.
    tests.retain(|name| !name.starts_with("week") && !FOR_THE_BOOK.contains(&name.as_str()));
    Ok(tests)
}

/// What is copied of the engine's folder: the tests, and the fuzzers' inputs, which a test replays.
const COPIED: [&str; 3] = ["tests", "fuzz/src", "fuzz/corpus"];

/// Tests that compare the engine with files of the book.
const FOR_THE_BOOK: [&str; 1] = ["file_formats"];

fn folder(course: &Course) -> PathBuf {
    course.root.join("solutions").join(PACKAGE)
}

/// Lays out a workspace whose one member has the tests, and the week's crate under the engine's name.
fn workspace(course: &Course, week: &Week, tests: &[String]) -> Result<Course, Error> {
    let original = folder(course);
    let root = course.work().join("prove");
    let member = root.join(COPY);
    let (manifest, lib) = (member.join("Cargo.toml"), member.join("src").join("lib.rs"));
    let mut copied = Vec::new();
    for folder in COPIED {
        copied.extend(files::walk(&original.join(folder))?);
    }
    let is_other_test = |path: &PathBuf| {
        path.parent() == Some(&original.join("tests"))
            && path.file_stem().is_some_and(|stem| !tests.iter().any(|name| *stem == **name))
    };
    copied.retain(|path| !is_other_test(path));
    scratch::mirror(&original, &copied, &member, &[&manifest, &lib])?;
    files::write(&lib, b"")?;
    manifest::write(&manifest, &member_manifest(course, week)?)?;
    manifest::copy_workspace(course, &root, COPY)?;
    Ok(Course { limit: course.limit, ..Course::at(root) })
}

/// The engine's manifest as that of a package with its tests only.
fn member_manifest(course: &Course, week: &Week) -> Result<Table, Error> {
    let original = folder(course);
    let mut manifest = manifest::read(course, &original.join("Cargo.toml"))?;
    if let Some(package) = manifest.get_mut("package").and_then(Value::as_table_mut) {
        package.insert("name".to_owned(), COPY.into());
    }
    for key in ["bench", "example", "test", "lints"] {
        manifest.remove(key);
    }
    for key in ["dependencies", "dev-dependencies"] {
        if let Some(Value::Table(dependencies)) = manifest.get_mut(key) {
            manifest::make_paths_whole(dependencies, &original);
        }
    }
    let dependencies = manifest.entry("dependencies").or_insert_with(|| Table::new().into());
    if let Some(dependencies) = dependencies.as_table_mut() {
        dependencies.insert(PACKAGE.to_owned(), manifest::week_as_engine(week));
    }
    Ok(manifest)
}
