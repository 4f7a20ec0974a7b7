//! One request, from the image's name to a verdict.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use arc_swap::ArcSwapOption;
use oci::{AnyDigest, Digest, ImageRef, PinnedRef, Repository};
use policy::{Approval, Asker, Findings, Inquiry, Matched, Needs, PolicySet, Resource, Selection, Verdict};
use registry::{Client, Kind, Lookup, Resolved};
use rustls_pki_types::UnixTime;
use verifier::{Evidence, examine};

use crate::{
    Decision, DecisionLog, GateError, Outcome, Timings,
    clients::Clients,
    configs,
    evidence_cache::{EvidenceCache, Key},
    examiners::Examiners,
    family,
    metrics::{Counters, Metrics},
    words::lines,
};

/// The gate. Cheap to clone; all clones share policies, caches and log.
#[derive(Clone)]
pub struct Gate(Arc<Inner>);

struct Inner {
    clients: Clients,
    stored_in: Option<Repository>,
    policies: ArcSwapOption<PolicySet>,
    evidence: EvidenceCache<GateError>,
    examiners: Examiners,
    log: DecisionLog,
    counters: Counters,
}

/// Which door asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Door {
    /// A check in a pipeline.
    Check,
    /// A pull on a Docker host.
    Pull,
    /// The API server, before an object is written as asked.
    Mutate,
    /// The API server, once the object is what it will be.
    Validate,
}

impl Door {
    /// The door's name in logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Pull => "pull",
            Self::Mutate => "mutate",
            Self::Validate => "validate",
        }
    }

    /// The door as policies name it.
    #[must_use]
    pub fn in_policies(self) -> policy::Door {
        match self {
            Self::Check => policy::Door::Check,
            Self::Pull => policy::Door::Pull,
            Self::Mutate | Self::Validate => policy::Door::Webhook,
        }
    }
}

/// A question to the gate.
#[derive(Debug, Clone)]
pub struct Request {
    /// The image, as a person wrote it.
    pub image: ImageRef,
    /// The Kubernetes object that it runs in, where there is one.
    pub object: Option<Resource>,
    /// The door that asks.
    pub door: Door,
    /// Who asks, for the log.
    pub asked_by: String,
    /// Who asks, for policies that are for some only; nothing where the door does not know.
    pub user: Option<String>,
    /// The namespace that the image is to run in; nothing where the door does not know.
    pub namespace: Option<String>,
    /// How long the caller waits.
    pub deadline: Duration,
}

impl Request {
    fn asker(&self) -> Asker {
        Asker { door: self.door.in_policies(), user: self.user.clone(), namespace: self.namespace.clone() }
    }
}

/// The gate's answer.
#[derive(Debug, Clone)]
pub struct Judged {
    /// Yes or no, with reasons.
    pub verdict: Verdict,
    /// The image that was judged. None with an allowed image: it is let in without having been resolved, since every
    /// policy that matches allows it unsigned or only warns.
    pub pinned: Option<PinnedRef>,
    /// Whether another image under that name might be refused: what is let in then, must be pinned.
    pub by_digest: bool,
    /// The signatures, where any were needed: once for each set of trust that policies judge by.
    pub evidence: Vec<Arc<Evidence>>,
    /// The policy that was in force.
    pub revision: Digest,
}

struct Progress {
    started: Instant,
    /// The time of the request: signatures that are fetched for it are examined, and it is decided, as of then.
    now: UnixTime,
    timings: Timings,
    pinned: Option<PinnedRef>,
    /// Whether it took the digest to tell which policies are about the image.
    selected_by_digest: bool,
    findings: Findings,
    cached: bool,
}

impl Gate {
    /// A gate without a policy: until one is in force, it refuses everything. Signatures are looked for beside the
    /// image, or in `stored_in`.
    #[must_use]
    pub fn new(client: Client, stored_in: Option<Repository>, log: DecisionLog) -> Self {
        let (policies, evidence, examiners) = (ArcSwapOption::empty(), EvidenceCache::new(), Examiners::new());
        let (clients, counters) = (Clients::new(client), Counters::default());
        Self(Arc::new(Inner { clients, stored_in, policies, evidence, examiners, log, counters }))
    }

    /// Puts a policy in force, for every request that begins from now on.
    pub fn put_in_force(&self, policies: Arc<PolicySet>) {
        self.0.policies.store(Some(policies));
    }

    /// Puts no policy in force: everything is refused.
    pub fn withdraw_policies(&self) {
        self.0.policies.store(None);
    }

    /// The revision of the policy in force.
    #[must_use]
    pub fn revision(&self) -> Option<Digest> {
        self.0.policies.load().as_ref().map(|set| set.fingerprint())
    }

    /// Whether the same policies of those in force are for each of these images in one object as in the other. Without
    /// policies nothing is alike.
    #[must_use]
    pub fn policies_are_alike(&self, images: &[ImageRef], one: &Resource, other: &Resource) -> bool {
        let policies = self.0.policies.load();
        policies.as_ref().is_some_and(|set| images.iter().all(|image| set.is_alike(image, one, other)))
    }

    /// Everything that was counted so far, by all clones.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.0.counters.snapshot()
    }

    /// Judges one image.
    ///
    /// # Errors
    /// Fails if no decision is possible. Where every policy that matches only warns or asks for no signature, that is
    /// an approval with a warning instead.
    pub async fn check(&self, request: &Request) -> Result<Judged, GateError> {
        let policies = self.0.policies.load_full();
        let mut progress = Progress::begin();
        let result = match &policies {
            None => Err(GateError::NotLoaded),
            Some(set) => self.judge(set, request, &mut progress).await,
        };
        self.log(request, policies.as_deref(), &progress, &result);
        result
    }

    async fn judge(
        &self,
        set: &Arc<PolicySet>,
        request: &Request,
        progress: &mut Progress,
    ) -> Result<Judged, GateError> {
        let known = request.image.digest().and_then(AnyDigest::sha256);
        progress.pinned = known.map(|digest| PinnedRef::new(request.image.repository().clone(), digest));
        let (asker, object) = (request.asker(), request.object.as_ref());
        let work = async {
            match set.select(&request.image, known.as_ref(), object, &asker) {
                Selection::Matched(matched) => self.decide(set, matched, &request.image, progress).await,
                Selection::NeedsDigest => {
                    progress.selected_by_digest = true;
                    let digest = *self.resolve(&request.image, progress).await?.digest();
                    match set.select(&request.image, Some(&digest), object, &asker) {
                        Selection::Matched(matched) => self.decide(set, matched, &request.image, progress).await,
                        Selection::NeedsDigest => Err(GateError::Failed),
                    }
                }
            }
        };
        let result = tokio::time::timeout(request.deadline, work).await;
        let result = result.unwrap_or(Err(GateError::Deadline(request.deadline)));
        let verdict = match result {
            Ok(verdict) => verdict,
            Err(error) => {
                let approval = self.forgiving(set, request, progress, &error).await.ok_or(error)?;
                progress.pinned = None;
                Verdict::Allow(approval)
            }
        };
        let (pinned, evidence) = (progress.pinned.clone(), progress.findings.iter().cloned().collect());
        let by_digest =
            progress.selected_by_digest || matches!(&verdict, Verdict::Allow(yes) if yes.depends_on_digest());
        Ok(Judged { verdict, pinned, by_digest, evidence, revision: set.fingerprint() })
    }

    async fn decide(
        &self,
        set: &Arc<PolicySet>,
        mut matched: Matched<'_>,
        image: &ImageRef,
        progress: &mut Progress,
    ) -> Result<Verdict, GateError> {
        match matched.needs() {
            Needs::Nothing => {}
            Needs::Pin => {
                self.resolve(image, progress).await?;
            }
            Needs::Evidence => self.look(&matched, image, progress).await?,
        }
        if let Some(pinned) = &progress.pinned {
            matched = matched.resolved(*pinned.digest());
        }
        if matched.needs_children() && matched.needs() != Needs::Nothing {
            self.look_below(&matched, image, progress).await?;
        }
        if matched.takes_index() && matched.needs() == Needs::Evidence {
            self.look_above(&matched, image, progress).await?;
        }
        if matched.needs() != Needs::Nothing && self.needs_configs(set, &matched, progress).await? {
            let pinned = self.resolve(image, progress).await?;
            let configs = configs::read(self.0.clients.own(), &pinned).await?;
            progress.findings = std::mem::take(&mut progress.findings).with_configs(Arc::new(configs));
        }
        let (findings, now) = (progress.findings.clone(), progress.now);
        let verdict = self.weigh(set, &matched, move |matched| matched.decide(&findings, now)).await?;
        if let (Ok(Verdict::Deny(_)), Some(pinned)) = (&verdict, &progress.pinned) {
            let now = progress.now;
            matched.inquiries().for_each(|inquiry| self.0.evidence.refused(key(inquiry, pinned, now)));
        }
        verdict.map_err(|open| GateError::Incomplete(Box::new(open)))
    }

    async fn needs_configs(
        &self,
        set: &Arc<PolicySet>,
        matched: &Matched<'_>,
        progress: &Progress,
    ) -> Result<bool, GateError> {
        let (findings, now) = (progress.findings.clone(), progress.now);
        self.weigh(set, matched, move |matched| matched.needs_configs(&findings, now)).await
    }

    /// The approval that policies give which let in what they cannot judge.
    async fn forgiving(
        &self,
        set: &Arc<PolicySet>,
        request: &Request,
        progress: &Progress,
        error: &GateError,
    ) -> Option<Approval> {
        let digest = progress.pinned.as_ref().map(PinnedRef::digest);
        let selection = set.select(&request.image, digest, request.object.as_ref(), &request.asker());
        let Selection::Matched(matched) = selection else { return None };
        let (why, now) = (error.to_string(), progress.now);
        self.weigh(set, &matched, move |matched| matched.could_not_decide(&why, now)).await.ok()?
    }

    /// What policies make of an image. Where they evaluate conditions, that is work of which a stranger decides how much
    /// there is, and is done where it keeps no other request waiting.
    async fn weigh<T: Send + 'static>(
        &self,
        set: &Arc<PolicySet>,
        matched: &Matched<'_>,
        ask: impl FnOnce(&Matched<'_>) -> T + Send + 'static,
    ) -> Result<T, GateError> {
        if !matched.is_laborious() {
            return Ok(ask(matched));
        }
        let (set, subject) = (set.clone(), matched.subject());
        let work = move || match subject.select(&set) {
            Selection::Matched(matched) => Some(ask(&matched)),
            Selection::NeedsDigest => None,
        };
        self.0.examiners.examine(work).await.flatten().ok_or(GateError::Failed)
    }

    /// The image by digest. Resolved once: what is known already is not asked for again.
    async fn resolve(&self, image: &ImageRef, progress: &mut Progress) -> Result<PinnedRef, GateError> {
        if let Some(pinned) = &progress.pinned {
            return Ok(pinned.clone());
        }
        let begun = Instant::now();
        let resolved = self.0.clients.own().resolve(image).await.inspect_err(|error| self.0.counters.registry(error));
        progress.timings.resolve_ms = millis(begun);
        let pinned = found(resolved?, image)?.pinned;
        progress.pinned = Some(pinned.clone());
        Ok(pinned)
    }

    /// Answers every inquiry of the policies that match, all at once.
    async fn look(&self, matched: &Matched<'_>, image: &ImageRef, progress: &mut Progress) -> Result<(), GateError> {
        let given = progress.pinned.is_some();
        let pinned = self.resolve(image, progress).await?;
        let (begun, now) = (Instant::now(), progress.now);
        let inquiries: Vec<_> = matched.inquiries().collect();
        progress.cached = inquiries.iter().all(|inquiry| self.0.evidence.get(&key(inquiry, &pinned, now)).is_some());
        // An image that nobody has seen yet is looked up together with its signatures, once.
        let asked = inquiries.iter().enumerate().map(|(i, inquiry)| {
            let to_find =
                (given && i == 0).then(|| ImageRef::digested(pinned.repository().clone(), (*pinned.digest()).into()));
            self.evidence(inquiry, &pinned, to_find, now)
        });
        let answers = futures::future::try_join_all(asked).await;
        progress.timings.evidence_ms = millis(begun);
        for (inquiry, evidence) in inquiries.into_iter().zip(answers?) {
            progress.findings = std::mem::take(&mut progress.findings).with(inquiry, evidence);
        }
        Ok(())
    }

    /// Everything that the image lists, with answers to the inquiries about each.
    async fn look_below(
        &self,
        matched: &Matched<'_>,
        image: &ImageRef,
        progress: &mut Progress,
    ) -> Result<(), GateError> {
        let pinned = self.resolve(image, progress).await?;
        let children = family::children(self.0.clients.own(), &pinned).await;
        let children = children.inspect_err(|error| self.0.counters.family(error))?;
        let subjects: Vec<Digest> = children.iter().map(|child| child.digest).collect();
        progress.findings = std::mem::take(&mut progress.findings).with_children(children);
        self.look_beside(matched, &pinned, &subjects, progress).await
    }

    /// The index that the image was picked from, if its tag names one.
    async fn look_above(
        &self,
        matched: &Matched<'_>,
        image: &ImageRef,
        progress: &mut Progress,
    ) -> Result<(), GateError> {
        let pinned = self.resolve(image, progress).await?;
        let index = family::index(self.0.clients.own(), image, pinned.digest()).await;
        let Some(index) = index.inspect_err(|error| self.0.counters.family(error))? else { return Ok(()) };
        progress.findings = std::mem::take(&mut progress.findings).with_index(index);
        self.look_beside(matched, &pinned, &[index], progress).await
    }

    /// Answers every inquiry about other manifests of the image's repository.
    async fn look_beside(
        &self,
        matched: &Matched<'_>,
        image: &PinnedRef,
        subjects: &[Digest],
        progress: &mut Progress,
    ) -> Result<(), GateError> {
        let (begun, now) = (Instant::now(), progress.now);
        for inquiry in matched.inquiries() {
            let pinned = subjects.iter().map(|digest| PinnedRef::new(image.repository().clone(), *digest));
            let asked = pinned.map(|pinned| async move { self.evidence(inquiry, &pinned, None, now).await });
            for evidence in futures::future::try_join_all(asked).await? {
                progress.findings = std::mem::take(&mut progress.findings).with_other(inquiry, evidence);
            }
        }
        progress.timings.evidence_ms += millis(begun);
        Ok(())
    }

    async fn evidence(
        &self,
        inquiry: &Inquiry,
        pinned: &PinnedRef,
        to_find: Option<ImageRef>,
        now: UnixTime,
    ) -> Result<Arc<Evidence>, GateError> {
        let key = key(inquiry, pinned, now);
        let kept = self.0.evidence.get(&key);
        self.0.counters.evidence(kept.is_some());
        if let Some(evidence) = kept {
            return Ok(evidence);
        }
        // Boxed, since it is large and moves from hand to hand.
        let fetch = Box::pin(Self::fetch(self.clone(), pinned.clone(), to_find, inquiry.clone(), now));
        let evidence = self.0.evidence.fetch(key, fetch, || GateError::Failed).await;
        evidence.map_err(|error| match Arc::try_unwrap(error) {
            Ok(error) => error,
            Err(shared) => GateError::Shared(shared),
        })
    }

    /// Signatures, and with them the image itself where nobody has seen yet that it exists.
    async fn fetch(
        self,
        pinned: PinnedRef,
        to_find: Option<ImageRef>,
        inquiry: Inquiry,
        now: UnixTime,
    ) -> Result<Evidence, GateError> {
        let stored_in = inquiry.stored_in().or(self.0.stored_in.as_ref()).unwrap_or(pinned.repository());
        let exists = async {
            match &to_find {
                None => Ok(()),
                Some(image) => {
                    let resolved = self.0.clients.own().resolve(image).await;
                    let resolved = resolved.inspect_err(|error| self.0.counters.registry(error))?;
                    found(resolved, image).map(drop)
                }
            }
        };
        let signatures = inquiry.wants_signatures().then_some(Kind::Signatures);
        let kinds: Vec<Kind> =
            signatures.into_iter().chain(inquiry.wants_attestations().then_some(Kind::Attestations)).collect();
        let client = self.0.clients.that_looks(&inquiry, stored_in);
        let discovery = client.discover_kinds(&pinned, stored_in, inquiry.tag_prefix(), &kinds);
        let (discovery, exists) = tokio::join!(discovery, exists);
        discovery.errors.iter().for_each(|error| self.0.counters.registry(error));
        exists?;
        let examined = self.0.examiners.examine(move || examine(&pinned, discovery.found, inquiry.trust(), now));
        examined.await.ok_or(GateError::Failed)
    }

    fn log(&self, request: &Request, set: Option<&PolicySet>, progress: &Progress, result: &Result<Judged, GateError>) {
        let (outcome, reasons) = match result {
            Ok(judged) if matches!(judged.verdict, Verdict::Allow(_)) => (Outcome::Allow, lines(&judged.verdict)),
            Ok(judged) => (Outcome::Deny, lines(&judged.verdict)),
            Err(error) => (Outcome::Undecided, vec![error.to_string()]),
        };
        let (audited, reprieves) = match result.as_ref().map(|judged| &judged.verdict) {
            Ok(Verdict::Allow(approval)) => (approval.audited(), approval.reprieves()),
            Ok(Verdict::Deny(denial)) => (denial.audited(), &[][..]),
            Err(_) => (&[][..], &[][..]),
        };
        let timings = Timings { total_ms: millis(progress.started), ..progress.timings };
        self.0.counters.decided(outcome, result, &timings);
        let origin = self.0.clients.own().credential_origin(request.image.repository());
        self.0.log.write(&Decision {
            time: jiff::Timestamp::now().to_string(),
            door: request.door.name(),
            asked_by: &request.asked_by,
            image: request.image.to_string(),
            digest: progress.pinned.as_ref().map(|pinned| pinned.digest().to_string()),
            outcome,
            reasons,
            audited: audited.iter().map(ToString::to_string).collect(),
            reprieves: reprieves.to_vec(),
            policy: set.map(|set| set.fingerprint().to_string()),
            trust: set.map(|set| set.trust_fingerprint().to_string()),
            credentials: origin.map_or_else(|| "anonymous".to_owned(), |origin| origin.to_string()),
            cached: progress.cached,
            timings,
        });
    }
}

impl Progress {
    fn begin() -> Self {
        let started = Instant::now();
        Self {
            started,
            now: now(),
            timings: Timings::default(),
            pinned: None,
            selected_by_digest: false,
            findings: Findings::none(),
            cached: false,
        }
    }
}

fn key(inquiry: &Inquiry, image: &PinnedRef, now: UnixTime) -> Key {
    Key::new(image.clone(), *inquiry.fingerprint(), inquiry.trust(), now)
}

fn found(resolved: Lookup<Resolved>, image: &ImageRef) -> Result<Resolved, GateError> {
    match resolved {
        Lookup::Found(resolved) => Ok(resolved),
        Lookup::Absent => Err(GateError::ImageAbsent(Box::new(image.clone()))),
    }
}

fn millis(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}

/// A clock before 1970 reads as 1970: everything with a beginning is then not valid yet.
fn now() -> UnixTime {
    UnixTime::since_unix_epoch(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}
