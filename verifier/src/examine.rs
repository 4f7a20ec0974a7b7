//! The examination: each signature by itself, in fixed steps, the signature before what it says.
//!
//! A genuine statement is a signature by its own words, and an attestation otherwise. What a registry calls it, and
//! where it lay, decides nothing: an envelope of an `.att` tag may hold a signature, a bundle an attestation.

use oci::{Digest, PinnedRef, media_type};
use rustls_pki_types::UnixTime;
use serde_json::{Map, Value};

use crate::{
    Claim, Envelope, Evidence, Fault, Format, Found, Place, Proofs, Refused, SIGN_PREDICATE, Signer, Statement,
    StatementError, TrustRoot, UntrustedSignature, VerifiedAttestation, VerifiedSignature,
    bundle::{Bundle, BundleSigner, Chains, Content, Versions, certificates},
    identity::Names,
    legacy,
    maker::{Candidate, Maker},
    proofs::Carried,
    signed::Message,
    untrusted::Body,
};

/// Examines every signature and attestation found for `image` and says of each whether it counts, and if not, why.
///
/// One bad signature never hides a good one. Gaps are passed on: what they hide stays unknown.
#[must_use]
pub fn examine(image: &PinnedRef, found: Found, trust: &TrustRoot, now: UnixTime) -> Evidence {
    let (mut verified, mut attestations, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for UntrustedSignature { place, body } in found.signatures {
        match judge((image, &place), body, trust, now) {
            Ok(Judged::Signature(signature)) => verified.push(signature),
            Ok(Judged::Attestation(attestation)) => attestations.push(attestation),
            Err(fault) => refused.push(Refused { place, fault }),
        }
    }
    refused.sort_by_key(|refused| refused.fault.rank());
    Evidence { image: image.clone(), verified, attestations, refused, gaps: found.gaps, examined_at: now }
}

/// What was found genuine.
pub(crate) enum Judged {
    Signature(VerifiedSignature),
    Attestation(VerifiedAttestation),
}

/// The image that is examined, and where what is judged was found.
type About<'a> = (&'a PinnedRef, &'a Place);

fn judge(about: About<'_>, found: Body, trust: &TrustRoot, now: UnixTime) -> Result<Judged, Fault> {
    match found {
        Body::Layer { payload, annotations } => legacy::payload(about, &payload, &annotations, trust, now),
        Body::Envelope { bytes, annotations } => legacy::envelope(about, &bytes, &annotations, trust, now),
        Body::Bundle(bytes) => bundle(about, bytes, trust, now),
        Body::Unreadable(why) => Err(Fault::Unreadable { why }),
    }
}

/// The Sigstore client specification, "Verification": envelope signature and its evidence, then the statement.
fn bundle(about: About<'_>, bytes: Vec<u8>, trust: &TrustRoot, now: UnixTime) -> Result<Judged, Fault> {
    let stored = Digest::of(&bytes);
    let Bundle { content, signer, log_entries, timestamps } =
        Bundle::parse(bytes, Versions::Registry, Chains::under(trust))?;
    let Content::Envelope(envelope) = content else {
        return Err(crate::BundleError::MessageSignature.into());
    };
    // 1. the signature over the envelope, by a trusted key or under a trusted authority, with what is demanded
    let by = judge_envelope(&envelope, &signer, Carried { log_entries, timestamps }, trust, now)?;
    // 2. what it says
    stated(about, (Format::Bundle, stored), envelope, by)
}

/// What a genuine envelope says: a statement about this image, be it a signature or an attestation. `stored` is the digest
/// of what holds the envelope.
pub(crate) fn stated(
    (image, place): About<'_>,
    (format, stored): (Format, Digest),
    envelope: Envelope,
    (signer, proofs): (Signer, Proofs),
) -> Result<Judged, Fault> {
    let statement = statement(&envelope)?;
    let annotations = subject(&statement, image.digest())?.clone();
    let place = place.clone();
    if statement.predicate_type == SIGN_PREDICATE {
        let claim = Claim { docker_reference: None, annotations, kind: SIGN_PREDICATE };
        return Ok(Judged::Signature(VerifiedSignature { signer, format, claim, place, proofs }));
    }
    let predicate_type = statement.predicate_type;
    Ok(Judged::Attestation(VerifiedAttestation {
        signer,
        format,
        predicate_type,
        annotations,
        envelope,
        stored,
        place,
        proofs,
    }))
}

pub(crate) fn judge_envelope(
    envelope: &Envelope,
    signer: &BundleSigner,
    carried: Carried,
    trust: &TrustRoot,
    now: UnixTime,
) -> Result<(Signer, Proofs), Fault> {
    let (pae, payload) = (envelope.pae(), Some(envelope.payload.as_slice()));
    let (message, signature) = (Message::Bytes(&pae), envelope.signature.as_slice());
    let candidate = Candidate { message, payload, signature, stored: None, carried, names: Names::One };
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
