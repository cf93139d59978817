//! Week 3, days 3 to 4: the WAL. The rules are on the page *The WAL* of the book.

use std::io;
use std::path::Path;

use bytes::{Bytes, BytesMut};
use testkit::{RowKind, RowSpec, SimulatedFile, rule};
use week3::Error;
use week3::format::RowEntry;
use week3::format::row_codec::encode_row;
use week3::storage::wal::{END_MARK, HEADER_LEN, RECORD_HEADER_LEN, encode_header, encode_record};
use week3::storage::{Durability, LogFile, TornTail, WalReader, WalWriter};

/// The simulated file of the test kit as a file the WAL can write.
#[derive(Debug)]
struct Simulated(SimulatedFile);

impl LogFile for Simulated {
    fn read_all(&mut self) -> io::Result<Bytes> {
        Ok(self.0.written().into())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.append(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync()
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.0.truncate(len)
    }
}

fn row((key, kind, seq): RowSpec) -> RowEntry {
    match kind {
        RowKind::Value(value) => RowEntry::new_value(key, value, seq),
        RowKind::Merge(operand) => RowEntry::new_merge(key, operand, seq),
        RowKind::Tombstone => RowEntry::new_tombstone(key, seq),
    }
}

/// Three batches: one row, three rows of different kinds, one row.
fn three_batches() -> Vec<Vec<RowEntry>> {
    vec![
        vec![RowEntry::new_value("apple", "red", 1)],
        vec![
            RowEntry::new_value("pear", "", 2),
            RowEntry::new_tombstone("apple", 3),
            RowEntry::new_merge("count", "+1", 4),
        ],
        vec![RowEntry::new_value("kiwi", vec![0; 5], 5)],
    ]
}

/// The rows of a batch one after the other.
fn payload(batch: &[RowEntry]) -> BytesMut {
    let mut payload = BytesMut::new();
    for row in batch {
        encode_row(row, &[], &mut payload).expect("the test's rows keep the limits");
    }
    payload
}

/// The record of a payload, put together by the page's drawing and not by the engine.
fn frame(payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u64).to_be_bytes();
    let mut record = length.to_vec();
    record.extend(crc32fast::hash(&length).to_be_bytes());
    record.extend(payload);
    record.extend(crc32fast::hash(payload).to_be_bytes());
    record.push(0x17);
    record
}

fn record(batch: &[RowEntry]) -> Vec<u8> {
    frame(&payload(batch))
}

/// A segment of these batches, and where each record starts and the last one ends.
fn segment(batches: &[Vec<RowEntry>]) -> (Vec<u8>, Vec<usize>) {
    let mut segment = encode_header().to_vec();
    let mut bounds = vec![segment.len()];
    for batch in batches {
        segment.extend(record(batch));
        bounds.push(segment.len());
    }
    (segment, bounds)
}

/// Every batch that a reader returns before the end or an error, the error, and the torn tail.
type Outcome = (Vec<Vec<RowEntry>>, Option<Error>, Option<TornTail>);

fn read(contents: &[u8]) -> Outcome {
    let contents = Bytes::copy_from_slice(contents);
    testkit::deadline(10, move || read_to_the_end(contents))
}

fn read_to_the_end(contents: Bytes) -> Outcome {
    let mut batches = Vec::new();
    let mut reader = match WalReader::new("test.wal", contents) {
        Ok(reader) => reader,
        Err(error) => return (batches, Some(error), None),
    };
    loop {
        match reader.next_batch() {
            Ok(Some(batch)) => batches.push(batch),
            Ok(None) => return (batches, None, reader.torn_tail()),
            Err(error) => return (batches, Some(error), None),
        }
        assert!(batches.len() < 1_000, "the reader returns batches without an end");
    }
}

/// Fails unless `outcome` is `batches` up to `end` and a torn tail behind it, in a file of `len`.
fn assert_torn(outcome: Outcome, batches: &[Vec<RowEntry>], end: usize, len: usize, what: &str) {
    let tail = TornTail { offset: end as u64, len: (len - end) as u64 };
    let expected = (len > end).then_some(tail);
    let (found, error, torn_tail) = outcome;
    assert!(error.is_none(), "expected no error, found {error:?}\n for {what}");
    assert_eq!(found, batches, "the batches before the tail, for {what}");
    assert_eq!(torn_tail, expected, "the torn tail, for {what}");
}

/// Fails unless `outcome` is `batches` and then an error about `test.wal` at an offset in `range`.
fn assert_damaged(
    outcome: Outcome,
    batches: &[Vec<RowEntry>],
    range: std::ops::Range<usize>,
    what: &str,
) {
    let (found, error, _) = outcome;
    assert_eq!(found, batches, "the batches before the damage, for {what}");
    match error {
        Some(Error::Corrupt { file, offset, .. }) => {
            assert_eq!(file, "test.wal", "the file in the error, for {what}");
            let offset = usize::try_from(offset).expect("an offset in a small file");
            assert!(range.contains(&offset), "offset {offset} is not in {range:?}, for {what}");
        }
        other => panic!("expected Error::Corrupt, found {other:?}\n for {what}"),
    }
}

mod task_3_5 {
    use super::*;
    use proptest::prelude::*;
    use testkit::assert_bytes;

    fn encoded(batch: &[RowEntry]) -> BytesMut {
        let mut out = BytesMut::new();
        encode_record(batch, &mut out).expect("a batch within the limits");
        out
    }

    #[test]
    fn a_record_is_the_pages_example_byte_by_byte() {
        let expected: &[u8] = &[
            0, 0, 0, 0, 0, 0, 0, 19, // the length of the payload
            0xe1, 0x9c, 0x9e, 0xb7, // the checksum of the length
            0, 0, 0, 1, b'k', // no prefix, one byte of suffix
            0, 0, 0, 0, 0, 0, 0, 1, // sequence number 1
            0, 0, 0, 0, 1, b'v', // flags, the value's length, the value
            0xee, 0xa0, 0x55, 0x1f, // the checksum of the payload
            0x17, // the end mark
        ];
        let found = encoded(&[RowEntry::new_value("k", "v", 1)]);
        assert_bytes(&found, expected, &rule("3.5", "the layout of a record"));
    }

    #[test]
    fn a_batch_of_many_rows_is_one_record() {
        for batch in three_batches() {
            let rule = rule("3.5", "the payload is the rows of the batch, one after the other");
            assert_bytes(&encoded(&batch), &record(&batch), &rule);
        }
    }

    #[test]
    fn a_record_is_appended_behind_what_is_there() {
        let batches = three_batches();
        let mut out = BytesMut::from(&b"before"[..]);
        encode_record(&batches[0], &mut out).expect("a batch within the limits");
        encode_record(&batches[1], &mut out).expect("a batch within the limits");
        let expected = [b"before".to_vec(), record(&batches[0]), record(&batches[1])].concat();
        assert_bytes(&out, &expected, &rule("3.5", "a record is appended to `out`"));
    }

    #[test]
    fn an_empty_value_a_large_value_and_the_largest_key_fit() {
        for (key, value) in [(1, 0), (1, 1 << 20), (65_535, 0), (65_535, 100)] {
            let batch = [RowEntry::new_value(vec![7; key], vec![0; value], 9)];
            let what = format!("a key of {key} and a value of {value} bytes");
            assert_bytes(&encoded(&batch), &record(&batch), &what);
        }
    }

    #[test]
    fn an_empty_batch_is_refused() {
        let mut out = BytesMut::from(&b"before"[..]);
        let refused = encode_record(&[], &mut out);
        let rule = rule("3.5", "a batch holds at least one row");
        assert!(matches!(refused, Err(Error::InvalidArgument { .. })), "found {refused:?}{rule}");
        assert_bytes(&out, b"before", &rule);
    }

    #[test]
    fn a_row_that_breaks_a_limit_is_refused_with_its_whole_batch() {
        let good = RowEntry::new_value("k", "v", 1);
        for bad in [RowEntry::new_value("", "v", 1), RowEntry::new_value(vec![7; 65_536], "v", 1)] {
            let key_len = bad.key.len();
            for batch in [vec![bad.clone()], vec![good.clone(), bad.clone()]] {
                let mut out = BytesMut::from(&b"before"[..]);
                let refused = encode_record(&batch, &mut out);
                let rule = rule("3.5", "a key has 1 to 65,535 bytes; `out` is left as it was");
                let is_refusal = matches!(refused, Err(Error::InvalidArgument { .. }));
                assert!(is_refusal, "key of {key_len} bytes: found {refused:?}{rule}");
                assert_bytes(&out, b"before", &rule);
            }
        }
    }

    proptest! {
        #![proptest_config(testkit::config(32))]

        #[test]
        fn any_batch_has_the_layout_of_the_page(
            specs in prop::collection::vec(testkit::any_row(), 1..20)
        ) {
            let batch: Vec<_> = specs.into_iter().map(row).collect();
            assert_bytes(&encoded(&batch), &record(&batch), &rule("3.5", "the layout of a record"));
        }
    }
}

mod task_3_6 {
    use super::*;
    use testkit::assert_bytes;

    fn started() -> (WalWriter, SimulatedFile) {
        let file = SimulatedFile::new();
        let writer = WalWriter::create("test.wal", Box::new(Simulated(file.clone())))
            .expect("creating a segment in an empty file");
        (writer, file)
    }

    fn append(writer: &mut WalWriter, batch: &[RowEntry], durability: Durability) {
        writer.append(batch, durability).expect("appending to a file that works");
    }

    #[test]
    fn a_new_segment_has_a_synced_header() {
        let (writer, file) = started();
        assert_bytes(&file.synced(), &encode_header(), "a new segment, after a power cut");
        assert_eq!(writer.size(), 16, "size of a new segment");
    }

    #[test]
    fn an_os_write_is_in_the_file_and_not_synced() {
        let (mut writer, file) = started();
        let (batches, before) = (three_batches(), file.syncs());
        let mut expected = encode_header().to_vec();
        for batch in &batches {
            append(&mut writer, batch, Durability::Os);
            expected.extend(record(batch));
            let rule = rule("3.6", "Durability::Os survives a kill of the process");
            assert_bytes(&file.written(), &expected, &rule);
        }
        assert_eq!(file.syncs(), before, "syncs{}", rule("3.6", "only Durability::Sync syncs"));
    }

    #[test]
    fn a_sync_write_survives_a_power_cut() {
        let (mut writer, file) = started();
        let mut expected = encode_header().to_vec();
        for batch in &three_batches() {
            append(&mut writer, batch, Durability::Sync);
            expected.extend(record(batch));
            let rule = rule("3.6", "Durability::Sync survives a power cut");
            assert_bytes(&file.synced(), &expected, &rule);
        }
    }

    #[test]
    fn a_buffered_write_stays_in_memory() {
        let (mut writer, file) = started();
        let (appends, syncs) = (file.appends(), file.syncs());
        append(&mut writer, &three_batches()[0], Durability::Buffered);
        let rule = rule("3.6", "Durability::Buffered does not write while little waits");
        assert_bytes(&file.written(), &encode_header(), &rule);
        assert_eq!((file.appends(), file.syncs()), (appends, syncs), "appends and syncs{rule}");
    }

    #[test]
    fn the_buffer_is_bounded() {
        let (mut writer, file) = started();
        let batch = [RowEntry::new_value("k", vec![7; 1000], 1)];
        let syncs = file.syncs();
        let mut most_waiting = 0;
        for _ in 0..200 {
            append(&mut writer, &batch, Durability::Buffered);
            let waiting = writer.size() - file.written().len() as u64;
            most_waiting = most_waiting.max(waiting);
            let rule = rule("3.6", "at most BUFFER_LEN bytes wait in memory");
            assert!(waiting < WalWriter::BUFFER_LEN as u64, "{waiting} bytes wait{rule}");
        }
        let rule = rule("3.6", "many small records are written together");
        let found = format!("`size` less the bytes in the file was never more than {most_waiting}");
        assert!(most_waiting > 60_000, "{found}{rule}");
        assert_eq!(file.syncs(), syncs, "only Durability::Sync syncs");
    }

    #[test]
    fn the_buffer_is_written_when_it_has_exactly_its_length() {
        // A record of a row with a key of one byte has 35 bytes beside the value.
        for (waiting, written) in
            [(WalWriter::BUFFER_LEN - 1, false), (WalWriter::BUFFER_LEN, true)]
        {
            let (mut writer, file) = started();
            let batch = [RowEntry::new_value("k", vec![7; waiting - 35], 1)];
            append(&mut writer, &batch, Durability::Buffered);
            let found = file.written().len() > HEADER_LEN;
            let rule = rule("3.6", "Buffered writes when BUFFER_LEN bytes wait, and not before");
            assert_eq!(found, written, "written with {waiting} bytes waiting{rule}");
        }
    }

    #[test]
    fn flush_writes_what_waits_and_does_not_sync() {
        let (mut writer, file) = started();
        let batches = three_batches();
        append(&mut writer, &batches[0], Durability::Buffered);
        append(&mut writer, &batches[1], Durability::Buffered);
        let (appends, syncs) = (file.appends(), file.syncs());
        writer.flush().expect("flushing to a file that works");
        let rule = rule("3.6", "flush hands over every waiting record, in one piece, without sync");
        assert_bytes(&file.written(), &segment(&batches[..2]).0, &rule);
        assert_eq!((file.appends(), file.syncs()), (appends + 1, syncs), "appends, syncs{rule}");
        writer.flush().expect("flushing nothing");
        assert_eq!(file.appends(), appends + 1, "appends after a flush of nothing{rule}");
    }

    #[test]
    fn sync_saves_what_waits_and_what_was_written_before() {
        let (mut writer, file) = started();
        let batches = three_batches();
        append(&mut writer, &batches[0], Durability::Os);
        append(&mut writer, &batches[1], Durability::Buffered);
        writer.sync().expect("syncing a file that works");
        let rule = rule("3.6", "sync saves every record appended so far");
        assert_bytes(&file.synced(), &segment(&batches[..2]).0, &rule);
        append(&mut writer, &batches[2], Durability::Os);
        writer.sync().expect("syncing a file that works");
        assert_bytes(&file.synced(), &segment(&batches).0, &rule);
    }

    #[test]
    fn a_higher_durability_takes_the_waiting_records_along_in_order() {
        for durability in [Durability::Os, Durability::Sync] {
            let (mut writer, file) = started();
            let batches = three_batches();
            append(&mut writer, &batches[0], Durability::Buffered);
            append(&mut writer, &batches[1], Durability::Buffered);
            append(&mut writer, &batches[2], durability);
            let found = if durability == Durability::Os { file.written() } else { file.synced() };
            let rule = rule("3.6", "every batch before has the durability too; order is kept");
            assert_bytes(&found, &segment(&batches).0, &format!("{durability:?}{rule}"));
        }
    }

    #[test]
    fn a_record_is_handed_over_in_one_piece_with_those_that_waited() {
        for durability in [Durability::Os, Durability::Sync] {
            let (mut writer, file) = started();
            let batches = three_batches();
            append(&mut writer, &batches[0], Durability::Buffered);
            let appends = file.appends();
            append(&mut writer, &batches[1], durability);
            let rule = rule("3.6", "what waits and the new record are one append to the file");
            assert_eq!(file.appends(), appends + 1, "appends with {durability:?}{rule}");
        }
    }

    #[test]
    fn what_waits_goes_with_the_record_that_fills_the_buffer() {
        let large = [RowEntry::new_value("k", vec![7; WalWriter::BUFFER_LEN - 100], 1)];
        let next = [RowEntry::new_value("k", vec![7; 1000], 2)];
        let expected = segment(&[large.to_vec(), next.to_vec()]).0;
        for durability in [Durability::Buffered, Durability::Os, Durability::Sync] {
            let (mut writer, file) = started();
            append(&mut writer, &large, Durability::Buffered);
            let appends = file.appends();
            append(&mut writer, &next, durability);
            let rule = rule("3.6", "what waits and the new record are one append to the file");
            assert_eq!(file.appends(), appends + 1, "appends with {durability:?}{rule}");
            assert_bytes(&file.written(), &expected, &format!("{durability:?}{rule}"));
        }
    }

    #[test]
    fn a_batch_may_be_larger_than_the_buffer() {
        let batch = [RowEntry::new_value("k", vec![7; 1 << 20], 1)];
        for durability in [Durability::Buffered, Durability::Os, Durability::Sync] {
            let (mut writer, file) = started();
            append(&mut writer, &batch, durability);
            let found = file.written();
            let rule = rule("3.6", "BUFFER_LEN says when to write, not what may be written");
            let what = format!("a value of 1 MiB with {durability:?}{rule}");
            assert_bytes(&found, &segment(&[batch.to_vec()]).0, &what);
        }
    }

    #[test]
    fn the_size_counts_written_and_waiting_records() {
        let (mut writer, _) = started();
        let (batches, rule) = (three_batches(), rule("3.6", "size is that of the whole segment"));
        let (_, bounds) = segment(&batches);
        append(&mut writer, &batches[0], Durability::Buffered);
        assert_eq!(writer.size(), bounds[1] as u64, "one record waits{rule}");
        append(&mut writer, &batches[1], Durability::Os);
        assert_eq!(writer.size(), bounds[2] as u64, "both are written{rule}");
        append(&mut writer, &batches[2], Durability::Sync);
        assert_eq!(writer.size(), bounds[3] as u64, "all are synced{rule}");
    }

    #[test]
    fn a_refused_batch_leaves_no_trace() {
        let (mut writer, file) = started();
        let batches = three_batches();
        append(&mut writer, &batches[0], Durability::Buffered);
        for bad in [vec![], vec![batches[1][0].clone(), RowEntry::new_value("", "v", 1)]] {
            let refused = writer.append(&bad, Durability::Sync);
            let is_refusal = matches!(refused, Err(Error::InvalidArgument { .. }));
            assert!(is_refusal, "a batch of {} rows: found {refused:?}", bad.len());
        }
        append(&mut writer, &batches[1], Durability::Os);
        let rule = rule("3.6", "a refused batch writes nothing; the writer can be used further");
        assert_bytes(&file.written(), &segment(&batches[..2]).0, &rule);
    }

    /// Every call fails with `WalFailed`, and the file stays as it is.
    fn assert_failed_for_good(writer: &mut WalWriter, file: &SimulatedFile) {
        let (written, syncs) = (file.written(), file.syncs());
        let batch = [RowEntry::new_value("later", "v", 9)];
        let calls = [
            writer.append(&batch, Durability::Buffered),
            writer.append(&batch, Durability::Os),
            writer.append(&batch, Durability::Sync),
            writer.append(&[], Durability::Os),
            writer.flush(),
            writer.sync(),
        ];
        for call in calls {
            let rule = rule("3.6", "after a failed write or sync every call fails");
            match call {
                Err(Error::WalFailed { file }) => assert_eq!(file, "test.wal", "the file named"),
                other => panic!("expected Error::WalFailed, found {other:?}{rule}"),
            }
        }
        let rule = rule("3.6", "after a failed write or sync nothing more is written");
        assert_bytes(&file.written(), &written, &rule);
        assert_eq!(file.syncs(), syncs, "syncs after the failure{rule}");
    }

    #[test]
    fn after_a_failed_write_nothing_more_is_written() {
        for durability in [Durability::Os, Durability::Sync] {
            let (mut writer, file) = started();
            file.fail_next_append_after(10);
            let failed = writer.append(&three_batches()[0], durability);
            match failed {
                Err(Error::Io { path, .. }) => assert_eq!(path, "test.wal", "the file named"),
                other => {
                    panic!("{durability:?} on a full disk: expected Error::Io, found {other:?}")
                }
            }
            assert_failed_for_good(&mut writer, &file);
        }
    }

    #[test]
    fn a_failed_write_is_reported_by_whatever_caused_it() {
        type Call = fn(&mut WalWriter) -> Result<(), Error>;
        let full = |writer: &mut WalWriter| {
            let batch = [RowEntry::new_value("k", vec![7; WalWriter::BUFFER_LEN], 1)];
            writer.append(&batch, Durability::Buffered)
        };
        let calls: [(&str, Call); 3] = [
            ("a Buffered append to a full buffer", full),
            ("flush", WalWriter::flush),
            ("sync", WalWriter::sync),
        ];
        for (what, call) in calls {
            let (mut writer, file) = started();
            append(&mut writer, &three_batches()[0], Durability::Buffered);
            file.fail_next_append_after(10);
            let rule = rule("3.6", "the first error is Error::Io with the name of the segment");
            match call(&mut writer) {
                Err(Error::Io { path, .. }) => assert_eq!(path, "test.wal", "{what}{rule}"),
                other => panic!("{what}: expected Error::Io, found {other:?}{rule}"),
            }
            assert_failed_for_good(&mut writer, &file);
        }
    }

    #[test]
    fn a_failed_sync_names_the_segment() {
        let (mut writer, file) = started();
        append(&mut writer, &three_batches()[0], Durability::Os);
        file.fail_next_sync();
        let rule = rule("3.6", "the first error is Error::Io with the name of the segment");
        match writer.sync() {
            Err(Error::Io { path, .. }) => assert_eq!(path, "test.wal", "the file named{rule}"),
            other => panic!("expected Error::Io, found {other:?}{rule}"),
        }
    }

    #[test]
    fn a_writer_that_failed_writes_nothing_when_it_is_dropped() {
        let (mut writer, file) = started();
        append(&mut writer, &three_batches()[0], Durability::Buffered);
        file.fail_next_append_after(10);
        assert!(writer.flush().is_err(), "flush on a full disk");
        let written = file.written();
        drop(writer);
        let rule = rule("3.6", "after a failed write nothing more is written");
        assert_bytes(&file.written(), &written, &rule);
    }

    #[test]
    fn after_a_failed_sync_nothing_more_is_written() {
        let (mut writer, file) = started();
        file.fail_next_sync();
        let failed = writer.append(&three_batches()[0], Durability::Sync);
        let rule = rule("3.6", "a failed sync is an error");
        assert!(
            matches!(failed, Err(Error::Io { .. })),
            "expected Error::Io, found {failed:?}{rule}"
        );
        assert_failed_for_good(&mut writer, &file);

        let (mut writer, file) = started();
        append(&mut writer, &three_batches()[0], Durability::Os);
        file.fail_next_sync();
        let failed = writer.sync();
        assert!(
            matches!(failed, Err(Error::Io { .. })),
            "expected Error::Io, found {failed:?}{rule}"
        );
        assert_failed_for_good(&mut writer, &file);
    }
}

mod task_3_7 {
    use super::*;
    use proptest::prelude::*;

    /// A segment whose one record has this payload, framed correctly.
    fn segment_of_payload(payload: &[u8]) -> Vec<u8> {
        [encode_header().to_vec(), frame(payload)].concat()
    }

    #[test]
    fn a_segment_without_records_has_no_batches() {
        let rule = rule("3.7", "a header and nothing else is a whole segment");
        assert_torn(read(&encode_header()), &[], 16, 16, &format!("a header alone{rule}"));
    }

    #[test]
    fn batches_come_back_as_they_were_appended() {
        let batches = three_batches();
        let (segment, bounds) = segment(&batches);
        let rule = rule("3.7", "every batch is returned, in order, exactly as it was appended");
        let what = format!("three records{rule}");
        assert_torn(read(&segment), &batches, bounds[3], segment.len(), &what);
    }

    #[test]
    fn a_batch_may_hold_a_key_or_a_row_twice() {
        let row = |key, value, seq| RowEntry::new_value(key, value, seq);
        let twice =
            vec![row("k", "old", 1), row("k", "new", 2), row("a", "v", 2), row("a", "v", 2)];
        let (segment, _) = segment(std::slice::from_ref(&twice));
        let rule = rule("3.7", "a batch is returned exactly as it was appended");
        let what = format!("a batch that holds a row twice{rule}");
        assert_torn(read(&segment), &[twice], segment.len(), segment.len(), &what);
    }

    #[test]
    fn the_end_stays_the_end() {
        let (segment, _) = segment(&three_batches()[..1]);
        let mut reader = WalReader::new("test.wal", segment.into()).expect("a whole segment");
        assert!(reader.next_batch().expect("a whole record").is_some(), "the first batch");
        for _ in 0..3 {
            let rule = rule("3.7", "behind the last batch there is none, however often one asks");
            assert_eq!(reader.next_batch().expect("the end is no error"), None, "{rule}");
        }
    }

    #[test]
    fn there_is_no_torn_tail_before_the_end_is_reached() {
        let (segment, bounds) = segment(&three_batches()[..1]);
        let contents = [&segment[..], b"half"].concat();
        let mut reader = WalReader::new("test.wal", contents.into()).expect("a whole header");
        let rule = rule("3.7", "records that were not read yet are no torn tail");
        assert_eq!(reader.torn_tail(), None, "before the first batch{rule}");
        reader.next_batch().expect("a whole record");
        assert_eq!(reader.torn_tail(), None, "behind the first batch{rule}");
        assert_eq!(reader.next_batch().expect("a torn tail is no error"), None, "at the tail");
        let tail = TornTail { offset: bounds[1] as u64, len: 4 };
        assert_eq!(reader.torn_tail(), Some(tail), "at the end{rule}");
    }

    #[test]
    fn a_torn_tail_stays_where_it_is() {
        let (segment, bounds) = segment(&three_batches()[..1]);
        let contents = [&segment[..], b"half"].concat();
        let mut reader = WalReader::new("test.wal", contents.into()).expect("a whole header");
        assert!(reader.next_batch().expect("a whole record").is_some(), "the first batch");
        let tail = TornTail { offset: bounds[1] as u64, len: 4 };
        for call in 1..=3 {
            let rule = rule("3.7", "behind the last batch there is none, however often one asks");
            assert_eq!(reader.next_batch().expect("no error"), None, "call {call}{rule}");
            assert_eq!(reader.torn_tail(), Some(tail), "after call {call}{rule}");
        }
    }

    #[test]
    fn large_and_strange_rows_come_back() {
        let batches = vec![vec![
            RowEntry::new_value(vec![0], vec![0; 1 << 20], 0),
            RowEntry::new_merge(vec![0xff; 65_535], "", u64::MAX),
        ]];
        let (segment, _) = segment(&batches);
        let rule = rule("3.7", "any row within the limits comes back");
        let what = format!("rows of unusual size{rule}");
        assert_torn(read(&segment), &batches, segment.len(), segment.len(), &what);
    }

    #[test]
    fn a_segment_cut_anywhere_gives_the_whole_records_before_the_cut() {
        let batches = three_batches();
        let (segment, bounds) = segment(&batches);
        for cut in HEADER_LEN..segment.len() {
            let whole = bounds.iter().filter(|&&bound| bound <= cut).count() - 1;
            let rule = rule("3.7", "a record that reaches past the end of the file is torn");
            let what = format!("cut at byte {cut} of {}{rule}", segment.len());
            assert_torn(read(&segment[..cut]), &batches[..whole], bounds[whole], cut, &what);
        }
    }

    #[test]
    fn zeros_behind_a_cut_are_part_of_the_torn_tail() {
        let batches = three_batches();
        let (segment, bounds) = segment(&batches);
        for cut in HEADER_LEN..=segment.len() {
            for zeros in [1, segment.len() - cut, 4096] {
                // A cut right before the end mark loses that byte alone: another test's business.
                if zeros == 0 || bounds.contains(&(cut + 1)) {
                    continue;
                }
                let whole = bounds.iter().filter(|&&bound| bound <= cut).count() - 1;
                let contents = [&segment[..cut], &vec![0; zeros]].concat();
                let rule = rule("3.7", "a record that is not whole and ends in zeros is torn");
                let what = format!("cut at byte {cut}, then {zeros} zeros{rule}");
                let (end, len) = (bounds[whole], contents.len());
                assert_torn(read(&contents), &batches[..whole], end, len, &what);
            }
        }
    }

    #[test]
    fn a_record_that_lost_only_its_end_mark_is_whole() {
        let batches = three_batches();
        let (mut segment, _) = segment(&batches);
        *segment.last_mut().expect("not empty") = 0;
        let rule = rule("3.7", "a zero end mark is no damage: both checksums are right");
        let what = format!("a last record without its end mark{rule}");
        assert_torn(read(&segment), &batches, segment.len(), segment.len(), &what);
    }

    #[test]
    fn a_record_without_its_end_mark_may_stand_in_the_middle() {
        let batches = three_batches();
        let (mut segment, bounds) = segment(&batches);
        segment[bounds[1] - 1] = 0;
        let rule = rule("3.7", "a record that lost its end mark is whole, also before others");
        let what = format!("a first record without its end mark{rule}");
        assert_torn(read(&segment), &batches, segment.len(), segment.len(), &what);
    }

    /// A batch whose record has a zero as its last byte before the end mark.
    fn batch_with_a_zero_at_its_end() -> Vec<RowEntry> {
        let mut batch = (0..).map(|seq| vec![RowEntry::new_value("k", "v", seq)]);
        let found = batch.find(|batch| record(batch).iter().nth_back(1) == Some(&0));
        found.expect("one in 256 records")
    }

    #[test]
    fn a_record_that_ends_in_zeros_without_its_end_mark_is_whole() {
        let batches = [batch_with_a_zero_at_its_end()];
        let (mut segment, bounds) = segment(&batches);
        segment[bounds[1] - 1] = 0;
        let rule = rule("3.7", "a record is whole if both its checksums are right");
        let what = format!("a record that ends in zeros{rule}");
        assert_torn(read(&segment), &batches, segment.len(), segment.len(), &what);
    }

    #[test]
    fn zeros_in_the_middle_are_damage() {
        let batches = three_batches();
        let (segment, bounds) = segment(&batches[..1]);
        for zeros in [RECORD_HEADER_LEN, RECORD_HEADER_LEN + 5, 500] {
            let contents = [&segment[..], &vec![0; zeros], &record(&batches[1])].concat();
            let rule = rule("3.7", "zeros are a torn tail only if nothing stands behind them");
            let what = format!("{zeros} zeros between two records{rule}");
            let hole = bounds[1]..bounds[1] + RECORD_HEADER_LEN;
            assert_damaged(read(&contents), &batches[..1], hole, &what);
        }
    }

    #[test]
    fn a_damaged_record_without_its_end_mark_is_torn_only_at_the_end() {
        let batches = three_batches();
        let (mut segment, bounds) = segment(&batches);
        segment[bounds[2] - 1] = 0;
        segment[bounds[1] + RECORD_HEADER_LEN] ^= 1;
        let rule = rule("3.7", "whether a record is torn is decided by where the log ends");
        let record = bounds[1]..bounds[2];
        assert_damaged(read(&segment), &batches[..1], record, &format!("record 1 of 3{rule}"));
        let (cut, what) = (bounds[2], format!("the last record{rule}"));
        assert_torn(read(&segment[..cut]), &batches[..1], bounds[1], cut, &what);
    }

    #[test]
    fn a_damaged_byte_anywhere_is_an_error_that_names_the_offset() {
        let batches = three_batches();
        let (segment, bounds) = segment(&batches);
        for position in HEADER_LEN..segment.len() {
            let number = bounds.iter().filter(|&&bound| bound <= position).count() - 1;
            for flip in [0x01, 0x80, 0xff] {
                let mut damaged = segment.clone();
                damaged[position] ^= flip;
                let rule = rule("3.7", "a record that fails a check before the end is damaged");
                let what = format!("byte {position} ^ {flip:#x}, in record {number}{rule}");
                let record = bounds[number]..bounds[number + 1];
                assert_damaged(read(&damaged), &batches[..number], record, &what);
            }
        }
    }

    #[test]
    fn a_damaged_record_that_ends_in_a_zero_checksum_byte_is_not_torn() {
        let (mut segment, bounds) = segment(&[batch_with_a_zero_at_its_end()]);
        segment[HEADER_LEN + RECORD_HEADER_LEN + 4] ^= 1;
        let rule = rule("3.7", "the end mark shows that the record was written to its end");
        let what = format!("one damaged record{rule}");
        assert_damaged(read(&segment), &[], HEADER_LEN..bounds[1], &what);
    }

    #[test]
    fn damage_stays_an_error() {
        let (mut segment, bounds) = segment(&three_batches());
        segment[bounds[1] + RECORD_HEADER_LEN] ^= 1;
        let mut reader = WalReader::new("test.wal", segment.into()).expect("a whole header");
        assert!(reader.next_batch().expect("record 0 is whole").is_some(), "the first batch");
        for _ in 0..3 {
            let again = reader.next_batch();
            let rule = rule("3.7", "nothing behind damage is returned, however often one asks");
            assert!(matches!(again, Err(Error::Corrupt { .. })), "found {again:?}{rule}");
        }
    }

    #[test]
    fn damage_of_any_field_stays_an_error_and_is_no_torn_tail() {
        let (segment, bounds) = segment(&three_batches());
        let fields = [
            ("length", bounds[1]),
            ("checksum of the length", bounds[1] + 8),
            ("checksum of the payload", bounds[2] - 2),
            ("end mark", bounds[2] - 1),
        ];
        for (field, position) in fields {
            let mut damaged = segment.clone();
            damaged[position] ^= 1;
            let mut reader = WalReader::new("test.wal", damaged.into()).expect("a whole header");
            assert!(reader.next_batch().expect("record 0 is whole").is_some(), "the first batch");
            for call in 1..=3 {
                let again = reader.next_batch();
                let rule = rule("3.7", "damage is an error at each call, never an end");
                let what = format!("damaged {field}, call {call}");
                assert!(matches!(again, Err(Error::Corrupt { .. })), "{what}: {again:?}{rule}");
                assert_eq!(reader.torn_tail(), None, "torn tail, {what}{rule}");
            }
        }
    }

    #[test]
    fn nothing_behind_a_payload_that_is_no_batch_is_returned() {
        let mut contents = segment_of_payload(b"not a row at all");
        contents.extend(record(&three_batches()[0]));
        let mut reader = WalReader::new("test.wal", contents.into()).expect("a whole header");
        for call in 1..=3 {
            let again = reader.next_batch();
            let rule = rule("3.7", "nothing behind damage is returned, however often one asks");
            let is_corrupt = matches!(again, Err(Error::Corrupt { .. }));
            assert!(is_corrupt, "call {call}: found {again:?}{rule}");
        }
    }

    #[test]
    fn a_wrong_length_right_before_the_end_is_damage() {
        let mut contents = encode_header().to_vec();
        contents.extend([1; RECORD_HEADER_LEN]);
        let rule = rule("3.7", "of a record whose length is wrong, only its header counts");
        let what = format!("12 bytes that are no header{rule}");
        assert_damaged(read(&contents), &[], HEADER_LEN..contents.len(), &what);
        contents.pop();
        let what = "a record's header without its last byte";
        assert_torn(read(&contents), &[], HEADER_LEN, contents.len(), what);
    }

    #[test]
    fn a_wrong_length_does_not_pass_for_a_torn_tail() {
        let (mut segment, bounds) = segment(&three_batches());
        segment[bounds[1] + 3] = 1;
        let rule = rule("3.7", "the length has a checksum of its own");
        let what = format!("a length of 2^32 and more in the middle of the log{rule}");
        let batches = &three_batches()[..1];
        assert_damaged(read(&segment), batches, bounds[1]..bounds[1] + RECORD_HEADER_LEN, &what);
    }

    #[test]
    fn a_length_past_the_end_of_the_file_is_torn() {
        testkit::deadline(10, || {
            for length in [1 << 20, u64::from(u32::MAX), u64::MAX - 4, u64::MAX] {
                let length_bytes = length.to_be_bytes();
                let checksum = crc32fast::hash(&length_bytes).to_be_bytes();
                let tail = [&length_bytes[..], &checksum, b"the start of a payload"].concat();
                let contents = [&encode_header()[..], &tail].concat();
                let rule = rule("3.7", "no panic and no allocation for a length the file lacks");
                let what = format!("a length of {length}{rule}");
                assert_torn(read(&contents), &[], HEADER_LEN, contents.len(), &what);
            }
        });
    }

    #[test]
    fn a_payload_that_is_no_batch_is_an_error() {
        let whole = payload(&three_batches()[1]);
        let bad: [&[u8]; 4] = [&[], &[0], &whole[..whole.len() - 1], b"not a row at all"];
        for payload in bad {
            let segment = segment_of_payload(payload);
            let rule = rule("3.7", "a record holds whole rows, at least one");
            let what = format!("a payload of {} bytes, with its checksum{rule}", payload.len());
            assert_damaged(read(&segment), &[], HEADER_LEN..segment.len(), &what);
        }
    }

    #[test]
    fn a_payload_holds_rows_without_prefixes_and_nothing_else() {
        let first = payload(&three_batches()[0]);
        let mut with_prefix = first.clone();
        let second = RowEntry::new_value("apply", "v", 1);
        encode_row(&second, b"apple", &mut with_prefix).expect("a row within the limits");
        let mut cases = vec![("a row that lacks the start of its key".to_owned(), with_prefix)];
        for extra in [1, 2, 4, 12] {
            let longer = BytesMut::from(&[&first[..], &vec![0; extra]].concat()[..]);
            cases.push((format!("{extra} bytes behind the rows"), longer));
        }
        for (what, payload) in cases {
            let segment = segment_of_payload(&payload);
            let rule = rule("3.7", "rows in the WAL are encoded against the empty key");
            let what = format!("{what}, with the right checksum{rule}");
            assert_damaged(read(&segment), &[], HEADER_LEN..segment.len(), &what);
        }
    }

    #[test]
    fn all_eight_bytes_of_a_length_count() {
        let (batch, rows) = (&three_batches()[0], payload(&three_batches()[0]));
        let length = ((1 << 32) + rows.len() as u64).to_be_bytes();
        let checksum = crc32fast::hash(&length).to_be_bytes();
        let rest = &record(batch)[RECORD_HEADER_LEN..];
        let contents = [&encode_header()[..], &length, &checksum, rest].concat();
        let rule = rule("3.7", "a record that reaches past the end of the file is torn");
        let what = format!("a length of 4 GiB and a little{rule}");
        assert_torn(read(&contents), &[], HEADER_LEN, contents.len(), &what);
    }

    #[test]
    fn an_error_names_the_offset_of_the_record_that_failed() {
        let mut rows = payload(&three_batches()[0]).to_vec();
        let flags = 2 + 2 + 5 + 8;
        rows[flags] = 0x40;
        let contents = segment_of_payload(&rows);
        let at_flags = HEADER_LEN + RECORD_HEADER_LEN + flags;
        let rule = rule("3.7", "offsets count from the start of the segment");
        let what = format!("unknown flags at byte {at_flags}{rule}");
        assert_damaged(read(&contents), &[], at_flags..at_flags + 1, &what);
    }

    #[test]
    fn the_end_mark_is_checked() {
        let (mut segment, bounds) = segment(&three_batches());
        assert_eq!(segment[bounds[2] - 1], END_MARK, "where the test expects an end mark");
        segment[bounds[2] - 1] = 0x18;
        let rule = rule("3.7", "an end mark is 0x17, or 0 if it was lost");
        let what = format!("an end mark of 0x18{rule}");
        let batches = &three_batches()[..1];
        assert_damaged(read(&segment), batches, bounds[2] - 1..bounds[2], &what);
    }

    proptest! {
        #![proptest_config(testkit::config(32))]

        #[test]
        fn a_cut_segment_gives_a_prefix_of_the_batches(
            specs in prop::collection::vec(prop::collection::vec(testkit::any_row(), 1..4), 0..6),
            cut in 0.0..=1.0_f64,
        ) {
            let batches: Vec<Vec<_>> =
                specs.into_iter().map(|batch| batch.into_iter().map(row).collect()).collect();
            let (segment, bounds) = segment(&batches);
            let cut = HEADER_LEN + ((segment.len() - HEADER_LEN) as f64 * cut) as usize;
            let whole = bounds.iter().filter(|&&bound| bound <= cut).count() - 1;
            let rule = rule("3.7", "the whole records before the cut, and no other");
            let what = format!("a segment cut at byte {cut}{rule}");
            assert_torn(read(&segment[..cut]), &batches[..whole], bounds[whole], cut, &what);
        }
    }
}

mod task_3_8 {
    use super::*;
    use testkit::assert_bytes;

    /// `WalWriter::resume`, failing after a while: it reads until there is no batch any more.
    fn try_resume(file: &SimulatedFile) -> Result<WalWriter, Error> {
        let file = Box::new(Simulated(file.clone()));
        testkit::deadline(10, move || WalWriter::resume("test.wal", file))
    }

    fn resume(file: &SimulatedFile) -> WalWriter {
        try_resume(file).expect("a segment without damage")
    }

    fn append(writer: &mut WalWriter, batch: &[RowEntry]) {
        writer.append(batch, Durability::Os).expect("appending to a file that works");
    }

    #[test]
    fn an_empty_file_becomes_a_segment() {
        let file = SimulatedFile::new();
        let writer = resume(&file);
        let rule = rule("3.8", "without a whole header the segment is started anew");
        assert_bytes(&file.synced(), &encode_header(), &rule);
        assert_eq!(writer.size(), 16, "size of a new segment");
    }

    #[test]
    fn a_whole_segment_is_continued() {
        let batches = three_batches();
        let (start, bounds) = segment(&batches[..2]);
        let file = SimulatedFile::with_contents(&start);
        let mut writer = resume(&file);
        let rule = rule("3.8", "nothing is cut from a whole segment; the next record follows it");
        assert_eq!(writer.size(), bounds[2] as u64, "size of the segment{rule}");
        assert_bytes(&file.written(), &start, &rule);
        append(&mut writer, &batches[2]);
        assert_bytes(&file.written(), &segment(&batches).0, &rule);
    }

    #[test]
    fn a_torn_tail_is_cut_before_the_next_record() {
        let batches = three_batches();
        let (whole, bounds) = segment(&batches);
        for cut in bounds[1]..bounds[2] {
            let file = SimulatedFile::with_contents(&whole[..cut]);
            let mut writer = resume(&file);
            let rule = rule("3.8", "a torn tail is cut off, and the cut is synced");
            let what = format!("torn at byte {cut}, after `resume` and then a power cut{rule}");
            assert_bytes(&file.synced(), &whole[..bounds[1]], &what);
            assert_eq!(writer.size(), bounds[1] as u64, "size of the cut segment, {what}");
            append(&mut writer, &batches[2]);
            let kept = [batches[0].clone(), batches[2].clone()];
            let len = file.written().len();
            assert_torn(read(&file.written()), &kept, len, len, &what);
        }
    }

    #[test]
    fn what_is_whole_is_not_written_again() {
        let (whole, bounds) = segment(&three_batches());
        for len in [bounds[0], bounds[0] + 5, bounds[1], bounds[1] + 5, bounds[3]] {
            let file = SimulatedFile::with_contents(&whole[..len]);
            let writer = resume(&file);
            let kept = *bounds.iter().rfind(|&&bound| bound <= len).expect("at least a header");
            let rule = rule("3.8", "a segment with a whole header is continued, not rewritten");
            let what = format!("the first {len} bytes of a segment{rule}");
            assert_bytes(&file.synced(), &whole[..kept], &what);
            assert_eq!(writer.size(), kept as u64, "size, {what}");
            assert_eq!(file.appends(), 0, "appends by `resume`, {what}");
        }
    }

    #[test]
    fn sync_saves_what_another_process_only_wrote() {
        let file = SimulatedFile::new();
        let (contents, _) = segment(&three_batches());
        file.append(&contents).expect("an append to a file that works");
        resume(&file).sync().expect("syncing a file that works");
        let rule = rule("3.8", "after `sync` every record of the segment survives a power cut");
        assert_bytes(&file.synced(), &contents, &rule);
    }

    #[test]
    fn zeros_at_the_end_are_cut() {
        let batches = three_batches();
        let (whole, _) = segment(&batches);
        let file = SimulatedFile::with_contents(&[whole.clone(), vec![0; 4096]].concat());
        let writer = resume(&file);
        let rule = rule("3.8", "zeros that a crash left are a torn tail");
        assert_bytes(&file.synced(), &whole, &format!("after `resume` and then a power cut{rule}"));
        assert_eq!(writer.size(), whole.len() as u64, "size without the zeros{rule}");
    }

    #[test]
    fn a_torn_header_starts_the_segment_anew() {
        let header = encode_header();
        for cut in 0..HEADER_LEN {
            for zeros in [0, 100] {
                let contents = [&header[..cut], &vec![0; zeros]].concat();
                let file = SimulatedFile::with_contents(&contents);
                let mut writer = resume(&file);
                let rule = rule("3.8", "a crash while the segment was made is a torn tail too");
                let what = format!("a header cut at {cut}, then {zeros} zeros{rule}");
                assert_bytes(&file.synced(), &header, &what);
                append(&mut writer, &three_batches()[0]);
                assert_bytes(&file.written(), &segment(&three_batches()[..1]).0, &what);
            }
        }
    }

    #[test]
    fn a_segment_whose_last_end_mark_was_lost_is_continued() {
        let batches = three_batches();
        let (mut contents, _) = segment(&batches[..2]);
        *contents.last_mut().expect("not empty") = 0;
        let file = SimulatedFile::with_contents(&contents);
        let mut writer = resume(&file);
        append(&mut writer, &batches[2]);
        let len = file.written().len();
        let rule = rule("3.8", "a whole record is kept, and what is appended behind it is read");
        let what = format!("a segment that was continued{rule}");
        assert_torn(read(&file.written()), &batches, len, len, &what);
    }

    #[test]
    fn damage_is_an_error_and_nothing_is_cut() {
        let (whole, bounds) = segment(&three_batches());
        for position in [0, 9, bounds[0], bounds[1] + RECORD_HEADER_LEN, whole.len() - 2] {
            let mut damaged = whole.clone();
            damaged[position] ^= 0x20;
            let file = SimulatedFile::with_contents(&damaged);
            let resumed = try_resume(&file);
            let rule = rule("3.8", "damage is never cut off: the file is left as it is");
            match resumed {
                Err(Error::Corrupt { .. }) => {}
                Err(other) => panic!("byte {position} damaged: found {other:?}{rule}"),
                Ok(_) => panic!("byte {position} damaged: no error{rule}"),
            }
            assert_bytes(&file.written(), &damaged, &rule);
        }
    }

    #[test]
    fn a_cut_that_can_not_be_synced_is_an_error() {
        let (whole, _) = segment(&three_batches());
        let file = SimulatedFile::with_contents(&whole[..whole.len() - 1]);
        file.fail_next_sync();
        let resumed = try_resume(&file);
        let rule = rule("3.8", "the cut is synced before anything is appended");
        let error = resumed.err().unwrap_or_else(|| panic!("the cut was not synced{rule}"));
        assert!(matches!(error, Error::Io { .. }), "found {error:?}{rule}");
    }

    #[test]
    fn a_torn_header_is_cut_durably_before_the_new_one() {
        let file = SimulatedFile::with_contents(&encode_header()[..5]);
        file.fail_next_sync();
        let resumed = try_resume(&file);
        let rule = rule("3.8", "the cut is synced before anything is appended");
        assert!(resumed.is_err(), "the sync of the cut failed: found {resumed:?}{rule}");
        assert_bytes(&file.written(), b"", &format!("the sync of the cut failed{rule}"));
    }

    /// A file that can't be cut, and perhaps not be read either.
    #[derive(Debug)]
    struct Stubborn {
        file: Simulated,
        readable: bool,
    }

    impl LogFile for Stubborn {
        fn read_all(&mut self) -> io::Result<Bytes> {
            if self.readable { self.file.read_all() } else { Err(io::Error::other("unreadable")) }
        }

        fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
            self.file.append(bytes)
        }

        fn sync(&mut self) -> io::Result<()> {
            self.file.sync()
        }

        fn truncate(&mut self, _: u64) -> io::Result<()> {
            Err(io::Error::other("this file can't be cut"))
        }
    }

    #[test]
    fn a_file_that_can_not_be_read_or_cut_is_an_error() {
        let (whole, _) = segment(&three_batches());
        let torn = &whole[..whole.len() - 1];
        for (what, readable) in [("reading", false), ("the cut", true)] {
            let contents = SimulatedFile::with_contents(torn);
            let file = Box::new(Stubborn { file: Simulated(contents.clone()), readable });
            let resumed = testkit::deadline(10, move || WalWriter::resume("test.wal", file));
            let rule = rule("3.8", "nothing is appended unless the segment was read and cut");
            let is_io = matches!(&resumed, Err(Error::Io { path, .. }) if path == "test.wal");
            assert!(is_io, "{what} fails: expected Error::Io, found {resumed:?}{rule}");
            assert_bytes(&contents.written(), torn, &format!("{what} fails{rule}"));
        }
    }

    #[test]
    fn a_segment_on_disk_survives_being_closed_and_torn() {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(std::process::id().to_string());
        std::fs::create_dir_all(&folder).expect("a folder for the test");
        let path = folder.join("00000000000000000001.wal");
        let batches = three_batches();

        let mut writer = WalWriter::open(&path).expect("a new segment");
        writer.append(&batches[0], Durability::Sync).expect("an append");
        writer.append(&batches[1], Durability::Os).expect("an append");
        drop(writer);
        let contents = std::fs::read(&path).expect("the segment");
        std::fs::write(&path, &contents[..contents.len() - 3]).expect("tearing the segment");

        let mut writer = WalWriter::open(&path).expect("a segment with a torn tail");
        writer.append(&batches[2], Durability::Sync).expect("an append");
        let mut reader = WalReader::open(&path).expect("the segment");
        assert_eq!(reader.next_batch().expect("record 0"), Some(batches[0].clone()));
        assert_eq!(reader.next_batch().expect("record 1"), Some(batches[2].clone()));
        assert_eq!(reader.next_batch().expect("the end"), None);
        assert_eq!(reader.torn_tail(), None, "the torn tail was cut off");
        std::fs::remove_dir_all(&folder).expect("removing the test's folder");
    }
}
