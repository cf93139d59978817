//! Later weeks on the reader's rooms, and beginning a week.

use course::report::{self, Goal};
use course::start::{self, From};
use course::{adopt, stubs};

use crate::fixture::Fixture;
use crate::learner::{plain, worked};

const LIST: &str = "chapters/week1/src/store/list.rs";
const LATER: &str = "chapters/week2/src/lib.rs";
const SHELF: &str = "chapters/week2/src/shelf/shelf.rs";
const MINE: &str = "#[path = \"../../../chapters/week1/src/store/mod.rs\"]\npub mod store;";
const THEIRS: &str = "#[path = \"../../../solutions/tinydb/src/store/mod.rs\"]\npub mod store;";

/// Adds a second week, whose room uses the first's.
pub fn with_second_week(fixture: Fixture) -> Fixture {
    let shelf = "solutions/tinydb/src/shelf/";
    fixture.append("solutions/tinydb/src/lib.rs", "pub mod shelf;\n");
    fixture.write(&format!("{shelf}mod.rs"), "//! Shelves.\n\npub mod shelf;\n").write(
        &format!("{shelf}shelf.rs"),
        "//! A shelf.\n\nuse crate::store::List;\n\n/// How wide some boards are together.\n// exercise: week2.1\n\
         pub fn width(boards: &[u32]) -> u32 {\n    let mut list = List::default();\n    for board in boards {\n        \
         list.add(*board);\n    }\n    list.sum()\n}\n",
    );
    let chapter = "chapters/week2/";
    let manifest = fixture.read("chapters/week1/Cargo.toml").replace("week1", "week2");
    fixture.write(&format!("{chapter}Cargo.toml"), &manifest).write(
        &format!("{chapter}week.toml"),
        "week = 2\nrooms = [\"shelf\"]\ntitle = \"A shelf\"\n\n[[part]]\ndays = \"1-2\"\ntitle = \"The shelf\"\npage = \"week2/shelf.md\"\n\n\
         [[part.task]]\nid = \"2.1\"\ntitle = \"Measure\"\ntest = \"shelf\"\nhints = [\"a\", \"b\", \"c\"]\n",
    );
    fixture.write(
        &format!("{chapter}tests/shelf.rs"),
        "mod task_2_1 {\n    #[test]\n    fn boards_add_up() {\n        \
         assert_eq!(week2::shelf::shelf::width(&[7, 8]), 15, \"boards of 7 and 8\");\n    }\n}\n",
    );
    let mine = fixture.read(LIST);
    stubs::update(&fixture.course, true).expect("the stubs of both weeks");
    fixture.write(LIST, &mine);
    fixture
}

/// Writes week 2 as the reference has it.
fn with_second_week_done(fixture: Fixture) -> Fixture {
    let fixture = with_second_week(fixture);
    fixture.write(SHELF, &fixture.read("solutions/tinydb/src/shelf/shelf.rs"));
    fixture
}

fn adopted(fixture: &Fixture, number: u8) -> (String, bool) {
    let (text, done) = adopt::adopt(&fixture.course, number).expect("a report");
    (plain(&text), done)
}

fn second_week(fixture: &Fixture) -> (String, bool) {
    let report = report::test(&fixture.course, Goal::Week(2), false).expect("it compiles");
    (plain(&report.text), report.passed)
}

#[test]
fn a_later_week_runs_on_the_readers_code() {
    let fixture = with_second_week_done(worked());
    let (told, done) = adopted(&fixture, 1);
    assert!(done, "{told}");
    for part in ["Week 2 now runs on your store/.", "Rooms of yours:       store/", "--back"] {
        assert!(told.contains(part), "expected {part:?} in:\n{told}");
    }
    let lib = fixture.read(LATER);
    assert!(lib.contains(MINE) && !lib.contains(THEIRS), "{lib}");
    assert!(lib.contains("solutions/tinydb/src/error.rs\"]"), "given files stay:\n{lib}");
    assert!(fixture.read("course.toml").ends_with("adopted = [1]\n"));
    assert!(second_week(&fixture).1, "it passes on the reader's code");
    fixture.replace(LIST, "let mut sum = 0;", "let mut sum = 1000;");
    let (told, passed) = second_week(&fixture);
    assert!(
        !passed && told.contains("found:    1015"),
        "it is the reader's code that runs:\n{told}"
    );

    let told = plain(&adopt::take_back(&fixture.course, 1).expect("taken back"));
    assert!(told.contains("Week 1 is no longer adopted"), "{told}");
    assert!(fixture.read(LATER).contains(THEIRS));
    assert!(!fixture.course.root.join(adopt::FILE).exists(), "nothing is adopted");
    assert!(second_week(&fixture).1, "it runs on the reference again");
    assert!(fixture.read(LIST).contains("1000"), "the reader's code is as it was");
    let told = plain(&adopt::take_back(&fixture.course, 1).expect("nothing to do"));
    assert!(told.contains("Week 1 was not adopted."), "{told}");
}

#[test]
fn what_a_week_does_not_reach_comes_from_the_references_crate() {
    let fixture = with_second_week_done(worked());
    fixture
        .append("chapters/week2/Cargo.toml", "\n[features]\ndefault = [\"engine\"]\nengine = []\n")
        .append("chapters/week2/Cargo.toml", "\n[dependencies]\ntinydb.workspace = true\n");
    let counter = "//! Counts shelves.\n\npub use crate::shelf::shelf::width;\n";
    fixture.append("solutions/tinydb/src/lib.rs", "pub mod counter;\n\npub use counter::width;\n");
    fixture.write("solutions/tinydb/src/counter/mod.rs", counter);
    let rooms = "rooms = [\"shelf\"]\n";
    let without = format!("{rooms}without = [\"counter\"]\n");
    fixture.replace("chapters/week2/week.toml", rooms, &without);
    let mine = [LIST, SHELF].map(|path| (path, fixture.read(path)));
    stubs::update(&fixture.course, true).expect("the stubs");
    for (path, text) in &mine {
        fixture.write(path, text);
    }
    let lib = fixture.read(LATER);
    let expected = "pub use tinydb::error;\npub use tinydb::store;\npub mod shelf;\n\
        #[cfg(feature = \"engine\")]\n#[path = \"../../../solutions/tinydb/src/counter/mod.rs\"]\npub mod counter;\n\n\
        #[cfg(feature = \"engine\")]\npub use counter::width;\n";
    assert!(lib.ends_with(expected), "{lib}");
    assert!(second_week(&fixture).1, "it passes on the reference's crate");

    let (told, done) = adopted(&fixture, 1);
    assert!(done, "{told}");
    let mine = expected.replace("pub use tinydb::store;", MINE);
    assert!(fixture.read(LATER).ends_with(&mine), "{}", fixture.read(LATER));
    assert!(second_week(&fixture).1, "it passes on the reader's room");
    adopt::take_back(&fixture.course, 1).expect("taken back");
    assert_eq!(fixture.read(LATER), lib);

    fixture.replace("chapters/week2/week.toml", "[\"counter\"]", "[\"cellar\"]");
    let error = stubs::update(&fixture.course, true).expect_err("there is no such room");
    assert!(error.to_string().contains("`without` names cellar"), "{error}");
}

#[test]
fn only_a_week_that_passes_is_adopted() {
    let fixture = with_second_week(Fixture::new());
    let (told, done) = adopted(&fixture, 1);
    assert!(!done);
    assert!(told.contains("Next: 1.1 Add a number"), "{told}");
    assert!(
        told.contains("Week 1 was not adopted: later weeks can only run on code that"),
        "{told}"
    );
    assert!(fixture.read(LATER).contains(THEIRS));
    assert!(!fixture.course.root.join(adopt::FILE).exists());
}

#[test]
fn the_generator_keeps_what_is_adopted_and_the_rest_of_the_file() {
    let fixture = with_second_week_done(worked());
    fixture.replace(LATER, "#![allow(unused)] // Delete this line when week 2 is done.\n", "");
    let before = fixture.read(LATER);
    adopted(&fixture, 1);
    assert_eq!(fixture.read(LATER), before.replace(THEIRS, MINE), "one line changes");
    stubs::update(&fixture.course, true).expect("the stubs");
    assert!(fixture.read(LATER).contains(MINE));
    assert_eq!(fixture.findings("stubs"), [""; 0]);
    // Without the file, as in a copy that adopts nothing, the reference's rooms are expected.
    fixture.remove(adopt::FILE);
    assert_eq!(fixture.findings("stubs").len(), 1);
    assert!(fixture.findings("stubs")[0].contains("solutions/tinydb/src/store/mod.rs"));
}

#[test]
fn a_hunt_and_the_gates_use_the_reference_all_the_same() {
    let fixture = with_second_week_done(worked());
    adopted(&fixture, 1);
    fixture.write(LIST, "not even Rust");
    assert_eq!(fixture.findings("filled"), [""; 0]);
}

#[test]
fn code_that_would_break_a_later_week_is_not_adopted() {
    let fixture = with_second_week_done(worked());
    // Their week 2 uses what their week 1 no longer has.
    fixture.replace(LIST, "fn is_empty", "fn has_nothing");
    fixture.replace(SHELF, "    list.sum()", "    assert!(!list.is_empty());\n    list.sum()");
    let before = fixture.read(LATER);
    let refused = adopt::adopt(&fixture.course, 1).expect_err("it does not compile").to_string();
    assert!(refused.contains("week2 does not compile with your code"), "{refused}");
    assert!(refused.contains("shelf/shelf.rs:"), "the compiler's errors: {refused}");
    assert_eq!(fixture.read(LATER), before);
    assert!(!fixture.course.root.join(adopt::FILE).exists());
    // A week that is half written anyway does not stand in the way.
    fixture.replace(LIST, "fn has_nothing", "fn is_empty");
    fixture.write(SHELF, "half {");
    let (told, done) = adopted(&fixture, 1);
    assert!(done && told.contains("week2: does not compile, and did not before either."), "{told}");
    assert!(fixture.read(LATER).contains(MINE));
}

#[test]
fn the_last_week_has_no_later_one() {
    let fixture = with_second_week_done(Fixture::new());
    let (told, done) = adopted(&fixture, 2);
    assert!(done && told.contains("It is the last week: its crate is your engine."), "{told}");
}

#[test]
fn a_damaged_list_of_adopted_weeks_is_named() {
    let fixture = with_second_week(worked());
    fixture.write(adopt::FILE, "adopted = 3\n");
    let error = stubs::generate(&fixture.course).expect_err("damaged").to_string();
    assert!(error.contains("course.toml: ") && error.contains("`adopted = [3]`"), "{error}");
}

fn started(fixture: &Fixture, number: u8, from: Option<From>) -> String {
    plain(&start::start(&fixture.course, number, from).expect("a start"))
}

#[test]
fn a_week_begins_with_what_to_read_and_the_first_command() {
    let fixture = with_second_week(Fixture::new());
    let told = started(&fixture, 1, None);
    for part in [
        "Week 1: A list\n",
        "  This week's:          store/\n",
        "Read   week1/list.html ",
        "Then   cargo course test 1.1   Add a number",
        "git: this folder is in no repository",
    ] {
        assert!(told.contains(part), "expected {part:?} in:\n{told}");
    }
    fixture.write("book/src/week1/index.md", "# Week 1\n");
    assert!(started(&fixture, 1, None).contains("Read   week1/index.html "));
}

#[test]
fn a_week_begins_on_the_readers_weeks_that_are_done() {
    let fixture = with_second_week(Fixture::new());
    let told = started(&fixture, 2, Some(From::Mine));
    assert!(told.contains("Week 1  not started: the reference's is used"), "{told}");
    fixture.append(LIST, "// begun\n");
    let told = started(&fixture, 2, Some(From::Mine));
    assert!(told.contains("Week 1  its tests do not all pass: the reference's is used"), "{told}");
    assert!(fixture.read(LATER).contains(THEIRS));
    fixture.write(LIST, &worked().read(LIST));
    let told = started(&fixture, 2, Some(From::Mine));
    assert!(told.contains("Week 1  its tests pass: adopted"), "{told}");
    assert!(told.contains("  Rooms of yours:       store/\n"), "{told}");
    assert!(fixture.read(LATER).contains(MINE));
    assert!(started(&fixture, 2, Some(From::Mine)).contains("Week 1  adopted before"));
    let told = started(&fixture, 2, Some(From::Reference));
    assert!(told.contains("  Rooms of yours:       none\n"), "{told}");
    assert!(fixture.read(LATER).contains(THEIRS));
}
