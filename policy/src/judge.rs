//! One policy against what is known of one image.
//!
//! What its authorities found comes first; then whatever more it asks: that children of an index are signed too, that
//! its condition and its expressions hold. The first can only be mended by more evidence, the last can be turned around
//! by it, so that they are asked only when everything is known.

use std::collections::BTreeMap;

use oci::{Digest, ImageRef};
use rustls_pki_types::UnixTime;
use verifier::{Evidence, Signer, VerifiedAttestation};

use crate::{
    Findings, Inquiry, Met, Policy, Reason, Resource, expressed,
    image_policy::{Answers, Member, Use},
    input::{self, Found},
    model::{Asked, AttestationRule, By, Requirement, SignatureRule},
    reason,
    trust::Plan,
};

/// What became of a policy.
pub(crate) enum Outcome {
    /// By each of these; there is at least one.
    Met(Vec<Met>),
    Failed(Reason),
    Open,
}

/// A policy, and all that it is held against.
#[derive(Clone, Copy)]
pub(crate) struct Case<'a> {
    pub(crate) inquiries: &'a BTreeMap<Plan, Inquiry>,
    pub(crate) policy: &'a Policy,
    pub(crate) image: &'a ImageRef,
    pub(crate) digest: Option<&'a Digest>,
    pub(crate) object: Option<&'a Resource>,
    pub(crate) findings: &'a Findings,
    pub(crate) now: UnixTime,
}

/// Evidence about one manifest: for each rule what is known, if anything is.
type Answer<'c, 'a> = &'c dyn Fn(&SignatureRule) -> Option<&'a Evidence>;

/// The authorities that are satisfied, by their place, with what satisfies them.
type All<'a> = Vec<(usize, Found<'a>)>;

impl<'a> Case<'a> {
    /// What becomes of the policy. Without evidence, that is decided by what nothing could change.
    pub(crate) fn outcome(self, hopeless: bool) -> Outcome {
        let Self { policy, image, .. } = self;
        if let Err(why) = policy.readiness() {
            return Outcome::Failed(reason::not_ready(&policy.name, image, why));
        }
        if let Some(digest) = self.digest.filter(|digest| policy.terms.revoked.includes_image(digest)) {
            return Outcome::Failed(reason::further(policy, image, &format!("{digest} is revoked by this policy")));
        }
        let own: Answer<'_, 'a> = &|rule| self.findings.answer(self.inquiry(rule)?);
        let met = self.met(own).or_else(|| self.met_by_index());
        match met {
            Some((found, met)) => match self.further(&found) {
                Ok(()) => Outcome::Met(met),
                Err(outcome) => outcome,
            },
            None if hopeless => Outcome::Failed(self.failed(&|_| None)),
            None if self.is_known(own) && self.index_is_known() => Outcome::Failed(self.failed(own)),
            None => Outcome::Open,
        }
    }

    /// Whether the authorities are as the policy wants them, so that its condition is looked at.
    pub(crate) fn reaches_conditions(self) -> bool {
        let own: Answer<'_, 'a> = &|rule| self.findings.answer(self.inquiry(rule)?);
        self.met(own).or_else(|| self.met_by_index()).is_some()
    }

    fn inquiry(self, rule: &SignatureRule) -> Option<&'a Inquiry> {
        self.inquiries.get(&rule.plan())
    }

    fn asked(self) -> Asked<'a> {
        Asked { image: self.image, now: self.now, revoked: &self.policy.terms.revoked }
    }

    fn is_known(self, answer: Answer<'_, 'a>) -> bool {
        self.policy.rules().all(|rule| answer(rule).is_some_and(Evidence::is_complete))
    }

    /// What the authorities found of one manifest, if that is as the policy wants it, and by what of it.
    fn met(self, answer: Answer<'_, 'a>) -> Option<(All<'a>, Vec<Met>)> {
        let found = self.found(answer);
        let uses = match &self.policy.terms.require {
            None => found.first().map(|(authority, found)| vec![Use { authority: *authority, signer: found.signer() }]),
            Some(require) => with_answers(self.policy, &found, |answers| require.met(answers)),
        };
        let met = uses?.iter().map(|one| self.named(one)).collect();
        Some((found, met))
    }

    fn named(self, one: &Use<'_>) -> Met {
        let Policy { name, authorities, .. } = self.policy;
        let (policy, authority) = (name.clone(), authorities[one.authority].name.clone());
        Met { policy, authority, signer: one.signer.cloned(), enforced: self.policy.enforces() }
    }

    /// The authorities that are satisfied, by their place, with what satisfies them: all, where something looks at them,
    /// otherwise the first.
    fn found(self, answer: Answer<'_, 'a>) -> All<'a> {
        let Policy { authorities, whole, terms, .. } = self.policy;
        let satisfied = authorities.iter().enumerate().filter_map(|(place, authority)| {
            let found = match &authority.requirement {
                Requirement::Pass => Found::Pass,
                Requirement::Signature(rule) => rule.found(answer(rule)?, self.asked())?,
                Requirement::Fail { .. } | Requirement::Unsupported => return None,
            };
            Some((place, found))
        });
        let all = whole.is_some() || terms.require.is_some() || !terms.expressions.is_empty();
        satisfied.take(if all { usize::MAX } else { 1 }).collect()
    }

    /// The signature of the index that lists the image, where the policy takes it for the image's own.
    fn met_by_index(self) -> Option<(All<'a>, Vec<Met>)> {
        let index = self.accepted_index()?;
        self.met(&|rule| self.findings.other(index, self.inquiry(rule)?))
    }

    /// The index that may answer for the image: one that is revoked answers for nothing.
    fn accepted_index(self) -> Option<&'a Digest> {
        let Policy { terms, .. } = self.policy;
        self.findings.index().filter(|index| terms.accepts_index && !terms.revoked.includes_image(index))
    }

    fn index_is_known(self) -> bool {
        self.accepted_index().is_none_or(|index| self.is_known(&|rule| self.findings.other(index, self.inquiry(rule)?)))
    }

    /// Everything that is asked once the authorities are as the policy wants them.
    fn further(self, found: &[(usize, Found<'a>)]) -> Result<(), Outcome> {
        if self.digest.is_none() && self.policy.terms.revoked.names_images() {
            return Err(Outcome::Open); // it may be one of those
        }
        self.children()?;
        let Policy { whole, terms, .. } = self.policy;
        if whole.is_none() && terms.expressions.is_empty() {
            return Ok(());
        }
        // More evidence could turn it around.
        let own: Answer<'_, 'a> = &|rule| self.findings.answer(self.inquiry(rule)?);
        if !self.is_known(own) || !self.index_is_known() {
            return Err(Outcome::Open);
        }
        self.condition(found)?;
        self.expressions(found, own)
    }

    /// Children that the policy wants signed too, each as the image itself.
    fn children(self) -> Result<(), Outcome> {
        let platforms = &self.policy.terms.platforms;
        if !platforms.need_children() {
            return Ok(());
        }
        let children = self.findings.children().ok_or(Outcome::Open)?;
        if children.is_empty() {
            return Ok(()); // no index: the image itself is all there is
        }
        let refused = |why: String| Outcome::Failed(reason::further(self.policy, self.image, &why));
        let chosen = platforms.choose(children).map_err(|why| refused(why.to_string()))?;
        for child in chosen {
            let answer: Answer<'_, 'a> = &|rule| self.findings.other(&child.digest, self.inquiry(rule)?);
            if self.policy.terms.revoked.includes_image(&child.digest) {
                return Err(refused(format!("{} in it is revoked by this policy", child.digest)));
            }
            if self.met(answer).is_none() {
                let known = self.is_known(answer);
                return Err(if known {
                    Outcome::Failed(self.child_failed(&child.digest, answer))
                } else {
                    Outcome::Open
                });
            }
        }
        Ok(())
    }

    fn child_failed(self, child: &Digest, answer: Answer<'_, 'a>) -> Reason {
        let mut reason = self.failed(answer);
        let words = format!("{} lists {child}, which this policy wants signed too:", self.image);
        reason.details.insert(0, words);
        reason
    }

    /// Whether the condition on everything that was found holds.
    fn condition(self, found: &[(usize, Found<'a>)]) -> Result<(), Outcome> {
        let Some(whole) = &self.policy.whole else { return Ok(()) };
        let named: Vec<(&str, &Found<'_>)> =
            found.iter().map(|(place, found)| (self.policy.authorities[*place].name.as_str(), found)).collect();
        let input = input::whole(&named, whole.includes, self.object, self.findings).map_err(|_| Outcome::Open)?;
        let refused = |why: String| Outcome::Failed(reason::condition(self.policy, self.image, &whole.program, &why));
        whole.program.check(&input).map_err(refused)
    }

    fn expressions(self, found: &[(usize, Found<'a>)], answer: Answer<'_, 'a>) -> Result<(), Outcome> {
        let expressions = &self.policy.terms.expressions;
        if expressions.is_empty() {
            return Ok(());
        }
        let digest = self.digest.ok_or(Outcome::Open)?;
        let vouched = self.vouched(answer);
        let input = expressed::input((self.image, digest), &self.policy.authorities, found, &vouched, self.now);
        let refused = |why: String| Outcome::Failed(reason::further(self.policy, self.image, &why));
        expressions.iter().try_for_each(|one| one.holds(&input).map_err(|why| refused(why.to_string())))
    }

    /// Attestations by somebody whom an authority names, whatever they say.
    fn vouched(self, answer: Answer<'_, 'a>) -> Vec<&'a VerifiedAttestation> {
        let mut all: Vec<&VerifiedAttestation> = Vec::new();
        for rule in self.policy.rules() {
            let found = answer(rule).into_iter().flat_map(Evidence::attestations);
            let found: Vec<_> = found.filter(|one| rule.vouched(one, self.asked()).is_ok()).collect();
            for one in found {
                if !all.iter().any(|other| other.id() == one.id() && other.place() == one.place()) {
                    all.push(one);
                }
            }
        }
        all
    }

    fn failed(self, answer: Answer<'_, 'a>) -> Reason {
        let found = self.found(answer);
        let names: Vec<&str> = self.policy.authorities.iter().map(|authority| authority.name.as_str()).collect();
        let shortage = self.policy.terms.require.as_ref().map_or_else(Vec::new, |require| {
            with_answers(self.policy, &found, |answers| require.shortage(answers, &names))
        });
        let satisfied: Vec<usize> = found.iter().map(|(place, _)| *place).collect();
        reason::failed(self.policy, self.asked(), (&shortage, &satisfied), answer)
    }
}

/// What was found, in the form in which requirements ask for it.
fn with_answers<'f, T>(policy: &Policy, found: &'f [(usize, Found<'_>)], ask: impl FnOnce(&Answers<'_, 'f>) -> T) -> T {
    let of = |authority: usize| found.iter().find(|(place, _)| *place == authority).map(|(_, found)| found);
    let satisfied = |authority: usize| of(authority).map(|found| found.signer());
    let signers = |member: Member| match member {
        Member::Authority(authority) => of(authority).map(|found| found.signers()).unwrap_or_default(),
        Member::Identity { authority, identity } => {
            let Requirement::Signature(rule) = &policy.authorities[authority].requirement else { return Vec::new() };
            let all = of(authority).map(|found| found.signers()).unwrap_or_default();
            all.into_iter().filter(|signer| rule.by.is_at(identity, signer)).collect()
        }
    };
    ask(&Answers { satisfied: &satisfied, signers: &signers })
}

impl By {
    /// Whether this is the identity at this place of the list.
    fn is_at(&self, place: usize, signer: &Signer) -> bool {
        match (self, signer) {
            (Self::Identities(all), Signer::Identity(identity)) => {
                all.get(place).is_some_and(|one| one.matches(identity))
            }
            _ => false,
        }
    }
}

impl SignatureRule {
    /// What of this evidence is as the rule asks; nothing where the rule is not met.
    fn found<'e>(&'e self, evidence: &'e Evidence, asked: Asked<'_>) -> Option<Found<'e>> {
        if self.attestations.is_empty() {
            let all: Vec<_> = evidence.verified().iter().filter(|one| self.met_by(one, asked).is_ok()).collect();
            return (!all.is_empty()).then_some(Found::Signatures(all));
        }
        let named = |wanted: &'e AttestationRule| {
            let own = evidence.attestations().iter().filter(|one| self.vouched(one, asked).is_ok());
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
