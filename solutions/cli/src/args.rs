//! The command line of the program.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
use tinydb::storage::Durability;
use tinydb::{DbBuilder, Settings};

use crate::merge::OperatorName;
use crate::session::CommandList;

/// The arguments of the program.
#[derive(Debug, Parser)]
#[command(
    name = "tinydb",
    version,
    about = "A shell for databases of TinyDB",
    override_usage = "tinydb [OPTIONS] DIR [COMMAND…]\n       tinydb inspect [--full] FILE\n       tinydb record [--out FILE] SCRIPT",
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    subcommand_help_heading = "Tools"
)]
pub struct Cli {
    /// What to do without a database.
    #[command(subcommand)]
    pub tool: Option<Tool>,
    /// What to open, and what to run on it.
    #[command(flatten)]
    pub shell: ShellArgs,
}

/// What works without a database.
#[derive(Debug, Subcommand)]
pub enum Tool {
    /// Print a WAL segment, an SST or a manifest, byte by byte, each field with its name
    ///
    /// The database may be open meanwhile. Offsets are decimal and count from the start of the file, as
    /// those in error messages do. A damaged file is shown as far as it can be read; then the exit code is 1.
    Inspect {
        /// The file
        file: PathBuf,
        /// Print every byte of long keys and values
        #[arg(long)]
        full: bool,
    },
    /// Run a script on a new database in memory, and record for the book's player what moves where
    ///
    /// Each step that the database's trace has becomes a frame, with the rows in each place after it. What
    /// the steps say is held against the files and figures of the database after each command, so a
    /// recording that is written is right. The course's own scripts are in book/src/traces.
    Record {
        /// The script: commands of the shell, one a line, and a few words about the recording
        script: PathBuf,
        /// Where to write the recording (default: the standard output)
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

/// The arguments of the shell.
#[derive(Debug, Args)]
pub struct ShellArgs {
    /// The database's folder; made if there is none
    #[arg(required = true, value_name = "DIR")]
    pub directory: Option<PathBuf>,
    /// One command to run, instead of those from the input
    #[arg(value_name = "COMMAND", trailing_var_arg = true, allow_hyphen_values = true)]
    pub command: Vec<OsString>,
    /// Go on behind a command that has failed; the exit code is 1 all the same
    #[arg(long)]
    pub keep_going: bool,
    /// Print the steps of opening the database
    #[arg(long)]
    pub trace_open: bool,
    /// How the database is opened.
    #[command(flatten)]
    pub open: OpenArgs,
}

/// How a database is opened.
#[derive(Debug, Clone, Args)]
pub struct OpenArgs {
    /// What a write has survived when it is acknowledged
    #[arg(long, value_enum, default_value_t = DurabilityName::Os)]
    durability: DurabilityName,
    /// A memtable of this size is flushed; a number may end in k, m or g
    #[arg(long, value_name = "BYTES", value_parser = size)]
    memtable_size: Option<usize>,
    /// Writes wait when so much is in memtables
    #[arg(long, value_name = "BYTES", value_parser = size)]
    max_unflushed: Option<usize>,
    /// The size of an SST's data blocks
    #[arg(long, value_name = "BYTES", value_parser = size)]
    block_size: Option<usize>,
    /// How much of the SSTs' data is kept in memory
    #[arg(long, value_name = "BYTES", value_parser = size)]
    block_cache: Option<usize>,
    /// Merge no SSTs in the background
    #[arg(long)]
    no_compactor: bool,
    /// What merge operands mean; with `counter`, numbers are typed and printed as such
    #[arg(long, value_enum, default_value_t)]
    pub merge_operator: OperatorName,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum DurabilityName {
    /// Nothing yet
    Buffered,
    /// A kill of this program
    Os,
    /// A power cut
    Sync,
}

impl OpenArgs {
    /// A builder of the database in `directory`.
    pub fn builder(&self, directory: PathBuf) -> DbBuilder {
        let builder = DbBuilder::new(directory).with_settings(self.settings());
        self.merge_operator.of_database(builder)
    }

    /// The settings that were asked for.
    pub fn settings(&self) -> Settings {
        let defaults = Settings::default();
        Settings {
            l0_sst_size_bytes: self.memtable_size.unwrap_or(defaults.l0_sst_size_bytes),
            max_unflushed_bytes: self.max_unflushed.unwrap_or(defaults.max_unflushed_bytes),
            sst_block_size: self.block_size.unwrap_or(defaults.sst_block_size),
            durability: match self.durability {
                DurabilityName::Buffered => Durability::Buffered,
                DurabilityName::Os => Durability::Os,
                DurabilityName::Sync => Durability::Sync,
            },
            block_cache_bytes: self.block_cache.unwrap_or(defaults.block_cache_bytes),
            compactor_options: defaults.compactor_options.clone().filter(|_| !self.no_compactor),
            ..defaults
        }
    }
}

impl Cli {
    /// Reads the program's arguments.
    pub fn from_args(args: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let command = Self::command().after_help(after_help()).after_long_help(after_long_help());
        Self::from_arg_matches(&command.try_get_matches_from(args)?)
    }
}

fn after_help() -> String {
    format!("Commands:\n{CommandList}\n`tinydb --help` tells more.")
}

fn after_long_help() -> String {
    format!(
        r##"Commands:
{CommandList}
`tinydb DIR help COMMAND` tells more about one.

Without a command, tinydb reads commands: at a terminal with a prompt and a history, Tab completes
commands and keys, Ctrl-C drops the line (while a command runs, it ends the program), Ctrl-D ends;
otherwise from standard input, one a line.

Words:
  A line is split at spaces. A key or value with spaces is typed in quotes:
    put "two words" 'no \escapes here'      # what follows a # is a comment
  Escapes, but for those in '': \n \r \t, \x00 to \xff for any byte, and \ before \ " ' # or a
  space. Keys and values are printed as they can be typed. A COMMAND in the program's arguments
  has its words from your shell: one argument is one word, spaces included.

Exit code:
  0  all went well
  1  something has failed: the message says what and, in a script, in which line. No command behind
     it was run, unless --keep-going was given
  2  nothing has failed, but a `get` found no value

Examples:
  tinydb my.db put apple red
  tinydb my.db scan --prefix a
  echo 'trace get apple' | tinydb my.db
  tinydb inspect my.db/wal/00000000000000000001.wal"##
    )
}

/// Reads a number of bytes, such as 4096, 64k or 1m.
pub fn size(text: &str) -> Result<usize, String> {
    let number = text.trim_end_matches(|char: char| char.is_ascii_alphabetic());
    let unit: usize = match text[number.len()..].to_ascii_lowercase().as_str() {
        "" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        unit => return Err(format!("{unit} is no unit; there are k, m and g")),
    };
    let number: usize = number.parse().map_err(|_| "it is no number of bytes".to_owned())?;
    number.checked_mul(unit).ok_or_else(|| "it is too large".to_owned())
}
