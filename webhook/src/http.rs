//! The addresses of the webhook, and what every call goes through: a body that is read first, see [`crate::body`]; then
//! a turn, so that no caller has one who has not sent all of a review; a task of its own, so that a panic becomes a
//! refusal; a line in the log and a count.

use std::{
    fmt,
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use gate::Gate;
use oci::ImageRef;
use policy::Resource;
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use workload::ImageUse;

use crate::{
    answer::{Answer, Cause},
    body::{Bodies, Body},
    deadline::{BadTimeout, Deadline},
    finding::Hook,
    judge::{self, Question, Who},
    metrics::{Ending, Metrics},
    review::{Address, Malformed, Review},
    scope::{Scope, Unjudged, scope},
    wire,
};

/// The webhook's state: the gate that it asks and what it counts. Cheap to clone.
#[derive(Clone)]
pub struct Webhook(Arc<Inner>);

struct Inner {
    gate: Gate,
    metrics: Metrics,
    bodies: Bodies,
    /// Reviews answered at once.
    turns: Arc<Semaphore>,
}

impl Webhook {
    /// A webhook that asks this gate.
    #[must_use]
    pub fn new(gate: Gate) -> Self {
        let turns = Arc::new(Semaphore::new(MOST_REVIEWS));
        Self(Arc::new(Inner { gate, metrics: Metrics::new(), bodies: Bodies::new(), turns }))
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").finish_non_exhaustive()
    }
}

/// `POST /mutate` and `/validate` for the API server, `GET /healthz`, `/readyz` and `/metrics` for those who watch.
///
/// Every review whose JSON is whole and has a uid is answered with HTTP 200 and a verdict, also one that cannot be read;
/// anything else gets an HTTP error, which the API server counts as a failed call. A body has at most 4 MiB (the API
/// server stores objects of 1.5 MiB, and an update's review holds two) and arrives within two seconds. Beyond the first
/// 64 KiB of each, all bodies together have 64 MiB; the number of connections is [`crate::serve()`]'s to limit.
pub fn router(webhook: Webhook) -> Router {
    Router::new()
        .route("/mutate", post(|State(w), request| called(w, Hook::Mutate, request)))
        .route("/validate", post(|State(w), request| called(w, Hook::Validate, request)))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(webhook)
}

async fn ready(State(webhook): State<Webhook>) -> Response {
    match webhook.0.gate.revision() {
        Some(revision) => format!("ok, policy {revision}\n").into_response(),
        None => (StatusCode::SERVICE_UNAVAILABLE, "no policy is in force\n").into_response(),
    }
}

async fn metrics(State(webhook): State<Webhook>) -> Response {
    let text = webhook.0.metrics.text(webhook.0.gate.revision().is_some());
    ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response()
}

async fn called(webhook: Webhook, hook: Hook, request: Request) -> Response {
    let started = Instant::now();
    let deadline = Deadline::of(request.uri().query());
    let longest = deadline.as_ref().map_or(Deadline::default(), |d| *d).for_judging(Duration::ZERO);
    let (body, turn) = match webhook.receive(request, started, longest).await {
        Ok(received) => received,
        Err((status, why)) => return webhook.unanswered(hook, started, status, &why),
    };
    let bytes = body.bytes.clone();
    let work = webhook.clone().answer(hook, deadline, started, bytes.clone());
    // Turn and body end with the work, not with a caller who hangs up.
    let work = async move {
        let answered = work.await;
        drop((turn, body));
        answered
    };
    match guarded(&bytes, work).await {
        Ok((address, answer)) => webhook.answered(hook, started, address, answer),
        Err(why) => webhook.unanswered(hook, started, StatusCode::BAD_REQUEST, &why),
    }
}

type Received = (Body, OwnedSemaphorePermit);
type Rejected = (StatusCode, String);

/// An answer and where it goes, or why it can go nowhere.
type Answered = Result<(Address, Answer), String>;

/// Runs the work on a task of its own. If that breaks off, the review is refused.
async fn guarded(body: &[u8], work: impl Future<Output = Answered> + Send + 'static) -> Answered {
    let broken = match tokio::spawn(work).await {
        Ok(answered) => return answered,
        Err(broken) => broken,
    };
    tracing::error!(error = %broken, "answering a review broke off");
    let why = "the webhook failed while answering; see its log".to_owned();
    match Review::address_of(body) {
        Some(address) => Ok((address, Answer::refused(Cause::Broken, why))),
        None => Err(why),
    }
}

impl Webhook {
    /// Waits for the body, then for a turn, both within `longest`.
    async fn receive(&self, request: Request, started: Instant, longest: Duration) -> Result<Received, Rejected> {
        let body =
            self.0.bodies.read(request, longest).await.map_err(|unread| (unread.status(), unread.to_string()))?;
        let left = longest.saturating_sub(started.elapsed());
        match tokio::time::timeout(left, self.0.turns.clone().acquire_owned()).await {
            Ok(turn) => Ok((body, turn.expect("turns never close"))),
            Err(_) => Err((StatusCode::SERVICE_UNAVAILABLE, "too many reviews at once".to_owned())),
        }
    }

    async fn answer(
        self,
        hook: Hook,
        deadline: Result<Deadline, BadTimeout>,
        started: Instant,
        body: Bytes,
    ) -> Answered {
        let malformed = |address, why| Ok((address, Answer::refused(Cause::Malformed, why)));
        let review = match Review::parse(&body) {
            Ok(review) => review,
            Err(Malformed::Addressed(address, why)) => return malformed(address, why),
            Err(Malformed::Nameless(why)) => return Err(why),
        };
        let deadline = match deadline {
            Ok(deadline) => deadline,
            Err(bad) => return malformed(review.address, bad.to_string()),
        };
        let answer = match scope(&review).map(|scope| self.widened(scope, &review)) {
            Ok(Scope::Pass(why)) => Answer::unjudged(why),
            Ok(Scope::Relabelled(uses)) if self.alike(&review, &uses) => Answer::unjudged(Unjudged::SameTemplate),
            Ok(Scope::Judge(uses) | Scope::Relabelled(uses)) => {
                let object = resource(&review, &review.object);
                let Review { asked_by, user, namespace, .. } = review;
                let who = Who { asked_by, user, namespace };
                self.judge(hook, deadline, started, (who, object), uses).await
            }
            Err(why) => Answer::refused(Cause::Malformed, why.to_string()),
        };
        Ok((review.address, answer))
    }

    /// An update that leaves pod template and labels as they are is judged all the same where a condition sees something
    /// else of the object, and sees it changed. Policies are about images: what is no reference is none to them.
    fn widened(&self, scope: Scope, review: &Review) -> Scope {
        // Without policies there is no condition.
        if scope != Scope::Pass(Unjudged::SameTemplate) || self.0.gate.revision().is_none() {
            return scope;
        }
        let mut uses = workload::images(&review.object).unwrap_or_default();
        uses.retain(|used| used.image.parse::<ImageRef>().is_ok());
        if self.alike(review, &uses) { scope } else { Scope::Judge(uses) }
    }

    /// Whether the same policies are for these images in the object as it was and as it is to be. An image that is no
    /// reference is left to judging.
    fn alike(&self, review: &Review, uses: &[ImageUse]) -> bool {
        let images: Result<Vec<ImageRef>, _> = uses.iter().map(|used| used.image.parse()).collect();
        let (old, new) = (resource(review, &review.old_object), resource(review, &review.object));
        images.is_ok_and(|images| self.0.gate.policies_are_alike(&images, &old, &new))
    }

    async fn judge(
        &self,
        hook: Hook,
        deadline: Deadline,
        started: Instant,
        (who, object): (Who, Resource),
        uses: Vec<ImageUse>,
    ) -> Answer {
        let spent = started.elapsed();
        let (judging, waiting) = (deadline.for_judging(spent), deadline.for_waiting(spent));
        let question = Question { hook, who, object, judging, waiting };
        let findings = judge::judge(&self.0.gate, &question, uses).await;
        findings.distinct.iter().for_each(|outcome| self.0.metrics.image(outcome));
        Answer::of(hook, &findings.each)
    }

    fn answered(&self, hook: Hook, started: Instant, address: Address, answer: Answer) -> Response {
        let (ending, took) = (answer.ending(), started.elapsed());
        let why = answer.refusal.as_ref().map(|refusal| refusal.message.as_str());
        tracing::info!(hook = hook.as_str(), uid = address.uid, outcome = ending.as_str(), ?took, why, "review");
        self.0.metrics.review(hook, ending, took);
        ([(CONTENT_TYPE, "application/json")], wire::encode(address, answer)).into_response()
    }

    fn unanswered(&self, hook: Hook, started: Instant, status: StatusCode, why: &str) -> Response {
        let (ending, took) = (Ending::of(status), started.elapsed());
        tracing::warn!(hook = hook.as_str(), status = status.as_u16(), ?took, why, "review without an answer");
        self.0.metrics.review(hook, ending, took);
        (status, format!("{why}\n")).into_response()
    }
}

/// An object as policies see it. Both objects of an update are of the kind that the request names.
fn resource(review: &Review, object: &Arc<Value>) -> Resource {
    Resource::new(&review.api_version, &review.kind, workload::labels(object)).with_object(Arc::clone(object))
}

const MOST_REVIEWS: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    async fn broken(body: &'static str) -> Answered {
        guarded(body.as_bytes(), async { panic!("a fault of ours") }).await
    }

    #[tokio::test]
    async fn a_panic_is_a_refusal_with_the_uid() {
        let (address, answer) = broken(r#"{"request":{"uid":"u-1","object":{}}}"#).await.unwrap();
        let refusal = answer.refusal.unwrap();
        assert_eq!((address.uid.as_str(), refusal.cause), ("u-1", Cause::Broken));
        assert!(!refusal.message.contains("a fault of ours"));
    }

    #[tokio::test]
    async fn a_panic_without_a_uid_is_an_error() {
        assert!(broken("{}").await.is_err());
    }
}
