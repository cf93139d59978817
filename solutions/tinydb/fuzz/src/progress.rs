//! `PROGRESS.md`, as `cargo course progress` reads it.
//!
//! Checked: no line of the reader's is lost or changed, and the order stays; without results no line at all is; every item
//! of the plan is there afterwards, ticked or not, or it is said why not; doing it once more changes nothing.

use std::sync::LazyLock;

use course::plan::{Item, Plan};
use course::progress::{Form, Sheet};
use course::results::{Outcome, Results};

/// The beginnings of the real plan's parts: with all of it, a check would take a thousand times as long.
static PLAN: LazyLock<Plan> = LazyLock::new(|| {
    let mut plan = Plan::parse(include_str!("../../../../book/plan.toml")).expect("the plan");
    plan.week.truncate(2);
    for part in plan.week.iter_mut().flat_map(|week| &mut week.part) {
        part.item.truncate(2);
    }
    plan.question.truncate(2);
    plan.insight.truncate(2);
    for items in [&mut plan.next_step, &mut plan.resource, &mut plan.check] {
        items.truncate(1);
    }
    plan
});

static FORM: LazyLock<Form<'static>> = LazyLock::new(|| Form::new(&PLAN));

/// What stands for the bytes from 128 on: the lines of an empty sheet, and what readers make of them.
static PIECES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let mut pieces = vec![
        "<!-- ",
        " -->",
        " tests -->",
        "- [x] ",
        "* [X] ",
        "\\",
        "\r\n",
        "   - Answer: ",
        "\u{feff}",
        "é",
        "\u{2028}",
    ];
    let empty = Sheet::merge(&FORM, &Results::default(), "").text.leak();
    pieces.extend(empty.split_inclusive('\n').filter(|line| !line.trim().is_empty()));
    pieces
});

/// Input: which results there are, and the sheet. A byte from 128 on is a piece of it.
pub fn check(data: &[u8]) {
    let (results, text) = data.split_first().map_or((0, data), |(first, rest)| (*first, rest));
    let mut old = String::new();
    text.iter().for_each(|&byte| push(&mut old, byte));
    let results = results_of(results);
    let sheet = Sheet::merge(&FORM, &results, &old);
    assert_kept(&old, &sheet.text, !results.tasks.is_empty());
    for item in PLAN.items() {
        let said = || sheet.remarks.iter().any(|remark| remark.ends_with(item.name()));
        assert!(sheet.ticks.contains_key(item.name()) || said(), "{} in {old:?}", item.name());
    }
    let again = Sheet::merge(&FORM, &results, &sheet.text);
    assert_eq!(again.text, sheet.text, "once more: {old:?}");
    assert_eq!(again.ticks, sheet.ticks, "once more: {old:?}");
}

fn push(text: &mut String, byte: u8) {
    match byte.checked_sub(128) {
        None => text.push(char::from(byte)),
        Some(number) => text.push_str(PIECES[usize::from(number) % PIECES.len()]),
    }
}

/// The tasks of the plan: none was tested, they pass, or they fail.
fn results_of(kind: u8) -> Results {
    let mut results = Results::default();
    for task in PLAN.items().flat_map(Item::tasks).filter(|_| !kind.is_multiple_of(3)) {
        let passed = usize::from(kind % 3 == 1);
        results
            .tasks
            .insert(task, Outcome { passed, total: 1, at: "2026-11-22T20:15:00Z".to_owned() });
    }
    results
}

/// The lines of `old` are in `new`, in their order. If there are results, those with a comment may have changed.
fn assert_kept(old: &str, new: &str, is_tested: bool) {
    let mut left = new.split_inclusive('\n').map(without_end);
    for line in old.split_inclusive('\n').map(without_end) {
        let may_change = is_tested && line.contains("<!--");
        assert!(
            may_change || left.any(|there| there == line),
            "{line:?} of {old:?} is gone: {new:?}"
        );
    }
}

fn without_end(line: &str) -> &str {
    line.trim_end_matches(['\r', '\n'])
}
