//! The tests of `cargo course`, in one program: they link once.

mod adopting;
mod book;
mod cli;
mod fixture;
mod fuzz_corpus;
mod gates;
mod generator;
mod health;
mod hunting;
mod learner;
mod mutants;
mod planning;
mod progress;
mod proving;
mod results;
mod rooms;
mod running;
mod shell;
mod slatedb;
mod tasks;
mod traces;
mod updating;
mod variants;
mod watching;
mod writing;
