//! Attacks that broke other gates, tried at this one: each by the program itself, at its pipeline's door.
//!
//! The numbers are those of the table in `docs/threat-model.md`.

mod addresses;
mod bombs;
mod broken;
mod globs;
mod identities;
mod names;
mod signers;
mod stage;
