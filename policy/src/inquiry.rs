//! What a policy must know of an image's signatures: where they lie, and what they are checked against.
//!
//! Each authority has its own idea of both. Authorities with the same idea share one inquiry, so that an image is
//! looked at once for all of them; evidence of one inquiry never answers another.

use std::{collections::BTreeMap, sync::Arc};

use oci::{Digest, Repository, location::TagPrefix};
use serde_json::Value;
use verifier::{Evidence, TrustRoot};

use crate::{Child, Login, model::Lies};

/// A question about one image: look there, and check what is found against this.
#[derive(Debug, Clone)]
pub struct Inquiry {
    trust: TrustRoot,
    lies: Lies,
    wanted: Wanted,
    fingerprint: Digest,
}

/// What is looked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) signatures: bool,
    pub(crate) attestations: bool,
}

impl Inquiry {
    pub(crate) fn new(trust: TrustRoot, lies: &Lies, wanted: Wanted) -> Self {
        let text = format!("{} {lies:?} {wanted:?} {:?}", trust.fingerprint(), lies.secrets.digest());
        Self { trust, lies: lies.clone(), wanted, fingerprint: Digest::of(text.as_bytes()) }
    }

    /// What signatures are checked against.
    #[must_use]
    pub fn trust(&self) -> &TrustRoot {
        &self.trust
    }

    /// The repository that holds them; none where the door's own setting counts, or they lie beside the image.
    #[must_use]
    pub fn stored_in(&self) -> Option<&Repository> {
        self.lies.stored_in.as_ref()
    }

    /// What stands before the tags under which they lie.
    #[must_use]
    pub fn tag_prefix(&self) -> &TagPrefix {
        &self.lies.prefix
    }

    /// The credential that the policy gives for looking into this repository, and for nothing else; none where the
    /// door's own counts.
    #[must_use]
    pub fn login(&self, repository: &Repository) -> Option<&Login> {
        self.lies.secrets.login(repository)
    }

    /// Whether signatures are looked for.
    #[must_use]
    pub fn wants_signatures(&self) -> bool {
        self.wanted.signatures
    }

    /// Whether attestations are looked for.
    #[must_use]
    pub fn wants_attestations(&self) -> bool {
        self.wanted.attestations
    }

    /// The digest of all of the above, for caches.
    #[must_use]
    pub fn fingerprint(&self) -> &Digest {
        &self.fingerprint
    }
}

/// What is known of one image: evidence by the inquiry that it answers, and the image's own configuration.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    evidence: BTreeMap<Digest, Arc<Evidence>>,
    configs: Option<Arc<BTreeMap<String, Value>>>,
    /// What the image lists, if it is an index.
    children: Option<Arc<Vec<Child>>>,
    /// An index that lists the image.
    index: Option<Digest>,
    /// Evidence about children and index.
    others: BTreeMap<(Digest, Digest), Arc<Evidence>>,
}

impl Findings {
    /// No evidence: nothing was looked for.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// The same, and this answer to this inquiry.
    #[must_use]
    pub fn with(mut self, inquiry: &Inquiry, evidence: Arc<Evidence>) -> Self {
        self.evidence.insert(*inquiry.fingerprint(), evidence);
        self
    }

    /// The same, and the image's configuration by platform (`linux/amd64`), of every image where it is an index.
    #[must_use]
    pub fn with_configs(self, configs: Arc<BTreeMap<String, Value>>) -> Self {
        Self { configs: Some(configs), ..self }
    }

    pub(crate) fn configs(&self) -> Option<&BTreeMap<String, Value>> {
        self.configs.as_deref()
    }

    /// The same, and everything that the image lists; nothing, where it is no index.
    #[must_use]
    pub fn with_children(self, children: Vec<Child>) -> Self {
        Self { children: Some(Arc::new(children)), ..self }
    }

    /// The same, and an index that was found to list the image.
    #[must_use]
    pub fn with_index(self, index: Digest) -> Self {
        Self { index: Some(index), ..self }
    }

    /// The same, and this answer to this inquiry about one of the image's children or its index.
    #[must_use]
    pub fn with_other(mut self, inquiry: &Inquiry, evidence: Arc<Evidence>) -> Self {
        self.others.insert((*evidence.image().digest(), *inquiry.fingerprint()), evidence);
        self
    }

    pub(crate) fn children(&self) -> Option<&[Child]> {
        self.children.as_ref().map(|children| children.as_slice())
    }

    pub(crate) fn index(&self) -> Option<&Digest> {
        self.index.as_ref()
    }

    /// The answer about a child or the index.
    pub(crate) fn other(&self, subject: &Digest, inquiry: &Inquiry) -> Option<&Evidence> {
        self.others.get(&(*subject, *inquiry.fingerprint())).map(|evidence| &**evidence)
    }

    pub(crate) fn others(&self) -> impl Iterator<Item = &Arc<Evidence>> {
        self.others.values()
    }

    /// All evidence there is about the image itself.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Evidence>> {
        self.evidence.values()
    }

    pub(crate) fn answer(&self, inquiry: &Inquiry) -> Option<&Evidence> {
        self.evidence.get(inquiry.fingerprint()).map(|evidence| &**evidence)
    }
}
