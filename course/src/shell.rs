//! `cargo course shell`: the finished shell on the reader's own crate.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use toml::{Table, Value};

use crate::cargo::build_program;
use crate::week::Week;
use crate::{Course, Error, files, manifest, scratch};

/// The shell's program.
pub const PROGRAM: &str = "tinydb";

/// The shell's package.
pub const PACKAGE: &str = "tinydb-cli";

/// What the shell's manifest tells cargo that only the shell's own tests need.
const FOR_TESTS: [&str; 4] = ["dev-dependencies", "test", "bench", "example"];

/// Builds the shell on a week's crate and runs it in this program's place; its exit code becomes this program's.
///
/// # Errors
/// If there is no such week or no shell, the week's crate does not compile, or the shell cannot be started.
pub fn shell(course: &Course, number: u8, arguments: &[OsString]) -> Result<ExitCode, Error> {
    let program = build(course, &course.week(number)?)?;
    let mut command = Command::new(&program);
    command.args(arguments);
    let source = match replace_by(&mut command) {
        Ok(code) => return Ok(code),
        Err(source) => source,
    };
    Err(Error::Start { program: program.to_string_lossy().into_owned(), source })
}

/// The shell becomes this very process, so that Ctrl-C and other signals are its own.
#[cfg(unix)]
fn replace_by(command: &mut Command) -> std::io::Result<ExitCode> {
    use std::os::unix::process::CommandExt as _;
    Err(command.exec())
}

#[cfg(not(unix))]
fn replace_by(command: &mut Command) -> std::io::Result<ExitCode> {
    let status = command.status()?;
    // An `ExitCode` holds a byte, and Windows knows more codes than that.
    std::process::exit(status.code().unwrap_or(1))
}

/// Builds the shell on a week's crate and says where the program is.
///
/// # Errors
/// If there is no shell, or it or the week's crate does not compile.
pub fn build(course: &Course, week: &Week) -> Result<PathBuf, Error> {
    let copy = workspace(course, week)?;
    build_program(&copy, PACKAGE, PROGRAM, true)
}

/// Lays out a workspace with the shell as its one member, in which the week's crate takes the engine's place.
fn workspace(course: &Course, week: &Week) -> Result<Course, Error> {
    let original = course.root.join("solutions").join("cli");
    let manifest = original.join("Cargo.toml");
    if !manifest.is_file() {
        return Err(Error::NoShell { expected: course.shown(&manifest) });
    }
    let root = course.work().join("shell");
    let member = root.join("cli");
    copy_sources(&original, &member)?;
    manifest::write(&member.join("Cargo.toml"), &member_manifest(course, week, &original)?)?;
    manifest::copy_workspace(course, &root, "cli")?;
    manifest::drop_profiles_of_tests(course, &root.join("Cargo.toml"))?;
    Ok(Course { limit: course.limit, ..Course::at(root) })
}

/// The shell's manifest, with the week's crate under the engine's name.
fn member_manifest(course: &Course, week: &Week, original: &Path) -> Result<Table, Error> {
    let path = original.join("Cargo.toml");
    let mut manifest = manifest::read(course, &path)?;
    for key in FOR_TESTS {
        manifest.remove(key);
    }
    let dependencies = manifest.get_mut("dependencies").and_then(Value::as_table_mut);
    let Some(dependencies) = dependencies.filter(|found| found.contains_key("tinydb")) else {
        let message = "expected a dependency `tinydb`: the shell runs on the engine";
        return Err(Error::file(&course.shown(&path), message));
    };
    manifest::make_paths_whole(dependencies, original);
    dependencies.insert("tinydb".to_owned(), manifest::week_as_engine(week));
    Ok(manifest)
}

/// Copies the shell's files but its manifest and its tests.
fn copy_sources(original: &Path, copy: &Path) -> Result<(), Error> {
    let manifest = copy.join("Cargo.toml");
    let mut sources = files::walk(original)?;
    sources.retain(|path| {
        *path != original.join("Cargo.toml") && !path.starts_with(original.join("tests"))
    });
    scratch::mirror(original, &sources, copy, &[&manifest])
}
