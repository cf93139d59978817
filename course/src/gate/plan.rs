//! The learning plan: it names tasks, pages and anchors that there are.
//!
//! Gate `tasks` asks for tasks and pages, gate `book` for anchors: those it has of the pages as they are built.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::html::Page;
use crate::plan::{Item, PLAN, Plan};
use crate::week::{TaskId, Week};
use crate::{Course, Error, files};

/// Tasks and pages that do not exist, and tasks that tick nothing.
pub(super) fn task_findings(
    course: &Course,
    weeks: &[Week],
    pages: &[String],
) -> Result<Vec<String>, Error> {
    let Some(plan) = Plan::find(course)? else {
        return Ok(Vec::new());
    };
    let tasks: BTreeSet<TaskId> = weeks.iter().flat_map(Week::tasks).map(|task| task.id).collect();
    let mut findings = unknown_tasks(&plan, &tasks);
    for page in plan.pages() {
        let (file, _) = parts(page.as_ref());
        if !pages.iter().any(|page| page == file) {
            let line = plan.line(page);
            findings.push(format!("{PLAN}:{line}: {file} is not in SUMMARY.md"));
        }
    }
    let named: BTreeSet<TaskId> = plan.items().flat_map(Item::tasks).collect();
    let idle = tasks.difference(&named);
    findings.extend(idle.map(|id| format!("{PLAN}: no item names task {id}, so it ticks nothing")));
    Ok(findings)
}

fn unknown_tasks(plan: &Plan, known: &BTreeSet<TaskId>) -> Vec<String> {
    let mut findings = Vec::new();
    for item in plan.items() {
        for task in item.tasks.iter().filter(|task| !known.contains(task.as_ref())) {
            let (line, id, name) = (plan.line(task), task.as_ref(), item.name());
            findings.push(format!("{PLAN}:{line}: {name}: no week.toml has a task {id}"));
        }
    }
    findings
}

/// Anchors that the built pages in a folder do not have.
pub(super) fn anchor_findings(course: &Course, site: &Path) -> Result<Vec<String>, Error> {
    let Some(plan) = Plan::find(course)? else {
        return Ok(Vec::new());
    };
    let mut built: BTreeMap<&str, Option<Page>> = BTreeMap::new();
    let mut findings = Vec::new();
    for place in plan.pages() {
        let (file, anchor) = parts(place.as_ref());
        let read = || files::read(&site.join(file).with_extension("html")).ok();
        let page = built.entry(file).or_insert_with(|| read().map(|html| Page::parse(&html)));
        let wrong = match page {
            None => format!("{file} is not in the built book"),
            Some(page) if !anchor.is_empty() && !page.ids.contains(anchor) => {
                format!("{file} has no #{anchor}")
            }
            Some(_) => continue,
        };
        findings.push(format!("{PLAN}:{}: {wrong}", plan.line(place)));
    }
    Ok(findings)
}

/// A page and the anchor on it, which can be empty.
fn parts(place: &str) -> (&str, &str) {
    place.split_once('#').unwrap_or((place, ""))
}
