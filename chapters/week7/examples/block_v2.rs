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
/// How often everything is done.
const ROUNDS: usize = 9;
/// How many rows are timed at once.
const PIECE: usize = 500;

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

/// The fastest time of each piece of the work. Whatever else the computer does in between delays some
/// pieces, but hardly the same ones in each round.
#[derive(Debug, Default)]
struct Fastest(Vec<Duration>);

impl Fastest {
    fn time<T>(&mut self, piece: usize, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let done = work();
        let time = start.elapsed();
        match self.0.get_mut(piece) {
            Some(fastest) => *fastest = time.min(*fastest),
            None => self.0.push(time),
        }
        done
    }

    fn sum(&self) -> Duration {
        self.0.iter().sum()
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

/// Reads the rows of a block in order.
fn scan(block: &Arc<DataBlock>) -> Result<usize, DecodeError> {
    let mut rows = DataBlockIterator::new(block.clone());
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        bytes += row.key.len() + row.value.len();
    }
    Ok(bytes)
}

fn measure(version: FormatVersion, rows: &[RowEntry]) -> Result<Cost> {
    let damaged = |error: DecodeError| error.in_file("a block in memory", 0);
    let encoded = build(version, rows)?;
    let bytes = encoded.iter().map(Bytes::len).sum();
    let blocks = encoded.into_iter().map(|block| DataBlock::decode(version, block).map(Arc::new));
    let blocks = blocks.collect::<Result<Vec<_>, _>>().map_err(damaged)?;
    // The two numbers have no factor in common, so that every row has its turn.
    let in_no_order: Vec<_> = (0..rows.len()).map(|n| &rows[n * STRIDE % rows.len()]).collect();

    let [mut builds, mut lookups, mut scans] = [(); 3].map(|()| Fastest::default());
    for _ in 0..ROUNDS {
        for (piece, rows) in rows.chunks(PIECE).enumerate() {
            builds.time(piece, || build(version, rows))?;
        }
        for (piece, rows) in in_no_order.chunks(PIECE).enumerate() {
            let look_up = |row: &&RowEntry| {
                let found = lookup(&blocks, &row.key).map_err(damaged)?;
                assert_eq!(found.as_ref(), Some(*row));
                Ok(())
            };
            lookups.time(piece, || rows.iter().try_for_each(look_up))?;
        }
        for (piece, block) in blocks.iter().enumerate() {
            scans.time(piece, || scan(block)).map_err(damaged)?;
        }
    }
    let [build, lookups, scan] = [builds, lookups, scans].map(|fastest| fastest.sum());
    Ok(Cost { blocks: blocks.len(), bytes, build, lookups, scan })
}

/// Prints what both versions cost, and returns it too; with the orders of so many users.
pub fn table(users: usize, out: &mut impl Write) -> Result<[Cost; 2]> {
    let rows = orders(users);
    let costs = [measure(FormatVersion::V1, &rows)?, measure(FormatVersion::V2, &rows)?];
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
