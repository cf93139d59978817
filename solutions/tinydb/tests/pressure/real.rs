//! The real thing, in child processes: this program again, with one test, under a shell that takes
//! something away from it first.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::*;

/// Tells a child where its directory is.
const DIRECTORY: &str = "TINYDB_PRESSURE_DIRECTORY";

/// The directory, in a child that was started for this.
fn directory() -> Option<PathBuf> {
    env::var_os(DIRECTORY).map(PathBuf::from)
}

/// Runs a test of this program in a child process, behind what `shell` does.
fn run_child(test: &str, program: &[&str], shell: &str, directory: &Path) {
    let this = env::current_exe().expect("this program");
    let script = format!("{shell} && exec \"$0\" --exact {test} --ignored --nocapture");
    let mut child = Command::new(program[0]);
    child.args(&program[1..]).args(["sh", "-c", &script]).arg(this).env(DIRECTORY, directory);
    child.stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = start(&mut child).wait_with_output().expect("its output");
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{errors}");
}

fn start(command: &mut Command) -> Child {
    let _no_directory = DIRECTORIES.lock();
    command.spawn().expect("a program that is there")
}

/// Runs it with a small file system of its own in the directory, if that is allowed.
fn run_in_small_file_system(test: &str) {
    let folder = TempFolder::new();
    let mount = format!("mount -t tmpfs -o size=256k none '{}'", folder.path().display());
    let unshare = ["unshare", "--user", "--map-root-user", "--mount"];
    let mut trial = Command::new("sh");
    trial.args(["-c", &format!("{} sh -c \"{mount}\"", unshare.join(" "))]);
    if !start(&mut trial).wait().is_ok_and(|status| status.success()) {
        println!("left out: {test}, for a process may not mount a file system here");
        return;
    }
    run_child(test, &unshare, &mount, folder.path());
}

/// With memtables of a few pages: on a disk, the smallest file takes one.
fn open_in(directory: &Path) -> Result<Db> {
    let settings = Settings { l0_sst_size_bytes: 16 << 10, ..settings() };
    Db::builder(directory).with_settings(settings).build()
}

#[test]
fn a_full_disk() {
    run_in_small_file_system("real::fill_the_disk");
}

#[test]
#[ignore = "another test starts it in a process of its own"]
fn fill_the_disk() {
    let Some(directory) = directory() else { return };
    let filler = directory.join("filler");
    fs::write(&filler, vec![0; 100 << 10]).expect("there is room");
    let db = open_in(&directory.join("db")).expect("there is room");
    let mut count = 0;
    let error = loop {
        match db.put(key(count), value(count)) {
            Ok(_) => count += 1,
            Err(error) => break error,
        }
    };
    assert!(has_cause(&error, &[ErrorKind::StorageFull]), "{error}");
    println!("full after {count} writes: {error}");
    assert_holds(&db, count, count, "reads go on");
    drop(db);
    match open_in(&directory.join("db")) {
        Ok(db) => drop(assert_holds(&db, count, count + 1, "on the full disk")),
        Err(error) => {
            println!("and it does not open: {error}");
            assert!(has_cause(&error, &[ErrorKind::StorageFull]), "{error}");
        }
    }
    fs::remove_file(filler).expect("it is there");
    let db = open_in(&directory.join("db")).expect("there is room again");
    let count = assert_holds(&db, count, count + 1, "when there is room again");
    db.put(key(count), value(count)).expect("there is room again");
    db.flush().expect("there is room again");
    assert_holds(&db, count + 1, count + 1, "after a flush");
}

#[test]
fn a_directory_that_is_read_only() {
    run_in_small_file_system("real::read_only");
}

#[test]
#[ignore = "another test starts it in a process of its own"]
fn read_only() {
    let Some(directory) = directory() else { return };
    let remount = |how: &str| {
        let options = format!("remount,{how}");
        let mut mount = Command::new("mount");
        mount.args(["-o", &options]).arg(&directory);
        assert!(mount.status().is_ok_and(|status| status.success()), "mount -o {options}");
    };
    let path = directory.join("db");
    let db = open_in(&path).expect("a new database");
    db.put(key(0), value(0)).expect("a write");
    drop(db);
    remount("ro");
    let error = open_in(&path).expect_err("a directory that is read-only");
    println!("{error}");
    assert!(has_cause(&error, &[ErrorKind::ReadOnlyFilesystem]), "{error}");
    assert!(error.to_string().contains(&path.display().to_string()), "it names the path: {error}");
    remount("rw");
    assert_holds(&open_in(&path).expect("a directory as it was"), 1, 1, "writable again");
}

#[test]
fn too_many_open_files() {
    let folder = TempFolder::new();
    run_child("real::take_all_files", &["env"], "ulimit -n 40", folder.path());
}

#[test]
#[ignore = "another test starts it in a process of its own"]
fn take_all_files() {
    let Some(directory) = directory() else { return };
    let path = directory.join("db");
    // Without a cache, every read needs a file.
    let settings = Settings { block_cache_bytes: 0, ..settings() };
    let open = || Db::builder(&path).with_settings(settings.clone()).build();
    let db = open().expect("a new database");
    db.put(key(0), value(0)).expect("a write");
    db.flush().expect("a flush");
    // The files of the log and of SSTs that were read lately are open, so writes and their reads go on. A flush and a
    // compaction can't.
    let taken: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    db.put(key(1), value(1)).expect("the log's file is open");
    let found = db.get(key(0)).expect("the SST's file is open");
    assert_eq!(found.as_deref(), Some(value(0).as_bytes()));
    let failed = [db.flush().err(), db.compact().err(), open().err()];
    for error in failed {
        let message = error.expect("no file can be opened").to_string();
        println!("{message}");
        let is_told = message.contains("os error 24") || message.contains("locked");
        assert!(is_told, "too many open files: {message}");
    }
    drop(taken);
    db.flush().expect("files can be opened again");
    assert_holds(&db, 2, 2, "files can be opened again");
    db.put(key(2), value(2)).expect("a write");
    db.compact().expect("a compaction");
    drop(db);
    assert_holds(&open().expect("it opens"), 3, 3, "after a restart");
}
