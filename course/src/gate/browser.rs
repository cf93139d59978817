//! Gate `browser`: the book's scripts, tested in a real browser.

use std::path::Path;
use std::process::Command;

use crate::cargo::succeed;
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
    let mut findings = Vec::new();
    for arguments in [["ci", "--no-audit", "--no-fund"].as_slice(), &["test"]] {
        if let Err(error) = succeed(&mut npm(&tests, &site, arguments)) {
            findings.push(format!("{error}\n{INSTALL}"));
            break;
        }
    }
    Ok(findings)
}

fn npm(folder: &Path, site: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    command.current_dir(folder).args(arguments).env("COURSE_BOOK", site);
    command
}
