//! The decision: all policies that match, each by one of its authorities, each authority by one signature.
//!
//! Yes needs a positive result of every enforcing policy; the absence of objections is never one. What is not known
//! is neither yes nor no.

use std::collections::BTreeMap;

use oci::{Digest, ImageRef};
use rustls_pki_types::UnixTime;
use verifier::{Evidence, Gap};

use crate::{
    Approval, Asker, Denial, Findings, Inquiry, Met, Mode, NoMatch, Policy, PolicySet, Reason, Reprieve, Resource,
    Selection, Undecided, Unknown, Verdict,
    image_policy::Answers,
    judge::{Case, Outcome},
    model::Requirement,
    reason,
    trust::Plan,
};

/// The policies that are about one image; perhaps none.
#[derive(Debug, Clone)]
pub struct Matched<'a> {
    set: &'a PolicySet,
    image: Box<ImageRef>,
    digest: Option<Digest>,
    object: Option<Box<Resource>>,
    asker: Asker,
    policies: Vec<&'a Policy>,
    inquiries: BTreeMap<Plan, Inquiry>,
    /// For some objects, users or namespaces only, and that is not known.
    open: Vec<(&'a Policy, Unknown)>,
}

/// An image that policies are about, and all that decides which are.
#[derive(Debug, Clone)]
pub struct Subject {
    image: Box<ImageRef>,
    digest: Option<Digest>,
    object: Option<Box<Resource>>,
    asker: Asker,
}

impl Subject {
    /// The policies of this set about it.
    #[must_use]
    pub fn select<'a>(&self, set: &'a PolicySet) -> Selection<'a> {
        set.select(&self.image, self.digest.as_ref(), self.object.as_deref(), &self.asker)
    }
}

/// Policies about an image, and those that may be.
pub(crate) type Selected<'a> = (Vec<&'a Policy>, Vec<(&'a Policy, Unknown)>);

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
        asker: Asker,
        (policies, open): Selected<'a>,
    ) -> Self {
        let by_signature = policies.iter().copied().filter(|policy| policy.prospect() == Prospect::BySignature);
        let inquiries = set.bases().inquiries(by_signature);
        Self { set, image: Box::new(image), digest, object: object.map(Box::new), asker, policies, inquiries, open }
    }

    /// The same policies, now that the image was found to have this digest.
    #[must_use]
    pub fn resolved(self, digest: Digest) -> Self {
        Self { digest: Some(digest), ..self }
    }

    /// Whether conditions or expressions are evaluated, which can take a second: whoever serves others decides elsewhere.
    #[must_use]
    pub fn is_laborious(&self) -> bool {
        self.policies.iter().any(|policy| policy.programs().next().is_some() || !policy.terms.expressions.is_empty())
    }

    /// What was selected for, so that it can be selected for again: the image, its digest, the object, and who asks.
    #[must_use]
    pub fn subject(&self) -> Subject {
        let (image, digest) = (self.image.clone(), self.digest);
        Subject { image, digest, object: self.object.clone(), asker: self.asker.clone() }
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
            return if settled || self.is_undecidable() { Needs::Nothing } else { Needs::Pin };
        }
        let prospects: Vec<Prospect> = self.policies.iter().map(|policy| policy.prospect()).collect();
        let refuses = |policy: &Policy| policy.enforces() && !policy.terms.reprieves.any();
        let refused =
            self.policies.iter().zip(&prospects).any(|(p, prospect)| refuses(p) && *prospect == Prospect::Hopeless);
        if refused || self.is_undecidable() {
            Needs::Nothing
        } else if prospects.contains(&Prospect::BySignature) {
            Needs::Evidence
        } else {
            Needs::Pin
        }
    }

    /// Whether a policy that enforces would have to know more of who asks.
    fn is_undecidable(&self) -> bool {
        self.open.iter().any(|(policy, _)| policy.enforces() && !policy.terms.reprieves.any())
    }

    /// What to find out where [`Self::needs`] says evidence: one inquiry for each distinct idea of where signatures lie
    /// and what they are checked against.
    #[must_use]
    pub fn inquiries(&self) -> impl ExactSizeIterator<Item = &Inquiry> {
        self.inquiries.values()
    }

    /// Whether everything has to be known that the image lists, if it is an index, with answers to the inquiries about
    /// each.
    #[must_use]
    pub fn needs_children(&self) -> bool {
        self.policies.iter().any(|policy| policy.terms.platforms.need_children())
    }

    /// Whether the index may answer for the image that the image was picked from.
    #[must_use]
    pub fn takes_index(&self) -> bool {
        self.policies.iter().any(|policy| policy.terms.accepts_index)
    }

    /// Whether the image's configuration has to be known as well: a condition on it is reached with these findings.
    #[must_use]
    pub fn needs_configs(&self, findings: &Findings, now: UnixTime) -> bool {
        let looks = |policy: &Policy| policy.whole.as_ref().is_some_and(|whole| whole.includes.config);
        self.policies.iter().any(|policy| looks(policy) && self.case(policy, findings, now).reaches_conditions())
    }

    /// The verdict at this time, from the answers to the inquiries; without any where [`Self::needs`] says that it takes
    /// none. A ClusterImagePolicy says the same at all times.
    ///
    /// # Errors
    /// Fails if an answer is missing, incomplete or about another image, and what there is settles nothing; and if a
    /// policy is for some objects only, and nobody said in which one the image runs.
    pub fn decide(&self, findings: &Findings, now: UnixTime) -> Result<Verdict, Undecided> {
        findings.iter().try_for_each(|evidence| self.check_subject(evidence))?;
        findings.others().try_for_each(|evidence| self.check_other(evidence, findings))?;
        if self.policies.is_empty() && self.open.is_empty() {
            return Ok(self.unmatched());
        }
        let (mut tally, open) = self.tally(findings, now);
        if !tally.failed.is_empty() {
            return Ok(Verdict::Deny(tally.denial()));
        }
        self.without_asker(findings, now, &mut tally)?;
        self.tolerate(&open, findings, &mut tally)?;
        Ok(Verdict::Allow(tally.approval()))
    }

    /// What becomes of each policy, and those of which nothing can be told.
    fn tally(&self, findings: &Findings, now: UnixTime) -> (Tally, Vec<&'a Policy>) {
        let (mut tally, mut open) = (Tally::default(), Vec::new());
        for policy in &self.policies {
            let outcome = match self.judge(policy, findings, now) {
                Outcome::Met(by) => {
                    tally.met.extend(by);
                    tally.by_digest |= policy.enforces() && policy.depends_on_digest();
                    continue;
                }
                outcome => outcome,
            };
            match (self.reprieve(policy, findings, now), outcome) {
                (Some(reprieve), Outcome::Failed(why)) => tally.reprieve(&self.image, reprieve, Some(&why)),
                (Some(reprieve), _) => tally.reprieve(&self.image, reprieve, None),
                (None, Outcome::Failed(why)) => tally.object(policy, why),
                (None, _) => open.push(*policy),
            }
        }
        (tally, open)
    }

    /// A source that can't be read holds nobody up whom the enforcing policies let in. Evidence that was not even
    /// looked for, or with nothing but warning policies, is another matter: the door must know.
    fn tolerate(&self, open: &[&Policy], findings: &Findings, tally: &mut Tally) -> Result<(), Undecided> {
        if open.is_empty() {
            return Ok(());
        }
        let enforced = self.policies.iter().any(|policy| policy.enforces());
        let looked = findings.iter().next().is_some();
        let why = undecided(open, findings);
        if !looked || !enforced || open.iter().any(|policy| policy.enforces()) {
            return Err(why);
        }
        let why = why.to_string();
        open.iter().for_each(|policy| tally.object(policy, reason::could_not_decide(&policy.name, &self.image, &why)));
        Ok(())
    }

    /// Warnings for policies that would have to know more of who asks, or the error if one of them enforces.
    fn without_asker(&self, findings: &Findings, now: UnixTime, tally: &mut Tally) -> Result<(), Undecided> {
        let mut open: BTreeMap<Unknown, Vec<&Policy>> = BTreeMap::new();
        for (policy, unknown) in &self.open {
            match self.reprieve(policy, findings, now) {
                Some(reprieve) => tally.reprieve(&self.image, reprieve, None),
                None => open.entry(*unknown).or_default().push(policy),
            }
        }
        for (what, policies) in open {
            let why =
                Undecided::Unknown { what, policies: policies.iter().map(|policy| policy.name.clone()).collect() };
            if policies.iter().any(|policy| policy.enforces()) {
                return Err(why);
            }
            let why = why.to_string();
            let objection = |policy: &&Policy| reason::could_not_decide(&policy.name, &self.image, &why);
            policies.iter().for_each(|policy| tally.object(policy, objection(policy)));
        }
        Ok(())
    }

    /// What remains where the image or its signatures could not be had at all: an approval without a pin, if nothing
    /// that matches depends on signatures, or it lets the image in all the same, or only decides about warnings. Nothing
    /// means that the door must refuse.
    #[must_use]
    pub fn could_not_decide(&self, why: &str, now: UnixTime) -> Option<Approval> {
        let unpinned = reason::unpinned(&self.image, why);
        if self.policies.is_empty() && self.open.is_empty() {
            return match self.unmatched() {
                Verdict::Allow(mut approval) => {
                    approval.warnings.push(unpinned);
                    Some(approval)
                }
                Verdict::Deny(_) => None,
            };
        }
        let nothing = Findings::none();
        let (mut tally, open) = self.tally(&nothing, now);
        open.iter().for_each(|policy| tally.object(policy, reason::could_not_decide(&policy.name, &self.image, why)));
        self.without_asker(&nothing, now, &mut tally).ok()?;
        if !tally.failed.is_empty() {
            return None;
        }
        tally.warnings.insert(0, unpinned);
        Some(tally.approval())
    }

    fn judge(&self, policy: &Policy, findings: &Findings, now: UnixTime) -> Outcome {
        let (digest, hopeless) = (self.digest_in(findings), policy.prospect() == Prospect::Hopeless);
        Case { digest: digest.as_ref(), ..self.case(policy, findings, now) }.outcome(hopeless)
    }

    fn case<'c>(&'c self, policy: &'c Policy, findings: &'c Findings, now: UnixTime) -> Case<'c> {
        let (inquiries, image, digest, object) =
            (&self.inquiries, &*self.image, self.digest.as_ref(), self.object.as_deref());
        Case { inquiries, policy, image, digest, object, findings, now }
    }

    /// The image's digest, from whoever knows it.
    fn digest_in(&self, findings: &Findings) -> Option<Digest> {
        self.digest.or_else(|| findings.iter().next().map(|evidence| *evidence.image().digest()))
    }

    /// Whether a policy that is not met, or cannot be decided, lets the image in all the same. Of what it revokes by
    /// name, nothing does.
    fn reprieve(&self, policy: &Policy, findings: &Findings, now: UnixTime) -> Option<Reprieve> {
        let digest = self.digest_in(findings);
        if digest.as_ref().is_some_and(|digest| policy.terms.revoked.includes_image(digest)) {
            return None;
        }
        let image = (self.image.repository(), digest.as_ref());
        policy.terms.reprieves.find(&policy.name, image, &self.asker, now)
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

    /// Only what was said to be listed, and the index that lists it, is evidence too.
    fn check_other(&self, evidence: &Evidence, findings: &Findings) -> Result<(), Undecided> {
        let found = evidence.image();
        let listed = findings.children().unwrap_or_default().iter().map(|child| &child.digest);
        let known = listed.chain(findings.index()).any(|digest| digest == found.digest());
        if known && found.repository() == self.image.repository() {
            return Ok(());
        }
        let wanted = format!("{} or what it lists", self.image.repository());
        Err(Undecided::OtherImage { found: Box::new(found.clone()), wanted })
    }

    fn unmatched(&self) -> Verdict {
        let reason = || reason::no_match(&self.image, self.set.policies());
        match self.set.no_match() {
            NoMatch::Deny => Verdict::Deny(Tally { failed: vec![reason()], ..Tally::default() }.denial()),
            NoMatch::Warn => Verdict::Allow(Tally { warnings: vec![reason()], ..Tally::default() }.approval()),
            NoMatch::Allow => Verdict::Allow(Tally::default().approval()),
        }
    }
}

/// What became of all policies.
#[derive(Default)]
struct Tally {
    met: Vec<Met>,
    by_digest: bool,
    failed: Vec<Reason>,
    warnings: Vec<Reason>,
    audited: Vec<Reason>,
    reprieves: Vec<Reprieve>,
}

impl Tally {
    /// A failure, by what the policy's mode makes of it.
    fn object(&mut self, policy: &Policy, why: Reason) {
        match (policy.enforces(), policy.mode()) {
            (true, _) => self.failed.push(why),
            (false, Mode::Audit) => self.audited.push(why),
            (false, _) => self.warnings.push(why),
        }
    }

    /// Let in all the same: a warning in every mode.
    fn reprieve(&mut self, image: &ImageRef, reprieve: Reprieve, why: Option<&Reason>) {
        self.warnings.push(reason::reprieved(image, &reprieve, why));
        self.reprieves.push(reprieve);
    }

    fn denial(mut self) -> Denial {
        [&mut self.failed, &mut self.warnings, &mut self.audited].into_iter().for_each(|reasons| reason::sort(reasons));
        Denial { reasons: self.failed, warnings: self.warnings, audited: self.audited }
    }

    fn approval(mut self) -> Approval {
        [&mut self.warnings, &mut self.audited].into_iter().for_each(|reasons| reason::sort(reasons));
        let Self { met, by_digest, warnings, audited, reprieves, .. } = self;
        Approval { met, by_digest, warnings, audited, reprieves }
    }
}

/// What can become of a policy before any signature is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Prospect {
    Passes,
    BySignature,
    Hopeless,
}

impl Policy {
    fn prospect(&self) -> Prospect {
        let has = |wanted: fn(&Requirement) -> bool| self.authorities.iter().any(|a| wanted(&a.requirement));
        let looks = self.whole.is_some() || self.terms.require.is_some() || !self.terms.expressions.is_empty();
        if self.readiness().is_err() {
            Prospect::Hopeless
        } else if looks && has(|requirement| matches!(requirement, Requirement::Signature(_))) {
            // it looks at what every authority found
            Prospect::BySignature
        } else if self.passes() {
            Prospect::Passes
        } else if has(|requirement| matches!(requirement, Requirement::Signature(_))) {
            Prospect::BySignature
        } else {
            Prospect::Hopeless
        }
    }
}

impl Policy {
    /// Whether it may let in one image and refuse another, whatever they are called.
    fn depends_on_digest(&self) -> bool {
        let looks_inside = self.whole.as_ref().is_some_and(|whole| whole.includes.config);
        let terms = &self.terms;
        let further = terms.revoked.names_images() || terms.platforms.need_children() || !terms.expressions.is_empty();
        self.prospect() == Prospect::BySignature || looks_inside || further
    }

    /// Whether what asks for nothing is enough.
    fn passes(&self) -> bool {
        let passes = |place: usize| matches!(self.authorities[place].requirement, Requirement::Pass);
        match &self.terms.require {
            None => (0..self.authorities.len()).any(passes),
            Some(require) => {
                let answers = Answers { satisfied: &|place| passes(place).then_some(None), signers: &|_| Vec::new() };
                require.met(&answers).is_some()
            }
        }
    }
}

fn undecided(open: &[&Policy], findings: &Findings) -> Undecided {
    let policies = open.iter().map(|policy| policy.name.clone()).collect();
    let mut gaps: Vec<Gap> = Vec::new();
    for gap in findings.iter().chain(findings.others()).flat_map(|evidence| evidence.gaps()) {
        if !gaps.contains(gap) {
            gaps.push(gap.clone());
        }
    }
    match gaps.is_empty() {
        true => Undecided::NoEvidence { policies },
        false => Undecided::Gaps { policies, gaps },
    }
}
