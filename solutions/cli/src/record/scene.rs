//! Where every row is, followed step by step.

use std::collections::{BTreeMap, BTreeSet};

use tinydb::db::Manifest;
use tinydb::format::{RowEntry, ValueDeletable};

use super::recording::{Layout, Place, Why, Zone};

/// A box and its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Its number: of the WAL segment, or of the SST.
    pub number: u64,
    /// Its rows. Those of a memtable and of an SST are sorted by key, then newest first.
    pub rows: Vec<RowEntry>,
}

/// A database, as its steps have it so far.
#[derive(Debug, Clone, Default)]
pub struct Scene {
    /// Whether it is open.
    pub running: bool,
    /// The WAL's segments, oldest first.
    pub wal: Vec<Container>,
    /// The memtable; its number is that of its segment.
    pub mem_table: Option<Container>,
    /// The immutable memtables, newest first.
    pub immutables: Vec<Container>,
    /// The SSTs of level 0, newest first.
    pub l0: Vec<Container>,
    /// The sorted runs, newest first, and their SSTs in key order.
    pub runs: Vec<(u32, Vec<Container>)>,
    /// SSTs that the newest manifest does not name.
    pub unnamed: Vec<Container>,
    /// The manifests that exist.
    pub manifests: Vec<u64>,
    /// The highest sequence number that readers see.
    pub last_seq: u64,
}

/// How a memtable's box is called, whatever it is by now.
pub fn table_box(number: u64) -> String {
    format!("table:{number}")
}

/// How the box of a WAL segment is called.
pub fn wal_box(number: u64) -> String {
    format!("wal:{number}")
}

/// How the box of an SST is called.
pub fn sst_box(number: u64) -> String {
    format!("sst:{number}")
}

/// Puts a row where it belongs in a sorted table.
pub fn insert(rows: &mut Vec<RowEntry>, row: RowEntry) {
    let behind = |other: &RowEntry| (&other.key, row.seq) < (&row.key, other.seq);
    rows.insert(rows.partition_point(behind), row);
}

impl Scene {
    /// The boxes that a reader looks into, newest first: each with its name and its rows.
    pub fn places(&self) -> Vec<(String, &[RowEntry])> {
        let tables = self.mem_table.iter().chain(&self.immutables);
        let tables = tables.map(|table| (table_box(table.number), &table.rows[..]));
        let ssts = self.l0.iter().chain(self.runs.iter().flat_map(|(_, ssts)| ssts));
        tables.chain(ssts.map(|sst| (sst_box(sst.number), &sst.rows[..]))).collect()
    }

    /// The newest row of a key in a box.
    pub fn newest_in(&self, place: &str, key: &[u8]) -> Option<&RowEntry> {
        let places = self.places();
        let rows = places.iter().find(|(id, _)| id == place).map(|(_, rows)| *rows)?;
        rows.iter().find(|row| row.key == key)
    }

    /// The box that a reader finds a row in.
    pub fn box_of(&self, key: &[u8], seq: u64) -> Option<(String, RowEntry)> {
        self.places().into_iter().find_map(|(id, rows)| {
            let row = rows.iter().find(|row| row.key == key && row.seq == seq)?;
            Some((id, row.clone()))
        })
    }

    /// The versions of each key that a reader can meet, newest first.
    pub fn versions(&self) -> BTreeMap<Vec<u8>, Vec<RowEntry>> {
        let mut versions: BTreeMap<Vec<u8>, Vec<RowEntry>> = BTreeMap::new();
        for (_, rows) in self.places() {
            for row in rows {
                versions.entry(row.key.to_vec()).or_default().push(row.clone());
            }
        }
        for rows in versions.values_mut() {
            rows.sort_by_key(|row| std::cmp::Reverse(row.seq));
        }
        versions
    }

    /// Every SST that exists.
    pub fn ssts(&self) -> BTreeMap<u64, &[RowEntry]> {
        let named = self.l0.iter().chain(self.runs.iter().flat_map(|(_, ssts)| ssts));
        named.chain(&self.unnamed).map(|sst| (sst.number, &sst.rows[..])).collect()
    }

    /// The memtable takes no more rows; the segment behind it is begun.
    pub fn freeze(&mut self) {
        if let Some(table) = self.mem_table.take() {
            let next = table.number + 1;
            self.immutables.insert(0, table);
            self.mem_table = Some(Container { number: next, rows: Vec::new() });
            self.wal.push(Container { number: next, rows: Vec::new() });
        }
    }

    /// What a manifest says takes effect. `new` are the SSTs that were not there yet.
    pub fn apply(&mut self, id: u64, manifest: &Manifest, new: Vec<Container>) {
        let all = std::mem::take(&mut self.l0).into_iter();
        let all = all.chain(std::mem::take(&mut self.runs).into_iter().flat_map(|(_, ssts)| ssts));
        let all = all.chain(std::mem::take(&mut self.unnamed)).chain(new);
        let mut ssts: BTreeMap<u64, Container> = all.map(|sst| (sst.number, sst)).collect();
        let mut take = |ids: &[u64]| ids.iter().filter_map(|id| ssts.remove(id)).collect();
        self.l0 = take(&manifest.l0);
        self.runs = manifest.sorted_runs.iter().map(|run| (run.id, take(&run.ssts))).collect();
        self.unnamed = ssts.into_values().collect();
        self.immutables.retain(|table| table.number > manifest.replay_after_wal_id);
        self.manifests.push(id);
    }

    /// The layout, with each row by its place in a list, which `place_of` knows.
    pub fn layout(&self, mut place_of: impl FnMut(&RowEntry) -> usize) -> Layout {
        let mut boxes = Vec::new();
        let mut add = |id: String, zone: Zone, run: Option<u32>, of: &Container| {
            let rows = of.rows.iter().map(&mut place_of).collect();
            boxes.push(Place { id, zone, number: of.number, run, rows });
        };
        for segment in &self.wal {
            add(wal_box(segment.number), Zone::Wal, None, segment);
        }
        if let Some(table) = &self.mem_table {
            add(table_box(table.number), Zone::Memtable, None, table);
        }
        for table in &self.immutables {
            add(table_box(table.number), Zone::Immutable, None, table);
        }
        for sst in &self.l0 {
            add(sst_box(sst.number), Zone::L0, None, sst);
        }
        for (run, ssts) in &self.runs {
            ssts.iter().for_each(|sst| add(sst_box(sst.number), Zone::Run, Some(*run), sst));
        }
        for sst in &self.unnamed {
            add(sst_box(sst.number), Zone::Unnamed, None, sst);
        }
        Layout { running: self.running, manifests: self.manifests.clone(), boxes }
    }

    /// The rows of some boxes that are not among `kept`, the rows of what was made of them: each with its
    /// box, and why it is not there.
    pub fn left_out(
        &self,
        boxes: &[String],
        kept: &[RowEntry],
    ) -> Vec<(String, RowEntry, LeftOut)> {
        let places = self.places().into_iter().map(|(id, rows)| (id, rows.to_vec()));
        let unnamed = self.unnamed.iter().map(|sst| (sst_box(sst.number), sst.rows.clone()));
        let looked: Vec<(String, Vec<RowEntry>)> =
            places.chain(unnamed).filter(|(id, _)| boxes.contains(id)).collect();
        let was_there = |row: &RowEntry| looked.iter().any(|(_, rows)| rows.contains(row));
        let made: BTreeSet<&[u8]> =
            kept.iter().filter(|row| !was_there(row)).map(|row| &row.key[..]).collect();
        let mut left = Vec::new();
        for (id, rows) in &looked {
            for row in rows.iter().filter(|row| !kept.contains(row)) {
                let has_row = || kept.iter().any(|other| other.key == row.key);
                let how = match made.contains(&row.key[..]) {
                    true => LeftOut::Merged,
                    false if row.value.is_tombstone() && !has_row() => LeftOut::Needless,
                    false => LeftOut::Hidden,
                };
                left.push((id.clone(), row.clone(), how));
            }
        }
        left
    }
}

/// Why a row is not in the SST that was made of its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOut {
    /// A newer row hides it.
    Hidden,
    /// It is a tombstone, and nothing older is left.
    Needless,
    /// It is part of a row that operands made.
    Merged,
}

impl LeftOut {
    /// How the row stands out.
    pub fn why(self) -> Why {
        match self {
            Self::Hidden | Self::Needless => Why::Dropped,
            Self::Merged => Why::Merged,
        }
    }
}

/// Whether a row hides what is older, or leaves it to count too.
pub fn is_operand(row: &RowEntry) -> bool {
    matches!(row.value, ValueDeletable::Merge(_))
}
