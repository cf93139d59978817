//! `cargo course trace`, and its gate.

use std::process::{Command, Output};

use crate::fixture::{Fixture, assert_found};

const JSON: &str = "book/src/traces/sum.json";
const PAGE: &str = "book/src/traces/sum.md";
const SCRIPT: &str = "book/src/traces/sum.txt";
const LIST: &str = "chapters/week1/src/store/list.rs";

fn trace(fixture: &Fixture, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_course"));
    command.arg("trace").args(arguments).current_dir(&fixture.course.root);
    command.env_remove("CARGO_TARGET_DIR").env("CARGO_NET_OFFLINE", "true");
    command.output().expect("the command")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn recordings_follow_the_engine() {
    let fixture = Fixture::new();
    let said = trace(&fixture, &[]);
    assert_eq!(text(&said.stdout), "the recordings are up to date\n", "{}", text(&said.stderr));
    fixture.replace("solutions/tinydb/src/store/given.rs", "START: u32 = 0", "START: u32 = 1");
    assert_found(
        &fixture.findings("traces"),
        &["sum.json:5: the engine gives", "The sum is 13", "The sum is 12", "cargo course trace"],
    );
    let said = text(&trace(&fixture, &["sum"]).stdout);
    assert_eq!(said, format!("wrote {JSON}\nwrote {PAGE}\n"));
    assert!(fixture.read(JSON).contains("The sum is 13"));
    assert!(fixture.read(PAGE).contains("<li>The sum is 13 &lt;or so&gt;.</li>"));
    assert_eq!(fixture.findings("traces"), [""; 0]);
}

#[test]
fn the_gate_finds_what_does_not_belong_together() {
    let fixture = Fixture::new();
    fixture.replace(PAGE, "Watch", "See");
    assert_found(&fixture.findings("traces"), &["sum.md:2: the engine gives", "See the sum"]);
    fixture.remove(PAGE);
    assert_found(&fixture.findings("traces"), &["sum.md: missing. Run `cargo course trace`"]);
    trace(&fixture, &[]);
    fixture.write("book/src/traces/old.json", "{}");
    assert_found(&fixture.findings("traces"), &["old.json: there is no script of it, old.txt"]);
    fixture.remove("book/src/traces/old.json");
    fixture.replace("book/src/start.md", "{{#include traces/sum.md}}", "");
    assert_found(&fixture.findings("traces"), &["sum.md: no page includes it"]);
    fixture.write(SCRIPT, "three\n");
    assert_found(&fixture.findings("traces"), &["sum.txt: ", "three is no number"]);
    fixture.remove(SCRIPT);
    assert_found(&fixture.findings("traces"), &["there is no script"]);
}

#[test]
fn a_readers_code_is_recorded() {
    let fixture = Fixture::new();
    let refused = trace(&fixture, &["1"]);
    assert!(!refused.status.success());
    let said = text(&refused.stderr);
    assert!(said.contains("not yet implemented: week 1, task 1: Add a number"), "{said}");

    let solution = fixture.read("solutions/tinydb/src/store/list.rs");
    fixture.write(LIST, &solution.replace("push(number);", "push(number + 100);"));
    fixture.write("mine.txt", "1\n");
    let recorded = trace(&fixture, &["1", "sum", "mine.txt"]);
    let said = text(&recorded.stdout);
    assert!(recorded.status.success(), "{}", text(&recorded.stderr));
    for (name, sum) in [("sum", "212"), ("mine", "101")] {
        let path = fixture.course.work().join(format!("traces/week1/{name}.json"));
        let is_said = said.lines().any(|line| {
            line.starts_with("recorded ") && line.ends_with(&format!("week1/{name}.json"))
        });
        assert!(is_said, "{said}");
        let recording = course::files::read(&path).expect("a recording");
        assert!(recording.contains(&format!("The sum is {sum}")), "{recording}");
    }
    assert!(said.contains("`Load a recording`"), "{said}");
    assert!(fixture.read(JSON).contains("The sum is 12"), "the book's own is left alone");
}

#[test]
fn a_script_of_ones_own_runs_on_the_engine() {
    let fixture = Fixture::new();
    fixture.write("mine.txt", "40\n2\n");
    let said = text(&trace(&fixture, &["mine.txt"]).stdout);
    assert!(said.ends_with("course/traces/mine.json\n"), "{said}");
    let path = fixture.course.work().join("traces/mine.json");
    assert!(course::files::read(&path).expect("a recording").contains("The sum is 42"));
}

#[test]
fn what_is_not_there_is_answered_with_what_is() {
    let fixture = Fixture::new();
    let refused = |arguments: &[&str]| text(&trace(&fixture, arguments).stderr);
    assert!(
        refused(&["product"]).contains("there is no script product"),
        "{}",
        refused(&["product"])
    );
    assert!(refused(&["1", "product"]).contains("The book's are: sum."));
    assert!(refused(&["2"]).contains("there is no week 2. The weeks are: 1."));
    fixture.remove("solutions/cli/Cargo.toml");
    assert!(refused(&[]).contains("solutions/cli/Cargo.toml: missing"), "{}", refused(&[]));
}
