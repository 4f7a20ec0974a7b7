//! The documents are true: every command in them is run, what it prints is what they show, and what they name exists.

mod claims;
mod console;
mod document;
mod exit_codes;
mod flags;
mod limits;
mod not_run;
mod references;
mod stage;
