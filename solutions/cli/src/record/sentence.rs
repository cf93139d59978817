//! Steps in whole sentences: what is read out to those who do not see the boxes move.

use tinydb::format::{RowEntry, ValueDeletable};

use crate::merge::OperatorName;
use crate::words::{Shortened, Shown};

use super::scene::Scene;

/// Longer values are shortened.
pub const LONGEST: usize = 24;

/// Says things about the rows of a database with this operator.
#[derive(Debug, Clone, Copy)]
pub struct Sentences(pub OperatorName);

impl Sentences {
    /// A value as it is typed, shortened.
    pub fn value(self, bytes: &bytes::Bytes) -> String {
        Shortened { bytes: &self.0.shown(bytes.clone()), limit: LONGEST }.to_string()
    }

    /// A row: `apple = red (sequence number 3)`.
    pub fn row(self, row: &RowEntry) -> String {
        format!("{} (sequence number {})", self.content(row), row.seq)
    }

    fn content(self, row: &RowEntry) -> String {
        let key = Shown(&row.key);
        match &row.value {
            ValueDeletable::Value(value) => format!("{key} = {}", self.value(value)),
            ValueDeletable::Merge(operand) => {
                format!("the operand {} of {key}", self.value(operand))
            }
            ValueDeletable::Tombstone => format!("the tombstone of {key}"),
        }
    }

    /// What a place says about a key.
    pub fn lookup(self, key: &[u8], place: &str, found: Option<&RowEntry>) -> String {
        let key = Shown(key);
        let Some(row) = found else {
            return format!("{key} is looked up in {place}, and is not there.");
        };
        let ending = match row.value {
            ValueDeletable::Value(_) => "The search ends here: every other row of it is older.",
            ValueDeletable::Tombstone => {
                "The search ends here: the key is deleted, whatever older places hold."
            }
            ValueDeletable::Merge(_) => "It is an operand, so older rows are needed too.",
        };
        format!("{key} is looked up in {place}, and found: {}. {ending}", self.row(row))
    }

    /// What is where, for somebody who joins now.
    pub fn summary(self, scene: &Scene) -> String {
        let table = scene.mem_table.as_ref().map_or(0, |table| table.rows.len());
        let mut parts = vec![match table {
            0 => "the memtable is empty".to_owned(),
            rows => format!("the memtable has {}", count(rows, "row")),
        }];
        if !scene.immutables.is_empty() {
            parts.push(match scene.immutables.len() {
                1 => "one immutable memtable waits to be flushed".to_owned(),
                tables => format!("{tables} immutable memtables wait to be flushed"),
            });
        }
        parts.push(match scene.l0.len() {
            0 => "level 0 is empty".to_owned(),
            ssts => format!("level 0 has {}", count(ssts, "SST")),
        });
        parts.push(match scene.runs.len() {
            0 => "there is no sorted run".to_owned(),
            1 => "there is one sorted run".to_owned(),
            runs => format!("there are {runs} sorted runs"),
        });
        if !scene.unnamed.is_empty() {
            let ssts = count(scene.unnamed.len(), "SST");
            parts.push(format!("{ssts} that the manifest does not name"));
        }
        format!("At the beginning, {}.", listed(&parts))
    }
}

/// `1 row`, `2 rows`.
pub fn count(number: usize, noun: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{s}")
}

/// `a, b and c`.
pub fn listed<T: AsRef<str>>(parts: &[T]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [first @ .., last] => {
            let first: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", first.join(", "), last.as_ref())
        }
    }
}
