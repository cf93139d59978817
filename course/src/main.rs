//! `cargo course`: the commands of the TinyDB course.

use std::process::ExitCode;

use clap::Parser as _;
use course::cli::{Cli, run};

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            anstream::eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
