//! What a policy must know of an image's signatures: where they lie, and what they are checked against.
//!
//! Each authority has its own idea of both. Authorities with the same idea share one inquiry, so that an image is
//! looked at once for all of them; evidence of one inquiry never answers another.

use std::{collections::BTreeMap, sync::Arc};

use oci::{Digest, Repository};
use verifier::{Evidence, TrustRoot};

/// A question about one image: look there, and check what is found against this.
#[derive(Debug, Clone)]
pub struct Inquiry {
    trust: TrustRoot,
    stored_in: Option<Repository>,
    fingerprint: Digest,
}

impl Inquiry {
    pub(crate) fn new(trust: TrustRoot, stored_in: Option<Repository>) -> Self {
        let text = format!("{} {stored_in:?}", trust.fingerprint());
        Self { trust, stored_in, fingerprint: Digest::of(text.as_bytes()) }
    }

    /// What signatures are checked against.
    #[must_use]
    pub fn trust(&self) -> &TrustRoot {
        &self.trust
    }

    /// The repository that holds them; none where the door's own setting counts, or they lie beside the image.
    #[must_use]
    pub fn stored_in(&self) -> Option<&Repository> {
        self.stored_in.as_ref()
    }

    /// The digest of all of the above, for caches.
    #[must_use]
    pub fn fingerprint(&self) -> &Digest {
        &self.fingerprint
    }
}

/// Evidence about one image, by the inquiry that it answers.
#[derive(Debug, Clone, Default)]
pub struct Findings(BTreeMap<Digest, Arc<Evidence>>);

impl Findings {
    /// No evidence: nothing was looked for.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// The same, and this answer to this inquiry.
    #[must_use]
    pub fn with(mut self, inquiry: &Inquiry, evidence: Arc<Evidence>) -> Self {
        self.0.insert(*inquiry.fingerprint(), evidence);
        self
    }

    /// All evidence there is.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Evidence>> {
        self.0.values()
    }

    pub(crate) fn answer(&self, inquiry: &Inquiry) -> Option<&Evidence> {
        self.0.get(inquiry.fingerprint()).map(|evidence| &**evidence)
    }
}
