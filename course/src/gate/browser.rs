//! Gate `browser`: the book's scripts, tested in a real browser.

use crate::cargo::succeed;
use crate::npm::{install, npm};
use crate::{Course, Error, mdbook};

const INSTALL: &str = "If that is because a program is missing: this gate needs Node.js 20 or newer with npm, and Chromium \
    (Debian: apt-get install nodejs npm chromium; macOS: brew install node chromium; Windows: winget install OpenJS.NodeJS)";

pub(super) fn check(course: &Course) -> Result<Vec<String>, Error> {
    let tests = course.root.join("book").join("e2e");
    if !tests.join("package.json").is_file() {
        return Ok(vec![
            "book/e2e/package.json: missing: there are no browser tests to run".to_owned(),
        ]);
    }
    let site = course.work().join("book");
    mdbook::build(course, Some(&site))?;
    let tested = install(&tests)
        .and_then(|()| succeed(npm(&tests).arg("test").env("COURSE_BOOK", &site)).map(drop));
    Ok(tested.err().map(|error| format!("{error}\n{INSTALL}")).into_iter().collect())
}
