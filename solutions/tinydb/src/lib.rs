//! # TinyDB
//!
//! A small but real LSM storage engine in the shape of [SlateDB](https://slatedb.io), written to be
//! read. One folder (a *room*) belongs to each week of the course; a room may use the rooms below
//! it and never one above, so the crate reads from the bottom up:
//!
//! | room | what it is |
//! |---|---|
//! | [`mod@db`] | the database: writing, reading, flushing, recovery |
//! | [`compaction`] | picks, merges and retires SSTs |
//! | [`merge`] | merge operators, and runs of operands merged on the way |
//! | [`iter`] | sorted streams of rows |
//! | [`storage`] | the three places where a row can be: memtable, WAL, SST |
//! | [`optimize`] | what makes it fast |
//! | [`object_store`] | where immutable files live |
//! | [`mod@model`] | the executable specification: what the engine means, on plain collections |
//! | [`mod@format`] | bytes: rows, blocks, checksums |
//! | [`error`] | what can go wrong, and where |
//!
//! Every integer on disk is big-endian. Nothing in this crate panics on bad input, on a damaged
//! file or on a failing disk: it returns an [`Error`].
#![forbid(unsafe_code)]

pub mod compaction;
pub mod db;
pub mod error;
pub mod format;
pub mod iter;
pub mod merge;
pub mod model;
pub mod object_store;
pub mod optimize;
pub mod storage;

pub use db::{Db, DbBuilder, Settings, WriteBatch, WriteOptions};
pub use error::{Error, Result};
