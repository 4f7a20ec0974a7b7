//! Signatures made with the help of services: right ones, and services that fail or lie.

#![expect(clippy::unwrap_used, reason = "what a test did not expect ends it")]

mod authority;
#[path = "../../../verifier/tests/world/der.rs"]
mod der;
mod fake;
mod files;
mod images;
mod lies;
mod log;
mod recorded;
mod repeats;
mod troubles;
