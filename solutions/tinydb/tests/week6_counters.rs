//! Week 6's two ways to count in a database cost what the book says, time aside: a fiftieth of it.

#![expect(dead_code, reason = "the example's `main` writes to the terminal")]

extern crate tinydb as week6;

#[path = "../../../chapters/week6/examples/counters.rs"]
mod counters;

#[test]
fn a_fiftieth_of_the_increments_costs_a_fiftieth_of_what_the_book_shows() {
    let costs = counters::table(2, &mut Vec::new()).expect("no disk is involved");
    let counted: Vec<_> = costs.iter().map(|cost| (cost.reads, cost.calls, cost.rows)).collect();
    // A call for each counter at the flush; what is flushed as an operand is looked at once more.
    let expected = [(20_000, 0, 10_000), (0, 20_000, 10_000)];
    assert_eq!(counted, expected, "see chapters/week6/examples/counters.txt");
}
