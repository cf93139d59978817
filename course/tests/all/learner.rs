//! The commands of a reader at work: hints, going back, comparing.

use course::report::Goal;
use course::week::TaskId;
use course::{Error, diff, files, hint, reset};

use crate::fixture::Fixture;

const LIST: &str = "chapters/week1/src/store/list.rs";
const REFERENCE: &str = "solutions/tinydb/src/store/list.rs";
const SUM: TaskId = TaskId { week: 1, task: 2 };

/// A text without its colours.
pub fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

/// A fixture whose reader has written both functions, each in a way of their own.
pub fn worked() -> Fixture {
    let fixture = Fixture::new();
    fixture
        .replace(LIST, "todo!(\"week 1, task 1: Add a number\")", "self.numbers.insert(0, number);")
        .replace(
            LIST,
            "todo!(\"week 1, task 2: Sum the numbers\")",
            "let mut sum = 0;\n        for number in &self.numbers {\n            sum += number;\n        }\n        sum",
        );
    fixture
}

fn hinted(fixture: &Fixture, again: bool) -> String {
    plain(&hint::hint(&fixture.course, SUM, again).expect("a hint"))
}

#[test]
fn hints_come_one_at_a_time() {
    let fixture = Fixture::new();
    let first = hinted(&fixture, false);
    for part in [
        "Task 1.2: Sum the numbers\n",
        "Hint 1 of 3: a nudge\n  What is the sum of none?\n",
        "Try it:    cargo course test 1.2\n",
        "Stuck:     cargo course hint 1.2   (the approach)\n",
    ] {
        assert!(first.contains(part), "expected {part:?} in:\n{first}");
    }
    assert!(!first.contains("Iterators"), "only the first hint:\n{first}");
    let second = hinted(&fixture, false);
    assert!(second.contains("Hint 2 of 3: the approach\n  Iterators can sum."), "{second}");
    assert!(!second.contains("nudge"), "{second}");
    let third = hinted(&fixture, false);
    assert!(third.contains("Hint 3 of 3: almost the code"), "{third}");
    assert!(third.contains("week1/list.html#task-1-2"), "{third}");
    assert!(third.contains("cargo course diff 1.2"), "{third}");
    let fourth = hinted(&fixture, false);
    assert!(fourth.contains("All 3 hints have been shown."), "{fourth}");
}

#[test]
fn hints_can_be_seen_again_and_each_task_has_its_own() {
    let fixture = Fixture::new();
    assert!(hinted(&fixture, true).contains("No hint of this task has been shown yet."));
    let other = hint::hint(&fixture.course, TaskId { week: 1, task: 1 }, false).expect("a hint");
    assert!(other.contains("Where do the numbers go?"), "{other}");
    hinted(&fixture, false);
    hinted(&fixture, false);
    for _ in 0..2 {
        let again = hinted(&fixture, true);
        assert!(again.contains("What is the sum of none?"), "{again}");
        assert!(again.contains("Iterators can sum."), "{again}");
        assert!(!again.contains("almost the code\n"), "{again}");
    }
}

#[test]
fn a_damaged_memory_of_hints_begins_again() {
    let fixture = Fixture::new();
    hinted(&fixture, false);
    fixture.write(".course/hints.toml", "\"1.2\" = many");
    assert!(hinted(&fixture, false).contains("Hint 1 of 3"));
    fixture.write(".course/hints.toml", "\"1.2\" = 99\n");
    assert!(hinted(&fixture, false).contains("All 3 hints"));
}

#[test]
fn a_hint_for_no_task_names_those_there_are() {
    let unknown = hint::hint(&Fixture::new().course, TaskId { week: 1, task: 9 }, false);
    let said = unknown.expect_err("no such task").to_string();
    assert!(said.contains("Its tasks are: 1.1, 1.2."), "{said}");
}

fn went_back(fixture: &Fixture, goal: Goal) -> String {
    plain(&reset::reset(&fixture.course, goal).expect("a reset"))
}

/// The copies that were kept.
fn backups(fixture: &Fixture) -> Vec<String> {
    let found = files::walk(&fixture.course.own().join("backup")).expect("a folder");
    found.iter().map(|path| files::read(path).expect("a copy")).collect()
}

#[test]
fn a_task_goes_back_alone() {
    let fixture = worked();
    fixture.append(LIST, "\n/// My own.\nfn mine() {}\n");
    let before = fixture.read(LIST);
    let told = went_back(&fixture, Goal::Task(SUM));
    let after = fixture.read(LIST);
    assert!(after.contains("insert(0, number)"), "task 1.1 stays:\n{after}");
    assert!(after.contains("todo!(\"week 1, task 2: Sum the numbers\")"), "{after}");
    assert!(after.ends_with("/// My own.\nfn mine() {}\n"), "{after}");
    assert_eq!(backups(&fixture), [before]);
    assert!(told.contains("list.rs  List::sum\n"), "{told}");
    assert!(told.contains("is kept in .course/backup/2"), "{told}");
    assert!(told.contains("-task_1_2/chapters/week1/src/store/list.rs chapters/"), "{told}");
    assert!(told.contains("Begin again: cargo course test 1.2"), "{told}");
    let again = went_back(&fixture, Goal::Task(SUM));
    assert!(again.contains("Task 1.2 is as it began: nothing to reset."), "{again}");
    assert_eq!(backups(&fixture).len(), 1, "no copy of nothing");
}

#[test]
fn every_task_reset_is_the_stub() {
    let (fixture, fresh) = (worked(), Fixture::new());
    went_back(&fixture, Goal::Task(SUM));
    went_back(&fixture, Goal::Task(TaskId { week: 1, task: 1 }));
    assert_eq!(fixture.read(LIST), fresh.read(LIST));
    assert_eq!(backups(&fixture).len(), 2);
}

#[test]
fn a_week_goes_back_whole_even_from_what_is_no_rust() {
    let fixture = worked();
    let own = "chapters/week1/src/store/mine.rs";
    fixture.append(LIST, "fn {").write(own, "// mine\n");
    fixture.remove("chapters/week1/src/store/mod.rs");
    let before = fixture.read(LIST);
    let told = went_back(&fixture, Goal::Week(1));
    assert_eq!(fixture.findings("stubs"), [""; 0]);
    assert_eq!(backups(&fixture), [before]);
    assert_eq!(fixture.read(own), "// mine\n");
    assert!(told.contains(&format!("left where they are:\n  {own}\n")), "{told}");
}

#[test]
fn two_resets_in_one_second_keep_two_copies() {
    let fixture = worked();
    for text in ["// one\n", "// two\n"] {
        fixture.write(LIST, text);
        went_back(&fixture, Goal::Week(1));
    }
    let mut kept = backups(&fixture);
    kept.sort();
    assert_eq!(kept, ["// one\n", "// two\n"]);
}

#[test]
fn what_cannot_be_found_is_said_and_nothing_changes() {
    let refused = |fixture: &Fixture| {
        let before = fixture.read(LIST);
        let error: Error = reset::reset(&fixture.course, Goal::Task(SUM)).expect_err("refused");
        assert_eq!(fixture.read(LIST), before);
        assert_eq!(backups(fixture), [""; 0]);
        error.to_string()
    };
    let fixture = worked();
    fixture.replace(LIST, "fn sum", "fn total");
    let said = refused(&fixture);
    assert!(said.contains("no function `List::sum`"), "{said}");
    assert!(said.contains("cargo course reset 1"), "{said}");
    fixture.append(LIST, "fn {");
    let said = refused(&fixture);
    assert!(said.contains("this is not Rust") && said.contains("cargo course reset 1"), "{said}");
}

#[test]
fn of_functions_with_one_name_each_is_found() {
    let fixture = Fixture::new();
    let two = "\nimpl From<u8> for List {\n    // exercise: week1.2\n    fn from(one: u8) -> Self {\n        Self { numbers: vec![one.into()] }\n    }\n}\n\nimpl From<u16> for List {\n    // exercise: week1.2\n    fn from(one: u16) -> Self {\n        Self { numbers: vec![one.into()] }\n    }\n}\n";
    fixture.append(REFERENCE, two);
    course::stubs::update(&fixture.course, true).expect("stubs");
    let stub = fixture.read(LIST);
    // The reader has another order, and one more.
    let mine = "\nimpl From<bool> for List {\n    fn from(one: bool) -> Self {\n        Self { numbers: Vec::new() }\n    }\n}\n";
    let (head, rest) = stub.split_once("\nimpl From<u8>").expect("the first");
    let filled = rest.replace("todo!(\"week 1, task 2: Sum the numbers\")", "Self::default()");
    fixture.write(LIST, &format!("{head}{mine}\nimpl From<u8>{filled}"));
    went_back(&fixture, Goal::Task(SUM));
    assert_eq!(fixture.read(LIST), format!("{head}{mine}\nimpl From<u8>{rest}"));
}

/// What is shown without asking.
fn compared(fixture: &Fixture, goal: Goal) -> String {
    plain(&diff::diff(&fixture.course, goal, None).expect("compared").expect("shown"))
}

#[test]
fn functions_stand_beside_the_references() {
    let fixture = worked();
    let text = compared(&fixture, Goal::Task(SUM));
    for part in [
        "1.2 List::sum  chapters/week1/src/store/list.rs:32\n    pub fn sum(&self) -> u32 {\n  -     let mut sum = 0;\n",
        "  +     total(&self.numbers)\n    }\n",
        "total, which the reference uses  solutions/tinydb/src/store/list.rs:43\n  + fn total(numbers: &[u32]) -> u32 {\n",
        "0 of 1 functions are as in the reference.",
    ] {
        assert!(text.contains(part), "expected {part:?} in:\n{text}");
    }
    assert!(!text.contains("ANCHOR") && !text.contains("List::add"), "{text}");
    let text = compared(&fixture, Goal::Week(1));
    assert!(
        text.contains("-     self.numbers.insert(0, number);\n  +     self.numbers.push(number);"),
        "{text}"
    );
    assert!(text.contains("0 of 2 functions"), "{text}");
}

#[test]
fn what_is_the_same_is_said_to_be() {
    let fixture = Fixture::new();
    fixture.write(LIST, &fixture.read(REFERENCE));
    let text = compared(&fixture, Goal::Week(1));
    assert_eq!(text.matches("✓ the same as the reference's\n").count(), 2, "{text}");
    assert!(text.contains("No difference") && !text.contains("which the reference uses"), "{text}");
    fixture.replace(
        LIST,
        "self.numbers.push(number);",
        "// At the end.\n self . numbers.push( number );",
    );
    let text = compared(&fixture, Goal::Task(TaskId { week: 1, task: 1 }));
    assert!(text.contains("✓ the same as the reference's but for layout and comments"), "{text}");
}

#[test]
fn the_reference_is_not_shown_unasked_before_the_tests_pass() {
    let fixture = Fixture::new();
    let mut asked = Vec::new();
    for answer in [false, true] {
        let mut ask = |question: &str| {
            asked.push(question.to_owned());
            Ok(answer)
        };
        let shown = diff::diff(&fixture.course, Goal::Task(SUM), Some(&mut ask)).expect("asked");
        assert_eq!(shown.is_some(), answer);
    }
    assert_eq!(asked.len(), 2);
    assert!(asked[0].contains("The tests of task 1.2 do not pass yet"), "{asked:?}");
    assert!(asked[0].contains("cargo course hint 1.2"), "{asked:?}");
    fixture.write(LIST, &fixture.read(REFERENCE));
    let mut nobody = |_: &str| panic!("the tests pass");
    let shown = diff::diff(&fixture.course, Goal::Task(SUM), Some(&mut nobody)).expect("compared");
    assert!(shown.expect("shown").contains("No difference"));
}

#[test]
fn several_files_are_written_all_or_none() {
    let fixture = Fixture::new();
    let root = &fixture.course.root;
    let before = fixture.read(LIST);
    let new = |path: &str| (root.join(path), "// new\n".to_owned());
    // The second cannot be prepared: a file stands where its folder should be.
    files::write_all(&[new(LIST), new("Cargo.toml/x.rs")]).expect_err("no such folder");
    assert_eq!(fixture.read(LIST), before);
    files::write_all(&[new(LIST), new(".course/x.rs")]).expect("written");
    assert_eq!([fixture.read(LIST), fixture.read(".course/x.rs")], ["// new\n", "// new\n"]);
    let left = files::list(&root.join("chapters/week1/src/store")).expect("a folder");
    assert_eq!(left.len(), 2, "no temporary file is left: {left:?}");
}
