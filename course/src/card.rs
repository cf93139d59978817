//! What a page of the book includes about a task: where to write, how to test, three hints.

use std::collections::BTreeMap;

use crate::chapter::{GENERATED, Generated, exercises};
use crate::stub::Exercise;
use crate::week::{Task, Week};
use crate::{Course, Error};

/// What the three hints are called.
pub(crate) const STEPS: [&str; 3] = ["a nudge", "the approach", "almost the code"];

/// One file for each task of a week.
///
/// # Errors
/// If the reference cannot be read or one of its markers is wrong.
pub fn cards(course: &Course, week: &Week) -> Result<Vec<Generated>, Error> {
    let exercises = exercises(course, week)?;
    let card = |task| Generated {
        path: format!("book/src/{}/tasks/{}.md", week.name(), task_name(task)),
        text: text(week, task, &exercises),
    };
    Ok(week.tasks().map(card).collect())
}

fn task_name(task: &Task) -> String {
    task.id.to_string()
}

fn text(week: &Week, task: &Task, exercises: &[(String, Exercise)]) -> String {
    let name = week.name();
    let id = task.id;
    let module = id.module();
    let places = places(week, task, exercises);
    let hints: String = task
        .hints
        .iter()
        .zip(STEPS)
        .zip(1..)
        .map(|((hint, step), number)| details(number, step, hint.trim()))
        .collect();
    format!(
        "<!-- {GENERATED}chapters/{name}/week.toml and the reference. -->\n\n\
         <!-- ANCHOR: task -->\n\
         <div class=\"task-card\">\n\n\
         {places}\n\
         **Test it** with `cargo course test {id}`, or with cargo alone: `cargo test -p {name} {module}::`\n\n\
         </div>\n\
         <!-- ANCHOR_END: task -->\n\n\
         <!-- ANCHOR: hints -->\n\
         {hints}<!-- ANCHOR_END: hints -->\n"
    )
}

/// One line for each file: which functions of it are to be written.
fn places(week: &Week, task: &Task, exercises: &[(String, Exercise)]) -> String {
    let mut functions: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (file, exercise) in exercises {
        if exercise.task == task.id {
            let found = functions.entry(file).or_default();
            found.push(format!("`{}`", exercise.function));
        }
    }
    functions
        .iter()
        .map(|(file, functions)| {
            format!("**Write** {} in `chapters/{}/src/{file}`.\n", listed(functions), week.name())
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// "a, b and c".
fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn details(number: usize, step: &str, hint: &str) -> String {
    format!(
        "<details class=\"hint\">\n\
         <summary>Hint {number} of {}: {step}</summary>\n\n\
         {hint}\n\n\
         </details>\n",
        STEPS.len()
    )
}
