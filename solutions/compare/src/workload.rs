//! What is measured. To add a workload: a function, and a line in [`WORKLOADS`].

use std::time::Instant;

use anyhow::{Result, bail};

use crate::engine::Engine;
use crate::measure::Times;

/// Work on an engine.
pub struct Workload {
    /// Its name in the table and the JSON.
    pub name: &'static str,
    /// Does it, and returns how long each operation took.
    pub run: fn(&dyn Engine, &Data) -> Result<Times>,
}

/// The workloads, in the order in which they run on one database.
pub const WORKLOADS: &[Workload] =
    &[Workload { name: "put", run: put }, Workload { name: "get", run: get }];

/// What is written and read.
pub struct Data {
    keys: u32,
    /// The numbers of the keys to be read.
    reads: Vec<u32>,
}

impl Data {
    const SEED: u64 = 0x7131_d0b8_5eed;

    /// `keys` keys, of which `reads` are read, some more than once.
    pub fn new(keys: u32, reads: u32) -> Self {
        let pick = |read| (mix(Self::SEED ^ u64::from(read)) % u64::from(keys.max(1))) as u32;
        Self { keys, reads: (0..reads).map(pick).collect() }
    }

    /// Key `number`: 16 bytes, in no order, none twice.
    fn key(number: u32) -> [u8; 16] {
        let number = u64::from(number);
        let halves = [mix(number), mix(!number)].map(u64::to_be_bytes);
        let mut key = [0; 16];
        key.iter_mut().zip(halves.as_flattened()).for_each(|(to, from)| *to = *from);
        key
    }

    /// The value of key `number`: 100 bytes that can't be compressed, and of no other key.
    fn value(number: u32) -> [u8; 100] {
        let mut value = [0; 100];
        for (part, chunk) in (1_u64..).zip(value.chunks_mut(8)) {
            let random = mix(u64::from(number) | part << 32).to_be_bytes();
            chunk.copy_from_slice(&random[..chunk.len()]);
        }
        value
    }
}

/// A bijection that looks random (the finalizer of SplitMix64).
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// Puts every key, in random order.
fn put(engine: &dyn Engine, data: &Data) -> Result<Times> {
    let mut times = Times::with_capacity(data.keys as usize);
    for number in 0..data.keys {
        let (key, value) = (Data::key(number), Data::value(number));
        let start = Instant::now();
        engine.put(&key, &value)?;
        times.add(start.elapsed());
    }
    Ok(times)
}

/// Reads keys that are there, in random order, from tables.
fn get(engine: &dyn Engine, data: &Data) -> Result<Times> {
    engine.settle()?;
    let mut times = Times::with_capacity(data.reads.len());
    let mut value = Vec::new();
    for &number in &data.reads {
        let key = Data::key(number);
        let start = Instant::now();
        let found = engine.get(&key, &mut value)?;
        times.add(start.elapsed());
        if !found || value != Data::value(number) {
            bail!("key {number} has the value {value:x?} (found: {found})");
        }
    }
    Ok(times)
}
