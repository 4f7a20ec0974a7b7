//! The TUF client against repositories that another implementation made, and against mirrors that attack it.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

mod cached;
mod initialize;
mod named;
mod outage;
mod refused;
mod repository;
mod rollback;
mod rotation;
mod server;
mod stage;
mod strange_files;
