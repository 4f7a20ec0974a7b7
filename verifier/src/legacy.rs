//! cosign's legacy formats: layers whose annotations hold all but what was signed. Signatures are simple-signing
//! payloads (`.sig`), attestations DSSE envelopes (`.att`).

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use oci::{Digest, PinnedRef, location, simple_signing, simple_signing::Payload};
use rustls_pki_types::UnixTime;

use crate::{
    CertificateError, Claim, Envelope, Fault, FieldError, Format, Place, Proofs, Signer, TimestampFault, TrustRoot,
    VerifiedSignature,
    bundle::{Bundle, BundleSigner, Content},
    certificate::Certificate,
    examine::{Judged, stated},
    fields::Fields,
    identity::Names,
    log_entry::LogEntry,
    maker::{Candidate, Maker},
    proofs::Carried,
    signed::Message,
};

type Annotations = BTreeMap<String, String>;

/// cosign's signature specification, "Verification": signature over the payload's bytes, then the payload.
pub(crate) fn payload(
    (image, place): (&PinnedRef, &Place),
    bytes: &[u8],
    annotations: &Annotations,
    trust: &TrustRoot,
    now: UnixTime,
) -> Result<Judged, Fault> {
    // 1. the signature over the payload, by a trusted key or under a trusted authority, with what is demanded
    let signature = signature(annotations)?;
    let (message, carried) = (Message::Bytes(bytes), carried(annotations));
    let candidate =
        Candidate { message, payload: None, signature: &signature, stored: None, carried, names: Names::All };
    let (signer, proofs) = judge(candidate, annotations, trust, now)?;
    // 2. the payload is an image signature
    let payload = Payload::parse(bytes)?;
    // 3. over this image
    if payload.digest != *image.digest() {
        return Err(Fault::WrongDigest { named: payload.digest, image: *image.digest() });
    }
    let claim = Claim {
        docker_reference: Some(payload.docker_reference),
        annotations: payload.optional,
        kind: simple_signing::IMAGE_SIGNATURE,
    };
    let (format, place) = (Format::Legacy, place.clone());
    Ok(Judged::Signature(VerifiedSignature { signer, format, claim, place, proofs }))
}

/// An envelope as a layer. Its signature is in it, so the annotation that holds one elsewhere is not read.
pub(crate) fn envelope(
    about: (&PinnedRef, &Place),
    bytes: &[u8],
    annotations: &Annotations,
    trust: &TrustRoot,
    now: UnixTime,
) -> Result<Judged, Fault> {
    let envelope = Envelope::parse(bytes)?;
    let (pae, payload) = (envelope.pae(), Some(envelope.payload.as_slice()));
    let (message, signature) = (Message::Bytes(&pae), envelope.signature.as_slice());
    let (stored, carried) = (Some(bytes), carried(annotations));
    let candidate = Candidate { message, payload, signature, stored, carried, names: Names::All };
    let by = judge(candidate, annotations, trust, now)?;
    stated(about, (Format::Legacy, Digest::of(bytes)), envelope, by)
}

fn judge(
    candidate: Candidate<'_>,
    annotations: &Annotations,
    trust: &TrustRoot,
    now: UnixTime,
) -> Result<(Signer, Proofs), Fault> {
    let certificates = || certificates(annotations);
    let maker = match annotation(annotations, location::CERTIFICATE_ANNOTATION) {
        Some(_) => Maker::Either(&certificates),
        None => Maker::Key,
    };
    candidate.judge(maker, trust, now)
}

/// The signature over a payload.
pub(crate) fn signature(annotations: &Annotations) -> Result<Vec<u8>, Fault> {
    let text = annotation(annotations, location::SIGNATURE_ANNOTATION).ok_or(Fault::NoSignature)?;
    BASE64_STANDARD.decode(text).map_err(|_| Fault::Encoding)
}

/// The same in the form of a bundle, for people. A certificate that cannot be read stays what it is.
pub(crate) fn as_bundle(content: Content, annotations: &Annotations) -> Bundle {
    let signer = match (annotation(annotations, location::CERTIFICATE_ANNOTATION), certificates(annotations)) {
        (None, _) => BundleSigner::Key,
        (Some(text), Err(_)) => BundleSigner::Certificate { leaf: text.as_bytes().to_vec(), others: Vec::new() },
        (Some(_), Ok((leaf, others))) => {
            let others = others.iter().map(|one| one.der().to_vec()).collect();
            BundleSigner::Certificate { leaf: leaf.der().to_vec(), others }
        }
    };
    let Carried { log_entries, timestamps } = carried(annotations);
    Bundle { content, signer, log_entries, timestamps }
}

/// An annotation that says something.
fn annotation<'a>(annotations: &'a Annotations, name: &str) -> Option<&'a str> {
    annotations.get(name).map(String::as_str).filter(|text| !text.trim().is_empty())
}

/// The one certificate of a layer, and its chain. cosign stores roots there as well, which prove nothing.
fn certificates(annotations: &Annotations) -> Result<(Certificate, Vec<Certificate>), CertificateError> {
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

fn carried(annotations: &Annotations) -> Carried {
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

/// cosign's certificates between the signer's and a root, in PEM.
const CHAIN_ANNOTATION: &str = "dev.sigstore.cosign/chain";
