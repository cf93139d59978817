//! Operands merged in three ways: `cargo run --release -p week6 --example increments`.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use week6::format::{RowEntry, ValueDeletable};
use week6::iter::RowEntryIterator;
use week6::merge::{
    ConcatMergeOperator, CounterMergeOperator, MergeOperator, MergeOperatorError,
    MergeOperatorIterator,
};
use week6::{Error, Result};

/// A way to merge a stream of operands; it gives the value of each key.
type Way = fn(Operands, Arc<Watched>) -> Result<Vec<Bytes>>;

// ANCHOR: ways
/// The ways that are compared. Another one is a line here, and a function like those below.
const WAYS: [(&str, Way); 3] =
    [("pair by pair", pair_by_pair), ("all at once", all_at_once), ("in batches", in_batches)];

/// Merges each operand as soon as it is read.
fn pair_by_pair(mut rows: Operands, operator: Arc<Watched>) -> Result<Vec<Bytes>> {
    let mut values: Vec<Bytes> = Vec::new();
    let mut last_key = None;
    while let Some((key, operand)) = rows.next_operand()? {
        if last_key.as_ref() == Some(&key) {
            let newer = values.pop().unwrap_or_default();
            let both = operator.merge(&key, Some(&operand), &newer);
            values.push(both.map_err(failed(&key))?);
        } else {
            values.push(operand);
            last_key = Some(key);
        }
    }
    Ok(values)
}

/// Collects all operands of a key, and merges them in one call.
fn all_at_once(mut rows: Operands, operator: Arc<Watched>) -> Result<Vec<Bytes>> {
    let mut values = Vec::new();
    let mut next = rows.next_operand()?;
    while let Some((key, operand)) = next {
        let mut operands = vec![operand];
        next = loop {
            match rows.next_operand()? {
                Some((same, operand)) if same == key => operands.push(operand),
                behind => break behind,
            }
        };
        operands.reverse();
        values.push(operator.merge_batch(&key, None, &operands).map_err(failed(&key))?);
    }
    Ok(values)
}

/// What the engine does: your iterator.
fn in_batches(rows: Operands, operator: Arc<Watched>) -> Result<Vec<Bytes>> {
    let mut rows = MergeOperatorIterator::for_reads(rows, operator);
    let mut values = Vec::new();
    while let Some(row) = rows.next()? {
        values.extend(row.value.as_bytes().cloned());
    }
    Ok(values)
}
// ANCHOR_END: ways

/// Gives an operator's error its key.
fn failed(key: &Bytes) -> impl FnOnce(MergeOperatorError) -> Error {
    let key = key.clone();
    |source| Error::MergeFailed { key, source }
}

/// What is merged.
struct Workload {
    name: &'static str,
    keys: u64,
    /// How many operands each key has.
    each: u64,
    operator: fn() -> Box<dyn MergeOperator>,
    operand: fn() -> Bytes,
}

/// The workloads of the table, each smaller by this factor.
fn workloads(smaller: u64) -> [Workload; 3] {
    let counter = || -> Box<dyn MergeOperator> { Box::new(CounterMergeOperator) };
    let notes = || -> Box<dyn MergeOperator> { Box::new(ConcatMergeOperator::new()) };
    let one = || CounterMergeOperator::encode(1);
    let note = || Bytes::copy_from_slice(&[b'.'; 100]);
    [
        Workload {
            name: "a million increments on ten thousand keys",
            keys: 10_000 / smaller,
            each: 100,
            operator: counter,
            operand: one,
        },
        Workload {
            name: "a million increments on one key",
            keys: 1,
            each: 1_000_000 / smaller,
            operator: counter,
            operand: one,
        },
        Workload {
            name: "ten thousand notes of 100 bytes, appended to one key",
            keys: 1,
            each: 10_000 / smaller,
            operator: notes,
            operand: note,
        },
    ]
}

/// The operands of a workload, made when they are asked for.
#[derive(Debug)]
struct Operands {
    keys: u64,
    each: u64,
    /// How many came out.
    done: u64,
    operand: fn() -> Bytes,
    /// Whether to count how many are alive.
    is_counted: bool,
}

impl Operands {
    fn new(workload: &Workload, is_counted: bool) -> Self {
        let Workload { keys, each, operand, .. } = *workload;
        Self { keys, each, done: 0, operand, is_counted }
    }

    fn next_operand(&mut self) -> Result<Option<(Bytes, Bytes)>> {
        let row = self.next()?;
        Ok(row.and_then(|row| Some((row.key, row.value.as_bytes()?.clone()))))
    }
}

impl RowEntryIterator for Operands {
    fn next(&mut self) -> Result<Option<RowEntry>> {
        let all = self.keys * self.each;
        if self.done == all {
            return Ok(None);
        }
        let key = Bytes::copy_from_slice(&(self.done / self.each).to_be_bytes());
        let mut operand = (self.operand)();
        if self.is_counted {
            operand = Bytes::from_owner(Counted::new(operand));
        }
        let row = RowEntry { key, value: ValueDeletable::Merge(operand), seq: all - self.done };
        self.done += 1;
        Ok(Some(row))
    }

    fn seek(&mut self, _key: &[u8]) -> Result<()> {
        Ok(())
    }
}

/// An operator that counts its calls.
#[derive(Debug)]
struct Watched {
    operator: Box<dyn MergeOperator>,
    calls: AtomicUsize,
}

impl Watched {
    fn new(workload: &Workload) -> Arc<Self> {
        Arc::new(Self { operator: (workload.operator)(), calls: AtomicUsize::new(0) })
    }
}

impl MergeOperator for Watched {
    fn merge(
        &self,
        key: &[u8],
        existing: Option<&[u8]>,
        operand: &[u8],
    ) -> Result<Bytes, MergeOperatorError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.operator.merge(key, existing, operand)
    }

    fn merge_batch(
        &self,
        key: &[u8],
        existing: Option<&[u8]>,
        operands: &[Bytes],
    ) -> Result<Bytes, MergeOperatorError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.operator.merge_batch(key, existing, operands)
    }
}

/// How many operands are alive, and were at most.
static ALIVE: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

/// The bytes of an operand that knows when it is dropped.
struct Counted(Bytes);

impl Counted {
    fn new(operand: Bytes) -> Self {
        MOST.fetch_max(ALIVE.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
        Self(operand)
    }
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What one way cost.
#[derive(Debug)]
pub struct Cost {
    /// How often the operator was called.
    pub calls: usize,
    /// How many operands were in memory at once, at most.
    pub operands: usize,
    /// How long it took.
    pub time: Duration,
}

/// Merges a workload in one way, twice: once to count, once to take the time.
fn measure(workload: &Workload, way: Way) -> Result<(Cost, Vec<Bytes>)> {
    let watched = Watched::new(workload);
    MOST.store(0, Ordering::Relaxed);
    let values = way(Operands::new(workload, true), Arc::clone(&watched))?;
    let (calls, operands) = (watched.calls.load(Ordering::Relaxed), MOST.load(Ordering::Relaxed));
    let start = Instant::now();
    way(Operands::new(workload, false), Watched::new(workload))?;
    Ok((Cost { calls, operands, time: start.elapsed() }, values))
}

/// Prints what each way costs for each workload, and returns it too. Checks that all ways agree.
pub fn table(smaller: u64, out: &mut impl Write) -> Result<Vec<Cost>> {
    let mut costs = Vec::new();
    for workload in &workloads(smaller) {
        if !costs.is_empty() {
            say(out, String::new());
        }
        say(
            out,
            format!(
                "{}\n{:14}{:>9}{:>20}{:>10}",
                workload.name, "", "calls", "operands in memory", "time"
            ),
        );
        let mut expected = None;
        for (name, way) in WAYS {
            let (cost, values) = measure(workload, way)?;
            assert!(*expected.get_or_insert(values.clone()) == values, "{name} differs");
            let Cost { calls, operands, time } = &cost;
            say(out, format!("{name:14}{calls:9}{operands:20}{:7} ms", time.as_millis()));
            costs.push(cost);
        }
    }
    Ok(costs)
}

fn say(out: &mut impl Write, line: String) {
    writeln!(out, "{line}").expect("writing to the terminal");
}

/// Prints the table.
pub fn main() {
    if let Err(error) = table(1, &mut io::stdout()) {
        println!("the measurement ended early: {error}");
    }
}
