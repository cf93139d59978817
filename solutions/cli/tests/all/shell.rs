//! The program `tinydb`, as a script uses it.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

/// A folder with room for a database.
pub struct Place {
    folder: TempDir,
}

impl Place {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A path in the folder.
    pub fn path(&self, inside: &str) -> PathBuf {
        self.folder.path().join(inside)
    }

    fn tinydb(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tinydb"));
        command.args(args).current_dir(self.folder.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn spawn(&self, args: &[&str]) -> Child {
        self.tinydb(args).spawn().unwrap()
    }

    /// Runs `tinydb` with some arguments, and `input` in its standard input.
    pub fn run_with(&self, args: &[&str], input: &str) -> Ran {
        let mut child = self.spawn(args);
        let written = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        // Who stops at an error does not read to the end.
        assert!(written.is_ok() || !output.status.success());
        Ran::new(output)
    }

    /// Runs `tinydb` with some arguments, and nothing to read.
    pub fn run(&self, args: &[&str]) -> Ran {
        self.run_with(args, "")
    }

    /// The one file in a folder of the database `db`.
    pub fn only_file(&self, folder: &str) -> PathBuf {
        let mut files = fs::read_dir(self.path("db").join(folder)).unwrap();
        let file = files.next().unwrap().unwrap().path();
        assert!(files.next().is_none(), "there is one file in {folder}");
        file
    }
}

/// What a run of `tinydb` came to.
#[derive(Debug)]
pub struct Ran {
    pub out: String,
    pub err: String,
    pub code: i32,
}

impl Ran {
    fn new(output: Output) -> Self {
        Self {
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
            code: output.status.code().expect("it was not killed"),
        }
    }

    /// Checks the exit code, and returns what was printed.
    #[track_caller]
    pub fn code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }
}

#[test]
fn one_command_is_an_argument() {
    let place = Place::new();
    place.run(&["db", "put", "apple", "red fruit"]).code(0);
    let got = place.run(&["db", "get", "apple"]).code(0);
    assert_eq!((&got.out[..], &got.err[..]), ("\"red fruit\"\n", ""));
    place.run(&["db", "delete", "apple"]).code(0);
    assert_eq!(place.run(&["db", "get", "apple"]).code(2).out, "(not found)\n");
}

#[test]
fn a_new_database_is_announced() {
    let place = Place::new();
    let first = place.run(&["db", "put", "--", "v"]).code(0);
    assert_eq!((&first.out[..], &first.err[..]), ("", "made a new database in db\n"));
    assert_eq!(place.run(&["db", "stats"]).code(0).err, "");
}

#[test]
fn a_script_has_a_command_a_line() {
    let place = Place::new();
    let script = "# fruit\nput b 2\n\n  put a \"x\\x00y\"  # one more\r\nput c 3\nscan\nscan a c\nscan --prefix c\nscan --limit 1";
    let ran = place.run_with(&["db"], script).code(0);
    assert_eq!(ran.out, "a \"x\\x00y\"\nb 2\nc 3\na \"x\\x00y\"\nb 2\nc 3\na \"x\\x00y\"\n");
}

#[test]
fn a_script_ends_at_the_first_failure() {
    let place = Place::new();
    let script = "put a 1\nget nothing\nfrob\nput b 2\n";
    let ran = place.run_with(&["db"], script).code(1);
    assert!(ran.err.contains("line 3: there is no command frob"), "{}", ran.err);
    assert_eq!(place.run(&["db", "scan"]).out, "a 1\n");
}

#[test]
fn a_script_can_go_on_behind_a_failure() {
    let place = Place::new();
    let ran =
        place.run_with(&["--keep-going", "db"], "frob\nput b 2\nget \"\\q\"\nget b\n").code(1);
    assert!(ran.err.contains("line 1: there is no"), "{}", ran.err);
    assert!(ran.err.contains(r"line 3: \q is no escape"), "{}", ran.err);
    assert_eq!(ran.out, "2\n");
}

#[test]
fn a_script_that_finds_nothing_has_not_failed() {
    let place = Place::new();
    let ran = place.run_with(&["db"], "get a\nput a 1\nget a\n").code(2);
    assert_eq!(ran.out, "(not found)\n1\n");
}

#[test]
fn exit_ends_a_script() {
    let place = Place::new();
    assert_eq!(place.run_with(&["db"], "put a 1\nexit\nfrob\n").code(0).out, "");
}

#[test]
fn the_engines_errors_are_passed_on() {
    let place = Place::new();
    let ran = place.run(&["db", "put", "", "v"]).code(1);
    assert!(ran.err.contains("invalid key: it has 0 bytes"), "{}", ran.err);
    let ran = place.run(&["--memtable-size", "0", "db", "stats"]).code(1);
    assert!(ran.err.contains("invalid l0_sst_size_bytes"), "{}", ran.err);
    fs::write(place.path("file"), "").unwrap();
    place.run(&["file", "stats"]).code(1);
}

#[test]
fn a_database_is_open_once() {
    let place = Place::new();
    let mut first = place.spawn(&["db"]);
    let mut input = first.stdin.take().unwrap();
    let mut output = BufReader::new(first.stdout.take().unwrap()).lines();
    input.write_all(b"put a 1\nget a\n").unwrap();
    // The answer comes at once, although the script goes on.
    assert_eq!(output.next().unwrap().unwrap(), "1");
    let ran = place.run(&["db", "get", "a"]).code(1);
    assert!(ran.err.contains("the database is open already"), "{}", ran.err);
    let wal = place.only_file("wal");
    place.run(&["inspect", wal.to_str().unwrap()]).code(0);
    drop(input);
    assert!(first.wait().unwrap().success());
    place.run(&["db", "get", "a"]).code(0);
}

#[test]
fn a_slip_makes_no_database() {
    let place = Place::new();
    let ran = place.run(&["put", "a", "1"]).code(1);
    assert!(ran.err.contains("there is no command a"), "{}", ran.err);
    let ran = place.run(&["stats"]).code(1);
    assert!(ran.err.contains("there is no database in stats"), "{}", ran.err);
    place.run(&["db", "frob"]).code(1);
    place.run(&["db", "get"]).code(1);
    assert_eq!(fs::read_dir(place.path(".")).unwrap().count(), 0);
    place.run(&["./stats", "stats"]).code(0);
    place.run(&["stats", "stats"]).code(0);
}

#[test]
fn wrong_usage_is_a_failure_and_help_is_none() {
    let place = Place::new();
    for args in [&[][..], &["--frob", "db"], &["--durability", "no", "db"], &["inspect"]] {
        assert!(!place.run(args).code(1).err.is_empty());
    }
    for size in ["", "k", "1q", "-1", "99999999999g"] {
        place.run(&["--block-size", size, "db", "stats"]).code(1);
    }
    let help = place.run(&["--help"]).code(0).out;
    for word in ["fill COUNT", "inspect", "--keep-going", "Exit code:"] {
        assert!(help.contains(word), "{word} is not in: {help}");
    }
    place.run(&["-h"]).code(0);
    place.run(&["--version"]).code(0);
    assert!(place.run(&["db", "help"]).code(0).out.contains("scan [FROM] [TO]"));
    assert!(place.run(&["db", "help", "scan"]).code(0).out.contains("--prefix"));
}

#[test]
fn a_trace_numbers_the_steps() {
    let place = Place::new();
    let script = "trace put a 1\ntrace get a\nflush\ntrace get a\ntrace get b\ntrace frob";
    let ran = place.run_with(&["db"], script).code(1);
    let expected = "\
1. WalAppend wal 1, 1 row
2. MemTableInsert b\"a\" seq 1
3. Commit seq 1
1
1. MemTableLookup: found
1
1. MemTableLookup: not found
2. SstLookup sst 1: found
(not found)
1. MemTableLookup: not found
2. SstLookup sst 1: not found
";
    assert_eq!(ran.out, expected);
    let failed = place.run(&["db", "trace", "put", "", "v"]).code(1);
    assert!(failed.err.contains("invalid key"), "{}", failed.err);
    assert_eq!(place.run(&["db", "trace", "get", "b"]).code(2).out.lines().count(), 3);
}

#[test]
fn opening_can_be_traced() {
    let place = Place::new();
    place.run(&["db", "put", "a", "1"]).code(0);
    let ran = place.run(&["--trace-open", "db", "get", "a"]).code(0);
    assert_eq!(ran.out, "1. WalReplay wal 1, 1 row\n1\n");
}

#[test]
fn a_compaction_and_a_collection_leave_one_sst() {
    let place = Place::new();
    let script = "put a 1\nflush\nput b 2\nflush\ndelete a\ncompact\nstats\n\
                  gc --min-age 0 --dry-run yes\ngc --min-age 0\ngc --min-age 0\nscan\n";
    let ran = place.run_with(&["db"], script).code(0);
    let figure = |name: &str| {
        let line = ran.out.lines().find(|line| line.starts_with(name)).expect(name);
        line.rsplit(' ').next().expect("a figure").to_owned()
    };
    assert_eq!((figure("level-0 SSTs"), figure("sorted runs")), ("0".into(), "1".into()));
    assert_eq!(figure("SST rows"), "1");
    // Three SSTs were merged: the dry run names them, the collection deletes them, then none is left.
    for id in 1..=3 {
        let path = format!("sst/{id:020}.sst");
        assert_eq!(ran.out.lines().filter(|line| *line == path).count(), 2, "{path}: {}", ran.out);
    }
    assert!(ran.out.ends_with("\nb 2\n"), "{}", ran.out);
}

#[test]
fn a_flush_is_seen_in_the_figures() {
    let place = Place::new();
    let ran = place.run_with(&["db"], "put a 1\nput b 2\nflush\nput c 3\nstats\n").code(0);
    let figure = |name: &str| {
        let line = ran.out.lines().find(|line| line.starts_with(name)).expect(name);
        line.split_whitespace().last().unwrap().to_owned()
    };
    assert_eq!(figure("memtable rows"), "1");
    assert_eq!(figure("level-0 SSTs"), "1");
    assert_eq!(figure("SST rows"), "2");
    assert_eq!(figure("last sequence number"), "3");
    // Two rows of a key and a value of one byte each, and their sequence numbers.
    assert_eq!(figure("flushed memtable bytes"), "20");
    assert_eq!(figure("read amplification"), "1");
    assert_eq!(figure("space amplification"), "-", "there is no sorted run");
}

#[test]
fn a_large_data_set_is_written_and_read_back() {
    let place = Place::new();
    let options = ["--memtable-size", "20k", "--max-unflushed", "1m", "--block-size", "512"];
    let script = "fill 1000 --batch 7\ncheck 1000\ncheck 1000 --order sequential\nscan --limit 1\n";
    let args = [&options[..], &["--durability", "buffered", "db"]].concat();
    let ran = place.run_with(&args, script).code(0);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert!(lines[0].starts_with("wrote 1000 keys in "), "{lines:?}");
    assert!(lines[1].starts_with("read 1000 keys in "), "{lines:?}");
    assert!(lines[3].starts_with("key000000000000 "), "{lines:?}");
    assert!(fs::read_dir(place.path("db/sst")).unwrap().count() > 1, "the sizes were used");

    let ran = place
        .run_with(
            &["db"],
            "put key000000000005 x\ndelete key000000000007\ncheck 10 --order sequential",
        )
        .code(1);
    assert!(
        ran.err.contains("2 of 10 keys are wrong; the first is key000000000005"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("and is x"), "{}", ran.err);
    assert!(place.run(&["db", "check", "1001"]).code(1).err.contains("and was not found"));
    place.run(&["db", "fill", "0"]).code(0);
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let place = Place::new();
    place.run(&["db", "fill", "5000"]).code(0);
    let mut child = place.spawn(&["db", "scan"]);
    drop(child.stdin.take());
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut String::new()).unwrap();
    drop(output);
    let ran = Ran::new(child.wait_with_output().unwrap());
    assert_eq!(ran.err, "");
    // The database was closed as it should be.
    place.run(&["db", "check", "5000"]).code(0);
}

#[test]
fn a_merge_without_an_operator_is_refused() {
    let place = Place::new();
    let ran = place.run(&["db", "merge", "a", "1"]).code(1);
    assert!(ran.err.contains("merge operator"), "{}", ran.err);
    place.run(&["--merge-operator", "none", "db", "stats"]).code(0);
    place.run(&["--merge-operator", "frob", "db", "stats"]).code(1);
}

#[test]
fn operands_are_merged_as_the_operator_says() {
    let place = Place::new();
    for (operator, first, second, expected) in [
        ("counter", "40", "2", "42"),
        ("concat", "ab", "c", "abc"),
        ("register", "=40", "+2", "=42"),
    ] {
        let run =
            |args: &[&str]| place.run(&[&["--merge-operator", operator, operator], args].concat());
        run(&["merge", "key", first]).code(0);
        run(&["merge", "key", second]).code(0);
        let ran = run(&["get", "key"]).code(0);
        assert_eq!(ran.out, format!("{expected}\n"), "{operator}");
        run(&["put", "key", first]).code(0);
        run(&["merge", "key", second]).code(0);
        assert_eq!(run(&["scan"]).code(0).out, format!("key {expected}\n"), "{operator}");
    }
}

#[test]
fn an_operand_that_makes_no_sense_is_an_error_of_its_reader() {
    let place = Place::new();
    let run = |args: &[&str]| place.run(&[&["--merge-operator", "counter", "db"], args].concat());
    run(&["merge", "key", "many"]).code(0);
    let ran = run(&["get", "key"]).code(1);
    assert!(ran.err.contains("key"), "{}", ran.err);
}
