//! What the policies say of a case, and how that differs from what was expected.

use std::time::{Duration, SystemTime};

use gate::{Gate, Request};
use policy::{PolicySet, Verdict};
use rustls_pki_types::UnixTime;

use super::{
    cases::{Case, Expected},
    object, recorded, unusable,
};
use crate::exit::Failure;

/// The outcome, and the reasons in lines.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) outcome: Expected,
    pub(super) lines: Vec<String>,
}

/// Asks the gate, or judges what was recorded.
pub(super) async fn of(
    case: &Case,
    set: &PolicySet,
    gate: Option<&Gate>,
    deadline: Duration,
) -> Result<Answer, Failure> {
    let object = case.object.as_deref().map(object::read).transpose().map_err(unusable)?;
    match (&case.evidence, gate) {
        (Some(layout), _) => {
            let now = case.at.map_or_else(now, |at| UnixTime::since_unix_epoch(since_epoch(at)));
            recorded::judge(layout, case, set, object.as_ref(), now).await
        }
        (None, Some(gate)) => {
            let (image, door) = (case.image.clone(), case.door);
            let (user, namespace, asked_by) = (case.user.clone(), case.namespace.clone(), String::new());
            let request = Request { image, object, door, asked_by, user, namespace, deadline };
            Ok(match gate.check(&request).await {
                Ok(judged) => Answer::decided(&judged.verdict),
                Err(error) => Answer::undecided(&error),
            })
        }
        (None, None) => unreachable!("a gate is made where a case has no evidence"),
    }
}

impl Answer {
    pub(super) fn decided(verdict: &Verdict) -> Self {
        let outcome = if matches!(verdict, Verdict::Allow(_)) { Expected::Allow } else { Expected::Deny };
        Self { outcome, lines: gate::lines(verdict) }
    }

    pub(super) fn undecided(why: &dyn std::fmt::Display) -> Self {
        Self { outcome: Expected::Undecided, lines: why.to_string().lines().map(str::to_owned).collect() }
    }
}

impl Case {
    /// What is not as expected; nothing where the case is met.
    pub(super) fn faults(&self, answer: &Answer) -> Vec<String> {
        let outcome = (answer.outcome != self.expect)
            .then(|| format!("expected {}, got {}", self.expect.word(), answer.outcome.word()));
        let text = answer.lines.join("\n");
        let missing = self.reasons.iter().filter(|reason| !text.contains(reason.as_str()));
        outcome.into_iter().chain(missing.map(|reason| format!("expected a reason with `{reason}`"))).collect()
    }
}

fn since_epoch(at: jiff::Timestamp) -> Duration {
    Duration::from_secs(u64::try_from(at.as_second()).unwrap_or_default())
}

fn now() -> UnixTime {
    UnixTime::since_unix_epoch(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}
