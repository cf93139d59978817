//! The tests of week 1, as its readers run them, against the finished engine.

extern crate tinydb as week1;

#[path = "../../../chapters/week1/tests/amplification.rs"]
mod amplification;

#[path = "../../../chapters/week1/tests/block.rs"]
mod block;

#[path = "../../../chapters/week1/tests/row_codec.rs"]
mod row_codec;

#[path = "../../../chapters/week1/tests/types.rs"]
mod types;
