//! How the tests in `tests/` explore schedules.

use std::env;

use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler, Scheduler};
use shuttle::{Config, MaxSteps, Runner};

/// The same histories and the same question as in the engine's own test.
#[path = "../../tinydb/tests/threads/mod.rs"]
#[expect(missing_docs, reason = "they are a test's")]
pub mod threads;

/// How many changes of thread the second half of the schedules has at places of its choice.
const DEPTH: usize = 3;

/// Runs `test` in so many schedules, times `TINYDB_SCHEDULES`: half of them change thread anywhere,
/// half of them seldom (Burckhardt and others, *A randomized scheduler with probabilistic guarantees
/// of finding bugs*, 2010). Each time others: a failure prints its schedule, and `TINYDB_SCHEDULE=...`
/// runs that one again.
///
/// A deadlock fails, and so does a run without an end.
pub fn explore(schedules: usize, test: fn()) {
    if let Ok(schedule) = env::var("TINYDB_SCHEDULE") {
        // It is printed in several lines.
        let schedule: String = schedule.split_whitespace().collect();
        run(ReplayScheduler::new_from_encoded(&schedule), test);
        return;
    }
    let times = env::var("TINYDB_SCHEDULES").map_or(1, |times| times.parse().expect("a number"));
    run(RandomScheduler::new(schedules * times / 2), test);
    run(PctScheduler::new(DEPTH, schedules * times / 2), test);
}

fn run(scheduler: impl Scheduler + 'static, test: fn()) {
    let mut config = Config::new();
    config.stack_size = 1 << 20;
    config.max_steps = MaxSteps::FailAfter(3_000_000);
    config.silence_warnings = true;
    Runner::new(scheduler, config).run(test);
}
