//! Does the checker find anything? Each patch in `races/` makes the engine wrong in a way that no test of
//! one thread notices. It is planted in a copy, and the test that the patch names has to fail there,
//! with a schedule.
//!
//! `cargo test --manifest-path solutions/schedules/Cargo.toml --test planted -- --ignored --nocapture`
//! plants all of them; with `TINYDB_RACE=a_wake_is_lost`, one.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Instant;

/// What is copied, seen from the root of the course.
const COPIED: [&str; 8] = [
    "solutions/tinydb/src",
    "solutions/tinydb/tests/threads",
    "solutions/schedules/Cargo.toml",
    "solutions/schedules/Cargo.lock",
    "solutions/schedules/engine",
    "solutions/schedules/src",
    "solutions/schedules/std",
    "solutions/schedules/tests",
];

#[test]
#[ignore = "it builds the engine once for each race: some minutes"]
fn every_planted_race_is_found() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let only = env::var("TINYDB_RACE").unwrap_or_default();
    let mut races: Vec<_> = fs::read_dir(here.join("races"))
        .expect("a folder of races")
        .map(|entry| entry.expect("a race").path())
        .filter(|path| path.to_string_lossy().contains(&only))
        .collect();
    races.sort();
    let missed: Vec<_> = races.iter().filter(|race| !is_found(here, race)).collect();
    assert!(missed.is_empty(), "the checker does not find {missed:?}");
}

/// Plants a race, and says whether its test fails.
fn is_found(here: &Path, race: &Path) -> bool {
    let text = fs::read_to_string(race).expect("a patch");
    let test = text.lines().find_map(|line| line.strip_prefix("found-by: ")).expect("a test");
    let copy = copy(here);
    // In a folder that git does not believe to be in a repository, where it would apply nothing.
    let mut apply = Command::new("git");
    apply.arg("apply").arg(race).current_dir(&copy).env("GIT_CEILING_DIRECTORIES", parent(&copy));
    expect_success(&mut apply);

    let manifest = copy.join("solutions/schedules/Cargo.toml");
    let cargo = || {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.arg("test").arg("--manifest-path").arg(&manifest).args(["--test", test]);
        cargo.env("CARGO_TARGET_DIR", parent(&copy).join("target"));
        cargo
    };
    expect_success(cargo().arg("--no-run"));
    let started = Instant::now();
    let tested = output(&mut cargo());
    let is_found = !tested.status.success() && said(&tested).contains("failing schedule");
    let name = race.file_stem().expect("a name").display();
    let result = if is_found { "found" } else { "missed" };
    println!("{result} by {test} in {:.1} s: {name}", started.elapsed().as_secs_f64());
    is_found
}

/// A fresh copy of what is tested.
fn copy(here: &Path) -> PathBuf {
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("planted/course");
    if copy.exists() {
        fs::remove_dir_all(&copy).expect("an old copy that can be deleted");
    }
    let root = parent(parent(here));
    COPIED.iter().for_each(|path| copy_all(&root.join(path), &copy.join(path)));
    copy
}

fn copy_all(from: &Path, to: &Path) {
    if from.is_file() {
        fs::create_dir_all(parent(to)).expect("a folder");
        fs::copy(from, to).expect("a copy");
        return;
    }
    for entry in fs::read_dir(from).expect("a folder to copy") {
        let entry = entry.expect("a file to copy");
        copy_all(&entry.path(), &to.join(entry.file_name()));
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().expect("a folder above")
}

fn expect_success(command: &mut Command) {
    let output = output(command);
    assert!(output.status.success(), "{command:?} failed:\n{}", said(&output));
}

fn output(command: &mut Command) -> Output {
    command.output().expect("a command that starts")
}

fn said(output: &Output) -> String {
    [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat()
}
