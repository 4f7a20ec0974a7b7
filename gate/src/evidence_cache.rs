//! Evidence by image and inquiry: found once, used by many, for a while.
//!
//! A flight is a task of its own. Whoever waits may give up; the flight goes on and its evidence is kept. Incomplete
//! evidence serves those who wait, and nobody after them.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};
use moka::{Expiry, sync::Cache};
use oci::{Digest, PinnedRef};
use rustls_pki_types::UnixTime;
use tokio::{sync::Semaphore, time::timeout};
use verifier::{Evidence, TrustRoot};

/// What evidence depends on. All of a gate's requests share one source of credentials, so that is not in the key; an
/// authority's own pull secrets are in its inquiry.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    image: PinnedRef,
    inquiry: Digest,
    /// The next edge of a validity window. Whoever asks later has another, so that nobody gets evidence from before it,
    /// and nobody joins a flight that began before it.
    until: Option<UnixTime>,
}

impl Key {
    /// For whoever asks at this time about the image, where signatures are checked against `trust`.
    pub(crate) fn new(image: PinnedRef, inquiry: Digest, trust: &TrustRoot, now: UnixTime) -> Self {
        Self { image, inquiry, until: trust.next_edge(now) }
    }
}

type Answer<E> = Result<Arc<Evidence>, Arc<E>>;
type Flight<E> = Shared<BoxFuture<'static, Answer<E>>>;

pub(crate) struct EvidenceCache<E> {
    kept: Cache<Key, Kept>,
    runways: Arc<Semaphore>,
    flights: Arc<Mutex<HashMap<Key, Flight<E>>>>,
}

/// Evidence, and whether somebody was refused on it.
#[derive(Clone)]
struct Kept {
    evidence: Arc<Evidence>,
    refused: bool,
}

impl<E: Send + Sync + 'static> EvidenceCache<E> {
    pub(crate) fn new() -> Self {
        let kept = Cache::builder().max_capacity(MAX_KEPT).weigher(weight).expire_after(Lifetime).build();
        Self { kept, runways: Arc::new(Semaphore::new(MAX_FLIGHTS)), flights: Arc::default() }
    }

    pub(crate) fn get(&self, key: &Key) -> Option<Arc<Evidence>> {
        self.kept.get(key).map(|kept| kept.evidence)
    }

    /// Somebody was refused on this evidence, so the signature that was missing may come at any moment.
    pub(crate) fn refused(&self, key: Key) {
        // Marked once: whoever asks again and again must not keep it alive.
        if let Some(kept) = self.kept.get(&key).filter(|kept| !kept.refused) {
            self.kept.insert(key, Kept { refused: true, ..kept });
        }
    }

    /// Joins the flight for this key, or starts one. `failed` is the answer if the flight's task dies.
    pub(crate) async fn fetch<F>(&self, key: Key, fetch: F, failed: fn() -> E) -> Answer<E>
    where
        F: Future<Output = Result<Evidence, E>> + Send + 'static,
    {
        let flight = {
            let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
            match flights.get(&key) {
                Some(flight) => flight.clone(),
                None => {
                    let flight = self.start(key.clone(), fetch, failed);
                    flights.insert(key, flight.clone());
                    flight
                }
            }
        };
        flight.await
    }

    fn start<F>(&self, key: Key, fetch: F, failed: fn() -> E) -> Flight<E>
    where
        F: Future<Output = Result<Evidence, E>> + Send + 'static,
    {
        let (kept, runways, flights) = (self.kept.clone(), Arc::clone(&self.runways), Arc::clone(&self.flights));
        let ended = Landing { key: key.clone(), flights };
        let task = tokio::spawn(async move {
            let _ended = ended; // also when the fetch panics: nobody joins a flight that is over
            let flown = timeout(MAX_FLIGHT, async {
                let _runway = runways.acquire().await; // closed never
                fetch.await
            });
            let evidence = flown.await.unwrap_or_else(|_| Err(failed()));
            let evidence = Arc::new(evidence.map_err(Arc::new)?);
            if evidence.is_complete() {
                kept.insert(key, Kept { evidence: Arc::clone(&evidence), refused: false });
            }
            Ok(evidence)
        });
        task.map(move |joined| joined.unwrap_or_else(|_| Err(Arc::new(failed())))).boxed().shared()
    }
}

struct Landing<E> {
    key: Key,
    flights: Arc<Mutex<HashMap<Key, Flight<E>>>>,
}

impl<E> Drop for Landing<E> {
    fn drop(&mut self) {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

/// At most: ten minutes with a valid signature; five seconds without one, or once somebody was refused for want of another,
/// since the image may be signed at any moment.
struct Lifetime;

impl Expiry<Key, Kept> for Lifetime {
    fn expire_after_create(&self, _: &Key, kept: &Kept, _: Instant) -> Option<Duration> {
        let nothing = kept.evidence.verified().is_empty() && kept.evidence.attestations().is_empty();
        let lacking = kept.refused || nothing;
        Some(if lacking { WITHOUT_SIGNATURE } else { WITH_SIGNATURE })
    }

    fn expire_after_update(&self, key: &Key, kept: &Kept, now: Instant, _: Option<Duration>) -> Option<Duration> {
        self.expire_after_create(key, kept, now)
    }
}

/// About what the evidence takes in memory: a stranger decides how much that is.
fn weight(_: &Key, kept: &Kept) -> u32 {
    let written = serde_json::to_vec(&*kept.evidence).map_or(usize::MAX, |bytes| bytes.len());
    let statements = kept.evidence.attestations().iter().map(|attestation| attestation.statement().len());
    u32::try_from(statements.fold(written, usize::saturating_add)).unwrap_or(u32::MAX)
}

/// Bytes of evidence kept.
const MAX_KEPT: u64 = 64 * 1024 * 1024;
/// Flights at a time, and how long one may take, whoever waits for it.
const MAX_FLIGHTS: usize = 64;
const MAX_FLIGHT: Duration = Duration::from_secs(60);
const WITH_SIGNATURE: Duration = Duration::from_secs(600);
const WITHOUT_SIGNATURE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Notify;
    use verifier::{Found, Gap, Place, Source, TransparencyLog, UntrustedSignature, Window, examine};

    use super::*;

    fn image() -> PinnedRef {
        PinnedRef::new("a.b/c".parse().unwrap(), Digest::of(b"x"))
    }

    fn at(seconds: u64) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(seconds))
    }

    fn key() -> Key {
        Key::new(image(), Digest::of(b"t"), &TrustRoot::new(vec![]), at(0))
    }

    /// A log is trusted from 100 to 199.
    fn trust_for_a_while() -> TrustRoot {
        let key = keys::PrivateKey::generate().unwrap().public().clone();
        let window = Window::new(Some(at(100)), Some(at(199)));
        TrustRoot::new(vec![]).with_log(TransparencyLog::new(key, "https://log.test", window))
    }

    fn evidence(gaps: Vec<Gap>) -> Evidence {
        examine(&image(), Found { signatures: vec![], gaps }, &TrustRoot::new(vec![]), at(0))
    }

    #[tokio::test]
    async fn impatient_caller_does_not_cancel_the_flight() {
        let cache = EvidenceCache::<&'static str>::new();
        let (go, started) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
        let fetch = || {
            let (go, started) = (Arc::clone(&go), Arc::clone(&started));
            async move {
                started.fetch_add(1, Ordering::SeqCst);
                go.notified().await;
                Ok(evidence(vec![]))
            }
        };
        let impatient = tokio::time::timeout(Duration::from_millis(5), cache.fetch(key(), fetch(), || "failed")).await;
        assert!(impatient.is_err());
        let patient = cache.fetch(key(), fetch(), || "failed");
        go.notify_one();
        patient.await.unwrap();
        assert_eq!(started.load(Ordering::SeqCst), 1);
        assert!(cache.get(&key()).is_some());
    }

    #[tokio::test]
    async fn incomplete_evidence_and_errors_are_not_kept() {
        let cache = EvidenceCache::<&'static str>::new();
        let gap = Gap { source: Source::Referrers, why: "throttled".into() };
        let incomplete = cache.fetch(key(), async { Ok(evidence(vec![gap])) }, || "failed").await.unwrap();
        assert!(!incomplete.is_complete());
        assert!(cache.get(&key()).is_none());
        assert!(cache.fetch(key(), async { Err("down") }, || "failed").await.is_err());
        assert!(cache.get(&key()).is_none());
    }

    #[tokio::test]
    async fn evidence_is_nobody_s_past_an_edge_of_a_validity_window() {
        let trust = trust_for_a_while();
        let key_at = |seconds| Key::new(image(), Digest::of(b"t"), &trust, at(seconds));
        for (found_at, until) in [(50, 100), (150, 200)] {
            let cache = EvidenceCache::<&'static str>::new();
            cache.fetch(key_at(found_at), async { Ok(evidence(vec![])) }, || "failed").await.unwrap();
            assert!(cache.get(&key_at(until - 1)).is_some(), "{until}");
            assert!(cache.get(&key_at(until)).is_none(), "{until}");
            cache.refused(key_at(found_at));
            assert!(cache.get(&key_at(until)).is_none(), "{until}");
        }
    }

    #[tokio::test]
    async fn flight_from_before_an_edge_is_joined_by_nobody_after_it() {
        let trust = trust_for_a_while();
        let key_at = |seconds| Key::new(image(), Digest::of(b"t"), &trust, at(seconds));
        let cache = EvidenceCache::<&'static str>::new();
        let before = cache.fetch(key_at(199), std::future::pending(), || "failed");
        assert!(timeout(Duration::from_millis(5), before).await.is_err());
        assert!(cache.fetch(key_at(200), async { Ok(evidence(vec![])) }, || "failed").await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn flight_that_never_lands_ends_and_the_next_one_flies() {
        let cache = EvidenceCache::<&'static str>::new();
        assert_eq!(*cache.fetch(key(), std::future::pending(), || "failed").await.unwrap_err(), "failed");
        assert!(cache.fetch(key(), async { Ok(evidence(vec![])) }, || "failed").await.is_ok());
    }

    #[test]
    fn statements_of_attestations_count_as_bytes_kept() {
        let signer = keys::PrivateKey::generate().unwrap();
        let weighs = |predicate: &str| {
            let evidence = attested(&signer, predicate);
            assert_eq!(evidence.attestations().len(), 1, "{:?}", evidence.refused());
            weight(&key(), &Kept { evidence: Arc::new(evidence), refused: false })
        };
        assert!(weighs(&"x".repeat(100_000)) >= weighs("") + 100_000);
    }

    /// Evidence with one attestation by this key.
    fn attested(signer: &keys::PrivateKey, predicate: &str) -> Evidence {
        let kind = "application/vnd.in-toto+json";
        let image = image();
        let statement = format!(
            r#"{{"_type":"https://in-toto.io/Statement/v1","predicateType":"p","predicate":"{predicate}",
                "subject":[{{"digest":{{"sha256":"{}"}}}}]}}"#,
            image.digest().hex()
        );
        let pae = format!("DSSEv1 {} {kind} {} {statement}", kind.len(), statement.len());
        let [payload, signature] = [statement.into_bytes(), signer.sign(pae.as_bytes()).unwrap()]
            .map(|bytes| base64::Engine::encode(&base64::prelude::BASE64_STANDARD, bytes));
        let envelope =
            format!(r#"{{"payloadType":"{kind}","payload":"{payload}","signatures":[{{"sig":"{signature}"}}]}}"#);
        let place = Place { source: Source::AttestationTag, manifest: Digest::of(b"m").into(), index: 0 };
        let signatures = vec![UntrustedSignature::envelope(place, envelope.into_bytes(), Default::default())];
        let trust = TrustRoot::new(vec![signer.public().clone()]);
        examine(&image, Found { signatures, gaps: vec![] }, &trust, at(0))
    }

    #[tokio::test]
    async fn panic_in_a_flight_is_an_error_and_the_next_flight_flies() {
        let cache = EvidenceCache::<&'static str>::new();
        let panics = async { if true { panic!("injected") } else { Ok(evidence(vec![])) } };
        assert_eq!(*cache.fetch(key(), panics, || "failed").await.unwrap_err(), "failed");
        assert!(cache.fetch(key(), async { Ok(evidence(vec![])) }, || "failed").await.is_ok());
    }
}
