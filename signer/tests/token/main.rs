//! Identity tokens from everywhere, against fake services on loopback.

#![expect(clippy::unwrap_used, reason = "what a test did not expect ends it")]

mod fake;
mod people;
mod sources;
mod spiffe;
mod web;
