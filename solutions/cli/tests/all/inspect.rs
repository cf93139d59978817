//! A look into files: whole, damaged, and cut short.

use std::fmt;
use std::fs;
use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use proptest::collection::vec;
use proptest::prelude::*;
use tinydb::db::{Manifest, SortedRun};
use tinydb::format::{FormatVersion, RowEntry};
use tinydb::object_store::{MemoryObjectStore, ObjectStore as _};
use tinydb::storage::{SstBuilder, SstOptions, SstReader, WalReader, wal};
use tinydb::{Error, Result};
use tinydb_cli::inspect::{Field, Sink, inspect};

use crate::shell::Place;

/// Keeps the fields, and checks that they tile the file.
#[derive(Default)]
struct Fields {
    end: usize,
    bytes: Vec<u8>,
    found: Vec<(String, String)>,
    headings: Vec<String>,
    wrong: usize,
}

impl Sink for Fields {
    fn heading(&mut self, _: usize, text: fmt::Arguments<'_>) -> io::Result<()> {
        self.headings.push(text.to_string());
        Ok(())
    }

    fn field(&mut self, field: &Field<'_>) -> io::Result<()> {
        assert_eq!(field.offset, self.end, "{} begins where the field before ends", field.name);
        assert!(!field.bytes.is_empty(), "{} has no bytes", field.name);
        self.end += field.bytes.len();
        self.bytes.extend_from_slice(field.bytes);
        self.found.push((field.name.to_owned(), field.meaning.to_owned()));
        self.wrong += usize::from(field.wrong);
        Ok(())
    }
}

impl Fields {
    fn meanings(&self, name: &str) -> Vec<&str> {
        let named = self.found.iter().filter(|(it, _)| it == name);
        named.map(|(_, meaning)| &meaning[..]).collect()
    }
}

/// Looks into a file; checks that every byte is labelled once. Returns the labels and the error.
fn look(name: &str, contents: &[u8]) -> (Fields, Option<String>) {
    let mut fields = Fields::default();
    let outcome = inspect(name, Bytes::copy_from_slice(contents), &mut fields);
    assert_eq!(fields.bytes, contents, "every byte is labelled, and once");
    (fields, outcome.err().map(|failure| failure.to_string()))
}

/// Looks into a file that is whole.
fn look_whole(name: &str, contents: &[u8]) -> Fields {
    let (fields, error) = look(name, contents);
    assert_eq!((error, fields.wrong), (None, 0), "{:?}", fields.found);
    fields
}

const WAL: &str = "a.wal";
const SST: &str = "a.sst";
const MANIFEST: &str = "a.manifest";

/// What the engine says of a file when it reads all of it.
fn verdict(name: &str, contents: &[u8]) -> Option<String> {
    let contents = Bytes::copy_from_slice(contents);
    let read = match name {
        WAL => read_wal(contents),
        SST => read_sst(contents),
        _ => Manifest::decode(contents).map(|_| ()).map_err(|error| error.in_file(name, 0)),
    };
    read.err().map(|error| error.to_string())
}

fn read_wal(contents: Bytes) -> Result<()> {
    let mut reader = WalReader::new(WAL, contents)?;
    while reader.next_batch()?.is_some() {}
    Ok(())
}

fn read_sst(contents: Bytes) -> Result<()> {
    let store = MemoryObjectStore::new();
    store.put(SST, contents)?;
    let reader = SstReader::open(Arc::new(store), SST)?;
    for number in 0..reader.index().blocks.len() {
        let block = reader.read_block(number)?;
        for row in 0..block.row_count() {
            let offset = reader.index().blocks[number].offset;
            block.row(row).map_err(|error| error.in_file(SST, offset))?;
        }
    }
    Ok(())
}

fn any_row() -> impl Strategy<Value = RowEntry> {
    let key = vec(prop_oneof![Just(b'a'), any::<u8>()], 1..12);
    (key, 0..3_u8, vec(any::<u8>(), 0..40), any::<u64>()).prop_map(|(key, kind, value, seq)| {
        match kind {
            0 => RowEntry::new_tombstone(key, seq),
            1 => RowEntry::new_merge(key, value, seq),
            _ => RowEntry::new_value(key, value, seq),
        }
    })
}

fn any_manifest() -> impl Strategy<Value = Manifest> {
    let ids = || vec(any::<u64>(), 0..4);
    let run = (any::<u32>(), ids()).prop_map(|(id, ssts)| SortedRun { id, ssts });
    (any::<[u64; 4]>(), ids(), vec(run, 0..3)).prop_map(|(numbers, l0, sorted_runs)| Manifest {
        writer_epoch: numbers[0],
        next_sst_id: numbers[1],
        replay_after_wal_id: numbers[2],
        last_l0_seq: numbers[3],
        l0,
        sorted_runs,
    })
}

fn segment(batches: &[Vec<RowEntry>]) -> Bytes {
    let mut segment = BytesMut::from(&wal::encode_header()[..]);
    for batch in batches {
        wal::encode_record(batch, &mut segment).unwrap();
    }
    segment.freeze()
}

fn table(mut rows: Vec<RowEntry>, version: FormatVersion, block_size: usize) -> Bytes {
    rows.sort_by(|a, b| a.key.cmp(&b.key).then(b.seq.cmp(&a.seq)));
    rows.dedup_by(|a, b| (&a.key, a.seq) == (&b.key, b.seq));
    let options = SstOptions { version, block_size, ..SstOptions::default() };
    let mut builder = SstBuilder::with_options(&options);
    for row in &rows {
        builder.add(row).unwrap();
    }
    builder.finish().unwrap()
}

fn some_rows() -> Vec<RowEntry> {
    vec![
        RowEntry::new_value("apple", "red", 3),
        RowEntry::new_tombstone("apply", 4),
        RowEntry::new_merge("banana", "", 5),
    ]
}

/// A small file of each kind.
fn samples() -> [(&'static str, Bytes); 4] {
    let rows = some_rows();
    let manifest = Manifest {
        l0: vec![7, 6],
        sorted_runs: vec![SortedRun { id: 3, ssts: vec![1, 2] }],
        ..Manifest::default()
    };
    [
        (WAL, segment(&[rows[..1].to_vec(), rows[1..].to_vec()])),
        (SST, table(rows.clone(), FormatVersion::V1, 30)),
        (MANIFEST, manifest.encode()),
        (SST, table(rows, FormatVersion::V2, 45)),
    ]
}

/// Computes the CRC-32 of `file[start..end]` and puts it behind.
fn mend(file: &mut [u8], start: usize, end: usize) {
    let mut checked = BytesMut::from(&file[start..end]);
    tinydb::format::checksum::append_checksum(&mut checked, 0);
    file[end..end + 4].copy_from_slice(&checked[end - start..]);
}

proptest! {
    #[test]
    fn a_segment_is_labelled(batches in vec(vec(any_row(), 1..5), 0..5)) {
        let fields = look_whole(WAL, &segment(&batches));
        let rows: usize = batches.iter().map(Vec::len).sum();
        prop_assert_eq!(fields.meanings("seq").len(), rows);
        prop_assert_eq!(fields.meanings("CRC-32 of payload").len(), batches.len());
    }

    #[test]
    fn an_sst_is_labelled(
        rows in vec(any_row(), 1..80),
        version in prop::sample::select(&[FormatVersion::V1, FormatVersion::V2][..]),
        block_size in 1..1000_usize,
    ) {
        let sst = table(rows, version, block_size);
        let fields = look_whole(SST, &sst);
        let blocks = fields.headings.iter().filter(|it| it.starts_with("data block ")).count();
        prop_assert_eq!(fields.meanings("first key").len(), blocks);
    }

    #[test]
    fn a_manifest_is_labelled(manifest in any_manifest()) {
        let fields = look_whole(MANIFEST, &manifest.encode());
        let in_runs = manifest.sorted_runs.iter().map(|run| run.ssts.len());
        let ids = manifest.l0.len() + in_runs.sum::<usize>();
        prop_assert_eq!(fields.meanings("SST id").len(), ids);
        prop_assert_eq!(fields.meanings("writer epoch"), [manifest.writer_epoch.to_string()]);
    }

    #[test]
    fn any_bytes_are_labelled(
        name in prop::sample::select(&[WAL, SST, MANIFEST][..]),
        contents in vec(any::<u8>(), 0..200),
    ) {
        let (_, error) = look(name, &contents);
        prop_assert_eq!(error, verdict(name, &contents));
    }

    /// Damage that the checksums don't show.
    #[test]
    fn what_is_wrong_under_a_right_checksum_is_found(at in any::<prop::sample::Index>(), byte: u8) {
        let [(_, wal), (_, sst), (_, manifest), (_, sst_v2)] = samples();
        let mut wal = wal.to_vec();
        let (start, end) = (16 + 12, 16 + 12 + 25);
        wal[start + at.index(end - start)] = byte;
        mend(&mut wal, start, end);
        prop_assert_eq!(look(WAL, &wal).1, verdict(WAL, &wal));

        let mut manifest = manifest.to_vec();
        let end = manifest.len() - 4;
        manifest[at.index(end)] = byte;
        mend(&mut manifest, 0, end);
        prop_assert_eq!(look(MANIFEST, &manifest).1, verdict(MANIFEST, &manifest));

        for sst in [sst, sst_v2] {
            let mut sst = sst.to_vec();
            let (index, footer) = (index_start(&sst), sst.len() - 48);
            let mut block = sst.clone();
            let end = first_block_len(&sst) - 4;
            block[at.index(end)] = byte;
            mend(&mut block, 0, end);
            prop_assert_eq!(look(SST, &block).1, verdict(SST, &block));
            let mut bad_index = sst.clone();
            bad_index[index + at.index(footer - 4 - index)] = byte;
            mend(&mut bad_index, index, footer - 4);
            prop_assert_eq!(look(SST, &bad_index).1, verdict(SST, &bad_index));
            sst[footer + at.index(36)] = byte;
            mend(&mut sst, footer, footer + 36);
            prop_assert_eq!(look(SST, &sst).1, verdict(SST, &sst));
        }
    }
}

fn reader(sst: &[u8]) -> SstReader {
    let store = MemoryObjectStore::new();
    store.put(SST, Bytes::copy_from_slice(sst)).unwrap();
    SstReader::open(Arc::new(store), SST).unwrap()
}

fn index_start(sst: &[u8]) -> usize {
    reader(sst).footer().index_offset as usize
}

fn first_block_len(sst: &[u8]) -> usize {
    reader(sst).index().blocks[1].offset as usize
}

#[test]
fn every_flipped_bit_is_told_as_the_engine_tells_it() {
    for (name, contents) in samples() {
        for at in 0..contents.len() {
            for bit in 0..8 {
                let mut flipped = contents.to_vec();
                flipped[at] ^= 1 << bit;
                let (fields, error) = look(name, &flipped);
                assert_eq!(error, verdict(name, &flipped), "{name}: bit {bit} of byte {at}");
                // A torn tail is nothing wrong.
                assert!(error.is_none() || fields.wrong > 0, "{name}: bit {bit} of byte {at}");
            }
        }
    }
}

#[test]
fn every_cut_is_told_as_the_engine_tells_it() {
    for (name, contents) in samples() {
        for len in 0..contents.len() {
            let cut = &contents[..len];
            assert_eq!(look(name, cut).1, verdict(name, cut), "{name}: {len} bytes");
            let zeros = [cut, &vec![0; contents.len() - len]].concat();
            assert_eq!(look(name, &zeros).1, verdict(name, &zeros), "{name}: {len} bytes, zeros");
        }
    }
}

#[test]
fn a_torn_tail_is_labelled() {
    let [(_, wal), ..] = samples();
    let fields = look_whole(WAL, &wal[..wal.len() - 3]);
    assert_eq!(fields.meanings("torn").len(), 1);
    assert!(
        fields.headings.iter().any(|it| it.starts_with("torn tail, ")),
        "{:?}",
        fields.headings
    );
    let fields = look_whole(WAL, &wal[..5]);
    assert_eq!(fields.found.len(), 1);
    assert!(look_whole(WAL, b"").found.is_empty());
}

#[test]
fn damage_ends_a_segment_and_not_the_labels_before_it() {
    let [(_, wal), ..] = samples();
    let mut wal = wal.to_vec();
    // The value of the first row of record 0.
    wal[16 + 12 + 24] ^= 1;
    let (fields, error) = look(WAL, &wal);
    let error = error.unwrap();
    assert!(
        error.starts_with("a.wal is damaged at offset 53: the checksum of the record is"),
        "{error}"
    );
    assert_eq!(fields.meanings("CRC-32"), ["ok"]);
    assert_eq!(fields.meanings("CRC-32 of length"), ["ok"]);
    assert_eq!(fields.meanings("CRC-32 of payload"), ["wrong"]);
    assert_eq!(fields.meanings("suffix"), ["apple"]);
    assert_eq!(fields.meanings("-"), ["not read, because of the damage before"]);
}

#[test]
fn a_damaged_block_hides_no_other() {
    let [_, (_, sst), ..] = samples();
    let mut sst = sst.to_vec();
    let all = look_whole(SST, &sst).meanings("seq").len();
    assert_eq!(all, some_rows().len());
    sst[8] ^= 1;
    let (fields, error) = look(SST, &sst);
    assert!(error.unwrap().contains("the checksum of the data block"));
    assert_eq!(fields.meanings("seq").len(), all);
    let wrong = fields.meanings("CRC-32").iter().filter(|&&it| it == "wrong").count();
    assert_eq!(wrong, 1);
}

#[test]
fn a_file_is_known_by_its_magic() {
    for (name, contents) in samples() {
        let named = look_whole(name, &contents);
        assert_eq!(look_whole("copy", &contents).found, named.found);
    }
    let error = look_nothing("notes.txt", b"hello");
    assert!(error.starts_with("notes.txt is no file of a database"), "{error}");
    look_nothing("empty", b"");
}

fn look_nothing(name: &str, contents: &'static [u8]) -> String {
    let mut fields = Fields::default();
    let failure = inspect(name, Bytes::from_static(contents), &mut fields).unwrap_err();
    assert!(fields.found.is_empty());
    failure.to_string()
}

#[test]
fn a_label_that_cannot_be_written_is_an_error() {
    struct Full;
    impl Sink for Full {
        fn heading(&mut self, _: usize, _: fmt::Arguments<'_>) -> io::Result<()> {
            Ok(())
        }
        fn field(&mut self, _: &Field<'_>) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }
    for (name, contents) in samples() {
        assert!(inspect(name, contents, &mut Full).unwrap_err().is_broken_pipe());
    }
}

#[test]
fn the_program_prints_what_the_engine_wrote() {
    let place = Place::new();
    place.run_with(&["db"], "put apple \"red fruit\"\ndelete b\n").code(0);
    let wal = place.only_file("wal");
    let printed = place.run(&["inspect", wal.to_str().unwrap()]).code(0);
    let expected = r#"WAL segment, 95 bytes

header
   0  54 49 4e 59 44 42 57 4c  magic              TINYDBWL
   8  00 01                    version            1
  10  00 00                    zero               0
  12  44 26 0f 3f              CRC-32             ok

record 0, 1 row
  16  00 00 00 00 00 00 00 1f  length             31
  24  e8 2a d2 9c              CRC-32 of length   ok
  row 0: key apple, seq 1, value "red fruit"
  28  00 00                    prefix len         0
  30  00 05                    suffix len         5
  32  61 70 70 6c 65           suffix             apple
  37  00 00 00 00 00 00 00 01  seq                1
  45  00                       flags              value
  46  00 00 00 09              value len          9
  50  72 65 64 20 66 72 75 69  value              "red fruit"
  58  74
  59  4e 29 38 a3              CRC-32 of payload  ok
  63  17                       end mark           ok

record 1, 1 row
  64  00 00 00 00 00 00 00 0e  length             14
  72  82 9a f2 6e              CRC-32 of length   ok
  row 0: key b, seq 2, tombstone
  76  00 00                    prefix len         0
  78  00 01                    suffix len         1
  80  62                       suffix             b
  81  00 00 00 00 00 00 00 02  seq                2
  89  01                       flags              tombstone
  90  80 16 20 5e              CRC-32 of payload  ok
  94  17                       end mark           ok
"#;
    assert_eq!(printed.out, expected);
}

#[test]
fn every_file_of_a_database_can_be_printed() {
    let place = Place::new();
    place.run_with(&["db"], "fill 100\nflush\nput a 1\n").code(0);
    for folder in ["wal", "sst", "manifest"] {
        for file in fs::read_dir(place.path("db").join(folder)).unwrap() {
            let file = file.unwrap().path();
            let printed = place.run(&["inspect", file.to_str().unwrap()]).code(0);
            assert_eq!(printed.err, "");
        }
    }
    let sst = place.only_file("sst");
    let short = place.run(&["inspect", sst.to_str().unwrap()]).out;
    assert!(short.contains("and 68 bytes more"), "{short}");
    let full = place.run(&["inspect", "--full", sst.to_str().unwrap()]).out;
    assert!(full.len() > short.len() && !full.contains("more"));
}

#[test]
fn a_damaged_file_is_printed_and_is_a_failure() {
    let place = Place::new();
    place.run(&["db", "put", "a", "1"]).code(0);
    let wal = place.only_file("wal");
    let mut contents = fs::read(&wal).unwrap();
    contents[30] ^= 1;
    fs::write(&wal, &contents).unwrap();
    let wal = format!("db/wal/{}", wal.file_name().unwrap().display());
    let printed = place.run(&["inspect", &wal]).code(1);
    assert!(printed.out.contains("wrong"), "{}", printed.out);
    let opened = place.run(&["db", "stats"]).code(1);
    assert_eq!(printed.err, opened.err, "the error is the engine's");
}

#[test]
fn a_file_that_is_not_there_is_a_failure() {
    let place = Place::new();
    let missing: Error = Error::io("read", "nothing.wal")(io::ErrorKind::NotFound.into());
    let printed = place.run(&["inspect", "nothing.wal"]).code(1);
    let start = missing.to_string();
    let start = start.split(':').next().unwrap();
    assert!(printed.err.contains(start), "{}", printed.err);
    place.run(&["inspect", "."]).code(1);
}
