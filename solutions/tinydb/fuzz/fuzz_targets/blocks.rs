//! `tinydb_fuzz::blocks`, for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tinydb_fuzz::blocks::check(data));
