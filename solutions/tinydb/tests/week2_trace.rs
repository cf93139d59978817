//! The example of week 2 prints what the book shows.

#![expect(dead_code, reason = "the example's `main` writes to the terminal")]

extern crate tinydb as week2;

#[path = "../../../chapters/week2/examples/trace.rs"]
mod trace;

#[test]
fn the_trace_prints_what_the_book_shows() {
    let mut printed = Vec::new();
    trace::trace(&mut printed).expect("the example runs on the engine");
    let expected = include_str!("../../../chapters/week2/examples/trace.txt");
    assert_eq!(
        String::from_utf8_lossy(&printed),
        expected,
        "see chapters/week2/examples/trace.txt"
    );
}
