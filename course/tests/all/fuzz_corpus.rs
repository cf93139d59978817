//! The fuzz target of `PROGRESS.md`, without a fuzzer: see `solutions/tinydb/tests/fuzz_corpus.rs`.

#[path = "../../../solutions/tinydb/fuzz/src/corpus.rs"]
mod corpus;
#[path = "../../../solutions/tinydb/fuzz/src/progress.rs"]
mod progress;

#[test]
fn no_line_of_a_sheet_is_lost() {
    let corpora = concat!(env!("CARGO_MANIFEST_DIR"), "/../solutions/tinydb/fuzz/corpus");
    corpus::replay(corpora, "progress", progress::check);
}
