//! The command itself.

use std::net::TcpListener;
use std::process::{Command, Output};

use crate::fixture::Fixture;

fn run(fixture: &Fixture, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_course"));
    command.arg("--root").arg(&fixture.course.root).args(arguments);
    command.env_remove("CARGO_TARGET_DIR").output().expect("the command")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn help_fits_a_screen_and_shows_examples() {
    let help = text(&run(&Fixture::new(), &["--help"]).stdout);
    assert!(help.lines().count() <= 40, "{help}");
    for example in ["cargo course serve", "cargo course test 3.2"] {
        assert!(help.contains(example), "{help}");
    }
}

#[test]
fn testing_goes_from_red_to_green() {
    let fixture = Fixture::new();
    let red = run(&fixture, &["test", "1"]);
    assert_eq!(red.status.code(), Some(1));
    let said = text(&red.stdout);
    assert!(said.contains("· 1.1") && said.contains("src/store/list.rs:26:9"), "{said}");
    assert!(!said.contains('\u{1b}'), "no colours where there is no terminal: {said}");
    let green = run(&fixture, &["test", "1.2", "--solution"]);
    assert!(green.status.success(), "{}", text(&green.stderr));
    assert!(text(&green.stdout).contains("✓ 1.2  Sum the numbers  2/2"), "{}", text(&green.stdout));
}

#[test]
fn a_readers_half_written_test_stops_no_task() {
    let fixture = Fixture::new();
    let my_tests = "chapters/week1/tests/my_tests.rs";
    for half_written in ["#[test]\nfn mine( {\n", "#[test]\nfn mine() { unknown }\n"] {
        fixture.write(my_tests, half_written);
        for (goal, line) in [("1.1", "· 1.1"), ("1", "· 1.2")] {
            let ran = run(&fixture, &["test", goal]);
            let (said, errors) = (text(&ran.stdout), text(&ran.stderr));
            assert!(said.contains(line) && !errors.contains("error"), "{goal}: {said}{errors}");
        }
    }
}

#[test]
fn what_does_not_exist_is_answered_with_what_does() {
    let fixture = Fixture::new();
    for (goal, answer) in [
        ("4", "there is no week 4. The weeks are: 1."),
        ("1.7", "week 1 has no task 1.7. Its tasks are: 1.1, 1.2."),
        ("x", "expected a week such as 3, or a task such as 3.2"),
    ] {
        let refused = run(&fixture, &["test", goal]);
        assert!(!refused.status.success());
        assert!(text(&refused.stderr).contains(answer), "{}", text(&refused.stderr));
    }
}

#[test]
fn code_that_does_not_compile_is_shown_as_the_compiler_says_it() {
    let fixture = Fixture::new();
    fixture.replace("chapters/week1/src/store/list.rs", "pub fn sum", "pub fn sum sum");
    let refused = run(&fixture, &["test", "1"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("src/store/list.rs:32"), "{}", text(&refused.stderr));
}

#[test]
fn a_taken_port_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its address").port().to_string();
    let refused = run(&Fixture::new(), &["serve", "--port", &port]);
    let said = text(&refused.stderr);
    assert!(said.contains(&format!("port {port} is taken")), "{said}");
    assert!(said.contains("cargo course serve --port"), "{said}");
}

#[test]
fn without_a_terminal_nobody_is_asked() {
    let fixture = Fixture::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_course"));
    command.arg("--root").arg(&fixture.course.root).args(["diff", "1.2"]);
    command.env_remove("CARGO_TARGET_DIR").stdin(std::process::Stdio::null());
    let refused = command.output().expect("the command");
    assert_eq!(refused.status.code(), Some(1));
    let (shown, said) = (text(&refused.stdout), text(&refused.stderr));
    assert!(said.contains("do not pass yet") && said.contains("add --yes"), "{said}");
    assert!(!shown.contains("total"), "{shown}");
    let shown = run(&fixture, &["diff", "1.2", "--yes"]);
    assert!(text(&shown.stdout).contains("+     total(&self.numbers)"), "{}", text(&shown.stdout));
}

#[test]
fn stubs_check_writes_nothing() {
    let fixture = Fixture::new();
    let stub = "chapters/week1/src/lib.rs";
    assert!(run(&fixture, &["stubs", "--check"]).status.success());
    fixture.append(stub, "// more\n");
    let refused = run(&fixture, &["stubs", "--check"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        text(&refused.stdout).contains("src/lib.rs:12: generated the end, on disk `// more`"),
        "{}",
        text(&refused.stdout)
    );
    assert!(fixture.read(stub).ends_with("// more\n"));
}

#[test]
fn the_gates_can_be_listed() {
    let listed = text(&run(&Fixture::new(), &["check", "--list"]).stdout);
    assert_eq!(listed.lines().count(), course::gate::GATES.len(), "{listed}");
}
