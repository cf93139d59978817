//! Is there an order of the calls that explains the answers?
//!
//! A history is *linearizable* if each call can be given one moment, between its beginning and its
//! end, so that a map which makes the calls one after the other, in the order of their moments, gives
//! the same answers. The moments of a batch, a scan and a snapshot are one each, so this one question
//! asks for atomic batches and stable snapshots too; and as a thread's own calls follow each other,
//! that no read goes back.
//!
//! The search is Wing and Gong's (*Testing and verifying concurrent objects*, 1993) with Lowe's memory
//! of what was tried. Each thread's calls are in order, so what has been made is one number a thread.

use std::collections::HashSet;
use std::fmt::Write;

use super::history::{Event, History, Map};

/// How far the threads are, and what is there then.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Moment {
    made: Vec<usize>,
    map: Map,
}

/// Finds an order. Returns how many moments it has looked at; or, if there is no order, what the
/// longest attempt could not explain.
pub fn find_order(history: &History) -> Result<usize, String> {
    let start = Moment { made: vec![0; history.len()], map: Map::default() };
    let (mut seen, mut open) = (HashSet::new(), vec![start.clone()]);
    let mut longest = start;
    while let Some(moment) = open.pop() {
        if seen.contains(&moment) {
            continue;
        }
        if moment.next_calls(history).next().is_none() {
            return Ok(seen.len());
        }
        open.extend(moment.successors(history));
        if moment.length() > longest.length() {
            longest = moment.clone();
        }
        seen.insert(moment);
    }
    Err(longest.explain(history))
}

impl Moment {
    fn length(&self) -> usize {
        self.made.iter().sum()
    }

    /// The next call of each thread that has one.
    fn next_calls<'a>(&self, history: &'a History) -> impl Iterator<Item = (usize, &'a Event)> {
        let next = |(thread, events): (usize, &'a Vec<Event>)| {
            events.get(self.made[thread]).map(|event| (thread, event))
        };
        history.iter().enumerate().filter_map(next)
    }

    /// The moments that can be the next: one more call was made, which began before any of those
    /// that were not made had ended.
    fn successors(&self, history: &History) -> Vec<Self> {
        let first_end = self.next_calls(history).map(|(_, event)| event.returned).min();
        let may_be_next = |event: &Event| first_end.is_some_and(|end| event.called < end);
        let mut successors = Vec::new();
        for (thread, event) in self.next_calls(history).filter(|(_, event)| may_be_next(event)) {
            let Some(map) = event.call.apply(&self.map) else { continue };
            let mut made = self.made.clone();
            made[thread] += 1;
            let next = Self { made, map };
            if event.call.is_read() {
                // It changes nothing: if there is an order, there is one with this call here.
                return vec![next];
            }
            successors.push(next);
        }
        successors
    }

    /// The calls around the place where no order goes on.
    fn explain(&self, history: &History) -> String {
        let mut text =
            format!("no order explains it. After {} calls: {:?}\n", self.length(), self.map);
        for (thread, event) in self.next_calls(history) {
            let Event { call, called, returned } = event;
            let _ = writeln!(text, "  next of thread {thread}: [{called}, {returned}] {call:?}");
        }
        let _ = writeln!(text, "the calls before these:");
        for (thread, events) in history.iter().enumerate() {
            let before = &events[self.made[thread].saturating_sub(4)..self.made[thread]];
            for Event { call, called, returned } in before {
                let _ = writeln!(text, "  thread {thread}: [{called}, {returned}] {call:?}");
            }
        }
        text
    }
}
