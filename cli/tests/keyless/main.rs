//! `verify` by identity, with logs and timestamps: signatures that real cosigns made with a private Sigstore.
//!
//! Their certificates lived for ten minutes, long ago: each signature that counts does so by the word of a log or of
//! a timestamp authority.

mod announced;
mod certificates;
mod command_lines;
mod explain;
mod output;
mod recorded;
mod roots;
mod stage;
mod trust_files;
