//! Amplification: what an LSM-tree pays in writes, reads and space. Week 1, day 3.
//!
//! Three functions **measure**: [`write_amplification`], [`read_amplification`] and
//! [`space_amplification`]. [`Db::stats`](crate::Db::stats) calls them with what the engine has counted.
//!
//! The others **predict**, from two numbers:
//!
//! * the *fanout*: how many times as large a level is as the one above it;
//! * the *levels* below level 0: see [`levels`].
//!
//! A *leveled* tree has one sorted run in each level, and merges what arrives with it. A *tiered* tree
//! collects runs in a level, and merges them when there are as many as the fanout.
//!
//! All of them return for every argument. No result is infinite or not a number, and whole numbers that
//! would be too large are the largest of their type.
//!
//! SlateDB is tiered, see `src/size_tiered_compaction.rs`. How its users are to calculate write
//! amplification stands at `MEMTABLE_WRITE_BYTES` in `src/db_stats.rs`.

// ANCHOR: write_amplification
/// Write amplification, measured: how many bytes were written to SSTs for each byte that the user wrote.
///
/// * `user_bytes`: what the user wrote;
/// * `flushed_bytes`: what flushes have written to SSTs;
/// * `compacted_bytes`: what compactions have written to SSTs.
///
/// The last two, added, divided by the first. `None` if `user_bytes` is 0: then there is nothing to
/// divide by, whatever the others are.
// exercise: week1.1
pub fn write_amplification(
    user_bytes: u64,
    flushed_bytes: u64,
    compacted_bytes: u64,
) -> Option<f64> {
    ratio(u128::from(flushed_bytes) + u128::from(compacted_bytes), user_bytes)
}
// ANCHOR_END: write_amplification

// ANCHOR: levels
/// How many levels below level 0 a tree needs for its data.
///
/// Level 0 has room for one memtable, and each level for `fanout` times as much as the one above.
/// The answer is the number of the first level that has room for all of `data_bytes`. So it is 0 if a
/// memtable has, or if there is no data.
///
/// `None` if `memtable_bytes` is 0 or `fanout` is less than 2, whatever `data_bytes` is: such levels don't
/// grow.
// exercise: week1.1
pub fn levels(memtable_bytes: u64, fanout: u64, data_bytes: u64) -> Option<u32> {
    if memtable_bytes == 0 || fanout < 2 {
        return None;
    }
    let (mut levels, mut room) = (0, memtable_bytes);
    while room < data_bytes {
        // A room that is too large for the type has room for everything.
        room = room.saturating_mul(fanout);
        levels += 1;
    }
    Some(levels)
}
// ANCHOR_END: levels

// ANCHOR: predicted_writes
/// How often a leveled tree writes a row to an SST, at most: once when it is flushed, and `fanout` times
/// in each of the `levels` below level 0.
///
/// If that is more than a `u64` can say: `u64::MAX`.
// exercise: week1.1
pub fn leveled_writes(levels: u32, fanout: u64) -> u64 {
    u64::from(levels).saturating_mul(fanout).saturating_add(1)
}

/// How often a tiered tree writes a row to an SST, at most: once when it is flushed, and once in each of
/// the `levels` below level 0.
// exercise: week1.1
pub fn tiered_writes(levels: u32) -> u64 {
    u64::from(levels) + 1
}
// ANCHOR_END: predicted_writes

// ANCHOR: read_amplification
/// Read amplification, measured: in how many places a key is looked for that isn't there.
///
/// Each SST of level 0 is a place, and so is each sorted run, however many SSTs it has: at most one of
/// them can have the key. Memtables are left out, and so are filters. If that is more than a `usize`
/// can say: `usize::MAX`.
// exercise: week1.2
pub fn read_amplification(l0_ssts: usize, sorted_runs: usize) -> usize {
    l0_ssts.saturating_add(sorted_runs)
}
// ANCHOR_END: read_amplification

// ANCHOR: predicted_places
/// The places of a leveled tree, at most: one SST in level 0, and one run in each of the `levels` below it.
// exercise: week1.2
pub fn leveled_places(levels: u32) -> u64 {
    u64::from(levels) + 1
}

/// The places of a tiered tree, at most: in level 0 and in each of the `levels` below it, one less than
/// `fanout`, since with the last one a level is merged.
///
/// A fanout of 0 counts as 1. If there are more places than a `u64` can say: `u64::MAX`.
// exercise: week1.2
pub fn tiered_places(levels: u32, fanout: u64) -> u64 {
    fanout.saturating_sub(1).saturating_mul(u64::from(levels) + 1)
}
// ANCHOR_END: predicted_places

// ANCHOR: expected_reads
/// How many places a lookup has to read on average, if each place has a filter.
///
/// A place without the key is read only if its filter says *maybe* all the same. That happens with the
/// share `false_positive_rate` of them: 0.01 is one in a hundred, 1 is a tree without filters. The place
/// with the key is always read.
///
/// * The key is in none of the `places`: every one of them counts `false_positive_rate`.
/// * `is_in_oldest`: the key is in the oldest place, and a lookup gets to it last. That one counts 1, and
///   the others as above. Of no places, none is read.
///
/// A rate below 0 counts as 0, one above 1 as 1. A rate that is not a number counts as 1: a filter about
/// which nothing is known keeps nobody from reading.
// exercise: week1.2
pub fn expected_reads(places: u64, is_in_oldest: bool, false_positive_rate: f64) -> f64 {
    let rate = if false_positive_rate.is_nan() { 1.0 } else { false_positive_rate.clamp(0.0, 1.0) };
    let found = u64::from(is_in_oldest).min(places);
    found as f64 + (places - found) as f64 * rate
}
// ANCHOR_END: expected_reads

// ANCHOR: space_amplification
/// Space amplification, measured: how many bytes are stored for each byte that is alive.
///
/// * `stored_bytes`: what all SSTs have;
/// * `live_bytes`: what they would have if there were only the newest version of each key, and no
///   tombstones.
///
/// The first divided by the second. `None` if `live_bytes` is 0: then there is nothing to divide by,
/// whatever is stored.
// exercise: week1.3
pub fn space_amplification(stored_bytes: u64, live_bytes: u64) -> Option<f64> {
    ratio(u128::from(stored_bytes), live_bytes)
}
// ANCHOR_END: space_amplification

// ANCHOR: predicted_space
/// The space amplification that a leveled tree stays below: 1 + 1/`fanout` + 1/`fanout`² + … without an end,
/// which is `fanout` / (`fanout` - 1).
///
/// The last level is full, of live data, and all that is above it may be newer versions of the same keys.
/// (Just after a new last level was begun, there can be more.)
/// `None` if `fanout` is less than 2: then there is no such limit.
// exercise: week1.3
pub fn leveled_space(fanout: u64) -> Option<f64> {
    (fanout >= 2).then(|| fanout as f64 / (fanout - 1) as f64)
}

/// The space amplification that a tiered tree stays below: `fanout`.
///
/// The last level may have `fanout` - 1 full runs with the same keys, and all that is above it is less than
/// one run more. `None` if `fanout` is less than 2: then there is no such limit.
// exercise: week1.3
pub fn tiered_space(fanout: u64) -> Option<f64> {
    (fanout >= 2).then_some(fanout as f64)
}
// ANCHOR_END: predicted_space

// solution-only: begin
/// One number divided by another, unless that is 0.
fn ratio(part: u128, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
// solution-only: end
