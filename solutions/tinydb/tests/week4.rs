//! The tests of week 4, as its readers run them, against the finished engine.

extern crate tinydb as week4;

#[path = "../../../chapters/week4/tests/db.rs"]
mod db;

#[path = "../../../chapters/week4/tests/manifest.rs"]
mod manifest;

#[path = "../../../chapters/week4/tests/recovery.rs"]
mod recovery;

#[path = "../../../chapters/week4/tests/state.rs"]
mod state;
