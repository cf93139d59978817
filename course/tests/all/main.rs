//! The tests of `cargo course`, in one program: they link once.

mod book;
mod cli;
mod fixture;
mod gates;
mod generator;
mod hunting;
mod learner;
mod rooms;
mod running;
mod shell;
mod slatedb;
mod tasks;
mod traces;
mod writing;
