//! `tinydb_fuzz::manifest`, for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tinydb_fuzz::manifest::check(data));
