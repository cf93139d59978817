//! [`S3ObjectStore`]: TinyDB's objects in a bucket of S3, or of anything that speaks its protocol.
//!
//! The requests themselves are made by the crate `object_store`, which SlateDB uses too. What is here
//! keeps the promises of [`tinydb::object_store::ObjectStore`] on top of it:
//!
//! | file | what it does |
//! |---|---|
//! | `builder` | which bucket, where, with which credentials |
//! | `store` | the trait, and the way from callers that block to requests that do not |
//! | `client` | each operation as requests: tries, time limits, conditional puts, parts |
//! | `failure` | how a request can fail, and whether it may have been carried out |
//! | `error` | what to tell the caller, and what to check |
//! | `latency` | a store that counts calls and makes each one slow, to measure with |

mod builder;
mod client;
mod error;
mod failure;
mod latency;
mod runtime;
mod store;

pub use builder::S3Builder;
pub use error::S3Error;
pub use latency::{Calls, LatencyObjectStore};
pub use store::S3ObjectStore;
