//! Week 7's block cache is to LRU as the book says: a small part of its tables.

#![expect(dead_code, reason = "the example's `main` writes to the terminal")]

extern crate tinydb as week7;

#[path = "../../../chapters/week7/examples/block_cache.rs"]
mod block_cache;

#[test]
fn scans_cost_lru_more_hits_than_they_cost_the_block_cache() {
    let rates = block_cache::hit_rates(20_000, &mut Vec::new()).expect("no disk is involved");
    for rate in &rates {
        assert!(
            rate.block_cache > rate.lru,
            "see chapters/week7/examples/block_cache.txt: {rates:?}"
        );
    }
    let lost = |of: fn(&block_cache::HitRates) -> f64| of(&rates[0]) - of(&rates[1]);
    let (lru, block_cache) = (lost(|rate| rate.lru), lost(|rate| rate.block_cache));
    assert!(block_cache < lru / 2.0, "hits that the scans cost: {rates:?}");
}

#[test]
fn what_has_room_is_read_once() {
    let costs = block_cache::lookups(20_000, &mut Vec::new()).expect("no disk is involved");
    let blocks: Vec<_> = costs.iter().map(|cost| cost.blocks).collect();
    assert_eq!(blocks[0], 20_000, "without a cache, each lookup reads a block");
    assert!(blocks[1] < 1000 && blocks[1] == blocks[2], "each block is read once: {blocks:?}");
}
