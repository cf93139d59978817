//! The tour of week 3 prints what the book shows.

#![expect(dead_code, reason = "the example's `main` writes to the terminal")]

extern crate tinydb as week3;

#[path = "../../../chapters/week3/examples/tour.rs"]
mod tour;

#[test]
fn the_tour_prints_what_the_book_shows() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut printed = Vec::new();
    tour::tour(folder.path(), &mut printed).expect("the tour runs on the engine");
    let expected = include_str!("../../../chapters/week3/examples/tour.txt");
    assert_eq!(String::from_utf8_lossy(&printed), expected, "see chapters/week3/examples/tour.txt");
}
