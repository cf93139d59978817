//! The tests of week 3, as its readers run them, against the finished engine.

extern crate tinydb as week3;

#[path = "../../../chapters/week3/tests/mem_table.rs"]
mod mem_table;

#[path = "../../../chapters/week3/tests/wal.rs"]
mod wal;

#[path = "../../../chapters/week3/tests/sst.rs"]
mod sst;
