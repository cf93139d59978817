//! The store on S3 against an S3 server on this machine.

use std::sync::Arc;
use std::time::Duration;

use contract::Fresh;
use server::Server;

mod configuration;
#[macro_use]
#[path = "../../../tinydb/tests/contract/object_store.rs"]
mod contract;
mod database;
#[path = "../../../tinydb/tests/two_writers/duel.rs"]
mod duel;
mod faults;
#[path = "../../../tinydb/tests/two_writers/faulty_store.rs"]
mod faulty_store;
mod large;
mod proxy;
mod server;
mod threads;

/// What every store promises.
mod promises {
    object_store_contract!(super::fresh);
}

fn fresh() -> Fresh {
    let store = Arc::new(Server::shared().store());
    // Times are in whole seconds.
    Fresh { store, tick: Duration::from_secs(1), _held: Box::new(()) }
}
