//! A Bloom filter: a few bits for each key of an SST, which prove that most other keys are not in
//! it.
//!
//! A key's hash chooses a few bits, its *probes*. The filter is made by setting the probes of
//! every key. A key one of whose probes is not set was never added; if all are set, it probably
//! was.
//!
//! ```text
//! +---------+-----------+------------------+-------------+
//! | u16     | u16       | bits             | u32 CRC-32  |
//! | version | probes    | any length       | of the rest |
//! +---------+-----------+------------------+-------------+
//! ```
//!
//! | field | bytes | meaning |
//! |---|---|---|
//! | version | 2 | 1: everything that this page says, the hash and the probes too |
//! | probes | 2 | how many bits a key has, 1 to [`MAX_PROBES`] |
//! | bits | any | bit `n` is bit `n % 8` of byte `n / 8`, and bit 0 of a byte counts 1 |
//! | checksum | 4 | see [`checksum`](crate::format::checksum) |
//!
//! SlateDB: `BloomFilter` in `src/filter.rs`, with the same probes from another hash.

use bytes::{BufMut, Bytes, BytesMut};

use super::hash::xxh64;
use crate::error::{Corruption, DecodeError};
use crate::format::checksum::{CHECKSUM_LEN, append_checksum, verify_checksum};
use crate::format::cursor::Cursor;

/// The layout above. A filter of another version is not read.
const VERSION: u16 = 1;

/// More bits for a key than this are of no use: with so many, one key in two hundred million is
/// let through by mistake.
pub const MAX_BITS_PER_KEY: u32 = 40;

/// The most bits that a key may have set: those of [`MAX_BITS_PER_KEY`].
pub const MAX_PROBES: u16 = 27;

// ANCHOR: bloom_filter_builder
/// Collects the keys of an SST, and makes their filter.
///
/// Invariants:
/// 1. The filter has `bits_per_key` bits for each key that was added, rounded up to whole bytes.
/// 2. A key that is added several times in a row, as the versions of a key are, counts once.
#[derive(Debug)]
pub struct BloomFilterBuilder {
    /// From 1 to [`MAX_BITS_PER_KEY`].
    bits_per_key: u32,
    /// The hash of each key: how many bits there are to be is known only at the end.
    hashes: Vec<u64>,
}
// ANCHOR_END: bloom_filter_builder

impl BloomFilterBuilder {
    /// A builder without keys. `bits_per_key` counts as 1 if it is 0, and as [`MAX_BITS_PER_KEY`]
    /// if it is greater.
    pub fn new(bits_per_key: u32) -> Self {
        Self { bits_per_key: bits_per_key.clamp(1, MAX_BITS_PER_KEY), hashes: Vec::new() }
    }

    /// Adds a key. If it is the key that was added last, nothing changes.
    // exercise: week7.5
    pub fn add_key(&mut self, key: &[u8]) {
        let hash = xxh64(key, 0);
        // Two keys of one hash have the same bits, so they too may count once.
        if self.hashes.last() != Some(&hash) {
            self.hashes.push(hash);
        }
    }

    /// The filter of all keys that were added.
    // exercise: week7.5
    pub fn build(self) -> BloomFilter {
        let bit_count = self.hashes.len() as u64 * u64::from(self.bits_per_key);
        let mut bits = vec![0_u8; bit_count.div_ceil(8) as usize];
        let bit_count = bits.len() as u64 * 8;
        let num_probes = num_probes(self.bits_per_key);
        for hash in self.hashes {
            for number in 0..num_probes {
                let position = probe(hash, number, bit_count);
                bits[(position / 8) as usize] |= 1 << (position % 8);
            }
        }
        BloomFilter { num_probes, bits: bits.into() }
    }
}

// ANCHOR: bloom_filter
/// What is known about the keys of an SST without reading it.
///
/// Invariants:
/// 1. A key that was added might be contained, always.
/// 2. Any other key might be contained too, but seldom: at 10 bits for each key, 1 in 119.
/// 3. The same keys in the same order make the same bytes, on every machine and for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BloomFilter {
    /// How many bits a key has: 1 to [`MAX_PROBES`].
    num_probes: u16,
    bits: Bytes,
}
// ANCHOR_END: bloom_filter

impl BloomFilter {
    /// Whether an SST with this filter has to be read to know if it holds `key`.
    // exercise: week7.5
    pub fn might_contain(&self, key: &[u8]) -> bool {
        let bit_count = self.bits.len() as u64 * 8;
        if bit_count == 0 {
            return false;
        }
        let hash = xxh64(key, 0);
        (0..self.num_probes).all(|number| {
            let position = probe(hash, number, bit_count);
            self.bits[(position / 8) as usize] & (1 << (position % 8)) != 0
        })
    }

    /// How many bits a key has.
    pub fn num_probes(&self) -> u16 {
        self.num_probes
    }

    /// The bits, eight to a byte.
    pub fn bits(&self) -> &[u8] {
        &self.bits
    }

    /// How many bytes it holds in memory.
    pub fn size(&self) -> usize {
        self.bits.len()
    }

    /// The filter's bytes, as the table above says.
    // exercise: week7.6
    pub fn encode(&self) -> Bytes {
        let mut filter =
            BytesMut::with_capacity(2 * size_of::<u16>() + self.bits.len() + CHECKSUM_LEN);
        filter.put_u16(VERSION);
        filter.put_u16(self.num_probes);
        filter.put_slice(&self.bits);
        append_checksum(&mut filter, 0);
        filter.freeze()
    }

    /// Reads what [`BloomFilter::encode`] returned, all of it. The bits are not copied.
    ///
    /// Checks the checksum, then the version, then the number of probes: anything else than
    /// `encode` can write is an error that says where it is. A filter must not say no because it is
    /// damaged.
    // exercise: week7.6
    pub fn decode(bytes: Bytes) -> Result<Self, DecodeError> {
        let body = verify_checksum(bytes, "a filter")?;
        let mut cursor = Cursor::new(&body);
        let version = cursor.take_u16("a filter's version")?;
        if version != VERSION {
            let known = "version 1 of filters";
            return Err(DecodeError::new(0, Corruption::UnknownVersion { found: version, known }));
        }
        let offset = cursor.offset();
        let num_probes = cursor.take_u16("a filter's number of probes")?;
        if !(1..=MAX_PROBES).contains(&num_probes) {
            let (what, expected) = ("a filter's number of probes", "a key has 1 to 27 of them");
            let corruption = Corruption::InvalidField { what, found: num_probes.into(), expected };
            return Err(DecodeError::new(offset, corruption));
        }
        let bits = cursor.take_bytes(cursor.remaining(), "a filter's bits")?;
        Ok(Self { num_probes, bits })
    }
}

/// How many bits a key should have if there are `bits_per_key` bits for each, which may be any
/// number: 69 of a hundred, rounded down, at least 1 and at most [`MAX_PROBES`]. (With the natural
/// logarithm of 2, 0.693, half of all bits are set, and then the fewest keys are let through by
/// mistake.)
///
/// SlateDB: `optimal_num_probes` in `src/filter.rs`. With one bit for each key it gives 0, and every
/// key is let through.
// exercise: week7.5
pub fn num_probes(bits_per_key: u32) -> u16 {
    let probes = bits_per_key.min(MAX_BITS_PER_KEY) * 69 / 100;
    (probes as u16).max(1)
}

/// The position of a key's bit `number`, counted from 0, in a filter of `bit_count` bits, which
/// must not be 0.
///
/// With *h*, the lower 32 bits of the key's hash, and *d*, its upper 32 bits, it is
/// *h + number · d + (number³ - number) / 6*, modulo `bit_count`: enhanced double hashing. One hash
/// is as good as many: Dillinger and Manolios, *Bloom Filters in Probabilistic Verification*, FMCAD
/// 2004.
///
/// SlateDB: `probes_for_key` in `src/filter.rs` has the same positions, and adds them up step by
/// step.
// exercise: week7.5
pub fn probe(hash: u64, number: u16, bit_count: u64) -> u64 {
    let (start, step, number) = (hash & 0xffff_ffff, hash >> 32, u64::from(number));
    // Below 2^48 for every number, so nothing overflows.
    (start + number * step + (number.pow(3) - number) / 6) % bit_count
}
