//! The tests of week 6, as its readers run them, against the finished engine.

extern crate tinydb as week6;

#[path = "../../../chapters/week6/tests/merge_operators.rs"]
mod merge_operators;

#[path = "../../../chapters/week6/tests/batch_merge.rs"]
mod batch_merge;
