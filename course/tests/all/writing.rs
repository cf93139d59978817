//! `cargo course stubs`.

use std::process::Command;

use course::{files, stubs};

use crate::fixture::{Fixture, assert_found};

const STUB: &str = "chapters/week1/src/store/list.rs";

pub fn git(fixture: &Fixture, arguments: &[&str]) {
    let mut git = Command::new("git");
    git.current_dir(&fixture.course.root).args([
        "-c",
        "user.name=t",
        "-c",
        "user.email=t@t.invalid",
    ]);
    let done = git.args(arguments).output().expect("git");
    assert!(done.status.success(), "{done:?}");
}

pub fn committed() -> Fixture {
    committed_as(Fixture::new())
}

pub fn committed_as(fixture: Fixture) -> Fixture {
    fixture.write(".gitignore", "/target\n/.course\n");
    git(&fixture, &["init", "--quiet"]);
    git(&fixture, &["add", "--all"]);
    git(&fixture, &["commit", "--quiet", "--message", "All"]);
    fixture
}

#[test]
fn what_is_up_to_date_is_left_alone() {
    let fixture = Fixture::new();
    assert_eq!(stubs::update(&fixture.course, false).expect("nothing to do"), [""; 0]);
}

#[test]
fn a_readers_work_is_never_overwritten_unasked() {
    for fixture in [Fixture::new(), committed()] {
        fixture.append(STUB, "// my work\n");
        let error = stubs::update(&fixture.course, false).expect_err("an edited stub").to_string();
        assert!(error.contains(STUB) && error.contains("--force"), "{error}");
        assert!(fixture.read(STUB).ends_with("// my work\n"));

        let done = stubs::update(&fixture.course, true).expect("force");
        assert_eq!(done, [format!("wrote {STUB}")]);
        assert!(!fixture.read(STUB).contains("my work"));
        let backups = files::walk(&fixture.course.work().join("backup")).expect("a backup");
        assert_eq!(backups.len(), 1, "{backups:?}");
        assert!(files::read(&backups[0]).expect("a backup").ends_with("// my work\n"));
    }
}

#[test]
fn a_committed_stub_follows_the_reference_also_twice() {
    let fixture = committed();
    for new in ["/// One.\n", "/// Two.\n"] {
        let reference = "solutions/tinydb/src/store/list.rs";
        fixture.replace(
            reference,
            "    // exercise: week1.1\n",
            &format!("    {new}    // exercise: week1.1\n"),
        );
        stubs::update(&fixture.course, false).expect("no edits of a reader");
        assert!(fixture.read(STUB).contains(new));
    }
}

#[test]
fn a_stale_stub_goes_and_a_readers_own_file_stays() {
    let fixture = committed();
    let own = "chapters/week1/src/store/mine.rs";
    fixture.write(own, "// mine\n");
    let stale = "chapters/week1/src/store/old.rs";
    fixture.write(stale, "    // Task 1.1: Add a number\n");
    git(&fixture, &["add", "--all"]);
    git(&fixture, &["commit", "--quiet", "--message", "More"]);
    assert_found(&fixture.findings("stubs"), &[stale, "nothing generates this file"]);
    assert_eq!(
        stubs::update(&fixture.course, false).expect("an update"),
        [format!("removed {stale}")]
    );
    assert_eq!(fixture.read(own), "// mine\n");
}

#[test]
fn an_outdated_or_missing_stub_is_found() {
    let fixture = Fixture::new();
    fixture.replace(STUB, "pub fn add", "pub fn plus");
    fixture.remove("book/src/week1/tasks/1.2.md");
    let findings = fixture.findings("stubs");
    assert_found(
        &findings,
        &[
            "src/store/list.rs:25: generated `pub fn add",
            "on disk `pub fn plus",
            "cargo course stubs",
        ],
    );
    assert_found(&findings, &["book/src/week1/tasks/1.2.md: missing"]);
}

#[test]
fn a_solved_stub_is_found() {
    let fixture = Fixture::new();
    fixture.write(STUB, &fixture.read("solutions/tinydb/src/store/list.rs"));
    assert_found(&fixture.findings("stubs"), &["src/store/list.rs:3:"]);
}
