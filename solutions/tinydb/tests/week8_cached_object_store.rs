//! Week 8's measurements of the part cache count what the book says, time aside.

#![expect(dead_code, reason = "the example's `main` writes to the terminal")]

extern crate tinydb as week8;

use std::time::Duration;

use testkit::TempFolder;

#[path = "../../../chapters/week8/examples/cached_object_store.rs"]
mod cached_object_store;

use cached_object_store::{Cost, Distance};

const NEAR: Distance = Distance { latency: Duration::ZERO, bytes_per_second: u64::MAX };

fn counted(cost: &Cost) -> (u64, u64) {
    (cost.requests, cost.bytes >> 10)
}

#[test]
fn the_cache_saves_the_requests_that_the_book_shows() {
    let folder = TempFolder::new();
    let costs = cached_object_store::before_and_after(NEAR, folder.path(), &mut Vec::new());
    let counted: Vec<_> = costs.expect("no disk fails").iter().map(counted).collect();
    let expected = [(200, 800), (25, 6144), (0, 0), (0, 0)];
    assert_eq!(counted, expected, "see chapters/week8/examples/cached_object_store.txt");
}

#[test]
fn parts_of_each_size_cost_what_the_book_shows() {
    let folder = TempFolder::new();
    // Larger ones take long in a debug build: each hit reads and checks a whole part.
    let sizes = [64];
    let costs = cached_object_store::part_sizes(&sizes, NEAR, folder.path(), &mut Vec::new());
    for (cost, kib) in costs.expect("no disk fails").iter().zip(sizes) {
        assert_eq!(counted(&cost.misses), (16, 16 * kib), "misses, parts of {kib} KiB");
        assert_eq!(counted(&cost.hits), (0, 0), "hits, parts of {kib} KiB");
        assert_eq!(counted(&cost.scan), (4096 / kib, 4096), "the scan, parts of {kib} KiB");
    }
}
