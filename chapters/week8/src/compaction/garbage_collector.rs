//! Which files nobody needs any more.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

// ANCHOR: inventory
/// The files of a database, and what is known of their use. The database fills it in: first it lists
/// the SSTs, then it looks which are in use here, then it reads the manifests.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    /// The manifests that exist, oldest first.
    pub manifests: Vec<FoundManifest>,
    /// The SSTs that exist.
    pub ssts: Vec<FoundSst>,
    /// SSTs that this process still uses: an iterator reads them, or a flush or compaction has
    /// written them and will commit them.
    pub pinned: BTreeSet<u64>,
}

/// A manifest on the object store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundManifest {
    /// Its number.
    pub id: u64,
    /// When it was written.
    pub last_modified: SystemTime,
    /// The epoch of the writer that wrote it.
    pub writer_epoch: u64,
    /// The number of the SST that its writer makes next.
    pub next_sst_id: u64,
    /// The SSTs it names.
    pub ssts: BTreeSet<u64>,
}

/// An SST on the object store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundSst {
    /// Its number.
    pub id: u64,
    /// When it was written.
    pub last_modified: SystemTime,
}
// ANCHOR_END: inventory

// ANCHOR: garbage
/// What may be deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Garbage {
    /// Numbers of manifests, ascending.
    pub manifests: Vec<u64>,
    /// Numbers of SSTs, ascending.
    pub ssts: Vec<u64>,
}

impl Garbage {
    /// What may be deleted of an inventory that was taken at `now`: everything that no rule keeps.
    ///
    /// A manifest is kept if
    /// 1. it is the newest;
    /// 2. or it is younger than `min_age`: somebody may be reading it;
    /// 3. or it is the first of its epoch. Its number is the one that the writer before would commit
    ///    next; were it free, that writer would not notice that it was fenced.
    ///
    /// An SST is kept if
    /// 1. the newest manifest names it, or one that is younger than `min_age`;
    /// 2. or it is younger than `min_age`: a flush or a compaction may be about to commit it;
    /// 3. or it is pinned;
    /// 4. or its number is `next_sst_id` of the newest manifest, or higher: that number will be given
    ///    out, and a cache may still hold parts of the old file.
    ///
    /// What was modified after `now` has age 0: clocks differ. Without a manifest, nothing is
    /// garbage.
    // Task 8.8: Find the garbage
    pub fn find(inventory: &Inventory, now: SystemTime, min_age: Duration) -> Self {
        todo!("week 8, task 8: Find the garbage")
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.manifests.is_empty() && self.ssts.is_empty()
    }
}
// ANCHOR_END: garbage
