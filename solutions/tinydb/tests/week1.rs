//! The tests of week 1, as its readers run them, against the finished engine.

extern crate tinydb as week1;

#[path = "../../../chapters/week1/tests/amplification.rs"]
mod amplification;
