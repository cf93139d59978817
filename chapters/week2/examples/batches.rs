//! What merging costs, with batches and without: `cargo run -p week2 --example batches`.

use std::io::{self, Write};

use bytes::Bytes;
use week2::format::{RowEntry, ValueDeletable};
use week2::model::merge::{MergeFn, Resolution, resolve};

// ANCHOR: in_slatedb
/// What SlateDB does: each full batch becomes a partial result, and all of these are kept until the
/// base is found. Then they are merged into its value.
fn in_slatedb(key: &[u8], versions: &[RowEntry], merge: MergeFn, batch: usize) -> Resolution {
    // Newest first, as they are read.
    let (mut held, mut partials): (Vec<Bytes>, Vec<Bytes>) = (Vec::new(), Vec::new());
    let (mut calls, mut peak_operands) = (0, 0);
    let mut call = |existing: Option<&Bytes>, newest_first: &mut Vec<Bytes>| {
        calls += 1;
        newest_first.reverse();
        merge(key, existing.map(|value| &value[..]), &std::mem::take(newest_first))
    };
    let mut existing = None;
    for version in versions {
        let ValueDeletable::Merge(operand) = &version.value else {
            existing = version.value.as_bytes();
            break;
        };
        held.push(operand.clone());
        peak_operands = peak_operands.max(partials.len() + held.len());
        if held.len() == batch {
            partials.push(call(None, &mut held));
        }
    }
    if !held.is_empty() {
        partials.push(call(None, &mut held));
    }
    let value = match partials.is_empty() {
        true => existing.cloned(),
        false => Some(call(existing, &mut partials)),
    };
    Resolution { value, calls, peak_operands }
}
// ANCHOR_END: in_slatedb

/// Puts the operands behind the existing value.
fn append(_key: &[u8], existing: Option<&[u8]>, operands: &[Bytes]) -> Bytes {
    [existing.unwrap_or_default(), &operands.concat()].concat().into()
}

/// Adds up numbers. With a list, the copies would take longer than all the rest.
fn add(_key: &[u8], existing: Option<&[u8]>, operands: &[Bytes]) -> Bytes {
    let number = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_be_bytes);
    let added: u64 = operands.iter().map(|operand| number(operand)).sum();
    Bytes::copy_from_slice(&(existing.map_or(0, number) + added).to_be_bytes())
}

/// So many operands, and a value below them.
fn versions(operands: u64, bytes: fn(u64) -> Bytes) -> Vec<RowEntry> {
    let operand = |n: u64| RowEntry::new_merge("lime", bytes(n), n);
    let value = RowEntry::new_value("lime", bytes(0), 0);
    (1..=operands).rev().map(operand).chain([value]).collect()
}

/// One line of the table.
fn line(name: &str, cost: &Resolution, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{name:20}{:>7}{:>15}", cost.calls, cost.peak_operands)
}

/// One part of the table: the same versions, merged in four ways.
fn part(operands: u64, batch: usize, out: &mut impl Write) -> io::Result<()> {
    let (merge, bytes): (MergeFn, fn(u64) -> Bytes) = match operands {
        // Few operands are letters: so a wrong order would show.
        0..10 => (append, |n| Bytes::copy_from_slice(&[b'`' + n as u8])),
        _ => (add, |n| Bytes::copy_from_slice(&n.to_be_bytes())),
    };
    let versions = versions(operands, bytes);
    let costs = [
        ("all at once", resolve(b"lime", &versions, merge, usize::MAX)),
        ("pair by pair", resolve(b"lime", &versions, merge, 2)),
        ("batches, TinyDB's", resolve(b"lime", &versions, merge, batch)),
        ("batches, SlateDB's", in_slatedb(b"lime", &versions, merge, batch)),
    ];
    writeln!(out, "{operands} operands, batches of {batch}")?;
    writeln!(out, "{:20}{:>7}{:>15}", "", "calls", "operands held")?;
    for (name, cost) in &costs {
        assert_eq!(cost.value, costs[0].1.value, "{name} gives another value");
        line(name, cost, out)?;
    }
    Ok(())
}

/// Prints the table. Checks that all ways agree.
pub fn table(out: &mut impl Write) -> io::Result<()> {
    for (number, (operands, batch)) in
        [(7, 3), (100, 100), (101, 100), (1000, 100), (100_000, 100)].into_iter().enumerate()
    {
        if number > 0 {
            writeln!(out)?;
        }
        part(operands, batch, out)?;
    }
    Ok(())
}

/// Prints the table to the terminal.
pub fn main() -> io::Result<()> {
    table(&mut io::stdout())
}
