//! The three places where a row can be: the memtable, the WAL and an SST. Week 3's room.
//!
//! A write goes to the [WAL](wal), from which it comes back after a crash, and to the
//! [memtable](mem_table), which is sorted. A full memtable becomes an [SST](sst): immutable, sorted, on an object store.

pub mod log_file;
pub mod mem_table;
pub mod object_wal_store;
pub mod read_ahead;
pub mod row_map;
pub mod sequenced_key;
pub mod sst;
pub mod sst_builder;
pub mod sst_reader;
pub mod wal;
pub mod wal_reader;
pub mod wal_store;
pub mod wal_writer;

pub use log_file::{DiskLogFile, LogFile, PendingSync};
pub use mem_table::MemTable;
pub use object_wal_store::ObjectWalStore;
pub use read_ahead::ReadAhead;
pub use sequenced_key::{KeyRange, SequencedKey};
pub use sst::{BlockMeta, Footer, SstIndex};
pub use sst_builder::{SstBuilder, SstOptions};
pub use sst_reader::SstReader;
pub use wal::Durability;
pub use wal_reader::{TornTail, WalReader};
pub use wal_store::{DiskWalStore, MemoryWalStore, WalStore};
pub use wal_writer::WalWriter;
