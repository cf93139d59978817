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
fn new_favourites_come_in_though_they_fail_their_first_trial() {
    let [lru, block_cache] = block_cache::favourites(&mut Vec::new()).expect("no disk is involved");
    assert_eq!((lru, block_cache), (200, 200), "see chapters/week7/examples/block_cache.txt");
}

#[test]
fn what_has_room_is_read_once() {
    let blocks = block_cache::lookups(20_000, &mut Vec::new()).expect("no disk is involved");
    // The SST is plain: no key has a newer version in the block before.
    assert_eq!(blocks[0], 20_000, "without room, each lookup reads one block: {blocks:?}");
    let all = blocks[blocks.len() - 1];
    assert!(all < 1000 && blocks[2..].iter().all(|&read| read == all), "once each: {blocks:?}");
}
