//! `cargo course mutants`: what is mutated, and what a run is held against. Runs of `cargo mutants` itself take minutes.

use std::process::Command;

use course::mutants::{
    Baseline, End, Mutant, Survivor, Tally, patterns, survivors, tally, tests, tried, verdict,
    written,
};
use course::strictness;

use crate::fixture::{Fixture, assert_found};

const BASELINE: &str = "chapters/week1/mutants.toml";

const OUTCOMES: &str = r#"{ "outcomes": [
    { "scenario": "Baseline", "summary": "Success", "phase_results": [] },
    { "scenario": { "Mutant": {
        "name": "solutions/tinydb/src/store/list.rs:29:9: replace List::add with ()",
        "file": "solutions/tinydb/src/store/list.rs",
        "span": { "start": { "line": 29, "column": 9 }, "end": { "line": 29, "column": 20 } }
      } }, "summary": "CaughtMutant" },
    { "scenario": { "Mutant": {
        "name": "solutions/tinydb/src/store/list.rs:44:50: replace + with - in total",
        "file": "solutions/tinydb/src/store/list.rs",
        "span": { "start": { "line": 44, "column": 50 }, "end": { "line": 44, "column": 51 } }
      } }, "summary": "MissedMutant" }
] }"#;

fn mutant(name: &str, end: End) -> Mutant {
    let (name, code, place) = (name.to_owned(), "a + b".to_owned(), "list.rs:1:3".to_owned());
    Mutant { name, code, place, end }
}

fn survivor(name: &str, why: &str) -> Survivor {
    Survivor { mutant: name.to_owned(), code: "a + b".to_owned(), why: why.to_owned() }
}

/// What is said about these mutants and these lines, and whether all is well.
fn told(tried: &[Mutant], lines: Vec<Survivor>, whole: bool) -> (String, bool) {
    let week = Fixture::new().course.week(1).expect("a week");
    let baseline = Baseline { tally: tally(tried), survivors: lines };
    let verdict = verdict(&week, &baseline, tried, whole);
    (anstream::adapter::strip_str(&verdict.text).to_string(), verdict.passed)
}

#[test]
fn what_a_reader_writes_is_mutated_and_nothing_else() {
    let fixture = Fixture::new();
    let week = fixture.course.week(1).expect("a week");
    let written = written(&fixture.course, &week).expect("functions");
    let functions: Vec<&str> = written.iter().map(|one| one.function.as_str()).collect();
    assert_eq!(functions, ["List::add", "List::sum", "total"], "`len` and `is_empty` are given");
    let file = "solutions/tinydb/src/store/list.rs".to_owned();
    let lines = "^solutions/tinydb/src/store/list\\.rs:(28|29|30|35|36|37|43|44|45):".to_owned();
    assert_eq!(Vec::from_iter(patterns(&written)), [(file, lines)]);
}

#[test]
fn a_weeks_tests_are_run_with_those_of_its_examples() {
    let fixture = Fixture::new();
    for name in ["week1_list.rs", "week11.rs", "whole.rs", "week1.txt"] {
        fixture.write(&format!("solutions/tinydb/tests/{name}"), "");
    }
    let week = fixture.course.week(1).expect("a week");
    assert_eq!(tests(&fixture.course, &week).expect("tests"), ["week1", "week1_list"]);
}

#[test]
fn what_cargo_mutants_writes_is_understood() {
    let fixture = Fixture::new();
    let tried = tried(&fixture.course, OUTCOMES).expect("two mutants");
    assert_eq!(tried[0].end, End::Caught);
    assert_eq!(tried[1].name, "store/list.rs: replace + with - in total");
    assert_eq!(tried[1].code, "numbers.iter().fold(START, |sum, number| sum + number)");
    assert_eq!(tried[1].place, "solutions/tinydb/src/store/list.rs:44:50");
    let counts = Tally { mutants: 2, caught: 1, timeouts: 0, unviable: 0 };
    assert_eq!(tally(&tried), counts);
    assert_eq!(counts.survived(), 1);
}

#[test]
fn a_baseline_is_read_as_it_is_written_and_keeps_what_it_says() {
    let fixture = Fixture::new();
    let week = fixture.course.week(1).expect("a week");
    let load = || Baseline::load(&fixture.course, &week).expect("a baseline");
    assert_eq!(load(), Baseline::default(), "none is an empty one");
    let old = Baseline {
        tally: Tally { mutants: 3, caught: 1, timeouts: 0, unviable: 0 },
        survivors: vec![survivor("old", "It's \"equal\"."), survivor("gone", "It was.")],
    };
    fixture.write(BASELINE, &old.text(&week));
    assert_eq!(load(), old);
    let tried = [mutant("new", End::Survived), mutant("old", End::Survived)];
    assert_eq!(survivors(&tried, &old), [survivor("new", ""), survivor("old", "It's \"equal\".")]);
    fixture.append(BASELINE, "because = \"\"\n");
    let error = Baseline::load(&fixture.course, &week).expect_err("an unknown key").to_string();
    assert!(error.starts_with(BASELINE) && error.contains("because"), "{error}");
}

#[test]
fn a_survivor_without_a_reason_fails_and_a_line_without_a_survivor_is_said() {
    // Enough that two survivors are few.
    let mut all: Vec<Mutant> = (0..200).map(|_| mutant("caught", End::Caught)).collect();
    all.extend([mutant("twin", End::Survived), mutant("twin", End::Survived)]);
    let twin = || survivor("twin", "Both are equal.");
    let (text, passed) = told(&all, vec![twin(), twin()], true);
    assert!(passed && text.contains("99.0 % of those that compile"), "{text}");
    for (lines, expected) in [
        (
            vec![twin()],
            "twin\n      let through, and without a line in chapters/week1/mutants.toml",
        ),
        (vec![twin(), survivor("twin", " ")], "does not say why"),
    ] {
        let (text, passed) = told(&all, lines, true);
        assert!(!passed && text.contains(expected), "{text}");
    }
    let more = vec![twin(), twin(), twin(), survivor("caught", "?"), survivor("gone", "?")];
    let (text, passed) = told(&all, more.clone(), true);
    assert!(passed, "{text}");
    for expected in ["twin\n      is caught now", "caught\n      is caught now", "is no mutant any"]
    {
        assert!(text.contains(expected), "expected {expected:?} in:\n{text}");
    }
    let (text, _) = told(&all, more, false);
    assert!(!text.contains("is no mutant any"), "another shard may have it: {text}");
}

#[test]
fn too_few_caught_mutants_fail_also_when_each_is_explained() {
    let tried = [mutant("one", End::Timeout), mutant("two", End::Survived)];
    let lines = vec![survivor("two", "It is equal.")];
    let (text, passed) = told(&tried, lines.clone(), true);
    assert!(!passed && text.contains("expected 98 % or more"), "{text}");
    assert!(told(&tried, lines, false).1, "a shard may have most of the survivors");
}

#[test]
fn without_cargo_mutants_it_says_how_to_install_it() {
    let fixture = Fixture::new();
    let nothing = fixture.course.root.join("nothing");
    let mut command = Command::new(env!("CARGO_BIN_EXE_course"));
    command.arg("--root").arg(&fixture.course.root).args(["mutants", "1"]);
    command.env("PATH", &nothing).env("CARGO_HOME", &nothing).env_remove("CARGO_TARGET_DIR");
    let refused = command.output().expect("the command");
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    let install = "cargo install cargo-mutants --locked --version 27.1.0";
    assert!(said.contains("is not installed") && said.contains(install), "{said}");
}

#[test]
fn the_books_table_counts_mutants_bugs_and_variants_and_is_found_out_of_date() {
    let fixture = Fixture::new();
    let table = || strictness::table(&fixture.course).expect("a table");
    assert_eq!(table(), None, "without a run there is nothing to tell");
    let week = fixture.course.week(1).expect("a week");
    let counts = Tally { mutants: 10, caught: 6, timeouts: 1, unviable: 2 };
    let baseline = Baseline { tally: counts, survivors: vec![survivor("list.rs: a", "why")] };
    fixture.write(BASELINE, &baseline.text(&week));
    let text = table().expect("a table").text;
    assert!(text.contains("\n| 1 | 8 | 7 | 1 | ") && text.ends_with("| 3 |\n"), "{text}");
    let findings = fixture.findings("stubs");
    assert_found(&findings, &[strictness::TABLE, "missing"]);
}
