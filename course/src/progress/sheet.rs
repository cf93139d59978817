//! The text of `PROGRESS.md`: what of the plan is in it, and what is put in.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::plan::{Item, Plan, Prompt, Week};
use crate::results::Results;

/// A progress sheet that is up to date.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    /// Its text.
    pub text: String,
    /// The boxes in it, by id.
    pub ticks: BTreeMap<String, Tick>,
    /// What a reader should know of its lines: a line's number and what is odd there.
    pub remarks: Vec<String>,
}

/// How a box is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tick {
    /// Open.
    Open,
    /// Ticked by hand.
    Hand,
    /// Ticked by tests.
    Tests,
}

/// A line of the plan, and where it belongs.
struct Slot<'a> {
    /// The id in its comment, or the words that it begins with.
    id: &'a str,
    /// The section and the part of it that it is in.
    group: [usize; 2],
    /// The heading of its section, and that of its part: written if nothing of the group is there.
    headings: [String; 2],
    /// The line, with what stands above and below it.
    text: String,
    item: Option<&'a Item>,
}

/// The lines without an id: what they begin with, and what stands behind it where nothing is known.
const FOOT: [(&str, &str); 3] =
    [("**Started:**", "[Date]"), ("**Completed:**", "[Date]"), ("**Total Time:**", "[Hours]")];

const TITLE: &str = "# TinyDB Learning Progress\n\n\
                     Track your progress as you learn SlateDB by building TinyDB.\n";

impl Sheet {
    /// What a sheet becomes: nothing of it is lost, boxes follow the results, missing lines of the plan are put in.
    pub fn merge(plan: &Plan, results: &Results, old: &str) -> Self {
        let slots = slots(plan);
        let mut lines: Vec<String> = old.split_inclusive('\n').map(str::to_owned).collect();
        let (places, remarks) = places(&slots, &lines);
        let mut sheet = Self { remarks, ..Self::default() };
        for slot in &slots {
            let Some(item) = slot.item else { continue };
            let at = places.get(slot.id).copied();
            let old = at.map_or(Some(Tick::Open), |at| tick_of(&lines[at], slot.id));
            let Some(old) = old else { continue };
            let new = follow(old, item, results);
            if let Some(at) = at.filter(|_| new != old) {
                lines[at] = with_tick(&lines[at], slot.id, new);
            }
            sheet.ticks.insert(slot.id.to_owned(), new);
        }
        sheet.text = sheet.with_missing(&slots, &places, lines);
        sheet
    }

    /// The lines, with those that are missing.
    fn with_missing(
        &self,
        slots: &[Slot<'_>],
        places: &BTreeMap<&str, usize>,
        lines: Vec<String>,
    ) -> String {
        let newline =
            if lines.first().is_some_and(|line| line.ends_with("\r\n")) { "\r\n" } else { "\n" };
        let mut missing: BTreeMap<usize, String> = BTreeMap::new();
        for (at, slot) in slots.iter().enumerate().filter(|(_, slot)| !places.contains_key(slot.id))
        {
            let line = home(slots, at, places, &lines);
            let text = missing.entry(line).or_default();
            for (level, heading) in slot.headings.iter().enumerate() {
                if opens(slots, at, level, places) {
                    text.push_str(heading);
                }
            }
            text.push_str(&match self.ticks.get(slot.id) {
                Some(tick) => with_tick(&slot.text, slot.id, *tick),
                None => slot.text.clone(),
            });
        }
        let title = if places.is_empty() { TITLE } else { "" };
        woven(title, lines, &missing, newline)
    }
}

/// Whether a text has a line of the plan.
pub(super) fn is_sheet(plan: &Plan, text: &str) -> bool {
    let slots = slots(plan);
    let is_known = |comment: Comment<'_>| slots.iter().any(|slot| slot.id == comment.id);
    text.lines().flat_map(comments).any(is_known)
}

/// The lines of a text with others put before some of them.
fn woven(
    title: &str,
    lines: Vec<String>,
    missing: &BTreeMap<usize, String>,
    newline: &str,
) -> String {
    let mut text = title.to_owned();
    for (at, line) in lines.into_iter().chain([String::new()]).enumerate() {
        if let Some(more) = missing.get(&at) {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push_str(newline);
            }
            text.push_str(&more.replace('\n', newline));
        }
        text.push_str(&line);
    }
    text
}

/// Where the lines of the plan are. A second line with an id is the reader's: the first counts.
fn places<'a>(slots: &[Slot<'a>], lines: &[String]) -> (BTreeMap<&'a str, usize>, Vec<String>) {
    let known: BTreeMap<&str, &Slot<'a>> = slots.iter().map(|slot| (slot.id, slot)).collect();
    let mut places = BTreeMap::new();
    let mut remarks = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let line = line.trim_start_matches('\u{feff}');
        let foot = FOOT.iter().map(|(begin, _)| *begin).find(|begin| line.starts_with(begin));
        let ids = comments(line).into_iter().map(|comment| comment.id).chain(foot);
        let Some(slot) = ids.filter_map(|id| known.get(id)).next() else { continue };
        let number = at + 1;
        if let Some(first) = places.get(slot.id) {
            remarks.push(format!(
                "{number}: {} is on line {} already, which counts",
                slot.id,
                first + 1
            ));
            continue;
        }
        places.insert(slot.id, at);
        if slot.item.is_some() && tick_of(line, slot.id).is_none() {
            remarks
                .push(format!("{number}: expected a box, `- [ ]` or `- [x]`, before {}", slot.id));
        }
    }
    (places, remarks)
}

/// A comment with an id.
struct Comment<'a> {
    id: &'a str,
    by_tests: bool,
    /// Where it is in its line.
    at: Range<usize>,
}

/// The comments with ids in a line, wherever in it: a reader may have written behind them. A backslash in front makes a
/// line the reader's own.
fn comments(line: &str) -> Vec<Comment<'_>> {
    let begin = line.trim_start();
    let begin = begin.strip_prefix("- Answer:").map_or(begin, str::trim_start);
    if begin.starts_with('\\') {
        return Vec::new();
    }
    line.match_indices("<!--").filter_map(|(at, _)| comment(line, at)).collect()
}

fn comment(line: &str, at: usize) -> Option<Comment<'_>> {
    let (inside, _) = line[at + 4..].split_once("-->")?;
    let at = at..at + 4 + inside.len() + 3;
    let mut words = inside.split_whitespace();
    let (id, by, more) = (words.next()?, words.next(), words.next());
    let by_tests = by == Some("tests");
    (more.is_none() && (by_tests || by.is_none())).then_some(Comment { id, by_tests, at })
}

/// The comment with this id in a line.
fn comment_of<'a>(line: &'a str, id: &str) -> Option<Comment<'a>> {
    comments(line).into_iter().find(|comment| comment.id == id)
}

/// Where a line's box is: the byte of its `[`.
fn box_at(line: &str) -> Option<usize> {
    let begin = line.len() - line.trim_start_matches(['\u{feff}', ' ', '\t']).len();
    let rest = line[begin..].strip_prefix(['-', '*', '+'])?.strip_prefix(' ')?;
    let rest = rest.trim_start_matches(' ');
    let is_box = ["[ ]", "[x]", "[X]"].iter().any(|open| rest.starts_with(open));
    is_box.then(|| line.len() - rest.len())
}

fn tick_of(line: &str, id: &str) -> Option<Tick> {
    let at = box_at(line)?;
    let by_tests = comment_of(line, id)?.by_tests;
    Some(match (&line[at..at + 3], by_tests) {
        ("[ ]", _) => Tick::Open,
        (_, true) => Tick::Tests,
        (_, false) => Tick::Hand,
    })
}

/// A line with its box as it should be. The words around are the reader's to change.
fn with_tick(line: &str, id: &str, tick: Tick) -> String {
    let (Some(at), Some(comment)) = (box_at(line), comment_of(line, id)) else {
        return line.to_owned();
    };
    let (mark, by) = match tick {
        Tick::Open => ("[ ]", ""),
        Tick::Hand => ("[x]", ""),
        Tick::Tests => ("[x]", " tests"),
    };
    let (words, rest) = (&line[at + 3..comment.at.start], &line[comment.at.end..]);
    format!("{}{mark}{words}<!-- {id}{by} -->{rest}", &line[..at])
}

/// How a box is after the results. What was ticked by hand stays; so does what tests ticked and nothing is known of.
fn follow(old: Tick, item: &Item, results: &Results) -> Tick {
    let mut done = item.tasks().map(|task| results.is_done(task)).peekable();
    if old == Tick::Hand || done.peek().is_none() {
        return old;
    }
    let done: Vec<Option<bool>> = done.collect();
    if done.iter().all(|done| *done == Some(true)) {
        Tick::Tests
    } else if done.contains(&Some(false)) {
        Tick::Open
    } else {
        old
    }
}

/// Whether nothing of a slot's group is there, and the slot is the first of it.
fn opens(slots: &[Slot<'_>], at: usize, level: usize, places: &BTreeMap<&str, usize>) -> bool {
    let group = &slots[at].group[..=level];
    let of_group = |slot: &&Slot<'_>| slot.group[..=level] == *group;
    let is_first = !slots[..at].iter().any(|slot| of_group(&slot));
    is_first && !slots.iter().filter(of_group).any(|slot| places.contains_key(slot.id))
}

/// Before which line a missing slot belongs: behind what comes before it in its part; else before what comes behind it
/// there; else behind what comes before it in the plan.
fn home(slots: &[Slot<'_>], at: usize, places: &BTreeMap<&str, usize>, lines: &[String]) -> usize {
    let group = slots[at].group;
    let there = |slot: &Slot<'_>| places.get(slot.id).copied();
    let here = |slot: &&Slot<'_>| slot.group == group;
    if let Some(line) = slots[..at].iter().rev().filter(here).find_map(there) {
        return end_of(line, slots, places, lines);
    }
    let behind = |slot| there(slot).map(|line| above(slot, line, lines));
    if let Some(line) = slots[at..].iter().filter(here).find_map(behind) {
        return line;
    }
    match slots[..at].iter().rev().find_map(there) {
        Some(line) => end_of(line, slots, places, lines),
        None => places.values().copied().min().unwrap_or(lines.len()),
    }
}

/// The line where a slot begins, with the blank lines that set it apart if it has some.
fn above(slot: &Slot<'_>, line: usize, lines: &[String]) -> usize {
    if !slot.text.starts_with('\n') {
        return line;
    }
    let blank = lines[..line].iter().rev().take_while(|line| line.trim().is_empty());
    line - blank.count()
}

/// The line behind a slot's line and what the reader wrote below it; and behind the blank line that its text ends with.
fn end_of(
    line: usize,
    slots: &[Slot<'_>],
    places: &BTreeMap<&str, usize>,
    lines: &[String],
) -> usize {
    let next = places.values().copied().filter(|next| *next > line).min().unwrap_or(lines.len());
    let is_heading = |line: &str| {
        line == "---"
            || slots
                .iter()
                .flat_map(|slot| &slot.headings)
                .any(|heading| !line.is_empty() && heading.lines().any(|known| known == line))
    };
    let mut end = next;
    while end > line + 1 && (lines[end - 1].trim().is_empty() || is_heading(lines[end - 1].trim()))
    {
        end -= 1;
    }
    let ends_blank = |slot: &Slot<'_>| slot.text.ends_with("\n\n");
    let slot = slots.iter().find(|slot| places.get(slot.id) == Some(&line));
    let has_blank = end < next && lines[end].trim().is_empty();
    if has_blank && slot.is_some_and(ends_blank) { end + 1 } else { end }
}

/// All lines of the plan's own form, in order.
fn slots(plan: &Plan) -> Vec<Slot<'_>> {
    let mut form = Form::default();
    for week in &plan.week {
        form.week(week);
    }
    form.section("## Questions and Answers\n");
    form.part("\n### Questions\n");
    form.prompts(&plan.question, |number| if number == 1 { "" } else { "\n" }, "   - Answer:\n");
    form.line(
        "question.own",
        "\n### Add your own questions here: <!-- question.own -->\n\n".to_owned(),
        None,
    );
    form.section("## Key Insights\n");
    form.prompts(&plan.insight, |_| "\n", "");
    form.line("insight.own", "\n### Add your insights: <!-- insight.own -->\n\n".to_owned(), None);
    form.section("## Next Steps\n\n");
    form.items(&plan.next_step);
    form.section("## Resources Used\n\n");
    form.items(&plan.resource);
    form.line("resource.own", "\n### Helpful links: <!-- resource.own -->\n\n".to_owned(), None);
    form.section("## Completion Checklist\n\n");
    form.items(&plan.check);
    form.section("");
    for (begin, unknown) in FOOT {
        form.line(begin, format!("{begin} {unknown}\n"), None);
    }
    form.slots
}

/// The plan's own form, as it grows.
#[derive(Default)]
struct Form<'a> {
    slots: Vec<Slot<'a>>,
    group: [usize; 2],
    headings: [String; 2],
}

impl<'a> Form<'a> {
    fn section(&mut self, heading: &str) {
        self.group = [self.group[0] + 1, 0];
        self.headings = [format!("\n---\n\n{heading}"), String::new()];
    }

    fn part(&mut self, heading: &str) {
        self.group[1] += 1;
        heading.clone_into(&mut self.headings[1]);
    }

    fn line(&mut self, id: &'a str, text: String, item: Option<&'a Item>) {
        let Self { group, ref headings, .. } = *self;
        self.slots.push(Slot { id, group, headings: headings.clone(), text, item });
    }

    fn week(&mut self, week: &'a Week) {
        self.section(&format!("## Week {}: {}\n", week.number, week.title));
        for part in &week.part {
            self.part(&format!("\n### {}: {}\n", part.days, part.title));
            self.items(&part.item);
            let (id, label) = (part.notes.id.as_ref(), &part.notes.label);
            self.line(id, format!("\n**{label}:** <!-- {id} -->\n\n"), None);
        }
    }

    fn items(&mut self, items: &'a [Item]) {
        for item in items {
            let id = item.name();
            self.line(id, format!("- [ ] {} <!-- {id} -->\n", item.text), Some(item));
        }
    }

    fn prompts(&mut self, prompts: &'a [Prompt], above: fn(usize) -> &'static str, below: &str) {
        for (prompt, number) in prompts.iter().zip(1..) {
            let (id, text, above) = (prompt.id.as_ref(), &prompt.text, above(number));
            self.line(id, format!("{above}{number}. {text} <!-- {id} -->\n{below}"), None);
        }
    }
}
