//! `tinydb record`: recordings for the book's player.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tinydb_cli::failure::Failure;
use tinydb_cli::record::recorder::Recorder;
use tinydb_cli::record::recording::{Recording, Zone};
use tinydb_cli::record::script::Script;

use crate::shell::Place;

const HEAD: &str = "title A test\nlook At nothing.\n";

fn recorded(text: &str) -> Result<Recording, Failure> {
    let script = Script::parse(&format!("{HEAD}{text}"))
        .map_err(|(line, problem)| Failure::Recording(format!("line {line}: {problem}")))?;
    Recorder::run(script)
}

#[track_caller]
fn recording(text: &str) -> Recording {
    recorded(text).unwrap_or_else(|failure| panic!("{failure}\nof:\n{text}"))
}

#[track_caller]
fn refused(text: &str, expected: &str) {
    let failure = recorded(text).map(|_| ()).expect_err("this can't be recorded").to_string();
    assert!(failure.contains(expected), "expected {expected:?} in {failure:?}");
}

fn steps(recording: &Recording) -> Vec<&str> {
    recording.frames.iter().filter_map(|frame| frame.step.as_deref()).collect()
}

/// The scripts of the book, if the book is beside this package.
fn scripts() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../book/src/traces");
    let files = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|it| it == "txt")).collect()
}

#[test]
fn the_books_recordings_are_the_same_each_time() {
    let scripts = scripts();
    assert!(scripts.len() >= 8, "{scripts:?}");
    for path in scripts {
        let json = || Recorder::run(Script::read(&path).unwrap()).unwrap().to_json().unwrap();
        let first = json();
        for _ in 0..10 {
            assert_eq!(json(), first, "{}", path.display());
        }
    }
}

#[test]
fn the_books_recordings_know_every_step() {
    let mut seen = BTreeSet::new();
    for path in scripts() {
        let recording = Recorder::run(Script::read(&path).unwrap()).unwrap();
        let names = steps(&recording)
            .into_iter()
            .map(|step| step.split([' ', ':']).next().unwrap_or_default().to_owned());
        seen.extend(names);
        assert!(recording.frames.iter().all(|frame| frame.text.ends_with('.')), "whole sentences");
    }
    for step in [
        "WalAppend",
        "MemTableInsert",
        "Commit",
        "Freeze",
        "MemTableLookup",
        "ImmutableMemTableLookup",
        "SstLookup",
        "ScanBegin",
        "ScanRow",
        "MergeBatch",
        "Flush",
        "ManifestCommit",
        "Compaction",
        "SstDelete",
        "WalDelete",
        "WalReplay",
    ] {
        assert!(seen.contains(step), "no recording shows {step}");
    }
}

#[test]
fn a_put_is_in_the_wal_before_it_is_in_the_memtable() {
    let recording = recording("put a 1\n");
    assert_eq!(
        steps(&recording),
        ["WalAppend wal 1, 1 row", "MemTableInsert b\"a\" seq 1", "Commit seq 1"]
    );
    let rows = |frame: usize| -> Vec<(Zone, usize)> {
        let layout = &recording.layouts[recording.frames[frame].layout];
        layout.boxes.iter().map(|place| (place.zone, place.rows.len())).collect()
    };
    assert_eq!(rows(1), [(Zone::Wal, 0), (Zone::Memtable, 0)]);
    assert_eq!(rows(2), [(Zone::Wal, 1), (Zone::Memtable, 0)]);
    assert_eq!(rows(3), [(Zone::Wal, 1), (Zone::Memtable, 1)]);
}

#[test]
fn a_crash_takes_the_memtables_and_leaves_the_files() {
    let recording = recording("put a 1\nflush\nput b 2\nbegin\ncrash\nopen\nget b\n");
    let zones = |frame: usize| -> Vec<Zone> {
        let layout = &recording.layouts[recording.frames[frame].layout];
        layout.boxes.iter().map(|place| place.zone).collect()
    };
    assert_eq!(zones(0), [Zone::Wal, Zone::Memtable, Zone::L0]);
    assert_eq!(zones(1), [Zone::Wal, Zone::L0]);
    assert_eq!(zones(2), [Zone::Wal, Zone::Memtable, Zone::L0]);
    assert_eq!(steps(&recording), ["WalReplay wal 2, 1 row", "MemTableLookup: found"]);
    assert_eq!(recording.frames.last().unwrap().answer, ["2"]);
}

#[test]
fn a_store_that_is_held_leaves_the_memtable_immutable() {
    let text =
        "with --memtable-size 1\nput a 1\nhold ssts\nput b 2\nbegin\nget a\nrelease\nget a\n";
    let recording = recording(text);
    let found = steps(&recording);
    assert_eq!(found[..2], ["MemTableLookup: not found", "ImmutableMemTableLookup wal 1: found"]);
    assert_eq!(
        found[2..5],
        ["Flush wal 1 to sst 1, 1 row", "ManifestCommit manifest 2", "WalDelete wal 1"]
    );
    assert_eq!(found[5..], ["MemTableLookup: not found", "SstLookup sst 1: found"]);
}

#[test]
fn what_can_not_be_recorded_is_refused_with_its_line() {
    refused("put a\n", "line 3: a value is missing");
    refused("stats\n", "this can't be recorded; what can is put, get");
    refused("put a 1\nopen\n", "line 4: `open` comes behind a `crash`");
    refused("put a 1\ncrash\nget a\n", "line 5: the database is not open");
    refused("put a 1\ncrash\ncrash\n", "line 5: `crash` needs an open database");
    refused("hold ssts\nput a 1\nflush\n", "line 5: this would wait for ever");
    refused("hold something\nput a 1\n", "`hold ssts` or `hold manifests`");
    refused("with --no-such-thing\nput a 1\n", "its `with` lines");
    refused("begin\n", "it holds no command");
    refused("merge a 1\n", "line 3: ");
    let untitled = Script::parse("put a 1\n").expect_err("no title").1;
    assert!(untitled.contains("`title TEXT`"), "{untitled}");
}

#[test]
fn a_page_can_hold_a_recording_as_it_is() {
    let text =
        "put '</script><b>&' '{{#include /etc/passwd}}'\nput '{{{' '-->'\nget '</script><b>&'\n";
    let json = recording(text).to_json().unwrap();
    for forbidden in ["<", ">", "&", "{{", "\n\n"] {
        assert!(!json.contains(forbidden), "{forbidden:?} in {json}");
    }
    let parsed: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(parsed["rows"][0]["key"], "</script><b>&");
    assert_eq!(parsed["format"], "tinydb-trace");
}

#[test]
fn the_program_writes_a_file_or_its_output() {
    let place = Place::new();
    fs::write(place.path("my.txt"), format!("{HEAD}put a 1\n")).unwrap();
    let printed = place.run(&["record", "my.txt"]).code(0).out;
    assert!(printed.starts_with("{\n\"format\": \"tinydb-trace\""), "{printed}");
    assert_eq!(place.run(&["record", "my.txt", "--out", "my.json"]).code(0).out, "");
    assert_eq!(fs::read_to_string(place.path("my.json")).unwrap(), printed);
    fs::write(place.path("bad.txt"), format!("{HEAD}put a\n")).unwrap();
    let ran = place.run(&["record", "bad.txt"]).code(1);
    assert!(ran.err.contains("bad.txt:3: a value is missing"), "{}", ran.err);
}

fn line() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec!["a", "b", "c", "ab"]);
    let key = || key.clone();
    prop_oneof![
        6 => (key(), 0..9_u8).prop_map(|(key, value)| format!("put {key} {value}")),
        3 => key().prop_map(|key| format!("delete {key}")),
        3 => (key(), 0..9_u8).prop_map(|(key, by)| format!("merge {key} {by}")),
        3 => key().prop_map(|key| format!("get {key}")),
        1 => Just("scan".to_owned()),
        1 => Just("scan a b --limit 1".to_owned()),
        2 => Just("release\nflush".to_owned()),
        1 => Just("release\ncompact".to_owned()),
        1 => Just("release\ngc --min-age 0".to_owned()),
        2 => Just("crash\nopen".to_owned()),
        1 => Just("hold ssts".to_owned()),
        1 => Just("hold manifests".to_owned()),
        1 => Just("release".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// The recorder follows whatever happens, and tells it the same way each time.
    #[test]
    fn every_history_can_be_recorded(
        lines in prop::collection::vec(line(), 1..25),
        memtable in prop::sample::select(vec!["20", "60", "10k"]),
    ) {
        let text = format!(
            "with --merge-operator counter --run-sst-size 40 --block-size 20 --memtable-size {memtable}\n\
             put a 1\n{}\n",
            lines.join("\n")
        );
        let recording = recorded(&text);
        prop_assert!(recording.is_ok(), "{}\nof:\n{text}", recording.err().unwrap());
        let json = |recording: Recording| recording.to_json().unwrap();
        let again = recorded(&text).unwrap();
        prop_assert_eq!(json(recording.unwrap()), json(again), "twice:\n{}", text);
    }
}
