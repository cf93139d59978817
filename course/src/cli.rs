//! The command line.

use std::ffi::OsString;
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;

use clap::{Parser, Subcommand};

use crate::gate::{self, Gate};
use crate::report::{self, Goal};
use crate::start::{self, From};
use crate::week::TaskId;
use crate::{
    Course, Error, adopt, diff, doctor, hint, hunt, mdbook, mutants, progress, prove, reset, serve,
    shell, stubs, trace, watch,
};

/// The commands of the TinyDB course.
#[derive(Debug, Parser)]
#[command(
    name = "cargo course",
    bin_name = "cargo course",
    about = "The commands of the TinyDB course",
    after_help = "Examples:\n  \
        cargo course serve --open   read the book in a browser\n  \
        cargo course test 3         how far is week 3?\n  \
        cargo course test 3.2       only task 2 of week 3\n\n\
        `cargo course help COMMAND` tells more about one."
)]
pub struct Cli {
    /// The course's folder, instead of the one this is run in
    #[arg(long, hide = true, global = true)]
    root: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the book on this computer
    Serve {
        /// The port to serve at
        #[arg(long, default_value_t = 3000)]
        port: u16,
        /// Open the browser too
        #[arg(long)]
        open: bool,
    },
    /// Begin a week: what it runs on, what to read, the first command
    #[command(after_help = "Examples:\n  \
        cargo course start 4                    as it is set up\n  \
        cargo course start 4 --from mine        on your own earlier weeks, those whose tests pass\n  \
        cargo course start 4 --from reference   on the finished engine")]
    Start {
        /// A week, such as 4
        week: u8,
        /// What the earlier weeks' rooms are taken from: `mine` or `reference`
        #[arg(long)]
        from: Option<From>,
    },
    /// Run the tests of a week or a task, and say what is next
    Test {
        /// A week, such as 3, or a task, such as 3.2
        goal: Goal,
        /// Test the finished engine instead of your code
        #[arg(long)]
        solution: bool,
    },
    /// Show a task's next hint: a nudge, the approach, almost the code
    Hint {
        /// A task, such as 3.2
        #[arg(value_parser = task)]
        task: TaskId,
        /// Show the hints again that were shown before
        #[arg(long)]
        again: bool,
    },
    /// Compare your functions with the reference's
    ///
    /// The functions of a week or a task, yours and the reference's, line by line. If the tests do not pass yet, you are
    /// asked first whether you want to see it.
    Diff {
        /// A week, such as 3, or a task, such as 3.2
        goal: Goal,
        /// Show it without running the tests and without asking
        #[arg(long)]
        yes: bool,
    },
    /// Go back to the stubs of a week or a task; what was there is kept
    ///
    /// Of a task only its functions go back to `todo!()`, of a week every file that you were given. What is replaced is
    /// copied into a folder with a date below .course/backup first. Your tests stay as they are.
    Reset {
        /// A week, such as 3, or a task, such as 3.2
        goal: Goal,
    },
    /// Let the weeks after this one run on your code of it
    ///
    /// The week's tests must pass. Later weeks' crates then have your rooms in place of the reference's. Which weeks are
    /// adopted stands in course.toml; commit it.
    Adopt {
        /// A week, such as 3
        week: u8,
        /// Take it back: later weeks run on the reference's rooms again
        #[arg(long)]
        back: bool,
    },
    /// See whether everything is there that the course needs
    Doctor,
    /// Test what you save, as soon as you save it
    ///
    /// Whenever you save a file of a week's crate, that week's tests run. You see how its tasks stand, the first
    /// failure, and where to read about it. What passes ticks itself in the book and in `cargo course progress`.
    #[command(after_help = "Examples:\n  \
        cargo course watch      the week whose file you save\n  \
        cargo course watch 3    week 3, at once and then whenever you save")]
    Watch {
        /// A week, such as 3
        week: Option<u8>,
    },
    /// Show how far you are, and write it to PROGRESS.md
    ///
    /// PROGRESS.md is the learning plan with your ticks, notes and answers: yours to write in. Boxes whose tests pass
    /// are ticked in it. Whatever you wrote stays as it is.
    Progress {
        /// Only show it
        #[arg(long)]
        no_write: bool,
    },
    /// Let your tests hunt for bugs that are planted in the engine
    ///
    /// Your tests in chapters/weekN/tests/bug_hunt.rs run against the finished engine, first as it is and then
    /// with one bug after the other planted in it. Your own code of the week is not used, so you can begin at
    /// any time. A bug is caught when a test fails, or does not end within 20 seconds.
    #[command(after_help = "Examples:\n  \
        cargo course bughunt 4                 which bugs do my tests catch?\n  \
        cargo course bughunt 4 --reveal NAME   what is this bug?")]
    Bughunt {
        /// A week with planted bugs, such as 4
        week: u8,
        /// Explain this bug and show its patch instead
        #[arg(long, value_name = "NAME")]
        reveal: Option<String>,
    },
    /// Run the database's shell on your code
    ///
    /// The shell in solutions/cli is finished; here it runs on your crate of the week instead of the finished
    /// engine. Where your code still has a stub, the shell stops and says which task waits.
    #[command(after_help = "Examples:\n  \
        cargo course shell 4              the shell, with nothing said to it\n  \
        cargo course shell 4 -- --help    what the shell itself can do")]
    Shell {
        /// A week, such as 4
        week: u8,
        /// What to say to the shell, as in `tinydb ARGS…`
        #[arg(value_name = "ARGS", trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Test your engine as the finished one is tested: crashes, damage, full disks, many threads
    ///
    /// The tests of the whole database in solutions/tinydb/tests run on your crate of the week, which has your rooms of
    /// the weeks that you have adopted too. Beyond this, each can run for longer: the book's page `How we know it
    /// works` says with which variables.
    #[command(
        after_help = "Examples: cargo course prove 4, cargo course prove 8 crash_points --release"
    )]
    Prove {
        /// A week, such as 4
        week: u8,
        /// Tests, such as db_oracle; without one, all of them
        tests: Vec<String>,
        /// Build with optimisations: longer to build, faster to run
        #[arg(long)]
        release: bool,
    },
    /// Record what your code does, step by step, for the player in the book
    ///
    /// A script, such as book/src/traces/flush.txt, is run on your crate of the week. The recording is a file that
    /// the book's page `Figures that move` loads. Where your code still has a stub, it says which task waits; and
    /// where your database does not do what the steps of its trace say, it says where they part.
    #[command(after_help = "Examples:\n  \
        cargo course trace 4                  every recording of the book, on your week 4\n  \
        cargo course trace 4 flush my.txt     one of the book's scripts, and one of your own\n  \
        cargo course trace                    for maintainers: the book's recordings, anew")]
    Trace {
        /// A week, such as 4; without one, the finished engine
        #[arg(value_name = "WEEK")]
        week: Option<String>,
        /// Names of the book's scripts, or files; without one, all of the book's
        #[arg(value_name = "SCRIPT")]
        scripts: Vec<String>,
    },
    /// Build the book into its folder
    Build,
    /// For maintainers: make the stubs from the finished engine
    Stubs {
        /// Write nothing; list what is out of date
        #[arg(long)]
        check: bool,
        /// Write over edited stubs too; copies are kept under target/course/backup
        #[arg(long, conflicts_with = "check")]
        force: bool,
    },
    /// For maintainers: change a week's exercises and see which changes its tests let through
    ///
    /// cargo-mutants changes one line after the other of what a reader writes in the week, and runs the week's tests
    /// on each such engine, in a copy. What they let through must be explained in chapters/weekN/mutants.toml.
    #[command(after_help = "Examples:\n  \
        cargo course mutants 3               all mutants of week 3; some minutes\n  \
        cargo course mutants 3 --shard 0/4   a quarter of them\n  \
        cargo course mutants 3 --write       and write chapters/week3/mutants.toml anew")]
    Mutants {
        /// A week, such as 3
        week: u8,
        /// Only this part: K/N is part K of N, counted from 0
        #[arg(long, value_name = "K/N")]
        shard: Option<String>,
        /// Write the counts and the survivors to the week's file
        #[arg(long, conflicts_with = "shard")]
        write: bool,
    },
    /// For maintainers: compare what the course names of SlateDB with its sources
    ///
    /// book/slatedb.toml lists the files and items of the pinned version that pages and docs name; `cargo course
    /// check slatedb` holds them against the list. This holds the list against the sources of that version, which
    /// cargo unpacks for solutions/compare, and says what is in the sources of what the list lacks. It downloads and
    /// writes nothing.
    #[command(name = "slatedb")]
    SlateDb {
        /// A folder with the unpacked crates, as slatedb-0.18.0, instead of cargo's
        #[arg(long, value_name = "DIR")]
        sources: Option<PathBuf>,
    },
    /// For maintainers: check the whole course
    #[command(after_help = "Examples:\n  \
        cargo course check                every gate, as CI does\n  \
        cargo course check --list         what each gate is about\n  \
        cargo course check book slatedb   the gates of pages that have changed")]
    Check {
        /// Only these gates
        #[arg(value_name = "GATE")]
        gates: Vec<String>,
        /// List the gates
        #[arg(long)]
        list: bool,
    },
}

fn task(text: &str) -> Result<TaskId, String> {
    TaskId::parse(text).ok_or_else(|| "expected a task such as 3.2".to_owned())
}

/// Runs a command; it fails when it found something that is not well.
///
/// # Errors
/// If the command cannot do what it is for.
pub fn run(cli: Cli) -> Result<ExitCode, Error> {
    let start = match cli.root {
        Some(root) => root,
        None => std::env::current_dir().map_err(Error::io("read", "."))?,
    };
    let course = Course::find(&start)?;
    let well = match cli.command {
        Command::Serve { port, open } => serve::serve(&course, port, open)?,
        Command::Test { goal, solution } => {
            let report = report::test(&course, goal, solution)?;
            anstream::print!("{}", report.text);
            report.passed
        }
        Command::Start { week, from } => print(&start::start(&course, week, from)?),
        Command::Adopt { week, back: true } => print(&adopt::take_back(&course, week)?),
        Command::Adopt { week, back: false } => print_all(&adopt::adopt(&course, week)?),
        Command::Doctor => print_all(&doctor::doctor(&course)),
        Command::Hint { task, again } => print(&hint::hint(&course, task, again)?),
        Command::Diff { goal, yes } => {
            let mut question = ask;
            let ask: diff::Ask<'_> = if yes { None } else { Some(&mut question) };
            diff::diff(&course, goal, ask)?.is_none_or(|text| print(&text))
        }
        Command::Reset { goal } => print(&reset::reset(&course, goal)?),
        Command::Watch { week } => {
            watch::watch(&course, week)?;
            true
        }
        Command::Progress { no_write } => {
            let told = progress::progress(&course, !no_write, SystemTime::now())?;
            anstream::print!("{told}");
            true
        }
        Command::Bughunt { week, reveal: Some(name) } => {
            anstream::print!("{}", hunt::reveal(&course, week, &name)?);
            true
        }
        Command::Bughunt { week, reveal: None } => {
            hunt::hunt(&course, week, &mut |text| anstream::print!("{text}"))?
        }
        Command::Shell { week, arguments } => return shell::shell(&course, week, &arguments),
        Command::Prove { week, tests, release } => prove::prove(&course, week, &tests, release)?,
        Command::Trace { week, mut scripts } => {
            let done = match week.as_ref().map(|week| week.parse::<u8>()) {
                Some(Ok(number)) => trace::record_week(&course, number, &scripts)?,
                None | Some(Err(_)) => {
                    // The first word is a script's then.
                    scripts.splice(..0, week);
                    trace::record(&course, &scripts)?
                }
            };
            print_lines(&done);
            true
        }
        Command::Build => {
            let warnings = mdbook::build(&course, None)?;
            let start = mdbook::folder(&course)?.join("index.html");
            anstream::println!("The book is built: {}", start.display());
            print_lines(&warnings)
        }
        Command::Stubs { check: true, .. } => print_lines(&stubs::outdated(&course)?),
        Command::Stubs { force, .. } => {
            print_lines(&stubs::update(&course, force)?);
            true
        }
        Command::Mutants { week, shard, write } => {
            let request = mutants::Request { shard, write };
            mutants::mutants(&course, week, &request, &mut |text| anstream::print!("{text}"))?
        }
        Command::SlateDb { sources } => {
            let report = gate::compare(&course, sources.as_deref())?;
            let well = print_lines(&report.findings);
            anstream::println!("{}", report.compared);
            well
        }
        Command::Check { list: true, .. } => {
            list_gates();
            true
        }
        Command::Check { gates, .. } => check(&course, &gate::select(&gates)?)?,
    };
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Asks a question that is answered with yes or no; nobody answers where there is no terminal.
fn ask(question: &str) -> Result<bool, Error> {
    if !std::io::stdin().is_terminal() {
        let message =
            format!("{question}\nThere is no terminal to answer at: add --yes to see it.");
        return Err(Error::Refused(message));
    }
    anstream::eprint!("{question} [y/N] ");
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    read.map_err(Error::io("read", "the terminal"))?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// Prints what a command that has done its work tells.
fn print(text: &str) -> bool {
    anstream::print!("{text}");
    true
}

/// Prints what a command tells; says whether all is well.
fn print_all((text, well): &(String, bool)) -> bool {
    print(text) && *well
}

/// Prints lines; says whether there were none.
fn print_lines(lines: &[String]) -> bool {
    for line in lines {
        anstream::println!("{line}");
    }
    lines.is_empty()
}

fn list_gates() {
    for gate in gate::GATES {
        anstream::println!("{:8} {}", gate.name, gate.about);
    }
}

fn check(course: &Course, gates: &[Gate]) -> Result<bool, Error> {
    let mut all_well = true;
    for gate in gates {
        // Some gates take minutes: say which one is at work.
        anstream::print!("{:8} ", gate.name);
        std::io::stdout().flush().map_err(Error::io("write", "the terminal"))?;
        let verdict = gate.run(course);
        let seconds = verdict.time.as_secs_f32();
        let mark = if verdict.findings.is_empty() { "ok" } else { "FAILED" };
        anstream::println!("{mark} ({seconds:.1} s): {}", gate.about);
        for finding in &verdict.findings {
            anstream::println!("  - {}", finding.replace('\n', "\n    "));
        }
        all_well &= verdict.findings.is_empty();
    }
    Ok(all_well)
}
