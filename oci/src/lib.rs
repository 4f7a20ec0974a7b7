//! What container images are made of, as data: references, digests, manifests, and where their signatures live.
//!
//! Everything here is a pure function of bytes. Foreign JSON is read by [`json`], which refuses what two parsers
//! could read differently; foreign references by [`ImageRef`], which accepts exactly Docker's grammar.

mod digest;
mod excerpt;
mod hasher;
pub mod json;
pub mod location;
mod manifest;
pub mod media_type;
mod reference;
pub mod simple_signing;

pub use digest::{AnyDigest, Digest, DigestError};
pub use excerpt::excerpt;
pub use hasher::Hasher;
pub use manifest::{Descriptor, Document, Index, Manifest, ManifestError, Platform};
pub use reference::{ImageRef, Part, PinnedRef, ReferenceError, Repository, Tag};
