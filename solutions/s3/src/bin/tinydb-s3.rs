//! The shell of TinyDB on a database in a bucket.
//!
//! Where the bucket is, the environment says: see [`tinydb_s3::S3Builder::from_env`]. If
//! `TINYDB_S3_CACHE` names a folder, parts of SSTs are kept there.

use std::error::Error;
use std::io::{self, IsTerminal as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::{env, iter};

use tinydb::object_store::{CachedObjectStore, CachedObjectStoreOptions, ObjectStore};
use tinydb::{Db, DbBuilder};
use tinydb_cli::merge::OperatorName;
use tinydb_cli::session::{Outcome, Session};
use tinydb_cli::{shell, terminal};
use tinydb_s3::S3Builder;

const CACHE: &str = "TINYDB_S3_CACHE";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let db = open()?;
    let mut out = io::stdout();
    let mut session = Session::new(db, OperatorName::None, &mut out);
    let ended = if io::stdin().is_terminal() && io::stdout().is_terminal() {
        terminal::run(&mut session).map_err(Box::from)
    } else {
        run_script(&mut session)
    };
    session.db.close()?;
    ended
}

fn open() -> Result<Db, Box<dyn Error>> {
    let s3 = S3Builder::from_env()?.open()?;
    s3.check_conditional_puts()?;
    let mut store: Arc<dyn ObjectStore> = Arc::new(s3);
    if let Some(folder) = env::var_os(CACHE) {
        store = Arc::new(CachedObjectStore::open(store, CachedObjectStoreOptions::new(folder))?);
    }
    Ok(DbBuilder::on_object_store(store).build()?)
}

/// Runs a command from each line of the input, up to the first that fails.
fn run_script(session: &mut Session<'_>) -> Result<(), Box<dyn Error>> {
    for (number, line) in iter::zip(1.., io::stdin().lines()) {
        match shell::run_line(session, line?.as_bytes()) {
            Ok(Some(Outcome::Exit)) => break,
            Ok(_) => {}
            Err(error) => return Err(format!("line {number}: {error}").into()),
        }
    }
    Ok(())
}
