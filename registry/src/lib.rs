//! The only code that talks to a registry.
//!
//! [`Client`] reads and writes registries and is not fooled by them: every byte is checked against its digest, every
//! answer has a limit and a deadline, and "absent", "unreachable" and "wrong" stay three different answers.
//! [`serve`] is a small registry of our own, [`layout`] the same content as files.

mod address;
mod answer;
mod append;
mod auth;
mod client;
mod credentials;
mod discover;
mod document;
mod download;
mod error;
pub mod layout;
mod limits;
mod pages;
mod push;
mod referrers;
mod regular;
mod resolve;
pub mod serve;
mod settings;
mod tls;
mod transport;

pub use append::NewLayer;
pub use client::{Client, Fetched, Lookup, Reference};
pub use credentials::{Credential, CredentialError, CredentialOrigin, Credentials, Secret};
pub use discover::{Discovery, Kind};
pub use download::Download;
pub use error::{Cause, ClientError, Item, Refusal, RegistryError, Violation};
pub use limits::Limits;
pub use push::{Precondition, Pushed};
pub use regular::open_regular;
pub use resolve::Resolved;
pub use settings::{ClientCert, Settings};
pub use tls::system_roots;
