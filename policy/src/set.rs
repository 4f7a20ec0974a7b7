//! The set of policies in force, and which of them are about an image.

use std::collections::{BTreeMap, BTreeSet};

use oci::{AnyDigest, Digest, ImageRef};
use serde_json::Value;
use verifier::TrustRoot;

use crate::{
    Asker, LoadErrors, Matched, NoMatch, Policy, Resource, Unknown,
    glob::Match,
    image_policy::Standing,
    load::{Loaded, load},
    model::SignatureRule,
    program::{Program, Whole},
    supplies::{Supplies, Wanted},
    trust::{Bases, Roots},
    trust_root::Root,
};

/// Checked policies, at least one, with what decides where none matches. Immutable.
#[derive(Debug, Clone)]
pub struct PolicySet {
    policies: Vec<Policy>,
    roots: BTreeMap<String, Root>,
    default: Option<TrustRoot>,
    no_match: NoMatch,
    bases: Bases,
    written: Digest,
    trust: Digest,
}

impl PolicySet {
    /// Reads policy files, each with its name and its text, in YAML or JSON, each with any number of objects.
    ///
    /// Policies that name no TrustRoot are not ready until [`Self::with_default_root`].
    ///
    /// # Errors
    /// Fails with every problem of every file. No policy at all is a problem too.
    pub fn parse(files: &[(String, String)]) -> Result<Self, LoadErrors> {
        let Loaded { policies, roots, config } = load(files)?;
        let (no_match, written) = (config.no_match, fingerprint(files));
        let (bases, trust) = (Bases::default(), written);
        Ok(Self { policies, roots, default: None, no_match, bases, written, trust }.assembled())
    }

    /// Whether some policy takes the root that whoever runs the gate trusts.
    #[must_use]
    pub fn needs_default_root(&self) -> bool {
        self.policies.iter().flat_map(Policy::rules).any(SignatureRule::needs_default_root)
    }

    /// The same policies, with this root where they name none. Its own keys and demands have no say.
    #[must_use]
    pub fn with_default_root(self, root: &TrustRoot) -> Self {
        Self { default: Some(root.clone()), ..self }.assembled()
    }

    /// What policies refer to that must be fetched or unpacked, each once.
    #[must_use]
    pub fn wanted(&self) -> BTreeSet<Wanted> {
        let documents = self.policies.iter().flat_map(Policy::programs).filter_map(Program::wanted);
        documents.chain(self.roots.values().filter_map(|root| root.wanted.as_ref())).cloned().collect()
    }

    /// Whether what a TrustRoot says has to be brought.
    pub(crate) fn awaits_root(&self, name: &str) -> bool {
        self.roots.get(name).is_some_and(|root| root.wanted.is_some())
    }

    /// The same policies, with what of this they refer to; what is not there makes the policies not ready that do.
    #[must_use]
    pub fn supplied(mut self, supplies: &Supplies) -> Self {
        self.policies.iter_mut().flat_map(Policy::programs_mut).for_each(|program| program.supply(supplies));
        self.roots.values_mut().for_each(|root| root.supply(supplies));
        self.assembled()
    }

    fn assembled(mut self) -> Self {
        let roots = Roots { named: &self.roots, default: self.default.as_ref() };
        for policy in &mut self.policies {
            policy.lack = roots.lack(policy);
        }
        self.bases = roots.bases(&self.policies);
        let all = self.bases.inquiries(self.policies.iter());
        let trusts: Vec<u8> = all.values().flat_map(|one| *one.trust().fingerprint().as_bytes()).collect();
        self.trust = Digest::of(&trusts);
        self
    }

    /// The digest of the texts that were parsed, in whatever order and under whatever names they came.
    #[must_use]
    pub fn fingerprint(&self) -> Digest {
        self.written
    }

    /// The digest of everything that signatures are checked against.
    #[must_use]
    pub fn trust_fingerprint(&self) -> Digest {
        self.trust
    }

    pub(crate) fn bases(&self) -> &Bases {
        &self.bases
    }

    /// The policies.
    pub fn policies(&self) -> impl Iterator<Item = &Policy> {
        self.policies.iter()
    }

    /// What is done about an image that no policy matches.
    #[must_use]
    pub fn no_match(&self) -> NoMatch {
        self.no_match
    }

    /// The policies about an image, by the name under which it would be admitted: repository and SHA-256 digest.
    ///
    /// `resolved` is the digest that the image was found to have; without it, the one that the reference names is
    /// taken. A tag never selects a policy. `object` is what the image runs in, and `asker` who wants it; where a policy
    /// is only for some of them, and which that is here is not known, it cannot be decided.
    #[must_use]
    pub fn select(
        &self,
        image: &ImageRef,
        resolved: Option<&Digest>,
        object: Option<&Resource>,
        asker: &Asker,
    ) -> Selection<'_> {
        let digest = resolved.copied().or_else(|| image.digest().and_then(AnyDigest::sha256));
        let name = Name::of(image, digest.as_ref());
        let (mut policies, mut open) = (Vec::new(), Vec::new());
        for policy in &self.policies {
            let unknown = match policy.counts_for(object, asker) {
                Standing::CountsNot => continue,
                Standing::Counts => None,
                Standing::Unknown(unknown) => Some(unknown),
            };
            match (policy.selects(&name), unknown) {
                (Match::Always, None) => policies.push(policy),
                (Match::Always, Some(unknown)) => open.push((policy, unknown)),
                (Match::Never, _) => {}
                (Match::ByDigest, _) => return Selection::NeedsDigest,
            }
        }
        Selection::Matched(Matched::new(self, image.clone(), digest, object.cloned(), asker.clone(), (policies, open)))
    }

    /// Whether the same policies are about an image in one object of a namespace as in another, whatever its digest and
    /// whoever asks.
    #[must_use]
    pub fn is_alike(&self, image: &ImageRef, one: &Resource, other: &Resource) -> bool {
        let name = Name::of(image, image.digest().and_then(AnyDigest::sha256).as_ref());
        let about = self.policies.iter().filter(|policy| policy.selects(&name) != Match::Never);
        about.into_iter().all(|policy| match (policy.is_for(Some(one)), policy.is_for(Some(other))) {
            (true, true) => policy.sees(one) == policy.sees(other) && !policy.terms.scope.asks_who(),
            (one, other) => one == other,
        })
    }
}

/// Which policies are about an image.
#[derive(Debug, Clone)]
pub enum Selection<'a> {
    /// That depends on the image's digest: resolve it and ask again.
    NeedsDigest,
    /// These; perhaps none.
    Matched(Matched<'a>),
}

/// What globs are held against.
enum Name {
    /// The name under which the image would be admitted.
    Admitted(String),
    /// The same, before its digest is known.
    Undigested(String),
}

impl Name {
    fn of(image: &ImageRef, digest: Option<&Digest>) -> Self {
        let name = image.repository().index_name();
        match digest {
            Some(digest) => Self::Admitted(format!("{name}@{digest}")),
            None => Self::Undigested(name),
        }
    }
}

impl Policy {
    /// Whether one of the globs matches this name, which has a digest, or else any digest that it may turn out to have.
    fn selects(&self, name: &Name) -> Match {
        let matches = self.globs.iter().map(|glob| match name {
            Name::Admitted(name) if glob.matches(name) => Match::Always,
            Name::Admitted(_) => Match::Never,
            Name::Undigested(name) => glob.matches_undigested(name),
        });
        matches.fold(Match::Never, |so_far, found| match (so_far, found) {
            (Match::Always, _) | (_, Match::Always) => Match::Always,
            (Match::ByDigest, _) | (_, Match::ByDigest) => Match::ByDigest,
            (Match::Never, Match::Never) => Match::Never,
        })
    }

    /// Whether it is certainly for this object, and can be decided with what is known of it.
    fn is_for(&self, object: Option<&Resource>) -> bool {
        let looks_into = self.whole.as_ref().is_some_and(|whole| whole.includes.object());
        if looks_into && object.is_none() {
            return false;
        }
        let named = |object| self.resources.iter().any(|resource| resource.is_about(object));
        self.resources.is_empty() || object.is_some_and(named)
    }

    /// What of the object goes into its condition.
    fn sees(&self, object: &Resource) -> Vec<Option<Value>> {
        let Some(Whole { includes, .. }) = &self.whole else { return Vec::new() };
        let parts = [(includes.spec, "spec"), (includes.metadata, "metadata"), (includes.types, "typemeta")];
        parts.into_iter().filter(|(seen, _)| *seen).map(|(_, name)| object.part(name)).collect()
    }

    /// Whether it counts for this object and asker. One that can be told not to count is left out, whatever else is
    /// unknown.
    fn counts_for(&self, object: Option<&Resource>, asker: &Asker) -> Standing {
        match (self.terms.scope.of(asker), self.is_for(object), object) {
            (Standing::CountsNot, ..) | (_, false, Some(_)) => Standing::CountsNot,
            (_, false, None) => Standing::Unknown(Unknown::Object),
            (standing, true, _) => standing,
        }
    }
}

fn fingerprint(files: &[(String, String)]) -> Digest {
    let mut digests: Vec<Digest> = files.iter().map(|(_, text)| Digest::of(text.as_bytes())).collect();
    digests.sort_unstable();
    Digest::of(&digests.iter().flat_map(|digest| *digest.as_bytes()).collect::<Vec<u8>>())
}
