//! What the engine does, step by step: `cargo run -p week2 --example trace`.
//!
//! It runs on the finished engine, and needs no task of this week.

use std::io::{self, Write};
use std::sync::Arc;

use week2::db::Trace;
use week2::object_store::MemoryObjectStore;
use week2::storage::MemoryWalStore;
use week2::{Db, DbBuilder, Result};

/// Puts a fruit, gets it, flushes, and gets it again; prints the steps to `out`.
// ANCHOR: trace
pub fn trace(out: &mut impl Write) -> Result<()> {
    let (objects, wal) = (Arc::new(MemoryObjectStore::new()), MemoryWalStore::new());
    let trace = Trace::new();
    let open = || -> Result<Db> {
        let builder = DbBuilder::in_memory().with_object_store(objects.clone());
        builder.with_wal_store(Arc::new(wal.clone())).with_trace(trace.clone()).build()
    };

    let db = open()?;
    trace.start();
    db.put("kiwi", "soft")?;
    say(out, "put(\"kiwi\", \"soft\")", &trace);

    db.get("kiwi")?;
    say(out, "get(\"kiwi\")", &trace);

    db.flush()?;
    db.close()?; // The flusher has written down its last step.
    say(out, "flush()", &trace);

    let db = open()?;
    say(out, "opened again", &trace);

    db.get("kiwi")?;
    say(out, "get(\"kiwi\")", &trace);

    db.delete("kiwi")?;
    say(out, "delete(\"kiwi\")", &trace);

    db.get("kiwi")?;
    say(out, "get(\"kiwi\")", &trace);
    Ok(())
}

/// Prints the steps since the last call.
fn say(out: &mut impl Write, what: &str, trace: &Trace) {
    let steps = trace.stop();
    trace.start();
    writeln!(out, "{what}").expect("writing to the terminal");
    for step in steps {
        writeln!(out, "  {step}").expect("writing to the terminal");
    }
}
// ANCHOR_END: trace

/// Prints to the terminal.
pub fn main() {
    trace(&mut io::stdout()).expect("an engine in memory");
}
