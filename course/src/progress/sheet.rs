//! The text of `PROGRESS.md`: what of the plan is in it, and what is put in.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::form::{Form, Slot};
use super::line::{Tick, comments, tick_of, with_tick};
use crate::plan::Item;
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

const TITLE: &str = "# TinyDB Learning Progress\n\n\
                     Track your progress as you learn SlateDB by building TinyDB.\n";

impl Sheet {
    /// What a sheet becomes: nothing of it is lost, boxes follow the results, missing lines of the plan are put in.
    pub fn merge(form: &Form<'_>, results: &Results, old: &str) -> Self {
        let found = Found::new(form, old);
        let mut ticks = BTreeMap::new();
        let mut lines: Vec<Cow<'_, str>> = found.lines.iter().copied().map(Cow::from).collect();
        for (slot, place) in form.slots.iter().zip(&found.places) {
            let Some(item) = slot.item else { continue };
            let old = place.as_ref().map_or(Some(Tick::Open), |place| place.tick);
            let Some(old) = old else { continue };
            let new = follow(old, item, results);
            if let Some(place) = place.as_ref().filter(|_| new != old) {
                lines[place.line] = with_tick(&lines[place.line], slot.id, new).into();
            }
            ticks.insert(slot.id.to_owned(), new);
        }
        let missing = found.missing(&ticks);
        let title = if found.slots.is_empty() { TITLE } else { "" };
        let text = woven(title, &lines, &missing, newline(old));
        Self { text, ticks, remarks: found.remarks }
    }
}

/// Whether a text has a line of the plan.
pub(super) fn is_sheet(form: &Form<'_>, text: &str) -> bool {
    text.lines().flat_map(comments).any(|comment| form.slot(comment.id).is_some())
}

/// How the lines of a text end, by its first.
fn newline(text: &str) -> &'static str {
    let first = text.split_inclusive('\n').next();
    if first.is_some_and(|line| line.ends_with("\r\n")) { "\r\n" } else { "\n" }
}

/// Lines of a text with others put before some of them.
fn woven(
    title: &str,
    lines: &[Cow<'_, str>],
    missing: &BTreeMap<usize, String>,
    newline: &str,
) -> String {
    let mut text = title.to_owned();
    let mut done = 0;
    for (&at, more) in missing {
        text.extend(lines[done..at].iter().map(Cow::as_ref));
        done = at;
        if !text.is_empty() && !text.ends_with('\n') {
            text.push_str(newline);
        }
        match newline {
            "\n" => text.push_str(more),
            _ => text.push_str(&more.replace('\n', newline)),
        }
    }
    text.extend(lines[done..].iter().map(Cow::as_ref));
    text
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

/// What of a form is in a text.
struct Found<'a> {
    form: &'a Form<'a>,
    lines: Vec<&'a str>,
    /// By slot, where it is.
    places: Vec<Option<Place>>,
    /// By line, which slot is there.
    slots: BTreeMap<usize, usize>,
    /// What is odd in the lines.
    remarks: Vec<String>,
}

/// Where a slot is, and how its box is, if it has one.
struct Place {
    line: usize,
    tick: Option<Tick>,
}

impl<'a> Found<'a> {
    fn new(form: &'a Form<'a>, text: &'a str) -> Self {
        let mut found = Self {
            form,
            lines: Vec::new(),
            places: form.slots.iter().map(|_| None).collect(),
            slots: BTreeMap::new(),
            remarks: Vec::new(),
        };
        for (at, line) in text.split_inclusive('\n').enumerate() {
            found.read(at, line.trim_start_matches('\u{feff}'));
            found.lines.push(line);
        }
        found
    }

    /// Notes what a line is of the form. A second line with an id is the reader's: the first counts.
    fn read(&mut self, at: usize, line: &str) {
        let Some((index, tick)) = self.slot_in(line) else { return };
        let (slot, number) = (&self.form.slots[index], at + 1);
        if let Some(first) = &self.places[index] {
            let (id, first) = (slot.id, first.line + 1);
            self.remarks.push(format!("{number}: {id} is on line {first} already, which counts"));
            return;
        }
        if slot.item.is_some() && tick.is_none() {
            let id = slot.id;
            self.remarks.push(format!("{number}: expected a box, `- [ ]` or `- [x]`, before {id}"));
        }
        self.places[index] = Some(Place { line: at, tick });
        self.slots.insert(at, index);
    }

    /// The slot that a line is for, and how its box is, if it has one.
    fn slot_in(&self, line: &str) -> Option<(usize, Option<Tick>)> {
        for comment in comments(line) {
            if let Some(slot) = self.form.slot(comment.id) {
                return Some((slot, tick_of(line, &comment)));
            }
        }
        Some((self.form.slot(Form::foot(line)?)?, None))
    }

    /// What is missing, by the line that it belongs before.
    fn missing(&self, ticks: &BTreeMap<String, Tick>) -> BTreeMap<usize, String> {
        let mut missing: BTreeMap<usize, String> = BTreeMap::new();
        for (at, slot) in self.form.slots.iter().enumerate() {
            if self.places[at].is_some() {
                continue;
            }
            let text = missing.entry(self.home(at)).or_default();
            for (level, heading) in slot.headings.iter().enumerate() {
                if !heading.is_empty() && !self.has_group(at, level) {
                    text.push_str(heading);
                }
            }
            match ticks.get(slot.id) {
                None | Some(Tick::Open) => text.push_str(&slot.text),
                Some(tick) => text.push_str(&with_tick(&slot.text, slot.id, *tick)),
            }
        }
        missing
    }

    fn line_of(&self, slot: usize) -> Option<usize> {
        self.places[slot].as_ref().map(|place| place.line)
    }

    /// Whether something is there of the section, or the part, that begins with a slot.
    fn has_group(&self, at: usize, level: usize) -> bool {
        let slots = &self.form.slots;
        let here = |slot: &usize| slots[*slot].group[..=level] == slots[at].group[..=level];
        (at..slots.len()).take_while(here).any(|slot| self.places[slot].is_some())
    }

    /// Before which line a missing slot belongs: behind what comes before it in its part; else before what comes behind it
    /// there; else behind what comes before it in the plan.
    fn home(&self, at: usize) -> usize {
        let slots = &self.form.slots;
        let here = |slot: &usize| slots[*slot].group == slots[at].group;
        let line_of = |slot| self.line_of(slot);
        if let Some(line) = (0..at).rev().take_while(here).find_map(line_of) {
            return self.end_of(line);
        }
        let above = |slot: usize| Some(self.above(&slots[slot], self.line_of(slot)?));
        if let Some(line) = (at..slots.len()).take_while(here).find_map(above) {
            return line;
        }
        match (0..at).rev().find_map(line_of) {
            Some(line) => self.end_of(line),
            None => self.slots.keys().next().copied().unwrap_or(self.lines.len()),
        }
    }

    /// The line where a slot begins, with the blank lines that set it apart if it has some.
    fn above(&self, slot: &Slot<'_>, line: usize) -> usize {
        if !slot.text.starts_with('\n') {
            return line;
        }
        let blank = self.lines[..line].iter().rev().take_while(|line| line.trim().is_empty());
        line - blank.count()
    }

    /// The line behind a slot's line and what the reader wrote below it; and behind the blank line that its text ends with.
    fn end_of(&self, line: usize) -> usize {
        let lines = &self.lines;
        let next = self.slots.range(line + 1..).next().map_or(lines.len(), |(next, _)| *next);
        let is_form = |line: &str| line.is_empty() || self.form.is_heading(line);
        let mut end = next;
        while end > line + 1 && is_form(lines[end - 1].trim()) {
            end -= 1;
        }
        let has_blank = end < next && lines[end].trim().is_empty();
        let ends_blank = self.form.slots[self.slots[&line]].text.ends_with("\n\n");
        if has_blank && ends_blank { end + 1 } else { end }
    }
}
