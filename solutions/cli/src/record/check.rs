//! Holds what the steps say against what the database has.

use std::collections::BTreeMap;

use bytes::Bytes;
use tinydb::Db;
use tinydb::format::{RowEntry, ValueDeletable};
use tinydb::iter::BytesRange;

use crate::failure::Failure;
use crate::merge::OperatorName;

use super::disk::Disk;
use super::scene::Scene;

/// What was found to be different: what it is, what the steps say, and what there is.
pub type Difference = (String, String, String);

/// The first difference between the steps and the files.
pub fn files(scene: &Scene, disk: &Disk) -> Result<Option<Difference>, Failure> {
    let segments = scene.wal.iter().map(|segment| (segment.number, segment.rows.clone()));
    let expected: BTreeMap<u64, Vec<RowEntry>> = segments.collect();
    if let Some(found) = different("the WAL's segments", &expected, &disk.wal_rows()?) {
        return Ok(Some(found));
    }
    let expected = scene.ssts();
    let ids: Vec<u64> = expected.keys().copied().collect();
    if let Some(found) = different("the SSTs that exist", &ids, &disk.ssts()?) {
        return Ok(Some(found));
    }
    for (id, rows) in expected {
        if let Some(found) =
            different(&format!("the rows of SST {id}"), &rows, &&disk.sst_rows(id)?[..])
        {
            return Ok(Some(found));
        }
    }
    let manifests = disk.manifests()?;
    if let Some(found) = different("the manifests that exist", &scene.manifests, &manifests) {
        return Ok(Some(found));
    }
    let Some(newest) = manifests.last() else { return Ok(None) };
    let manifest = disk.manifest(*newest)?;
    let numbers = |ssts: &[super::scene::Container]| ssts.iter().map(|sst| sst.number).collect();
    let l0: Vec<u64> = numbers(&scene.l0);
    let runs: Vec<(u32, Vec<u64>)> =
        scene.runs.iter().map(|(run, ssts)| (*run, numbers(ssts))).collect();
    let named = manifest.sorted_runs.iter().map(|run| (run.id, run.ssts.clone())).collect();
    Ok(different("level 0 of the manifest", &l0, &manifest.l0)
        .or_else(|| different("the sorted runs of the manifest", &runs, &named)))
}

/// The first difference between the steps and the figures of the open database.
pub fn figures(scene: &Scene, db: &Db) -> Result<Option<Difference>, Failure> {
    let stats = db.stats()?;
    let rows = |ssts: &[super::scene::Container]| ssts.iter().map(|sst| sst.rows.len()).sum();
    let in_runs: usize = scene.runs.iter().map(|(_, ssts)| rows(ssts)).sum();
    let in_l0: usize = rows(&scene.l0);
    let table = scene.mem_table.as_ref().map_or(0, |table| table.rows.len());
    let ssts: usize = scene.runs.iter().map(|(_, ssts)| ssts.len()).sum();
    let figures = [
        ("rows in the memtable", table as u64, stats.mem_table_rows as u64),
        ("immutable memtables", scene.immutables.len() as u64, stats.immutable_mem_tables as u64),
        ("SSTs of level 0", scene.l0.len() as u64, stats.l0_ssts as u64),
        ("sorted runs", scene.runs.len() as u64, stats.sorted_runs as u64),
        ("SSTs of sorted runs", ssts as u64, stats.sorted_run_ssts as u64),
        ("rows in SSTs", (in_l0 + in_runs) as u64, stats.sst_rows),
        ("the last sequence number", scene.last_seq, stats.last_seq),
        ("the newest manifest", scene.manifests.last().copied().unwrap_or(0), stats.manifest_id),
    ];
    Ok(figures.into_iter().find_map(|(what, expected, found)| different(what, &expected, &found)))
}

/// The first difference between what the steps make of the rows and what a scan shows. This is where
/// the rows of memtables are compared, which are in no file.
pub fn contents(
    scene: &Scene,
    db: &Db,
    operator: OperatorName,
) -> Result<Option<Difference>, Failure> {
    let mut expected: Vec<(Bytes, Bytes)> = Vec::new();
    for (key, versions) in scene.versions() {
        if let Some(value) = resolve(&key, &versions, operator)? {
            expected.push((key.into(), value));
        }
    }
    let mut found = Vec::new();
    for key_value in db.scan(BytesRange::ALL)? {
        let key_value = key_value?;
        found.push((key_value.key, key_value.value));
    }
    Ok(different("what a scan shows", &expected, &found))
}

/// What versions, newest first, make of a key.
pub fn resolve(
    key: &[u8],
    versions: &[RowEntry],
    operator: OperatorName,
) -> Result<Option<Bytes>, Failure> {
    let mut operands = Vec::new();
    let mut base = None;
    for row in versions {
        match &row.value {
            ValueDeletable::Merge(operand) => operands.push(operand.clone()),
            ValueDeletable::Value(value) => {
                base = Some(value.clone());
                break;
            }
            ValueDeletable::Tombstone => break,
        }
    }
    operands.reverse();
    if operands.is_empty() {
        return Ok(base);
    }
    let Some(operator) = operator.operator() else { return Ok(base) };
    let merged = operator.merge_batch(key, base.as_deref(), &operands);
    merged
        .map(Some)
        .map_err(|error| Failure::Recording(format!("the merge operator failed: {error}")))
}

fn different<T: PartialEq + std::fmt::Debug>(
    what: &str,
    expected: &T,
    found: &T,
) -> Option<Difference> {
    (expected != found).then(|| (what.to_owned(), format!("{expected:?}"), format!("{found:?}")))
}
