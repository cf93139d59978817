//! A week with two rooms.

use course::chapter::{all_tasks, sources};
use course::report::report;
use course::stubs;
use course::suite::{Outcome, Suite, Test};
use course::week::Task;

use crate::fixture::{Fixture, assert_found};

const TOML: &str = "chapters/week1/week.toml";

/// The fixture with a second room, in which one file has an exercise and another has none.
fn with_two_rooms() -> Fixture {
    let fixture = Fixture::new();
    let shelf = "solutions/tinydb/src/shelf/";
    fixture.append("solutions/tinydb/src/lib.rs", "pub mod shelf;\n");
    fixture
        .write(&format!("{shelf}mod.rs"), "//! Shelves.\n\npub mod board;\npub mod shelf;\n")
        .write(&format!("{shelf}board.rs"), "//! Boards.\n\n/// How wide.\npub const WIDTH: u32 = 9;\n")
        .write(
            &format!("{shelf}shelf.rs"),
            "//! A shelf.\n\nuse super::board::WIDTH;\n\n/// Its width.\n// exercise: week1.3\npub fn width() -> u32 {\n    WIDTH\n}\n",
        );
    fixture.replace(TOML, "[\"store\"]", "[\"store\", \"shelf\"]").append(
        TOML,
        "\n[[part.task]]\nid = \"1.3\"\ntitle = \"Measure\"\ntest = \"shelf\"\nhints = [\"a\", \"b\", \"c\"]\n",
    );
    fixture.write(
        "chapters/week1/tests/shelf.rs",
        "mod task_1_3 {\n    #[test]\n    fn is_wide() {\n        assert_eq!(week1::shelf::shelf::width(), 9);\n    }\n}\n",
    );
    fixture.append(
        "solutions/tinydb/tests/week1.rs",
        "#[path = \"../../../chapters/week1/tests/shelf.rs\"]\nmod shelf;\n",
    );
    fixture.append(
        "book/src/week1/list.md",
        "\n## Task 1.3: Measure {#task-1-3}\n\n{{#include tasks/1.3.md:task}}\n\n{{#include tasks/1.3.md:hints}}\n",
    );
    fixture
}

#[test]
fn both_rooms_are_stubbed_and_the_rest_of_each_is_the_references() {
    let fixture = with_two_rooms();
    let week = fixture.course.week(1).expect("the week");
    let sources = sources(&fixture.course, &week, &all_tasks(&week)).expect("the sources");
    let text = |inside: &str| {
        let path = format!("chapters/week1/src/{inside}");
        let found = sources.iter().find(|file| file.path == path);
        found.map(|file| file.text.as_str()).expect(inside)
    };
    assert_eq!(sources.len(), 5, "the crate, two rooms and a file of each: {sources:?}");
    assert!(
        text("lib.rs").ends_with("error.rs\"]\npub mod error;\npub mod store;\npub mod shelf;\n")
    );
    assert!(text("store/list.rs").contains("todo!(\"week 1, task 1: Add a number\")"));
    assert!(text("shelf/shelf.rs").contains("todo!(\"week 1, task 3: Measure\")"));
    let given = "#[path = \"../../../../solutions/tinydb/src/shelf/board.rs\"]\npub mod board;\npub mod shelf;\n";
    assert!(text("shelf/mod.rs").ends_with(given), "{}", text("shelf/mod.rs"));
}

#[test]
fn every_gate_follows() {
    let fixture = with_two_rooms();
    stubs::update(&fixture.course, true).expect("written");
    let card = fixture.read("book/src/week1/tasks/1.3.md");
    assert!(card.contains("**Write** `width` in `chapters/week1/src/shelf/shelf.rs`."), "{card}");
    for gate in ["stubs", "red", "engine", "filled", "tasks"] {
        assert_eq!(fixture.findings(gate), [""; 0], "gate {gate}");
    }
}

#[test]
fn what_is_in_none_of_the_rooms_is_found() {
    let fixture = with_two_rooms();
    fixture.append("solutions/tinydb/src/error.rs", "// exercise: week1.3\nfn tell() {}\n");
    fixture.replace("solutions/tinydb/src/shelf/shelf.rs", "// exercise: week1.3\n", "");
    let findings = fixture.findings("tasks");
    assert_found(&findings, &["src/error.rs:6: task 1.3 belongs in store/ or shelf/"]);
    assert_found(&findings, &["task 1.3: no function in store/ or shelf/ has the marker"]);
}

#[test]
fn a_finished_week_names_both() {
    let week = with_two_rooms().course.week(1).expect("the week");
    let passed = |id: u8| Test { name: format!("task_1_{id}::a"), outcome: Outcome::Passed };
    let suite = Suite { tests: [1, 2, 3].map(passed).into(), troubles: Vec::new() };
    let tasks: Vec<&Task> = week.tasks().collect();
    let text = report(&week, &tasks, &suite).text;
    let named = "reference: solutions/tinydb/src/store/ and solutions/tinydb/src/shelf/\n";
    assert!(text.contains(named), "{text}");
}
