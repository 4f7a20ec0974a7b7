//! The public instance's trust material as of this release.

/// The mirror that is asked where no other is named.
pub(super) const MIRROR: &str = "https://tuf-repo-cdn.sigstore.dev";
/// What the repository's metadata is checked against, first of all.
pub(super) const ROOT: &[u8] = include_bytes!("public/root.json");
/// Targets for a machine that has never reached the mirror.
pub(super) const TRUSTED_ROOT: &[u8] = include_bytes!("public/trusted_root.json");
pub(super) const SIGNING_CONFIG: &[u8] = include_bytes!("public/signing_config.v0.2.json");
/// The staging instance's mirror.
pub const STAGING_MIRROR: &str = "https://tuf-repo-cdn.sigstage.dev";
/// The staging instance's root.
pub const STAGING_ROOT: &[u8] = include_bytes!("public/staging_root.json");
/// When they were last compared with the mirror.
pub(super) const AS_OF: &str = "2026-11-25";
