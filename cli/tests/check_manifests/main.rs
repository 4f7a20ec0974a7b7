//! `sealgate check` over files that name images, and what it says of them for people and programs.

mod chart;
mod forms;
mod objects;
mod refused;
mod reports;
mod stage;
