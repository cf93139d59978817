//! Running cargo.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde::Deserialize;

use crate::{Course, Error};

/// A test program that cargo built.
#[derive(Clone, Debug)]
pub struct Program {
    /// The test's name: `mem_table` for `tests/mem_table.rs`.
    pub name: String,
    /// The program.
    pub path: PathBuf,
    /// The package's folder, where a test expects to run.
    pub folder: PathBuf,
}

/// A `cargo` command in a course.
pub fn cargo(course: &Course) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(&course.root).env("CARGO_TARGET_DIR", &course.target).stdin(Stdio::null());
    command
}

/// Builds the tests of `package` that are in the files `tests`, or all of them if none is named, and says where the
/// programs are. With `progress`, what cargo says about its work goes to the terminal.
///
/// # Errors
/// If cargo cannot be started, or the tests do not compile.
pub fn build_tests(
    course: &Course,
    package: &str,
    tests: &[&str],
    progress: bool,
) -> Result<Vec<Program>, Error> {
    build_tests_of(course, package, tests, true, progress)
}

/// As [`build_tests`], of a week's tasks, without the rooms that these tests do without: it saves time at each edit.
///
/// # Errors
/// As [`build_tests`].
pub fn build_task_tests(
    course: &Course,
    package: &str,
    tests: &[&str],
    progress: bool,
) -> Result<Vec<Program>, Error> {
    build_tests_of(course, package, tests, false, progress)
}

fn build_tests_of(
    course: &Course,
    package: &str,
    tests: &[&str],
    whole: bool,
    progress: bool,
) -> Result<Vec<Program>, Error> {
    let mut command = cargo(course);
    command.args(["test", "--no-run", "--message-format=json", "--package", package]);
    if !whole {
        // Of the weeks' crates the engine around the tests is the one feature.
        command.arg("--no-default-features");
    }
    for test in tests {
        command.args(["--test", test]);
    }
    if progress {
        command.stderr(Stdio::inherit());
    }
    Ok(build(&mut command)?.into_iter().filter_map(Message::program).collect())
}

/// Builds the program `name` of a package and says where it is. With `progress`, what cargo says about its work goes to
/// the terminal.
///
/// # Errors
/// If cargo cannot be started, or the program does not compile.
pub fn build_program(
    course: &Course,
    package: &str,
    name: &str,
    progress: bool,
) -> Result<PathBuf, Error> {
    let mut command = cargo(course);
    command.args(["build", "--message-format=json", "--package", package, "--bin", name]);
    if progress {
        command.stderr(Stdio::inherit());
    }
    let mut built = build(&mut command)?.into_iter().filter_map(|message| message.executable);
    built.next().ok_or_else(|| Error::Program {
        command: shown(&command),
        output: format!("cargo did not say where it put {name}"),
    })
}

/// Checks that a package's library compiles.
///
/// # Errors
/// If cargo cannot be started, or the package does not compile.
pub fn check_package(course: &Course, package: &str) -> Result<(), Error> {
    let mut command = cargo(course);
    command.args(["check", "--message-format=json", "--lib", "--package", package]);
    command.stderr(Stdio::inherit());
    build(&mut command).map(drop)
}

/// Runs a cargo command that builds, and answers with what it said.
fn build(command: &mut Command) -> Result<Vec<Message>, Error> {
    let output = output(command)?;
    let messages = messages(&output.stdout);
    if output.status.success() {
        return Ok(messages);
    }
    let errors: Vec<String> = messages.into_iter().filter_map(Message::error).collect();
    if errors.is_empty() {
        return Err(failed(command, &output));
    }
    Err(Error::Compile { output: errors.concat() })
}

/// Runs a command to its end.
///
/// # Errors
/// If it cannot be started.
pub fn output(command: &mut Command) -> Result<Output, Error> {
    command.output().map_err(|source| Error::Start { program: shown(command), source })
}

/// Runs a command to its end.
///
/// # Errors
/// If it cannot be started or ends with a failure; the error holds what it printed.
pub fn succeed(command: &mut Command) -> Result<Output, Error> {
    let output = output(command)?;
    if output.status.success() { Ok(output) } else { Err(failed(command, &output)) }
}

fn failed(command: &Command, output: &Output) -> Error {
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    Error::Program {
        command: shown(command),
        output: String::from_utf8_lossy(&said).trim().to_owned(),
    }
}

/// A command as one would type it.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_stem().unwrap_or(program.as_os_str());
    let words = std::iter::once(name).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

/// What this crate reads of cargo's JSON messages.
#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    manifest_path: PathBuf,
    target: Option<Target>,
    profile: Option<Profile>,
    executable: Option<PathBuf>,
    message: Option<Diagnostic>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

#[derive(Deserialize)]
struct Diagnostic {
    level: String,
    rendered: Option<String>,
}

fn messages(stdout: &[u8]) -> Vec<Message> {
    let lines = stdout.split(|byte| *byte == b'\n');
    lines.filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

impl Message {
    fn program(self) -> Option<Program> {
        if !self.profile?.test {
            return None;
        }
        Some(Program {
            name: self.target?.name,
            path: self.executable?,
            folder: self.manifest_path.parent()?.to_path_buf(),
        })
    }

    fn error(self) -> Option<String> {
        let diagnostic = self.message?;
        if diagnostic.level == "error" { diagnostic.rendered } else { None }
    }
}
