//! `cargo course doctor`: is everything there that the course needs?

use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::report::{BAD, FAINT, GOOD, STRONG};
use crate::{Course, adopt, manifest, mdbook};

/// The port that the book is served at unless told otherwise.
const PORT: u16 = 3000;

/// How much room the builds of all weeks take, with some to spare.
const SPACE_MIB: u64 = 4 * 1024;

/// How one thing stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Well.
    Ok(String),
    /// The course works all the same; what could be done.
    Note(String),
    /// The course does not work like this; what to do.
    Bad(String),
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What.
    pub what: &'static str,
    /// How it stands.
    pub state: State,
}

impl Line {
    fn ok(what: &'static str, said: impl Into<String>) -> Self {
        Self { what, state: State::Ok(said.into()) }
    }

    fn note(what: &'static str, said: impl Into<String>) -> Self {
        Self { what, state: State::Note(said.into()) }
    }

    fn bad(what: &'static str, said: impl Into<String>) -> Self {
        Self { what, state: State::Bad(said.into()) }
    }

    /// What to do about it, if anything.
    pub fn advice(self) -> Option<String> {
        match self.state {
            State::Ok(_) => None,
            State::Note(said) | State::Bad(said) => Some(format!("{}: {said}", self.what)),
        }
    }

    fn shown(&self) -> String {
        let what = self.what;
        match &self.state {
            State::Ok(said) => format!("  {GOOD}ok{GOOD:#}  {what:11} {FAINT}{said}{FAINT:#}\n"),
            State::Note(said) => format!("  {STRONG}··{STRONG:#}  {what:11} {said}\n"),
            State::Bad(said) => format!("  {BAD}✗{BAD:#}   {what:11} {said}\n"),
        }
    }
}

/// Looks at everything, and tells how it stands and whether nothing keeps the course from working.
pub fn doctor(course: &Course) -> (String, bool) {
    let mut lines = vec![toolchain(course), space(&course.root), port(PORT)];
    lines.extend(tree(course));
    lines.extend([adoption(course), book(course), browser()]);
    report(&lines)
}

/// Tells how things stand, and whether none is bad.
pub fn report(lines: &[Line]) -> (String, bool) {
    let mut text: String = lines.iter().map(Line::shown).collect();
    let bad = lines.iter().filter(|line| matches!(line.state, State::Bad(_))).count();
    let _ = match bad {
        0 => write!(text, "\nThe course is ready. Begin: cargo course start 1\n"),
        1 => write!(text, "\nOne thing is in the way: the line with ✗ says what to do.\n"),
        bad => write!(text, "\n{bad} things are in the way: the lines with ✗ say what to do.\n"),
    };
    (text, bad == 0)
}

fn toolchain(course: &Course) -> Line {
    let wanted = rust_version(course);
    let found = said_by(Command::new("rustc").arg("--version"));
    rust(found.as_deref(), wanted.as_deref())
}

/// Judges what `rustc --version` says.
pub fn rust(found: Option<&str>, wanted: Option<&str>) -> Line {
    let Some(found) = found else {
        return Line::bad("Rust", "there is no rustc: install Rust with rustup, https://rustup.rs");
    };
    let version = found.split_whitespace().nth(1).unwrap_or(found);
    match wanted {
        Some(wanted) if numbers(version) < numbers(wanted) => Line::bad(
            "Rust",
            format!(
                "{version} is too old, the course needs {wanted} or later: rustup update stable"
            ),
        ),
        Some(wanted) => Line::ok("Rust", format!("{version}, {wanted} or later is needed")),
        None => Line::ok("Rust", version),
    }
}

/// `1.95.0-nightly` as numbers to compare.
fn numbers(version: &str) -> Vec<u32> {
    let plain = version.split('-').next().unwrap_or(version);
    plain.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

/// The version that the workspace asks for.
pub fn rust_version(course: &Course) -> Option<String> {
    let manifest = manifest::read(course, &course.root.join("Cargo.toml")).ok()?;
    let version = manifest.get("workspace")?.get("package")?.get("rust-version")?;
    version.as_str().map(str::to_owned)
}

fn space(folder: &Path) -> Line {
    let said = said_by(Command::new("df").arg("-Pk").arg(folder));
    match said.as_deref().and_then(free_mib) {
        None => {
            Line::note("space", "could not be found out; the builds of all weeks need about 4 GiB")
        }
        Some(free) => enough(free),
    }
}

/// Judges the free space.
pub fn enough(free_mib: u64) -> Line {
    if free_mib >= SPACE_MIB {
        return Line::ok("space", format!("{} GiB are free", free_mib / 1024));
    }
    let advice = format!(
        "{free_mib} MiB are free, and the builds of all weeks need about 4 GiB: make room, or `cargo clean` between weeks"
    );
    // One week's build fits into much less.
    if free_mib < 1024 { Line::bad("space", advice) } else { Line::note("space", advice) }
}

/// The free space in what `df -Pk` prints: the fourth column of its second line.
pub fn free_mib(printed: &str) -> Option<u64> {
    let kib: u64 = printed.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()?;
    Some(kib / 1024)
}

fn port(port: u16) -> Line {
    match TcpListener::bind(("127.0.0.1", port)) {
        Ok(_) => Line::ok("port", format!("{port} is free for the book")),
        Err(_) => Line::note(
            "port",
            format!(
                "{port} is taken. Is the book served already? If not: cargo course serve --port {}",
                port + 1
            ),
        ),
    }
}

/// The state of the reader's git tree.
pub fn tree(course: &Course) -> Vec<Line> {
    let git =
        |arguments: &[&str]| said_by(Command::new("git").args(arguments).current_dir(&course.root));
    if said_by(Command::new("git").arg("--version")).is_none() {
        return vec![Line::note(
            "git",
            "is not here: with it your work has a history, https://git-scm.com",
        )];
    }
    if git(&["rev-parse", "--git-dir"]).is_none() {
        let said =
            "this folder is in no repository: `git init` and a first commit keep your work safe";
        return vec![Line::note("git", said)];
    }
    // An empty answer is a commit that no branch is at.
    let branch = match git(&["branch", "--show-current"]).unwrap_or_default() {
        branch if branch.is_empty() => Line::note("branch", "none: git switch -c my-tinydb"),
        branch if branch == "main" || branch == "master" => {
            let said = format!(
                "{branch} is the course's; work on one of your own: git switch -c my-tinydb"
            );
            Line::note("branch", said)
        }
        branch => Line::ok("branch", branch),
    };
    let changed = git(&["status", "--porcelain"]).unwrap_or_default().lines().count();
    let work = match changed {
        0 => Line::ok("your work", "all of it is committed"),
        1 => Line::note("your work", "one file is not committed: git add --all && git commit"),
        count => Line::note(
            "your work",
            format!("{count} files are not committed: git add --all && git commit"),
        ),
    };
    vec![branch, work]
}

fn adoption(course: &Course) -> Line {
    let found =
        adopt::Adopted::load(course).and_then(|adopted| Ok((adopted, adopt::out_of_step(course)?)));
    match found {
        Err(error) => Line::bad("adopted", error.to_string()),
        Ok((adopted, late)) if !late.is_empty() => {
            let how = match adopted.weeks.first() {
                Some(week) => format!("cargo course adopt {week}"),
                None => "cargo course adopt 1 --back".to_owned(),
            };
            let files = late.join(", ");
            Line::bad(
                "adopted",
                format!("not as {} says: {files}. Set it right: {how}", adopt::FILE),
            )
        }
        Ok((adopted, _)) if adopted.weeks.is_empty() => Line::ok("adopted", "no week yet"),
        Ok((adopted, _)) => {
            Line::ok("adopted", format!("weeks {}", crate::prose::joined(adopted.weeks.iter())))
        }
    }
}

fn book(course: &Course) -> Line {
    let version = mdbook::VERSION;
    if mdbook::is_here(course) {
        return Line::ok("mdBook", version);
    }
    let how = match mdbook::python() {
        Ok(_) => "gets it with Python, in seconds",
        Err(_) => "builds it, about four minutes; with Python 3 installed it takes seconds",
    };
    Line::note("mdBook", format!("{version} is not here yet: the first `cargo course serve` {how}"))
}

/// Only the browser tests need these.
fn browser() -> Line {
    let has = |program: &str| said_by(Command::new(program).arg("--version")).is_some();
    let chromium = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let is_there = std::env::var_os("CHROMIUM").is_some() || chromium.iter().any(|name| has(name));
    let missing: Vec<&str> = [("Node", has("node")), ("Chromium", is_there)]
        .into_iter()
        .filter(|(_, has)| !has)
        .map(|(name, _)| name)
        .collect();
    if missing.is_empty() {
        return Line::ok(
            "browser",
            "Node and Chromium are here, for maintainers' tests of the book",
        );
    }
    let missing = missing.join(" and ");
    Line::ok(
        "browser",
        format!("{missing}: not here, and only maintainers need it, to test the book"),
    )
}

/// What a program prints, if it ends well.
fn said_by(command: &mut Command) -> Option<String> {
    let ran = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let said = String::from_utf8_lossy(&ran.stdout).trim_end().to_owned();
    ran.status.success().then_some(said)
}
