//! The learning plan, `book/plan.toml`, and the script that brings it to the book.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::chapter::{GENERATED, Generated};
use crate::week::{TaskId, line_at};
use crate::{Course, Error, files};

/// Where the plan is, seen from the root.
pub const PLAN: &str = "book/plan.toml";

/// Where the plan is for the book's scripts, seen from the root.
pub const SCRIPT: &str = "book/theme/plan.js";

/// Ids of texts that are in every plan: the reader's own questions, insights and links.
pub const OWN: [&str; 3] = ["question.own", "insight.own", "resource.own"];

/// The learning plan. Written as JSON it is what the book's scripts read.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Plan {
    /// The weeks.
    pub week: Vec<Week>,
    /// Questions to answer.
    pub question: Vec<Prompt>,
    /// Sentences to complete.
    pub insight: Vec<Prompt>,
    /// What to do afterwards.
    pub next_step: Vec<Item>,
    /// What to read.
    pub resource: Vec<Item>,
    /// How one knows that one is done.
    pub check: Vec<Item>,
    /// The file, for the lines of findings.
    #[serde(skip)]
    source: String,
}

/// A week of the plan.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Week {
    /// Its number.
    pub number: u8,
    /// What it is called.
    pub title: String,
    /// Its page, below `book/src`.
    pub page: Spanned<String>,
    /// Its days.
    #[serde(default)]
    pub part: Vec<Part>,
}

/// Some days of a week.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Which days, as in `Day 1-3`.
    pub days: String,
    /// What they are about.
    pub title: String,
    /// Room for the reader's own words.
    pub notes: Notes,
    /// What there is to do.
    #[serde(default)]
    pub item: Vec<Item>,
}

/// Room for the reader's own words.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Notes {
    /// Under which they are kept.
    pub id: Spanned<String>,
    /// What stands above them.
    pub label: String,
}

/// A box to tick.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Under which the tick is kept.
    pub id: Spanned<String>,
    /// What there is to do.
    pub text: String,
    /// Where in the book; below `book/src`, with an anchor.
    pub page: Spanned<String>,
    /// The tasks whose tests tick it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<Spanned<TaskId>>,
}

/// A question to answer, or a sentence to complete.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Prompt {
    /// Under which the answer is kept.
    pub id: Spanned<String>,
    /// The question.
    pub text: String,
    /// Where in the book.
    pub page: Spanned<String>,
}

impl Plan {
    /// The plan of a course, if it has one.
    ///
    /// # Errors
    /// If it cannot be read or is malformed.
    pub fn find(course: &Course) -> Result<Option<Self>, Error> {
        let path = course.root.join(PLAN);
        if !path.exists() {
            return Ok(None);
        }
        Self::parse(&files::read(&path)?).map(Some)
    }

    /// The plan of a course.
    ///
    /// # Errors
    /// If there is none, or it cannot be read or is malformed.
    pub fn load(course: &Course) -> Result<Self, Error> {
        Self::find(course)?.ok_or_else(|| {
            Error::file(
                PLAN,
                "missing: there is no plan in this copy of the course. \
                 Get the course's newest version, for instance by merging its main branch into yours",
            )
        })
    }

    /// Reads a plan.
    ///
    /// # Errors
    /// If it is not TOML of this form, an id is taken or not plain, or a text is not one line.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut plan: Self = toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            Error::at(PLAN, line_at(text, start), error.message())
        })?;
        text.clone_into(&mut plan.source);
        plan.check_ids()?;
        plan.check_texts()?;
        Ok(plan)
    }

    /// The line of the file that something of it is at.
    pub fn line<T>(&self, place: &Spanned<T>) -> usize {
        line_at(&self.source, place.span().start)
    }

    /// Everything with a box, in the plan's order.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        let weeks = self.week.iter().flat_map(Week::items);
        weeks.chain(&self.next_step).chain(&self.resource).chain(&self.check)
    }

    /// Every page that is named.
    pub fn pages(&self) -> impl Iterator<Item = &Spanned<String>> {
        let weeks = self.week.iter().map(|week| &week.page);
        let prompts = self.question.iter().chain(&self.insight).map(|prompt| &prompt.page);
        weeks.chain(self.items().map(|item| &item.page)).chain(prompts)
    }

    /// Every id, in no order.
    fn ids(&self) -> impl Iterator<Item = &Spanned<String>> {
        let parts = self.week.iter().flat_map(|week| &week.part);
        let prompts = self.question.iter().chain(&self.insight).map(|prompt| &prompt.id);
        parts.map(|part| &part.notes.id).chain(self.items().map(|item| &item.id)).chain(prompts)
    }

    fn check_ids(&self) -> Result<(), Error> {
        let mut ids: Vec<&Spanned<String>> = self.ids().collect();
        ids.sort_by_key(|id| id.span().start);
        let mut known: BTreeSet<&str> = OWN.into();
        for id in ids {
            let name = id.as_ref().as_str();
            let plain = |letter: char| letter.is_ascii_alphanumeric() || ".-_".contains(letter);
            let wrong = if name.is_empty() || !name.chars().all(plain) {
                format!("expected an id of letters, digits, `.`, `-` and `_`, found `{name}`")
            } else if !known.insert(name) {
                format!("the id `{name}` is taken: what a reader ticks is kept under it")
            } else {
                continue;
            };
            return Err(Error::at(PLAN, self.line(id), wrong));
        }
        Ok(())
    }

    /// A text is one line of Markdown, with its id in a comment behind it.
    fn check_texts(&self) -> Result<(), Error> {
        let items = self.items().map(|item| (&item.id, &item.text));
        let prompts = self.question.iter().chain(&self.insight);
        let prompts = prompts.map(|prompt| (&prompt.id, &prompt.text));
        let parts = self.week.iter().flat_map(|week| &week.part);
        let notes = parts.map(|part| (&part.notes.id, &part.notes.label));
        for (id, text) in items.chain(prompts).chain(notes) {
            let broken = text.contains(['\n', '\r']) || text.contains("<!--");
            if broken || text.trim() != text || text.is_empty() {
                let wrong =
                    format!("`{}`: expected a text of one line, without comments", id.as_ref());
                return Err(Error::at(PLAN, self.line(id), wrong));
            }
        }
        Ok(())
    }

    /// The plan for the book's scripts.
    pub fn script(&self) -> Generated {
        let json = serde_json::to_string_pretty(self).unwrap_or_default();
        let text = format!("// {GENERATED}{PLAN}.\nwindow.tinydbPlan = {json};\n");
        Generated { path: SCRIPT.to_owned(), text }
    }
}

impl Week {
    /// Its boxes.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.part.iter().flat_map(|part| &part.item)
    }
}

impl Item {
    /// Its id.
    pub fn name(&self) -> &str {
        self.id.as_ref()
    }

    /// The tasks whose tests tick it.
    pub fn tasks(&self) -> impl Iterator<Item = TaskId> {
        self.tasks.iter().map(|task| *task.as_ref())
    }
}
