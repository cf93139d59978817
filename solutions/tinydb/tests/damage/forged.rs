//! Files that are wrong, and whose checksums are right: made by a faulty program, or by an enemy.
//!
//! A checksum finds what decays; it does not make what a file says true. So every byte under a checksum
//! is changed, the checksum is made right again, and the database is opened, read, written to and
//! compacted. What it answers can't be right. It has failed if there is a panic, also in a thread in
//! the background, or no end, or more memory than [`MOST_MEMORY`] is asked for at once.
//!
//! It is done in a child process, whose memory is measured.

use std::ops::Range;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::{env, fs, panic, thread};

use testkit::deadline;
use tinydb::Result;
use tinydb::format::FormatVersion;

use super::sample::{Layout, Machine, Sample, settings};
use super::{DIRECTORIES, masks, seals, step};

/// By so much the address space of the process may grow over what undamaged files need. The files
/// together have 3 KiB; a length that is believed asks for up to 4 GiB.
const MOST_MEMORY: u64 = 48 << 20;

/// More rows than any of the files can hold.
const MOST_ROWS: usize = 10_000;

const CHILD: &str = "TINYDB_FORGED_CHILD";

/// The threads that panicked, and where.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Everything that a user can do. Whether it goes well does not matter.
fn use_database(machine: &Machine, sample: &Sample, version: FormatVersion) -> Result<()> {
    let db = machine.builder(settings(version)).build()?;
    for key in sample.contents().keys() {
        drop(db.get(key));
    }
    let rows = db.scan(..)?.take(MOST_ROWS).take_while(Result::is_ok).count();
    assert!(rows < MOST_ROWS, "a scan without an end");
    drop(db.put("new", "1"));
    drop(db.flush());
    drop(db.compact());
    drop(db.collect_garbage(std::time::Duration::ZERO));
    drop(db.get("new"));
    let rows = db.scan(..)?.take(MOST_ROWS).take_while(Result::is_ok).count();
    assert!(rows < MOST_ROWS, "a scan without an end, after a compaction");
    db.close()
}

/// A file with one byte changed, and its checksum right.
struct Forgery<'a> {
    path: &'a str,
    stretch: Range<usize>,
    at: usize,
    mask: u8,
}

fn forgeries(sample: &Sample) -> Vec<Forgery<'_>> {
    let mut all = Vec::new();
    for (path, file) in &sample.files {
        for stretch in seals::sealed(path, file) {
            for at in stretch.clone() {
                all.extend(masks(at).into_iter().map(|mask| Forgery {
                    path,
                    stretch: stretch.clone(),
                    at,
                    mask,
                }));
            }
        }
    }
    all.into_iter().step_by(step()).collect()
}

/// Tries all forgeries of a database.
fn try_all(layout: Layout, version: FormatVersion) {
    let sample = Sample::new(layout, version);
    use_database(&Machine::with_files(sample.layout, &sample.files), &sample, version)
        .expect("undamaged files");
    let before = peak_memory();
    let forgeries = forgeries(&sample);
    for Forgery { path, stretch, at, mask } in &forgeries {
        let mut file = sample.files[*path].to_vec();
        file[*at] ^= mask;
        seals::seal(&mut file, stretch);
        let machine = Machine::with_files(sample.layout, &sample.files);
        machine.set(path, Some(&file));
        // An error is as good as an answer.
        drop(use_database(&machine, &sample, version));
        let what = format!("{}, {path}, byte {at} ^ {mask:#04x}", sample.name);
        let panics = PANICS.lock().expect("no panic");
        assert!(panics.is_empty(), "{what}: {panics:?}");
        let grown = peak_memory().saturating_sub(before);
        assert!(grown <= MOST_MEMORY, "{what}: {grown} bytes more");
    }
    let grown = peak_memory().saturating_sub(before);
    println!("{}: {} forgeries, {grown} bytes more", sample.name, forgeries.len());
}

/// The most bytes that the address space of this process has had; 0 where that is not told.
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmPeak:"));
    let peak = peak.and_then(|peak| peak.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    peak.map_or(0, |kibibytes| kibibytes << 10)
}

fn work() {
    let show = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if thread::current().name().is_some_and(|name| name.starts_with("tinydb-")) {
            PANICS.lock().expect("no panic").push(info.to_string());
        }
        show(info);
    }));
    for (layout, version) in [
        (Layout::Disk, FormatVersion::V2),
        (Layout::Disk, FormatVersion::V1),
        (Layout::Objects, FormatVersion::V2),
    ] {
        try_all(layout, version);
    }
}

#[test]
fn make_no_panic_no_loop_and_no_large_allocation() {
    if env::var_os(CHILD).is_some() {
        return deadline(7200, work);
    }
    let name = "forged::make_no_panic_no_loop_and_no_large_allocation";
    // One arena: each further one would count as 64 MiB of address space.
    let mut child = Command::new(env::current_exe().expect("this program"));
    child
        .args(["--exact", name, "--nocapture"])
        .envs([(CHILD, "1"), ("MALLOC_ARENA_MAX", "1")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let started = {
        let _no_directory = DIRECTORIES.lock();
        child.spawn().expect("a child")
    };
    let output = started.wait_with_output().expect("its output");
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{errors}");
    print!("{said}");
}
