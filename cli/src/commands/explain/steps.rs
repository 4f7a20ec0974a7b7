//! How far the examination of a piece got, step by step.
//!
//! Of a piece that does not count, only the steps that its fault proves to be passed are called so.

use std::fmt;

use oci::{Digest, excerpt};
use verifier::{
    ClaimedSigner, Demands, Evidence, Fault, Hearsay, Place, Proofs, Signer, VerifiedAttestation, VerifiedSignature,
};

use super::super::vouched;
use crate::flags::expected::Expected;

/// What came of examining a piece.
pub(super) enum Judged {
    Signature(VerifiedSignature),
    Attestation(VerifiedAttestation),
    Refused(Fault),
}

/// A step, in the order in which people think of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    Read,
    Signature,
    LogEntry,
    Time,
    Certificate,
    CertificateLog,
    Timestamp,
    Claims,
    Signer,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Passed,
    Failed,
    NotAsked,
    NotJudged,
}

/// A step with its end.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) step: Name,
    pub(super) ended: Ended,
    pub(super) detail: String,
}

impl Judged {
    pub(super) fn of(place: &Place, evidence: &Evidence) -> Self {
        let signature = evidence.verified().iter().find(|one| one.place() == place);
        let attestation = evidence.attestations().iter().find(|one| one.place() == place);
        match (signature, attestation) {
            (Some(signature), _) => Self::Signature(signature.clone()),
            (None, Some(attestation)) => Self::Attestation(attestation.clone()),
            (None, None) => {
                let refused = evidence.refused().iter().find(|one| one.place == *place);
                Self::Refused(refused.map_or(Fault::NoSignature, |one| one.fault.clone()))
            }
        }
    }

    /// Who made it, if it is genuine.
    pub(super) fn signer(&self) -> Option<(&Signer, &Proofs)> {
        match self {
            Self::Signature(one) => Some((one.signer(), one.proofs())),
            Self::Attestation(one) => Some((one.signer(), one.proofs())),
            Self::Refused(_) => None,
        }
    }

    pub(super) fn steps(&self, demands: Demands, says: &Hearsay, expected: Option<&Expected>) -> Vec<Step> {
        match self {
            Self::Refused(fault) => until(fault, demands, is_by_certificate(says)),
            Self::Signature(one) => {
                let claims = format!("a signature of this image, as `{}`", one.claim().kind);
                genuine(one.signer(), one.proofs(), claims, expected)
            }
            Self::Attestation(one) => {
                let kind = excerpt(one.predicate_type(), MAX_TEXT);
                let claims = format!("an attestation about this image, of type `{kind}`; it is not a signature");
                genuine(one.signer(), one.proofs(), claims, expected)
            }
        }
    }
}

/// The steps of a piece that is genuine.
fn genuine(signer: &Signer, proofs: &Proofs, claims: String, expected: Option<&Expected>) -> Vec<Step> {
    let named = matches!(signer, Signer::Identity(_));
    let listed = |list: Vec<String>| match list.is_empty() {
        true => (Ended::NotAsked, "none that counts".to_owned()),
        false => (Ended::Passed, list.join("; ")),
    };
    let step = |step, (ended, detail)| Step { step, ended, detail };
    let times = proofs.times().into_iter().map(|time| format!("at {} at the latest", vouched::at(time.at)));
    let held = |included| if included { "included in" } else { "promised to be in" };
    let entries = proofs.log_entries().iter().map(|one| format!("{} log {}", held(one.included), one.log));
    let stamps = proofs.timestamps().iter().map(|one| format!("{} by {}", vouched::at(one.at), one.authority));
    let authority = proofs.authority().map(Digest::to_string).unwrap_or_default();
    let mut steps = vec![
        step(Name::Read, (Ended::Passed, String::new())),
        step(Name::Signature, (Ended::Passed, format!("by {signer}"))),
        step(Name::LogEntry, listed(entries.collect())),
        step(Name::Time, listed(times.collect())),
        step(Name::Timestamp, listed(stamps.collect())),
        step(Name::Claims, (Ended::Passed, claims)),
        step(Name::Signer, by(signer, expected)),
    ];
    if named {
        let logs = proofs
            .certificate_logs()
            .iter()
            .map(|log| format!("seen by log {} at {}", log.key, vouched::at(log.at)))
            .collect();
        steps.insert(4, step(Name::Certificate, (Ended::Passed, format!("issued under {authority}"))));
        steps.insert(5, step(Name::CertificateLog, listed(logs)));
    }
    steps
}

fn by(signer: &Signer, expected: Option<&Expected>) -> (Ended, String) {
    match expected {
        None => (Ended::NotAsked, "nobody was named who is to have signed".to_owned()),
        Some(expected) if expected.accepts(signer) => (Ended::Passed, "who was to have signed".to_owned()),
        Some(expected) => (Ended::Failed, expected.difference(signer)),
    }
}

/// The steps of a piece with a fault.
fn until(fault: &Fault, demands: Demands, by_certificate: bool) -> Vec<Step> {
    let (failed, passed) = stop(fault);
    let asked = |name| match name {
        Name::LogEntry => demands.log_entry,
        Name::CertificateLog => demands.certificate_log,
        Name::Timestamp => demands.timestamp,
        Name::Time => by_certificate,
        _ => true,
    };
    let step = |step: Name| {
        let ended = match step {
            step if step == failed => Ended::Failed,
            step if !asked(step) => Ended::NotAsked,
            step if passed.contains(&step) => Ended::Passed,
            _ => Ended::NotJudged,
        };
        let detail = if ended == Ended::Failed { fault.to_string() } else { String::new() };
        Step { step, ended, detail }
    };
    let applies = |name: &Name| by_certificate || !matches!(name, Name::Certificate | Name::CertificateLog);
    ALL.into_iter().filter(applies).map(step).collect()
}

/// The step that a fault is of, and those that are passed for sure then.
fn stop(fault: &Fault) -> (Name, &'static [Name]) {
    use Name::{Certificate, CertificateLog, Claims, LogEntry, Read, Signature, Time, Timestamp};
    match fault {
        Fault::NoSignature | Fault::Encoding | Fault::Unreadable { .. } => (Read, &[]),
        Fault::Bundle(_) | Fault::Envelope(_) | Fault::Certificate(_) => (Read, &[]),
        Fault::NoTrustedKey { .. } | Fault::NoAuthority | Fault::NoCertificate => (Signature, &[Read]),
        Fault::NotByCertificate | Fault::NotByGivenCertificate => (Signature, &[Read]),
        Fault::NoLogEntry { .. } => (LogEntry, &[Read, Signature]),
        Fault::NoTime { .. } => (Time, &[Read, Signature, LogEntry]),
        Fault::Chain(_) => (Certificate, &[Read, Signature, Time]),
        Fault::NoCertificateLog { .. } => (CertificateLog, &[Read, Signature, Time, Certificate, LogEntry]),
        Fault::NoTimestamp { .. } => (Timestamp, &[Read, Signature, Time, Certificate, LogEntry, CertificateLog]),
        Fault::WrongDigest { .. } | Fault::OtherSubject { .. } | Fault::Payload(_) | Fault::Statement(_) => {
            (Claims, &ALL)
        }
        Fault::OtherArtifact { .. } | Fault::NeedsBytes { .. } => (Claims, &[Read]),
    }
}

/// By what it says of itself.
fn is_by_certificate(says: &Hearsay) -> bool {
    match says {
        Hearsay::Bundle(one) | Hearsay::Envelope(one) | Hearsay::Layer { annotations: one, .. } => {
            matches!(one.signer, ClaimedSigner::Certificate { .. })
        }
        Hearsay::Unreadable { .. } => false,
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Signature => "signature",
            Self::Time => "time",
            Self::Certificate => "certificate",
            Self::LogEntry => "log entry",
            Self::CertificateLog => "certificate log",
            Self::Timestamp => "timestamp",
            Self::Claims => "claims",
            Self::Signer => "signer",
        })
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::NotAsked => "not asked",
            Self::NotJudged => "not judged",
        })
    }
}

const ALL: [Name; 9] = [
    Name::Read,
    Name::Signature,
    Name::LogEntry,
    Name::Time,
    Name::Certificate,
    Name::CertificateLog,
    Name::Timestamp,
    Name::Claims,
    Name::Signer,
];
const MAX_TEXT: usize = 200;
