//! `tinydb_fuzz::shell`, for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tinydb_fuzz::shell::check(data));
