//! Image and key or identity to a signature or attestation stored beside the image.
//!
//! [`Services`] are chosen first, from a [`SigningConfig`] or one by one; then a [`Credential`] is made ready; then
//! [`Signer`] signs and attests images with both, and [`blob`] does files. Nothing here reads the environment.

mod algorithm;
mod attest;
pub mod blob;
mod certificate;
mod check;
mod clock;
mod content;
mod credential;
mod error;
mod fulcio;
mod key;
mod log_entry;
mod lookup;
mod made;
mod predicate;
mod present;
mod purpose;
mod rekor;
mod scheme;
mod service;
mod services;
mod sign;
mod signing_config;
mod statement;
mod stored;
mod target;
mod tiles;
mod timestamp;
pub mod token;

pub use algorithm::{SigningAlgorithm, UnknownAlgorithm};
pub use certificate::{CertificateFault, Chain};
pub use check::{Check, CheckFault};
pub use credential::{By, Credential};
pub use error::SignError;
pub use key::SigningKey;
pub use lookup::logged_entry;
pub use made::Made;
pub use predicate::{PredicateError, PredicateType, UnknownPredicate};
pub use purpose::Purpose;
pub use rekor::{EnvelopeKind, LogVersion};
pub use service::{Service, ServiceError};
pub use services::Services;
pub use sign::{Format, Signed, Signer};
pub use signing_config::{SigningConfig, SigningConfigError};
pub use statement::Attestation;
pub use target::Target;
