//! An object divided into parts of one size, and the parts that a read needs.
//!
//! Part `n` of an object begins at byte `n * part_size`. All parts have the same size, except that an
//! object's last part ends where the object ends.
//!
//! SlateDB: `CachedObjectStore::split_range_into_parts` and `align_range` in
//! `src/cached_object_store/object_store.rs`.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

/// The numbers of the parts that hold at least one byte of `range`; none if it is empty. `part_size`
/// is not 0.
// exercise: week8.9
pub fn covering(range: &Range<u64>, part_size: u64) -> Range<u64> {
    let start = range.start / part_size;
    if range.is_empty() { start..start } else { start..range.end.div_ceil(part_size) }
}

/// The bytes of the object that the parts `numbers` hold, which lie side by side. The object has
/// `object_size` bytes; what reaches past them is cut off. So is a product that is too large for a `u64`.
// exercise: week8.9
pub fn bytes_of(numbers: &Range<u64>, part_size: u64, object_size: u64) -> Range<u64> {
    let byte = |number: u64| number.saturating_mul(part_size).min(object_size);
    byte(numbers.start)..byte(numbers.end)
}

/// Puts neighbours together: each run is to be fetched with one request. `numbers` increase, and none
/// is there twice; the runs hold the same numbers, in the same order, and are as few as can be.
// exercise: week8.9
pub fn runs(numbers: &[u64]) -> Vec<Range<u64>> {
    let mut runs: Vec<Range<u64>> = Vec::new();
    for &number in numbers {
        match runs.last_mut() {
            Some(run) if run.end == number => run.end += 1,
            _ => runs.push(number..number + 1),
        }
    }
    runs
}

/// Part `number` of a stretch of parts, counted from 0.
pub fn slice_of_part(stretch: &Bytes, number: u64, part_size: u64) -> Bytes {
    let Range { start, end } = bytes_of(&(number..number + 1), part_size, stretch.len() as u64);
    // The casts are exact: the stretch is in memory.
    stretch.slice(start as usize..end as usize)
}

/// The bytes of a range, as they come, part by part. They have a buffer of their own: an answer that
/// were a slice of a part would keep all of the part in memory.
#[derive(Debug)]
pub struct Answer {
    range: Range<u64>,
    part_size: u64,
    bytes: BytesMut,
}

impl Answer {
    /// An answer without any part yet.
    pub fn new(range: &Range<u64>, part_size: u64) -> Self {
        // The cast is exact: the answer has to fit into memory anyway.
        let bytes = BytesMut::zeroed((range.end - range.start) as usize);
        Self { range: range.clone(), part_size, bytes }
    }

    /// Copies what the answer needs of part `number` to its place.
    pub fn put(&mut self, number: u64, part: &[u8]) {
        let part_start = number * self.part_size;
        let start = self.range.start.max(part_start);
        let end = self.range.end.min(part_start + part.len() as u64);
        // The casts are exact: the places lie within an answer and a part that are in memory.
        let place = (start - self.range.start) as usize..(end - self.range.start) as usize;
        let taken = (start - part_start) as usize..(end - part_start) as usize;
        self.bytes[place].copy_from_slice(&part[taken]);
    }

    /// The answer. Every part that covers the range was put.
    pub fn into_bytes(self) -> Bytes {
        self.bytes.freeze()
    }
}
