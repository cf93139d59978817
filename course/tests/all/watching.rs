//! `cargo course watch`.

use std::cell::RefCell;
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use course::Error;
use course::watch::{Affected, Event, Show, Watch, affected, start};

use crate::fixture::Fixture;

const STUB: &str = "chapters/week1/src/store/list.rs";

fn saved(fixture: &Fixture, path: &str) -> Event {
    Event::Saved(fixture.course.root.join(path))
}

#[test]
fn a_saved_file_affects_its_week() {
    let fixture = Fixture::new();
    let of = |path: &str| affected(&fixture.course, &fixture.course.root.join(path));
    for path in [
        STUB,
        "chapters/week1/src/lib.rs",
        "chapters/week1/tests/list.rs",
        "chapters/week1/Cargo.toml",
    ] {
        assert_eq!(of(path), Some(Affected::Week(1)), "{path}");
    }
    assert_eq!(of("solutions/tinydb/src/store/list.rs"), Some(Affected::Every));
    for path in [
        "chapters/week1/tests/my_tests.rs",
        "chapters/week1/tests/list.proptest-regressions",
        "chapters/week1/src/store/.#list.rs",
        "chapters/week1/src/store/list.rs~",
        "chapters/week1/src/store/4913",
        "chapters/notes.rs",
        "book/src/start.md",
        "solutions/cli/src/main.rs",
    ] {
        assert_eq!(of(path), None, "{path}");
    }
}

/// The weeks that are tested while these events come, and what the screen shows.
fn watched(fixture: &Fixture, only: Option<u8>, events: &Receiver<Event>) -> (Vec<u8>, String) {
    let weeks = RefCell::new(Vec::new());
    let test = |week| {
        weeks.borrow_mut().push(week);
        Ok(format!("week {week} is red\n"))
    };
    let watch = Watch { course: &fixture.course, only, test };
    let mut shown = String::new();
    watch.run(events, &mut |show| match show {
        Show::Clear => shown.push_str("[clear]"),
        Show::Text(text) => shown.push_str(text),
    });
    (weeks.into_inner(), anstream::adapter::strip_str(&shown).to_string())
}

#[test]
fn a_week_is_tested_at_once_and_after_a_save() {
    let fixture = Fixture::new();
    let (sender, events) = channel();
    for path in [STUB, STUB, "chapters/week1/src/store/.list.rs.swp"] {
        sender.send(saved(&fixture, path)).expect("a listener");
    }
    drop(sender);
    let (weeks, shown) = watched(&fixture, Some(1), &events);
    assert_eq!(weeks, [1, 1], "saves that come together are one");
    let told = format!("[clear]{STUB} was saved: testing week 1\n[clear]week 1 is red\n");
    assert!(shown.contains(&told), "{shown}");
    assert!(shown.ends_with("q and Enter ends.\n"), "{shown}");
}

#[test]
fn without_a_week_it_is_the_one_whose_file_was_saved_last() {
    let fixture = Fixture::new();
    let (sender, events) = channel();
    let saves = ["chapters/week3/src/a.rs", "chapters/week2/src/a.rs", "chapters/week2/README.md"];
    for path in saves {
        sender.send(saved(&fixture, path)).expect("a listener");
    }
    drop(sender);
    let (weeks, shown) = watched(&fixture, None, &events);
    assert_eq!(weeks, [2]);
    assert!(shown.starts_with("Save a file in chapters/"), "{shown}");
}

#[test]
fn another_weeks_file_and_the_engines_before_any_week_start_nothing() {
    let fixture = Fixture::new();
    for (only, path) in
        [(Some(1), "chapters/week2/src/a.rs"), (None, "solutions/tinydb/src/lib.rs")]
    {
        let (sender, events) = channel();
        sender.send(saved(&fixture, path)).expect("a listener");
        drop(sender);
        assert_eq!(watched(&fixture, only, &events).0.len(), usize::from(only.is_some()));
    }
}

#[test]
fn a_week_that_runs_on_an_adopted_one_is_tested_after_a_save_there() {
    let fixture = Fixture::new();
    fixture.write("course.toml", "adopted = [1]\n");
    let saves = ["chapters/week1/src/a.rs", "chapters/week2/src/a.rs", "chapters/week3/src/a.rs"];
    let tested = saves.map(|path| {
        let (sender, events) = channel();
        sender.send(saved(&fixture, path)).expect("a listener");
        drop(sender);
        watched(&fixture, Some(2), &events).0.len()
    });
    assert_eq!(tested, [2, 2, 1], "runs of week 2: one at the beginning, and one after the save");
}

#[test]
fn a_change_of_the_engine_or_of_something_unknown_tests_the_current_week() {
    let fixture = Fixture::new();
    for event in [saved(&fixture, "solutions/tinydb/src/lib.rs"), Event::Something] {
        let (sender, events) = channel();
        sender.send(event).expect("a listener");
        drop(sender);
        assert_eq!(watched(&fixture, Some(1), &events).0, [1, 1]);
    }
}

#[test]
fn a_save_during_a_run_starts_another() {
    let fixture = Fixture::new();
    let (sender, events) = channel();
    let runs = RefCell::new(0);
    let test = |_| {
        *runs.borrow_mut() += 1;
        let event = if *runs.borrow() < 3 { saved(&fixture, STUB) } else { Event::Quit };
        sender.send(event).expect("a listener");
        Ok(String::new())
    };
    Watch { course: &fixture.course, only: Some(1), test }.run(&events, &mut |_| {});
    assert_eq!(*runs.borrow(), 3);
}

#[test]
fn an_error_is_shown_and_watching_goes_on() {
    let fixture = Fixture::new();
    let (sender, events) = channel();
    sender.send(saved(&fixture, STUB)).expect("a listener");
    drop(sender);
    let test = |_| Err(Error::Compile { output: "expected `;`".to_owned() });
    let mut shown = String::new();
    Watch { course: &fixture.course, only: Some(1), test }.run(&events, &mut |show| {
        if let Show::Text(text) = show {
            shown.push_str(text);
        }
    });
    assert_eq!(shown.matches("expected `;`").count(), 2, "{shown}");
}

/// Waits for the save of a file; what else comes is not looked at.
fn await_save(events: &Receiver<Event>, expected: &Event) -> bool {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(10) {
        if events.recv_timeout(Duration::from_secs(1)).is_ok_and(|event| event == *expected) {
            return true;
        }
    }
    false
}

#[test]
fn the_file_system_tells_of_plain_and_of_atomic_saves() {
    let fixture = Fixture::new();
    // Some systems tell of a file by its real path.
    let root = fixture.course.root.canonicalize().expect("the folder");
    let (sender, events) = channel();
    let _watcher = start(&fixture.course, &sender).expect("a watcher");
    let file = fixture.course.root.join(STUB);
    let real = Event::Saved(root.join(STUB));
    let plain = saved(&fixture, STUB);
    let expected = if cfg!(target_os = "macos") { &real } else { &plain };
    fs::write(&file, "// plain\n").expect("a save");
    assert!(await_save(&events, expected), "a plain save");
    while events.recv_timeout(Duration::from_millis(200)).is_ok() {}
    let temporary = file.with_file_name("list.rs.tmp");
    fs::write(&temporary, "// atomic\n").expect("a temporary file");
    fs::rename(&temporary, &file).expect("a rename");
    assert!(await_save(&events, expected), "an atomic save");
    while events.recv_timeout(Duration::from_millis(200)).is_ok() {}
    fs::read(&file).expect("the file");
    assert!(events.recv_timeout(Duration::from_millis(300)).is_err(), "reading is no save");
}

#[test]
fn the_command_tests_and_ends_with_q() {
    let fixture = Fixture::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_course"));
    command.arg("--root").arg(&fixture.course.root).args(["watch", "1"]);
    command.env_remove("CARGO_TARGET_DIR").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::null()).spawn().expect("the command");
    child.stdin.take().expect("its input").write_all(b"q\n").expect("a key");
    let output = child.wait_with_output().expect("its end");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("· 1.1") && said.contains("week1/list.html#task-1-1"), "{said}");
    assert!(said.contains("\nBuilding ") && said.contains(" s, testing "), "{said}");
    assert!(
        !said.contains('\u{1b}'),
        "no colours and no clearing where there is no terminal: {said}"
    );
}
