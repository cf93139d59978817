//! The command line.

use week8::Error;
use week8::compaction::SizeTieredCompactionOptions;

/// What `--help` prints.
pub const HELP: &str = "\
Simulates compaction: writes fill memtables, these become SSTs of level 0, and your scheduler says
what is merged. Prints the levels over time, and the write, read and space amplification.

cargo run --release -p week8 --example simulate -- [options]

The writes
  --flushes N       how many memtables are flushed                        256
  --rows N          how many writes fill a memtable                       1000
  --keys N          how many different keys there are                     100000
  --workload W      uniform: every key as often as any other              uniform
                    skewed: nine of ten writes go to a tenth of the keys
                    ascending: every write has a new key
  --deletes P       how many of a hundred writes are deletes              0
  --seed N          another stream of writes of the same kind             1

The compactions
  --scheduler S     tiered: yours                                         tiered
                    all: everything into one run, if level 0 has --min-sources
                    none: never
  --min-sources N   the fewest sources of a compaction                    4
  --max-sources N   the most sources of a compaction                      8
  --threshold X     include_size_threshold; inf is a number too           4
  --workers N       how many compactions run at the same time             1
  --speed X         how many rows a compaction reads while the user       20
                    writes one; inf: none of them takes any time
  --l0-max N        writers wait while level 0 has so many SSTs           8

The output
  --lines N         how many lines the table has, at most                 16
  --svg FILE        write a chart into this file
";

/// What the user asks for.
pub enum Command {
    /// Print the help.
    Help,
    /// Simulate.
    Run(Options),
}

/// Which keys are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workload {
    /// Every key as often as any other.
    Uniform,
    /// Nine of ten writes go to a tenth of the keys.
    Skewed,
    /// Every write has a new key.
    Ascending,
}

/// Who says what to compact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheduler {
    /// `SizeTieredCompactionScheduler`.
    Tiered,
    /// Everything into one run.
    All,
    /// Nobody.
    Nothing,
}

/// A simulation.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many memtables are flushed.
    pub flushes: u64,
    /// How many writes fill a memtable.
    pub rows: u64,
    /// How many different keys there are.
    pub keys: u64,
    /// Which keys are written.
    pub workload: Workload,
    /// How many of a hundred writes are deletes.
    pub deletes: u64,
    /// Where the random numbers begin.
    pub seed: u64,
    /// Who says what to compact.
    pub scheduler: Scheduler,
    /// The size-tiered scheduler's options.
    pub sizes: SizeTieredCompactionOptions,
    /// How many compactions run at the same time.
    pub workers: usize,
    /// How many rows a compaction reads while the user writes one.
    pub speed: f64,
    /// Writers wait while level 0 has so many SSTs.
    pub l0_max: usize,
    /// How many lines the table has, at most.
    pub lines: usize,
    /// The file for the chart.
    pub svg: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            flushes: 256,
            rows: 1000,
            keys: 100_000,
            workload: Workload::Uniform,
            deletes: 0,
            seed: 1,
            scheduler: Scheduler::Tiered,
            sizes: SizeTieredCompactionOptions::default(),
            workers: 1,
            speed: 20.0,
            l0_max: 8,
            lines: 16,
            svg: None,
        }
    }
}

/// More writes than this take minutes.
const MOST_WRITES: u64 = 100_000_000;

/// Each key takes a few bytes of memory.
const MOST_KEYS: u64 = 100_000_000;

impl Options {
    /// Reads the command line; an error says which option is wrong, and what would do.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Command, String> {
        let mut options = Self::default();
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            if argument == "--help" || argument == "-h" {
                return Ok(Command::Help);
            }
            // `--keys 10` and `--keys=10` are the same.
            let (option, given) = match argument.split_once('=') {
                Some((option, value)) => (option.to_owned(), Some(value.to_owned())),
                None => (argument, None),
            };
            options.set(&option, || {
                let value = given.or_else(|| arguments.next());
                value.ok_or_else(|| format!("{option} needs a value"))
            })?;
        }
        options.check()?;
        Ok(Command::Run(options))
    }

    fn set(
        &mut self,
        option: &str,
        value: impl FnOnce() -> Result<String, String>,
    ) -> Result<(), String> {
        let whole = |text: String| {
            let number = text.parse::<u64>();
            number.map_err(|_| format!("{option} needs a whole number, and not {text:?}"))
        };
        let count = |text: String| whole(text).map(|number| number as usize);
        let decimal = |text: String| {
            let number = text.parse::<f64>();
            number.map_err(|_| format!("{option} needs a number, and not {text:?}"))
        };
        match option {
            "--flushes" => self.flushes = whole(value()?)?,
            "--rows" => self.rows = whole(value()?)?,
            "--keys" => self.keys = whole(value()?)?,
            "--workload" => {
                self.workload = match value()?.as_str() {
                    "uniform" => Workload::Uniform,
                    "skewed" => Workload::Skewed,
                    "ascending" => Workload::Ascending,
                    other => {
                        return Err(format!(
                            "--workload is uniform, skewed or ascending, and not {other:?}"
                        ));
                    }
                }
            }
            "--deletes" => self.deletes = whole(value()?)?,
            "--seed" => self.seed = whole(value()?)?,
            "--scheduler" => {
                self.scheduler = match value()?.as_str() {
                    "tiered" => Scheduler::Tiered,
                    "all" => Scheduler::All,
                    "none" => Scheduler::Nothing,
                    other => {
                        return Err(format!(
                            "--scheduler is tiered, all or none, and not {other:?}"
                        ));
                    }
                }
            }
            "--min-sources" => self.sizes.min_compaction_sources = count(value()?)?,
            "--max-sources" => self.sizes.max_compaction_sources = count(value()?)?,
            "--threshold" => self.sizes.include_size_threshold = decimal(value()?)?,
            "--workers" => self.workers = count(value()?)?,
            "--speed" => self.speed = decimal(value()?)?,
            "--l0-max" => self.l0_max = count(value()?)?,
            "--lines" => self.lines = count(value()?)?,
            "--svg" => self.svg = Some(value()?),
            _ => return Err(format!("there is no option {option}")),
        }
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        let at_least_one = [
            ("--flushes", self.flushes),
            ("--rows", self.rows),
            ("--keys", self.keys),
            ("--workers", self.workers as u64),
            ("--l0-max", self.l0_max as u64),
            ("--lines", self.lines as u64),
        ];
        if let Some((option, _)) = at_least_one.iter().find(|(_, number)| *number == 0) {
            return Err(format!("{option} must be at least 1"));
        }
        if self.flushes.saturating_mul(self.rows) > MOST_WRITES {
            return Err(format!("--flushes times --rows must be at most {MOST_WRITES}"));
        }
        if self.keys > MOST_KEYS {
            return Err(format!("--keys must be at most {MOST_KEYS}"));
        }
        if self.deletes > 100 {
            return Err("--deletes must be at most 100".to_owned());
        }
        // Not `speed <= 0.0`, which is false for what is not a number.
        if !matches!(self.speed.partial_cmp(&0.0), Some(std::cmp::Ordering::Greater)) {
            return Err("--speed must be more than 0".to_owned());
        }
        self.sizes.validate().map_err(|error| match error {
            Error::InvalidArgument { argument, problem } => {
                let option = match argument {
                    "min_compaction_sources" => "--min-sources",
                    "max_compaction_sources" => "--max-sources",
                    _ => "--threshold",
                };
                format!("{option}: {problem}")
            }
            other => other.to_string(),
        })
    }

    /// The options of the command line that are not the defaults.
    pub fn shown(&self) -> String {
        let default = Self::default();
        let workload = format!("{:?}", self.workload).to_lowercase();
        let scheduler = match self.scheduler {
            Scheduler::Tiered => "tiered",
            Scheduler::All => "all",
            Scheduler::Nothing => "none",
        };
        let (sizes, usual) = (self.sizes, default.sizes);
        let all = [
            (self.flushes != default.flushes, format!("--flushes {}", self.flushes)),
            (self.rows != default.rows, format!("--rows {}", self.rows)),
            (self.keys != default.keys, format!("--keys {}", self.keys)),
            (self.workload != default.workload, format!("--workload {workload}")),
            (self.deletes != default.deletes, format!("--deletes {}", self.deletes)),
            (self.seed != default.seed, format!("--seed {}", self.seed)),
            (self.scheduler != default.scheduler, format!("--scheduler {scheduler}")),
            (
                sizes.min_compaction_sources != usual.min_compaction_sources,
                format!("--min-sources {}", sizes.min_compaction_sources),
            ),
            (
                sizes.max_compaction_sources != usual.max_compaction_sources,
                format!("--max-sources {}", sizes.max_compaction_sources),
            ),
            (
                sizes.include_size_threshold != usual.include_size_threshold,
                format!("--threshold {}", sizes.include_size_threshold),
            ),
            (self.workers != default.workers, format!("--workers {}", self.workers)),
            (self.speed != default.speed, format!("--speed {}", self.speed)),
            (self.l0_max != default.l0_max, format!("--l0-max {}", self.l0_max)),
        ];
        let given: Vec<_> =
            all.into_iter().filter_map(|(given, text)| given.then_some(text)).collect();
        if given.is_empty() { "the defaults".to_owned() } else { given.join(" ") }
    }
}
