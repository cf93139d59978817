//! `tinydb_fuzz::progress`, for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tinydb_fuzz::progress::check(data));
