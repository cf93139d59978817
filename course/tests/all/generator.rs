//! One file of the reference made a stub.

use std::collections::BTreeSet;

use course::Course;
use course::chapter::all_tasks;
use course::stub::Reference;
use course::week::{TaskId, Week};

use crate::fixture::Fixture;

fn week() -> Week {
    let fixture = Fixture::new();
    fixture.course.week(1).expect("the fixture's week")
}

fn stub(text: &str) -> Result<String, String> {
    let week = week();
    let reference = Reference::parse("src/x.rs", text).map_err(|error| error.to_string())?;
    reference.stub(&week, &all_tasks(&week)).map_err(|error| error.to_string())
}

#[track_caller]
fn assert_stub(text: &str, expected: &str) {
    let stubbed = stub(text).expect("a stub");
    assert_eq!(stubbed, expected, "\n--- found\n{stubbed}\n--- expected\n{expected}");
}

#[track_caller]
fn assert_refused(text: &str, line: usize, why: &str) {
    let error = stub(text).expect_err("this should be refused");
    assert!(error.starts_with(&format!("src/x.rs:{line}: ")), "{error}");
    assert!(error.contains(why), "expected {why:?} in: {error}");
}

#[test]
fn only_the_body_changes() {
    assert_stub(
        "/// Docs.\n// exercise: week1.1\n#[inline]\nfn  odd( x:u8 )->u8 {\n    x /* kept? */\n}\n// after\n",
        "/// Docs.\n// Task 1.1: Add a number\n#[inline]\nfn  odd( x:u8 )->u8 {\n    todo!(\"week 1, task 1: Add a number\")\n}\n// after\n",
    );
}

#[test]
fn where_clauses_async_and_methods_keep_their_shape() {
    assert_stub(
        "impl<T> A<T>\nwhere\n    T: Copy,\n{\n    // exercise: week1.2\n    /// Docs.\n    async fn f<U>(&self, u: U) -> T\n    where\n        U: Into<T>,\n    {\n        u.into()\n    }\n}\n",
        "impl<T> A<T>\nwhere\n    T: Copy,\n{\n    // Task 1.2: Sum the numbers\n    /// Docs.\n    async fn f<U>(&self, u: U) -> T\n    where\n        U: Into<T>,\n    {\n        todo!(\"week 1, task 2: Sum the numbers\")\n    }\n}\n",
    );
}

#[test]
fn braces_in_strings_and_characters_do_not_end_a_body() {
    assert_stub(
        "// exercise: week1.1\nfn f() {\n    let a = r#\"}\"}}\"#;\n    let b = '}'; /* } */ // }\n}\nfn g() {}\n",
        "// Task 1.1: Add a number\nfn f() {\n    todo!(\"week 1, task 1: Add a number\")\n}\nfn g() {}\n",
    );
}

#[test]
fn a_marker_in_a_string_a_doc_comment_or_behind_code_is_none() {
    let text = "/// // exercise: week1.1\nfn f() {\n    let a = \"\n// exercise: week9.9\n\";\n    g(); // solution-only\n}\n/*\n// solution-only: begin\n*/\nfn g() {}\n";
    assert_stub(text, text);
}

#[test]
fn text_beyond_ascii_keeps_its_place() {
    assert_stub(
        "// Größe … ✓\n// exercise: week1.1\nfn f() -> &'static str {\n    \"ü✓\"\n}\nconst Ä: &str = \"…\";\n",
        "// Größe … ✓\n// Task 1.1: Add a number\nfn f() -> &'static str {\n    todo!(\"week 1, task 1: Add a number\")\n}\nconst Ä: &str = \"…\";\n",
    );
}

#[test]
fn trait_methods_and_nested_functions_are_found() {
    assert_stub(
        "impl Iterator for A {\n    type Item = u8;\n\n    // exercise: week1.1\n    fn next(&mut self) -> Option<u8> {\n        fn inner() -> u8 {\n            1\n        }\n        Some(inner())\n    }\n}\nfn outer() {\n    // exercise: week1.2\n    fn nested() {\n        1;\n    }\n}\n",
        "impl Iterator for A {\n    type Item = u8;\n\n    // Task 1.1: Add a number\n    fn next(&mut self) -> Option<u8> {\n        todo!(\"week 1, task 1: Add a number\")\n    }\n}\nfn outer() {\n    // Task 1.2: Sum the numbers\n    fn nested() {\n        todo!(\"week 1, task 2: Sum the numbers\")\n    }\n}\n",
    );
}

#[test]
fn the_name_of_an_exercise_has_its_type() {
    let text = "impl fmt::Debug for a::Table<u8> {\n    // exercise: week1.1\n    fn fmt(&self) {}\n}\ntrait Walk {\n    // exercise: week1.1\n    fn walk(&self) {}\n}\n// exercise: week1.2\nfn free() {}\n";
    let exercises = Reference::parse("x.rs", text).and_then(|file| file.exercises());
    let names: Vec<String> =
        exercises.expect("exercises").into_iter().map(|exercise| exercise.function).collect();
    assert_eq!(names, ["Table::fmt", "Walk::walk", "free"]);
}

#[test]
fn solution_only_takes_uses_fields_items_and_statements() {
    assert_stub(
        "// solution-only\nuse a::B;\nuse c::D;\n\nstruct S {\n    // solution-only\n    /// Docs.\n    b: B,\n    d: D,\n}\n\nfn new() -> S {\n    // solution-only\n    log(1, |x| {\n        x\n    });\n    S {\n        // solution-only\n        b: B,\n        d: D,\n    }\n}\n\n/// Docs.\n// solution-only\n#[inline]\nfn helper() {}\n",
        "use c::D;\n\nstruct S {\n    d: D,\n}\n\nfn new() -> S {\n    S {\n        d: D,\n    }\n}\n",
    );
}

#[test]
fn a_stretch_is_removed_and_rustfmt_would_leave_the_gap() {
    assert_stub(
        "fn a() {}\n\n// solution-only: begin\nfn b() {}\n\nfn c() {}\n// solution-only: end\n\nfn d() {}\n\n// solution-only\nfn e() {}\n\n// solution-only\nfn f() {}\n",
        "fn a() {}\n\nfn d() {}\n",
    );
    assert_stub(
        "impl A {\n    // solution-only\n    fn b() {}\n\n    fn c() {}\n\n    // solution-only\n    fn d() {}\n}\n",
        "impl A {\n    fn c() {}\n}\n",
    );
}

#[test]
fn a_stub_line_and_anchors_stay() {
    assert_stub(
        "// ANCHOR: s\nstruct S {\n    // stub: // Choose your own fields.\n    // solution-only\n    a: u8,\n}\n// ANCHOR_END: s\n",
        "// ANCHOR: s\nstruct S {\n    // Choose your own fields.\n}\n// ANCHOR_END: s\n",
    );
}

#[test]
fn a_partial_stub_keeps_what_the_solution_needs() {
    let text = "// solution-only\nuse a::B;\n// exercise: week1.1\nfn one() {\n    B;\n}\n// exercise: week1.2\nfn two() {\n    B;\n}\n";
    let week = week();
    let reference = Reference::parse("x.rs", text).expect("a reference");
    let second = TaskId { week: 1, task: 2 };
    let stubbed = reference.stub(&week, &BTreeSet::from([second])).expect("a stub");
    assert_eq!(
        stubbed,
        "// solution-only\nuse a::B;\n// exercise: week1.1\nfn one() {\n    B;\n}\n// Task 1.2: Sum the numbers\nfn two() {\n    todo!(\"week 1, task 2: Sum the numbers\")\n}\n"
    );
    assert_eq!(reference.stub(&week, &BTreeSet::new()).expect("a stub"), text);
}

#[test]
fn a_title_with_braces_quotes_or_great_length_is_fit_for_todo() {
    let fixture = Fixture::new();
    let toml = "chapters/week1/week.toml";
    fixture.replace(toml, "title = \"Add a number\"", "title = 'Say \"{}\"'");
    let long = "x".repeat(80);
    fixture.replace(toml, "Sum the numbers", &long);
    let week = fixture.course.week(1).expect("a week");
    let text = "// exercise: week1.1\nfn a() {}\n// exercise: week1.2\nfn b() {}\n";
    let stub = Reference::parse("x.rs", text).and_then(|file| file.stub(&week, &all_tasks(&week)));
    let stub = stub.expect("a stub");
    assert!(stub.contains(r#"todo!("week 1, task 1: Say \"{{}}\"")"#), "{stub}");
    assert!(
        stub.contains(&format!("    todo!(\n        \"week 1, task 2: {long}\"\n    )")),
        "{stub}"
    );
}

#[test]
fn what_cannot_be_a_stub_is_refused_with_its_line() {
    assert_refused(
        "fn a() {}\n// exercise: week1.1\nstruct S;\nfn b() {}\n",
        2,
        "expected a function",
    );
    assert_refused("// exercise: week1.1\n", 1, "expected a function");
    assert_refused("// exercise: week1.9\nfn a() {}\n", 1, "no task 1.9");
    assert_refused("// exercise: 1.1\nfn a() {}\n", 1, "expected `// exercise: week3.2`");
    assert_refused("// exercise: week1.1\nconst fn a() {}\n", 1, "const fn");
    assert_refused(
        "// exercise: week1.1\nfn a() -> Option<impl Copy> { None::<u8> }\n",
        1,
        "impl Trait",
    );
    assert_refused("// solution-only: begin\nfn a() {}\n", 1, "no `// solution-only: end`");
    assert_refused("fn a() {}\n// solution-only: end\n", 2, "no `// solution-only: begin`");
    assert_refused("// solution-only\n", 1, "expected an item");
    assert_refused("// solution-only: all\nfn a() {}\n", 1, "solution-only: begin");
    assert_refused("enum E {\n    // solution-only\n    A, B,\n}\n", 2, "shares its last line");
    assert_refused(
        "// solution-only: begin\n// exercise: week1.1\nfn a() {}\n// solution-only: end\n",
        2,
        "inside",
    );
    assert_refused("fn a() {\n", 1, "not Rust");
}

#[test]
fn a_week_file_with_a_mistake_is_refused_with_its_line() {
    let toml = "chapters/week1/week.toml";
    for (old, new, expected) in [
        ("rooms =", "room =", "week.toml:2: unknown field `room`"),
        ("[\"store\"]", "[]", "week.toml: expected one room or more"),
        ("[\"store\"]", "[\"a\", \"store\", \"a\"]", "`rooms` names a twice"),
        ("\"1.2\"", "\"1.x\"", "expected a task's number such as \"3.2\""),
        ("\"1.2\"", "\"1.3\"", "expected task 1.2, found 1.3"),
        ("week = 1", "week = 2", "the folder another"),
    ] {
        let fixture = Fixture::new();
        fixture.replace(toml, old, new);
        let error = fixture.course.weeks().expect_err("a mistake").to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_course_is_found_from_within_and_nowhere_else() {
    let fixture = Fixture::new();
    let inside = fixture.course.root.join("chapters/week1");
    assert_eq!(Course::find(&inside).expect("a course").root, fixture.course.root);
    let outside = tempfile::tempdir().expect("a folder");
    let error = Course::find(outside.path()).expect_err("no course").to_string();
    assert!(error.contains("no course here"), "{error}");
}
