//! What the figures were measured on, and of what.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde::Serialize;
use sysinfo::{Disks, System};

/// Waits until the system has written what it holds back, of this engine and of those before it. Otherwise
/// it does so beside the next measurement. Where there is no such command, nothing is waited for.
pub fn sync_disk() {
    let _ = Command::new("sync").status();
}

/// The machine: what matters for the figures, and nothing that names it.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// What the processor calls itself.
    pub processor: String,
    /// How many threads can run at once.
    pub cores: usize,
    /// The memory in bytes.
    pub memory: u64,
    /// The operating system.
    pub system: String,
    /// The file system that the databases are in.
    pub file_system: String,
}

impl Machine {
    /// The first lines of a table: the machine, and what was set.
    pub fn text(&self, settings: &[String]) -> String {
        let Self { processor, cores, memory, system, file_system } = self;
        let memory = memory >> 30;
        let mut text = format!(
            "machine   {processor}, {cores} cores, {memory} GiB of memory\n          {system}, file system {file_system}\n"
        );
        for (number, line) in settings.iter().enumerate() {
            let name = if number == 0 { "settings" } else { "" };
            // Writing to a string can't fail.
            let _ = writeln!(text, "{name:9} {line}");
        }
        text
    }

    /// This machine, and the file system of a directory.
    pub fn of(directory: &Path) -> Self {
        let system = System::new_all();
        let unknown = || "unknown".to_owned();
        let processor = system.cpus().first().map(|cpu| cpu.brand().trim().to_owned());
        let directory = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
        let disks = Disks::new_with_refreshed_list();
        // The disk that is mounted deepest above the directory.
        let disk = disks
            .iter()
            .filter(|disk| directory.starts_with(disk.mount_point()))
            .max_by_key(|disk| disk.mount_point().components().count());
        Self {
            processor: processor.filter(|name| !name.is_empty()).unwrap_or_else(unknown),
            cores: system.cpus().len(),
            memory: system.total_memory(),
            system: System::long_os_version().unwrap_or_else(unknown),
            file_system: disk
                .map_or_else(unknown, |disk| disk.file_system().to_string_lossy().into_owned()),
        }
    }
}

/// The version of a package that this program is built with.
pub fn version(package: &str) -> &'static str {
    const LOCK: &str = include_str!("../Cargo.lock");
    let wanted = format!("name = \"{package}\"");
    LOCK.split("[[package]]")
        .find(|entry| entry.lines().any(|line| line == wanted))
        .and_then(|entry| entry.lines().find_map(|line| line.strip_prefix("version = ")))
        .map_or("of an unknown version", |version| version.trim_matches('"'))
}

/// The bytes of all files in a directory and below.
pub fn bytes_below(directory: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        // A file may go while we look.
        let Ok(metadata) = entry.metadata() else { continue };
        bytes += if metadata.is_dir() { bytes_below(&entry.path())? } else { metadata.len() };
    }
    Ok(bytes)
}

/// The most memory that this process has had, in MiB: `VmHWM` of Linux.
pub fn peak_memory() -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status").context("peak memory needs Linux")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: f64 = line.and_then(|it| it.split_whitespace().next()).context("VmHWM")?.parse()?;
    Ok(kib / 1024.0)
}
