//! A reader's work stays when they merge a newer course.

use std::path::Path;
use std::process::Command;

use course::report::{self, Goal};
use course::{Course, adopt, files, stubs};
use tempfile::TempDir;

use crate::adopting::with_second_week;
use crate::fixture::Fixture;
use crate::writing::committed_as;

const LIST: &str = "chapters/week1/src/store/list.rs";
const REFERENCE: &str = "solutions/tinydb/src/store/list.rs";
const TESTS: &str = "chapters/week1/tests/list.rs";

/// Runs git in a folder, and says whether it ended well.
fn git(folder: &Path, arguments: &[&str]) -> bool {
    let mut git = Command::new("git");
    git.current_dir(folder).args(["-c", "user.name=t", "-c", "user.email=t@t.invalid"]);
    git.args(arguments).output().expect("git").status.success()
}

/// A reader's clone of a course, with a branch of their own.
struct Clone {
    upstream: Fixture,
    folder: TempDir,
}

impl Clone {
    fn new() -> Self {
        let upstream = committed_as(with_second_week(Fixture::new()));
        assert!(git(&upstream.course.root, &["branch", "--move", "main"]));
        let folder = TempDir::new().expect("a folder");
        let from = upstream.course.root.to_string_lossy().into_owned();
        assert!(git(folder.path(), &["clone", "--quiet", &from, "."]));
        assert!(git(folder.path(), &["switch", "--quiet", "--create", "my-tinydb"]));
        Self { upstream, folder }
    }

    fn course(&self) -> Course {
        Course::at(self.folder.path())
    }

    fn read(&self, path: &str) -> String {
        files::read(&self.folder.path().join(path)).expect(path)
    }

    fn write(&self, path: &str, text: &str) {
        files::write(&self.folder.path().join(path), text.as_bytes()).expect(path);
    }

    fn commit(&self) {
        assert!(git(self.folder.path(), &["add", "--all"]));
        assert!(git(self.folder.path(), &["commit", "--quiet", "--message", "Mine"]));
    }

    /// The reader writes a function.
    fn fill(&self, task: &str, code: &str) {
        let text = self.read(LIST);
        assert!(text.contains(task), "{text}");
        self.write(LIST, &text.replace(task, code));
    }

    /// The course goes on: its stubs are made anew and committed.
    fn publish(&self) {
        stubs::update(&self.upstream.course, false).expect("the stubs");
        assert!(git(
            &self.upstream.course.root,
            &["commit", "--quiet", "--all", "--message", "New"]
        ));
    }

    fn merge(&self) -> bool {
        assert!(git(self.folder.path(), &["fetch", "--quiet"]));
        git(self.folder.path(), &["merge", "--quiet", "--no-edit", "origin/main"])
    }
}

const ADD: &str = "todo!(\"week 1, task 1: Add a number\")";
const MY_ADD: &str = "self.numbers.insert(0, number);";

#[test]
fn a_merge_keeps_the_readers_work_and_brings_the_courses() {
    let reader = Clone::new();
    reader.fill(ADD, MY_ADD);
    reader.fill("todo!(\"week 1, task 2: Sum the numbers\")", "self.numbers.iter().sum()");
    reader.write("chapters/week1/tests/my_tests.rs", "// mine\n");
    assert!(adopt::adopt(&reader.course(), 1).expect("a report").1);
    reader.commit();
    reader
        .upstream
        .replace(REFERENCE, "/// The sum of all numbers.", "/// The sum of all numbers, or 0.")
        .replace("solutions/tinydb/src/shelf/shelf.rs", "/// How wide", "/// Say how wide")
        .append(TESTS, "\nmod more {}\n");
    reader.publish();

    assert!(reader.merge(), "no conflict");
    let list = reader.read(LIST);
    assert!(list.contains(MY_ADD) && list.contains("self.numbers.iter().sum()"), "{list}");
    assert!(list.contains("/// The sum of all numbers, or 0."), "{list}");
    assert_eq!(reader.read("chapters/week1/tests/my_tests.rs"), "// mine\n");
    assert!(reader.read(TESTS).contains("mod more"));
    assert!(reader.read("chapters/week2/src/shelf/shelf.rs").contains("/// Say how wide"));
    assert_eq!(adopt::out_of_step(&reader.course()).expect("read"), [""; 0]);
    let report = report::test(&reader.course(), Goal::Week(1), false).expect("it compiles");
    assert!(report.passed, "{}", report.text);
}

#[test]
fn a_conflict_in_a_written_stub_is_solved_by_hand_and_nothing_is_lost() {
    let reader = Clone::new();
    reader.fill(ADD, MY_ADD);
    reader.commit();
    // The course names the argument anew, right above the body.
    reader.upstream.replace(
        REFERENCE,
        "number: u32) {\n        self.numbers.push(number)",
        "value: u32) {\n        self.numbers.push(value)",
    );
    reader.publish();
    assert!(!reader.merge(), "a conflict");
    let both = reader.read(LIST);
    assert!(
        both.contains("<<<<<<<") && both.contains(MY_ADD) && both.contains("value: u32"),
        "{both}"
    );
    // What the page says: their signature, your body.
    let (head, rest) = both.split_once("<<<<<<<").expect("a conflict");
    let (_, tail) = rest.split_once(">>>>>>> origin/main\n").expect("its end");
    let solved =
        "    pub fn add(&mut self, value: u32) {\n        self.numbers.insert(0, value);\n";
    reader.write(LIST, &format!("{head}{solved}{tail}"));
    reader.commit();
    let report = report::test(
        &reader.course(),
        Goal::Task(course::week::TaskId { week: 1, task: 1 }),
        false,
    );
    assert!(report.expect("it compiles").passed);
}
