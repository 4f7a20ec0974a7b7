//! JSON Schemas (draft 2020-12), for editors to complete and to check by.
//!
//! They say which fields there are, as the readers do, and most of what the readers object to; what takes more than a
//! schema to see (a public key that is none, a name that is there twice) is left to loading.

/// The schema of ClusterImagePolicy.
pub const CLUSTER_IMAGE_POLICY: &str = include_str!("../schema/cluster-image-policy.json");
/// The schema of ImagePolicy.
pub const IMAGE_POLICY: &str = include_str!("../schema/image-policy.json");
/// The schema of TrustRoot.
pub const TRUST_ROOT: &str = include_str!("../schema/trust-root.json");
/// The schema of the cases of `sealgate policy test`.
pub const POLICY_TEST: &str = include_str!("../schema/policy-test.json");
