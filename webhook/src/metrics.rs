//! What the webhook counts. Labels are a few words of our own, never an image, a namespace or a user: what strangers
//! can make up must not become a time series.

use std::time::Duration;

use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use crate::finding::{Hook, Outcome, Remarks};

/// The counters of one webhook.
pub(crate) struct Metrics {
    registry: Registry,
    reviews: Family<Review, Counter>,
    images: Family<Image, Counter>,
    reprieves: Family<Kind, Counter>,
    audited: Counter,
    seconds: Family<Called, Histogram, fn() -> Histogram>,
    ready: Gauge,
}

/// How a review ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Allowed,
    Unjudged,
    Denied,
    Undecided,
    Malformed,
    Failed,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Review {
    hook: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Image {
    verdict: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Called {
    hook: &'static str,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let metrics = Self {
            registry: Registry::with_prefix("sealgate"),
            reviews: Family::default(),
            images: Family::default(),
            reprieves: Family::default(),
            audited: Counter::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            ready: Gauge::default(),
        };
        metrics.registered()
    }

    fn registered(mut self) -> Self {
        let registry = &mut self.registry;
        registry.register("reviews", "Admission reviews by webhook and outcome", self.reviews.clone());
        registry.register("images", "Distinct images of reviews by verdict", self.images.clone());
        registry.register(
            "reprieves",
            "Distinct images let in by an exception or a broken glass",
            self.reprieves.clone(),
        );
        registry.register("audited", "Distinct images that a policy in audit mode would refuse", self.audited.clone());
        registry.register("review_seconds", "Time from a review's arrival to its answer", self.seconds.clone());
        registry.register("policy_ready", "Whether a policy is in force", self.ready.clone());
        self
    }

    pub(crate) fn review(&self, hook: Hook, ending: Ending, took: Duration) {
        let hook = hook.as_str();
        self.reviews.get_or_create(&Review { hook, outcome: ending.as_str() }).inc();
        self.seconds.get_or_create(&Called { hook }).observe(took.as_secs_f64());
    }

    pub(crate) fn image(&self, outcome: &Outcome) {
        let verdict = match outcome {
            Outcome::Allowed(_) => "allowed",
            Outcome::Denied(_) => "denied",
            Outcome::Undecided(_) => "undecided",
        };
        self.images.get_or_create(&Image { verdict }).inc();
        if let Outcome::Allowed(allowed) = outcome {
            self.remarks(&allowed.remarks);
        }
    }

    fn remarks(&self, Remarks { reprieves, audited }: &Remarks) {
        let mut kinds: Vec<&'static str> = reprieves.iter().map(|one| one.kind.name()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        for kind in kinds {
            self.reprieves.get_or_create(&Kind { kind }).inc();
        }
        if !audited.is_empty() {
            self.audited.inc();
        }
    }

    /// Everything counted, in the OpenMetrics text format.
    pub(crate) fn text(&self, ready: bool) -> String {
        self.ready.set(ready.into());
        let mut out = String::new();
        text::encode(&mut out, &self.registry).expect("writing to a string cannot fail");
        out
    }
}

impl Ending {
    /// What a call that got no verdict counts as.
    pub(crate) fn of(status: axum::http::StatusCode) -> Self {
        if status.is_client_error() { Self::Malformed } else { Self::Failed }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Unjudged => "unjudged",
            Self::Denied => "denied",
            Self::Undecided => "undecided",
            Self::Malformed => "malformed",
            Self::Failed => "failed",
        }
    }
}

/// From a cached answer to the longest that the API server waits.
const BUCKETS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reviews_and_images_are_counted_by_our_own_words() {
        let metrics = Metrics::new();
        metrics.review(Hook::Mutate, Ending::Denied, Duration::from_millis(3));
        metrics.review(Hook::Mutate, Ending::Denied, Duration::from_secs(60));
        metrics.image(&Outcome::Undecided(vec!["registry.example/secret:1".to_owned()]));
        let text = metrics.text(false);
        for line in [
            "sealgate_reviews_total{hook=\"mutate\",outcome=\"denied\"} 2",
            "sealgate_images_total{verdict=\"undecided\"} 1",
            "sealgate_review_seconds_count{hook=\"mutate\"} 2",
            "sealgate_review_seconds_bucket{le=\"0.005\",hook=\"mutate\"} 1",
            "sealgate_policy_ready 0",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\n{text}");
        }
        assert!(!text.contains("secret"));
        assert!(metrics.text(true).contains("sealgate_policy_ready 1"));
    }
}
