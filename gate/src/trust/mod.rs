//! Where trust material comes from: a TUF repository with its cache, or the public instance's own as of this release.
//!
//! The library does the protocol: chains of roots, thresholds, versions that only grow, expiry, lengths and hashes. What
//! is here is where the bytes come from and where they are kept. The cache has cosign's layout, so that both programs
//! share it.

mod archive;
mod cache;
mod embedded;
mod http;
mod named;
mod tuf;

pub use embedded::{STAGING_MIRROR, STAGING_ROOT};
pub(crate) use named::{Seen, trusted_root};
pub use tuf::{Material, Tuf, TufError, TufSettings};
