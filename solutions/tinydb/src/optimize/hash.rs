//! XXH64: 64 bits that stand for any number of bytes.
//!
//! A filter needs a hash that is the same for ever, because its bits are in files. That of the
//! standard library is not: its documentation leaves open what it is. XXH64 is published, with test
//! vectors, and made to be fast. It does not stand up to somebody who looks for keys that collide;
//! a filter full of such keys costs time, and no answer is wrong.
//!
//! How it works: four lanes take eight bytes each in turn, multiply and rotate them, and are
//! folded into one number; the bytes that are left are mixed in; a last mixing makes every bit of
//! the result depend on every bit of the input.
//!
//! Source: the XXH64 algorithm description in xxHash's `doc/xxhash_spec.md`.
//!
//! SlateDB: `filter_hash` in `src/filter.rs` uses SipHash-1-3.

const PRIME_1: u64 = 0x9e37_79b1_85eb_ca87;
const PRIME_2: u64 = 0xc2b2_ae3d_27d4_eb4f;
const PRIME_3: u64 = 0x1656_67b1_9e37_79f9;
const PRIME_4: u64 = 0x85eb_ca77_c2b2_ae63;
const PRIME_5: u64 = 0x27d4_eb2f_1656_67c5;

/// How many bytes the four lanes take at once.
const STRIPE_LEN: usize = 32;

/// The hash of `input`. Another `seed` gives another hash, as if by another function.
pub fn xxh64(input: &[u8], seed: u64) -> u64 {
    let (stripes, rest) = input.split_at(input.len() - input.len() % STRIPE_LEN);
    let hash = match stripes.is_empty() {
        true => seed.wrapping_add(PRIME_5),
        false => hash_stripes(stripes, seed),
    };
    avalanche(hash_rest(hash.wrapping_add(input.len() as u64), rest))
}

/// The four lanes, folded into one number.
fn hash_stripes(stripes: &[u8], seed: u64) -> u64 {
    let mut lanes = [
        seed.wrapping_add(PRIME_1).wrapping_add(PRIME_2),
        seed.wrapping_add(PRIME_2),
        seed,
        seed.wrapping_sub(PRIME_1),
    ];
    for stripe in stripes.chunks_exact(STRIPE_LEN) {
        for (lane, word) in lanes.iter_mut().zip(stripe.chunks_exact(8)) {
            *lane = round(*lane, little_endian(word));
        }
    }
    let rotated = lanes.iter().zip([1, 7, 12, 18]).map(|(lane, bits)| lane.rotate_left(bits));
    let hash = rotated.fold(0_u64, u64::wrapping_add);
    lanes.iter().fold(hash, |hash, lane| {
        (hash ^ round(0, *lane)).wrapping_mul(PRIME_1).wrapping_add(PRIME_4)
    })
}

/// Mixes in the bytes that fill no stripe: by eight, then four, then one.
fn hash_rest(mut hash: u64, rest: &[u8]) -> u64 {
    let words = rest.chunks_exact(8);
    let behind_words = words.remainder();
    for word in words {
        hash ^= round(0, little_endian(word));
        hash = hash.rotate_left(27).wrapping_mul(PRIME_1).wrapping_add(PRIME_4);
    }
    let halves = behind_words.chunks_exact(4);
    let bytes = halves.remainder();
    for half in halves {
        hash ^= little_endian(half).wrapping_mul(PRIME_1);
        hash = hash.rotate_left(23).wrapping_mul(PRIME_2).wrapping_add(PRIME_3);
    }
    for byte in bytes {
        hash ^= u64::from(*byte).wrapping_mul(PRIME_5);
        hash = hash.rotate_left(11).wrapping_mul(PRIME_1);
    }
    hash
}

/// Lets every bit reach every other.
fn avalanche(mut hash: u64) -> u64 {
    hash = (hash ^ (hash >> 33)).wrapping_mul(PRIME_2);
    hash = (hash ^ (hash >> 29)).wrapping_mul(PRIME_3);
    hash ^ (hash >> 32)
}

fn round(lane: u64, word: u64) -> u64 {
    lane.wrapping_add(word.wrapping_mul(PRIME_2)).rotate_left(31).wrapping_mul(PRIME_1)
}

/// At most eight bytes, the first of which counts least.
fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |word, byte| (word << 8) | u64::from(*byte))
}
