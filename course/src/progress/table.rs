//! The table in the terminal: by week, how many items are ticked and how many tasks pass; and what is next.

use std::fmt::Write as _;

use super::{Sheet, Tick};
use crate::plan::{Item, Plan, Week};
use crate::report::{FAINT, GOOD, STRONG};
use crate::results::Results;
use crate::week::TaskId;
use crate::{Course, Error};

/// Tells how far the reader is.
pub(super) fn table(
    course: &Course,
    plan: &Plan,
    results: &Results,
    sheet: &Sheet,
) -> Result<String, Error> {
    let tasks: Vec<TaskId> = course
        .weeks()?
        .iter()
        .flat_map(|week| week.tasks().map(|task| task.id).collect::<Vec<_>>())
        .collect();
    let mut text = format!("{STRONG}         items    tasks{STRONG:#}\n");
    for week in &plan.week {
        let tasks = tasks.iter().filter(|task| task.week == week.number);
        let done = tasks.clone().filter(|task| results.is_done(**task) == Some(true)).count();
        let count = tasks.count();
        text += &row(
            &format!("Week {}", week.number),
            ticked(week.items(), sheet),
            (done, count),
            &week.title,
        );
    }
    for (name, items) in
        [("next steps", &plan.next_step), ("resources", &plan.resource), ("checklist", &plan.check)]
    {
        let (done, count) = ticked(items.iter(), sheet);
        let _ = writeln!(text, "{FAINT}  and {done} of {count} in {name}{FAINT:#}");
    }
    text.push('\n');
    text += &next(plan, results, sheet);
    Ok(text)
}

fn row(name: &str, items: (usize, usize), tasks: (usize, usize), title: &str) -> String {
    let of = |(done, count): (usize, usize)| match count {
        0 => "-".to_owned(),
        _ => format!("{done}/{count}"),
    };
    let (items_shown, tasks_shown) = (of(items), of(tasks));
    let line = format!("  {name:7}{items_shown:>5}{tasks_shown:>9}   {title}");
    let whole = |(done, count): (usize, usize)| done == count;
    match whole(items) && whole(tasks) {
        true => format!("{GOOD}✓{GOOD:#}{}\n", &line[1..]),
        false => format!("{line}\n"),
    }
}

fn ticked<'a>(items: impl Iterator<Item = &'a Item>, sheet: &Sheet) -> (usize, usize) {
    items
        .fold((0, 0), |(done, count), item| (done + usize::from(is_ticked(item, sheet)), count + 1))
}

fn is_ticked(item: &Item, sheet: &Sheet) -> bool {
    sheet.ticks.get(item.name()).is_some_and(|tick| *tick != Tick::Open)
}

/// The first open item: from the week whose tests ran last, on to the end, and then from the start.
fn next(plan: &Plan, results: &Results, sheet: &Sheet) -> String {
    let newest = results.tasks.iter().max_by_key(|(_, outcome)| &outcome.at);
    let current = newest.map_or(0, |(task, _)| task.week);
    let (before, after): (Vec<&Week>, Vec<&Week>) =
        plan.week.iter().partition(|week| week.number < current);
    let weeks = after.into_iter().chain(before).flat_map(Week::items);
    let rest = plan.check.iter().chain(&plan.next_step).chain(&plan.resource);
    let Some(item) = weeks.chain(rest).find(|item| !is_ticked(item, sheet)) else {
        return format!("{GOOD}Well done: there is nothing left to tick.{GOOD:#}\n");
    };
    let task = item.tasks().find(|task| results.is_done(*task) != Some(true));
    let page = item.page.as_ref().replacen(".md", ".html", 1);
    let mut text = format!("{STRONG}Next: {}{STRONG:#}\n", item.text);
    let _ = writeln!(text, "Read: {page}   (cargo course serve shows the book)");
    let _ = match task {
        Some(task) => writeln!(text, "Test: cargo course test {task}"),
        None => writeln!(text, "Tick: in the book, or in PROGRESS.md: `- [x] …` ({})", item.name()),
    };
    text
}
