//! How commands are read.

use std::time::Duration;

use std::ops::Bound;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use tinydb::iter::BytesRange;
use tinydb_cli::command::{COMMANDS, Command, entry_named};
use tinydb_cli::data_set::{DataSet, Order};
use tinydb_cli::words::Shown;

fn read(line: &str) -> Command {
    Command::from_line(line.as_bytes()).unwrap().expect("the line holds a command")
}

fn refusal(line: &str) -> String {
    Command::from_line(line.as_bytes()).unwrap_err().to_string()
}

fn bytes(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

fn scan(range: impl Into<BytesRange>, limit: usize) -> Command {
    Command::Scan { range: range.into(), limit }
}

#[test]
fn a_line_without_a_word_is_no_command() {
    for line in ["", "  ", "# put a b", " \t# x"] {
        assert_eq!(Command::from_line(line.as_bytes()), Ok(None), "{line:?}");
    }
}

#[test]
fn every_command_is_read() {
    let (key, value) = (bytes("k"), bytes("v"));
    let data = |count| DataSet { count, value_size: 100, order: Order::Random, seed: 0 };
    let cases = [
        ("put k v", Command::Put { key: key.clone(), value: value.clone() }),
        ("put --k --v", Command::Put { key: bytes("--k"), value: bytes("--v") }),
        ("put k \"\"", Command::Put { key: key.clone(), value: bytes("") }),
        ("get k", Command::Get { key: key.clone() }),
        ("delete k", Command::Delete { key: key.clone() }),
        ("merge k v", Command::Merge { key: key.clone(), operand: value }),
        ("flush", Command::Flush),
        ("compact", Command::Compact),
        ("gc", Command::Gc { min_age: Duration::from_secs(300), dry_run: false }),
        ("gc --min-age 0 --dry-run yes", Command::Gc { min_age: Duration::ZERO, dry_run: true }),
        ("stats", Command::Stats),
        ("trace get k", Command::Trace(Box::new(Command::Get { key }))),
        ("fill 10", Command::Fill { data: data(10), batch: 1 }),
        ("fill --batch 5 10", Command::Fill { data: data(10), batch: 5 }),
        ("check 0", Command::Check(data(0))),
        ("help", Command::Help(None)),
        ("help scan", Command::Help(entry_named(b"scan"))),
        ("exit", Command::Exit),
    ];
    for entry in COMMANDS {
        // Scans have a test of their own.
        let covered = |name| name == "scan" || cases.iter().any(|(line, _)| line.starts_with(name));
        assert!(covered(entry.name), "{} is in no case above", entry.name);
    }
    for (line, expected) in cases {
        assert_eq!(read(line), expected, "{line}");
    }
}

#[test]
fn a_scan_takes_its_ends_or_a_prefix() {
    let all = usize::MAX;
    assert_eq!(read("scan"), scan(.., all));
    assert_eq!(read("scan a"), scan("a".., all));
    assert_eq!(read("scan a c"), scan("a".."c", all));
    assert_eq!(read("scan --limit 3 a"), scan("a".., 3));
    assert_eq!(read("scan a --limit 3 c"), scan("a".."c", 3));
    assert_eq!(read("scan --prefix a"), scan("a".."b", all));
    assert_eq!(read(r#"scan "--prefix" c"#), scan("--prefix".."c", all));
    let Command::Scan { range, .. } = read(r"scan --prefix \xff") else { panic!("no scan") };
    assert_eq!(range.end, Bound::Unbounded);
}

#[test]
fn a_data_set_has_options() {
    let data = DataSet { count: 7, value_size: 3, order: Order::Sequential, seed: 9 };
    assert_eq!(read("check 7 --seed 9 --order sequential --value-size 3"), Command::Check(data));
}

#[test]
fn what_does_not_fit_is_refused_with_a_reason() {
    let cases = [
        ("frobnicate", "there is no command frobnicate"),
        ("PUT a b", "there is no command PUT"),
        ("\"\"", "there is no command \"\""),
        ("put", "a key is missing"),
        ("put a", "a value is missing; it is used as `put KEY VALUE`"),
        ("put a b c", "c is one word too many"),
        ("merge a", "an operand is missing"),
        ("flush now", "now is one word too many"),
        ("scan a b c", "c is one word too many"),
        ("scan --prefix", "--prefix needs a value"),
        ("scan --prefix a b", "--prefix takes the place of FROM and TO"),
        ("scan --prefix a --prefix b", "--prefix is there twice"),
        ("scan --frob", "there is no option --frob, but there are --prefix --limit"),
        ("scan --limit -1", "-1 is no number"),
        ("scan --limit 99999999999999999999", "99999999999999999999 is no number"),
        ("trace", "trace needs a command"),
        ("trace trace get a", "a trace can't be traced"),
        ("fill", "a number of keys is missing"),
        ("fill many", "many is no number"),
        ("fill 1 --batch 0", "--batch is 0"),
        ("fill 1 --order best", "--order is random or sequential"),
        ("fill 1 --value-size 4294967296", "a value has at most 4294967295 bytes"),
        ("check 1 --batch 2", "there is no option --batch"),
        ("help me", "there is no command me"),
        ("put \"a", "has no \" at its end"),
    ];
    for (line, expected) in cases {
        let refusal = refusal(line);
        assert!(refusal.contains(expected), "{line}: {refusal}");
    }
}

proptest! {
    #[test]
    fn every_key_and_value_can_be_written(key: Vec<u8>, value: Vec<u8>) {
        let line = format!("put {} {}", Shown(&key), Shown(&value));
        let expected = Command::Put { key: key.into(), value: value.into() };
        prop_assert_eq!(Command::from_line(line.as_bytes()), Ok(Some(expected)));
    }

    #[test]
    fn no_line_makes_it_panic(
        name in (0..COMMANDS.len()).prop_map(|number| COMMANDS[number].name),
        rest in vec(prop_oneof![
            Just("--limit".to_owned()), Just("--prefix".to_owned()), Just("trace".to_owned()), ".{0,5}",
        ], 0..6),
    ) {
        let line = format!("{name} {}", rest.join(" "));
        let _ = Command::from_line(line.as_bytes());
    }
}
