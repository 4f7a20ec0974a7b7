//! From the trust roots that policies name to the inquiries that their authorities need.

use std::collections::BTreeMap;

use keys::PublicKey;
use verifier::TrustRoot;

use crate::{
    Inquiry, NotReady, Policy,
    image_policy::Expression,
    inquiry::Wanted,
    model::{By, Lies, Material, Requirement, RootName, SignatureRule},
    trust_root::Root,
};

/// What an inquiry depends on beside the keys.
pub(crate) type Plan = (Material, Lies);

/// All trust roots there are.
pub(crate) struct Roots<'a> {
    pub(crate) named: &'a BTreeMap<String, Root>,
    pub(crate) default: Option<&'a TrustRoot>,
}

impl Roots<'_> {
    /// What the plans of these policies are checked against, keys aside; without those that lack a root.
    pub(crate) fn bases(&self, policies: &[Policy]) -> Bases {
        let materials = policies.iter().flat_map(Policy::rules).map(|rule| rule.material.clone());
        let usable = materials.filter_map(|material| Some((material.clone(), self.assemble(&material).ok()?)));
        Bases(usable.collect())
    }

    /// Why this policy can't be evaluated for want of a root.
    pub(crate) fn lack(&self, policy: &Policy) -> Option<NotReady> {
        policy.rules().find_map(|rule| self.assemble(&rule.material).err())
    }

    /// Certificates, logs and clocks, each from where the authority takes them. Nothing is demanded here: what an
    /// authority demands it asks of each signature.
    fn assemble(&self, material: &Material) -> Result<TrustRoot, NotReady> {
        let mut root = TrustRoot::new(Vec::new());
        if let Some(name) = &material.authorities {
            let from = self.root(name)?;
            root = from.authorities().iter().cloned().fold(root, TrustRoot::with_authority);
            root = from.certificate_logs().iter().cloned().fold(root, TrustRoot::with_certificate_log);
        }
        if let Some(name) = &material.logs {
            root = self.root(name)?.logs().iter().cloned().fold(root, TrustRoot::with_log);
        }
        if let Some(name) = &material.clocks {
            let clocks = self.root(name)?.timestamp_authorities();
            root = clocks.iter().cloned().fold(root, TrustRoot::with_timestamp_authority);
        }
        Ok(root)
    }

    fn root(&self, name: &RootName) -> Result<&TrustRoot, NotReady> {
        match name {
            RootName::Default => self.default.ok_or(NotReady::NoDefaultRoot),
            RootName::Named(name) => match self.named.get(name).map(|root| &root.contents) {
                Some(Ok(root)) => Ok(root),
                Some(Err(why)) => Err(NotReady::UnusableTrustRoot(name.clone(), why.clone())),
                None => Err(NotReady::NoTrustRoot(name.clone())),
            },
        }
    }
}

/// What signatures are checked against, keys aside.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bases(BTreeMap<Material, TrustRoot>);

impl Bases {
    /// The inquiries of these policies, one for each distinct plan, with the keys of those that share it, and no others:
    /// a stranger's signature is tried with each.
    pub(crate) fn inquiries<'a>(&self, policies: impl Iterator<Item = &'a Policy>) -> BTreeMap<Plan, Inquiry> {
        let mut sharing: BTreeMap<Plan, (Vec<PublicKey>, Wanted)> = BTreeMap::new();
        for (policy, rule) in policies.flat_map(|policy| policy.rules().map(move |rule| (policy, rule))) {
            let (keys, wanted) = sharing.entry(rule.plan()).or_default();
            keys.extend(match &rule.by {
                By::Key(key) => Some(key.clone()),
                By::Identities(_) => None,
            });
            match rule.attestations.is_empty() {
                true => wanted.signatures = true,
                false => wanted.attestations = true,
            }
            wanted.attestations |= policy.terms.expressions.iter().any(Expression::sees_attestations);
        }
        let usable = sharing.into_iter().filter_map(|(plan, (keys, wanted))| {
            let trust = self.0.get(&plan.0)?.clone().with_keys(keys);
            let inquiry = Inquiry::new(trust, &plan.1, wanted);
            Some((plan, inquiry))
        });
        usable.collect()
    }
}

impl Policy {
    /// What its authorities ask of signatures.
    pub(crate) fn rules(&self) -> impl Iterator<Item = &SignatureRule> {
        self.authorities.iter().filter_map(|authority| match &authority.requirement {
            Requirement::Signature(rule) => Some(rule),
            Requirement::Pass | Requirement::Fail { .. } | Requirement::Unsupported => None,
        })
    }
}

impl SignatureRule {
    pub(crate) fn plan(&self) -> Plan {
        (self.material.clone(), self.lies.clone())
    }

    /// Whether it takes the root that whoever runs the gate trusts.
    pub(crate) fn needs_default_root(&self) -> bool {
        let Material { authorities, logs, clocks } = &self.material;
        [authorities, logs, clocks].into_iter().flatten().any(|name| *name == RootName::Default)
    }
}
