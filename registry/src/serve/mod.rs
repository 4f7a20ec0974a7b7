//! The embedded registry: distribution specification 1.1 with the referrers API and conditional PUT.
//!
//! Small, in memory or in a directory, for one process. It checks what is pushed (digests, strict manifests, blobs
//! that exist) but vouches for nothing: a client must check what it pulls from here like from anywhere else. There is
//! no TLS; put something that has it in front, or stay on loopback.

mod blobs;
mod content;
mod endpoint;
mod listing;
mod manifests;
mod options;
mod precondition;
mod problem;
mod range;
mod records;
mod server;
mod shelf;
mod store;
mod uploads;

pub use options::{Access, AccessLog, Account, Limits, Options, Storage};
pub use problem::ServeError;
pub use server::{Registry, router, serve};
