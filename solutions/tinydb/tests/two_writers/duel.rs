//! Machines that take one database from each other, again and again, over a bad network.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tinydb::object_store::ObjectStore;
use tinydb::{Db, DbBuilder, Error, Settings};

use crate::faulty_store::{FaultyStore, Random};

/// How long a duel is.
#[derive(Debug, Clone, Copy)]
pub struct Rounds {
    /// How often each machine opens the database.
    pub openings: u32,
    /// The most writes it makes before it opens it anew.
    pub writes: u64,
}

/// How many keys each machine writes.
const KEYS: u64 = 8;
/// A key that all of them write.
const SHARED: &str = "shared";

/// What was written: of each key, the value that was durable last, and the last that was tried.
///
/// The values of a key ascend. Those of [`SHARED`] begin with the writer's epoch, so they ascend too: a
/// writer that was fenced has made nothing durable behind its successor's first write.
#[derive(Debug, Default)]
struct Ledger {
    durable: BTreeMap<String, String>,
    tried: BTreeMap<String, String>,
}

impl Ledger {
    /// Checks that `db` has, of every key, a value that is no older than the durable one in `self`.
    fn check(&self, db: &Db, who: &str) -> Result<(), Error> {
        for (key, durable) in &self.durable {
            let found = db.get(key)?.map(|value| String::from_utf8_lossy(&value).into_owned());
            assert!(
                found.as_ref() >= Some(durable),
                "{who}: {durable:?} was durable for {key:?}, and {found:?} is there"
            );
        }
        Ok(())
    }

    fn note(values: &mut BTreeMap<String, String>, key: &str, value: &str) {
        let newest = values.entry(key.to_owned()).or_default();
        if newest.as_str() < value {
            value.clone_into(newest);
        }
    }
}

/// Small memtables, so that there are many flushes and compactions, and a WAL that is put often.
pub fn builder(store: Arc<dyn ObjectStore>) -> DbBuilder {
    let settings = Settings {
        l0_sst_size_bytes: 2 << 10,
        max_unflushed_bytes: 16 << 10,
        flush_interval: Some(Duration::from_millis(2)),
        ..Settings::default()
    };
    DbBuilder::on_object_store(store).with_settings(settings)
}

/// Two machines fight for the database on `store`. In the end it must have everything that either of
/// them was told is durable, and so must every opening in between.
pub fn fight(store: &Arc<dyn ObjectStore>, seed: u64, rounds: Rounds) {
    let ledger = Mutex::new(Ledger::default());
    let fences = AtomicUsize::new(0);
    thread::scope(|scope| {
        for machine in 0..2 {
            let (ledger, fences, store) = (&ledger, &fences, Arc::clone(store));
            scope.spawn(move || {
                let random = Random::new(seed.wrapping_mul(2).wrapping_add(machine));
                let network = Arc::new(FaultyStore::new(store, seed << 8 | machine));
                let mut machine = Machine { number: machine, network, random, ledger, counter: 0 };
                for _ in 0..rounds.openings {
                    if let Err(error) = machine.open_and_write(rounds.writes) {
                        assert!(
                            !is_damage(&error),
                            "seed {seed}, machine {}: {error}",
                            machine.number
                        );
                        fences.fetch_add(usize::from(is_fence(&error)), Ordering::Relaxed);
                    }
                }
                machine.network.end_faults();
            });
        }
    });
    let ledger = ledger.into_inner().expect("no panic");
    let db = builder(Arc::clone(store)).build().expect("the network is well again");
    ledger.check(&db, &format!("seed {seed}, at the end")).expect("no fault any more");
    for (key, tried) in &ledger.tried {
        let found = db.get(key).expect("a get").unwrap_or_default();
        assert!(
            &found[..] <= tried.as_bytes(),
            "seed {seed}: {found:?} is there for {key:?}, and {tried:?} was tried last"
        );
    }
    let durable = ledger.durable.len();
    println!("seed {seed}: {durable} keys, {} fences", fences.into_inner());
}

/// Whether this error says that another writer has taken over.
pub fn is_fence(error: &Error) -> bool {
    match error {
        Error::Fenced { .. } => true,
        Error::NotDurable { source } | Error::FlushFailed { source } => is_fence(source),
        _ => false,
    }
}

/// Whether this error says that the database is not what was written: no network does that.
fn is_damage(error: &Error) -> bool {
    matches!(error, Error::Corrupt { .. } | Error::WalReplaced { .. } | Error::OutOfRange { .. })
}

struct Machine<'a> {
    number: u64,
    network: Arc<FaultyStore>,
    random: Random,
    ledger: &'a Mutex<Ledger>,
    counter: u64,
}

impl Machine<'_> {
    /// Opens the database, and writes until an error or for some writes.
    fn open_and_write(&mut self, most: u64) -> Result<(), Error> {
        // A copy: what is durable before the opening must be seen after it.
        let before = {
            let ledger = self.ledger.lock().expect("no panic");
            Ledger { durable: ledger.durable.clone(), tried: BTreeMap::new() }
        };
        let db = self.open();
        before.check(&db, &format!("machine {}, just opened", self.number))?;
        let epoch = db.stats()?.writer_epoch;
        for _ in 0..self.random.below(most) + 1 {
            self.write(&db, epoch)?;
        }
        if self.random.happens(50) { db.close() } else { Ok(()) }
    }

    /// Opens the database, however often that takes.
    fn open(&mut self) -> Db {
        let mut last = None;
        for tries in 1..200 {
            let start = Instant::now();
            let store: Arc<dyn ObjectStore> = Arc::<FaultyStore>::clone(&self.network);
            match builder(store).build() {
                Ok(db) => return db,
                Err(error) => {
                    assert!(!is_damage(&error), "machine {}: {error}", self.number);
                    last = Some(error);
                    // Two machines that open the database all the time keep each other out: the slower
                    // the store is, the longer one of them has to stay away.
                    let took = start.elapsed().as_millis() as u64;
                    let longest = (2 * took.max(5) * tries).min(20_000);
                    thread::sleep(Duration::from_millis(self.random.below(longest)));
                }
            }
        }
        panic!("machine {} could not open the database in 200 tries: {last:?}", self.number);
    }

    fn write(&mut self, db: &Db, epoch: u64) -> Result<(), Error> {
        self.counter += 1;
        let (number, counter) = (self.number, self.counter);
        let (key, value) = if self.random.happens(30) {
            (SHARED.to_owned(), format!("{epoch:010}-{counter:010}"))
        } else {
            let key = format!("machine {number}, key {}", self.random.below(KEYS));
            (key, format!("{counter:010}{}", "x".repeat(self.random.below(200) as usize)))
        };
        Ledger::note(&mut self.ledger.lock().expect("no panic").tried, &key, &value);
        let written = db.put(&key, &value)?;
        if self.random.happens(40) {
            written.wait_durable()?;
            Ledger::note(&mut self.ledger.lock().expect("no panic").durable, &key, &value);
        }
        if self.random.happens(3) {
            db.flush()?;
            Ledger::note(&mut self.ledger.lock().expect("no panic").durable, &key, &value);
        }
        Ok(())
    }
}
