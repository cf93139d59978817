//! Crashes at every moment of a mixed workload: what was promised is there, and nothing else.
//!
//! A workload runs on a [`Machine`](machine::Machine) that writes every change of its disk down: each
//! append, each sync of a file or a folder, each name that comes or goes. Behind every such event the
//! process may be killed or the power cut. Then the disk is put together again as the crash may have
//! left it, and the database is opened on it. See [`points`] for what a crash may leave, and
//! [`promise`] for what must be there.
//!
//! It fails if the database does not open, if a write is gone that was acknowledged at the durability
//! that outlives this crash, if half a batch is there or anything that was not the state behind some
//! batch, if it can't be used afterwards, or if files stay that nobody needs.
//!
//! `TINYDB_CRASH_POINTS=100000 cargo test --release -p tinydb --test crash_points -- --nocapture` tries
//! as many crashes for each of six kinds of workload. `TINYDB_CRASH_SEED=7` tries all of seed 7, and goes on
//! if more are wanted. A failure prints the seed, the moment and what the crash has left. Where the
//! threads run as they like, the next run differs: then the disk is also kept, as files.

use std::env;
use std::time::Instant;

use testkit::deadline;

use disk::{Effect, Layout};
use machine::Event;
use points::{Density, Tally, try_all};
use workload::{Pace, Plan};

#[path = "crash_points/disk.rs"]
mod disk;
#[path = "two_writers/faulty_store.rs"]
mod faulty_store;
#[path = "crash_points/machine.rs"]
mod machine;
#[path = "crash_points/points.rs"]
mod points;
#[path = "crash_points/promise.rs"]
mod promise;
#[path = "crash_points/workload.rs"]
mod workload;

/// A few crashes of a short workload, for every `cargo test`.
const SPARSE: Density = Density { one_of: 10, torn_one_of: 200, again: 100, real: 100 };
/// At every moment; of the bytes at which an append can be torn, one of eight.
const DENSE: Density = Density { one_of: 1, torn_one_of: 8, again: 100, real: 200 };

fn number_from(variable: &str) -> Option<u64> {
    env::var(variable).ok().map(|number| number.parse().expect("a number"))
}

/// Tries crashes of workloads with one seed after the other.
fn try_crashes(layout: Layout, pace: Pace) {
    let wanted = number_from("TINYDB_CRASH_POINTS");
    let seed = number_from("TINYDB_CRASH_SEED");
    let is_long = wanted.is_some() || seed.is_some();
    let density = if is_long { DENSE } else { SPARSE };
    let (mut total, start) = (Tally::default(), Instant::now());
    for seed in seed.unwrap_or(1).. {
        let plan = Plan { seed, layout, pace, operations: 60 };
        let tally = deadline(600, move || try_all(plan, &plan.run(), density));
        total.add(tally);
        println!("seed {seed}, {layout:?}, {pace:?}: {} points", tally.points());
        if total.points() >= wanted.unwrap_or(1) {
            break;
        }
    }
    println!("{layout:?}, {pace:?}, {:.1} s: {total:?}", start.elapsed().as_secs_f64());
}

#[test]
fn in_a_directory() {
    try_crashes(Layout::Directory, Pace::Stepped);
}

#[test]
fn on_an_object_store() {
    try_crashes(Layout::ObjectStore, Pace::Stepped);
}

#[test]
fn in_a_directory_with_threads_at_work() {
    try_crashes(Layout::Directory, Pace::Free);
}

#[test]
fn on_an_object_store_with_threads_at_work() {
    try_crashes(Layout::ObjectStore, Pace::Free);
}

#[test]
fn in_a_directory_where_calls_fail() {
    try_crashes(Layout::Directory, Pace::Faulty);
}

#[test]
fn on_an_object_store_behind_a_bad_network() {
    try_crashes(Layout::ObjectStore, Pace::Faulty);
}

/// Whoever gets a failing seed can look at the same crash again. (Which garbage goes, and in which
/// order, is left out: several threads delete it, and one that ends may still hold a file open.)
#[test]
fn the_same_seed_gives_the_same_journal() {
    let what_stays = |journal: Vec<Event>| -> Vec<Effect> {
        let effects = journal.into_iter().filter_map(|event| match event {
            Event::Effect { effect: Effect::Unlink { .. }, .. } | Event::Promise(_) => None,
            Event::Effect { effect, .. } => Some(effect),
        });
        effects.collect()
    };
    for layout in [Layout::Directory, Layout::ObjectStore] {
        for seed in 1..4 {
            let plan = Plan { seed, layout, pace: Pace::Stepped, operations: 40 };
            let (first, second) = deadline(60, move || (plan.run(), plan.run()));
            let (first, second) = (what_stays(first), what_stays(second));
            let differ = first.iter().zip(&second).find(|(first, second)| first != second);
            assert_eq!(differ, None, "{plan:?}");
            assert_eq!(first.len(), second.len(), "{plan:?}");
        }
    }
}

/// The harness must find what a broken engine would do: here its journal is changed instead.
mod finds {
    use std::panic::catch_unwind;

    use super::*;

    fn assert_finds(layout: Layout, bug: fn(&mut Vec<Event>)) {
        let found = (1..10).any(|seed| {
            let plan = Plan { seed, layout, pace: Pace::Stepped, operations: 40 };
            let mut journal = plan.run();
            bug(&mut journal);
            catch_unwind(|| try_all(plan, &journal, SPARSE)).is_err()
        });
        assert!(found, "no crash has shown the bug");
    }

    fn remove(journal: &mut Vec<Event>, is_it: impl Fn(&Effect) -> bool) {
        journal.retain(|event| !matches!(event, Event::Effect { effect, .. } if is_it(effect)));
    }

    #[test]
    fn files_that_are_not_synced() {
        assert_finds(Layout::Directory, |journal| {
            remove(journal, |effect| matches!(effect, Effect::SyncFile { .. }));
        });
    }

    #[test]
    fn folders_that_are_not_synced() {
        assert_finds(Layout::Directory, |journal| {
            remove(journal, |effect| matches!(effect, Effect::SyncFolder { .. }));
        });
    }

    #[test]
    fn an_acknowledgement_before_the_put() {
        assert_finds(Layout::ObjectStore, |journal| {
            let is_part = |effect: &Effect| matches!(effect, Effect::Name { path, .. } if path.ends_with(".part"));
            let places = 0..journal.len() - 1;
            for place in places.rev() {
                if matches!(&journal[place], Event::Effect { effect, .. } if is_part(effect)) {
                    journal.swap(place, place + 1);
                }
            }
        });
    }

    #[test]
    fn a_segment_that_goes_before_the_manifest_is_committed() {
        for layout in [Layout::Directory, Layout::ObjectStore] {
            assert_finds(layout, |journal| {
                let mut manifest = 0;
                for place in 0..journal.len() {
                    let Event::Effect { effect, .. } = &journal[place] else { continue };
                    match effect {
                        Effect::Name { path, .. } if path.starts_with("manifest/") => {
                            manifest = place;
                        }
                        Effect::Unlink { path } if path.starts_with("wal/") => {
                            journal[manifest..=place].rotate_right(1);
                            manifest += 1;
                        }
                        _ => {}
                    }
                }
            });
        }
    }
}
