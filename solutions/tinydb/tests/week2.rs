//! The tests of week 2, as its readers run them, against the finished engine.

extern crate tinydb as week2;
