//! The part cache: the parts of a range, the bound, one fetch for many, and reading through.

use bytes::Bytes;
use testkit::{deadline_or, rule};

/// Runs a test of a rule that may be broken by never ending.
#[track_caller]
fn in_time(seconds: u64, task: &str, words: &str, test: impl FnOnce(String) + Send + 'static) {
    let rule = rule(task, words);
    let why = format!("does somebody wait for ever?{rule}");
    deadline_or(seconds, &why, move || test(rule));
}

#[expect(clippy::single_range_in_vec_init, reason = "lists of ranges are compared")]
mod task_8_9 {
    use std::ops::Range;

    use proptest::collection::btree_set;
    use proptest::prelude::*;
    use testkit::config;
    use week8::object_store::parts::{bytes_of, covering, runs};

    use super::rule;

    #[test]
    fn a_range_needs_every_part_that_holds_a_byte_of_it() {
        let rule =
            rule("8.9", "covering names each part that holds at least one byte of the range");
        for (range, part_size, expected) in [
            (0..1, 4, 0..1),
            (0..4, 4, 0..1),
            (3..4, 4, 0..1),
            (3..5, 4, 0..2),
            (4..8, 4, 1..2),
            (7..17, 4, 1..5),
            (7..16, 4, 1..4),
            (5..6, 1, 5..6),
            (0..1000, 4096, 0..1),
            (u64::MAX - 1..u64::MAX, 1, u64::MAX - 1..u64::MAX),
            (u64::MAX - 1..u64::MAX, u64::MAX, 0..1),
        ] {
            let found = covering(&range, part_size);
            assert_eq!(found, expected, "the parts of {part_size} bytes for {range:?}{rule}");
        }
    }

    #[test]
    fn an_empty_range_needs_no_part() {
        let rule = rule("8.9", "an empty range needs no part, wherever it lies");
        for at in [0, 3, 4, 5, 8, u64::MAX] {
            let found = covering(&(at..at), 4);
            assert!(found.is_empty(), "the parts for {at}..{at} are {found:?}{rule}");
        }
    }

    #[test]
    fn the_last_part_ends_where_the_object_ends() {
        let rule = rule("8.9", "bytes_of cuts off what reaches past the object");
        for (numbers, part_size, object_size, expected) in [
            (0..1, 4, 10, 0..4),
            (1..2, 4, 10, 4..8),
            (2..3, 4, 10, 8..10),
            (0..3, 4, 10, 0..10),
            (1..3, 4, 10, 4..10),
            (1..3, 4, 12, 4..12),
            (0..1, 4096, 10, 0..10),
            (2..4, 1 << 62, u64::MAX, 1 << 63..u64::MAX),
            (3..5, 1 << 62, u64::MAX, 3 << 62..u64::MAX),
            (3..4, 10, 25, 25..25),
        ] {
            let found = bytes_of(&numbers, part_size, object_size);
            let what = format!("parts {numbers:?} of {part_size} bytes, of {object_size} bytes");
            assert_eq!(found, expected, "the bytes of {what}{rule}");
        }
    }

    #[test]
    fn neighbours_make_a_run() {
        let rule = rule("8.9", "neighbouring parts are in one run, others are not");
        let cases: [(&[u64], &[Range<u64>]); 7] = [
            (&[], &[]),
            (&[0], &[0..1]),
            (&[7], &[7..8]),
            (&[0, 1, 2], &[0..3]),
            (&[0, 2], &[0..1, 2..3]),
            (&[1, 2, 4, 5, 6, 9], &[1..3, 4..7, 9..10]),
            (&[3, 5, 6], &[3..4, 5..7]),
        ];
        for (numbers, expected) in cases {
            assert_eq!(runs(numbers), expected, "the runs of {numbers:?}{rule}");
        }
    }

    proptest! {
        #![proptest_config(config(256))]

        #[test]
        fn the_parts_are_those_of_the_bytes(start in 0..60_u64, len in 0..60_u64, part_size in 1..20_u64) {
            let rule = rule("8.9", "covering names each part that holds at least one byte of the range");
            let range = start..start + len;
            let mut expected: Vec<u64> = range.clone().map(|byte| byte / part_size).collect();
            expected.dedup();
            let found: Vec<u64> = covering(&range, part_size).collect();
            prop_assert_eq!(found, expected, "parts of {} for {:?}{}", part_size, range, rule);
        }

        #[test]
        fn the_bytes_of_all_parts_are_the_object(size in 1..200_u64, part_size in 1..20_u64) {
            let rule = rule("8.9", "the parts of an object side by side are the object");
            let mut end = 0;
            for number in covering(&(0..size), part_size) {
                let bytes = bytes_of(&(number..number + 1), part_size, size);
                prop_assert_eq!(bytes.start, end, "part {}{}", number, rule);
                prop_assert!(bytes.end > bytes.start, "part {} is empty{}", number, rule);
                end = bytes.end;
            }
            prop_assert_eq!(end, size, "parts of {}{}", part_size, rule);
        }

        #[test]
        fn runs_lose_nothing_and_join_all_neighbours(numbers in btree_set(0..30_u64, 0..20)) {
            let rule = rule("8.9", "runs hold the same numbers, in order, and are as few as can be");
            let numbers: Vec<u64> = numbers.into_iter().collect();
            let runs = runs(&numbers);
            let listed: Vec<u64> = runs.iter().cloned().flatten().collect();
            prop_assert_eq!(&listed, &numbers, "{:?}{}", runs, rule);
            let apart = runs.windows(2).all(|pair| pair[0].end < pair[1].start);
            prop_assert!(apart, "{:?} has neighbours in different runs{}", runs, rule);
        }
    }
}

mod task_8_10 {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use testkit::config;
    use week8::object_store::part_index::{PartIndex, PartKey, Room};

    use super::rule;

    fn part(number: u64) -> PartKey {
        PartKey::new("sst/7.sst", number)
    }

    /// An index with room for `max` bytes, in which parts 0, 1, … have these lengths.
    fn index(max: u64, lens: &[u64]) -> PartIndex {
        let mut index = PartIndex::new(max);
        for (number, len) in (0..).zip(lens) {
            let room = index.reserve(*len);
            assert_eq!(room, Room::Reserved, "for part {number} of {len}, with {max} bytes in all");
            index.insert(part(number), *len);
        }
        index
    }

    #[test]
    fn a_part_is_found_when_it_was_inserted() {
        let rule = rule("8.10", "touch says whether the part is in the index");
        let mut index = index(100, &[10, 20]);
        assert!(index.touch(&part(0)) && index.touch(&part(1)), "both are there{rule}");
        assert!(!index.touch(&part(2)), "part 2 was never inserted{rule}");
        assert!(!index.touch(&PartKey::new("sst/8.sst", 0)), "another object's part{rule}");
        assert_eq!(index.len(), 2, "touch adds nothing{rule}");
    }

    #[test]
    fn room_is_given_up_to_the_bound() {
        let rule = rule("8.10", "reserved and inserted bytes count, up to and including max_bytes");
        let mut index = index(100, &[40]);
        assert_eq!(index.bytes(), 40, "inserting counts what was reserved, once{rule}");
        assert_eq!(index.reserve(30), Room::Reserved, "70 of 100{rule}");
        assert_eq!(index.reserve(30), Room::Reserved, "100 of 100{rule}");
        assert_eq!(index.bytes(), 100, "reserved room counts{rule}");
        assert_eq!(index.reserve(1), Room::Evict(part(0), 40), "101 of 100{rule}");
    }

    #[test]
    fn an_evicted_part_counts_until_its_file_is_gone() {
        let rule = rule("8.10", "the bytes of a part that has to go count until they are freed");
        let mut index = index(100, &[60, 40]);
        assert_eq!(index.reserve(50), Room::Evict(part(0), 60), "{rule}");
        assert!(!index.touch(&part(0)), "it is no longer in the index{rule}");
        assert_eq!(index.bytes(), 100, "its file is there still{rule}");
        assert_eq!(index.reserve(50), Room::Evict(part(1), 40), "nothing was freed yet{rule}");
        assert_eq!(index.reserve(50), Room::Full, "nothing is left to evict{rule}");
        index.free(60);
        assert_eq!(index.reserve(50), Room::Reserved, "60 bytes are free{rule}");
        assert_eq!(index.bytes(), 90, "40 being removed and 50 reserved{rule}");
    }

    #[test]
    fn what_was_not_used_for_the_longest_time_goes_first() {
        let rule = rule("8.10", "the part that was not used for the longest time is evicted first");
        let mut index = index(40, &[10, 10, 10, 10]);
        for number in [1, 0, 3, 1] {
            index.touch(&part(number));
        }
        for expected in [2, 0, 3, 1] {
            assert_eq!(index.reserve(40), Room::Evict(part(expected), 10), "{rule}");
        }
        assert_eq!(index.reserve(40), Room::Full, "{rule}");
    }

    #[test]
    fn a_look_for_a_part_that_is_not_there_changes_nothing() {
        let rule = rule("8.10", "only a touch that finds its part is a use");
        let mut index = index(20, &[10, 10]);
        index.touch(&part(5));
        assert_eq!(index.reserve(20), Room::Evict(part(0), 10), "{rule}");
        index.free(10);
        assert_eq!(index.reserve(20), Room::Evict(part(1), 10), "{rule}");
        index.free(10);
        assert_eq!(index.reserve(20), Room::Reserved, "{rule}");
    }

    #[test]
    fn a_part_larger_than_the_bound_evicts_nothing() {
        let rule = rule("8.10", "a part that can never fit does not empty the cache");
        let mut index = index(100, &[60, 40]);
        assert_eq!(index.reserve(101), Room::Full, "{rule}");
        assert_eq!(index.reserve(u64::MAX), Room::Full, "{rule}");
        assert!(index.touch(&part(0)) && index.touch(&part(1)), "both are there still{rule}");
        assert_eq!(PartIndex::new(0).reserve(1), Room::Full, "a cache of no bytes{rule}");
    }

    #[test]
    fn a_new_file_takes_the_place_of_the_old_one() {
        let rule = rule("8.10", "inserting a part again frees the bytes of its old file");
        let mut index = index(100, &[30, 30]);
        assert_eq!(index.reserve(40), Room::Reserved, "{rule}");
        index.insert(part(0), 40);
        assert_eq!(index.bytes(), 70, "30 for part 1, 40 for part 0{rule}");
        assert_eq!(index.len(), 2, "{rule}");
        assert_eq!(index.reserve(100), Room::Evict(part(1), 30), "part 0 was used last{rule}");
        assert_eq!(index.reserve(100), Room::Evict(part(0), 40), "with its new length{rule}");
        assert_eq!(index.reserve(100), Room::Full, "each part goes once{rule}");
    }

    #[derive(Debug, Clone)]
    enum Step {
        Touch(u64),
        /// Makes room as a cache does, and inserts.
        Keep(u64, u64),
        /// Reserves and gives back.
        GiveUp(u64),
        Remove(u64),
    }

    fn step() -> BoxedStrategy<Step> {
        prop_oneof![
            3 => (0..8_u64).prop_map(Step::Touch),
            4 => (0..8_u64, 1..40_u64).prop_map(|(number, len)| Step::Keep(number, len)),
            1 => (1..40_u64).prop_map(Step::GiveUp),
            1 => (0..8_u64).prop_map(Step::Remove),
        ]
        .boxed()
    }

    const MAX: u64 = 60;

    /// Makes room, removing what has to go from the list, which has the part used last at its end.
    fn make_room(index: &mut PartIndex, listed: &mut Vec<(u64, u64)>, len: u64) {
        let rule = rule("8.10", "the part that was not used for the longest time is evicted first");
        loop {
            let held = listed.iter().map(|(_, len)| len).sum::<u64>();
            assert_eq!(index.bytes(), held, "the bytes of {listed:?}{rule}");
            match index.reserve(len) {
                Room::Reserved => {
                    assert!(held + len <= MAX, "{len} more than {listed:?} have no room{rule}");
                    return;
                }
                Room::Evict(key, evicted) => {
                    assert!(held + len > MAX, "there was room beside {listed:?}{rule}");
                    let (number, expected) = listed.remove(0);
                    assert_eq!((key, evicted), (part(number), expected), "{rule}");
                    index.free(evicted);
                }
                Room::Full => panic!("{len} of {MAX} bytes fit beside {listed:?}{rule}"),
            }
        }
    }

    proptest! {
        #![proptest_config(config(128))]

        #[test]
        fn the_index_agrees_with_a_list(steps in vec(step(), 1..60)) {
            let rule = rule("8.10", "the index holds what was inserted and not evicted");
            let mut index = PartIndex::new(MAX);
            let mut listed: Vec<(u64, u64)> = Vec::new();
            for step in steps {
                match step {
                    Step::Touch(number) => {
                        let place = listed.iter().position(|(other, _)| *other == number);
                        prop_assert_eq!(index.touch(&part(number)), place.is_some(), "{}", rule);
                        if let Some(place) = place {
                            let used = listed.remove(place);
                            listed.push(used);
                        }
                    }
                    Step::Keep(number, len) => {
                        make_room(&mut index, &mut listed, len);
                        index.insert(part(number), len);
                        listed.retain(|(other, _)| *other != number);
                        listed.push((number, len));
                    }
                    Step::GiveUp(len) => {
                        make_room(&mut index, &mut listed, len);
                        index.free(len);
                    }
                    Step::Remove(number) => {
                        if let Some(len) = index.take(&part(number)) {
                            index.free(len);
                        }
                        listed.retain(|(other, _)| *other != number);
                    }
                }
                let held = listed.iter().map(|(_, len)| len).sum::<u64>();
                prop_assert_eq!(index.bytes(), held, "the bytes of {:?}{}", listed, rule);
                prop_assert_eq!(index.len(), listed.len(), "{:?}{}", listed, rule);
            }
        }
    }
}

mod task_8_11 {
    use std::hint;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Barrier};
    use std::thread;
    use std::time::{Duration, Instant};

    use week8::object_store::single_flight::{Follower, Joined, Leader, SingleFlight};

    use super::{in_time, rule};

    type Flights = SingleFlight<u32, String>;

    #[track_caller]
    fn leader(flights: &Flights, key: u32) -> Leader<'_, u32, String> {
        match flights.join(key) {
            Joined::Leader(leader) => leader,
            Joined::Follower(_) => {
                panic!("nobody leads {key}{}", rule("8.11", "without a flight, a caller leads"))
            }
        }
    }

    #[track_caller]
    fn follower(flights: &Flights, key: u32) -> Follower<String> {
        match flights.join(key) {
            Joined::Follower(follower) => follower,
            Joined::Leader(_) => {
                let rule = rule("8.11", "while a flight is under way, every other caller follows");
                panic!("somebody leads {key} already{rule}")
            }
        }
    }

    #[test]
    fn the_first_leads_and_the_others_follow() {
        in_time(5, "8.11", "a follower gets the value that its leader completed with", |rule| {
            let flights = Flights::new();
            let first = leader(&flights, 1);
            let others = [follower(&flights, 1), follower(&flights, 1)];
            first.complete("value".to_owned());
            for other in others {
                assert_eq!(other.wait().as_deref(), Some("value"), "{rule}");
            }
        });
    }

    #[test]
    fn each_key_has_a_flight_of_its_own() {
        in_time(
            5,
            "8.11",
            "flights of different keys have nothing to do with each other",
            |rule| {
                let flights = Flights::new();
                let (one, two) = (leader(&flights, 1), leader(&flights, 2));
                let of_two = follower(&flights, 2);
                assert_eq!(flights.under_way(), 2, "{rule}");
                two.complete("two".to_owned());
                assert_eq!(of_two.wait().as_deref(), Some("two"), "1 is under way still{rule}");
                let of_one = follower(&flights, 1);
                one.complete("one".to_owned());
                assert_eq!(of_one.wait().as_deref(), Some("one"), "{rule}");
            },
        );
    }

    #[test]
    fn a_flight_that_has_ended_is_forgotten() {
        in_time(5, "8.11", "who joins after the end begins another flight", |rule| {
            let flights = Flights::new();
            leader(&flights, 1).complete("old".to_owned());
            assert_eq!(flights.under_way(), 0, "{rule}");
            let second = leader(&flights, 1);
            let follower = follower(&flights, 1);
            second.complete("new".to_owned());
            assert_eq!(follower.wait().as_deref(), Some("new"), "{rule}");
            assert_eq!(flights.under_way(), 0, "{rule}");
        });
    }

    #[test]
    fn the_followers_of_a_leader_that_fails_get_nothing_and_one_can_lead() {
        in_time(5, "8.11", "a leader that is dropped has failed; the next to join leads", |rule| {
            let flights = Flights::new();
            let first = leader(&flights, 1);
            let followers = [follower(&flights, 1), follower(&flights, 1)];
            drop(first);
            for follower in followers {
                assert_eq!(follower.wait(), None, "{rule}");
            }
            let second = leader(&flights, 1);
            let last = follower(&flights, 1);
            second.complete("at last".to_owned());
            assert_eq!(last.wait().as_deref(), Some("at last"), "{rule}");
        });
    }

    #[test]
    fn a_panic_of_the_leader_wakes_its_followers() {
        in_time(5, "8.11", "a flight ends when its leader panics", |rule| {
            let flights = Arc::new(Flights::new());
            // A stub fails here, and not in a thread that this one would wait for.
            drop(leader(&flights, 0));
            let (joined, released) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
            let leading = thread::spawn({
                let (flights, joined, released) =
                    (Arc::clone(&flights), Arc::clone(&joined), Arc::clone(&released));
                move || {
                    let _leader = leader(&flights, 1);
                    joined.wait();
                    released.wait();
                    std::panic::resume_unwind(Box::new("on purpose"));
                }
            });
            joined.wait();
            let follower = follower(&flights, 1);
            released.wait();
            assert_eq!(follower.wait(), None, "{rule}");
            assert!(leading.join().is_err(), "the leader panicked");
            drop(leader(&flights, 1));
        });
    }

    #[test]
    fn sixteen_threads_at_once_have_one_leader() {
        in_time(20, "8.11", "of all that have joined a flight, one is its leader", |rule| {
            for round in 0..20 {
                let (flights, led) = (Arc::new(Flights::new()), Arc::new(AtomicUsize::new(0)));
                let start = Arc::new(Barrier::new(16));
                // Held until all have joined, so that the flight can't end before.
                let all_joined = Arc::new(Barrier::new(16));
                let threads = (0..16).map(|_| {
                    let (flights, led) = (Arc::clone(&flights), Arc::clone(&led));
                    let (start, all_joined) = (Arc::clone(&start), Arc::clone(&all_joined));
                    thread::spawn(move || {
                        start.wait();
                        let joined = flights.join(7);
                        all_joined.wait();
                        match joined {
                            Joined::Leader(leader) => {
                                led.fetch_add(1, Ordering::SeqCst);
                                if round % 2 == 0 {
                                    // Most of them wait by then.
                                    thread::sleep(Duration::from_millis(2));
                                }
                                leader.complete("seven".to_owned());
                                "seven".to_owned()
                            }
                            Joined::Follower(follower) => follower.wait().unwrap_or_default(),
                        }
                    })
                });
                let threads: Vec<_> = threads.collect();
                for thread in threads {
                    assert_eq!(thread.join().expect("no panic"), "seven", "{rule}");
                }
                assert_eq!(led.load(Ordering::SeqCst), 1, "leaders of 16 threads{rule}");
            }
        });
    }

    /// Waits until so many threads have come, without sleep, so that they go on at the same moment.
    fn meet(arrived: &AtomicUsize, threads: usize) {
        arrived.fetch_add(1, Ordering::SeqCst);
        let mut looks = 0_u32;
        while arrived.load(Ordering::SeqCst) < threads {
            looks += 1;
            if looks.is_multiple_of(1000) {
                thread::yield_now();
            }
            hint::spin_loop();
        }
    }

    #[test]
    fn two_who_join_at_the_same_moment_have_one_leader() {
        in_time(30, "8.11", "to look for a flight and to begin one is one step", |rule| {
            let flights = Flights::new();
            drop(leader(&flights, 0));
            let (before, behind) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let lead = || {
                let mut led = 0;
                for key in 1..8_000 {
                    meet(&before, 2 * key as usize);
                    let joined = flights.join(key);
                    meet(&behind, 2 * key as usize);
                    led += usize::from(matches!(joined, Joined::Leader(_)));
                }
                led
            };
            let led = thread::scope(|scope| {
                let other = scope.spawn(lead);
                lead() + other.join().expect("no panic")
            });
            assert_eq!(led, 7_999, "leaders of 7,999 flights that two threads joined{rule}");
        });
    }

    #[test]
    fn joining_while_flights_end_holds_nobody_up() {
        in_time(
            20,
            "8.11",
            "join takes the table's lock and no other, and lets go of it",
            |rule| {
                let flights = Flights::new();
                drop(leader(&flights, 0));
                let together = Barrier::new(4);
                let join = || {
                    together.wait();
                    let start = Instant::now();
                    while start.elapsed() < Duration::from_millis(200) {
                        match flights.join(7) {
                            Joined::Leader(leader) => leader.complete("seven".to_owned()),
                            Joined::Follower(follower) => drop(follower),
                        }
                    }
                };
                thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(join))));
                assert_eq!(flights.under_way(), 0, "{rule}");
            },
        );
    }
}

/// A distant store: it counts, can be slow, can fail, and can be held in the middle of a request.
mod remote {
    use std::ops::Range;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Condvar, Mutex};
    use std::time::Duration;
    use std::{io, thread};

    use bytes::Bytes;
    use week8::object_store::{MemoryObjectStore, ObjectMeta, ObjectStore};
    use week8::{Error, Result};

    #[derive(Debug, Default)]
    pub struct Remote {
        pub objects: MemoryObjectStore,
        ranges: Mutex<Vec<(String, Range<u64>)>>,
        requests: AtomicUsize,
        failures: AtomicUsize,
        delay: Mutex<Duration>,
        gate: Mutex<Gate>,
        moved: Condvar,
    }

    #[derive(Debug, Default)]
    struct Gate {
        closed: bool,
        waiting: usize,
        /// Whether a held request has not read yet.
        before_reading: bool,
    }

    impl Remote {
        /// Every range that was asked for, since the last call.
        pub fn ranges(&self) -> Vec<Range<u64>> {
            let mut ranges = self.ranges.lock().expect("no panic");
            ranges.drain(..).map(|(_, range)| range).collect()
        }

        /// How many requests there were, of every kind, since the last call.
        pub fn requests(&self) -> usize {
            self.requests.swap(0, Ordering::SeqCst)
        }

        /// Lets the next so many ranges fail that are asked for.
        pub fn fail(&self, ranges: usize) {
            self.failures.store(ranges, Ordering::SeqCst);
        }

        /// Makes each range take so long.
        pub fn slow_down(&self, delay: Duration) {
            *self.delay.lock().expect("no panic") = delay;
        }

        /// From now on a range is read, and its answer held back.
        pub fn hold_answers(&self) {
            *self.gate.lock().expect("no panic") = Gate { closed: true, ..Gate::default() };
        }

        /// From now on a range is held back, and read when the gate opens.
        pub fn hold_requests(&self) {
            let gate = Gate { closed: true, before_reading: true, ..Gate::default() };
            *self.gate.lock().expect("no panic") = gate;
        }

        pub fn open_gate(&self) {
            self.gate.lock().expect("no panic").closed = false;
            self.moved.notify_all();
        }

        /// Waits until so many are held back.
        pub fn await_held(&self, ranges: usize) {
            let gate = self.gate.lock().expect("no panic");
            drop(self.moved.wait_while(gate, |gate| gate.waiting < ranges).expect("no panic"));
        }

        fn count(&self) -> &MemoryObjectStore {
            self.requests.fetch_add(1, Ordering::SeqCst);
            &self.objects
        }

        fn travel(&self) {
            let mut gate = self.gate.lock().expect("no panic");
            gate.waiting += 1;
            self.moved.notify_all();
            let mut gate = self.moved.wait_while(gate, |gate| gate.closed).expect("no panic");
            gate.waiting -= 1;
            drop(gate);
            let delay = *self.delay.lock().expect("no panic");
            thread::sleep(delay);
        }
    }

    impl ObjectStore for Remote {
        fn put(&self, path: &str, object: Bytes) -> Result<()> {
            self.count().put(path, object)
        }

        fn put_if_absent(&self, path: &str, object: Bytes) -> Result<()> {
            self.count().put_if_absent(path, object)
        }

        fn get(&self, path: &str) -> Result<Bytes> {
            self.count().get(path)
        }

        fn get_range(&self, path: &str, range: Range<u64>) -> Result<Bytes> {
            self.ranges.lock().expect("no panic").push((path.to_owned(), range.clone()));
            let left = |left: usize| left.checked_sub(1);
            let fails = self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left);
            let before = self.gate.lock().expect("no panic").before_reading;
            let answer = match before {
                false => {
                    let answer = self.count().get_range(path, range);
                    self.travel();
                    answer
                }
                true => {
                    self.travel();
                    self.count().get_range(path, range)
                }
            };
            match fails {
                Ok(_) => Err(Error::io("read", path)(io::Error::other("the network is down"))),
                Err(_) => answer,
            }
        }

        fn head(&self, path: &str) -> Result<ObjectMeta> {
            self.count().head(path)
        }

        fn list(&self, prefix: &str) -> Result<Vec<ObjectMeta>> {
            self.count().list(prefix)
        }

        fn delete(&self, path: &str) -> Result<()> {
            self.count().delete(path)
        }

        fn discard_unfinished(&self, min_age: Duration) -> Result<u64> {
            self.requests.fetch_add(1, Ordering::SeqCst);
            Ok(min_age.as_secs())
        }
    }
}

#[expect(clippy::single_range_in_vec_init, reason = "lists of ranges are compared")]
mod task_8_12 {
    use std::collections::BTreeSet;
    use std::fmt::Debug;
    use std::ops::Range;
    use std::path::{Path, PathBuf};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, Barrier};
    use std::thread::JoinHandle;
    use std::time::{Duration, Instant};
    use std::{fs, hint, thread};

    use proptest::collection::vec;
    use proptest::prelude::*;
    use testkit::{TempFolder, assert_bytes, config};
    use week8::object_store::{CachedObjectStore, CachedObjectStoreOptions, ObjectStore};
    use week8::{Error, Result};

    use super::remote::Remote;
    use super::{Bytes, in_time, rule};

    const SST: &str = "sst/00000000000000000007.sst";
    const OTHER: &str = "sst/00000000000000000008.sst";
    const PART: u64 = 100;

    /// Bytes of which no two stretches are alike.
    fn object(len: usize, seed: u8) -> Bytes {
        (0..len).map(|at| (at as u8).wrapping_mul(7) ^ (at >> 8) as u8 ^ seed).collect()
    }

    /// A cache in a folder of its own, in front of a distant store.
    struct Setting {
        folder: TempFolder,
        remote: Arc<Remote>,
        cache: Arc<CachedObjectStore>,
    }

    fn options(folder: &Path, max_cache_size_bytes: u64) -> CachedObjectStoreOptions {
        let root_folder = folder.to_path_buf();
        CachedObjectStoreOptions { root_folder, part_size_bytes: PART, max_cache_size_bytes }
    }

    impl Setting {
        /// With an object of 1,030 bytes at `SST`: ten parts of 100, and one of 30.
        fn new() -> Self {
            Self::bounded(1 << 30)
        }

        fn bounded(max_bytes: u64) -> Self {
            let (folder, remote) = (TempFolder::new(), Arc::new(Remote::default()));
            remote.objects.put(SST, object(1030, 0)).expect("room");
            let cache = CachedObjectStore::open(remote.clone(), options(folder.path(), max_bytes));
            Self { cache: Arc::new(cache.expect("an empty folder")), folder, remote }
        }

        /// Opens the cache again.
        fn reopened(self) -> Self {
            self.reopened_after(|_| {})
        }

        /// Opens the cache again; between, something happens to its folder.
        fn reopened_after(self, happens: impl FnOnce(&TempFolder)) -> Self {
            let Self { folder, remote, cache } = self;
            drop(cache);
            happens(&folder);
            let cache = CachedObjectStore::open(remote.clone(), options(folder.path(), 1 << 30));
            Self { cache: Arc::new(cache.expect("a folder of parts")), folder, remote }
        }

        /// Reads a range of the object at `SST` and compares it.
        #[track_caller]
        fn assert_reads(&self, range: Range<u64>) {
            let rule = rule("8.12", "the cache answers what the inner store would answer");
            let found = readable(self.cache.get_range(SST, range.clone()), &rule);
            let expected = self.remote.objects.get_range(SST, range.clone()).expect("a range");
            assert_bytes(&found, &expected, &format!("bytes {range:?} of the object{rule}"));
        }

        /// Reads a range of the object at `SST` in another thread.
        fn read_beside(&self, range: Range<u64>) -> JoinHandle<Result<Bytes>> {
            let cache = Arc::clone(&self.cache);
            thread::spawn(move || cache.get_range(SST, range))
        }

        /// Files of parts.
        fn part_files(&self) -> Vec<PathBuf> {
            let mut files = self.folder.files();
            files.retain(|file| !file.ends_with("LOCK"));
            files
        }

        fn bytes_on_disk(&self) -> u64 {
            let len = |file: PathBuf| fs::metadata(file).expect("a part file").len();
            self.part_files().into_iter().map(len).sum()
        }
    }

    /// An answer with its error as text.
    fn told<T: Debug>(answer: Result<T>) -> String {
        answer.map_or_else(|error| error.to_string(), |answer| format!("{answer:?}"))
    }

    /// What was read of an object that can be read.
    #[track_caller]
    fn readable(answer: Result<Bytes>, rule: &str) -> Bytes {
        answer.unwrap_or_else(|error| panic!("a readable object: {error}{rule}"))
    }

    /// Compares bytes, or errors as text.
    #[track_caller]
    fn assert_same(found: Result<Bytes>, expected: Result<Bytes>, what: &str) {
        match (found, expected) {
            (Ok(found), Ok(expected)) => assert_bytes(&found, &expected, what),
            (found, expected) => {
                let len = |answer: Result<Bytes>| answer.map(|bytes| bytes.len());
                assert_eq!(told(len(found)), told(len(expected)), "bytes, or the error: {what}");
            }
        }
    }

    #[test]
    fn a_read_fetches_whole_parts_once() {
        let rule = rule("8.12", "the inner store is asked for the parts that cover the range");
        let setting = Setting::new();
        setting.assert_reads(250..260);
        assert_eq!(setting.remote.ranges(), [200..300], "for bytes 250..260{rule}");
        for range in [250..260, 200..300, 200..201, 299..300] {
            setting.assert_reads(range.clone());
            assert_eq!(setting.remote.ranges(), [], "for {range:?}, after its part{rule}");
        }
        setting.assert_reads(199..201);
        assert_eq!(setting.remote.ranges(), [100..200], "for 199..201, after 200..300{rule}");
    }

    #[test]
    fn only_missing_parts_are_fetched_and_neighbours_together() {
        let rule = rule("8.12", "only what is missing is asked for, neighbours with one request");
        let setting = Setting::new();
        setting.assert_reads(0..1030);
        assert_eq!(setting.remote.ranges(), [0..1030], "all parts, with one request{rule}");

        let setting = Setting::new();
        setting.assert_reads(310..320);
        setting.assert_reads(510..720);
        assert_eq!(setting.remote.ranges(), [300..400, 500..800], "{rule}");
        setting.assert_reads(50..950);
        let mut ranges = setting.remote.ranges();
        ranges.sort_by_key(|range| range.start);
        assert_eq!(ranges, [0..300, 400..500, 800..1000], "parts 3, 5, 6, 7 are there{rule}");
        setting.assert_reads(0..1000);
        assert_eq!(setting.remote.ranges(), [], "{rule}");
    }

    #[test]
    fn the_last_part_is_as_long_as_it_is() {
        let rule = rule("8.12", "an object's last part ends where the object ends");
        let setting = Setting::new();
        setting.assert_reads(1029..1030);
        setting.assert_reads(900..1030);
        assert_eq!(setting.remote.ranges(), [1000..1030, 900..1000], "{rule}");
        let setting = setting.reopened();
        setting.assert_reads(900..1030);
        assert_eq!(setting.remote.ranges(), [], "{rule}");
    }

    #[test]
    fn an_answer_holds_only_the_bytes_that_were_asked_for() {
        let rule = rule("8.12", "an answer has a buffer of its own; it is no slice of a part");
        let setting = Setting::new();
        for _ in 0..2 {
            let answer = readable(setting.cache.get_range(SST, 0..10), &rule);
            match answer.try_into_mut() {
                Ok(buffer) => {
                    assert!(buffer.capacity() <= 50, "{} bytes held{rule}", buffer.capacity());
                }
                Err(_) => panic!("the answer's buffer has another holder{rule}"),
            }
        }
    }

    #[test]
    fn whole_objects_are_read_through_too() {
        let rule = rule("8.12", "get takes what is there, and fetches and keeps the rest");
        let setting = Setting::new();
        setting.assert_reads(110..120);
        for _ in 0..2 {
            let found = readable(setting.cache.get(SST), &rule);
            assert_bytes(&found, &object(1030, 0), &rule);
        }
        setting.assert_reads(0..1030);
        let ranges = setting.remote.ranges();
        assert_eq!(ranges[0], 100..200, "{rule}");
        assert_eq!(ranges.iter().map(|range| range.end - range.start).sum::<u64>(), 1030, "{rule}");
    }

    #[test]
    fn empty_ranges_and_empty_objects_have_no_bytes() {
        let rule = rule("8.12", "the cache answers what the inner store would answer");
        let setting = Setting::new();
        setting.remote.objects.put(OTHER, Bytes::new()).expect("room");
        for at in [0, 100, 555, 1030] {
            setting.assert_reads(at..at);
        }
        assert_eq!(told(setting.cache.get(OTHER)), "b\"\"", "an empty object{rule}");
        assert_eq!(told(setting.cache.get_range(OTHER, 0..0)), "b\"\"", "an empty object{rule}");
    }

    #[test]
    fn an_error_is_the_inner_stores() {
        let rule = rule("8.12", "what the inner store refuses, the cache refuses");
        let setting = Setting::new();
        setting.assert_reads(0..1030);
        #[expect(clippy::reversed_empty_ranges, reason = "that is what is tried")]
        let ranges = [0..1031, 1030..1031, 1031..1031, 20..10, u64::MAX - 1..u64::MAX];
        for path in [SST, "sst/absent.sst", "sst/../7", "SST/7", "sst//7", "sst", ""] {
            for range in &ranges {
                let found = setting.cache.get_range(path, range.clone());
                let expected = setting.remote.objects.get_range(path, range.clone());
                assert_same(found, expected, &format!("{range:?} of {path:?}{rule}"));
            }
            assert_eq!(
                told(setting.cache.head(path)),
                told(setting.remote.objects.head(path)),
                "the head of {path:?}{rule}"
            );
        }
        let absent = told(setting.cache.get("sst/absent.sst"));
        assert_eq!(absent, told(setting.remote.objects.get("sst/absent.sst")), "{rule}");
        setting.assert_reads(0..1030);
    }

    #[test]
    fn what_is_no_sst_passes() {
        let rule = rule("8.12", "only objects under sst/ are kept");
        let setting = Setting::new();
        for path in ["manifest/7.manifest", "sstable/7", "wal/sst/7.wal", "sst"] {
            for content in ["first", "second"] {
                setting.remote.objects.put(path, content.into()).expect("room");
                let found = setting.cache.get(path).expect("an object");
                assert_eq!(found, content, "{path}, written by somebody else{rule}");
                let found = setting.cache.get_range(path, 1..3).expect("an object");
                assert_eq!(found, content[1..3], "{path}, written by somebody else{rule}");
            }
        }
        assert_eq!(setting.part_files().len(), 0, "{rule}");
        let long = format!("sst/{}.sst", "7".repeat(300));
        setting.remote.objects.put(&long, "a long path".into()).expect("room");
        let found = setting.cache.get_range(&long, 2..6).expect("an object");
        assert_eq!(found, "long", "a path too long for a file's name{rule}");
        let discarded = setting.cache.discard_unfinished(Duration::from_secs(7));
        assert_eq!(told(discarded), "7", "what the inner store discarded{rule}");
        setting.assert_reads(0..10);
    }

    #[test]
    fn a_head_is_answered_from_the_cache() {
        let rule = rule("8.12", "what a head answers is kept with each part");
        let setting = Setting::new();
        let expected = setting.remote.objects.head(SST).expect("an object");
        setting.assert_reads(1000..1030);
        setting.remote.requests();
        assert_eq!(setting.cache.head(SST).expect("an object"), expected, "{rule}");
        assert_eq!(setting.remote.requests(), 0, "requests for a head after a read{rule}");
        let setting = setting.reopened();
        assert_eq!(setting.cache.head(SST).expect("an object"), expected, "{rule}");
        assert_eq!(setting.remote.requests(), 0, "requests for a head after a restart{rule}");
    }

    #[test]
    fn opening_an_sst_takes_two_requests_and_later_none() {
        let rule = rule("8.12", "a head and a range are one request each, and then none");
        let setting = Setting::new();
        let open = |setting: &Setting| {
            let size = setting.cache.head(SST).expect("an object").size;
            setting.assert_reads(size - 64..size);
        };
        open(&setting);
        assert_eq!(setting.remote.requests(), 2, "the first time{rule}");
        open(&setting);
        assert_eq!(setting.remote.requests(), 0, "the second time{rule}");
        let setting = setting.reopened();
        open(&setting);
        assert_eq!(setting.remote.requests(), 0, "after a restart{rule}");
    }

    #[test]
    fn a_restart_finds_the_parts() {
        let rule = rule("8.12", "the parts of an earlier run are used");
        let setting = Setting::new();
        setting.assert_reads(150..420);
        let before = setting.cache.stats();
        let setting = setting.reopened();
        let stats = setting.cache.stats();
        let held = (stats.parts, stats.bytes);
        assert_eq!(held, (before.parts, before.bytes), "parts and bytes{rule}");
        setting.remote.ranges();
        setting.assert_reads(100..500);
        assert_eq!(setting.remote.ranges(), [], "{rule}");
    }

    #[test]
    fn parts_of_another_size_are_not_mistaken() {
        let rule = rule("8.12", "a part of another size is no part of this cache");
        let setting = Setting::new();
        setting.assert_reads(0..1030);
        let Setting { folder, remote, cache } = setting;
        drop(cache);
        let smaller =
            CachedObjectStoreOptions { part_size_bytes: 30, ..options(folder.path(), 9999) };
        let cache = CachedObjectStore::open(remote.clone(), smaller).expect("a folder of parts");
        assert_eq!(cache.stats().parts, 0, "{rule}");
        for _ in 0..2 {
            let found = cache.get_range(SST, 45..200).expect("an object");
            assert_bytes(&found, &object(1030, 0)[45..200], &rule);
        }
    }

    #[test]
    fn what_was_done_is_counted() {
        let rule = rule("8.12", "stats count as their documentation says");
        let setting = Setting::new();
        setting.assert_reads(110..120);
        setting.assert_reads(50..450);
        setting.assert_reads(150..250);
        setting.cache.list("sst").expect("a listing");
        let stats = setting.cache.stats();
        let seen = (stats.part_hits, stats.part_misses, stats.bytes_fetched);
        assert_eq!(seen, (3, 5, 500), "hits, misses and bytes fetched, in {stats:?}{rule}");
        let requests = setting.remote.requests() as u64;
        assert_eq!(stats.requests, requests, "requests, in {stats:?}{rule}");
        let on_disk = setting.bytes_on_disk();
        assert_eq!(stats.bytes, on_disk, "bytes, in {stats:?}{rule}");
        assert_eq!((stats.parts, stats.evictions, stats.failures), (5, 0, 0), "{stats:?}{rule}");
    }

    /// Reads ranges of `SST` at the same time, one in each thread, and returns the answers.
    fn read_at_once(setting: &Setting, ranges: Vec<Range<u64>>) -> Vec<Result<Bytes>> {
        let start = Arc::new(Barrier::new(ranges.len()));
        let threads = ranges.into_iter().map(|range| {
            let (cache, start) = (Arc::clone(&setting.cache), Arc::clone(&start));
            thread::spawn(move || {
                start.wait();
                cache.get_range(SST, range)
            })
        });
        let threads: Vec<_> = threads.collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    }

    #[test]
    fn sixteen_threads_fetch_a_part_once() {
        in_time(
            20,
            "8.12",
            "of several reads that need a part at a time, one fetches it",
            |rule| {
                for _ in 0..3 {
                    let setting = Setting::new();
                    setting.remote.slow_down(Duration::from_millis(10));
                    for answer in read_at_once(&setting, vec![310..330; 16]) {
                        assert_bytes(&readable(answer, &rule), &object(1030, 0)[310..330], &rule);
                    }
                    assert_eq!(setting.remote.ranges(), [300..400], "for 16 reads{rule}");
                    let stats = setting.cache.stats();
                    assert_eq!(stats.part_hits + stats.part_misses, 16, "of 16 reads{rule}");
                }
            },
        );
    }

    /// With an object of so many parts at `OTHER`.
    fn with_many_parts(parts: usize, max_bytes: u64) -> Setting {
        let setting = Setting::bounded(max_bytes);
        setting.remote.objects.put(OTHER, object(parts * PART as usize, 4)).expect("room");
        setting
    }

    #[test]
    fn a_part_is_fetched_once_however_reads_meet() {
        in_time(
            60,
            "8.12",
            "who leads a flight looks at the disk again, and ends it last",
            |rule| {
                let setting = with_many_parts(1_000, 1 << 30);
                let start = Arc::new(Barrier::new(6));
                let threads = (0..6_u64).map(|thread| {
                    let (cache, start) = (Arc::clone(&setting.cache), Arc::clone(&start));
                    thread::spawn(move || {
                        start.wait();
                        // Whoever leads a part holds up the others. So that they come at every moment of a
                        // fetch, each is late by another time.
                        for part in 0..1_000 {
                            let late = Duration::from_micros((part * 37 + thread * 53) % 101);
                            let since = Instant::now();
                            while since.elapsed() < late {
                                hint::spin_loop();
                            }
                            let found = cache.get_range(OTHER, part * PART..part * PART + 1);
                            assert_eq!(found.expect("an object").len(), 1);
                        }
                    })
                });
                let threads: Vec<_> = threads.collect();
                for thread in threads {
                    thread.join().expect("right answers");
                }
                let mut asked = BTreeSet::new();
                for range in setting.remote.ranges() {
                    let part = range.start / PART;
                    assert!(asked.insert(part), "part {part} was fetched twice{rule}");
                }
                let stats = setting.cache.stats();
                let rule = "each part of an answer is a hit or a miss, also one that is found by the \
                 second look at the disk";
                let rule = super::rule("8.12", rule);
                assert_eq!(stats.part_hits + stats.part_misses, 6_000, "of 6,000 reads{rule}");
            },
        );
    }

    #[test]
    fn reads_that_share_many_parts_never_wait_in_a_circle() {
        in_time(20, "8.12", "while a read waits for others, nobody waits for it", |rule| {
            for _ in 0..2 {
                // Nothing is kept, so every part is looked for among those under way.
                let setting = with_many_parts(4000, 0);
                let start = Arc::new(Barrier::new(4));
                let threads = (0..4).map(|thread| {
                    let (cache, start) = (Arc::clone(&setting.cache), Arc::clone(&start));
                    thread::spawn(move || {
                        start.wait();
                        cache.get_range(OTHER, thread * PART..400_000)
                    })
                });
                let threads: Vec<_> = threads.collect();
                for thread in threads {
                    let answer = readable(thread.join().expect("no panic"), &rule);
                    let expected = &object(400_000, 4)[400_000 - answer.len()..];
                    assert_bytes(&answer, expected, &rule);
                }
            }
        });
    }

    #[test]
    fn overlapping_reads_fetch_each_part_once() {
        in_time(
            30,
            "8.12",
            "of several reads that need a part at a time, one fetches it",
            |rule| {
                for round in 0..5 {
                    let setting = Setting::new();
                    setting.remote.slow_down(Duration::from_millis(2));
                    setting.assert_reads(500..510);
                    let ranges = (0..16_u64).map(|thread| {
                        let from = (thread * 7 + round) % 10 * 100;
                        from + 50..(from + 350 + thread * 10).min(1030)
                    });
                    let ranges: Vec<_> = ranges.collect();
                    let answers = read_at_once(&setting, ranges.clone());
                    for (range, answer) in ranges.into_iter().zip(answers) {
                        let expected = &object(1030, 0)[range.start as usize..range.end as usize];
                        let what = format!("bytes {range:?}{rule}");
                        assert_bytes(&readable(answer, &rule), expected, &what);
                    }
                    let mut asked = BTreeSet::new();
                    for range in setting.remote.ranges() {
                        for part in range.start / PART..range.end.div_ceil(PART) {
                            assert!(asked.insert(part), "part {part} was fetched twice{rule}");
                        }
                    }
                }
            },
        );
    }

    #[test]
    fn a_read_fetches_what_it_leads_before_it_waits() {
        in_time(5, "8.12", "a read fetches what it leads before it waits for others", |rule| {
            let setting = Setting::new();
            setting.assert_reads(0..10);
            setting.remote.hold_answers();
            let other = setting.read_beside(410..420);
            setting.remote.await_held(1);
            let both = setting.read_beside(310..420);
            setting.remote.await_held(2);
            setting.remote.open_gate();
            for (reading, range) in [(other, 410..420), (both, 310..420)] {
                let answer = readable(reading.join().expect("no panic"), &rule);
                assert_bytes(&answer, &object(1030, 0)[range], &rule);
            }
        });
    }

    #[test]
    fn when_a_fetch_fails_one_of_those_who_wait_tries_again() {
        in_time(20, "8.12", "an error of one read is not the error of those who waited", |rule| {
            let setting = Setting::new();
            setting.cache.head(SST).expect("an object");
            setting.remote.fail(1);
            setting.remote.hold_answers();
            let reading = setting.read_beside(310..330);
            setting.remote.await_held(1);
            let waiting: Vec<_> = (0..15).map(|_| setting.read_beside(310..330)).collect();
            thread::sleep(Duration::from_millis(30));
            setting.remote.open_gate();
            let first = reading.join().expect("no panic");
            assert!(matches!(first, Err(Error::Io { .. })), "its fetch failed: {first:?}{rule}");
            for thread in waiting {
                let answer = thread.join().expect("no panic").expect("the second fetch succeeds");
                assert_bytes(&answer, &object(1030, 0)[310..330], &rule);
            }
            assert_eq!(setting.remote.ranges(), [300..400, 300..400], "a try and another{rule}");
            let stats = setting.cache.stats();
            let counted = stats.part_hits + stats.part_misses;
            assert_eq!(counted, 15, "parts in the answers; the first read had none{rule}");
        });
    }

    #[test]
    fn when_a_fetch_fails_only_its_part_is_fetched_again() {
        in_time(
            20,
            "8.12",
            "a follower whose leader failed begins again with that part, and no other",
            |rule| {
                for max_bytes in [0, 1 << 30] {
                    let setting = Setting::bounded(max_bytes);
                    setting.cache.head(SST).expect("an object");
                    setting.remote.fail(1);
                    setting.remote.hold_answers();
                    let fails = setting.read_beside(310..330);
                    setting.remote.await_held(1);
                    // It leads part 2 and follows part 3.
                    let both = setting.read_beside(210..330);
                    setting.remote.await_held(2);
                    setting.remote.open_gate();
                    let failed = fails.join().expect("no panic");
                    assert!(matches!(failed, Err(Error::Io { .. })), "{failed:?}{rule}");
                    let answer = readable(both.join().expect("no panic"), &rule);
                    assert_bytes(&answer, &object(1030, 0)[210..330], &rule);
                    let what = format!("in a cache of {max_bytes} bytes{rule}");
                    let expected = [300..400, 200..300, 300..400];
                    assert_eq!(setting.remote.ranges(), expected, "{what}");
                    let stats = setting.cache.stats();
                    let counted = (stats.part_hits, stats.part_misses);
                    assert_eq!(counted, (0, 2), "hits and misses of the one answer, {what}");
                }
            },
        );
    }

    #[test]
    fn those_who_wait_get_the_part_also_if_it_is_not_kept() {
        in_time(
            20,
            "8.12",
            "a fetched part is handed to those who wait; each counts a miss",
            |rule| {
                let setting = Setting::bounded(0);
                setting.cache.head(SST).expect("an object");
                setting.remote.hold_answers();
                let read = || setting.read_beside(310..330);
                let mut reading = vec![read()];
                setting.remote.await_held(1);
                reading.extend((0..7).map(|_| read()));
                thread::sleep(Duration::from_millis(100));
                setting.remote.open_gate();
                for thread in reading {
                    let answer = readable(thread.join().expect("no panic"), &rule);
                    assert_bytes(&answer, &object(1030, 0)[310..330], &rule);
                }
                assert_eq!(setting.remote.ranges(), [300..400], "for 8 reads at once{rule}");
                let stats = setting.cache.stats();
                assert_eq!((stats.part_hits, stats.part_misses), (0, 8), "hits and misses{rule}");
            },
        );
    }

    #[test]
    fn an_object_that_is_not_what_it_was_is_forgotten() {
        let rule = rule("8.12", "if the object is not what it was, the inner store answers");
        type Change = fn(&Setting);
        let shorter: Change = |it| it.remote.objects.put(SST, object(250, 9)).expect("room");
        let deleted: Change = |it| it.remote.objects.delete(SST).expect("a delete");
        for (what, change) in [("shorter", shorter), ("deleted", deleted)] {
            let setting = Setting::new();
            setting.assert_reads(0..100);
            change(&setting);
            for range in [900..910, 0..50] {
                let found = setting.cache.get_range(SST, range.clone());
                let expected = setting.remote.objects.get_range(SST, range.clone());
                let what = format!("{range:?} of an object that is {what}{rule}");
                assert_same(found, expected, &what);
            }
            let (found, expected) = (setting.cache.head(SST), setting.remote.objects.head(SST));
            assert_eq!(told(found), told(expected), "an object that is {what}{rule}");
        }
    }

    #[test]
    fn a_store_that_fails_for_a_while_is_readable_afterwards() {
        in_time(
            20,
            "8.12",
            "an error of the inner store is passed on, and not remembered",
            |rule| {
                let setting = Setting::new();
                setting.assert_reads(110..120);
                setting.remote.fail(usize::MAX);
                for answer in read_at_once(&setting, vec![150..450; 8]) {
                    assert!(matches!(answer, Err(Error::Io { .. })), "{answer:?}{rule}");
                }
                setting.assert_reads(100..200);
                setting.remote.fail(0);
                setting.assert_reads(150..450);
            },
        );
    }

    #[test]
    fn a_fetch_under_way_holds_up_nobody_else() {
        in_time(20, "8.12", "no lock is held while the inner store is waited for", |rule| {
            let setting = Setting::new();
            setting.assert_reads(0..100);
            setting.remote.hold_answers();
            let reading = setting.read_beside(210..220);
            setting.remote.await_held(1);
            // If one of these waits for the fetch, the deadline passes.
            setting.assert_reads(10..90);
            setting.cache.head(SST).expect("an object");
            setting.cache.put(OTHER, "another object".into()).expect("room");
            setting.cache.stats();
            let second = setting.read_beside(410..420);
            setting.remote.await_held(2);
            setting.remote.open_gate();
            for (reading, at) in [(reading, 210), (second, 410)] {
                let answer = readable(reading.join().expect("no panic"), &rule);
                assert_bytes(&answer, &object(1030, 0)[at..at + 10], &rule);
            }
        });
    }

    #[test]
    fn what_is_kept_stays_within_the_bound() {
        in_time(60, "8.12", "the files never have more bytes than max_cache_size_bytes", |rule| {
            let bound = 700;
            let setting = Setting::bounded(bound);
            setting.remote.objects.put(OTHER, object(2000, 9)).expect("room");
            let done = Arc::new(AtomicBool::new(false));
            let watching = thread::spawn({
                let (cache, done) = (Arc::clone(&setting.cache), Arc::clone(&done));
                move || {
                    let mut most = 0;
                    while !done.load(Ordering::SeqCst) {
                        most = most.max(cache.stats().bytes);
                        thread::yield_now();
                    }
                    most
                }
            });
            let threads: Vec<_> = (0..6_u64)
                .map(|thread| {
                    let cache = Arc::clone(&setting.cache);
                    thread::spawn(move || {
                        for round in 0..30_u64 {
                            let at = (thread * 131 + round * 71) % 900;
                            let found = cache.get_range(SST, at..at + 120).expect("an object");
                            assert_eq!(found, object(1030, 0)[at as usize..at as usize + 120]);
                            let found = cache.get_range(OTHER, at..at + 1).expect("an object");
                            assert_eq!(found, object(2000, 9)[at as usize..at as usize + 1]);
                        }
                    })
                })
                .collect();
            for thread in threads {
                thread.join().expect("right answers");
            }
            done.store(true, Ordering::SeqCst);
            let most = watching.join().expect("no panic");
            assert!(most <= bound, "{most} bytes at one moment, of {bound}{rule}");
            let stats = setting.cache.stats();
            assert!(stats.evictions > 0 && stats.parts > 0, "{stats:?}{rule}");
            let on_disk = setting.bytes_on_disk();
            assert_eq!(on_disk, stats.bytes, "bytes on disk, and {stats:?}{rule}");
        });
    }

    #[test]
    fn a_part_in_use_outlives_the_others() {
        let rule = rule("8.12", "the part that was not used for the longest time is evicted first");
        // Room for three parts and their headers.
        let setting = Setting::bounded(600);
        setting.assert_reads(0..10);
        for part in 1..10 {
            setting.assert_reads(0..10);
            setting.assert_reads(part * 100..part * 100 + 10);
        }
        let first = setting.remote.ranges().iter().filter(|range| range.start == 0).count();
        assert_eq!(first, 1, "fetches of part 0, which was read between all others{rule}");
        assert!(setting.cache.stats().evictions > 0, "{:?}{rule}", setting.cache.stats());
    }

    #[test]
    fn a_cache_too_small_for_a_part_reads_all_the_same() {
        let rule = rule("8.12", "a part that has no room is read, and not kept");
        for bound in [0, 50, 130] {
            let setting = Setting::bounded(bound);
            for _ in 0..2 {
                setting.assert_reads(0..1030);
                let stats = setting.cache.stats();
                assert!(stats.bytes <= bound && stats.evictions == 0, "{stats:?}{rule}");
            }
        }
        let setting = Setting::new();
        setting.assert_reads(0..1030);
        let Setting { folder, remote, cache } = setting;
        drop(cache);
        let cache = CachedObjectStore::open(remote, options(folder.path(), 500));
        let stats = cache.expect("a folder of parts").stats();
        assert!(
            stats.parts > 0 && stats.bytes <= 500,
            "opened with a lower bound: {stats:?}{rule}"
        );
    }

    #[test]
    fn a_write_drops_what_was_kept() {
        let rule = rule("8.12", "before an object is written or deleted, its parts are removed");
        let mut setting = Setting::new();
        for (seed, len) in [(1, 1030), (2, 90), (3, 3000)] {
            setting.assert_reads(0..setting.remote.objects.head(SST).unwrap().size);
            setting.cache.put(SST, object(len, seed)).expect("room");
            assert_eq!(setting.part_files().len(), 0, "files after a put{rule}");
            setting = setting.reopened();
            let found = setting.cache.get(SST).expect("an object");
            assert_bytes(&found, &object(len, seed), &rule);
        }
        setting.cache.delete(SST).expect("a delete");
        assert_eq!(setting.part_files().len(), 0, "files after a delete{rule}");
        for answer in [told(setting.cache.get(SST)), told(setting.cache.get_range(SST, 0..1))] {
            assert_eq!(answer, format!("{SST} does not exist"), "after a delete{rule}");
        }
        setting.cache.put_if_absent(SST, object(70, 4)).expect("it is absent");
        let found = setting.cache.get(SST).expect("an object");
        assert_bytes(&found, &object(70, 4), &rule);
        let again = setting.cache.put_if_absent(SST, object(80, 5));
        assert!(matches!(again, Err(Error::AlreadyExists { .. })), "{again:?}{rule}");
        let found = setting.cache.get(SST).expect("an object");
        assert_bytes(&found, &object(70, 4), &rule);
    }

    #[test]
    fn what_was_written_is_kept_when_it_is_read() {
        let rule = rule("8.12", "when the inner store has answered a write, parts are kept again");
        let setting = Setting::new();
        let writes: [(&str, &dyn Fn() -> Result<()>); 3] = [
            ("a put", &|| setting.cache.put(SST, object(1030, 1))),
            ("a put that found an object", &|| setting.cache.put_if_absent(SST, object(9, 2))),
            ("a delete and a put", &|| {
                setting.cache.delete(SST)?;
                setting.cache.put_if_absent(SST, object(1030, 3))
            }),
        ];
        for (what, write) in writes {
            // The second of them is refused.
            let _ = write();
            setting.assert_reads(0..1030);
            setting.remote.requests();
            setting.assert_reads(0..1030);
            setting.cache.head(SST).expect("an object");
            assert_eq!(
                setting.remote.requests(),
                0,
                "requests of a second read, after {what}{rule}"
            );
        }
    }

    #[test]
    fn other_objects_keep_their_parts_through_a_write() {
        let rule = rule("8.12", "a write drops the parts of the object that is written");
        let setting = Setting::new();
        // Beside SST in every order, and with its path at their start.
        let others = ["sst/0", "sst/00000000000000000007.sst.1", OTHER, "sst/9/7.sst"];
        for path in others {
            setting.remote.objects.put(path, object(150, 8)).expect("room");
            setting.cache.get(path).expect("an object");
        }
        setting.assert_reads(0..1030);
        setting.remote.ranges();
        setting.cache.delete(SST).expect("a delete");
        for path in others {
            let found = setting.cache.get(path).expect("an object");
            assert_bytes(&found, &object(150, 8), &rule);
        }
        assert_eq!(setting.remote.ranges(), [], "requests for {others:?}{rule}");
    }

    #[test]
    fn what_was_fetched_before_a_write_is_not_kept_after_it() {
        in_time(20, "8.12", "a fetch that began before a write leaves nothing behind", |rule| {
            let setting = Setting::new();
            // A stub fails here, and not in a thread that this one would wait for.
            setting.assert_reads(900..910);
            setting.remote.hold_answers();
            let reading = thread::spawn({
                let cache = Arc::clone(&setting.cache);
                move || cache.get_range(SST, 110..120)
            });
            // It has read the old bytes, and their arrival is held back.
            setting.remote.await_held(1);
            setting.cache.put(SST, object(1030, 77)).expect("room");
            setting.remote.open_gate();
            let answer = readable(reading.join().expect("no panic"), &rule);
            let (old, new) = (object(1030, 0), object(1030, 77));
            let is_one = answer == old[110..120] || answer == new[110..120];
            assert!(is_one, "{answer:?} is neither the old nor the new{rule}");
            setting.assert_reads(100..200);
            setting.reopened().assert_reads(100..200);
        });
    }

    #[test]
    fn an_answer_is_of_one_object_and_not_of_two() {
        in_time(20, "8.12", "an answer is what the inner store could give at one moment", |rule| {
            let setting = Setting::new();
            for hold in [Remote::hold_answers, Remote::hold_requests] {
                setting.cache.put(SST, object(1030, 0)).expect("room");
                setting.assert_reads(0..100);
                hold(&setting.remote);
                // Part 0 comes from the folder, part 1 from the inner store.
                let reading = thread::spawn({
                    let cache = Arc::clone(&setting.cache);
                    move || cache.get_range(SST, 50..150)
                });
                setting.remote.await_held(1);
                setting.cache.put(SST, object(1030, 77)).expect("room");
                setting.remote.open_gate();
                let answer = readable(reading.join().expect("no panic"), &rule);
                let (old, new) = (object(1030, 0), object(1030, 77));
                let is_one = answer == old[50..150] || answer == new[50..150];
                assert!(is_one, "the answer has bytes of both{rule}");
                setting.assert_reads(0..1030);
            }
        });
    }

    #[test]
    fn a_damaged_part_is_fetched_again() {
        let rule = rule("8.12", "a part file that is not exactly the part counts as missing");
        let mut setting = Setting::new();
        setting.assert_reads(1000..1030);
        let len = fs::metadata(&setting.part_files()[0]).expect("a part file").len();
        for at in 0..len as usize {
            for what in ["flipped", "cut off"] {
                if what == "cut off" && at % 4 != 0 {
                    continue;
                }
                setting = setting.reopened_after(|folder| {
                    alter(folder, 0, |bytes| match what {
                        "flipped" => flip(bytes, at),
                        _ => bytes.truncate(at),
                    });
                });
                setting.assert_reads(1005..1025);
                let fetched = setting.remote.ranges();
                assert!(fetched.contains(&(1000..1030)), "byte {at} was {what}{rule}");
                let failures = setting.cache.stats().failures;
                assert!(failures > 0, "a failure is counted: byte {at} was {what}{rule}");
            }
        }
        setting = setting.reopened_after(|folder| alter(folder, 0, |bytes| bytes.push(0)));
        setting.assert_reads(1005..1025);
        assert_eq!(setting.remote.ranges(), [1000..1030], "a byte was appended{rule}");
        setting.assert_reads(1005..1025);
        assert_eq!(setting.remote.ranges(), [], "it is whole again{rule}");
    }

    fn flip(bytes: &mut [u8], at: usize) {
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 0x10;
        }
    }

    /// Changes one of the part files.
    fn alter(folder: &TempFolder, number: usize, change: impl FnOnce(&mut Vec<u8>)) {
        let mut files = folder.files();
        files.retain(|file| !file.ends_with("LOCK"));
        if !files.is_empty() {
            let file = &files[number % files.len()];
            let mut bytes = fs::read(file).expect("a part file");
            change(&mut bytes);
            fs::write(file, bytes).expect("room");
        }
    }

    #[test]
    fn the_file_of_another_part_is_not_taken_for_this_one() {
        let rule = rule("8.12", "a part file says of which object it is a part, and which");
        let setting = Setting::new();
        setting.remote.objects.put(OTHER, object(1030, 99)).expect("room");
        setting.assert_reads(0..200);
        setting.cache.get_range(OTHER, 0..100).expect("an object");
        let files = setting.part_files();
        assert_eq!(files.len(), 3, "two parts of one object and one of another{rule}");
        let contents: Vec<_> = files.iter().map(|file| fs::read(file).unwrap()).collect();
        for shift in 1..3 {
            for (number, file) in files.iter().enumerate() {
                fs::write(file, &contents[(number + shift) % 3]).expect("room");
            }
            setting.assert_reads(0..200);
            let found = setting.cache.get_range(OTHER, 0..100).expect("an object");
            assert_bytes(&found, &object(1030, 99)[..100], &rule);
        }
    }

    #[test]
    fn a_kill_in_the_middle_of_a_write_leaves_nothing_that_is_read() {
        let rule = rule("8.12", "temporary files are removed at the opening; others stay");
        let setting = Setting::new();
        setting.assert_reads(0..300);
        let (temporary, others) = ([".1.tmp", ".27.tmp"], ["notes", ".tmp", ".x1.tmp", "1.tmp"]);
        let setting = setting.reopened_after(|folder| {
            for name in temporary.iter().chain(&others) {
                fs::write(folder.path().join(name), "half a part").expect("room");
            }
        });
        for name in temporary {
            assert!(!setting.folder.path().join(name).exists(), "{name} was left behind{rule}");
        }
        for name in others {
            assert!(setting.folder.path().join(name).exists(), "{name} is nobody's part{rule}");
        }
        assert_eq!(setting.cache.stats().parts, 3, "{rule}");
        setting.assert_reads(0..1030);
    }

    #[test]
    fn no_file_is_seen_half_written() {
        in_time(30, "8.12", "a part gets its name when it is whole", |rule| {
            let setting = Setting::new();
            let done = Arc::new(AtomicBool::new(false));
            let path = setting.folder.path().to_path_buf();
            let watching = thread::spawn({
                let done = Arc::clone(&done);
                move || {
                    let mut lens = BTreeSet::new();
                    while !done.load(Ordering::SeqCst) {
                        for entry in fs::read_dir(&path).into_iter().flatten().flatten() {
                            let name = entry.file_name().to_string_lossy().into_owned();
                            if name.contains('@') {
                                lens.extend(fs::metadata(entry.path()).map(|meta| meta.len()));
                            }
                        }
                    }
                    lens
                }
            });
            for _ in 0..15 {
                setting.assert_reads(0..1000);
                setting.cache.delete(OTHER).expect("a delete");
                setting.cache.put(SST, object(1030, 0)).expect("room");
            }
            done.store(true, Ordering::SeqCst);
            let lens = watching.join().expect("no panic");
            assert!(lens.len() <= 1, "part files had these lengths: {lens:?}{rule}");
        });
    }

    #[test]
    fn reads_go_on_without_the_folder() {
        let rule = rule("8.12", "a folder that is gone or useless makes no read fail");
        type Happening = (&'static str, fn(&Path));
        let happenings: [Happening; 3] = [
            ("removed", |path| fs::remove_dir_all(path).expect("a folder")),
            ("a file", |path| {
                fs::remove_dir_all(path).expect("a folder");
                fs::write(path, "in the way").expect("room");
            }),
            ("emptied", |path| {
                for entry in fs::read_dir(path).expect("a folder").flatten() {
                    fs::remove_file(entry.path()).expect("a file");
                }
            }),
        ];
        for (what, happens) in happenings {
            let setting = Setting::new();
            setting.assert_reads(0..350);
            happens(setting.folder.path());
            for _ in 0..2 {
                setting.assert_reads(0..1030);
                setting.cache.head(SST).expect("an object");
            }
            let stats = setting.cache.stats();
            assert!(stats.failures > 0, "the folder is {what}: {stats:?}{rule}");
            setting.cache.put(SST, object(500, 3)).expect("no part is left to be removed");
            setting.assert_reads(0..500);
            setting.cache.delete(SST).expect("no part is left to be removed");
            assert!(setting.cache.get(SST).is_err(), "the folder is {what}, deleted{rule}");
        }
    }

    #[test]
    fn a_part_that_cannot_be_written_is_not_counted_as_kept() {
        let rule = rule("8.12", "what could not be written takes no room, and is a failure");
        let setting = Setting::new();
        fs::remove_dir_all(setting.folder.path()).expect("a folder");
        setting.assert_reads(0..200);
        let stats = setting.cache.stats();
        assert_eq!((stats.parts, stats.bytes), (0, 0), "{stats:?}{rule}");
        assert_eq!(stats.failures, 2, "two parts could not be written: {stats:?}{rule}");
    }

    #[test]
    fn one_cache_uses_a_folder_at_a_time() {
        let rule = rule("8.12", "the folder is locked as long as the cache is open");
        let setting = Setting::new();
        setting.assert_reads(0..10);
        let open =
            || CachedObjectStore::open(setting.remote.clone(), options(setting.folder.path(), 9));
        match open() {
            Err(Error::CacheLocked { path }) => assert!(path.ends_with("LOCK"), "{path}{rule}"),
            other => panic!("a second cache in the folder: {other:?}{rule}"),
        }
        setting.assert_reads(0..200);
        setting.reopened().assert_reads(0..200);
    }

    #[test]
    fn a_part_has_a_size() {
        let rule = rule("8.12", "a part holds from 1 byte to 1 GiB");
        let setting = Setting::new();
        setting.assert_reads(0..10);
        for part_size_bytes in [0, (1 << 30) + 1, u64::MAX] {
            let folder = TempFolder::new();
            let options =
                CachedObjectStoreOptions { part_size_bytes, ..options(folder.path(), 9999) };
            let opened = CachedObjectStore::open(setting.remote.clone(), options);
            let refused = matches!(opened, Err(Error::InvalidArgument { .. }));
            assert!(refused, "parts of {part_size_bytes} bytes{rule}");
        }
        for part_size_bytes in [1, 1 << 30] {
            let folder = TempFolder::new();
            let options =
                CachedObjectStoreOptions { part_size_bytes, ..options(folder.path(), 9999) };
            let cache = CachedObjectStore::open(setting.remote.clone(), options).expect("a cache");
            let found = cache.get_range(SST, 7..27).expect("an object");
            assert_bytes(&found, &object(1030, 0)[7..27], &rule);
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Put(usize, usize, u8),
        PutIfAbsent(usize, usize, u8),
        Delete(usize),
        Get(usize),
        Range(usize, u64, u64),
        Head(usize),
        List,
        Reopen,
        /// Opens it with another part size and another bound.
        Resize(u64, u64),
        Flip(usize, usize),
        Cut(usize, usize),
        Remove(usize),
        /// Gives a part file the content of another.
        Swap(usize, usize),
        Litter,
    }

    fn step() -> BoxedStrategy<Step> {
        let written = || (0..3_usize, 0..90_usize, any::<u8>());
        prop_oneof![
            2 => written().prop_map(|(path, len, seed)| Step::Put(path, len, seed)),
            2 => written().prop_map(|(path, len, seed)| Step::PutIfAbsent(path, len, seed)),
            1 => (0..3_usize).prop_map(Step::Delete),
            3 => (0..3_usize).prop_map(Step::Get),
            8 => (0..3_usize, 0..90_u64, 0..50_u64).prop_map(|(p, at, len)| Step::Range(p, at, len)),
            2 => (0..3_usize).prop_map(Step::Head),
            1 => Just(Step::List),
            1 => Just(Step::Reopen),
            1 => (1..40_u64, 0..900_u64).prop_map(|(part, bound)| Step::Resize(part, bound)),
            1 => (0..9_usize, 0..150_usize).prop_map(|(file, at)| Step::Flip(file, at)),
            1 => (0..9_usize, 0..150_usize).prop_map(|(file, at)| Step::Cut(file, at)),
            1 => (0..9_usize).prop_map(Step::Remove),
            1 => (0..9_usize, 0..9_usize).prop_map(|(file, other)| Step::Swap(file, other)),
            1 => Just(Step::Litter),
        ]
        .boxed()
    }

    const PATHS: [&str; 3] = [SST, OTHER, "manifest/1.manifest"];

    fn damage(folder: &TempFolder, step: &Step) {
        match *step {
            Step::Flip(file, at) => alter(folder, file, |bytes| flip(bytes, at)),
            Step::Cut(file, at) => alter(folder, file, |bytes| bytes.truncate(at)),
            Step::Remove(file) => {
                let files = folder.files();
                let file = &files[file % files.len()];
                if !file.ends_with("LOCK") {
                    fs::remove_file(file).expect("a file");
                }
            }
            Step::Swap(file, other) => {
                let files = folder.files();
                let content = fs::read(&files[other % files.len()]).expect("a file");
                alter(folder, file, |bytes| *bytes = content);
            }
            Step::Litter => fs::write(folder.path().join(".3.tmp"), "half").expect("room"),
            _ => {}
        }
    }

    proptest! {
        #![proptest_config(config(60))]

        #[test]
        fn whatever_happens_it_answers_as_the_inner_store_does(
            part_size_bytes in 1..40_u64,
            max_cache_size_bytes in prop_oneof![Just(1_u64 << 20), 0..900_u64],
            steps in vec(step(), 1..40),
        ) {
            let rule = rule("8.12", "the cache answers what the inner store would answer");
            let (folder, remote) = (TempFolder::new(), Arc::new(Remote::default()));
            let root_folder = folder.path().to_path_buf();
            let mut options =
                CachedObjectStoreOptions { root_folder, part_size_bytes, max_cache_size_bytes };
            let open = |options: &CachedObjectStoreOptions| {
                CachedObjectStore::open(remote.clone(), options.clone()).expect("a folder")
            };
            let mut cache = Some(open(&options));
            let model = &remote.objects;
            for step in &steps {
                let store = cache.as_ref().expect("an open cache");
                match *step {
                    Step::Put(path, len, seed) => store.put(PATHS[path], object(len, seed)).expect("room"),
                    Step::PutIfAbsent(path, len, seed) => {
                        let absent = model.head(PATHS[path]).is_err();
                        let found = store.put_if_absent(PATHS[path], object(len, seed));
                        prop_assert_eq!(found.is_ok(), absent, "{:?}{}", found, rule);
                    }
                    Step::Delete(path) => store.delete(PATHS[path]).expect("a delete"),
                    Step::Get(path) => {
                        let (found, expected) = (store.get(PATHS[path]), model.get(PATHS[path]));
                        assert_same(found, expected, &format!("{step:?}{rule}"));
                    }
                    Step::Range(path, at, len) => {
                        let found = store.get_range(PATHS[path], at..at + len);
                        let expected = model.get_range(PATHS[path], at..at + len);
                        assert_same(found, expected, &format!("{step:?}{rule}"));
                    }
                    Step::Head(path) => {
                        let (found, expected) = (store.head(PATHS[path]), model.head(PATHS[path]));
                        prop_assert_eq!(told(found), told(expected), "{:?}{}", step, rule);
                    }
                    Step::List => {
                        let (found, expected) = (store.list(""), model.list(""));
                        prop_assert_eq!(told(found), told(expected), "{:?}{}", step, rule);
                    }
                    Step::Reopen | Step::Resize(..) => {
                        if let Step::Resize(part, bound) = *step {
                            options.part_size_bytes = part;
                            options.max_cache_size_bytes = bound;
                        }
                        drop(cache.take());
                        cache = Some(open(&options));
                    }
                    _ => damage(&folder, step),
                }
                let held = cache.as_ref().map_or(0, |cache| cache.stats().bytes);
                let bound = options.max_cache_size_bytes;
                prop_assert!(held <= bound, "{} bytes of {} are held{}", held, bound, rule);
            }
            // On the stubs it stops here at the latest.
            let store = cache.as_ref().expect("an open cache");
            for path in PATHS {
                assert_same(store.get(path), model.get(path), &format!("{path}{rule}"));
            }
        }
    }
}
