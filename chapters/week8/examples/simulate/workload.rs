//! The writes, and what SSTs and runs hold: only keys, so that a million of them take no time.

use super::options::{Options, Workload};

/// A row: a key, and whether it is deleted. Of its size nothing is known: all are of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    pub key: u32,
    pub tombstone: bool,
}

/// Writes without an end, the same for the same options.
#[derive(Debug)]
pub struct Writes {
    state: u64,
    written: u32,
    keys: u64,
    workload: Workload,
    deletes: u64,
}

impl Writes {
    pub fn new(options: &Options) -> Self {
        let Options { seed, keys, workload, deletes, .. } = *options;
        Self { state: seed, written: 0, keys, workload, deletes }
    }

    /// The next write.
    pub fn next(&mut self) -> Row {
        let key = match self.workload {
            Workload::Uniform => self.below(self.keys),
            Workload::Skewed => {
                let tenth = (self.keys / 10).max(1);
                if self.below(10) < 9 { self.below(tenth) } else { self.below(self.keys) }
            }
            Workload::Ascending => self.written.into(),
        };
        self.written += 1;
        // A key's number is at most `MOST_KEYS` or `MOST_WRITES`.
        Row { key: key as u32, tombstone: self.below(100) < self.deletes }
    }

    /// A number below `end`. (SplitMix64; that some numbers are a little likelier doesn't matter.)
    fn below(&mut self, end: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// Which keys have been met, forgotten at once by [`Seen::clear`].
#[derive(Debug)]
pub struct Seen {
    round: u32,
    rounds: Vec<u32>,
}

impl Seen {
    pub fn new(keys: usize) -> Self {
        Self { round: 1, rounds: vec![0; keys] }
    }

    pub fn clear(&mut self) {
        self.round += 1;
    }

    /// Meets a key; true the first time.
    pub fn meet(&mut self, key: u32) -> bool {
        let round = &mut self.rounds[key as usize];
        std::mem::replace(round, self.round) != self.round
    }
}

/// The newest row of each key. The rows are given newest first.
pub fn newest(rows: impl Iterator<Item = Row>, seen: &mut Seen) -> Vec<Row> {
    seen.clear();
    rows.filter(|row| seen.meet(row.key)).collect()
}
