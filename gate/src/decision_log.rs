//! What was decided, about what, for whom and why: one JSON object a line.

use std::{
    io::Write,
    sync::{Mutex, PoisonError},
};

use policy::Reprieve;
use serde::Serialize;

/// One decision.
#[derive(Debug, Serialize)]
pub struct Decision<'a> {
    /// When, RFC 3339 in UTC.
    pub time: String,
    /// At which door.
    pub door: &'a str,
    /// Who asked, in the door's own words.
    pub asked_by: &'a str,
    /// The image as written, in canonical form.
    pub image: String,
    /// The digest judged.
    pub digest: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, most telling first; for an allowed image, who signed it and what was warned of.
    pub reasons: Vec<String>,
    /// What policies in `audit` mode would have refused it for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub audited: Vec<String>,
    /// The exceptions and broken glasses that let it in, each with its policy, its end and its reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reprieves: Vec<Reprieve>,
    /// The policy in force.
    pub policy: Option<String>,
    /// The trust in force.
    pub trust: Option<String>,
    /// Where the credential for the image's registry was found, `anonymous` where it asked for none or none was found.
    pub credentials: String,
    /// Whether the evidence was at hand already.
    pub cached: bool,
    /// Where the time went.
    pub timings: Timings,
}

/// How a decision ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Let in.
    Allow,
    /// Refused by a policy.
    Deny,
    /// Refused since no decision was possible.
    Undecided,
}

/// Milliseconds spent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Timings {
    /// Resolving the image.
    pub resolve_ms: f64,
    /// Fetching and examining signatures.
    pub evidence_ms: f64,
    /// Everything.
    pub total_ms: f64,
}

/// Where decisions are written.
pub enum DecisionLog {
    /// Nowhere.
    Off,
    /// As lines.
    Lines(Mutex<Box<dyn Write + Send>>),
}

impl DecisionLog {
    /// Decisions as lines on this writer.
    #[must_use]
    pub fn lines(writer: Box<dyn Write + Send>) -> Self {
        Self::Lines(Mutex::new(writer))
    }

    pub(crate) fn write(&self, decision: &Decision<'_>) {
        let Self::Lines(writer) = self else { return };
        let mut line = serde_json::to_vec(decision).expect("a decision is text, numbers and lists");
        line.push(b'\n');
        let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = writer.write_all(&line).and_then(|()| writer.flush()) {
            tracing::error!(%error, "the decision log cannot be written");
        }
    }
}
