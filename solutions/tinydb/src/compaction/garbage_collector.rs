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
    // exercise: week8.8
    pub fn find(inventory: &Inventory, now: SystemTime, min_age: Duration) -> Self {
        let is_young =
            |modified: SystemTime| now.duration_since(modified).unwrap_or(Duration::ZERO) < min_age;
        let Some(newest) = inventory.manifests.iter().max_by_key(|manifest| manifest.id) else {
            return Self::default();
        };
        let firsts = first_of_each_epoch(&inventory.manifests);
        let (in_use, old): (Vec<_>, Vec<_>) = inventory
            .manifests
            .iter()
            .partition(|manifest| manifest.id == newest.id || is_young(manifest.last_modified));
        let named: BTreeSet<u64> =
            in_use.into_iter().flat_map(|manifest| &manifest.ssts).copied().collect();
        let is_needed = |sst: &FoundSst| {
            sst.id >= newest.next_sst_id
                || is_young(sst.last_modified)
                || inventory.pinned.contains(&sst.id)
                || named.contains(&sst.id)
        };
        let manifests = old.into_iter().map(|manifest| manifest.id);
        let ssts = inventory.ssts.iter().filter(|sst| !is_needed(sst)).map(|sst| sst.id);
        Self { manifests: sorted(manifests.filter(|id| !firsts.contains(id))), ssts: sorted(ssts) }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.manifests.is_empty() && self.ssts.is_empty()
    }
}
// ANCHOR_END: garbage

/// The number of the first manifest of each epoch.
// solution-only
fn first_of_each_epoch(manifests: &[FoundManifest]) -> BTreeSet<u64> {
    let mut firsts: BTreeMap<u64, u64> = BTreeMap::new();
    for manifest in manifests {
        let first = firsts.entry(manifest.writer_epoch).or_insert(manifest.id);
        *first = manifest.id.min(*first);
    }
    firsts.into_values().collect()
}

// solution-only
fn sorted(ids: impl Iterator<Item = u64>) -> Vec<u64> {
    ids.collect::<BTreeSet<u64>>().into_iter().collect()
}
