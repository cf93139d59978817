//! # TinyDB
//!
//! A small but real LSM storage engine, in the shape of SlateDB's.
