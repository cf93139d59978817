//! The engines that are compared.

mod fjall;
mod map;
#[cfg(feature = "mine")]
pub mod mine;
pub mod reference;
mod slatedb;

use std::sync::Arc;

pub use self::fjall::Fjall;
pub use self::map::MapAndLog;
pub use self::slatedb::SlateDb;

/// Stores in memory for one database of any engine. They outlive it, so that it can be opened again.
#[derive(Debug, Default)]
pub struct MemoryStores {
    tinydb: reference::MemoryStore,
    #[cfg(feature = "mine")]
    mine: mine::MemoryStore,
    slatedb: Arc<::slatedb::object_store::memory::InMemory>,
}
