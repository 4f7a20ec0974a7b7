//! What `verify` says on standard error: cosign's summary, who signed and when, and what does not count.

use serde_json::Value;
use verifier::{Evidence, Signer, VerifiedSignature};

use super::{
    expected::Expected,
    objects::{at, clock},
};
use crate::output;

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
            match (expected.accepts(signature), signature.has_annotations(wanted.iter().copied())) {
                (true, true) => findings.good.push(signature),
                (true, false) => findings.other.push(wrong_annotations(signature, wanted)),
                (false, _) => {
                    findings.other.push(format!("{}: {}", signature.place(), expected.difference(signature)));
                }
            }
        }
        findings
    }

    /// The summary, and what else was found.
    pub(super) fn success(&self, typed: &str, annotations: bool) {
        output::note(format_args!(
            "\nVerification for {typed} --\nThe following checks were performed on each of these signatures:"
        ));
        self.checks(annotations).into_iter().for_each(|check| output::note(format_args!("  - {check}")));
        for signature in &self.good {
            vouched(signature);
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

    /// In cosign's words, and only what was checked of every signature that counts.
    fn checks(&self, annotations: bool) -> Vec<&'static str> {
        let all = |has: fn(&VerifiedSignature) -> bool| self.good.iter().all(|signature| has(signature));
        let checks = [
            (annotations, "The specified annotations were verified."),
            (true, "The cosign claims were validated"),
            (
                all(|signature| !signature.proofs().log_entries().is_empty()),
                "Existence of the claims in the transparency log was verified offline",
            ),
            (
                all(|signature| matches!(signature.signer(), Signer::Key(_))),
                "The signatures were verified against the specified public key",
            ),
            (
                all(|signature| matches!(signature.signer(), Signer::Identity(_))),
                "The code-signing certificate was verified using trusted certificate authority certificates",
            ),
        ];
        checks.into_iter().filter(|(performed, _)| *performed).map(|(_, check)| check).collect()
    }
}

/// Who signed, which clocks say when, and which logs hold it.
fn vouched(signature: &VerifiedSignature) {
    let proofs = signature.proofs();
    output::note(format_args!("Signed by {}:", signature.signer()));
    if proofs.times().is_empty() {
        output::note("  - at a time that nobody who is trusted vouches for");
    }
    for time in proofs.times() {
        output::note(format_args!("  - at {} at the latest, by {}", at(time), clock(time, proofs)));
    }
    for entry in proofs.log_entries() {
        let held = if entry.included { "included in" } else { "promised to be in" };
        output::note(format_args!("  - {held} log {} at index {}", entry.log, entry.index));
    }
    for aside in proofs.set_aside() {
        output::note(format_args!("  - counts for nothing: {aside}"));
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
