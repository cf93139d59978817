//! Reading what a test program prints, and telling a reader how a week stands.

use std::collections::BTreeSet;

use course::chapter::all_tasks;
use course::gate::verdict;
use course::report::report;
use course::suite::{Outcome, Suite, Test, first_panic, outcomes, stopped_at};
use course::week::{Task, TaskId, Week};

use crate::fixture::{Fixture, assert_found};

const PRINTED: &str = "
running 5 tests
test task_1_1::a ... ok
test task_1_1::b - should panic ... FAILED
test task_1_2::c ... ignored, too slow
test task_1_2::d ... FAILED

failures:

---- task_1_1::b stdout ----

thread 'task_1_1::b' (7) panicked at src/x.rs:3:9:
not yet implemented: week 1, task 1: Add a number
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
note: panic did not contain expected string

---- task_1_2::d stdout ----

thread '<unnamed>' (8) panicked at tests/x.rs:9:5:
assertion `left == right` failed: the sum
  left: 1
 right: 2

thread 'task_1_2::d' (7) panicked at tests/x.rs:2:5:
called `Result::unwrap()` on an `Err` value: Any


failures:
    task_1_1::b
    task_1_2::d

test result: FAILED. 1 passed; 2 failed; 1 ignored
";

fn failed(printed: &str) -> Outcome {
    Outcome::Failed(format!("\nthread 'x' (1) panicked at src/x.rs:3:9:\n{printed}\n"))
}

fn todo(task: u8) -> Outcome {
    failed(&format!("not yet implemented: week 1, task {task}: title"))
}

fn suite(tests: &[(&str, Outcome)]) -> Suite {
    let tests = tests.iter();
    let tests =
        tests.map(|(name, outcome)| Test { name: (*name).to_owned(), outcome: outcome.clone() });
    Suite { tests: tests.collect(), troubles: Vec::new() }
}

fn week() -> Week {
    Fixture::new().course.week(1).expect("the fixture's week")
}

#[test]
fn libtests_output_is_understood() {
    let outcomes = outcomes(PRINTED);
    assert_eq!(outcomes["task_1_1::a"], Outcome::Passed);
    assert_eq!(outcomes["task_1_2::c"], Outcome::Ignored);
    assert_eq!(outcomes.len(), 4, "a test without a result has none");
    let Outcome::Failed(b) = &outcomes["task_1_1::b"] else { panic!("b failed") };
    assert_eq!(stopped_at(b), Some(TaskId { week: 1, task: 1 }));
    let Outcome::Failed(d) = &outcomes["task_1_2::d"] else { panic!("d failed") };
    assert_eq!(stopped_at(d), None);
    let panic = first_panic(d).expect("a panic");
    assert_eq!(panic.place, "tests/x.rs:9:5");
    assert_eq!(panic.message, "assertion `left == right` failed: the sum\n  left: 1\n right: 2");
}

#[test]
fn a_place_in_another_weeks_room_is_named_without_detours() {
    let place = |path: &str| {
        let printed = format!("thread 'x' (1) panicked at {path}:3:9:\nbad\n");
        first_panic(&printed).expect("a panic").place
    };
    let adopted = "chapters/week4/src/../../../chapters/week3/src/storage/wal.rs";
    assert_eq!(place(adopted), "chapters/week3/src/storage/wal.rs:3:9");
    assert_eq!(place("/rustc/abc/x.rs"), "/rustc/abc/x.rs:3:9");
    assert_eq!(place("../x.rs"), "../x.rs:3:9");
}

#[test]
fn stubs_that_fail_by_todo_are_as_they_should_be() {
    let week = week();
    let suite = suite(&[("task_1_1::a", todo(1)), ("task_1_2::b", todo(1))]);
    assert_eq!(verdict(&week, &all_tasks(&week), &suite), [""; 0]);
}

#[test]
fn each_way_not_to_be_red_is_found() {
    let week = week();
    let open = all_tasks(&week);
    let wrong = |tests: &[(&str, Outcome)]| verdict(&week, &open, &suite(tests));
    assert_found(&wrong(&[]), &["week1, on the stubs: no test ran"]);
    assert_found(
        &wrong(&[("task_1_1::a", Outcome::Passed)]),
        &["task_1_1::a passes, though task 1.1"],
    );
    assert_found(&wrong(&[("task_1_1::a", Outcome::Ignored)]), &["task_1_1::a is ignored"]);
    assert_found(
        &wrong(&[("task_1_1::a", failed("left: 1"))]),
        &["not by todo!(): left: 1 (at src/x.rs:3:9)"],
    );
    assert_found(&wrong(&[("a", todo(1))]), &["a is in no task's module"]);
    assert_found(&wrong(&[("task_1_1::a", todo(2))]), &["no test of task 1.1 stops at"]);
}

#[test]
fn a_filled_tasks_test_must_pass() {
    let week = week();
    let open = BTreeSet::from([TaskId { week: 1, task: 2 }]);
    let needs_later = suite(&[("task_1_1::a", todo(2)), ("task_1_2::b", todo(2))]);
    let findings = verdict(&week, &open, &needs_later);
    assert_found(
        &findings,
        &["tasks up to 1.1 filled: task_1_1::a fails: not yet implemented: week 1, task 2"],
    );
    assert_eq!(findings.len(), 1, "{findings:?}");
}

/// The report without its colours.
fn told(week: &Week, tests: &[(&str, Outcome)]) -> (String, bool) {
    let tasks: Vec<&Task> = week.tasks().collect();
    let report = report(week, &tasks, &suite(tests));
    (anstream::adapter::strip_str(&report.text).to_string(), report.passed)
}

#[test]
fn a_report_counts_by_task_and_shows_the_first_failure() {
    let week = week();
    let tests = [
        ("task_1_1::a", Outcome::Passed),
        ("task_1_2::b", todo(2)),
        (
            "task_1_2::c",
            failed("assertion `left == right` failed: the sum of 7 and 8\n  left: 0\n right: 15"),
        ),
        ("task_1_2::d", Outcome::Passed),
    ];
    let (text, passed) = told(&week, &tests);
    assert!(!passed);
    for part in [
        "✓ 1.1  Add a number     1/1\n",
        "✗ 1.2  Sum the numbers  1/3\n",
        "Next: 1.2 Sum the numbers\n  c\n    the sum of 7 and 8\n    found:    0\n    expected: 15\n    at src/x.rs:3:9\n",
        "week1/list.html#task-1-2",
        "Run again: cargo course test 1.2\n",
    ] {
        assert!(text.contains(part), "expected {part:?} in:\n{text}");
    }
}

#[test]
fn a_stub_is_not_started_rather_than_broken() {
    let (text, passed) = told(&week(), &[("task_1_1::a", todo(1)), ("task_1_2::b", todo(2))]);
    assert!(!passed);
    assert!(text.contains("· 1.1  Add a number     0/1  not started"), "{text}");
    assert!(
        text.contains(
            "  a\n    waits for task 1.1, whose stub is still to be written\n    at src/x.rs:3:9"
        ),
        "{text}"
    );
}

#[test]
fn tests_come_in_the_order_of_their_files() {
    let mut suite = suite(&[
        ("list::task_1_2::a", Outcome::Passed),
        ("list::task_1_2::b", Outcome::Passed),
        ("list::task_1_1::c", Outcome::Passed),
    ]);
    suite.order_by(&["task_1_1::c".to_owned(), "task_1_2::b".to_owned(), "task_1_2::a".to_owned()]);
    let names: Vec<_> = suite.tests.iter().map(|test| test.name.as_str()).collect();
    assert_eq!(names, ["list::task_1_1::c", "list::task_1_2::b", "list::task_1_2::a"]);
}

#[test]
fn a_panic_in_rusts_library_is_not_said_to_be_in_a_strange_file() {
    let printed =
        "\nthread 'x' (1) panicked at /rustc/abc/library/alloc/src/x.rs:3:9:\nbad range\n";
    let failed = Outcome::Failed(printed.to_owned());
    let (text, _) = told(&week(), &[("task_1_1::a", failed), ("task_1_2::b", todo(2))]);
    assert!(text.contains("bad range\n    in Rust's own library, called from your code"), "{text}");
}

#[test]
fn of_a_long_message_the_middle_is_left_out() {
    let lines: Vec<_> = (1..=60).map(|line| format!("line {line}")).collect();
    let long = failed(&format!("{}\nrule: the last line counts", lines.join("\n")));
    let (text, _) = told(&week(), &[("task_1_1::a", long), ("task_1_2::b", todo(2))]);
    assert!(text.contains("    line 1\n") && text.contains("    line 60\n"), "{text}");
    assert!(text.contains("    … 37 lines …\n"), "{text}");
    assert!(text.contains("    rule: the last line counts\n"), "{text}");
}

#[test]
fn a_finished_week_says_so() {
    let done = [("task_1_1::a", Outcome::Passed), ("task_1_2::b", Outcome::Passed)];
    let (text, passed) = told(&week(), &done);
    assert!(passed);
    assert!(text.contains("Well done: week 1 passes all its tests."), "{text}");
    assert!(text.contains("reference: solutions/tinydb/src/store/\n"), "{text}");
}

#[test]
fn a_finished_task_names_its_own_page_and_the_next() {
    let week = week();
    let tasks: Vec<_> = week.tasks().take(1).collect();
    let suite = suite(&[("task_1_1::a", Outcome::Passed)]);
    let text = report(&week, &tasks, &suite).text;
    assert!(text.contains("Next is task 1.2"), "{text}");
    assert!(text.contains("Read:       week1/list.html#task-1-2\n"), "{text}");
    assert!(text.contains("Read again: week1/list.html#task-1-1\n"), "{text}");
}

#[test]
fn the_compiler_is_to_be_heard_until_it_is() {
    let fixture = Fixture::new();
    let done = [("task_1_1::a", Outcome::Passed), ("task_1_2::b", Outcome::Passed)];
    let library = "chapters/week1/src/lib.rs";
    let week = fixture.course.week(1).unwrap();
    let advice = "Delete #![allow(unused)] in chapters/week1/src/lib.rs";
    fixture.write(library, "#![allow(unused)]\npub mod store;\n");
    assert!(told(&week, &done).0.contains(advice), "it is there");
    fixture.write(library, "pub mod store;\n");
    assert!(!told(&week, &done).0.contains(advice), "it was deleted");
}
