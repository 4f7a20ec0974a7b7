//! A checked policy: which images it is about, and what it asks of them.

use std::fmt;

use keys::{PublicKey, SignatureHash};
use oci::{ImageRef, Repository, location::TagPrefix};
use rustls_pki_types::UnixTime;
use verifier::{Demands, Fault, Format, IdentityMatcher, Signer, VerifiedAttestation, VerifiedSignature};

use crate::{
    Glob,
    image_policy::{Conditions, Revoked, Terms, Unmet},
    program::{Program, Whole},
    pull_secrets::PullSecrets,
    resource::ResourceMatch,
};

/// One ClusterImagePolicy or ImagePolicy. It has at least one glob, and authorities with distinct names.
#[derive(Debug, Clone)]
pub struct Policy {
    pub(crate) name: String,
    pub(crate) mode: Mode,
    pub(crate) globs: Vec<Glob>,
    pub(crate) resources: Vec<ResourceMatch>,
    pub(crate) authorities: Vec<Authority>,
    /// What must hold of everything that its authorities found.
    pub(crate) whole: Option<Whole>,
    /// What only an ImagePolicy says.
    pub(crate) terms: Terms,
    /// What it says that can't be evaluated.
    pub(crate) unready: Option<NotReady>,
    /// What it refers to that is not at hand.
    pub(crate) lack: Option<NotReady>,
}

impl Policy {
    /// The policy's name, unique among the policies of a set.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a failure refuses or warns.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The globs; one that matches selects the policy.
    #[must_use]
    pub fn globs(&self) -> &[Glob] {
        &self.globs
    }

    /// Whether this version can evaluate the policy.
    ///
    /// # Errors
    /// Fails with what it cannot evaluate; no image that the policy matches can meet it.
    pub fn readiness(&self) -> Result<(), &NotReady> {
        let lack = self.unready.as_ref().or_else(|| self.programs().find_map(Program::lack)).or(self.lack.as_ref());
        lack.map_or(Ok(()), Err)
    }

    /// Its own condition and those of its attestations.
    pub(crate) fn programs(&self) -> impl Iterator<Item = &Program> {
        let attestations = self.rules().flat_map(|rule| &rule.attestations);
        let own = self.whole.as_ref().map(|whole| &whole.program);
        own.into_iter().chain(attestations.filter_map(|attestation| attestation.condition.as_ref()))
    }

    /// The same, to be supplied.
    pub(crate) fn programs_mut(&mut self) -> impl Iterator<Item = &mut Program> {
        let attestations = self.authorities.iter_mut().flat_map(|authority| match &mut authority.requirement {
            Requirement::Signature(rule) => rule.attestations.as_mut_slice(),
            Requirement::Pass | Requirement::Fail { .. } | Requirement::Unsupported => &mut [],
        });
        let own = self.whole.as_mut().map(|whole| &mut whole.program);
        own.into_iter().chain(attestations.filter_map(|attestation| attestation.condition.as_mut()))
    }

    /// Whether a failure refuses the image. A policy without authorities does so in every mode.
    pub(crate) fn enforces(&self) -> bool {
        self.mode == Mode::Enforce || matches!(self.unready, Some(NotReady::NoAuthorities))
    }
}

/// What a policy's failure means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The image is refused.
    Enforce,
    /// The image is let in with a warning, unless another policy refuses it.
    Warn,
    /// The image is let in, and the failure goes nowhere but to the decision log, unless another policy refuses it.
    Audit,
}

/// One way to satisfy a policy.
#[derive(Debug, Clone)]
pub(crate) struct Authority {
    pub(crate) name: String,
    pub(crate) requirement: Requirement,
}

/// What an authority asks.
#[derive(Debug, Clone)]
pub(crate) enum Requirement {
    /// One signature that meets all of this.
    Signature(SignatureRule),
    /// Nothing.
    Pass,
    /// The impossible, with a message.
    Fail { message: String },
    /// Something that this version cannot evaluate, which is said in [`Policy::readiness`].
    Unsupported,
}

/// What one signature must be like.
#[derive(Debug, Clone)]
pub(crate) struct SignatureRule {
    pub(crate) by: By,
    /// The hash that a key must have signed with, where its kind leaves a choice.
    pub(crate) hash: Option<SignatureHash>,
    pub(crate) format: Option<Format>,
    pub(crate) material: Material,
    pub(crate) lies: Lies,
    pub(crate) demands: Demands,
    /// Each of these is asked for, where there are any, and no signature.
    pub(crate) attestations: Vec<AttestationRule>,
    pub(crate) conditions: Box<Conditions>,
}

/// Where signatures and attestations lie.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Lies {
    /// The repository, if not the image's.
    pub(crate) stored_in: Option<Repository>,
    /// What stands before their tags.
    pub(crate) prefix: TagPrefix,
    /// Who is asked for them shows these.
    pub(crate) secrets: PullSecrets,
}

/// What must be said of an image.
#[derive(Debug, Clone)]
pub(crate) struct AttestationRule {
    pub(crate) name: String,
    pub(crate) predicate_type: String,
    pub(crate) condition: Option<Program>,
}

/// Who must have signed.
#[derive(Debug, Clone)]
pub(crate) enum By {
    Key(PublicKey),
    /// Any one of these; there is at least one.
    Identities(Vec<IdentityMatcher>),
}

/// Whose certificates, logs and clocks count. Nobody's, where there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Material {
    pub(crate) authorities: Option<RootName>,
    pub(crate) logs: Option<RootName>,
    pub(crate) clocks: Option<RootName>,
}

/// A trust root, as a policy names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RootName {
    /// The one that whoever runs the gate trusts where a policy names none.
    Default,
    /// A TrustRoot object.
    Named(String),
}

/// How far a signature is from meeting a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Miss {
    Signer,
    Revoked,
    Format(Format),
    Hash { found: SignatureHash, wanted: SignatureHash },
    Demand(Fault),
    Condition(Unmet),
}

/// What a signature is judged for beside itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// The image, as it was asked for.
    pub(crate) image: &'a ImageRef,
    pub(crate) now: UnixTime,
    pub(crate) revoked: &'a Revoked,
}

impl SignatureRule {
    /// Whether this one signature is what the rule asks for.
    pub(crate) fn met_by(&self, signature: &VerifiedSignature, asked: Asked<'_>) -> Result<(), Miss> {
        self.is_by(signature.signer(), signature.format(), asked)?;
        self.is_with(signature.hash())?;
        signature.meets(self.demands).map_err(Miss::Demand)?;
        self.conditions.met_by(signature, asked.image, asked.now).map_err(Miss::Condition)
    }

    /// Whether this one attestation is by whom the rule names, whatever it says.
    pub(crate) fn vouched(&self, attestation: &VerifiedAttestation, asked: Asked<'_>) -> Result<(), Miss> {
        self.is_by(attestation.signer(), attestation.format(), asked)?;
        self.is_with(attestation.hash())?;
        attestation.meets(self.demands).map_err(Miss::Demand)?;
        self.conditions.met_by_attestation(attestation, asked.now).map_err(Miss::Condition)
    }

    fn is_by(&self, signer: &Signer, format: Format, asked: Asked<'_>) -> Result<(), Miss> {
        if !self.by.is(signer) {
            return Err(Miss::Signer);
        }
        if asked.revoked.includes(signer) {
            return Err(Miss::Revoked);
        }
        match self.format.filter(|wanted| format != *wanted) {
            Some(wanted) => Err(Miss::Format(wanted)),
            None => Ok(()),
        }
    }

    fn is_with(&self, hash: Option<SignatureHash>) -> Result<(), Miss> {
        match (hash, self.hash) {
            (Some(found), Some(wanted)) if found != wanted => Err(Miss::Hash { found, wanted }),
            _ => Ok(()),
        }
    }
}

impl By {
    fn is(&self, signer: &Signer) -> bool {
        match (self, signer) {
            (Self::Key(key), Signer::Key(id)) => key.id() == *id,
            (Self::Identities(wanted), Signer::Identity(identity)) => wanted.iter().any(|one| one.matches(identity)),
            (Self::Key(_), Signer::Identity(_)) | (Self::Identities(_), Signer::Key(_)) => false,
        }
    }

    /// What kind of authority this is, as upstream's messages name it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Key(_) => "key",
            Self::Identities(_) => "keyless",
        }
    }
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => write!(f, "key {}", key.id()),
            Self::Identities(wanted) => {
                let wanted: Vec<String> = wanted.iter().map(ToString::to_string).collect();
                f.write_str(&wanted.join(" or "))
            }
        }
    }
}

/// Why a policy cannot be evaluated. Whatever it matches is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotReady {
    /// It uses these fields, by path, which this version cannot evaluate.
    Uses(Vec<String>),
    /// It has no authorities: nothing could satisfy it.
    NoAuthorities,
    /// A ConfigMap or Secret that it refers to is not among the files, or lacks the entry.
    NoReference {
        /// The referring field, by path.
        field: String,
        /// What is not there.
        wanted: String,
    },
    /// What a ConfigMap or Secret holds cannot be used.
    UnusableReference {
        /// The referring field, by path.
        field: String,
        /// What is wrong with it.
        why: String,
    },
    /// A condition in CUE or Rego has something in it that is not evaluated here.
    Construct {
        /// The field that holds it, by path.
        field: String,
        /// Which line of which file.
        place: String,
        /// What it is.
        what: String,
    },
    /// A document that it refers to is not at hand, or cannot be used.
    NoDocument {
        /// Its address.
        url: String,
        /// Why.
        why: String,
    },
    /// It refers to a TrustRoot that is not there.
    NoTrustRoot(String),
    /// It refers to a TrustRoot that cannot be used, for this reason.
    UnusableTrustRoot(String, String),
    /// It names no TrustRoot, and the gate was given no trusted root.
    NoDefaultRoot,
}

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uses(fields) => write!(f, "uses {}, which this version cannot evaluate", fields.join(", ")),
            Self::NoAuthorities => f.write_str("has no authorities, so that nothing can satisfy it"),
            Self::NoReference { field, wanted } => write!(f, "refers in {field} to {wanted}, which is not found"),
            Self::UnusableReference { field, why } => write!(f, "cannot use what {field} refers to: {why}"),
            Self::Construct { field, place, what } => {
                write!(f, "has a condition that cannot be evaluated: {field}, {place}: {what}")
            }
            Self::NoDocument { url, why } => write!(f, "refers to {url}, which {why}"),
            Self::NoTrustRoot(name) => write!(f, "refers to trustRootRef {name}, which is not found"),
            Self::UnusableTrustRoot(name, why) => write!(f, "refers to trustRootRef {name}, which {why}"),
            Self::NoDefaultRoot => f.write_str("names no trustRootRef, and no trusted root was given"),
        }
    }
}

impl std::error::Error for NotReady {}
