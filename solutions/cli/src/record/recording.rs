//! A recording, as it is written: one JSON document.
//!
//! ```text
//! rows         every row there ever was; others name it by its place in this list
//! layouts      where the rows are: boxes, each with its rows
//! operations   the commands
//! frames       the steps: what happens in words, which layout there is after it, and what to look at
//! ```

use serde::Serialize;

use crate::failure::Failure;

/// What a file says of itself in its first field.
pub const FORMAT: &str = "tinydb-trace";

/// The version of what is written here. A player refuses others.
pub const VERSION: u32 = 1;

/// A recording.
#[derive(Debug, Default)]
pub struct Recording {
    /// What it is called.
    pub title: String,
    /// What to look at.
    pub look: String,
    /// The rows.
    pub rows: Vec<Row>,
    /// Where they are; no two neighbours are the same.
    pub layouts: Vec<Layout>,
    /// The commands.
    pub operations: Vec<Operation>,
    /// The steps.
    pub frames: Vec<Frame>,
}

/// A version of a key, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The key.
    pub key: String,
    /// The sequence number.
    pub seq: u64,
    /// What it says about the key.
    pub kind: Kind,
    /// The value or the operand, shortened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// What a row says about its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A value.
    Value,
    /// That it is deleted.
    Tombstone,
    /// A merge operand.
    Operand,
}

/// Where rows are at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Layout {
    /// Whether the database is open.
    pub running: bool,
    /// The manifests that exist, ascending: the last one counts.
    pub manifests: Vec<u64>,
    /// The boxes, in the order in which they are drawn.
    pub boxes: Vec<Place>,
}

/// A box with rows in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The same as long as it is the same thing, wherever it is.
    pub id: String,
    /// Where it is.
    pub zone: Zone,
    /// Its number: of the WAL segment, or of the SST.
    pub number: u64,
    /// The sorted run that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<u32>,
    /// Its rows, by their place in the recording's list.
    pub rows: Vec<usize>,
}

/// The zones, from what a write reaches first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Zone {
    /// The segments of the WAL.
    Wal,
    /// The memtable.
    Memtable,
    /// Memtables that wait to be flushed.
    Immutable,
    /// The SSTs of level 0.
    L0,
    /// The SSTs of sorted runs.
    Run,
    /// SSTs that the newest manifest does not name.
    Unnamed,
}

/// A command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Operation {
    /// As it was typed.
    pub command: String,
    /// What its script says about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A step, and what there is after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Frame {
    /// The command, by its place in the list; `None` for the beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<usize>,
    /// The step as the engine recorded it; `None` for what it records no step of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// What happens, in whole sentences.
    pub text: String,
    /// The layout after it, by its place in the list.
    pub layout: usize,
    /// The boxes that the step is about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub focus: Vec<String>,
    /// The boxes that this command has looked into so far.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub looked: Vec<Looked>,
    /// Rows that stand out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<Mark>,
    /// What the command has answered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub answer: Vec<String>,
}

/// A box that was looked into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Looked {
    /// The box.
    #[serde(rename = "box")]
    pub place: String,
    /// Whether a row of the key was there.
    pub found: bool,
}

/// A row in a box that stands out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mark {
    /// The box.
    #[serde(rename = "box")]
    pub place: String,
    /// The row.
    pub row: usize,
    /// Why.
    #[serde(rename = "as")]
    pub why: Why,
}

/// Why a row stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Why {
    /// This step has put it there.
    New,
    /// It was found.
    Found,
    /// A scan has read it, and its user sees it.
    Shown,
    /// A scan has read it, and nobody sees it.
    Hidden,
    /// It is part of what operands make.
    Merged,
    /// It was left out of the SST that was written.
    Dropped,
}

impl Recording {
    /// The JSON document, a list's item a line, so that two recordings can be compared. It has no
    /// character that ends a `<script>` and nothing that mdBook takes for an order, so that a page can
    /// hold it as it is.
    pub fn to_json(&self) -> Result<String, Failure> {
        let mut out = String::from("{\n");
        for (name, text) in [
            ("format", json(FORMAT)?),
            ("version", json(&VERSION)?),
            ("title", json(&self.title)?),
            ("look", json(&self.look)?),
            ("rows", lines(&self.rows)?),
            ("layouts", lines(&self.layouts)?),
            ("operations", lines(&self.operations)?),
        ] {
            out += &format!("\"{name}\": {text},\n");
        }
        out += &format!("\"frames\": {}\n}}\n", lines(&self.frames)?);
        Ok(out)
    }
}

fn lines<T: Serialize>(items: &[T]) -> Result<String, Failure> {
    let items = items.iter().map(json).collect::<Result<Vec<_>, _>>()?;
    Ok(if items.is_empty() { "[]".to_owned() } else { format!("[\n{}\n]", items.join(",\n")) })
}

fn json<T: Serialize + ?Sized>(value: &T) -> Result<String, Failure> {
    let text = serde_json::to_string(value).map_err(|error| Failure::Output(error.into()))?;
    // These characters stand in strings only; and a `{` outside of one is never beside another.
    let text = text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    Ok(text.replace("{{", "\\u007b\\u007b"))
}
