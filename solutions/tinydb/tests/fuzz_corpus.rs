//! The fuzz targets of `solutions/tinydb/fuzz`, without a fuzzer: every file of their corpora, each also cut in some
//! places and with some bytes changed, is given to the function that the fuzzer calls. A panic of that function is a failure; what it
//! demands stands at the top of its file, in `fuzz/src/engine/`.
//!
//! `cd solutions/tinydb/fuzz; cargo run --release --bin rows -- corpus/rows -runs=10000000 -max_len=512` runs more of it, and
//! the same with `blocks`, `sst`, `wal` and `manifest`.

#[path = "../fuzz/src/corpus.rs"]
mod corpus;
#[path = "../fuzz/src/engine/mod.rs"]
mod engine;

const CORPORA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus");

#[test]
fn rows_are_read_as_the_format_says() {
    corpus::replay(CORPORA, "rows", engine::rows::check);
}

#[test]
fn blocks_are_read_as_the_format_says() {
    corpus::replay(CORPORA, "blocks", engine::blocks::check);
}

#[test]
fn ssts_are_read_as_they_were_built_or_refused() {
    corpus::replay(CORPORA, "sst", engine::sst::check);
}

#[test]
fn segments_of_the_wal_are_read_as_the_format_says() {
    corpus::replay(CORPORA, "wal", engine::wal::check);
}

#[test]
fn manifests_encode_back_to_their_bytes() {
    corpus::replay(CORPORA, "manifest", engine::manifest::check);
}
