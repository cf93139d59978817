//! Week 4, days 1 to 2: the manifest. The rules are on the page *The manifest* of the book.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use testkit::{assert_bytes, config, deadline, rule};
use week4::Error;
use week4::db::{Manifest, ManifestStore, SortedRun, paths};
use week4::error::Corruption;
use week4::format::checksum::append_checksum;
use week4::object_store::{MemoryObjectStore, ObjectMeta, ObjectStore};

/// Two level-0 SSTs and a sorted run of two.
fn example() -> Manifest {
    Manifest {
        writer_epoch: 3,
        next_sst_id: 9,
        replay_after_wal_id: 6,
        last_l0_seq: 0x0102_0304_0506_0708,
        l0: vec![8, 5],
        sorted_runs: vec![SortedRun { id: 2, ssts: vec![3, 4] }],
    }
}

/// The same bytes with another ending, and a checksum that is right.
fn with_checksum(body: &[u8]) -> Bytes {
    let mut bytes = BytesMut::from(body);
    append_checksum(&mut bytes, 0);
    bytes.freeze()
}

/// The manifest's bytes without the checksum.
fn body(manifest: &Manifest) -> Vec<u8> {
    let bytes = manifest.encode();
    bytes[..bytes.len().saturating_sub(4)].to_vec()
}

mod task_4_1 {
    use super::*;

    fn any_manifest() -> impl Strategy<Value = Manifest> {
        let ids = || prop::collection::vec(any::<u64>(), 0..6);
        let run = (any::<u32>(), ids()).prop_map(|(id, ssts)| SortedRun { id, ssts });
        let numbers = any::<[u64; 4]>();
        (numbers, ids(), prop::collection::vec(run, 0..4)).prop_map(|(numbers, l0, sorted_runs)| {
            let [writer_epoch, next_sst_id, replay_after_wal_id, last_l0_seq] = numbers;
            Manifest {
                writer_epoch,
                next_sst_id,
                replay_after_wal_id,
                last_l0_seq,
                l0,
                sorted_runs,
            }
        })
    }

    #[test]
    fn the_bytes_are_those_of_the_drawing() {
        let mut expected = b"TINYDBMF".to_vec();
        expected.extend([0, 1, 0, 0]);
        for number in [3, 9, 6, 0x0102_0304_0506_0708_u64] {
            expected.extend(number.to_be_bytes());
        }
        expected.extend([0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 5]);
        expected.extend([0, 0, 0, 1, 0, 0, 0, 2]);
        expected.extend([0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 4]);
        let rule = rule("4.1", "a manifest is laid out as drawn in db/manifest.rs");
        assert_bytes(&example().encode(), &with_checksum(&expected), &rule);
    }

    #[test]
    fn an_empty_manifest_has_two_empty_lists() {
        let bytes = Manifest::default().encode();
        assert_eq!(bytes.len(), 56, "{}", rule("4.1", "a list without entries is its count, 0"));
        let back = Manifest::decode(bytes).unwrap();
        assert_eq!(
            back,
            Manifest::default(),
            "{}",
            rule("4.1", "decode gives back what was encoded")
        );
    }

    #[test]
    fn decode_gives_back_what_was_encoded() {
        proptest!(config(64), |(manifest in any_manifest())| {
            let back = Manifest::decode(manifest.encode());
            let rule = rule("4.1", "decode gives back what was encoded");
            prop_assert_eq!(back, Ok(manifest), "{}", rule);
        });
    }

    #[test]
    fn a_changed_byte_or_a_missing_end_is_an_error() {
        let bytes = example().encode();
        for place in 0..bytes.len() {
            let mut changed = bytes.to_vec();
            changed[place] ^= 0x20;
            let result = Manifest::decode(changed.into());
            let rule = rule("4.1", "no changed byte goes unnoticed");
            assert!(result.is_err(), "byte {place} was changed, and decode says {result:?}{rule}");
            let result = Manifest::decode(bytes.slice(..place));
            assert!(result.is_err(), "cut to {place} bytes, and decode says {result:?}{rule}");
        }
    }

    #[test]
    fn another_kind_of_file_is_recognised_before_its_checksum() {
        let mut other = example().encode().to_vec();
        other[..8].copy_from_slice(b"TINYDBST");
        let error = Manifest::decode(other.into()).unwrap_err();
        let rule = rule("4.1", "the magic is checked first");
        assert!(matches!(error.corruption, Corruption::WrongMagic { .. }), "{error}{rule}");
        assert_eq!(error.offset, 0, "{rule}");
    }

    #[test]
    fn the_checksum_comes_before_the_version() {
        let mut bytes = example().encode().to_vec();
        bytes[9] = 7;
        let error = Manifest::decode(bytes.into()).unwrap_err();
        let rule = rule("4.1", "the checksum is checked before anything but the magic");
        assert!(matches!(error.corruption, Corruption::ChecksumMismatch { .. }), "{error}{rule}");
    }

    #[test]
    fn an_unknown_version_is_an_error() {
        for version in [0_u16, 2, 0x0100] {
            let mut changed = body(&example());
            changed[8..10].copy_from_slice(&version.to_be_bytes());
            let error = Manifest::decode(with_checksum(&changed)).unwrap_err();
            let rule =
                rule("4.1", "only version 1 is known; the error says which was found and where");
            let Corruption::UnknownVersion { found, .. } = error.corruption else {
                panic!("expected an unknown version, found {error}{rule}");
            };
            assert_eq!((found, error.offset), (version, 8), "{rule}");
        }
    }

    #[test]
    fn the_two_zero_bytes_are_for_later_versions() {
        let mut changed = body(&example());
        changed[10..12].copy_from_slice(&[1, 2]);
        let back = Manifest::decode(with_checksum(&changed));
        assert_eq!(
            back,
            Ok(example()),
            "{}",
            rule("4.1", "a reader does not look at the zero bytes")
        );
    }

    #[test]
    fn nothing_may_stand_behind_the_last_list() {
        let mut longer = body(&example());
        longer.push(0);
        let result = Manifest::decode(with_checksum(&longer));
        let rule = rule("4.1", "the lists end where the checksum starts");
        let error = result.expect_err(&rule);
        assert!(matches!(error.corruption, Corruption::InvalidField { .. }), "{error}{rule}");
        assert_eq!(error.offset, longer.len() as u64 - 1, "{rule}");
    }

    #[test]
    fn a_count_too_large_is_an_error_and_takes_no_room() {
        let rule = rule("4.1", "no room is made for a count that the bytes can't hold");
        // The counts of L0, of the runs, and of the run's SSTs.
        for place in [44, 64, 72] {
            let mut changed = body(&example());
            changed[place..place + 4].copy_from_slice(&u32::MAX.to_be_bytes());
            let result = deadline(5, move || Manifest::decode(with_checksum(&changed)));
            let error = result.unwrap_err();
            assert!(matches!(error.corruption, Corruption::Truncated { .. }), "{error}{rule}");
        }
    }

    #[test]
    fn a_list_that_is_cut_short_is_an_error() {
        let whole = body(&example());
        for len in 8..whole.len() {
            let result = Manifest::decode(with_checksum(&whole[..len]));
            let rule = rule("4.1", "every length is checked before it is used");
            assert!(result.is_err(), "{len} of {} bytes: {result:?}{rule}", whole.len());
        }
    }

    #[test]
    fn a_flush_puts_its_sst_in_front() {
        let next = example().with_l0(9, 7, u64::MAX);
        let expected = Manifest {
            next_sst_id: 10,
            replay_after_wal_id: 7,
            last_l0_seq: u64::MAX,
            l0: vec![9, 8, 5],
            ..example()
        };
        let rule =
            rule("4.1", "a flush adds the newest SST, and recovery starts behind its segment");
        assert_eq!(next, expected, "{rule}");
    }

    #[test]
    fn a_flush_that_is_tried_again_changes_nothing() {
        let once = example().with_l0(9, 7, 100);
        let rule = rule("4.1", "an SST that the manifest names already is not named twice");
        assert_eq!(once.with_l0(9, 7, 100), once, "{rule}");
        let behind = once.with_l0(10, 8, 120);
        assert_eq!(behind.with_l0(9, 7, 100), behind, "with a later flush in between{rule}");
        let run = SortedRun { id: 9, ssts: vec![9] };
        let merged = Manifest { l0: Vec::new(), sorted_runs: vec![run], ..once.clone() };
        assert_eq!(merged.with_l0(9, 7, 100), merged, "with a compaction in between{rule}");
    }

    #[test]
    fn numbers_only_grow() {
        let next = example().with_l0(2, 7, 5);
        let rule = rule("4.1", "an SST's number, or a sequence number, is never used twice");
        assert_eq!(next.next_sst_id, 9, "{rule}");
        assert_eq!(next.last_l0_seq, example().last_l0_seq, "{rule}");
        let skipped = example().with_l0(20, 7, 5);
        assert_eq!(skipped.next_sst_id, 21, "{rule}");
    }
}

/// What a put does before, or instead of, putting.
#[derive(Debug, Clone)]
enum Fault {
    /// Somebody else puts this object first.
    Overtaken(Bytes),
    /// The put is carried out, and the answer is lost.
    AnswerLost,
    /// The put is carried out, and the answer is that of a second try.
    Repeated,
    /// The put is not carried out.
    Failed,
    /// Neither this put nor the reads behind it work.
    Unreachable,
}

/// What can't be done while the store can't be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blocked {
    Lists,
    Gets,
}

/// A store in memory with faults for its next calls of `put_if_absent`.
#[derive(Debug, Default)]
struct FaultyStore {
    inner: MemoryObjectStore,
    faults: Mutex<VecDeque<Fault>>,
    blocked: Mutex<Option<Blocked>>,
}

impl FaultyStore {
    fn with(faults: impl IntoIterator<Item = Fault>) -> Arc<Self> {
        let faults = Mutex::new(faults.into_iter().collect());
        Arc::new(Self { faults, ..Self::default() })
    }

    fn add(&self, fault: Fault) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).push_back(fault);
    }

    fn block(&self, blocked: Blocked) {
        *self.blocked.lock().unwrap_or_else(PoisonError::into_inner) = Some(blocked);
    }

    fn is_blocked(&self, what: Blocked) -> bool {
        *self.blocked.lock().unwrap_or_else(PoisonError::into_inner) == Some(what)
    }

    fn broken(path: &str) -> Error {
        Error::io("put", path)(io::Error::other("the network is down"))
    }

    fn unreadable(path: &str) -> Error {
        Error::io("read", path)(io::Error::other("the network is still down"))
    }
}

impl ObjectStore for FaultyStore {
    fn put(&self, path: &str, object: Bytes) -> week4::Result<()> {
        self.inner.put(path, object)
    }

    fn put_if_absent(&self, path: &str, object: Bytes) -> week4::Result<()> {
        let fault = self.faults.lock().unwrap().pop_front();
        match fault {
            None => self.inner.put_if_absent(path, object),
            Some(Fault::Overtaken(first)) => {
                self.inner.put(path, first)?;
                self.inner.put_if_absent(path, object)
            }
            Some(Fault::AnswerLost) => {
                self.inner.put_if_absent(path, object)?;
                Err(Self::broken(path))
            }
            Some(Fault::Repeated) => {
                self.inner.put_if_absent(path, object.clone())?;
                self.inner.put_if_absent(path, object)
            }
            Some(Fault::Failed) => Err(Self::broken(path)),
            Some(Fault::Unreachable) => {
                self.block(Blocked::Gets);
                Err(Self::broken(path))
            }
        }
    }

    fn get(&self, path: &str) -> week4::Result<Bytes> {
        if self.is_blocked(Blocked::Gets) {
            return Err(Self::unreadable(path));
        }
        self.inner.get(path)
    }

    fn get_range(&self, path: &str, range: Range<u64>) -> week4::Result<Bytes> {
        self.inner.get_range(path, range)
    }

    fn head(&self, path: &str) -> week4::Result<ObjectMeta> {
        self.inner.head(path)
    }

    fn list(&self, prefix: &str) -> week4::Result<Vec<ObjectMeta>> {
        if self.is_blocked(Blocked::Lists) {
            return Err(Self::unreadable(prefix));
        }
        self.inner.list(prefix)
    }

    fn delete(&self, path: &str) -> week4::Result<()> {
        self.inner.delete(path)
    }
}

fn memory() -> Arc<MemoryObjectStore> {
    Arc::new(MemoryObjectStore::new())
}

mod task_4_2 {
    use super::*;

    #[test]
    fn an_empty_store_has_no_manifest() {
        let latest = ManifestStore::latest(&*memory()).unwrap();
        assert_eq!(latest, None, "{}", rule("4.2", "without a manifest there is none"));
    }

    #[test]
    fn the_newest_is_that_with_the_highest_number() {
        let store = memory();
        for id in [10, 9, 100, 99] {
            let manifest = Manifest { writer_epoch: id, ..example() };
            store.put(&paths::manifest(id), manifest.encode()).unwrap();
        }
        let expected = (100, Manifest { writer_epoch: 100, ..example() });
        let rule = rule("4.2", "of all versions the one with the highest number counts");
        assert_eq!(ManifestStore::latest(&*store).unwrap(), Some(expected), "{rule}");
    }

    #[test]
    fn other_objects_are_no_manifests() {
        let store = memory();
        store.put(&paths::manifest(4), example().encode()).unwrap();
        for path in
            ["manifest/9.manifest", "manifest/readme", "manifest/zz/1.manifest", "sst/7.sst"]
        {
            store.put(path, Bytes::from_static(b"something else")).unwrap();
        }
        let rule = rule("4.2", "only what paths::manifest makes is a manifest");
        assert_eq!(ManifestStore::latest(&*store).unwrap(), Some((4, example())), "{rule}");
    }

    #[test]
    fn a_damaged_manifest_is_an_error_that_names_it() {
        let store = memory();
        store.put(&paths::manifest(1), example().encode()).unwrap();
        store.put(&paths::manifest(2), example().encode().slice(..50)).unwrap();
        let error = ManifestStore::latest(&*store).unwrap_err();
        let rule = rule("4.2", "damage is an error with the object's path, never an older version");
        let Error::Corrupt { file, .. } = &error else { panic!("found {error}{rule}") };
        assert_eq!(*file, paths::manifest(2), "{rule}");
    }

    #[test]
    fn a_store_that_cannot_be_read_is_not_an_empty_one() {
        for blocked in [Blocked::Lists, Blocked::Gets] {
            let store = FaultyStore::with([]);
            store.put(&paths::manifest(3), example().encode()).unwrap();
            store.block(blocked);
            let latest = ManifestStore::latest(&*store);
            let rule =
                rule("4.2", "an error of the store is passed on: a database may be behind it");
            assert!(matches!(latest, Err(Error::Io { .. })), "{blocked:?}: {latest:?}{rule}");
            let opened = ManifestStore::open(store.clone());
            assert!(matches!(opened, Err(Error::Io { .. })), "{blocked:?}: {opened:?}{rule}");
            assert_eq!(store.inner.list("").unwrap().len(), 1, "nothing was put{rule}");
        }
    }

    #[test]
    fn the_first_writer_commits_version_1_with_epoch_1() {
        let store = memory();
        let manifests = ManifestStore::open(store.clone()).unwrap();
        let expected = Manifest { writer_epoch: 1, ..Manifest::default() };
        let rule = rule("4.2", "a writer begins by committing a version with the next epoch");
        assert_eq!((manifests.id(), manifests.manifest()), (1, &expected), "{rule}");
        assert_eq!(ManifestStore::latest(&*store).unwrap(), Some((1, expected)), "{rule}");
    }

    #[test]
    fn the_next_writer_keeps_everything_but_the_epoch() {
        let store = memory();
        store.put(&paths::manifest(41), example().encode()).unwrap();
        let manifests = ManifestStore::open(store.clone()).unwrap();
        let expected = Manifest { writer_epoch: 4, ..example() };
        let rule = rule("4.2", "opening commits the newest version again, with the next epoch");
        assert_eq!((manifests.id(), manifests.manifest()), (42, &expected), "{rule}");
        assert_eq!(ManifestStore::latest(&*store).unwrap(), Some((42, expected)), "{rule}");
        let older = store.get(&paths::manifest(41)).unwrap();
        assert_bytes(&older, &example().encode(), &rule);
    }

    #[test]
    fn a_writer_that_is_overtaken_begins_again() {
        let other = |epoch| Manifest { writer_epoch: epoch, next_sst_id: 50 + epoch, ..example() };
        let overtaken = [1, 2, 3].map(|epoch| Fault::Overtaken(other(epoch).encode()));
        let store = FaultyStore::with(overtaken);
        let opened = deadline(5, {
            let store = Arc::clone(&store);
            move || ManifestStore::open(store)
        });
        let rule = rule(
            "4.2",
            "whoever loses the race reads the winner's version and tries the next number",
        );
        let manifests = opened.unwrap_or_else(|error| panic!("{error}{rule}"));
        let expected = Manifest { writer_epoch: 4, ..other(3) };
        assert_eq!((manifests.id(), manifests.manifest()), (4, &expected), "{rule}");
        for epoch in 1..=3 {
            let first = store.get(&paths::manifest(epoch)).unwrap();
            assert_bytes(&first, &other(epoch).encode(), &rule);
        }
    }

    #[test]
    fn an_error_of_the_store_is_passed_on() {
        let store = FaultyStore::with([Fault::Failed]);
        let opened = deadline(5, move || ManifestStore::open(store));
        let rule = rule("4.2", "only AlreadyExists means that another writer was first");
        let error = opened.expect_err("the store fails");
        assert!(matches!(error, Error::Io { .. }), "{error}{rule}");
    }
}

mod task_4_3 {
    use super::*;

    fn next(manifests: &ManifestStore) -> Manifest {
        let sst = manifests.manifest().next_sst_id;
        manifests.manifest().with_l0(sst, sst, 100 * sst)
    }

    #[test]
    fn a_commit_is_the_next_version() {
        let store = memory();
        let mut manifests = ManifestStore::open(store.clone()).unwrap();
        for id in 2..5 {
            let next = next(&manifests);
            manifests.commit(next.clone()).unwrap();
            let rule = rule("4.3", "each commit is an object of its own, with the next number");
            assert_eq!((manifests.id(), manifests.manifest()), (id, &next), "{rule}");
            assert_eq!(ManifestStore::latest(&*store).unwrap(), Some((id, next)), "{rule}");
        }
    }

    #[test]
    fn an_older_writer_is_fenced_and_told_so() {
        let store = memory();
        let mut older = ManifestStore::open(store.clone()).unwrap();
        let mut newer = ManifestStore::open(store.clone()).unwrap();
        let before = older.manifest().clone();
        let error = older.commit(next(&older)).unwrap_err();
        let rule = rule("4.3", "from the moment a newer writer opens, the older can't commit");
        let Error::Fenced { epoch, newer_epoch, manifest } = &error else {
            panic!("expected Fenced, found {error}{rule}");
        };
        assert_eq!((*epoch, *newer_epoch, manifest), (1, 2, &paths::manifest(2)), "{rule}");
        assert_eq!(
            (older.id(), older.manifest()),
            (1, &before),
            "a failed commit changes nothing{rule}"
        );
        let latest = ManifestStore::latest(&*store).unwrap();
        assert_eq!(latest, Some((2, newer.manifest().clone())), "{rule}");
        let next = next(&newer);
        newer.commit(next).unwrap();
        assert_eq!(newer.id(), 3, "the newer writer goes on{rule}");
    }

    #[test]
    fn a_fenced_writer_stays_fenced() {
        let store = memory();
        let mut older = ManifestStore::open(store.clone()).unwrap();
        let _newer = ManifestStore::open(store.clone()).unwrap();
        for _ in 0..3 {
            let result = older.commit(next(&older));
            let rule =
                rule("4.3", "a fenced writer never gets a version in, however often it tries");
            assert!(matches!(result, Err(Error::Fenced { .. })), "{result:?}{rule}");
        }
        assert_eq!(ManifestStore::latest(&*store).unwrap().map(|(id, _)| id), Some(2));
    }

    #[test]
    fn a_lost_answer_is_looked_up() {
        for fault in [Fault::AnswerLost, Fault::Repeated] {
            let store = FaultyStore::with([]);
            let mut manifests = ManifestStore::open(store.clone()).unwrap();
            store.add(fault.clone());
            let next = next(&manifests);
            let committed = manifests.commit(next.clone());
            let rule = rule("4.3", "a put that failed may have been carried out: look it up");
            assert!(committed.is_ok(), "{fault:?}: the object is there, but {committed:?}{rule}");
            assert_eq!((manifests.id(), manifests.manifest()), (2, &next), "{rule}");
        }
    }

    #[test]
    fn a_commit_that_was_not_carried_out_can_be_tried_again() {
        let store = FaultyStore::with([]);
        let mut manifests = ManifestStore::open(store.clone()).unwrap();
        let (before, next) = (manifests.manifest().clone(), next(&manifests));
        for fault in [Fault::Failed, Fault::Failed] {
            store.add(fault);
            let error = manifests.commit(next.clone()).unwrap_err();
            let rule = rule("4.3", "the error of the put is returned, and nothing has changed");
            assert!(matches!(error, Error::Io { .. }), "{error}{rule}");
            assert_eq!((manifests.id(), manifests.manifest()), (1, &before), "{rule}");
        }
        manifests.commit(next).unwrap();
        let rule = rule("4.3", "numbers have no gap: the second try has the number of the first");
        assert_eq!(manifests.id(), 2, "{rule}");
    }

    #[test]
    fn an_outcome_that_cannot_be_looked_up_is_an_error() {
        let store = FaultyStore::with([]);
        let mut manifests = ManifestStore::open(store.clone()).unwrap();
        store.add(Fault::Unreachable);
        let next = next(&manifests);
        let error = manifests.commit(next).unwrap_err();
        let rule = rule("4.3", "when the outcome can't be known, the commit has not succeeded");
        let is_that_of_the_put = matches!(&error, Error::Io { operation: "put", .. });
        assert!(is_that_of_the_put, "{error}{rule}");
        assert_eq!(manifests.id(), 1, "{rule}");
    }

    #[test]
    fn other_bytes_are_another_commit_whatever_their_epoch() {
        let store = FaultyStore::with([]);
        let mut manifests = ManifestStore::open(store.clone()).unwrap();
        let other = Manifest { writer_epoch: 1, ..example() };
        store.add(Fault::Overtaken(other.encode()));
        let next = next(&manifests);
        let result = manifests.commit(next);
        let rule = rule("4.3", "a commit has succeeded only if its own bytes are there");
        assert!(matches!(result, Err(Error::Fenced { .. })), "{result:?}{rule}");
        assert_eq!(manifests.id(), 1, "{rule}");
    }

    #[test]
    fn an_unreadable_version_in_its_place_is_damage() {
        let store = FaultyStore::with([]);
        let mut manifests = ManifestStore::open(store.clone()).unwrap();
        store.add(Fault::Overtaken(Bytes::from_static(b"TINYDBMF, or so it says")));
        let next = next(&manifests);
        let error = manifests.commit(next).unwrap_err();
        let rule =
            rule("4.3", "what stands there is decoded; if that fails, the error names the object");
        let Error::Corrupt { file, .. } = &error else { panic!("found {error}{rule}") };
        assert_eq!(*file, paths::manifest(2), "{rule}");
    }
}
