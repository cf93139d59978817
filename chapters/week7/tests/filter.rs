//! Week 7: a filter for each SST. The rules are on the page *Filters* of the book.

use bytes::Bytes;
use proptest::prelude::*;
use testkit::{assert_bytes, config, hex, rule};
use week7::optimize::filter::{MAX_BITS_PER_KEY, MAX_PROBES, num_probes, probe};
use week7::optimize::hash::xxh64;
use week7::optimize::{BloomFilter, BloomFilterBuilder};

/// The filter of `keys`, with `bits_per_key` bits for each.
fn filter<K: AsRef<[u8]>>(bits_per_key: u32, keys: impl IntoIterator<Item = K>) -> BloomFilter {
    let mut builder = BloomFilterBuilder::new(bits_per_key);
    for key in keys {
        builder.add_key(key.as_ref());
    }
    builder.build()
}

/// The filter of the page: three keys at ten bits each.
fn fruit() -> BloomFilter {
    filter(10, ["apple", "kiwi", "pear"])
}

/// Up to 60 different keys in order, as an SST has them.
fn any_keys() -> BoxedStrategy<Vec<Vec<u8>>> {
    let key = prop::collection::vec(any::<u8>(), 0..40);
    prop::collection::btree_set(key, 0..60).prop_map(|keys| keys.into_iter().collect()).boxed()
}

/// As a builder takes them: 0 and numbers that are too great, too.
fn any_bits_per_key() -> BoxedStrategy<u32> {
    prop_oneof![8 => 0..=MAX_BITS_PER_KEY + 10, 1 => any::<u32>(), 1 => Just(u32::MAX)].boxed()
}

mod task_7_5 {
    use super::*;

    #[test]
    fn a_key_has_69_probes_for_each_hundred_bits_and_at_least_one() {
        let table = [
            (0, 1),
            (1, 1),
            (2, 1),
            (3, 2),
            (5, 3),
            (9, 6),
            (10, 6),
            (11, 7),
            (16, 11),
            (20, 13),
            (39, 26),
            (40, MAX_PROBES),
            (41, MAX_PROBES),
            (1000, MAX_PROBES),
            (u32::MAX, MAX_PROBES),
        ];
        for (bits_per_key, expected) in table {
            let found = num_probes(bits_per_key);
            assert_eq!(
                found,
                expected,
                "{bits_per_key} bits for each key give {expected} probes, but found {found}{}",
                rule("7.5", "69 of a hundred bits, rounded down; from 1 to 27")
            );
        }
    }

    #[test]
    fn the_probes_of_the_page_are_where_it_says() {
        let table = [
            ("apple", [31, 0, 2, 6, 13, 24]),
            ("kiwi", [9, 19, 30, 11, 27, 15]),
            ("pear", [18, 19, 21, 25, 0, 11]),
            ("plum", [1, 24, 16, 10, 7, 8]),
        ];
        for (key, expected) in table {
            let hash = xxh64(key.as_bytes(), 0);
            let found: Vec<_> = (0..6).map(|number| probe(hash, number, 32)).collect();
            assert_eq!(
                found,
                expected,
                "the probes of {key}, whose hash is {hash:#018x}, in 32 bits{}",
                rule("7.5", "probe i is h + i · d + (i³ - i) / 6, modulo the number of bits")
            );
        }
    }

    #[test]
    fn no_key_of_the_page_is_denied() {
        for key in ["apple", "kiwi", "pear"] {
            assert!(
                fruit().might_contain(key.as_bytes()),
                "{key} was added, with two others, and is denied{}",
                rule("7.5", "build and might_contain look at the same bits, of the same number")
            );
        }
    }

    proptest! {
        #![proptest_config(config(200))]

        #[test]
        fn a_probe_is_the_one_before_and_a_step_that_grows(
            hash in any::<u64>(),
            bits in prop_oneof![1..100_u64, 1..1_u64 << 40],
        ) {
            let (start, mut step) = (hash % (1 << 32), hash >> 32);
            let mut expected = start % bits;
            for number in 0..MAX_PROBES {
                let found = probe(hash, number, bits);
                prop_assert_eq!(
                    found, expected, "probe {} of hash {:#x} in {} bits{}", number, hash, bits,
                    rule("7.5", "the first step is d; each is longer than the one before, by 1, 2, 3 and so on")
                );
                step += u64::from(number);
                expected = (expected + step) % bits;
            }
        }

        #[test]
        fn a_key_that_was_added_is_never_denied(
            keys in any_keys(),
            bits_per_key in any_bits_per_key(),
        ) {
            let filter = filter(bits_per_key, &keys);
            for key in &keys {
                prop_assert!(
                    filter.might_contain(key),
                    "{:?} was added, one of {} keys, at {bits_per_key} bits each, and is denied{}",
                    Bytes::copy_from_slice(key), keys.len(),
                    rule("7.5", "a key that was added might be contained, always")
                );
            }
        }

        #[test]
        fn there_are_so_many_bits_for_each_key(
            keys in any_keys(),
            bits_per_key in any_bits_per_key(),
        ) {
            let filter = filter(bits_per_key, &keys);
            let bits = keys.len() * bits_per_key.clamp(1, MAX_BITS_PER_KEY) as usize;
            prop_assert_eq!(
                filter.bits().len(), bits.div_ceil(8),
                "bytes of a filter of {} keys at {} bits each{}", keys.len(), bits_per_key,
                rule("7.5", "as many bits as keys times bits per key, rounded up to whole bytes")
            );
            prop_assert_eq!(filter.size(), filter.bits().len());
            prop_assert_eq!(
                filter.num_probes(), num_probes(bits_per_key),
                "the filter's number of probes{}",
                rule("7.5", "the filter keeps the number of probes with which it was built")
            );
        }
    }

    #[test]
    fn the_bits_of_the_page_are_set_and_no_other() {
        assert_bytes(
            fruit().bits(),
            &[0x45, 0xaa, 0x2c, 0xcb],
            &rule("7.5", "bit n is bit n % 8 of byte n / 8, where bit 0 counts 1"),
        );
    }

    #[test]
    fn a_filter_without_keys_denies_every_key() {
        for bits_per_key in [0, 10, u32::MAX] {
            let filter = BloomFilterBuilder::new(bits_per_key).build();
            let what = rule("7.5", "a filter without keys has no bits, and contains nothing");
            assert_eq!(filter.bits(), [], "the bits of a filter without keys{what}");
            assert!(!filter.might_contain(b"kiwi"), "kiwi in a filter without keys{what}");
            assert!(!filter.might_contain(b""), "the empty key in a filter without keys{what}");
        }
    }

    #[test]
    fn the_versions_of_a_key_count_once() {
        let once = filter(10, (0..100_u32).map(u32::to_be_bytes));
        let versions = (0..100_u32).flat_map(|key| vec![key.to_be_bytes(); 1 + key as usize % 7]);
        let several = filter(10, versions);
        assert_bytes(
            several.bits(),
            once.bits(),
            &rule("7.5", "a key that is added several times in a row counts once"),
        );
    }

    #[test]
    fn neighbours_whose_hashes_agree_in_one_half_are_two_keys() {
        for (half, keys) in [
            ("lower", ["order/044337", "order/070286"]),
            ("upper", ["order/001094", "order/045999"]),
        ] {
            let found = filter(10, keys).bits().len();
            let what = rule("7.5", "only the key that was added last counts once with it");
            assert_eq!(found, 3, "bytes of a filter of {keys:?}, whose {half} hashes agree{what}");
        }
    }

    /// How many of `asked` keys that are not there the filter lets through, per key, and how many
    /// it should: with k probes of n keys in m bits, (1 - e^(-kn/m))^k.
    fn assert_rate(bits_per_key: u32, keys: u64, asked: u64, key: fn(u64) -> Vec<u8>) {
        let filter = filter(bits_per_key, (0..keys).map(key));
        let passed = (keys..keys + asked).filter(|&other| filter.might_contain(&key(other)));
        let rate = passed.count() as f64 / asked as f64;
        let probes = f64::from(filter.num_probes());
        let set = 1.0 - (-probes / f64::from(bits_per_key)).exp();
        let expected = set.powf(probes);
        assert!(
            (expected * 0.7..expected * 1.3).contains(&rate),
            "{bits_per_key} bits for each of {keys} keys: of {asked} other keys, such as {}, {:.3} % \
             pass, and not about {:.3} %{}",
            hex(&key(keys)),
            rate * 100.0,
            expected * 100.0,
            rule("7.5", "as few other keys pass as the theory says: about 0.84 % at 10 bits")
        );
    }

    #[test]
    fn one_other_key_in_119_passes_at_ten_bits() {
        assert_rate(10, 100_000, 100_000, |key| key.to_be_bytes().to_vec());
    }

    #[test]
    fn other_numbers_of_bits_do_what_the_theory_says() {
        for (bits_per_key, asked) in [(1, 2000), (2, 2000), (5, 10_000), (8, 20_000), (12, 40_000)]
        {
            assert_rate(bits_per_key, 5000, asked, |key| key.to_be_bytes().to_vec());
        }
    }

    #[test]
    fn every_byte_of_a_key_counts() {
        // The keys of an SST are like one another: they share their beginning, or their end.
        assert_rate(8, 5000, 20_000, |key| {
            format!("customer/0000000000/invoice/{key:08}").into_bytes()
        });
        assert_rate(8, 5000, 20_000, |key| {
            format!("{key:08}/customer/0000000000/invoice").into_bytes()
        });
        // Some differ in nothing but their length.
        assert_rate(4, 300, 600, |key| vec![0; key as usize]);
    }
}

mod task_7_6 {
    use super::*;
    use bytes::BytesMut;
    use week7::error::Corruption;
    use week7::format::checksum::append_checksum;

    /// `body` as whole bytes of a filter: with a checksum that is right.
    fn with_checksum(body: &[u8]) -> Bytes {
        let mut bytes = BytesMut::from(body);
        append_checksum(&mut bytes, 0);
        bytes.freeze()
    }

    #[test]
    fn the_bytes_of_the_page_are_written() {
        let mut expected = vec![0, 1, 0, 6, 0x45, 0xaa, 0x2c, 0xcb];
        expected.extend(0x01b7_2152_u32.to_be_bytes());
        assert_bytes(
            &fruit().encode(),
            &expected,
            &rule("7.6", "u16 version 1, u16 probes, the bits, u32 checksum of all before"),
        );
    }

    #[test]
    fn a_filter_without_keys_survives_too() {
        let bytes = BloomFilterBuilder::new(10).build().encode();
        assert_eq!(bytes.len(), 8, "version, probes and checksum: {}", hex(&bytes));
        let filter = BloomFilter::decode(bytes).expect("encode wrote it");
        assert!(!filter.might_contain(b"kiwi"), "a filter without keys contains nothing");
    }

    proptest! {
        #![proptest_config(config(100))]

        #[test]
        fn what_was_written_is_read(keys in any_keys(), bits_per_key in any_bits_per_key()) {
            let written = filter(bits_per_key, &keys);
            let read = BloomFilter::decode(written.encode());
            prop_assert_eq!(
                read, Ok(written), "a filter of {} keys at {} bits each{}", keys.len(), bits_per_key,
                rule("7.6", "decode reads every filter that encode wrote")
            );
        }

        #[test]
        fn no_bytes_make_it_panic(body in prop::collection::vec(any::<u8>(), 0..20)) {
            // Whether these are a filter depends; that there is an answer does not.
            let _ = BloomFilter::decode(Bytes::from(body.clone()));
            if let Ok(filter) = BloomFilter::decode(with_checksum(&body)) {
                prop_assert_eq!(
                    &filter.encode()[..body.len()], &body[..],
                    "{}", rule("7.6", "what decode accepts, encode would have written")
                );
                filter.might_contain(&body);
            }
        }
    }

    #[test]
    fn a_number_of_probes_that_no_builder_chooses_is_refused() {
        for probes in [0, MAX_PROBES + 1, 100, 255, 256, 0x0600, u16::MAX] {
            let body = [&[0, 1][..], &probes.to_be_bytes(), &[0xff; 5]].concat();
            let found = BloomFilter::decode(with_checksum(&body));
            let what = rule("7.6", "a key has 1 to 27 probes; the error points at offset 2");
            let Err(error) = found else {
                panic!("a filter of {probes} probes was accepted{what}");
            };
            let Corruption::InvalidField { found, .. } = error.corruption else {
                panic!("expected an invalid field, found: {error}{what}");
            };
            let label = "offset and number in the error for this number of probes";
            assert_eq!((error.offset, found), (2, u64::from(probes)), "{label}: {probes}{what}");
        }
    }

    #[test]
    fn every_number_of_probes_in_range_is_read() {
        for probes in 1..=MAX_PROBES {
            let bytes = with_checksum(&[0, 1, 0, probes as u8, 0xff]);
            let filter = BloomFilter::decode(bytes);
            assert_eq!(
                filter.map(|filter| filter.num_probes()),
                Ok(probes),
                "{}",
                rule("7.6", "1 to 27 probes are read")
            );
        }
    }

    #[test]
    fn a_changed_bit_anywhere_is_found() {
        let bytes = fruit().encode();
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.to_vec();
            changed[bit / 8] ^= 1 << (bit % 8);
            let found = BloomFilter::decode(Bytes::from(changed));
            let what = rule("7.6", "the checksum is compared before anything else is looked at");
            let Err(error) = found else { panic!("bit {bit} was changed, and nobody cares{what}") };
            assert!(
                matches!(error.corruption, Corruption::ChecksumMismatch { .. }),
                "bit {bit} was changed: expected a checksum that differs, found: {error}{what}"
            );
            assert_eq!(error.offset, 8, "the offset is the checksum's{what}");
        }
    }

    #[test]
    fn a_filter_that_is_cut_short_is_refused() {
        let bytes = fruit().encode();
        for len in 0..bytes.len() {
            let found = BloomFilter::decode(bytes.slice(..len));
            assert!(
                found.is_err(),
                "the first {len} of {} bytes were accepted{}",
                bytes.len(),
                rule("7.6", "a filter that is cut short is refused")
            );
        }
    }

    #[test]
    fn a_filter_without_room_for_its_fields_is_refused() {
        for (body, what, needed, available, offset) in [
            (&[][..], "a filter's version", 2, 0, 0),
            (&[0], "a filter's version", 2, 1, 0),
            (&[0, 1], "a filter's number of probes", 2, 0, 2),
            (&[0, 1, 0], "a filter's number of probes", 2, 1, 2),
        ] {
            let found = BloomFilter::decode(with_checksum(body));
            let rule = rule("7.6", "every length is checked before it is used");
            let Err(error) = found else { panic!("{} was accepted{rule}", hex(body)) };
            let Corruption::Truncated { needed: n, available: a, .. } = error.corruption else {
                panic!("expected that {what} is missing, found: {error}{rule}");
            };
            assert_eq!((n, a, error.offset), (needed, available, offset), "{what}{rule}");
        }
    }

    #[test]
    fn the_bits_are_not_copied() {
        let bytes = fruit().encode();
        let filter = BloomFilter::decode(bytes.clone()).expect("encode wrote it");
        let is_slice = bytes.as_ptr_range().contains(&filter.bits().as_ptr());
        assert!(is_slice, "the bits are a copy{}", rule("7.6", "decode does not copy the bits"));
    }

    #[test]
    fn another_version_is_refused() {
        // Of another version, nothing is known, not even where it keeps its probes.
        let versions = [0_u16, 2, 0x0100, u16::MAX].map(|version| (version, 6_u16));
        for (version, probes) in versions.into_iter().chain([(2, 0), (2, u16::MAX)]) {
            let body = [&version.to_be_bytes()[..], &probes.to_be_bytes(), &[0xff]].concat();
            let found = BloomFilter::decode(with_checksum(&body));
            let what = rule("7.6", "a filter of another version may mean anything: it is not read");
            let Err(error) = found else { panic!("version {version} was accepted{what}") };
            let Corruption::UnknownVersion { found, .. } = error.corruption else {
                panic!("expected an unknown version, found: {error}{what}");
            };
            let label = "offset and version in the error for version";
            assert_eq!((error.offset, found), (0, version), "{label} {version}{what}");
        }
    }
}
