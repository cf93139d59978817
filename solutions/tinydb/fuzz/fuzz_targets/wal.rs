//! `tinydb_fuzz::wal`, for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tinydb_fuzz::wal::check(data));
