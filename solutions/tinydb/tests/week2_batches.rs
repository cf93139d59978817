//! Week 2's ways to merge cost what the book shows.

#![expect(dead_code, reason = "the example's `main` writes to the terminal")]

extern crate tinydb as week2;

#[path = "../../../chapters/week2/examples/batches.rs"]
mod batches;

#[test]
fn the_ways_to_merge_cost_what_the_book_shows() {
    let mut printed = Vec::new();
    batches::table(&mut printed).expect("a Vec takes every byte");
    let expected = include_str!("../../../chapters/week2/examples/batches.txt");
    assert_eq!(
        String::from_utf8_lossy(&printed),
        expected,
        "see chapters/week2/examples/batches.txt"
    );
}
