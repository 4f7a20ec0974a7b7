//! `ImagePolicy` through the program, against images that the real cosign signed: what is let in, what is refused, and
//! what is said about it.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

mod indexes;
mod instance;
mod names;
mod people;
mod reprieves;
mod scope;
mod signers;
mod stage;
mod times;
