//! Policies of other programs in, ours out, and the same decisions or stricter ones.

mod connaisseur;
mod container_policy;
mod export;
mod kyverno;
mod loading;
mod never_looser;
mod signed_identity;
mod sigstore_signed;
mod validating;
#[expect(dead_code, reason = "others ask more of it")]
#[path = "../policies/writing.rs"]
mod writing;
