//! Random rows for property tests. The strategies are boxed: so they are compiled here, once, and not
//! in each test that a reader builds.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

/// What a random row says about its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowKind {
    /// A value.
    Value(Vec<u8>),
    /// A merge operand.
    Merge(Vec<u8>),
    /// A deletion.
    Tombstone,
}

/// A random row: key, kind, sequence number. A test turns it into a row of its crate.
pub type RowSpec = (Vec<u8>, RowKind, u64);

/// The settings of a property test: `cases` random cases, and no file written about a failure,
/// which is printed with its smallest example.
pub fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// A row whose key is short, so that keys repeat and share prefixes, or sometimes any bytes.
pub fn any_row() -> BoxedStrategy<RowSpec> {
    let key = prop_oneof![
        8 => vec(prop_oneof![Just(0), Just(b'a'), Just(b'b'), Just(0xff)], 1..4),
        1 => vec(any::<u8>(), 1..40),
    ];
    let bytes = || vec(any::<u8>(), 0..40);
    let kind = prop_oneof![
        4 => bytes().prop_map(RowKind::Value),
        1 => bytes().prop_map(RowKind::Merge),
        2 => Just(RowKind::Tombstone),
    ];
    let seq = prop_oneof![8 => 0..20_u64, 1 => any::<u64>(), 1 => Just(u64::MAX)];
    (key, kind, seq).boxed()
}

/// Up to `most` rows, sorted by key and then newest first, no two with the same key and sequence
/// number.
pub fn any_rows(most: usize) -> BoxedStrategy<Vec<RowSpec>> {
    let rows = vec(any_row(), 0..=most).prop_map(|rows| {
        let unique: BTreeMap<_, _> =
            rows.into_iter().map(|(key, kind, seq)| ((key, u64::MAX - seq), kind)).collect();
        unique.into_iter().map(|((key, age), kind)| (key, kind, u64::MAX - age)).collect()
    });
    rows.boxed()
}
