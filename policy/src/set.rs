//! The set of policies in force, and which of them are about an image.

use oci::{AnyDigest, Digest, ImageRef};
use verifier::TrustRoot;

use crate::{
    LoadErrors, Matched, NoMatch, Policy,
    glob::Match,
    load::{Loaded, load},
    model::Requirement,
};

/// Checked policies, at least one, with what decides where none matches. Immutable.
#[derive(Debug, Clone)]
pub struct PolicySet {
    policies: Vec<Policy>,
    no_match: NoMatch,
    trust: TrustRoot,
    fingerprint: Digest,
}

impl PolicySet {
    /// Reads policy files, each with its name and its text, in YAML or JSON, each with any number of objects.
    ///
    /// # Errors
    /// Fails with every problem of every file. No policy at all is a problem too.
    pub fn parse(files: &[(String, String)]) -> Result<Self, LoadErrors> {
        let Loaded { policies, config } = load(files)?;
        let keys = policies.iter().flat_map(|policy| &policy.authorities).filter_map(|authority| {
            match &authority.requirement {
                Requirement::Key { key, .. } => Some(key.clone()),
                Requirement::Pass | Requirement::Fail { .. } | Requirement::Unsupported => None,
            }
        });
        let trust = TrustRoot::new(keys.collect());
        Ok(Self { policies, no_match: config.no_match, trust, fingerprint: fingerprint(files) })
    }

    /// The digest of the texts that were parsed, in whatever order and under whatever names they came.
    #[must_use]
    pub fn fingerprint(&self) -> Digest {
        self.fingerprint
    }

    /// The keys of all policies. Which of them a policy trusts, [`Matched::decide`] knows.
    #[must_use]
    pub fn trust(&self) -> &TrustRoot {
        &self.trust
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
    /// taken. A tag never selects a policy.
    #[must_use]
    pub fn select(&self, image: &ImageRef, resolved: Option<&Digest>) -> Selection<'_> {
        let digest = resolved.copied().or_else(|| image.digest().and_then(AnyDigest::sha256));
        let name = image.repository().index_name();
        let mut policies = Vec::new();
        for policy in &self.policies {
            match policy.selects(&name, digest.as_ref()) {
                Match::Always => policies.push(policy),
                Match::Never => {}
                Match::ByDigest => return Selection::NeedsDigest,
            }
        }
        Selection::Matched(Matched::new(self, image.clone(), digest, policies))
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

impl Policy {
    /// Whether one of the globs matches the repository of this name at this digest, or at any where none is given.
    fn selects(&self, name: &str, digest: Option<&Digest>) -> Match {
        let matches = self.globs.iter().map(|glob| match digest {
            Some(digest) if glob.matches(&format!("{name}@{digest}")) => Match::Always,
            Some(_) => Match::Never,
            None => glob.matches_undigested(name),
        });
        matches.fold(Match::Never, |so_far, found| match (so_far, found) {
            (Match::Always, _) | (_, Match::Always) => Match::Always,
            (Match::ByDigest, _) | (_, Match::ByDigest) => Match::ByDigest,
            (Match::Never, Match::Never) => Match::Never,
        })
    }
}

fn fingerprint(files: &[(String, String)]) -> Digest {
    let mut digests: Vec<Digest> = files.iter().map(|(_, text)| Digest::of(text.as_bytes())).collect();
    digests.sort_unstable();
    Digest::of(&digests.iter().flat_map(|digest| *digest.as_bytes()).collect::<Vec<u8>>())
}
