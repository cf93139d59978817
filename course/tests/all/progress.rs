//! `PROGRESS.md`.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use course::Course;
use course::plan::Plan;
use course::progress::{Form, NAME, Sheet, Tick, progress};
use course::results::Tally;
use course::results::{Results, record};
use course::week::TaskId;
use proptest::prelude::*;

use crate::fixture::Fixture;
use crate::planning::{TEXT, planned};

const FRESH: &str = "\
# TinyDB Learning Progress

Track your progress as you learn SlateDB by building TinyDB.

---

## Week 1: A list

### Day 1-2: The list
- [ ] Read `list.rs` <!-- w1.read -->
- [ ] Implement add <!-- w1.add -->

**Notes:** <!-- w1.notes-1 -->


### Day 3: The sum
- [ ] Tests passing <!-- w1.sum -->

**Challenges:** <!-- w1.notes-2 -->


---

## Questions and Answers

### Questions
1. Why a list? <!-- question.why -->
   - Answer:

### Add your own questions here: <!-- question.own -->


---

## Key Insights

1. Lists are... <!-- insight.lists -->

### Add your insights: <!-- insight.own -->


---

## Next Steps

- [ ] Write more lists <!-- next.more -->

---

## Resources Used

- [ ] A book about lists <!-- resource.lists -->

### Helpful links: <!-- resource.own -->


---

## Completion Checklist

- [ ] Can explain lists <!-- done.lists -->

---

**Started:** [Date]
**Completed:** [Date]
**Total Time:** [Hours]
";

fn plan() -> Plan {
    Plan::parse(TEXT).expect("the plan")
}

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_795_378_500)
}

/// Results of the tasks 1.1 and 1.2: whether they pass, if they ran.
fn results(tasks: [Option<bool>; 2]) -> Results {
    let fixture = Fixture::new();
    for (task, passes) in (1..).zip(tasks) {
        let passed = usize::from(passes == Some(true));
        let tally = Tally { task: TaskId { week: 1, task }, passed, total: 1 };
        let ran: Vec<Tally> = passes.map(|_| tally).into_iter().collect();
        record(&fixture.course, &ran, now()).expect("results");
    }
    Results::load(&fixture.course)
}

fn merged(results: &Results, old: &str) -> String {
    Sheet::merge(&Form::new(&plan()), results, old).text
}

#[test]
fn a_fresh_sheet_has_the_plans_own_form() {
    assert_eq!(merged(&Results::default(), ""), FRESH);
}

#[test]
fn the_courses_own_plan_makes_the_learning_plan() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the course");
    let plan = Plan::load(&Course::at(root)).expect("the plan");
    let form = Form::new(&plan);
    let sheet = Sheet::merge(&form, &Results::default(), "");
    assert_eq!(sheet.ticks.len(), 84);
    assert!(
        sheet
            .text
            .contains("\n\n\n---\n\n## Week 2: Deep Dive\n\n### Day 8-10: Operations\n- [ ] ")
    );
    assert!(sheet.text.contains("\n2. How does SlateDB handle concurrent writes? <!-- question."));
    assert_eq!(Sheet::merge(&form, &Results::default(), &sheet.text).text, sheet.text);
}

#[test]
fn boxes_follow_the_tests_and_ticks_by_hand_stay() {
    let open = "- [ ] Implement add <!-- w1.add -->\n";
    let tests = "- [x] Implement add <!-- w1.add tests -->\n";
    let hand = "- [x] Implement add <!-- w1.add -->\n";
    for (before, passes, after) in [
        (open, Some(true), tests),
        (open, Some(false), open),
        (open, None, open),
        (tests, Some(true), tests),
        (tests, Some(false), open),
        (tests, None, tests),
        (hand, Some(true), hand),
        (hand, Some(false), hand),
        (hand, None, hand),
    ] {
        let sheet = merged(&results([passes, None]), &FRESH.replace(open, before));
        assert_eq!(sheet, FRESH.replace(open, after), "{before} and {passes:?}");
    }
}

#[test]
fn an_item_of_several_tasks_is_ticked_when_all_pass() {
    let ticked =
        |tasks| merged(&results(tasks), FRESH).contains("- [x] Tests passing <!-- w1.sum tests");
    assert!(ticked([Some(true), Some(true)]));
    assert!(!ticked([Some(true), None]) && !ticked([Some(true), Some(false)]));
}

/// What readers write, in the forms that they write it.
const WRITTEN: [(&str, &str); 9] = [
    (
        "**Notes:** <!-- w1.notes-1 -->\n",
        "**Notes:** <!-- w1.notes-1 -->\nMine.\n\n- [ ] my own\n\n---\n\n## Mine\n",
    ),
    ("   - Answer:\n", "   - Answer: Order.\n     And more.\n"),
    ("- [ ] Read `list.rs`", "* [X] Read `list.rs`, *twice*!"),
    ("   - Answer:\n", "   - Answer: \\- [x] Implement add <!-- w1.add -->\n"),
    ("[Date]\n**Completed", "2026-11-22\n**Completed"),
    ("[Hours]", "12.5 hours"),
    ("# TinyDB Learning Progress\n", "\u{feff}# Ada's progress\n"),
    ("## Key Insights\n", "## Key Insights <!-- mine -->\n```\n- [ ] code\n```\n"),
    ("[Hours]\n", "[Hours]\nThe end, without a line end"),
];

#[test]
fn what_the_reader_wrote_stays_byte_for_byte() {
    for (old, new) in WRITTEN {
        assert!(FRESH.contains(old), "{old}");
        let written = FRESH.replacen(old, new, 1);
        assert_eq!(merged(&Results::default(), &written), written);
        let crlf = written.replace('\n', "\r\n");
        assert_eq!(merged(&Results::default(), &crlf), crlf);
    }
}

#[test]
fn a_sheet_in_another_order_keeps_it() {
    let (head, rest) = FRESH.split_once("## Questions").expect("questions");
    let sheet = format!("## Questions{rest}\n{head}");
    assert_eq!(merged(&Results::default(), &sheet), sheet);
}

#[test]
fn what_is_missing_is_put_where_it_belongs() {
    let insight = "\n1. Lists are... <!-- insight.lists -->\n";
    let part = "### Day 3: The sum\n- [ ] Tests passing <!-- w1.sum -->\n\n**Challenges:** <!-- w1.notes-2 -->\n\n\n";
    for missing in [
        "- [ ] Read `list.rs` <!-- w1.read -->\n",
        "- [ ] Implement add <!-- w1.add -->\n",
        "- [ ] Tests passing <!-- w1.sum -->\n",
        "**Started:** [Date]\n",
        "**Total Time:** [Hours]\n",
        insight,
        part,
    ] {
        assert!(FRESH.contains(missing), "{missing}");
        assert_eq!(merged(&Results::default(), &FRESH.replace(missing, "")), FRESH, "{missing}");
    }
}

#[test]
fn a_missing_line_comes_behind_the_readers_words_and_is_ticked() {
    let noted = FRESH.replace("<!-- w1.read -->\n", "<!-- w1.read -->\n  It took an hour.\n");
    let without = noted.replace("- [ ] Implement add <!-- w1.add -->\n", "");
    let expected = noted.replace(
        "- [ ] Implement add <!-- w1.add -->",
        "- [x] Implement add <!-- w1.add tests -->",
    );
    assert_eq!(merged(&results([Some(true), None]), &without), expected);
}

#[test]
fn lines_that_are_changed_or_there_twice_are_told_of_and_stay() {
    let twice = FRESH.replace("**Started", "- [x] Read `list.rs` <!-- w1.read -->\n**Started");
    let sheet = Sheet::merge(&Form::new(&plan()), &Results::default(), &twice);
    assert_eq!(sheet.text, twice);
    assert_eq!(sheet.remarks, ["65: w1.read is on line 10 already, which counts"]);
    assert_eq!(sheet.ticks["w1.read"], Tick::Open);
    let behind = FRESH.replacen("<!-- w1.add -->", "<!-- w1.add --> at last", 1);
    let ticked = FRESH.replacen(
        "[ ] Implement add <!-- w1.add -->",
        "[x] Implement add <!-- w1.add tests --> at last",
        1,
    );
    assert_eq!(merged(&results([Some(true), None]), &behind), ticked);
    let unboxed = FRESH.replace("- [ ] Read", "- Read");
    let sheet = Sheet::merge(&Form::new(&plan()), &Results::default(), &unboxed);
    assert_eq!((sheet.text, sheet.remarks.len()), (unboxed, 1));
}

/// Lines of a sheet, of a reader, and of both half and half.
fn line() -> impl Strategy<Value = String> {
    let of_plan: Vec<String> = FRESH.split_inclusive('\n').map(str::to_owned).collect();
    let words = "[-*#\\\\ `\\[\\]xX<>!äö1.]{0,12}(<!-- (w1\\.(add|sum|notes-1)|mine)( tests)? -->)? {0,2}\r?\n";
    prop_oneof![
        6 => prop::sample::select(of_plan),
        2 => words,
        1 => Just("- [x] Implement add <!-- w1.add tests -->\n".to_owned()),
        1 => Just("- [x] Read `list.rs` <!-- w1.read -->\n".to_owned()),
    ]
}

fn outcome() -> impl Strategy<Value = [Option<bool>; 2]> {
    prop::array::uniform2(prop::option::of(any::<bool>()))
}

/// A line as it is apart from its box, which tests may tick.
fn words(line: &str) -> String {
    line.replace("[x]", "[ ]").replace("[X]", "[ ]").replace(" tests -->", " -->")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]

    #[test]
    fn merging_loses_no_line_and_merging_again_changes_nothing(
        lines in prop::collection::vec(line(), 0..60),
        tasks in outcome(),
    ) {
        let (old, results) = (lines.concat(), results(tasks));
        let new = merged(&results, &old);
        let mut rest = new.lines().map(words);
        for line in old.lines() {
            prop_assert!(rest.any(|new| new == words(line)), "{line:?} is lost of\n{old}\nin\n{new}");
        }
        prop_assert_eq!(&merged(&results, &new), &new);
    }

    #[test]
    fn every_box_and_room_is_there_afterwards(lines in prop::collection::vec(line(), 0..60)) {
        let new = merged(&Results::default(), &lines.concat());
        for id in FRESH.lines().filter_map(|line| line.split_once("<!-- ")).map(|(_, id)| id) {
            let id = id.trim_end_matches(" -->");
            let is_there = |comment: String| new.contains(&comment);
            prop_assert!(is_there(format!("<!-- {id} -->")) || is_there(format!("<!-- {id} tests -->")), "{id}");
        }
    }
}

#[test]
fn the_command_writes_the_sheet_once_and_tells_of_it() {
    let fixture = planned();
    let told = progress(&fixture.course, false, now()).expect("a table");
    assert!(!told.contains(NAME) || told.contains("Tick: in the book"), "{told}");
    assert!(!fixture.course.root.join(NAME).exists());
    let told = progress(&fixture.course, true, now()).expect("a sheet");
    assert!(told.contains("Wrote PROGRESS.md"), "{told}");
    assert_eq!(fixture.read(NAME), FRESH);
    let written = fs::metadata(fixture.course.root.join(NAME)).and_then(|file| file.modified());
    let told = progress(&fixture.course, true, now()).expect("a sheet");
    assert!(told.contains("PROGRESS.md is up to date"), "{told}");
    let again = fs::metadata(fixture.course.root.join(NAME)).and_then(|file| file.modified());
    assert_eq!(written.expect("a time"), again.expect("a time"));
}

#[test]
fn the_table_counts_and_says_what_is_next() {
    let fixture = planned();
    let tell = || {
        let told = progress(&fixture.course, true, now()).expect("a table");
        anstream::adapter::strip_str(&told).to_string()
    };
    let told = tell();
    assert!(told.contains("  Week 1   0/3      0/2   A list\n"), "{told}");
    assert!(told.contains("Next: Read `list.rs`\nRead: week1/list.html#in-slatedb "), "{told}");
    fixture.replace(NAME, "- [ ] Read", "- [x] Read");
    let done = |task| Tally { task: TaskId { week: 1, task }, passed: 1, total: 1 };
    record(&fixture.course, &[done(1)], now()).expect("results");
    let told = tell();
    assert!(told.contains("  Week 1   2/3      1/2   A list\n"), "{told}");
    assert!(
        told.contains("Next: Tests passing\n") && told.contains("cargo course test 1.2\n"),
        "{told}"
    );
    record(&fixture.course, &[done(2)], now()).expect("results");
    let told = tell();
    assert!(told.contains("✓ Week 1   3/3      2/2   A list\n"), "{told}");
    assert!(told.contains("Next: Can explain lists\n"), "{told}");
}

#[test]
fn a_damaged_sheet_is_kept_under_a_dated_name() {
    let fixture = planned();
    let damaged: [&[u8]; 3] = [b"# Mine\n\nNot of this plan.\n", b"\xff\xfe- [x]", &[0; 64]];
    for (bytes, number) in damaged.iter().zip(1..) {
        fs::write(fixture.course.root.join(NAME), bytes).expect("a damaged sheet");
        let told = progress(&fixture.course, true, now()).expect("a sheet");
        let more = if number == 1 { String::new() } else { format!("-{number}") };
        let copy = format!("PROGRESS-2026-11-22T20-15-00Z{more}.md");
        assert!(told.contains(&format!("It is kept in {copy}.")), "{told}");
        assert_eq!(fs::read(fixture.course.root.join(&copy)).expect("the copy"), *bytes);
        assert_eq!(fixture.read(NAME), FRESH);
    }
}

#[test]
fn a_sheet_that_cannot_be_read_is_left_alone() {
    let fixture = planned();
    fixture.write("PROGRESS.md/a_folder", "");
    let error = progress(&fixture.course, true, now()).expect_err("a folder").to_string();
    assert!(error.contains("cannot read") && error.contains(NAME), "{error}");
    assert_eq!(fixture.read("PROGRESS.md/a_folder"), "");
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link() {
    let fixture = planned();
    fixture.write("mine/plan.md", &FRESH.replace("[Hours]", "3 hours"));
    let link = fixture.course.root.join(NAME);
    std::os::unix::fs::symlink("mine/plan.md", &link).expect("a link");
    fixture.replace("mine/plan.md", "- [ ] Implement add <!-- w1.add -->\n", "");
    progress(&fixture.course, true, now()).expect("a sheet");
    assert!(link.is_symlink());
    assert!(fixture.read("mine/plan.md").contains("w1.add"));
}

#[test]
fn a_course_without_a_plan_says_so() {
    let error = progress(&Fixture::new().course, true, now()).expect_err("no plan").to_string();
    assert!(error.contains("book/plan.toml: missing"), "{error}");
}
