//! Every moment at which a crash can come, and what it may leave then.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use tinydb::merge::ConcatMergeOperator;
use tinydb::{Db, Settings};

use crate::disk::{Disk, Effect, Layout, Names, Tail};
use crate::faulty_store::Random;
use crate::machine::{Event, Machine};
use crate::promise::{Crash, Promise};
use crate::workload::{Pace, Plan, contents_of, recover};

/// How many of the crash points are tried.
#[derive(Debug, Clone, Copy)]
pub struct Density {
    /// One of so many.
    pub one_of: u64,
    /// Of those that tear an append, one of so many.
    pub torn_one_of: u64,
    /// In one of so many that are tried, the database is used afterwards; and the crash comes again
    /// meanwhile, at every moment.
    pub again: u64,
    /// Of directories, one of so many is also made of real files.
    pub real: u64,
}

/// What was tried.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    pub moments: u64,
    pub kills: u64,
    pub power_cuts: u64,
    /// With an append that was cut short, at some byte.
    pub torn: u64,
    /// With changes that were under way.
    pub under_way: u64,
    /// During or after a recovery.
    pub again: u64,
    /// On a directory of real files.
    pub real: u64,
    /// Where something could have been lost, and was not promised.
    pub unpromised: u64,
}

impl Tally {
    pub fn points(&self) -> u64 {
        self.kills + self.power_cuts
    }

    pub fn add(&mut self, other: Self) {
        self.moments += other.moments;
        self.kills += other.kills;
        self.power_cuts += other.power_cuts;
        self.torn += other.torn;
        self.under_way += other.under_way;
        self.again += other.again;
        self.real += other.real;
        self.unpromised += other.unpromised;
    }
}

/// One crash.
#[derive(Debug)]
struct Point {
    crash: Crash,
    disk: Disk,
    /// What arrives at an object store after the crash, and after how many calls.
    late: Vec<(usize, Effect)>,
    is_torn: bool,
    /// In words.
    what: String,
}

impl Point {
    fn new(crash: Crash, disk: Disk, what: impl Into<String>) -> Self {
        Self { crash, disk, late: Vec::new(), is_torn: false, what: what.into() }
    }

    fn torn(self) -> Self {
        Self { is_torn: true, ..self }
    }
}

/// Says where it was, if a check fails.
struct Where<'a> {
    plan: Plan,
    journal: &'a [Event],
    moment: usize,
    point: &'a Point,
}

impl Drop for Where<'_> {
    fn drop(&mut self) {
        let Self { plan, journal, moment, point } = self;
        if !thread::panicking() {
            return;
        }
        eprintln!("\n{plan:?}, what came before the crash:");
        for event in &journal[moment.saturating_sub(30)..*moment] {
            match event {
                Event::Effect { effect, .. } => eprintln!("  {effect:?}"),
                Event::Promise(promise) => eprintln!("  {promise}"),
            }
        }
        eprintln!("crash behind event {moment}: {}", point.what);
        eprintln!(
            "again: TINYDB_CRASH_SEED={} cargo test --release -p tinydb --test crash_points",
            plan.seed
        );
        if plan.pace != Pace::Stepped {
            let folder = tempfile::tempdir().expect("a temporary folder").keep();
            write_files(&point.disk, &folder);
            eprintln!("the disk, as files: {}", folder.display());
        }
    }
}

/// Tries the crash points of a journal.
pub fn try_all(plan: Plan, journal: &[Event], density: Density) -> Tally {
    let mut tries = Tries {
        plan,
        settings: Settings {
            compactor_options: None,
            garbage_collector_options: None,
            ..plan.settings()
        },
        random: Random::new(plan.seed),
        density,
        tally: Tally::default(),
    };
    tries.journal(Disk::new(plan.layout), Promise::new(), journal, true);
    tries.tally
}

struct Tries {
    plan: Plan,
    settings: Settings,
    random: Random,
    density: Density,
    tally: Tally,
}

impl Tries {
    /// `disk` is what was there before, and `promise` what was promised.
    fn journal(&mut self, mut disk: Disk, mut promise: Promise, journal: &[Event], is_first: bool) {
        for moment in 0..=journal.len() {
            self.tally.moments += 1;
            for point in self.points_at(&disk, journal, moment) {
                let Density { one_of, torn_one_of, .. } = self.density;
                if self.random.below(if point.is_torn { torn_one_of } else { one_of }) == 0 {
                    let context = Where { plan: self.plan, journal, moment, point: &point };
                    self.try_one(&point, &promise, is_first);
                    drop(context);
                }
            }
            match journal.get(moment) {
                Some(Event::Effect { effect, .. }) => disk.apply(effect),
                Some(Event::Promise(next)) => promise = next.clone(),
                None => {}
            }
        }
    }

    fn try_one(&mut self, point: &Point, promise: &Promise, is_first: bool) {
        self.count(point, promise, is_first);
        let again = is_first && self.random.below(self.density.again) == 0;
        if point.disk.layout() == Layout::Directory && self.random.below(self.density.real) == 0 {
            self.tally.real += 1;
            on_real_files(&point.disk, &self.settings, promise.clone(), point.crash);
        }
        let machine = Machine::new(point.disk.clone());
        machine.expect_late(point.late.clone());
        recover(&machine, &self.settings, &mut promise.clone(), point.crash, again);
        if again {
            let mut promise = promise.clone();
            promise.after(point.crash);
            self.journal(point.disk.clone(), promise, &machine.journal(), false);
        }
    }

    fn count(&mut self, point: &Point, promise: &Promise, is_first: bool) {
        let Tally { kills, power_cuts, torn, under_way, again, unpromised, .. } = &mut self.tally;
        match point.crash {
            Crash::Kill => *kills += 1,
            Crash::PowerCut => *power_cuts += 1,
        }
        *torn += u64::from(point.is_torn);
        *under_way += u64::from(!point.late.is_empty() || point.what.contains("under way"));
        *again += u64::from(!is_first);
        *unpromised += u64::from(promise.may_be_lost(point.crash) > 0);
    }

    fn points_at(&mut self, disk: &Disk, journal: &[Event], moment: usize) -> Vec<Point> {
        let under_way = under_way(journal, moment);
        match disk.layout() {
            Layout::Directory => self.in_a_directory(disk, journal, moment, &under_way),
            Layout::ObjectStore => self.on_an_object_store(disk, &under_way),
        }
    }

    /// A kill; power cuts with names and bytes that were not synced lost, kept, and torn.
    fn in_a_directory(
        &mut self,
        disk: &Disk,
        journal: &[Event],
        moment: usize,
        under_way: &[&Effect],
    ) -> Vec<Point> {
        let mut points = vec![Point::new(Crash::Kill, disk.clone(), "a kill")];
        let cut = |names, tail| {
            let what = format!("a power cut, names {names:?}, bytes {tail:?}");
            let point = Point::new(Crash::PowerCut, disk.after_power_cut(names, tail), what);
            if matches!(tail, Tail::Torn { .. }) { point.torn() } else { point }
        };
        points.push(cut(Names::Lost, Tail::Lost));
        points.push(cut(Names::Kept, Tail::Kept));
        points.push(cut(Names::Some(self.random.below(1 << 32)), Tail::Lost));
        let unsynced = disk.unsynced_bytes();
        if unsynced > 0 {
            let kept = self.random.below(unsynced as u64) as usize;
            points.push(cut(
                Names::Some(kept as u64),
                Tail::Torn { kept, zeros: kept.is_multiple_of(2) },
            ));
        }
        // Behind an append, each of its bytes may be the first that is lost.
        if let Some(Event::Effect { effect, .. }) = moment.checked_sub(1).map(|last| &journal[last])
        {
            for lost in 1..=effect.appended().min(unsynced) {
                let kept = unsynced - lost;
                points.push(cut(Names::Kept, Tail::Torn { kept, zeros: false }));
                points.push(cut(Names::Lost, Tail::Torn { kept, zeros: true }));
            }
        }
        // A kill in the middle of an append leaves its first bytes.
        for effect in under_way {
            for len in 1..effect.appended() {
                let mut torn = disk.clone();
                effect.torn(len).iter().for_each(|effect| torn.apply(effect));
                let what = format!("a kill, {len} bytes of an append written");
                points.push(Point::new(Crash::Kill, torn, what).torn());
            }
            let mut done = disk.clone();
            done.apply(effect);
            points.push(Point::new(Crash::Kill, done, format!("a kill, under way: {effect:?}")));
        }
        points
    }

    /// What was under way is not carried out, at once, or when the next process is at work.
    fn on_an_object_store(&mut self, disk: &Disk, under_way: &[&Effect]) -> Vec<Point> {
        let gone = |disk: &Disk, what| Point::new(Crash::PowerCut, disk.clone(), what);
        let mut points = vec![gone(disk, "the machine is gone".to_owned())];
        for &effect in under_way {
            let mut done = disk.clone();
            done.apply(effect);
            points.push(gone(&done, format!("the machine is gone, under way: {effect:?}")));
            for first in [1, 6, 11, 16] {
                let calls = first + self.random.below(5) as usize;
                let what = format!("the machine is gone, {effect:?} comes with call {calls}");
                points.push(Point { late: vec![(calls, effect.clone())], ..gone(disk, what) });
            }
        }
        if under_way.len() > 1 {
            // In another order, and some never.
            let mut late: Vec<_> = under_way
                .iter()
                .map(|&effect| (self.random.below(20) as usize, effect.clone()))
                .collect();
            late.retain(|(calls, _)| *calls > 0);
            let what = format!("the machine is gone, late: {late:?}");
            points.push(Point { late, ..gone(disk, what) });
        }
        points
    }
}

/// The changes that were asked for before this moment and are carried out later, the first of each
/// thread; and the next one: it may have been asked for since.
fn under_way(journal: &[Event], moment: usize) -> Vec<&Effect> {
    let later = journal[moment.min(journal.len())..].iter().zip(moment..);
    let is_under_way = |(event, number): (&'_ Event, usize)| match event {
        Event::Effect { asked, .. } => *asked <= moment && (number == moment || *asked < moment),
        Event::Promise(_) => false,
    };
    let found = later.take(40).filter(|&(event, number)| is_under_way((event, number)));
    found
        .filter_map(|(event, _)| match event {
            Event::Effect { effect, .. } => Some(effect),
            Event::Promise(_) => None,
        })
        .take(4)
        .collect()
}

/// The same on real files, with a temporary one that was being written.
fn on_real_files(disk: &Disk, settings: &Settings, mut promise: Promise, crash: Crash) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_files(disk, folder.path());
    fs::create_dir_all(folder.path().join("sst")).expect("a folder");
    fs::write(folder.path().join("sst/.1-1.tmp"), "half an SST").expect("a file");
    let operator = Arc::new(ConcatMergeOperator::new());
    let db = Db::builder(folder.path()).with_settings(settings.clone());
    let db = db.with_merge_operator(operator).build();
    let db = db.unwrap_or_else(|error| panic!("on real files: {error}"));
    promise.hold_to(&contents_of(&db).expect("a scan"), crash);
}

fn write_files(disk: &Disk, folder: &Path) {
    for (path, contents) in disk.all() {
        let place = folder.join(path);
        fs::create_dir_all(place.parent().expect("a folder")).expect("a folder");
        fs::write(&place, contents).expect("a file");
    }
}
