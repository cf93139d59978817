//! `cargo course progress`: how far the reader is, and `PROGRESS.md`.
//!
//! `PROGRESS.md` is the reader's: each line of it stays as it is, wherever it is. Three things change. A box is ticked
//! when the tests of its tasks pass, a tick by tests goes when they fail, and a line of the plan that is missing is put
//! where it belongs. Lines of the plan are known by the id in their comment, and by nothing else.

mod form;
mod line;
mod sheet;
mod table;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

pub use form::Form;
pub use line::Tick;
pub use sheet::Sheet;

use crate::plan::Plan;
use crate::results::Results;
use crate::{Course, Error, files};

/// What the file is called; it lies at the root of the course.
pub const NAME: &str = "PROGRESS.md";

/// Tells how far the reader is and, with `write`, brings `PROGRESS.md` up to date.
///
/// # Errors
/// If there is no plan, or `PROGRESS.md` cannot be read or written.
pub fn progress(course: &Course, write: bool, now: SystemTime) -> Result<String, Error> {
    let plan = Plan::load(course)?;
    let results = Results::load(course);
    let path = place(course);
    let form = Form::new(&plan);
    let old = Old::read(&path, &form)?;
    let sheet = Sheet::merge(&form, &results, old.text());
    let mut told = table::table(course, &plan, &results, &sheet)?;
    for remark in &sheet.remarks {
        told += &format!("{NAME}:{remark}\n");
    }
    if write {
        told += &old.replace(&path, &sheet.text, now)?;
    }
    Ok(told)
}

/// Where `PROGRESS.md` is. A link is followed: writing replaces the file, and not the link to it.
fn place(course: &Course) -> PathBuf {
    let path = course.root.join(NAME);
    fs::canonicalize(&path).unwrap_or(path)
}

/// What was there before.
enum Old {
    /// Nothing yet.
    Missing,
    /// A file with lines of the plan.
    Sheet(String),
    /// Bytes that are no progress sheet.
    Damaged(Vec<u8>),
}

impl Old {
    fn read(path: &Path, form: &Form<'_>) -> Result<Self, Error> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::Missing),
            Err(error) => return Err(Error::io("read", path)(error)),
        };
        if bytes.trim_ascii().is_empty() {
            return Ok(Self::Missing);
        }
        Ok(match String::from_utf8(bytes) {
            Ok(text) if sheet::is_sheet(form, &text) => Self::Sheet(text),
            Ok(text) => Self::Damaged(text.into_bytes()),
            Err(error) => Self::Damaged(error.into_bytes()),
        })
    }

    fn text(&self) -> &str {
        match self {
            Self::Sheet(text) => text,
            Self::Missing | Self::Damaged(_) => "",
        }
    }

    /// Writes the new text, after a copy of what would be lost; says what was done.
    fn replace(&self, path: &Path, new: &str, now: SystemTime) -> Result<String, Error> {
        let mut told = String::new();
        if let Self::Damaged(bytes) = self {
            let copy = keep(path, bytes, now)?;
            told = format!("What was in {NAME} is no progress sheet. It is kept in {copy}.\n");
        }
        let wrote = files::write(path, new.as_bytes())?;
        told += &match wrote {
            true => format!("Wrote {NAME}. What you write in it stays.\n"),
            false => format!("{NAME} is up to date.\n"),
        };
        Ok(told)
    }
}

/// Keeps bytes in a new file beside another, with the time in its name; says what it is called.
fn keep(path: &Path, bytes: &[u8], now: SystemTime) -> Result<String, Error> {
    // Windows allows no colon in a file's name.
    let at = humantime::format_rfc3339_seconds(now).to_string().replace(':', "-");
    let names = std::iter::once(format!("PROGRESS-{at}.md"));
    let more = (2..).map(|number| format!("PROGRESS-{at}-{number}.md"));
    for name in names.chain(more) {
        let copy = path.with_file_name(&name);
        if !copy.exists() {
            files::write(&copy, bytes)?;
            return Ok(name);
        }
    }
    unreachable!("there are more numbers than files")
}
