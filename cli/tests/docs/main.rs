//! The documents are true: every command in them is run, what it prints is what they show, and what they name exists.

mod claims;
mod console;
mod document;
mod exit_codes;
mod flags;
mod limits;
mod not_run;
mod references;
#[expect(dead_code, clippy::unwrap_used, reason = "in a test, a panic is a failure, and others ask more of it")]
#[path = "../../../gate/tests/trust_caches/repository.rs"]
mod repository;
#[expect(dead_code, clippy::unwrap_used, reason = "in a test, a panic is a failure, and others ask more of it")]
#[path = "../../../gate/tests/trust_caches/server.rs"]
mod server;
mod stage;
