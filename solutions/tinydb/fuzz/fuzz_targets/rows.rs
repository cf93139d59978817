//! `tinydb_fuzz::rows`, for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tinydb_fuzz::rows::check(data));
