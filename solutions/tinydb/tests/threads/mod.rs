//! Histories of many threads, and whether a database that does one thing at a time explains them.

pub mod history;
pub mod home;
pub mod order;
pub mod workload;
