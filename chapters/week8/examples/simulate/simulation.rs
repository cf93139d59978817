//! A database without bytes: keys in SSTs and runs, a clock, and a scheduler.

use std::collections::HashMap;

use week8::compaction::{
    CompactionScheduler, CompactionSource, CompactionSpec, Levels, SizeTieredCompactionScheduler,
    SourceId, full_compaction,
};

use super::name;
use super::options::{Options, Scheduler, Workload};
use super::workload::{Row, Seen, Writes, newest};

/// Never compacts.
#[derive(Debug)]
struct Nothing;

impl CompactionScheduler for Nothing {
    fn propose(&self, _levels: &Levels, _running: &[CompactionSpec]) -> Option<CompactionSpec> {
        None
    }
}

/// Merges everything, as soon as level 0 has enough SSTs.
#[derive(Debug)]
struct All {
    min_l0: usize,
}

impl CompactionScheduler for All {
    fn propose(&self, levels: &Levels, running: &[CompactionSpec]) -> Option<CompactionSpec> {
        let due = levels.l0.len() >= self.min_l0 && running.is_empty();
        full_compaction(levels).filter(|_| due)
    }
}

fn scheduler(options: &Options) -> Result<Box<dyn CompactionScheduler>, String> {
    Ok(match options.scheduler {
        Scheduler::Tiered => {
            let scheduler = SizeTieredCompactionScheduler::new(options.sizes);
            Box::new(scheduler.map_err(|error| error.to_string())?)
        }
        Scheduler::All => Box::new(All { min_l0: options.sizes.min_compaction_sources }),
        Scheduler::Nothing => Box::new(Nothing),
    })
}

/// A moment of the simulation.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The clock: it takes the user 1 to fill a memtable.
    pub time: f64,
    /// Whether an SST was flushed at this moment; otherwise a compaction ended.
    pub after_flush: bool,
    /// How many SSTs were flushed so far.
    pub flushes: u64,
    /// The SSTs and runs.
    pub levels: Levels,
    /// How long writers waited so far.
    pub stalled: f64,
    /// How many rows the user wrote so far.
    pub user_rows: u64,
    /// How many rows were written to files so far.
    pub file_rows: u64,
    /// How many rows are in files, those of unfinished compactions included.
    pub stored_rows: f64,
    /// How many keys have a value.
    pub live_rows: u64,
}

// ANCHOR: amplification
impl Sample {
    /// Rows written to files since the beginning, for each row that the user wrote.
    pub fn write_amplification(&self) -> f64 {
        self.file_rows as f64 / self.user_rows.max(1) as f64
    }

    /// The places in which a key that isn't there is looked for.
    pub fn read_amplification(&self) -> usize {
        self.levels.l0.len() + self.levels.sorted_runs.len()
    }

    /// Rows in files now, for each key that has a value now.
    pub fn space_amplification(&self) -> f64 {
        self.stored_rows / self.live_rows.max(1) as f64
    }
}
// ANCHOR_END: amplification

impl Sample {
    /// The share of the time in which writers waited.
    pub fn stalled_share(&self) -> f64 {
        if self.time > 0.0 { self.stalled / self.time } else { 0.0 }
    }
}

/// What a simulation came to.
#[derive(Debug)]
pub struct Outcome {
    /// Its moments, one at least.
    pub samples: Vec<Sample>,
    /// How many compactions of level 0 ended.
    pub l0_compactions: u64,
    /// How many others ended.
    pub run_compactions: u64,
    /// When writers waited: from, to.
    pub stalls: Vec<(f64, f64)>,
}

impl Outcome {
    /// The last moment.
    pub fn last(&self) -> &Sample {
        self.samples.last().expect("a simulation has a flush at least")
    }

    /// The average over time.
    pub fn mean(&self, value: impl Fn(&Sample) -> f64) -> f64 {
        let (mut sum, mut time) = (0.0, 0.0);
        for pair in self.samples.windows(2) {
            let lasts = pair[1].time - pair[0].time;
            sum += value(&pair[0]) * lasts;
            time += lasts;
        }
        if time > 0.0 { sum / time } else { value(self.last()) }
    }
}

/// A compaction that goes on.
struct Job {
    spec: CompactionSpec,
    output: Vec<Row>,
    start: f64,
    end: f64,
}

impl Job {
    /// How many rows it has written by now, on average.
    fn written(&self, now: f64) -> f64 {
        let lasts = self.end - self.start;
        if lasts > 0.0 { self.output.len() as f64 * (now - self.start) / lasts } else { 0.0 }
    }
}

struct Simulation<'a> {
    options: &'a Options,
    scheduler: Box<dyn CompactionScheduler>,
    writes: Writes,
    levels: Levels,
    /// What each SST and run holds.
    rows: HashMap<SourceId, Vec<Row>>,
    /// Whether each key has a value.
    live: Vec<bool>,
    seen: Seen,
    jobs: Vec<Job>,
    /// The last moment, to be changed into the next.
    now: Sample,
    outcome: Outcome,
}

/// Simulates. An error says what went wrong, or what the scheduler did wrong.
pub fn simulate(options: &Options) -> Result<Outcome, String> {
    simulate_with(options, scheduler(options)?)
}

/// Simulates another scheduler than the one in the options.
pub fn simulate_with(
    options: &Options,
    scheduler: Box<dyn CompactionScheduler>,
) -> Result<Outcome, String> {
    let writes = options.flushes * options.rows;
    let keys = match options.workload {
        Workload::Ascending => writes,
        Workload::Uniform | Workload::Skewed => options.keys,
    } as usize;
    let mut simulation = Simulation {
        options,
        scheduler,
        writes: Writes::new(options),
        levels: Levels::default(),
        rows: HashMap::new(),
        live: vec![false; keys],
        seen: Seen::new(keys),
        jobs: Vec::new(),
        now: Sample {
            time: 0.0,
            after_flush: false,
            flushes: 0,
            levels: Levels::default(),
            stalled: 0.0,
            user_rows: 0,
            file_rows: 0,
            stored_rows: 0.0,
            live_rows: 0,
        },
        outcome: Outcome {
            samples: Vec::new(),
            l0_compactions: 0,
            run_compactions: 0,
            stalls: Vec::new(),
        },
    };
    for _ in 0..options.flushes {
        simulation.fill_mem_table()?;
        simulation.wait_for_room()?;
        simulation.flush();
        simulation.start_compactions()?;
    }
    simulation.check_reads()?;
    Ok(simulation.outcome)
}

impl Simulation<'_> {
    /// The user writes for a while; compactions that end meanwhile are finished.
    fn fill_mem_table(&mut self) -> Result<(), String> {
        let full = self.now.time + 1.0;
        while let Some(job) = self.take_job(full) {
            self.finish(job)?;
        }
        self.now.time = full;
        Ok(())
    }

    /// The user waits while level 0 is full.
    fn wait_for_room(&mut self) -> Result<(), String> {
        let since = self.now.time;
        while self.levels.l0.len() >= self.options.l0_max {
            let Some(job) = self.take_job(f64::INFINITY) else {
                return Err(format!(
                    "after {} flushes, level 0 has {} SSTs and writers wait, but no compaction is \
                     running or proposed. Lower --min-sources, or raise --l0-max",
                    self.now.flushes,
                    self.levels.l0.len()
                ));
            };
            // Compactions that end now have been waited for, and those they lead to not yet.
            self.now.stalled += job.end - self.now.time;
            self.finish(job)?;
        }
        if self.now.time > since {
            self.outcome.stalls.push((since, self.now.time));
        }
        Ok(())
    }

    /// The memtable becomes an SST: the newest row of each key.
    fn flush(&mut self) {
        let mut written: Vec<_> = (0..self.options.rows).map(|_| self.writes.next()).collect();
        written.reverse();
        let rows = newest(written.into_iter(), &mut self.seen);
        for row in &rows {
            let was_live = std::mem::replace(&mut self.live[row.key as usize], !row.tombstone);
            self.now.live_rows += u64::from(!row.tombstone);
            self.now.live_rows -= u64::from(was_live);
        }
        let source =
            CompactionSource { id: SourceId::L0(self.now.flushes), size: rows.len() as u64 };
        self.levels.l0.insert(0, source);
        self.now.flushes += 1;
        self.now.user_rows += self.options.rows;
        self.now.file_rows += source.size;
        self.rows.insert(source.id, rows);
        self.sample(true);
    }

    /// As many compactions as the scheduler wants, and as there are workers for.
    fn start_compactions(&mut self) -> Result<(), String> {
        while self.jobs.len() < self.options.workers {
            let running: Vec<_> = self.jobs.iter().map(|job| job.spec.clone()).collect();
            let Some(spec) = self.scheduler.propose(&self.levels, &running) else {
                return Ok(());
            };
            self.check(&spec)?;
            self.start(spec);
        }
        Ok(())
    }

    /// The simulator believes no scheduler.
    fn check(&self, spec: &CompactionSpec) -> Result<(), String> {
        let sources: Vec<_> = spec.sources.iter().map(|&id| name(id)).collect();
        let proposal = format!("{} into run {}", sources.join(", "), spec.destination);
        let refused = |why: &str| Err(format!("the scheduler proposed {proposal}: {why}"));
        if let Err(error) = spec.validate(&self.levels) {
            return refused(&error.to_string());
        }
        let written = SourceId::SortedRun(spec.destination);
        let taken = |id: &SourceId| {
            self.jobs.iter().any(|job| {
                job.spec.sources.contains(id) || SourceId::SortedRun(job.spec.destination) == *id
            })
        };
        match spec.sources.iter().chain([&written]).find(|id| taken(id)) {
            Some(&id) => refused(&format!("a running compaction uses {}", name(id))),
            None => Ok(()),
        }
    }

    fn start(&mut self, spec: CompactionSpec) {
        // Nothing is older than the last source, so tombstones have nothing left to hide.
        let last = self.levels.newest_first().last().map(|source| source.id);
        let drop_tombstones = spec.sources.last().copied() == last;
        let sources = spec.sources.iter().filter_map(|id| self.rows.get(id));
        let mut output = newest(sources.flatten().copied(), &mut self.seen);
        output.retain(|row| !(drop_tombstones && row.tombstone));

        let read = self.levels.size_of(&spec.sources) as f64;
        let start = self.now.time;
        let end = start + read / self.options.speed / self.options.rows as f64;
        self.jobs.push(Job { spec, output, start, end });
    }

    /// The job that ends next, if it ends by then.
    fn take_job(&mut self, by: f64) -> Option<Job> {
        let ends = self.jobs.iter().map(|job| job.end).enumerate();
        let (next, end) = ends.min_by(|(_, a), (_, b)| a.total_cmp(b))?;
        (end <= by).then(|| self.jobs.swap_remove(next))
    }

    fn finish(&mut self, job: Job) -> Result<(), String> {
        let Job { spec, output, end, .. } = job;
        self.now.time = end;
        let size = output.len() as u64;
        self.levels = self.levels.apply(&spec, size);
        for source in &spec.sources {
            self.rows.remove(source);
        }
        self.rows.insert(SourceId::SortedRun(spec.destination), output);
        self.now.file_rows += size;
        match spec.sources.first() {
            Some(SourceId::L0(_)) => self.outcome.l0_compactions += 1,
            _ => self.outcome.run_compactions += 1,
        }
        self.sample(false);
        self.start_compactions()
    }

    fn sample(&mut self, after_flush: bool) {
        let stored: u64 = self.levels.newest_first().map(|source| source.size).sum();
        let unfinished: f64 = self.jobs.iter().map(|job| job.written(self.now.time)).sum();
        self.now.stored_rows = stored as f64 + unfinished;
        self.now.after_flush = after_flush;
        self.now.levels = self.levels.clone();
        self.outcome.samples.push(self.now.clone());
    }

    /// Reads every key, newest source first: compactions must not have changed what is found.
    fn check_reads(&mut self) -> Result<(), String> {
        let sources = self.levels.newest_first().filter_map(|source| self.rows.get(&source.id));
        let mut found = vec![false; self.live.len()];
        for row in newest(sources.flatten().copied(), &mut self.seen) {
            found[row.key as usize] = !row.tombstone;
        }
        let wrong = found.iter().zip(&self.live).filter(|(found, live)| found != live).count();
        match wrong {
            0 => Ok(()),
            wrong => Err(format!("{wrong} keys are lost, or deleted and there all the same")),
        }
    }
}
