//! The fuzz target of the shell's lines, without a fuzzer: see `solutions/tinydb/tests/fuzz_corpus.rs`.

#[path = "../../../tinydb/fuzz/src/corpus.rs"]
mod corpus;
#[path = "../../../tinydb/fuzz/src/shell.rs"]
mod shell;

#[test]
fn lines_are_read_as_they_are_printed() {
    let corpora = concat!(env!("CARGO_MANIFEST_DIR"), "/../tinydb/fuzz/corpus");
    corpus::replay(corpora, "shell", shell::check);
}
