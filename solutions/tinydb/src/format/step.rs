//! The steps of an operation: what a trace is made of.
//!
//! The real engine records them as it works (`db::Trace`), and week 2's model returns the same
//! steps, so that the two can be compared.

use std::fmt;

use bytes::Bytes;

/// One step of an operation of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// A batch was appended to a WAL segment, as one record.
    WalAppend {
        /// The segment.
        wal_id: u64,
        /// How many rows the batch has.
        rows: usize,
    },
    /// A row was put into the memtable.
    MemTableInsert {
        /// The row's key.
        key: Bytes,
        /// Its sequence number.
        seq: u64,
    },
    /// From here on readers see every row up to this sequence number.
    Commit {
        /// The sequence number.
        seq: u64,
    },
    /// The memtable became immutable; the next WAL segment and a new memtable take its place.
    Freeze {
        /// The segment that holds the memtable's rows.
        wal_id: u64,
    },
    /// A key was looked up in the memtable.
    MemTableLookup {
        /// Whether a row of the key that is visible was there.
        found: bool,
    },
    /// A key was looked up in an immutable memtable.
    ImmutableMemTableLookup {
        /// The segment that holds the memtable's rows.
        wal_id: u64,
        /// Whether a row of the key that is visible was there.
        found: bool,
    },
    /// A key was looked up in an SST.
    SstLookup {
        /// The SST.
        sst: u64,
        /// Whether a row of the key that is visible was there.
        found: bool,
    },
    /// A range of keys began to be read.
    ScanBegin {
        /// How many places, memtables, SSTs of level 0 and sorted runs, are merged.
        places: usize,
    },
    /// A row came out of the merge of all places: the smallest key first, of one key the newest row.
    ScanRow {
        /// The row's key.
        key: Bytes,
        /// Its sequence number.
        seq: u64,
    },
    /// The merge operator was asked to combine operands of a key.
    MergeBatch {
        /// The key.
        key: Bytes,
        /// Whether an older value, or what older operands made, was there too.
        existing: bool,
        /// How many operands.
        operands: usize,
    },
    /// An immutable memtable was written as an SST.
    Flush {
        /// The segment that holds the memtable's rows.
        wal_id: u64,
        /// The SST.
        sst: u64,
        /// How many rows the SST has.
        rows: u64,
    },
    /// A version of the manifest was put on the object store.
    ManifestCommit {
        /// The manifest.
        manifest: u64,
    },
    /// SSTs and sorted runs were merged into one sorted run.
    Compaction {
        /// How many SSTs of level 0 and sorted runs were merged.
        sources: usize,
        /// The sorted run.
        run: u32,
        /// How many SSTs it has.
        ssts: usize,
        /// How many rows it has.
        rows: u64,
    },
    /// An SST that nobody needs any more was deleted.
    SstDelete {
        /// The SST.
        sst: u64,
    },
    /// A WAL segment was deleted: its rows are in an SST.
    WalDelete {
        /// The segment.
        wal_id: u64,
    },
    /// A WAL segment was read to fill a memtable again.
    WalReplay {
        /// The segment.
        wal_id: u64,
        /// How many rows were put into the memtable.
        rows: usize,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = |found: &bool| if *found { "found" } else { "not found" };
        let s = |rows: u64| if rows == 1 { "" } else { "s" };
        match self {
            Self::WalAppend { wal_id, rows } => {
                write!(out, "WalAppend wal {wal_id}, {rows} row{}", s(*rows as u64))
            }
            Self::MemTableInsert { key, seq } => write!(out, "MemTableInsert {key:?} seq {seq}"),
            Self::Commit { seq } => write!(out, "Commit seq {seq}"),
            Self::Freeze { wal_id } => write!(out, "Freeze wal {wal_id}"),
            Self::MemTableLookup { found: it } => write!(out, "MemTableLookup: {}", found(it)),
            Self::ImmutableMemTableLookup { wal_id, found: it } => {
                write!(out, "ImmutableMemTableLookup wal {wal_id}: {}", found(it))
            }
            Self::SstLookup { sst, found: it } => write!(out, "SstLookup sst {sst}: {}", found(it)),
            Self::ScanBegin { places } => {
                write!(out, "ScanBegin {places} place{}", s(*places as u64))
            }
            Self::ScanRow { key, seq } => write!(out, "ScanRow {key:?} seq {seq}"),
            Self::MergeBatch { key, existing, operands } => {
                let onto = if *existing { " onto what is older" } else { "" };
                write!(out, "MergeBatch {key:?}, {operands} operand{}{onto}", s(*operands as u64))
            }
            Self::Flush { wal_id, sst, rows } => {
                write!(out, "Flush wal {wal_id} to sst {sst}, {rows} row{}", s(*rows))
            }
            Self::ManifestCommit { manifest } => write!(out, "ManifestCommit manifest {manifest}"),
            Self::Compaction { sources, run, ssts, rows } => write!(
                out,
                "Compaction of {sources} sources to sorted run {run}, {ssts} SST{}, {rows} row{}",
                s(*ssts as u64),
                s(*rows)
            ),
            Self::SstDelete { sst } => write!(out, "SstDelete sst {sst}"),
            Self::WalDelete { wal_id } => write!(out, "WalDelete wal {wal_id}"),
            Self::WalReplay { wal_id, rows } => {
                write!(out, "WalReplay wal {wal_id}, {rows} row{}", s(*rows as u64))
            }
        }
    }
}
