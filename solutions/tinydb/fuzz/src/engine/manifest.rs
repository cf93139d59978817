//! Manifests.
//!
//! Checked: what is read encodes back to the very bytes, but for the two that a reader does not look at; an error points
//! into the file; and every manifest that can be put together comes back from its bytes.

use bytes::Bytes;
use tinydb::db::manifest::{Manifest, SortedRun};

use super::input::{Input, assert_within};

/// Input: whether the checksum is mended or the manifest made from the fields that follow; and the bytes.
pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    match input.byte() % 3 {
        0 => check_bytes(input.rest()),
        1 => check_bytes(&sealed(input.rest())),
        _ => check_fields(input),
    }
}

/// The bytes, with the checksum that they should have behind them.
fn sealed(body: &[u8]) -> Vec<u8> {
    [body, &crc32fast::hash(body).to_be_bytes()].concat()
}

fn check_bytes(bytes: &[u8]) {
    match Manifest::decode(Bytes::copy_from_slice(bytes)) {
        Err(error) => assert_within(&error, bytes.len()),
        Ok(manifest) => {
            let encoded = manifest.encode();
            assert_eq!(encoded.len(), bytes.len());
            let (fields, crc) = (12..bytes.len() - 4, bytes.len() - 4);
            assert_eq!(encoded[..10], bytes[..10], "the magic and the version");
            assert_eq!(encoded[fields.clone()], bytes[fields], "{manifest:?}");
            assert!(bytes[10..12] != [0, 0] || encoded[crc..] == bytes[crc..], "the checksum");
        }
    }
}

fn check_fields(mut input: Input<'_>) {
    let manifest = Manifest {
        writer_epoch: input.number(),
        next_sst_id: input.number(),
        replay_after_wal_id: input.number(),
        last_l0_seq: input.number(),
        l0: numbers(&mut input),
        sorted_runs: (0..input.byte() % 8)
            .map(|_| SortedRun { id: input.number() as u32, ssts: numbers(&mut input) })
            .collect(),
    };
    assert_eq!(Manifest::decode(manifest.encode()).as_ref(), Ok(&manifest));
    let sst = input.number();
    let flushed = manifest.with_l0(sst, input.number(), input.number());
    assert!(flushed.ssts().any(|id| id == sst), "the new SST is named");
    assert_eq!(flushed.with_l0(sst, 0, u64::MAX), flushed, "a flush that is tried again");
    assert_eq!(Manifest::decode(flushed.encode()), Ok(flushed));
}

fn numbers(input: &mut Input<'_>) -> Vec<u64> {
    (0..input.byte() % 8).map(|_| input.number()).collect()
}
