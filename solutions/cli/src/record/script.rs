//! The script of a recording: a text file, one line an order.
//!
//! Most lines are commands of the shell. A few more are about the recording:
//!
//! | line | meaning |
//! |---|---|
//! | `title TEXT` | what the recording is called |
//! | `look TEXT` | what to look at; several lines are one text |
//! | `with OPTIONS` | how the database is opened, as in the program's arguments |
//! | `begin` | what comes before is done, and not shown |
//! | `note TEXT` | said beside the next command |
//! | `hold ssts`, `hold manifests` | from here on the object store lets these wait |
//! | `release` | it lets nothing wait any more |
//! | `crash` | the process is killed |
//! | `open` | the database is opened again |

use std::path::Path;

use clap::{Args, Parser};
use tinydb::Settings;
use tinydb::compaction::SizeTieredCompactionOptions;
use tinydb::db::{CompactorOptions, DbBuilder};

use crate::args::{OpenArgs, size};
use crate::command::Command;
use crate::failure::Failure;

use super::held_store::Held;

/// A script, read and checked.
#[derive(Debug)]
pub struct Script {
    /// What the recording is called.
    pub title: String,
    /// What to look at.
    pub look: String,
    /// How the database is opened.
    pub with: RecordArgs,
    /// What is done, in order.
    pub orders: Vec<(usize, Order)>,
}

/// One line of a script.
#[derive(Debug, PartialEq, Eq)]
pub enum Order {
    /// What comes before is not shown.
    Begin,
    /// Said beside the next command.
    Note(String),
    /// The object store lets these wait from now on.
    Hold(Held),
    /// The process is killed.
    Crash,
    /// The database is opened again.
    Open,
    /// A command of the shell, and how it was typed.
    Command(Command, String),
}

/// How the database of a recording is opened.
#[derive(Debug, Clone, Args)]
pub struct RecordArgs {
    /// As in the shell.
    #[command(flatten)]
    pub open: OpenArgs,
    /// An SST of a sorted run is finished when it has this many bytes
    #[arg(long, value_name = "BYTES", value_parser = size)]
    run_sst_size: Option<usize>,
}

#[derive(Debug, Parser)]
#[command(no_binary_name = true, disable_help_flag = true)]
struct WithLine {
    #[command(flatten)]
    args: RecordArgs,
}

impl RecordArgs {
    /// The database with everything in it, as it is opened: nothing happens in the background but flushes.
    pub fn builder(&self, builder: DbBuilder) -> DbBuilder {
        let never = SizeTieredCompactionOptions {
            min_compaction_sources: NEVER,
            max_compaction_sources: NEVER,
            ..SizeTieredCompactionOptions::default()
        };
        let settings = self.open.settings();
        let compactor = CompactorOptions { size_tiered: never, ..CompactorOptions::default() };
        let max_sst_size = self.run_sst_size.unwrap_or(compactor.max_sst_size);
        let settings = Settings {
            l0_max_ssts: NEVER,
            compactor_options: Some(CompactorOptions { max_sst_size, ..compactor }),
            garbage_collector_options: None,
            ..settings
        };
        self.open.merge_operator.of_database(builder.with_settings(settings))
    }
}

/// More SSTs than a recording has.
const NEVER: usize = 1_000_000;

impl Script {
    /// Reads a script.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(Failure::io(format!("read {shown}")))?;
        Self::parse(&text).map_err(|(line, problem)| Failure::Script { path: shown, line, problem })
    }

    /// Reads the text of a script; fails with the line that is wrong, and why.
    pub fn parse(text: &str) -> Result<Self, (usize, String)> {
        let (mut title, mut look, mut with) = (String::new(), Vec::new(), Vec::new());
        let mut orders = Vec::new();
        let mut last = 1;
        for (number, line) in (1..).zip(text.lines().map(str::trim)) {
            last = number;
            let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            let rest = rest.trim();
            let at = |problem: String| (number, problem);
            let order = match word {
                "" => continue,
                _ if word.starts_with('#') => continue,
                "title" => {
                    rest.clone_into(&mut title);
                    continue;
                }
                "look" => {
                    look.push(rest);
                    continue;
                }
                "with" => {
                    with.extend(rest.split_whitespace());
                    continue;
                }
                "begin" if rest.is_empty() => Order::Begin,
                "note" => Order::Note(rest.to_owned()),
                "hold" => Order::Hold(held(rest).map_err(at)?),
                "release" if rest.is_empty() => Order::Hold(Held::default()),
                "crash" if rest.is_empty() => Order::Crash,
                "open" if rest.is_empty() => Order::Open,
                "begin" | "release" | "crash" | "open" => {
                    return Err(at(format!("`{word}` stands alone")));
                }
                _ => Order::Command(command(line).map_err(at)?, line.to_owned()),
            };
            orders.push((number, order));
        }
        if title.is_empty() || look.is_empty() {
            return Err((1, "it needs a line `title TEXT` and a line `look TEXT`".to_owned()));
        }
        if !orders.iter().any(|(_, order)| matches!(order, Order::Command(..))) {
            return Err((last, "it holds no command".to_owned()));
        }
        let with = WithLine::try_parse_from(with);
        let with = with.map_err(|error| (1, format!("its `with` lines: {error}")))?.args;
        Ok(Self { title, look: look.join(" "), with, orders })
    }
}

fn held(what: &str) -> Result<Held, String> {
    match what {
        "ssts" => Ok(Held { ssts: true, manifests: false }),
        "manifests" => Ok(Held { ssts: false, manifests: true }),
        _ => Err("`hold` is used as `hold ssts` or `hold manifests`".to_owned()),
    }
}

/// A command that can be recorded: one of those that read and write rows.
fn command(line: &str) -> Result<Command, String> {
    let command = Command::from_line(line.as_bytes()).map_err(|error| error.to_string())?;
    let command = command.ok_or_else(|| "it is empty".to_owned())?;
    match command {
        Command::Gc { dry_run: true, .. }
        | Command::Stats
        | Command::Trace(_)
        | Command::Fill { .. }
        | Command::Check(_)
        | Command::Help(_)
        | Command::Exit => {
            let known = "put, get, delete, merge, scan, flush, compact, gc, crash and open";
            Err(format!("this can't be recorded; what can is {known}"))
        }
        _ => Ok(command),
    }
}
