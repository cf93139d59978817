//! `cargo course`: the commands of the TinyDB course.

use std::process::ExitCode;

use clap::Parser as _;
use course::cli::{Cli, run};

fn main() -> ExitCode {
    run(Cli::parse()).unwrap_or_else(|error| {
        anstream::eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}
