//! The results of tests, as the book reads them.

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use course::report::{self, Goal};
use course::results::{Results, Tally, begin, file, record};
use course::week::TaskId;

use crate::fixture::Fixture;

fn tally(task: u8, passed: usize, total: usize) -> Tally {
    Tally { task: TaskId { week: 1, task }, passed, total }
}

fn time(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_795_378_500 + seconds)
}

#[test]
fn a_task_run_again_replaces_its_entry_and_others_stay() {
    let fixture = Fixture::new();
    let course = &fixture.course;
    record(course, &[tally(1, 0, 1), tally(2, 1, 2)], time(0)).expect("results");
    record(course, &[tally(1, 1, 1)], time(60)).expect("results");
    let expected = r#"{
  "version": 1,
  "tasks": {
    "1.1": {
      "passed": 1,
      "total": 1,
      "at": "2026-11-22T20:16:00Z"
    },
    "1.2": {
      "passed": 1,
      "total": 2,
      "at": "2026-11-22T20:15:00Z"
    }
  }
}
"#;
    assert_eq!(fs::read_to_string(file(course)).expect("results"), expected);
    let results = Results::load(course);
    assert_eq!(results.is_done(TaskId { week: 1, task: 1 }), Some(true));
    assert_eq!(results.is_done(TaskId { week: 1, task: 2 }), Some(false));
    assert_eq!(results.is_done(TaskId { week: 1, task: 3 }), None);
}

#[test]
fn a_task_without_tests_is_not_done() {
    let fixture = Fixture::new();
    record(&fixture.course, &[tally(1, 0, 0)], time(0)).expect("results");
    assert_eq!(Results::load(&fixture.course).is_done(TaskId { week: 1, task: 1 }), Some(false));
}

#[test]
fn a_damaged_file_is_no_results_and_is_replaced() {
    let fixture = Fixture::new();
    for damaged in
        ["", "{", "[1]", "{\"version\": 2, \"tasks\": {}}", "{\"version\":1,\"tasks\":{\"x\":1}}"]
    {
        fs::write(file(&fixture.course), damaged).expect("a damaged file");
        assert_eq!(Results::load(&fixture.course), Results::default(), "{damaged}");
        record(&fixture.course, &[tally(1, 1, 1)], time(0)).expect("results");
        assert_eq!(Results::load(&fixture.course).tasks.len(), 1, "{damaged}");
    }
}

#[test]
fn a_book_that_is_read_before_the_first_test_finds_a_file() {
    let fixture = Fixture::new();
    begin(&fixture.course).expect("no results");
    assert_eq!(
        fs::read_to_string(file(&fixture.course)).expect("results"),
        "{\n  \"version\": 1,\n  \"tasks\": {}\n}\n"
    );
    record(&fixture.course, &[tally(1, 1, 1)], time(0)).expect("results");
    begin(&fixture.course).expect("what is there stays");
    assert_eq!(Results::load(&fixture.course).tasks.len(), 1);
}

#[test]
fn the_built_book_gets_them_too() {
    let fixture = Fixture::new();
    record(&fixture.course, &[tally(1, 1, 1)], time(0)).expect("results");
    assert!(!fixture.course.root.join("target/book").exists(), "no book is built here");
    fixture.write("target/book/index.html", "");
    record(&fixture.course, &[tally(2, 1, 1)], time(0)).expect("results");
    assert_eq!(fixture.read("target/book/results.json"), fixture.read("book/src/results.json"));
}

#[test]
fn runs_at_once_lose_nothing() {
    let fixture = Fixture::new();
    std::thread::scope(|scope| {
        for task in 1..=40 {
            let course = &fixture.course;
            scope.spawn(move || record(course, &[tally(task, 1, 1)], time(0)).expect("results"));
        }
    });
    assert_eq!(Results::load(&fixture.course).tasks.len(), 40);
}

#[test]
fn testing_the_readers_code_notes_it_and_testing_the_engine_does_not() {
    let fixture = Fixture::new();
    let goal: Goal = "1.2".parse().expect("a task");
    report::test(&fixture.course, goal, true).expect("the engine's report");
    assert!(!file(&fixture.course).exists());
    let report = report::test(&fixture.course, goal, false).expect("a report");
    assert!(!report.text.contains("warning"), "{}", report.text);
    let results = Results::load(&fixture.course);
    let outcome = &results.tasks[&TaskId { week: 1, task: 2 }];
    assert_eq!((outcome.passed, outcome.total, results.tasks.len()), (0, 2, 1));
}

#[test]
fn results_that_cannot_be_written_fail_no_run() {
    let fixture = Fixture::new();
    // A folder that is not empty can be neither written nor replaced, whoever tries.
    fixture.write("book/src/results.json/in_the_way", "");
    let report =
        report::test(&fixture.course, "1".parse().expect("a week"), false).expect("a report");
    assert!(report.text.contains("· 1.1"), "{}", report.text);
    assert!(
        report.text.contains("warning: the book does not learn of this: cannot"),
        "{}",
        report.text
    );
}

#[test]
fn the_task_that_a_reader_is_at_is_the_first_that_failed() {
    let fixture = Fixture::new();
    let begun = || course::watch::begun(&fixture.course, 1).expect("the week");
    let task = |task| Some(TaskId { week: 1, task });
    assert_eq!(begun(), None, "nothing has run");
    for (first, second, expected) in [(1, 2, task(2)), (0, 0, task(1)), (1, 3, None)] {
        let tallies = [tally(1, first, 1), tally(2, second, 3)];
        record(&fixture.course, &tallies, time(0)).expect("results");
        assert_eq!(begun(), expected, "{first} of 1 and {second} of 3 passed");
    }
    assert!(course::watch::begun(&fixture.course, 9).is_err(), "there is no such week");
}
