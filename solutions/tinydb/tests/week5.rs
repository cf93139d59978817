//! The tests of week 5, as its readers run them, against the finished engine.

extern crate tinydb as week5;

#[path = "../../../chapters/week5/tests/iterators.rs"]
mod iterators;

#[path = "../../../chapters/week5/tests/merge_iterator.rs"]
mod merge_iterator;
