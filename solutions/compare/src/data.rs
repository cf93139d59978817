//! Keys and values.

use crate::engine::{Key, Value};

/// Key `number`: 16 bytes, in no order, none twice.
pub fn key(number: u64) -> Key {
    let halves = [mix(number), mix(!number)].map(u64::to_be_bytes);
    let mut key = [0; 16];
    key.copy_from_slice(halves.as_flattened());
    key
}

/// The value of key `number`: `len` bytes that can't be compressed, of no other number.
pub fn value(number: u64, len: usize) -> Value {
    let mut value = vec![0; len];
    for (part, chunk) in (1_u64..).zip(value.chunks_mut(8)) {
        let random = mix(number | part << 40).to_be_bytes();
        chunk.copy_from_slice(&random[..chunk.len()]);
    }
    value
}

/// A bijection that looks random (the finalizer of SplitMix64).
pub fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
