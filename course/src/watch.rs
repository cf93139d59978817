//! `cargo course watch`: tests what was saved.
//!
//! What is saved comes in as [`Event`]s, from the file system or from a test. Events that come while tests run wait in
//! their channel, so a save is never missed: it starts the next run.

use std::io::{BufRead as _, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use notify::event::{EventKind, MetadataKind, ModifyKind};
use notify::{PollWatcher, RecursiveMode, Watcher};

use crate::adopt::Adopted;
use crate::report::{self, FAINT, Goal, Report, STRONG, Spent};
use crate::results::Results;
use crate::week::TaskId;
use crate::{Course, Error, files};

/// How long it must be quiet before the tests run: an editor saves a file in several steps, and some save several.
const QUIET: Duration = Duration::from_millis(60);

/// How long to wait for quiet at most.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often to look where the file system does not tell of changes.
const POLL: Duration = Duration::from_millis(500);

/// What happens while watching.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A file was written, created, renamed or removed.
    Saved(PathBuf),
    /// Something was saved, but it is not known what.
    Something,
    /// The reader wants to go on with something else.
    Quit,
}

/// What a saved file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Affected {
    /// The tests of this week.
    Week(u8),
    /// Every week: it is part of the engine around their rooms.
    Every,
}

/// Watches until the reader ends it.
///
/// # Errors
/// If there is no such week, or the file system cannot be watched.
pub fn watch(course: &Course, week: Option<u8>) -> Result<(), Error> {
    if let Some(number) = week {
        course.week(number)?;
    }
    let (sender, events) = channel();
    let _watcher = start(course, &sender)?;
    listen(sender);
    let is_terminal = std::io::stdout().is_terminal();
    let mut screen = |show: Show<'_>| match show {
        Show::Clear if is_terminal => print!("\x1b[2J\x1b[3J\x1b[H"),
        Show::Clear => {}
        Show::Text(text) => anstream::print!("{text}"),
    };
    let test = |number| {
        if let Some(task) = begun(course, number)? {
            let first = report::test(course, Goal::Task(task), false).map(told)?;
            anstream::print!("{first}\n\n{FAINT}The whole week follows.{FAINT:#}\n");
        }
        report::test(course, Goal::Week(number), false).map(told)
    };
    Watch { course, only: week, test }.run(&events, &mut screen);
    Ok(())
}

/// The task that a reader is at: the week's first whose tests failed last. Its tests are built and run before the others,
/// so they are seen sooner. While no test has run yet, or all pass, there is none.
///
/// # Errors
/// If there is no such week.
pub fn begun(course: &Course, week: u8) -> Result<Option<TaskId>, Error> {
    let results = Results::load(course);
    let week = course.week(week)?;
    Ok(week.tasks().map(|task| task.id).find(|task| results.is_done(*task) == Some(false)))
}

/// What a run came to, and where its time went.
fn told(report: Report) -> String {
    let Report { text, spent: Spent { building, testing }, .. } = report;
    let (building, testing) = (building.as_secs_f32(), testing.as_secs_f32());
    format!("{text}\n{FAINT}Building {building:.2} s, testing {testing:.2} s.{FAINT:#}")
}

/// What to do with the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show<'a> {
    /// Begin anew, where that can be done.
    Clear,
    /// Show this.
    Text(&'a str),
}

/// What turns saves into runs.
pub struct Watch<'a, Test> {
    /// The course whose files are saved.
    pub course: &'a Course,
    /// The week to test, or the one whose file was saved.
    pub only: Option<u8>,
    /// Runs the tests of a week and tells what they came to.
    pub test: Test,
}

impl<Test: Fn(u8) -> Result<String, Error>> Watch<'_, Test> {
    /// Tests until a [`Quit`](Event::Quit) comes, or nothing can come any more.
    pub fn run(&self, events: &Receiver<Event>, screen: &mut dyn FnMut(Show<'_>)) {
        let mut current = self.only;
        match current {
            Some(week) => self.show(week, None, screen),
            None => screen(Show::Text("Save a file in chapters/, and its week is tested.\n")),
        }
        screen(Show::Text(&hint()));
        while let Some(saves) = batch(events) {
            let Some((week, saved)) = self.choose(&saves, current) else {
                continue;
            };
            current = Some(week);
            self.show(week, saved, screen);
            screen(Show::Text(&hint()));
        }
    }

    /// The week to test after some saves, and what was saved: the last one that says a week decides.
    fn choose<'a>(
        &self,
        saves: &'a [Event],
        current: Option<u8>,
    ) -> Option<(u8, Option<&'a Path>)> {
        saves.iter().rev().find_map(|event| {
            let Event::Saved(path) = event else {
                return current.map(|week| (week, None));
            };
            let week = match affected(self.course, path)? {
                Affected::Week(saved) => self.week_on(saved)?,
                Affected::Every => current?,
            };
            Some((week, Some(path.as_path())))
        })
    }

    /// The week to test when a file of week `saved` was saved: that one, unless another is watched. The one that is
    /// watched is tested too if it runs on the rooms of week `saved`.
    fn week_on(&self, saved: u8) -> Option<u8> {
        let only = self.only.unwrap_or(saved);
        let is_adopted = || Adopted::load(self.course).is_ok_and(|it| it.weeks.contains(&saved));
        (only == saved || only > saved && is_adopted()).then_some(only)
    }

    fn show(&self, week: u8, saved: Option<&Path>, screen: &mut dyn FnMut(Show<'_>)) {
        screen(Show::Clear);
        if let Some(path) = saved {
            let path = inside(self.course, path).unwrap_or_else(|| path.to_path_buf());
            let shown = self.course.shown(&path);
            screen(Show::Text(&format!(
                "{FAINT}{shown} was saved: testing week {week}{FAINT:#}\n"
            )));
        }
        let start = Instant::now();
        let told = (self.test)(week);
        // What cargo said while it built is of no use any more.
        screen(Show::Clear);
        match told {
            Ok(text) => screen(Show::Text(&text)),
            Err(error) => screen(Show::Text(&format!("{error}\n"))),
        }
        let seconds = start.elapsed().as_secs_f32();
        screen(Show::Text(&format!("\n{FAINT}{seconds:.1} s{FAINT:#}  ")));
    }
}

fn hint() -> String {
    format!(
        "{FAINT}Waiting for the next save; {STRONG}q{STRONG:#}{FAINT} and Enter ends.{FAINT:#}\n"
    )
}

/// The next saves: at least one, and those that follow at once. Nothing when it is over.
fn batch(events: &Receiver<Event>) -> Option<Vec<Event>> {
    let mut saves = vec![events.recv().ok()?];
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        match events.recv_timeout(QUIET) {
            Ok(event) => saves.push(event),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        }
    }
    (!saves.contains(&Event::Quit)).then_some(saves)
}

/// What a saved file is for; nothing for a file that no task's test is made of, as an editor's own.
pub fn affected(course: &Course, path: &Path) -> Option<Affected> {
    let inside = inside(course, path)?;
    let name = inside.file_name()?.to_str()?;
    let is_source = files::has_extension(&inside, "rs") && !name.starts_with('.');
    let parts: Vec<&str> = inside.iter().filter_map(|part| part.to_str()).collect();
    let (week, is_part) = match parts[..] {
        ["solutions", "tinydb", "src", ..] => return is_source.then_some(Affected::Every),
        ["chapters", week, "src", ..] => (week, is_source),
        ["chapters", week, "tests", ..] => (week, is_source && is_of_task(course, week, name)),
        ["chapters", week, "Cargo.toml" | "week.toml"] => (week, true),
        _ => return None,
    };
    number(week).filter(|_| is_part).map(Affected::Week)
}

/// The number of `week3`.
fn number(name: &str) -> Option<u8> {
    crate::week::number(name.strip_prefix("week")?)
}

/// A path seen from the course. Some systems tell of a file by its real path, where the course is known by a link.
fn inside(course: &Course, path: &Path) -> Option<PathBuf> {
    let real = || course.root.canonicalize().ok();
    let of = |root: &Path| path.strip_prefix(root).map(Path::to_path_buf).ok();
    of(&course.root).or_else(|| of(&real()?))
}

/// Whether a test file is a task's. The reader's own tests are in no task, so that a half-written one stops none.
fn is_of_task(course: &Course, week: &str, name: &str) -> bool {
    let known = number(week).map(|week| course.week(week));
    matches!(known, Some(Ok(week)) if week.tasks().any(|task| format!("{}.rs", task.test) == name))
}

/// Lets the file system tell of saves, for as long as what this returns is kept.
///
/// # Errors
/// If a folder cannot be watched.
pub fn start(course: &Course, sender: &Sender<Event>) -> Result<Box<dyn Watcher>, Error> {
    let mut watcher = watcher(course, sender)?;
    for folder in [course.root.join("chapters"), course.reference()] {
        let watched = watcher.watch(&folder, RecursiveMode::Recursive);
        watched.map_err(|error| failed(&folder, &error))?;
    }
    Ok(watcher)
}

/// A watcher that the system tells of changes, or one that looks for itself.
fn watcher(course: &Course, sender: &Sender<Event>) -> Result<Box<dyn Watcher>, Error> {
    let told = sender.clone();
    match notify::recommended_watcher(move |change| tell(change, &told)) {
        Ok(watcher) => Ok(Box::new(watcher)),
        Err(_) => {
            let told = sender.clone();
            let config = notify::Config::default().with_poll_interval(POLL);
            let watcher = PollWatcher::new(move |change| tell(change, &told), config);
            Ok(Box::new(watcher.map_err(|error| failed(&course.root, &error))?))
        }
    }
}

fn failed(path: &Path, error: &notify::Error) -> Error {
    Error::Watch { path: path.to_path_buf(), message: error.to_string() }
}

/// Passes on what is a save. When nobody listens any more, it is over anyway.
fn tell(change: notify::Result<notify::Event>, sender: &Sender<Event>) {
    let Ok(change) = change else {
        return;
    };
    if change.need_rescan() {
        let _ = sender.send(Event::Something);
    }
    // Building reads the files, and a change of permissions is no save.
    let is_save = match change.kind {
        EventKind::Access(_) => false,
        EventKind::Modify(ModifyKind::Metadata(what)) => what == MetadataKind::WriteTime,
        _ => true,
    };
    for path in change.paths.into_iter().filter(|_| is_save) {
        let _ = sender.send(Event::Saved(path));
    }
}

/// Waits for a `q` in a thread of its own. Where there is no keyboard, none comes.
fn listen(sender: Sender<Event>) {
    thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if matches!(line.trim(), "q" | "Q" | "quit") {
                let _ = sender.send(Event::Quit);
                return;
            }
        }
    });
}
