//! The data set of `fill` and `check`.

use std::collections::BTreeSet;

use proptest::prelude::*;
use tinydb_cli::data_set::{DataSet, Order};

fn data_set(count: u64, order: Order, seed: u64) -> DataSet {
    DataSet { count, value_size: 10, order, seed }
}

proptest! {
    #[test]
    fn a_random_order_has_every_number_once(count in 0..3000_u64, seed: u64) {
        let numbers: Vec<u64> = data_set(count, Order::Random, seed).numbers().collect();
        prop_assert_eq!(numbers.len() as u64, count);
        prop_assert_eq!(numbers.into_iter().collect::<BTreeSet<_>>(), (0..count).collect());
    }

    #[test]
    fn a_value_has_the_size_asked_for(value_size in 0..50_usize, number: u64, seed: u64) {
        let data = DataSet { value_size, ..data_set(1, Order::Random, seed) };
        let value = data.value(number);
        prop_assert_eq!(value.len(), value_size);
        prop_assert_eq!(value, data.value(number));
    }
}

#[test]
fn the_largest_count_can_be_begun() {
    let numbers: Vec<u64> = data_set(u64::MAX, Order::Random, 1).numbers().take(100).collect();
    assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), 100);
}

#[test]
fn a_random_order_is_not_sorted() {
    let numbers: Vec<u64> = data_set(1000, Order::Random, 0).numbers().collect();
    let ascents = numbers.windows(2).filter(|pair| pair[0] < pair[1]).count();
    assert!((400..600).contains(&ascents), "{ascents} of 999 neighbours ascend");
}

#[test]
fn a_sequential_order_is_sorted() {
    let numbers: Vec<u64> = data_set(5, Order::Sequential, 3).numbers().collect();
    assert_eq!(numbers, [0, 1, 2, 3, 4]);
    assert!(DataSet::key(9) < DataSet::key(10));
}

/// Figures that readers compare depend on it.
#[test]
fn the_data_never_changes() {
    let data = data_set(1000, Order::Random, 0);
    assert_eq!(data.numbers().take(5).collect::<Vec<_>>(), [796, 133, 356, 46, 452]);
    assert_eq!(DataSet::key(42), "key000000000042");
    assert_eq!(data.value(42), "jQ_EYg_GBh");
}

#[test]
fn a_seed_changes_values_and_order() {
    let (a, b) = (data_set(1000, Order::Random, 0), data_set(1000, Order::Random, 1));
    assert_ne!(a.value(1), b.value(1));
    assert_ne!(a.numbers().collect::<Vec<_>>(), b.numbers().collect::<Vec<_>>());
    assert_ne!(a.value(1), a.value(2));
}
