//! The tests of the shell, as one program: it is linked once.

mod data_set;
mod fuzz_corpus;
mod grammar;
mod inspect;
mod record;
mod shell;
mod terminal;
mod words;
