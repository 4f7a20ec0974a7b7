//! What a gate counts: values, which a door may show. Names are those of policies and words of our own, never an image, a
//! namespace or a user; and of policies' names only so many are kept.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use policy::{Approval, Denial, Reason, Verdict};
use registry::RegistryError;
use serde::Serialize;

use crate::{GateError, Judged, Outcome, Timings};

/// Everything that was counted since the gate was made.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Metrics {
    /// Decisions by how they ended.
    pub decisions: BTreeMap<Outcome, u64>,
    /// For each policy, what became of it; a thousand names, and `other` for those that come later.
    pub policies: BTreeMap<String, BTreeMap<Share, u64>>,
    /// Refusals and warnings by what they are, without the policy: `failed policy`, `no matching policies`.
    pub reasons: BTreeMap<String, u64>,
    /// Why there was no decision.
    pub undecided: BTreeMap<&'static str, u64>,
    /// Evidence that was at hand.
    pub hits: u64,
    /// Evidence that had to be fetched, or waited for.
    pub misses: u64,
    /// What registries did wrong, by kind.
    pub registry_errors: BTreeMap<&'static str, u64>,
    /// Where the time went.
    pub stages: BTreeMap<Stage, Histogram>,
}

/// What became of one policy in one decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Share {
    /// It was met.
    Met,
    /// It refused.
    Refused,
    /// It would have refused, and warned.
    Warned,
    /// It would have refused, and said nothing.
    Audited,
    /// An exception or a broken glass let the image in.
    Reprieved,
}

/// A part of the way to a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Resolving the image; counted where it had to be.
    Resolve,
    /// Fetching and examining signatures; counted where there was any need.
    Evidence,
    /// Everything.
    Total,
}

/// How many took how long.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Histogram {
    /// For each of [`Self::BOUNDS`] how many took no longer than it and longer than the one before; the last took longer.
    pub counts: [u64; Histogram::BOUNDS.len() + 1],
    /// Seconds in all.
    pub seconds: f64,
}

impl Histogram {
    /// The longest time of each count, in seconds.
    pub const BOUNDS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];

    /// How many there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    fn add(&mut self, took: Duration) {
        let seconds = took.as_secs_f64();
        let place = Self::BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(Self::BOUNDS.len());
        self.counts[place] += 1;
        self.seconds += seconds;
    }
}

/// Counts for all requests of a gate.
#[derive(Debug, Default)]
pub(crate) struct Counters(Mutex<Metrics>);

impl Counters {
    pub(crate) fn snapshot(&self) -> Metrics {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn evidence(&self, at_hand: bool) {
        self.change(|metrics| if at_hand { metrics.hits += 1 } else { metrics.misses += 1 });
    }

    pub(crate) fn registry(&self, error: &RegistryError) {
        self.change(|metrics| *metrics.registry_errors.entry(error.kind()).or_default() += 1);
    }

    /// What went wrong on the way to what an image lists.
    pub(crate) fn family(&self, error: &GateError) {
        if let GateError::Registry(error) = error {
            self.registry(error);
        }
    }

    pub(crate) fn decided(&self, outcome: Outcome, result: &Result<Judged, GateError>, timings: &Timings) {
        self.change(|metrics| {
            *metrics.decisions.entry(outcome).or_default() += 1;
            match result.as_ref().map(|judged| &judged.verdict) {
                Ok(Verdict::Allow(approval)) => metrics.allowed(approval),
                Ok(Verdict::Deny(denial)) => metrics.denied(denial),
                Err(error) => *metrics.undecided.entry(error.kind()).or_default() += 1,
            }
            metrics.took(timings);
        });
    }

    fn change(&self, change: impl FnOnce(&mut Metrics)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Metrics {
    fn allowed(&mut self, approval: &Approval) {
        let mut met: Vec<&str> = approval.met().iter().map(|met| met.policy.as_str()).collect();
        met.dedup();
        met.into_iter().for_each(|policy| self.policy(policy, Share::Met));
        let reprieved: Vec<&str> = approval.reprieves().iter().map(|one| one.policy.as_str()).collect();
        reprieved.iter().for_each(|policy| self.policy(policy, Share::Reprieved));
        for warning in approval.warnings() {
            self.reason(warning);
            if let Some(policy) = warning.policy().filter(|policy| !reprieved.contains(policy)) {
                self.policy(policy, Share::Warned);
            }
        }
        self.of_each(approval.audited(), Share::Audited);
    }

    fn denied(&mut self, denial: &Denial) {
        denial.reasons().iter().chain(denial.warnings()).for_each(|reason| self.reason(reason));
        self.of_each(denial.reasons(), Share::Refused);
        self.of_each(denial.warnings(), Share::Warned);
        self.of_each(denial.audited(), Share::Audited);
    }

    fn of_each(&mut self, reasons: &[Reason], share: Share) {
        reasons.iter().filter_map(Reason::policy).for_each(|policy| self.policy(policy, share));
    }

    fn policy(&mut self, name: &str, share: Share) {
        let kept = self.policies.contains_key(name) || self.policies.len() < MAX_POLICIES;
        let shares = self.policies.entry(if kept { name } else { "other" }.to_owned()).or_default();
        *shares.entry(share).or_default() += 1;
    }

    /// What stands in front of a policy's name is our own.
    fn reason(&mut self, reason: &Reason) {
        let own = reason.summary().split(": ").next().unwrap_or_default();
        *self.reasons.entry(own.to_owned()).or_default() += 1;
    }

    fn took(&mut self, timings: &Timings) {
        let stages = [(Stage::Resolve, timings.resolve_ms), (Stage::Evidence, timings.evidence_ms)];
        let taken = stages.into_iter().filter(|(_, millis)| *millis > 0.0);
        for (stage, millis) in taken.chain([(Stage::Total, timings.total_ms)]) {
            self.stages.entry(stage).or_default().add(Duration::from_secs_f64(millis / 1000.0));
        }
    }
}

const MAX_POLICIES: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_counted_once_and_the_longest_too() {
        let mut histogram = Histogram::default();
        for millis in [1, 2, 10, 30_000, 30_001] {
            histogram.add(Duration::from_millis(millis));
        }
        assert_eq!(histogram.counts, [1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!((histogram.count(), histogram.seconds.round()), (5, 60.0));
    }

    #[test]
    fn names_of_policies_are_bounded() {
        let mut metrics = Metrics::default();
        for number in 0..MAX_POLICIES + 5 {
            metrics.policy(&format!("p{number}"), Share::Met);
        }
        metrics.policy("p0", Share::Met);
        assert_eq!(metrics.policies.len(), MAX_POLICIES + 1);
        assert_eq!(metrics.policies["other"][&Share::Met], 5);
        assert_eq!(metrics.policies["p0"][&Share::Met], 2);
    }

    #[test]
    fn stage_that_was_not_gone_through_is_not_counted() {
        let mut metrics = Metrics::default();
        metrics.took(&Timings { resolve_ms: 0.0, evidence_ms: 3.0, total_ms: 4.0 });
        assert_eq!(metrics.stages.keys().copied().collect::<Vec<_>>(), [Stage::Evidence, Stage::Total]);
    }
}
