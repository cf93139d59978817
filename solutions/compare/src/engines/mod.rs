//! The engines that are compared.

mod fjall;
mod map;
#[cfg(feature = "mine")]
pub mod mine;
pub mod reference;
#[cfg(feature = "rocksdb")]
mod rocksdb;
mod slatedb;

use std::sync::Arc;

pub use self::fjall::Fjall;
pub use self::map::MapAndLog;
#[cfg(feature = "rocksdb")]
pub use self::rocksdb::RocksDb;
pub use self::slatedb::SlateDb;

/// Stores in memory for one database of any engine. They outlive it, so that it can be opened again.
#[derive(Debug, Default)]
pub struct MemoryStores {
    tinydb: reference::MemoryStore,
    #[cfg(feature = "mine")]
    mine: mine::MemoryStore,
    slatedb: Arc<::slatedb::object_store::memory::InMemory>,
}
