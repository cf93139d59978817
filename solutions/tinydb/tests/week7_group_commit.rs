//! Week 7's two ways to sync do what the book says, time aside: in a fortieth of its time.

#![expect(dead_code, reason = "the example's `main` writes to the terminal")]

extern crate tinydb as week7;

use std::time::Duration;

#[path = "../../../chapters/week7/examples/group_commit.rs"]
mod group_commit;

#[test]
fn alone_each_write_has_a_sync_and_in_a_group_many_share_one() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let turns = (1, Duration::from_millis(50));
    let costs =
        group_commit::table(folder.path(), turns, &mut Vec::new()).expect("a disk that works");
    for [alone, _] in &costs {
        assert_eq!(alone.syncs, alone.writes, "each write is synced alone");
    }
    let [_, one] = &costs[0];
    assert_eq!(one.syncs, one.writes, "with one thread there is nobody to share with");
    let [_, many] = &costs[costs.len() - 1];
    assert!(many.syncs < many.writes, "{many:?}: see chapters/week7/examples/group_commit.txt");
}
