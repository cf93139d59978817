//! The formats of the engine: one file for each, and in it `check`, which is given any bytes and panics if the engine does
//! not treat them as it should.
//!
//! The engine's tests include this folder too, and give `check` the corpus: `solutions/tinydb/tests/fuzz_corpus.rs`.

pub mod blocks;
pub mod input;
pub mod manifest;
pub mod model;
pub mod rows;
pub mod sst;
pub mod wal;
