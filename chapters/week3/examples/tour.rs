//! A tour of your storage layer: `cargo run -p week3 --example tour`.

use std::io::{self, Write};
use std::ops::Bound;
use std::sync::Arc;

use week3::Result;
use week3::format::RowEntry;
use week3::object_store::{LocalObjectStore, ObjectStore};
use week3::storage::{
    Durability, MemTable, SequencedKey, SstBuilder, SstReader, WalReader, WalWriter,
};

/// The tour, in an empty folder; prints to `out`.
// ANCHOR: tour
pub fn tour(folder: &std::path::Path, out: &mut impl Write) -> Result<()> {
    let segment = folder.join("00000000000000000001.wal");

    // Three batches go to the WAL. Then the process is killed in the middle of a fourth.
    let mut wal = WalWriter::open(&segment)?;
    wal.append(&[RowEntry::new_value("apple", "red", 1)], Durability::Os)?;
    wal.append(
        &[RowEntry::new_value("apple", "green", 2), RowEntry::new_value("pear", "ripe", 3)],
        Durability::Os,
    )?;
    wal.append(&[RowEntry::new_tombstone("apple", 4)], Durability::Sync)?;
    drop(wal);
    tear(&segment, b"half a rec");

    // The next process finds the torn tail, and puts everything before it into a new memtable.
    let mut wal = WalReader::open(&segment)?;
    let mem_table = MemTable::new();
    while let Some(batch) = wal.next_batch()? {
        say(out, format!("replayed a batch of {}", batch.len()));
        batch.into_iter().for_each(|row| mem_table.put(row));
    }
    say(out, format!("torn tail: {:?}", wal.torn_tail()));
    let wal = WalWriter::open(&segment)?;
    say(out, format!("after the cut: a segment of {} bytes", wal.size()));

    // The memtable becomes an SST.
    let mut sst = SstBuilder::default();
    for row in mem_table.range((Bound::<SequencedKey>::Unbounded, Bound::Unbounded), usize::MAX) {
        sst.add(&row)?;
    }
    let store = Arc::new(LocalObjectStore::open(folder)?);
    let path = "sst/00000000000000000001.sst";
    store.put(path, sst.finish()?)?;

    // And the SST answers as the memtable did: now, and as of an earlier sequence number.
    let sst = SstReader::open(store, path)?;
    for max_seq in [9, 3, 1, 0] {
        let found = sst.get(b"apple", max_seq)?;
        assert_eq!(found, mem_table.get(b"apple", max_seq));
        say(out, format!("apple at {max_seq}: {:?}", found.map(|row| row.value)));
    }
    Ok(())
}
// ANCHOR_END: tour

/// Leaves the start of a record at the end of a file, as a crash does.
fn tear(segment: &std::path::Path, half: &[u8]) {
    let file = std::fs::OpenOptions::new().append(true).open(segment);
    file.and_then(|mut file| file.write_all(half)).expect("the segment was written a moment ago");
}

fn say(out: &mut impl Write, line: String) {
    writeln!(out, "{line}").expect("writing to the terminal");
}

/// Runs the tour in a folder of its own, which it removes.
pub fn main() {
    let folder = std::env::temp_dir().join(format!("tinydb-tour-{}", std::process::id()));
    std::fs::create_dir(&folder).expect("a folder for temporary files");
    let done = tour(&folder, &mut io::stdout());
    std::fs::remove_dir_all(&folder).expect("removing the tour's folder");
    if let Err(error) = done {
        println!("the tour ended early: {error}");
    }
}
