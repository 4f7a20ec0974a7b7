//! The gate is asked about every image of an object at once, about the same text once.
//!
//! A panic or a late answer is a finding like any other, and none of them is a yes.

use std::{collections::BTreeMap, future::Future, time::Duration};

use gate::{Door, Gate, GateError, Judged, Request};
use oci::ImageRef;
use policy::{Approval, Reason, ReprieveKind, Resource, Verdict};
use tokio::task::JoinHandle;
use workload::ImageUse;

use crate::{
    finding::{Allowed, Finding, Ground, Hook, Outcome, Remarks},
    words,
};

/// What is asked on behalf of one review.
pub(crate) struct Question {
    pub(crate) hook: Hook,
    pub(crate) who: Who,
    /// What the images run in.
    pub(crate) object: Resource,
    /// The gate's deadline.
    pub(crate) judging: Duration,
    /// Ours, a little later.
    pub(crate) waiting: Duration,
}

/// Who asks, and where.
pub(crate) struct Who {
    pub(crate) asked_by: String,
    pub(crate) user: Option<String>,
    pub(crate) namespace: Option<String>,
}

/// What came out for each distinct text, and for each of its places.
pub(crate) struct Findings {
    pub(crate) each: Vec<Finding>,
    pub(crate) distinct: Vec<Outcome>,
}

/// Asks about all images at once and waits for all, each for as long as the question says.
pub(crate) async fn judge(gate: &Gate, question: &Question, uses: Vec<ImageUse>) -> Findings {
    let until = tokio::time::Instant::now() + question.waiting;
    let mut asked: BTreeMap<String, Asked> = BTreeMap::new();
    for used in &uses {
        asked.entry(used.image.clone()).or_insert_with(|| ask(gate, question, &used.image));
    }
    let mut outcomes = BTreeMap::new();
    for (text, asked) in asked {
        outcomes.insert(text, asked.outcome(until, question.waiting).await);
    }
    let found = |used: ImageUse| Finding { outcome: outcomes[&used.image].clone(), used };
    Findings { each: uses.into_iter().map(found).collect(), distinct: outcomes.into_values().collect() }
}

enum Asked {
    /// The text is no reference, so nothing needs to be asked.
    Known(Outcome),
    Running(JoinHandle<Outcome>),
}

impl Asked {
    async fn outcome(self, until: tokio::time::Instant, waited: Duration) -> Outcome {
        let mut running = match self {
            Self::Known(outcome) => return outcome,
            Self::Running(running) => running,
        };
        match tokio::time::timeout_at(until, &mut running).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(broken)) => {
                tracing::error!(error = %broken, "judging an image broke off");
                Outcome::Undecided(vec!["the gate failed while judging; see its log".to_owned()])
            }
            Err(_) => {
                running.abort();
                Outcome::Undecided(vec![format!("no answer within {:.1} s", waited.as_secs_f64())])
            }
        }
    }
}

fn ask(gate: &Gate, question: &Question, text: &str) -> Asked {
    let image: ImageRef = match text.parse() {
        Ok(image) => image,
        Err(error) => {
            let headline = format!("invalid value: {}", words::cut(text, 400));
            let error: oci::ReferenceError = error;
            return Asked::Known(Outcome::Denied(vec![Ground { headline, details: vec![error.to_string()] }]));
        }
    };
    let request = Request {
        image: image.clone(),
        object: Some(question.object.clone()),
        door: door(question.hook),
        asked_by: question.who.asked_by.clone(),
        user: question.who.user.clone(),
        namespace: question.who.namespace.clone(),
        deadline: question.judging,
    };
    let gate = gate.clone();
    asked(async move { outcome(image, gate.check(&request).await) })
}

/// On a task of its own, so that a panic ends that task alone.
fn asked(work: impl Future<Output = Outcome> + Send + 'static) -> Asked {
    Asked::Running(tokio::spawn(work))
}

fn door(hook: Hook) -> Door {
    match hook {
        Hook::Mutate => Door::Mutate,
        Hook::Validate => Door::Validate,
    }
}

/// The one place where the gate's answer becomes ours.
fn outcome(image: ImageRef, result: Result<Judged, GateError>) -> Outcome {
    match result {
        Ok(Judged { verdict: Verdict::Allow(approval), pinned, by_digest, .. }) => {
            let must_be_pinned = by_digest || is_excepted(&approval);
            let warnings = approval.warnings().iter().map(warning).collect();
            let audited = approval.audited().iter().map(warning).collect();
            let remarks = Remarks { reprieves: approval.reprieves().to_vec(), audited };
            Outcome::Allowed(Box::new(Allowed { image, pinned, must_be_pinned, warnings, remarks }))
        }
        Ok(Judged { verdict: Verdict::Deny(denial), .. }) => {
            Outcome::Denied(denial.reasons().iter().map(ground).collect())
        }
        Err(error) => {
            let lines = std::iter::once(error.to_string()).chain(error.hint());
            Outcome::Undecided(lines.collect())
        }
    }
}

/// Whether an exception was needed for this image.
fn is_excepted(approval: &Approval) -> bool {
    approval.reprieves().iter().any(|reprieve| reprieve.kind == ReprieveKind::Exception)
}

fn ground(reason: &Reason) -> Ground {
    Ground { headline: reason.summary().to_owned(), details: reason.details().to_vec() }
}

fn warning(reason: &Reason) -> String {
    let details = reason.details().join("; ");
    if details.is_empty() { reason.summary().to_owned() } else { format!("{}: {details}", reason.summary()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn told(asked: Asked) -> String {
        let waiting = Duration::from_millis(200);
        match asked.outcome(tokio::time::Instant::now() + waiting, waiting).await {
            Outcome::Undecided(why) => why.concat(),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_panic_is_no_answer() {
        let broken = asked(async { panic!("a fault of ours") });
        assert_eq!(told(broken).await, "the gate failed while judging; see its log");
    }

    #[tokio::test]
    async fn a_late_answer_is_no_answer() {
        assert_eq!(told(asked(std::future::pending())).await, "no answer within 0.2 s");
    }

    #[test]
    fn a_gate_error_is_undecided_with_its_words() {
        let image: ImageRef = "nginx".parse().unwrap();
        let Outcome::Undecided(why) = outcome(image, Err(GateError::NotLoaded)) else { panic!() };
        assert_eq!(why[0], GateError::NotLoaded.to_string());
        assert_eq!(why.get(1), GateError::NotLoaded.hint().as_ref());
    }
}
