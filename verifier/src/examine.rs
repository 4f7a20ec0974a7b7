//! The examination: each signature by itself, in fixed steps, the signature before what it says.

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use oci::{Digest, PinnedRef, excerpt, location, media_type, simple_signing, simple_signing::Payload};
use rustls_pki_types::UnixTime;
use serde_json::{Map, Value};

use crate::{
    CertificateError, Claim, Evidence, Fault, FieldError, Format, Found, Refused, SIGN_PREDICATE, Signer, Statement,
    StatementError, TimestampFault, TrustRoot, UntrustedSignature, VerifiedSignature,
    bundle::{Bundle, BundleSigner, Content, Envelope, Versions, certificates},
    certificate::Certificate,
    fields::Fields,
    log_entry::LogEntry,
    maker::{Candidate, Maker},
    proofs::{Carried, Proofs},
    signed::Message,
    untrusted::Body,
};

/// Examines every signature found for `image` and says of each whether it counts, and if not, why.
///
/// One bad signature never hides a good one. Gaps are passed on: what they hide stays unknown.
#[must_use]
pub fn examine(image: &PinnedRef, found: Found, trust: &TrustRoot, now: UnixTime) -> Evidence {
    let (mut verified, mut refused) = (Vec::new(), Vec::new());
    for UntrustedSignature { place, body } in found.signatures {
        match judge(image, body, trust, now) {
            Ok((signer, format, claim, proofs)) => {
                verified.push(VerifiedSignature { signer, format, claim, place, proofs });
            }
            Err(fault) => refused.push(Refused { place, fault }),
        }
    }
    refused.sort_by_key(|refused| refused.fault.rank());
    Evidence { image: image.clone(), verified, refused, gaps: found.gaps, examined_at: now }
}

fn judge(image: &PinnedRef, found: Body, trust: &TrustRoot, now: UnixTime) -> Result<Judged, Fault> {
    match found {
        Body::Layer { payload, annotations } => layer(image, &payload, &annotations, trust, now),
        Body::Bundle(bytes) => bundle(image, bytes, trust, now),
        Body::Unreadable(why) => Err(Fault::Unreadable { why }),
    }
}

type Judged = (Signer, Format, Claim, Proofs);

/// cosign's signature specification, "Verification": signature over the payload's bytes, then the payload.
fn layer(
    image: &PinnedRef,
    payload: &[u8],
    annotations: &BTreeMap<String, String>,
    trust: &TrustRoot,
    now: UnixTime,
) -> Result<Judged, Fault> {
    // 1. the signature over the payload, by a trusted key or under a trusted authority, with what is demanded
    let text = annotation(annotations, location::SIGNATURE_ANNOTATION).ok_or(Fault::NoSignature)?;
    let signature = BASE64_STANDARD.decode(text).map_err(|_| Fault::Encoding)?;
    let candidate = Candidate {
        message: Message::Bytes(payload),
        payload: None,
        signature: &signature,
        carried: carried(annotations),
    };
    let certificate = || layer_certificates(annotations);
    let maker = match annotation(annotations, location::CERTIFICATE_ANNOTATION) {
        Some(_) => Maker::Either(&certificate),
        None => Maker::Key,
    };
    let (signer, proofs) = candidate.judge(maker, trust, now)?;
    // 2. the payload is an image signature
    let payload = Payload::parse(payload)?;
    // 3. over this image
    if payload.digest != *image.digest() {
        return Err(Fault::WrongDigest { named: payload.digest, image: *image.digest() });
    }
    let claim = Claim {
        docker_reference: Some(payload.docker_reference),
        annotations: payload.optional,
        kind: simple_signing::IMAGE_SIGNATURE,
    };
    Ok((signer, Format::Legacy, claim, proofs))
}

/// An annotation that says something.
fn annotation<'a>(annotations: &'a BTreeMap<String, String>, name: &str) -> Option<&'a str> {
    annotations.get(name).map(String::as_str).filter(|text| !text.trim().is_empty())
}

/// The one certificate of a layer, and its chain. cosign stores roots there as well, which prove nothing.
fn layer_certificates(
    annotations: &BTreeMap<String, String>,
) -> Result<(Certificate, Vec<Certificate>), CertificateError> {
    let leaf = annotation(annotations, location::CERTIFICATE_ANNOTATION).ok_or(CertificateError::Absent)?;
    let mut leaf = Certificate::parse_pem(leaf)?;
    if leaf.len() > 1 {
        return Err(CertificateError::TooMany { found: leaf.len(), most: 1 });
    }
    let leaf = leaf.pop().filter(|leaf| !leaf.is_self_issued()).ok_or(CertificateError::Root)?;
    let chain = annotation(annotations, CHAIN_ANNOTATION).map(Certificate::parse_pem).transpose()?;
    let others = chain.unwrap_or_default().into_iter().filter(|one| !one.is_self_issued() && *one != leaf).collect();
    Ok((leaf, others))
}

fn carried(annotations: &BTreeMap<String, String>) -> Carried {
    let entry = annotation(annotations, location::BUNDLE_ANNOTATION).map(LogEntry::parse_annotation);
    let timestamp = annotation(annotations, location::TIMESTAMP_ANNOTATION).map(timestamp);
    Carried { log_entries: entry.into_iter().collect(), timestamps: timestamp.into_iter().collect() }
}

/// `{"SignedRFC3161Timestamp": …}`
fn timestamp(text: &str) -> Result<Vec<u8>, TimestampFault> {
    let value = oci::json::parse(text.as_bytes()).map_err(|_| TimestampFault::Malformed)?;
    let fields = Fields::of(&value, "a timestamp", &["SignedRFC3161Timestamp"])?;
    Ok::<_, FieldError>(fields.base64("SignedRFC3161Timestamp")?).map_err(Into::into)
}

/// The Sigstore client specification, "Verification": envelope signature and its evidence, then the statement.
fn bundle(image: &PinnedRef, bytes: Vec<u8>, trust: &TrustRoot, now: UnixTime) -> Result<Judged, Fault> {
    let bundle = Bundle::parse(bytes, Versions::Registry)?;
    let Content::Envelope(envelope) = &bundle.content else {
        return Err(crate::BundleError::MessageSignature.into());
    };
    // 1. the signature over the envelope, by a trusted key or under a trusted authority, with what is demanded
    let carried = Carried { log_entries: bundle.log_entries, timestamps: bundle.timestamps };
    let (signer, proofs) = judge_envelope(envelope, &bundle.signer, carried, trust, now)?;
    // 2. the payload is a statement, and the statement a signature
    let statement = statement(envelope)?;
    if statement.predicate_type != SIGN_PREDICATE {
        return Err(Fault::Attestation { predicate_type: excerpt(&statement.predicate_type, 200) });
    }
    // 3. over this image
    let annotations = subject(&statement, image.digest())?.clone();
    let claim = Claim { docker_reference: None, annotations, kind: SIGN_PREDICATE };
    Ok((signer, Format::Bundle, claim, proofs))
}

pub(crate) fn judge_envelope(
    envelope: &Envelope,
    signer: &BundleSigner,
    carried: Carried,
    trust: &TrustRoot,
    now: UnixTime,
) -> Result<(Signer, Proofs), Fault> {
    let (pae, payload) = (envelope.pae(), Some(envelope.payload.as_slice()));
    let candidate = Candidate { message: Message::Bytes(&pae), payload, signature: &envelope.signature, carried };
    judge_bundled(candidate, signer, trust, now)
}

pub(crate) fn judge_bundled(
    candidate: Candidate<'_>,
    signer: &BundleSigner,
    trust: &TrustRoot,
    now: UnixTime,
) -> Result<(Signer, Proofs), Fault> {
    match signer {
        BundleSigner::Key => candidate.judge(Maker::Key, trust, now),
        BundleSigner::Certificate { leaf, others } => {
            candidate.judge(Maker::Certificate(&|| certificates(leaf, others)), trust, now)
        }
    }
}

/// The statement in an envelope.
pub(crate) fn statement(envelope: &Envelope) -> Result<Statement, Fault> {
    if envelope.payload_type != media_type::IN_TOTO {
        return Err(StatementError::Type.into());
    }
    Ok(Statement::parse(&envelope.payload)?)
}

/// What the statement notes about the subject with this digest.
pub(crate) fn subject<'a>(statement: &'a Statement, digest: &Digest) -> Result<&'a Map<String, Value>, Fault> {
    let about = statement.subjects.iter().find(|(subject, _)| subject == digest);
    about.map(|(_, annotations)| annotations).ok_or_else(|| {
        let named: Vec<String> = statement.subjects.iter().take(3).map(|(digest, _)| digest.to_string()).collect();
        let named = if named.is_empty() { "nothing with a sha256 digest".to_owned() } else { named.join(", ") };
        Fault::OtherSubject { named, image: *digest }
    })
}

/// cosign's certificates between the signer's and a root, in PEM.
const CHAIN_ANNOTATION: &str = "dev.sigstore.cosign/chain";
