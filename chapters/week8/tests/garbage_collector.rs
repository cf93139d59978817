//! Week 8, days 1 to 4: which files nobody needs any more; and the database that deletes them. The
//! rules are on the page *The garbage collector* of the book.

use std::collections::BTreeSet;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use proptest::prelude::*;
use testkit::{config, deadline, rule};
use week8::compaction::{FoundManifest, FoundSst, Garbage, Inventory};
use week8::db::{CompactorOptions, Manifest, ManifestStore, Settings, paths};
use week8::object_store::{MemoryObjectStore, ObjectMeta, ObjectStore};
use week8::storage::{MemoryWalStore, WalStore};
use week8::{Db, DbBuilder, Error, Result};

mod task_8_8 {
    use super::*;

    /// What `min_age` is in most tests.
    const HOUR: Duration = Duration::from_secs(3600);

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000)
    }

    /// So many minutes before now; a negative number is after.
    fn minutes_ago(minutes: i64) -> SystemTime {
        let age = Duration::from_secs(minutes.unsigned_abs() * 60);
        if minutes < 0 { now() + age } else { now() - age }
    }

    fn sst(id: u64, minutes: i64) -> FoundSst {
        FoundSst { id, last_modified: minutes_ago(minutes) }
    }

    /// A manifest: number, epoch, age in minutes, what it names.
    fn manifest(id: u64, writer_epoch: u64, minutes: i64, ssts: &[u64]) -> FoundManifest {
        FoundManifest {
            id,
            last_modified: minutes_ago(minutes),
            writer_epoch,
            next_sst_id: 100,
            ssts: ssts.iter().copied().collect(),
        }
    }

    fn inventory(manifests: Vec<FoundManifest>, ssts: Vec<FoundSst>) -> Inventory {
        Inventory { manifests, ssts, pinned: BTreeSet::new() }
    }

    #[track_caller]
    fn assert_garbage(inventory: &Inventory, manifests: &[u64], ssts: &[u64], why: &str) {
        let found = Garbage::find(inventory, now(), HOUR);
        let expected = Garbage { manifests: manifests.to_vec(), ssts: ssts.to_vec() };
        let (rule, files) = (rule("8.8", why), listing(inventory));
        assert_eq!(found, expected, "{rule} min_age is an hour, in{files}");
    }

    /// One line for each file.
    fn listing(inventory: &Inventory) -> String {
        let manifests = inventory.manifests.iter().map(|it| {
            let (age, epoch, next) = (age(it.last_modified), it.writer_epoch, it.next_sst_id);
            let names = &it.ssts;
            format!("\n manifest {}: epoch {epoch}, {age}, next SST {next}, names {names:?}", it.id)
        });
        let ssts = inventory.ssts.iter().map(|it| {
            let pinned = if inventory.pinned.contains(&it.id) { ", pinned" } else { "" };
            format!("\n SST {}: {}{pinned}", it.id, age(it.last_modified))
        });
        manifests.chain(ssts).collect()
    }

    fn age(modified: SystemTime) -> String {
        match now().duration_since(modified) {
            Ok(age) => format!("{} s old", age.as_secs()),
            Err(ahead) => format!("{} s in the future", ahead.duration().as_secs()),
        }
    }

    #[test]
    fn without_a_manifest_nothing_is_garbage() {
        let all = inventory(vec![], vec![sst(1, 1000), sst(2, 1000)]);
        let why = "who sees no manifest knows nothing, and deletes nothing";
        assert_garbage(&all, &[], &[], why);
        assert_garbage(&inventory(vec![], vec![]), &[], &[], why);
    }

    #[test]
    fn an_old_sst_that_nobody_names_goes() {
        let ssts = vec![sst(1, 1000), sst(2, 1000), sst(3, 1000)];
        let all = inventory(vec![manifest(7, 1, 900, &[2])], ssts);
        assert_garbage(&all, &[], &[1, 3], "what no rule keeps is garbage");
    }

    #[test]
    fn what_the_newest_manifest_names_stays() {
        let manifests = vec![manifest(7, 1, 1000, &[1, 2, 3]), manifest(8, 1, 900, &[4])];
        let ssts = (1..=4).map(|id| sst(id, 1000)).collect();
        let why =
            "the newest manifest keeps what it names; an older one that is old itself does not";
        assert_garbage(&inventory(manifests, ssts), &[], &[1, 2, 3], why);
    }

    #[test]
    fn what_a_young_manifest_names_stays() {
        let manifests = vec![
            manifest(6, 1, 1000, &[1]),
            manifest(7, 1, 90, &[1, 2]),
            manifest(8, 1, 59, &[2, 3]),
            manifest(9, 1, 5, &[4]),
        ];
        let ssts = (1..=4).map(|id| sst(id, 1000)).collect();
        let why = "somebody may have read a young manifest, and open what it names";
        assert_garbage(&inventory(manifests, ssts), &[7], &[1], why);
    }

    #[test]
    fn a_young_sst_stays() {
        let ssts = vec![sst(1, 1000), sst(2, 61), sst(3, 60), sst(4, 59), sst(5, 0)];
        let all = inventory(vec![manifest(7, 1, 1000, &[])], ssts);
        let why =
            "a young SST may be about to be committed; what is as old as min_age is not young";
        assert_garbage(&all, &[], &[1, 2, 3], why);
    }

    #[test]
    fn a_pinned_sst_stays() {
        let ssts = (1..=4).map(|id| sst(id, 1000)).collect();
        let mut all = inventory(vec![manifest(7, 1, 1000, &[])], ssts);
        all.pinned = BTreeSet::from([2, 3, 77]);
        assert_garbage(&all, &[], &[1, 4], "this process still uses what is pinned");
    }

    #[test]
    fn a_number_that_will_be_given_out_stays() {
        let ssts = [8, 9, 10, 11, 12].map(|id| sst(id, 1000)).to_vec();
        let newest = FoundManifest { next_sst_id: 10, ..manifest(7, 1, 1000, &[]) };
        let older = FoundManifest { next_sst_id: 9, ..manifest(6, 1, 1000, &[]) };
        let why = "from next_sst_id of the newest manifest on, numbers will be given out again";
        assert_garbage(&inventory(vec![older, newest], ssts), &[], &[8, 9], why);
    }

    #[test]
    fn old_manifests_go_and_the_newest_stays() {
        let manifests = (1..=5).map(|id| manifest(id, 1, 1000, &[])).collect();
        let why = "the newest manifest is the database; the first of its epoch is a fence";
        assert_garbage(&inventory(manifests, vec![]), &[2, 3, 4], &[], why);
    }

    #[test]
    fn young_manifests_stay() {
        let ages = [(1, 200), (2, 61), (3, 60), (4, 59), (5, 1)];
        let manifests = ages.map(|(id, age)| manifest(id, 1, age, &[])).to_vec();
        let why = "somebody may be reading a young manifest";
        assert_garbage(&inventory(manifests, vec![]), &[2, 3], &[], why);
    }

    #[test]
    fn the_first_of_each_epoch_stays() {
        let epochs = [(1, 1), (2, 1), (3, 2), (4, 3), (5, 3), (6, 3), (7, 8), (8, 8), (9, 8)];
        let manifests = epochs.map(|(id, epoch)| manifest(id, epoch, 1000, &[])).to_vec();
        let why =
            "the first number of an epoch is the one that the writer before would commit next";
        assert_garbage(&inventory(manifests, vec![]), &[2, 5, 6, 8], &[], why);
    }

    #[test]
    fn a_fence_keeps_its_number_and_not_its_ssts() {
        let manifests = vec![
            manifest(1, 1, 1000, &[1, 2]),
            manifest(2, 2, 900, &[2, 3]),
            manifest(3, 2, 800, &[3]),
        ];
        let ssts = (1..=3).map(|id| sst(id, 1000)).collect();
        let why = "nobody reads a manifest that is kept only for its number";
        assert_garbage(&inventory(manifests, ssts), &[], &[1, 2], why);
    }

    #[test]
    fn what_was_written_in_the_future_is_young() {
        // The store's clock is ahead of ours by a day.
        let ssts = vec![sst(1, -1440), sst(2, 1000), sst(3, -1)];
        let manifests = vec![
            manifest(5, 1, 1000, &[]),
            manifest(6, 1, -1440, &[2]),
            manifest(7, 1, -1440, &[]),
        ];
        let why = "what was modified after now has age 0: clocks differ";
        assert_garbage(&inventory(manifests.clone(), ssts.clone()), &[], &[], why);
        // Our clock has jumped back behind everything.
        let all = inventory(manifests, ssts);
        let found = Garbage::find(&all, SystemTime::UNIX_EPOCH, HOUR);
        assert_eq!(found, Garbage::default(), "a clock that jumps back{}", rule("8.8", why));
        // It is 0, and not less than 0.
        let found = Garbage::find(&all, now(), Duration::ZERO);
        let expected = Garbage { manifests: vec![6], ssts: vec![1, 2, 3] };
        assert_eq!(found, expected, "nothing is younger than min_age 0{}", rule("8.8", why));
    }

    #[test]
    fn the_numbers_ascend() {
        let ssts = [9, 3, 12, 1, 7].map(|id| sst(id, 1000)).to_vec();
        let manifests = (1..=20).map(|id| manifest(id, 1, 1000, &[])).collect();
        let found = Garbage::find(&inventory(manifests, ssts), now(), HOUR);
        let rule = rule("8.8", "the numbers ascend, whatever order the store lists them in");
        assert_eq!(found.ssts, [1, 3, 7, 9, 12], "SSTs{rule}");
        assert_eq!(found.manifests, (2..20).collect::<Vec<_>>(), "manifests{rule}");
    }

    #[test]
    fn all_rules_together() {
        let manifests = vec![
            manifest(1, 1, 1000, &[1]),
            manifest(2, 1, 900, &[1, 2]),
            manifest(3, 2, 800, &[1, 2]),
            manifest(4, 2, 700, &[3]),
            manifest(5, 2, 30, &[4, 5]),
            manifest(6, 2, 20, &[5, 6]),
        ];
        let ages = [1000, 900, 700, 600, 500, 400, 300, 10, 200];
        let mut ssts: Vec<_> = (1..).zip(ages).map(|(id, age)| sst(id, age)).collect();
        ssts.push(sst(150, 1000));
        let mut all = inventory(manifests, ssts);
        all.pinned = BTreeSet::from([3, 5]);
        // 4 to 6 are named, 3 is pinned, 8 is young, 150 will be given out.
        assert_garbage(&all, &[2, 4], &[1, 2, 7, 9], "what one rule keeps stays");
    }

    /// The rules, one after the other, about each file by itself.
    fn expected(all: &Inventory, now: SystemTime, min_age: Duration) -> Garbage {
        let Some(newest) = all.manifests.last() else { return Garbage::default() };
        let age = |modified: SystemTime| now.duration_since(modified).unwrap_or_default();
        let keeps_manifest = |it: &FoundManifest| {
            let is_first = !all
                .manifests
                .iter()
                .any(|other| other.writer_epoch == it.writer_epoch && other.id < it.id);
            it.id == newest.id || age(it.last_modified) < min_age || is_first
        };
        let keeps_sst = |it: &FoundSst| {
            let in_use = |other: &&FoundManifest| {
                other.id == newest.id || age(other.last_modified) < min_age
            };
            all.manifests.iter().filter(in_use).any(|other| other.ssts.contains(&it.id))
                || age(it.last_modified) < min_age
                || all.pinned.contains(&it.id)
                || it.id >= newest.next_sst_id
        };
        let manifests = all.manifests.iter().filter(|it| !keeps_manifest(it)).map(|it| it.id);
        let mut ssts: Vec<_> =
            all.ssts.iter().filter(|it| !keeps_sst(it)).map(|it| it.id).collect();
        ssts.sort_unstable();
        Garbage { manifests: manifests.collect(), ssts }
    }

    fn any_inventory() -> BoxedStrategy<Inventory> {
        let ids = || prop::collection::btree_set(1..14_u64, 0..6);
        let manifest = (0..3_u64, -30..150_i64, 1..16_u64, ids());
        let manifests = prop::collection::vec(manifest, 0..8);
        let ssts = prop::collection::btree_map(1..16_u64, -30..150_i64, 0..14);
        let inventory = |(manifests, ssts, pinned, reversed): (Vec<_>, _, _, bool)| {
            let mut epoch = 1;
            let manifests = (1..).zip(manifests).map(|(id, (more, age, next_sst_id, ssts))| {
                epoch += more;
                let last_modified = minutes_ago(age);
                FoundManifest { id, last_modified, writer_epoch: epoch, next_sst_id, ssts }
            });
            let ssts: std::collections::BTreeMap<u64, i64> = ssts;
            let mut ssts: Vec<_> = ssts.into_iter().map(|(id, age)| sst(id, age)).collect();
            if reversed {
                ssts.reverse();
            }
            Inventory { manifests: manifests.collect(), ssts, pinned }
        };
        (manifests, ssts, ids(), any::<bool>()).prop_map(inventory).boxed()
    }

    proptest! {
        #![proptest_config(config(500))]

        #[test]
        fn nothing_needed_goes_and_all_else_does(
            all in any_inventory(),
            min_age in prop_oneof![Just(0), Just(60), 0..200_u64, Just(u64::MAX / 60)],
        ) {
            let min_age = Duration::from_secs(min_age * 60);
            let found = Garbage::find(&all, now(), min_age);
            let expected = expected(&all, now(), min_age);
            let rule = rule("8.8", "garbage is what no rule keeps, and nothing else");
            prop_assert_eq!(found, expected, "min_age {:?} in\n{:#?}{}", min_age, all, rule);
        }
    }

    /// An object store in memory that can hold up one put, and fail.
    #[derive(Debug, Default)]
    struct Store {
        inner: MemoryObjectStore,
        /// So many puts of SSTs are let through, and the next one waits until it is released.
        hold_after: Mutex<Option<usize>>,
        held: Mutex<bool>,
        changed: Condvar,
        /// Puts of paths that start with this fail.
        failing: Mutex<Option<&'static str>>,
    }

    impl Store {
        fn before_put(&self, path: &str) -> Result<()> {
            if path.starts_with(paths::SSTS) && self.is_to_hold() {
                let mut held = self.held.lock().unwrap();
                *held = true;
                self.changed.notify_all();
                drop(self.changed.wait_while(held, |held| *held).unwrap());
            }
            match self.failing.lock().unwrap().is_some_and(|prefix| path.starts_with(prefix)) {
                true => Err(Error::io("reach", path)(io::Error::other("the network is down"))),
                false => Ok(()),
            }
        }

        fn is_to_hold(&self) -> bool {
            let mut hold_after = self.hold_after.lock().unwrap();
            match *hold_after {
                None => false,
                Some(0) => hold_after.take().is_some(),
                Some(more) => {
                    *hold_after = Some(more - 1);
                    false
                }
            }
        }

        /// Waits until a put is held.
        fn wait_for_held(&self) {
            let limit = Duration::from_secs(20);
            let held = self.held.lock().unwrap();
            let waited = self.changed.wait_timeout_while(held, limit, |held| !*held).unwrap();
            let rule = rule("8.8", "a compaction puts its SSTs one after the other");
            assert!(!waited.1.timed_out(), "no SST was put within 20 s{rule}");
        }

        fn release(&self) {
            *self.held.lock().unwrap() = false;
            self.changed.notify_all();
        }

        fn listed(&self, folder: &str, number: impl Fn(&str) -> Option<u64>) -> Vec<u64> {
            let objects = self.inner.list(folder).unwrap();
            objects.iter().filter_map(|meta| number(&meta.path)).collect()
        }

        fn ssts(&self) -> Vec<u64> {
            self.listed(paths::SSTS, paths::sst_id)
        }

        fn manifests(&self) -> Vec<u64> {
            self.listed(paths::MANIFESTS, paths::manifest_id)
        }

        /// The newest manifest and its number.
        fn newest(&self) -> (u64, Manifest) {
            ManifestStore::latest(&self.inner).unwrap().unwrap()
        }

        /// What the newest manifest names, ascending.
        fn named(&self) -> Vec<u64> {
            self.newest().1.ssts().collect::<BTreeSet<_>>().into_iter().collect()
        }
    }

    impl ObjectStore for Store {
        fn put(&self, path: &str, object: Bytes) -> Result<()> {
            self.before_put(path)?;
            self.inner.put(path, object)
        }

        fn put_if_absent(&self, path: &str, object: Bytes) -> Result<()> {
            self.before_put(path)?;
            self.inner.put_if_absent(path, object)
        }

        fn get(&self, path: &str) -> Result<Bytes> {
            self.inner.get(path)
        }

        fn get_range(&self, path: &str, range: Range<u64>) -> Result<Bytes> {
            self.inner.get_range(path, range)
        }

        fn head(&self, path: &str) -> Result<ObjectMeta> {
            self.inner.head(path)
        }

        fn list(&self, prefix: &str) -> Result<Vec<ObjectMeta>> {
            self.inner.list(prefix)
        }

        fn delete(&self, path: &str) -> Result<()> {
            self.inner.delete(path)
        }
    }

    /// Where a database lives: what is left when it is closed.
    #[derive(Debug, Clone, Default)]
    struct Home {
        store: Arc<Store>,
        wal: MemoryWalStore,
    }

    impl Home {
        fn builder(&self, compactor_options: Option<CompactorOptions>) -> DbBuilder {
            let settings = Settings {
                compactor_options,
                garbage_collector_options: None,
                // Nothing is found in memory: what was deleted can't be read.
                block_cache_bytes: 0,
                sst_block_size: 64,
                ..Settings::default()
            };
            let wal: Arc<dyn WalStore> = Arc::new(self.wal.clone());
            let builder = Db::builder("in memory").with_object_store(self.store.clone());
            builder.with_wal_store(wal).with_settings(settings)
        }

        /// Compacts and collects only when it is asked to.
        fn open(&self) -> Db {
            self.builder(None).build().unwrap()
        }

        /// Another computer: the same object store, and a WAL of its own.
        fn elsewhere(&self) -> Self {
            Self { store: Arc::clone(&self.store), wal: MemoryWalStore::new() }
        }
    }

    /// Puts these keys, and flushes.
    fn flush(db: &Db, puts: &[(&str, &str)]) {
        puts.iter().for_each(|(key, value)| drop(db.put(key, value).unwrap()));
        db.flush().unwrap();
    }

    fn scan(found: Result<week8::iter::DbIterator>) -> String {
        let rows = found.unwrap().map(|it| it.unwrap());
        let shown = |it: week8::iter::KeyValue| {
            format!("{}={} ", it.key.escape_ascii(), it.value.escape_ascii())
        };
        rows.map(shown).collect::<String>().trim_end().to_owned()
    }

    /// A database with four flushes that were merged into one run, and a fifth.
    fn compacted(home: &Home) -> Db {
        let db = home.open();
        for round in 1..=4 {
            flush(&db, &[("apple", &round.to_string()), (&format!("fig {round}"), "x")]);
        }
        db.compact().unwrap();
        flush(&db, &[("kiwi", "5")]);
        db
    }

    const COMPACTED: &str = "apple=4 fig 1=x fig 2=x fig 3=x fig 4=x kiwi=5";

    #[test]
    fn what_the_manifest_names_is_left_and_nothing_else() {
        let home = Home::default();
        drop(compacted(&home));
        let db = home.open();
        let garbage = db.collect_garbage(Duration::ZERO).unwrap();
        let why = rule("8.8", "without an age to wait for, only what the database needs is left");
        assert_eq!(home.store.ssts(), home.store.named(), "SSTs on the store{why}");
        assert_eq!(garbage.ssts, [1, 2, 3, 4], "what was deleted{why}");
        let newest = home.store.newest().0;
        assert_eq!(home.store.manifests(), [1, newest], "manifests: the first of each epoch{why}");
        assert_eq!(scan(db.scan(..)), COMPACTED, "{why}");
        drop(db);
        assert_eq!(scan(home.open().scan(..)), COMPACTED, "opened again{why}");
        let nothing = home.open().collect_garbage(Duration::ZERO).unwrap();
        assert_eq!(nothing.ssts, [0; 0], "a second collection{why}");
    }

    #[test]
    fn finding_deletes_nothing() {
        let home = Home::default();
        let db = compacted(&home);
        let before = (home.store.ssts(), home.store.manifests());
        let found = db.find_garbage(Duration::ZERO).unwrap();
        let why = rule("8.8", "find_garbage only says what collect_garbage would delete");
        assert!(!found.is_empty(), "there is garbage{why}");
        assert_eq!((home.store.ssts(), home.store.manifests()), before, "{why}");
        assert_eq!(db.collect_garbage(Duration::ZERO).unwrap(), found, "{why}");
        assert!(db.find_garbage(Duration::ZERO).unwrap().is_empty(), "it is gone{why}");
    }

    #[test]
    fn young_files_are_left_alone() {
        let home = Home::default();
        let db = compacted(&home);
        let before = (home.store.ssts(), home.store.manifests());
        let found = db.collect_garbage(HOUR).unwrap();
        let why = rule("8.8", "nothing younger than min_age is deleted");
        assert!(found.is_empty(), "deleted within an hour: {found:?}{why}");
        assert_eq!((home.store.ssts(), home.store.manifests()), before, "{why}");
    }

    #[test]
    fn an_iterator_reads_on_through_a_collection() {
        let home = Home::default();
        let db = home.open();
        for round in 1..=4 {
            let keys: Vec<String> = (0..20).map(|key| format!("{round} {key:02}")).collect();
            flush(&db, &keys.iter().map(|key| (&key[..], "x")).collect::<Vec<_>>());
        }
        let mut iterator = db.scan(..).unwrap();
        iterator.next().unwrap().unwrap();
        db.compact().unwrap();
        let first = db.collect_garbage(Duration::ZERO).unwrap();
        let why = rule("8.8", "what an iterator reads is pinned, until it is dropped");
        assert_eq!(first.ssts, [0; 0], "SSTs that were deleted under an iterator{why}");
        assert_eq!(iterator.by_ref().filter(Result::is_ok).count(), 79, "the rest{why}");
        drop(iterator);
        let second = db.collect_garbage(Duration::ZERO).unwrap();
        assert_eq!(second.ssts, [1, 2, 3, 4], "deleted when it is gone{why}");
        assert_eq!(home.store.ssts(), home.store.named(), "SSTs on the store{why}");
    }

    #[test]
    fn a_snapshot_reads_on_through_a_collection() {
        let db = Home::default().open();
        flush(&db, &[("apple", "1"), ("fig", "1")]);
        let snapshot = db.snapshot().unwrap();
        flush(&db, &[("apple", "2")]);
        db.delete("fig").unwrap();
        db.compact().unwrap();
        db.collect_garbage(Duration::ZERO).unwrap();
        let why = rule("8.8", "a snapshot needs rows, and the compaction has kept them");
        assert_eq!(scan(snapshot.scan(..)), "apple=1 fig=1", "the snapshot{why}");
        assert_eq!(scan(db.scan(..)), "apple=2", "the latest{why}");
    }

    #[test]
    fn what_a_running_compaction_has_put_is_left_alone() {
        let home = Home::default();
        let options = CompactorOptions { max_sst_size: 100, ..CompactorOptions::default() };
        let db = home.builder(Some(options)).build().unwrap();
        let keys: Vec<String> = (0..60).map(|number| format!("key {number:02}")).collect();
        flush(&db, &keys.iter().map(|key| (&key[..], "an old value")).collect::<Vec<_>>());
        db.compact().unwrap();
        db.collect_garbage(Duration::ZERO).unwrap();
        flush(&db, &keys.iter().map(|key| (&key[..], "a value")).collect::<Vec<_>>());
        *home.store.hold_after.lock().unwrap() = Some(3);
        let compacting = thread::spawn({
            let db = db.clone();
            move || db.compact()
        });
        home.store.wait_for_held();
        // Three SSTs are there that no manifest names. A flush takes the numbers behind them.
        flush(&db, &[("other", "x")]);
        let garbage = db.collect_garbage(Duration::ZERO).unwrap();
        let why = rule("8.8", "what a compaction has put and will commit is pinned");
        assert_eq!(garbage.ssts, [0; 0], "SSTs that were deleted under a compaction{why}");
        home.store.release();
        deadline(20, move || compacting.join().unwrap()).unwrap();
        assert_eq!(db.scan(..).unwrap().filter(Result::is_ok).count(), 61, "rows{why}");
        db.collect_garbage(Duration::ZERO).unwrap();
        assert_eq!(home.store.ssts(), home.store.named(), "SSTs on the store{why}");
        drop(db);
        assert_eq!(home.open().scan(..).unwrap().filter(Result::is_ok).count(), 61, "again{why}");
    }

    #[test]
    fn what_a_failed_compaction_has_left_goes() {
        let home = Home::default();
        let db = home.open();
        flush(&db, &[("apple", "1")]);
        flush(&db, &[("apple", "2")]);
        *home.store.failing.lock().unwrap() = Some(paths::MANIFESTS);
        assert!(db.compact().is_err(), "the manifest can't be committed");
        *home.store.failing.lock().unwrap() = None;
        assert_eq!(home.store.ssts(), [1, 2, 3], "the output is left on the store");
        // A later flush takes a number behind it, so it will not be given out again.
        flush(&db, &[("apple", "3")]);
        db.collect_garbage(Duration::ZERO).unwrap();
        let why = rule("8.8", "what was put and never committed is garbage");
        assert_eq!(home.store.ssts(), home.store.named(), "SSTs on the store{why}");
        assert_eq!(scan(db.scan(..)), "apple=3", "{why}");
    }

    #[test]
    fn a_writer_that_was_replaced_is_still_told_so() {
        let home = Home::default();
        let older = home.open();
        flush(&older, &[("apple", "1")]);
        let newer = home.elsewhere().open();
        for round in 2..6 {
            flush(&newer, &[("apple", &round.to_string())]);
        }
        newer.compact().unwrap();
        newer.collect_garbage(Duration::ZERO).unwrap();
        older.put("apple", "lost").unwrap();
        let told = older.flush();
        let why = rule("8.8", "the number that an older writer would commit next is never free");
        assert!(
            matches!(told, Err(Error::Fenced { .. })),
            "the older writer's flush: {told:?}{why}"
        );
        assert_eq!(scan(newer.scan(..)), "apple=5", "{why}");
        let refused = older.collect_garbage(Duration::ZERO);
        let why = rule("8.8", "a writer that was replaced deletes nothing");
        assert!(matches!(refused, Err(Error::Fenced { .. })), "its collection: {refused:?}{why}");
    }

    #[test]
    fn a_closed_database_collects_nothing() {
        let home = Home::default();
        let db = compacted(&home);
        db.close().unwrap();
        let before = home.store.ssts();
        assert!(matches!(db.collect_garbage(Duration::ZERO), Err(Error::Closed)));
        assert_eq!(home.store.ssts(), before, "{}", rule("8.8", "a closed database does nothing"));
        // So that a stub is noticed.
        let none = Garbage::find(&Inventory::default(), now(), Duration::ZERO);
        assert!(none.is_empty(), "there is nothing");
    }
}
