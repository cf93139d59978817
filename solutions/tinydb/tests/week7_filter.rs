//! Week 7's filters let through what the book says, and save what it says: a tenth of its tables.

#![expect(dead_code, reason = "the example's `main` writes to the terminal")]

extern crate tinydb as week7;

#[path = "../../../chapters/week7/examples/filter.rs"]
mod filter;

#[test]
fn the_rates_are_those_of_the_theory() {
    let rates = filter::rates(10_000, &mut Vec::new());
    // The last ones let a handful of keys through, which may be twice as many or none.
    for rate in rates.iter().filter(|rate| rate.bits_per_key <= 10) {
        let expected = rate.theory * 0.7..rate.theory * 1.3;
        assert!(expected.contains(&rate.measured), "{rate:?}");
    }
}

#[test]
fn a_lookup_of_a_missing_key_reads_one_sst_of_a_hundred() {
    let [without, with] = filter::missing(2000, &mut Vec::new()).expect("no disk is involved");
    assert_eq!(without.ssts, 8.0, "without filters, each lookup reads all eight SSTs");
    assert!((0.04..0.1).contains(&with.ssts), "see chapters/week7/examples/filter.txt: {with:?}");
    assert_eq!((without.bytes, with.bytes), (0, 8 * (2500 + 8)), "bytes of the filters");
}
