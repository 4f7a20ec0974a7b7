//! What `verify` says on standard error: cosign's summary, who signed and when, and what does not count.

use serde_json::Value;
use verifier::{Evidence, VerifiedSignature};

use super::super::vouched;
use crate::{flags::expected::Expected, output};

/// What was found, parted by whether it counts.
pub(super) struct Findings<'a> {
    pub(super) evidence: &'a Evidence,
    /// Genuine, from whom it should be, with the annotations that it should have.
    pub(super) good: Vec<&'a VerifiedSignature>,
    /// Genuine, and not what is wanted: why.
    pub(super) other: Vec<String>,
}

impl<'a> Findings<'a> {
    pub(super) fn part(evidence: &'a Evidence, expected: &Expected, wanted: &[(&str, &str)]) -> Self {
        let mut findings = Self { evidence, good: Vec::new(), other: Vec::new() };
        for signature in evidence.verified() {
            match (expected.accepts(signature.signer()), signature.has_annotations(wanted.iter().copied())) {
                (true, true) => findings.good.push(signature),
                (true, false) => findings.other.push(wrong_annotations(signature, wanted)),
                (false, _) => {
                    findings.other.push(format!("{}: {}", signature.place(), expected.difference(signature.signer())));
                }
            }
        }
        findings
    }

    /// The summary, and what else was found.
    pub(super) fn success(&self, typed: &str, annotations: bool) {
        let good: Vec<_> = self.good.iter().map(|one| (one.signer(), one.proofs())).collect();
        vouched::summary(typed, annotations, &good).into_iter().for_each(output::note);
        for signature in &self.good {
            vouched::lines(signature.signer(), signature.proofs()).into_iter().for_each(output::note);
            for carried in signature.unexamined() {
                output::note(format_args!("not examined: {carried} of {}", signature.place()));
            }
        }
        let attestations = self.evidence.attestations();
        let refused = self.other.len() + self.evidence.refused().len() + attestations.len();
        if refused > 0 {
            output::note(format_args!("{refused} further found, not counted:"));
        }
        self.other.iter().for_each(|why| output::note(format_args!("  - {why}")));
        attestations.iter().for_each(|one| output::note(format_args!("  - {one}, which is not a signature")));
        for refused in self.evidence.refused() {
            output::note(format_args!("  - {refused}"));
        }
        for gap in self.evidence.gaps() {
            output::warn(format_args!("could not look at {gap}"));
        }
    }
}

/// Which annotations a genuine signature lacks.
fn wrong_annotations(signature: &VerifiedSignature, wanted: &[(&str, &str)]) -> String {
    let lacks: Vec<String> = wanted
        .iter()
        .filter(|wanted| !signature.has_annotations([**wanted]))
        .map(|(key, value)| match signature.claim().annotations.get(*key) {
            None => format!("{key} is missing, wanted {value}"),
            Some(found) => format!("{key} is {}, wanted {value}", short(found)),
        })
        .collect();
    format!("{}: missing or incorrect annotation: {}", signature.place(), lacks.join("; "))
}

fn short(value: &Value) -> String {
    value.to_string().chars().take(60).collect()
}
