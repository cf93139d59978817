//! A range of user keys that owns its bounds.

use std::ops::{Bound, Range, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};

use bytes::Bytes;

use crate::storage::KeyRange;

/// From one user key to another; each end included, excluded or open.
///
/// A range may end before it starts. It then holds no key.
///
/// SlateDB: `BytesRange` in `src/bytes_range.rs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BytesRange {
    /// Where the range starts.
    pub start: Bound<Bytes>,
    /// Where the range ends.
    pub end: Bound<Bytes>,
}

impl BytesRange {
    /// The range that holds every key.
    pub const ALL: Self = Self { start: Bound::Unbounded, end: Bound::Unbounded };

    /// The range between two bounds.
    pub fn new(start: Bound<impl Into<Bytes>>, end: Bound<impl Into<Bytes>>) -> Self {
        Self { start: start.map(Into::into), end: end.map(Into::into) }
    }

    /// The range of every key that starts with `prefix`, and no other.
    ///
    /// It ends before the smallest key that is greater than all of them. There is none if `prefix`
    /// is empty or made of `0xff` bytes only; then the range has no end.
    // Task 5.2: Ranges of keys, and prefixes
    pub fn from_prefix(prefix: &[u8]) -> Self {
        todo!("week 5, task 2: Ranges of keys, and prefixes")
    }

    /// Whether `key` lies in front of the start.
    // Task 5.2: Ranges of keys, and prefixes
    pub fn starts_after(&self, key: &[u8]) -> bool {
        todo!("week 5, task 2: Ranges of keys, and prefixes")
    }

    /// Whether `key` lies behind the end.
    // Task 5.2: Ranges of keys, and prefixes
    pub fn ends_before(&self, key: &[u8]) -> bool {
        todo!("week 5, task 2: Ranges of keys, and prefixes")
    }

    /// Whether `key` is in the range.
    pub fn contains(&self, key: &[u8]) -> bool {
        !self.starts_after(key) && !self.ends_before(key)
    }

    /// The same range, borrowed.
    pub fn as_key_range(&self) -> KeyRange<'_> {
        (self.start.as_ref().map(|key| &key[..]), self.end.as_ref().map(|key| &key[..]))
    }
}

impl From<RangeFull> for BytesRange {
    fn from(_: RangeFull) -> Self {
        Self::ALL
    }
}

/// Lets a caller write `"a".."c"` where a range of keys is wanted. One rule for each kind of range,
/// because a rule for all of them at once would leave the type of `..` open.
macro_rules! from_range {
    ($($range:ident),+) => {$(
        impl<K: AsRef<[u8]>> From<$range<K>> for BytesRange {
            fn from(range: $range<K>) -> Self {
                use std::ops::RangeBounds as _;
                let copy = |key: &K| Bytes::copy_from_slice(key.as_ref());
                Self { start: range.start_bound().map(copy), end: range.end_bound().map(copy) }
            }
        }
    )+};
}

from_range!(Range, RangeInclusive, RangeFrom, RangeTo, RangeToInclusive);

impl<K: AsRef<[u8]>> From<(Bound<K>, Bound<K>)> for BytesRange {
    fn from((start, end): (Bound<K>, Bound<K>)) -> Self {
        let copy = |key: K| Bytes::copy_from_slice(key.as_ref());
        Self { start: start.map(copy), end: end.map(copy) }
    }
}
