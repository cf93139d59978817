//! How many keys filters let through by mistake, and what they save:
//! `cargo run --release -p week7 --example filter`.

use std::hint::black_box;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use week7::Result;
use week7::format::{FormatVersion, RowEntry};
use week7::object_store::{MemoryObjectStore, ObjectStore};
use week7::optimize::BloomFilterBuilder;
use week7::storage::{SstBuilder, SstOptions, SstReader};

/// How many keys the filter of the first table has. It is asked for ten times as many others.
const KEYS: u64 = 100_000;

/// How many SSTs the second table has, and how many rows each.
const SSTS: u64 = 8;
const ROWS: u64 = 20_000;

// ANCHOR: rates
/// The bits for each key that are compared. Another number is a number here.
const BITS_PER_KEY: [u32; 7] = [1, 2, 5, 8, 10, 15, 20];

/// What a filter lets through: of keys that were not added, the part that might be contained.
fn measure_rate(bits_per_key: u32, keys: u64) -> Rate {
    let mut builder = BloomFilterBuilder::new(bits_per_key);
    (0..keys).for_each(|number| builder.add_key(&key(number)));
    let filter = builder.build();
    assert!((0..keys).all(|number| filter.might_contain(&key(number))), "a key is denied");

    let others = 10 * keys;
    let start = Instant::now();
    let passed = (keys..keys + others).filter(|&number| filter.might_contain(&key(number))).count();
    let time = start.elapsed() / others as u32;
    let (probes, measured) = (filter.num_probes(), passed as f64 / others as f64);
    Rate { bits_per_key, probes, theory: theory(bits_per_key, probes), measured, time }
}

/// After n keys of k probes each, a bit of m is not set with probability (1 - 1/m)^kn, about
/// e^(-kn/m). Another key passes if its k bits are all set.
fn theory(bits_per_key: u32, probes: u16) -> f64 {
    let probes = f64::from(probes);
    (1.0 - (-probes / f64::from(bits_per_key)).exp()).powf(probes)
}
// ANCHOR_END: rates

fn key(number: u64) -> Vec<u8> {
    format!("user/{number:08}").into_bytes()
}

/// What one number of bits gave.
#[derive(Debug)]
pub struct Rate {
    /// How many bits there were for each key.
    pub bits_per_key: u32,
    /// How many of them each key set.
    pub probes: u16,
    /// Which part of other keys should pass.
    pub theory: f64,
    /// Which part did.
    pub measured: f64,
    /// How long it took to ask for one key.
    pub time: Duration,
}

/// What it costs to look for keys that are in no SST.
#[derive(Debug)]
pub struct Cost {
    /// How many SSTs each lookup had to read.
    pub ssts: f64,
    /// How long each took.
    pub time: Duration,
    /// How many bytes the filters take.
    pub bytes: u64,
}

// ANCHOR: missing
/// Looks for a key in one SST after the other, as a `get` does: newest first, until one has it.
fn look_up(ssts: &[SstReader], key: &[u8], cost: &mut u64) -> Result<Option<RowEntry>> {
    for sst in ssts {
        if sst.might_contain(key) {
            *cost += 1;
        }
        if let Some(row) = sst.get(key, u64::MAX)? {
            return Ok(Some(row));
        }
    }
    Ok(None)
}
// ANCHOR_END: missing

/// SSTs that share the even numbers among them, so that each one's keys reach from the first to the
/// last.
fn ssts(rows: u64, filter_bits_per_key: u32) -> Result<Vec<SstReader>> {
    let store = Arc::new(MemoryObjectStore::new());
    // Blocks of version 1, so that this example needs nothing but your filter.
    let options =
        SstOptions { version: FormatVersion::V1, filter_bits_per_key, ..SstOptions::default() };
    let mut ssts = Vec::new();
    for sst in 0..SSTS {
        let mut builder = SstBuilder::with_options(&options);
        for row in 0..rows {
            let number = 2 * (row * SSTS + sst);
            builder.add(&RowEntry::new_value(key(number), vec![b'.'; 100], 1))?;
        }
        let path = format!("{sst}.sst");
        store.put(&path, builder.finish()?)?;
        ssts.push(SstReader::open_with_cache(store.clone(), path, None)?);
    }
    Ok(ssts)
}

/// Looks for the odd numbers, which are nowhere.
fn measure_missing(rows: u64, filter_bits_per_key: u32) -> Result<Cost> {
    let ssts = ssts(rows, filter_bits_per_key)?;
    let bytes = ssts.iter().map(|sst| sst.footer().index_offset - sst.footer().filter_offset).sum();
    let lookups = rows;
    let (mut read, start) = (0, Instant::now());
    for number in 0..lookups {
        let row = look_up(&ssts, &key(2 * number * SSTS + 1), &mut read)?;
        assert_eq!(black_box(row), None, "an odd number was found");
    }
    Ok(Cost { ssts: read as f64 / lookups as f64, time: start.elapsed() / lookups as u32, bytes })
}

/// Prints the rates of filters of `keys` keys, and returns them too.
pub fn rates(keys: u64, out: &mut impl Write) -> Vec<Rate> {
    say(
        out,
        format!(
            "{:>12}{:>8}{:>12}{:>12}{:>11}",
            "bits a key", "probes", "theory", "measured", "time"
        ),
    );
    let rates: Vec<_> = BITS_PER_KEY.iter().map(|&bits| measure_rate(bits, keys)).collect();
    for Rate { bits_per_key, probes, theory, measured, time } in &rates {
        let (theory, measured, time) = (theory * 100.0, measured * 100.0, time.as_nanos());
        say(
            out,
            format!("{bits_per_key:>12}{probes:>8}{theory:>10.4} %{measured:>10.4} %{time:>8} ns"),
        );
    }
    rates
}

/// Prints what lookups of missing keys cost without filters and with them, and returns it too; with
/// so many rows in each SST.
pub fn missing(rows: u64, out: &mut impl Write) -> Result<[Cost; 2]> {
    let costs = [measure_missing(rows, 0)?, measure_missing(rows, 10)?];
    say(out, format!("{:<16}{:>12}{:>14}{:>14}", "", "SSTs read", "time", "filters"));
    for (name, Cost { ssts, time, bytes }) in
        ["without filters", "10 bits a key"].iter().zip(&costs)
    {
        let time = time.as_nanos() as f64 / 1000.0;
        say(out, format!("{name:<16}{ssts:>12.3}{time:>11.1} us{:>11} kB", bytes / 1000));
    }
    Ok(costs)
}

fn say(out: &mut impl Write, line: String) {
    writeln!(out, "{line}").expect("writing to the terminal");
}

/// Prints both tables.
pub fn main() {
    rates(KEYS, &mut io::stdout());
    println!();
    if let Err(error) = missing(ROWS, &mut io::stdout()) {
        println!("the measurement ended early: {error}");
    }
}
