//! One file of the reference turned into a stub. Every byte that no marker is about stays as it is.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::Error;
use crate::marker::{Kind, Marker, markers, token_ranges};
use crate::things::{Function, Thing, Things};
use crate::week::{TaskId, Week};

/// Stands for a removed stretch until the blank lines around it are settled. No Rust file holds this character.
const REMOVED: &str = "\0\n";

/// A file of the reference, read and understood.
#[derive(Debug)]
pub struct Reference {
    path: String,
    text: String,
    markers: Vec<Marker>,
    things: Things,
    tokens: Vec<Range<usize>>,
}

/// A function that a marker makes an exercise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exercise {
    /// The task it belongs to.
    pub task: TaskId,
    /// The function: `MemTable::get`.
    pub function: String,
    /// The marker's line.
    pub line: usize,
}

struct Edit {
    range: Range<usize>,
    text: String,
}

impl Reference {
    /// Reads a file's text; `path` is for messages.
    ///
    /// # Errors
    /// If it is not Rust, or a marker is malformed.
    pub fn parse(path: &str, text: &str) -> Result<Self, Error> {
        Ok(Self {
            path: path.to_owned(),
            text: text.to_owned(),
            markers: markers(path, text)?,
            things: Things::of(path, text)?,
            tokens: token_ranges(path, text)?,
        })
    }

    /// Whether the file has any marker; one without is given to the reader as it is.
    pub fn is_marked(&self) -> bool {
        !self.markers.is_empty()
    }

    /// The exercises in the file, in order.
    ///
    /// # Errors
    /// If a marker stands above no function, or above one that cannot be a stub.
    pub fn exercises(&self) -> Result<Vec<Exercise>, Error> {
        let mut exercises = Vec::new();
        for (marker, task) in self.exercise_markers() {
            exercises.push(Exercise {
                task,
                function: self.function(marker)?.name.clone(),
                line: marker.line,
            });
        }
        Ok(exercises)
    }

    /// The file with the bodies of some tasks left to do. Only when these are all tasks of the week is the code left out
    /// that belongs to the solution: what is filled in may need it.
    ///
    /// # Errors
    /// If a marker is wrong: no function below it, no such task, no end to a begin.
    pub fn stub(&self, week: &Week, open: &BTreeSet<TaskId>) -> Result<String, Error> {
        let whole = week.tasks().all(|task| open.contains(&task.id));
        let mut edits = self.exercise_edits(week, open)?;
        let removed = self.removals()?;
        self.refuse_hidden_exercises(&removed)?;
        if whole {
            edits.extend(removed.into_iter().map(|range| Edit { range, text: REMOVED.to_owned() }));
            edits.extend(self.replacements());
        }
        Ok(without_gaps(&apply(&self.text, edits)))
    }

    fn exercise_markers(&self) -> impl Iterator<Item = (&Marker, TaskId)> {
        self.markers.iter().filter_map(|marker| match marker.kind {
            Kind::Exercise(task) => Some((marker, task)),
            _ => None,
        })
    }

    fn exercise_edits(&self, week: &Week, open: &BTreeSet<TaskId>) -> Result<Vec<Edit>, Error> {
        let mut edits = Vec::new();
        for (marker, id) in self.exercise_markers() {
            let task = week.task(id).map_err(|error| self.error(marker, error.to_string()))?;
            let function = self.function(marker)?;
            if !open.contains(&id) {
                continue;
            }
            let indent = self.indent(function.thing.core);
            edits.push(Edit {
                range: marker.range.clone(),
                text: format!("{indent}// Task {id}: {}\n", task.title),
            });
            edits.push(Edit {
                range: function.body.clone(),
                text: todo_body(indent, id, &task.title),
            });
        }
        Ok(edits)
    }

    /// The function a marker is about: the one right below it.
    fn function(&self, marker: &Marker) -> Result<&Function, Error> {
        let next = self.token_after(marker.range.end);
        let mut functions = self.things.functions.iter();
        let function = functions
            .find(|function| function.thing.is_marked(marker.range.start, next))
            .ok_or_else(|| {
                self.error(marker, "expected a function with a body right below this marker")
            })?;
        match function.unfit {
            Some(why) => Err(self.error(marker, format!("`{}`: {why}", function.name))),
            None => Ok(function),
        }
    }

    /// The stretches that belong to the solution alone, in whole lines.
    fn removals(&self) -> Result<Vec<Range<usize>>, Error> {
        let mut removals = Vec::new();
        let mut open: Option<&Marker> = None;
        for marker in &self.markers {
            match (&marker.kind, open) {
                (Kind::SolutionOnly, None) => removals.push(self.marked_thing(marker)?),
                (Kind::Begin, None) => open = Some(marker),
                (Kind::End, Some(begin)) => {
                    removals.push(begin.range.start..marker.range.end);
                    open = None;
                }
                (Kind::Begin, Some(begin)) => {
                    let message = format!("the stretch begun at line {} has not ended", begin.line);
                    return Err(self.error(marker, message));
                }
                (Kind::End, None) => {
                    return Err(self.error(marker, "no `// solution-only: begin` above this end"));
                }
                _ => {}
            }
        }
        match open {
            Some(begin) => Err(self.error(begin, "no `// solution-only: end` below this begin")),
            None => Ok(removals),
        }
    }

    fn marked_thing(&self, marker: &Marker) -> Result<Range<usize>, Error> {
        let next = self.token_after(marker.range.end);
        let marked = |thing: &&Thing| thing.is_marked(marker.range.start, next);
        let thing = self.things.all.iter().filter(marked).max_by_key(|thing| thing.range.len());
        let range = thing.map(|thing| thing.range.clone()).ok_or_else(|| {
            self.error(
                marker,
                "expected an item, a field, a `use` or a statement right below this marker",
            )
        })?;
        let start = self.line_start(range.start.min(marker.range.start));
        let rest = &self.text[range.end..];
        let rest = &rest[..rest.find('\n').map_or(rest.len(), |at| at + 1)];
        let alone = rest.trim_start_matches(',').trim_start();
        if !alone.is_empty() && !alone.starts_with("//") {
            let message = "what this marker is about shares its last line with other code";
            return Err(self.error(marker, message));
        }
        Ok(start..range.end + rest.len())
    }

    fn replacements(&self) -> impl Iterator<Item = Edit> {
        self.markers.iter().filter_map(|marker| match &marker.kind {
            Kind::Stub(code) => Some(Edit {
                range: marker.range.clone(),
                text: format!("{}{code}\n", self.indent(marker.range.start)),
            }),
            _ => None,
        })
    }

    /// An exercise inside what the stub leaves out, or inside another exercise, would never reach a reader.
    fn refuse_hidden_exercises(&self, removed: &[Range<usize>]) -> Result<(), Error> {
        let mut hiding = removed.to_vec();
        for (marker, _) in self.exercise_markers() {
            hiding.push(self.function(marker)?.body.clone());
        }
        for (marker, _) in self.exercise_markers() {
            if hiding.iter().any(|range| range.contains(&marker.range.start)) {
                let message = "this exercise lies inside another one or inside solution-only code";
                return Err(self.error(marker, message));
            }
        }
        Ok(())
    }

    fn token_after(&self, byte: usize) -> usize {
        let next = self.tokens.partition_point(|token| token.start < byte);
        self.tokens.get(next).map_or(self.text.len(), |token| token.start)
    }

    fn line_start(&self, byte: usize) -> usize {
        self.text[..byte].rfind('\n').map_or(0, |at| at + 1)
    }

    fn indent(&self, byte: usize) -> &str {
        let line = &self.text[self.line_start(byte)..];
        &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
    }

    fn error(&self, marker: &Marker, message: impl Into<String>) -> Error {
        Error::at(&self.path, marker.line, message)
    }
}

/// `{ todo!("week 3, task 2: title") }` over three lines, or five where rustfmt would break the call.
fn todo_body(indent: &str, id: TaskId, title: &str) -> String {
    const WIDTH: usize = 100;
    let said = format!("{}: {title}", id.spoken())
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('{', "{{")
        .replace('}', "}}");
    let call = format!("{indent}    todo!(\"{said}\")");
    if call.chars().count() <= WIDTH {
        format!("{{\n{call}\n{indent}}}")
    } else {
        format!("{{\n{indent}    todo!(\n{indent}        \"{said}\"\n{indent}    )\n{indent}}}")
    }
}

/// Applies edits. Of two that overlap, the one that begins first wins: it replaces a stretch that holds the other.
fn apply(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|edit| (edit.range.start, std::cmp::Reverse(edit.range.end)));
    let mut new = String::with_capacity(text.len());
    let mut from = 0;
    for edit in edits {
        if edit.range.start >= from {
            new.push_str(&text[from..edit.range.start]);
            new.push_str(&edit.text);
            from = edit.range.end;
        }
    }
    new.push_str(&text[from..]);
    new
}

/// Takes out the marks of removed stretches, and leaves of the blank lines around them what rustfmt would leave.
fn without_gaps(text: &str) -> String {
    let mut new = String::with_capacity(text.len());
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        if line != REMOVED && !line.trim().is_empty() {
            new.push_str(line);
            continue;
        }
        let mut run = vec![line];
        while let Some(next) = lines.next_if(|next| *next == REMOVED || next.trim().is_empty()) {
            run.push(next);
        }
        if !run.contains(&REMOVED) {
            run.iter().for_each(|line| new.push_str(line));
            continue;
        }
        let opens = new.is_empty() || new.trim_end().ends_with(['{', '(', '[']);
        let closes = lines.peek().is_none_or(|next| next.trim_start().starts_with(['}', ')', ']']));
        if run.iter().any(|line| *line != REMOVED) && !opens && !closes {
            new.push('\n');
        }
    }
    new
}
