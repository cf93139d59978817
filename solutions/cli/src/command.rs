//! The commands of the shell: their names, what they say about themselves, and how they are read.

use std::ops::Bound;
use std::time::Duration;

use bytes::Bytes;
use tinydb::format::types::MAX_VALUE_LEN;
use tinydb::iter::BytesRange;

use crate::data_set::{DataSet, Order};
use crate::words::{self, Shown, Word, WordError};

/// A command, read and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Gives a key a value.
    Put {
        /// The key.
        key: Bytes,
        /// The value.
        value: Bytes,
    },
    /// Prints the value of a key.
    Get {
        /// The key.
        key: Bytes,
    },
    /// Deletes a key.
    Delete {
        /// The key.
        key: Bytes,
    },
    /// Changes the value of a key by a merge operand.
    Merge {
        /// The key.
        key: Bytes,
        /// The operand.
        operand: Bytes,
    },
    /// Prints the keys of a range and their values.
    Scan {
        /// The range.
        range: BytesRange,
        /// How many keys at most.
        limit: usize,
    },
    /// Writes the memtable into an SST.
    Flush,
    /// Merges all SSTs into one sorted run.
    Compact,
    /// Deletes files that nobody needs.
    Gc {
        /// What is younger stays.
        min_age: Duration,
        /// Whether to print only what would be deleted.
        dry_run: bool,
    },
    /// Prints figures.
    Stats,
    /// Runs a command and prints the steps that the database took.
    Trace(Box<Command>),
    /// Writes a large data set.
    Fill {
        /// The data set.
        data: DataSet,
        /// How many keys one batch has.
        batch: u64,
    },
    /// Reads a large data set back.
    Check(DataSet),
    /// Prints what commands there are, or what one does.
    Help(Option<&'static Entry>),
    /// Ends the shell.
    Exit,
}

/// What the shell says about a command.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// What is typed behind the name.
    pub arguments: &'static str,
    /// What it does, in a line.
    pub about: &'static str,
    /// What else there is to say, in whole lines.
    pub details: &'static str,
    /// Its options.
    pub options: &'static [&'static str],
    /// How many of its words, from the first on, are keys.
    pub keys: usize,
}

impl Entry {
    const fn new(name: &'static str, arguments: &'static str, about: &'static str) -> Self {
        Self { name, arguments, about, details: "", options: &[], keys: 0 }
    }

    const fn details(self, details: &'static str) -> Self {
        Self { details, ..self }
    }

    const fn options(self, options: &'static [&'static str]) -> Self {
        Self { options, ..self }
    }

    const fn keys(self, keys: usize) -> Self {
        Self { keys, ..self }
    }

    /// The command as it is typed.
    pub fn usage(&self) -> String {
        format!("{} {}", self.name, self.arguments).trim_end().to_owned()
    }
}

/// Every command, in the order in which `help` lists them.
pub const COMMANDS: &[Entry] = &[
    Entry::new("put", "KEY VALUE", "Give a key a value").keys(1),
    Entry::new("get", "KEY", "Print the value of a key, or (not found)").keys(1).details(
        "(not found) can't be a value: that would be printed as \"(not found)\", in quotes.\n",
    ),
    Entry::new("delete", "KEY", "Delete a key").keys(1),
    Entry::new("merge", "KEY OPERAND", "Change the value of a key by a merge operand").keys(1),
    Entry::new("scan", "[FROM] [TO]", "Print keys and their values, in key order")
        .keys(2)
        .options(&["--prefix", "--limit"])
        .details(
            "\
FROM                the first key (default: the very first)
TO                  the key to stop before (default: none, go on to the last key)
--prefix PREFIX     only keys that begin with PREFIX, instead of FROM and TO
--limit NUMBER      at most so many keys

Each line is a key, a space and a value, as they are typed behind `put`. A first word that begins
with -- is an option; put a key that does in quotes.
",
        ),
    Entry::new("flush", "", "Write the rows that are in no SST yet into one"),
    Entry::new("compact", "", "Merge all SSTs into one sorted run"),
    Entry::new("gc", "", "Delete the files that nobody needs, and print which")
        .options(&["--min-age", "--dry-run"])
        .details(
            "\
--min-age SECONDS   leave what is younger (default: 300)
--dry-run YES|NO    only print what would be deleted (default: no)
",
        ),
    Entry::new("stats", "", "Print figures about the database"),
    Entry::new("trace", "COMMAND…", "Run a command and print the steps the database takes")
        .details("Steps of a flush in the background are shown if they happen meanwhile.\n"),
    Entry::new("fill", "COUNT", "Write so many keys, and say how fast that was")
        .options(&["--value-size", "--order", "--seed", "--batch"])
        .details(
            "\
--value-size BYTES  how long each value is (default: 100)
--order ORDER       random (default) or sequential
--seed NUMBER       what the order and the values are made from (default: 0)
--batch COUNT       how many keys are written as one batch (default: 1)

The keys are key000000000000 and so on. The same options give the same data, everywhere.
",
        ),
    Entry::new("check", "COUNT", "Read the keys of `fill` back, and say how fast that was")
        .options(&["--value-size", "--order", "--seed"])
        .details("The options are those of `fill`. The order may be another than the keys were written in.\n"),
    Entry::new("help", "[COMMAND]", "Print this list, or more about one command"),
    Entry::new("exit", "", "End the shell, as the end of the input does"),
];

/// Why something is no command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrammarError {
    /// A word is typed wrongly.
    #[error(transparent)]
    Word(#[from] WordError),
    /// There is no command of this name.
    #[error("there is no command {0}; `help` lists the commands")]
    UnknownCommand(String),
    /// The words don't fit the command.
    #[error("{problem}; it is used as `{usage}`")]
    Misused {
        /// What is wrong.
        problem: String,
        /// How the command is typed.
        usage: String,
    },
}

impl Command {
    /// Reads a line; `None` if it holds nothing but white space and a comment.
    pub fn from_line(line: &[u8]) -> Result<Option<Self>, GrammarError> {
        let words = words::split(line)?;
        if words.is_empty() { Ok(None) } else { Self::from_words(&words).map(Some) }
    }

    /// Reads the words of a command.
    pub fn from_words(words: &[Word]) -> Result<Self, GrammarError> {
        let (entry, words) = split_name(words)?;
        if entry.name != "trace" {
            return Self::without_trace(entry, words);
        }
        if words.is_empty() {
            return Err(misused(entry, "trace needs a command"));
        }
        let (entry, words) = split_name(words)?;
        Self::without_trace(entry, words).map(|command| Self::Trace(Box::new(command)))
    }

    fn without_trace(entry: &'static Entry, words: &[Word]) -> Result<Self, GrammarError> {
        let mut arguments = Arguments { entry, words: words.to_vec() };
        let command = arguments.command()?;
        arguments.end()?;
        Ok(command)
    }
}

/// What there is to say about the command of this name.
pub fn entry_named(name: &[u8]) -> Option<&'static Entry> {
    COMMANDS.iter().find(|entry| entry.name.as_bytes() == name)
}

/// Splits words into the command that the first one names and the others.
fn split_name(words: &[Word]) -> Result<(&'static Entry, &[Word]), GrammarError> {
    let (name, rest) = match words.split_first() {
        Some((name, rest)) => (&name.bytes[..], rest),
        None => (&b""[..], words),
    };
    let entry = entry_named(name);
    let entry = entry.ok_or_else(|| GrammarError::UnknownCommand(Shown(name).to_string()))?;
    Ok((entry, rest))
}

fn misused(entry: &Entry, problem: impl Into<String>) -> GrammarError {
    GrammarError::Misused { problem: problem.into(), usage: entry.usage() }
}

/// The words behind a command's name that were not used yet.
struct Arguments {
    entry: &'static Entry,
    words: Vec<Word>,
}

impl Arguments {
    fn command(&mut self) -> Result<Command, GrammarError> {
        Ok(match self.entry.name {
            "put" => Command::Put { key: self.take("a key")?, value: self.take("a value")? },
            "get" => Command::Get { key: self.take("a key")? },
            "delete" => Command::Delete { key: self.take("a key")? },
            "merge" => {
                Command::Merge { key: self.take("a key")?, operand: self.take("an operand")? }
            }
            "scan" => self.scan()?,
            "flush" => Command::Flush,
            "compact" => Command::Compact,
            "gc" => self.gc()?,
            "stats" => Command::Stats,
            "fill" => {
                let batch = self.number_option("--batch", 1)?;
                if batch == 0 {
                    return Err(self.misused("--batch is 0, but a batch has a key at least"));
                }
                Command::Fill { data: self.data_set()?, batch }
            }
            "check" => Command::Check(self.data_set()?),
            "help" => self.help()?,
            "exit" => Command::Exit,
            // That is `trace`, which comes once, in front.
            _ => return Err(self.misused("a trace can't be traced")),
        })
    }

    fn scan(&mut self) -> Result<Command, GrammarError> {
        let prefix = self.option("--prefix")?;
        let limit = self.number_option("--limit", usize::MAX)?;
        self.no_more_options()?;
        let (from, to) = (self.take_if_any(), self.take_if_any());
        let range = match (prefix, from, to) {
            (None, from, to) => BytesRange {
                start: from.map_or(Bound::Unbounded, Bound::Included),
                end: to.map_or(Bound::Unbounded, Bound::Excluded),
            },
            (Some(prefix), None, None) => BytesRange::from_prefix(&prefix),
            (Some(_), ..) => {
                return Err(self.misused("--prefix takes the place of FROM and TO"));
            }
        };
        Ok(Command::Scan { range, limit })
    }

    fn gc(&mut self) -> Result<Command, GrammarError> {
        let min_age = Duration::from_secs(self.number_option("--min-age", 300)?);
        let dry_run = match self.option("--dry-run")?.as_deref() {
            None | Some(b"no") => false,
            Some(b"yes") => true,
            Some(_) => return Err(self.misused("--dry-run is yes or no")),
        };
        self.no_more_options()?;
        Ok(Command::Gc { min_age, dry_run })
    }

    fn data_set(&mut self) -> Result<DataSet, GrammarError> {
        let value_size = self.number_option("--value-size", DataSet::DEFAULT_VALUE_SIZE)?;
        if value_size > MAX_VALUE_LEN {
            return Err(self.misused(format!("a value has at most {MAX_VALUE_LEN} bytes")));
        }
        let seed = self.number_option("--seed", 0)?;
        let order = match self.option("--order")?.as_deref() {
            None | Some(b"random") => Order::Random,
            Some(b"sequential") => Order::Sequential,
            Some(_) => return Err(self.misused("--order is random or sequential")),
        };
        self.no_more_options()?;
        let count = self.take("a number of keys")?;
        let count = self.number(&count)?;
        Ok(DataSet { count, value_size, order, seed })
    }

    fn help(&mut self) -> Result<Command, GrammarError> {
        let Some(name) = self.take_if_any() else {
            return Ok(Command::Help(None));
        };
        let found = entry_named(&name);
        let unknown = || GrammarError::UnknownCommand(Shown(&name).to_string());
        found.ok_or_else(unknown).map(|entry| Command::Help(Some(entry)))
    }

    /// Takes the next word, which the command can't do without.
    fn take(&mut self, what: &str) -> Result<Bytes, GrammarError> {
        self.take_if_any().ok_or_else(|| self.misused(format!("{what} is missing")))
    }

    fn take_if_any(&mut self) -> Option<Bytes> {
        if self.words.is_empty() { None } else { Some(self.words.remove(0).bytes.into()) }
    }

    /// Takes an option's value; `None` if the option is not there.
    fn option(&mut self, name: &str) -> Result<Option<Bytes>, GrammarError> {
        let found = |word: &Word| word.is_option && word.bytes == name.as_bytes();
        let Some(at) = self.words.iter().position(found) else {
            return Ok(None);
        };
        if at + 1 == self.words.len() {
            return Err(self.misused(format!("{name} needs a value")));
        }
        self.words.remove(at);
        Ok(Some(self.words.remove(at).bytes.into()))
    }

    fn number_option<N: TryFrom<u64>>(
        &mut self,
        name: &str,
        default: N,
    ) -> Result<N, GrammarError> {
        self.option(name)?.map_or(Ok(default), |word| self.number(&word))
    }

    fn number<N: TryFrom<u64>>(&self, word: &[u8]) -> Result<N, GrammarError> {
        let number = std::str::from_utf8(word).ok().and_then(|text| text.parse::<u64>().ok());
        let number = number.and_then(|number| N::try_from(number).ok());
        number.ok_or_else(|| self.misused(format!("{} is no number", Shown(word))))
    }

    fn no_more_options(&self) -> Result<(), GrammarError> {
        let Some(word) = self.words.iter().find(|word| word.is_option) else {
            return Ok(());
        };
        let options = self.entry.options.join(" ");
        let known = self.entry.options.iter().any(|known| known.as_bytes() == word.bytes);
        let option = Shown(&word.bytes).to_string();
        let option = option.trim_matches('"');
        Err(self.misused(if known {
            format!("{option} is there twice")
        } else {
            format!("there is no option {option}, but there are {options}")
        }))
    }

    fn end(&self) -> Result<(), GrammarError> {
        match self.words.first() {
            None => Ok(()),
            Some(word) => Err(self.misused(format!("{} is one word too many", Shown(&word.bytes)))),
        }
    }

    fn misused(&self, problem: impl Into<String>) -> GrammarError {
        misused(self.entry, problem)
    }
}
