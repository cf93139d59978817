//! `tinydb`: a shell for databases of TinyDB.

use std::process::ExitCode;

fn main() -> ExitCode {
    tinydb_cli::main()
}
