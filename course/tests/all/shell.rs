//! `cargo course shell`.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use crate::fixture::Fixture;

const LIST: &str = "chapters/week1/src/store/list.rs";

/// A fixture whose reader has done the week.
fn done() -> Fixture {
    let fixture = Fixture::new();
    fixture.write(LIST, &fixture.read("solutions/tinydb/src/store/list.rs"));
    fixture
}

/// What `cargo course shell` does in the fixture's `book` folder, with this on its standard input.
fn shell(fixture: &Fixture, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_course"));
    command.arg("shell").args(arguments).current_dir(fixture.course.root.join("book"));
    // What the course was built with is enough: nothing is asked of another host.
    command.env_remove("CARGO_TARGET_DIR").env("CARGO_NET_OFFLINE", "true");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the command");
    let mut stdin = child.stdin.take().expect("its input");
    // A shell that could not be built reads nothing.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().expect("its end")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_shell_runs_on_the_readers_code() {
    let fixture = done();
    fixture.replace(LIST, "self.numbers.push(number);", "self.numbers.push(number + 1000);");
    let ran = shell(&fixture, &["1", "--5", "9"], "3\n4\n");
    assert_eq!(text(&ran.stdout), "sum 4021\n", "{}", text(&ran.stderr));
    assert!(ran.status.success());
    fixture.replace(LIST, "1000", "2000");
    assert_eq!(text(&shell(&fixture, &["1", "--", "--5"], "").stdout), "sum 2005\n");
}

#[test]
fn cargo_does_not_warn_of_profiles_for_tests() {
    let fixture = done();
    fixture.append("Cargo.toml", "\n[profile.dev.package.rand]\nopt-level = 1\n");
    let ran = shell(&fixture, &["1", "5"], "");
    assert!(ran.status.success());
    assert!(!text(&ran.stderr).contains("profile package spec"), "{}", text(&ran.stderr));
}

#[test]
fn the_exit_code_is_the_shells() {
    let ran = shell(&done(), &["1"], "");
    assert_eq!(text(&ran.stdout), "nothing to add\n", "{}", text(&ran.stderr));
    assert_eq!(ran.status.code(), Some(7));
}

#[test]
fn a_stub_says_which_task_waits() {
    let ran = shell(&Fixture::new(), &["1", "5"], "");
    assert!(!ran.status.success());
    let said = text(&ran.stderr);
    assert!(said.contains("week1/src/store/list.rs:26:9"), "{said}");
    assert!(said.contains("not yet implemented: week 1, task 1: Add a number"), "{said}");
}

#[test]
fn code_that_does_not_compile_is_shown_as_the_compiler_says_it() {
    let fixture = done();
    fixture.replace(LIST, "pub fn sum", "pub fn sum sum");
    let ran = shell(&fixture, &["1"], "");
    assert_eq!(ran.status.code(), Some(1));
    let said = text(&ran.stderr);
    assert!(said.contains("does not compile") && said.contains("store/list.rs:"), "{said}");
}

#[test]
fn a_file_that_left_the_shell_leaves_the_copy() {
    let fixture = done();
    let extra = "solutions/cli/src/extra.rs";
    fixture.write(extra, "// more\n");
    assert!(shell(&fixture, &["1", "5"], "").status.success());
    let copy = fixture.course.work().join("shell/cli/src");
    assert!(copy.join("extra.rs").is_file());
    fixture.remove(extra);
    assert!(shell(&fixture, &["1", "5"], "").status.success());
    assert!(!copy.join("extra.rs").exists());
    assert!(!copy.with_file_name("tests").exists(), "the shell's own tests stay where they are");
}

#[test]
fn what_is_missing_is_named() {
    let fixture = done();
    let refused = |week: &str| text(&shell(&fixture, &[week], "").stderr);
    assert!(refused("2").contains("there is no week 2. The weeks are: 1."), "{}", refused("2"));
    let manifest = "solutions/cli/Cargo.toml";
    fixture.replace(manifest, "tinydb.workspace = true", "");
    let said = refused("1");
    assert!(said.contains(manifest) && said.contains("a dependency `tinydb`"), "{said}");
    fixture.remove(manifest);
    let said = refused("1");
    assert!(said.contains(&format!("{manifest}: missing")), "{said}");
}
