//! The webhook over HTTP: what it answers, whatever it is sent.

#![expect(clippy::unwrap_used, reason = "what a test did not expect ends it")]

mod corpus;
mod crowds;
mod judged;
mod own_policies;
mod reviews;
mod world;
