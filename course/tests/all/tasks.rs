//! Gate `tasks`: each way in which a week's parts can fail to belong together.

use crate::fixture::{Fixture, assert_found};

const TOML: &str = "chapters/week1/week.toml";
const LIST: &str = "solutions/tinydb/src/store/list.rs";
const TESTS: &str = "chapters/week1/tests/list.rs";
const PAGE: &str = "book/src/week1/list.md";

/// Asserts what the gate finds when one text of one file is another.
#[track_caller]
fn assert_finds(path: &str, old: &str, new: &str, parts: &[&str]) {
    let fixture = Fixture::new();
    fixture.replace(path, old, new);
    assert_found(&fixture.findings("tasks"), parts);
}

#[test]
fn a_task_without_its_marker() {
    assert_finds(
        LIST,
        "    // exercise: week1.2\n",
        "",
        &["week.toml: task 1.2: no function in store/ has the marker"],
    );
}

#[test]
fn a_marker_without_its_task() {
    let other = "/// Tells.\n// exercise: week4.1\nfn tell() {}\n";
    let fixture = Fixture::new();
    fixture.append("solutions/tinydb/src/error.rs", other);
    assert_found(&fixture.findings("tasks"), &["src/error.rs:7: no week.toml has a task 4.1"]);
}

#[test]
fn a_marker_outside_its_room() {
    let fixture = Fixture::new();
    fixture.append("solutions/tinydb/src/error.rs", "// exercise: week1.1\nfn tell() {}\n");
    assert_found(&fixture.findings("tasks"), &["src/error.rs:6: task 1.1 belongs in store/"]);
}

#[test]
fn a_task_without_its_tests() {
    assert_finds(
        TESTS,
        "task_1_2",
        "task_1_3",
        &["task 1.2: chapters/week1/tests/list.rs has no test in `mod task_1_2`"],
    );
    assert_finds(
        TOML,
        "test = \"list\"",
        "test = \"lists\"",
        &["task 1.1: there is no tests/lists.rs"],
    );
}

#[test]
fn a_test_without_its_task() {
    assert_finds(
        TESTS,
        "task_1_2",
        "task_1_3",
        &["tests/list.rs: task_1_3::sum_adds_all is in no module of a task"],
    );
    let fixture = Fixture::new();
    fixture.append(
        "chapters/week1/tests/my_tests.rs",
        "proptest! {\n    #[test]\n    fn mine(a in 1..2) {}\n}\n",
    );
    assert_found(
        &fixture.findings("tasks"),
        &["tests/my_tests.rs: mine is in no module of a task"],
    );
}

#[test]
fn a_hint_that_is_missing_empty_or_said_twice() {
    for new in ["", "\" \",", "\"Iterators can sum.\","] {
        let parts = ["task 1.2: expected three hints, all different and none empty"];
        assert_finds(TOML, "\"What is the sum of none?\",", new, &parts);
    }
}

#[test]
fn a_page_without_the_tasks_section() {
    assert_finds(
        PAGE,
        " {#task-1-2}",
        "",
        &["list.md: expected a heading `## Task 1.2: Sum the numbers {#task-1-2}`"],
    );
    assert_finds(
        PAGE,
        "Task 1.2: Sum the numbers",
        "Task 1.2: Sum up",
        &["expected the heading `Task 1.2: Sum the numbers`, found `Task 1.2: Sum up`"],
    );
    assert_finds(
        PAGE,
        "{{#include tasks/1.2.md:hints}}",
        "",
        &["list.md: task 1.2: expected `{{#include tasks/1.2.md:hints}}`"],
    );
}

#[test]
fn a_page_that_is_missing_or_unlisted() {
    assert_finds(
        "book/src/SUMMARY.md",
        "- [The list](week1/list.md)",
        "",
        &["book/src/week1/list.md: not in SUMMARY.md"],
    );
    let fixture = Fixture::new();
    fixture.remove(PAGE);
    assert_found(
        &fixture.findings("tasks"),
        &["book/src/week1/list.md: missing, though chapters/week1/week.toml names it"],
    );
}

#[test]
fn a_week_without_tasks() {
    let fixture = Fixture::new();
    fixture.write(TOML, "week = 1\nrooms = [\"store\"]\ntitle = \"A list\"\n");
    assert_found(&fixture.findings("tasks"), &["chapters/week1/week.toml: it has no tasks"]);
}

#[test]
fn a_part_without_tasks_is_a_page() {
    let fixture = Fixture::new();
    fixture.append(
        TOML,
        "\n[[part]]\ndays = \"5-7\"\ntitle = \"Testing\"\npage = \"week1/testing.md\"\n",
    );
    assert_found(
        &fixture.findings("tasks"),
        &["book/src/week1/testing.md: missing, though chapters/week1/week.toml names it"],
    );
    fixture.write("book/src/week1/testing.md", "# Testing\n");
    fixture.append("book/src/SUMMARY.md", "- [Testing](week1/testing.md)\n");
    for gate in ["stubs", "tasks", "book"] {
        assert_eq!(fixture.findings(gate), [""; 0], "gate {gate}");
    }
    let goal = "1".parse().expect("a week");
    let report = course::report::test(&fixture.course, goal, true).expect("a report");
    assert!(report.passed, "{}", report.text);
    assert!(!report.text.contains("Testing"), "{}", report.text);
}
