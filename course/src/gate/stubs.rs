//! Gate `stubs`: what is generated is what is committed.

use crate::{Course, Error, stubs};

pub(super) fn check(course: &Course) -> Result<Vec<String>, Error> {
    let outdated = stubs::outdated(course)?;
    let advise = |finding| format!("{finding}. Run `cargo course stubs` and commit what it writes");
    Ok(outdated.into_iter().map(advise).collect())
}
