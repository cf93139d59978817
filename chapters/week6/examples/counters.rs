//! A million increments in a database, in two ways: `cargo run --release -p week6 --example counters`.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use week6::merge::{CounterMergeOperator, MergeOperator, MergeOperatorError};
use week6::{Db, DbBuilder, Error, Result};

/// How many counters there are, and how often each is incremented.
const KEYS: u64 = 10_000;
const EACH: u64 = 100;

// ANCHOR: ways
/// Reads the counter, adds one, writes it back.
fn read_modify_write(db: &Db, key: &[u8], cost: &mut Cost) -> Result<()> {
    let count = db.get(key)?.map_or(Ok(0), |value| CounterMergeOperator::decode(&value));
    let count = count.map_err(|source| failed(key, source))?;
    cost.reads += 1;
    db.put(key, CounterMergeOperator::encode(count + 1))?;
    Ok(())
}

/// Writes down that one is to be added.
fn merge_operand(db: &Db, key: &[u8], _cost: &mut Cost) -> Result<()> {
    db.merge(key, CounterMergeOperator::encode(1))?;
    Ok(())
}
// ANCHOR_END: ways

/// A way to increment one counter.
type Way = fn(&Db, &[u8], &mut Cost) -> Result<()>;

const WAYS: [(&str, Way); 2] =
    [("read, add, write", read_modify_write), ("merge operand", merge_operand)];

/// What one way cost.
#[derive(Debug, Default)]
pub struct Cost {
    /// How many reads the increments took.
    pub reads: usize,
    /// How often the operator was called, the final scan included.
    pub calls: usize,
    /// How many rows a flush wrote.
    pub rows: u64,
    /// How long the increments took.
    pub increments: Duration,
    /// How long the flush took, and a scan of all counters.
    pub rest: Duration,
}

/// The counter, with its calls counted.
#[derive(Debug, Default)]
struct Counted(AtomicUsize);

impl MergeOperator for Counted {
    fn merge(
        &self,
        key: &[u8],
        existing: Option<&[u8]>,
        operand: &[u8],
    ) -> Result<Bytes, MergeOperatorError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        CounterMergeOperator.merge(key, existing, operand)
    }

    fn merge_batch(
        &self,
        key: &[u8],
        existing: Option<&[u8]>,
        operands: &[Bytes],
    ) -> Result<Bytes, MergeOperatorError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        CounterMergeOperator.merge_batch(key, existing, operands)
    }
}

/// Increments every counter `each` times in one way, flushes, and checks them.
fn measure(each: u64, way: Way) -> Result<Cost> {
    let operator = Arc::new(Counted::default());
    let db = DbBuilder::in_memory().with_merge_operator(operator.clone()).build()?;
    let mut cost = Cost::default();
    let start = Instant::now();
    for number in 0..KEYS * each {
        way(&db, &(number % KEYS).to_be_bytes(), &mut cost)?;
    }
    cost.increments = start.elapsed();

    let start = Instant::now();
    db.flush()?;
    let mut counters = 0;
    for counter in db.scan(..)? {
        let counter = counter?;
        assert_eq!(counter.value, CounterMergeOperator::encode(each), "{:?}", counter.key);
        counters += 1;
    }
    assert_eq!(counters, KEYS, "every counter is there");
    cost.rest = start.elapsed();
    cost.rows = db.stats()?.sst_rows;
    cost.calls = operator.0.load(Ordering::Relaxed);
    Ok(cost)
}

/// Prints what both ways cost, and returns it too; with `each` increments of each counter.
pub fn table(each: u64, out: &mut impl Write) -> Result<Vec<Cost>> {
    let mut lines = vec![format!(
        "{:<18}{:>9}{:>9}{:>12}{:>14}{:>16}",
        "", "reads", "calls", "SST rows", "increments", "flush and scan"
    )];
    let mut costs = Vec::new();
    for (name, way) in WAYS {
        let cost = measure(each, way)?;
        let Cost { reads, calls, rows, increments, rest } = &cost;
        let (increments, rest) = (increments.as_millis(), rest.as_millis());
        lines.push(format!(
            "{name:<18}{reads:>9}{calls:>9}{rows:>12}{increments:>11} ms{rest:>13} ms"
        ));
        costs.push(cost);
    }
    for line in lines {
        writeln!(out, "{line}").expect("writing to the terminal");
    }
    Ok(costs)
}

fn failed(key: &[u8], source: MergeOperatorError) -> Error {
    Error::MergeFailed { key: Bytes::copy_from_slice(key), source }
}

/// Prints the table.
pub fn main() {
    if let Err(error) = table(EACH, &mut io::stdout()) {
        println!("the measurement ended early: {error}");
    }
}
