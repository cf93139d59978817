//! The beginnings of sorted keys, side by side.
//!
//! A binary search over keys jumps through memory twice at each step: to the key's place in the list,
//! and from there to its bytes. In a table of a million rows most of these jumps miss the processor's
//! caches. The beginnings of the keys, eight bytes each and one behind the other, are a tenth of that
//! memory, and nearly always they decide. What all keys begin with decides nothing, so it is left out:
//!
//! ```text
//! keys        user:1000017   user:1000455   user:1000981   user:1001302
//! shared      user:100
//! prefixes    "0017"         "0455"         "0981"         "1302"         each a u64, filled up with zeros
//! ```
//!
//! SlateDB searches the keys themselves: `partition_point` in `src/partitioned_keyspace.rs`.

use std::ops::Range;

/// What is needed of sorted keys to search them fast.
///
/// Invariants:
/// 1. Every key starts with `shared`.
/// 2. `prefixes` has a number for each key, in their order: the first eight bytes behind `shared`, the
///    first of them the most significant. So the numbers do not decrease.
/// 3. `samples` has the first of each 64 prefixes. They are so few that they stay in the
///    processor's caches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPrefixes {
    shared: Vec<u8>,
    samples: Vec<u64>,
    prefixes: Vec<u64>,
}

/// How many prefixes stand behind one sample: eight lines of a processor's cache.
const GROUP_LEN: usize = 64;

impl KeyPrefixes {
    /// The prefixes of `keys`, which do not decrease.
    pub fn new<'a>(keys: impl DoubleEndedIterator<Item = &'a [u8]> + Clone) -> Self {
        let (first, last) = (keys.clone().next(), keys.clone().next_back());
        // Whatever lies between two keys starts with what both start with.
        let (first, last) = (first.unwrap_or_default(), last.unwrap_or_default());
        let shared = first.iter().zip(last).take_while(|(a, b)| a == b).count();
        let prefixes: Vec<_> = keys.map(|key| prefix(&key[shared..])).collect();
        let samples = prefixes.iter().step_by(GROUP_LEN).copied().collect();
        Self { shared: first[..shared].to_vec(), samples, prefixes }
    }

    /// The numbers of the keys that `key` has to be compared with: every key in front of them is less,
    /// every key behind them is greater.
    pub fn near(&self, key: &[u8]) -> Range<usize> {
        let Some(rest) = key.strip_prefix(&*self.shared) else {
            let end = if key < &*self.shared { 0 } else { self.prefixes.len() };
            return end..end;
        };
        let prefix = prefix(rest);
        let start = self.lower_bound(prefix);
        // Two keys seldom have one prefix: one look shows it.
        let len = match self.prefixes.get(start) == Some(&prefix) {
            true => self.prefixes[start..].partition_point(|&other| other == prefix),
            false => 0,
        };
        start..start + len
    }

    /// The number of the first prefix that is not less than `prefix`.
    fn lower_bound(&self, prefix: u64) -> usize {
        // It lies behind the last sample that is less, and not behind the one after that.
        let groups = self.samples.partition_point(|&sample| sample < prefix);
        let start = groups.saturating_sub(1) * GROUP_LEN;
        let end = self.prefixes.len().min(groups * GROUP_LEN);
        // All are compared, because the processor fetches eight lines at once as fast as one. A binary
        // search would wait for four of them, one after the other.
        start + self.prefixes[start..end].iter().filter(|&&other| other < prefix).count()
    }
}

/// The first eight bytes as a number; zeros where there are fewer. Of two keys with different prefixes,
/// that with the smaller one is smaller.
pub fn prefix(bytes: &[u8]) -> u64 {
    let mut first = [0; 8];
    let len = bytes.len().min(first.len());
    first[..len].copy_from_slice(&bytes[..len]);
    u64::from_be_bytes(first)
}
