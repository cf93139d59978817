//! Planted bugs: their files, `cargo course bughunt` and the gate `bugs`.

use std::time::Duration;

use course::bug::{Bug, bugs};
use course::hunt;
use course::{Course, Error};

use crate::fixture::{Fixture, assert_found};

const TESTS: &str = "chapters/week1/tests/bug_hunt.rs";
const LOST: &str = "chapters/week1/bugs/a_number_is_lost.patch";
const ONE: &str = "chapters/week1/bugs/nothing_adds_up_to_one.patch";

/// Catches one of the fixture's two bugs.
const EMPTY_SUM: &str = "#[test]\nfn an_empty_list_has_no_sum() {\n    assert_eq!(week1::store::List::default().sum(), 0);\n}\n";

/// Catches the other.
const BOTH: &str = "#[test]\nfn both_numbers_count() {\n    let mut list = week1::store::List::default();\n    list.add(7);\n    list.add(1);\n    assert_eq!(list.sum(), 8);\n}\n";

/// A bug because of which a sum never comes.
const ENDLESS: &str = "bug: a_sum_never_comes
says: Asking for a sum takes for ever.
caught-by: task_1_2::sum_adds_all
explains: The loop does not end.

--- a/solutions/tinydb/src/store/list.rs
+++ b/solutions/tinydb/src/store/list.rs
@@ -36,5 +36,6 @@
     // ANCHOR: sum
     pub fn sum(&self) -> u32 {
+        while !self.is_empty() {}
         total(&self.numbers)
     }
     // ANCHOR_END: sum
";

/// A fixture whose reader has written these tests.
fn with_tests(tests: &str) -> Fixture {
    let fixture = Fixture::new();
    fixture.write(TESTS, tests);
    fixture
}

/// What a hunt says, without colours, and whether it ends well.
fn hunt_in(course: &Course) -> (String, bool) {
    let mut said = String::new();
    let passed = hunt::hunt(course, 1, &mut |text| said.push_str(text)).expect("a hunt");
    (anstream::adapter::strip_str(&said).to_string(), passed)
}

#[track_caller]
fn assert_said(said: &str, parts: &[&str]) {
    for part in parts {
        assert!(said.contains(part), "expected {part:?} in:\n{said}");
    }
}

/// The error that a hunt in a damaged fixture ends with.
fn refused(fixture: &Fixture) -> Error {
    hunt::hunt(&fixture.course, 1, &mut |_| ()).expect_err("a hunt that cannot begin")
}

#[test]
fn a_hunt_says_which_bugs_are_caught_and_which_are_not() {
    let fixture = with_tests(EMPTY_SUM);
    let (said, passed) = hunt_in(&fixture.course);
    assert!(!passed, "one bug got away");
    assert_said(
        &said,
        &[
            "The unbroken engine passes your 1 test.\n",
            "✗ a_number_is_lost        not caught: A number that was added behind a 7 is not in the sum.\n",
            "✓ nothing_adds_up_to_one  caught by an_empty_list_has_no_sum\n",
            "1 of 2 bugs caught. Next: a_number_is_lost\n",
            "Read:      how-this-course-works.html#hunt-for-bugs",
            "Run again: cargo course bughunt 1\n",
            "cargo course bughunt 1 --reveal a_number_is_lost\n",
        ],
    );
    let (said, passed) = hunt_in(&with_tests(&format!("{EMPTY_SUM}{BOTH}")).course);
    assert!(passed, "{said}");
    assert_said(
        &said,
        &["caught by both_numbers_count\n", "Well done: your tests catch all 2 bugs."],
    );
}

#[test]
fn a_hunt_uses_the_engine_and_changes_nothing_of_the_readers() {
    let fixture = with_tests(&format!("{EMPTY_SUM}{BOTH}"));
    let stub = "chapters/week1/src/store/list.rs";
    fixture.write(stub, "this does not compile\n");
    let reference = fixture.read("solutions/tinydb/src/store/list.rs");
    assert!(hunt_in(&fixture.course).1, "the reader's own crate is not used");
    assert_eq!(fixture.read(stub), "this does not compile\n");
    assert_eq!(fixture.read("solutions/tinydb/src/store/list.rs"), reference);
    // A second hunt in the same copy: the last bug of the first is gone.
    assert!(hunt_in(&fixture.course).1, "and the copy is whole again");
}

#[test]
fn a_bug_that_makes_a_test_hang_is_caught_by_that_test_alone() {
    let mut fixture = with_tests(&format!("{EMPTY_SUM}{BOTH}"));
    fixture.write("chapters/week1/bugs/a_sum_never_comes.patch", ENDLESS);
    fixture.course.limit = Duration::from_secs(4);
    let (said, passed) = hunt_in(&fixture.course);
    assert!(passed, "{said}");
    assert_said(
        &said,
        &["✓ a_sum_never_comes       caught by both_numbers_count, which did not end\n"],
    );
    assert_eq!(fixture.findings("bugs"), [""; 0], "a test that hangs has failed");
}

#[test]
fn a_test_that_the_unbroken_engine_fails_ends_the_hunt() {
    let wrong = "#[test]\nfn seven_is_eight() {\n    let mut list = week1::store::List::default();\n    list.add(7);\n    assert_eq!(list.sum(), 8, \"the sum of 7\");\n}\n";
    let (said, passed) = hunt_in(&with_tests(&format!("{EMPTY_SUM}{wrong}")).course);
    assert!(!passed);
    assert_said(
        &said,
        &[
            "The unbroken engine fails 1 of your 2 tests, so no bug was planted.\n",
            "  seven_is_eight\n    the sum of 7\n    found:    7\n    expected: 8\n    at chapters/week1/tests/bug_hunt.rs:9:5\n",
            "change the test",
        ],
    );
    assert!(!said.contains("caught"), "{said}");
}

#[test]
fn without_tests_a_hunt_says_where_to_begin() {
    let fixture = Fixture::new();
    for _ in ["an empty file", "no file"] {
        let (said, passed) = hunt_in(&fixture.course);
        assert!(!passed);
        assert_said(
            &said,
            &[
                &format!("no tests yet in {TESTS}"),
                "2 bugs wait",
                "Read:      how-this-course-works.html#hunt-for-bugs",
            ],
        );
        if fixture.course.root.join(TESTS).exists() {
            fixture.remove(TESTS);
        }
    }
}

#[test]
fn tests_that_do_not_compile_are_shown_as_the_compiler_says_it() {
    let error = refused(&with_tests("#[test]\nfn wrong() {\n    let a: u8 = \"\";\n}\n"));
    assert!(matches!(error, Error::Compile { .. }), "{error}");
    assert!(error.to_string().contains("chapters/week1/tests/bug_hunt.rs:3"), "{error}");
}

#[test]
fn a_bug_that_no_longer_applies_is_named_before_anything_is_run() {
    let fixture = with_tests(EMPTY_SUM);
    fixture.replace("solutions/tinydb/src/store/given.rs", "START", "FIRST");
    let error = refused(&fixture);
    assert!(matches!(error, Error::StalePatch { .. }), "{error}");
    assert_said(&error.to_string(), &[ONE, "store/given.rs", "git restore", "CONTRIBUTING.md"]);
    assert!(!fixture.course.work().exists(), "nothing was built");
    fixture.remove("solutions/tinydb/src/store/given.rs");
    assert!(matches!(refused(&fixture), Error::StalePatch { .. }));
}

#[test]
fn a_bug_with_which_the_engine_does_not_compile_is_named() {
    let fixture = with_tests(EMPTY_SUM);
    fixture.replace(ONE, "+pub const START: u32 = 1;", "+pub const START: u32 = ;");
    assert_said(&refused(&fixture).to_string(), &[ONE, "does not compile", "given.rs:4"]);
    fixture.replace(ONE, "u32 = ;", "u32 = \"\";");
    assert_found(&fixture.findings("bugs"), &[ONE, "does not compile", "given.rs:4"]);
}

#[test]
fn a_week_or_a_bug_that_is_not_there_is_answered_with_those_that_are() {
    let fixture = Fixture::new();
    let error = hunt::reveal(&fixture.course, 1, "none").expect_err("no such bug").to_string();
    assert_said(&error, &["no bug `none`", "a_number_is_lost, nothing_adds_up_to_one"]);
    fixture.remove(LOST).remove(ONE);
    let error = refused(&fixture);
    assert!(matches!(error, Error::NoBugs { .. }), "{error}");
    assert_said(&error.to_string(), &["week 1 has no planted bugs", "none yet"]);
}

#[test]
fn a_bug_is_revealed_only_when_asked() {
    let fixture = with_tests(EMPTY_SUM);
    let told = hunt::reveal(&fixture.course, 1, "a_number_is_lost").expect("a bug");
    let told = anstream::adapter::strip_str(&told).to_string();
    assert_said(
        &told,
        &[
            "a_number_is_lost\nA number that was added behind a 7 is not in the sum.\n",
            "`add` keeps no number behind a 7.",
            "task_1_2::sum_adds_all",
            "+        if self.numbers.last() != Some(&7) {\n",
        ],
    );
    let (said, _) = hunt_in(&fixture.course);
    assert!(!said.contains("keeps no number"), "{said}");
}

#[test]
fn a_bugs_file_is_understood() {
    let fixture = Fixture::new();
    let week = fixture.course.week(1).expect("a week");
    let found = bugs(&fixture.course, &week).expect("bugs");
    let names: Vec<&str> = found.iter().map(|bug| bug.name.as_str()).collect();
    assert_eq!(names, ["a_number_is_lost", "nothing_adds_up_to_one"]);
    let bug = &found[1];
    assert_eq!(bug.patch.path, ONE);
    assert_eq!(bug.caught_by, "task_1_2::sum_of_nothing_is_zero");
    assert_eq!(bug.explains, "Adding up starts from 1.\nAny sum shows it.");
    let planted = bug.patch.planted(&fixture.course).expect("it applies");
    assert_eq!(planted.len(), 1);
    assert_eq!(planted[0].path, "solutions/tinydb/src/store/given.rs");
    assert!(planted[0].text.ends_with("START: u32 = 1;\n"), "{}", planted[0].text);
}

#[test]
fn a_bugs_file_with_a_mistake_is_refused_with_its_line() {
    let path = "chapters/week1/bugs/a_sum_never_comes.patch";
    for (old, new, expected) in [
        ("says:", "say:", ":2: expected `bug: …`, `says: …`"),
        ("says:", "says it", ":2: expected `bug: …`"),
        ("says: Asking for a sum takes for ever.", "says:", ":2: `says:` says nothing"),
        ("explains: ", "says: ", ":4: `says:` stands here twice"),
        ("explains: The loop does not end.\n", "", ":5: expected a line `explains: …`"),
        ("bug: a_sum", "bug: the_sum", ":1: the bug is called `the_sum_never_comes`, its file"),
        ("task_1_2::", "task_1::", ":3: expected a test such as `task_4_8::its_name`"),
        ("--- a/sol", "--- a/sul", ":6: a bug only changes files"),
        ("/tinydb/src/", "/tinydb/tests/", ":6: a bug changes files below solutions/tinydb/src/"),
        ("--- a/solutions/tinydb/src/store/list.rs", "--- /dev/null", ":6: a bug only changes"),
        ("@@ -36,5 +36,6 @@", "@@ -36,5 +36,7 @@", ":6: this is no patch"),
        ("+        while", "         while", ":6: this is no patch"),
    ] {
        assert!(ENDLESS.contains(old), "{old}");
        let error = Bug::parse(path, &ENDLESS.replace(old, new)).expect_err(new).to_string();
        assert!(error.starts_with(path) && error.contains(expected), "{expected}: {error}");
    }
    let head = ENDLESS.split("---").next().expect("the lines above the patch");
    let error = Bug::parse(path, head).expect_err("no patch").to_string();
    assert!(error.contains("expected a patch, as `git diff` writes it"), "{error}");
}

#[test]
fn the_gate_finds_bugs_that_no_test_catches() {
    let fixture = Fixture::new();
    fixture.replace(ONE, "sum_of_nothing_is_zero", "sum_adds_everything");
    // This test passes although the bug is there.
    fixture.replace(LOST, "task_1_2::sum_adds_all", "task_1_1::add_counts");
    fixture.write("chapters/week1/bugs/broken.patch", "bug: broken\n");
    fixture.remove(TESTS);
    let findings = fixture.findings("bugs");
    assert_found(&findings, &[ONE, "has the test task_1_2::sum_adds_everything"]);
    assert_found(&findings, &[LOST, "task_1_1::add_counts passes though the bug is planted"]);
    assert_found(&findings, &["broken.patch: expected a patch"]);
    assert_found(&findings, &[TESTS, "missing"]);
    assert_eq!(findings.len(), 4, "{findings:?}");
}

#[test]
fn the_gate_finds_stale_bugs_ignored_tests_and_an_empty_folder() {
    let fixture = Fixture::new();
    fixture.replace("solutions/tinydb/src/store/given.rs", "START", "FIRST");
    let test = "    #[test]\n    fn sum_adds_all";
    fixture.replace("chapters/week1/tests/list.rs", test, &format!("#[ignore]\n{test}"));
    fixture.replace("solutions/tinydb/src/store/mod.rs", "START", "FIRST as START");
    let findings = fixture.findings("bugs");
    assert_found(&findings, &[ONE, "can no longer be planted in", "given.rs"]);
    assert_found(&findings, &[LOST, "task_1_2::sum_adds_all does not run"]);
    fixture.remove(LOST).remove(ONE);
    fixture.write("chapters/week1/bugs/readme.txt", "none\n");
    assert_found(&fixture.findings("bugs"), &["chapters/week1/bugs: there is no bug"]);
}

#[test]
fn a_readers_tests_for_the_hunt_are_not_the_courses() {
    let fixture = with_tests(BOTH);
    assert_found(&fixture.findings("tasks"), &["bug_hunt.rs: both_numbers_count is in no module"]);
}
