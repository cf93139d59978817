//! The tests of week 2, as its readers run them, against the finished engine.

extern crate tinydb as week2;

#[path = "../../../chapters/week2/tests/merge.rs"]
mod merge;

#[path = "../../../chapters/week2/tests/model.rs"]
mod model;

#[path = "../../../chapters/week2/tests/scan.rs"]
mod scan;
