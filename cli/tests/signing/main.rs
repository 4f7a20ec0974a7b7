//! Commands that sign: what they write, what they refuse, and whom they ask for what.

#![expect(clippy::unwrap_used, reason = "what a test did not expect ends it")]

mod attestations;
mod blobs;
mod fake;
mod images;
mod login;
mod services;
mod stage;
mod stamped;
