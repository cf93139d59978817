//! What the course's tests share. Nothing here knows the engine, so that the same helpers serve
//! every chapter's crate.
#![forbid(unsafe_code)]

pub mod bytes;
pub mod deadline;
pub mod merge_law;
pub mod rows;
pub mod simulated_file;
pub mod stream;
pub mod temp_folder;

pub use bytes::{assert_bytes, hex};
pub use deadline::{deadline, deadline_or};
pub use merge_law::{Merge, MergeBatch, assert_merge_law};
pub use rows::{RowKind, RowSpec, any_row, any_rows, config};
pub use simulated_file::SimulatedFile;
pub use stream::{Id, Stream, assert_ids};
pub use temp_folder::TempFolder;

/// The end of a failure message: the rule that does not hold, and where to read about it.
///
/// ```text
/// assert_eq!(found, expected, "{}", rule("3.3", "the newest row at or below max_seq is found"));
/// ```
pub fn rule(task: &str, rule: &str) -> String {
    format!(
        "\n rule: {rule}\n read: task {task} in the book; `cargo course test {task}` names the page\n"
    )
}
