//! `tinydb_fuzz::sst`, for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tinydb_fuzz::sst::check(data));
