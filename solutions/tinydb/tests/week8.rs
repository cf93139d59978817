//! The tests of week 8, as its readers run them, against the finished engine.

extern crate tinydb as week8;

#[path = "../../../chapters/week8/tests/cached_object_store.rs"]
mod cached_object_store;
#[path = "../../../chapters/week8/tests/compactor.rs"]
mod compactor;
#[path = "../../../chapters/week8/tests/garbage_collector.rs"]
mod garbage_collector;
#[path = "../../../chapters/week8/tests/size_tiered.rs"]
mod size_tiered;
