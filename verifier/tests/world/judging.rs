//! What the judge says of one signature or attestation, and why not.

use std::collections::BTreeMap;

use oci::Digest;
use serde_json::Value;
use verifier::{
    Evidence, Fault, Found, LogFault, Place, SetAside, Source, TimestampFault, TrustRoot, UntrustedSignature,
    VerifiedAttestation, VerifiedSignature, examine,
};

use super::{Layer, NOW, image, time};

pub(crate) fn judge(bundle: &Value, trust: &TrustRoot) -> Result<VerifiedSignature, Fault> {
    only(UntrustedSignature::bundle(place(), bundle.to_string().into_bytes()), trust)
}

pub(crate) fn judge_layer(
    payload: &[u8],
    annotations: BTreeMap<String, String>,
    trust: &TrustRoot,
) -> Result<VerifiedSignature, Fault> {
    only(UntrustedSignature::layer(place(), payload.to_vec(), annotations), trust)
}

pub(crate) fn place() -> Place {
    Place { source: Source::Referrers, manifest: Digest::of(b"manifest").into(), index: 0 }
}

fn only(signature: UntrustedSignature, trust: &TrustRoot) -> Result<VerifiedSignature, Fault> {
    let evidence = evidence(signature, trust);
    match (evidence.verified(), evidence.attestations(), evidence.refused()) {
        ([good], [], []) => Ok(good.clone()),
        ([], [], [refused]) => Err(refused.fault.clone()),
        other => panic!("one signature, {other:?}"),
    }
}

pub(crate) fn evidence(signature: UntrustedSignature, trust: &TrustRoot) -> Evidence {
    let found = Found { signatures: vec![signature], gaps: vec![] };
    examine(&image(), found, trust, time(NOW))
}

/// What one attestation comes to, in a bundle.
pub(crate) fn attested(bundle: &Value, trust: &TrustRoot) -> Result<VerifiedAttestation, Fault> {
    only_attestation(UntrustedSignature::bundle(place(), bundle.to_string().into_bytes()), trust)
}

/// What one attestation comes to, as a layer.
pub(crate) fn attested_layer((bytes, annotations): Layer, trust: &TrustRoot) -> Result<VerifiedAttestation, Fault> {
    only_attestation(UntrustedSignature::envelope(place(), bytes, annotations), trust)
}

fn only_attestation(signature: UntrustedSignature, trust: &TrustRoot) -> Result<VerifiedAttestation, Fault> {
    let evidence = evidence(signature, trust);
    match (evidence.verified(), evidence.attestations(), evidence.refused()) {
        ([], [good], []) => Ok(good.clone()),
        ([], [], [refused]) => Err(refused.fault.clone()),
        other => panic!("one attestation, {other:?}"),
    }
}

/// Why no log entry counted.
pub(crate) fn log_fault(fault: Fault) -> LogFault {
    match fault {
        Fault::NoLogEntry { set_aside } => match set_aside.as_slice() {
            [SetAside::LogEntry { why, .. }] => why.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other}"),
    }
}

/// Why no timestamp counted.
pub(crate) fn stamp_fault(fault: Fault) -> TimestampFault {
    match fault {
        Fault::NoTime { set_aside } | Fault::NoTimestamp { set_aside } => match set_aside.as_slice() {
            [SetAside::Timestamp { why, .. }] => why.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other}"),
    }
}
