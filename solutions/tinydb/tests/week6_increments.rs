//! Week 6's three ways to merge cost what the book says, time aside: a tenth of its table.

#![expect(dead_code, reason = "the example's `main` writes to the terminal")]

extern crate tinydb as week6;

#[path = "../../../chapters/week6/examples/increments.rs"]
mod increments;

#[test]
fn a_tenth_of_the_increments_costs_a_tenth_of_what_the_book_shows() {
    let costs = increments::table(10, &mut Vec::new()).expect("the operands are good");
    let counted: Vec<_> = costs.iter().map(|cost| (cost.calls, cost.operands)).collect();
    let expected = [
        // Pair by pair, all at once and in batches: a thousand keys of a hundred increments each.
        [(99_000, 2), (1000, 101), (1000, 101)],
        // One key of a hundred thousand.
        [(99_999, 2), (1, 100_000), (1011, 101)],
        // One key of a thousand notes.
        [(999, 2), (1, 1000), (11, 101)],
    ];
    assert_eq!(counted, expected.concat(), "see chapters/week6/examples/increments.txt");
}
