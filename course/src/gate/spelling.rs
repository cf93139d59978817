//! Gate `spelling`: every word of the book, of the hints and of the comments is in a dictionary, or in the list of the
//! course's own words.

use crate::cargo::output;
use crate::npm::{install, npm};
use crate::{Course, Error};

const INSTALL: &str = "If that is because a program is missing: this gate needs Node.js 18 or newer with npm \
    (Debian: apt-get install nodejs npm; macOS: brew install node; Windows: winget install OpenJS.NodeJS)";

pub(super) fn check(course: &Course) -> Result<Vec<String>, Error> {
    let checker = course.root.join("book").join("spelling");
    if !checker.join("package.json").is_file() {
        return Ok(vec![
            "book/spelling/package.json: missing: nothing checks the spelling".to_owned(),
        ]);
    }
    if let Err(error) = install(&checker) {
        return Ok(vec![format!("{error}\n{INSTALL}")]);
    }
    let checked = output(npm(&checker).args(["run", "--silent", "check"]))?;
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    Ok(spelling_findings(&said, checked.status.success()))
}

/// What the checker found, from what it printed, a word on each line.
pub fn spelling_findings(said: &str, passed: bool) -> Vec<String> {
    let words = said.lines().filter(|line| line.contains(" - Unknown word "));
    let mut findings: Vec<String> = words
        .map(|line| format!("{line}: misspelt? If it is right, add it to book/spelling/words.txt"))
        .collect();
    if findings.is_empty() && !passed {
        findings.push(format!("the spelling was not checked:\n{}", said.trim()));
    }
    findings
}
