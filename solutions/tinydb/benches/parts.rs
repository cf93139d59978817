//! What one call of each part of the engine costs.
//!
//! ```text
//! cargo bench -p tinydb
//! cargo bench -p tinydb -- filter
//! ```
//!
//! Keys have 16 bytes and are spread evenly, values have 100. Everything is in memory, so that only the
//! engine is measured: what disks and other engines do is in `solutions/compare`.
#![expect(missing_docs, reason = "`criterion_group!` makes a function without any")]

use std::hint::black_box;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tinydb::db::DbBuilder;
use tinydb::format::{FormatVersion, RowEntry, ValueDeletable};
use tinydb::iter::{BytesRange, MergeIterator, RowEntryIterator, SstIterator};
use tinydb::merge::{CounterMergeOperator, MergeOperator};
use tinydb::object_store::{MemoryObjectStore, ObjectStore};
use tinydb::optimize::{BlockCache, BloomFilterBuilder, DataBlock, DataBlockBuilder};
use tinydb::storage::{
    Durability, LogFile, MemTable, SequencedKey, SstBuilder, SstOptions, SstReader, WalWriter,
};

/// How many rows a table has.
const ROWS: u64 = 100_000;
const VALUE: [u8; 100] = [7; 100];

criterion_group!(parts, mem_table, wal, block, filter, sst, merge_iterator, merge_operator, db);
criterion_main!(parts);

fn mem_table(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("mem_table");
    let rows: Vec<_> = (0..ROWS).map(row).collect();
    let fill = || {
        let table = MemTable::new();
        rows.iter().cloned().for_each(|row| table.put(row));
        table
    };
    group.throughput(Throughput::Elements(ROWS)).sample_size(20);
    group.bench_function("put each row", |bencher| bencher.iter_with_large_drop(fill));
    let (table, mut keys) = (fill(), keys());
    group.throughput(Throughput::Elements(1)).sample_size(100);
    group.bench_function("get", |bencher| {
        let get = |key: Bytes| table.get(&key, u64::MAX);
        bencher.iter_batched(&mut keys, get, BatchSize::SmallInput);
    });
}

fn wal(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("wal");
    for rows in [1, 100] {
        let batch: Vec<_> = (0..rows).map(row).collect();
        group.throughput(Throughput::Elements(rows));
        let mut writer = WalWriter::create("log", Box::new(NoFile)).expect("a segment");
        group.bench_function(format!("append a batch of {rows}"), |bencher| {
            bencher.iter(|| writer.append(&batch, Durability::Buffered));
        });
    }
}

fn block(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("block");
    let rows = sorted(0..30);
    let build = || {
        let mut builder = DataBlockBuilder::new(FormatVersion::V2, SstBuilder::DEFAULT_BLOCK_SIZE);
        rows.iter().for_each(|row| assert!(builder.add(row).expect("a row"), "no room"));
        builder.finish()
    };
    group.throughput(Throughput::Elements(rows.len() as u64));
    group.bench_function("build 30 rows", |bencher| bencher.iter(build));
    let encoded = build();
    let block = DataBlock::decode(FormatVersion::V2, encoded.clone()).expect("a block");
    group.throughput(Throughput::Elements(1));
    group.bench_function("decode", |bencher| {
        bencher.iter(|| DataBlock::decode(FormatVersion::V2, encoded.clone()));
    });
    let mut wanted = rows.iter().cycle();
    group.bench_function("search", |bencher| {
        bencher.iter(|| block.lower_bound(wanted.next().map_or(&[], |row| &row.key)));
    });
}

fn filter(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("filter");
    let mut builder = BloomFilterBuilder::new(10);
    (0..ROWS).for_each(|number| builder.add_key(&key(number)));
    let (filter, mut keys, mut other) = (builder.build(), keys(), ROWS);
    let ask = |key: Bytes| filter.might_contain(&key);
    group.bench_function("a key that was added", |bencher| {
        bencher.iter_batched(&mut keys, ask, BatchSize::SmallInput);
    });
    group.bench_function("another key", |bencher| {
        let next = || {
            other += 1;
            key(other)
        };
        bencher.iter_batched(next, ask, BatchSize::SmallInput);
    });
}

fn sst(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sst");
    let rows = sorted(0..ROWS);
    group.throughput(Throughput::Elements(ROWS)).sample_size(20);
    group.bench_function("build", |bencher| bencher.iter(|| encoded(&rows)));
    let uncached = reader(&rows, None);
    group.bench_function("scan", |bencher| {
        bencher.iter(|| drain(&mut SstIterator::new(Arc::clone(&uncached), BytesRange::from(..))));
    });
    group.throughput(Throughput::Elements(1)).sample_size(100);
    let cached = reader(&rows, Some(Arc::new(BlockCache::new(64 << 20))));
    for (name, sst) in [("get, blocks cached", cached), ("get, no cache", uncached)] {
        let mut keys = keys();
        group.bench_function(name, |bencher| {
            let get = |key: Bytes| sst.get(&key, u64::MAX).expect("a row");
            bencher.iter_batched(&mut keys, get, BatchSize::SmallInput);
        });
    }
}

fn merge_iterator(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("merge_iterator");
    group.throughput(Throughput::Elements(ROWS)).sample_size(20);
    for sources in [1, 4, 16] {
        let ssts: Vec<_> = (0..sources)
            .map(|source| reader(&sorted((source..ROWS).step_by(sources as usize)), None))
            .collect();
        group.bench_function(format!("{sources} SSTs"), |bencher| {
            let iterator = |sst: &Arc<SstReader>| -> Box<dyn RowEntryIterator> {
                Box::new(SstIterator::new(Arc::clone(sst), BytesRange::from(..)))
            };
            bencher.iter(|| drain(&mut MergeIterator::new(ssts.iter().map(iterator).collect())));
        });
    }
}

fn merge_operator(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("merge_operator");
    let operands: Vec<_> = (0..100).map(CounterMergeOperator::encode).collect();
    group.throughput(Throughput::Elements(operands.len() as u64));
    group.bench_function("a counter's batch of 100", |bencher| {
        bencher.iter(|| CounterMergeOperator.merge_batch(b"key", None, black_box(&operands)));
    });
}

fn db(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("db");
    group.throughput(Throughput::Elements(1));
    let db = DbBuilder::on_object_store(Arc::new(MemoryObjectStore::new()));
    let db = db.build().expect("a database");
    let put = |number| db.put(key(number), VALUE).expect("a put");
    let mut number = 0;
    group.bench_function("put", |bencher| {
        let next = || {
            number += 1;
            number % ROWS
        };
        bencher.iter_batched(next, put, BatchSize::SmallInput);
    });
    (0..ROWS).for_each(|number| drop(put(number)));
    db.flush().expect("a flush");
    let mut keys = keys();
    group.bench_function("get", |bencher| {
        let get = |key: Bytes| db.get(key).expect("a get");
        bencher.iter_batched(&mut keys, get, BatchSize::SmallInput);
    });
    group.bench_function("scan 100 rows", |bencher| {
        let scan = |key: Bytes| db.scan(key..).expect("a scan").take(100).count();
        bencher.iter_batched(&mut keys, scan, BatchSize::SmallInput);
    });
}

/// The last step of splitmix64: spreads numbers evenly.
fn spread(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

fn key(number: u64) -> Bytes {
    [spread(number + 1).to_be_bytes(), spread(!number).to_be_bytes()].concat().into()
}

fn row(number: u64) -> RowEntry {
    let value = ValueDeletable::Value(Bytes::from_static(&VALUE));
    RowEntry { key: key(number), value, seq: number + 1 }
}

/// The rows with these numbers, in the order of an SST.
fn sorted(numbers: impl Iterator<Item = u64>) -> Vec<RowEntry> {
    let mut rows: Vec<_> = numbers.map(row).collect();
    rows.sort_by_key(|row| SequencedKey::new(row.key.clone(), row.seq));
    rows
}

/// Keys of rows that are there, without an end and in no order.
fn keys() -> impl FnMut() -> Bytes {
    let mut count = 0;
    move || {
        count += 1;
        key(spread(count) % ROWS)
    }
}

fn encoded(rows: &[RowEntry]) -> Bytes {
    let mut builder = SstBuilder::with_options(&SstOptions::default());
    rows.iter().for_each(|row| builder.add(row).expect("a row in order"));
    builder.finish().expect("an SST")
}

fn reader(rows: &[RowEntry], cache: Option<Arc<BlockCache>>) -> Arc<SstReader> {
    let store = Arc::new(MemoryObjectStore::new());
    store.put("sst", encoded(rows)).expect("a put");
    Arc::new(SstReader::open_with_cache(store, "sst", cache).expect("a reader"))
}

fn drain(rows: &mut impl RowEntryIterator) {
    while let Some(row) = rows.next().expect("a row") {
        black_box(row);
    }
}

/// A log that forgets what it is given.
#[derive(Debug)]
struct NoFile;

impl LogFile for NoFile {
    fn read_all(&mut self) -> io::Result<Bytes> {
        Ok(Bytes::new())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        black_box(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn truncate(&mut self, _: u64) -> io::Result<()> {
        Ok(())
    }
}
