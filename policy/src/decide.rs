//! The decision: all policies that match, each by one of its authorities, each authority by one signature.
//!
//! Yes needs a positive result of every enforcing policy; the absence of objections is never one. What is not known
//! is neither yes nor no.

use oci::{Digest, ImageRef};
use verifier::Evidence;

use crate::{
    Approval, Denial, Met, NoMatch, Policy, PolicySet, Reason, Undecided, Verdict, model::Requirement, reason,
};

/// The policies that are about one image; perhaps none.
#[derive(Debug, Clone)]
pub struct Matched<'a> {
    set: &'a PolicySet,
    image: Box<ImageRef>,
    digest: Option<Digest>,
    policies: Vec<&'a Policy>,
}

/// What a decision takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: it is settled, and [`Matched::decide`] answers without evidence.
    Nothing,
    /// No signature; resolve the image only to pin it, then ask without evidence.
    Pin,
    /// The image's signatures.
    Evidence,
}

impl<'a> Matched<'a> {
    pub(crate) fn new(set: &'a PolicySet, image: ImageRef, digest: Option<Digest>, policies: Vec<&'a Policy>) -> Self {
        Self { set, image: Box::new(image), digest, policies }
    }

    /// The policies; empty where none matches.
    #[must_use]
    pub fn policies(&self) -> &[&'a Policy] {
        &self.policies
    }

    /// What a decision takes.
    #[must_use]
    pub fn needs(&self) -> Needs {
        if self.policies.is_empty() {
            return if self.set.no_match() == NoMatch::Deny { Needs::Nothing } else { Needs::Pin };
        }
        let prospects: Vec<Prospect> = self.policies.iter().map(|policy| policy.prospect()).collect();
        let refused =
            self.policies.iter().zip(&prospects).any(|(p, prospect)| p.enforces() && *prospect == Prospect::Hopeless);
        if refused {
            Needs::Nothing
        } else if prospects.contains(&Prospect::BySignature) {
            Needs::Evidence
        } else {
            Needs::Pin
        }
    }

    /// The verdict, from the image's evidence; without it where [`Self::needs`] says that it takes none.
    ///
    /// # Errors
    /// Fails if evidence is missing, incomplete or about another image, and what there is settles nothing.
    pub fn decide(&self, evidence: Option<&Evidence>) -> Result<Verdict, Undecided> {
        if let Some(evidence) = evidence {
            self.check_subject(evidence)?;
        }
        if self.policies.is_empty() {
            return Ok(self.unmatched());
        }
        let (mut met, mut failed, mut warnings, mut open) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for policy in &self.policies {
            match (policy.judge(&self.image, evidence), policy.enforces()) {
                (Outcome::Met(by), _) => met.push(by),
                (Outcome::Failed(reason), true) => failed.push(reason),
                (Outcome::Failed(reason), false) => warnings.push(reason),
                (Outcome::Open, _) => open.push(*policy),
            }
        }
        reason::sort(&mut failed);
        reason::sort(&mut warnings);
        if !failed.is_empty() {
            return Ok(Verdict::Deny(Denial { reasons: failed, warnings }));
        }
        // A source that can't be read holds nobody up whom the enforcing policies let in. Evidence that was not even
        // looked for, or with nothing but warning policies, is another matter: the door must know.
        let enforced = self.policies.iter().any(|policy| policy.enforces());
        let tolerable = evidence.is_some() && enforced && !open.iter().any(|policy| policy.enforces());
        if !open.is_empty() && !tolerable {
            return Err(undecided(&open, evidence));
        }
        if !open.is_empty() {
            let why = undecided(&open, evidence).to_string();
            warnings.extend(open.iter().map(|policy| reason::could_not_decide(&policy.name, &self.image, &why)));
        }
        Ok(Verdict::Allow(Approval { met, warnings }))
    }

    /// What remains where the image or its signatures could not be had at all: an approval without a pin, if nothing
    /// that matches depends on signatures or they only decide about warnings. Nothing means that the door must refuse.
    #[must_use]
    pub fn could_not_decide(&self, why: &str) -> Option<Approval> {
        if self.policies.is_empty() {
            return match self.unmatched() {
                Verdict::Allow(Approval { met, warnings }) => {
                    let unpinned = reason::unpinned(&self.image, why);
                    Some(Approval { met, warnings: warnings.into_iter().chain([unpinned]).collect() })
                }
                Verdict::Deny(_) => None,
            };
        }
        let mut approval = Approval { met: Vec::new(), warnings: vec![reason::unpinned(&self.image, why)] };
        for policy in &self.policies {
            match (policy.judge(&self.image, None), policy.enforces()) {
                (Outcome::Met(met), _) => approval.met.push(met),
                (Outcome::Failed(reason), false) => approval.warnings.push(reason),
                (Outcome::Open, false) => {
                    approval.warnings.push(reason::could_not_decide(&policy.name, &self.image, why))
                }
                (Outcome::Failed(_) | Outcome::Open, true) => return None,
            }
        }
        Some(approval)
    }

    fn check_subject(&self, evidence: &Evidence) -> Result<(), Undecided> {
        let found = evidence.image();
        let digest = self.digest.is_none_or(|digest| digest == *found.digest());
        if found.repository() == self.image.repository() && digest {
            return Ok(());
        }
        let digest = self.digest.map(|digest| format!("@{digest}")).unwrap_or_default();
        let wanted = format!("{}{digest}", self.image.repository());
        Err(Undecided::OtherImage { found: Box::new(found.clone()), wanted })
    }

    fn unmatched(&self) -> Verdict {
        let reason = || reason::no_match(&self.image, self.set.policies());
        match self.set.no_match() {
            NoMatch::Deny => Verdict::Deny(Denial { reasons: vec![reason()], warnings: Vec::new() }),
            NoMatch::Warn => Verdict::Allow(Approval { met: Vec::new(), warnings: vec![reason()] }),
            NoMatch::Allow => Verdict::Allow(Approval { met: Vec::new(), warnings: Vec::new() }),
        }
    }
}

/// What can become of a policy before any signature is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Prospect {
    Passes,
    BySignature,
    Hopeless,
}

/// What became of a policy.
enum Outcome {
    Met(Met),
    Failed(Reason),
    Open,
}

impl Policy {
    fn prospect(&self) -> Prospect {
        let has = |wanted: fn(&Requirement) -> bool| self.authorities.iter().any(|a| wanted(&a.requirement));
        if self.readiness().is_err() {
            Prospect::Hopeless
        } else if has(|requirement| matches!(requirement, Requirement::Pass)) {
            Prospect::Passes
        } else if has(|requirement| matches!(requirement, Requirement::Key { .. })) {
            Prospect::BySignature
        } else {
            Prospect::Hopeless
        }
    }

    fn judge(&self, image: &ImageRef, evidence: Option<&Evidence>) -> Outcome {
        if let Err(why) = self.readiness() {
            return Outcome::Failed(reason::not_ready(&self.name, image, why));
        }
        if let Some(met) = self.met(evidence) {
            return Outcome::Met(met);
        }
        match (self.prospect(), evidence) {
            (Prospect::Hopeless, _) => Outcome::Failed(reason::failed(self, image, None)),
            (_, Some(evidence)) if evidence.is_complete() => {
                Outcome::Failed(reason::failed(self, image, Some(evidence)))
            }
            _ => Outcome::Open,
        }
    }

    /// The first authority that is satisfied, and by whom.
    fn met(&self, evidence: Option<&Evidence>) -> Option<Met> {
        let verified = evidence.map(Evidence::verified).unwrap_or_default();
        self.authorities.iter().find_map(|authority| {
            let signer = match &authority.requirement {
                Requirement::Pass => None,
                requirement => Some(verified.iter().find(|signature| requirement.met_by(signature))?.signer().clone()),
            };
            let (policy, authority) = (self.name.clone(), authority.name.clone());
            Some(Met { policy, authority, signer, enforced: self.enforces() })
        })
    }
}

fn undecided(open: &[&Policy], evidence: Option<&Evidence>) -> Undecided {
    let policies = open.iter().map(|policy| policy.name.clone()).collect();
    match evidence {
        None => Undecided::NoEvidence { policies },
        Some(evidence) => Undecided::Gaps { policies, gaps: evidence.gaps().to_vec() },
    }
}
