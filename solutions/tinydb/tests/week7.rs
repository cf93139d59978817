//! The tests of week 7, as its readers run them, against the finished engine.

extern crate tinydb as week7;

#[path = "../../../chapters/week7/tests/block_v2.rs"]
mod block_v2;

#[path = "../../../chapters/week7/tests/filter.rs"]
mod filter;

#[path = "../../../chapters/week7/tests/block_cache.rs"]
mod block_cache;

#[path = "../../../chapters/week7/tests/group_commit.rs"]
mod group_commit;
