//! What reads bytes in TinyDB, given bytes that nobody would write: for each format a function `check`, which panics if what
//! is read from any bytes is not as it should be. `fuzz_targets/` hands them to libFuzzer.
//!
//! | target | what it reads |
//! |---|---|
//! | [`rows`] | rows, of both codecs |
//! | [`blocks`] | data blocks, of both versions |
//! | [`sst`] | SSTs: footer, index, filter, blocks, and what is looked up in them |
//! | [`wal`] | segments of the WAL |
//! | [`manifest`] | manifests |
//! | [`shell`] | lines of the shell |
//! | [`progress`] | `PROGRESS.md`, as `cargo course progress` reads it |
//!
//! ```console
//! $ cd solutions/tinydb/fuzz
//! $ cargo run --release --bin rows -- corpus/rows -runs=10000000 -max_len=512
//! ```
//!
//! It needs a compiler of C++, for libFuzzer, and no other Rust than the course does. An input that fails is written to a
//! file; the target runs it again if it is given that file. What has been found is worth keeping in `corpus/`: the tests of
//! the packages check every file there.
#![forbid(unsafe_code)]

mod engine;
#[cfg(feature = "progress")]
pub mod progress;
#[cfg(feature = "shell")]
pub mod shell;

pub use engine::{blocks, manifest, rows, sst, wal};
