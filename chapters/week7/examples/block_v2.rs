//! A hundred thousand orders in blocks of both versions: `cargo run --release -p week7 --example block_v2`.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use week7::Result;
use week7::error::DecodeError;
use week7::format::{FormatVersion, RowEntry};
use week7::optimize::{DataBlock, DataBlockBuilder, DataBlockIterator};

/// How many users there are, and how many orders each has.
const USERS: usize = 5000;
const ORDERS: usize = 20;
/// SlateDB's default, and TinyDB's.
const BLOCK_SIZE: usize = 4096;
/// How far one lookup is from the next.
const STRIDE: usize = 7_368_787;
/// How often everything is measured. The fastest time is the one that least else was going on in.
const ROUNDS: usize = 7;

// ANCHOR: rows
/// Sorted rows as an application has them: 23 bytes of key, 16 of value.
fn orders(users: usize) -> Vec<RowEntry> {
    let key = |n| format!("user/{:06}/order/{:05}", n / ORDERS, n % ORDERS);
    let row = |n| RowEntry::new_value(key(n), format!("{n:016}"), n as u64);
    (0..users * ORDERS).map(row).collect()
}
// ANCHOR_END: rows

// ANCHOR: lookup
/// The row of a key: a search for the block, and one in it.
fn lookup(blocks: &[Arc<DataBlock>], key: &[u8]) -> Result<Option<RowEntry>, DecodeError> {
    let block = blocks.partition_point(|block| block.first_key() <= key).saturating_sub(1);
    let mut rows = DataBlockIterator::new(blocks[block].clone());
    rows.seek(key)?;
    rows.next()
}
// ANCHOR_END: lookup

/// What one version cost.
#[derive(Debug)]
pub struct Cost {
    /// How many blocks there are.
    pub blocks: usize,
    /// How many bytes they have together.
    pub bytes: usize,
    /// How long it took to build them.
    pub build: Duration,
    /// How long it took to look every row up, far from the one before.
    pub lookups: Duration,
    /// How long it took to read every row in order.
    pub scan: Duration,
}

impl Cost {
    /// The same work again: the faster times count.
    fn and(self, again: Self) -> Self {
        Self {
            build: self.build.min(again.build),
            lookups: self.lookups.min(again.lookups),
            scan: self.scan.min(again.scan),
            ..self
        }
    }
}

/// The rows in blocks, encoded.
fn build(version: FormatVersion, rows: &[RowEntry]) -> Result<Vec<Bytes>> {
    let mut builder = DataBlockBuilder::new(version, BLOCK_SIZE);
    let mut blocks = Vec::new();
    for row in rows {
        if !builder.add(row)? {
            blocks.push(builder.finish());
            builder.add(row)?;
        }
    }
    blocks.push(builder.finish());
    Ok(blocks)
}

/// Looks every row up, each a long way from the one before.
fn look_up_all(blocks: &[Arc<DataBlock>], rows: &[RowEntry]) -> Result<(), DecodeError> {
    for n in 0..rows.len() {
        // The two have no factor in common, so that every row has its turn.
        let row = &rows[n * STRIDE % rows.len()];
        assert_eq!(lookup(blocks, &row.key)?.as_ref(), Some(row));
    }
    Ok(())
}

/// Reads every row in order.
fn scan(blocks: &[Arc<DataBlock>], rows: &[RowEntry]) -> Result<(), DecodeError> {
    let mut expected = rows.iter();
    for block in blocks {
        let mut rows = DataBlockIterator::new(block.clone());
        while let Some(row) = rows.next()? {
            assert_eq!(Some(&row), expected.next());
        }
    }
    assert_eq!(expected.next(), None);
    Ok(())
}

fn measure(version: FormatVersion, rows: &[RowEntry]) -> Result<Cost> {
    let damaged = |error: DecodeError| error.in_file("a block in memory", 0);
    let start = Instant::now();
    let blocks = build(version, rows)?;
    let build = start.elapsed();
    let bytes = blocks.iter().map(Bytes::len).sum();

    let blocks = blocks.into_iter().map(|block| DataBlock::decode(version, block).map(Arc::new));
    let blocks = blocks.collect::<Result<Vec<_>, _>>().map_err(damaged)?;
    let start = Instant::now();
    look_up_all(&blocks, rows).map_err(damaged)?;
    let lookups = start.elapsed();

    let start = Instant::now();
    scan(&blocks, rows).map_err(damaged)?;
    let scan = start.elapsed();
    Ok(Cost { blocks: blocks.len(), bytes, build, lookups, scan })
}

/// Prints what both versions cost, and returns it too; with the orders of so many users.
pub fn table(users: usize, out: &mut impl Write) -> Result<[Cost; 2]> {
    let rows = orders(users);
    let measure_both =
        || Ok([measure(FormatVersion::V1, &rows)?, measure(FormatVersion::V2, &rows)?]);
    let mut costs = measure_both()?;
    for _ in 1..ROUNDS {
        let [old, new] = costs;
        let [old_again, new_again] = measure_both()?;
        costs = [old.and(old_again), new.and(new_again)];
    }
    let mut lines = vec![format!(
        "{:<10}{:>12}{:>10}{:>16}{:>16}{:>16}",
        "", "bytes a row", "blocks", "rows built/s", "lookups/s", "rows scanned/s"
    )];
    for (version, cost) in ["version 1", "version 2"].iter().zip(&costs) {
        let bytes = cost.bytes as f64 / rows.len() as f64;
        let each_second = |time: Duration| rows.len() as f64 / time.as_secs_f64();
        let [built, looked_up, scanned] = [cost.build, cost.lookups, cost.scan].map(each_second);
        let blocks = cost.blocks;
        lines.push(format!(
            "{version:<10}{bytes:>12.1}{blocks:>10}{built:>16.0}{looked_up:>16.0}{scanned:>16.0}"
        ));
    }
    for line in lines {
        writeln!(out, "{line}").expect("writing to the terminal");
    }
    Ok(costs)
}

/// Prints the table.
pub fn main() {
    if let Err(error) = table(USERS, &mut io::stdout()) {
        println!("the measurement ended early: {error}");
    }
}
