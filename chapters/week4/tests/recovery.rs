//! Week 4, days 3 to 4: recovery. The rules are on the page *The database* of the book.

use std::io;
use std::sync::Arc;

use testkit::{assert_bytes, rule};
use week4::Error;
use week4::db::recovery::{Recovered, recover};
use week4::db::{Manifest, Trace};
use week4::error::Corruption;
use week4::format::{RowEntry, Step};
use week4::storage::wal::HEADER_LEN;
use week4::storage::{
    Durability, LogFile, MemTable, MemoryWalStore, WalReader, WalStore, WalWriter,
};

mod task_4_6 {
    use super::*;

    fn manifest(replay_after_wal_id: u64, last_l0_seq: u64) -> Manifest {
        Manifest { replay_after_wal_id, last_l0_seq, ..Manifest::default() }
    }

    fn row(seq: u64) -> RowEntry {
        RowEntry::new_value(format!("key-{seq}"), format!("value-{seq}"), seq)
    }

    /// Appends a batch with these sequence numbers.
    fn append(wal: &mut WalWriter, seqs: &[u64]) {
        let batch: Vec<RowEntry> = seqs.iter().map(|&seq| row(seq)).collect();
        wal.append(&batch, Durability::Sync).unwrap();
    }

    /// A segment with a batch for each slice of sequence numbers.
    fn segment(store: &MemoryWalStore, wal_id: u64, batches: &[&[u64]]) {
        let file = store.open(wal_id).unwrap();
        let mut wal = WalWriter::create(store.name(wal_id), file).unwrap();
        for batch in batches {
            append(&mut wal, batch);
        }
    }

    fn contents(store: &MemoryWalStore, wal_id: u64) -> Vec<u8> {
        store.open(wal_id).unwrap().read_all().unwrap().to_vec()
    }

    fn cut(store: &MemoryWalStore, wal_id: u64, bytes: usize) {
        let len = contents(store, wal_id).len() - bytes;
        store.open(wal_id).unwrap().truncate(len as u64).unwrap();
    }

    fn recovered(store: &MemoryWalStore, manifest: &Manifest) -> Recovered {
        recover(store, manifest, &Trace::new()).unwrap()
    }

    fn seqs(table: &MemTable) -> Vec<u64> {
        let rows = table.range((std::ops::Bound::Unbounded, std::ops::Bound::Unbounded), 1000);
        for found in &rows {
            assert_eq!(
                *found,
                row(found.seq),
                "{}",
                rule("4.6", "a row comes back as it was written")
            );
        }
        let mut seqs: Vec<u64> = rows.iter().map(|row| row.seq).collect();
        seqs.sort_unstable();
        seqs
    }

    #[test]
    fn a_new_database_begins_with_segment_1() {
        let store = MemoryWalStore::new();
        let found = recovered(&store, &Manifest::default());
        let rule = rule("4.6", "without a segment, the one behind replay_after_wal_id is made");
        assert_eq!((found.wal_id, found.last_seq), (1, 0), "{rule}");
        assert!(found.mem_table.is_empty() && found.immutables.is_empty(), "{rule}");
        assert_eq!(store.list().unwrap(), [1], "{rule}");
        let reader = WalReader::new("1", contents(&store, 1).into());
        assert!(reader.is_ok(), "the segment has its header{rule}");
    }

    #[test]
    fn a_flushed_database_begins_behind_its_last_segment() {
        let store = MemoryWalStore::new();
        let found = recovered(&store, &manifest(7, 40));
        let rule = rule("4.6", "numbers go on: of segments and of rows");
        assert_eq!((found.wal_id, found.last_seq), (8, 40), "{rule}");
        assert_eq!(store.list().unwrap(), [8], "{rule}");
    }

    #[test]
    fn the_last_segment_is_continued() {
        let store = MemoryWalStore::new();
        segment(&store, 1, &[&[1], &[2, 3]]);
        let mut found = recovered(&store, &Manifest::default());
        let rule = rule("4.6", "the last segment's rows are the memtable's, and it is written on");
        assert_eq!((found.wal_id, found.last_seq), (1, 3), "{rule}");
        assert_eq!(seqs(&found.mem_table), [1, 2, 3], "{rule}");
        append(&mut found.wal, &[4]);
        drop(found);
        assert_eq!(
            seqs(&recovered(&store, &Manifest::default()).mem_table),
            [1, 2, 3, 4],
            "{rule}"
        );
    }

    #[test]
    fn earlier_segments_become_immutable_memtables_newest_first() {
        let store = MemoryWalStore::new();
        segment(&store, 4, &[&[10], &[11]]);
        segment(&store, 5, &[&[12, 13]]);
        segment(&store, 6, &[&[14]]);
        segment(&store, 7, &[&[15]]);
        let found = recovered(&store, &manifest(3, 9));
        let rule = rule(
            "4.6",
            "each segment is a memtable of its own; all but the last are to be flushed",
        );
        let immutables: Vec<_> =
            found.immutables.iter().map(|it| (it.wal_id, seqs(&it.table))).collect();
        assert_eq!(immutables, [(6, vec![14]), (5, vec![12, 13]), (4, vec![10, 11])], "{rule}");
        assert_eq!((found.wal_id, seqs(&found.mem_table)), (7, vec![15]), "{rule}");
        assert_eq!(found.last_seq, 15, "{rule}");
        assert_eq!(
            store.list().unwrap(),
            [4, 5, 6, 7],
            "they are deleted when they are flushed{rule}"
        );
    }

    #[test]
    fn segments_that_were_flushed_are_deleted_unread() {
        let store = MemoryWalStore::new();
        segment(&store, 1, &[&[1]]);
        segment(&store, 2, &[&[2]]);
        // It need not even be readable.
        let mut file = store.open(2).unwrap();
        file.truncate(0).unwrap();
        file.append(b"nonsense in place of a header").unwrap();
        segment(&store, 3, &[&[3]]);
        let found = recovered(&store, &manifest(2, 2));
        let rule =
            rule("4.6", "the rows of segments up to replay_after_wal_id are in SSTs already");
        assert_eq!(store.list().unwrap(), [3], "{rule}");
        assert!(found.immutables.is_empty(), "{rule}");
        assert_eq!(seqs(&found.mem_table), [3], "{rule}");
    }

    #[test]
    fn behind_the_last_number_no_segment_is_begun() {
        let store = MemoryWalStore::new();
        let result = recover(&store, &manifest(u64::MAX, 7), &Trace::new());
        let rule = rule("4.6", "without a next segment number out_of_numbers is the error");
        assert!(matches!(result, Err(Error::InvalidArgument { .. })), "{result:?}{rule}");
        assert_eq!(store.list().unwrap(), [] as [u64; 0], "{rule}");
    }

    #[test]
    fn when_every_segment_was_flushed_the_next_is_begun() {
        // Of later segments, some may be deleted already.
        for flushed in [2, 5] {
            let store = MemoryWalStore::new();
            segment(&store, 1, &[&[1]]);
            segment(&store, 2, &[&[2]]);
            let found = recovered(&store, &manifest(flushed, 2));
            let rule = rule("4.6", "a flushed segment is never written on, nor its number used");
            let next = flushed + 1;
            assert_eq!((found.wal_id, store.list().unwrap()), (next, vec![next]), "{rule}");
            assert!(found.mem_table.is_empty(), "{rule}");
            assert_eq!(found.last_seq, 2, "{rule}");
        }
    }

    #[test]
    fn a_segment_without_rows_makes_no_immutable_memtable() {
        let store = MemoryWalStore::new();
        segment(&store, 1, &[]);
        segment(&store, 2, &[&[1]]);
        segment(&store, 3, &[]);
        segment(&store, 4, &[]);
        let found = recovered(&store, &Manifest::default());
        let rule =
            rule("4.6", "none of the immutable memtables is empty: an SST has at least one row");
        let ids: Vec<u64> = found.immutables.iter().map(|it| it.wal_id).collect();
        assert_eq!((ids, found.wal_id), (vec![2], 4), "{rule}");
        assert_eq!(found.last_seq, 1, "{rule}");
    }

    #[test]
    fn a_torn_record_at_the_end_is_cut_off() {
        for bytes in 1..30 {
            let store = MemoryWalStore::new();
            segment(&store, 1, &[&[1]]);
            segment(&store, 2, &[&[2], &[3, 4]]);
            let len = contents(&store, 2).len();
            let whole = {
                let shorter = MemoryWalStore::new();
                segment(&shorter, 2, &[&[2]]);
                contents(&shorter, 2)
            };
            assert!(len > whole.len() + bytes);
            cut(&store, 2, bytes);
            let mut found = recovered(&store, &Manifest::default());
            let rule =
                rule("4.6", "a batch that was cut short never was: none of its rows comes back");
            assert_eq!(seqs(&found.mem_table), [2], "{bytes} bytes are missing{rule}");
            assert_eq!(found.last_seq, 2, "{rule}");
            assert_bytes(&contents(&store, 2), &whole, &rule);
            append(&mut found.wal, &[3]);
            let again = recovered(&store, &Manifest::default());
            assert_eq!(seqs(&again.mem_table), [2, 3], "and the log can be written on{rule}");
        }
    }

    #[test]
    fn a_segment_whose_header_was_cut_short_is_begun_anew() {
        for len in 0..HEADER_LEN {
            let store = MemoryWalStore::new();
            segment(&store, 1, &[&[1]]);
            segment(&store, 2, &[]);
            cut(&store, 2, HEADER_LEN - len);
            let mut found = recovered(&store, &Manifest::default());
            append(&mut found.wal, &[2]);
            let again = recovered(&store, &Manifest::default());
            let rule = rule("4.6", "a crash while the next segment is begun loses nothing");
            assert_eq!((found.wal_id, seqs(&again.mem_table)), (2, vec![2]), "{len} bytes{rule}");
            assert_eq!(seqs(&again.immutables[0].table), [1], "{rule}");
        }
    }

    #[test]
    fn a_torn_record_before_the_last_segment_is_damage() {
        let store = MemoryWalStore::new();
        segment(&store, 1, &[&[1], &[2]]);
        segment(&store, 2, &[&[3]]);
        let record_start = {
            let shorter = MemoryWalStore::new();
            segment(&shorter, 1, &[&[1]]);
            contents(&shorter, 1).len() as u64
        };
        cut(&store, 1, 5);
        let before = (contents(&store, 1), contents(&store, 2));
        let error = recover(&store, &Manifest::default(), &Trace::new()).unwrap_err();
        let rule =
            rule("4.6", "a segment is synced before the next begins, so only damage can cut it");
        let Error::Corrupt { file, offset, corruption } = &error else { panic!("{error}{rule}") };
        assert_eq!((file, *offset), (&store.name(1), record_start), "{error}{rule}");
        let expected = Corruption::CutShort { proof: store.name(2) };
        assert_eq!(*corruption, expected, "{rule}");
        let after = (contents(&store, 1), contents(&store, 2));
        assert_eq!(before, after, "damaged files are left as they are{rule}");
    }

    #[test]
    fn an_earlier_segment_cut_anywhere_is_damage() {
        let mut whole = 0;
        let mut len = 0;
        while len == 0 || len < whole {
            let store = MemoryWalStore::new();
            segment(&store, 1, &[&[1]]);
            segment(&store, 2, &[&[2]]);
            whole = contents(&store, 1).len();
            cut(&store, 1, whole - len);
            let result = recover(&store, &Manifest::default(), &Trace::new());
            let rule = rule(
                "4.6",
                "an earlier segment is whole: behind its header only the numbers tell that it is not",
            );
            let damaged = matches!(result, Err(Error::Corrupt { .. }));
            assert!(damaged, "{len} of {whole} bytes: {result:?}{rule}");
            len += 1;
        }
    }

    #[test]
    fn an_earlier_file_without_a_byte_is_damage() {
        let store = MemoryWalStore::new();
        segment(&store, 1, &[&[1]]);
        drop(store.open(2).unwrap());
        segment(&store, 3, &[&[2]]);
        assert_eq!(store.list().unwrap(), [1, 2, 3], "segment 2 is there, and empty");
        let result = recover(&store, &Manifest::default(), &Trace::new());
        let rule = rule("4.6", "an earlier segment has a header, also if no number is missing");
        let error = result.expect_err(&rule);
        let Error::Corrupt { file, offset: 0, corruption } = &error else {
            panic!("{error}{rule}")
        };
        let expected = Corruption::CutShort { proof: store.name(3) };
        assert_eq!((file, corruption), (&store.name(2), &expected), "{error}{rule}");
    }

    /// A log whose segments can't be deleted.
    #[derive(Debug)]
    struct Undeletable(MemoryWalStore);

    impl WalStore for Undeletable {
        fn list(&self) -> week4::Result<Vec<u64>> {
            self.0.list()
        }

        fn open(&self, wal_id: u64) -> week4::Result<Box<dyn LogFile>> {
            self.0.open(wal_id)
        }

        fn delete(&self, wal_id: u64) -> week4::Result<()> {
            Err(Error::io("delete", self.name(wal_id))(io::Error::other("not permitted")))
        }

        fn name(&self, wal_id: u64) -> String {
            self.0.name(wal_id)
        }
    }

    #[test]
    fn an_error_of_deleting_is_passed_on() {
        let store = Undeletable(MemoryWalStore::new());
        segment(&store.0, 1, &[&[1]]);
        segment(&store.0, 2, &[&[2]]);
        let result = recover(&store, &manifest(1, 1), &Trace::new());
        let rule = rule("4.6", "if a flushed segment can't be deleted, that error is returned");
        assert!(matches!(result, Err(Error::Io { .. })), "{result:?}{rule}");
    }

    #[test]
    fn a_gap_in_the_sequence_numbers_is_damage() {
        let rule = rule("4.6", "the numbers go on from record to record and segment to segment");
        let cases: [(u64, &[&[&[u64]]]); 5] = [
            (0, &[&[&[1], &[3]]]),
            (0, &[&[&[1, 2], &[4, 5], &[6]]]),
            (0, &[&[&[1]], &[&[3]]]),
            (0, &[&[&[1], &[2]], &[], &[&[4]]]),
            (7, &[&[&[9]]]),
        ];
        for (last_l0_seq, segments) in cases {
            let store = MemoryWalStore::new();
            for (wal_id, batches) in (1..).zip(segments) {
                segment(&store, wal_id, batches);
            }
            let result = recover(&store, &manifest(0, last_l0_seq), &Trace::new());
            let damaged = matches!(result, Err(Error::Corrupt { .. }));
            assert!(damaged, "rows {segments:?} behind {last_l0_seq}: {result:?}{rule}");
        }
    }

    #[test]
    fn a_missing_segment_stays_missing() {
        let store = MemoryWalStore::new();
        segment(&store, 1, &[&[1]]);
        segment(&store, 3, &[&[3]]);
        let rule = rule("4.6", "damage is found the second time too: nothing is made in its place");
        for _ in 0..2 {
            let result = recover(&store, &Manifest::default(), &Trace::new());
            assert!(result.is_err(), "{result:?}{rule}");
            assert_eq!(store.list().unwrap(), [1, 3], "{rule}");
        }
    }

    #[test]
    fn a_segment_without_rows_keeps_its_place() {
        let store = MemoryWalStore::new();
        segment(&store, 1, &[&[1]]);
        segment(&store, 2, &[]);
        segment(&store, 3, &[&[2]]);
        segment(&store, 4, &[]);
        let trace = Trace::new();
        for _ in 0..2 {
            trace.start();
            recover(&store, &Manifest::default(), &trace).unwrap();
            let replay = |wal_id, rows| Step::WalReplay { wal_id, rows };
            let rule =
                rule("4.6", "only flushed segments are deleted, and every other one is recorded");
            let expected = [replay(1, 1), replay(2, 0), replay(3, 1), replay(4, 0)];
            assert_eq!(trace.stop(), expected, "{rule}");
            assert_eq!(store.list().unwrap(), [1, 2, 3, 4], "{rule}");
        }
    }

    #[test]
    fn nothing_is_cut_when_an_earlier_segment_is_damaged() {
        let store = MemoryWalStore::new();
        segment(&store, 1, &[&[1]]);
        segment(&store, 2, &[&[2], &[3]]);
        cut(&store, 1, 2);
        cut(&store, 2, 3);
        let before = contents(&store, 2);
        recover(&store, &Manifest::default(), &Trace::new()).unwrap_err();
        let rule = rule("4.6", "a torn tail is cut off when everything was read, and not before");
        assert_bytes(&contents(&store, 2), &before, &rule);
    }

    #[test]
    fn a_missing_segment_is_damage() {
        for (replay_after, present, missing, proof) in [
            (0, &[1, 3][..], 2, 3),
            (0, &[2, 3], 1, 2),
            (4, &[4, 6, 7], 5, 6),
            (0, &[1, 2, 5], 3, 5),
        ] {
            let store = MemoryWalStore::new();
            for &wal_id in present {
                segment(&store, wal_id, &[&[wal_id]]);
            }
            let result = recover(&store, &manifest(replay_after, 0), &Trace::new());
            let rule = rule("4.6", "segments have no gaps: one that is missing took rows along");
            let error = result.expect_err(&format!("with segments {present:?}{rule}"));
            let Error::Corrupt { file, offset: 0, corruption } = &error else {
                panic!("{error}{rule}")
            };
            assert_eq!(*file, store.name(missing), "{error}{rule}");
            assert_eq!(*corruption, Corruption::Missing { proof: store.name(proof) }, "{rule}");
        }
    }

    #[test]
    fn damage_in_any_segment_is_an_error_that_changes_nothing() {
        for damaged in [1, 2] {
            let store = MemoryWalStore::new();
            segment(&store, 1, &[&[1], &[2]]);
            segment(&store, 2, &[&[3], &[4]]);
            let mut file = store.open(damaged).unwrap();
            let mut bytes = contents(&store, damaged);
            bytes[HEADER_LEN + 20] ^= 1;
            file.truncate(0).unwrap();
            file.append(&bytes).unwrap();
            let error = recover(&store, &Manifest::default(), &Trace::new()).unwrap_err();
            let rule = rule("4.6", "damage is an error with the file and the place");
            let Error::Corrupt { file, .. } = &error else { panic!("{error}{rule}") };
            assert_eq!(*file, store.name(damaged), "{rule}");
            assert_bytes(&contents(&store, damaged), &bytes, &rule);
        }
    }

    #[test]
    fn the_last_sequence_number_is_that_of_the_last_row() {
        let rule = rule("4.6", "last_seq is the number of the last row, or else the manifest's");
        let cases: [(&[&[u64]], u64); 4] = [
            (&[&[], &[]], 50),
            (&[&[51, 52], &[53]], 53),
            (&[&[51, 52], &[]], 52),
            (&[&[], &[51]], 51),
        ];
        for (segments, expected) in cases {
            let store = MemoryWalStore::new();
            for (wal_id, seqs) in (1..).zip(segments) {
                let batch = [*seqs];
                segment(&store, wal_id, if seqs.is_empty() { &[] } else { &batch });
            }
            let found = recovered(&store, &manifest(0, 50));
            assert_eq!(found.last_seq, expected, "rows {segments:?} behind 50{rule}");
        }
    }

    #[test]
    fn tombstones_and_operands_come_back_too() {
        let store = MemoryWalStore::new();
        let batch = [
            RowEntry::new_value("apple", "", 1),
            RowEntry::new_tombstone("apple", 2),
            RowEntry::new_merge("count", "+1", 3),
        ];
        let mut wal = WalWriter::create("1", store.open(1).unwrap()).unwrap();
        wal.append(&batch, Durability::Sync).unwrap();
        let found = recovered(&store, &Manifest::default());
        for row in &batch {
            let back = found.mem_table.get(&row.key, row.seq);
            assert_eq!(back.as_ref(), Some(row), "{}", rule("4.6", "every kind of row comes back"));
        }
    }

    #[test]
    fn each_replayed_segment_is_recorded() {
        let store = MemoryWalStore::new();
        segment(&store, 1, &[&[1], &[2, 3]]);
        segment(&store, 2, &[&[4]]);
        let trace = Trace::new();
        trace.start();
        recover(&store, &Manifest::default(), &trace).unwrap();
        let expected =
            [Step::WalReplay { wal_id: 1, rows: 3 }, Step::WalReplay { wal_id: 2, rows: 1 }];
        let rule =
            rule("4.6", "a WalReplay step is recorded for each segment that is read, in order");
        assert_eq!(trace.stop(), expected, "{rule}");
    }

    #[test]
    fn recovering_twice_gives_the_same() {
        let store = MemoryWalStore::new();
        segment(&store, 1, &[&[1]]);
        segment(&store, 2, &[&[2], &[3]]);
        cut(&store, 2, 3);
        let first = recovered(&store, &Manifest::default());
        let (wal_id, rows) = (first.wal_id, seqs(&first.mem_table));
        let immutable = Arc::clone(&first.immutables[0].table);
        drop(first);
        let second = recovered(&store, &Manifest::default());
        let rule = rule("4.6", "a crash during recovery does no harm: the next one finds the same");
        assert_eq!((second.wal_id, seqs(&second.mem_table)), (wal_id, rows), "{rule}");
        assert_eq!(seqs(&second.immutables[0].table), seqs(&immutable), "{rule}");
    }
}
