//! The table.

use std::fmt::Write as _;

use serde::Serialize;

use crate::workload::AT_ONCE;
use tinydb_compare::engine::{EngineKind, LogClass, StoreKind};
use tinydb_compare::machine::{Machine, version};
use tinydb_compare::measure::{Run, Size, Subject, median};

/// Everything that was measured, and how.
#[derive(Debug, Serialize)]
pub struct Report {
    /// What it was measured on.
    pub machine: Machine,
    /// The engines and their versions, the first of which the others are compared with.
    pub engines: Vec<(EngineKind, String)>,
    /// What all have in common, and what not, a line each.
    pub settings: Vec<String>,
    /// Every figure of every round.
    pub runs: Vec<Run>,
    /// What the tables took on disk, in every round.
    pub sizes: Vec<Size>,
}

/// The medians of one workload on one engine.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    /// Which engine.
    pub engine: EngineKind,
    /// Operations in each second.
    pub per_second: f64,
    /// The same, divided by that of the first engine.
    pub ratio: f64,
    /// The median of the operations' times.
    pub p50_micros: f64,
    /// 99 of 100 operations took less.
    pub p99_micros: f64,
}

impl Report {
    /// What was measured, in the order in which it was, with a line for each engine that did it.
    pub fn groups(&self, store: StoreKind) -> Vec<(Subject, Vec<Line>)> {
        let mut subjects: Vec<Subject> = Vec::new();
        for run in self.runs.iter().filter(|run| run.subject.store == store) {
            if !subjects.contains(&run.subject) {
                subjects.push(run.subject);
            }
        }
        // An engine that can't do one leaves a hole in the order; the writes come first all the same.
        subjects.sort_by_key(|subject| !subject.workload.starts_with("put"));
        subjects.into_iter().map(|subject| (subject, self.lines(subject))).collect()
    }

    fn lines(&self, subject: Subject) -> Vec<Line> {
        let mut lines: Vec<Line> = Vec::new();
        for &(engine, _) in &self.engines {
            let runs =
                || self.runs.iter().filter(|run| run.subject == subject && run.engine == engine);
            let of = |figure: fn(&Run) -> f64| median(runs().map(figure).collect());
            if runs().next().is_none() {
                continue;
            }
            let per_second = of(|run| run.per_second);
            let first = lines.first().map_or(per_second, |line| line.per_second);
            lines.push(Line {
                engine,
                per_second,
                ratio: per_second / first,
                p50_micros: of(|run| run.p50_micros),
                p99_micros: of(|run| run.p99_micros),
            });
        }
        lines
    }

    fn has(&self, engine: EngineKind) -> bool {
        self.engines.iter().any(|&(kind, _)| kind == engine)
    }

    /// The whole report as text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // SlateDB is named once.
        let is_twice = |kind| kind == EngineKind::SlatedbAsync && self.has(EngineKind::Slatedb);
        let engines = self.engines.iter().filter(|(kind, _)| !is_twice(*kind));
        let engines: Vec<_> = engines.map(|(_, name)| name.as_str()).collect();
        // Writing to a string can't fail.
        let _ = writeln!(text, "engines   {}", engines.join(", "));
        text.push_str(&self.machine.text(&self.settings));
        for (store, title) in [(StoreKind::Disk, "on disk"), (StoreKind::Memory, "in memory")] {
            let groups = self.groups(store);
            if groups.is_empty() {
                continue;
            }
            let _ = write!(text, "\n{title:24}");
            let _ = writeln!(text, " engine        per second  ratio    p50 µs    p99 µs");
            for (subject, lines) in groups {
                let mut name = title_of(subject);
                for line in lines {
                    let Line { engine, per_second, ratio, p50_micros, p99_micros } = line;
                    let _ = writeln!(
                        text,
                        "{name:24} {:13} {:>10} {:>6} {:>9} {:>9}",
                        engine.name(),
                        grouped(per_second),
                        times(ratio),
                        micros(p50_micros),
                        micros(p99_micros),
                    );
                    name.clear();
                }
            }
        }
        if !self.sizes.is_empty() {
            let _ = writeln!(text, "\nafter the puts           engine            tables     MB");
            for &(engine, _) in &self.engines {
                let of = |figure: fn(&Size) -> f64| {
                    let sizes = self.sizes.iter().filter(|size| size.engine == engine);
                    median(sizes.map(figure).collect())
                };
                let (tables, bytes) = (of(|size| size.tables as f64), of(|size| size.bytes as f64));
                if !bytes.is_nan() {
                    let megabytes = bytes / 1e6;
                    let name = engine.name();
                    let _ = writeln!(text, "{:24} {name:13} {tables:>10.0} {megabytes:>6.1}", "");
                }
            }
        }
        text
    }
}

/// What a workload is called.
pub fn title_of(subject: Subject) -> String {
    match (subject.workload, subject.log) {
        ("put", LogClass::Buffered) => "put, buffered".to_owned(),
        ("put", LogClass::Os) => "put, log with the OS".to_owned(),
        ("put x1", _) => "put, durable, 1 at once".to_owned(),
        ("put x16", _) => format!("put, durable, {AT_ONCE} at once"),
        ("open", _) => "open, rows recovered".to_owned(),
        ("scan", _) => "scan, rows".to_owned(),
        (workload, _) => workload.to_owned(),
    }
}

/// 1234567.8 as `1,234,568`.
pub fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut grouped = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A ratio, with as many digits as say something.
pub fn times(ratio: f64) -> String {
    let digits = match ratio {
        ratio if ratio >= 9.95 => 0,
        ratio if ratio >= 0.995 => 1,
        ratio if ratio >= 0.0995 => 2,
        _ => 3,
    };
    format!("{ratio:.digits$}")
}

fn micros(micros: f64) -> String {
    if micros >= 100.0 { grouped(micros) } else { format!("{micros:.1}") }
}

/// The engines that were measured, with their versions.
pub fn with_version(engine: EngineKind) -> (EngineKind, String) {
    let name = match engine {
        EngineKind::Tinydb => format!("TinyDB {}", version("tinydb")),
        #[cfg(feature = "mine")]
        EngineKind::Mine => "mine (your chapter crate)".to_owned(),
        EngineKind::Slatedb => format!("SlateDB {}", version("slatedb")),
        EngineKind::SlatedbAsync => format!("SlateDB async {}", version("slatedb")),
        EngineKind::Fjall => format!("fjall {}", version("fjall")),
        #[cfg(feature = "rocksdb")]
        EngineKind::RocksDb => format!("RocksDB {}", version("librocksdb-sys")),
        EngineKind::Map => "an ordered map and a log".to_owned(),
    };
    (engine, name)
}
