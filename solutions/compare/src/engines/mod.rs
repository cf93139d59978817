//! The engines that are compared.

mod fjall;
mod tinydb;

pub use self::fjall::Fjall;
pub use self::tinydb::TinyDb;
