//! A large data set that is made, not stored: the same options give the same keys and values.

use bytes::Bytes;

/// Keys numbered from 0 on, each with a value of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataSet {
    /// How many keys there are.
    pub count: u64,
    /// How many bytes each value has.
    pub value_size: usize,
    /// The order in which the keys are written or read.
    pub order: Order,
    /// What order and values are made from.
    pub seed: u64,
}

/// An order of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// As a shuffled pack of cards.
    Random,
    /// The smallest key first.
    Sequential,
}

impl DataSet {
    /// The default of `value_size`.
    pub const DEFAULT_VALUE_SIZE: usize = 100;

    /// The numbers of the keys, each once, in the order of the data set.
    pub fn numbers(&self) -> impl Iterator<Item = u64> {
        let shuffle = Shuffle::new(self.count, self.seed);
        let order = self.order;
        (0..self.count).map(move |place| match order {
            Order::Sequential => place,
            Order::Random => shuffle.number_at(place),
        })
    }

    /// The key of a number. Keys sort as numbers do, up to 12 digits.
    pub fn key(number: u64) -> Bytes {
        format!("key{number:012}").into()
    }

    /// The value of a number: letters and digits.
    pub fn value(&self, number: u64) -> Bytes {
        const ALPHABET: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut value = Vec::with_capacity(self.value_size);
        let mut state = mix(self.seed ^ mix(number));
        while value.len() < self.value_size {
            state = mix(state);
            let letters = state.to_be_bytes().map(|byte| ALPHABET[usize::from(byte % 64)]);
            let missing = self.value_size - value.len();
            value.extend_from_slice(&letters[..missing.min(letters.len())]);
        }
        value.into()
    }
}

/// An order of the numbers below `count` that takes no memory.
///
/// A Feistel network turns each number of an even count of bits into another, and no two into the
/// same. A number that is too large is turned again, until it is not.
struct Shuffle {
    count: u64,
    seed: u64,
    half_bits: u32,
}

impl Shuffle {
    fn new(count: u64, seed: u64) -> Self {
        let bits = u64::BITS - count.saturating_sub(1).leading_zeros();
        Self { count, seed, half_bits: bits.div_ceil(2).max(1) }
    }

    /// The number at a place that is less than `count`.
    fn number_at(&self, place: u64) -> u64 {
        let mut number = self.turn(place);
        while number >= self.count {
            number = self.turn(number);
        }
        number
    }

    fn turn(&self, number: u64) -> u64 {
        let mask = (1 << self.half_bits) - 1;
        let (mut left, mut right) = (number >> self.half_bits, number & mask);
        for round in 0..4 {
            let turned = mix(right ^ mix(self.seed ^ round)) & mask;
            (left, right) = (right, left ^ turned);
        }
        left << self.half_bits | right
    }
}

/// A number that looks unrelated to `number`: the step of the generator SplitMix64.
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
