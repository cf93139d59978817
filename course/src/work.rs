//! The reader's work, function by function: where a task's functions are in the stub as it began, in the reader's file
//! and in the reference.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::chapter::{all_tasks, sources};
use crate::report::Goal;
use crate::things::{Function, Things};
use crate::week::{TaskId, Week};
use crate::{Course, Error, files};

/// A Rust file and its functions.
#[derive(Debug)]
pub struct Source {
    /// Where it is, seen from the root.
    pub path: String,
    /// What it holds.
    pub text: String,
    /// Its functions, in order.
    pub functions: Vec<Function>,
}

/// A function that is to be found in several versions of a file.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The task that it belongs to.
    pub task: TaskId,
    /// Its name, as in `MemTable::get`.
    pub name: String,
    signature: String,
    /// How many of the same name and signature stand above it.
    place: usize,
}

/// A file of a week with functions to be written.
#[derive(Debug)]
pub struct Exercises {
    /// The stub as it began.
    pub stub: Source,
    /// The functions to be written.
    pub wanted: Vec<Wanted>,
}

impl Source {
    /// Reads a file's text.
    ///
    /// # Errors
    /// If it is not Rust.
    pub fn parse(path: &str, text: String) -> Result<Self, Error> {
        let functions = Things::of(path, &text)?.functions;
        Ok(Self { path: path.to_owned(), text, functions })
    }

    /// Reads a file of the course.
    ///
    /// # Errors
    /// If it cannot be read or is not Rust.
    pub fn load(course: &Course, path: &str) -> Result<Self, Error> {
        Self::parse(path, files::read(&course.root.join(path))?)
    }

    /// The function that is wanted. One of a kind may have another signature; of several, the signature tells.
    pub fn find(&self, wanted: &Wanted) -> Option<&Function> {
        let named: Vec<&Function> =
            self.functions.iter().filter(|function| function.name == wanted.name).collect();
        if let [only] = named.as_slice() {
            return Some(only);
        }
        let same = |function: &&&Function| self.signature(function) == wanted.signature;
        named.iter().filter(same).nth(wanted.place).copied()
    }

    /// All of a function, with its docs.
    pub fn whole(&self, function: &Function) -> &str {
        &self.text[function.thing.range.clone()]
    }

    /// A function from its first word, without docs and attributes.
    pub fn code(&self, function: &Function) -> Range<usize> {
        function.thing.core..function.thing.range.end
    }

    fn signature(&self, function: &Function) -> String {
        let signature = &self.text[function.thing.core..function.body.start];
        signature.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn wanted(&self, task: TaskId, function: &Function) -> Wanted {
        let signature = self.signature(function);
        let above = self.functions.iter().filter(|other| {
            other.thing.core < function.thing.core
                && other.name == function.name
                && self.signature(other) == signature
        });
        Wanted { task, name: function.name.clone(), place: above.count(), signature }
    }
}

impl Exercises {
    /// The reader's file: `chapters/week3/src/storage/wal.rs`.
    pub fn path(&self) -> &str {
        &self.stub.path
    }

    /// The reference's file: `solutions/tinydb/src/storage/wal.rs`.
    pub fn twin(&self) -> String {
        let inside = self.path().split_once("/src/").map_or(self.path(), |(_, inside)| inside);
        format!("solutions/tinydb/src/{inside}")
    }
}

/// The tasks that a goal is about.
///
/// # Errors
/// If there is no such task.
pub fn tasks(week: &Week, goal: Goal) -> Result<BTreeSet<TaskId>, Error> {
    match goal {
        Goal::Week(_) => Ok(all_tasks(week)),
        Goal::Task(id) => Ok(BTreeSet::from([week.task(id)?.id])),
    }
}

/// The files with functions of some tasks, as they began.
///
/// # Errors
/// If the reference cannot be read or one of its markers is wrong.
pub fn exercises(
    course: &Course,
    week: &Week,
    tasks: &BTreeSet<TaskId>,
) -> Result<Vec<Exercises>, Error> {
    let mut found = Vec::new();
    for generated in sources(course, week, &all_tasks(week))? {
        let stub = Source::parse(&generated.path, generated.text)?;
        let mut wanted = Vec::new();
        for function in &stub.functions {
            let body = &stub.text[function.body.clone()];
            let task = tasks.iter().find(|id| body.contains(&format!("\"{}: ", id.spoken())));
            wanted.extend(task.map(|task| stub.wanted(*task, function)));
        }
        if !wanted.is_empty() {
            found.push(Exercises { stub, wanted });
        }
    }
    Ok(found)
}
