//! `cargo course doctor`, and what an online editor opens the course with.

use std::fs;
use std::path::Path;
use std::process::Command;

use course::Course;
use course::doctor::{self, Line, State, enough, free_mib, report, rust, tree};

use crate::fixture::Fixture;
use crate::learner::plain;
use crate::writing::{committed, git};

fn is_bad(line: &Line) -> bool {
    matches!(line.state, State::Bad(_))
}

#[test]
fn an_old_or_missing_rust_is_in_the_way() {
    let said = "rustc 1.95.0 (59807616e 2026-04-14)";
    assert!(matches!(rust(Some(said), Some("1.95")).state, State::Ok(_)));
    assert!(matches!(rust(Some("rustc 1.100.0-nightly (x)"), Some("1.95")).state, State::Ok(_)));
    let old = rust(Some("rustc 1.94.2 (x)"), Some("1.95"));
    assert!(is_bad(&old), "{old:?}");
    assert!(old.advice().expect("advice").contains("rustup update stable"));
    assert!(rust(None, Some("1.95")).advice().expect("advice").contains("https://rustup.rs"));
}

#[test]
fn free_space_is_read_and_judged() {
    let printed =
        "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/x 100 50 3145728 53% /\n";
    assert_eq!(free_mib(printed), Some(3072));
    assert_eq!(free_mib("no such folder"), None);
    assert!(matches!(enough(5000).state, State::Ok(_)));
    assert!(matches!(enough(3072).state, State::Note(_)));
    assert!(is_bad(&enough(500)));
}

#[test]
fn a_report_says_ok_or_what_to_do() {
    let ok = Line { what: "Rust", state: State::Ok("1.95.0".to_owned()) };
    let note = Line { what: "port", state: State::Note("3000 is taken".to_owned()) };
    let bad = Line { what: "space", state: State::Bad("make room".to_owned()) };
    let (text, well) = report(&[ok.clone(), note.clone()]);
    assert!(well && text.contains("The course is ready."), "{text}");
    let (text, well) = report(&[ok, note, bad]);
    assert!(!well);
    let expected = "  ok  Rust        1.95.0\n  ··  port        3000 is taken\n  ✗   space       make room\n\nOne thing is in the way";
    assert!(plain(&text).starts_with(expected), "{text}");
}

#[test]
fn the_tree_is_looked_at() {
    let said = |fixture: &Fixture| {
        let lines = tree(&fixture.course).into_iter().filter_map(Line::advice);
        lines.collect::<Vec<_>>().join("\n")
    };
    assert!(said(&Fixture::new()).contains("git init"));
    let fixture = committed();
    git(&fixture, &["branch", "--move", "main"]);
    assert!(said(&fixture).contains("git switch -c my-tinydb"), "{}", said(&fixture));
    git(&fixture, &["switch", "--quiet", "--create", "mine"]);
    assert_eq!(said(&fixture), "", "a branch of their own, all committed");
    fixture.append("chapters/week1/src/store/list.rs", "// mine\n");
    assert!(said(&fixture).contains("one file is not committed"), "{}", said(&fixture));
}

#[test]
fn the_command_looks_at_everything() {
    let fixture = Fixture::new();
    let doctor = |fixture: &Fixture| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_course"));
        command.arg("--root").arg(&fixture.course.root).arg("doctor");
        command.env_remove("CARGO_TARGET_DIR").output().expect("the command")
    };
    let ran = doctor(&fixture);
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    for what in ["Rust", "space", "port", "git", "adopted", "mdBook", "browser"] {
        assert!(said.contains(&format!("  {what} ")), "expected {what} in:\n{said}");
    }
    fixture.write(course::adopt::FILE, "adopted = \"all\"\n");
    let ran = doctor(&fixture);
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert_eq!(ran.status.code(), Some(1), "{said}");
    assert!(said.contains("✗   adopted     course.toml: "), "{said}");
}

/// This very course, and not the miniature.
fn this_course() -> Course {
    Course::find(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the course around this crate")
}

#[test]
fn the_dev_container_has_the_courses_rust_and_the_books_port() {
    let course = this_course();
    let file = course.root.join(".devcontainer/devcontainer.json");
    let text = fs::read_to_string(&file).expect("the dev container's file");
    let read: serde_json::Value = serde_json::from_str(&text).expect("JSON without comments");
    let rust = doctor::rust_version(&course).expect("the workspace's rust-version");
    let feature = &read["features"]["ghcr.io/devcontainers/features/rust:1"]["version"];
    let version = feature.as_str().expect("a version of Rust");
    assert!(version == rust || version.starts_with(&format!("{rust}.")), "{version}, not {rust}");
    assert_eq!(read["forwardPorts"], serde_json::json!([3000]));
    assert!(read["features"].get("ghcr.io/devcontainers/features/python:1").is_some());
    let made = read["postCreateCommand"].as_str().expect("a command");
    assert!(made.contains("cargo fetch"), "{made}");
}
