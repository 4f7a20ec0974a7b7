//! Whom and what a policy no longer trusts: keys and identities whose signatures stop counting, and images that nothing
//! makes good again.

use std::fmt;

use oci::Digest;
use verifier::{IdentityMatcher, Signer};

use crate::{
    authority::{Regexes, identity_matchers},
    object::{Object, Text},
    problem::Objection,
};

/// What is revoked; nothing, where a policy does not say.
#[derive(Debug, Clone, Default)]
pub(crate) struct Revoked {
    keys: Vec<String>,
    identities: Vec<IdentityMatcher>,
    digests: Vec<Digest>,
}

impl Revoked {
    /// Reads `revoked`.
    pub(crate) fn read(spec: &Object<'_>) -> Self {
        let Some(object) = spec.object("revoked", &FIELDS) else { return Self::default() };
        if !FIELDS.iter().any(|list| object.given(list)) {
            object.object_to(object.at(), Objection::Missing { paths: object.paths_of(&FIELDS) });
        }
        let identities = if object.has("identities") { identity_matchers(&object, Regexes::Whole) } else { Vec::new() };
        Self { keys: keys(&object), identities, digests: digests(&object, "digests") }
    }

    /// Whether there is anything.
    pub(crate) fn any(&self) -> bool {
        !(self.keys.is_empty() && self.identities.is_empty() && self.digests.is_empty())
    }

    /// Whether this signer counts for nothing any more.
    pub(crate) fn includes(&self, signer: &Signer) -> bool {
        match signer {
            Signer::Key(id) => self.keys.contains(&id.to_string()),
            Signer::Identity(identity) => self.identities.iter().any(|one| one.matches(identity)),
        }
    }

    /// Whether some image is refused, so that its digest must be known.
    pub(crate) fn names_images(&self) -> bool {
        !self.digests.is_empty()
    }

    /// Whether this image is refused whoever signed it.
    pub(crate) fn includes_image(&self, digest: &Digest) -> bool {
        self.digests.contains(digest)
    }
}

/// Ids of keys: the SHA-256 of their DER form, in 64 digits, as `sealgate public-key` and denials show them.
fn keys(object: &Object<'_>) -> Vec<String> {
    let texts = object.texts("keys");
    let id = |text: &Text<'_>| {
        let id = text.value.to_ascii_lowercase();
        text.expect(id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "the id of a key, 64 digits");
        id
    };
    texts.iter().map(id).collect()
}

/// The digests of a list, each of SHA-256.
pub(super) fn digests(object: &Object<'_>, list: &str) -> Vec<Digest> {
    let texts = object.texts(list);
    let digest = |text: &Text<'_>| {
        let digest = text.value.parse::<Digest>().ok();
        text.expect(digest.is_some(), "sha256: and 64 digits");
        digest
    };
    texts.iter().filter_map(digest).collect()
}

/// A signer who is revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IsRevoked;

impl fmt::Display for IsRevoked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("its signer is revoked by this policy, wanted one that is not")
    }
}

const FIELDS: [&str; 3] = ["keys", "identities", "digests"];
