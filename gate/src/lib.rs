//! The one pipeline that every door asks: rule first, then resolve, fetch, examine, decide.
//!
//! What is cached is evidence, never a verdict; errors are not cached; one flight serves all who wait. Every way
//! that does not end in a [`Judged`] ends in a [`GateError`], and every door turns that into a refusal.

mod clients;
mod configs;
mod decision_log;
mod error;
mod evidence_cache;
mod examiners;
mod family;
mod metrics;
mod pipeline;
mod policies;
mod supplier;
pub mod trust;
mod words;

pub use decision_log::{Decision, DecisionLog, Outcome, Timings};
pub use error::GateError;
pub use family::{children, index, listed, lists};
pub use metrics::{Histogram, Metrics, Share, Stage};
pub use pipeline::{Door, Gate, Judged, Request};
pub use policies::{LoadError, PolicyFolder, load};
pub use supplier::Supplier;
pub use words::lines;
