//! What the programs of this folder share: engines, the clock, and what is known of the machine.
//!
//! | Program | What it does |
//! |---|---|
//! | `tinydb-compare` | the same work on TinyDB, SlateDB and fjall, for week 7's page |
//! | `bench` | the usual workloads of the field, at several sizes, against the best of the others (RocksDB, if asked for, is one) |
//! | `growth` | memory, amplification, puts, gets and scans as TinyDB grows |
//! | `flame` | draws which functions an operation spends its time in |

pub mod data;
pub mod engine;
pub mod engines;
pub mod figure;
pub mod machine;
pub mod measure;
pub mod output;
