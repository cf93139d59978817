//! The compaction simulator of week 8: what the book shows of it is what it prints, and it doesn't
//! believe a scheduler that is wrong.
//!
//! `TINYDB_FIGURES=1 cargo test -p tinydb --test week8_simulate` writes what the book shows anew.

#![expect(dead_code, reason = "the example's `main` is for the terminal")]

extern crate tinydb as week8;

#[path = "../../../chapters/week8/examples/simulate/main.rs"]
mod simulate;

use std::path::Path;
use std::{env, fs};

use simulate::{Command, Options, Outcome, Sample, report, simulate_with};
use week8::compaction::{CompactionScheduler, CompactionSpec, Levels, SourceId};

/// The simulations of which the book shows a chart and a table.
const CHARTS: [(&str, &str); 3] =
    [("tiered", ""), ("all", "--scheduler all"), ("stall", "--speed 4")];

/// The simulations of which the book shows a line, in tables by name.
const LINES: [(&str, &[&str]); 3] = [
    ("schedulers", &["--scheduler none --l0-max 1000", "--scheduler all", ""]),
    (
        "options",
        &[
            "",
            "--min-sources 2",
            "--min-sources 8",
            "--max-sources 4",
            "--max-sources 16",
            "--threshold 1",
            "--threshold 16",
        ],
    ),
    (
        "workers",
        &["--speed 20", "--speed 8", "--speed 4", "--speed 4 --workers 2", "--speed 2 --workers 4"],
    ),
];

fn options(arguments: &str) -> Options {
    match Options::parse(arguments.split_whitespace().map(str::to_owned)) {
        Ok(Command::Run(options)) => options,
        Ok(Command::Help) => panic!("{arguments} asks for help"),
        Err(problem) => panic!("{arguments}: {problem}"),
    }
}

/// Checks that a file of the repository is what it should be, or makes it so.
fn check(path: &str, expected: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    if env::var_os("TINYDB_FIGURES").is_some() {
        fs::write(&file, expected).expect("the repository can be written to");
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found == expected,
        "{path} is not what the simulator makes. `TINYDB_FIGURES=1 cargo test -p tinydb --test \
         week8_simulate` writes it anew; then read the page again"
    );
}

#[test]
fn the_book_shows_what_the_simulator_draws() {
    for (name, arguments) in CHARTS {
        let svg = format!("book/src/week8/figures/simulate-{name}.svg");
        let report = report(&options(&format!("{arguments} --svg {svg}"))).expect("it ends");
        check(&svg, &report.chart.expect("a chart was asked for"));
        check(&format!("chapters/week8/examples/simulate/{name}.txt"), &report.table);
    }
}

#[test]
fn the_book_shows_what_the_simulator_counts() {
    for (name, settings) in LINES {
        let heads = ["write", "read: mean", "most", "space: mean", "most", "waiting"];
        let [write, read, most_read, space, most_space, waiting] = heads;
        let head = format!(
            "{:<31}{write:>6}{read:>13}{most_read:>6}{space:>14}{most_space:>6}{waiting:>10}\n",
            ""
        );
        let lines = settings.iter().map(|arguments| line(arguments));
        let table = head + &lines.collect::<String>();
        let tidy: Vec<_> = table.lines().map(str::trim_end).collect();
        check(&format!("chapters/week8/examples/simulate/{name}.txt"), &(tidy.join("\n") + "\n"));
    }
}

fn line(arguments: &str) -> String {
    let outcome = simulate::simulate(&options(arguments)).expect("it ends");
    let most = |value: fn(&Sample) -> f64| outcome.samples.iter().map(value).fold(0.0, f64::max);
    let read = |sample: &Sample| sample.read_amplification() as f64;
    format!(
        "{:<31}{:>6.2}{:>13.1}{:>6}{:>14.2}{:>6.2}{:>8.1} %\n",
        if arguments.is_empty() { "(the defaults)" } else { arguments },
        outcome.last().write_amplification(),
        outcome.mean(read),
        most(read),
        outcome.mean(Sample::space_amplification),
        most(Sample::space_amplification),
        outcome.last().stalled_share() * 100.0,
    )
}

/// Four flushes of ten new keys, then one more while they are merged.
#[test]
fn amplifications_are_what_they_are_said_to_be() {
    let options = options("--flushes 5 --rows 10 --workload ascending --speed 8");
    let outcome = simulate::simulate(&options).expect("it ends");
    let found: Vec<_> = outcome.samples.iter().map(amplifications).collect();
    // The merge of 40 rows takes half as long as a memtable.
    let expected = [
        (1.0, 1.0, 1, 1.0),
        (2.0, 1.0, 2, 1.0),
        (3.0, 1.0, 3, 1.0),
        (4.0, 1.0, 4, 1.0),
        (4.5, 2.0, 1, 1.0),
        (5.0, 90.0 / 50.0, 2, 1.0),
    ];
    assert_eq!(found, expected, "(time, write, read, space)");
}

fn amplifications(sample: &Sample) -> (f64, f64, usize, f64) {
    let write = sample.write_amplification();
    (sample.time, write, sample.read_amplification(), sample.space_amplification())
}

/// One key is written again and again, so each file has one row, and there is one live row.
#[test]
fn what_is_overwritten_takes_space_until_it_is_merged() {
    let options = options("--flushes 5 --rows 10 --keys 1 --speed 0.2");
    let outcome = simulate::simulate(&options).expect("it ends");
    let found: Vec<_> = outcome.samples.iter().map(amplifications).collect();
    // The merge of 4 rows takes twice as long as a memtable. Half of its row is written at 5.
    let expected = [
        (1.0, 0.1, 1, 1.0),
        (2.0, 0.1, 2, 2.0),
        (3.0, 0.1, 3, 3.0),
        (4.0, 0.1, 4, 4.0),
        (5.0, 0.1, 5, 5.5),
    ];
    assert_eq!(found, expected, "(time, write, read, space)");
}

#[test]
fn writers_wait_for_room_in_level_0() {
    let options = options("--flushes 9 --rows 10 --workload ascending --speed 1 --l0-max 4");
    let Outcome { samples, stalls, .. } = simulate::simulate(&options).expect("it ends");
    // The first merge lasts from 4 to 8, and the fifth memtable is full at 5. The second merge lasts
    // from 11 to 15, and the ninth memtable is full at 12.
    assert_eq!(stalls, [(5.0, 8.0), (12.0, 15.0)]);
    assert!(samples.iter().all(|sample| sample.levels.l0.len() <= 4));
}

#[test]
fn deleted_keys_are_gone_after_the_last_run_is_merged() {
    let options = options("--flushes 5 --rows 10 --keys 5 --deletes 100 --speed inf");
    let outcome = simulate::simulate(&options).expect("it ends");
    let merged = outcome.samples.iter().find(|sample| !sample.after_flush);
    let merged = merged.expect("level 0 was merged");
    assert_eq!((merged.live_rows, &merged.levels), (0, &Levels::default()));
}

/// Proposes this whatever the levels are.
#[derive(Debug)]
struct Always(Vec<SourceId>, u32);

impl CompactionScheduler for Always {
    fn propose(&self, levels: &Levels, _running: &[CompactionSpec]) -> Option<CompactionSpec> {
        let spec = CompactionSpec { sources: self.0.clone(), destination: self.1 };
        (levels.l0.len() == 4).then_some(spec)
    }
}

#[test]
fn a_wrong_proposal_is_refused() {
    let l0 = |numbers: &[u64]| numbers.iter().map(|&number| SourceId::L0(number)).collect();
    let refusal = |scheduler| {
        let options = options("--flushes 8 --rows 10 --workers 2");
        simulate_with(&options, Box::new(scheduler)).map(drop).expect_err("it is wrong")
    };
    for (scheduler, expected) in [
        (
            Always(l0(&[3, 1, 0]), 0),
            "the scheduler proposed SST 3, SST 1, SST 0 into run 0: invalid",
        ),
        (Always(l0(&[1, 0]), 0), "a running compaction uses SST 1"),
        (Always(Vec::new(), 0), "it has no source"),
    ] {
        let shown = format!("{scheduler:?}");
        let refusal = refusal(scheduler);
        assert!(refusal.contains(expected), "{shown}: {refusal}");
    }
}

#[test]
fn a_scheduler_that_leaves_level_0_full_is_told_so() {
    let options = options("--min-sources 9 --max-sources 9");
    let problem = simulate::simulate(&options).expect_err("writers would wait for ever");
    assert!(problem.contains("level 0 has 8 SSTs and writers wait"), "{problem}");
}

#[test]
fn a_wrong_option_is_named() {
    for (arguments, expected) in [
        ("--keyes 5", "there is no option --keyes"),
        ("5", "there is no option 5"),
        ("--keys", "--keys needs a value"),
        ("--keys many", "--keys needs a whole number, and not \"many\""),
        ("--keys -1", "--keys needs a whole number, and not \"-1\""),
        ("--speed fast", "--speed needs a number, and not \"fast\""),
        ("--speed NaN", "--speed must be more than 0"),
        ("--speed 0", "--speed must be more than 0"),
        ("--flushes 0", "--flushes must be at least 1"),
        ("--flushes 100000 --rows 100000", "--flushes times --rows must be at most 100000000"),
        ("--deletes 101", "--deletes must be at most 100"),
        ("--workload random", "--workload is uniform, skewed or ascending, and not \"random\""),
        ("--min-sources 1", "--min-sources: it is 1; it must be at least 2"),
        ("--max-sources 3", "--max-sources: it is 3; it must be at least 4"),
        ("--threshold NaN", "--threshold: it is NaN; it must be at least 1"),
    ] {
        let parsed = Options::parse(arguments.split_whitespace().map(str::to_owned));
        let problem = parsed.err().unwrap_or_default();
        assert!(
            problem.starts_with(expected),
            "{arguments}: expected {expected:?}, found {problem:?}"
        );
    }
    for arguments in ["--help", "-h", "--keys 5 --help"] {
        let parsed = Options::parse(arguments.split_whitespace().map(str::to_owned));
        assert!(matches!(parsed, Ok(Command::Help)), "{arguments} asks for help");
    }
}

#[test]
fn every_option_is_in_the_help() {
    let given = "--flushes=3 --rows=30 --keys=40 --workload=skewed --deletes=5 --seed=2 \
                 --scheduler=all --min-sources=3 --max-sources=9 --threshold=2.5 --workers=2 \
                 --speed=7 --l0-max=9";
    let parsed = options(given);
    assert_eq!(parsed.shown(), given.replace('=', " "), "what was given is shown");
    for option in given.split_whitespace().chain(["--lines=4", "--svg=x.svg"]) {
        let (name, _) = option.split_once('=').expect("it has a value");
        assert!(simulate::HELP.contains(&format!("  {name} ")), "{name} is not in --help");
    }
}
