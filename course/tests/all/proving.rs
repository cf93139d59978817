//! `cargo course prove`.

use std::process::{Command, Output};

use crate::fixture::Fixture;

const LIST: &str = "chapters/week1/src/store/list.rs";
const WHOLE: &str = "use tinydb::store::List;\n\n\
    #[test]\nfn two_numbers_make_a_sum() {\n    let mut list = List::default();\n    list.add(3);\n    list.add(4);\n    \
    assert_eq!(list.sum(), 7);\n}\n";

fn prove(fixture: &Fixture, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_course"));
    command.arg("prove").args(arguments).current_dir(&fixture.course.root);
    // What the course was built with is enough: nothing is asked of another host.
    command.env_remove("CARGO_TARGET_DIR").env("CARGO_NET_OFFLINE", "true");
    command.output().expect("the command")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_tests_of_the_whole_engine_run_on_the_readers_code_and_a_weeks_do_not() {
    let fixture = Fixture::new();
    fixture.write("solutions/tinydb/tests/whole.rs", WHOLE);
    let stubs = prove(&fixture, &["1"]);
    assert!(!stubs.status.success());
    let said = text(&stubs.stdout) + &text(&stubs.stderr);
    assert!(said.contains("not yet implemented: week 1, task 1"), "{said}");

    fixture.write(LIST, &fixture.read("solutions/tinydb/src/store/list.rs"));
    let done = prove(&fixture, &["1"]);
    let said = text(&done.stdout) + &text(&done.stderr);
    assert!(done.status.success(), "{said}");
    assert!(said.contains("two_numbers_make_a_sum ... ok"), "{said}");
    assert!(!said.contains("task_1_1"), "{said}");

    fixture.replace(LIST, "self.numbers.push(number);", "self.numbers.push(number + 1000);");
    assert!(!prove(&fixture, &["1", "whole"]).status.success(), "it is the reader's code");
}

#[test]
fn tests_that_do_not_exist_are_named_with_those_that_do() {
    let fixture = Fixture::new();
    fixture.write("solutions/tinydb/tests/whole.rs", WHOLE);
    let ran = prove(&fixture, &["1", "hole"]);
    let said = text(&ran.stderr);
    assert!(!ran.status.success() && said.contains("no tests hole. It has: whole"), "{said}");
}
