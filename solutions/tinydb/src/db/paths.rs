//! Where the database's objects are on its object store.
//!
//! Numbers have 20 digits, so that paths sort as numbers do and every `u64` fits.
//!
//! SlateDB: `PathResolver` in `src/paths.rs`. Its SSTs are under `compacted/`, named by ULIDs.

/// The folder of manifests.
pub const MANIFESTS: &str = "manifest";

/// The folder of SSTs.
pub const SSTS: &str = "sst";

/// Where SST `id` is.
pub fn sst(id: u64) -> String {
    format!("{SSTS}/{id:020}.sst")
}

/// The number of the SST at `path`; `None` for a path that [`sst`] does not make.
pub fn sst_id(path: &str) -> Option<u64> {
    let name = path.strip_prefix(SSTS)?.strip_prefix('/')?;
    let id = name.strip_suffix(".sst")?.parse().ok()?;
    (sst(id) == path).then_some(id)
}

/// Where manifest `id` is.
pub fn manifest(id: u64) -> String {
    format!("{MANIFESTS}/{id:020}.manifest")
}

/// The number of the manifest at `path`; `None` for a path that [`manifest`] does not make, and for
/// the highest number, behind which there is no next.
pub fn manifest_id(path: &str) -> Option<u64> {
    let name = path.strip_prefix(MANIFESTS)?.strip_prefix('/')?;
    let id = name.strip_suffix(".manifest")?.parse().ok()?;
    (id < u64::MAX && manifest(id) == path).then_some(id)
}
