//! The decision: all policies that match, each by one of its authorities, each authority by one signature.
//!
//! Yes needs a positive result of every enforcing policy; the absence of objections is never one. What is not known
//! is neither yes nor no.

use std::collections::BTreeMap;

use oci::{Digest, ImageRef};
use rustls_pki_types::UnixTime;
use verifier::{Evidence, Gap, VerifiedAttestation};

use crate::{
    Approval, Denial, Findings, Inquiry, Met, NoMatch, Policy, PolicySet, Reason, Resource, Undecided, Verdict,
    input::{self, Found},
    language::Whole,
    model::{AttestationRule, Requirement, SignatureRule},
    reason,
};

/// The policies that are about one image; perhaps none.
#[derive(Debug, Clone)]
pub struct Matched<'a> {
    set: &'a PolicySet,
    image: Box<ImageRef>,
    digest: Option<Digest>,
    object: Option<Box<Resource>>,
    policies: Vec<&'a Policy>,
    /// For some objects only, and which one the image runs in is not known.
    open: Vec<&'a Policy>,
}

/// What a decision takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: evidence could not change what [`Matched::decide`] answers.
    Nothing,
    /// No signature; resolve the image only to pin it, then ask without evidence.
    Pin,
    /// The image's signatures.
    Evidence,
}

impl<'a> Matched<'a> {
    pub(crate) fn new(
        set: &'a PolicySet,
        image: ImageRef,
        digest: Option<Digest>,
        object: Option<Resource>,
        (policies, open): (Vec<&'a Policy>, Vec<&'a Policy>),
    ) -> Self {
        Self { set, image: Box::new(image), digest, object: object.map(Box::new), policies, open }
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
            let settled = self.open.is_empty() && self.set.no_match() == NoMatch::Deny;
            return if settled || self.open.iter().any(|policy| policy.enforces()) {
                Needs::Nothing
            } else {
                Needs::Pin
            };
        }
        let prospects: Vec<Prospect> = self.policies.iter().map(|policy| policy.prospect()).collect();
        let refused =
            self.policies.iter().zip(&prospects).any(|(p, prospect)| p.enforces() && *prospect == Prospect::Hopeless);
        if refused || self.open.iter().any(|policy| policy.enforces()) {
            Needs::Nothing
        } else if prospects.contains(&Prospect::BySignature) {
            Needs::Evidence
        } else {
            Needs::Pin
        }
    }

    /// What to find out where [`Self::needs`] says evidence: one inquiry for each distinct idea of where signatures lie
    /// and what they are checked against.
    #[must_use]
    pub fn inquiries(&self) -> Vec<&'a Inquiry> {
        let rules = self.policies.iter().filter(|policy| policy.prospect() == Prospect::BySignature);
        let wanted = rules.flat_map(|policy| policy.rules()).filter_map(|rule| self.set.inquiry(rule));
        let by_name: BTreeMap<&Digest, &Inquiry> = wanted.map(|one| (one.fingerprint(), one)).collect();
        by_name.into_values().collect()
    }

    /// Whether the image's configuration has to be known as well: a condition on it is reached with these findings.
    #[must_use]
    pub fn needs_configs(&self, findings: &Findings) -> bool {
        let looks = |policy: &Policy| policy.whole.as_ref().is_some_and(|whole| whole.includes.config);
        self.policies.iter().any(|policy| looks(policy) && !self.found(policy, findings).is_empty())
    }

    /// The verdict at this time, from the answers to the inquiries; without any where [`Self::needs`] says that it takes
    /// none. A ClusterImagePolicy says the same at all times.
    ///
    /// # Errors
    /// Fails if an answer is missing, incomplete or about another image, and what there is settles nothing; and if a
    /// policy is for some objects only, and nobody said in which one the image runs.
    pub fn decide(&self, findings: &Findings, _now: UnixTime) -> Result<Verdict, Undecided> {
        findings.iter().try_for_each(|evidence| self.check_subject(evidence))?;
        if self.policies.is_empty() && self.open.is_empty() {
            return Ok(self.unmatched());
        }
        let (mut met, mut failed, mut warnings, mut open) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for policy in &self.policies {
            match (self.judge(policy, findings), policy.enforces()) {
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
        warnings.extend(self.without_object()?);
        warnings.extend(self.tolerated(&open, findings)?);
        Ok(Verdict::Allow(Approval { met, warnings }))
    }

    /// A source that can't be read holds nobody up whom the enforcing policies let in. Evidence that was not even
    /// looked for, or with nothing but warning policies, is another matter: the door must know.
    fn tolerated(&self, open: &[&Policy], findings: &Findings) -> Result<Vec<Reason>, Undecided> {
        if open.is_empty() {
            return Ok(Vec::new());
        }
        let enforced = self.policies.iter().any(|policy| policy.enforces());
        let looked = findings.iter().next().is_some();
        let why = undecided(open, findings);
        if !looked || !enforced || open.iter().any(|policy| policy.enforces()) {
            return Err(why);
        }
        let why = why.to_string();
        Ok(open.iter().map(|policy| reason::could_not_decide(&policy.name, &self.image, &why)).collect())
    }

    /// Warnings for policies that would have to know the object, or the error if one of them enforces.
    fn without_object(&self) -> Result<Vec<Reason>, Undecided> {
        let names = || self.open.iter().map(|policy| policy.name.clone()).collect();
        if self.open.iter().any(|policy| policy.enforces()) {
            return Err(Undecided::NoObject { policies: names() });
        }
        let why = Undecided::NoObject { policies: names() }.to_string();
        Ok(self.open.iter().map(|policy| reason::could_not_decide(&policy.name, &self.image, &why)).collect())
    }

    /// What remains where the image or its signatures could not be had at all: an approval without a pin, if nothing
    /// that matches depends on signatures or they only decide about warnings. Nothing means that the door must refuse.
    #[must_use]
    pub fn could_not_decide(&self, why: &str) -> Option<Approval> {
        let unpinned = reason::unpinned(&self.image, why);
        if self.policies.is_empty() && self.open.is_empty() {
            return match self.unmatched() {
                Verdict::Allow(Approval { met, warnings }) => {
                    Some(Approval { met, warnings: warnings.into_iter().chain([unpinned]).collect() })
                }
                Verdict::Deny(_) => None,
            };
        }
        let mut approval = Approval { met: Vec::new(), warnings: vec![unpinned] };
        for policy in &self.policies {
            match (self.judge(policy, &Findings::none()), policy.enforces()) {
                (Outcome::Met(met), _) => approval.met.push(met),
                (Outcome::Failed(reason), false) => approval.warnings.push(reason),
                (Outcome::Open, false) => {
                    approval.warnings.push(reason::could_not_decide(&policy.name, &self.image, why))
                }
                (Outcome::Failed(_) | Outcome::Open, true) => return None,
            }
        }
        approval.warnings.extend(self.without_object().ok()?);
        Some(approval)
    }

    fn judge(&self, policy: &Policy, findings: &Findings) -> Outcome {
        if let Err(why) = policy.readiness() {
            return Outcome::Failed(reason::not_ready(&policy.name, &self.image, why));
        }
        let found = self.found(policy, findings);
        let answer = |rule: &SignatureRule| self.answer(rule, findings);
        let known = policy.rules().all(|rule| answer(rule).is_some_and(Evidence::is_complete));
        match (&policy.whole, found.first(), policy.prospect()) {
            (None, Some((name, found)), _) => Outcome::Met(met(policy, name, found)),
            // More evidence could turn the condition around.
            (Some(_), Some(_), _) if !known => Outcome::Open,
            (Some(whole), Some((name, first)), _) => match self.condition(whole, &found, findings) {
                Ok(Ok(())) => Outcome::Met(met(policy, name, first)),
                Ok(Err(why)) => Outcome::Failed(reason::condition(policy, &self.image, &whole.condition, &why)),
                Err(_) => Outcome::Open,
            },
            (_, None, Prospect::Hopeless) => Outcome::Failed(reason::failed(policy, &self.image, |_| None)),
            (_, None, _) if known => Outcome::Failed(reason::failed(policy, &self.image, answer)),
            (_, None, _) => Outcome::Open,
        }
    }

    /// Whether the condition on everything holds. The outer error is what there is not to hold it against.
    fn condition(
        &self,
        whole: &Whole,
        found: &[(&str, Found<'_>)],
        findings: &Findings,
    ) -> Result<Result<(), String>, &'static str> {
        let input = input::whole(found, whole.includes, self.object.as_deref(), findings)?;
        Ok(whole.condition.check(&input))
    }

    /// The authorities that are satisfied, with what satisfies them: all, where a condition looks at them, otherwise the
    /// first.
    fn found<'e>(&self, policy: &'e Policy, findings: &'e Findings) -> Vec<(&'e str, Found<'e>)> {
        let satisfied = policy.authorities.iter().filter_map(|authority| {
            let found = match &authority.requirement {
                Requirement::Pass => Found::Pass,
                Requirement::Signature(rule) => rule.found(self.answer(rule, findings)?)?,
                Requirement::Fail { .. } | Requirement::Unsupported => return None,
            };
            Some((authority.name.as_str(), found))
        });
        satisfied.take(if policy.whole.is_some() { usize::MAX } else { 1 }).collect()
    }

    /// The evidence that this rule is judged by, and no other.
    fn answer<'e>(&self, rule: &SignatureRule, findings: &'e Findings) -> Option<&'e Evidence> {
        findings.answer(self.set.inquiry(rule)?)
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

fn met(policy: &Policy, authority: &str, found: &Found<'_>) -> Met {
    let (enforced, authority) = (policy.enforces(), authority.to_owned());
    Met { policy: policy.name.clone(), authority, signer: found.signer(), enforced }
}

impl SignatureRule {
    /// What of this evidence is as the rule asks; nothing where the rule is not met.
    fn found<'e>(&'e self, evidence: &'e Evidence) -> Option<Found<'e>> {
        if self.attestations.is_empty() {
            let all: Vec<_> = evidence.verified().iter().filter(|one| self.met_by(one).is_ok()).collect();
            return (!all.is_empty()).then_some(Found::Signatures(all));
        }
        let named = |wanted: &'e AttestationRule| {
            let own = evidence.attestations().iter().filter(|one| self.vouched(one).is_ok());
            let all: Vec<_> = own.filter(|one| wanted.met_by(one).is_ok()).collect();
            (!all.is_empty()).then_some((wanted.name.as_str(), all))
        };
        self.attestations.iter().map(named).collect::<Option<Vec<_>>>().map(Found::Attestations)
    }
}

impl AttestationRule {
    /// Whether what is said is of the wanted type and as the condition wants it. A reason is for the latter alone.
    pub(crate) fn met_by(&self, attestation: &VerifiedAttestation) -> Result<(), Option<String>> {
        if attestation.predicate_type() != self.predicate_type {
            return Err(None);
        }
        let Some(condition) = &self.condition else { return Ok(()) };
        let statement = input::statement(attestation).ok_or_else(|| Some("statement is not JSON".to_owned()))?;
        condition.check(&statement).map_err(Some)
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
        } else if self.whole.is_some() && has(|requirement| matches!(requirement, Requirement::Signature(_))) {
            // a condition looks at what every authority found
            Prospect::BySignature
        } else if has(|requirement| matches!(requirement, Requirement::Pass)) {
            Prospect::Passes
        } else if has(|requirement| matches!(requirement, Requirement::Signature(_))) {
            Prospect::BySignature
        } else {
            Prospect::Hopeless
        }
    }
}

fn undecided(open: &[&Policy], findings: &Findings) -> Undecided {
    let policies = open.iter().map(|policy| policy.name.clone()).collect();
    let mut gaps: Vec<Gap> = Vec::new();
    for gap in findings.iter().flat_map(|evidence| evidence.gaps()) {
        if !gaps.contains(gap) {
            gaps.push(gap.clone());
        }
    }
    match gaps.is_empty() {
        true => Undecided::NoEvidence { policies },
        false => Undecided::Gaps { policies, gaps },
    }
}
