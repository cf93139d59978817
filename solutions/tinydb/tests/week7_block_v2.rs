//! Week 7's two versions of blocks take what the book says, time aside: a tenth of its table.

#![expect(dead_code, reason = "the example's `main` writes to the terminal")]

extern crate tinydb as week7;

#[path = "../../../chapters/week7/examples/block_v2.rs"]
mod block_v2;

#[test]
fn a_tenth_of_the_orders_takes_a_tenth_of_what_the_book_shows() {
    let costs = block_v2::table(500, &mut Vec::new()).expect("no disk is involved");
    let counted = costs.map(|cost| (cost.blocks, cost.bytes));
    assert_eq!(
        counted,
        [(116, 470_226), (77, 312_903)],
        "see chapters/week7/examples/block_v2.txt"
    );
}
