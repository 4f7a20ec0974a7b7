//! From findings to the answer that the API server gets: one place where images become an admission or a refusal.
//!
//! An object is admitted if every image in it is, and there is at least one. The wording of a refusal follows
//! policy-controller's, since people and scripts know it: items joined by line breaks, each a headline with the
//! places it holds for, then lines of explanation.

use std::collections::BTreeMap;

use policy::Reprieve;
use serde::Serialize;

use crate::{
    finding::{Admitted, Finding, Ground, Hook, Outcome, Remarks},
    metrics::Ending,
    scope::Unjudged,
    words,
};

/// What the API server gets to hear about one object.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// None: admitted.
    pub(crate) refusal: Option<Refusal>,
    pub(crate) patch: Vec<Replace>,
    pub(crate) warnings: Vec<String>,
    /// The API server writes each key behind the webhook's name and a slash.
    pub(crate) audit: BTreeMap<&'static str, String>,
    /// Whether the images were looked at.
    pub(crate) judged: bool,
}

/// A refusal, as a Kubernetes status has it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) cause: Cause,
    pub(crate) message: String,
}

/// Whose fault a refusal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The request's: its images are refused.
    Denied,
    /// The request's: it cannot be read.
    Malformed,
    /// Somebody's, perhaps for a short time: trying again may help.
    Undecided,
    /// Ours.
    Broken,
}

/// One operation of a JSON patch.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "op", rename = "replace")]
pub(crate) struct Replace {
    pub(crate) path: String,
    pub(crate) value: String,
}

impl Answer {
    /// The answer for an object whose images were all looked at.
    pub(crate) fn of(hook: Hook, findings: &[Finding]) -> Self {
        let mut answer = Self { audit: audit(findings), judged: true, ..Self::default() };
        let mut items = Items::default();
        for finding in findings {
            match finding.at(hook) {
                Ok(admitted) => answer.admit(finding, admitted),
                Err(grounds) => items.add(finding, grounds),
            }
        }
        answer.refusal = refusal(findings, &items);
        answer.finish()
    }

    /// The answer for an object that brings no new image.
    pub(crate) fn unjudged(why: Unjudged) -> Self {
        Self { audit: BTreeMap::from([("decision", format!("unjudged: {}", why.as_str()))]), ..Self::default() }
    }

    /// A refusal without a look at any image.
    pub(crate) fn refused(cause: Cause, message: String) -> Self {
        Self { refusal: Some(Refusal { cause, message }), ..Self::default() }.finish()
    }

    /// What to count it as.
    pub(crate) fn ending(&self) -> Ending {
        match &self.refusal {
            Some(refusal) => refusal.cause.ending(),
            None if self.judged => Ending::Allowed,
            None => Ending::Unjudged,
        }
    }

    fn admit(&mut self, finding: &Finding, admitted: Admitted) {
        let path = finding.used.pointer.clone();
        self.patch.extend(admitted.replacement.map(|value| Replace { path, value }));
        self.warnings.extend(admitted.warnings);
    }

    /// A refusal changes nothing; what remains is bounded as Kubernetes bounds it.
    fn finish(mut self) -> Self {
        self.audit.insert("decision", self.ending().as_str().to_owned());
        if self.refusal.is_some() {
            self.patch.clear();
        }
        self.warnings = bounded(&self.warnings);
        self
    }
}

impl Cause {
    /// The HTTP code and the reason of a Kubernetes status.
    pub(crate) fn code(self) -> (u16, &'static str) {
        match self {
            Self::Denied | Self::Malformed => (400, "BadRequest"),
            Self::Undecided => (503, "ServiceUnavailable"),
            Self::Broken => (500, "InternalError"),
        }
    }

    fn ending(self) -> Ending {
        match self {
            Self::Denied => Ending::Denied,
            Self::Malformed => Ending::Malformed,
            Self::Undecided => Ending::Undecided,
            Self::Broken => Ending::Failed,
        }
    }
}

/// Why images are refused: headlines with their details, in the order of the images, each with the places it holds for.
#[derive(Default)]
struct Items {
    listed: Vec<(Ground, Vec<String>)>,
    /// Whether trying again cannot help, since at least one image was decided about.
    decided: bool,
}

impl Items {
    fn add(&mut self, finding: &Finding, grounds: Vec<Ground>) {
        self.decided |= !matches!(finding.outcome, Outcome::Undecided(_));
        for ground in grounds {
            let path = &finding.used.path;
            match self.listed.iter_mut().find(|(known, _)| *known == ground) {
                Some((_, paths)) if paths.contains(path) => {}
                Some((_, paths)) => paths.push(path.clone()),
                None => self.listed.push((ground, vec![path.clone()])),
            }
        }
    }

    fn text(&self) -> String {
        let item = |(ground, paths): &(Ground, Vec<String>)| {
            let first = format!("{}: {}", words::line(&ground.headline), paths.join(", "));
            let details = ground.details.iter().map(|d| words::line(d));
            std::iter::once(first).chain(details).collect::<Vec<_>>().join("\n")
        };
        self.listed.iter().map(item).collect::<Vec<_>>().join("\n")
    }
}

/// None only if there are findings and every one of them was admitted.
fn refusal(findings: &[Finding], items: &Items) -> Option<Refusal> {
    if findings.is_empty() {
        return Some(Refusal { cause: Cause::Broken, message: "no image was judged".to_owned() });
    }
    if items.listed.is_empty() {
        return None;
    }
    let cause = if items.decided { Cause::Denied } else { Cause::Undecided };
    let mut message = format!("validation failed: {}", items.text());
    if let Some((cut, _)) = message.char_indices().nth(MOST_MESSAGE) {
        message.truncate(cut);
        message.push('…');
    }
    Some(Refusal { cause, message })
}

/// Which images were looked at, and as what.
fn audit(findings: &[Finding]) -> BTreeMap<&'static str, String> {
    let image = |finding: &Finding| match &finding.outcome {
        Outcome::Allowed(allowed) => allowed.pinned.as_ref().map_or_else(|| finding.image(), ToString::to_string),
        _ => finding.image(),
    };
    let mut images: Vec<String> = findings.iter().map(image).collect();
    images.dedup();
    let mut audit = BTreeMap::from([("images", words::cut(&images.join(", "), MOST_AUDIT))]);
    let remarks = findings.iter().filter_map(|finding| match &finding.outcome {
        Outcome::Allowed(allowed) => Some((finding.image(), &allowed.remarks)),
        _ => None,
    });
    for (image, Remarks { reprieves, audited }) in remarks {
        for one in reprieves {
            let Reprieve { policy, kind, until, reason } = one;
            append(&mut audit, "reprieves", &format!("{image}: {} of {policy} until {until}: {reason}", kind.name()));
        }
        audited.iter().for_each(|why| append(&mut audit, "audited", &format!("{image}: {why}")));
    }
    audit
}

/// Each thing once, as far as there is room.
fn append(audit: &mut BTreeMap<&'static str, String>, key: &'static str, text: &str) {
    let text = words::squeezed(text, MOST_REMARK);
    let so_far = audit.entry(key).or_default();
    if so_far.is_empty() {
        *so_far = text;
    } else if !so_far.split("; ").any(|other| other == text) && so_far.len() + text.len() < MOST_AUDIT {
        so_far.push_str("; ");
        so_far.push_str(&text);
    }
}

/// Each warning once, cut where the API server would cut it, and no more than it would pass on.
fn bounded(warnings: &[String]) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    let mut room = MOST_WARNINGS;
    for warning in warnings.iter().map(|w| words::squeezed(w, MOST_WARNING)) {
        let length = warning.chars().count();
        if length <= room && !kept.contains(&warning) {
            room -= length;
            kept.push(warning);
        }
    }
    kept
}

const MOST_MESSAGE: usize = 8000;
const MOST_AUDIT: usize = 1000;
const MOST_REMARK: usize = 400;
/// Kubernetes cuts a warning at 256 characters, and all of them together at 4096.
const MOST_WARNING: usize = 256;
const MOST_WARNINGS: usize = 4096;

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
