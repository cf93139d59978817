//! A row, as `tinydb::format::row_codec` and `tinydb::optimize::row_codec_v2` document it.

use std::fmt;

use tinydb::format::{RowEntry, ValueDeletable};

use crate::words::Shortened;

use super::part::{Part, Stop};

/// How many bytes of a key or value are printed in a row's heading.
const SHORT: usize = 32;

/// Labels the next row, which is `row` and the `number`th of its record or block.
pub fn label(part: &mut Part<'_, '_>, number: usize, row: &RowEntry) -> Result<(), Stop> {
    part.heading(2, format_args!("row {number}: {}", Summary(row)))?;
    part.number::<2>("prefix len")?;
    let suffix_len = part.number::<2>("suffix len")?;
    // Exact: it was two bytes.
    part.field(suffix_len as usize, "suffix", short)?;
    part.number::<8>("seq")?;
    part.number_with::<1>("flags", |_| kind(row).to_owned())?;
    if row.value.is_tombstone() {
        return Ok(());
    }
    let value_len = part.number::<4>("value len")?;
    let value_len = usize::try_from(value_len).unwrap_or(usize::MAX);
    part.field(value_len, "value", short)?;
    Ok(())
}

/// The same for a row of version 2.
pub fn label_v2(part: &mut Part<'_, '_>, number: usize, row: &RowEntry) -> Result<(), Stop> {
    part.heading(2, format_args!("row {number}: {}", Summary(row)))?;
    part.varint("shared")?;
    let unshared = part.varint("unshared")?;
    let value_len = part.varint("value len")?;
    part.field(unshared, "suffix", short)?;
    part.field(value_len, "value", short)?;
    part.number::<8>("seq")?;
    part.number_with::<1>("flags", |_| kind(row).to_owned())?;
    Ok(())
}

/// Bytes as they can be typed, shortened.
pub fn short(bytes: &[u8]) -> String {
    Shortened { bytes, limit: SHORT }.to_string()
}

fn kind(row: &RowEntry) -> &'static str {
    match row.value {
        ValueDeletable::Value(_) => "value",
        ValueDeletable::Merge(_) => "merge operand",
        ValueDeletable::Tombstone => "tombstone",
    }
}

struct Summary<'a>(&'a RowEntry);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RowEntry { key, seq, value } = self.0;
        write!(out, "key {}, seq {seq}, {}", short(key), kind(self.0))?;
        value.as_bytes().map_or(Ok(()), |value| write!(out, " {}", short(value)))
    }
}
