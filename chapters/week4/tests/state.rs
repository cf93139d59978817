//! Week 4, days 3 to 4: the state that readers see. The rules are on the page *The database* of the
//! book.

use std::sync::Arc;

use proptest::prelude::*;
use testkit::{any_rows, config, rule};
use week4::db::state::Sst;
use week4::db::{DbState, ImmutableMemTable, Run, Trace, paths};
use week4::format::{RowEntry, Step};
use week4::iter::{BytesRange, RowEntryIterator};
use week4::object_store::{MemoryObjectStore, ObjectStore};
use week4::storage::{MemTable, SstBuilder, SstReader};

fn table(rows: &[RowEntry]) -> Arc<MemTable> {
    let table = MemTable::new();
    for row in rows {
        table.put(row.clone());
    }
    Arc::new(table)
}

fn immutable(wal_id: u64, rows: &[RowEntry]) -> ImmutableMemTable {
    ImmutableMemTable { wal_id, table: table(rows) }
}

fn sst_on(store: Arc<MemoryObjectStore>, id: u64, rows: &[RowEntry]) -> Sst {
    // Small blocks, so that there are several.
    let mut builder = SstBuilder::new(64);
    for row in rows {
        builder.add(row).unwrap();
    }
    store.put(&paths::sst(id), builder.finish().unwrap()).unwrap();
    Sst { id, reader: Arc::new(SstReader::open(store, paths::sst(id)).unwrap()) }
}

fn sst(id: u64, rows: &[RowEntry]) -> Sst {
    sst_on(Arc::new(MemoryObjectStore::new()), id, rows)
}

/// A key in every place, each time with another value; and in each place a key that is only there.
fn state_with_every_place() -> DbState {
    let rows = |place: &str, seq| {
        let only = RowEntry::new_value(format!("only-{place}"), "here", seq + 1);
        [RowEntry::new_value("everywhere", place.to_owned(), seq), only]
    };
    DbState {
        wal_id: 9,
        mem_table: table(&rows("mem_table", 80)),
        immutables: vec![
            immutable(8, &rows("newer-immutable", 70)),
            immutable(7, &rows("older-immutable", 60)),
        ],
        l0: vec![sst(12, &rows("newer-l0", 50)), sst(11, &rows("older-l0", 40))],
        sorted_runs: vec![
            Run {
                id: 2,
                ssts: vec![
                    sst(6, &[RowEntry::new_value("a", "a", 31)]),
                    sst(5, &rows("newer-run", 30)),
                ],
            },
            Run { id: 1, ssts: vec![sst(1, &rows("older-run", 20))] },
        ],
    }
}

fn value(row: Option<RowEntry>) -> Option<String> {
    let bytes = row?.value.as_bytes().cloned()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

mod task_4_4 {
    use super::*;

    #[test]
    fn a_freeze_moves_the_memtable_to_the_front_of_the_immutable_ones() {
        let state = state_with_every_place();
        let next = state.freeze(10);
        let rule = rule("4.4", "a freeze moves the memtable, and copies no row");
        let ids: Vec<u64> = next.immutables.iter().map(|it| it.wal_id).collect();
        assert_eq!(ids, [9, 8, 7], "newest first{rule}");
        assert!(Arc::ptr_eq(&next.immutables[0].table, &state.mem_table), "{rule}");
        assert!(Arc::ptr_eq(&next.immutables[2].table, &state.immutables[1].table), "{rule}");
        assert_eq!(next.wal_id, 10, "the new memtable belongs to the next segment{rule}");
        assert!(next.mem_table.is_empty(), "{rule}");
        assert_eq!((next.l0.len(), next.sorted_runs.len()), (2, 2), "{rule}");
    }

    #[test]
    fn a_reader_keeps_the_state_it_has() {
        let state = state_with_every_place();
        let frozen = state.freeze(10);
        let flushed = frozen.flushed(sst(13, &[RowEntry::new_value("x", "x", 90)]));
        flushed.mem_table.put(RowEntry::new_value("late", "late", 99));
        let rule = rule("4.4", "a state never changes: a step makes a new one");
        assert_eq!((state.wal_id, state.immutables.len(), state.l0.len()), (9, 2, 2), "{rule}");
        assert_eq!((frozen.immutables.len(), frozen.l0.len()), (3, 2), "{rule}");
        assert_eq!(
            state.mem_table.row_count(),
            2,
            "rows for the next memtable go into the next{rule}"
        );
    }

    #[test]
    fn a_flush_replaces_the_oldest_immutable_memtable() {
        let state = state_with_every_place();
        let next = state.flushed(sst(13, &[RowEntry::new_value("x", "x", 61)]));
        let rule = rule("4.4", "the oldest immutable memtable becomes the newest level-0 SST");
        let wal_ids: Vec<u64> = next.immutables.iter().map(|it| it.wal_id).collect();
        let ssts: Vec<u64> = next.l0.iter().map(|sst| sst.id).collect();
        assert_eq!((wal_ids, ssts), (vec![8], vec![13, 12, 11]), "{rule}");
        assert!(Arc::ptr_eq(&next.mem_table, &state.mem_table), "{rule}");
        assert_eq!((next.wal_id, next.sorted_runs.len()), (9, 2), "{rule}");
    }

    #[test]
    fn every_memtable_counts_as_unflushed() {
        let state = state_with_every_place();
        let expected = state.mem_table.approximate_size()
            + state.immutables.iter().map(|it| it.table.approximate_size()).sum::<usize>();
        let rule = rule("4.4", "what is in memtables, immutable ones included, is not flushed");
        assert_eq!(state.unflushed_bytes(), expected, "{rule}");
        assert_eq!(state.freeze(10).unflushed_bytes(), expected, "a freeze flushes nothing{rule}");
    }
}

mod task_4_5 {
    use super::*;

    #[test]
    fn the_newest_place_decides() {
        let mut state = state_with_every_place();
        let rule = rule("4.5", "places are looked into newest first");
        let found = |state: &DbState| {
            value(state.get(b"everywhere", u64::MAX, &Trace::new()).unwrap()).unwrap_or_default()
        };
        assert_eq!(found(&state), "mem_table", "{rule}");
        state.mem_table = table(&[]);
        for expected in ["newer-immutable", "older-immutable"] {
            assert_eq!(found(&state), expected, "{rule}");
            state.immutables.remove(0);
        }
        for expected in ["newer-l0", "older-l0"] {
            assert_eq!(found(&state), expected, "{rule}");
            state.l0.remove(0);
        }
        for expected in ["newer-run", "older-run"] {
            assert_eq!(found(&state), expected, "{rule}");
            state.sorted_runs.remove(0);
        }
    }

    #[test]
    fn a_key_is_found_wherever_it_is() {
        let state = state_with_every_place();
        for place in [
            "mem_table",
            "newer-immutable",
            "older-immutable",
            "newer-l0",
            "older-l0",
            "newer-run",
            "older-run",
        ] {
            let row = state.get(format!("only-{place}").as_bytes(), u64::MAX, &Trace::new());
            let rule = rule("4.5", "every place is looked into");
            assert_eq!(value(row.unwrap()).as_deref(), Some("here"), "only-{place}{rule}");
        }
        let row = state.get(b"nowhere", u64::MAX, &Trace::new()).unwrap();
        assert_eq!(row, None, "{}", rule("4.5", "a key that is in no place is not found"));
    }

    #[test]
    fn a_tombstone_or_an_operand_is_an_answer_too() {
        let older = [RowEntry::new_value("apple", "red", 1), RowEntry::new_value("count", "5", 2)];
        let newer = [RowEntry::new_tombstone("apple", 3), RowEntry::new_merge("count", "+1", 4)];
        let rule = rule("4.5", "the first row that is found decides, whatever kind it is");
        let state = DbState {
            mem_table: table(&[]),
            immutables: vec![immutable(2, &newer)],
            l0: vec![sst(1, &older)],
            sorted_runs: Vec::new(),
            wal_id: 3,
        };
        for row in &newer {
            let found = state.get(&row.key, u64::MAX, &Trace::new()).unwrap();
            assert_eq!(found.as_ref(), Some(row), "{rule}");
        }
        let flushed =
            DbState { immutables: Vec::new(), l0: vec![sst(2, &newer), sst(1, &older)], ..state };
        for row in &newer {
            let found = flushed.get(&row.key, u64::MAX, &Trace::new()).unwrap();
            assert_eq!(found.as_ref(), Some(row), "{rule}");
        }
    }

    #[test]
    fn a_row_above_max_seq_is_not_there() {
        let state = state_with_every_place();
        let rule = rule("4.5", "only rows up to max_seq are seen; an older place may hold one");
        for (max_seq, expected) in [
            (80, Some("mem_table")),
            (79, Some("newer-immutable")),
            (69, Some("older-immutable")),
            (59, Some("newer-l0")),
            (49, Some("older-l0")),
            (39, Some("newer-run")),
            (29, Some("older-run")),
            (19, None),
        ] {
            let row = state.get(b"everywhere", max_seq, &Trace::new()).unwrap();
            assert_eq!(value(row).as_deref(), expected, "at {max_seq}{rule}");
        }
    }

    #[test]
    fn each_place_is_recorded_and_none_behind_the_answer() {
        // Which SSTs of a sorted run are worth a look is left to you.
        let state = DbState { sorted_runs: Vec::new(), ..state_with_every_place() };
        let trace = Trace::new();
        let mut lookups = vec![
            Step::MemTableLookup { found: false },
            Step::ImmutableMemTableLookup { wal_id: 8, found: false },
            Step::ImmutableMemTableLookup { wal_id: 7, found: false },
            Step::SstLookup { sst: 12, found: false },
            Step::SstLookup { sst: 11, found: false },
        ];
        let rule = rule("4.5", "each place that is looked into is recorded, in order");
        trace.start();
        state.get(b"nowhere", u64::MAX, &trace).unwrap();
        assert_eq!(trace.stop(), lookups, "{rule}");

        trace.start();
        state.get(b"only-older-l0", u64::MAX, &trace).unwrap();
        lookups.truncate(4);
        lookups.push(Step::SstLookup { sst: 11, found: true });
        assert_eq!(trace.stop(), lookups, "{rule}");

        trace.start();
        state.get(b"only-newer-immutable", u64::MAX, &trace).unwrap();
        lookups.truncate(1);
        lookups.push(Step::ImmutableMemTableLookup { wal_id: 8, found: true });
        assert_eq!(trace.stop(), lookups, "{rule}");

        trace.start();
        state.get(b"everywhere", u64::MAX, &trace).unwrap();
        assert_eq!(trace.stop(), [Step::MemTableLookup { found: true }], "{rule}");

        // The memtable has this key too, but no row of it that is visible at 70.
        trace.start();
        state.get(b"everywhere", 70, &trace).unwrap();
        assert_eq!(trace.stop(), lookups, "at 70{rule}");
    }

    #[test]
    fn an_error_of_an_sst_is_passed_on() {
        let store = Arc::new(MemoryObjectStore::new());
        let row = RowEntry::new_value("apple", "red", 2);
        let broken = sst_on(Arc::clone(&store), 2, std::slice::from_ref(&row));
        store.delete(&paths::sst(2)).unwrap();
        let older = sst(1, &[RowEntry::new_value("apple", "green", 1)]);
        let (mem_table, immutables) = (table(&[]), Vec::new());
        let state = DbState {
            wal_id: 1,
            mem_table,
            immutables,
            l0: vec![broken, older],
            sorted_runs: Vec::new(),
        };
        let trace = Trace::new();
        trace.start();
        let found = state.get(b"apple", u64::MAX, &trace);
        let lookups = trace.stop();
        let recorded = rule("4.5", "an SST that can't be read is not recorded");
        let rule =
            rule("4.5", "a place that can't be read is an error: an older row would be wrong");
        assert!(found.is_err(), "found {found:?}{rule}");
        assert_eq!(lookups, [Step::MemTableLookup { found: false }], "{recorded}");
        let next = state.iter(&BytesRange::ALL).next();
        assert!(next.is_err(), "iter found {next:?}{rule}");
    }

    #[test]
    fn a_scan_has_the_rows_of_every_place_in_order() {
        let state = state_with_every_place();
        let mut rows = state.iter(&BytesRange::ALL);
        let mut found = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            found.push((String::from_utf8_lossy(&row.key).into_owned(), row.seq));
        }
        let mut expected = vec![("a".to_owned(), 31)];
        expected.extend((2..=8).rev().map(|seq| ("everywhere".to_owned(), 10 * seq)));
        let mut only: Vec<_> = [
            ("mem_table", 81),
            ("newer-immutable", 71),
            ("older-immutable", 61),
            ("newer-l0", 51),
            ("older-l0", 41),
            ("newer-run", 31),
            ("older-run", 21),
        ]
        .map(|(place, seq)| (format!("only-{place}"), seq))
        .into();
        only.sort();
        expected.extend(only);
        let rule = rule("4.5", "a scan merges every place: by key, then newest first");
        assert_eq!(found, expected, "{rule}");
    }

    #[test]
    fn of_the_same_row_in_two_places_the_newer_place_counts() {
        let row = |value: &'static str| RowEntry::new_value("apple", value, 7);
        let state = DbState {
            wal_id: 3,
            mem_table: table(&[]),
            immutables: vec![immutable(2, &[row("immutable")])],
            l0: vec![sst(2, &[row("newer")]), sst(1, &[row("older")])],
            sorted_runs: Vec::new(),
        };
        let mut rows = state.iter(&BytesRange::ALL);
        let found = [rows.next().unwrap(), rows.next().unwrap()].map(value);
        let rule = rule("4.5", "the places are given to the merge newest first");
        assert_eq!(found, [Some("immutable".to_owned()), None], "{rule}");
    }

    #[test]
    fn a_scan_keeps_to_its_range() {
        let state = state_with_every_place();
        let mut rows = state.iter(&BytesRange::from_prefix(b"only-o"));
        let mut found = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            found.push(String::from_utf8_lossy(&row.key).into_owned());
        }
        let rule = rule("4.5", "only keys of the range are asked for");
        assert_eq!(found, ["only-older-immutable", "only-older-l0", "only-older-run"], "{rule}");
    }

    #[test]
    fn random_rows_in_random_places_are_found() {
        let places = (any_rows(12), any_rows(12), any_rows(12), any_rows(12));
        proptest!(config(24), |((mem, imm, l0, run) in places)| {
            // Newer places hold newer rows.
            let rows = |place: Vec<testkit::RowSpec>, newness: u64| -> Vec<RowEntry> {
                let row = |(key, _, seq): testkit::RowSpec| {
                    RowEntry::new_value(key, seq.to_be_bytes().to_vec(), newness * 100 + seq % 100)
                };
                let mut rows: Vec<_> = place.into_iter().map(row).collect();
                rows.sort_by(|a, b| a.key.cmp(&b.key).then(b.seq.cmp(&a.seq)));
                rows.dedup_by(|a, b| (&a.key, a.seq) == (&b.key, b.seq));
                rows
            };
            let (mem, imm, l0, run) = (rows(mem, 3), rows(imm, 2), rows(l0, 1), rows(run, 0));
            let all: Vec<RowEntry> = [&mem, &imm, &l0, &run].into_iter().flatten().cloned().collect();
            let ssts = |id, rows: &[RowEntry]| if rows.is_empty() { vec![] } else { vec![sst(id, rows)] };
            let state = DbState {
                wal_id: 2,
                mem_table: table(&mem),
                immutables: vec![immutable(1, &imm)],
                l0: ssts(2, &l0),
                sorted_runs: vec![Run { id: 1, ssts: ssts(1, &run) }],
            };
            for RowEntry { key, seq, .. } in &all {
                for max_seq in [*seq, seq.saturating_sub(1), u64::MAX] {
                    let visible = all.iter().filter(|row| row.key == key && row.seq <= max_seq);
                    let expected = visible.max_by_key(|row| row.seq);
                    let found = state.get(key, max_seq, &Trace::new()).unwrap();
                    let rule = rule("4.5", "the newest visible row of a key is found");
                    prop_assert_eq!(found.as_ref(), expected, "{}", rule);
                }
            }
        });
    }
}
