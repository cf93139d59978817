//! The gates that run cargo: each is shown to fail when it should, and to pass on the course as it is.

use std::time::Duration;

use course::Course;
use course::gate::{GATES, select, spelling_findings};

use crate::fixture::{Fixture, assert_found};

const TESTS: &str = "chapters/week1/tests/list.rs";

#[test]
fn the_fixture_passes() {
    let fixture = Fixture::new();
    for gate in GATES {
        if !["browser", "spelling"].contains(&gate.name) {
            assert_eq!(fixture.findings(gate.name), [""; 0], "gate {}", gate.name);
        }
    }
}

#[test]
fn no_gate_passes_without_chapters() {
    let empty = tempfile::tempdir().expect("a folder");
    for gate in GATES {
        let findings = gate.run(&Course::at(empty.path())).findings;
        assert_found(&findings, &["no chapters found"]);
    }
}

#[test]
fn an_unknown_gate_is_refused() {
    let error = select(&["stub".to_owned()]).err().expect("no such gate").to_string();
    assert!(error.contains("The gates are: stubs, red"), "{error}");
    assert_eq!(select(&["red".to_owned()]).expect("a gate").len(), 1);
}

#[test]
fn red_finds_tests_that_pass_hang_or_fail_otherwise() {
    let mut fixture = Fixture::new();
    fixture.course.limit = Duration::from_secs(4);
    fixture.append(
        TESTS,
        "#[test]\n#[should_panic]\nfn panics() {\n    week1::store::List::default().sum();\n}\n",
    );
    fixture.replace(
        TESTS,
        "list.add(7);\n        assert_eq!(list.len(), 1",
        "assert_eq!(list.len(), 1",
    );
    let hangs = "mod task_1_1 {\n    #[test]\n    fn hangs() {\n        loop {\n            std::thread::park();\n        }\n    }\n    #[test]\n    fn speaks() {\n        panic!(\"said beside one that hangs\");\n    }\n}\n";
    fixture.write("chapters/week1/tests/slow.rs", hangs);
    let aborts = "mod task_1_2 {\n    #[test]\n    fn aborts() {\n        let _ = std::io::Write::write_all(&mut std::io::stderr(), b\"last words\");\n        std::process::abort();\n    }\n    #[test]\n    fn beside_it() {}\n}\n";
    fixture.write("chapters/week1/tests/worse.rs", aborts);
    let findings = fixture.findings("red");
    assert_found(&findings, &["tests/list.rs:30: a bare #[should_panic] passes on a stub"]);
    assert_found(&findings, &["on the stubs: panics is in no task's module"]);
    assert_found(
        &findings,
        &["add_counts fails, but not by todo!()", "left: 0 / right: 1", "tests/list.rs:9"],
    );
    assert_found(&findings, &["slow: ended after 4 s; not finished: task_1_1::hangs"]);
    assert_found(&findings, &["task_1_1::speaks fails", "said beside one that hangs"]);
    assert_found(&findings, &["task_1_2::aborts fails", "ended its whole program", "last words"]);
    assert_found(&findings, &["task_1_2::beside_it passes"]);
    assert_found(&findings, &["no test of task 1.1 stops at that task's own todo!()"]);
}

#[test]
fn red_finds_a_solved_stub_and_a_task_tested_too_early() {
    let fixture = Fixture::new();
    let twin = fixture.read("solutions/tinydb/src/store/list.rs");
    fixture.write("chapters/week1/src/store/list.rs", &twin);
    fixture.replace(TESTS, "assert_eq!(list.len(), 1", "assert_eq!(list.sum(), 7");
    let findings = fixture.findings("red");
    assert_found(
        &findings,
        &["on the stubs: task_1_2::sum_adds_all passes, though task 1.2 is not done"],
    );
    assert_found(
        &findings,
        &[
            "tasks up to 1.1 filled: task_1_1::add_counts fails: not yet implemented: week 1, task 2",
        ],
    );
}

#[test]
fn red_finds_tests_that_do_not_compile() {
    let fixture = Fixture::new();
    fixture.replace(TESTS, "list.len()", "list.length()");
    assert_found(
        &fixture.findings("red"),
        &["week1 with 0 tasks filled does not compile", "no method named `length`"],
    );
}

#[test]
fn engine_finds_a_bug() {
    let fixture = Fixture::new();
    fixture.replace("solutions/tinydb/src/store/given.rs", "START: u32 = 0", "START: u32 = 1");
    let findings = fixture.findings("engine");
    assert_found(
        &findings,
        &[
            "engine: week1, all tasks filled: list::task_1_2::sum_adds_all fails",
            "left: 16 / right: 15",
        ],
    );
}

#[test]
fn engine_finds_test_files_it_does_not_run() {
    let fixture = Fixture::new();
    let wrapper = "solutions/tinydb/tests/week1.rs";
    fixture.replace(wrapper, "#[path", "// #[path").replace(wrapper, "mod list;", "");
    assert_found(
        &fixture.findings("engine"),
        &[
            "tests/week1.rs: expected `#[path = \"../../../chapters/week1/tests/list.rs\"] mod list;`",
        ],
    );
    fixture.remove(wrapper);
    assert_found(&fixture.findings("engine"), &["tests/week1.rs: missing"]);
}

#[test]
fn filled_finds_what_only_the_chapters_crate_shows() {
    let fixture = Fixture::new();
    fixture.replace(
        TESTS,
        "list.add(7);\n        assert_eq!(list.len(), 1",
        "list.add(7);\n        assert_ne!(env!(\"CARGO_PKG_NAME\"), \"week1\"",
    );
    assert_eq!(fixture.findings("engine"), [""; 0]);
    assert_found(
        &fixture.findings("filled"),
        &["week1, all tasks filled: task_1_1::add_counts fails"],
    );
}

#[test]
fn lint_finds_what_rustfmt_clippy_and_rustdoc_say() {
    let fixture = Fixture::new();
    let more = "/// See [`Nothing`].\npub fn first(list: &List) -> bool {\n    return  list.len() == 1;\n}\n";
    fixture.append("solutions/tinydb/src/store/mod.rs", more);
    let findings = fixture.findings("lint");
    assert_found(&findings, &["cargo fmt --all --check", "store/mod.rs"]);
    assert_found(&findings, &["cargo clippy", "needless_return"]);
    assert_found(&findings, &["cargo doc", "unresolved link to `Nothing`"]);
}

#[test]
fn spelling_names_the_word_and_what_to_do() {
    assert_found(&Fixture::new().findings("spelling"), &["book/spelling/package.json: missing"]);
    let said = "book/src/plan.md:4:2 - Unknown word (memtabel)\n";
    let advice = ["book/src/plan.md:4:2", "memtabel", "book/spelling/words.txt"];
    assert_found(&spelling_findings(said, false), &advice);
    assert_eq!(spelling_findings("", true), [""; 0]);
    assert_found(&spelling_findings("no files", false), &["not checked", "no files"]);
}

#[test]
fn browser_finds_that_there_are_no_tests() {
    assert_found(&Fixture::new().findings("browser"), &["book/e2e/package.json: missing"]);
}

/// A fixture whose browser tests are this script; they see the built book.
fn with_browser_test(script: &str) -> Fixture {
    let fixture = Fixture::new();
    let package = r#"{ "name": "e2e", "version": "1.0.0", "scripts": { "test": "node test.js" } }"#;
    let lock = r#"{ "name": "e2e", "version": "1.0.0", "lockfileVersion": 3, "packages": {} }"#;
    let page = "require('fs').readFileSync(process.env.COURSE_BOOK + '/index.html');\n";
    fixture.write("book/e2e/package.json", package).write("book/e2e/package-lock.json", lock);
    fixture.write("book/e2e/test.js", &(page.to_owned() + script));
    fixture
}

#[test]
fn browser_passes_when_its_tests_do_and_shows_what_a_failing_one_says() {
    assert_eq!(with_browser_test("").findings("browser"), [""; 0]);
    let fixture = with_browser_test("console.log('a page is wrong'); process.exit(1);");
    assert_found(&fixture.findings("browser"), &["a page is wrong", "npm", "Node.js"]);
}
